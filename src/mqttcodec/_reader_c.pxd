"""Reads numbers and strings from bytes: `_reader_py.py` as inline C functions.

A `Cursor` reads one packet. This file has the rules for single fields; `_writer_c.pxd` has them for the encoder. Rules
for whole packets are in `_decode_c.pyx` and `_encode_c.pyx`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memchr

from ._arguments_c cimport faults
from ._cold_c cimport raises
from ._spec_c cimport CLIENT, PUBLISH, Role
from ._text_c cimport (
    NON_ASCII,
    NUL,
    PyUnicode_DecodeUTF8,
    WILDCARD,
    character_at,
    copy_text,
    topic_filter_fault,
    topic_name_fault,
)

cdef extern from "Python.h":
    unicode PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    Py_buffer* PyMemoryView_GET_BUFFER(object view)

cdef extern from "_recent.h":
    ctypedef struct Recent:
        pass
    Recent* recent_slot(const uint8_t* data, Py_ssize_t size) noexcept
    PyObject* recent_text(Recent* slot, const uint8_t* data, Py_ssize_t size) noexcept
    void keep_recent(Recent* slot, object text) noexcept


cdef inline object name_of(int place, int identifier):
    """The name of a property's field, or of the place itself if `identifier` is 0. Only error paths call this."""
    from . import _spec

    return _spec.property_field(place, identifier) if identifier else _spec.place_name(place)


cdef inline int read_length(
    const uint8_t* packet, Py_ssize_t size, int first_byte, int version, bint is_known, int64_t* remaining_length
) except -1:
    """Read the Remaining Length of a packet (2.1.4); returns the size of the fixed header, or 0 if it is incomplete.

    An error reports the packet type in `first_byte` and, if `is_known`, the version.
    """
    if size < 2:
        return 0
    remaining_length[0] = packet[1]
    if remaining_length[0] < 0x80:
        return 2
    return read_long_length(packet, size, first_byte, version, is_known, remaining_length)


cdef inline int read_long_length(
    const uint8_t* packet, Py_ssize_t size, int first_byte, int version, bint is_known, int64_t* remaining_length
) except -1:
    # `remaining_length` holds the first byte of the length, and more bytes follow it.
    cdef Py_ssize_t position
    cdef int shift = 7
    cdef uint8_t octet
    remaining_length[0] &= 0x7F
    for position in range(2, min(size, <Py_ssize_t> 5)):
        octet = packet[position]  # Read only once, because another thread may write to the buffer.
        if octet >= 0x80 and shift == 21:
            refuse_length(faults().LENGTH_TOO_LONG, 4, first_byte, version, is_known)  # [U01]
        if octet == 0:
            refuse_length(
                faults().LENGTH_NOT_SHORTEST, <int> position, first_byte, version, is_known
            )  # [MQTT-1.5.5-1]
        remaining_length[0] |= <int64_t> (octet & 0x7F) << shift
        if octet < 0x80:
            return <int> position + 1
        shift += 7
    return 0


cdef inline raises refuse_length(object fault, int offset, int first_byte, int version, bint is_known) except *:
    known = version if is_known else None
    raise fault.decoding(version, offset, "Remaining Length", None, known, first_byte >> 4)


cdef struct Cursor:
    # Invariant: start <= ptr <= end. Nothing outside is read. `start` is the first byte of the packet, because offsets
    # in errors count from there. While a property list is read, `end` is the end of the list.
    const uint8_t* start
    const uint8_t* ptr
    const uint8_t* end
    # Borrowed: a memoryview of the whole buffer, and its first byte. Binary data is returned as slices of the view, or
    # copied if it is NULL.
    PyObject* view
    const uint8_t* view_start
    # Borrowed: the payload of a PUBLISH, if it does not follow in the same memory.
    PyObject* payload
    int version
    Role role
    # Whether errors report the version. It is unknown until the protocol level of a CONNECT was read.
    bint is_known
    # Whether a CONNECT may announce a bridge.
    bint bridge
    int packet_type
    # The packet type and, while a property list is read, the place of the list and the identifier of the property. An
    # error whose `about` is None takes its subject from them.
    int place
    int identifier
    bint in_properties


cdef inline void open_cursor(
    Cursor* cursor,
    const uint8_t* start,
    Py_ssize_t body,
    Py_ssize_t end,
    int version,
    bint is_known,
    Role role,
    bint bridge,
) noexcept:
    cursor.start = start
    cursor.ptr = start + body
    cursor.end = start + end
    cursor.view = cursor.payload = NULL
    cursor.version = version
    cursor.is_known = is_known
    cursor.role = role
    cursor.bridge = bridge
    cursor.in_properties = False


cdef inline void keep_views_of(Cursor* cursor, object view):
    """Make the cursor return binary data as slices of `view`. The caller must keep a reference to it."""
    cursor.view = <PyObject*> view
    cursor.view_start = <const uint8_t*> PyMemoryView_GET_BUFFER(view).buf


