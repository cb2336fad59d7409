# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
"""Encodes property lists (2.2.2): the compiled `_encode_properties_py.py`."""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from ._arguments_c cimport *
from ._spec_c cimport *
from ._writer_c cimport *

cdef extern from "_traceback.h":
    pass

import sys

from . import _errors, _spec
from ._packets_c import _PROPERTY_OFFSETS


cdef struct Property:
    # `name` is the name of the field, borrowed from FIELD_NAMES; `offset` is the field's offset in the packet's struct.
    PyObject* name
    Py_ssize_t offset
    int identifier
    int kind
    bint repeats


# By place: the properties, in the order in which they are written, and their number.
cdef Property PROPERTIES[16][32]
cdef int PROPERTY_COUNTS[16]
cdef set FIELD_NAMES = set()
cdef tuple EMPTY = ()


cdef int fill_tables() except -1:
    cdef int place
    cdef Property* row
    for place in range(16):
        for identifier, offset in _PROPERTY_OFFSETS[place].items():
            # Interned, because free-threaded Python does not count references to interned strings.
            name = sys.intern(_spec.property_field(place, identifier))
            FIELD_NAMES.add(name)
            row = &PROPERTIES[place][PROPERTY_COUNTS[place]]
            row.name = <PyObject*> name
            row.offset = offset
            row.identifier = identifier
            row.kind = _spec.PROPERTY_KINDS[identifier]
            row.repeats = _spec.may_repeat(place, identifier)
            PROPERTY_COUNTS[place] += 1
    return 0


fill_tables()


cdef int write_properties(Writer* writer, PyObject* holder, int place) except -1:
    """Write the property list of a place (2.2.2). `holder` is the object that holds a packet's properties.

    If the version has no properties, nothing is written, and any property is rejected.
    """
    cdef Py_ssize_t length, start
    cdef PyObject* value
    cdef Property* row = &PROPERTIES[place][0]
    cdef Property* end = row + PROPERTY_COUNTS[place]
    if has_properties(writer.version):
        put_byte(writer, 0)  # The Property Length.
    start = writer.ptr - writer.start
    while row != end:
        value = (<PyObject**> (<char*> holder + row.offset))[0]
        # The common values of absent properties; `put_property` accepts others. Python has only one empty tuple.
        if value != <PyObject*> None and not (row.repeats and value == <PyObject*> EMPTY):
            put_property(writer, row, <object> value)
        row += 1
    if has_properties(writer.version):
        length = writer.ptr - writer.start - start
        if length > MAXIMUM_REMAINING_LENGTH:
            refuse(writer, _errors.ENCODED_TOO_LARGE)  # [U36]; `insert_length` writes at most four bytes.
        insert_length(writer, start - 1, length)  # [MQTT-2.2.2-1]
    return 0


cdef int put_property(Writer* writer, Property* row, object value) except -1:
    if row.repeats and absent(value):
        return 0
    if not has_properties(writer.version):
        refuse(writer, _errors.NOT_IN_VERSION, <str> row.name)
    if not row.repeats:
        put_byte(writer, row.identifier)
        return put_property_value(writer, row.kind, value, <str> row.name)
    for item in sequence(value, <str> row.name):
        if row.kind == KIND_STRING_PAIR:
            put_byte(writer, row.identifier)
            put_pair(writer, item)
            continue
        if not PyLong_Check(item):
            raise _errors.wrong_item(<str> row.name, "int", item)
        put_byte(writer, row.identifier)
        put_property_value(writer, row.kind, item, <str> row.name)
    return 0


cdef int put_pair(Writer* writer, object value) except -1:
    """Write a UTF-8 String Pair (1.5.7)."""
    cdef tuple pair
    if not isinstance(value, (tuple, list)):
        raise _errors.not_a_pair(value)
    pair = sequence(value, "user_properties")
    if PyTuple_GET_SIZE(pair) != 2:
        raise _errors.not_a_pair(pair)
    for text in pair:
        if not PyUnicode_Check(text):
            refuse_type("each name and value of user_properties", "str", text)
        put_string(writer, text, "user_properties")
    return 0


cdef inline int put_property_value(Writer* writer, int kind, object value, str name) except -1:
    cdef int64_t number
    if kind == KIND_STRING:
        return put_string(writer, value, name)
    if kind == KIND_BINARY:
        return put_binary(writer, value, name)
    if kind == KIND_TOPIC_NAME:
        if not put_topic_name(writer, value, name):
            refuse(writer, _errors.TOPIC_EMPTY, name)  # [MQTT-4.7.3-1]
        return 0
    if kind <= KIND_QOS:
        return put_byte(writer, flag(writer, value, name))  # [U10] [U12]
    if kind == KIND_VARIABLE_NON_ZERO:
        number = integer(value, name)
        if not 0 <= number <= MAXIMUM_REMAINING_LENGTH:
            refuse(writer, _errors.NOT_VARIABLE, name, value)
        if number == 0:
            refuse(writer, _errors.ZERO, name)  # [U14]
        return put_variable_integer(writer, number)
    number = put_number(writer, value, 2 if kind <= KIND_TOPIC_ALIAS else 4, name)
    if number == 0:
        if kind == KIND_TOPIC_ALIAS:
            refuse(writer, _errors.TOPIC_ALIAS_ZERO)  # [MQTT-3.3.2-8]
        if kind == KIND_TWO_BYTE_NON_ZERO or kind == KIND_FOUR_BYTE_NON_ZERO:
            refuse(writer, _errors.ZERO, name)  # [U08] [U09]
    return 0
