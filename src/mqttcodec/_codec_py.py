"""The public functions: `_codec_c.pyx` in plain Python.

These functions check the fixed header of one packet; `_decode_py.py` reads its body. `Decoder` and `Encoder` are
imported here only for `_backend.py`, which expects all public names in one module.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import _errors, _packets_py, _spec
from ._arguments_py import Buffer, byte_view, checked_version, integer
from ._batch_py import Encoder as Encoder
from ._decode_py import decode_body
from ._encode_py import acknowledgements, encode_head, joined, release
from ._enums import MQTTv5, MQTTv311, PacketType, ProtocolVersion
from ._packets_py import Connect, Packet, Publish
from ._reader_py import read_length
from ._spec import FixedHeader
from ._stream_py import Decoder as Decoder

_CONNECT = int(PacketType.CONNECT)  # A plain number, because looking up a member of an enum is slow.
_FIRST_BYTE_FAULTS: dict[int, tuple[_errors.Fault | None, ...]] = {
    version: _spec.first_byte_faults(version, None, False) for version in ProtocolVersion
}


def decode(buffer: Buffer, version: int = MQTTv5, *, copy: bool = True) -> Packet:
    """Decode exactly one packet.

    Args:
        buffer: The packet, in any C-contiguous bytes-like object with one-byte items: bytes, bytearray, memoryview,
            mmap, array("B"). The function keeps no reference to it, except in the views that `copy=False` returns.
        version: MQTT version of the connection: 3, 4 or 5, or a `ProtocolVersion`. A CONNECT states its own version,
            which takes precedence.
        copy: Whether to copy the payload and other binary data into new bytes objects. If false, these fields are
            read-only memoryviews of `buffer`: they keep it alive, and change when it changes.

    Returns:
        The packet, an instance of one of the packet classes.

    Raises:
        IncompletePacketError: The packet continues after the end of `buffer`, or `buffer` is empty.
        MalformedPacketError: The bytes do not form a packet (5.0, 1.2), or more bytes follow it.
        ProtocolError: The packet can be parsed, but its contents violate the protocol (5.0, 1.2).
        UnsupportedVersionError: A CONNECT asks for an unknown protocol ([MQTT-3.1.2-1], [MQTT-3.1.2-2]), or an earlier
            version's CONNACK refuses a connection of 5.0 ([MQTT-3.2.2-8]).
        TypeError: `buffer` is not bytes-like, or `version` is not an int.
        BufferError: `buffer` is not C-contiguous, or its items are not single bytes.
        ValueError: `version` is not 3, 4 or 5.

    Example:
        >>> decode(bytes.fromhex("30 06 0001 61 00 3231"))
        Publish(topic='a', payload=b'21')
    """
    if type(buffer) is bytes and copy:
        return _decode_at(buffer, 0, True, version, True)[0]
    return _decode_buffer(buffer, 0, True, version, copy)[0]


def decode_from(buffer: Buffer, offset: int = 0, version: int = MQTTv5, *, copy: bool = True) -> tuple[Packet, int]:
    """Decode the packet that starts at an offset, and report where it ends.

    Args:
        buffer: One or more packets, in any buffer that `decode` takes.
        offset: Index of the packet's first byte, from 0 to the size of `buffer`.
        version: MQTT version of the connection, as for `decode`.
        copy: Whether to copy binary data, as for `decode`.

    Returns:
        The packet, and the offset of the first byte after it.

    Raises:
        DecodeError: As for `decode`, except that bytes may follow the packet. The error's own `offset` counts from the
            first byte of the packet, not of `buffer`.
        TypeError: `buffer` is not bytes-like, or `offset` or `version` is not an int.
        BufferError: `buffer` is not C-contiguous, or its items are not single bytes.
        ValueError: `offset` is outside `buffer`, or `version` is not 3, 4 or 5.

    Example:
        >>> decode_from(bytes.fromhex("c000 d000"), 2)
        (PingResp(), 4)
    """
    return _decode_buffer(buffer, offset, False, version, copy)


def _decode_buffer(buffer: Buffer, offset: int, is_whole: bool, version: int, copy: bool) -> tuple[Packet, int]:
    """Decode the packet at `offset` of any buffer; returns it and the offset after it."""
    if type(buffer) is bytes and copy:
        return _decode_at(buffer, _checked_offset(offset, len(buffer)), is_whole, version, copy)
    with byte_view(buffer) as data:
        try:
            return _decode_at(data, _checked_offset(offset, len(data)), is_whole, version, copy)
        except _errors.DecodeError as error:
            failure = _errors.fresh(error)
    # Raise a copy of the error, because the traceback of the first one refers to views of the caller's buffer.
    try:
        raise failure
    finally:
        del failure  # Break the cycle of error, traceback and frame, which keeps the buffer alive.


def _decode_at(data: bytes | memoryview, start: int, is_whole: bool, version: int, copy: bool) -> tuple[Packet, int]:
    if version is not MQTTv5 and version is not MQTTv311:
        version = checked_version(version)
    size = len(data)
    if start == size:
        raise _incomplete(version, 0, version, None)
    first_byte = data[start]
    # A CONNECT states its own version.
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
    # If bytes follow the packet, it is rejected: copy its data, so that no view of the caller's buffer is left.
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
    """Read the fixed header at an offset, without decoding the packet.

    Only the form of the Remaining Length is checked (2.1.4), not the packet type, its flags or its body.

    Args:
        buffer: One or more packets, in any buffer that `decode` takes. The function keeps no reference to it.
        offset: Index of the packet's first byte, from 0 to the size of `buffer`.

    Returns:
        The fixed header, or None if `buffer` ends before the header does.

    Raises:
        MalformedPacketError: The Remaining Length has more than four bytes, or is not in its shortest form
            ([MQTT-1.5.5-1]).
        TypeError: `buffer` is not bytes-like, or `offset` is not an int.
        BufferError: `buffer` is not C-contiguous, or its items are not single bytes.
        ValueError: `offset` is outside `buffer`.

    Example:
        >>> peek(bytes.fromhex("30 06 00")).packet_size
        8
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
    """Encode a packet.

    Properties are written in the order of the packet's fields, and everything in its shortest form.

    Args:
        packet: An instance of one of the packet classes.
        version: MQTT version of the connection: 3, 4 or 5, or a `ProtocolVersion`. A `Connect` is written in its own
            `protocol_version` instead.

    Returns:
        The whole packet.

    Raises:
        EncodeError: A field has a value that `decode` would reject or `version` cannot carry, or the packet would
            exceed 268,435,460 bytes (2.1.4).
        TypeError: A field has a value of the wrong Python type (the message names the field), `packet` is not a packet,
            or `version` is not an int.
        BufferError: Binary data is in a buffer that is not C-contiguous, or whose items are not single bytes.
        ValueError: `version` is not 3, 4 or 5.

    Example:
        >>> encode(Publish("a", b"21")).hex(" ")
        '30 06 00 01 61 00 32 31'
    """
    if version is not MQTTv5 and version is not MQTTv311:
        version = checked_version(version)
    head, payload = encode_head(packet, version)
    return head + payload if type(payload) is bytes else joined(head, payload)


