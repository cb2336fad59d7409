"""ohmqtt, a client, for MQTT 5.

`decode_packet(data)` returns a packet, `packet.encode()` bytes. The adapter leaves out the library's reader, which
receives the parts of a packet from a socket. It splits a stream itself and calls `decode_packet_from_parts`.
"""

from __future__ import annotations

from typing import Any

from corpus import PAYLOAD, SIX_PROPERTIES, TOPIC, Case, Stream
from ohmqtt.error import MQTTError
from ohmqtt.mqtt_spec import MQTTQoS
from ohmqtt.packet import MQTTPubAckPacket, MQTTPublishPacket, decode_packet, decode_packet_from_parts
from ohmqtt.property import MQTTPublishProps
from ohmqtt.serialization import decode_varint

from . import READ_FOUR_FIELDS, Call, Participant

STREAM = """
received = bytearray()
for piece in pieces:
    received += piece
    position = 0
    with memoryview(received) as view:
        while True:
            try:
                length, size = decode_varint(view[position + 1 : position + 5])
            except MQTTError:
                break
            start = position + 1 + size
            if len(view) < start + length:
                break
            packet = decode(view[position], view[start : start + length])
            position = start + length
            ...
    del received[:position]
"""


def library_name(name: str) -> str:
    return "UserProperty" if name == "user_properties" else name.title().replace("_", "")


SIX = ", ".join(f"{library_name(name)}={name}" for name in SIX_PROPERTIES)
BUILD = {
    "PUBLISH 5 QoS 1": "PublishPacket(topic, payload, qos, packet_id=7).encode()",
    "PUBLISH 5, six properties": f"PublishPacket(topic, payload, qos, packet_id=7, properties=Props({SIX})).encode()",
    "PUBACK 5": "PubAckPacket(7).encode()",
}
BUILD_NAMES = {
    "PublishPacket": MQTTPublishPacket,
    "PubAckPacket": MQTTPubAckPacket,
    "Props": MQTTPublishProps,
    "topic": TOPIC,
    "payload": PAYLOAD,
    "qos": MQTTQoS.Q1,
    **SIX_PROPERTIES,
}

NAMED_ALIKE = (
    *("client_id", "username", "password", "keep_alive", "clean_start", "topic", "payload", "qos", "retain", "dup"),
    *("packet_id", "reason_code", "reason_codes"),
)
PROPERTIES = (
    *SIX_PROPERTIES,
    *("session_expiry_interval", "receive_maximum", "maximum_packet_size", "topic_alias_maximum"),
    *("will_delay_interval", "authentication_method", "authentication_data"),
)


def told(packet: Any) -> dict[str, Any]:
    values = {name: getattr(packet, name) for name in NAMED_ALIKE if hasattr(packet, name)}
    values.update(told_properties(getattr(packet, "properties", None)))
    if hasattr(packet, "topics"):
        values["subscriptions"] = tuple({"topic_filter": text, "qos": options & 3} for text, options in packet.topics)
    if hasattr(packet, "will_topic"):
        will = {name: getattr(packet, f"will_{name}") for name in ("topic", "payload", "qos", "retain")}
        values["will"] = {**will, **told_properties(packet.will_props)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def told_properties(properties: Any) -> dict[str, Any]:
    values = {name: getattr(properties, library_name(name), None) for name in PROPERTIES}
    return {name: value for name, value in values.items() if value is not None}


class Ohmqtt(Participant):
    def decode(self, case: Case) -> Call | None:
        if case.version != 5:
            return None
        return Call("decode(data)", {"decode": decode_packet, "data": case.data}, told)

    def read(self, case: Case) -> Call | None:
        if case.version != 5:
            return None
        return Call("packet = decode(data)" + READ_FOUR_FIELDS, {"decode": decode_packet, "data": case.data}, told)

    def encode(self, case: Case) -> Call | None:
        return Call("packet.encode()", {"packet": decode_packet(case.data)}) if case.version == 5 else None

    def build(self, case: Case) -> Call | None:
        return Call(BUILD[case.name], BUILD_NAMES) if case.name in BUILD else None

    def fan_out(self, case: Case) -> Call | None:
        """Assign the packet identifier, in an expression, and encode."""
        if case.version != 5:
            return None
        return Call('setattr(packet, "packet_id", 8) or packet.encode()', {"packet": decode_packet(case.data)})

    def encode_many(self, stream: Stream) -> Call | None:
        if stream.version != 5:
            return None
        packets = [decode_packet(case.data) for case in stream.cases()]
        return Call('b"".join([packet.encode() for packet in packets])', {"packets": packets})

    def stream(self, stream: Stream) -> Call | None:
        if stream.version != 5:
            return None
        names = {"decode": decode_packet_from_parts, "decode_varint": decode_varint, "MQTTError": MQTTError}
        return Call(STREAM, {**names, "pieces": stream.pieces}, told)
