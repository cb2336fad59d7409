# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
# Built-in functions instead of Cython's own function type, because the interpreter calls them faster. The embedded
# signature keeps them inspectable.
# cython: binding=False, embedsignature=True, embedsignature.format=clinic
# Index checks are off. The tables of 3 versions and 256 first bytes are indexed with a byte and with the result of
# `checked_version` - 3.
# cython: boundscheck=False, wraparound=False
"""The public functions: the compiled `_codec_py.py`, with the same names in the same order.

Objects of exact type bytes are read in place. Any other buffer is held during the call. Its contents may change
meanwhile, so each field is copied first, and checked in the copy.
"""

from cpython.buffer cimport PyBuffer_Release, PyObject_CheckBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memmove

from ._arguments_c cimport *
from ._decode_c cimport decode_body
from ._encode_c cimport (
    append_fast_publish,
    encode_any,
    fast_acknowledgement,
    fast_publish_size,
    put_acknowledgements,
    put_fast_acknowledgement,
    put_fast_publish,
    write_packet,
)
from ._immortal_c cimport make_immortal
from ._packets_c cimport PingReq, PingResp, Publish, flags_of_bits
from ._reader_c cimport *
from ._spec_c cimport *
from ._writer_c cimport *

cdef extern from "_traceback.h":
    pass

from . import _errors, _packets_c, _spec
from ._enums import ConnectReturnCode, MQTTv5, MQTTv311, ProtocolVersion, QoS, ReasonCode, RetainHandling
from ._batch_c import Encoder  # no-cython-lint: for `_backend.py`
from ._stream_c import Decoder  # no-cython-lint: for `_backend.py`

cdef object MQTT_3_1_1 = MQTTv311
cdef object MQTT_5 = MQTTv5
# By version - 3 and first byte: its fault or None, and whether it is valid.
cdef tuple FIRST_BYTE_FAULTS = tuple([_spec.first_byte_faults(version, None, False) for version in (3, 4, 5)])
cdef uint8_t FIRST_BYTE_IS_RIGHT[3][256]


cdef int fill_first_bytes() except -1:
    cdef int version, first_byte
    for version in range(3):
        for first_byte in range(256):
            FIRST_BYTE_IS_RIGHT[version][first_byte] = <uint8_t> (FIRST_BYTE_FAULTS[version][first_byte] is None)
    return 0


fill_first_bytes()


cdef inline int version_number(object version) except -1:
    """The number of a `version` argument. The usual arguments are recognised without a call."""
    return 5 if version is MQTT_5 else 4 if version is MQTT_3_1_1 else checked_version(version)


def decode(buffer, version=MQTTv5, *, copy=True):
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
    cdef Cursor cursor
    cdef int number, first_byte
    cdef Py_ssize_t size, end = 0
    if type(buffer) is not bytes or copy is not True:
        return decode_buffer(buffer, &end, True, version, copy)
    # The common case has its own path, to save a call.
    number = version_number(version)
    size = PyBytes_GET_SIZE(buffer)
    first_byte = open_packet(&cursor, <const uint8_t*> PyBytes_AS_STRING(buffer), size, number)
    packet = decode_body(&cursor, first_byte)
    if cursor.end - cursor.start != size:
        refuse_rest(&cursor, size)
    return packet


def decode_from(buffer, offset=0, version=MQTTv5, *, copy=True):
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
    cdef Py_ssize_t end = 0
    packet = decode_buffer(buffer, &end, False, version, copy, offset)
    return packet, end


cdef object decode_buffer(
    object buffer, Py_ssize_t* end, bint is_whole, object version, bint copy, object offset=0
):
    """Decode the packet at `offset` of any buffer, and set `end` to the offset after it."""
    cdef Py_buffer view
    cdef Py_buffer* kept
    cdef Py_ssize_t start
    if not copy:
        keeper = view_to_keep(buffer)
        kept = PyMemoryView_GET_BUFFER(keeper)
        start = checked_offset(offset, kept.len)
        return decode_at(<const uint8_t*> kept.buf, kept.len, start, end, is_whole, version, keeper)
    if type(buffer) is bytes:
        start = checked_offset(offset, PyBytes_GET_SIZE(buffer))
        return decode_at(
            <const uint8_t*> PyBytes_AS_STRING(buffer), PyBytes_GET_SIZE(buffer), start, end, is_whole, version, None
        )
    byte_view(buffer, &view, "buffer")
    try:
        start = checked_offset(offset, view.len)
        return decode_at(<const uint8_t*> view.buf, view.len, start, end, is_whole, version, None)
    finally:
        PyBuffer_Release(&view)


