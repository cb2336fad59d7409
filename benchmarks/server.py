"""Measure the processor time that a server needs per message: `python benchmarks/server.py`.

An asyncio server receives PUBLISH packets of QoS 1 over TCP and acknowledges each. The variants differ in how the bytes
arrive and how many packets go into one write, in how the client sends (as fast as possible, or each message after the
previous acknowledgement), and in the codec. The figure is the server's processor time per message in microseconds,
including the kernel's work for the server. The client runs in another process and is not included.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from corpus import MESSAGES

from mqttcodec import BACKEND
from mqttcodec import _codec_py as codec

CODECS = {"compiled": "_c", "plain Python": "_py"} if BACKEND == "cython" else {"plain Python": "_py"}
STREAM = codec.encode_many(MESSAGES)
MESSAGE = codec.encode(MESSAGES[0])
ACKNOWLEDGEMENT_SIZE = 4

Spent = dict[str, dict[str, float]]
"""Microseconds, by the way the server reads and by "codec, load"."""


class Count:
    """Counts the remaining messages, and the processor time from the first to the last."""

    def __init__(self, messages: int) -> None:
        self.left = messages
        self.messages = messages
        self.done = asyncio.get_running_loop().create_future()
        self.started = 0.0

    def begin(self) -> None:
        self.started = time.process_time()

    def count(self, messages: int) -> None:
        self.left -= messages
        if self.left == 0:
            self.done.set_result((time.process_time() - self.started) / self.messages)


# --- Ways to read and to answer.


def packet_by_packet(mqtt: Any, count: Count) -> Any:
    """A coroutine for each connection, which reads a header and then the body."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        count.begin()
        while count.left:
            header = await reader.readexactly(2)
            while header[-1] & 0x80:
                header += await reader.readexactly(1)
            length = sum((byte & 0x7F) << 7 * index for index, byte in enumerate(header[1:]))
            packet = mqtt.decode(header + await reader.readexactly(length))
            writer.write(mqtt.encode(mqtt.PubAck(packet.packet_id)))
            await writer.drain()
            count.count(1)
        writer.close()

    return of_streams(serve)


def read_by_read(mqtt: Any, count: Count) -> Any:
    """A coroutine for each connection, which reads all available bytes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        decoder = mqtt.Decoder(5)
        count.begin()
        while count.left:
            answers = [mqtt.PubAck(packet.packet_id) for packet in decoder.feed(await reader.read(65_536))]
            writer.write(mqtt.encode_many(answers))
            await writer.drain()
            count.count(len(answers))
        writer.close()

    return of_streams(serve)


def of_streams(serve: Any) -> Callable[[], asyncio.StreamReaderProtocol]:
    return lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader(), serve)


class Protocol(asyncio.Protocol):
    """Decodes the received bytes and answers each packet with one write."""

    transport: asyncio.Transport

    def __init__(self, mqtt: Any, count: Count) -> None:
        self.mqtt = mqtt
        self.count = count
        self.decoder = mqtt.Decoder(5)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.count.begin()

    def data_received(self, data: bytes) -> None:
        self.answer(self.decoder.feed(data))

    def answer(self, packets: Any) -> None:
        mqtt = self.mqtt
        answered = 0
        for packet in packets:
            self.transport.write(mqtt.encode(mqtt.PubAck(packet.packet_id)))
            answered += 1
        self.count.count(answered)


class Batching(Protocol):
    """Decodes the received bytes and answers all packets with one write."""

    def answer(self, packets: Any) -> None:
        mqtt = self.mqtt
        answers = [mqtt.PubAck(packet.packet_id) for packet in packets]
        self.transport.write(mqtt.encode_many(answers))
        self.count.count(len(answers))


class Buffered(Batching, asyncio.BufferedProtocol):
    """Like its base, but receives into the decoder's own buffer."""

    def get_buffer(self, sizehint: int) -> memoryview:
        return self.decoder.get_buffer(sizehint)

    def buffer_updated(self, nbytes: int) -> None:
        self.answer(self.decoder.buffer_updated(nbytes))


WAYS: dict[str, Callable[[Any, Count], Any]] = {
    "StreamReader, header and body awaited, a write each": packet_by_packet,
    "StreamReader, one write for what one read brought": read_by_read,
    "Protocol, a write each": lambda mqtt, count: lambda: Protocol(mqtt, count),
    "Protocol, one write for what one read brought": lambda mqtt, count: lambda: Batching(mqtt, count),
    "BufferedProtocol, one write for what one read brought": lambda mqtt, count: lambda: Buffered(mqtt, count),
}


# --- The client and the measurement.


def send_all(port: int, messages: int) -> None:
    """Send as fast as the server receives."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    data = STREAM * (messages // len(MESSAGES))
    sender = threading.Thread(target=connection.sendall, args=(data,))
    sender.start()
    left = messages * ACKNOWLEDGEMENT_SIZE
    while left:
        received = connection.recv(65_536)
        if not received:
            raise ConnectionError("the server has closed the connection")
        left -= len(received)
    sender.join()
    connection.close()


def send_one_by_one(port: int, messages: int) -> None:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    for _ in range(messages):
        connection.sendall(MESSAGE)
        connection.recv(ACKNOWLEDGEMENT_SIZE, socket.MSG_WAITALL)
    connection.close()


LOADS = {"all at once": (send_all, 60_000), "one by one": (send_one_by_one, 6_000)}


async def serve(way: str, mqtt: Any, load: str, part: float) -> float:
    """Microseconds per message."""
    send, messages = LOADS[load]
    messages = max(round(messages * part / len(MESSAGES)), 1) * len(MESSAGES)
    count = Count(messages)
    server = await asyncio.get_running_loop().create_server(WAYS[way](mqtt, count), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = multiprocessing.get_context("spawn").Process(target=send, args=(port, messages))
    client.start()
    try:
        spent = await asyncio.wait_for(count.done, 300)
    finally:
        client.join(60)
        client.kill()
        server.close()
    return float(spent * 1e6)


def load_codec(suffix: str) -> Any:
    modules = [import_module(f"mqttcodec.{name}{suffix}") for name in ("_codec", "_packets")]
    return SimpleNamespace(**vars(modules[0]), PubAck=modules[1].PubAck)


def measure(runs: int = 3, part: float = 1.0) -> Spent:
    """The minimum of `runs` runs, each with the fraction `part` of the messages."""
    spent: Spent = {way: {} for way in WAYS}
    for _ in range(runs):
        for load in LOADS:
            for codec_name, suffix in CODECS.items():
                for way, of in spent.items():
                    column = f"{codec_name}, {load}"
                    taken = asyncio.run(serve(way, load_codec(suffix), load, part))
                    of[column] = min(taken, of.get(column, taken))
    return spent


if __name__ == "__main__":
    for way, of in measure().items():
        print(f"{way}: " + "; ".join(f"{column} {taken:.2f}" for column, taken in of.items()))
