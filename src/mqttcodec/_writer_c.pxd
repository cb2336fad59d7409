"""Writes numbers and strings as bytes: `_writer_py.py` as inline C functions.

A function named `put_x` is the method `x` of the plain twin's `Writer`.
"""

from cpython.buffer cimport PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.exc cimport PyErr_Clear, PyErr_ExceptionMatches
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memchr, memcpy, memmove

from ._arguments_c cimport OUTSIDE, PyLong_Check, byte_view, faults, integer, refuse_type
from ._cold_c cimport raises, uncommon
from ._spec_c cimport MAXIMUM_REMAINING_LENGTH
from ._text_c cimport NON_ASCII, NUL, character_at, copy_text, topic_filter_fault, topic_name_fault

cdef extern from "Python.h":
    # Declared without `except NULL`: the caller must check the result.
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    bint PyUnicode_Check(object value)
    bint PyUnicode_CheckExact(object value)
    bint PyUnicode_IS_COMPACT_ASCII(object text)
    void* PyUnicode_DATA(object text)
    void Py_CLEAR(PyObject* owned) noexcept  # A macro, which sets its argument to NULL.
    Py_ssize_t PyTuple_GET_SIZE(object value)
    Py_ssize_t PyList_GET_SIZE(object value)

cdef enum:
    STACK_SIZE = 512


cdef struct Writer:
    # Functions copy `ptr`, advance the field, and then write through the copy. If they wrote through the field, the
    # compiler would have to reload it after each byte, because a store of bytes may alias the struct.
    #
    # Invariant: start <= ptr <= end. The bytes written so far are between `start` and `ptr`. They are on the caller's
    # stack until they outgrow it, then on the heap.
    uint8_t* start
    uint8_t* ptr
    uint8_t* end
    bint on_heap
    int version
    # Offset of the packet that is being written.
    Py_ssize_t packet
    # The payload of a PUBLISH, in the memory of its own object. The writer owns a reference to the object and, if
    # `holds_view`, the buffer view.
    const uint8_t* payload
    Py_ssize_t payload_size
    PyObject* payload_owner
    Py_buffer payload_view
    bint holds_view


cdef inline void open_writer(Writer* writer, uint8_t* stack, int version) noexcept:
    """Start writing into `stack`, which has STACK_SIZE bytes. The caller must call `close_writer`."""
    writer.start = writer.ptr = stack
    writer.end = stack + STACK_SIZE
    writer.on_heap = False
    writer.version = version
    writer.packet = 0
    writer.payload = NULL
    writer.payload_size = 0
    writer.payload_owner = NULL
    writer.holds_view = False


cdef inline void drop_payload(Writer* writer) noexcept:
    if writer.holds_view:
        PyBuffer_Release(&writer.payload_view)
        writer.holds_view = False
    Py_CLEAR(writer.payload_owner)
    writer.payload = NULL
    writer.payload_size = 0


cdef inline void close_writer(Writer* writer) noexcept:
    drop_payload(writer)
    if writer.on_heap:
        PyMem_Free(writer.start)


cdef inline raises refuse(Writer* writer, object fault, str about="", object found=None) except *:
    raise fault.encoding(writer.version, about, found)


cdef inline int reserve(Writer* writer, Py_ssize_t size) except -1:
    """Make room for `size` bytes at `ptr`."""
    if writer.end - writer.ptr < size:
        grow(writer, size)
    return 0


cdef inline int grow(Writer* writer, Py_ssize_t size) except -1:
    cdef Py_ssize_t used = writer.ptr - writer.start
    cdef size_t capacity = 2 * <size_t> (writer.end - writer.start)
    capacity = min(capacity, <size_t> writer.packet + <size_t> MAXIMUM_REMAINING_LENGTH + 5)
    if capacity < <size_t> used + <size_t> size:
        capacity = <size_t> used + <size_t> size
    # PyMem_Realloc fails for a size above PY_SSIZE_T_MAX.
    cdef uint8_t* start = <uint8_t*> PyMem_Realloc(writer.start if writer.on_heap else NULL, capacity)
    if start == NULL:
        raise MemoryError
    if not writer.on_heap:
        memcpy(start, writer.start, <size_t> used)
        writer.on_heap = True
    writer.start = start
    writer.ptr = start + used
    writer.end = start + capacity
    return 0


cdef inline int put_byte(Writer* writer, int value) except -1:
    cdef uint8_t* target
    reserve(writer, 1)
    target = writer.ptr
    writer.ptr = target + 1
    target[0] = <uint8_t> value
    return 0


cdef inline int put_bytes(Writer* writer, const void* data, Py_ssize_t size) except -1:
    if size:  # `data` may be NULL if `size` is 0, and memcpy does not accept NULL.
        reserve(writer, size)
        memcpy(writer.ptr, data, <size_t> size)
        writer.ptr += size
    return 0


