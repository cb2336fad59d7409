"""How numbers and strings become bytes: `_writer_c.pxd` in plain Python."""

from __future__ import annotations

import struct
from typing import Any, NoReturn

from . import _errors, _spec
from ._arguments_py import byte_view, integer
from ._text_py import topic_filter_fault, topic_name_fault

two_bytes = struct.Struct(">H").pack


def variable_integer(value: int) -> bytes:
    """A Variable Byte Integer (1.5.5) in its shortest form; `value` fits."""
    if value < 0x80:
        return bytes((value,))
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def absent(value: Any) -> bool:
    """Whether a field of several values says that there is none."""
    if issubclass(type(value), tuple):
        return tuple.__len__(value) == 0
    return value is None or (issubclass(type(value), list) and list.__len__(value) == 0)


def two_bits(value: object, about: str) -> int:
    """The bits of a QoS or its like; 3, which means nothing, for what is not 0, 1 or 2."""
    number = integer(value, about)
    return number if 0 <= number <= 2 else 3


class Writer:
    """The body of one packet in the making, but for the payload a PUBLISH ends with."""

    __slots__ = ("body", "payload", "version")

    def __init__(self, version: int) -> None:
        self.body = bytearray()
        self.payload: bytes | memoryview = b""
        self.version = version

    def refuse(self, fault: _errors.Fault, about: str = "", found: object = None) -> NoReturn:
        raise fault.encoding(self.version, about, found) from None

    def number(self, value: object, size: int, about: str) -> int:
        """An unsigned integer of `size` bytes; returns its value."""
        number = integer(value, about)
        if not 0 <= number < 1 << 8 * size:
            self.refuse(_errors.NOT_TWO_BYTES if size == 2 else _errors.NOT_FOUR_BYTES, about, number)
        self.body += number.to_bytes(size, "big")
        return number

    def flag(self, value: Any, about: str) -> int:
        """The bit of a flag: 0 or 1."""
        if value is False:
            return 0
        if value is True:
            return 1
        if not issubclass(type(value), int):
            raise _errors.wrong_type(about, "bool", value)
        number = int.__add__(value, 0)
        if number not in (0, 1):
            self.refuse(_errors.NOT_0_OR_1, about, number)
        return number

    def sequence(self, value: Any, about: str) -> tuple[Any, ...]:
        """A snapshot of a tuple or list."""
        if issubclass(type(value), tuple):
            return tuple.__getitem__(value, slice(None))
        if issubclass(type(value), list):
            return tuple(list.copy(value))
        raise _errors.wrong_type(about, "a tuple or list", value)

    def _prefixed(self, encoded: bytes | memoryview, about: str) -> None:
        size = len(encoded)
        if size > 0xFFFF:
            self.refuse(_errors.TOO_LONG, about, size)  # [U36] [MQTT-4.7.3-3]
        body = self.body
        # Of what no packet can hold no more is written: a list may name one long string many times.
        if len(body) > _spec.MAXIMUM_REMAINING_LENGTH:
            self.refuse(_errors.ENCODED_TOO_LARGE)  # [U36]
        body += two_bytes(size)
        body += encoded

    def binary(self, value: object, about: str) -> None:
        """Binary Data (1.5.6)."""
        if type(value) is bytes:
            self._prefixed(value, about)
        else:
            with byte_view(value, about) as view:
                self._prefixed(view, about)

    def string(self, value: Any, about: str) -> str:
        """A UTF-8 Encoded String (1.5.4); returns it as an exact str."""
        if type(value) is not str:
            if not issubclass(type(value), str):
                raise _errors.wrong_type(about, "str", value)
            value = str.__str__(value)
        try:
            encoded = value.encode()
        except UnicodeEncodeError:
            self.refuse(_errors.ILL_FORMED_UTF8, about)  # [MQTT-1.5.4-1]
        self._prefixed(encoded, about)
        if "\0" in value:
            self.refuse(_errors.NULL_CHARACTER, about)  # [MQTT-1.5.4-2]
        return value  # type: ignore[no-any-return]

    def topic_name(self, value: object, about: str) -> str:
        """A topic name, which may be empty."""
        text = self.string(value, about)
        self.refuse_topic(text, topic_name_fault(text), about)
        return text

    def topic_filter(self, value: object, about: str) -> str:
        text = self.string(value, about)
        if not text:
            self.refuse(_errors.TOPIC_EMPTY, about)  # [MQTT-4.7.3-1]
        self.refuse_topic(text, topic_filter_fault(text, self.version), about)
        return text

    def refuse_topic(self, text: str, found: tuple[_errors.Fault, int] | None, about: str) -> None:
        if found:
            fault, at = found
            self.refuse(fault, about, text[at : at + 1])

    def packet_identifier(self, value: object, about: str) -> None:
        """The identifier of `about`, a packet."""
        if self.number(value, 2, "packet_id") == 0:
            self.refuse(_errors.PACKET_ID_ZERO, about)  # [MQTT-2.2.1-3] [U24]
