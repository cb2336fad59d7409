"""How bytes become numbers and strings, and back: `_wire_py.py` as inline C functions.

`Cursor` reads one packet; `Writer` makes one. Rules about a single field stand here, rules about a packet in
`_decode_c.pyx` and `_encode_c.pyx`.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.buffer cimport PyBUF_FULL_RO, PyBuffer_IsContiguous, PyBuffer_Release, PyObject_GetBuffer
from cpython.exc cimport PyErr_Clear, PyErr_ExceptionMatches
from cpython.mem cimport PyMem_Free, PyMem_Malloc, PyMem_Realloc
from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memchr, memcpy, memmove

cdef extern from "Python.h":
    unicode PyUnicode_New(Py_ssize_t size, Py_UCS4 maxchar)
    void* PyUnicode_DATA(object text)
    Py_ssize_t PyUnicode_GET_LENGTH(object text)
    unicode PyUnicode_DecodeUTF8(const char* data, Py_ssize_t size, const char* errors)
    # Without `except NULL`: the caller looks at the error itself.
    const char* PyUnicode_AsUTF8AndSize(object text, Py_ssize_t* size)
    int64_t PyLong_AsLongLongAndOverflow(object number, int* overflow)
    bint PyLong_Check(object value)
    Py_buffer* PyMemoryView_GET_BUFFER(object view)
    Py_ssize_t PyTuple_GET_SIZE(object value)
    Py_ssize_t PyList_GET_SIZE(object value)
    bint PyUnicode_Check(object value)

cdef enum:
    NON_ASCII = 1
    NUL = 2
    WILDCARD = 4
    MAXIMUM_REMAINING_LENGTH = 268_435_455
    # What `integer` makes of an int below 0 or above 64 bits: no value of any field.
    OUTSIDE = -2

ctypedef enum Role:
    EITHER
    CLIENT
    SERVER


cdef inline object faults():
    """The module of faults: looked up where something is wrong, and nowhere else."""
    from . import _errors

    return _errors


cdef inline int checked_version(object version) except -1:
    """The `version` argument of a function, 3, 4 or 5."""
    cdef int overflow
    cdef int64_t number
    if not PyLong_Check(version):
        raise faults().wrong_type("version", "a ProtocolVersion", version)
    number = PyLong_AsLongLongAndOverflow(version, &overflow)
    if overflow or not 3 <= number <= 5:
        raise faults().bad_value("version", "3, 4 or 5", version)
    return <int> number


cdef inline int get_bytes(object buffer, Py_buffer* view, str about) except -1:
    """A view of the bytes of any buffer; the caller releases it."""
    try:
        PyObject_GetBuffer(buffer, view, PyBUF_FULL_RO)
    except TypeError:
        raise faults().wrong_type(about, "a bytes-like object", buffer) from None
    if not is_byte_format(view.format) or not PyBuffer_IsContiguous(view, b"C"):
        PyBuffer_Release(view)
        raise faults().not_bytes()
    return 0


cdef inline bint is_byte_format(const char* format) noexcept:
    """Whether items are of one byte and native, so that a view of them can be cast to bytes."""
    if format == NULL:
        return True
    if format[0] == c"@":
        format += 1
    return (format[0] == c"b" or format[0] == c"B" or format[0] == c"c" or format[0] == c"?") and format[1] == 0


cdef inline int read_length(const uint8_t* packet, Py_ssize_t size, int version, int64_t* remaining_length) except -1:
    """The Remaining Length (2.1.4) of a packet; returns the size of its fixed header, 0 when bytes are missing."""
    cdef Py_ssize_t position
    cdef int shift = 0
    cdef uint8_t octet
    remaining_length[0] = 0
    for position in range(1, min(size, <Py_ssize_t> 5)):
        octet = packet[position]
        if octet >= 0x80 and shift == 21:
            raise faults().LENGTH_TOO_LONG.decoding(version, 4, "Remaining Length")  # [U01]
        if octet == 0 and shift:
            raise faults().LENGTH_NOT_SHORTEST.decoding(version, position, "Remaining Length")  # [MQTT-1.5.5-1]
        remaining_length[0] |= <int64_t> (octet & 0x7F) << shift
        if octet < 0x80:
            return <int> position + 1
        shift += 7
    return 0


# --- Text.


cdef inline bint holds_zero_byte(uint64_t word) noexcept:
    return (word - 0x0101010101010101ULL) & ~word & 0x8080808080808080ULL != 0


cdef inline int scan(const uint8_t* data, Py_ssize_t size) noexcept:
    """Which of NON_ASCII, NUL and WILDCARD are in the text: eight bytes at a time, 4 ns for 24 where a DFA takes 16."""
    cdef uint64_t word, high = 0, nul = 0, wildcard = 0
    while size > 0:
        word = 0x6161616161616161ULL
        if size >= 8:
            memcpy(&word, data, 8)
        else:
            memcpy(&word, data, <size_t> size)
        high |= word
        nul |= holds_zero_byte(word)
        # '#' is 0x23 and '+' is 0x2B: with bit 3 set they are one.
        wildcard |= holds_zero_byte((word | 0x0808080808080808ULL) ^ 0x2B2B2B2B2B2B2B2BULL)
        data += 8
        size -= 8
    return (NON_ASCII if high & 0x8080808080808080ULL else 0) | (NUL if nul else 0) | (WILDCARD if wildcard else 0)


cdef inline object topic_name_fault(str text):
    """What is wrong with a topic name that is not empty, and at which character (4.7.1)."""
    cdef Py_ssize_t at
    for at in range(len(text)):
        if text[at] == u"+" or text[at] == u"#":
            return faults().TOPIC_WILDCARD, at  # [MQTT-3.3.2-2]
    return None


cdef inline object topic_filter_fault(str text, int version):
    """What is wrong with a topic filter that is not empty, and at which character (4.7.1, 4.8.2)."""
    cdef Py_ssize_t at, slash, first = 0, last = len(text) - 1
    cdef Py_UCS4 character
    cdef bint opens
    if version == 5 and text.startswith("$share/"):
        slash = text.find("/", 7)
        share_name = text[7:slash] if slash >= 0 else text[7:]
        if not share_name:
            return faults().SHARE_NAME_EMPTY, 7  # [MQTT-4.8.2-1]
        if "+" in share_name or "#" in share_name or slash == -1 or slash == last:
            return faults().SHARE_NAME, 7  # [MQTT-4.8.2-2]
        first = slash + 1
    for at in range(first, last + 1):
        character = text[at]
        if character != u"+" and character != u"#":
            continue
        opens = at == first or text[at - 1] == u"/"
        if character == u"#":
            if not opens or at != last:
                return faults().FILTER_HASH, at  # [MQTT-4.7.1-1]
        elif not opens or (at != last and text[at + 1] != u"/"):
            return faults().FILTER_PLUS, at  # [MQTT-4.7.1-2]
    return None


# --- Reading.


cdef struct Cursor:
    # start <= ptr <= end, and nothing outside is read. `start` is the first byte of the packet, so that offsets count
    # from there. While properties are read, `end` is theirs.
    const uint8_t* start
    const uint8_t* ptr
    const uint8_t* end
    # A view of the whole buffer and where it begins, to cut binary data from; borrowed. NULL: binary data is copied.
    PyObject* view
    const uint8_t* view_start
    # The payload of a PUBLISH, when it does not follow in the same memory; borrowed.
    PyObject* payload
    int version
    Role role
    bint in_properties


cdef inline void open_cursor(
    Cursor* cursor, const uint8_t* start, Py_ssize_t body, Py_ssize_t end, int version, Role role
) noexcept:
    cursor.start = start
    cursor.ptr = start + body
    cursor.end = start + end
    cursor.view = cursor.payload = NULL
    cursor.version = version
    cursor.role = role
    cursor.in_properties = False


cdef inline void keep_views_of(Cursor* cursor, object view):
    """Let the cursor cut binary data from `view`, which the caller keeps."""
    cursor.view = <PyObject*> view
    cursor.view_start = <const uint8_t*> PyMemoryView_GET_BUFFER(view).buf


cdef inline int fail(Cursor* cursor, object fault, const uint8_t* at, str about="", object found=None) except -1:
    """Raise the error for a fault at `at`; NULL: at no single byte."""
    raise fault.decoding(cursor.version, None if at == NULL else at - cursor.start, about, found)


cdef inline int missing(Cursor* cursor, str about) except -1:
    """Raise the error for a field that should begin here, and does not fit."""
    return fail(cursor, faults().PROPERTY_CUT if cursor.in_properties else faults().FIELD_MISSING, cursor.ptr, about)


cdef inline const uint8_t* take(Cursor* cursor, Py_ssize_t size, str about) except NULL:
    """Step over `size` bytes: the one place where the cursor moves."""
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


cdef inline int64_t variable_integer(Cursor* cursor, str about, bint is_identifier=False) except -1:
    """A Variable Byte Integer (1.5.5)."""
    cdef int64_t value = 0
    cdef int shift = 0
    cdef uint8_t octet
    while True:
        if cursor.ptr == cursor.end:
            missing(cursor, about)
        octet = cursor.ptr[0]
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


cdef inline const uint8_t* length_prefixed(Cursor* cursor, Py_ssize_t* size, str about) except NULL:
    """Step over a field with a two-byte length; returns its bytes, and `size`."""
    size[0] = two_bytes(cursor, about)
    if cursor.end - cursor.ptr < size[0]:
        cut = faults().PROPERTY_CUT if cursor.in_properties else faults().FIELD_CUT
        fail(cursor, cut, cursor.ptr - 2, about, size[0])
    return take(cursor, size[0], about)


cdef inline object keep(Cursor* cursor, const uint8_t* taken, Py_ssize_t size):
    """Bytes that were taken as what the packet holds: a copy, or a view of the buffer."""
    if cursor.view == NULL:
        return PyBytes_FromStringAndSize(<const char*> taken, size)
    at = taken - cursor.view_start
    return (<object> cursor.view)[at:at + size].toreadonly()


cdef inline object binary(Cursor* cursor, str about):
    """Binary Data (1.5.6)."""
    cdef Py_ssize_t size
    cdef const uint8_t* taken = length_prefixed(cursor, &size, about)
    return keep(cursor, taken, size)


cdef inline str text_of(Cursor* cursor, str about, int refused, bint is_topic_name):
    """A UTF-8 Encoded String (1.5.4), made without a second look where `scan` finds nothing of `refused`.

    The bytes are copied into the str and judged there: another thread may write to the buffer meanwhile.
    """
    cdef Py_ssize_t size
    cdef const uint8_t* taken = length_prefixed(cursor, &size, about)
    cdef str text = PyUnicode_New(size, 127)
    cdef uint8_t* copy = <uint8_t*> PyUnicode_DATA(text)
    memcpy(copy, taken, <size_t> size)
    if scan(copy, size) & refused:
        return judged_text(cursor, text, copy, size, about, is_topic_name)
    return text


cdef inline str judged_text(
    Cursor* cursor, str text, const uint8_t* copy, Py_ssize_t size, str about, bint is_topic_name
):
    """`text`, whose bytes are at `copy`, as what they mean if they are not ASCII, or the error they deserve."""
    cdef const uint8_t* taken = cursor.ptr - size
    if scan(copy, size) & NON_ASCII:
        try:
            decoded = PyUnicode_DecodeUTF8(<const char*> copy, size, NULL)
        except UnicodeDecodeError as error:
            at = error.start
        else:
            at = -1
        if at >= 0:
            fail(cursor, faults().ILL_FORMED_UTF8, taken + <Py_ssize_t> at, about)  # [MQTT-1.5.4-1]
    else:
        decoded = text
    cdef const void* nul = memchr(copy, 0, <size_t> size)
    if nul != NULL:
        fail(cursor, faults().NULL_CHARACTER, taken + (<const uint8_t*> nul - copy), about)  # [MQTT-1.5.4-2]
    if is_topic_name:
        refuse_text(cursor, decoded, topic_name_fault(decoded), about)
    return decoded


cdef inline int refuse_text(Cursor* cursor, str text, object found, str about) except -1:
    """Raise what a judge of topics found, if anything."""
    if found is None:
        return 0
    fault, at = found
    return fail(cursor, fault, cursor.ptr - <Py_ssize_t> len(text[at:].encode()), about, text[at:at + 1])


cdef inline str string(Cursor* cursor, str about):
    """A UTF-8 Encoded String (1.5.4)."""
    return text_of(cursor, about, NON_ASCII | NUL, False)


cdef inline str topic_name(Cursor* cursor, str about):
    """A topic name, which may be empty."""
    return text_of(cursor, about, NON_ASCII | NUL | WILDCARD, True)


cdef inline str topic_filter(Cursor* cursor, str about):
    cdef str text = string(cursor, about)
    if not text:
        fail(cursor, faults().TOPIC_EMPTY, cursor.ptr - 2, about)  # [MQTT-4.7.3-1]
    refuse_text(cursor, text, topic_filter_fault(text, cursor.version), about)
    return text


cdef inline int packet_identifier(Cursor* cursor, str about) except -1:
    """The identifier of `about`, a packet."""
    cdef int identifier = two_bytes(cursor, "packet_id")
    if identifier == 0:
        fail(cursor, faults().PACKET_ID_ZERO, cursor.ptr - 2, about)  # [MQTT-2.2.1-3] [U24]
    return identifier


cdef inline int finish(Cursor* cursor, str about) except -1:
    """See that nothing follows the last field of `about`, a packet."""
    if cursor.ptr != cursor.end:
        fail(cursor, faults().LEFT_OVER, cursor.ptr, about, cursor.end - cursor.ptr)  # [U22]
    return 0


# --- Writing. A function that writes has the name of its method in `_wire_py.py` behind `put_`.


cdef enum:
    STACK_SIZE = 512


cdef struct Writer:
    # start <= ptr <= end: what is written is between the first two. It lies on the caller's stack until it outgrows
    # that.
    uint8_t* start
    uint8_t* ptr
    uint8_t* end
    bint on_heap
    int version
    # The payload a PUBLISH ends with, where it lies; `payload_view` is held while it is one.
    const uint8_t* payload
    Py_ssize_t payload_size
    Py_buffer payload_view
    bint holds_view


cdef inline void open_writer(Writer* writer, uint8_t* stack, int version) noexcept:
    """Begin to write into `stack`, of STACK_SIZE bytes."""
    writer.start = writer.ptr = stack
    writer.end = stack + STACK_SIZE
    writer.on_heap = False
    writer.version = version
    writer.payload = NULL
    writer.payload_size = 0
    writer.holds_view = False


cdef inline void drop_payload(Writer* writer) noexcept:
    if writer.holds_view:
        PyBuffer_Release(&writer.payload_view)
        writer.holds_view = False
    writer.payload = NULL
    writer.payload_size = 0


cdef inline void close_writer(Writer* writer) noexcept:
    drop_payload(writer)
    if writer.on_heap:
        PyMem_Free(writer.start)


cdef inline int refuse(Writer* writer, object fault, str about="", object found=None) except -1:
    raise fault.encoding(writer.version, about, found)


cdef inline int reserve(Writer* writer, Py_ssize_t size) except -1:
    """See that `size` bytes fit behind `ptr`: the one place where the writer grows."""
    if writer.end - writer.ptr < size:
        grow(writer, size)
    return 0


cdef inline int grow(Writer* writer, Py_ssize_t size) except -1:
    cdef Py_ssize_t used = writer.ptr - writer.start
    cdef size_t capacity = 2 * <size_t> (writer.end - writer.start)
    if capacity < <size_t> used + <size_t> size:
        capacity = <size_t> used + <size_t> size
    # PyMem refuses what a Py_ssize_t cannot count.
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
    reserve(writer, 1)
    writer.ptr[0] = <uint8_t> value
    writer.ptr += 1
    return 0


cdef inline int put_bytes(Writer* writer, const void* data, Py_ssize_t size) except -1:
    if size:  # `data` may be NULL where there is none, and memcpy takes no NULL.
        reserve(writer, size)
        memcpy(writer.ptr, data, <size_t> size)
        writer.ptr += size
    return 0


cdef inline int put_variable_integer(Writer* writer, int64_t value) except -1:
    """A Variable Byte Integer (1.5.5) in its shortest form; `value` fits."""
    while value > 0x7F:
        put_byte(writer, <int> (value & 0x7F) | 0x80)
        value >>= 7
    return put_byte(writer, <int> value)


cdef inline int insert_length(Writer* writer, Py_ssize_t at, int64_t length) except -1:
    """Write a Variable Byte Integer at offset `at`, where one byte was left for it."""
    cdef Py_ssize_t extra = 0 if length < 1 << 7 else 1 if length < 1 << 14 else 2 if length < 1 << 21 else 3
    cdef uint8_t* place
    if extra:
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


cdef inline int64_t integer(object value, str about) except -1:
    """The value of an int that is not negative; OUTSIDE for any other int."""
    cdef int overflow
    cdef int64_t number
    if not PyLong_Check(value):
        raise faults().wrong_type(about, "int", value)
    number = PyLong_AsLongLongAndOverflow(value, &overflow)
    return OUTSIDE if overflow or number < 0 else number


cdef inline bint absent(object value):
    """Whether a property field says that the property is not there."""
    if value is None:
        return True
    if isinstance(value, tuple):
        return PyTuple_GET_SIZE(value) == 0
    return isinstance(value, list) and PyList_GET_SIZE(value) == 0


cdef inline int64_t put_number(Writer* writer, object value, int size, str about) except -1:
    """An unsigned integer of `size` bytes; returns its value."""
    cdef int64_t number = integer(value, about)
    cdef int shift
    if number == OUTSIDE or number >> 8 * size:
        refuse(writer, faults().OUT_OF_RANGE, about, value)
    for shift in range(size - 1, -1, -1):
        put_byte(writer, <int> (number >> 8 * shift) & 0xFF)
    return number


cdef inline int flag(Writer* writer, object value, str about) except -1:
    """The bit of a flag: 0 or 1."""
    cdef int64_t number
    if value is True:
        return 1
    if value is False:
        return 0
    if not PyLong_Check(value):
        raise faults().wrong_type(about, "bool", value)
    number = integer(value, about)
    if number != 0 and number != 1:
        refuse(writer, faults().NOT_0_OR_1, about, value)
    return <int> number


cdef inline int two_bits(object value, str about) except -1:
    """The bits of a QoS or its like; 3, which means nothing, for what is not 0, 1 or 2."""
    cdef int64_t number = integer(value, about)
    return <int> number if 0 <= number <= 2 else 3


cdef inline tuple sequence(object value, str about):
    """A snapshot of a tuple or list."""
    if type(value) is tuple:
        return <tuple> value
    if isinstance(value, tuple):
        return tuple.__getitem__(value, slice(None))
    if isinstance(value, list):
        return tuple(list.copy(value))
    raise faults().wrong_type(about, "a tuple or list", value)


cdef inline int put_prefixed(Writer* writer, const void* data, Py_ssize_t size, str about) except -1:
    if size > 0xFFFF:
        refuse(writer, faults().TOO_LONG, about, size)  # [U36] [MQTT-4.7.3-3]
    put_byte(writer, <int> size >> 8)
    put_byte(writer, <int> size & 0xFF)
    return put_bytes(writer, data, size)


cdef inline int put_binary(Writer* writer, object value, str about) except -1:
    """Binary Data (1.5.6)."""
    cdef Py_buffer view
    if type(value) is bytes:
        return put_prefixed(writer, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), about)
    get_bytes(value, &view, about)
    try:
        return put_prefixed(writer, view.buf, view.len, about)
    finally:
        PyBuffer_Release(&view)


cdef inline int put_text(Writer* writer, object value, str about) except -1:
    """A UTF-8 Encoded String (1.5.4); returns what `scan` found in it."""
    cdef Py_ssize_t size
    cdef const char* encoded
    cdef int found
    if not PyUnicode_Check(value):
        raise faults().wrong_type(about, "str", value)
    encoded = PyUnicode_AsUTF8AndSize(value, &size)
    if encoded == NULL:
        refuse_surrogate(writer, about)
    put_prefixed(writer, encoded, size, about)
    found = scan(<const uint8_t*> encoded, size)
    if found & NUL:
        refuse(writer, faults().NULL_CHARACTER, about)  # [MQTT-1.5.4-2]
    return found


cdef inline int refuse_surrogate(Writer* writer, str about) except -1:
    """Raise what a str that has no UTF-8 deserves; any other error goes on."""
    if PyErr_ExceptionMatches(UnicodeEncodeError):
        PyErr_Clear()
        refuse(writer, faults().ILL_FORMED_UTF8, about)  # [MQTT-1.5.4-1]
    return -1


cdef inline int put_string(Writer* writer, object value, str about) except -1:
    put_text(writer, value, about)
    return 0


cdef inline bint put_topic_name(Writer* writer, object value, str about) except -1:
    """A topic name; returns whether there is one, as it may be empty."""
    if put_text(writer, value, about) & WILDCARD:
        refuse_topic(writer, topic_name_fault(str.__str__(value)), str.__str__(value), about)
    return PyUnicode_GET_LENGTH(value) != 0


cdef inline int put_topic_filter(Writer* writer, object value, str about) except -1:
    cdef str text
    put_text(writer, value, about)
    text = str.__str__(value)
    if not text:
        refuse(writer, faults().TOPIC_EMPTY, about)  # [MQTT-4.7.3-1]
    refuse_topic(writer, topic_filter_fault(text, writer.version), text, about)
    return 0


cdef inline int refuse_topic(Writer* writer, object found, str text, str about) except -1:
    """Raise what a judge of topics found, if anything."""
    if found is None:
        return 0
    fault, at = found
    return refuse(writer, fault, about, text[at:at + 1])


cdef inline int put_packet_identifier(Writer* writer, object value, str about) except -1:
    """The identifier of `about`, a packet."""
    if put_number(writer, value, 2, "packet_id") == 0:
        refuse(writer, faults().PACKET_ID_ZERO, about)  # [MQTT-2.2.1-3] [U24]
    return 0
