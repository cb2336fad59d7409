"""A Decoder gives the same packets and the same errors however a stream is cut, and works like new after `reset`.

It skips what can be skipped, if the input says so. The bytes of the packets and the skipped bytes are those of the
stream.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any

from fuzz import inputs
from fuzz.inputs import Input, exact
from mqttcodec import Role
from samples import plain, with_true_length

LIMITS = (268_435_460, 40, 300, 1 << 20)
ROLES = (None, Role.CLIENT, Role.SERVER, None)


def check(mqtt: Any, data: bytes) -> Any:
    given = Input(data)
    is_known, version, options, flags = given.byte() & 1, given.version(), given.byte(), given.byte()
    count = given.byte()
    group = 1 + (count >> 6)
    sizes = [1 + size for size in given.take(count & 31)]
    # In some, a PUBLISH is so large that it is assembled in the object that is returned.
    stream = given.rest() + (bytes(70_000) if count & 32 else b"")
    if options & 1:
        stream = with_true_length(stream)
    role, limit = ROLES[options >> 2 & 3], LIMITS[options >> 4 & 3]
    given_version = version if is_known else None
    decoder = mqtt.Decoder(
        given_version,
        role=role,
        max_packet_size=limit,
        copy=not options & 2,
        connected=is_known and flags & 1,
        keep_bytes=flags & 2,
        bridge=flags & 4,
    )
    skips = flags & 8 != 0
    expected = _taken(mqtt, decoder, [stream], 0, 1, skips)
    version_found = decoder.version
    _check_bytes(decoder, expected, stream)
    decoder.reset()
    assert decoder.version == given_version
    assert decoder.pending == 0
    assert _taken(mqtt, decoder, _cut(stream, sizes), options >> 6, group, skips) == expected
    assert decoder.version == version_found
    return expected, version_found


def _cut(stream: bytes, sizes: list[int]) -> list[bytes]:
    ends = [*accumulate(sizes), len(stream)]
    return [stream[begin:end] for begin, end in pairwise((0, *ends))]


def _taken(mqtt: Any, decoder: Any, pieces: list[bytes], way: int, group: int, skips: bool) -> list[Any]:
    """The packets and the skipped errors, each with its bytes; last, the other error or the number of bytes left.

    Pieces are fed in one way or alternately, and the packets taken after each `group` of them.
    """
    found: list[Any] = []
    for number, piece in enumerate(pieces):
        # Way 0: all are fed as bytes. 1 to 3: every second to fourth piece is fed as another buffer, the rest is
        # received.
        if way == 0 or number % (way + 1) == 0:
            decoder.feed(piece if way == 0 else exact(piece))
        else:
            with decoder.get_buffer(len(piece)) as buffer:
                buffer[: len(piece)] = piece
            decoder.buffer_updated(len(piece))
        if (number + 1) % group and number + 1 < len(pieces):
            continue
        while True:
            try:
                found += ((plain(packet), decoder.packet_bytes) for packet in decoder)
                break
            except mqtt.DecodeError as error:
                _check_failed(mqtt, decoder, error)
                if not skips or not decoder.pending:
                    return [*found, _described(error)]
                found.append((_described(error), decoder.skip()))
    return [*found, decoder.pending]


def _check_failed(mqtt: Any, decoder: Any, error: Any) -> None:
    """Every call raises an equal error. If no bytes are kept, the packet cannot be skipped."""
    held = decoder.pending
    assert decoder.packet_bytes == b""
    for call in (lambda: decoder.feed(b"\xc0\x00"), decoder.get_buffer, lambda: next(decoder)):
        try:
            call()
        except mqtt.DecodeError as again:
            assert _described(again) == _described(error)
        else:
            raise AssertionError("no error after an error")
    assert decoder.pending == held
    if not held:
        try:
            decoder.skip()
        except RuntimeError:
            pass
        else:
            raise AssertionError("skipped a packet that is not there")


def _check_bytes(decoder: Any, found: list[Any], stream: bytes) -> None:
    *parts, end = found
    kept = [part for _, part in parts]
    assert all(type(part) is bytes for part in kept)
    if decoder.keep_bytes:
        joined = b"".join(kept)
        assert stream.startswith(joined)
        assert isinstance(end, tuple) or len(joined) + end == len(stream)


def _described(error: Any) -> tuple[Any, ...]:
    return type(error).__name__, str(error), error.reason_code, error.offset, error.clause


def seeds() -> Iterator[bytes]:
    rng = random.Random(0)
    for version, stream in inputs.packets():
        for options in (rng.randrange(256), rng.randrange(256) & 0x0F):
            count = rng.randrange(8) + rng.choice((0, 0, 0, 32)) + rng.choice((0, 0, 64, 128))
            # Each stream with `keep_bytes`, `bridge` and `skip`, and with any flags.
            for flags in (0x0E, rng.randrange(16)):
                head = bytes((rng.randrange(2), inputs.VERSIONS.index(version), options, flags, count))
                yield head + rng.randbytes(count & 31) + stream
