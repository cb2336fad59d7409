"""How the standard encodes a number, a string and a packet, and decodes a number."""

from __future__ import annotations

from typing import NamedTuple


def variable_integer(value: int) -> bytes:
    """The first algorithm of 1.5.5: a Variable Byte Integer."""
    encoded = bytearray()
    while True:
        encoded_byte = value % 128
        value //= 128
        encoded.append(encoded_byte | 128 if value > 0 else encoded_byte)
        if value == 0:
            return bytes(encoded)


def string(text: str | bytes) -> bytes:
    """A UTF-8 Encoded String (1.5.4)."""
    data = text.encode() if isinstance(text, str) else text
    return len(data).to_bytes(2, "big") + data


def framed(first_byte: int, body: bytes) -> bytes:
    """A packet of any length (2.1)."""
    return bytes((first_byte,)) + variable_integer(len(body)) + body


class Value(NamedTuple):
    value: int
    size: int


class Fault(NamedTuple):
    """The error in an integer, and the byte at which it shows."""

    kind: str
    at: int


def read_variable_integer(encoded: bytes) -> Value | Fault | None:
    """The second algorithm of 1.5.5; None if the integer goes on after `encoded`.

    It has at most four bytes [U01], and as few as its value needs [MQTT-1.5.5-1].
    """
    value, multiplier = 0, 1
    for at, encoded_byte in enumerate(encoded):
        value += (encoded_byte & 127) * multiplier
        if encoded_byte & 128 == 0:
            size = at + 1
            return Value(value, size) if variable_integer(value) == encoded[:size] else Fault("not shortest", at)
        if at == 3:
            return Fault("too long", at)
        multiplier *= 128
    return None
