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
mkdir "$work/project"
git ls-files -z | xargs -0 cp --parents -t "$work/project"
cd "$work/project"
MQTTCODEC_EXTENSIONS=off "$python" -m pip install -q '.[test]'
"$python" -m pip uninstall -q -y mqttcodec
export MQTTCODEC_EXTENSIONS=require PYTHONPATH=$work/project/src
CC=$compiler CFLAGS="$flags" LDFLAGS="$flags $link" "$python" setup.py -q build_ext --debug --inplace

# The runtimes have to be there before the interpreter is; its own allocator would hide what lies outside of an object.
# What memory a test takes is not looked at: freed blocks are kept for a while, to be found when they are used.
if [[ $compiler == clang* ]]; then
    runtimes=$("$compiler" -print-file-name=libclang_rt.asan-"$(uname -m)".so)
else
    runtimes=$("$compiler" -print-file-name=libasan.so):$("$compiler" -print-file-name=libubsan.so)
fi
LD_PRELOAD=$runtimes PYTHONMALLOC=malloc UBSAN_OPTIONS=print_stacktrace=1 \
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 \
    "$python" -m pytest -q -p no:cacheprovider --capture=sys \
    --deselect tests/test_adversarial.py::test_a22_the_process_does_not_grow "$@"
