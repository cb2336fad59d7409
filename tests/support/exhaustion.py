"""Make each of the first allocations of an operation fail in turn, for all operations on packets of some types.

    python exhaustion.py IMPLEMENTATION ALLOCATIONS PACKET ...

`test_exhaustion.py` runs it as a separate process, so that a crash does not end the test run. Prints a report as JSON.
"""

from __future__ import annotations

import _testcapi
import contextlib
import gc
import json
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import implementations
from mqttcodec import MQTTError, MQTTv5, MQTTv311
from samples import packets

ACKNOWLEDGEMENTS = b"".join(b"\x40\x02" + number.to_bytes(2, "big") for number in range(1, 201))
Operation = Callable[[], Any]
REFUSED = object()
# A PUBACK with packet identifier 0.
INVALID = bytes.fromhex("40 02 0000")
# CPython can lose an error as it passes through Python code, for example if memory for a traceback entry runs out.
LOST = re.compile("error return without exception set|<function .*> returned NULL without setting an exception")


def reading(mqtt: Any, packet: Any, data: bytes, version: int) -> Iterator[tuple[str, Operation, Any]]:
    size = len(data)
    yield "decode", lambda: mqtt.decode(data, version), packet
    yield "decode of a bytearray", lambda: mqtt.decode(bytearray(data), version), packet
    yield "decode_from, not copied", lambda: mqtt.decode_from(data, 0, version, copy=False), (packet, size)
    yield "decode, cut", lambda: mqtt.decode(data[:-1], version), REFUSED
    yield "decode, too long", lambda: mqtt.decode(data + b"\0", version), REFUSED
    yield "Decoder", lambda: mqtt.Decoder(version).version, version
    yield "peek", lambda: mqtt.peek(data).packet_size, size


def writing(mqtt: Any, packet: Any, data: bytes, version: int) -> Iterator[tuple[str, Operation, Any]]:
    size = len(data)
    yield "encode", lambda: mqtt.encode(packet, version), data
    yield "encode_many", lambda: mqtt.encode_many([packet, packet], version), data + data
    yield "Encoder.write", lambda: batch(mqtt, packet, version), (data + data, data + data)
    # An optional property is left out, a PUBLISH is not written, and others are refused.
    for limit in {size - 1, 3} - {1}:
        yield f"Encoder.write, limit {limit}", lambda limit=limit: limited(mqtt, packet, version, limit), None
    yield "encode_acks", lambda: mqtt.encode_acks(4, range(1, 201)), ACKNOWLEDGEMENTS
    yield "encode_parts", lambda: b"".join(mqtt.encode_parts(packet, version)), data
    yield "encoded_size", lambda: mqtt.encoded_size(packet, version), size
    yield "encode_into", lambda: mqtt.encode_into(packet, bytearray(size), 0, version), size
    yield "encode_into, too small", lambda: mqtt.encode_into(packet, bytearray(size - 1), 0, version), REFUSED
    yield "replace", lambda: packet.replace(), packet


def batch(mqtt: Any, packet: Any, version: int) -> tuple[bytes, bytes]:
    """A batch of two packets, taken as a whole and in parts."""
    encoder = mqtt.Encoder(version)
    encoder.write(packet)
    encoder.write(packet)
    whole = encoder.take()
    encoder.version = version
    encoder.write(packet)
    encoder.write(packet)
    return whole, b"".join(encoder.take_parts())


def limited(mqtt: Any, packet: Any, version: int, limit: int) -> None:
    """Write a packet that is too large, after another."""
    encoder = mqtt.Encoder(version, max_packet_size=max(limit, 2))
    encoder.write(mqtt.PingReq())
    before = encoder.version
    try:
        with contextlib.suppress(mqtt.EncodeError):
            encoder.write(packet)
    except MemoryError:
        assert (encoder.pending, encoder.version) == (2, before)
        raise


def receive(decoder: Any, data: bytes) -> list[Any]:
    decoder.get_buffer()[: len(data)] = data
    return list(decoder.buffer_updated(len(data)))


FEEDS: dict[str, Callable[[Any, bytes], list[Any]]] = {
    "feed": lambda decoder, data: list(decoder.feed(data)),
    "feed of bytearrays in pieces": lambda decoder, data: [
        *decoder.feed(bytearray(data[:1])),
        *decoder.feed(bytearray(data[1:3])),
        *decoder.feed(bytearray(data[3:])),
    ],
    "feed of bytes in pieces": lambda decoder, data: [
        *decoder.feed(data[:2]),
        *decoder.feed(data[2:3]),
        *decoder.feed(data[3:]),
    ],
    "get_buffer": receive,
    "get_buffer after a start": lambda decoder, data: [*decoder.feed(data[:2]), *receive(decoder, data[2:])],
}


