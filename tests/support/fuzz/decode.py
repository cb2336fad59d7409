"""`decode` returns a packet that survives encoding and decoding, or raises a DecodeError with an offset inside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fuzz import inputs
from fuzz.inputs import Input, exact
from samples import outcome, plain, with_true_length


def check(mqtt: Any, data: bytes) -> Any:
    given = Input(data)
    version, options = given.version(), given.byte()
    packet_bytes = with_true_length(given.rest()) if options & 1 else given.rest()
    buffer, copy = exact(packet_bytes), not options & 2
    try:
        packet = mqtt.decode(buffer, version, copy=copy)
    except mqtt.DecodeError as error:
        assert error.offset is None or 0 <= error.offset <= len(buffer)
        refused = outcome(lambda: mqtt.decode(buffer, version, copy=copy))
        assert outcome(lambda: mqtt.decode(packet_bytes, version)) == refused
        buffer.append(0)  # No view of it remains.
        return refused, outcome(lambda: mqtt.peek(packet_bytes))
    header = mqtt.peek(buffer)
    assert header.packet_size == len(buffer)
    assert mqtt.decode(packet_bytes, version) == packet
    between = exact(b"\xc0\x00" + packet_bytes + b"\xc0\x00")
    assert mqtt.decode_from(between, 2, version, copy=copy) == (packet, 2 + len(buffer))
    written = mqtt.encode(packet, version)
    assert mqtt.encoded_size(packet, version) == len(written)
    assert mqtt.decode(exact(written), version) == packet
    others = [outcome(lambda: mqtt.encode(packet, other)) for other in (3, 4, 5)]
    return plain(packet), plain(header), written, others


def seeds() -> Iterator[bytes]:
    for version, packet in inputs.packets():
        for options in range(4):
            yield bytes((inputs.VERSIONS.index(version), options)) + packet
