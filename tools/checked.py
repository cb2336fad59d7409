"""Run the suite on a debug build: Python's, Cython's and C's own checks and asserts are on.

    python tools/checked.py [ARGUMENT ...]      pytest's; the fast suite unless said

`apt-get install python3-dbg python3-venv`. Only here does `tests/test_leaks.py` see every reference that is there.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from environments import build_debug


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        python, project, environ = build_debug(Path(folder), python=str(max(Path("/usr/bin").glob("python3.*-dbg"))))
        command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *sys.argv[1:]]
        sys.exit(subprocess.run(command, cwd=project, env=environ).returncode)


if __name__ == "__main__":
    main()
