"""Fuzz the extensions, built with clang's sanitizers and guided by their own coverage.

    python tools/fuzz.py SECONDS [TARGET ...]      run each target of `tests/support/fuzz/`, or those named
    python tools/fuzz.py --input FILE TARGET       repeat an input that failed

Inputs that reach new code are kept in `build/fuzz/` and start the next run. An input that fails is stored there too.
Needs `apt-get install clang`. Atheris has wheels for Linux on x86_64.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import PROJECT, build_debug
from sanitized import ENVIRONMENT, SANITIZERS_OF_CLANG

TARGETS = ("decode", "feed", "encode", "dicts", "saved", "connection", "differential")
PLAIN = ("saved", "connection", "differential")
KEPT = PROJECT / "build" / "fuzz"
GREATEST_SIZE = 4096
# `vptr` would need the C++ runtime.
FLAGS = f"{SANITIZERS_OF_CLANG} -fno-sanitize=vptr -fsanitize=fuzzer-no-link"

# Figures that libFuzzer reports, and the patterns that find them.
FIGURES = {
    "executions": r"number_of_executed_units: (\d+)",
    "a second": r"average_exec_per_sec: +(\d+)",
    "branches reached": r"cov: (\d+)",
    "inputs in the corpus": r"corp: (\d+)",
}

SEEDS = """
import hashlib, importlib, sys
from pathlib import Path
from fuzz import inputs

folder, greatest_size, name = sys.argv[1:]
Path(folder, "dictionary").write_text(inputs.dictionary())
Path(folder, name).mkdir()
for seed in importlib.import_module(f"fuzz.{name}").seeds():
    if len(seed) <= int(greatest_size):
        Path(folder, name, hashlib.sha1(seed).hexdigest()).write_bytes(seed)
"""


class Fuzzing:
    """Build the extensions for libFuzzer, in a separate folder."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self.python, _, environ = build_debug(
            work, "atheris", CC="clang", LDSHARED="clang -shared", CFLAGS=FLAGS, LDFLAGS=FLAGS
        )
        # Atheris has libFuzzer and the address sanitizer in one library, which must be loaded before the interpreter.
        command = [self.python, "-c", "import atheris; print(atheris.path())"]
        where = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        self.environ = environ | ENVIRONMENT | {"LD_PRELOAD": f"{where}/asan_with_fuzzer.so"}

    def once_more(self, file: str, name: str) -> bool:
        command = [self.python, "-m", "fuzz", name, Path(file).absolute()]
        return subprocess.run(command, env=self.environ).returncode == 0

    def fuzz(self, name: str, seconds: int) -> bool:
        """Fuzz a target and report the result."""
        kept = KEPT / name
        kept.mkdir(parents=True, exist_ok=True)
        command = [self.python, "-c", SEEDS, self.work, str(GREATEST_SIZE), name]
        subprocess.run(command, env=self.environ, check=True)
        command = [self.python, "-m", "fuzz", name, kept, self.work / name, f"-dict={self.work / 'dictionary'}"]
        command += [f"-max_total_time={seconds}", f"-max_len={GREATEST_SIZE}", "-timeout=60", "-rss_limit_mb=8192"]
        command += ["-print_final_stats=1", f"-artifact_prefix={KEPT}/broken-{name}-"]
        # These targets are mostly plain Python: the sanitizer cannot check it, and malloc makes it slow.
        environ = self.environ | ({"PYTHONMALLOC": "pymalloc"} if name in PLAIN else {})
        log = KEPT / f"{name}.log"
        with log.open("w") as output:
            passed = subprocess.run(command, env=environ, stdout=output, stderr=subprocess.STDOUT).returncode == 0
        text = log.read_text(errors="replace")
        found = {key: re.findall(pattern, text) for key, pattern in FIGURES.items()}
        print(f"{name}: {', '.join(f'{values[-1]} {key}' for key, values in found.items() if values)}", flush=True)
        if not passed:
            print(text[-8000:])
        return passed


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fuzzing = Fuzzing(Path(folder))
        if sys.argv[1] == "--input":
            sys.exit(not fuzzing.once_more(*sys.argv[2:]))
        passed = [fuzzing.fuzz(name, int(sys.argv[1])) for name in sys.argv[2:] or TARGETS]
        sys.exit(not all(passed))


if __name__ == "__main__":
    main()
