"""Upper bounds: memory, bytes read before a packet is rejected, stack.

`tracemalloc` traces memory. Both implementations allocate through Python's allocators, which it follows. It does not
see the C stack, or that both blocks may exist while `realloc` moves one. Memory that is reserved and never touched
shows in the size of the address space.
"""

from __future__ import annotations

import os
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from octets import framed as pk
from octets import string as s
from octets import variable_integer as vbi
from samples import VERSIONS
from ways import feed, receive

GREATEST = 268_435_460
MIB = 1 << 20
PINGREQ = b"\xc0\x00"
LENT_SIZE = 65_536
WAYS = ("bytes", "bytearray", "buffer")

# The first byte of a packet and the start of its body: the only bytes examined before the packet is complete.
STARTS = {
    "PUBLISH": (0x30, s("a/b") + b"\0"),
    "PUBLISH with identifier": (0x3D, s("a/b") + b"\0\1\0"),
    "PUBLISH with a large head": (0x30, s("t" * 65_535) + vbi(200_000)),
    "PUBLISH with a head that lies": (0x30, s("t") + vbi(268_435_455)),
    "CONNECT": (0x10, s("MQTT") + b"\5\2\0\0"),
    "SUBSCRIBE": (0x82, b"\0\1\0" + s("a")),
    "PUBACK": (0x40, b"\0\1\0" + vbi(200_000)),
}
DECLARED = (0, 127, 128, 16_383, 16_384, 1 << 20, 1 << 26, 268_435_455)
HELD = (1, 2, 4, 5, 6, 100, 5_000, 70_000, 300_000)
SIZES = (1, 3, 1000, 4096, 50_000, 65_536)


def start_of_packet(kind: str, declared: int, held: int) -> bytes:
    """The first `held` bytes of a packet with that Remaining Length."""
    first_byte, body = STARTS[kind]
    return (bytes((first_byte,)) + vbi(declared) + body + b"x" * held)[:held]


def pieces_of(data: bytes, size: int, way: str) -> list[Any]:
    kind = bytearray if way == "bytearray" else bytes
    return [kind(data[at : at + size]) for at in range(0, len(data), size)]


def give(decoder: Any, piece: Any, way: str) -> Iterator[Any]:
    """Feed a piece, or write it into the buffer that the decoder lends."""
    return (receive if way == "buffer" else feed)(decoder, piece)


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def peak_of(call: Callable[[], Any]) -> tuple[Any, int]:
    """The result of a call, and the peak memory while it ran."""
    with traced():
        result = call()
        return result, tracemalloc.get_traced_memory()[1]


# --- Memory of a decoder: twice the bytes it holds, plus 4 KiB.


def assert_bound(pending: int, uncounted: int = 0, *, note: object = "") -> None:
    """At most 2k + 4 KiB with k bytes held, at any time since the last check."""
    peak = tracemalloc.get_traced_memory()[1] - uncounted
    assert peak <= 2 * pending + 4096, note
    tracemalloc.reset_peak()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", STARTS)
def test_memory_of_a_packet_under_way(mqtt: Any, kind: str, way: str, full: bool) -> None:
    """At any time, for any declared length and any pieces, without the bytes fed and the buffer lent."""
    lent = LENT_SIZE if way == "buffer" else 0
    mqtt.Decoder(5)
    for copied in (True, False) if way != "buffer" else (True,):
        for declared in DECLARED:
            # At most all bytes except one.
            for held in sorted({min(held, len(vbi(declared)) + declared) for held in HELD}):
                data = start_of_packet(kind, declared, held)
                for size in SIZES:
                    if held // size > (10_000 if full else 400) or held < size > 3:
                        continue
                    pieces = pieces_of(data, size, way)
                    with traced():
                        decoder = mqtt.Decoder(5, copy=copied)
                        fed = 0
                        for piece in pieces:
                            assert next(give(decoder, piece, way), None) is None
                            fed += len(piece)
                            assert_bound(fed, lent, note=(declared, held, size, fed))
                        assert decoder.pending == fed