cdef inline int put_variable_integer(Writer* writer, int64_t value) except -1:
    """Write a Variable Byte Integer (1.5.5) in its shortest form. `value` must be in range."""
    while value > 0x7F:
        put_byte(writer, <int> (value & 0x7F) | 0x80)
        value >>= 7
    return put_byte(writer, <int> value)


cdef inline int insert_length(Writer* writer, Py_ssize_t at, int64_t length) except -1:
    """Write a Variable Byte Integer at offset `at`, where one byte is reserved for it."""
    if length > 0x7F:
        return insert_long_length(writer, at, length)
    writer.start[at] = <uint8_t> length
    return 0


cdef inline int insert_long_length(Writer* writer, Py_ssize_t at, int64_t length) except -1:
    cdef Py_ssize_t extra = 1 if length < 1 << 14 else 2 if length < 1 << 21 else 3
    cdef uint8_t* place
    reserve(writer, extra)
    place = writer.start + at + 1
    memmove(place + extra, place, <size_t> (writer.ptr - place))
    writer.ptr += extra
    place = writer.start + at
    while length > 0x7F:
        place[0] = <uint8_t> (length & 0x7F) | 0x80
        place += 1
        length >>= 7
    place[0] = <uint8_t> length
    return 0


cdef inline bint absent(object value):
    """Whether a field that holds several values has none: None, or an empty tuple or list."""
    if value is None:
        return True
    if isinstance(value, tuple):
        return PyTuple_GET_SIZE(value) == 0
    return isinstance(value, list) and PyList_GET_SIZE(value) == 0


cdef inline int64_t put_number(Writer* writer, object value, int size, str about) except -1:
    """Write an unsigned integer of two or four bytes; returns its value."""
    cdef uint8_t* target
    cdef int64_t number = integer(value, about)
    if number == OUTSIDE or number >> 8 * size:
        refuse(writer, faults().NOT_TWO_BYTES if size == 2 else faults().NOT_FOUR_BYTES, about, value)
    reserve(writer, size)
    target = writer.ptr
    writer.ptr = target + size
    if size == 4:
        target[0] = <uint8_t> (number >> 24)
        target[1] = <uint8_t> (number >> 16 & 0xFF)
        target += 2
    target[0] = <uint8_t> (number >> 8 & 0xFF)
    target[1] = <uint8_t> (number & 0xFF)
    return number


cdef inline int flag(Writer* writer, object value, str about) except -1:
    """The bit of a flag, 0 or 1. Accepts True, False and ints of these values."""
    cdef int64_t number
    if value is True:
        return 1
    if value is False:
        return 0
    if not PyLong_Check(value):
        refuse_type(about, "bool", value)
    number = integer(value, about)
    if number != 0 and number != 1:
        refuse(writer, faults().NOT_0_OR_1, about, value)
    return <int> number


cdef inline int two_bits(object value, str about) except -1:
    """The bits of a QoS or another number from 0 to 2. Returns 3, which is never valid, for any other int."""
    cdef int64_t number = integer(value, about)
    return <int> number if 0 <= number <= 2 else 3


cdef inline tuple sequence(object value, str about):
    """The items of a tuple or list, as an exact tuple that cannot change."""
    if type(value) is tuple:
        return <tuple> value
    if isinstance(value, tuple):
        return tuple.__getitem__(value, slice(None))
    if isinstance(value, list):
        return tuple(list.copy(value))
    refuse_type(about, "a tuple or list", value)


cdef inline uint8_t* put_prefix(Writer* writer, Py_ssize_t size, str about) except NULL:
    """Write the two-byte length of a field; returns where its `size` bytes go. `ptr` is moved past them already."""
    cdef uint8_t* target
    if size > 0xFFFF:
        refuse(writer, faults().TOO_LONG, about, size)  # [U36] [MQTT-4.7.3-3]
    if writer.end - writer.ptr < 2 + size:
        grow_for_field(writer, 2 + size)
    target = writer.ptr
    writer.ptr = target + 2 + size
    target[0] = <uint8_t> (size >> 8)
    target[1] = <uint8_t> (size & 0xFF)
    return target + 2


cdef inline int grow_for_field(Writer* writer, Py_ssize_t size) except -1:
    # Stop once the packet exceeds the limit. A list may hold one long string many times, and without this check the
    # buffer would grow far beyond the largest packet.
    if writer.ptr - writer.start - writer.packet > MAXIMUM_REMAINING_LENGTH:
        refuse(writer, faults().ENCODED_TOO_LARGE)  # [U36]
    return grow(writer, size)


cdef inline int put_prefixed(Writer* writer, const void* data, Py_ssize_t size, str about) except -1:
    cdef uint8_t* target = put_prefix(writer, size, about)
    if size:  # `data` may be NULL if `size` is 0, and memcpy does not accept NULL.
        memcpy(target, data, <size_t> size)
    return 0


