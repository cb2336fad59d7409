"""Zero copy, and the greatest packet there is."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

GREATEST = 268_435_460
MIB = 1 << 20


def peak_of(call: Any) -> tuple[Any, int]:
    """What a call returns, and the most memory it held while it ran."""
    tracemalloc.start()
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


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
    """268,435,460 bytes: written and read with one copy of the payload each; one byte more is refused before any."""
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
    too_large = mqtt.Publish("ab", payload)
    for function in (mqtt.encode, mqtt.encoded_size, mqtt.encode_parts, lambda packet: mqtt.encode_many([packet])):
        _, peak = peak_of(lambda: pytest.raises(mqtt.EncodeError, function, too_large))
        assert peak < MIB


@pytest.mark.slow
def test_the_greatest_packet_in_pieces(mqtt: Any) -> None:
    data = mqtt.encode(mqtt.Publish("a", b"\x5a" * (GREATEST - 9)))
    assert len(data) == GREATEST
    decoder = mqtt.Decoder(5)
    view = memoryview(data)

    def feed() -> list[Any]:
        return [packet for begin in range(0, len(data), MIB) for packet in decoder.feed(view[begin : begin + MIB])]

    (packet,), peak = peak_of(feed)
    assert packet.payload == data[9:]
    # Compiled, the payload grows in the object handed out; in plain Python it is copied out of a bytearray, which grows
    # by an eighth.
    assert peak < (1.1 if mqtt.BACKEND == "cython" else 2.2) * GREATEST