cdef object view_to_keep(object buffer):
    """A memoryview of a buffer's bytes. It is parsed, and the views in the packet are slices of it."""
    cdef Py_buffer checked
    cdef Py_ssize_t size
    if not PyObject_CheckBuffer(buffer):
        raise _errors.wrong_type("buffer", "a bytes-like object", buffer)
    keeper = memoryview(buffer)
    byte_view(keeper, &checked, "buffer")
    size = checked.len
    PyBuffer_Release(&checked)
    return keeper.cast("B") if size else memoryview(b"")  # `cast` would refuse an empty view with strides.


cdef object decode_at(
    const uint8_t* data,
    Py_ssize_t size,
    Py_ssize_t start,
    Py_ssize_t* end,
    bint is_whole,
    object version,
    object keeper,
):
    cdef Cursor cursor
    cdef int number = version_number(version)
    cdef int first_byte = open_packet(&cursor, data + start, size - start, number)
    if keeper is not None:
        keep_views_of(&cursor, keeper)
    packet = decode_body(&cursor, first_byte)
    end[0] = cursor.end - data
    if is_whole and end[0] != size:
        refuse_rest(&cursor, size)
    return packet


cdef inline int open_packet(Cursor* cursor, const uint8_t* data, Py_ssize_t size, int version) except -1:
    """Check the fixed header of the packet at `data`, and open the cursor after it; returns the first byte."""
    cdef uint8_t first_byte
    cdef int64_t remaining_length = 0
    cdef int header_size
    cdef bint is_known
    if size == 0:
        raise _errors.INCOMPLETE.decoding(version, 0, "", 0, version, None)
    first_byte = data[0]  # Read only once, because another thread may write to the buffer.
    is_known = first_byte >> 4 != CONNECT  # A CONNECT states its own version.
    if not FIRST_BYTE_IS_RIGHT[version - 3][first_byte]:
        fault = FIRST_BYTE_FAULTS[version - 3][first_byte]
        raise _spec.first_byte_error(fault, first_byte, version, version if is_known else None)
    header_size = read_length(data, size, first_byte, version, is_known, &remaining_length)
    if header_size == 0 or size - header_size < remaining_length:
        known = version if is_known else None
        raise _errors.INCOMPLETE.decoding(version, size, "", size, known, first_byte >> 4)
    size = header_size + <Py_ssize_t> remaining_length
    open_cursor(cursor, data, header_size, size, version, is_known, EITHER, False)
    return first_byte


cdef int refuse_rest(Cursor* cursor, Py_ssize_t size) except -1:
    """Raise the error for bytes that follow the packet just read."""
    cdef Py_ssize_t end = cursor.end - cursor.start
    raise _errors.TRAILING_BYTES.decoding(
        cursor.version, end, "", size - end, cursor.version, cursor.packet_type
    )


cdef Py_ssize_t checked_offset(object offset, Py_ssize_t size) except -1:
    cdef int64_t number = integer(offset, "offset")
    if not 0 <= number <= size:
        raise _errors.bad_value("offset", f"0 to {size}, the size of the buffer", offset)
    return <Py_ssize_t> number


def peek(buffer, offset=0):
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
    cdef Py_buffer view
    cdef const uint8_t* packet
    cdef Py_ssize_t start
    cdef int64_t remaining_length = 0
    cdef uint8_t first_byte
    cdef int header_size
    byte_view(buffer, &view, "buffer")
    try:
        start = checked_offset(offset, view.len)
        if start == view.len:
            return None
        packet = <const uint8_t*> view.buf + start
        first_byte = packet[0]
        header_size = read_length(packet, view.len - start, first_byte, 5, False, &remaining_length)
        if header_size == 0:
            return None
        return _spec.fixed_header(first_byte, remaining_length, header_size)
    finally:
        PyBuffer_Release(&view)


