"""twisted-mqtt, a client for Twisted, for MQTT 3.1.1.

For each packet type, `mqtt.pdu` has a class whose `decode(data)` fills an instance from a whole packet, and whose
`encode()` returns bytes. A stream is fed to the client's protocol, which passes packets to its state object. Here, the
state stores them in a list. The helper `publish` assigns the fields of an instance.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from corpus import PAYLOAD, TOPIC, Case, Stream
from mqtt import pdu, v311
from mqtt.client.base import MQTTBaseProtocol

from . import Call, Participant

CLASSES = {1: pdu.CONNECT, 3: pdu.PUBLISH, 12: pdu.PINGREQ}

STREAM = """
for piece in pieces:
    feed(piece)
    for packet in received:
        ...
    received.clear()
"""


def told(packet: Any) -> dict[str, Any]:
    if isinstance(packet, pdu.PUBLISH):
        values = {"topic": packet.topic, "payload": bytes(packet.payload), "packet_id": packet.msgId}
        return {**values, "qos": packet.qos, "retain": packet.retain, "dup": packet.dup}
    if isinstance(packet, pdu.CONNECT):
        will = {"topic": packet.willTopic, "payload": packet.willMessage.encode(), "qos": packet.willQoS}
        values = {"username": packet.username, "password": packet.password, "keep_alive": packet.keepalive}
        return {"client_id": packet.clientId, "will": {**will, "retain": packet.willRetain}, **values}
    return {}


def publish(topic: str, payload: bytearray, qos: int, packet_id: int | None) -> pdu.PUBLISH:
    packet = pdu.PUBLISH()
    packet.topic = topic
    packet.payload = payload
    packet.qos = qos
    packet.retain = False
    packet.dup = False
    packet.msgId = packet_id
    return packet


def packet_of(packet: Any) -> Any:
    """A packet of the corpus. The library takes a bytearray as payload, and str in CONNECT."""
    if type(packet).__name__ == "Publish":
        return publish(packet.topic, bytearray(packet.payload), packet.qos, packet.packet_id)
    if type(packet).__name__ == "PingReq":
        return pdu.PINGREQ()
    made, will = pdu.CONNECT(), packet.will
    made.version, made.cleanStart, made.clientId, made.keepalive = v311, True, packet.client_id, packet.keep_alive
    made.username, made.password = packet.username, packet.password.decode()
    made.willTopic, made.willMessage, made.willQoS, made.willRetain = will.topic, will.payload.decode(), will.qos, True
    return made


def is_known(case: Case | Stream) -> bool:
    return case.version == 4 or case.name == "PINGREQ"


class TwistedMqtt(Participant):
    def decode(self, case: Case) -> Call | None:
        if not is_known(case):
            return None
        statement = "(packet := classes[data[0] >> 4]()).decode(data) or packet"
        return Call(statement, {"classes": CLASSES, "data": case.data}, told)

    def read(self, case: Case) -> Call | None:
        if not is_known(case):
            return None
        decode = "packet = classes[data[0] >> 4]()\npacket.decode(data)"
        read = "packet.topic\npacket.payload\npacket.qos\npacket.msgId\n..."
        return Call(f"{decode}\n{read}", {"classes": CLASSES, "data": case.data}, told)

    def encode(self, case: Case) -> Call | None:
        return Call("packet.encode()", {"packet": packet_of(case.packet)}) if is_known(case) else None

    def build(self, case: Case) -> Call | None:
        if not is_known(case):
            return None
        names = {"publish": publish, "topic": TOPIC, "payload": bytearray(PAYLOAD)}
        return Call("publish(topic, payload, 1, 7).encode()", names)

    def fan_out(self, case: Case) -> Call | None:
        """Assign the packet identifier, in an expression, and encode."""
        if not is_known(case):
            return None
        return Call('setattr(packet, "msgId", 8) or packet.encode()', {"packet": packet_of(case.packet)})

    def encode_many(self, stream: Stream) -> Call | None:
        if not is_known(stream):
            return None
        packets = [packet_of(packet) for packet in stream.packets]
        return Call('b"".join([packet.encode() for packet in packets])', {"packets": packets})

    def stream(self, stream: Stream) -> Call | None:
        if not is_known(stream):
            return None
        received: list[Any] = []
        protocol = MQTTBaseProtocol(None)
        protocol.state = SimpleNamespace(handlePUBLISH=received.append)
        return Call(STREAM, {"feed": protocol.dataReceived, "received": received, "pieces": stream.pieces}, told)
