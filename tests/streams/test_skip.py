"""`Decoder.skip`: after an error in a packet's body, iteration continues with the next packet. Other errors remain.

With `keep_bytes`, the bytes of the packets and of the skipped ones are the bytes that were fed, however these were cut.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest

import vectors
from mqttcodec import MQTTv5
from octets import framed as pk
from octets import string as s
from samples import SEED, VERSIONS, packets, plain
from ways import WAYS, Give, each_copy, each_way, feed, hand_over

Vector = dict[str, Any]
PINGREQ, PINGRESP = b"\xc0\x00", b"\xd0\x00"
# A PUBACK with packet identifier 0.
BAD = bytes.fromhex("40 02 0000")
IN_HEADER = "the error is in the fixed header, not in the body of a packet"
OF_CONNECT = "a CONNECT must not be skipped"
ERRORS = [vector for vector in vectors.ALL if vector.get("hex") and vector["expect"] == "error"]
ERRORS = [vector for vector in ERRORS if "decode_only" not in vector]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    return [data[begin:end] for begin, end in pairwise((0, *places, len(data)))]


def is_of_body(mqtt: Any, vector: Vector) -> bool:
    """Whether the fixed header of a vector is accepted, and the packet is no CONNECT."""
    data = vectors.data(vector)
    try:
        header = mqtt.peek(data)
        # Without a body, the first byte has to do: all of the header would be a packet.
        size = 5 if header is None else header.header_size if header.remaining_length else 1
        list(vectors.decoder(mqtt, vector).feed(data[:size]))
    except mqtt.DecodeError:
        return False
    assert header is not None
    return header.packet_type != mqtt.PacketType.CONNECT


def refused(decoder: Any, reason: str) -> None:
    """`skip` is refused, and changes nothing."""
    before = decoder.pending
    with pytest.raises(RuntimeError) as caught:
        decoder.skip()
    assert str(caught.value) == f"this Decoder cannot skip, because {reason}; call reset() before using it again"
    assert decoder.pending == before


@each_way
@each_copy
def test_every_error_of_a_body(mqtt: Any, give: Give, copy: bool) -> None:
    """Each vector that is an error: the packet is skipped if its fixed header is valid and it is no CONNECT."""
    skipped = 0
    for vector in ERRORS:
        data, decoder = vectors.data(vector), vectors.decoder(mqtt, vector, copy=copy, keep_bytes=True)
        with pytest.raises(mqtt.DecodeError) as caught:
            list(give(decoder, data))
        assert decoder.packet_bytes == b"", vector["id"]
        if is_of_body(mqtt, vector):
            assert decoder.pending == len(data), vector["id"]
            found = decoder.skip()
            assert (type(found), found) == (bytes, data), vector["id"]
            skipped += 1
            assert list(give(decoder, b"\xd0\x00" if decoder.role is mqtt.Role.CLIENT else PINGREQ)), vector["id"]
        else:
            is_connect = caught.value.packet_type == mqtt.PacketType.CONNECT
            assert decoder.pending == 0, vector["id"]
            refused(decoder, OF_CONNECT if is_connect else IN_HEADER)
    assert skipped > 100


def taken(mqtt: Any, decoder: Any, give: Give | random.Random, pieces: list[bytes]) -> list[tuple[Any, ...]]:
    """Each packet and each error, with its bytes."""
    found: list[tuple[Any, ...]] = []
    for _ in hand_over(decoder, pieces, give):
        while True:
            try:
                for packet in decoder:
                    # A view is compared while the decoder may still write to its memory.
                    found.append((type(packet).__name__, plain(packet), decoder.packet_bytes))
                break
            except mqtt.DecodeError as error:
                found.append((type(error).__name__, str(error), decoder.skip()))
    return found


def streams(mqtt: Any, rng: random.Random) -> Iterator[tuple[int, list[tuple[bytes, bool]]]]:
    """Version, and valid packets among packets with an invalid body: the bytes of each, and whether it is valid."""
    for version in VERSIONS:
        valid = [mqtt.encode(packet, version) for packet in packets(mqtt, version) if type(packet) is not mqtt.Connect]
        valid += [mqtt.encode(mqtt.Publish("a/b", b"x" * size), version) for size in (3_000, 70_000)]
        invalid = [
            vectors.data(vector)
            for vector in ERRORS
            if vector["version"] == version and "decoder" not in vector and is_of_body(mqtt, vector)
        ]
        # These are assembled in two parts, or in one because a length is wrong.
        invalid += [pk(0x30, s("a/#") + b"\0" + bytes(70_000)), pk(0x32, s("a") + b"\0\0\0" + bytes(70_000))]
        invalid += [pk(0x30, b"\xff\xff" + b"a" * 65_000), pk(0x82, b"\0\1\0" + bytes(3_000))]
        for _ in range(4):
            stream = [(rng.choice(valid), True) for _ in range(12)] + [(rng.choice(invalid), False) for _ in range(8)]
            rng.shuffle(stream)
            yield version, stream


@each_copy
def test_however_a_stream_is_cut(mqtt: Any, copy: bool) -> None:
    print(f"MQTTCODEC_SEED={SEED}")
    rng = random.Random(SEED)
    for version, stream in streams(mqtt, rng):
        data = b"".join(part for part, _ in stream)
        decoder = mqtt.Decoder(version, copy=copy, keep_bytes=True)
        expected = taken(mqtt, decoder, feed, [data])
        assert [found[-1] for found in expected] == [part for part, _ in stream]
        assert [found[0].endswith("Error") for found in expected] == [not is_valid for _, is_valid in stream]
        several = [sorted(rng.sample(range(len(data)), 30)) for _ in range(5)]
        ends = [sum(len(part) for part, _ in stream[:count]) for count in range(1, len(stream))]
        for places in (several[0], *several, ends, list(range(1, min(len(data), 3_000))), [*range(0, len(data), 1000)]):
            for give in (*WAYS, rng):
                decoder = mqtt.Decoder(version, copy=copy, keep_bytes=True)
                assert taken(mqtt, decoder, give, cut(data, places)) == expected, places
                assert decoder.pending == 0
                # Without `keep_bytes`, the same packets and the same skipped bytes.
                decoder = mqtt.Decoder(version, copy=copy)
                found = taken(mqtt, decoder, give, cut(data, places))
                assert [one[:2] for one in found] == [one[:2] for one in expected], places
                assert [one[2] for one in found] == [b"" if valid else part for part, valid in stream], places


@each_way
@each_copy
@pytest.mark.parametrize("start", [0, 1, 2, 3])
def test_while_an_error_waits(mqtt: Any, give: Give, copy: bool, start: int) -> None:
    """What was held is kept, and nothing more. Every call raises an equal error."""
    decoder = mqtt.Decoder(5, copy=copy)
    rest = PINGREQ + BAD + PINGRESP
    assert list(give(decoder, BAD[:start])) == []
    packets = give(decoder, BAD[start:] + rest)
    give(decoder, b"\xc0")
    with pytest.raises(mqtt.ProtocolError) as first:
        list(packets)
    assert decoder.pending == len(BAD) + len(rest) + 1
    for call in (
        lambda: decoder.feed(PINGREQ),
        lambda: decoder.feed(bytearray(PINGREQ)),
        lambda: decoder.get_buffer(),
        lambda: decoder.buffer_updated(0),
        lambda: next(decoder),
    ):
        with pytest.raises(mqtt.ProtocolError) as again:
            call()
        assert again.value == first.value
        assert again.value is not first.value
    assert decoder.pending == len(BAD) + len(rest) + 1
    assert repr(decoder) == "<Decoder version=MQTT_5_0 role=None pending=13 state=failed (ProtocolError)>"
    assert decoder.skip() == BAD
    assert decoder.pending == len(rest) + 1
    assert next(decoder) == mqtt.PingReq()
    with pytest.raises(mqtt.ProtocolError):
        next(decoder)
    assert decoder.skip() == BAD
    assert list(decoder) == [mqtt.PingResp()]
    assert list(decoder.feed(b"\0")) == [mqtt.PingReq()]


def test_skipped_at_once_or_after_a_reset(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    nothing = "there is nothing to skip, because no packet was invalid"
    for data in (b"", PINGREQ, BAD):  # An invalid packet is not an error until it is requested.
        decoder.feed(data)
        with pytest.raises(RuntimeError, match=nothing):
            decoder.skip()
    with pytest.raises(mqtt.ProtocolError):
        list(decoder)
    decoder.reset()
    assert decoder.pending == 0
    with pytest.raises(RuntimeError, match=nothing):
        decoder.skip()
    assert list(decoder.feed(PINGREQ + PINGRESP)) == [mqtt.PingReq(), mqtt.PingResp()]
    with pytest.raises(mqtt.ProtocolError):
        list(decoder.feed(BAD))
    assert decoder.skip() == BAD
    with pytest.raises(RuntimeError, match=nothing):
        decoder.skip()


@pytest.mark.parametrize(
    ("version", "arguments", "before", "data", "reason"),
    [
        (5, {}, b"", b"\x00\x00", IN_HEADER),
        (4, {}, b"", b"\xf0\x00", IN_HEADER),
        (5, {}, b"", b"\xc1\x00", IN_HEADER),
        (5, {}, b"", b"\x36\x00", IN_HEADER),
        (5, {}, b"", b"\x38\x00", IN_HEADER),
        (5, {}, b"", b"\x30\xff\xff\xff\xff", IN_HEADER),
        (5, {}, b"", b"\x30\x80\x00", IN_HEADER),
        (5, {"role": "SERVER"}, b"", b"\x90\x03\0\1\0", IN_HEADER),
        (5, {"max_packet_size": 100}, b"", b"\x30\x7f", IN_HEADER),
        (5, {"max_packet_size": 100}, b"", b"\x30\x80\x01", IN_HEADER),
        (None, {}, b"", PINGREQ, IN_HEADER),
        (None, {}, b"", bytes.fromhex("10 0c 0004 4d515454 04 01 0000 0000"), OF_CONNECT),
        (None, {}, b"", bytes.fromhex("10 0c 0004 4d515454 06 02 0000 0000"), OF_CONNECT),
        (5, {}, b"", bytes.fromhex("10 0c 0004 4d515454 04 02 0000 0000"), OF_CONNECT),
        (4, {}, bytes.fromhex("10 0c 0004 4d515454 04 02 0000 0000"), b"\x10\x00", OF_CONNECT),
        (4, {"connected": True}, b"", b"\x10\x00", OF_CONNECT),
    ],
)
def test_not_skipped(
    mqtt: Any, version: int | None, arguments: dict[str, Any], before: bytes, data: bytes, reason: str
) -> None:
    if "role" in arguments:
        arguments = {**arguments, "role": mqtt.Role[arguments["role"]]}
    for places in ([], [1], list(range(1, len(data)))):
        decoder = mqtt.Decoder(version, **arguments)
        list(decoder.feed(before))
        with pytest.raises(mqtt.DecodeError):
            for piece in cut(data + PINGREQ, places):
                list(decoder.feed(piece))
        assert decoder.pending == 0
        refused(decoder, reason)
        with pytest.raises(mqtt.DecodeError):
            decoder.feed(b"")


def test_a_skipped_packet_is_the_first_packet(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    with pytest.raises(mqtt.ProtocolError):
        list(decoder.feed(BAD))
    for _ in range(2):
        with pytest.raises(ValueError, match="before the first packet"):
            decoder.version = 4
        if decoder.pending:
            decoder.skip()
    # A CONNECT may still follow.
    assert list(decoder.feed(mqtt.encode(mqtt.Connect("c")))) == [mqtt.Connect("c")]


@each_copy
def test_the_caller_cannot_change_kept_bytes(mqtt: Any, copy: bool) -> None:
    """After an error the block that was lent is the caller's, and the decoder lends another one."""
    for start in (b"", BAD[:1], BAD[:3]):
        decoder = mqtt.Decoder(5, copy=copy)
        list(decoder.feed(start))
        buffer = decoder.get_buffer()
        data = BAD[len(start) :] + mqtt.encode(mqtt.Publish("a", b"payload"))
        buffer[: len(data)] = data
        with pytest.raises(mqtt.ProtocolError):
            list(decoder.buffer_updated(len(data)))
        buffer[:] = b"\xff" * len(buffer)
        assert decoder.skip() == BAD
        with pytest.raises(ValueError, match="nbytes must be 0 to 0"):
            decoder.buffer_updated(1)
        (packet,) = decoder
        buffer[:] = b"\xff" * len(buffer)
        assert bytes(packet.payload) == b"payload"
        decoder.get_buffer()[:2] = PINGREQ
        assert list(decoder.buffer_updated(2)) == [mqtt.PingReq()]