@pytest.mark.parametrize("way", ["bytes", "bytearray"])
def test_memory_of_what_nobody_asked_for(mqtt: Any, way: str) -> None:
    """Packets that are fed, whole and cut, and not iterated over."""
    mqtt.Decoder(5)
    for packet in (PINGREQ, pk(0x30, s("a") + b"\0" + b"x" * 300), pk(0x30, s("a") + b"\0" + b"x" * 70_000)):
        for size in (7, 1000, 65_536):
            data = packet * (min(300_000, 1000 * size) // len(packet))
            pieces = pieces_of(data, size, way)
            with traced():
                decoder = mqtt.Decoder(5)
                fed = 0
                for piece in pieces:
                    decoder.feed(piece)
                    fed += len(piece)
                    assert decoder.pending == fed
                    assert_bound(fed, note=(len(packet), size, fed))


def test_memory_while_packets_are_taken(mqtt: Any) -> None:
    """Held memory decreases as packets are read."""
    fed = bytearray(PINGREQ * 20_000)
    mqtt.Decoder(5)
    with traced():
        decoder = mqtt.Decoder(5)
        for _ in decoder.feed(fed):
            assert_bound(decoder.pending)


def test_memory_of_a_start_that_waited(mqtt: Any) -> None:
    """An incomplete packet whose start was fed in pieces after a packet that has not been requested yet."""
    for held in range(70_000, 140_000, 5_000):
        pieces = pieces_of(start_of_packet("SUBSCRIBE", 1 << 20, held), 1000, "bytes")
        with traced():
            decoder = mqtt.Decoder(5)
            decoder.feed(PINGREQ)
            for piece in pieces:
                decoder.feed(piece)
            assert list(decoder.feed(b"")) == [mqtt.PingReq()]
            assert decoder.pending == held
            assert_bound(held)


def test_memory_of_what_is_read(mqtt: Any) -> None:
    """A returned packet is not kept."""
    data = mqtt.encode(mqtt.Publish("a", bytes(MIB)))
    for fed, rest in ((data, b""), (bytearray(data), b""), (bytearray(data), PINGREQ)):
        decoder = mqtt.Decoder(5)
        with traced():
            packet = next(decoder.feed(fed + rest))
            del packet
            tracemalloc.reset_peak()
            assert_bound(len(rest))
        assert decoder.pending == len(rest)
        assert len(list(decoder.feed(b""))) == len(rest) // 2


@pytest.mark.parametrize("first", [b"\x30", b"\x30\xff\xff\xff\x7f"])
def test_memory_while_a_large_piece_is_taken(mqtt: Any, first: bytes) -> None:
    rest = bytearray(b"\xff\xff\xff\x7f"[: 5 - len(first)] + s("a/b") + b"\0" + bytes(MIB))
    decoder = mqtt.Decoder(5)
    next(decoder.feed(first), None)
    with traced():
        assert next(decoder.feed(rest), None) is None
        assert_bound(decoder.pending)


def test_a_large_loan_is_not_kept(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    assert len(decoder.get_buffer(MIB)) == MIB
    assert len(decoder.get_buffer()) == LENT_SIZE
    decoder.reset()
    assert len(decoder.get_buffer()) == LENT_SIZE


@pytest.mark.parametrize("size_hint", [-1, MIB])
def test_memory_of_a_block_with_unread_packets(mqtt: Any, size_hint: int) -> None:
    """An interrupted loop leaves a few bytes, however much was lent for them."""
    mqtt.Decoder(5)
    with traced():
        decoder = mqtt.Decoder(5)
        decoder.get_buffer(size_hint)[:4] = PINGREQ * 2
        assert next(decoder.buffer_updated(4)) == mqtt.PingReq()
        tracemalloc.reset_peak()
        # Now this one is lent, and not counted.
        lent = len(decoder.get_buffer())
        assert_bound(decoder.pending, lent)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("last", ["error in a header", "error in a body", "skip", "reset"])
def test_memory_of_a_decoder_that_has_failed_or_was_reset(mqtt: Any, way: str, last: str) -> None:
    # The options of its first subscription are "x". They are checked when its last byte has arrived.
    packet = start_of_packet("SUBSCRIBE", 300_000, 300_004)
    pieces = pieces_of(packet, 10_000, way)
    lent = LENT_SIZE if way == "buffer" else 0
    mqtt.Decoder(5)
    with traced():
        decoder = mqtt.Decoder(5)
        for piece in pieces[:-1]:
            assert list(give(decoder, piece, way)) == []
        if last == "reset":
            decoder.reset()
        else:
            with pytest.raises(mqtt.MalformedPacketError):
                list(give(decoder, pieces[-1], way))
            # The invalid packet is kept for `skip`. An error keeps its text, and pytest keeps part of what it caught.
            assert decoder.pending == len(packet)
            # In plain Python a bytearray grows by an eighth more than it needs, and the packet is copied out of it.
            peak = tracemalloc.get_traced_memory()[1] - lent
            assert peak <= (2 if mqtt.BACKEND == "cython" else 2.125) * len(packet) + 12_288
            tracemalloc.reset_peak()
            assert_bound(len(packet) + 4096)
            if last != "error in a body":
                assert decoder.skip() == packet
        if last == "error in a header":
            decoder.feed(bytes(len(packet)))
            with pytest.raises(mqtt.MalformedPacketError):
                next(decoder)
        if last != "error in a body":
            assert decoder.pending == 0
            tracemalloc.reset_peak()
            assert_bound(4096)


@pytest.mark.parametrize("way", WAYS)
def test_memory_of_packet_bytes(mqtt: Any, way: str) -> None:
    """The packet and its bytes: a payload is a copy of a part of these. They are dropped with the next call."""
    payload = os.urandom(4 * MIB)
    data = mqtt.encode(mqtt.Publish("a/b", payload))
    pieces = pieces_of(data, LENT_SIZE, way)
    mqtt.Decoder(5)
    with traced():
        decoder = mqtt.Decoder(5, keep_bytes=True)
        for piece in pieces:
            packet = next(give(decoder, piece, way), None)
        assert packet.payload == payload
        assert decoder.packet_bytes == data
        # In plain Python a bytearray grows by an eighth more than it needs, and the bytes are copied out of it.
        assert tracemalloc.get_traced_memory()[1] <= (2.1 if mqtt.BACKEND == "cython" else 2.3) * len(data)
        decoder.feed(b"")
        del packet
        tracemalloc.reset_peak()
        assert_bound(0, LENT_SIZE)


def test_packet_bytes_are_dropped_before_the_next_packet(mqtt: Any) -> None:
    """The piece, and one packet with its bytes at a time."""
    data = mqtt.encode(mqtt.Publish("a/b", os.urandom(4 * MIB)))
    piece = bytearray(data * 2)
    mqtt.Decoder(5)
    with traced():
        decoder = mqtt.Decoder(5, keep_bytes=True)
        decoder.feed(piece)
        del piece
        next(decoder)
        assert decoder.packet_bytes == data
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        next(decoder)
        assert decoder.packet_bytes == data
        assert tracemalloc.get_traced_memory()[1] - before <= 1.1 * len(data)


@pytest.mark.parametrize("way", WAYS)
def test_memory_of_a_large_publish_that_is_skipped(mqtt: Any, way: str) -> None:
    data = pk(0x30, s("a/#") + b"\0" + os.urandom(4 * MIB))
    pieces = pieces_of(data, LENT_SIZE, way)
    mqtt.Decoder(5)
    with traced():
        decoder = mqtt.Decoder(5)
        with pytest.raises(mqtt.MalformedPacketError):
            for piece in pieces:
                next(give(decoder, piece, way), None)
        assert tracemalloc.get_traced_memory()[1] <= 2.3 * len(data)
        tracemalloc.reset_peak()
        assert_bound(decoder.pending, LENT_SIZE)
        assert decoder.skip() == data


def address_space() -> int:
    """The size of the address space of this process, used or not."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="it reads /proc")
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", STARTS)
def test_nothing_is_reserved(mqtt: Any, kind: str, way: str) -> None:
    """200 decoders, each with the header of a packet of 256 MB."""
    for held in (1, 5, 12, 3_000):
        data = start_of_packet(kind, 268_435_455, held)
        pieces = pieces_of(data, 1000, way)
        decoders = []
        before = address_space()
        for _ in range(200):
            decoder = mqtt.Decoder(5)
            for piece in pieces:
                assert next(give(decoder, piece, way), None) is None
            decoders.append(decoder)
        grown = address_space() - before
        assert {decoder.pending for decoder in decoders} == {held}
        allowed = 2 * held + 4096 + (LENT_SIZE + 4096 if way == "buffer" else 0)
        assert grown < 200 * allowed + 4 * MIB


# --- Memory of one packet.


def received(mqtt: Any, data: bytes, size: int, way: str) -> Any:
    """The packet, read in pieces of a given size."""
    decoder = mqtt.Decoder(5)
    read_into = bytearray(size)
    for at in range(0, len(data), size):
        piece: Any = data[at : at + size]
        if way == "view of one bytearray":
            read_into[: len(piece)] = piece
            piece = memoryview(read_into)[: len(piece)]
        for packet in give(decoder, piece, way):
            return packet
    pytest.fail("no packet")


@pytest.mark.parametrize("way", ["bytes", "view of one bytearray", "buffer"])
def test_memory_of_a_large_publish(mqtt: Any, way: str, full: bool) -> None:
    """A large payload in reads of 64 KiB is assembled once, in the object that is returned."""
    payload = os.urandom(LENT_SIZE) * (1024 if full else 128)
    data = mqtt.encode(mqtt.Publish("a/b", payload, 1, packet_id=7))
    packet, peak = peak_of(lambda: received(mqtt, data, LENT_SIZE, way))
    assert packet.payload == payload
    # In plain Python a bytearray grows by an eighth more than it needs, and the payload is copied out of it.
    assert peak <= (1.3 if mqtt.BACKEND == "cython" else 2.2) * len(data)


def test_memory_of_a_publish_in_single_bytes(mqtt: Any, full: bool) -> None:
    # The full size takes a minute in plain Python.
    payload = b"x" * ((4 * MIB if mqtt.BACKEND == "cython" else MIB) if full else 1 << 16)
    data = mqtt.encode(mqtt.Publish("t", payload))
    packet, peak = peak_of(lambda: received(mqtt, data, 1, "bytes"))
    assert packet.payload == payload
    assert peak <= (2 if mqtt.BACKEND == "cython" else 2.125) * len(data) + 65_536


def test_memory_of_user_properties(mqtt: Any) -> None:
    properties = b"\x26\0\0\0\0" * 50_000
    data = pk(0x30, s("t") + vbi(len(properties)) + properties)
    packet, peak = peak_of(lambda: mqtt.decode(data))
    assert packet.user_properties == (("", ""),) * 50_000
    assert peak <= 200 * 50_000


def test_zero_copy(mqtt: Any) -> None:
    payload = bytes(16 * MIB)
    data = mqtt.encode(mqtt.Publish("a", payload))
    packet, peak = peak_of(lambda: mqtt.decode(memoryview(data), copy=False))
    assert packet.payload.obj is data
    assert packet.payload.nbytes == len(payload)
    assert peak < 64 * 1024
    (head, given), peak = peak_of(lambda: mqtt.encode_parts(mqtt.Publish("a", payload)))
    assert given is payload
    assert head + given == data
    assert peak < 64 * 1024
    packet, peak = peak_of(lambda: mqtt.decode(bytearray(data)))
    assert packet.payload == payload
    # The bytearray itself and one copy of the payload.
    assert peak < 2 * len(data) + 64 * 1024


@pytest.mark.slow
def test_the_greatest_packet(mqtt: Any) -> None:
    """268,435,460 bytes are written and read with one copy of the payload each."""
    overhead = len(mqtt.encode(mqtt.Publish("a", bytes(200)))) - 200 + 2
    payload = b"\xa5" * (GREATEST - overhead)
    packet = mqtt.Publish("a", payload)
    assert mqtt.encoded_size(packet) == GREATEST
    data, peak = peak_of(lambda: mqtt.encode(packet))
    assert len(data) == GREATEST
    assert data[:5] == b"\x30\xff\xff\xff\x7f"
    assert peak < GREATEST + MIB
    assert mqtt.peek(data).packet_size == GREATEST
    decoded, peak = peak_of(lambda: mqtt.decode(data))
    assert decoded == packet
    assert peak < GREATEST + MIB
    del decoded
    viewed, peak = peak_of(lambda: mqtt.decode(data, copy=False))
    assert viewed.payload.obj is data
    assert peak < MIB
    del viewed
    for offset in (GREATEST - 1, 1):
        with pytest.raises(mqtt.IncompletePacketError):
            mqtt.decode(memoryview(data)[:offset])


@pytest.mark.slow
def test_the_greatest_packet_in_pieces(mqtt: Any) -> None:
    data = mqtt.encode(mqtt.Publish("a", b"\x5a" * (GREATEST - 9)))
    assert len(data) == GREATEST
    packet, peak = peak_of(lambda: received(mqtt, data, MIB, "view of one bytearray"))
    assert packet.payload == data[9:]
    assert peak < (1.1 if mqtt.BACKEND == "cython" else 2.2) * GREATEST


@pytest.mark.parametrize("version", VERSIONS)
def test_a_packet_that_is_too_large_is_not_made(mqtt: Any, version: int) -> None:
    """A Remaining Length of 268,435,456 is rejected immediately, before memory is allocated for it."""
    overhead = len(mqtt.encode(mqtt.Publish("a", b"x"), version)) - 3
    # Zeros that are never read take no memory.
    packet = mqtt.Publish("a", bytes(GREATEST - 5 - overhead))
    assert mqtt.encoded_size(packet, version) == GREATEST
    assert mqtt.encode_parts(packet, version)[0][:5] == b"\x30\xff\xff\xff\x7f"
    too_large = mqtt.Publish("a", bytes(GREATEST - 5 - overhead + 1))
    buffer = bytearray(100)
    for call in (
        lambda: mqtt.encode(too_large, version),
        lambda: mqtt.encode_many([too_large], version),
        lambda: mqtt.Encoder(version).write(too_large),
        lambda: mqtt.encode_parts(too_large, version),
        lambda: mqtt.encoded_size(too_large, version),
        lambda: mqtt.encode_into(too_large, buffer, 0, version),
    ):
        _, peak = peak_of(lambda: pytest.raises(mqtt.EncodeError, call))
        assert peak < MIB
    assert buffer == bytes(100)


@pytest.mark.slow
def test_nor_is_one_of_many_parts(mqtt: Any) -> None:
    """One filter of 65,535 bytes, listed 8,200 times, takes no extra memory. Written, it would be half a gigabyte."""
    too_large = mqtt.Unsubscribe(1, ("x" * 65_535,) * 8_200)
    _, peak = peak_of(lambda: pytest.raises(mqtt.EncodeError, mqtt.encode, too_large))
    assert peak < 1.25 * GREATEST


needs_32_bits = pytest.mark.skipif(sys.maxsize > 1 << 32, reason="memory ends before a size of 64 bits does")


@pytest.mark.slow
@needs_32_bits
def test_more_is_fed_than_a_size_can_tell(mqtt: Any) -> None:
    """One object is fed again and again. Bytes that wait after it are copied."""
    fed = bytes(600 << 20)
    decoder = mqtt.Decoder(5)
    with pytest.raises(MemoryError):
        for times in range(1, 8):
            decoder.feed(fed)
            assert decoder.pending == times * len(fed)
    decoder.reset()
    assert decoder.pending == 0
    assert list(decoder.feed(PINGREQ)) == [mqtt.PingReq()]


@pytest.mark.slow
@needs_32_bits
def test_more_is_encoded_than_a_size_can_tell(mqtt: Any) -> None:
    packet = mqtt.Publish("a", bytes(200 << 20))
    with pytest.raises(MemoryError):
        mqtt.encode_many([packet] * 11)
    encoder = mqtt.Encoder(5)
    for _ in range(11):
        encoder.write(packet)
    for _ in range(2):
        with pytest.raises(MemoryError):
            encoder.take()
        assert encoder.pending == 11 * mqtt.encoded_size(packet)
    assert sum(map(len, encoder.take_parts())) == 11 * mqtt.encoded_size(packet)
    packet = mqtt.Publish("a", bytes(8_191))  # One that is copied, at the latest by `take_parts`.
    with pytest.raises(MemoryError):
        for _ in range((1 << 31) // 8_191 + 1):
            encoder.write(packet)
        encoder.take_parts()


# --- Bytes before a packet is rejected.


def publish(remaining_length: int) -> bytes:
    return pk(0x30, s("a") + b"\0" + b"x" * (remaining_length - 4))


# For each number of length bytes: the smallest and largest Remaining Length, and one between.
LENGTHS = {
    1: (4, 100, 127),
    2: (128, 1_000, 16_383),
    3: (16_384, 100_000, 2_097_151),
    4: (2_097_152, 100_000_000, 268_435_455),
}


@pytest.mark.parametrize("length_bytes", LENGTHS)
@pytest.mark.parametrize("way", WAYS)
def test_a_packet_too_large_is_refused_at_its_last_length_byte(mqtt: Any, way: str, length_bytes: int) -> None:
    """Not before the length is known, and not after it, for any pieces."""
    for remaining_length in LENGTHS[length_bytes]:
        header = b"\x30" + vbi(remaining_length)
        assert len(header) == 1 + length_bytes <= 5
        size = len(header) + remaining_length
        limits = {2, size - 1} | {limit for limit in (127, 128, 129, 1 << 20) if limit < size}
        for limit in limits:
            decoder = mqtt.Decoder(5, max_packet_size=limit)
            for byte in pieces_of(header[:-1], 1, way):
                assert list(give(decoder, byte, way)) == []
            with pytest.raises(mqtt.PacketTooLargeError) as caught:
                list(give(decoder, header[-1:], way))
            assert (caught.value.reason_code, caught.value.offset) == (0x95, 1)
            assert decoder.pending == 0
        for limit in (size, size + 1, GREATEST):
            decoder = mqtt.Decoder(5, max_packet_size=limit)
            for byte in pieces_of(header, 1, way):
                assert list(give(decoder, byte, way)) == []
            assert decoder.pending == len(header)


@pytest.mark.parametrize("way", WAYS)
def test_a_packet_of_just_the_limit_passes(mqtt: Any, way: str) -> None:
    for remaining_length in (5, 126, 127, 128, 16_382, 16_383, 16_384, 65_530, 65_532, 65_533, 100_000):
        fits, too_large = publish(remaining_length), publish(remaining_length + 1)
        # No packet has 130 or 16,387 bytes, because another length byte moves the body by one.
        limit = len(too_large) - 1
        for size in (7, 5_000, 65_536):
            decoder = mqtt.Decoder(5, max_packet_size=limit)
            found = [packet for piece in pieces_of(fits * 2, size, way) for packet in give(decoder, piece, way)]
            assert found == [mqtt.decode(fits)] * 2
            with pytest.raises(mqtt.PacketTooLargeError):
                for piece in pieces_of(too_large, size, way):
                    list(give(decoder, piece, way))
        decoder = mqtt.Decoder(5, max_packet_size=limit)
        packets = give(decoder, (PINGREQ + too_large)[:LENT_SIZE], way)
        assert next(packets) == mqtt.PingReq()
        with pytest.raises(mqtt.PacketTooLargeError):
            next(packets)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("iterated", [True, False])
def test_the_limit_is_not_of_what_is_buffered(mqtt: Any, way: str, iterated: bool) -> None:
    """A small packet and 10,000 more after it, again and again, requested one at a time or all at the end."""
    decoder = mqtt.Decoder(5, max_packet_size=1024)
    small = publish(1021)
    assert len(small) == 1024
    found = []
    for _ in range(3):
        for piece in (small[:500], small[500:] + PINGREQ * 10_000):
            packets = give(decoder, piece, way)
            if iterated:
                found += list(packets)
    found += list(decoder.feed(b""))
    assert len(found) == 30_003
    assert found[10_001] == mqtt.decode(small)


# --- Stack.


def close_to_the_recursion_limit(call: Callable[[], Any]) -> Any:
    """The result of a call that may use only a few dozen nested calls."""
    depth, frame = 0, sys._getframe()
    while frame:
        depth, frame = depth + 1, frame.f_back
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 40)
    try:
        return call()
    finally:
        sys.setrecursionlimit(limit)


def in_a_small_stack(call: Callable[[], Any]) -> Any:
    """The result of a call in a thread with 256 KiB of stack: four bytes for each level of a topic."""
    results: list[Any] = []
    before = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=lambda: results.append(call()))
        thread.start()
    finally:
        threading.stack_size(before)
    thread.join()
    (result,) = results
    return result


TOPICS = {"slashes": "/" * 65_535, "letters": "a/" * 32_767}
FILTERS = TOPICS | {
    "pluses": "+/" * 32_767,
    "pluses to the end": "+/" * 32_767 + "+",
    "slashes and a hash": "/" * 65_534 + "#",
    "shared": "$share/g/" + "+/" * 32_763,
}
EACH_LIMIT = pytest.mark.parametrize("limited", [close_to_the_recursion_limit, in_a_small_stack])


@EACH_LIMIT
@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("name", TOPICS)
def test_levels_of_a_topic_do_not_recurse(mqtt: Any, limited: Any, version: int, name: str) -> None:
    topic = TOPICS[name]
    fields = {"response_topic": topic} if version == 5 else {}
    will = mqtt.Will(topic, b"", 0, False, **fields)
    for packet in (
        mqtt.Publish(topic, b"x", **fields),
        mqtt.Connect("c", will=will, protocol_version=version),
    ):
        data = limited(lambda: mqtt.encode(packet, version))
        assert limited(lambda: mqtt.decode(data, version)) == packet
        assert limited(lambda: next(mqtt.Decoder(version).feed(data))) == packet


@EACH_LIMIT
@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("name", FILTERS)
def test_levels_of_a_filter_do_not_recurse(mqtt: Any, limited: Any, version: int, name: str) -> None:
    # Before 5.0 a share name is an ordinary level.
    topic_filter = FILTERS[name]
    for packet in (mqtt.Subscribe(1, (mqtt.Subscription(topic_filter),)), mqtt.Unsubscribe(1, (topic_filter,))):
        data = limited(lambda: mqtt.encode(packet, version))
        assert limited(lambda: mqtt.decode(data, version)) == packet
        assert limited(lambda: next(mqtt.Decoder(version).feed(data))) == packet


def refusal(mqtt: Any, call: Callable[[], Any]) -> str:
    try:
        call()
    except mqtt.MQTTError as error:
        return str(error)
    return ""


@EACH_LIMIT
def test_a_fault_in_the_last_level_does_not_recurse(mqtt: Any, limited: Any) -> None:
    for topic_filter in ("/" * 65_533 + "a+", "+/" * 32_766 + "a#", "$share/g/" + "/" * 65_500 + "+a"):
        packet = mqtt.Unsubscribe(1, (topic_filter,))
        assert limited(lambda: refusal(mqtt, lambda: mqtt.encode(packet)))
        data = pk(0xA2, b"\0\1\0" + s(topic_filter))
        assert limited(lambda: refusal(mqtt, lambda: mqtt.decode(data)))
