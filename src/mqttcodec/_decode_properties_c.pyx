# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
# Index checks are off. The indexes are valid because `cursor.place` is 0 to 15, every identifier that
# `property_identifier` returns has a bit in ALLOWED and so is below 64, and the index into QOS is checked to be 0 or 1.
# `longer` reads a tuple of the size it has asked for.
# cython: boundscheck=False, wraparound=False
"""Decodes property lists (2.2.2): the compiled `_decode_properties_py.py`.

`read_properties` stores each value in the packet's C struct, at the offset that the tables have for the property.
"""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF, Py_XDECREF
from cpython.tuple cimport PyTuple_GET_SIZE, PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport int64_t, uint8_t, uint64_t

from ._arguments_c cimport *
from ._reader_c cimport *
from ._spec_c cimport *

cdef extern from "_traceback.h":
    pass

from . import _errors, _spec
from ._enums import PropertyId, QoS
from ._packets_c import _PROPERTY_OFFSETS

cdef enum:
    # Up to this size, a field that holds several values is a tuple while it is read.
    SHORT = 4

cdef tuple QOS = tuple(QoS)
cdef tuple PLACE_NAMES = tuple(map(_spec.place_name, range(16)))

# By identifier: the kind of the property. By place: the set of properties allowed, and of those that may repeat.
cdef uint8_t PROPERTY_KINDS[64]
cdef uint64_t ALLOWED[16]
cdef uint64_t REPEATABLE[16]
# By place and identifier, if it is allowed there: the offset of the field in the struct.
cdef Py_ssize_t OFFSETS[16][64]


cdef int fill_property_tables() except -1:
    cdef int identifier, place
    for identifier in range(64):
        PROPERTY_KINDS[identifier] = _spec.PROPERTY_KINDS.get(identifier, 0)
    for place in range(16):
        ALLOWED[place] = REPEATABLE[place] = 0
        for identifier, offset in _PROPERTY_OFFSETS[place].items():
            ALLOWED[place] |= <uint64_t> 1 << identifier
            OFFSETS[place][identifier] = offset
            if _spec.may_repeat(place, identifier):
                REPEATABLE[place] |= <uint64_t> 1 << identifier
    return 0


fill_property_tables()


cdef struct Properties:
    # A property list that is being read. Meanwhile, `end` and `place` of the cursor are those of the list.
    uint64_t seen
    const uint8_t* packet_end


cdef int read_properties(Cursor* cursor, PyObject* holder, int place, str about="Property Length") except -1:
    """Read a property list (2.2.2) into the fields of `holder`, the object that holds a packet's properties.

    Fields that hold several values must be `()` before the call. While it runs, such a field may be a list, because no
    other code can see the packet yet.
    """
    cdef Properties properties
    cdef uint64_t repeated
    open_properties(cursor, &properties, place, about)
    while cursor.ptr != cursor.end:
        value = next_property(cursor, &properties)
        if REPEATABLE[place] >> cursor.identifier & 1:
            append_to_field(field_of(holder, place, cursor.identifier), value)
        else:
            set_field(field_of(holder, place, cursor.identifier), value)
    repeated = properties.seen & REPEATABLE[place]
    if repeated >> USER_PROPERTY & 1:
        close_field(field_of(holder, place, USER_PROPERTY))
    if repeated >> SUBSCRIPTION_IDENTIFIER & 1:
        close_field(field_of(holder, place, SUBSCRIPTION_IDENTIFIER))
    close_properties(cursor, &properties)
    return 0


cdef int open_properties(Cursor* cursor, Properties* properties, int place, str about="Property Length") except -1:
    """Read the length of a property list (2.2.2), and set the cursor's `end` to the end of the list.

    The caller must call `next_property` until the cursor is at `end`, and then `close_properties`.
    """
    cdef const uint8_t* start = cursor.ptr
    cdef int64_t length = variable_integer(cursor, about, False)  # [MQTT-2.2.2-1]
    if cursor.end - cursor.ptr < length:
        fail(cursor, _errors.PROPERTIES_CUT, start, about, length)  # [U06]
    properties.seen = 0
    properties.packet_end = cursor.end
    cursor.end = cursor.ptr + length
    cursor.in_properties = True
    cursor.identifier = 0
    cursor.place = place
    return 0


cdef void close_properties(Cursor* cursor, Properties* properties) noexcept:
    cursor.end = properties.packet_end
    cursor.place = cursor.packet_type
    cursor.in_properties = False


cdef object next_property(Cursor* cursor, Properties* properties):
    """Read the next property; returns its value, and sets the cursor's `identifier`."""
    cdef const uint8_t* start = cursor.ptr
    cdef int identifier = property_identifier(cursor)
    cdef uint64_t bit = <uint64_t> 1 << identifier
    cursor.identifier = identifier
    if properties.seen & bit & ~REPEATABLE[cursor.place]:
        fail(cursor, _errors.PROPERTY_TWICE, start, None)  # [U07]
    properties.seen |= bit
    return property_value(cursor, PROPERTY_KINDS[identifier])


