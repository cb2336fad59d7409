# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
# Plain built-in functions, which the interpreter calls 3 ns sooner than Cython's own kind; they keep a signature.
# cython: binding=False, embedsignature=True, embedsignature.format=clinic
# Invariants of what is not checked: the tables of 3 versions and 256 first bytes are read with a version that
# `checked_version` has returned, less 3, and with a byte.
# cython: boundscheck=False, wraparound=False
"""The functions users call: the compiled `_codec_py.py`, the same names in the same order.

Exact `bytes` are read where they lie. Any other buffer is held for the time of a call, and what is made of it is copied
before it is judged.
"""

from cpython.buffer cimport PyBuffer_Release, PyObject_CheckBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy, memmove

from ._arguments_c cimport *
from ._decode_c cimport decode_body
from ._encode_c cimport fast_acknowledgement, put_fast_acknowledgement, write_packet
from ._immortal_c cimport make_immortal
from ._packets_c cimport flags_of_bits
from ._reader_c cimport *
from ._spec_c cimport *
from ._writer_c cimport *

cdef extern from "_traceback.h":
    pass

from . import _errors, _spec
from ._enums import ConnectReturnCode, MQTTv5, ProtocolVersion, QoS, ReasonCode, RetainHandling
from ._stream_c import Decoder  # no-cython-lint: for `_backend.py`

cdef object MQTT_5 = MQTTv5
# By version less 3: what is wrong with a first byte, and whether nothing is.
cdef tuple FIRST_BYTE_FAULTS = tuple([_spec.first_byte_faults(version, None, False) for version in (3, 4, 5)])
cdef uint8_t FIRST_BYTE_IS_RIGHT[3][256]


cdef int fill_first_bytes() except -1:
    cdef int version, first_byte
    for version in range(3):
        for first_byte in range(256):
            FIRST_BYTE_IS_RIGHT[version][first_byte] = <uint8_t> (FIRST_BYTE_FAULTS[version][first_byte] is None)
    return 0


fill_first_bytes()


def decode(buffer, version=MQTTv5, *, copy=True):
    """Decode exactly one packet.

    `buffer` is C-contiguous bytes: bytes, bytearray, memoryview, mmap, array('B'); it is not held afterwards. `version`
    is that of the connection; a CONNECT carries its own. With `copy=False`, payload and other binary data are read-only
    memoryviews of `buffer` and keep it alive.

    Raises `IncompletePacketError` when the packet goes on after `buffer`, and `MalformedPacketError`, `ProtocolError`
    or `UnsupportedVersionError` when it is none, or bytes follow it; `TypeError` or `BufferError` for what is no bytes,
    `ValueError` for a `version` other than 3, 4 and 5.
    """
    cdef Cursor cursor
    cdef int number, first_byte
    cdef Py_ssize_t size, end = 0
    if type(buffer) is not bytes or copy is not True:
        return decode_buffer(buffer, &end, True, version, copy)
    # What most calls are: 3 ns sooner.
    number = 5 if version is MQTT_5 else checked_version(version)
    size = PyBytes_GET_SIZE(buffer)
    first_byte = open_packet(&cursor, <const uint8_t*> PyBytes_AS_STRING(buffer), size, number)
    packet = decode_body(&cursor, first_byte)
    if cursor.end - cursor.start != size:
        refuse_rest(&cursor, size)
    return packet


def decode_from(buffer, offset=0, version=MQTTv5, *, copy=True):
    """Decode the packet at `offset` of `buffer`; returns it and the offset behind it. Otherwise as `decode`.

    The `offset` of an error counts from the start of the packet. Raises `ValueError` for an offset outside the buffer.
    """
    cdef Py_ssize_t end = 0
    packet = decode_buffer(buffer, &end, False, version, copy, offset)
    return packet, end


cdef object decode_buffer(
    object buffer, Py_ssize_t* end, bint is_whole, object version, bint copy, object offset=0
):
    """The packet at `offset` of any buffer; `end` is left behind it."""
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
    """The one view of a buffer that is parsed, and that binary data is cut from."""
    cdef Py_buffer judged
    if not PyObject_CheckBuffer(buffer):
        raise _errors.wrong_type("buffer", "a bytes-like object", buffer)
    keeper = memoryview(buffer)
    byte_view(keeper, &judged, "buffer")
    PyBuffer_Release(&judged)
    return keeper.cast("B")


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
    cdef int number = checked_version(version)
    cdef int first_byte = open_packet(&cursor, data + start, size - start, number)
    if keeper is not None:
        keep_views_of(&cursor, keeper)
    packet = decode_body(&cursor, first_byte)
    end[0] = cursor.end - data
    if is_whole and end[0] != size:
        refuse_rest(&cursor, size)
    return packet


cdef inline int open_packet(Cursor* cursor, const uint8_t* data, Py_ssize_t size, int version) except -1:
    """Judge the fixed header of the packet at `data` and put the cursor behind it; returns the first byte."""
    cdef uint8_t first_byte
    cdef int64_t remaining_length = 0
    cdef int header_size
    cdef bint is_known
    if size == 0:
        raise _errors.INCOMPLETE.decoding(version, 0, "", 0, version, None)
    first_byte = data[0]  # Read once: another thread may write to the buffer.
    is_known = first_byte >> 4 != CONNECT  # Which has a version of its own.
    if not FIRST_BYTE_IS_RIGHT[version - 3][first_byte]:
        fault = FIRST_BYTE_FAULTS[version - 3][first_byte]
        raise _spec.first_byte_error(fault, first_byte, version, version if is_known else None)
    header_size = read_length(data, size, first_byte, version, is_known, &remaining_length)
    if header_size == 0 or size - header_size < remaining_length:
        known = version if is_known else None
        raise _errors.INCOMPLETE.decoding(version, size, "", size, known, first_byte >> 4)
    open_cursor(cursor, data, header_size, header_size + <Py_ssize_t> remaining_length, version, is_known, EITHER)
    return first_byte


