"""Chooses the implementation: the compiled one, or the one in plain Python.

The environment variable `MQTTCODEC_EXTENSIONS` controls the choice: `auto` or empty (the compiled one if it can be
loaded), `require` (the compiled one, or an ImportError), `off` (plain Python).
"""

from __future__ import annotations

import os

__all__ = ["BACKEND", "BACKEND_ERROR", "codec", "packets"]

EXTENSIONS_VARIABLE = "MQTTCODEC_EXTENSIONS"
# The options make pip build from source. Its cache may have a plain wheel that was built without a compiler, and the
# package index has a plain wheel for all systems.
REINSTALL = "pip install --force-reinstall --no-cache-dir --no-binary mqttcodec mqttcodec"

BACKEND_ERROR: ImportError | None = None

_choice = os.environ.get(EXTENSIONS_VARIABLE) or "auto"
if _choice not in ("auto", "require", "off"):
    raise ImportError(f"{EXTENSIONS_VARIABLE} must be auto, require or off, not {_choice!r}")


def _explained(error: ImportError) -> ImportError:
    """`error`, with the reason that the installation recorded if it could not build the extensions."""
    from pathlib import Path  # Not at the top, because it is slow to import.

    note = Path(__file__).with_name("_build_error.txt")
    if note.is_file():
        return ImportError(f"{error}; the extensions were not built: {note.read_text(encoding='utf-8').strip()}")
    return error


try:
    if _choice == "off":
        raise ImportError(f"{EXTENSIONS_VARIABLE}=off")
    # All extension modules are imported here, because PyInstaller and similar tools find modules by import statements
    # and cannot see those in compiled modules.
    import mqttcodec._codec_c as codec  # type: ignore[import-not-found]
    import mqttcodec._packets_c as packets  # type: ignore[import-not-found]

    from . import (  # type: ignore[attr-defined] # noqa: F401
        _batch_c,
        _decode_c,
        _decode_properties_c,
        _encode_c,
        _encode_properties_c,
        _stream_c,
    )

    BACKEND = "cython"
except ImportError as error:
    if _choice == "require":
        raise ImportError(
            f"{_explained(error)}. {EXTENSIONS_VARIABLE}=require requires the compiled extensions. "
            f"To build them, install a C compiler, leave the variable set and run: {REINSTALL}"
        ) from error
    from . import _codec_py as codec
    from . import _packets_py as packets

    BACKEND = "python"
    BACKEND_ERROR = error if _choice == "off" else _explained(error)
