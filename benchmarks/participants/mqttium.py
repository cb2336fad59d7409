"""mqttium, a client for asyncio, for MQTT 3.1.1 and 5.

Each packet class has a `decode`, which takes the bytes after the fixed header, and an `encode`, which returns bytes, as
far as a client needs them. `decode_vbi` reads the Remaining Length. For a stream, the library's IncrementalDecoder
returns frames, which the class decodes. To build and encode a PUBLISH, the adapter calls the client's function, which
makes no packet object. A packet that is encoded again keeps its encoded properties.
"""

from __future__ import annotations

from typing import Any

from corpus import PAYLOAD, SIX_PROPERTIES, TOPIC, Case, Stream, fields
from mqttium import packets as library
from mqttium.codec import IncrementalDecoder, decode_vbi
from mqttium.codec.buffer import PROTOCOL_MAX_PACKET_SIZE
from mqttium.enums import MQTTProtocolVersion, PacketType, QoS
from mqttium.packets.publish import encode_publish_item
from mqttium.types import Properties

from . import Call, Participant

CLASSES = {
    "PubAck": library.PubAckPacket,
    "PubRec": library.PubRecPacket,
    "PubRel": library.PubRelPacket,
    "PubComp": library.PubCompPacket,
    "SubAck": library.SubAckPacket,
    "Disconnect": library.DisconnectPacket,
    "Auth": library.AuthPacket,
}
DECODERS = {getattr(PacketType, name.upper()) >> 4: cls.decode for name, cls in CLASSES.items()}
DECODERS[PacketType.PUBLISH >> 4] = library.PublishPacket.decode
DECODE = "decoders[data[0] >> 4](data[decode_vbi(data, 1)[1] :], version)"
DECODE_PUBLISH = "decoders[data[0] >> 4](data[0] & 0x0F, data[decode_vbi(data, 1)[1] :], version)"

PUBLISH = "encode(topic, payload, qos=qos, retain=False, dup=False, mid=7, properties={}, protocol=version)"
FAN_OUT = """encode(
    packet.topic, packet.payload, qos=packet.qos, retain=packet.retain, dup=packet.dup, mid=8,
    properties=packet.properties, protocol=version
)"""

# The library's name of a property, where it differs.
NAMES = {"user_properties": "user_property"}
SIX = ", ".join(f'"{NAMES.get(name, name)}": {name}' for name in SIX_PROPERTIES)

STREAM = """
for piece in pieces:
    feed(piece)
    while (raw := next_packet()) is not None:
        if raw.packet_type is PUBLISH:
            packet = decode(raw.flags, raw.remaining, version)
            ...
"""


def told(packet: Any) -> dict[str, Any]:
    names = ("topic", "payload", "qos", "retain", "dup", "reason_code", "reason_codes")
    values = {name: getattr(packet, name) for name in names if hasattr(packet, name)}
    if hasattr(packet, "mid"):
        values["packet_id"] = packet.mid
    told_properties = dict(packet.properties.values) if packet.properties else {}
    if "user_property" in told_properties:
        told_properties["user_properties"] = tuple(told_properties.pop("user_property"))
    return {**values, **told_properties}


def properties(values: dict[str, Any]) -> Properties | None:
    given = {NAMES.get(name, name): value for name, value in values.items() if value not in (None, ())}
    return Properties(given) if given else None


def packet_of(packet: Any) -> Any:
    """A packet of the corpus, or None if the library does not encode its type."""
    kind, values = type(packet).__name__, fields(packet)
    values.pop("bridge", None)
    if kind in ("Publish", "Subscribe", "PubAck", "PubRec", "PubRel", "PubComp"):
        mid = values.pop("packet_id")
    if kind == "Publish":
        positional = [values.pop(name) for name in ("topic", "payload", "qos", "retain", "dup")]
        positional[2] = QoS(positional[2])
        return library.PublishPacket(*positional, mid, properties(values))
    if kind == "Subscribe":
        options = library.SubscribeOptions(QoS.AT_LEAST_ONCE)
        filters = tuple(library.Subscription(each.topic_filter, options) for each in packet.subscriptions)
        return library.SubscribePacket(mid, filters)
    if kind == "Connect":
        will = values.pop("will")
        wills = [will.pop(name) for name in ("topic", "payload", "qos", "retain")]
        given = ("client_id", "clean_start", "keep_alive", "username", "password")
        positional = [values.pop(name) for name in given]
        version = MQTTProtocolVersion(values.pop("protocol_version"))
        return library.ConnectPacket(*positional, *wills, properties(will), version, properties(values))
    if kind == "Auth":
        return library.AuthPacket(values.pop("reason_code"), properties(values))
    return CLASSES[kind](mid) if kind.startswith("Pub") else None


class Mqttium(Participant):
    def decode(self, case: Case) -> Call | None:
        if case.data[0] >> 4 not in DECODERS:
            return None
        names = {"decoders": DECODERS, "decode_vbi": decode_vbi, "data": case.data}
        statement = DECODE_PUBLISH if case.name.startswith("PUBLISH") else DECODE
        return Call(statement, {**names, "version": MQTTProtocolVersion(case.version)}, told)

    def read(self, case: Case) -> Call | None:
        _, names, _ = self.decode(case)
        read = "packet.topic\npacket.payload\npacket.qos\npacket.mid\n..."
        return Call(f"packet = {DECODE_PUBLISH}\n{read}", names, told)

    def encode(self, case: Case) -> Call | None:
        if case.name == "PINGREQ":
            return Call("encode()", {"encode": library.encode_pingreq})
        packet = packet_of(case.packet)
        if packet is None:
            # This includes DISCONNECT, because only servers send this reason code.
            return None
        if case.name.startswith("CONNECT"):
            return Call("packet.encode()", {"packet": packet})
        return Call("packet.encode(version)", {"packet": packet, "version": MQTTProtocolVersion(case.version)})

    def build(self, case: Case) -> Call | None:
        version = MQTTProtocolVersion(case.version)
        if case.name == "PUBACK 5":
            return Call("PubAckPacket(7).encode(version)", {"PubAckPacket": library.PubAckPacket, "version": version})
        names = {"encode": encode_publish_item, "topic": TOPIC, "payload": PAYLOAD, "qos": QoS.AT_LEAST_ONCE}
        if "six" not in case.name:
            return Call(PUBLISH.format(None), {**names, "version": version})
        statement = PUBLISH.format(f"Properties({{{SIX}}})")
        return Call(statement, {**names, "version": version, "Properties": Properties, **SIX_PROPERTIES})

    def fan_out(self, case: Case) -> Call | None:
        names = {"encode": encode_publish_item, "packet": packet_of(case.packet)}
        return Call(FAN_OUT, {**names, "version": MQTTProtocolVersion(case.version)})

    def encode_many(self, stream: Stream) -> Call | None:
        packets = [packet_of(packet) for packet in stream.packets]
        names = {"packets": packets, "version": MQTTProtocolVersion(stream.version)}
        return Call('b"".join([packet.encode(version) for packet in packets])', names)

    def stream(self, stream: Stream) -> Call | None:
        decoder = IncrementalDecoder(PROTOCOL_MAX_PACKET_SIZE)
        names = {"feed": decoder.feed, "next_packet": decoder.next_packet, "decode": library.PublishPacket.decode}
        others = {"PUBLISH": PacketType.PUBLISH, "version": MQTTProtocolVersion(stream.version)}
        return Call(STREAM, {**names, **others, "pieces": stream.pieces}, told)
