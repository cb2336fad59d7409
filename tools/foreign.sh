#!/usr/bin/env bash
# Build the sdist and run the fast suite on Debian of another architecture: i386 for 32 bits, s390x for big-endian.
# Needs root, debootstrap and, where the processor cannot run it, qemu-user-static; Python packages come from PyPI.
#
#   tools/foreign.sh i386
#   tools/foreign.sh s390x --full tests/hardening/test_memory.py     further arguments for pytest
set -euo pipefail
cd "$(dirname "$0")/.."
# Run in a separate mount namespace, which disappears at exit.
[ "${1-}" = --mounted ] || exec unshare --mount tools/foreign.sh --mounted "$@"
shift
architecture=$1
shift
root=$PWD/build/foreign/$architecture

if [ ! -x "$root/usr/bin/gcc" ]; then
    debootstrap --variant=minbase --arch="$architecture" --include=python3-venv,python3-dev,gcc,libc6-dev,openssl \
        bookworm "$root"
fi
cp -L /etc/resolv.conf "$root/etc/"

rm -rf "$root/project"
mkdir "$root/project"
python3 tools/build.py --sdist "$root/project"
tar -xf "$root"/project/*.tar.gz -C "$root/project" --strip-components=1
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"

env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root CI=true PIP_PREFER_BINARY=1 PIP_ROOT_USER_ACTION=ignore \
    MQTTCODEC_EXTENSIONS=require chroot "$root" bash -euc '
    cd /project
    python3 -m venv .venv
    .venv/bin/python -m pip install -q ".[test]"
    .venv/bin/python -c "import sys, platform; print(sys.version, platform.machine(), sys.maxsize, sys.byteorder)"
    .venv/bin/python tools/c_warnings.py
    .venv/bin/python -m pytest -q "$@"' bash "$@"
