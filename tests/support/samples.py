"""Packets that use every field, and a comparison of packets of different implementations."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from enum import Enum
from typing import Any

from mqttcodec import MQTTv5, MQTTv31, MQTTv311, PacketType, PropertyId, ProtocolVersion, ReasonCode, _methods, _spec
from octets import framed

SEED = int(os.environ.get("MQTTCODEC_SEED") or random.SystemRandom().randrange(1 << 32))
"""The seed of all random inputs. Tests print it. The environment variable repeats a run."""

VERSIONS = (MQTTv31, MQTTv311, MQTTv5)

ACKNOWLEDGEMENTS = ("PubAck", "PubRec", "PubRel", "PubComp")

# A valid value for each property, other than any default.
PROPERTY_VALUES: dict[PropertyId, Any] = {
    PropertyId.PAYLOAD_FORMAT_INDICATOR: 1,
    PropertyId.MESSAGE_EXPIRY_INTERVAL: 0xFFFFFFFF,
    PropertyId.CONTENT_TYPE: "text/plain; charset=utf-8",
    PropertyId.RESPONSE_TOPIC: "réponse/à",
    PropertyId.CORRELATION_DATA: b"\x00\xff\x80",
    PropertyId.SUBSCRIPTION_IDENTIFIER: 268_435_455,
    PropertyId.SESSION_EXPIRY_INTERVAL: 0,
    PropertyId.ASSIGNED_CLIENT_IDENTIFIER: "assigned-1",
    PropertyId.SERVER_KEEP_ALIVE: 65_535,
    PropertyId.AUTHENTICATION_METHOD: "SCRAM-SHA-256",
    PropertyId.AUTHENTICATION_DATA: b"\x01\x02",
    PropertyId.REQUEST_PROBLEM_INFORMATION: False,
    PropertyId.WILL_DELAY_INTERVAL: 7,
    PropertyId.REQUEST_RESPONSE_INFORMATION: True,
    PropertyId.RESPONSE_INFORMATION: "answers/",
    PropertyId.SERVER_REFERENCE: "other.example:1883",
    PropertyId.REASON_STRING: "why ✓",
    PropertyId.RECEIVE_MAXIMUM: 1,
    PropertyId.TOPIC_ALIAS_MAXIMUM: 0,
    PropertyId.TOPIC_ALIAS: 65_535,
    PropertyId.MAXIMUM_QOS: 0,
    PropertyId.RETAIN_AVAILABLE: False,
    PropertyId.USER_PROPERTY: ("name", "værdi"),
    PropertyId.MAXIMUM_PACKET_SIZE: 1,
    PropertyId.WILDCARD_SUBSCRIPTION_AVAILABLE: True,
    PropertyId.SUBSCRIPTION_IDENTIFIER_AVAILABLE: False,
    PropertyId.SHARED_SUBSCRIPTION_AVAILABLE: True,
}


ODD_VALUES: list[Any] = [
    *(None, True, False, 1.0, {}, object(), 0, 1, 2, 3, 4, 5, 127, 128, 255, 256, 65_535, 65_536),
    *(268_435_455, 268_435_456, 1 << 32, -1, 1 << 64, -(1 << 70)),
    *("", "a", "a/b", "+", "#", "a/#", "a+", "$share/g/a", "$share/", "\0", "\ud800", "é" * 20, "x" * 65_536),
    *(b"", b"\xff", b"x" * 65_536, bytearray(b"ab"), memoryview(b"abcd")[::2], memoryview(b"abcd").cast("H")),
    *((), [], ("a", "b"), [("a", "b")], (("a", "b"), ["c", "d"]), [("a",)], ["a", "b"]),
    *((0, 1, 2), [1, 0x80], (0x11,), [5, 268_435_455], [0]),
]
"""Values for any field: values of every type that some field accepts, values around their limits, and others."""


def property_value(place: int, identifier: PropertyId) -> Any:
    value = PROPERTY_VALUES[identifier]
    return (value, value) if _spec.may_repeat(place, identifier) else value


def properties(place: int) -> dict[str, Any]:
    """All properties of a packet type, as fields."""
    return {
        _spec.property_field(place, identifier): property_value(place, identifier)
        for identifier in _spec.PROPERTIES[place]
    }


def packets(mqtt: Any, version: ProtocolVersion) -> Iterator[Any]:
    """Valid packets of a version: of each class the simplest, one with every field, and each property alone."""
    is_v5 = version == MQTTv5

    def with_properties(place: int, make: Any) -> Iterator[Any]:
        yield make({})
        if is_v5:
            yield make(properties(place))
            for identifier in _spec.PROPERTIES[place]:
                if identifier == PropertyId.AUTHENTICATION_DATA:
                    continue
                field = _spec.property_field(place, identifier)
                yield make({field: property_value(place, identifier)})

    yield from with_properties(
        _spec.WILL,
        lambda fields: mqtt.Connect(
            "client", True, 10, "user", b"pass\x00word", mqtt.Will("last/words", b"\x00bye", 2, True, **fields), version
        ),
    )
    yield from with_properties(
        PacketType.CONNECT, lambda fields: mqtt.Connect("c", False, 0, protocol_version=version, **fields)
    )
    yield mqtt.Connect("c", True, 65_535, "ü", protocol_version=version)
    if version != MQTTv31:
        yield mqtt.Connect(protocol_version=version)
    if is_v5:
        yield mqtt.Connect(password=b"", protocol_version=version)
    yield from with_properties(PacketType.CONNACK, lambda fields: mqtt.ConnAck(**fields))
    yield mqtt.ConnAck(False, 5 if not is_v5 else 0x87)
    if version != MQTTv31:
        yield mqtt.ConnAck(True)
    yield from with_properties(
        PacketType.PUBLISH, lambda fields: mqtt.Publish("sport/tennis/плеер1", b"15:0", **fields)
    )
    yield mqtt.Publish("a", b"", 1, True, True, 65_535)
    yield mqtt.Publish("/", b"\xff" * 200, 2, False, False, 1)
    if is_v5:
        yield mqtt.Publish("", b"again", topic_alias=3)
    for name in ACKNOWLEDGEMENTS:
        place = PacketType[name.upper()]
        yield from with_properties(place, lambda fields, name=name: getattr(mqtt, name)(10, **fields))
        if is_v5:
            yield getattr(mqtt, name)(11, 0x92 if name in ("PubRel", "PubComp") else 0x97)
    filters = [mqtt.Subscription("a/+/c", 1), mqtt.Subscription("#", 0), mqtt.Subscription("$SYS/#", 2)]
    if is_v5:
        filters += [mqtt.Subscription("$share/gruppe/+", 1, False, True, 2), mqtt.Subscription("x", 2, True, False, 1)]
    yield from with_properties(PacketType.SUBSCRIBE, lambda fields: mqtt.Subscribe(3, filters, **fields))
    yield from with_properties(PacketType.SUBACK, lambda fields: mqtt.SubAck(3, [0, 1, 2], **fields))
    if version != MQTTv31:
        yield mqtt.SubAck(3, [0x80, 0])
    yield from with_properties(
        PacketType.UNSUBSCRIBE, lambda fields: mqtt.Unsubscribe(4, ["a/+/c", "/", "#"], **fields)
    )
    yield from with_properties(
        PacketType.UNSUBACK, lambda fields: mqtt.UnsubAck(4, [0, 0x11] if is_v5 else (), **fields)
    )
    yield mqtt.PingReq()
    yield mqtt.PingResp()
    yield from with_properties(PacketType.DISCONNECT, lambda fields: mqtt.Disconnect(**fields))
    if is_v5:
        yield mqtt.Disconnect(ReasonCode.DISCONNECT_WITH_WILL_MESSAGE)
        yield mqtt.Auth()
        yield mqtt.Auth(0x18, **properties(PacketType.AUTH))
        yield mqtt.Auth(0x19, authentication_method="m")


def plain(value: Any) -> Any:
    """A value as types and contents: equal for both implementations if they agree, including the types of fields."""
    if isinstance(value, Enum):
        return type(value).__name__, value.value
    if isinstance(value, (tuple, list)):
        return type(value), [plain(item) for item in value]
    if type(value).__module__ == "mqttcodec":  # A packet, a will or a subscription.
        return type(value).__name__, {name: plain(getattr(value, name)) for name in _methods.fields(type(value))}
    return type(value).__name__, bytes(value) if isinstance(value, memoryview) else value


def outcome(call: Any) -> Any:
    """The result or exception of a call, comparable between the implementations."""
    try:
        return plain(call())
    except Exception as error:
        details = getattr(error, "reason_code", None), getattr(error, "offset", None), getattr(error, "clause", None)
        return type(error).__name__, str(error), details


def with_true_length(packet: bytes) -> bytes:
    """The packet with a correct Remaining Length, so that the bytes after it are examined."""
    header_size = 1
    while header_size < min(5, len(packet)) and packet[header_size] >= 0x80:
        header_size += 1
    return framed(packet[0], packet[header_size + 1 :]) if packet else b"\0"
