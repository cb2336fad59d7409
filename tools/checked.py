"""Run the suite on a debug build, with the checks and assertions of Python, Cython and C enabled.

    python tools/checked.py [ARGUMENT ...]      arguments for pytest; the default is the fast suite

Needs `apt-get install python3-dbg python3-venv`. Only a debug build lets `tests/hardening/test_leaks.py` count every
reference.
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
