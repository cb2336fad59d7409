"""The packet classes: values that compare, hash, print, copy, replace, pickle and match; alike in both."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
from typing import Any

import pytest

import implementations
import mqttcodec
from mqttcodec import MQTTv5, QoS, ReasonCode, _values
from samples import VERSIONS, packets, plain

CLASSES = [
    *("Connect", "Will", "ConnAck", "Publish", "PubAck", "PubRec", "PubRel", "PubComp", "Subscribe", "Subscription"),
    *("SubAck", "Unsubscribe", "UnsubAck", "PingReq", "PingResp", "Disconnect", "Auth"),
]
FUNCTIONS = ["decode", "decode_from", "encode", "encode_into", "encode_many", "encode_parts", "encoded_size", "peek"]

pair = pytest.mark.skipif(len(implementations.ALL) < 2, reason="there is one implementation only")


def parameters(callable_: Any) -> list[tuple[str, Any, Any]]:
    return [(item.name, item.kind, item.default) for item in inspect.signature(callable_).parameters.values()]


@pair
@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_alike(name: str) -> None:
    compiled, pure = (getattr(mqtt, name) for mqtt in implementations.ALL)
    assert parameters(compiled) == parameters(pure)
    assert compiled.__match_args__ == pure.__match_args__
    assert inspect.getdoc(compiled) == inspect.getdoc(pure)
    assert compiled.__name__ == pure.__name__

    def public(cls: Any) -> set[str]:
        return {attribute for attribute in dir(cls) if not attribute.startswith("_")}

    assert public(compiled) - public(pure) <= set(_values.fields(pure))
    assert public(pure) <= public(compiled)


@pair
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_alike(name: str) -> None:
    compiled, pure = (getattr(mqtt, name) for mqtt in implementations.ALL)
    assert parameters(compiled) == parameters(pure)
    assert inspect.getdoc(compiled) == inspect.getdoc(pure)


@pair
def test_decoders_are_alike() -> None:
    compiled, pure = (mqtt.Decoder for mqtt in implementations.ALL)
    assert parameters(compiled) == parameters(pure)
    assert inspect.getdoc(compiled) == inspect.getdoc(pure)
    names = {name for name in dir(pure) if not name.startswith("_")}
    assert names == {name for name in dir(compiled) if not name.startswith("_")}
    for name in names:
        assert inspect.getdoc(getattr(compiled, name)) == inspect.getdoc(getattr(pure, name))
        if inspect.isfunction(getattr(pure, name)):
            assert parameters(getattr(compiled, name)) == parameters(getattr(pure, name))


def test_public_names(mqtt: Any) -> None:
    for name in mqttcodec.__all__:
        assert hasattr(mqtt, name)
    assert issubclass(mqtt.IncompletePacketError, mqtt.DecodeError)
    assert issubclass(mqtt.DecodeError, (mqtt.MQTTError, ValueError))
    assert issubclass(mqtt.EncodeError, ValueError)
    assert isinstance(mqtt.PingReq(), mqtt.Packet)
    assert not isinstance(mqtt.Will("a"), mqtt.Packet)


@pytest.mark.parametrize("version", VERSIONS)
def test_values(mqtt: Any, version: int) -> None:
    for packet, same in zip(packets(mqtt, version), packets(mqtt, version), strict=True):
        assert packet == same
        assert (packet != same) is False
        assert copy.copy(packet) == packet
        assert copy.deepcopy(packet) == packet
        assert packet.replace() == packet
        decoded = mqtt.decode(mqtt.encode(packet, version), version)
        assert hash(decoded) == hash(decoded.replace())
        assert packet != "packet"


def test_packets_of_other_classes_differ(mqtt: Any) -> None:
    assert mqtt.PubAck(1) != mqtt.PubRec(1)
    assert mqtt.PingReq() != mqtt.PingResp()
    assert len({mqtt.PubAck(1), mqtt.PubAck(1), mqtt.PubRec(1), mqtt.PubAck(2)}) == 3


def test_numbers_equal_enum_members(mqtt: Any) -> None:
    packet = mqtt.Publish("a", b"", 1, packet_id=1)
    assert packet == mqtt.decode(mqtt.encode(packet))
    assert hash(packet) == hash(mqtt.decode(mqtt.encode(packet)))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_crosses_implementations(mqtt: Any, version: int, protocol: int) -> None:
    for packet in packets(mqtt, version):
        again = pickle.loads(pickle.dumps(packet, protocol))
        assert type(again) is getattr(mqttcodec, type(packet).__name__)
        assert plain(again) == plain(packet)


def test_replace(mqtt: Any) -> None:
    packet = mqtt.Publish("a", b"x", 1, True, packet_id=7, topic_alias=3)
    changed = packet.replace(qos=0, packet_id=None)
    assert changed == mqtt.Publish("a", b"x", 0, True, topic_alias=3)
    assert packet.qos == 1
    with pytest.raises(TypeError, match="no_such_field"):
        packet.replace(no_such_field=1)
    if sys.version_info >= (3, 13):
        assert copy.replace(packet, topic="b") == packet.replace(topic="b")


def test_immutable(mqtt: Any) -> None:
    packet = mqtt.Publish("a")
    for name in ("topic", "qos", "content_type"):
        with pytest.raises(AttributeError):
            setattr(packet, name, "b")
        with pytest.raises(AttributeError):
            delattr(packet, name)
    with pytest.raises(AttributeError):
        packet.no_such_field = 1
    assert packet == mqtt.Publish("a")


def test_constructor_refuses(mqtt: Any) -> None:
    for call in (
        lambda: mqtt.Publish(),
        lambda: mqtt.Publish("a", b"", 0, False, False, None, 1),
        lambda: mqtt.PubAck(1, 0, "reason"),
        lambda: mqtt.PubAck(1, content_type="text"),
        lambda: mqtt.PingReq(1),
        lambda: mqtt.Subscribe(1),
    ):
        with pytest.raises(TypeError):
            call()


def test_match(mqtt: Any) -> None:
    match mqtt.decode(mqtt.encode(mqtt.Publish("a/b", b"21.5", 1, packet_id=7))):
        case mqtt.Publish("a/b", payload, QoS.AT_LEAST_ONCE, packet_id=packet_id):
            assert (payload, packet_id) == (b"21.5", 7)
        case _:
            pytest.fail("no match")
    match mqtt.Connect("c", will=mqtt.Will("t")):
        case mqtt.Connect(client_id, True, 60, will=mqtt.Will(topic)):
            assert (client_id, topic) == ("c", "t")
        case _:
            pytest.fail("no match")


def test_repr(mqtt: Any) -> None:
    assert repr(mqtt.Publish("a/b", b"21.5")) == "Publish(topic='a/b', payload=b'21.5')"
    assert repr(mqtt.PingReq()) == "PingReq()"
    assert (
        repr(mqtt.PubAck(7, ReasonCode.NOT_AUTHORIZED)) == "PubAck(packet_id=7, reason_code=ReasonCode.NOT_AUTHORIZED)"
    )
    assert repr(mqtt.Subscribe(1, (mqtt.Subscription("a", QoS.EXACTLY_ONCE),))) == (
        "Subscribe(packet_id=1, subscriptions=(Subscription(topic_filter='a', qos=QoS.EXACTLY_ONCE),))"
    )
    assert repr(mqtt.SubAck(1, (ReasonCode.GRANTED_QOS_1, ReasonCode.NOT_AUTHORIZED))) == (
        "SubAck(packet_id=1, reason_codes=(ReasonCode.GRANTED_QOS_1, ReasonCode.NOT_AUTHORIZED))"
    )


def test_repr_keeps_secrets_and_is_short(mqtt: Any) -> None:
    shown = repr(
        mqtt.Connect("c", username="u", password=b"hunter2", authentication_method="m", authentication_data=b"key")
    )
    assert "hunter2" not in shown
    assert "key" not in shown
    assert "password=<hidden>" in shown
    assert len(repr(mqtt.Publish("a", bytes(1 << 20)))) < 200
    assert len(repr(mqtt.Publish("a", bytearray(1 << 20)))) < 200


@pair
def test_repr_is_alike() -> None:
    compiled, pure = implementations.ALL
    for version in VERSIONS:
        for one, other in zip(packets(compiled, version), packets(pure, version), strict=True):
            assert repr(one) == repr(other)
            assert repr(compiled.decode(compiled.encode(one, version), version)) == repr(
                pure.decode(pure.encode(other, version), version)
            )


def test_types_after_decoding(mqtt: Any) -> None:
    connect = next(packet for packet in packets(mqtt, MQTTv5) if type(packet) is mqtt.Connect and packet.will)
    decoded = mqtt.decode(mqtt.encode(connect))
    assert type(decoded.protocol_version) is mqtt.ProtocolVersion
    assert type(decoded.clean_start) is bool
    assert type(decoded.password) is bytes
    assert type(decoded.will.qos) is mqtt.QoS
    subscribe = mqtt.decode(mqtt.encode(mqtt.Subscribe(1, [mqtt.Subscription("a", 1, True, False, 2)])))
    assert type(subscribe.subscriptions) is tuple
    assert type(subscribe.subscriptions[0].retain_handling) is mqtt.RetainHandling
    assert type(mqtt.decode(b"\x20\x02\x00\x05", 4).reason_code) is mqtt.ConnectReturnCode
    assert type(mqtt.decode(b"\x90\x03\x00\x01\x80", 4).reason_codes[0]) is mqtt.ReasonCode
    publish = mqtt.decode(bytes.fromhex("300b 000161 07 0101 2600000000"))
    assert type(publish.payload_format_indicator) is int
    assert publish.user_properties == (("", ""),)
