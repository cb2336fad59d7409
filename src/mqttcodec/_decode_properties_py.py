"""Decodes property lists (2.2.2): `_decode_properties_c.pyx` in plain Python."""

from __future__ import annotations

from typing import Any

from . import _errors, _spec
from ._enums import Kind, PropertyId, QoS
from ._reader_py import Cursor

_QOS_MEMBERS = tuple(QoS)
# Plain numbers, because looking up a member of an enum is much slower than a global.
_KINDS: dict[int, int] = {int(identifier): int(kind) for identifier, kind in _spec.PROPERTY_KINDS.items()}
_BOOLEAN, _INDICATOR, _QOS = int(Kind.BOOLEAN), int(Kind.INDICATOR), int(Kind.QOS)
_TOPIC_ALIAS, _FOUR_BYTE_NON_ZERO = int(Kind.TOPIC_ALIAS), int(Kind.FOUR_BYTE_NON_ZERO)
_STRING, _TOPIC_NAME, _BINARY, _STRING_PAIR = map(int, (Kind.STRING, Kind.TOPIC_NAME, Kind.BINARY, Kind.STRING_PAIR))
_NON_ZERO = tuple(map(int, (Kind.TWO_BYTE_NON_ZERO, Kind.FOUR_BYTE_NON_ZERO, Kind.VARIABLE_NON_ZERO)))
_PROPERTY_FIELDS = {
    int(place): {int(identifier): _spec.property_field(place, identifier) for identifier in identifiers}
    for place, identifiers in _spec.PROPERTIES.items()
}
_REPEATED = ("user_properties", "subscription_identifiers")


def read_properties(cursor: Cursor, place: int, fields: dict[str, Any], about: str = "Property Length") -> None:
    """Read a property list (2.2.2) into `fields`, the `__dict__` of a packet."""
    start = cursor.position
    length = cursor.variable_integer(about)  # [MQTT-2.2.2-1]
    if length == 0:
        return
    packet_end = cursor.end
    if packet_end - cursor.position < length:
        cursor.fail(_errors.PROPERTIES_CUT, start, about, length)  # [U06]
    cursor.end = end = cursor.position + length
    cursor.in_properties = True
    data = cursor.data
    names = _PROPERTY_FIELDS[place]
    repeated: dict[str, list[Any]] = {}
    while (start := cursor.position) < end:
        identifier = data[start]
        if identifier in names:
            cursor.position = start + 1
        else:
            identifier = _property_identifier(cursor, place)
        name = names[identifier]
        if name in _REPEATED:
            repeated.setdefault(name, []).append(_property_value(cursor, identifier, name))
            continue
        if name in fields:
            cursor.fail(_errors.PROPERTY_TWICE, start, name)  # [U07]
        fields[name] = _property_value(cursor, identifier, name)
    for name in repeated:
        fields[name] = tuple(repeated[name])
    cursor.end = packet_end
    cursor.in_properties = False


def _property_identifier(cursor: Cursor, place: int) -> int:
    start = cursor.position
    identifier = cursor.variable_integer("Property Identifier", _errors.PROPERTY_ID_NOT_SHORTEST)  # [U04]
    if identifier not in _PROPERTY_FIELDS[place]:  # [U05]
        if identifier not in _spec.PROPERTY_KINDS:
            cursor.fail(_errors.PROPERTY_UNKNOWN, start, "", identifier)
        name = PropertyId(identifier).name.lower()
        cursor.fail(_errors.PROPERTY_MISPLACED, start, _spec.place_name(place), name)
    return identifier


def _property_value(cursor: Cursor, identifier: int, name: str) -> Any:
    kind = _KINDS[identifier]
    if kind == _STRING_PAIR:
        return cursor.string(name), cursor.string(name)
    if kind == _STRING:
        return cursor.string(name)
    if kind == _BINARY:
        return cursor.binary(name)
    if kind == _TOPIC_NAME:
        start = cursor.position
        text = cursor.topic_name(name)
        if not text:
            cursor.fail(_errors.TOPIC_EMPTY, start, name)  # [MQTT-4.7.3-1]
        return text
    start = cursor.position
    if kind <= _QOS:
        value = cursor.byte(name)
        if value > 1:
            cursor.fail(_errors.NOT_0_OR_1, start, name, value)  # [U10] [U12]
        return value == 1 if kind == _BOOLEAN else value if kind == _INDICATOR else _QOS_MEMBERS[value]
    if kind <= _TOPIC_ALIAS:
        value = cursor.two_bytes(name)
    elif kind <= _FOUR_BYTE_NON_ZERO:
        value = cursor.four_bytes(name)
    else:
        value = cursor.variable_integer(name)
    if value == 0:
        if kind == _TOPIC_ALIAS:
            cursor.fail(_errors.TOPIC_ALIAS_ZERO, start)  # [MQTT-3.3.2-8]
        if kind in _NON_ZERO:
            cursor.fail(_errors.ZERO, start, name)  # [U08] [U09] [U14]
    return value
