"""Every packet survives each way to encode and decode it, and both implementations write the same bytes."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import implementations
import samples
import strategies
import vectors
from mqttcodec import ProtocolVersion


@cache
def encoded_samples(at: int, version: ProtocolVersion) -> list[tuple[Any, bytes]]:
    """Packets of one implementation, and their bytes. A CONNECT may have another version than the rest."""
    mqtt = implementations.ALL[at]
    connects = [mqtt.Connect("c", protocol_version=other) for other in samples.VERSIONS]
    return [(packet, mqtt.encode(packet, version)) for packet in (*connects, *samples.packets(mqtt, version))]


@pytest.mark.parametrize("name", strategies.NAMES)
@given(data=st.data())
def test_round_trip(name: str, data: st.DataObject) -> None:
    version, _, fields = data.draw(strategies.packets(name))
    # Where to cut the bytes, where to write them, and which other packet to write in between.
    cut, offset, other = data.draw(st.tuples(st.integers(0, 1000), st.integers(0, 20), st.integers(0, 1000)))
    encoded = []
    for at, mqtt in enumerate(implementations.ALL):
        packet = vectors.packet(mqtt, {name: fields})
        others = encoded_samples(at, version)
        encoded.append(assert_laws(mqtt, packet, version, cut, offset, *others[other % len(others)]))
    assert encoded == encoded[:1] * len(encoded)


def assert_laws(mqtt: Any, packet: Any, version: int, cut: int, offset: int, other: Any, encoded_other: bytes) -> bytes:
    encoded: bytes = mqtt.encode(packet, version)
    size = len(encoded)
    assert mqtt.encoded_size(packet, version) == size
    assert b"".join(mqtt.encode_parts(packet, version)) == encoded
    assert mqtt.encode_many([packet, other, packet], version) == encoded + encoded_other + encoded
    buffer = bytearray(b"\xa5" * (offset + size + 3))
    assert mqtt.encode_into(packet, buffer, offset, version) == offset + size
    assert buffer == b"\xa5" * offset + encoded + b"\xa5" * 3
    decoded = mqtt.decode(encoded, version)
    assert decoded == packet
    assert mqtt.encode(decoded, version) == encoded
    assert mqtt.decode(encoded, version, copy=False) == packet
    decoder = mqtt.Decoder(version)
    cut %= size + 1
    assert [*decoder.feed(encoded[:cut]), *decoder.feed(encoded[cut:])] == [packet]
    assert decoder.pending == 0
    return encoded
