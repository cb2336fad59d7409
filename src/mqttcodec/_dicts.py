"""Packets as dicts of types that JSON can hold: `to_dict` and `from_dict` of both implementations.

The type that a field is declared with in `_packets_py.py` decides how its value is written and read.
"""

from __future__ import annotations

import base64
from dataclasses import MISSING

from . import _errors, _packets_py
from ._arguments_py import byte_view, exact_items, exact_text, integer
from ._enums import ConnectReturnCode, ProtocolVersion, QoS, ReasonCode, RetainHandling

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BINARY = "bytes | memoryview"
_PAIR = "tuple[str, str]"
# By the type of a field: the enums whose members it holds. If a name is in both, the first one has it.
_ENUMS: dict[str, tuple[Any, ...]] = {
    "QoS": (QoS,),
    "RetainHandling": (RetainHandling,),
    "ProtocolVersion": (ProtocolVersion,),
    "ReasonCode": (ReasonCode,),
    "ReasonCode | ConnectReturnCode": (ReasonCode, ConnectReturnCode),
}
# ConnectReturnCode has other names too, some of which ReasonCode has for other numbers.
_RETURN_CODE_NAMES = {
    member: name for name, member in ConnectReturnCode.__members__.items() if name.startswith("CONNECTION_")
}


def _fields_of(cls: Any) -> dict[str, Any]:
    """The dataclass fields of a class by name, with the types as they are written in `_packets_py.py`."""
    return getattr(_packets_py, cls.__name__).__dataclass_fields__  # type: ignore[no-any-return]


def _item_type(type_: str) -> str | None:
    """The type of the items of a field that holds several values; None for any other field."""
    return type_.removeprefix("tuple[").removesuffix(", ...]") if type_.endswith(", ...]") else None


# --- Writing.


def to_dict(packet: Any, defaults: Any, packets: Any) -> dict[str, Any]:
    """The result of the public `to_dict`. `packets` has the classes of the implementation."""
    if type(packet) not in packets.Packet.__args__:
        raise _errors.wrong_type("packet", "one of this implementation's packets", packet)
    return {"type": type(packet).__name__.upper(), **_written_fields(packet, "", defaults, packets)}


def _written_fields(holder: Any, path: str, defaults: Any, packets: Any) -> dict[str, Any]:
    written = {}
    for name, field in _fields_of(type(holder)).items():
        value = getattr(holder, name, None)  # A packet that was created without `__init__` lacks its fields.
        result = _written(value, field.type, path + name, defaults, packets)
        if (
            defaults
            or field.default is MISSING
            or result != _written(field.default, field.type, path + name, defaults, packets)
        ):
            written[name] = result
    return written


def _written(value: Any, type_: str, path: str, defaults: Any, packets: Any) -> Any:
    if value is None and type_.endswith(" | None"):
        return None
    type_ = type_.removesuffix(" | None")
    item_type = _item_type(type_)
    if item_type is not None:
        items = exact_items(value, (tuple, list), path, "a tuple or list")
        return [_written(item, item_type, f"{path}[{at}]", defaults, packets) for at, item in enumerate(items)]
    if type_ == _PAIR:
        pair = exact_items(value, (tuple, list), path, "a (name, value) pair")
        if len(pair) != 2:
            raise TypeError(f"{path} must be a (name, value) pair, not a sequence of {len(pair)}")
        return [exact_text(item, f"{path}[{at}]") for at, item in enumerate(pair)]
    if type_ in ("Will", "Subscription"):
        if type(value) is not getattr(packets, type_):
            raise _errors.wrong_type(path, f"a {type_}", value)
        return _written_fields(value, path + ".", defaults, packets)
    if type_ == _BINARY:
        with byte_view(value, path) as view:
            return base64.b64encode(view).decode("ascii")
    if type_ in _ENUMS:
        return _named(value, _ENUMS[type_], path)
    if type_ == "bool":
        # `encode` takes 0 and 1 too.
        if not issubclass(type(value), int) or int.__add__(value, 0) not in (0, 1):
            raise _errors.wrong_type(path, "bool", value)
        return int.__add__(value, 0) == 1
    return exact_text(value, path) if type_ == "str" else integer(value, path)


