"""zmqtt, a client for asyncio, for MQTT 3.1.1 and 5.

In the client's codec, `decode(data, version=...)` returns a packet and its size, `encode(packet, version=...)` bytes. A
PacketBuffer takes the pieces of a stream and yields packets. Packets are frozen dataclasses.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from corpus import PAYLOAD, SIX_PROPERTIES, TOPIC, Case, Stream
from zmqtt._internal.packets import PubAck, Publish, PublishProperties
from zmqtt._internal.packets.codec import decode, encode
from zmqtt._internal.packets.reader import PacketBuffer
from zmqtt._internal.types.qos import QoS

from . import READ_FOUR_FIELDS, Call, Participant

PUBLISH = "Publish(topic=topic, payload=payload, qos=qos, retain=False, dup=False, packet_id=7{})"
SIX = ", ".join(f"{name}={name}" for name in SIX_PROPERTIES)
BUILD = {
    "PUBLISH 3.1.1 QoS 1": f"encode({PUBLISH.format('')}, version=version)",
    "PUBLISH 5 QoS 1": f"encode({PUBLISH.format('')}, version=version)",
    "PUBLISH 5, six properties": f"encode({PUBLISH.format(f', properties=Properties({SIX})')}, version=version)",
    "PUBACK 5": "encode(PubAck(packet_id=7), version=version)",
}
BUILD_NAMES = {
    "encode": encode,
    "Publish": Publish,
    "PubAck": PubAck,
    "Properties": PublishProperties,
    "topic": TOPIC,
    "payload": PAYLOAD,
    "qos": QoS.AT_LEAST_ONCE,
    **SIX_PROPERTIES,
}
FAN_OUT = """encode(Publish(
    topic=packet.topic, payload=packet.payload, qos=packet.qos, retain=packet.retain, dup=packet.dup, packet_id=8,
    properties=packet.properties
), version=version)"""

STREAM = """
for piece in pieces:
    feed(piece)
    for packet in buffer:
        ...
"""

OUR_NAMES = {"return_codes": "reason_codes", "clean_session": "clean_start", "keepalive": "keep_alive"}


def told(packet: Any) -> dict[str, Any]:
    return renamed(asdict(packet))


def renamed(values: dict[str, Any]) -> dict[str, Any]:
    fields = {**values, **(values.get("properties") or {})}
    fields.pop("properties", None)
    fields.pop("subscription_identifier", None)
    if fields.get("will"):
        fields["will"] = renamed(fields["will"])
    return {OUR_NAMES.get(name, name): value for name, value in fields.items()}


def version_of(case: Case | Stream) -> str:
    return "5.0" if case.version == 5 else "3.1.1"


class Zmqtt(Participant):
    def decode(self, case: Case) -> Call | None:
        names = {"decode": decode, "data": case.data, "version": version_of(case)}
        return Call("decode(data, version=version)", names, lambda made: told(made[0]))

    def read(self, case: Case) -> Call | None:
        names = {"decode": decode, "data": case.data, "version": version_of(case)}
        return Call("packet, size = decode(data, version=version)" + READ_FOUR_FIELDS, names, told)

    def packet(self, case: Case) -> Any:
        return decode(case.data, version=version_of(case))[0]

    def encode(self, case: Case) -> Call | None:
        names = {"encode": encode, "packet": self.packet(case), "version": version_of(case)}
        return Call("encode(packet, version=version)", names)

    def build(self, case: Case) -> Call | None:
        return Call(BUILD[case.name], {**BUILD_NAMES, "version": version_of(case)}) if case.name in BUILD else None

    def fan_out(self, case: Case) -> Call | None:
        """Make and encode a new packet, because packets are immutable."""
        return Call(FAN_OUT, {**BUILD_NAMES, "packet": self.packet(case), "version": version_of(case)})

    def encode_many(self, stream: Stream) -> Call | None:
        names = {"encode": encode, "packets": [self.packet(case) for case in stream.cases()]}
        statement = 'b"".join([encode(packet, version=version) for packet in packets])'
        return Call(statement, {**names, "version": version_of(stream)})

    def stream(self, stream: Stream) -> Call | None:
        buffer = PacketBuffer(version_of(stream))
        return Call(STREAM, {"feed": buffer.feed, "buffer": buffer, "pieces": stream.pieces}, told)