def encode_many(packets: Iterable[Packet], version: int = MQTTv5) -> bytes:
    """Encode several packets, one after another.

    Args:
        packets: Packets, in the order in which they are to be sent; any iterable.
        version: MQTT version of the connection, as for `encode`.

    Returns:
        The concatenated packets, as new bytes; empty if there are none.

    Raises:
        EncodeError: As for `encode`.
        TypeError: As for `encode`, or `packets` is not iterable.
        BufferError: As for `encode`.
        ValueError: `version` is not 3, 4 or 5.
        Exception: Anything that iterating over `packets` raises.

    Example:
        >>> encode_many([PubAck(1), PubAck(2)]).hex(" ")
        '40 02 00 01 40 02 00 02'
    """
    version = checked_version(version)
    parts: list[bytes] = []
    for packet in packets:
        head, payload = encode_head(packet, version)
        if type(payload) is bytes:
            parts += (head, payload)
        else:
            parts.append(joined(head, payload))
    try:
        return b"".join(parts)
    except OverflowError:  # The result is larger than any bytes object can be.
        raise MemoryError from None


def encode_acks(packet_type: int, packet_ids: Iterable[int]) -> bytes:
    """Encode acknowledgements that report success, four bytes each. They are alike in all versions.

    Args:
        packet_type: PUBACK, PUBREC, PUBREL or PUBCOMP: a `PacketType`, or its number.
        packet_ids: Packet identifiers, in the order in which they are to be sent; any iterable of int.

    Returns:
        The concatenated packets, as new bytes; empty if there are none.

    Raises:
        EncodeError: An identifier is not 1 to 65,535.
        TypeError: `packet_type` or an identifier is not an int, or `packet_ids` is not iterable.
        ValueError: `packet_type` is another packet type.
        Exception: Anything that iterating over `packet_ids` raises.

    Example:
        >>> encode_acks(PacketType.PUBACK, [1, 2]).hex(" ")
        '40 02 00 01 40 02 00 02'
    """
    return acknowledgements(packet_type, packet_ids, MQTTv5)


