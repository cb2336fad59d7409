"""Run the suite on a debug build: Python's, Cython's and C's own checks and asserts are on.

    python tools/checked.py [ARGUMENT ...]      pytest's; the fast suite unless said

`apt-get install python3-dbg python3-venv`. Only here does `tests/hardening/test_leaks.py` see every reference.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from environments import build_debug


def newest_debug_python() -> str:
    found = sorted(Path("/usr/bin").glob("python3.[0-9]*-dbg"), key=lambda path: int(path.name[8:-4]))
    if not found:
        sys.exit("there is no python3-dbg here")
    return str(found[-1])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        python, project, environ = build_debug(Path(folder), python=newest_debug_python())
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *sys.argv[1:]]
        sys.exit(subprocess.run(command, cwd=project, env=environ).returncode)


if __name__ == "__main__":
    main()
