"""Hypothesis strategies: any valid packet of a class, with every field and property, in any version that has it.

A packet is drawn as its version, the name of its class and its fields in the form of `vectors.packet`, so that each
implementation can construct it. Drawing dominates the time of a round trip, so there is one draw per value where
possible, and strategies are created once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from mqttcodec import MQTTv5, MQTTv31, MQTTv311, PacketType, PropertyId, ProtocolVersion, _spec
from mqttcodec._enums import Kind
from samples import VERSIONS

GREATEST_LENGTH = 65_535


def _numbers(least: int, greatest: int) -> st.SearchStrategy[int]:
    """Any number in a range. Half of them are at its ends, or at the ends of what fits into a number of bits."""
    powers = [1 << bits for bits in (7, 8, 14, 15, 16, 21, 31)]
    borders = {least, least + 1, greatest - 1, greatest, *powers, *(power - 1 for power in powers)}
    edges = sorted(border for border in borders if least <= border <= greatest)
    return st.sampled_from(edges) | st.integers(least, greatest)


def _texts(but: str = "", least: int = 0, greatest: int = 20) -> st.SearchStrategy[str]:
    characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0" + but)
    return st.text(characters, min_size=least, max_size=greatest)


_VERSIONS = st.sampled_from(VERSIONS)
_BITS = [st.integers(0, 2**count - 1) for count in range(20)]
_BOOLEANS = st.booleans()
_QOS = st.sampled_from((0, 1, 2))
_COUNTS = st.sampled_from((1, 1, 2, 3))
_TWO_BYTES = _numbers(0, 0xFFFF)
_TWO_BYTES_NON_ZERO = _numbers(1, 0xFFFF)
_NUMBERS = {
    Kind.INDICATOR: st.sampled_from((0, 1)),
    Kind.QOS: st.sampled_from((0, 1)),
    Kind.TWO_BYTE: _TWO_BYTES,
    Kind.TWO_BYTE_NON_ZERO: _TWO_BYTES_NON_ZERO,
    Kind.TOPIC_ALIAS: _TWO_BYTES_NON_ZERO,
    Kind.FOUR_BYTE: _numbers(0, 0xFFFFFFFF),
    Kind.FOUR_BYTE_NON_ZERO: _numbers(1, 0xFFFFFFFF),
    Kind.VARIABLE_NON_ZERO: _numbers(1, _spec.MAXIMUM_REMAINING_LENGTH),
}
_TEXTS = _texts()
_CLIENT_IDS_OF_3_1 = _texts(least=1, greatest=23) | _texts(least=23, greatest=23)
_TOPIC_NAMES = _texts("+#", least=1)
_BYTES = st.binary(max_size=20)
# In these {0} is a text, {1} a share name.
_PLAIN_FILTERS = (
    *("{0}", "{0}/{0}", "/{0}", "{0}/", "+", "#", "/", "//", "/+", "+/", "/#", "+/#", "+/+", "+/{0}", "{0}/+", "{0}/#"),
    *("{0}/+/{0}", "+/{0}/#", "{0}//+/#", "$SYS/{0}", "$SYS/+/#", "$share"),
)
_FILTERS_OF_5 = st.sampled_from((*_PLAIN_FILTERS, *("$share/{1}/" + plain for plain in _PLAIN_FILTERS[:12])))
_FILTERS = st.sampled_from((*_PLAIN_FILTERS, "$share/{0}", "$share/+/{0}", "$share//#"))
# The index of the long string or bytes in a packet, -1 for none, and its length in bytes.
_LONG_ONES = st.sampled_from(
    [(-1, 0)] * 12 + [(at, size) for at in range(6) for size in (126, 127, 128, 16_383, GREATEST_LENGTH)]
)


def _reason_codes(packet_type: PacketType, version: ProtocolVersion) -> st.SearchStrategy[Any]:
    return st.sampled_from([code for code in _spec.reason_codes(packet_type, version) if code is not None])


_REASON_CODES = {
    (packet_type, version): _reason_codes(packet_type, version)
    for version in VERSIONS
    for packet_type in PacketType
    if any(code is not None for code in _spec.reason_codes(packet_type, version))
}


class Drawing:
    """The packet that is being drawn."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any], version: ProtocolVersion) -> None:
        self.draw = draw
        self.version = version
        self.is_v5 = version == MQTTv5
        self.long_at, self.long_size = draw(_LONG_ONES)
        self.drawn = 0  # The number of strings and bytes.

    def _stretched(self, value: Any, filler: Any) -> Any:
        """The string or bytes drawn, repeated to its size if it is the long one."""
        at, self.drawn = self.drawn, self.drawn + 1
        if at != self.long_at:
            return value
        value = value or filler
        times, rest = divmod(self.long_size, len(value.encode() if isinstance(value, str) else value))
        return value * times + filler * rest

    def string(self, strategy: st.SearchStrategy[str] = _TEXTS) -> str:
        return self._stretched(self.draw(strategy), "x")

    def topic_name(self) -> str:
        return self.string(_TOPIC_NAMES)

    def binary(self) -> bytes:
        return self._stretched(self.draw(_BYTES), b"\xff")

    def topic_filter(self) -> str:
        text = self.topic_name()
        shape = self.draw(_FILTERS_OF_5 if self.is_v5 else _FILTERS)
        topic_filter = shape.format(text, text.replace("/", "") or "g")
        if len(topic_filter.encode()) > GREATEST_LENGTH:
            shape = topic_filter = text
        if self.is_v5 and topic_filter.startswith("$share/") and not shape.startswith("$share/{1}/"):
            return topic_filter[1:]  # The text itself began like this.
        return topic_filter

    def bits(self, count: int) -> list[bool]:
        bits = self.draw(_BITS[count])
        return [bits >> at & 1 == 1 for at in range(count)]

    def reason_code(self, packet_type: PacketType) -> Any:
        return self.draw(_REASON_CODES[packet_type, self.version])

    def packet_id(self) -> int:
        return self.draw(_TWO_BYTES_NON_ZERO)

    def several(self, draw: Callable[[], Any]) -> list[Any]:
        return [draw() for _ in range(self.draw(_COUNTS))]

    def properties(self, place: int) -> dict[str, Any]:
        """Some of the properties that a packet type may have, as fields."""
        if not self.is_v5:
            return {}
        identifiers = _spec.PROPERTIES[place]
        fields = {}
        for identifier, is_there in zip(identifiers, self.bits(len(identifiers)), strict=True):
            if is_there:
                name = _spec.property_field(place, identifier)
                if _spec.may_repeat(place, identifier):
                    fields[name] = tuple(self.several(lambda: self._property_value(identifier)))
                else:
                    fields[name] = self._property_value(identifier)
        if "authentication_method" not in fields:
            fields.pop("authentication_data", None)  # [U11]
        return fields

    def _property_value(self, identifier: PropertyId) -> Any:
        kind = _spec.PROPERTY_KINDS[identifier]
        if kind == Kind.STRING:
            return self.string()
        if kind == Kind.STRING_PAIR:
            return self.string(), self.string()
        if kind == Kind.BINARY:
            return self.binary()
        if kind == Kind.TOPIC_NAME:
            return self.topic_name()
        if kind == Kind.BOOLEAN:
            return self.draw(_BOOLEANS)
        return self.draw(_NUMBERS[kind])


