"""How bytes become numbers and strings: `_wire_c.pxd` in plain Python.

`Cursor` reads one packet. Rules about a single field stand here, and in `_writer_py.py` for the other direction; rules
about a packet in `_decode_py.py` and `_encode_py.py`.
"""

from __future__ import annotations

import re
import struct
import sys
from typing import TYPE_CHECKING, Any

from . import _errors, _spec
from ._enums import MQTTv5, ProtocolVersion, Role

if TYPE_CHECKING:
    from typing_extensions import Buffer as Buffer
elif sys.version_info >= (3, 12):
    from collections.abc import Buffer
else:
    Buffer = Any

# Whether a class written in Python can be a buffer, by its `__buffer__`.
_ASKS_FOR_BUFFERS = sys.version_info >= (3, 12) or sys.implementation.name == "pypy"
_BYTE_FORMATS = ("b", "B", "c", "?")
_WILDCARD = re.compile("[+#]")
# One that does not begin its level, that does not fill it, or is '#' and not the last character.
_MISPLACED_WILDCARD = re.compile(r"[+#](?:(?<=[^/].)|(?<=\+)[^/]|(?<=#).)", re.DOTALL)
_FOUR_BYTES = struct.Struct(">I")


def checked_version(version: Any) -> int:
    """The `version` argument of a function, 3, 4 or 5."""
    if type(version) is ProtocolVersion:
        return version
    if not issubclass(type(version), int):
        raise _errors.wrong_type("version", "a ProtocolVersion", version)
    number = int.__add__(version, 0)
    if number not in (3, 4, 5):
        raise _errors.bad_value("version", "3, 4 or 5", version)
    return number


def index(value: Any, about: str) -> int:
    """The value of an int argument, whatever methods a subclass has."""
    if type(value) is int:
        return value
    if not issubclass(type(value), int):
        raise _errors.wrong_type(about, "int", value)
    return int.__add__(value, 0)  # On PyPy `int.__index__` calls the subclass's own method.


def byte_view(buffer: Any, about: str = "buffer") -> memoryview:
    """A view of the bytes of any buffer, for the caller to release."""
    try:
        view = memoryview(buffer)
    except TypeError:
        if _ASKS_FOR_BUFFERS and hasattr(type(buffer), "__buffer__"):
            raise  # The owner's own error.
        raise _errors.wrong_type(about, "a bytes-like object", buffer) from None
    if view.format.removeprefix("@") not in _BYTE_FORMATS or not view.c_contiguous:
        view.release()
        raise _errors.not_bytes(about)
    if view.format == "B" and view.ndim == 1:
        return view
    with view:
        return view.cast("B")


def copied(data: bytes | bytearray | memoryview, start: int, end: int) -> bytes:
    """The bytes from `start` to `end`. Without reference counting, a slice of a view has to be released."""
    if type(data) is not memoryview:
        return bytes(data[start:end])
    with data[start:end] as part:
        return bytes(part)


