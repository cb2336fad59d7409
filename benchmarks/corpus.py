"""The packets of the benchmarks, as packets of the plain implementation and as bytes.

A topic has 24 bytes and a payload 64 unless the name says otherwise. The strings of properties have realistic lengths.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mqttcodec import MQTTv5, MQTTv311, ProtocolVersion, ReasonCode, _methods
from mqttcodec import _codec_py as codec
from mqttcodec._packets_py import (
    Auth,
    Connect,
    Disconnect,
    PingReq,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    SubAck,
    Subscribe,
    Subscription,
    Will,
)

TOPIC = "sensors/kitchen/humidity"
PAYLOAD = bytes(range(64))
KIB, MIB = 1024, 1024 * 1024


class Case(NamedTuple):
    """One packet."""

    name: str
    version: ProtocolVersion
    packet: Any
    data: bytes

    @property
    def times(self) -> int:
        """Executions per round, enough to make the start of the loop negligible."""
        return 1000 if len(self.data) < KIB else 1


class Stream(NamedTuple):
    """Several packets, and the pieces in which their bytes arrive."""

    name: str
    version: ProtocolVersion
    packets: list[Any]
    data: bytes
    pieces: list[bytes]
    times = 1

    def cases(self) -> Iterator[Case]:
        """The packets one by one."""
        return (case(self.name, packet, self.version) for packet in self.packets)


def case(name: str, packet: Any, version: ProtocolVersion = MQTTv5) -> Case:
    return Case(name, version, packet, codec.encode(packet, version))


def stream(name: str, packets: list[Any], piece_size: int, version: ProtocolVersion = MQTTv5) -> Stream:
    data = codec.encode_many(packets, version)
    pieces = [data[start : start + piece_size] for start in range(0, len(data), piece_size)]
    return Stream(name, version, packets, data, pieces)


def fields(packet: Any) -> dict[str, Any]:
    """The fields of one of our packets, including those of nested packets."""

    def told(value: Any) -> Any:
        return fields(value) if type(value).__name__ in ("Will", "Subscription") else value

    return {
        name: tuple(map(told, value)) if isinstance(value, tuple) else told(value)
        for name, value in _methods.named_values(packet).items()
    }


def publish(topic: str = TOPIC, payload: bytes = PAYLOAD, qos: int = 1, **properties: Any) -> Publish:
    return Publish(topic, payload, qos, packet_id=7 if qos else None, **properties)


def messages(count: int) -> list[Any]:
    """Messages from a gateway for many sensors: a different topic in each packet, 109 bytes each in 5.0."""
    return [
        Publish(f"sensors/flat{number:03d}/humidity", bytes(78), 1, packet_id=number + 1) for number in range(count)
    ]


WILL = Will("sensors/kitchen/liveness", b"gone", 1, True)
CONNECT = Connect("sensor-kitchen-01", keep_alive=30, username="kitchen", password=b"correct horse", will=WILL)
SIX_PROPERTIES = {
    "payload_format_indicator": 1,
    "message_expiry_interval": 3600,
    "response_topic": "answers/kitchen/humidity",
    "correlation_data": b"\x00\x01\x02\x03\x04\x05\x06\x07",
    "content_type": "application/json",
    "user_properties": (("unit", "percent"),),
}
FILTERS = ("sensors/kitchen/humidity", "sensors/+/temperature", "sensors/#", "$share/workers/jobs/+/new")

CASES = {
    made.name: made
    for made in (
        case("CONNECT 3.1.1", CONNECT.replace(protocol_version=MQTTv311), MQTTv311),
        case(
            "CONNECT 5",
            CONNECT.replace(
                will=WILL.replace(will_delay_interval=10, message_expiry_interval=3600, content_type="text/plain"),
                session_expiry_interval=3600,
                receive_maximum=100,
                maximum_packet_size=MIB,
                topic_alias_maximum=10,
                user_properties=(("firmware", "4.2.1"),),
            ),
        ),
        case("PUBLISH 3.1.1 QoS 0", publish(qos=0), MQTTv311),
        case("PUBLISH 3.1.1 QoS 1", publish(), MQTTv311),
        case("PUBLISH 5 QoS 0", publish(qos=0)),
        case("PUBLISH 5 QoS 1", publish()),
        case("PUBLISH 5, six properties", publish(**SIX_PROPERTIES)),
        case("PUBLISH 5, non-ASCII topic", publish("détecteurs/cuisine/état")),
        case("PUBLISH 5, 64 KiB", publish(payload=bytes(64 * KIB))),
        case("PUBLISH 5, 16 MiB", publish(payload=bytes(16 * MIB))),
        case("PUBACK 5", PubAck(7)),
        case("PUBREC 5", PubRec(7)),
        case("PUBREL 5", PubRel(7)),
        case("PUBCOMP 5", PubComp(7)),
        case("SUBSCRIBE 5, four filters", Subscribe(7, tuple(Subscription(text, 1) for text in FILTERS))),
        case(
            "SUBACK 5, four codes",
            SubAck(7, (ReasonCode.GRANTED_QOS_1, ReasonCode.GRANTED_QOS_1, ReasonCode.GRANTED_QOS_0, ReasonCode(0x87))),
        ),
        case("PINGREQ", PingReq()),
        case("DISCONNECT 5", Disconnect(ReasonCode.SESSION_TAKEN_OVER)),
        case(
            "AUTH 5",
            Auth(
                ReasonCode.CONTINUE_AUTHENTICATION, authentication_method="SCRAM-SHA-256", authentication_data=bytes(32)
            ),
        ),
    )
}

MESSAGES = messages(600)
ACKNOWLEDGEMENTS: list[Any] = [PubAck(number + 1) for number in range(600)]
BIG = publish(payload=bytes(16 * MIB))
STREAMS = {
    made.name: made
    for made in (
        stream("600 PUBLISH 3.1.1, whole", MESSAGES, 64 * KIB, MQTTv311),
        stream("600 PUBLISH 5, whole", MESSAGES, 64 * KIB),
        stream("600 PUBLISH 5, pieces of 1448", MESSAGES, 1448),
        stream("600 PUBLISH 5, pieces of 37", MESSAGES, 37),
        stream("600 PUBLISH 5, pieces of 1", MESSAGES, 1),
        stream("600 PUBACK 5, whole", ACKNOWLEDGEMENTS, 64 * KIB),
        stream("PUBLISH 5 of 16 MiB, pieces of 64 KiB", [BIG], 64 * KIB),
    )
}