cdef int refuse_rest(Cursor* cursor, Py_ssize_t size) except -1:
    """Raise the error for bytes behind a packet, which has been read."""
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
    """The fixed header at `offset` of `buffer`; None while bytes of it are missing.

    Judges the form of the Remaining Length (2.1.4) and nothing else: raises `MalformedPacketError` for it, `ValueError`
    for an offset outside the buffer, `TypeError` or `BufferError` for a buffer that is no bytes.
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
    """The bytes of a packet; a CONNECT is written in its own `protocol_version`.

    Raises `EncodeError` for what `decode` would refuse and for what `version` cannot carry, `TypeError`, which names
    the field, for values of the wrong Python type, `BufferError` for binary data that is not contiguous bytes, and
    `ValueError` for a `version` other than 3, 4 and 5. Properties come in the order of the packet's fields, everything
    in its shortest form.
    """
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    cdef Py_ssize_t head
    cdef bytes encoded
    cdef uint8_t* target
    cdef int number = 5 if version is MQTT_5 else checked_version(version)
    cdef uint32_t answer = fast_acknowledgement(packet)
    if answer:
        encoded = PyBytes_FromStringAndSize(NULL, 4)
        put_fast_acknowledgement(<uint8_t*> PyBytes_AS_STRING(encoded), answer)
        return encoded
    open_writer(&writer, stack, number)
    try:
        write_packet(&writer, packet)
        head = writer.ptr - writer.start
        encoded = PyBytes_FromStringAndSize(NULL, head + writer.payload_size)
        target = <uint8_t*> PyBytes_AS_STRING(encoded)
        memcpy(target, writer.start, <size_t> head)
        if writer.payload_size:
            memcpy(target + head, writer.payload, <size_t> writer.payload_size)
        return encoded
    finally:
        close_writer(&writer)


def encode_many(packets, version=MQTTv5):
    """The bytes of several packets, one after the other. Raises as `encode`, and what iterating `packets` raises."""
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    open_writer(&writer, stack, checked_version(version))
    try:
        for packet in packets:
            write_packet(&writer, packet)
            put_bytes(&writer, writer.payload, writer.payload_size)
            drop_payload(&writer)
        return PyBytes_FromStringAndSize(<const char*> writer.start, writer.ptr - writer.start)
    finally:
        close_writer(&writer)


def encode_into(packet, buffer, offset=0, version=MQTTv5):
    """Write a packet into a writable buffer of bytes, from `offset` on; returns the offset behind it.

    Raises as `encode`; `EncodeError` also when the buffer is too small, `ValueError` for an offset outside it,
    `BufferError` when it is read-only. The buffer is untouched then.
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
        open_writer(&writer, stack, checked_version(version))
        try:
            write_packet(&writer, packet)
            head = writer.ptr - writer.start
            size = head + writer.payload_size
            if view.len - start < size:
                refuse(&writer, _errors.BUFFER_TOO_SMALL, "", size)
            target = <uint8_t*> view.buf + start
            # The payload first: it may lie in the same buffer, where the head would overwrite it.
            if writer.payload_size:
                memmove(target + head, writer.payload, <size_t> writer.payload_size)
            memcpy(target, writer.start, <size_t> head)
            return start + size
        finally:
            close_writer(&writer)
    finally:
        PyBuffer_Release(&view)


def encode_parts(packet, version=MQTTv5):
    """What comes before the payload as bytes, and the payload of a PUBLISH as the object given, not copied (else b"").

    For `writelines` and `sendmsg`. Raises as `encode`.
    """
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    open_writer(&writer, stack, checked_version(version))
    try:
        write_packet(&writer, packet)
        head = PyBytes_FromStringAndSize(<const char*> writer.start, writer.ptr - writer.start)
        return head, b"" if writer.payload_owner == NULL else <object> writer.payload_owner
    finally:
        close_writer(&writer)


def encoded_size(packet, version=MQTTv5):
    """The number of bytes `encode` would return. Raises as `encode`."""
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    open_writer(&writer, stack, checked_version(version))
    try:
        write_packet(&writer, packet)
        return writer.ptr - writer.start + writer.payload_size
    finally:
        close_writer(&writer)


cdef int share_between_threads() except -1:
    """Make immortal what every thread takes references to: the fields of packets, the functions."""
    cdef int bits
    for enum in (ProtocolVersion, QoS, RetainHandling, ConnectReturnCode, ReasonCode):
        for member in enum:
            make_immortal(member)
    for bits in range(16):
        make_immortal(flags_of_bits(bits))
    for packet in (b"\xC0\0", b"\xD0\0"):  # PINGREQ and PINGRESP have no fields: there is one of each.
        make_immortal(decode(packet))
    for function in (decode, decode_from, encode, encode_into, encode_many, encode_parts, encoded_size, peek):
        make_immortal(function)
    return 0


share_between_threads()