def _named(value: Any, enums: tuple[Any, ...], path: str) -> Any:
    """The name of an enum member. A number without a member stays a number."""
    number = integer(value, path)
    if type(value) is ConnectReturnCode or (type(value) is not ReasonCode and 1 <= number <= 5):
        enums = enums[::-1]  # As in the constructor of ConnAck.
    for enum in enums:
        if number in enum._value2member_map_:
            member = enum(number)
            return _RETURN_CODE_NAMES[member] if enum is ConnectReturnCode else member.name
    return number


# --- Reading.


def from_dict(mapping: Any, packets: Any) -> Any:
    """The result of the public `from_dict`. `packets` has the classes of the implementation."""
    values = _keyed(mapping, "mapping")
    if "type" not in values:
        raise ValueError("type must be the name of a packet type, but is missing")
    name = exact_text(values.pop("type"), "type")
    for packet_class in packets.Packet.__args__:
        if packet_class.__name__.upper() == name:
            return _read_fields(values, packet_class, "", packets)
    raise _errors.bad_value("type", "the name of a packet type", name)


def _keyed(value: Any, about: str) -> dict[str, Any]:
    """A copy of a dict with exact str as keys. Methods of a subclass are not called."""
    if not issubclass(type(value), dict):
        raise _errors.wrong_type(about, "a dict", value)
    # `list` of the items would call `__len__` on PyPy.
    return {exact_text(key, f"each key of {about}"): item for key, item in dict.items(value)}


def _read_fields(values: dict[str, Any], cls: Any, path: str, packets: Any) -> Any:
    fields = _fields_of(cls)
    for name in values:
        if name not in fields:
            raise ValueError(f"unknown key {_errors.shown(path + name)}: {cls.__name__} has no such field")
    for name, field in fields.items():
        if name not in values and field.default is MISSING:
            raise ValueError(f"{path}{name} is missing: {cls.__name__} requires it")
    return cls(**{name: _read(value, fields[name].type, path + name, packets) for name, value in values.items()})


def _read(value: Any, type_: str, path: str, packets: Any) -> Any:
    if value is None and type_.endswith(" | None"):
        return None
    type_ = type_.removesuffix(" | None")
    item_type = _item_type(type_)
    if item_type is not None:
        items = exact_items(value, (list,), path, "a list")
        return tuple([_read(item, item_type, f"{path}[{at}]", packets) for at, item in enumerate(items)])
    if type_ == _PAIR:
        pair = exact_items(value, (list,), path, "a list of two strings")
        if len(pair) != 2:
            raise ValueError(f"{path} must be a list of two strings, not of {len(pair)}")
        return tuple([exact_text(item, f"{path}[{at}]") for at, item in enumerate(pair)])
    if type_ in ("Will", "Subscription"):
        return _read_fields(_keyed(value, path), getattr(packets, type_), path + ".", packets)
    if type_ == _BINARY:
        return _binary(exact_text(value, path), path)
    if type_ in _ENUMS and issubclass(type(value), str):
        return _member(str.__str__(value), _ENUMS[type_], path)
    if type_ == "bool":
        if type(value) is not bool:
            raise _errors.wrong_type(path, "bool", value)
        return value
    if type_ == "str":
        return exact_text(value, path)
    if type(value) is bool:
        raise _errors.wrong_type(path, "int", value)
    return integer(value, path)


def _binary(text: str, path: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        # The text is not shown, because it may be a password.
        raise ValueError(f"{path} must be base64 text, but its {len(text)} characters are not") from None


def _member(name: str, enums: tuple[Any, ...], path: str) -> Any:
    for enum in enums:
        if name in enum.__members__:
            return enum[name]
    raise _errors.bad_value(path, "the name of a " + " or ".join(enum.__name__ for enum in enums), name)
