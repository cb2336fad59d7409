"""How the standard writes a number, a string, a packet."""

from __future__ import annotations


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
