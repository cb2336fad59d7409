"""Both implementations side by side, each with the names of the public package."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mqttcodec

_SUFFIXES = {"cython": "_c", "python": "_py"}


def environment(**variables: str) -> dict[str, str]:
    """Environment variables with which a process imports the same `mqttcodec` as this one."""
    return {**os.environ, "PYTHONPATH": str(Path(mqttcodec.__file__).parents[1]), **variables}


def run(choice: str | None, program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a process with this value of MQTTCODEC_EXTENSIONS."""
    variables = environment()
    for name in ("MQTTCODEC_EXTENSIONS", "PYTHON_GIL"):
        variables.pop(name, None)
    if choice is not None:
        variables["MQTTCODEC_EXTENSIONS"] = choice
    return subprocess.run([sys.executable, "-c", program], env=variables, capture_output=True, text=True, check=False)


def load(name: str) -> Any:
    """The public names of one implementation. Raises ImportError if it is missing."""
    codec = importlib.import_module("mqttcodec._codec" + _SUFFIXES[name])
    packets = importlib.import_module("mqttcodec._packets" + _SUFFIXES[name])
    public = {name: getattr(mqttcodec, name) for name in mqttcodec.__all__}
    for module in (codec, packets):
        public.update({key: getattr(module, key) for key in public if key in vars(module)})
    return SimpleNamespace(**{**public, "BACKEND": name})


def _names() -> list[str]:
    """Both; only the plain one with MQTTCODEC_EXTENSIONS=off, or if the installation noted why it has no extensions.

    It is an error if an extension is missing for any other reason, or at all if it is required or under CI.
    """
    choice = os.environ.get("MQTTCODEC_EXTENSIONS") or "auto"
    if choice == "off":
        return ["python"]
    note = Path(mqttcodec.__file__).with_name("_build_error.txt")
    noted = mqttcodec.BACKEND == "python" and note.is_file()
    if noted and choice != "require" and os.environ.get("CI") != "true":
        return ["python"]
    return ["cython", "python"]


NAMES = _names()
ALL = [load(name) for name in NAMES]