def encode_into(packet: Packet, buffer: Buffer, offset: int = 0, version: int = MQTTv5) -> int:
    """Encode a packet into a buffer that the caller owns.

    If the call fails, the buffer is unchanged. The packet's payload may lie in the same buffer.

    Args:
        packet: An instance of one of the packet classes.
        buffer: A writable, C-contiguous bytes-like object with one-byte items. The function keeps no reference to it.
        offset: Index of the first byte to write, from 0 to the size of `buffer`.
        version: MQTT version of the connection, as for `encode`.

    Returns:
        The offset of the first byte after the packet.

    Raises:
        EncodeError: As for `encode`, or the packet does not fit into `buffer` after `offset`.
        TypeError: As for `encode`, or `buffer` is not bytes-like, or `offset` is not an int.
        BufferError: As for `encode`, or `buffer` is read-only or not C-contiguous bytes.
        ValueError: `offset` is outside `buffer`, or `version` is not 3, 4 or 5.

    Example:
        >>> buffer = bytearray(8)
        >>> encode_into(PingReq(), buffer, 2)
        4
        >>> buffer.hex(" ")
        '00 00 c0 00 00 00 00 00'
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
            # Write the payload first. It may lie in the same buffer, where the head would overwrite it.
            target[middle:end] = payload
            target[start:middle] = head
            return end
        finally:
            release(payload)


def encode_parts(packet: Packet, version: int = MQTTv5) -> tuple[bytes, Buffer]:
    """Encode a packet without copying its payload, for `writelines` or `sendmsg`.

    Args:
        packet: An instance of one of the packet classes.
        version: MQTT version of the connection, as for `encode`.

    Returns:
        The bytes before the payload, and the payload: for a `Publish` the very object in its `payload` field, for any
        other packet b"". Do not change the payload until it is sent.

    Raises:
        EncodeError: As for `encode`.
        TypeError: As for `encode`.
        BufferError: As for `encode`.
        ValueError: `version` is not 3, 4 or 5.

    Example:
        >>> head, payload = encode_parts(Publish("a", b"21"))
        >>> head.hex(" "), payload
        ('30 06 00 01 61 00', b'21')
    """
    head, payload = encode_head(packet, checked_version(version))
    release(payload)
    return head, packet.payload if type(packet) is Publish else b""


def encoded_size(packet: Packet, version: int = MQTTv5) -> int:
    """Compute the size of an encoded packet.

    Args:
        packet: An instance of one of the packet classes.
        version: MQTT version of the connection, as for `encode`.

    Returns:
        The number of bytes that `encode` would return.

    Raises:
        EncodeError: As for `encode`.
        TypeError: As for `encode`.
        BufferError: As for `encode`.
        ValueError: `version` is not 3, 4 or 5.

    Example:
        >>> encoded_size(Publish("a", b"21"))
        8
    """
    head, payload = encode_head(packet, checked_version(version))
    size = len(head) + len(payload)
    release(payload)
    return size


def to_dict(packet: Packet, *, defaults: bool = False) -> dict[str, Any]:
    """Return a packet as a dict that `json.dumps` can write.

    The first key, "type", is the name of the packet type. The other keys are the names of fields. Enum members become
    their names, binary data base64 text, and tuples lists. A will and subscriptions become dicts without a type.

    The dict contains the password and the authentication data of a packet, so do not log it.

    Args:
        packet: An instance of one of the packet classes.
        defaults: Whether to include fields that have their default values.

    Returns:
        A new dict, which `from_dict` accepts.

    Raises:
        TypeError: `packet` is not a packet, or a field has a value of the wrong Python type. The message names the
            field, as in `will.qos`.
        BufferError: Binary data is in a buffer that is not C-contiguous, or whose items are not single bytes.

    Example:
        >>> to_dict(PubAck(7, ReasonCode.NOT_AUTHORIZED))
        {'type': 'PUBACK', 'packet_id': 7, 'reason_code': 'NOT_AUTHORIZED'}
    """
    from . import _dicts

    return _dicts.to_dict(packet, defaults, _packets_py)


def from_dict(mapping: dict[str, Any]) -> Packet:
    """Create the packet that a dict describes, in the form that `to_dict` returns.

    Enum members may be given by name or by number. What `encode` checks, such as ranges and topics, is not checked.

    Args:
        mapping: The type and the fields of the packet. Fields with a default may be absent.

    Returns:
        The packet, an instance of one of the packet classes.

    Raises:
        TypeError: A value has the wrong JSON type. This and the other errors name its key, as in `will.qos`.
        ValueError: A key is unknown or missing, a name is not one of the enum's, or binary data is not base64 text.

    Example:
        >>> from_dict({"type": "PUBLISH", "topic": "a", "payload": "MjE="})
        Publish(topic='a', payload=b'21')
    """
    from . import _dicts

    return _dicts.from_dict(mapping, _packets_py)  # type: ignore[no-any-return]
