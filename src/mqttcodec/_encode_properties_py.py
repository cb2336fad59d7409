"""Encodes property lists (2.2.2): `_encode_properties_c.pyx` in plain Python."""

from __future__ import annotations

import dataclasses
import struct
from typing import Any

from . import _errors, _packets_py, _spec
from ._arguments_py import integer
from ._enums import Kind, ProtocolVersion
from ._writer_py import Writer, absent, two_bytes, variable_integer

FEW = 16
"""The fast functions take lists of up to this many items. So few cannot exceed the limit of a packet's size."""
# Plain numbers, because looking up a member of an enum is much slower than a global.
_QOS, _TOPIC_ALIAS, _VARIABLE_NON_ZERO = map(int, (Kind.QOS, Kind.TOPIC_ALIAS, Kind.VARIABLE_NON_ZERO))
_NON_ZERO = (int(Kind.TWO_BYTE_NON_ZERO), int(Kind.FOUR_BYTE_NON_ZERO))
_STRING, _TOPIC_NAME, _BINARY, _STRING_PAIR = map(int, (Kind.STRING, Kind.TOPIC_NAME, Kind.BINARY, Kind.STRING_PAIR))
_TEXTS = (_STRING, _TOPIC_NAME)
_identified_byte, _identified_two_bytes, _identified_four_bytes = (
    struct.Struct(form).pack for form in (">BB", ">BH", ">BI")
)
# By kind: the function that packs an identifier and a number of several bytes.
_PACK: dict[int, Any] = {
    **dict.fromkeys((Kind.TWO_BYTE, Kind.TWO_BYTE_NON_ZERO, Kind.TOPIC_ALIAS), _identified_two_bytes),
    **dict.fromkeys((Kind.FOUR_BYTE, Kind.FOUR_BYTE_NON_ZERO), _identified_four_bytes),
}


def _rows(place: int, packet_class: Any) -> list[tuple[int, int, str, bool]]:
    """The properties of a place, in the order of the fields: identifier, kind, field name, whether it may repeat."""
    by_field = {_spec.property_field(place, identifier): identifier for identifier in _spec.PROPERTIES[place]}
    return [
        (int(identifier), int(_spec.PROPERTY_KINDS[identifier]), name, _spec.may_repeat(place, identifier))
        for name in (field.name for field in dataclasses.fields(packet_class))
        if (identifier := by_field.get(name)) is not None
    ]


_PROPERTIES = [_rows(place, cls) for place, cls in enumerate((_packets_py.Will, *_packets_py.Packet.__args__))]
# The same for `fast_properties`: field name, identifier, kind and the function from `_PACK`, or None.
_FAST_PROPERTIES = [
    [(name, identifier, kind, _PACK.get(kind)) for identifier, kind, name, _ in rows] for rows in _PROPERTIES
]
_HAS_PROPERTIES: dict[int, bool] = {version: _spec.has_properties(version) for version in ProtocolVersion}
PROPERTY_NAMES = [frozenset(name for _, _, name, _ in rows) for rows in _PROPERTIES]


def write_properties(writer: Writer, packet: Any, place: int) -> None:
    """Write the property list of a place (2.2.2).

    If the version has no properties, nothing is written, and any property is rejected.
    """
    fields = packet.__dict__
    packet_body = writer.body
    has_properties = _HAS_PROPERTIES[writer.version]
    if PROPERTY_NAMES[place].isdisjoint(fields):
        if has_properties:
            packet_body.append(0)
        return
    if has_properties:
        encoded = fast_properties(fields, place)
        if encoded is not None:
            packet_body += encoded
            return
    writer.body = properties = bytearray()
    for identifier, kind, name, repeats in _PROPERTIES[place]:
        value = fields.get(name)
        if value is None or (repeats and absent(value)):
            continue
        if not has_properties:
            writer.refuse(_errors.NOT_IN_VERSION, name)
        for item in writer.sequence(value, name) if repeats else (value,):
            if repeats and kind == _VARIABLE_NON_ZERO and not issubclass(type(item), int):
                raise _errors.wrong_item(name, "int", item)
            properties.append(identifier)
            _property_value(writer, item, kind, name)
    if has_properties:
        packet_body += variable_integer(len(properties))  # [MQTT-2.2.2-1]
        packet_body += properties
    writer.body = packet_body


