"""Property lists out of bytes (2.2.2): `_decode_properties_c.pyx` in plain Python."""

from __future__ import annotations

from typing import Any

from . import _errors, _spec
from ._enums import PropertyId, QoS
from ._spec import Kind
from ._wire_py import Cursor

_QOS = tuple(QoS)
_KINDS: dict[int, Kind] = {**_spec.PROPERTY_KINDS}
_NON_ZERO = (Kind.TWO_BYTE_NON_ZERO, Kind.FOUR_BYTE_NON_ZERO, Kind.VARIABLE_NON_ZERO)
_PROPERTY_FIELDS = {
    place: {int(identifier): _spec.property_field(place, identifier) for identifier in identifiers}
    for place, identifiers in _spec.PROPERTIES.items()
}


def read_properties(cursor: Cursor, place: int, fields: dict[str, Any], about: str = "properties") -> None:
    """Read a property list (2.2.2) into `fields`."""
    start = cursor.position
    length = cursor.variable_integer(about)  # [MQTT-2.2.2-1]
    if length == 0:
        return
    packet_end = cursor.end
    if packet_end - cursor.position < length:
        raise cursor.fail(_errors.PROPERTIES_CUT, start, about, length)  # [U06]
    cursor.end = cursor.position + length
    cursor.in_properties = True
    names = _PROPERTY_FIELDS[place]
    seen = 0
    while cursor.position < cursor.end:
        start = cursor.position
        identifier = _property_identifier(cursor, place)
        name = names[identifier]
        if _spec.may_repeat(place, identifier):
            fields.setdefault(name, []).append(_property_value(cursor, identifier, name))
            continue
        if seen >> identifier & 1:
            raise cursor.fail(_errors.PROPERTY_TWICE, start, name)  # [U07]
        seen |= 1 << identifier
        fields[name] = _property_value(cursor, identifier, name)
    for name in ("user_properties", "subscription_identifiers"):
        if name in fields:
            fields[name] = tuple(fields[name])
    cursor.end = packet_end
    cursor.in_properties = False


def _property_identifier(cursor: Cursor, place: int) -> int:
    start = cursor.position
    identifier = cursor.variable_integer("a Property Identifier", _errors.PROPERTY_ID_NOT_SHORTEST)  # [U04]
    if identifier not in _PROPERTY_FIELDS[place]:  # [U05]
        if identifier not in _spec.PROPERTY_KINDS:
            raise cursor.fail(_errors.PROPERTY_UNKNOWN, start, "", identifier)
        name = PropertyId(identifier).name.lower()
        raise cursor.fail(_errors.PROPERTY_MISPLACED, start, name, _spec.place_name(place))
    return identifier


def _property_value(cursor: Cursor, identifier: int, name: str) -> Any:
    kind = _KINDS[identifier]
    if kind == Kind.STRING:
        return cursor.string(name)
    if kind == Kind.STRING_PAIR:
        return cursor.string(name), cursor.string(name)
    if kind == Kind.BINARY:
        return cursor.binary(name)
    if kind == Kind.TOPIC_NAME:
        start = cursor.position
        text = cursor.topic_name(name)
        if not text:
            raise cursor.fail(_errors.TOPIC_EMPTY, start, name)  # [MQTT-4.7.3-1]
        return text
    start = cursor.position
    if kind <= Kind.QOS:
        value = cursor.byte(name)
        if value > 1:
            raise cursor.fail(_errors.NOT_0_OR_1, start, name, value)  # [U10] [U12]
        return value == 1 if kind == Kind.BOOLEAN else value if kind == Kind.INDICATOR else _QOS[value]
    if kind <= Kind.TOPIC_ALIAS:
        value = cursor.two_bytes(name)
    elif kind <= Kind.FOUR_BYTE_NON_ZERO:
        value = cursor.four_bytes(name)
    else:
        value = cursor.variable_integer(name)
    if value == 0:
        if kind == Kind.TOPIC_ALIAS:
            raise cursor.fail(_errors.TOPIC_ALIAS_ZERO, start)  # [MQTT-3.3.2-8]
        if kind in _NON_ZERO:
            raise cursor.fail(_errors.ZERO, start, name)  # [U08] [U09] [U14]
    return value
