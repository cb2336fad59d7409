"""Reads numbers and strings from bytes: `_reader_c.pxd` in plain Python.

A `Cursor` reads one packet. This file has the rules for single fields; `_writer_py.py` has them for the encoder. Rules
for whole packets are in `_decode_py.py` and `_encode_py.py`.
"""

from __future__ import annotations

import struct
from typing import Any, NoReturn

from . import _errors
from ._arguments_py import copied
from ._enums import Role
from ._text_py import topic_filter_fault, topic_name_fault

_FOUR_BYTES = struct.Struct(">I")


def read_length(
    data: Any, start: int, end: int, first_byte: int, version: int, known: int | None
) -> tuple[int, int] | None:
    """The Remaining Length of the packet at `start` (2.1.4) and the index of its body, or None if it is incomplete.

    An error reports the version `known` and the packet type in `first_byte`.
    """
    if end - start < 2:
        return None
    byte = data[start + 1]
    if byte < 0x80:
        return byte, start + 2
    remaining_length = byte & 0x7F
    shift = 7
    position = start + 2
    while position < end:
        byte = data[position]
        if byte >= 0x80 and shift == 21:
            refuse_length(_errors.LENGTH_TOO_LONG, 4, first_byte, version, known)  # [U01]
        if byte == 0:
            offset = position - start
            refuse_length(_errors.LENGTH_NOT_SHORTEST, offset, first_byte, version, known)  # [MQTT-1.5.5-1]
        remaining_length |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return remaining_length, position
        shift += 7
    return None


def refuse_length(fault: _errors.Fault, offset: int, first_byte: int, version: int, known: int | None) -> NoReturn:
    raise fault.decoding(version, offset, "Remaining Length", None, known, first_byte >> 4)


