"""Writes numbers and strings as bytes: `_writer_c.pxd` in plain Python."""

from __future__ import annotations

import struct
from typing import Any, NoReturn

from . import _errors, _spec
from ._arguments_py import byte_view, integer
from ._enums import QoS, RetainHandling
from ._text_py import topic_filter_fault, topic_name_fault

two_bytes = struct.Struct(">H").pack
_ONE_BYTE = [bytes((value,)) for value in range(0x80)]
_MAXIMUM_REMAINING_LENGTH = _spec.MAXIMUM_REMAINING_LENGTH


def variable_integer(value: int) -> bytes:
    """A Variable Byte Integer (1.5.5) in its shortest form. `value` must be in range."""
    if value < 0x80:
        return _ONE_BYTE[value]
    if value < 0x4000:
        return bytes((value & 0x7F | 0x80, value >> 7))
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def absent(value: Any) -> bool:
    """Whether a field that holds several values has none: None, or an empty tuple or list."""
    if issubclass(type(value), tuple):
        return tuple.__len__(value) == 0
    return value is None or (issubclass(type(value), list) and list.__len__(value) == 0)


def two_bits(value: object, about: str) -> int:
    """The bits of a QoS or another number from 0 to 2. Returns 3, which is never valid, for any other int."""
    if type(value) is QoS or type(value) is RetainHandling:
        return value
    number = integer(value, about)
    return number if 0 <= number <= 2 else 3


class Writer:
    """Collects the body of one packet. The payload of a PUBLISH is kept apart, so that it need not be copied."""

    __slots__ = ("body", "payload", "version")

    def __init__(self, version: int) -> None:
        self.body = bytearray()
        self.payload: bytes | memoryview = b""
        self.version = version

    def refuse(self, fault: _errors.Fault, about: str = "", found: object = None) -> NoReturn:
        raise fault.encoding(self.version, about, found) from None

    def number(self, value: object, size: int, about: str) -> int:
        """Write an unsigned integer of two or four bytes; returns its value."""
        number = value if type(value) is int else integer(value, about)
        if not 0 <= number < (0x1_0000 if size == 2 else 0x1_0000_0000):
            self.refuse(_errors.NOT_TWO_BYTES if size == 2 else _errors.NOT_FOUR_BYTES, about, number)
        self.body += number.to_bytes(size, "big")
        return number

    def flag(self, value: Any, about: str) -> int:
        """The bit of a flag, 0 or 1. Accepts True, False and ints of these values."""
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
        """The items of a tuple or list, as an exact tuple that cannot change."""
        if issubclass(type(value), tuple):
            return tuple.__getitem__(value, slice(None))
        if issubclass(type(value), list):
            return tuple(list.copy(value))
        raise _errors.wrong_type(about, "a tuple or list", value)

    def _prefixed(self, encoded: bytes | memoryview, about: str) -> None:
        size = len(encoded)
        body = self.body
        if size > 0xFFFF or len(body) > _MAXIMUM_REMAINING_LENGTH:
            self._refuse_size(size, about)
        body += two_bytes(size)
        body += encoded

    def _refuse_size(self, size: int, about: str) -> NoReturn:
        if size > 0xFFFF:
            self.refuse(_errors.TOO_LONG, about, size)  # [U36] [MQTT-4.7.3-3]
        # Stop once the packet exceeds the limit. A list may hold one long string many times, and without this check
        # the buffer would grow far beyond the largest packet.
        self.refuse(_errors.ENCODED_TOO_LARGE)  # [U36]

    def binary(self, value: object, about: str) -> None:
        """Write Binary Data (1.5.6)."""
        if type(value) is bytes:
            self._prefixed(value, about)
        else:
            with byte_view(value, about) as view:
                self._prefixed(view, about)

    def string(self, value: Any, about: str) -> str:
        """Write a UTF-8 Encoded String (1.5.4); returns it as an exact str."""
        if type(value) is not str:
            if not issubclass(type(value), str):
                raise _errors.wrong_type(about, "str", value)
            value = str.__str__(value)
        try:
            encoded = value.encode()
        except UnicodeEncodeError:
            self.refuse(_errors.ILL_FORMED_UTF8, about)  # [MQTT-1.5.4-1]
        size = len(encoded)
        body = self.body
        # The same as `_prefixed`, written out: most fields are strings, and the call would take longer than the work.
        if size > 0xFFFF or len(body) > _MAXIMUM_REMAINING_LENGTH:
            self._refuse_size(size, about)
        body += two_bytes(size)
        body += encoded
        if "\0" in value:
            self.refuse(_errors.NULL_CHARACTER, about)  # [MQTT-1.5.4-2]
        return value  # type: ignore[no-any-return]

    def topic_name(self, value: object, about: str) -> str:
        """Write a topic name, which may be empty; returns it as an exact str."""
        text = self.string(value, about)
        if found := topic_name_fault(text):
            self.refuse_topic(text, found, about)
        return text

    def topic_filter(self, value: object, about: str) -> str:
        text = self.string(value, about)
        if not text:
            self.refuse(_errors.TOPIC_EMPTY, about)  # [MQTT-4.7.3-1]
        if found := topic_filter_fault(text, self.version):
            self.refuse_topic(text, found, about)
        return text

    def refuse_topic(self, text: str, found: tuple[_errors.Fault, int], about: str) -> NoReturn:
        """Raise the error for the fault that a topic check found in `text`."""
        fault, at = found
        self.refuse(fault, about, text[at : at + 1])

    def packet_identifier(self, value: object, about: str) -> None:
        """Write a packet identifier; `about` names the packet in an error."""
        if self.number(value, 2, "packet_id") == 0:
            self.refuse(_errors.PACKET_ID_ZERO, about)  # [MQTT-2.2.1-3] [U24]