cdef inline raises fail(Cursor* cursor, object fault, const uint8_t* at, str about="", object found=None) except *:
    """Raise the error for a fault at the byte `at`, or at no single byte if it is NULL."""
    if about is None:
        about = name_of(cursor.place, cursor.identifier if cursor.in_properties else 0)
    offset = None if at == NULL else at - cursor.start
    known = cursor.version if cursor.is_known else None
    raise fault.decoding(cursor.version, offset, about, found, known, cursor.packet_type)


cdef inline raises missing(Cursor* cursor, str about) except *:
    """Raise the error for a field that should begin at the cursor but does not fit."""
    fail(cursor, faults().PROPERTY_CUT if cursor.in_properties else faults().FIELD_MISSING, cursor.ptr, about)


cdef inline raises cut(Cursor* cursor, str about, Py_ssize_t size) except *:
    """Raise the error for a field whose length prefix, at the cursor, exceeds the bytes that are left."""
    fail(cursor, faults().PROPERTY_CUT if cursor.in_properties else faults().FIELD_CUT, cursor.ptr, about, size)


cdef inline const uint8_t* take(Cursor* cursor, Py_ssize_t size, str about) except NULL:
    """Advance by `size` bytes and return the first of them. Only this function moves the cursor."""
    cdef const uint8_t* taken = cursor.ptr
    if cursor.end - taken < size:
        missing(cursor, about)
    cursor.ptr = taken + size
    return taken


cdef inline int byte(Cursor* cursor, str about) except -1:
    return take(cursor, 1, about)[0]


cdef inline int two_bytes(Cursor* cursor, str about) except -1:
    cdef const uint8_t* taken = take(cursor, 2, about)
    return taken[0] << 8 | taken[1]


cdef inline int64_t four_bytes(Cursor* cursor, str about) except -1:
    cdef const uint8_t* taken = take(cursor, 4, about)
    return <int64_t> taken[0] << 24 | taken[1] << 16 | taken[2] << 8 | taken[3]


cdef inline int64_t variable_integer(Cursor* cursor, str about, bint is_identifier) except -1:
    """Read a Variable Byte Integer (1.5.5)."""
    cdef uint8_t octet
    if cursor.ptr == cursor.end:
        missing(cursor, about)
    octet = cursor.ptr[0]  # Read only once, because another thread may write to the buffer.
    if octet < 0x80:
        take(cursor, 1, about)
        return octet
    return long_variable_integer(cursor, octet, about, is_identifier)


cdef inline int64_t long_variable_integer(Cursor* cursor, uint8_t octet, str about, bint is_identifier) except -1:
    """Read one whose first byte, at the cursor, was read as `octet` already."""
    cdef int64_t value = 0
    cdef int shift = 0
    while True:
        if octet >= 0x80 and shift == 21:
            fail(cursor, faults().LENGTH_TOO_LONG, cursor.ptr, about)  # [U01]
        if octet == 0 and shift:
            if is_identifier:
                fail(cursor, faults().PROPERTY_ID_NOT_SHORTEST, cursor.ptr, about)  # [U04]
            fail(cursor, faults().LENGTH_NOT_SHORTEST, cursor.ptr, about)  # [MQTT-1.5.5-1]
        take(cursor, 1, about)
        value |= <int64_t> (octet & 0x7F) << shift
        if octet < 0x80:
            return value
        shift += 7
        if cursor.ptr == cursor.end:
            missing(cursor, about)
        octet = cursor.ptr[0]  # Read only once, because another thread may write to the buffer.


cdef inline const uint8_t* length_prefixed(Cursor* cursor, Py_ssize_t* size, str about) except NULL:
    """Advance past a field with a two-byte length; returns its first byte, and its size in `size`."""
    cdef const uint8_t* taken = cursor.ptr
    if cursor.end - taken < 2:
        missing(cursor, about)
    size[0] = taken[0] << 8 | taken[1]
    if cursor.end - taken - 2 < size[0]:
        cut(cursor, about, size[0])
    return take(cursor, 2 + size[0], about) + 2


cdef inline object keep(Cursor* cursor, const uint8_t* taken, Py_ssize_t size):
    """Bytes that were read, as the object the packet holds: a copy, or a read-only view of the buffer."""
    if cursor.view == NULL:
        return PyBytes_FromStringAndSize(<const char*> taken, size)
    return kept_view(cursor, taken, size)


cdef inline object kept_view(Cursor* cursor, const uint8_t* taken, Py_ssize_t size):
    at = taken - cursor.view_start
    return (<object> cursor.view)[at:at + size].toreadonly()


cdef inline object binary(Cursor* cursor, str about):
    """Read Binary Data (1.5.6)."""
    cdef Py_ssize_t size = 0
    cdef const uint8_t* taken = length_prefixed(cursor, &size, about)
    return keep(cursor, taken, size)


cdef inline str text_of(Cursor* cursor, str about, int refused, int* found):
    """Read a UTF-8 Encoded String (1.5.4). `found` is set to the flags of `copy_text`."""
    cdef Py_ssize_t size = 0
    cdef const uint8_t* taken = length_prefixed(cursor, &size, about)
    return new_text(cursor, taken, size, about, refused, found)