def without_memory(operation: Operation, first: int, end: int) -> tuple[Any, BaseException | None]:
    """The result or exception of an operation while those allocations fail."""
    error: BaseException | None = None
    result = None
    _testcapi.set_nomemory(first, end)
    try:
        result = operation()
    except BaseException as caught:
        error = caught
    finally:
        _testcapi.remove_mem_hooks()
    if error is not None:
        error.__traceback__ = error.__context__ = None
    return result, error


def is_dead(decoder: Any) -> bool:
    try:
        decoder.feed(b"")
    except (MemoryError, RuntimeError):  # RuntimeError: CPython lost the error, see LOST.
        return True
    return False


def cannot_skip(decoder: Any) -> bool:
    try:
        assert decoder.skip() == INVALID
    except RuntimeError:
        return True
    return False


class Exhaustion:
    def __init__(self, allocations: int) -> None:
        self.allocations = allocations
        self.failures = 0
        # New objects are kept alive, so that later ones cannot reuse their memory.
        self.held: list[Any] = []

    def attempts(self) -> Iterator[tuple[int, int]]:
        """How many allocations succeed first, and how many there are up to the last that fails.

        One allocation fails alone, and eight in a row, because the handling of the first failure may fail too. CPython
        itself aborts if all later ones fail.
        """
        for number in range(self.allocations):
            yield number, number + 1
            yield number, number + 8

    def attempt(self, operation: Operation, expected: Any, first: int, end: int) -> bool:
        """Whether the operation succeeded or failed only because memory ran out."""
        result, error = without_memory(operation, first, end)
        self.held.append(result)
        if isinstance(error, MemoryError) or (isinstance(error, SystemError) and LOST.fullmatch(str(error))):
            self.failures += 1
            return False
        if expected is REFUSED:
            assert isinstance(error, MQTTError), repr(error)
        else:
            assert error is None, repr(error)
            assert result == expected
        return True

    def functions(self, mqtt: Any, packet: Any, data: bytes, version: int) -> None:
        for make in (reading, writing):
            for name, operation, expected in make(mqtt, packet, data, version):
                with context(name, packet):
                    with contextlib.suppress(MQTTError):
                        operation()  # Create objects that are created only once.
                    for first, end in self.attempts():
                        self.attempt(operation, expected, first, end)

    def decoders(self, mqtt: Any, packet: Any, data: bytes, version: int) -> None:
        for copies in (True, False):
            for name, give in FEEDS.items():
                with context(name, packet):
                    give(mqtt.Decoder(version, copy=copies), data)
                    for first, end in self.attempts():
                        decoder = mqtt.Decoder(version, copy=copies, keep_bytes=bool(first % 2))
                        if not self.attempt(lambda: give(decoder, data), [packet], first, end) and is_dead(decoder):
                            assert is_dead(decoder)
                            self.attempt(decoder.reset, None, first, end)
                        decoder.reset()
                        assert decoder.pending == 0
                        assert list(decoder.feed(data)) == [packet]

    def skips(self, mqtt: Any, packet: Any, data: bytes, version: int) -> None:
        """An invalid packet is skipped, and the packet after it is read; or the decoder skips nothing."""
        for name, give in FEEDS.items():
            for first, end in self.attempts():
                decoder = mqtt.Decoder(version, keep_bytes=bool(first % 2))
                with context(f"skip in {name}", packet):
                    self.attempt(lambda: give(decoder, INVALID + data), REFUSED, first, end)
                    try:
                        decoder.feed(b"")
                    except MQTTError:
                        if not cannot_skip(decoder):
                            assert list(decoder) == [packet]
                    except (MemoryError, RuntimeError):
                        assert cannot_skip(decoder)


@contextlib.contextmanager
def context(name: str, packet: Any) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{name} of {packet}: {error}") from error


def main() -> None:
    name, allocations, *packet_names = sys.argv[1:]
    mqtt = implementations.load(name)
    cases = []
    for version in (MQTTv5, MQTTv311):
        for packet_name in packet_names:
            made = (packet for packet in packets(mqtt, version) if type(packet).__name__ == packet_name)
            written = sorted({mqtt.encode(packet, version) for packet in made}, key=len)
            written[1:-3] = []  # The shortest packets, and those with all fields set.
            cases += [(mqtt.decode(data, version), data, version) for data in written]
    failures = growth = 0
    for _ in range(4):  # Python itself keeps some objects from the first runs.
        gc.collect()
        before = sys.getallocatedblocks()
        exhaustion = Exhaustion(int(allocations))
        for case in cases:
            exhaustion.functions(mqtt, *case)
            exhaustion.decoders(mqtt, *case)
            exhaustion.skips(mqtt, *case)
        failures = exhaustion.failures
        del exhaustion
        gc.collect()
        growth = sys.getallocatedblocks() - before
        if growth == 0:
            break
    print(json.dumps({"failures": failures, "growth": growth}))


if __name__ == "__main__":
    main()
