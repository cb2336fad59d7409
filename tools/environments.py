"""Create virtual environments for the other tools, and build the project with a given compiler and flags."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def create_environment(folder: Path, *requirements: str, python: str = sys.executable, **variables: str) -> Path:
    """Create a virtual environment and install the requirements with these variables set. Returns its python."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    made = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    command = [made, "-m", "pip", "install", "-q", "--prefer-binary", *requirements]
    subprocess.run(command, check=True, env=os.environ | variables)
    return made


def copy_project(folder: Path) -> None:
    """Copy the files that git tracks or would add, as they are now. Builds in the copy do not affect this tree."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (PROJECT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)


def build_debug(
    work: Path, *requirements: str, python: str = sys.executable, **variables: str
) -> tuple[Path, Path, dict[str, str]]:
    """Build the extensions in a copy of the project with all of Cython's checks; `variables` are for the compiler.

    Returns the python of an environment with the requirements of the tests, the copy, and the environment variables
    that import the package from the copy.
    """
    project = work / "project"
    copy_project(project)
    for source in (project / "src").rglob("*.pyx"):
        text = source.read_text(encoding="utf-8").replace("boundscheck=False", "boundscheck=True")
        source.write_text(text, encoding="utf-8")
    requirements = (f"{project}[test]", *requirements)
    made = create_environment(work / "environment", *requirements, python=python, MQTTCODEC_EXTENSIONS="off")
    environ = os.environ | {"MQTTCODEC_EXTENSIONS": "require"}
    command = [made, "setup.py", "-q", "build_ext", "--debug", "--inplace"]
    subprocess.run(command, cwd=project, env=environ | variables, check=True)
    path = os.pathsep.join((str(project / "src"), str(project / "tests" / "support")))
    return made, project, environ | {"PYTHONPATH": path}
