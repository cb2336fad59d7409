"""paho-mqtt, a client, for MQTT 3.1.1 and 5.

The functions of `paho.mqtt._packet` take the first byte of a packet and the bytes after its length. The library's
`VariableByteIntegers` reads the length. The adapter leaves out the reader of `Client`, which receives a packet in
pieces from a socket and wraps it in an MQTTMessage for the callback; it splits a stream itself. As in an MQTTMessage,
a topic stays bytes until it is read. The `_send_...` methods of `Client` encode packets; a replacement of
`_packet_queue` returns them. The helper `properties` sets properties as attributes, one by one.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from corpus import PAYLOAD, SIX_PROPERTIES, TOPIC, Case, Stream, fields
from paho.mqtt import _packet
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MessageType, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties, VariableByteIntegers
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from . import Call, Participant

DECODERS = {
    PacketTypes.PUBLISH: _packet.decode_publish,
    PacketTypes.PUBACK: _packet.decode_puback,
    PacketTypes.PUBREC: _packet.decode_pubrec,
    PacketTypes.PUBREL: _packet.decode_pubrel,
    PacketTypes.PUBCOMP: _packet.decode_pubcomp,
    PacketTypes.SUBACK: _packet.decode_suback,
    PacketTypes.DISCONNECT: _packet.decode_disconnect,
}
DECODE = "decoders[data[0] >> 4](data[0], data[1 + length(data[1:5])[1] :], version)"
SEND = "send(packet.mid, packet.topic, packet.payload, packet.qos, packet.retain, packet.dup, None, packet.properties)"

STREAM = """
received = bytearray()
for piece in pieces:
    received += piece
    position = 0
    while True:
        try:
            size, size_size = length(received[position + 1 : position + 5])
        except MalformedPacket:
            break
        start = position + 1 + size_size
        if len(received) < start + size:
            break
        packet = decoders[received[position] >> 4](received[position], received[start : start + size], version)
        position = start + size
        ...
    del received[:position]
