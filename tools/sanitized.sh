#!/usr/bin/env bash
# Run the suite on extensions built with the address and undefined behaviour sanitizers of gcc or clang; a report ends it.
#
#   tools/sanitized.sh                         the fast suite
#   CC=clang tools/sanitized.sh -k hostile     further arguments are pytest's
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=${CC:-gcc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

flags="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
link=
if [[ $compiler == clang* ]]; then
    flags="$flags -fno-sanitize=pointer-overflow"  # Cython adds 0 to a NULL where a call has no arguments.
    link=-shared-libasan
fi
"${PYTHON:-python3}" -m venv "$work/venv"
python=$work/venv/bin/python
cp -r . "$work/project"
cd "$work/project"
rm -rf build src/*.egg-info src/mqttcodec/*.c src/mqttcodec/*.so
MQTTCODEC_EXTENSIONS=off "$python" -m pip install -q '.[test]'
MQTTCODEC_EXTENSIONS=require CC=$compiler CFLAGS="$flags" LDFLAGS="$flags $link" \
    "$python" setup.py -q build_ext --debug --build-lib "$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

# The runtimes have to be there before the interpreter is; its own allocator would hide what lies outside of an object.
# What memory a test takes is not looked at: freed blocks are kept for a while, to be found when they are used.
if [[ $compiler == clang* ]]; then
    runtimes=$("$compiler" -print-file-name=libclang_rt.asan-"$(uname -m)".so)
else
    runtimes=$("$compiler" -print-file-name=libasan.so):$("$compiler" -print-file-name=libubsan.so)
fi
LD_PRELOAD=$runtimes PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
    UBSAN_OPTIONS=print_stacktrace=1 MQTTCODEC_EXTENSIONS=require \
    "$python" -m pytest -q -p no:cacheprovider --capture=sys --deselect tests/test_adversarial.py::test_a22_the_process_does_not_grow "$@"