def _connect(drawing: Drawing) -> dict[str, Any]:
    version = drawing.version
    clean_start, has_username, has_password, has_will, retain = drawing.bits(5)
    fields: dict[str, Any] = {"keep_alive": drawing.draw(_TWO_BYTES), "protocol_version": version}
    fields["client_id"] = drawing.draw(_CLIENT_IDS_OF_3_1) if version == MQTTv31 else drawing.string()
    # [MQTT-3.1.3-8] of 3.1.1
    fields["clean_start"] = clean_start or (version == MQTTv311 and not fields["client_id"])
    if has_username:
        fields["username"] = drawing.string()
    if has_password and (has_username or version == MQTTv5):  # [MQTT-3.1.2-22] of 3.1.1
        fields["password"] = drawing.binary()
    if has_will:
        will = {"topic": drawing.topic_name(), "payload": drawing.binary(), "qos": drawing.draw(_QOS), "retain": retain}
        fields["will"] = {"Will": will | drawing.properties(_spec.WILL)}
    return fields | drawing.properties(PacketType.CONNECT)


def _connack(drawing: Drawing) -> dict[str, Any]:
    reason_code = drawing.reason_code(PacketType.CONNACK)
    # [MQTT-3.2.2-6]; 3.1 has no such flag [U31].
    session_present = reason_code == 0 and drawing.version != MQTTv31 and drawing.draw(_BOOLEANS)
    return {"session_present": session_present, "reason_code": reason_code, **drawing.properties(PacketType.CONNACK)}


