"""The functions users call: `_codec_c.pyx` in plain Python.

One packet at a time: its fixed header is judged, then `_decode_py.py` reads its body. `Decoder`, for streams, stands in
`_stream_py.py`, and is here so that `_backend.py` finds all in one module.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import _errors, _spec
from ._arguments_py import Buffer, byte_view, checked_version, integer
from ._decode_py import decode_body
from ._encode_py import encode_head, release
from ._enums import MQTTv5, PacketType, ProtocolVersion
from ._packets_py import Connect, Packet, Publish
from ._reader_py import read_length
from ._spec import FixedHeader
from ._stream_py import Decoder as Decoder

_CONNECT = int(PacketType.CONNECT)  # As a plain number: to name a member of an enum takes 50 ns.
_FIRST_BYTE_FAULTS: dict[int, tuple[_errors.Fault | None, ...]] = {
    version: _spec.first_byte_faults(version, None, False) for version in ProtocolVersion
}


def decode(buffer: Buffer, version: int = MQTTv5, *, copy: bool = True) -> Packet:
    """Decode exactly one packet.

    `buffer` is C-contiguous bytes: bytes, bytearray, memoryview, mmap, array('B'); it is not held afterwards. `version`
    is that of the connection; a CONNECT carries its own. With `copy=False`, payload and other binary data are read-only
    memoryviews of `buffer` and keep it alive.

    Raises `IncompletePacketError` when the packet goes on after `buffer`, and `MalformedPacketError`, `ProtocolError`
    or `UnsupportedVersionError` when it is none, or bytes follow it; `TypeError` or `BufferError` for what is no bytes,
    `ValueError` for a `version` other than 3, 4 and 5.
    """
    if type(buffer) is bytes and copy:
        return _decode_at(buffer, 0, True, version, True)[0]
    return _decode_buffer(buffer, 0, True, version, copy)[0]


def decode_from(buffer: Buffer, offset: int = 0, version: int = MQTTv5, *, copy: bool = True) -> tuple[Packet, int]:
    """Decode the packet at `offset` of `buffer`; returns it and the offset behind it. Otherwise as `decode`.

    The `offset` of an error counts from the start of the packet. Raises `ValueError` for an offset outside the buffer.
    """
    return _decode_buffer(buffer, offset, False, version, copy)


def _decode_buffer(buffer: Buffer, offset: int, is_whole: bool, version: int, copy: bool) -> tuple[Packet, int]:
    """The packet at `offset` of any buffer, and the offset behind it."""
    if type(buffer) is bytes and copy:
        return _decode_at(buffer, _checked_offset(offset, len(buffer)), is_whole, version, copy)
    with byte_view(buffer) as data:
        try:
            return _decode_at(data, _checked_offset(offset, len(data)), is_whole, version, copy)
        except _errors.DecodeError as error:
            failure = _errors.fresh(error)
    # Raised anew: the frames of the first traceback hold views of the caller's buffer.
    try:
        raise failure
    finally:
        del failure  # Its traceback holds this frame, which holds the buffer.


def _decode_at(data: bytes | memoryview, start: int, is_whole: bool, version: int, copy: bool) -> tuple[Packet, int]:
    if version is not MQTTv5:
        version = checked_version(version)
    size = len(data)
    if start == size:
        raise _incomplete(version, 0, version, None)
    first_byte = data[start]
    # A CONNECT has a version of its own.
    known = None if first_byte >> 4 == _CONNECT else version
    fault = _FIRST_BYTE_FAULTS[version][first_byte]
    if fault is not None:
        raise _spec.first_byte_error(fault, first_byte, version, known)
    header = read_length(data, start, size, first_byte, version, known)
    if header is None:
        raise _incomplete(version, size - start, known, first_byte >> 4)
    remaining_length, body = header
    end = body + remaining_length
    if end > size:
        raise _incomplete(version, size - start, known, first_byte >> 4)
    is_followed = is_whole and end != size
    # Nobody gets the views of a packet that is refused.
    packet = decode_body(data, start, body, end, first_byte, version, known, None, copy or is_followed)
    if is_followed:
        known = packet.protocol_version if type(packet) is Connect else version
        raise _errors.TRAILING_BYTES.decoding(version, end, "", size - end, known, first_byte >> 4)
    return packet, end


def _incomplete(version: int, size: int, known: int | None, packet_type: int | None) -> _errors.DecodeError:
    return _errors.INCOMPLETE.decoding(version, size, "", size, known, packet_type)


def _checked_offset(offset: object, size: int) -> int:
    number = integer(offset, "offset")
    if not 0 <= number <= size:
        raise _errors.bad_value("offset", f"0 to {size}, the size of the buffer", offset)
    return number


def peek(buffer: Buffer, offset: int = 0) -> FixedHeader | None:
    """The fixed header at `offset` of `buffer`; None while bytes of it are missing.

    Judges the form of the Remaining Length (2.1.4) and nothing else: raises `MalformedPacketError` for it, `ValueError`
    for an offset outside the buffer, `TypeError` or `BufferError` for a buffer that is no bytes.
    """
    with byte_view(buffer) as data:
        start = _checked_offset(offset, len(data))
        if start == len(data):
            return None
        first_byte = data[start]
        header = read_length(data, start, len(data), first_byte, MQTTv5, None)
        if header is None:
            return None
        remaining_length, body = header
        return _spec.fixed_header(first_byte, remaining_length, body - start)


def encode(packet: Packet, version: int = MQTTv5) -> bytes:
    """The bytes of a packet; a CONNECT is written in its own `protocol_version`.

    Raises `EncodeError` for what `decode` would refuse and for what `version` cannot carry, `TypeError`, which names
    the field, for values of the wrong Python type, `BufferError` for binary data that is not contiguous bytes, and
    `ValueError` for a `version` other than 3, 4 and 5. Properties come in the order of the packet's fields, everything
    in its shortest form.
    """
    head, payload = encode_head(packet, version if version is MQTTv5 else checked_version(version))
    return head + payload if type(payload) is bytes else _joined(head, payload)


def _joined(head: bytes, payload: bytes | memoryview) -> bytes:
    try:
        return b"".join((head, payload))
    finally:
        release(payload)


def encode_many(packets: Iterable[Packet], version: int = MQTTv5) -> bytes:
    """The bytes of several packets, one after the other. Raises as `encode`, and what iterating `packets` raises."""
    version = checked_version(version)
    parts: list[bytes] = []
    for packet in packets:
        head, payload = encode_head(packet, version)
        if type(payload) is bytes:
            parts += (head, payload)
        else:
            parts.append(_joined(head, payload))
    try:
        return b"".join(parts)
    except OverflowError:  # More than any bytes can hold.
        raise MemoryError from None


def encode_into(packet: Packet, buffer: Buffer, offset: int = 0, version: int = MQTTv5) -> int:
    """Write a packet into a writable buffer of bytes, from `offset` on; returns the offset behind it.

    Raises as `encode`; `EncodeError` also when the buffer is too small, `ValueError` for an offset outside it,
    `BufferError` when it is read-only. The buffer is untouched then.
    """
    with byte_view(buffer) as target:
        if target.readonly:
            raise _errors.read_only()
        start = _checked_offset(offset, len(target))
        version = checked_version(version)
        head, payload = encode_head(packet, version)
        try:
            middle = start + len(head)
            end = middle + len(payload)
            if end > len(target):
                raise _errors.BUFFER_TOO_SMALL.encoding(version, "", end - start)
            # The payload first: it may lie in the same buffer, where the head would overwrite it.
            target[middle:end] = payload
            target[start:middle] = head
            return end
        finally:
            release(payload)


def encode_parts(packet: Packet, version: int = MQTTv5) -> tuple[bytes, Buffer]:
    """What comes before the payload as bytes, and the payload of a PUBLISH as the object given, not copied (else b"").

    For `writelines` and `sendmsg`. Raises as `encode`.
    """
    head, payload = encode_head(packet, checked_version(version))
    release(payload)
    return head, packet.payload if type(packet) is Publish else b""


def encoded_size(packet: Packet, version: int = MQTTv5) -> int:
    """The number of bytes `encode` would return. Raises as `encode`."""
    head, payload = encode_head(packet, checked_version(version))
    size = len(head) + len(payload)
    release(payload)
    return size
