"""The methods that the packet classes of both implementations share: print, copy, pickle and others.

All of them are derived from the signature of the class. None of them is on a hot path.
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
    """Descriptor for the `__signature__` of an extension type, which is created from `parameters` when it is read."""

    def __init__(self, parameters: str) -> None:
        self.parameters = parameters

    def __get__(self, instance: object, owner: type) -> Any:
        import inspect

        return inspect.signature(_function(self.parameters))


def _function(parameters: str) -> Any:
    namespace: dict[str, Any] = {}
    exec(f"def __init__({parameters}): pass", namespace)  # noqa: S102 (text of this package)
    return namespace["__init__"]


class DataclassFields:
    """Descriptor for the `__dataclass_fields__` of an extension type: the plain twin's, with annotations evaluated."""

    def __get__(self, instance: object, owner: type) -> dict[str, Any]:
        return _dataclass_fields(owner)


@cache
def _dataclass_fields(cls: type) -> dict[str, Any]:
    from typing import get_type_hints

    from . import _packets_py

    twin = getattr(_packets_py, cls.__name__)
    hints = get_type_hints(twin)
    found = {}
    for name, field in twin.__dataclass_fields__.items():
        found[name] = copy.copy(field)
        found[name].type = hints.get(name, field.type)
    return found


def argument_checker(cls: Any) -> Any:
    """A function that raises the same `TypeError` for wrong arguments as `__init__` of the class's plain twin."""
    import inspect
    from types import MethodType

    parameters = inspect.getattr_static(cls, "__signature__").parameters
    function = _function(f"self, {parameters}" if parameters else "self")
    function.__qualname__ = f"{cls.__name__}.__init__"
    return MethodType(function, cls)


def refuse_replace(packet: Any, by_position: list[Any], changes: dict[str, Any]) -> None:
    """Raise the same `TypeError` for wrong arguments as `replace` of the packet's plain twin."""
    names = [f"{name}=None" for name in fields(packet.__class__)]
    function = _function(", ".join(["self", "*", *names] if names else ["self"]))
    function.__qualname__ = f"{type(packet).__name__}.replace"
    function(packet, *by_position, **changes)


@cache
def fields(cls: Any) -> dict[str, Any]:
    """The fields of a packet class, in order, with their defaults (`Parameter.empty` if there is none)."""
    import inspect  # Not at the top, because it is slow to import, and few programs compare or print packets.

    return {name: parameter.default for name, parameter in inspect.signature(cls).parameters.items()}


def named_values(packet: Any) -> dict[str, Any]:
    return dict(zip(fields(packet.__class__), packet._values, strict=True))


def changed(packet: Any) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    defaults = fields(packet.__class__).items()
    return {
        name: value
        for (name, default), value in zip(defaults, packet._values, strict=True)
        if not _is_default(value, default)
    }


def _is_default(value: Any, default: Any) -> bool:
    # A field may hold any object. Compare only objects of types that are known to compare without side effects.
    return value is default or (isinstance(value, (int, str, bytes, tuple)) and value == default)


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


def pydantic_schema(cls: Any) -> Any:
    """The pydantic schema of a packet class, which accepts its instances."""
    from pydantic_core import core_schema

    return core_schema.is_instance_schema(cls)


def decoder_represented(decoder: Any, error: Exception | None) -> str:
    """The `repr` of a `Decoder`. `error` is the error that it failed with, or None."""
    version = None if decoder.version is None else decoder.version.name
    role = None if decoder.role is None else decoder.role.name
    state = "open" if error is None else f"failed ({type(error).__name__})"
    return f"<Decoder version={version} role={role} pending={decoder.pending} state={state}>"


def encoder_represented(encoder: Any) -> str:
    """The `repr` of an `Encoder`."""
    version = None if encoder.version is None else encoder.version.name
    return f"<Encoder version={version} max_packet_size={encoder.max_packet_size} pending={encoder.pending}>"


def copied(packet: Any, memo: dict[int, Any]) -> Any:
    return type(packet)(**{name: copy.deepcopy(value, memo) for name, value in named_values(packet).items()})


def published(will: Any, packet_id: Any, publish_class: Any) -> Any:
    """The result of `Will.to_publish`. A PUBLISH has each field of a will but `will_delay_interval`."""
    shared = fields(publish_class)
    kept = {name: value for name, value in named_values(will).items() if name in shared}
    return publish_class(packet_id=packet_id, **kept)


def reduced(packet: Any) -> tuple[Any, ...]:
    """The result of `__reduce__`. It has the public name, so that each implementation can load pickles of the other."""
    return restore, (type(packet).__name__, named_values(packet))


def restore(class_name: str, named: dict[str, Any]) -> Any:
    """Create the packet for the result of `reduced`, in the implementation in use."""
    from . import _backend

    return getattr(_backend.packets, class_name)(**named)
