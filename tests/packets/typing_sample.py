"""User code for a type checker: `match` narrows, fields have their decoded types, wrong properties are errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_type

import mqttcodec as mqtt
from mqttcodec import session


def topic_of(packet: mqtt.Packet) -> str | None:
    match packet:
        case mqtt.Publish(topic=topic, payload=payload, qos=qos):
            assert_type(packet, mqtt.Publish)
            assert_type(topic, str)
            assert_type(payload, bytes | memoryview)
            assert_type(qos, mqtt.QoS)
            return topic
        case mqtt.Connect(will=mqtt.Will(topic)):
            assert_type(topic, str)
            return topic
        case mqtt.PubAck(packet_id, reason_code):
            assert_type(packet_id, int)
            assert_type(reason_code, mqtt.ReasonCode)
            return reason_code.name
        case mqtt.ConnAck(reason_code=code):
            assert_type(code, mqtt.ReasonCode | mqtt.ConnectReturnCode)
    return None


def packets(chunk: bytes) -> Iterator[mqtt.Packet]:
    decoder = mqtt.Decoder(role=mqtt.Role.SERVER, max_packet_size=1 << 20)
    assert_type(decoder.version, mqtt.ProtocolVersion | None)
    try:
        yield from decoder.feed(chunk)
        assert_type(decoder.packet_bytes, bytes)
    except mqtt.DecodeError as error:
        assert_type(decoder.skip(), bytes)
        assert_type(error.reason_code, mqtt.ReasonCode | None)
        assert_type(error.offset, int | None)
        assert_type(error.clause, str | None)
        assert_type(error.version, mqtt.ProtocolVersion | None)
        assert_type(error.packet_type, mqtt.PacketType | None)
        assert_type(mqtt.answer_to(error, role=mqtt.Role.CLIENT), bytes)
        if isinstance(error, mqtt.UnsupportedVersionError):
            assert_type(error.return_code, mqtt.ConnectReturnCode | None)


def size_of(packet: mqtt.Packet) -> int:
    assert_type(packet.properties, dict[str, Any])
    if packet.packet_type is mqtt.PacketType.PUBLISH:
        assert_type(packet, mqtt.Publish)
        return len(packet.payload)
    return 0


def made() -> list[bytes]:
    publish = mqtt.Publish("a/b", bytearray(b"21.5"), qos=1, packet_id=7, user_properties=[("unit", "°C")])
    assert_type(publish.replace(dup=True), mqtt.Publish)
    assert_type(publish.for_version(4, lossy=True), mqtt.Publish)
    assert_type(mqtt.Will("a").to_publish(7), mqtt.Publish)
    assert_type(mqtt.from_dict(mqtt.to_dict(publish, defaults=True)), mqtt.Packet)
    assert_type(publish.user_properties, tuple[tuple[str, str], ...])
    subscribe = mqtt.Subscribe(8, [mqtt.Subscription("a/+", 1)])
    assert_type(subscribe.subscriptions, tuple[mqtt.Subscription, ...])
    codes = [mqtt.ReasonCode.SUCCESS]
    assert_type(mqtt.SubAck(8, codes).reason_codes, tuple[mqtt.ReasonCode, ...])
    assert_type(mqtt.Unsubscribe(9, ["a/+"]).topic_filters, tuple[str, ...])
    acknowledgement = mqtt.SubAck(8, [0, mqtt.ReasonCode.GRANTED_QOS_1])
    connect = mqtt.Connect("client", password=memoryview(b"secret"), protocol_version=4, bridge=True)
    assert_type(connect.bridge, bool)
    assert_type(connect.password, bytes | memoryview | None)
    assert_type(mqtt.encode_parts(publish)[0], bytes)
    return [mqtt.encode(packet) for packet in (publish, subscribe, acknowledgement, connect)]


def sessions(data: bytes, now: float) -> list[mqtt.Packet]:
    outgoing = session.OutgoingMessages(20, max_queued=100, packet_ids=session.PacketIds())
    assert_type(outgoing.packet_ids.acquire(), int)
    assert_type(outgoing.publish(mqtt.Publish("a", qos=1)), mqtt.Publish)
    assert_type(outgoing.to_send(), list[mqtt.Packet])
    assert_type(outgoing.on_puback(mqtt.PubAck(1)), bool)
    assert_type(outgoing.on_pubrec(mqtt.PubRec(1)), mqtt.PubRel | None)
    assert_type(outgoing.on_pubcomp(mqtt.PubComp(1)), bool)
    incoming = session.IncomingMessages(10, version=4, role=mqtt.Role.CLIENT)
    assert_type(incoming.version, mqtt.ProtocolVersion)
    assert_type(incoming.on_publish(mqtt.Publish("a")), bool)
    assert_type(incoming.acknowledge(mqtt.Publish("a"), 0x80), mqtt.PubAck | mqtt.PubRec | None)
    assert_type(incoming.to_send(), list[mqtt.PubAck | mqtt.PubRec])
    assert_type(incoming.on_pubrel(mqtt.PubRel(1)), mqtt.PubComp)
    assert_type(session.TopicAliasSender(10).assign(mqtt.Publish("a")), mqtt.Publish)
    assert_type(session.TopicAliasReceiver(10).resolve(mqtt.Publish("a")), mqtt.Publish)
    keep_alive = session.KeepAlive(60, mqtt.Role.CLIENT, ping_timeout=2.5)
    keep_alive.seconds = 30
    assert_type(keep_alive.deadline(now), float | None)
    assert_type(keep_alive.expired(now), bool)
    restored = session.Session.from_bytes(data)
    restored.version = 5
    assert_type(restored.to_bytes(), bytes)
    return [*restored.outgoing.resend(), *restored.incoming.to_send()]


def refused() -> None:
    mqtt.PubAck(7, content_type="text")  # type: ignore[call-arg]
    mqtt.Publish("a", "text")  # type: ignore[arg-type]
    mqtt.Publish("a").topic = "b"  # type: ignore[misc]
    mqtt.encode("packet")  # type: ignore[arg-type]
    session.OutgoingMessages().on_puback(mqtt.PubRec(7))  # type: ignore[arg-type]
    session.Session("client", None)  # type: ignore[arg-type]
    session.PacketIds().in_use = 1  # type: ignore[misc]
