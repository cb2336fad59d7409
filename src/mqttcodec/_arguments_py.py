"""Numbers, versions and buffers as callers give them: `_arguments_c.pxd` in plain Python."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import _errors
from ._enums import ProtocolVersion

if TYPE_CHECKING:
    from typing_extensions import Buffer as Buffer
elif sys.version_info >= (3, 12):
    from collections.abc import Buffer
else:
    Buffer = Any

# Whether a class written in Python can be a buffer, by its `__buffer__`.
_ASKS_FOR_BUFFERS = sys.version_info >= (3, 12) or sys.implementation.name == "pypy"
_BYTE_FORMATS = ("b", "B", "c", "?")


def integer(value: Any, about: str) -> int:
    """The value of an int argument, whatever methods a subclass has."""
    if type(value) is int:
        return value
    if not issubclass(type(value), int):
        raise _errors.wrong_type(about, "int", value)
    return int.__add__(value, 0)  # On PyPy `int.__index__` calls the subclass's own method.


def checked_version(version: Any) -> int:
    """The `version` argument of a function, 3, 4 or 5."""
    if type(version) is ProtocolVersion:
        return version
    if not issubclass(type(version), int):
        raise _errors.wrong_type("version", "a ProtocolVersion", version)
    number = int.__add__(version, 0)
    if number not in (3, 4, 5):
        raise _errors.bad_value("version", "3, 4 or 5", version)
    return number


def byte_view(buffer: Any, about: str = "buffer") -> memoryview:
    """A view of the bytes of any buffer, for the caller to release."""
    try:
        view = memoryview(buffer)
    except TypeError:
        if _ASKS_FOR_BUFFERS and hasattr(type(buffer), "__buffer__"):
            raise  # The owner's own error.
        raise _errors.wrong_type(about, "a bytes-like object", buffer) from None
    if view.format.removeprefix("@") not in _BYTE_FORMATS or not view.c_contiguous:
        view.release()
        raise _errors.not_bytes(about)
    if view.format == "B" and view.ndim == 1:
        return view
    with view:
        return view.cast("B")


def copied(data: bytes | bytearray | memoryview, start: int, end: int) -> bytes:
    """The bytes from `start` to `end`. Without reference counting, a slice of a view has to be released."""
    if type(data) is not memoryview:
        return bytes(data[start:end])
    with data[start:end] as part:
        return bytes(part)
