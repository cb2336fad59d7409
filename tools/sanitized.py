"""Run the suite on extensions built with the address and undefined behaviour sanitizers. A report ends the run.

    python tools/sanitized.py                                     gcc, the fast suite
    python tools/sanitized.py --compiler clang [ARGUMENT ...]     clang; further arguments for pytest

Then the fuzzing seeds run under the leak sanitizer, which must also find a deliberate leak.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import build_debug

SANITIZERS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
# Cython adds 0 to NULL when a call has no arguments.
SANITIZERS_OF_CLANG = SANITIZERS + " -fno-sanitize=pointer-overflow"

# The interpreter's own allocator would hide accesses outside an object. Memory use is not checked: the sanitizer keeps
# freed blocks for a while, to detect later uses.
ENVIRONMENT = {
    "PYTHONMALLOC": "malloc",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
}


def build(work: Path, compiler: str) -> tuple[Path, Path, dict[str, str]]:
    """Like `environments.build_debug`, with sanitizers."""
    if compiler.startswith("clang"):
        flags, linker_flags = SANITIZERS_OF_CLANG, SANITIZERS_OF_CLANG + " -shared-libasan"
        runtimes = [f"libclang_rt.asan-{platform.machine()}.so"]
    else:
        flags = linker_flags = SANITIZERS
        runtimes = ["libasan.so", "libubsan.so"]
    python, project, environ = build_debug(work, CC=compiler, CFLAGS=flags, LDFLAGS=linker_flags)
    environ |= ENVIRONMENT
    # The runtimes must be loaded before the interpreter.
    environ["LD_PRELOAD"] = ":".join(place_of(compiler, name) for name in runtimes)
    environ["MQTTCODEC_CC"] = f"{compiler} {linker_flags}"  # For extensions that the tests build.
    return python, project, environ


def place_of(compiler: str, runtime: str) -> str:
    command = [compiler, f"-print-file-name={runtime}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


# The argument `leak` makes a str of a packet leak.
SEEDS = """
import ctypes, sys
import implementations
from fuzz import decode, encode, feed

mqtt = implementations.load("cython")
for target in (decode, feed, encode):
    for seed in target.seeds():
        target.check(mqtt, seed)
print("done")
if "leak" in sys.argv:
    packet = mqtt.decode(bytes.fromhex("3006000361622f00"))
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(packet.topic))
"""


def leaks(python: Path, environ: dict[str, str], *arguments: str) -> list[str]:
    """The stacks of leaks whose memory the extensions allocated. Python itself keeps other memory."""
    options = environ["ASAN_OPTIONS"].replace("detect_leaks=0", "detect_leaks=1")
    options += ":fast_unwind_on_malloc=0:malloc_context_size=30"
    command = [python, "-c", SEEDS, *arguments]
    result = subprocess.run(command, env=environ | {"ASAN_OPTIONS": options}, capture_output=True, text=True)
    if not result.stdout.endswith("done\n"):
        sys.exit(result.stderr)
    found = [stack for stack in result.stderr.split("\n\n") if "leak of" in stack and "/mqttcodec/_" in stack]
    # Python keeps objects that an import creates, even if an extension started the import.
    return [stack for stack in found if "PyImport_Import" not in stack]


def main() -> None:
    arguments = sys.argv[1:]
    compiler = "gcc"
    if arguments[:1] == ["--compiler"]:
        compiler = arguments[1]
        del arguments[:2]
    with tempfile.TemporaryDirectory() as folder:
        python, project, environ = build(Path(folder), compiler)
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--capture=sys"]
        if subprocess.run([*command, *arguments], cwd=project, env=environ).returncode:
            sys.exit(1)
        if not leaks(python, environ, "leak"):
            sys.exit("the leak sanitizer does not find the leak that was put there")
        found = leaks(python, environ)
        print("\n\n".join(found) or "no leaks")
        sys.exit(bool(found))


if __name__ == "__main__":
    main()
