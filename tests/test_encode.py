"""What `encode` refuses: all that `decode` would, and what the version cannot carry; and how it names what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import implementations
from mqttcodec import MQTTv5, MQTTv31, MQTTv311, PacketType, _spec
from samples import VERSIONS, outcome, properties

# What is wrong, the version, the packet, the clause.
REFUSED: list[tuple[str, int, Callable[[Any], Any], str | None]] = [
    ("topic with U+0000", 5, lambda m: m.Publish("a\0b"), "MQTT-4.7.3-2"),
    ("topic with a surrogate", 5, lambda m: m.Publish("a\ud800"), "MQTT-1.5.4-1"),
    ("topic with a surrogate", 4, lambda m: m.Publish("a\udfff"), "MQTT-1.5.3-1"),
    ("topic with a wildcard", 5, lambda m: m.Publish("a/+"), "MQTT-3.3.2-2"),
    ("topic of 65,536 bytes", 5, lambda m: m.Publish("é" * 32_768), "MQTT-4.7.3-3"),
    ("empty topic", 4, lambda m: m.Publish(""), "MQTT-4.7.3-1"),
    ("empty topic", 3, lambda m: m.Publish(""), "MQTT-4.7.3-1"),
    ("empty topic without alias", 5, lambda m: m.Publish(""), "U13"),
    ("QoS 3", 5, lambda m: m.Publish("a", qos=3, packet_id=1), "MQTT-3.3.1-4"),
    ("QoS -1", 4, lambda m: m.Publish("a", qos=-1), "MQTT-3.3.1-4"),
    ("DUP at QoS 0", 5, lambda m: m.Publish("a", dup=True), "MQTT-3.3.1-2"),
    ("DUP at QoS 0", 4, lambda m: m.Publish("a", dup=True), "MQTT-3.3.1-2"),
    ("QoS 1 without packet_id", 5, lambda m: m.Publish("a", qos=1), "MQTT-2.2.1-3"),
    ("QoS 1 without packet_id", 4, lambda m: m.Publish("a", qos=1), "MQTT-2.3.1-1"),
    ("QoS 0 with packet_id", 5, lambda m: m.Publish("a", packet_id=1), "MQTT-2.2.1-2"),
    ("QoS 0 with packet_id", 4, lambda m: m.Publish("a", packet_id=1), "MQTT-2.3.1-5"),
    ("packet_id 0", 5, lambda m: m.Publish("a", qos=2, packet_id=0), "MQTT-2.2.1-3"),
    ("packet_id 65,536", 5, lambda m: m.Publish("a", qos=2, packet_id=65_536), None),
    ("packet_id -1", 5, lambda m: m.PubAck(-1), None),
    ("packet_id 2 ** 100", 5, lambda m: m.PubAck(1 << 100), None),
    ("packet_id 0", 5, lambda m: m.PubRel(0), "U24"),
    ("topic alias 0", 5, lambda m: m.Publish("a", topic_alias=0), "MQTT-3.3.2-8"),
    ("response topic with a wildcard", 5, lambda m: m.Publish("a", response_topic="#"), "MQTT-3.3.2-14"),
    ("empty response topic", 5, lambda m: m.Publish("a", response_topic=""), "MQTT-4.7.3-1"),
    ("subscription identifier 0", 5, lambda m: m.Publish("a", subscription_identifiers=(1, 0)), "U14"),
    (
        "subscription identifier 2 ** 28",
        5,
        lambda m: m.Subscribe(1, [m.Subscription("a")], subscription_identifier=1 << 28),
        None,
    ),
    ("payload format indicator 2", 5, lambda m: m.Publish("a", payload_format_indicator=2), None),
    ("correlation data of 65,536 bytes", 5, lambda m: m.Publish("a", correlation_data=bytes(65_536)), "U36"),
    ("user property with U+0000", 5, lambda m: m.PubAck(1, user_properties=[("a", "\0")]), "MQTT-1.5.7-1"),
    ("user property with a surrogate", 5, lambda m: m.PubAck(1, user_properties=[("\ud800", "")]), "MQTT-1.5.7-1"),
    ("reason string of 65,536 bytes", 5, lambda m: m.PubAck(1, reason_string="x" * 65_536), "U36"),
    ("reason code of another packet", 5, lambda m: m.PubAck(1, 0x92), "MQTT-3.4.2-1"),
    ("reason code of another packet", 5, lambda m: m.PubRec(1, 1), "MQTT-3.5.2-1"),
    ("reason code of another packet", 5, lambda m: m.PubRel(1, 0x80), "MQTT-3.6.2-1"),
    ("reason code of another packet", 5, lambda m: m.PubComp(1, 256), "MQTT-3.7.2-1"),
    ("reason code -1", 5, lambda m: m.PubComp(1, -1), "MQTT-3.7.2-1"),
    ("reason code before 5.0", 4, lambda m: m.PubAck(1, 0x80), None),
    ("reason string before 5.0", 4, lambda m: m.PubAck(1, reason_string=""), None),
    ("no subscriptions", 5, lambda m: m.Subscribe(1, ()), "MQTT-3.8.3-2"),
    ("no subscriptions", 4, lambda m: m.Subscribe(1, []), "MQTT-3.8.3-3"),
    ("empty filter", 5, lambda m: m.Subscribe(1, [m.Subscription("")]), "MQTT-4.7.3-1"),
    ("'#' inside a filter", 5, lambda m: m.Subscribe(1, [m.Subscription("#/a")]), "MQTT-4.7.1-1"),
    ("'+' beside a character", 4, lambda m: m.Subscribe(1, [m.Subscription("a+")]), "MQTT-4.7.1-3"),
    ("filter with U+0000", 5, lambda m: m.Subscribe(1, [m.Subscription("\0")]), "MQTT-4.7.3-2"),
    ("empty share name", 5, lambda m: m.Unsubscribe(1, ["$share//a"]), "MQTT-4.8.2-1"),
    ("share name without filter", 5, lambda m: m.Unsubscribe(1, ["$share/g"]), "MQTT-4.8.2-2"),
    ("subscription QoS 3", 5, lambda m: m.Subscribe(1, [m.Subscription("a", 3)]), "U15"),
    ("subscription QoS 3", 4, lambda m: m.Subscribe(1, [m.Subscription("a", 3)]), "MQTT-3-8.3-4"),
    ("retain handling 3", 5, lambda m: m.Subscribe(1, [m.Subscription("a", retain_handling=3)]), "U16"),
    ("no local, shared", 5, lambda m: m.Subscribe(1, [m.Subscription("$share/g/a", no_local=True)]), "MQTT-3.8.3-4"),
    ("no local before 5.0", 4, lambda m: m.Subscribe(1, [m.Subscription("a", no_local=True)]), None),
    (
        "retain as published before 5.0",
        4,
        lambda m: m.Subscribe(1, [m.Subscription("a", retain_as_published=True)]),
        None,
    ),
    ("retain handling before 5.0", 3, lambda m: m.Subscribe(1, [m.Subscription("a", retain_handling=1)]), None),
    ("no reason codes", 5, lambda m: m.SubAck(1, ()), "U40"),
    ("SUBACK code 3", 5, lambda m: m.SubAck(1, (3,)), "MQTT-3.9.3-2"),
    ("SUBACK code 0x87 before 5.0", 4, lambda m: m.SubAck(1, (0x87,)), "MQTT-3.9.3-2"),
    ("SUBACK failure in 3.1", 3, lambda m: m.SubAck(1, (0x80,)), "U30"),
    ("no topic filters", 5, lambda m: m.Unsubscribe(1, ()), "MQTT-3.10.3-2"),
    ("no UNSUBACK codes", 5, lambda m: m.UnsubAck(1), "U40"),
    ("UNSUBACK codes before 5.0", 4, lambda m: m.UnsubAck(1, (0,)), None),
    ("UNSUBACK code 1", 5, lambda m: m.UnsubAck(1, (1,)), "MQTT-3.11.3-2"),
    ("DISCONNECT code 1", 5, lambda m: m.Disconnect(1), "MQTT-3.14.2-1"),
    ("DISCONNECT code before 5.0", 4, lambda m: m.Disconnect(4), None),
    ("AUTH without method", 5, lambda m: m.Auth(0x18), "U21"),
    ("AUTH without method", 5, lambda m: m.Auth(reason_string="r"), "U21"),
    ("AUTH code 1", 5, lambda m: m.Auth(1, authentication_method="m"), "MQTT-3.15.2-1"),
    ("AUTH before 5.0", 4, lambda m: m.Auth(), None),
    ("protocol_version 6", 5, lambda m: m.Connect("c", protocol_version=6), "MQTT-3.1.2-2"),
    ("empty client id in 3.1", 5, lambda m: m.Connect(protocol_version=3), "U27"),
    ("client id of 24 characters in 3.1", 5, lambda m: m.Connect("x" * 24, protocol_version=3), "U27"),
    (
        "empty client id, no clean session",
        5,
        lambda m: m.Connect(clean_start=False, protocol_version=4),
        "MQTT-3.1.3-8",
    ),
    ("password without user name", 5, lambda m: m.Connect("c", password=b"", protocol_version=4), "MQTT-3.1.2-22"),
    ("keep alive 65,536", 5, lambda m: m.Connect(keep_alive=65_536), None),
    ("client id with U+0000", 5, lambda m: m.Connect("\0"), "MQTT-1.5.4-2"),
    ("user name of 65,536 bytes", 5, lambda m: m.Connect(username="x" * 65_536), "U36"),
    ("will QoS 3", 5, lambda m: m.Connect(will=m.Will("w", qos=3)), "MQTT-3.1.2-12"),
    ("will QoS 3", 5, lambda m: m.Connect(will=m.Will("w", qos=3), protocol_version=4), "MQTT-3.1.2-14"),
    ("empty will topic", 5, lambda m: m.Connect(will=m.Will("")), "MQTT-4.7.3-1"),
    ("will topic with a wildcard", 5, lambda m: m.Connect(will=m.Will("+")), "MQTT-4.7.0-1"),
    ("will payload of 65,536 bytes", 5, lambda m: m.Connect(will=m.Will("w", bytes(65_536))), "U36"),
    ("receive maximum 0", 5, lambda m: m.Connect(receive_maximum=0), "U08"),
    ("maximum packet size 0", 5, lambda m: m.Connect(maximum_packet_size=0), "U09"),
    ("maximum packet size 2 ** 32", 5, lambda m: m.Connect(maximum_packet_size=1 << 32), None),
    ("request response information 2", 5, lambda m: m.Connect(request_response_information=2), "U10"),
    ("authentication data without method", 5, lambda m: m.Connect(authentication_data=b""), "U11"),
    ("maximum QoS 2", 5, lambda m: m.ConnAck(maximum_qos=2), "U12"),
    ("session present in a refusal", 5, lambda m: m.ConnAck(True, 0x80), "MQTT-3.2.2-6"),
    ("session present in a refusal", 4, lambda m: m.ConnAck(True, 1), "MQTT-3.2.2-4"),
    ("session present in 3.1", 3, lambda m: m.ConnAck(True), None),
    ("CONNACK code 6 in 3.1.1", 4, lambda m: m.ConnAck(False, 6), "U32"),
    ("CONNACK code 1 in 5.0", 5, lambda m: m.ConnAck(False, 1), "MQTT-3.2.2-8"),
]

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


@pytest.mark.parametrize(("what", "version", "make", "clause"), REFUSED, ids=[f"{row[0]}, {row[1]}" for row in REFUSED])
def test_refused(mqtt: Any, what: str, version: int, make: Callable[[Any], Any], clause: str | None) -> None:
    packet = make(mqtt)
    for call in (
        lambda: mqtt.encode(packet, version),
        lambda: mqtt.encode_many([packet], version),
        lambda: mqtt.encode_parts(packet, version),
        lambda: mqtt.encoded_size(packet, version),
        lambda: mqtt.encode_into(packet, bytearray(200_000), 0, version),
    ):
        with pytest.raises(mqtt.EncodeError) as caught:
            call()
        assert caught.value.clause == clause
        assert caught.value.reason_code is None
        assert caught.value.offset is None


@pytest.mark.parametrize(("make", "message"), WRONG_TYPES, ids=[row[1] for row in WRONG_TYPES])
def test_wrong_types(mqtt: Any, make: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        mqtt.encode(make(mqtt))
    assert str(caught.value).startswith(message)


@pytest.mark.skipif(len(implementations.ALL) < 2, reason="there is one implementation only")
def test_errors_are_alike() -> None:
    compiled, pure = implementations.ALL
    for _, version, make, _ in REFUSED:
        assert outcome(lambda: compiled.encode(make(compiled), version)) == outcome(
            lambda: pure.encode(make(pure), version)
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
