"""What `encode` takes for each field, and how it names what it does not take; what it refuses is in the vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import implementations
import vectors
from mqttcodec import MQTTv5, MQTTv31, MQTTv311, PacketType, _spec
from samples import VERSIONS, outcome, properties

# The packet, and the start of what the TypeError says.
WRONG_TYPES: list[tuple[Callable[[Any], Any], str]] = [
    (lambda m: b"bytes", "packet must be"),
    (lambda m: None, "packet must be"),
    (lambda m: m.Will("a"), "packet must be"),
    (lambda m: m.Publish(b"a"), "topic must be str, not bytes"),
    (lambda m: m.Publish(None), "topic must be str, not NoneType"),
    (lambda m: m.Publish("a", "text"), "payload must be a bytes-like object, not str"),
    (lambda m: m.Publish("a", None), "payload must be a bytes-like object, not NoneType"),
    (lambda m: m.Publish("a", qos="1"), "qos must be int, not str"),
    (lambda m: m.Publish("a", qos=1.0), "qos must be int, not float"),
    (lambda m: m.Publish("a", retain="yes"), "retain must be bool, not str"),
    (lambda m: m.Publish("a", dup=None), "dup must be bool, not NoneType"),
    (lambda m: m.Publish("a", qos=1, packet_id="1"), "packet_id must be int, not str"),
    (lambda m: m.Publish("a", content_type=b"t"), "content_type must be str, not bytes"),
    (lambda m: m.Publish("a", correlation_data="t"), "correlation_data must be a bytes-like object, not str"),
    (lambda m: m.Publish("a", message_expiry_interval=1.5), "message_expiry_interval must be int, not float"),
    (lambda m: m.Publish("a", subscription_identifiers=5), "subscription_identifiers must be a tuple or list, not int"),
    (lambda m: m.Publish("a", subscription_identifiers=("5",)), "subscription_identifiers must be int, not str"),
    (lambda m: m.Publish("a", user_properties={"a": "b"}), "user_properties must be a tuple or list, not dict"),
    (lambda m: m.Publish("a", user_properties=iter([("a", "b")])), "user_properties must be a tuple or list"),
    (lambda m: m.Publish("a", user_properties=["ab"]), "user_properties must be a tuple or list, not str"),
    (lambda m: m.Publish("a", user_properties=[("a", "b", "c")]), "user_properties must be pairs of name and value"),
    (lambda m: m.Publish("a", user_properties=[("a", 1)]), "user_properties must be str, not int"),
    (lambda m: m.PubAck("1"), "packet_id must be int, not str"),
    (lambda m: m.PubAck(1, "0"), "reason_code must be int, not str"),
    (lambda m: m.Subscribe(1, "a"), "subscriptions must be a tuple or list, not str"),
    (lambda m: m.Subscribe(1, ["a"]), "subscriptions must be a tuple of Subscription, not str"),
    (lambda m: m.Subscribe(1, [m.Subscription(1)]), "subscriptions must be str, not int"),
    (lambda m: m.SubAck(1, [None]), "reason_codes must be int, not NoneType"),
    (lambda m: m.Unsubscribe(1, [1]), "topic_filters must be str, not int"),
    (lambda m: m.Connect(None), "client_id must be str, not NoneType"),
    (lambda m: m.Connect(will=m.Publish("a")), "will must be Will, not Publish"),
    (lambda m: m.Connect(will=m.Will(1)), "will.topic must be str, not int"),
    (lambda m: m.Connect(password="secret"), "password must be a bytes-like object, not str"),
    (lambda m: m.Connect(protocol_version="5"), "protocol_version must be int, not str"),
    (lambda m: m.Connect(keep_alive=None), "keep_alive must be int, not NoneType"),
    (lambda m: m.ConnAck("no"), "session_present must be bool, not str"),
    (lambda m: m.ConnAck(retain_available="no"), "retain_available must be bool, not str"),
]


@pytest.mark.parametrize(("make", "message"), WRONG_TYPES, ids=[row[1] for row in WRONG_TYPES])
def test_wrong_types(mqtt: Any, make: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        mqtt.encode(make(mqtt))
    assert str(caught.value).startswith(message)


@pytest.mark.skipif(len(implementations.ALL) < 2, reason="there is one implementation only")
def test_errors_are_alike() -> None:
    compiled, pure = implementations.ALL
    for vector in vectors.UNWRITABLE:
        version = vector["version"]
        compiled_packet, pure_packet = (vectors.packet(mqtt, vector["packet"]) for mqtt in (compiled, pure))
        assert outcome(lambda: compiled.encode(compiled_packet, version)) == outcome(
            lambda: pure.encode(pure_packet, version)
        )
    for make, _ in WRONG_TYPES:
        assert outcome(lambda: compiled.encode(make(compiled))) == outcome(lambda: pure.encode(make(pure)))


@pytest.mark.parametrize("version", [MQTTv31, MQTTv311])
@pytest.mark.parametrize("place", sorted(_spec.PROPERTIES))
def test_properties_need_version_5(mqtt: Any, version: int, place: int) -> None:
    minimal = {
        _spec.WILL: lambda fields: mqtt.Connect("c", will=mqtt.Will("w", **fields), protocol_version=version),
        PacketType.CONNECT: lambda fields: mqtt.Connect("c", protocol_version=version, **fields),
        PacketType.CONNACK: lambda fields: mqtt.ConnAck(**fields),
        PacketType.PUBLISH: lambda fields: mqtt.Publish("a", **fields),
        PacketType.SUBSCRIBE: lambda fields: mqtt.Subscribe(1, [mqtt.Subscription("a")], **fields),
        PacketType.SUBACK: lambda fields: mqtt.SubAck(1, [0], **fields),
        PacketType.UNSUBSCRIBE: lambda fields: mqtt.Unsubscribe(1, ["a"], **fields),
        PacketType.UNSUBACK: lambda fields: mqtt.UnsubAck(1, **fields),
        PacketType.DISCONNECT: lambda fields: mqtt.Disconnect(**fields),
        PacketType.PUBACK: lambda fields: mqtt.PubAck(1, **fields),
        PacketType.PUBREC: lambda fields: mqtt.PubRec(1, **fields),
        PacketType.PUBREL: lambda fields: mqtt.PubRel(1, **fields),
        PacketType.PUBCOMP: lambda fields: mqtt.PubComp(1, **fields),
    }
    if place not in minimal:
        assert place in (PacketType.PINGREQ, PacketType.PINGRESP, PacketType.AUTH)
        return
    mqtt.encode(minimal[PacketType(place) if place else place]({}), version)
    for field, value in properties(place).items():
        with pytest.raises(mqtt.EncodeError, match=f"cannot carry {field}"):
            mqtt.encode(minimal[PacketType(place) if place else place]({field: value}), version)


def test_lists_serve_for_tuples(mqtt: Any) -> None:
    lists = mqtt.Publish("a", b"", user_properties=[["a", "b"]], subscription_identifiers=[1, 2])
    tuples = mqtt.Publish("a", b"", user_properties=(("a", "b"),), subscription_identifiers=(1, 2))
    assert mqtt.encode(lists) == mqtt.encode(tuples)
    assert mqtt.decode(mqtt.encode(lists)) == tuples


def test_bytes_like_objects_serve_for_bytes(mqtt: Any) -> None:
    expected = mqtt.encode(mqtt.Publish("a", b"xyz", correlation_data=b"id"))
    for make in (bytearray, memoryview):
        assert mqtt.encode(mqtt.Publish("a", make(b"xyz"), correlation_data=make(b"id"))) == expected
    with pytest.raises(BufferError):
        mqtt.encode(mqtt.Publish("a", memoryview(b"wxyz")[::2]))
    with pytest.raises(BufferError):
        mqtt.encode(mqtt.Publish("a", memoryview(b"wxyz").cast("H")))
    payload = bytearray(b"xyz")
    mqtt.encode(mqtt.Publish("a", payload))
    payload.append(0)


def test_numbers_serve_for_bools(mqtt: Any) -> None:
    assert mqtt.encode(mqtt.Publish("a", retain=1)) == mqtt.encode(mqtt.Publish("a", retain=True))
    with pytest.raises(mqtt.EncodeError):
        mqtt.encode(mqtt.Publish("a", retain=2))


def test_what_is_not_set(mqtt: Any) -> None:
    with pytest.raises(TypeError):
        mqtt.encode(mqtt.Publish.__new__(mqtt.Publish))


@pytest.mark.parametrize("version", VERSIONS)
def test_strings_of_the_greatest_length(mqtt: Any, version: int) -> None:
    topic = "é" * 32_767 + "x"
    assert mqtt.decode(mqtt.encode(mqtt.Publish(topic), version), version).topic == topic
    connect = mqtt.Connect("c", username="u" * 65_535, password=b"p" * 65_535, protocol_version=version)
    assert mqtt.decode(mqtt.encode(connect)) == connect


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 16_383, 16_384, 2_097_151, 2_097_152])
def test_lengths_at_their_limits(mqtt: Any, size: int) -> None:
    """Remaining Length and Property Length take one byte more at 128, 16,384 and 2,097,152 (1.5.5)."""
    for overhead in (3, 4):
        packet = mqtt.Publish("a", bytes(max(0, size - overhead)))
        data = mqtt.encode(packet)
        assert mqtt.decode(data) == packet
        assert mqtt.peek(data).packet_size == len(data)
    # A user property of five bytes and its strings; 65,535 in one string at the most.
    pairs = [("", "x" * 65_530)] * (size // 65_535) + [("", "x" * max(0, size % 65_535 - 5))]
    packet = mqtt.Unsubscribe(1, ("a",), user_properties=tuple(pairs))
    data = mqtt.encode(packet, MQTTv5)
    assert mqtt.decode(data) == packet
    assert mqtt.encode(mqtt.decode(data)) == data
