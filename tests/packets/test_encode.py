"""The types that `encode` accepts for each field, and its messages for others. The vectors cover invalid values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import implementations
import vectors
from mqttcodec import MQTTv31, MQTTv311, PacketType, _spec
from samples import VERSIONS, outcome, properties

# The packet, and the start of the message of the TypeError.
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
    (
        lambda m: m.Publish("a", subscription_identifiers=("5",)),
        "each item of subscription_identifiers must be int",
    ),
    (lambda m: m.Publish("a", user_properties={"a": "b"}), "user_properties must be a tuple or list, not dict"),
    (lambda m: m.Publish("a", user_properties=iter([("a", "b")])), "user_properties must be a tuple or list"),
    (
        lambda m: m.Publish("a", user_properties=["ab"]),
        "each item of user_properties must be a (name, value) pair, not str",
    ),
    (
        lambda m: m.Publish("a", user_properties=[("a", "b", "c")]),
        "each item of user_properties must be a (name, value) pair, not a sequence of 3",
    ),
    (
        lambda m: m.Publish("a", user_properties=[("a", 1)]),
        "each name and value of user_properties must be str, not int",
    ),
    (lambda m: m.PubAck("1"), "packet_id must be int, not str"),
    (lambda m: m.PubAck(1, "0"), "reason_code must be int, not str"),
    (lambda m: m.Subscribe(1, "a"), "subscriptions must be a tuple or list, not str"),
    (lambda m: m.Subscribe(1, ["a"]), "each item of subscriptions must be a Subscription, not str"),
    (lambda m: m.Subscribe(1, [m.Subscription(1)]), "topic_filter must be str, not int"),
    (
        lambda m: m.Subscribe(1, [m.Subscription("a")], subscription_identifier="5"),
        "subscription_identifier must be int, not str",
    ),
    (lambda m: m.SubAck(1, [None]), "each item of reason_codes must be int, not NoneType"),
    (lambda m: m.Unsubscribe(1, [1]), "each item of topic_filters must be str, not int"),
    (lambda m: m.Connect(None), "client_id must be str, not NoneType"),
    (lambda m: m.Connect(will=m.Publish("a")), "will must be a Will, not Publish"),
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
        limit = vector.get("max_packet_size", 1 << 30)
        compiled_encoder, pure_encoder = (mqtt.Encoder(version, max_packet_size=limit) for mqtt in (compiled, pure))
        assert outcome(lambda: compiled_encoder.write(compiled_packet)) == outcome(
            lambda: pure_encoder.write(pure_packet)
        )
    for make, _ in WRONG_TYPES:
        assert outcome(lambda: compiled.encode(make(compiled))) == outcome(lambda: pure.encode(make(pure)))


@pytest.mark.parametrize("version", [MQTTv31, MQTTv311])
def test_properties_need_version_5(mqtt: Any, version: int) -> None:
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
    # These two have none, and AUTH does not exist in these versions.
    assert _spec.PROPERTIES.keys() - minimal.keys() == {PacketType.PINGREQ, PacketType.PINGRESP, PacketType.AUTH}
    for place, make in minimal.items():
        mqtt.encode(make({}), version)
        for field, value in properties(place).items():
            with pytest.raises(mqtt.EncodeError, match=f"does not support {field}"):
                mqtt.encode(make({field: value}), version)


def test_lists_serve_for_tuples(mqtt: Any) -> None:
    lists = mqtt.Publish("a", b"", user_properties=[["a", "b"]], subscription_identifiers=[1, 2])
    tuples = mqtt.Publish("a", b"", user_properties=(("a", "b"),), subscription_identifiers=(1, 2))
    assert lists == tuples
    assert mqtt.encode(lists) == mqtt.encode(tuples)
    assert mqtt.decode(mqtt.encode(lists)) == tuples


@pytest.mark.parametrize("version", VERSIONS)
def test_more_than_a_few(mqtt: Any, version: int) -> None:
    """Long lists, for which the plain codec does not use its fast path."""
    for packet in (
        mqtt.Subscribe(1, [mqtt.Subscription(f"a/{number}", number % 3) for number in range(40)]),
        mqtt.SubAck(1, [0, 1, 2] * 20),
        mqtt.Unsubscribe(1, [f"a/{number}/+" for number in range(40)]),
    ):
        assert mqtt.decode(mqtt.encode(packet, version), version) == packet


def test_numbers_serve_for_bools(mqtt: Any) -> None:
    assert mqtt.encode(mqtt.Publish("a", retain=1)) == mqtt.encode(mqtt.Publish("a", retain=True))
    with pytest.raises(mqtt.EncodeError):
        mqtt.encode(mqtt.Publish("a", retain=2))


def test_what_is_not_set(mqtt: Any) -> None:
    with pytest.raises(TypeError):
        mqtt.encode(mqtt.Publish.__new__(mqtt.Publish))