class Cursor:
    """A position in the body of one packet. `data` is bytes.

    Invariant: start <= position <= end. Nothing outside is read. `start` is the first byte of the packet, because
    offsets in errors count from there. While a property list is read, `end` is the end of the list. `known` is the
    version that errors report: None until the protocol level of a CONNECT was read. `bridge` says whether a CONNECT may
    announce a bridge.
    """

    __slots__ = (
        "bridge",
        "data",
        "end",
        "in_properties",
        "known",
        "packet_type",
        "position",
        "role",
        "start",
        "version",
    )

    def __init__(
        self,
        data: Any,
        start: int,
        position: int,
        end: int,
        packet_type: int,
        version: int,
        known: int | None,
        role: Role | None,
        bridge: bool,
    ) -> None:
        self.data = data
        self.start = start
        self.position = position
        self.end = end
        self.packet_type = packet_type
        self.version = version
        self.known = known
        self.role = role
        self.bridge = bridge
        self.in_properties = False

    def fail(
        self, fault: _errors.Fault, offset: int | None, about: str = "", found: object = None, **details: Any
    ) -> NoReturn:
        """Raise the error for a fault at `offset` of `data`, or at no single byte if it is None."""
        raise fault.decoding(
            self.version,
            offset if offset is None else offset - self.start,
            about,
            found,
            self.known,
            self.packet_type,
            **details,
        ) from None

    def missing(self, about: str) -> NoReturn:
        """Raise the error for a field that should begin at the cursor but does not fit."""
        self.fail(_errors.PROPERTY_CUT if self.in_properties else _errors.FIELD_MISSING, self.position, about)

    def cut(self, about: str, size: int) -> NoReturn:
        """Raise the error for a field whose length prefix, at the cursor, exceeds the bytes that are left."""
        self.fail(_errors.PROPERTY_CUT if self.in_properties else _errors.FIELD_CUT, self.position, about, size)

    def take(self, size: int) -> bytes:
        """Read `size` bytes. The caller must have checked that they are there."""
        position = self.position
        self.position = end = position + size
        return self.data[position:end]  # type: ignore[no-any-return]

    def byte(self, about: str) -> int:
        position = self.position
        if position == self.end:
            self.missing(about)
        self.position = position + 1
        return self.data[position]  # type: ignore[no-any-return]

    def two_bytes(self, about: str) -> int:
        position = self.position
        if self.end - position < 2:
            self.missing(about)
        self.position = position + 2
        return self.data[position] << 8 | self.data[position + 1]  # type: ignore[no-any-return]

    def four_bytes(self, about: str) -> int:
        position = self.position
        if self.end - position < 4:
            self.missing(about)
        self.position = position + 4
        return _FOUR_BYTES.unpack_from(self.data, position)[0]  # type: ignore[no-any-return]

    def variable_integer(self, about: str, not_shortest: _errors.Fault = _errors.LENGTH_NOT_SHORTEST) -> int:
        """Read a Variable Byte Integer (1.5.5)."""
        value = shift = 0
        while True:
            if self.position == self.end:
                self.missing(about)
            byte: int = self.data[self.position]
            if byte < 0x80 and shift == 0:
                self.position += 1
                return byte
            if byte >= 0x80 and shift == 21:
                self.fail(_errors.LENGTH_TOO_LONG, self.position, about)  # [U01]
            if byte == 0:
                self.fail(not_shortest, self.position, about)  # [MQTT-1.5.5-1]
            self.position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def length_prefixed(self, about: str) -> int:
        """Read the two-byte length of a field, and check that the field is complete."""
        position = self.position
        left = self.end - position - 2
        if left < 0:
            self.missing(about)
        size: int = self.data[position] << 8 | self.data[position + 1]
        if size > left:
            self.cut(about, size)
        self.position = position + 2
        return size

    def keep(self, size: int) -> bytes:
        """Like `take`, for bytes that become binary data of the packet."""
        return self.take(size)

    def binary(self, about: str) -> bytes:
        """Read Binary Data (1.5.6)."""
        return self.keep(self.length_prefixed(about))

    def refuse_text(self, text: str, found: tuple[_errors.Fault, int], about: str) -> NoReturn:
        """Raise the error for the fault that a topic check found in the text that was just read."""
        fault, at = found
        offset = self.position - len(text[at:].encode())
        self.fail(fault, offset, about, text[at : at + 1])

    def string(self, about: str) -> str:
        """Read a UTF-8 Encoded String (1.5.4)."""
        size = self.length_prefixed(about)
        start = self.position
        encoded = self.take(size)
        try:
            text = encoded.decode()
        except UnicodeDecodeError as error:
            at = start + error.start
            self.fail(_errors.ILL_FORMED_UTF8, at, about)  # [MQTT-1.5.4-1]
        if "\0" in text:
            at = start + encoded.index(0)
            self.fail(_errors.NULL_CHARACTER, at, about)  # [MQTT-1.5.4-2]
        return text

    def topic_name(self, about: str) -> str:
        """Read a topic name, which may be empty."""
        text = self.string(about)
        if found := topic_name_fault(text):
            self.refuse_text(text, found, about)
        return text

    def topic_filter(self, about: str) -> str:
        text = self.string(about)
        if not text:
            self.fail(_errors.TOPIC_EMPTY, self.position - 2, about)  # [MQTT-4.7.3-1]
        if found := topic_filter_fault(text, self.version):
            self.refuse_text(text, found, about)
        return text

    def packet_identifier(self, about: str) -> int:
        """Read a packet identifier; `about` names the packet in an error."""
        identifier = self.two_bytes("packet_id")
        if identifier == 0:
            self.fail(_errors.PACKET_ID_ZERO, self.position - 2, about)  # [MQTT-2.2.1-3] [MQTT-2.2.1-4] [U24]
        return identifier

    def finish(self, about: str) -> None:
        """Check that no bytes follow the last field; `about` names the packet in an error."""
        if self.position != self.end:
            self.fail(_errors.LEFT_OVER, self.position, about, self.end - self.position)  # [U22]


class ViewCursor(Cursor):
    """A cursor over a view of the caller's buffer. Bytes are copied first, and checked in the copy."""

    __slots__ = ()

    def take(self, size: int) -> bytes:
        position = self.position
        self.position = end = position + size
        return copied(self.data, position, end)


class KeepingCursor(ViewCursor):
    """A cursor that returns binary data as read-only views of the buffer."""

    __slots__ = ("views",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.views: list[memoryview] = []

    def keep(self, size: int) -> Any:
        position = self.position
        self.position = end = position + size
        with self.data[position:end] as part:
            view = part.toreadonly()
        self.views.append(view)
        return view

    def fail(self, *arguments: Any, **details: Any) -> NoReturn:
        """Release the views first: a rejected packet is not returned, so nothing else would release them."""
        for view in self.views:
            view.release()
        super().fail(*arguments, **details)
