"""Measure what a `Connection` adds to the codec, and write the table in `docs/sessions.md`.

    python benchmarks/session.py --write

A server's connection receives and sends messages of 20 bytes of payload: many in one read, and one in each. The codec
alone decodes or encodes the same packets. Times are minima, in nanoseconds of processor time for each message.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report import figure, here_and_now, table, write_between

import mqttcodec
from mqttcodec import ConnAck, Connect, Decoder, Encoder, PacketType, Publish, PubRel, Role, encode, encode_acks

Connection = importlib.import_module("mqttcodec.session").Connection
PAGE = Path(__file__).parents[1] / "docs" / "sessions.md"
MARKERS = "<!-- benchmark: begin -->\n", "<!-- benchmark: end -->"
COUNT = 1_000
SWEEPS = 10
VERSIONS = (4, 5)
MESSAGE = Publish("sensor/1", b"x" * 20)
CODEC, CONNECTION = "the codec alone", "`Connection`"


def connected(version: int) -> Any:
    """A server's connection with a client."""
    connection = Connection(Role.SERVER)
    for _ in connection.receive(encode(Connect("client", protocol_version=version)), 0.0):
        connection.send(ConnAck())
    connection.take()
    return connection


def publishes(version: int, qos: int) -> list[bytes]:
    packets = (MESSAGE.replace(qos=qos, packet_id=number if qos else None) for number in range(1, COUNT + 1))
    return [encode(packet, version) for packet in packets]


def received(connection: Any, data: bytes) -> int:
    found = 0
    for packet in connection.receive(data, 0.0):
        found += type(packet) is Publish
    connection.take()
    return found


def operations(version: int) -> dict[str, tuple[Callable[[], int] | None, Callable[[], int]]]:
    """For each row: the codec alone, and a connection. Each handles COUNT messages, and returns how many."""
    connection = connected(version)
    rows: dict[str, tuple[Callable[[], int] | None, Callable[[], int]]] = {}
    encoder = Encoder(version)

    def decode(pieces: list[bytes]) -> int:
        decoder = Decoder(version, connected=True)
        return sum(1 for piece in pieces for _ in decoder.feed(piece))

    def write() -> int:
        for _ in range(COUNT):
            encoder.write(MESSAGE)
        encoder.take()
        return COUNT

    def receive(pieces: list[bytes], answers: bytes = b"") -> int:
        count = sum(received(connection, piece) for piece in pieces)
        received(connection, answers)
        return count

    def send(qos: int) -> int:
        if not qos:
            for _ in range(COUNT):
                connection.send(MESSAGE)
            connection.take()
            return COUNT
        ids = [connection.send(MESSAGE.replace(qos=qos)).packet_id for _ in range(COUNT)]
        connection.take()
        if qos == 2:
            received(connection, encode_acks(PacketType.PUBREC, ids))
            last = PacketType.PUBCOMP
        else:
            last = PacketType.PUBACK
        return sum(1 for _ in connection.receive(encode_acks(last, ids), 0.0))

    releases = b"".join(encode(PubRel(number), version) for number in range(1, COUNT + 1))
    for qos in (0, 1, 2):
        pieces, answers = publishes(version, qos), releases if qos == 2 else b""
        whole = [b"".join(pieces)]
        rows[f"receive, QoS {qos}"] = lambda w=whole: decode(w), lambda w=whole, a=answers: receive(w, a)
        if qos < 2:
            rows[f"receive, QoS {qos}, one in each read"] = lambda p=pieces: decode(p), lambda p=pieces: receive(p)
        rows[f"send, QoS {qos}"] = write if qos == 0 else None, lambda q=qos: send(q)
    return rows


def nanoseconds(call: Callable[[], int], least: float) -> float:
    """For each message: the minimum of five or more rounds."""
    rounds, spent, fastest = 0, 0.0, float("inf")
    while rounds < 5 or spent < least:
        start = time.process_time()
        count = call()
        taken = time.process_time() - start
        assert count == COUNT
        fastest = min(fastest, taken)
        rounds, spent = rounds + 1, spent + taken
    return fastest / COUNT * 1e9


def measure(least: float, sweeps: int = 1) -> dict[str, dict[str, float]]:
    """Nanoseconds by row and column. All are measured in turn, and that again and again."""
    found: dict[str, dict[str, float]] = {}
    for _ in range(sweeps):
        for version in VERSIONS:
            title = mqttcodec.ProtocolVersion(version).title
            for row, calls in operations(version).items():
                columns = found.setdefault(row, {})
                for name, call in zip((CODEC, CONNECTION), calls, strict=True):
                    if call is not None:
                        column = f"{name}, {title}"
                        columns[column] = min(nanoseconds(call, least), columns.get(column, float("inf")))
    return found


def written(found: dict[str, dict[str, float]], sweeps: int) -> str:
    columns = list(next(iter(found.values())))
    rows = ([row, *map(figure, map(of.get, columns))] for row, of in found.items())
    told = here_and_now("benchmarks/session.py --write", sweeps)
    return "\n".join([*table(["ns per message", *columns], rows), "", told])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table to docs/sessions.md")
    parser.add_argument("--quick", action="store_true", help="check more than measure")
    options = parser.parse_args()
    sweeps = 1 if options.quick else SWEEPS
    text = written(measure(0.01 if options.quick else 0.2, sweeps), sweeps)
    print(text)
    if options.write:
        write_between(PAGE, MARKERS, text)


if __name__ == "__main__":
    main()
