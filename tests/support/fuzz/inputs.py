"""Reading of fuzzing inputs, and the seeds."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import Any

import vectors
from mqttcodec import MQTTv5, MQTTv31, MQTTv311, PropertyId, ProtocolVersion
from samples import ODD_VALUES

VERSIONS = (MQTTv5, MQTTv311, MQTTv31, MQTTv5)


class Input:
    """Reads an input from the front. Zeros follow its end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def byte(self) -> int:
        return (self.take(1) or b"\0")[0]

    def take(self, size: int) -> bytes:
        begin = self._position
        self._position += size
        return self._data[begin : begin + size]

    def rest(self) -> bytes:
        return self._data[self._position :]

    def version(self) -> ProtocolVersion:
        return VERSIONS[self.byte() & 3]

    def value(self) -> Any:
        """Any value for a field."""
        kind = self.byte()
        if kind < len(ODD_VALUES):
            return ODD_VALUES[kind]
        kind -= len(ODD_VALUES)
        if kind < 64:
            return self.take(kind)
        if kind < 128:
            return self.take(kind - 64).decode("utf-8", "surrogateescape")
        if kind < 136:
            return [self.value() for _ in range(kind & 3)]
        if kind < 144:
            return tuple(self.value() for _ in range(kind & 3))
        return int.from_bytes(self.take(kind & 7), "big", signed=True)


def exact(data: bytes) -> array[int]:
    """The bytes, in memory that ends with them: a zero follows the contents of `bytes` and `bytearray`."""
    return array("B", data)[:]


def packets() -> Iterator[tuple[int, bytes]]:
    """The packets and streams of all vectors and of `adversarial.jsonl`, each with its version."""
    for vector in vectors.ALL:
        if "hex" in vector:
            yield vector["version"], vectors.octets(vector.get("after", "")) + vectors.data(vector)
    for line in vectors.ADVERSARIAL:
        if "hex" in line:
            yield line["version"] or MQTTv5, bytes.fromhex(line["hex"])


def dictionary() -> str:
    """Property identifiers and other common byte sequences, in libFuzzer's syntax."""
    pieces = [
        *(bytes((identifier,)) for identifier in PropertyId),
        *(bytes((first_byte,)) for first_byte in range(0x10, 0x100, 0x10)),
        *(b"\x00\x04MQTT\x04", b"\x00\x04MQTT\x05", b"\x00\x06MQIsdp\x03"),
        *(b"\x00\x04MQTT\x84", b"\x00\x06MQIsdp\x83"),
        *(b"\xff\xff\xff\x7f", b"\x80\x80\x80\x01", b"\x80\x00", b"\xff\xff", b"\x00\x00", b"\x00\x01"),
        *(b"$share/", b"#", b"+", b"/", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbf\xbf"),
    ]
    return "".join('"' + "".join(f"\\x{byte:02x}" for byte in piece) + '"\n' for piece in pieces)