def _property_value(writer: Writer, value: Any, kind: int, name: str) -> None:
    if kind == _STRING_PAIR:
        if not issubclass(type(value), (tuple, list)):
            raise _errors.not_a_pair(value)
        pair = writer.sequence(value, name)
        if len(pair) != 2:
            raise _errors.not_a_pair(pair)
        for text in pair:
            if not issubclass(type(text), str):
                raise _errors.wrong_type("each name and value of user_properties", "str", text)
            writer.string(text, name)
    elif kind == _STRING:
        writer.string(value, name)
    elif kind == _BINARY:
        writer.binary(value, name)
    elif kind == _TOPIC_NAME:
        if not writer.topic_name(value, name):
            writer.refuse(_errors.TOPIC_EMPTY, name)  # [MQTT-4.7.3-1]
    elif kind <= _QOS:
        writer.body.append(writer.flag(value, name))  # [U10] [U12]
    elif kind == _VARIABLE_NON_ZERO:
        number = integer(value, name)
        if not 0 <= number <= _spec.MAXIMUM_REMAINING_LENGTH:
            writer.refuse(_errors.NOT_VARIABLE, name, number)
        if number == 0:
            writer.refuse(_errors.ZERO, name)  # [U14]
        writer.body += variable_integer(number)
    else:
        number = writer.number(value, 2 if kind <= _TOPIC_ALIAS else 4, name)
        if number == 0:
            if kind == _TOPIC_ALIAS:
                writer.refuse(_errors.TOPIC_ALIAS_ZERO)  # [MQTT-3.3.2-8]
            if kind in _NON_ZERO:
                writer.refuse(_errors.ZERO, name)  # [U08] [U09]


def fast_properties(fields: dict[str, Any], place: int) -> bytes | None:
    """Encode a property list of 5.0 if its values have the exact types expected and its lists are short; else None."""
    parts: list[bytes] = []
    try:
        for name, identifier, kind, pack in _FAST_PROPERTIES[place]:
            if name not in fields:
                continue
            value = fields[name]
            if pack is not None:
                if type(value) is not int or value == 0:
                    return None
                parts.append(pack(identifier, value))
            elif kind in _TEXTS:
                if type(value) is not str or "\0" in value:
                    return None
                if kind == _TOPIC_NAME and (not value or "+" in value or "#" in value):
                    return None
                encoded = value.encode()
                parts.append(_identified_two_bytes(identifier, len(encoded)) + encoded)
            elif kind == _STRING_PAIR:
                if type(value) is not tuple or len(value) > FEW:
                    return None
                for pair in value:
                    if type(pair) is not tuple or len(pair) != 2:
                        return None
                    key, text = pair
                    if type(key) is not str or type(text) is not str or "\0" in key or "\0" in text:
                        return None
                    key, text = key.encode(), text.encode()
                    parts += (_identified_two_bytes(identifier, len(key)), key, two_bytes(len(text)), text)
            elif kind == _BINARY:
                if type(value) is not bytes:
                    return None
                parts.append(_identified_two_bytes(identifier, len(value)) + value)
            elif kind <= _QOS:
                if value is not True and value is not False and (type(value) is not int or not 0 <= value <= 1):
                    return None
                parts.append(_identified_byte(identifier, value))
            else:
                return None
    except (UnicodeEncodeError, struct.error):
        return None
    properties = b"".join(parts)
    return variable_integer(len(properties)) + properties  # [MQTT-2.2.2-1]
