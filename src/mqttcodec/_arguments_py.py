"""Conversion and checks of arguments: numbers, versions, buffers. The plain twin of `_arguments_c.pxd`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from . import _errors, _spec
from ._enums import ProtocolVersion

if TYPE_CHECKING:
    from typing_extensions import Buffer as Buffer
elif sys.version_info >= (3, 12):
    from collections.abc import Buffer
else:
    Buffer = Any

# Whether a class written in Python can be a buffer, through `__buffer__`.
_ASKS_FOR_BUFFERS = sys.version_info >= (3, 12) or sys.implementation.name == "pypy"
_VERSIONS = {int(version): version for version in ProtocolVersion}
_BYTE_FORMATS = ("b", "B", "c", "?")


def integer(value: Any, about: str) -> int:
    """The value of an int argument, as an exact int. Methods that a subclass overrides are not called."""
    if type(value) is int:
        return value
    if not issubclass(type(value), int):
        raise _errors.wrong_type(about, "int", value)
    return int.__add__(value, 0)  # Not `int.__index__`, which calls a subclass's own method on PyPy.


def exact_text(value: Any, about: str) -> str:
    """The value of a str argument, as an exact str. Methods that a subclass overrides are not called."""
    if not issubclass(type(value), str):
        raise _errors.wrong_type(about, "str", value)
    return str.__str__(value)


def exact_items(value: Any, kinds: tuple[Any, ...], about: str, expected: str) -> list[Any]:
    """The items of a value of one of these kinds: tuple, list. Methods that a subclass overrides are not called."""
    for kind in kinds:
        if issubclass(type(value), kind):
            return list(kind.__getitem__(value, slice(None)))
    raise _errors.wrong_type(about, expected, value)


def checked_version(version: Any) -> ProtocolVersion:
    """The member for a `version` argument: 3, 4 or 5. Raises `TypeError` or `ValueError` for anything else."""
    if type(version) is ProtocolVersion:
        return version
    if not issubclass(type(version), int):
        raise _errors.wrong_type("version", "a ProtocolVersion", version)
    member = _VERSIONS.get(int.__add__(version, 0))
    if member is None:
        raise _errors.bad_value("version", "3, 4 or 5", version)
    return member


def optional_version(version: object) -> ProtocolVersion | None:
    """The member for a `version` argument that may be None."""
    return None if version is None else checked_version(version)


def checked_limit(max_packet_size: object) -> int:
    """The number of a `max_packet_size` argument, which is at least 2; the protocol's limit if it is above that."""
    limit = integer(max_packet_size, "max_packet_size")
    if limit < 2:
        raise _errors.bad_value("max_packet_size", "2 or more", limit)
    return min(limit, _spec.MAXIMUM_PACKET_SIZE)


def byte_view(buffer: Any, about: str = "buffer") -> memoryview:
    """A view of the bytes of a buffer. The caller must release it.

    Raises `TypeError` if the object is no buffer, and `BufferError` if it is not C-contiguous bytes.
    """
    try:
        view = memoryview(buffer)
    except TypeError:
        if _ASKS_FOR_BUFFERS and hasattr(type(buffer), "__buffer__"):
            raise  # The error comes from the object's `__buffer__`.
        raise _errors.wrong_type(about, "a bytes-like object", buffer) from None
    if view.format.removeprefix("@") not in _BYTE_FORMATS or not (view.c_contiguous or view.nbytes == 0):
        view.release()
        raise _errors.not_bytes(about)
    if not view.c_contiguous:  # It is empty. C calls it contiguous, but `cast` would not.
        with view:
            return memoryview(b"" if view.readonly else bytearray())
    if view.format == "B" and view.ndim == 1:
        return view
    with view:
        return view.cast("B")


def copied(data: bytes | bytearray | memoryview, start: int, end: int) -> bytes:
    """A copy of the bytes from `start` to `end`.

    A slice of a view is released at once: on PyPy it would otherwise keep the buffer from being resized until the
    garbage collector runs.
    """
    if type(data) is not memoryview:
        return bytes(data[start:end])
    with data[start:end] as part:
        return bytes(part)