cdef inline int put_binary(Writer* writer, object value, str about) except -1:
    """Write Binary Data (1.5.6)."""
    if type(value) is bytes:
        return put_prefixed(writer, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), about)
    put_view(writer, value, about)
    return 0


cdef inline uncommon put_view(Writer* writer, object value, str about) except *:
    cdef Py_buffer view
    byte_view(value, &view, about)
    try:
        put_prefixed(writer, view.buf, view.len, about)
    finally:
        PyBuffer_Release(&view)


cdef inline int put_text(Writer* writer, object value, str about, Py_ssize_t* size) except -1:
    """Write a UTF-8 Encoded String (1.5.4); returns the flags of `copy_text`. `size` is set to its size in bytes."""
    cdef uint8_t* target = writer.ptr
    cdef int found, found_in_other = 0
    # Most strings are ASCII and fit in the buffer. Without calls, this path saves no registers.
    if PyUnicode_Check(value) and PyUnicode_IS_COMPACT_ASCII(value):
        size[0] = PyUnicode_GET_LENGTH(value)
        if size[0] <= 0xFFFF and size[0] + 2 <= writer.end - target:
            found = copy_text(target + 2, <const uint8_t*> PyUnicode_DATA(value), size[0])
            if not found & NUL:
                target[0] = <uint8_t> (size[0] >> 8)
                target[1] = <uint8_t> (size[0] & 0xFF)
                writer.ptr = target + 2 + size[0]
                return found
    put_any_text(writer, value, about, size, &found_in_other)
    return found_in_other


cdef inline uncommon put_any_text(Writer* writer, object value, str about, Py_ssize_t* size, int* found) except *:
    cdef const char* encoded
    if not PyUnicode_Check(value):
        refuse_type(about, "str", value)
    encoded = PyUnicode_AsUTF8AndSize(value, size)
    if encoded == NULL:
        refuse_surrogate(writer, about)
    found[0] = copy_text(put_prefix(writer, size[0], about), <const uint8_t*> encoded, size[0])
    if found[0] & NUL or (found[0] & NON_ASCII and memchr(encoded, 0, <size_t> size[0]) != NULL):
        refuse(writer, faults().NULL_CHARACTER, about)  # [MQTT-1.5.4-2]


cdef inline raises refuse_surrogate(Writer* writer, str about) except *:
    """Raise the error for a str that UTF-8 cannot encode, or re-raise any other pending error."""
    if PyErr_ExceptionMatches(UnicodeEncodeError):
        PyErr_Clear()
        refuse(writer, faults().ILL_FORMED_UTF8, about)  # [MQTT-1.5.4-1]


cdef inline int put_string(Writer* writer, object value, str about) except -1:
    cdef Py_ssize_t size = 0
    put_text(writer, value, about, &size)
    return 0


cdef inline bint put_topic_name(Writer* writer, object value, str about) except -1:
    """Write a topic name; returns whether it is non-empty."""
    cdef Py_ssize_t size = 0
    cdef tuple found
    if put_text(writer, value, about, &size):
        found = topic_name_fault(writer.ptr - size, size)
        if found is not None:
            refuse_topic(writer, size, found, about)
    return size != 0


cdef inline int put_topic_filter(Writer* writer, object value, str about) except -1:
    cdef Py_ssize_t size = 0
    cdef int flags = put_text(writer, value, about, &size)
    cdef tuple found
    if size == 0:
        refuse(writer, faults().TOPIC_EMPTY, about)  # [MQTT-4.7.3-1]
    if flags or (writer.ptr - size)[0] == c"$":
        found = topic_filter_fault(writer.ptr - size, size, writer.version)
        if found is not None:
            refuse_topic(writer, size, found, about)
    return 0


cdef inline raises refuse_topic(Writer* writer, Py_ssize_t size, tuple found, str about) except *:
    """Raise the error for the fault that a topic check found in the last `size` bytes written."""
    fault, at = found
    refuse(writer, fault, about, character_at(writer.ptr - size, size, at))


cdef inline int put_packet_identifier(Writer* writer, object value, str about) except -1:
    """Write a packet identifier; `about` names the packet in an error."""
    cdef uint8_t* target
    cdef int64_t identifier = integer(value, "packet_id")
    if not 1 <= identifier <= 0xFFFF:
        refuse_identifier(writer, identifier, value, about)
    reserve(writer, 2)
    target = writer.ptr
    writer.ptr = target + 2
    target[0] = <uint8_t> (identifier >> 8)
    target[1] = <uint8_t> (identifier & 0xFF)
    return 0


cdef inline raises refuse_identifier(Writer* writer, int64_t identifier, object value, str about) except *:
    if identifier == 0:
        refuse(writer, faults().PACKET_ID_ZERO, about)  # [MQTT-2.2.1-3] [U24]
    refuse(writer, faults().NOT_TWO_BYTES, "packet_id", value)
