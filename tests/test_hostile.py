"""Objects that lie, buffers that change hands, calls at the wrong time: a right answer or a documented error."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import pickle
import sys
import tracemalloc
from typing import Any

import pytest

PUBLISH = bytes.fromhex("3006 000161 00 7879")


class Liar(int):
    """An int that agrees to every comparison and calls itself another number."""

    def __le__(self, other: object) -> bool:
        return True

    __lt__ = __ge__ = __gt__ = __eq__ = __le__
    __hash__ = int.__hash__

    def __int__(self) -> int:
        return 8

    __index__ = __int__


def test_ints_that_lie(mqtt: Any) -> None:
    for number in (Liar(1 << 40), Liar(-5), Liar(1 << 80)):
        with pytest.raises(ValueError, match="offset must be"):
            mqtt.decode_from(PUBLISH, number)
        with pytest.raises(ValueError, match="offset must be"):
            mqtt.peek(PUBLISH, number)
        with pytest.raises(ValueError, match="offset must be"):
            mqtt.encode_into(mqtt.PingReq(), bytearray(9), number)
        decoder = mqtt.Decoder(5)
        decoder.get_buffer()
        with pytest.raises(ValueError, match="nbytes must be"):
            decoder.buffer_updated(number)
        with pytest.raises(ValueError, match="version must be"):
            mqtt.decode(PUBLISH, number)
    with pytest.raises(ValueError, match="max_packet_size"):
        mqtt.Decoder(max_packet_size=Liar(-1))
    assert mqtt.Decoder(Liar(4)).version == 4
    assert mqtt.Decoder(max_packet_size=1 << 70).max_packet_size == 268_435_460
    with pytest.raises(ValueError, match="sizehint"):
        mqtt.Decoder(5).get_buffer(1 << 70)


def buffer_of(size: int) -> memoryview:
    """A buffer that says it has `size` bytes. Those it has are a PUBLISH; the rest nobody may read."""
    memory = ctypes.create_string_buffer(PUBLISH + bytes(100))
    claimed = (ctypes.c_char * size).from_address(ctypes.addressof(memory))
    claimed.memory = memory  # type: ignore[attr-defined]
    return memoryview(claimed).cast("B")


@pytest.mark.parametrize("below", [*range(12), 32, 33, 64, sys.maxsize // 2, sys.maxsize - 268_435_456])
def test_sums_of_sizes_do_not_wrap(mqtt: Any, below: int) -> None:
    """Buffers up to the greatest a size can tell: what is added to such a size is more than it can hold."""
    size = sys.maxsize - below
    packet = mqtt.Publish("a", buffer_of(size), 1, packet_id=1)
    for write in (
        mqtt.encode,
        mqtt.encoded_size,
        mqtt.encode_parts,
        lambda packet, version=5: mqtt.encode_many([mqtt.PingReq(), packet], version),
        lambda packet, version=5: mqtt.encode_into(packet, bytearray(1000), 3, version),
        lambda packet, version=5: mqtt.encode_into(packet, buffer_of(size), 3, version),
    ):
        for version in (3, 4, 5):
            with pytest.raises(mqtt.EncodeError, match="would take more than 268435460 bytes"):
                write(packet, version)
    with pytest.raises(mqtt.EncodeError, match=f"password .* {size}"):
        mqtt.encode(mqtt.Connect(username="a", password=buffer_of(size)))
    buffer = buffer_of(size)
    assert mqtt.encode_into(mqtt.PubAck(258), buffer, len(PUBLISH)) == len(PUBLISH) + 4
    assert mqtt.decode_from(buffer) == (mqtt.Publish("a", b"xy"), len(PUBLISH))
    assert mqtt.decode_from(buffer, len(PUBLISH), copy=False) == (mqtt.PubAck(258), len(PUBLISH) + 4)
    assert mqtt.peek(buffer, len(PUBLISH)).packet_size == 4
    with pytest.raises(mqtt.MalformedPacketError, match=f"followed by {size - len(PUBLISH)} more"):
        mqtt.decode(buffer)
    with pytest.raises(ValueError, match=f"0 to {size}"):
        mqtt.peek(buffer, size + 1)


@pytest.mark.skipif(sys.maxsize < 1 << 32, reason="a Python of 32 bits has the memory, and reads what is not there")
@pytest.mark.parametrize("below", [0, 31, 32, 33, 64])
def test_what_no_memory_can_hold(mqtt: Any, below: int) -> None:
    decoder = mqtt.Decoder(5)
    for call in (lambda: decoder.feed(buffer_of(sys.maxsize - below)), lambda: decoder.get_buffer(sys.maxsize - below)):
        with pytest.raises(MemoryError):
            call()
        decoder.reset()
    assert [packet.payload for packet in decoder.feed(PUBLISH)] == [b"xy"]


def test_an_empty_tuple_is_no_missing_property(mqtt: Any) -> None:
    for packet, name in (
        (mqtt.Publish("", topic_alias=()), "topic_alias"),
        (mqtt.Auth(0x18, authentication_method=()), "authentication_method"),
        (mqtt.Connect(authentication_method=[], authentication_data=b"x"), "authentication_method"),
        (mqtt.PubAck(1, reason_string=()), "reason_string"),
    ):
        with pytest.raises(TypeError, match=f"{name} must be"):
            mqtt.encode(packet)


def test_no_export_while_an_error_lives(mqtt: Any) -> None:
    """The traceback of an error keeps frames alive, and must not keep the caller's buffer with them."""
    broken_will = bytearray(bytes.fromhex("101b 00044d515454 05 06 0000 00 000163 00 000177 0004 676f6e65 ffff"))
    for make in (
        lambda buffer: mqtt.decode(buffer),
        lambda buffer: mqtt.decode(buffer, copy=False),
        lambda buffer: mqtt.decode_from(buffer, 0, 4, copy=False),
        lambda buffer: mqtt.peek(buffer, 100),
        lambda buffer: mqtt.encode_into(mqtt.Publish("a" * 100), buffer),
        lambda buffer: mqtt.encode_into(mqtt.Publish("#"), buffer),
        lambda buffer: mqtt.encode(mqtt.Publish("#", buffer)),
        lambda buffer: mqtt.encode(mqtt.Connect(keep_alive=-1, password=buffer)),
        lambda buffer: mqtt.encode(mqtt.Publish("a", correlation_data=buffer * 30_000)),
        lambda buffer: mqtt.encode_many([mqtt.Publish("a", buffer), mqtt.PubAck(0)]),
    ):
        for buffer in (bytearray(b"\x30\x01\x00"), bytearray(broken_will)):
            with pytest.raises((ValueError, mqtt.MQTTError)) as caught:
                make(buffer)
            assert caught.value.__traceback__ is not None
            buffer.append(1)