cdef inline str recurring_text(Cursor* cursor, str about, int refused):
    """Read a string that later packets are likely to repeat: the str of an earlier packet, if it is still kept."""
    cdef Py_ssize_t size = 0
    cdef int found = 0
    cdef const uint8_t* taken = length_prefixed(cursor, &size, about)
    cdef Recent* slot = recent_slot(taken, size)
    cdef PyObject* recent = NULL if slot == NULL else recent_text(slot, taken, size)
    cdef str text
    if recent != NULL:
        return <str> recent
    text = new_text(cursor, taken, size, about, refused, &found)
    if slot != NULL and found == 0:
        keep_recent(slot, text)
    return text


cdef inline str new_text(
    Cursor* cursor, const uint8_t* taken, Py_ssize_t size, str about, int refused, int* found
):
    """The str for the bytes at `taken`.

    A text with none of the flags in `refused` is returned as it is, without a second pass. The bytes are copied into
    the str first and checked there, because another thread may write to the buffer.
    """
    cdef str text = PyUnicode_New(size, 127)
    cdef uint8_t* copy = <uint8_t*> PyUnicode_DATA(text)
    found[0] = copy_text(copy, taken, size)
    if found[0] & refused:
        return decoded_text(cursor, text, copy, size, about, refused)
    return text


cdef inline str decoded_text(
    Cursor* cursor, str text, const uint8_t* copy, Py_ssize_t size, str about, int refused
):
    """Decode the UTF-8 at `copy`, the bytes of `text`; raises the error for an invalid text."""
    cdef const uint8_t* taken = cursor.ptr - size
    cdef str decoded = None
    try:
        decoded = PyUnicode_DecodeUTF8(<const char*> copy, size, NULL)
    except UnicodeDecodeError as error:
        if type(error) is not UnicodeDecodeError:
            raise  # If memory runs out while the traceback is built, a different error arrives here.
        at = error.start
    else:
        at = -1
    if at >= 0:
        fail(cursor, faults().ILL_FORMED_UTF8, taken + <Py_ssize_t> at, about)  # [MQTT-1.5.4-1]
    cdef const void* nul = memchr(copy, 0, <size_t> size)
    if nul != NULL:
        fail(cursor, faults().NULL_CHARACTER, taken + (<const uint8_t*> nul - copy), about)  # [MQTT-1.5.4-2]
    if refused & WILDCARD:
        found = topic_name_fault(copy, size)
        if found is not None:
            refuse_text(cursor, copy, size, found, about)
    return decoded


cdef inline raises refuse_text(
    Cursor* cursor, const uint8_t* text, Py_ssize_t size, tuple found, str about
) except *:
    """Raise the error for the fault that a topic check found in the text that was just read."""
    cdef Py_ssize_t at
    fault, at = found
    fail(cursor, fault, cursor.ptr - (size - at), about, character_at(text, size, at))


cdef inline str string(Cursor* cursor, str about):
    """Read a UTF-8 Encoded String (1.5.4)."""
    cdef int found = 0
    return text_of(cursor, about, NON_ASCII | NUL, &found)


cdef inline str topic_name(Cursor* cursor, str about):
    """Read a topic name, which may be empty."""
    return recurring_text(cursor, about, NON_ASCII | NUL | WILDCARD)


cdef inline str topic_filter(Cursor* cursor, str about):
    cdef int found = 0
    cdef str text = text_of(cursor, about, NON_ASCII | NUL, &found)
    if PyUnicode_GET_LENGTH(text) == 0:
        fail(cursor, faults().TOPIC_EMPTY, cursor.ptr - 2, about)  # [MQTT-4.7.3-1]
    if found & NON_ASCII:
        encoded = text.encode()
        check_filter(cursor, <const uint8_t*> PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded), about)
    elif found or (<const uint8_t*> PyUnicode_DATA(text))[0] == c"$":
        check_filter(cursor, <const uint8_t*> PyUnicode_DATA(text), PyUnicode_GET_LENGTH(text), about)
    return text


cdef inline int check_filter(Cursor* cursor, const uint8_t* text, Py_ssize_t size, str about) except -1:
    cdef tuple found = topic_filter_fault(text, size, cursor.version)
    if found is not None:
        refuse_text(cursor, text, size, found, about)
    return 0


cdef inline int packet_identifier(Cursor* cursor) except -1:
    cdef int identifier = two_bytes(cursor, "packet_id")
    if identifier == 0:
        refuse_identifier(cursor)
    return identifier


cdef inline raises refuse_identifier(Cursor* cursor) except *:
    about = "a server's PUBLISH" if cursor.place == PUBLISH and cursor.role == CLIENT else None
    fail(cursor, faults().PACKET_ID_ZERO, cursor.ptr - 2, about)  # [MQTT-2.2.1-3] [MQTT-2.2.1-4] [U24]


cdef inline int finish(Cursor* cursor, str about) except -1:
    """Check that no bytes follow the last field."""
    if cursor.ptr != cursor.end:
        fail(cursor, faults().LEFT_OVER, cursor.ptr, about, cursor.end - cursor.ptr)  # [U22]
    return 0
