#!/usr/bin/env bash
# Build the sdist and run the fast suite on a newer Python, or on PyPy, from Debian unstable.
# Needs root and debootstrap; Python packages come from PyPI.
#
#   tools/newer.sh python3.14
#   tools/newer.sh python3.15 tests/streams/test_decoder.py     further arguments for pytest
#   tools/newer.sh pypy3
set -euo pipefail
cd "$(dirname "$0")/.."
# Run in a separate mount namespace, which disappears at exit.
[ "${1-}" = --mounted ] || exec unshare --mount tools/newer.sh --mounted "$@"
shift
python=$1
shift
root=$PWD/build/newer/sid

if [ ! -x "$root/usr/bin/$python" ]; then
    debootstrap --variant=minbase \
        --include=python3.14-venv,python3.14-dev,python3.15-venv,python3.15-dev,pypy3-venv,gcc,libc6-dev,openssl \
        sid "$root"
fi
cp -L /etc/resolv.conf "$root/etc/"
# Use this machine's certificate authorities. It may trust one that Debian does not.
certificates=/etc/ssl/certs/ca-certificates.crt
mkdir -p "$root/etc/ssl/certs"
cp -L "$certificates" "$root$certificates"

extensions=require
[ "$python" != pypy3 ] || extensions=off  # PyPy runs only the plain implementation.

# One folder for each Python, so that two can run at once; setuptools writes to the source tree, so one builds at a time.
project=/project/$python
rm -rf "${root:?}$project"
mkdir -p "$root$project"
flock "$root" python3 tools/build.py --sdist "$root$project"
tar -xf "$root$project"/*.tar.gz -C "$root$project" --strip-components=1
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"

env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CI=true PIP_CERT="$certificates" PIP_PREFER_BINARY=1 \
    PIP_ROOT_USER_ACTION=ignore MQTTCODEC_EXTENSIONS="$extensions" chroot "$root" bash -euc '
    cd "$1"
    "$2" -m venv .venv
    .venv/bin/python -m pip install -q ".[test]"
    .venv/bin/python -VV
    [ "$MQTTCODEC_EXTENSIONS" = off ] || .venv/bin/python tools/c_warnings.py
    .venv/bin/python -m pytest -q "${@:3}"' bash "$project" "$python" "$@"