def _publish(drawing: Drawing) -> dict[str, Any]:
    qos = drawing.draw(_QOS)
    retain, dup, is_empty = drawing.bits(3)
    fields = {"payload": drawing.binary(), "qos": qos, "retain": retain, **drawing.properties(PacketType.PUBLISH)}
    fields["topic"] = "" if is_empty and "topic_alias" in fields else drawing.topic_name()
    fields["dup"] = dup and (qos > 0 or drawing.version == MQTTv31)  # [MQTT-3.3.1-2]
    if qos:
        fields["packet_id"] = drawing.packet_id()
    return fields


def _acknowledgement(packet_type: PacketType) -> Callable[[Drawing], dict[str, Any]]:
    def fields(drawing: Drawing) -> dict[str, Any]:
        return {
            "packet_id": drawing.packet_id(),
            "reason_code": drawing.reason_code(packet_type),
            **drawing.properties(packet_type),
        }

    return fields


def _subscription(drawing: Drawing) -> dict[str, Any]:
    topic_filter = drawing.topic_filter()
    if not drawing.is_v5:
        return {"Subscription": {"topic_filter": topic_filter, "qos": drawing.draw(_QOS)}}
    options = drawing.draw(_BITS[6])
    return {
        "Subscription": {
            "topic_filter": topic_filter,
            "qos": (options & 3) % 3,
            "no_local": options & 4 != 0 and not topic_filter.startswith("$share/"),  # [MQTT-3.8.3-4]
            "retain_as_published": options & 8 != 0,
            "retain_handling": (options >> 4) % 3,
        }
    }


def _subscribe(drawing: Drawing) -> dict[str, Any]:
    subscriptions = drawing.several(lambda: _subscription(drawing))
    return {
        "packet_id": drawing.packet_id(),
        "subscriptions": subscriptions,
        **drawing.properties(PacketType.SUBSCRIBE),
    }


def _suback(drawing: Drawing) -> dict[str, Any]:
    reason_codes = tuple(drawing.several(lambda: drawing.reason_code(PacketType.SUBACK)))
    return {"packet_id": drawing.packet_id(), "reason_codes": reason_codes, **drawing.properties(PacketType.SUBACK)}


def _unsubscribe(drawing: Drawing) -> dict[str, Any]:
    topic_filters = tuple(drawing.several(drawing.topic_filter))
    return {
        "packet_id": drawing.packet_id(),
        "topic_filters": topic_filters,
        **drawing.properties(PacketType.UNSUBSCRIBE),
    }


def _unsuback(drawing: Drawing) -> dict[str, Any]:
    fields = {"packet_id": drawing.packet_id(), **drawing.properties(PacketType.UNSUBACK)}
    if drawing.is_v5:
        fields["reason_codes"] = tuple(drawing.several(lambda: drawing.reason_code(PacketType.UNSUBACK)))
    return fields


def _ping(drawing: Drawing) -> dict[str, Any]:
    return {}


def _disconnect(drawing: Drawing) -> dict[str, Any]:
    reason_code = drawing.reason_code(PacketType.DISCONNECT)
    return {"reason_code": reason_code, **drawing.properties(PacketType.DISCONNECT)}


def _auth(drawing: Drawing) -> dict[str, Any]:
    fields = {"reason_code": drawing.reason_code(PacketType.AUTH), **drawing.properties(PacketType.AUTH)}
    if fields != {"reason_code": 0} and "authentication_method" not in fields:  # [U21]
        fields["authentication_method"] = drawing.string()
    return fields


_FIELDS: dict[str, Callable[[Drawing], dict[str, Any]]] = {
    "Connect": _connect,
    "ConnAck": _connack,
    "Publish": _publish,
    "PubAck": _acknowledgement(PacketType.PUBACK),
    "PubRec": _acknowledgement(PacketType.PUBREC),
    "PubRel": _acknowledgement(PacketType.PUBREL),
    "PubComp": _acknowledgement(PacketType.PUBCOMP),
    "Subscribe": _subscribe,
    "SubAck": _suback,
    "Unsubscribe": _unsubscribe,
    "UnsubAck": _unsuback,
    "PingReq": _ping,
    "PingResp": _ping,
    "Disconnect": _disconnect,
    "Auth": _auth,
}

NAMES = tuple(_FIELDS)


@st.composite
def packets(draw: Callable[[st.SearchStrategy[Any]], Any], name: str) -> tuple[ProtocolVersion, str, dict[str, Any]]:
    """Any packet of the class of this name."""
    version = MQTTv5 if name == "Auth" else draw(_VERSIONS)
    return version, name, _FIELDS[name](Drawing(draw, version))