"""


def told(packet: Any) -> dict[str, Any]:
    values = {"packet_id": getattr(packet, "mid", None), "reason_code": getattr(packet, "reason", None)}
    if isinstance(packet, _packet.PublishPacket):
        values.update(topic=packet.topic.decode(), payload=bytes(packet.payload), reason_code=None)
        values.update(qos=packet.qos, retain=packet.retain, dup=packet.dup)
        for name in SIX_PROPERTIES if packet.properties is not None else ():
            values[name] = getattr(packet.properties, library_name(name), None)
        values["user_properties"] = tuple(values.get("user_properties") or ())
    if isinstance(packet, _packet.SubackPacket):
        values["reason_codes"] = tuple(code.value for code in packet.reason_codes)
    return {name: value for name, value in values.items() if value is not None}


def library_name(name: str) -> str:
    return "UserProperty" if name == "user_properties" else name.title().replace("_", "")


def library_named(values: dict[str, Any]) -> dict[str, Any]:
    values = {library_name(name): value for name, value in values.items() if value}
    return {name: list(value) if name == "UserProperty" else value for name, value in values.items()}


def properties(packet_type: int, values: dict[str, Any]) -> Properties:
    made = Properties(packet_type)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def publish(packet: Any) -> _packet.PublishPacket:
    """A packet to encode. A PUBLISH without properties has None, as in user code."""
    values = library_named({name: getattr(packet, name) for name in SIX_PROPERTIES})
    made = properties(PacketTypes.PUBLISH, values) if values else None
    topic = packet.topic.encode()
    return _packet.PublishPacket(False, packet.qos, packet.retain, topic, packet.packet_id or 0, made, packet.payload)


def client(version: int, **options: Any) -> Client:
    made = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion(version), **options)
    made._sock = SimpleNamespace(close=lambda: None)
    made._packet_queue = lambda command, packet, mid, qos, info=None: packet
    return made


def connect(packet: Any) -> Call:
    values = fields(packet)
    made = client(packet.protocol_version, client_id=values.pop("client_id"))
    made.username_pw_set(values.pop("username"), values.pop("password").decode())
    keep_alive, will = values.pop("keep_alive"), values.pop("will")
    positional = [will.pop(name) for name in ("topic", "payload", "qos", "retain")]
    if packet.protocol_version == 5:
        del values["protocol_version"], values["clean_start"]
        made._connect_properties = properties(PacketTypes.CONNECT, library_named(values))
        made.will_set(*positional, properties(PacketTypes.WILLMESSAGE, library_named(will)))
    else:
        made.will_set(*positional)
    return Call("send(keep_alive)", {"send": made._send_connect, "keep_alive": keep_alive})


class Paho(Participant):
    def decode(self, case: Case) -> Call | None:
        if case.data[0] >> 4 not in DECODERS:
            return None
        return Call(DECODE, {**self.decoders(case.version), "data": case.data}, told)

    def decoders(self, version: int) -> dict[str, Any]:
        length = VariableByteIntegers.decode
        return {"decoders": DECODERS, "length": length, "version": MQTTProtocolVersion(version)}

    def read(self, case: Case) -> Call | None:
        read = "packet.topic.decode()\npacket.payload\npacket.qos\npacket.mid\n..."
        return Call(f"packet = {DECODE}\n{read}", {**self.decoders(case.version), "data": case.data}, told)

    def encode(self, case: Case) -> Call | None:
        made = client(case.version)
        if case.name.startswith("PUBLISH"):
            return Call(SEND, {"send": made._send_publish, "packet": publish(case.packet)})
        if case.name.startswith(("PUBACK", "PUBREC", "PUBREL", "PUBCOMP")):
            return Call("send(7)", {"send": getattr(made, "_send_" + case.name.partition(" ")[0].lower())})
        if case.name.startswith("CONNECT"):
            return connect(case.packet)
        if case.name.startswith("SUBSCRIBE"):
            # The packet identifier is the next free one. The check sees the first.
            made._last_mid = 6
            topics = [(each.topic_filter.encode(), SubscribeOptions(each.qos)) for each in case.packet.subscriptions]
            return Call("send(False, topics)[0]", {"send": made._send_subscribe, "topics": topics})
        if case.name == "PINGREQ":
            return Call("send(command)", {"send": made._send_simple_command, "command": MessageType.PINGREQ})
        if case.name.startswith("DISCONNECT"):
            code = ReasonCode(PacketTypes.DISCONNECT, identifier=case.packet.reason_code)
            return Call("send(code)", {"send": made._send_disconnect, "code": code})
        return None

    def build(self, case: Case) -> Call | None:
        if case.name == "PUBACK 5":
            return self.encode(case)
        names = {"send": client(case.version)._send_publish, "topic": TOPIC, "payload": PAYLOAD}
        if "six" not in case.name:
            return Call("send(7, topic.encode(), payload, 1)", names)
        values = {"properties": properties, "PUBLISH": PacketTypes.PUBLISH, "values": library_named(SIX_PROPERTIES)}
        statement = "send(7, topic.encode(), payload, 1, properties=properties(PUBLISH, values))"
        return Call(statement, {**names, **values})

    def fan_out(self, case: Case) -> Call | None:
        names = {"send": client(case.version)._send_publish, "packet": publish(case.packet)}
        return Call(SEND.replace("packet.mid", "8"), names)

    def encode_many(self, stream: Stream) -> Call | None:
        packets = [publish(packet) for packet in stream.packets]
        names = {"send": client(stream.version)._send_publish, "packets": packets}
        return Call(f'b"".join([{SEND} for packet in packets])', names)

    def stream(self, stream: Stream) -> Call | None:
        names = {**self.decoders(stream.version), "MalformedPacket": MalformedPacket}
        return Call(STREAM, {**names, "pieces": stream.pieces}, told)
