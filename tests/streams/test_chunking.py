"""Any chunking: however the bytes of a vector are cut and joined, the same packets result, then the same error.

[MQTT-6.0.0-2] is one reason: frames of a WebSocket may end anywhere. Each test uses all vectors.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest

import vectors
from mqttcodec import PacketType
from samples import SEED
from ways import Give, feed, receive

Vector = dict[str, Any]
STREAMED = [vector for vector in vectors.ALL if "hex" in vector and "decode_only" not in vector]
through_both = pytest.mark.parametrize("give", [feed, receive])


def outcome(mqtt: Any, decoder: Any, packets: Iterator[Any]) -> list[Any]:
    """The packets, and the error that ends them or the number of bytes left."""
    found = []
    try:
        found += packets
    except mqtt.DecodeError as error:
        return [*found, (type(error).__name__, str(error), error.reason_code, error.offset, error.clause)]
    return [*found, decoder.pending]


def taken(mqtt: Any, decoder: Any, give: Give, pieces: Iterable[bytes]) -> list[Any]:
    return outcome(mqtt, decoder, (packet for piece in pieces for packet in give(decoder, piece)))


def whole(mqtt: Any, vector: Vector) -> list[Any]:
    """The result of a vector in one piece, which is the result that the vector gives."""
    data = vectors.data(vector)
    found = taken(mqtt, vectors.decoder(mqtt, vector), feed, [data])
    if vector["expect"] == "ok":
        assert found == [vectors.packet(mqtt, vector["packet"]), 0], vector["id"]
    elif vector["expect"] == "incomplete":
        assert found == [len(data)], vector["id"]
    else:
        ((error, _, reason_code, offset, clause),) = found
        assert (error, reason_code, offset) == (vector["error"], vector["reason_code"], vector["offset"]), vector["id"]
        # A decoder that does not know the version yet names the clause of 5.0.
        assert clause == vector["clause"] or data[0] >> 4 == PacketType.CONNECT, vector["id"]
    return found


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    return [data[begin:end] for begin, end in pairwise((0, *places, len(data)))]


def places_in(data: bytes) -> Iterable[int]:
    """Every position; for the few long vectors, positions in the header and at the ends."""
    size = len(data)
    return range(size + 1) if size < 1_000 else (*range(9), size // 2, size - 1, size)


@through_both
def test_byte_by_byte(mqtt: Any, give: Give) -> None:
    for vector in STREAMED:
        data = vectors.data(vector)
        expected = whole(mqtt, vector)
        for pieces in ([data], cut(data, places_in(data)), [b"", data, b""]):
            assert taken(mqtt, vectors.decoder(mqtt, vector), give, pieces) == expected, vector["id"]


@through_both
def test_split_in_two(mqtt: Any, give: Give) -> None:
    for vector in STREAMED:
        data, expected = vectors.data(vector), whole(mqtt, vector)
        for place in places_in(data):
            found = taken(mqtt, vectors.decoder(mqtt, vector), give, cut(data, [place]))
            assert found == expected, f"{vector['id']} cut at {place}"


@through_both
def test_in_random_pieces(mqtt: Any, give: Give) -> None:
    print(f"MQTTCODEC_SEED={SEED}")
    rng = random.Random(SEED)
    for vector in STREAMED:
        data, expected = vectors.data(vector), whole(mqtt, vector)
        for _ in range(100):
            places = sorted(rng.choices(range(len(data) + 1), k=rng.randrange(1, 12)))
            found = taken(mqtt, vectors.decoder(mqtt, vector), give, cut(data, places))
            assert found == expected, f"{vector['id']} cut at {places}"


def neighbours(mqtt: Any, vector: Vector) -> tuple[list[Any], bytes, bytes]:
    """Packets that may surround a vector's: the packets, the bytes before, the bytes after."""
    decoder = vectors.decoder(mqtt, vector)
    version = decoder.version or vector["version"]
    ping = mqtt.PingResp() if decoder.role is mqtt.Role.CLIENT else mqtt.PingReq()
    packets = [mqtt.PubAck(7), ping, mqtt.Publish("a", b"x")]
    data = mqtt.encode_many(packets, version)
    # Before the version is known, a CONNECT comes first.
    return packets, data if decoder.version else b"", data


@through_both
def test_joined_to_neighbours(mqtt: Any, give: Give) -> None:
    for vector in STREAMED:
        data, expected = vectors.data(vector), whole(mqtt, vector)
        packets, before, behind = neighbours(mqtt, vector)
        if before:
            expected = packets + expected
        if vector["expect"] == "ok":
            expected = expected[:-1] + packets + [0]
        elif vector["expect"] == "incomplete":
            behind = b""  # It would become part of the packet.
        stream, start, end = before + data + behind, len(before), len(before + data)
        for places in ([], [start], [end], [max(0, start - 1), min(end + 1, len(stream))], [start, start + 1, end]):
            found = taken(mqtt, vectors.decoder(mqtt, vector), give, cut(stream, places))
            assert found == expected, f"{vector['id']} cut at {places}"


@through_both
def test_broken_off_and_resumed(mqtt: Any, give: Give) -> None:
    """A loop that stops after each packet and resumes after another chunk loses nothing."""
    for vector in STREAMED:
        data, expected = vectors.data(vector), whole(mqtt, vector)
        packets, before, _ = neighbours(mqtt, vector)
        stream = before + data
        if before:
            expected = packets + expected
        decoder = vectors.decoder(mqtt, vector)

        def one_at_a_time(decoder: Any = decoder, stream: bytes = stream) -> Iterator[Any]:
            for piece in cut(stream, [len(stream) // 3, len(stream) // 2]):
                for packet in give(decoder, piece):
                    yield packet
                    break
            for _ in range(8):
                for packet in decoder.feed(b""):
                    yield packet
                    break

        assert outcome(mqtt, decoder, one_at_a_time()) == expected, vector["id"]
