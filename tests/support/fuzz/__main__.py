"""Fuzz one target: `python -m fuzz NAME [ARGUMENT ...]`, with libFuzzer's arguments, as `tools/fuzz.py` runs it."""

from __future__ import annotations

import contextlib
import sys
from importlib import import_module

import atheris

from mqttcodec import _enums, _errors, _methods, _spec  # noqa: F401 (from here on it would be instrumented)

NAME = sys.argv.pop(1)
SESSIONS = ("saved", "connection")

# The extensions report coverage to libFuzzer. Coverage of Python code costs two thirds of the speed. It is worth that
# if the plain twin may have a branch that the extension lacks. Sessions have no extensions.
with atheris.instrument_imports() if NAME == "differential" else contextlib.nullcontext():
    import implementations
with atheris.instrument_imports(include=["mqttcodec.session"]) if NAME in SESSIONS else contextlib.nullcontext():
    import mqttcodec.session  # noqa: F401

target = import_module(f"fuzz.{NAME}")
mqtt = implementations.load("cython")


def check(data: bytes) -> None:
    target.check(mqtt, data)


atheris.Setup(sys.argv, check)
atheris.Fuzz()
