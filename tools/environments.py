"""Virtual environments for the other tools."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def create_environment(folder: Path, *requirements: str, python: str = sys.executable) -> Path:
    """A virtual environment with what is required; returns its python."""
    subprocess.run([python, "-m", "venv", folder], check=True)
    made = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    subprocess.run([made, "-m", "pip", "install", "-q", "--prefer-binary", *requirements], check=True)
    return made
