"""Resources are released: references, memory blocks, and the memory of the process."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import vectors
from mqttcodec import _methods
from samples import VERSIONS
from ways import WAYS

# A debug build of Python counts all references. Any CPython counts the blocks that its allocator has handed out.
COUNTS_REFERENCES = hasattr(sys, "gettotalrefcount")
count: Any = getattr(sys, "gettotalrefcount" if COUNTS_REFERENCES else "getallocatedblocks", None)


def decoding(mqtt: Any, vector: dict[str, Any]) -> Callable[[], Any]:
    data, version = vectors.data(vector), vector["version"]

    def call() -> None:
        with contextlib.suppress(mqtt.DecodeError):
            mqtt.decode(data, version)

    return call


def viewing(mqtt: Any, vector: dict[str, Any]) -> Callable[[], Any]:
    """Decode a buffer other than bytes, with views of it in the packet, and encode the packet."""
    data, version = bytearray(vectors.data(vector)), vector["version"]

    def call() -> None:
        with contextlib.suppress(mqtt.DecodeError, mqtt.EncodeError):
            mqtt.peek(data)
            packet, _ = mqtt.decode_from(data, 0, version, copy=False)
            mqtt.encode(packet, version)
            mqtt.decode(data, version)

    return call


def streaming(mqtt: Any, vector: dict[str, Any]) -> Callable[[], Any]:
    data = vectors.data(vector)
    pieces = (data,) if len(data) < 2 else (data[:1], bytearray(data[1:]))

    def call() -> None:
        decoder = vectors.decoder(mqtt, vector)
        with contextlib.suppress(mqtt.DecodeError):
            for piece in pieces:
                for _ in decoder.feed(piece):
                    pass

    return call


def skipping(mqtt: Any, vector: dict[str, Any]) -> Callable[[], Any]:
    """Each vector several times in each way, with the bytes of each packet."""
    data = vectors.data(vector) + b"\xc0\0"

    def call() -> None:
        decoder = vectors.decoder(mqtt, vector, keep_bytes=True)
        with contextlib.suppress(RuntimeError, mqtt.DecodeError):
            for give in WAYS:
                give(decoder, data)
                give(decoder, data)
                while True:
                    try:
                        for _ in decoder:
                            decoder.packet_bytes.hex()
                        break
                    except mqtt.DecodeError:
                        decoder.skip()

    return call


def encoding(mqtt: Any, vector: dict[str, Any]) -> Callable[[], Any]:
    packet, version = vectors.packet(mqtt, vector["packet"]), vector["version"]
    buffer = bytearray(8)

    def call() -> None:
        with contextlib.suppress(mqtt.EncodeError, TypeError):
            mqtt.encode(packet, version)
            mqtt.encode_many((packet, packet), version)
            mqtt.encode_parts(packet, version)
            mqtt.encoded_size(packet, version)
            mqtt.encode_into(packet, buffer, 0, version)

    return call


def batching(mqtt: Any, vector: dict[str, Any]) -> Callable[[], Any]:
    """Write a packet, which may be refused or shortened, between others; one of these is not copied."""
    packet, version = vectors.packet(mqtt, vector["packet"]), vector["version"]
    limit = vector.get("max_packet_size", 1 << 30)
    large = mqtt.Publish("a", bytes(8_192))

    def call() -> None:
        encoder = mqtt.Encoder(version)
        for take in (encoder.take, encoder.take_parts):
            encoder.max_packet_size = 1 << 30
            encoder.write(large)
            encoder.write_acks(4, (1, 2))
            for most in (limit, 10):
                encoder.max_packet_size = most
                with contextlib.suppress(mqtt.EncodeError, TypeError):
                    encoder.write(packet)
            encoder.version = version
            with contextlib.suppress(mqtt.EncodeError):
                encoder.write_acks(4, (300, 0))
            take()

    return call


def converting(mqtt: Any, vector: dict[str, Any]) -> Callable[[], Any]:
    """Conversions to other versions and to dicts and back; `replace` with valid and invalid arguments."""
    packet = vectors.packet(mqtt, vector["packet"])
    kept = {name: getattr(packet, name) for name in _methods.fields(type(packet))}
    # An error of `replace` takes long. One packet of each class leads to it.
    wrong: list[dict[str, Any]] = [{**kept, "no_such_field": 1}, {"no_such_field": 1}]

    def call() -> None:
        packet.replace(**kept)
        for changes in wrong if vector in FIRST else ():
            with contextlib.suppress(TypeError):
                packet.replace(**changes)
        for version in VERSIONS:
            with contextlib.suppress(mqtt.EncodeError, TypeError):
                packet.for_version(version, lossy=version == VERSIONS[0])
        with contextlib.suppress(TypeError, ValueError, BufferError):
            mapping = mqtt.to_dict(packet)
            mqtt.from_dict(mapping)
            mqtt.from_dict({**mapping, "no_such_field": 1})

    return call


DECODED = [vector for vector in (*vectors.ALL, *vectors.ADVERSARIAL) if "hex" in vector]
ENCODED = [vector for vector in vectors.ALL if "packet" in vector and "decoder" not in vector]
# Dicts hold payloads as text. Those of the maximum size would take seconds.
CONVERTED = [vector for vector in ENCODED if "packet-too-large" not in vector["id"]]
FIRST = list({next(iter(vector["packet"])): vector for vector in CONVERTED}.values())
CASES: dict[str, tuple[Any, list[dict[str, Any]]]] = {
    "decode": (decoding, DECODED),
    "decode, not copied": (viewing, DECODED),
    "feed": (streaming, DECODED),
    "skip": (skipping, DECODED),
    "encode": (encoding, ENCODED),
    "convert": (converting, CONVERTED),
    "Encoder": (batching, ENCODED),
}


def calls(mqtt: Any, way: str) -> Iterator[tuple[str, Callable[[], Any]]]:
    make, chosen = CASES[way]
    for vector in chosen:
        yield vector["id"], make(mqtt, vector)


@pytest.mark.skipif(count is None, reason="this Python counts neither references nor blocks")
@pytest.mark.parametrize("way", CASES)
def test_every_reference_is_given_back(mqtt: Any, way: str, full: bool) -> None:
    """Each vector runs many times, so a leak in one run shows many times over."""
    # Python keeps some objects, however often a call runs: more of them for conversions, which use enums and errors.
    allowed = 33 if way == "convert" else 10
    rounds = 1000 if full or (COUNTS_REFERENCES and mqtt.BACKEND == "cython") else 3 * allowed
    if not count():
        pytest.skip("the blocks are malloc's, and not counted")
    gc.collect()
    gc.freeze()  # Existing objects are not examined again, which makes a collection fast.
    try:
        for name, call in calls(mqtt, way):
            for _ in range(10):  # The first runs leave more.
                gc.collect()
                before = count()
                for _ in range(rounds):
                    call()
                gc.collect()
                growth = count() - before
                if abs(growth) < allowed:
                    break
            else:
                pytest.fail(f"{name}: {rounds} times leave {growth}")
    finally:
        gc.unfreeze()


def resident() -> int:
    """The resident memory of this process, in bytes."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


needs_resident = pytest.mark.skipif(
    not Path("/proc/self/statm").exists() or "asan" in os.environ.get("LD_PRELOAD", ""),
    reason="it reads /proc; the address sanitizer keeps what is freed for a while, to find it when it is used",
)


@needs_resident
@pytest.mark.parametrize("way", CASES)
def test_the_process_does_not_grow(mqtt: Any, way: str, full: bool) -> None:
    """A million calls, over all vectors in turn; in plain Python a tenth of that."""
    turn = [call for _, call in calls(mqtt, way)]

    def turns(times: int) -> None:
        for _ in range(max(1, times // len(turn))):
            for call in turn:
                call()
        gc.collect()

    def growth(times: int) -> int:
        before = resident()
        turns(times)
        return resident() - before

    turns(20_000)
    times = 20_000 if not full else 1_000_000 if mqtt.BACKEND == "cython" else 100_000
    # A leak continues to grow. The process of PyPy grows for a while because its JIT compiles code.
    assert any(growth(times) < 1 << 20 for _ in range(4))