def read_length(
    data: Any, start: int, end: int, first_byte: int, version: int, known: int | None
) -> tuple[int, int] | None:
    """The Remaining Length (2.1.4) of the packet at `start`, and where its body begins; None when bytes are missing.

    An error reports the version `known`, and the packet type of `first_byte`.
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
            raise _length_error(_errors.LENGTH_TOO_LONG, 4, first_byte, version, known)  # [U01]
        if byte == 0:
            offset = position - start
            raise _length_error(_errors.LENGTH_NOT_SHORTEST, offset, first_byte, version, known)  # [MQTT-1.5.5-1]
        remaining_length |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return remaining_length, position
        shift += 7
    return None


def _length_error(
    fault: _errors.Fault, offset: int, first_byte: int, version: int, known: int | None
) -> _errors.DecodeError:
    return fault.decoding(version, offset, "Remaining Length", None, known, first_byte >> 4)


def topic_name_fault(text: str) -> tuple[_errors.Fault, int] | None:
    """What is wrong with a topic name that is not empty, and at which character (4.7.1)."""
    if "+" in text or "#" in text:
        match = _WILDCARD.search(text)
        assert match
        return _errors.TOPIC_WILDCARD, match.start()  # [MQTT-3.3.2-2]
    return None


def topic_filter_fault(text: str, version: int) -> tuple[_errors.Fault, int] | None:
    """What is wrong with a topic filter that is not empty, and at which character (4.7.1, 4.8.2)."""
    first = 0
    if version == MQTTv5 and text.startswith("$share/"):
        slash = text.find("/", 7)
        share_name = text[7:slash] if slash >= 0 else text[7:]
        if not share_name:
            return _errors.SHARE_NAME_EMPTY, 7  # [MQTT-4.8.2-1]
        if "+" in share_name or "#" in share_name or slash < 0 or slash == len(text) - 1:
            return _errors.SHARE_NAME, 7  # [MQTT-4.8.2-2]
        first = slash + 1
    if "+" not in text and "#" not in text:
        return None
    match = _MISPLACED_WILDCARD.search(text, first)
    if match:
        at = match.start()
        if text[at] == "#":
            return _errors.FILTER_HASH, at  # [MQTT-4.7.1-1]
        return _errors.FILTER_PLUS, at  # [MQTT-4.7.1-2]
    return None


class Cursor:
    """A place in the body of one packet: start <= position <= end, and nothing outside is read.

    `data` is bytes. `start` is where the packet begins, so that offsets count from its first byte. While properties are
    read, `end` is theirs. `known` is the version that errors report: None until a CONNECT has given its own.
    """

    __slots__ = ("data", "end", "in_properties", "known", "packet_type", "position", "role", "start", "version")

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
    ) -> None:
        self.data = data
        self.start = start
        self.position = position
        self.end = end
        self.packet_type = packet_type
        self.version = version
        self.known = known
        self.role = role
        self.in_properties = False

    def take(self, size: int) -> bytes:
        """The next `size` bytes, which the caller knows to be there."""
        position = self.position
        self.position = end = position + size
        return self.data[position:end]  # type: ignore[no-any-return]

    def keep(self, size: int) -> bytes:
        """As `take`, for what the packet holds as binary data."""
        return self.take(size)

    def fail(
        self, fault: _errors.Fault, offset: int | None, about: str = "", found: object = None, **details: Any
    ) -> _errors.DecodeError:
        """The error for a fault at `offset` of `data`."""
        return fault.decoding(
            self.version,
            offset if offset is None else offset - self.start,
            about,
            found,
            self.known,
            self.packet_type,
            **details,
        )

    def missing(self, about: str) -> _errors.DecodeError:
        """The error for a field that should begin here, and does not fit."""
        return self.fail(_errors.PROPERTY_CUT if self.in_properties else _errors.FIELD_MISSING, self.position, about)

    def byte(self, about: str) -> int:
        position = self.position
        if position == self.end:
            raise self.missing(about)
        self.position = position + 1
        return self.data[position]  # type: ignore[no-any-return]

    def two_bytes(self, about: str) -> int:
        position = self.position
        if self.end - position < 2:
            raise self.missing(about)
        self.position = position + 2
        return self.data[position] << 8 | self.data[position + 1]  # type: ignore[no-any-return]

    def four_bytes(self, about: str) -> int:
        position = self.position
        if self.end - position < 4:
            raise self.missing(about)
        self.position = position + 4
        return _FOUR_BYTES.unpack_from(self.data, position)[0]  # type: ignore[no-any-return]

    def variable_integer(self, about: str, not_shortest: _errors.Fault = _errors.LENGTH_NOT_SHORTEST) -> int:
        """A Variable Byte Integer (1.5.5)."""
        value = shift = 0
        while True:
            if self.position == self.end:
                raise self.missing(about)
            byte: int = self.data[self.position]
            if byte < 0x80 and shift == 0:
                self.position += 1
                return byte
            if byte >= 0x80 and shift == 21:
                raise self.fail(_errors.LENGTH_TOO_LONG, self.position, about)  # [U01]
            if byte == 0:
                raise self.fail(not_shortest, self.position, about)  # [MQTT-1.5.5-1]
            self.position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def length(self, about: str) -> int:
        """The two-byte length of a field all of which is there."""
        position = self.position
        left = self.end - position - 2
        if left < 0:
            raise self.missing(about)
        size: int = self.data[position] << 8 | self.data[position + 1]
        if size > left:
            cut = _errors.PROPERTY_CUT if self.in_properties else _errors.FIELD_CUT
            raise self.fail(cut, position, about, size)
        self.position = position + 2
        return size

    def binary(self, about: str) -> bytes:
        """Binary Data (1.5.6)."""
        return self.keep(self.length(about))

    def string(self, about: str) -> str:
        """A UTF-8 Encoded String (1.5.4)."""
        size = self.length(about)
        start = self.position
        encoded = self.take(size)
        try:
            text = encoded.decode()
        except UnicodeDecodeError as error:
            at = start + error.start
            raise self.fail(_errors.ILL_FORMED_UTF8, at, about) from None  # [MQTT-1.5.4-1]
        if "\0" in text:
            at = start + encoded.index(0)
            raise self.fail(_errors.NULL_CHARACTER, at, about)  # [MQTT-1.5.4-2]
        return text

    def topic_name(self, about: str) -> str:
        """A topic name, which may be empty."""
        text = self.string(about)
        self._refuse(text, topic_name_fault(text), about)
        return text

    def topic_filter(self, about: str) -> str:
        text = self.string(about)
        if not text:
            raise self.fail(_errors.TOPIC_EMPTY, self.position - 2, about)  # [MQTT-4.7.3-1]
        self._refuse(text, topic_filter_fault(text, self.version), about)
        return text

    def _refuse(self, text: str, found: tuple[_errors.Fault, int] | None, about: str) -> None:
        if found:
            fault, at = found
            offset = self.position - len(text[at:].encode())
            raise self.fail(fault, offset, about, text[at : at + 1])

    def packet_identifier(self, about: str) -> int:
        """The identifier of `about`, a packet."""
        identifier = self.two_bytes("packet_id")
        if identifier == 0:
            raise self.fail(_errors.PACKET_ID_ZERO, self.position - 2, about)  # [MQTT-2.2.1-3] [MQTT-2.2.1-4] [U24]
        return identifier

    def reason_code(self) -> Any:
        """The next byte as a reason code, which the other side must be allowed to send."""
        member = self.reason_code_of(self.byte("reason_code"))
        if self.role is not None:
            self.check_sender(member, self.position - 1)
        return member

    def reason_code_of(self, code: int) -> Any:
        """The reason code of a byte that was just read."""
        member = _spec.reason_codes(self.packet_type, self.version)[code]
        if member is None:
            raise self.fail(_errors.REASON_CODE, self.position - 1, _spec.place_name(self.packet_type), code)
        return member

    def check_sender(self, code: int, offset: int | None) -> None:
        """Refuse a reason code that only this side sends (the columns "Sent by" of the standard's tables)."""
        fault = _spec.sender_fault(self.packet_type, code, self.role)
        if fault is not None:
            raise self.fail(fault, offset, _spec.place_name(self.packet_type), code)

    def finish(self, about: str) -> None:
        """See that nothing follows the last field of `about`, a packet."""
        if self.position != self.end:
            raise self.fail(_errors.LEFT_OVER, self.position, about, self.end - self.position)  # [U22]


class ViewCursor(Cursor):
    """A cursor over a view of someone else's buffer: what is taken is copied, and checked in the copy."""

    __slots__ = ()

    def take(self, size: int) -> bytes:
        position = self.position
        self.position = end = position + size
        return copied(self.data, position, end)


class KeepingCursor(ViewCursor):
    """A cursor that hands out binary data as views of the buffer."""

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

    def fail(self, *arguments: Any, **details: Any) -> _errors.DecodeError:
        """Nobody gets the views of a packet that is refused."""
        for view in self.views:
            view.release()
        return super().fail(*arguments, **details)
