"""The functions users call: `_codec_c.pyx` in plain Python.

One packet at a time: its fixed header is judged, then `_decode_py.py` reads its body. `Decoder`, for streams, stands in
`_stream_py.py`, and is here for those who load an implementation whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import _errors, _spec
from ._decode_py import decode_body
from ._encode_py import encode_head
from ._enums import MQTTv5
from ._packets_py import Packet, Publish
from ._spec import FixedHeader
from ._stream_py import Decoder as Decoder
from ._wire_py import byte_view, checked_version, cursor_for, read_length

_BytesLike = Any


def decode(buffer: _BytesLike, version: int = MQTTv5, *, copy: bool = True) -> Packet:
    """Decode exactly one packet.

    `buffer` is C-contiguous bytes: bytes, bytearray, memoryview, mmap, array('B'); it is not held afterwards. `version`
    is that of the connection; a CONNECT carries its own. With `copy=False`, payload and other binary data are read-only
    memoryviews of `buffer` and keep it alive.

    Raises `IncompletePacketError` when the packet goes on after `buffer`, and `MalformedPacketError`, `ProtocolError`
    or `UnsupportedVersionError` when it is none, or bytes follow it.
    """
    data = buffer if type(buffer) is bytes and copy else byte_view(buffer)
    packet, end = _decode_at(data, 0, version, copy)
    if end != len(data):
        raise _errors.TRAILING_BYTES.decoding(checked_version(version), end, "", len(data) - end)
    return packet


def decode_from(buffer: _BytesLike, offset: int = 0, version: int = MQTTv5, *, copy: bool = True) -> tuple[Packet, int]:
    """Decode the packet at `offset` of `buffer`; returns it and the offset behind it. Otherwise as `decode`.

    The `offset` of an error counts from the start of the packet. Raises `ValueError` for an offset outside the buffer.
    """
    data = buffer if type(buffer) is bytes and copy else byte_view(buffer)
    return _decode_at(data, _checked_offset(offset, len(data)), version, copy)


def _decode_at(data: bytes | memoryview, start: int, version: int, copy: bool) -> tuple[Packet, int]:
    if version is not MQTTv5:
        version = checked_version(version)
    size = len(data)
    if start == size:
        raise _incomplete(version, 0)
    first_byte = data[start]
    fault = _spec.first_byte_faults(version, None, False)[first_byte]
    if fault is not None:
        raise _spec.first_byte_error(fault, first_byte, version)
    header = read_length(data, start, size, version)
    if header is None:
        raise _incomplete(version, size - start)
    remaining_length, body = header
    end = body + remaining_length
    if end > size:
        raise _incomplete(version, size - start)
    cursor = cursor_for(data, copy)(data, start, body, end, version, None)
    return decode_body(cursor, first_byte), end


def _incomplete(version: int, size: int) -> _errors.IncompletePacketError:
    error = _errors.INCOMPLETE.decoding(version, size, "", size)
    assert isinstance(error, _errors.IncompletePacketError)
    return error


def _checked_offset(offset: object, size: int) -> int:
    if not isinstance(offset, int):
        raise _errors.wrong_type("offset", "int", offset)
    if not 0 <= offset <= size:
        raise _errors.bad_value("offset", f"0 to {size}, the size of the buffer", offset)
    return int(offset)


def peek(buffer: _BytesLike, offset: int = 0) -> FixedHeader | None:
    """The fixed header at `offset` of `buffer`; None while bytes of it are missing.

    Judges the form of the Remaining Length and nothing else: raises `MalformedPacketError` for it, and `ValueError` for
    an offset outside the buffer.
    """
    data = buffer if type(buffer) is bytes else byte_view(buffer)
    start = _checked_offset(offset, len(data))
    header = read_length(data, start, len(data), MQTTv5)
    if header is None:
        return None
    remaining_length, body = header
    return _spec.fixed_header(data[start], remaining_length, body - start)


def encode(packet: Packet, version: int = MQTTv5) -> bytes:
    """The bytes of a packet; a CONNECT is written in its own `protocol_version`.

    Raises `EncodeError` for what `decode` would refuse and for what `version` cannot carry, `TypeError`, which names
    the field, for values of the wrong Python type. Properties come in the order of the packet's fields, everything in
    its shortest form.
    """
    return b"".join(encode_head(packet, checked_version(version)))


def encode_many(packets: Iterable[Packet], version: int = MQTTv5) -> bytes:
    """The bytes of several packets, one after the other. Raises as `encode`, and then writes none."""
    version = checked_version(version)
    parts: list[bytes | memoryview] = []
    for packet in packets:
        parts += encode_head(packet, version)
    return b"".join(parts)


def encode_into(packet: Packet, buffer: _BytesLike, offset: int = 0, version: int = MQTTv5) -> int:
    """Write a packet into a writable buffer of bytes, from `offset` on; returns the offset behind it.

    Raises as `encode`; `EncodeError` also when the buffer is too small, `ValueError` for an offset outside it,
    `BufferError` when it is read-only. The buffer is untouched then.
    """
    target = byte_view(buffer)
    if target.readonly:
        raise _errors.read_only()
    start = _checked_offset(offset, len(target))
    version = checked_version(version)
    head, payload = encode_head(packet, version)
    middle = start + len(head)
    end = middle + len(payload)
    if end > len(target):
        raise _errors.BUFFER_TOO_SMALL.encoding(version, "", end - start)
    # The payload first: it may lie in the same buffer, where the head would overwrite it.
    target[middle:end] = payload
    target[start:middle] = head
    return end


def encode_parts(packet: Packet, version: int = MQTTv5) -> tuple[bytes, _BytesLike]:
    """What comes before the payload as bytes, and the payload of a PUBLISH as the object given, not copied (else b"").

    For `writelines` and `sendmsg`. Raises as `encode`.
    """
    head, _ = encode_head(packet, checked_version(version))
    return head, packet.payload if type(packet) is Publish else b""


def encoded_size(packet: Packet, version: int = MQTTv5) -> int:
    """The number of bytes `encode` would return. Raises as `encode`."""
    head, payload = encode_head(packet, checked_version(version))
    return len(head) + len(payload)
