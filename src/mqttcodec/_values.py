"""What the packet classes of both implementations do alike: compare, hash, show, copy, replace, pickle.

All of it follows from one thing, the signature of the class; none of it is on a hot path.
"""

from __future__ import annotations

import copy
from enum import Enum
from functools import cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SECRET_FIELDS = frozenset({"password", "authentication_data"})
SHOWN_BYTES = 32


class Signature:
    """The `__signature__` of an extension type, from the text of its parameters; made when asked for."""

    def __init__(self, parameters: str) -> None:
        self._parameters = parameters

    def __get__(self, instance: object, owner: type) -> Any:
        import inspect

        return inspect.signature(eval(f"lambda {self._parameters}: None"))  # noqa: S307 (text of this package)


@cache
def fields(cls: Any) -> dict[str, Any]:
    """The fields of a packet class in order, with their defaults (`Parameter.empty`: none)."""
    import inspect  # 6 ms: only who compares or prints packets pays for it.

    return {name: parameter.default for name, parameter in inspect.signature(cls).parameters.items()}


def named_values(packet: Any) -> dict[str, Any]:
    return {name: getattr(packet, name) for name in fields(packet.__class__)}


def changed(packet: Any) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    defaults = fields(packet.__class__)
    return {name: value for name, value in named_values(packet).items() if not _is_default(value, defaults[name])}


def _is_default(value: Any, default: Any) -> bool:
    # A field may hold any object, of which only the plain ones are known to compare.
    return value is default or (isinstance(value, (int, str, bytes, tuple)) and value == default)


def equal(packet: Any, other: Any) -> Any:
    if type(packet) is not type(other):
        return NotImplemented
    return named_values(packet) == named_values(other)


def hashed(packet: Any) -> int:
    return hash((type(packet).__name__, *named_values(packet).values()))


def represented(packet: Any) -> str:
    shown = ", ".join(f"{name}={_shown(name, value)}" for name, value in changed(packet).items())
    return f"{type(packet).__name__}({shown})"


def _shown(name: str, value: Any) -> str:
    if name in SECRET_FIELDS and value is not None:
        return "<hidden>"
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, (bytes, bytearray)) and len(value) > SHOWN_BYTES:
        return f"<{len(value)} bytes: {bytes(value[:SHOWN_BYTES])!r}...>"
    if name == "reason_codes" and isinstance(value, tuple):
        return "(" + ", ".join(_shown("", code) for code in value) + ("," if len(value) == 1 else "") + ")"
    return repr(value)


def copied(packet: Any, memo: dict[int, Any]) -> Any:
    return type(packet)(**{name: copy.deepcopy(value, memo) for name, value in named_values(packet).items()})


def replaced(packet: Any, changes: dict[str, Any]) -> Any:
    return type(packet)(**{**named_values(packet), **changes})


def reduced(packet: Any) -> tuple[Any, ...]:
    """For pickle: by public name, so that either implementation reads what the other wrote."""
    return restore, (type(packet).__name__, named_values(packet))


def restore(class_name: str, named: dict[str, Any]) -> Any:
    """The packet that `reduced` took apart, of the implementation in use."""
    from . import _backend

    return getattr(_backend.packets, class_name)(**named)
