"""The regression gate: instructions per packet, which do not depend on the load of the machine.

    python benchmarks/instructions.py

It counts the instructions of the compiled codec with valgrind's cachegrind, and fails if a case takes 5 % more than
before. `instructions.json` has the counts for some combinations of interpreter, Cython and compiler; `--write` stores
new ones. For any other combination, the parent commit is built and counted (HEAD if there are uncommitted changes, or
`--against REVISION`).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import mqttcodec

HERE = Path(__file__).parent
ROOT = HERE.parent
PACKAGE = Path(mqttcodec.__file__).parents[1]
KEPT = HERE / "instructions.json"
ALLOWED = 1.05

# Operation and case.
CASES = [
    ("decode", "PUBLISH 5 QoS 1"),
    ("decode", "PUBLISH 3.1.1 QoS 0"),
    ("decode", "PUBLISH 5, six properties"),
    ("decode", "PUBACK 5"),
    ("decode", "PINGREQ"),
    ("decode", "CONNECT 5"),
    ("decode", "SUBSCRIBE 5, four filters"),
    ("decode", "SUBACK 5, four codes"),
    ("stream", "600 PUBLISH 5, whole"),
    ("stream", "600 PUBLISH 5, pieces of 37"),
    ("encode", "PUBLISH 5 QoS 1"),
    ("encode", "PUBLISH 5, six properties"),
    ("encode", "PUBACK 5"),
    ("encode_many", "600 PUBLISH 5, whole"),
    ("encode_acks", "600 PUBACK 5, whole"),
    ("Encoder", "600 PUBLISH 5, whole"),
    ("Encoder", "600 PUBACK 5, whole"),
    ("build and encode", "PUBLISH 5 QoS 1"),
]

# Multiples of 600. Costs that do not depend on the number of packets cancel out in the difference.
PACKETS = (2400, 12_000)
PROGRAM = """
import gc, sys
from operations import OPERATIONS
from participants.ours import Compiled

operation, name, packets = sys.argv[1:]
case = next(case for case in OPERATIONS[operation].cases if case.name == name)
run = getattr(Compiled(), OPERATIONS[operation].method)(case).loop(int(packets) // len(getattr(case, "packets", "1")))
gc.disable()
run()
"""


def interpreter() -> str:
    """A name such as `CPython 3.11.7 (PGO)`; PGO marks a profile-guided build, `free-threaded` one without the GIL."""
    if sys.implementation.name == "pypy":
        return f"PyPy {'.'.join(map(str, sys.pypy_version_info[:3]))} (Python {platform.python_version()})"
    options = str(sysconfig.get_config_var("CONFIG_ARGS"))
    # Debian builds with a profile without the option, and removes the flag afterwards.
    profiled = "--enable-optimizations" in options or sysconfig.get_config_var("PGO_PROF_USE_FLAG") == ""
    free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")
    marks = ", ".join(["free-threaded"] * bool(free_threaded) + ["PGO"] * profiled)
    return f"{platform.python_implementation()} {platform.python_version()}{f' ({marks})' if marks else ''}"


def built_with() -> tuple[str, str]:
    """The versions of Cython and the compiler, read from the extensions; empty if there are none."""
    binaries = [file.read_bytes() for file in (PACKAGE / "mqttcodec").glob("*_c" + EXTENSION_SUFFIXES[0])]
    if not binaries:
        return "", ""

    def told(pattern: bytes) -> str:
        match = next(filter(None, (re.search(pattern, binary) for binary in binaries)), None)
        return match[1].decode().replace("_", ".") if match else ""

    clang, gcc = told(rb"clang version (\d[\d.]*)"), told(rb"GCC: \(.*?\) (\d[\d.]*)")
    cython = told(rb"_cython_(\d+_\d+_\d+)") or "unknown"
    return f"Cython {cython}", f"clang {clang}" if clang else f"gcc {gcc or 'unknown'}"


def instructions(source: Path) -> dict[str, int]:
    """Instructions per packet, by operation and case, for the package in `source`."""
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": os.pathsep.join((str(source), str(HERE)))}
    python = [sys.executable, "-S", "-c", PROGRAM]
    # The first run compiles the modules for the counted runs.
    subprocess.run([*python, *CASES[0], "1"], env=environment, check=True, capture_output=True, text=True)

    def count(operation: str, name: str, packets: int) -> int:
        valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={os.devnull}"]
        command = [*valgrind, *python, operation, name, str(packets)]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        match = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
        assert match, done.stderr
        return int(match[1].replace(",", ""))

    less, more = PACKETS
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = [(case, pool.submit(count, *case, more), pool.submit(count, *case, less)) for case in CASES]
        return {
            f"{operation}, {name}": round((last.result() - first.result()) / (more - less))
            for (operation, name), last, first in runs
        }


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def build(tree: Path) -> None:
    command = [sys.executable, "setup.py", "build_ext", "--inplace", "--parallel", str(os.cpu_count())]
    environment = {**os.environ, "MQTTCODEC_EXTENSIONS": "require"}
    done = subprocess.run(
        command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        sys.exit(
            f"{done.stdout}\nThe commit to compare with cannot be built here; pyproject.toml says what that takes."
        )


def of_commit(against: str | None) -> tuple[str, dict[str, int]]:
    """Build and count a commit. Returns its name and counts, or the reason why there are none and an empty dict."""
    try:
        revision = against or ("HEAD" if git("status", "--porcelain", "src", "setup.py") else "HEAD^")
        commit = git("rev-parse", "--short", "--verify", revision + "^{commit}")
    except (subprocess.CalledProcessError, OSError):
        return "nothing, there is no such commit here", {}
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "tree"
        git("worktree", "add", "--detach", str(tree), commit)
        try:
            build(tree)
            return commit, instructions(tree / "src")
        except subprocess.CalledProcessError as error:
            return f"nothing, {commit} does not run these cases: {error.stderr.strip().splitlines()[-1]}", {}
        finally:
            git("worktree", "remove", "--force", str(tree))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"enter the counts into {KEPT.name}, and pass")
    parser.add_argument("--against", metavar="REVISION", help="compare with this commit instead")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        parser.exit(2, "there is no valgrind: apt-get install valgrind\n")

    try:
        after = instructions(PACKAGE)
    except subprocess.CalledProcessError as error:
        parser.exit(2, error.stderr)

    kept: dict[str, dict[str, int]] = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    combination = ", ".join((interpreter(), *built_with()))
    if not options.against and (combination in kept or options.write):
        compared_with, before = KEPT.name, kept.get(combination, {})
    else:
        compared_with, before = of_commit(options.against)
    worse = [name for name in before if name in after and after[name] > before[name] * ALLOWED]

    print(f"Instructions per packet; {combination}; compared with {compared_with}")
    for name, count in after.items():
        change = f"{before[name]:8,} {count / before[name] - 1:+8.1%}" if name in before else ""
        print(f"{name:40} {count:8,} {change:18} {'TOO MANY' if name in worse else ''}".rstrip())
    if options.write:
        kept[combination] = after
        KEPT.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    return 1 if worse and not options.write else 0


if __name__ == "__main__":
    sys.exit(main())
