"""Run the suite on a wheel installed into a fresh environment, without the source tree.

    python tools/try_wheel.py WHEEL SDIST [ARGUMENT ...]

The tests come from the sdist. The arguments are passed to pytest.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from environments import create_environment


def unpack(sdist: Path, folder: Path) -> Path:
    """Unpack an sdist and return its single folder."""
    with tarfile.open(sdist) as archive:
        # CPython 3.11.4 and later have extraction filters.
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (project,) = folder.iterdir()
    return project


def try_wheel(wheel: Path, sdist: Path, *arguments: str, python: str = sys.executable) -> None:
    choice = "off" if wheel.name.endswith("-none-any.whl") else "require"
    with tempfile.TemporaryDirectory() as folder:
        project = unpack(sdist, Path(folder, "sdist"))
        python = str(create_environment(Path(folder, "environment"), f"{wheel.absolute()}[test]", python=python))
        command = [python, "-m", "pytest", "-q", *arguments]
        subprocess.run(command, cwd=project, env=os.environ | {"MQTTCODEC_EXTENSIONS": choice}, check=True)


if __name__ == "__main__":
    try_wheel(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
