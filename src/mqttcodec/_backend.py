"""Which implementation is in use: the compiled one, or the one in plain Python.

The environment variable `MQTTCODEC_EXTENSIONS` says how to choose: `auto` or nothing (compiled if it can be loaded),
`require` (compiled, or an ImportError), `off` (plain Python).
"""

from __future__ import annotations

import os
from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

EXTENSIONS_VARIABLE = "MQTTCODEC_EXTENSIONS"

BACKEND_ERROR: ImportError | None = None

_choice = os.environ.get(EXTENSIONS_VARIABLE) or "auto"
if _choice not in ("auto", "require", "off"):
    raise ImportError(f"{EXTENSIONS_VARIABLE} must be auto, require or off, not {_choice!r}")


def _load(suffix: str) -> tuple[ModuleType, ModuleType]:
    return import_module("._codec" + suffix, __package__), import_module("._packets" + suffix, __package__)


def _explained(error: ImportError) -> ImportError:
    """`error`, with what the installation noted when it could not build the extensions."""
    from pathlib import Path  # 2 ms

    note = Path(__file__).with_name("_build_error.txt")
    if note.is_file():
        return ImportError(f"{error}; they were not built: {note.read_text(encoding='utf-8').strip()}")
    return error


try:
    if _choice == "off":
        raise ImportError(f"{EXTENSIONS_VARIABLE}=off")
    codec, packets = _load("_c")
    BACKEND = "cython"
except ImportError as error:
    if _choice == "require":
        raise
    codec, packets = _load("_py")
    BACKEND = "python"
    BACKEND_ERROR = error if _choice == "off" else _explained(error)
