"""`Decoder.packet_bytes`: with `keep_bytes`, the bytes of the packet returned last, exactly as they were received."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import vectors
from octets import framed as pk
from octets import string as s
from samples import SEED
from ways import WAYS, Give, each_copy, each_way, hand_over

PINGREQ = b"\xc0\x00"


@pytest.mark.parametrize("give", [*WAYS, random.Random(SEED)], ids=[*(way.__name__ for way in WAYS), "in groups"])
@each_copy
def test_every_packet(mqtt: Any, give: Give | random.Random, copy: bool) -> None:
    """All valid vectors, among them those that `encode` writes differently, between other packets."""
    print(f"MQTTCODEC_SEED={SEED}")
    differ = 0
    for vector in vectors.OK:
        data = vectors.data(vector)
        is_connect = data[0] == 0x10
        decoder = mqtt.Decoder(None if is_connect else vector["version"], copy=copy, keep_bytes=True)
        before, behind = b"" if is_connect else PINGREQ, pk(0x40, b"\0\1")
        stream = before + data + behind
        middle = len(before) + len(data) // 2
        single_bytes = [stream[at : at + 1] for at in range(len(stream))] if len(stream) < 10_000 else [stream]
        for pieces in ([stream], [stream[:middle], stream[middle:]], single_bytes):
            decoder.reset()
            found = []
            for given in hand_over(decoder, pieces, give):
                for packet in given:
                    assert type(decoder.packet_bytes) is bytes
                    found.append((packet, decoder.packet_bytes))
            assert [kept for _, kept in found] == [part for part in (before, data, behind) if part], vector["id"]
            packet, kept = found[-2]
            assert packet == mqtt.decode(kept, vector["version"])
        differ += data != mqtt.encode(packet, vector["version"])
    assert differ > 5


def test_off(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    assert decoder.packet_bytes == b""
    for _ in decoder.feed(PINGREQ):
        assert decoder.packet_bytes == b""


@pytest.mark.parametrize(
    "call",
    [
        lambda decoder: decoder.feed(b""),
        lambda decoder: decoder.feed(bytearray()),
        lambda decoder: decoder.feed("no bytes"),
        lambda decoder: decoder.get_buffer(),
        lambda decoder: decoder.buffer_updated(0),
        lambda decoder: decoder.buffer_updated(1),
        lambda decoder: decoder.reset(),
        lambda decoder: decoder.skip(),
        lambda decoder: setattr(decoder, "version", 4),
        lambda decoder: decoder.__init__(5, keep_bytes=True),
        lambda decoder: list(decoder),
        lambda decoder: next(decoder),
    ],
)
def test_how_long_they_are_there(mqtt: Any, call: Callable[[Any], Any]) -> None:
    """Until the next packet is requested or another method is called, even one that fails."""
    for behind in (b"", b"\xd0", b"\xd0\x01\x00", b"\x00"):
        decoder = mqtt.Decoder(5, keep_bytes=True)
        assert next(decoder.feed(PINGREQ + behind)) == mqtt.PingReq()
        assert decoder.packet_bytes == PINGREQ
        assert (decoder.pending, decoder.version, decoder.keep_bytes) == (len(behind), 5, True)
        assert repr(decoder).startswith("<Decoder")
        assert iter(decoder) is decoder
        assert decoder.packet_bytes == PINGREQ
        with suppress(Exception):
            call(decoder)
        assert decoder.packet_bytes == b""


@each_way
@each_copy
def test_none_after_an_error(mqtt: Any, give: Give, copy: bool) -> None:
    """An invalid body, an invalid header, and a CONNECT that is valid but of another version."""
    for invalid in (b"\x40\x02\0\0", b"\0", mqtt.encode(mqtt.Connect("c", protocol_version=4))):
        decoder = mqtt.Decoder(5, copy=copy, keep_bytes=True)
        packets = give(decoder, PINGREQ + invalid)
        next(packets)
        assert decoder.packet_bytes == PINGREQ
        for _ in range(2):
            with pytest.raises(mqtt.DecodeError):
                next(packets)
            assert decoder.packet_bytes == b""


@each_copy
def test_the_bytes_of_the_lent_buffer(mqtt: Any, copy: bool) -> None:
    """Another thread may still write to the buffer: what is returned is what was decoded."""
    data = mqtt.encode(mqtt.Publish("a", b"payload"))
    for start in range(len(data)):
        for size_hint in (-1, 100_000):
            decoder = mqtt.Decoder(5, copy=copy, keep_bytes=True)
            list(decoder.feed(data[:start]))
            buffer = decoder.get_buffer(size_hint)
            rest = data[start:] + PINGREQ + b"\xd0"
            buffer[: len(rest)] = rest
            packets = decoder.buffer_updated(len(rest))
            buffer[:] = b"\xff" * len(buffer)
            packet = next(packets)
            assert (bytes(packet.payload), decoder.packet_bytes) == (b"payload", data)
            assert next(packets) == mqtt.PingReq()
            assert decoder.packet_bytes == PINGREQ
            assert next(packets, None) is None
            assert (decoder.packet_bytes, decoder.pending) == (b"", 1)


@each_way
@each_copy
def test_a_large_publish(mqtt: Any, give: Give, copy: bool) -> None:
    data = pk(0x30, s("a/b") + b"\0" + random.Random(1).randbytes(200_000))
    for size in (1_000, 65_536, len(data) + 2):
        decoder = mqtt.Decoder(5, copy=copy, keep_bytes=True)
        stream = data + PINGREQ
        found = []
        for at in range(0, len(stream), size):
            for packet in give(decoder, stream[at : at + size]):
                found.append((packet, decoder.packet_bytes))
        assert found == [(mqtt.decode(data), data), (mqtt.PingReq(), PINGREQ)]


def test_views_remain_valid(mqtt: Any) -> None:
    """With `copy=False`, the views of a packet do not depend on its bytes."""
    data = mqtt.encode(mqtt.Publish("a", b"payload"))
    decoder = mqtt.Decoder(5, copy=False, keep_bytes=True)
    kept = []
    for piece in (data, data[:4], data[4:] + data, data[:1], bytearray(data[1:])):
        kept += [(packet, decoder.packet_bytes) for packet in decoder.feed(piece)]
    decoder.reset()
    assert [(bytes(packet.payload), found) for packet, found in kept] == [(b"payload", data)] * 4
    assert all(type(packet.payload) is memoryview and packet.payload.readonly for packet, _ in kept)