@pytest.mark.parametrize("first", WAYS)
@pytest.mark.parametrize("second", WAYS)
@each_copy
def test_bytes_behind_a_piece_that_ends_with_the_packet(mqtt: Any, first: Give, second: Give, copy: bool) -> None:
    """They wait apart from the piece, and come next."""
    for start in (b"", PINGREQ):
        decoder = mqtt.Decoder(5, copy=copy)
        first(decoder, start + BAD)
        second(decoder, mqtt.encode(mqtt.PubAck(7)))
        second(decoder, PINGRESP)
        with pytest.raises(mqtt.ProtocolError):
            list(decoder)
        assert decoder.pending == 10
        assert decoder.skip() == BAD
        assert decoder.pending == 6
        assert list(decoder) == [mqtt.PubAck(7), mqtt.PingResp()]
        assert decoder.pending == 0


@each_copy
def test_an_object_fed_is_released(mqtt: Any, copy: bool) -> None:
    """No view of a rejected packet remains, and none of the bytes that are kept."""
    decoder = mqtt.Decoder(5, copy=copy)
    buffer = bytearray(pk(0x30, s("a") + b"\x04\x26\0\1a" + b"x" * 100) + BAD)
    with pytest.raises(mqtt.DecodeError):
        list(decoder.feed(buffer))
    buffer.clear()
    assert len(decoder.skip()) == 110
    with pytest.raises(mqtt.ProtocolError):
        next(decoder)
    assert decoder.skip() == BAD