def test_encode_many_takes_each_packet_as_it_is(mqtt: Any) -> None:
    buffer = bytearray(1)

    def packets() -> Any:
        for letter in b"ABC":
            buffer[0] = letter
            yield mqtt.Publish("t", buffer)
            buffer.append(0)  # No view of it is held between packets.
            buffer.pop()

    assert mqtt.encode_many(packets()) == b"".join(mqtt.encode(mqtt.Publish("t", bytes((x,)))) for x in b"ABC")


def test_one_view_is_parsed_and_handed_out(mqtt: Any) -> None:
    class Fresh:
        def __buffer__(self, flags: int) -> memoryview:
            return memoryview(bytes(bytearray(PUBLISH)))

    try:
        memoryview(Fresh())  # type: ignore[arg-type]
    except TypeError:
        pytest.skip("objects with __buffer__ came with Python 3.12")
    assert bytes(mqtt.decode(Fresh(), copy=False).payload) == b"xy"


def test_the_borrower_may_release_the_buffer(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    with decoder.get_buffer() as view:
        view[: len(PUBLISH)] = PUBLISH
        owner = view.obj
    with pytest.raises(BufferError):
        owner.clear()
    assert [packet.payload for packet in decoder.buffer_updated(len(PUBLISH))] == [b"xy"]


def test_a_large_loan_is_not_kept(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    assert len(decoder.get_buffer(1 << 20)) == 1 << 20
    assert len(decoder.get_buffer()) == 1 << 16
    decoder.reset()
    assert len(decoder.get_buffer()) == 1 << 16


def test_what_is_read_is_not_kept(mqtt: Any) -> None:
    data = mqtt.encode(mqtt.Publish("a", bytes(1 << 20)))
    for fed, rest in ((data, b""), (bytearray(data), b""), (bytearray(data), b"\xc0\x00")):
        decoder = mqtt.Decoder(5)
        tracemalloc.start()
        try:
            packet = next(decoder.feed(fed + rest))
            del packet
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert decoder.pending == len(rest)
        assert held < 2 * len(rest) + 4096
        assert len(list(decoder.feed(b""))) == len(rest) // 2


@pytest.mark.parametrize("first", [b"\x30", b"\x30\xff\xff\xff\x7f"])
def test_memory_while_a_large_piece_is_taken(mqtt: Any, first: bytes) -> None:
    rest = bytearray(b"\xff\xff\xff\x7f"[: 5 - len(first)] + b"\x00\x03a/b\x00" + bytes(1 << 20))
    decoder = mqtt.Decoder(5)
    next(decoder.feed(first), None)
    tracemalloc.start()
    try:
        assert next(decoder.feed(rest), None) is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 2 * decoder.pending + 4096


def test_version_stays_while_a_packet_is_under_way(mqtt: Any) -> None:
    data = mqtt.encode(mqtt.Publish("a", b"x" * 70_000))
    decoder = mqtt.Decoder(5)
    assert list(decoder.feed(data[:100])) == []
    with pytest.raises(ValueError, match="before the first packet"):
        decoder.version = 4
    assert [packet.payload for packet in decoder.feed(data[100:])] == [b"x" * 70_000]
    decoder = mqtt.Decoder(5)
    with pytest.raises(mqtt.ProtocolError):
        list(decoder.feed(mqtt.encode(mqtt.Connect("c", protocol_version=4))))
    with pytest.raises(ValueError, match="before the first packet"):
        decoder.version = 4


def test_decoders_are_not_copied(mqtt: Any) -> None:
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"cannot pickle .*Decoder"):
            copied(mqtt.Decoder(5))


def test_packets_take_no_new_names(mqtt: Any) -> None:
    for packet in (mqtt.PubAck(1), mqtt.PingReq(), mqtt.Publish("a"), mqtt.Will("a")):
        with pytest.raises(AttributeError):
            packet.no_such_field = 1


def test_errors_of_the_callers_own_objects_come_through(mqtt: Any) -> None:
    class Odd:
        def __buffer__(self, flags: int) -> memoryview:
            raise AttributeError("mine")

    try:
        memoryview(Odd())  # type: ignore[arg-type]
    except TypeError:
        pytest.skip("objects with __buffer__ came with Python 3.12")
    except AttributeError:
        pass
    with pytest.raises(AttributeError, match="mine"):
        mqtt.encode(mqtt.Publish("a", Odd()))


def test_made_without_init(mqtt: Any) -> None:
    for name in ("Publish", "PubAck", "Subscribe", "Connect", "Auth", "PingReq"):
        cls = getattr(mqtt, name)
        packet = cls.__new__(cls)
        with contextlib.suppress(TypeError, mqtt.EncodeError):
            mqtt.encode(packet)
    decoder = mqtt.Decoder.__new__(mqtt.Decoder)
    for call in (lambda: decoder.pending, lambda: decoder.feed(b"\xc0\x00"), lambda: list(decoder), decoder.reset):
        with contextlib.suppress(AttributeError, mqtt.MQTTError):
            call()