def encode(packet, version=MQTTv5):
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
    cdef Py_ssize_t size
    cdef bytes encoded
    cdef int number = version_number(version)
    cdef uint32_t answer
    if type(packet) is Publish:
        size = fast_publish_size(<Publish> packet, number)
        if size:
            encoded = PyBytes_FromStringAndSize(NULL, size)
            if put_fast_publish(<uint8_t*> PyBytes_AS_STRING(encoded), <Publish> packet, number):
                return encoded
    else:
        answer = fast_acknowledgement(packet)
        if answer:
            encoded = PyBytes_FromStringAndSize(NULL, 4)
            put_fast_acknowledgement(<uint8_t*> PyBytes_AS_STRING(encoded), answer)
            return encoded
        if type(packet) is PingReq:
            return b"\xC0\x00"
        if type(packet) is PingResp:
            return b"\xD0\x00"
    return encode_any(packet, number)


def encode_many(packets, version=MQTTv5):
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
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    open_writer(&writer, stack, version_number(version))
    try:
        for packet in packets:
            if type(packet) is Publish and append_fast_publish(&writer, <Publish> packet, MAXIMUM_REMAINING_LENGTH + 5):
                continue
            write_packet(&writer, packet)
            put_bytes(&writer, writer.payload, writer.payload_size)
            drop_payload(&writer)
        return PyBytes_FromStringAndSize(<const char*> writer.start, writer.ptr - writer.start)
    finally:
        close_writer(&writer)


def encode_acks(packet_type, packet_ids):
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
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    open_writer(&writer, stack, 5)
    try:
        put_acknowledgements(&writer, packet_type, packet_ids)
        return PyBytes_FromStringAndSize(<const char*> writer.start, writer.ptr - writer.start)
    finally:
        close_writer(&writer)


def encode_into(packet, buffer, offset=0, version=MQTTv5):
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
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    cdef Py_buffer view
    cdef Py_ssize_t start, head, size
    cdef uint8_t* target
    byte_view(buffer, &view, "buffer")
    try:
        if view.readonly:
            raise _errors.read_only()
        start = checked_offset(offset, view.len)
        open_writer(&writer, stack, version_number(version))
        try:
            write_packet(&writer, packet)
            head = writer.ptr - writer.start
            size = head + writer.payload_size
            if view.len - start < size:
                refuse(&writer, _errors.BUFFER_TOO_SMALL, "", size)
            target = <uint8_t*> view.buf + start
            # Move the payload first. It may lie in the same buffer, where the head would overwrite it.
            if writer.payload_size:
                memmove(target + head, writer.payload, <size_t> writer.payload_size)
            memcpy(target, writer.start, <size_t> head)
            return start + size
        finally:
            close_writer(&writer)
    finally:
        PyBuffer_Release(&view)


def encode_parts(packet, version=MQTTv5):
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
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    open_writer(&writer, stack, version_number(version))
    try:
        write_packet(&writer, packet)
        head = PyBytes_FromStringAndSize(<const char*> writer.start, writer.ptr - writer.start)
        return head, b"" if writer.payload_owner == NULL else <object> writer.payload_owner
    finally:
        close_writer(&writer)


def encoded_size(packet, version=MQTTv5):
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
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    open_writer(&writer, stack, version_number(version))
    try:
        write_packet(&writer, packet)
        return writer.ptr - writer.start + writer.payload_size
    finally:
        close_writer(&writer)


def to_dict(packet, *, defaults=False):
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

    return _dicts.to_dict(packet, defaults, _packets_c)


def from_dict(mapping):
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

    return _dicts.from_dict(mapping, _packets_c)


cdef int share_between_threads() except -1:
    """Make objects immortal that all threads use: the functions, and members of enums that packets hold."""
    cdef int bits
    for enum in (ProtocolVersion, QoS, RetainHandling, ConnectReturnCode, ReasonCode):
        for member in enum:
            make_immortal(member)
    for bits in range(16):
        make_immortal(flags_of_bits(bits))
    for packet in (b"\xC0\0", b"\xD0\0"):  # The decoder returns the same PingReq and PingResp each time.
        make_immortal(decode(packet))
    for function in (
        *(decode, decode_from, encode, encode_acks, encode_into, encode_many, encode_parts, encoded_size, peek),
        *(to_dict, from_dict),
    ):
        make_immortal(function)
    return 0


share_between_threads()
