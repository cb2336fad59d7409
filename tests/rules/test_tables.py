"""The standard's complete tables: properties, reason codes, first bytes, connect flags, subscription options.

They are compared with a separate transcription, in `spec/*.tsv` and here, not with the tables that the codec uses.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from mqttcodec import _spec
from octets import framed
from statements import rows

PLACES = {
    "CONNECT": 1,
    "CONNACK": 2,
    "PUBLISH": 3,
    "PUBACK": 4,
    "PUBREC": 5,
    "PUBREL": 6,
    "PUBCOMP": 7,
    "SUBSCRIBE": 8,
    "SUBACK": 9,
    "UNSUBSCRIBE": 10,
    "UNSUBACK": 11,
    "PINGREQ": 12,
    "PINGRESP": 13,
    "DISCONNECT": 14,
    "AUTH": 15,
    "WILL": 1,
}
MALFORMED, PROTOCOL = ("MalformedPacketError", 0x81), ("ProtocolError", 0x82)


PROPERTIES = rows("properties.tsv")
REASON_CODES = rows("reason-codes.tsv")


def first_byte(packet_type: int) -> int:
    return packet_type << 4 | (2 if packet_type in (6, 8, 10) else 0)


def packet_with(place: str, properties: bytes) -> bytes:
    """A packet of 5.0 that is valid if `properties` are."""
    listed = bytes((len(properties),)) + properties
    body = {
        "CONNECT": b"\0\4MQTT\5\2\0\0" + listed + b"\0\0",
        "WILL": b"\0\4MQTT\5\6\0\0\0\0\1c" + listed + b"\0\1w\0\0",
        "CONNACK": b"\0\0" + listed,
        "PUBLISH": b"\0\1t" + listed + b"payload",
        "SUBSCRIBE": b"\0\1" + listed + b"\0\1a\0",
        "SUBACK": b"\0\1" + listed + b"\0",
        "UNSUBSCRIBE": b"\0\1" + listed + b"\0\1a",
        "UNSUBACK": b"\0\1" + listed + b"\0",
        "PINGREQ": listed,
        "PINGRESP": listed,
        "DISCONNECT": b"\0" + listed,
        "AUTH": b"\x18" + listed,
    }.get(place, b"\0\1\0" + listed)
    return framed(first_byte(PLACES[place]), body)


VALUES = {
    "Byte": b"\1",
    "Two Byte Integer": b"\1\2",
    "Four Byte Integer": b"\1\2\3\4",
    "Variable Byte Integer": b"\xff\x7f",
    "UTF-8 String": b"\0\2ab",
    "Binary Data": b"\0\2\0\xff",
    "UTF-8 String Pair": b"\0\1n\0\2vv",
}
DECODED = {
    "Two Byte Integer": 0x0102,
    "Four Byte Integer": 0x01020304,
    "Variable Byte Integer": 0x3FFF,
    "UTF-8 String": "ab",
    "Binary Data": b"\0\xff",
    "UTF-8 String Pair": ("n", "vv"),
}
METHOD = b"\x15\0\1m"


def judged(mqtt: Any, data: bytes, version: int = 5) -> Any:
    """The packet, or the class and reason code of the error."""
    try:
        return mqtt.decode(data, version)
    except mqtt.DecodeError as error:
        return type(error).__name__, error.reason_code


def property_in(place: str, row: dict[str, str], packet: Any) -> Any:
    holder = packet.will if place == "WILL" else packet
    name = row["name"].lower().replace(" ", "_")
    if name == "user_property":
        return holder.user_properties
    if name == "subscription_identifier" and place == "PUBLISH":
        return holder.subscription_identifiers
    return getattr(holder, name)


def needed(place: str, name: str) -> bytes:
    """The properties that a property requires: data needs a method, and AUTH always has one."""
    has_method = name == "Authentication Method"
    return b"" if has_method or (place != "AUTH" and name != "Authentication Data") else METHOD


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("row", PROPERTIES, ids=[row["name"] for row in PROPERTIES])
def test_property_in_place(mqtt: Any, place: str, row: dict[str, str]) -> None:
    name, kind = row["name"], row["type"]
    one = bytes((int(row["id"]),)) + VALUES[kind]
    beside = needed(place, name)
    allowed = place in row["allowed_packets"].split(",")
    found = judged(mqtt, packet_with(place, beside + one))
    if not allowed:
        assert found == MALFORMED
        return
    value = property_in(place, row, found)
    repeats = name == "User Property" or (name == "Subscription Identifier" and place == "PUBLISH")
    if kind == "Byte":
        assert value == 1
        assert type(value) is (
            int if name == "Payload Format Indicator" else mqtt.QoS if name == "Maximum QoS" else bool
        )
    else:
        assert value == ((DECODED[kind],) if repeats else DECODED[kind])
    twice = judged(mqtt, packet_with(place, beside + one + one))
    if repeats:
        assert property_in(place, row, twice) == (DECODED[kind],) * 2
    else:
        assert twice == PROTOCOL
    for size in range(1, len(one)):
        assert judged(mqtt, packet_with(place, beside + one[:size])) == MALFORMED
    assert mqtt.decode(mqtt.encode(found)) == found


OUT_OF_RANGE = {
    "Payload Format Indicator": (b"\2", 0x82),
    "Subscription Identifier": (b"\0", 0x82),
    "Request Problem Information": (b"\2", 0x82),
    "Request Response Information": (b"\xff", 0x82),
    "Receive Maximum": (b"\0\0", 0x82),
    "Topic Alias": (b"\0\0", 0x94),
    "Maximum QoS": (b"\2", 0x82),
    "Retain Available": (b"\2", 0x82),
    "Maximum Packet Size": (b"\0\0\0\0", 0x82),
    "Wildcard Subscription Available": (b"\2", 0x82),
    "Subscription Identifier Available": (b"\x80", 0x82),
    "Shared Subscription Available": (b"\2", 0x82),
}


@pytest.mark.parametrize("row", PROPERTIES, ids=[row["name"] for row in PROPERTIES])
def test_property_out_of_range(mqtt: Any, row: dict[str, str]) -> None:
    identifier = bytes((int(row["id"]),))
    for place in row["allowed_packets"].split(","):
        beside = needed(place, row["name"])
        if row["name"] in OUT_OF_RANGE:
            value, code = OUT_OF_RANGE[row["name"]]
            assert judged(mqtt, packet_with(place, beside + identifier + value)) == ("ProtocolError", code)
        elif "Integer" in row["type"]:
            size = {"Two Byte Integer": 2, "Four Byte Integer": 4}[row["type"]]
            for value in (b"\0" * size, b"\xff" * size):
                packet = mqtt.decode(packet_with(place, beside + identifier + value))
                assert property_in(place, row, packet) == int.from_bytes(value, "big")
        elif "String" in row["type"]:
            for text in (b"\0\1\0", b"\0\1\xff", b"\0\3\xed\xa0\x80", b"\0\2\xc0\x80"):
                value = text + b"\0\0" * (row["name"] == "User Property")
                assert judged(mqtt, packet_with(place, beside + identifier + value)) == MALFORMED
        else:
            packet = mqtt.decode(packet_with(place, beside + identifier + b"\0\0"))
            assert property_in(place, row, packet) == b""


def test_each_property_has_its_field(mqtt: Any) -> None:
    for place, packet_class in enumerate((mqtt.Will, *mqtt.Packet.__args__)):
        parameters = inspect.signature(packet_class).parameters.values()
        by_keyword = {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
        assert by_keyword == {_spec.property_field(place, identifier) for identifier in _spec.PROPERTIES[place]}


def test_unknown_properties(mqtt: Any) -> None:
    known = {int(row["id"]) for row in PROPERTIES}
    for place in PLACES:
        for identifier in range(128):
            if identifier not in known:
                assert judged(mqtt, packet_with(place, bytes((identifier, 0)))) == MALFORMED


def packets_of(row: dict[str, str]) -> list[str]:
    return row["packets_table_2_6"].split(",")


def codes_of(packet: str, version: int) -> set[int]:
    if version == 5:
        return {int(row["value"]) for row in REASON_CODES if packet in packets_of(row)}
    return {"CONNACK": set(range(6)), "SUBACK": {0, 1, 2, 0x80} if version == 4 else {0, 1, 2}}.get(packet, set())


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("packet", sorted({name for row in REASON_CODES for name in packets_of(row)}))
def test_reason_codes(mqtt: Any, version: int, packet: str) -> None:
    allowed = codes_of(packet, version)
    none = b"\0" if version == 5 else b""
    for code in range(256):
        octet = bytes((code,))
        body = {
            "CONNACK": b"\0" + octet + none,
            "SUBACK": b"\0\1" + none + octet,
            "UNSUBACK": b"\0\1" + none + octet,
            "DISCONNECT": octet + none,
            "AUTH": octet + b"\4" + METHOD,
        }.get(packet, b"\0\1" + octet)
        found = judged(mqtt, framed(first_byte(PLACES[packet]), body), version)
        if code not in allowed:
            assert found == MALFORMED, code
        else:
            values = getattr(found, "reason_codes", None) or (found.reason_code,)
            assert values == (code,)
            assert type(values[0]).__name__ == (
                "ConnectReturnCode" if packet == "CONNACK" and version < 5 else "ReasonCode"
            )


CLASSES = {
    "CONNACK": ("ConnAck", lambda code: {"reason_code": code}),
    "PUBACK": ("PubAck", lambda code: {"packet_id": 1, "reason_code": code}),
    "PUBREC": ("PubRec", lambda code: {"packet_id": 1, "reason_code": code}),
    "PUBREL": ("PubRel", lambda code: {"packet_id": 1, "reason_code": code}),
    "PUBCOMP": ("PubComp", lambda code: {"packet_id": 1, "reason_code": code}),
    "SUBACK": ("SubAck", lambda code: {"packet_id": 1, "reason_codes": (code,)}),
    "UNSUBACK": ("UnsubAck", lambda code: {"packet_id": 1, "reason_codes": (code,)}),
    "DISCONNECT": ("Disconnect", lambda code: {"reason_code": code}),
    "AUTH": ("Auth", lambda code: {"reason_code": code, "authentication_method": "m"}),
}


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("packet", CLASSES)
def test_reason_codes_to_write(mqtt: Any, version: int, packet: str) -> None:
    allowed = codes_of(packet, version)
    if version < 5 and packet not in ("CONNACK", "SUBACK", "UNSUBACK", "AUTH"):
        allowed = {0}  # Success, which may be omitted.
    name, fields = CLASSES[packet]
    for code in range(256):
        made = getattr(mqtt, name)(**fields(code)) if version == 5 or packet != "AUTH" else mqtt.Auth(code)
        if code in allowed:
            assert mqtt.decode(mqtt.encode(made, version), version) == made
        else:
            with pytest.raises(mqtt.EncodeError):
                mqtt.encode(made, version)


def test_reason_codes_have_their_names(mqtt: Any) -> None:
    for row in REASON_CODES:
        for name in row["name"].split(" / "):
            member = name.split(" (")[0].upper().replace("-", "_").replace(" ", "_")
            assert mqtt.ReasonCode[member] == int(row["value"])
    assert len(mqtt.ReasonCode) == len(REASON_CODES) == 43


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("length", [0, 1, 2, 127, 128])
def test_first_bytes(mqtt: Any, version: int, length: int) -> None:
    """Each first byte before a body of zeros: an error in the first byte is reported before any error in the body."""
    for octet in range(256):
        packet_type, flags = octet >> 4, octet & 15
        found = judged(mqtt, framed(octet, bytes(length)), version)
        if packet_type == 0 or (packet_type == 15 and version < 5):
            assert found == MALFORMED
        elif packet_type == 3:
            if flags & 6 == 6:
                assert found == MALFORMED
            elif flags & 14 == 8 and version > 3:
                assert found == PROTOCOL
            else:
                # Topic "", then an identifier 0 or, at QoS 0, a payload.
                empty = (
                    MALFORMED if length < (2 + 2 * (flags & 6 != 0) + (version == 5) * (flags & 6 == 0)) else PROTOCOL
                )
                assert found == empty, octet
        elif flags not in (((2, 10) if version == 3 else (2,)) if packet_type in (6, 8, 10) else (0,)):
            assert found == MALFORMED
        elif packet_type in (12, 13) and length == 0:
            assert type(found).__name__ == ("PingReq", "PingResp")[packet_type - 12]
        elif packet_type in (12, 13):
            assert found == MALFORMED
        elif packet_type == 1:
            assert found == (MALFORMED if length < 2 else ("UnsupportedVersionError", 0x84))
        elif packet_type in (4, 5, 6, 7, 8, 9, 10, 11):
            assert found == (MALFORMED if length < 2 else PROTOCOL)  # Packet identifier 0.


@pytest.mark.parametrize("version", [3, 4, 5])
def test_connect_flags(mqtt: Any, version: int) -> None:
    for flags in range(256):
        will, will_qos, will_retain = flags & 4, flags >> 3 & 3, flags & 32
        body = (b"\0\6MQIsdp\3" if version == 3 else b"\0\4MQTT" + bytes((version,))) + bytes((flags,)) + b"\0\12"
        body += b"\0" * (version == 5) + b"\0\1c"
        if will:
            body += b"\0" * (version == 5) + b"\0\1w\0\1m"
        body += b"\0\1u" * (flags >> 7) + b"\0\1p" * (flags >> 6 & 1)
        found = judged(mqtt, framed(0x10, body), version)
        if (flags & 1 and version > 3) or (will and will_qos == 3):
            assert found == MALFORMED
        elif (not will and (will_qos or will_retain) and version > 3) or (flags & 0xC0 == 0x40 and version < 5):
            assert found == PROTOCOL
        else:
            assert found.clean_start is (flags & 2 != 0)
            assert found.username == ("u" if flags & 128 else None)
            assert found.password == (b"p" if flags & 64 else None)
            assert (found.will is not None) == (will != 0)
            if found.will:
                assert (found.will.qos, found.will.retain) == (will_qos, will_retain != 0)
            disregarded = flags & 1 or (not will and flags & 0x38)  # By 3.1.
            assert mqtt.encode(found) == framed(0x10, body) or disregarded


@pytest.mark.parametrize("version", [3, 4, 5])
def test_subscription_options(mqtt: Any, version: int) -> None:
    for options in range(256):
        body = b"\0\1" + b"\0" * (version == 5) + b"\0\1a" + bytes((options,))
        found = judged(mqtt, framed(0x82, body), version)
        if version < 5:
            if options > 2:
                assert found == MALFORMED
                continue
            expected = (options, False, False, 0)
        else:
            if options & 0xC0:
                assert found == MALFORMED
                continue
            if options & 3 == 3 or options & 0x30 == 0x30:
                assert found == PROTOCOL
                continue
            expected = (options & 3, options & 4 != 0, options & 8 != 0, options >> 4)
        (subscription,) = found.subscriptions
        assert (
            subscription.qos,
            subscription.no_local,
            subscription.retain_as_published,
            subscription.retain_handling,
        ) == expected
        assert mqtt.encode(found, version) == framed(0x82, body)