def test_after_memory_ran_out(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    if mqtt.BACKEND == "cython":
        pytest.skip("nothing but an exhausted memory raises it; test_exhaustion does that")

    def exhaust(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_name == "decode_body":
            raise MemoryError

    before = sys.gettrace()
    sys.settrace(exhaust)
    try:
        with pytest.raises(MemoryError):
            list(decoder.feed(BAD))
    finally:
        sys.settrace(before)
    refused(decoder, "memory ran out")
    assert decoder.pending == 0


def test_after_an_interrupt(mqtt: Any) -> None:
    if mqtt.BACKEND == "cython":
        pytest.skip("nothing interrupts compiled code")
    for function in ("decode_body", "_keep_unread", "copied"):
        decoder = mqtt.Decoder(5)
        decoder.get_buffer()[:6] = BAD + PINGREQ

        def interrupt(frame: FrameType, event: str, argument: object, function: str = function) -> None:
            if frame.f_code.co_name == function:
                raise KeyboardInterrupt

        packets = decoder.buffer_updated(6)
        before = sys.gettrace()
        sys.settrace(interrupt)
        try:
            with pytest.raises(KeyboardInterrupt):
                list(packets)
        finally:
            sys.settrace(before)
        refused(decoder, "it was interrupted while decoding")
        assert decoder.pending == 0


def test_a_large_publish(mqtt: Any) -> None:
    """It is assembled from two parts, and skipped as one."""
    data = pk(0x30, s("a/+") + b"\0" + random.Random(1).randbytes(200_000))
    for size in (1_000, 65_536, len(data)):
        for give in WAYS:
            decoder = mqtt.Decoder(MQTTv5)
            stream = data + PINGREQ
            pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
            found = taken(mqtt, decoder, give, pieces)
            assert [name for name, *_ in found] == ["MalformedPacketError", "PingReq"]
            assert found[0][2] == data
