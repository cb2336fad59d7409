"""A Decoder gives the same packets and the same error however a stream is cut, and works like new after `reset`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from fuzz import inputs
from fuzz.inputs import Input, exact
from mqttcodec import Role
from samples import plain, with_true_length

LIMITS = (268_435_460, 40, 300, 1 << 20)
ROLES = (None, Role.CLIENT, Role.SERVER, None)


def check(mqtt: Any, data: bytes) -> Any:
    given = Input(data)
    is_known, version, options = given.byte() & 1, given.version(), given.byte()
    count = given.byte()
    sizes = [1 + size for size in given.take(count & 31)]
    # In some, a PUBLISH is so large that it is assembled in the object that is returned.
    stream = given.rest() + (bytes(70_000) if count & 32 else b"")
    if options & 1:
        stream = with_true_length(stream)
    role, limit = ROLES[options >> 2 & 3], LIMITS[options >> 4 & 3]
    given_version = version if is_known else None
    decoder = mqtt.Decoder(given_version, role=role, max_packet_size=limit, copy=not options & 2)
    expected = _taken(mqtt, decoder, [stream], 0)
    version_found = decoder.version
    decoder.reset()
    assert decoder.version == given_version
    assert decoder.pending == 0
    assert _taken(mqtt, decoder, _cut(stream, sizes), options >> 6) == expected
    assert decoder.version == version_found
    return expected, version_found


def _cut(stream: bytes, sizes: list[int]) -> Iterator[bytes]:
    begin = 0
    for size in sizes:
        yield stream[begin : begin + size]
        begin += size
    yield stream[begin:]


def _taken(mqtt: Any, decoder: Any, pieces: Any, way: int) -> list[Any]:
    """The packets, and the error that ends them or the bytes left. Pieces are fed in one way or alternately."""
    packets: list[Any] = []
    try:
        for number, piece in enumerate(pieces):
            # Way 0: all are fed as bytes. 1 to 3: every second to fourth piece is fed as another buffer, the rest is
            # received.
            if way == 0 or number % (way + 1) == 0:
                packets += decoder.feed(piece if way == 0 else exact(piece))
            else:
                with decoder.get_buffer(len(piece)) as buffer:
                    buffer[: len(piece)] = piece
                packets += decoder.buffer_updated(len(piece))
    except mqtt.DecodeError as error:
        assert decoder.pending == 0
        ends_with = _described(error)
        try:
            decoder.feed(b"\xc0\x00")
        except mqtt.DecodeError as again:
            assert _described(again) == ends_with
        else:
            raise AssertionError("fed after an error") from None
    else:
        ends_with = decoder.pending
    return [*map(plain, packets), ends_with]


def _described(error: Any) -> tuple[Any, ...]:
    return type(error).__name__, str(error), error.reason_code, error.offset, error.clause


def seeds() -> Iterator[bytes]:
    rng = random.Random(0)
    for version, stream in inputs.packets():
        for options in (rng.randrange(256), rng.randrange(256) & 0x0F):
            count = rng.randrange(8) + rng.choice((0, 0, 0, 32))
            yield bytes((rng.randrange(2),)) + (
                bytes((inputs.VERSIONS.index(version), options, count)) + rng.randbytes(count & 31) + stream
            )