cdef int property_identifier(Cursor* cursor) except -1:
    cdef const uint8_t* start = cursor.ptr
    cdef int64_t identifier
    cdef uint8_t octet = start[0]  # Read only once, because another thread may write to the buffer.
    if octet < 64 and ALLOWED[cursor.place] >> octet & 1:
        take(cursor, 1, None)
        return octet
    identifier = octet
    if octet >= 0x80:
        identifier = long_variable_integer(cursor, octet, "Property Identifier", True)  # [U04]
    if identifier >= 64 or PROPERTY_KINDS[identifier] == 0:
        fail(cursor, _errors.PROPERTY_UNKNOWN, start, "", identifier)  # [U05]
    name = PropertyId(identifier).name.lower()
    fail(cursor, _errors.PROPERTY_MISPLACED, start, PLACE_NAMES[cursor.place], name)  # [U05]


cdef object property_value(Cursor* cursor, int kind):
    cdef const uint8_t* start = cursor.ptr
    cdef int64_t value
    if kind == KIND_STRING:
        return recurring_text(cursor, None, NON_ASCII | NUL)
    if kind == KIND_STRING_PAIR:
        name = recurring_text(cursor, None, NON_ASCII | NUL)  # Names recur, values usually do not.
        return name, string(cursor, None)
    if kind == KIND_BINARY:
        return binary(cursor, None)
    if kind == KIND_TOPIC_NAME:
        text = topic_name(cursor, None)
        if not text:
            fail(cursor, _errors.TOPIC_EMPTY, start, None)  # [MQTT-4.7.3-1]
        return text
    if kind <= KIND_QOS:
        value = byte(cursor, None)
        if value > 1:
            fail(cursor, _errors.NOT_0_OR_1, start, None, value)  # [U10] [U12]
        return value == 1 if kind == KIND_BOOLEAN else value if kind == KIND_INDICATOR else QOS[value]
    if kind <= KIND_TOPIC_ALIAS:
        value = two_bytes(cursor, None)
    elif kind <= KIND_FOUR_BYTE_NON_ZERO:
        value = four_bytes(cursor, None)
    else:
        value = variable_integer(cursor, None, False)
    if value == 0:
        if kind == KIND_TOPIC_ALIAS:
            fail(cursor, _errors.TOPIC_ALIAS_ZERO, start)  # [MQTT-3.3.2-8]
        if kind == KIND_TWO_BYTE_NON_ZERO or kind == KIND_FOUR_BYTE_NON_ZERO or kind == KIND_VARIABLE_NON_ZERO:
            fail(cursor, _errors.ZERO, start, None)  # [U08] [U09] [U14]
    return number(value)


cdef extern from "_numbers.h":
    const bint KEEPS_NUMBERS

# By `value & 63`: the int created last, an owned reference.
cdef PyObject* recent_numbers[64]


cdef inline object number(int64_t value):
    """An int object, often the one of an earlier packet.

    Intervals and maxima are usually settings, so the same numbers return in later packets.
    """
    cdef PyObject** kept = &recent_numbers[value & 63]
    cdef object made
    if value < 257 or not KEEPS_NUMBERS:
        return value  # Python caches these itself.
    if kept[0] != NULL and small_value(<object> kept[0]) == value:
        return <object> kept[0]
    made = value
    Py_INCREF(made)
    Py_XDECREF(kept[0])
    kept[0] = <PyObject*> made
    return made


cdef inline PyObject** field_of(PyObject* holder, int place, int identifier) noexcept:
    return <PyObject**> (<char*> holder + OFFSETS[place][identifier])


cdef inline int set_field(PyObject** field, object value) except -1:
    cdef PyObject* before = field[0]
    Py_INCREF(value)
    field[0] = <PyObject*> value
    Py_XDECREF(before)
    return 0


cdef int append_to_field(PyObject** field, object value) except -1:
    """Add a value to a field that holds several: to a tuple as long as it is short, then to a list."""
    items = <object> field[0]
    if type(items) is list:
        (<list> items).append(value)
    elif PyTuple_GET_SIZE(items) < SHORT:
        set_field(field, longer(<tuple> items, value))
    else:
        set_field(field, [*(<tuple> items), value])
    return 0


cdef tuple longer(tuple items, object value):
    """A tuple with one more item."""
    cdef Py_ssize_t at, size = PyTuple_GET_SIZE(items)
    cdef tuple copy = PyTuple_New(size + 1)
    for at in range(size):
        item = items[at]
        Py_INCREF(item)
        PyTuple_SET_ITEM(copy, at, item)
    Py_INCREF(value)
    PyTuple_SET_ITEM(copy, size, value)
    return copy


cdef int close_field(PyObject** field) except -1:
    """Convert a list back to a tuple, once all values are read."""
    items = <object> field[0]
    if type(items) is list:
        set_field(field, tuple(<list> items))
    return 0
