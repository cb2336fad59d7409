"""mqtt5, a codec in Rust, for MQTT 5.

`read(buffer)` returns a packet and its size, and raises IndexError if bytes are missing. `packet.write()` returns
bytes.
"""

from __future__ import annotations

from typing import Any

import mqtt5
from corpus import PAYLOAD, SIX_PROPERTIES, TOPIC, Case, Stream

from . import READ_FOUR_FIELDS, Call, Participant

BUILD = {
    "PUBLISH 5 QoS 1": "PublishPacket(topic, payload, qos=qos, packet_id=7).write()",
    "PUBLISH 5, six properties": (
        "PublishPacket(topic, payload, qos=qos, packet_id=7, payload_format_indicator=1, message_expiry_interval=3600, "
        "response_topic=response_topic, correlation_data=correlation_data, content_type=content_type, "
        "user_properties=user_properties).write()"
    ),
    "PUBACK 5": "PubAckPacket(7).write()",
}
BUILD_NAMES = {
    "PublishPacket": mqtt5.PublishPacket,
    "PubAckPacket": mqtt5.PubAckPacket,
    "topic": TOPIC,
    "payload": PAYLOAD,
    "qos": mqtt5.QoS.AT_LEAST_ONCE,
    **SIX_PROPERTIES,
    "user_properties": list(SIX_PROPERTIES["user_properties"]),
}

STREAM = """
received = bytearray()
for piece in pieces:
    received += piece
    position = 0
    with memoryview(received) as view:
        try:
            while True:
                packet, size = read(view[position:])
                position += size
                ...
        except IndexError:
            pass
    del received[:position]
"""

NAMED_ALIKE = (
    *(
        "client_id",
        "username",
        "password",
        "keep_alive",
        "session_expiry_interval",
        "topic",
        "payload",
        "qos",
        "retain",
    ),
    *("packet_id", "payload_format_indicator", "message_expiry_interval", "response_topic", "correlation_data"),
    *("content_type", "user_properties", "reason_code", "reason_codes", "authentication_method", "authentication_data"),
)


def told(packet: Any) -> dict[str, Any]:
    values = {name: getattr(packet, name) for name in NAMED_ALIKE if hasattr(packet, name)}
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    if isinstance(packet, mqtt5.SubscribePacket):
        fields["subscriptions"] = tuple(
            {"topic_filter": text.pattern, "qos": text.max_qos} for text in packet.topic_filters
        )
    if isinstance(packet, mqtt5.ConnectPacket):
        fields["will"] = {**told(packet.will), "will_delay_interval": packet.will.will_delay_interval}
    return fields


class Mqtt5(Participant):
    def decode(self, case: Case) -> Call | None:
        if case.version != 5:
            return None
        return Call("read(data)", {"read": mqtt5.read, "data": case.data}, lambda made: told(made[0]))

    def read(self, case: Case) -> Call | None:
        if case.version != 5:
            return None
        return Call("packet, size = read(data)" + READ_FOUR_FIELDS, {"read": mqtt5.read, "data": case.data}, told)

    def encode(self, case: Case) -> Call | None:
        if case.version != 5:
            return None
        packet, _ = mqtt5.read(case.data)
        return Call("packet.write()", {"packet": packet})

    def build(self, case: Case) -> Call | None:
        return Call(BUILD[case.name], BUILD_NAMES) if case.name in BUILD else None

    def fan_out(self, case: Case) -> Call | None:
        """Make and encode a new packet, because packets are immutable."""
        if case.version != 5:
            return None
        packet, _ = mqtt5.read(case.data)
        statement = "PublishPacket(packet.topic, packet.payload, qos=packet.qos, packet_id=8).write()"
        return Call(statement, {"packet": packet, **BUILD_NAMES})

    def encode_many(self, stream: Stream) -> Call | None:
        if stream.version != 5:
            return None
        packets = [mqtt5.read(case.data)[0] for case in stream.cases()]
        return Call('b"".join([packet.write() for packet in packets])', {"packets": packets})

    def stream(self, stream: Stream) -> Call | None:
        return Call(STREAM, {"read": mqtt5.read, "pieces": stream.pieces}, told) if stream.version == 5 else None
