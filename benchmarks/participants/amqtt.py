"""amqtt, a broker and client for asyncio, for MQTT 3.1.1.

Decoding awaits two coroutines of the library, as its handler does: one reads the fixed header, the other is
`from_stream` of the packet class. They read from the library's `BufferReader` for a whole packet, and from an asyncio
StreamReader for a stream. `read_packet` in this module combines the two. `send(None)` runs the coroutines without an
event loop. `to_bytes()` of a packet returns bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from amqtt.adapters import BufferReader, ReaderAdapter, StreamReaderAdapter
from amqtt.mqtt import packet_class
from amqtt.mqtt.connect import ConnectPacket
from amqtt.mqtt.packet import MQTTFixedHeader
from amqtt.mqtt.publish import PublishPacket
from corpus import PAYLOAD, TOPIC, Case, Stream

from . import Call, Participant

# It creates the futures on which a reader waits, and never runs.
LOOP = asyncio.new_event_loop()
LOOP.close()

STREAM = """
reader = StreamReader(loop=loop)
adapter = Adapter(reader)
reading = read_packet(adapter)
for piece in pieces:
    reader.feed_data(piece)
    waiting = False
    while not waiting:
        try:
            reading.send(None)
            waiting = True
        except StopIteration as stop:
            packet = stop.value
            reading = read_packet(adapter)
            ...
reading.close()
"""


async def read_packet(reader: ReaderAdapter) -> Any:
    header = await MQTTFixedHeader.from_stream(reader)
    return await packet_class(header).from_stream(reader, header)


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def told(packet: Any) -> dict[str, Any]:
    if isinstance(packet, PublishPacket):
        values = {"qos": packet.qos, "retain": packet.retain_flag, "dup": packet.dup_flag}
        return {"topic": packet.topic_name, "payload": packet.data, "packet_id": packet.packet_id, **values}
    if isinstance(packet, ConnectPacket):
        will = {"topic": packet.will_topic, "payload": packet.will_message, "qos": packet.will_qos}
        values = {"username": packet.username, "password": packet.password.encode(), "keep_alive": packet.keep_alive}
        return {"client_id": packet.client_id, "will": {**will, "retain": packet.will_retain_flag}, **values}
    return {}


def is_known(case: Case | Stream) -> bool:
    return case.version == 4 or case.name == "PINGREQ"


class Amqtt(Participant):
    def decode(self, case: Case) -> Call | None:
        if not is_known(case):
            return None
        names = {"run": run, "read_packet": read_packet, "BufferReader": BufferReader, "data": case.data}
        return Call("run(read_packet(BufferReader(data)))", names, told)

    def read(self, case: Case) -> Call | None:
        if not is_known(case):
            return None
        names = {"run": run, "read_packet": read_packet, "BufferReader": BufferReader, "data": case.data}
        read = "packet.topic_name\npacket.data\npacket.qos\npacket.packet_id\n..."
        return Call(f"packet = run(read_packet(BufferReader(data)))\n{read}", names, told)

    def packet(self, case: Case) -> Any:
        return run(read_packet(BufferReader(case.data)))

    def encode(self, case: Case) -> Call | None:
        return Call("packet.to_bytes()", {"packet": self.packet(case)}) if is_known(case) else None

    def build(self, case: Case) -> Call | None:
        if not is_known(case):
            return None
        names = {"build": PublishPacket.build, "topic": TOPIC, "payload": PAYLOAD}
        return Call("build(topic, payload, 7, False, 1, False).to_bytes()", names)

    def fan_out(self, case: Case) -> Call | None:
        """Assign the packet identifier, in an expression, and encode."""
        if not is_known(case):
            return None
        return Call('setattr(packet, "packet_id", 8) or packet.to_bytes()', {"packet": self.packet(case)})

    def encode_many(self, stream: Stream) -> Call | None:
        if not is_known(stream):
            return None
        packets = [self.packet(case) for case in stream.cases()]
        return Call('b"".join([packet.to_bytes() for packet in packets])', {"packets": packets})

    def stream(self, stream: Stream) -> Call | None:
        if not is_known(stream):
            return None
        names = {"StreamReader": asyncio.StreamReader, "Adapter": StreamReaderAdapter, "loop": LOOP}
        return Call(STREAM, {**names, "read_packet": read_packet, "pieces": stream.pieces}, told)
