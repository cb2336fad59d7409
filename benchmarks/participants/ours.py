"""mqttcodec, compiled and plain, through its public functions and packets."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from corpus import PAYLOAD, SIX_PROPERTIES, TOPIC, Case, Stream, fields

from mqttcodec import PacketType, _methods

from . import READ_FOUR_FIELDS, Call, Participant

BUILD = {
    "PUBLISH 3.1.1 QoS 1": "encode(Publish(topic, payload, 1, packet_id=7), version)",
    "PUBLISH 5 QoS 1": "encode(Publish(topic, payload, 1, packet_id=7), version)",
    "PUBLISH 5, six properties": (
        "encode(Publish(topic, payload, 1, packet_id=7, payload_format_indicator=1, message_expiry_interval=3600, "
        "response_topic=response_topic, correlation_data=correlation_data, content_type=content_type, "
        "user_properties=user_properties), version)"
    ),
    "PUBACK 5": "encode(PubAck(7), version)",
}

STREAM = """
for piece in pieces:
    for packet in feed(piece):
        ...
"""


class Ours(Participant):
    suffix: str

    def __init__(self) -> None:
        self.codec = import_module("mqttcodec._codec" + self.suffix)
        self.packets = import_module("mqttcodec._packets" + self.suffix)

    def packet(self, packet: Any) -> Any:
        """A packet of the corpus, in this implementation."""
        made = {
            name: self.packet(value)
            if type(value).__module__ == "mqttcodec" and hasattr(value, "replace")
            else tuple(map(self.packet, value))
            if name == "subscriptions"
            else value
            for name, value in _methods.named_values(packet).items()
        }
        return getattr(self.packets, type(packet).__name__)(**made)

    @staticmethod
    def said(statement: str, case: Case | Stream) -> str:
        """The statement as a user writes it, without the default version 5.0."""
        return statement.replace(", version)", ")") if case.version == 5 else statement

    def decode(self, case: Case) -> Call:
        names = {"decode": self.codec.decode, "data": case.data, "version": case.version}
        return Call(self.said("decode(data, version)", case), names, fields)

    def read(self, case: Case) -> Call:
        names = {"decode": self.codec.decode, "data": case.data, "version": case.version}
        return Call(self.said("packet = decode(data, version)", case) + READ_FOUR_FIELDS, names, fields)

    def encode(self, case: Case) -> Call:
        names = {"encode": self.codec.encode, "packet": self.packet(case.packet), "version": case.version}
        return Call(self.said("encode(packet, version)", case), names)

    def build(self, case: Case) -> Call | None:
        if case.name not in BUILD:
            return None
        names = {
            "encode": self.codec.encode,
            "version": case.version,
            "Publish": self.packets.Publish,
            "PubAck": self.packets.PubAck,
            "topic": TOPIC,
            "payload": PAYLOAD,
            **SIX_PROPERTIES,
        }
        return Call(self.said(BUILD[case.name], case), names)

    def fan_out(self, case: Case) -> Call:
        names = {"encode": self.codec.encode, "packet": self.packet(case.packet), "version": case.version}
        return Call(self.said("encode(packet.replace(packet_id=8), version)", case), names)

    def encode_many(self, stream: Stream) -> Call:
        packets = [self.packet(packet) for packet in stream.packets]
        names = {"encode_many": self.codec.encode_many, "packets": packets, "version": stream.version}
        return Call(self.said("encode_many(packets, version)", stream), names)

    def encode_acks(self, stream: Stream) -> Call:
        packet_ids = [packet.packet_id for packet in stream.packets]
        names = {"encode_acks": self.codec.encode_acks, "packet_type": PacketType.PUBACK, "packet_ids": packet_ids}
        return Call("encode_acks(packet_type, packet_ids)", names)

    def batch(self, stream: Stream) -> Call:
        def batch(write: Callable[[Any], bool], packets: list[Any], take: Callable[[], bytes]) -> bytes:
            for packet in packets:
                write(packet)
            return take()

        encoder = self.codec.Encoder(stream.version)
        packets = [self.packet(packet) for packet in stream.packets]
        names = {"batch": batch, "write": encoder.write, "packets": packets, "take": encoder.take}
        return Call("batch(write, packets, take)", names)

    def stream(self, stream: Stream) -> Call:
        decoder = self.codec.Decoder(stream.version)
        return Call(STREAM, {"feed": decoder.feed, "pieces": stream.pieces}, fields)


class Compiled(Ours):
    suffix = "_c"


class Plain(Ours):
    suffix = "_py"
