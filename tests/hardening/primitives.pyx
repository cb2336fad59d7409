# cython: language_level=3, freethreading_compatible=True
"""The inline functions that read bytes, callable one by one at any address. `test_primitives.py` builds it.

It is loaded as a module of the package, because these functions import from the package when they find a fault.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t, uintptr_t

from mqttcodec._arguments_c cimport *
from mqttcodec._decode_properties_c cimport read_properties
from mqttcodec._packets_c cimport PubAck, PublishProperties
from mqttcodec._reader_c cimport *
from mqttcodec._spec_c cimport EITHER, PUBACK, PUBLISH
from mqttcodec._text_c cimport copy_text

from mqttcodec import DecodeError

cdef enum Kind:
    BYTE
    TWO_BYTES
    FOUR_BYTES
    VARIABLE_INTEGER
    REMAINING_LENGTH
    SCAN
    BINARY
    STRING
    TOPIC_NAME
    TOPIC_FILTER
    ANSWER_PROPERTIES
    PUBLISH_PROPERTIES

KINDS = {
    "byte": BYTE,
    "two_bytes": TWO_BYTES,
    "four_bytes": FOUR_BYTES,
    "variable_integer": VARIABLE_INTEGER,
    "remaining_length": REMAINING_LENGTH,
    "scan": SCAN,
    "binary": BINARY,
    "string": STRING,
    "topic_name": TOPIC_NAME,
    "topic_filter": TOPIC_FILTER,
    "answer_properties": ANSWER_PROPERTIES,
    "publish_properties": PUBLISH_PROPERTIES,
}


cdef object read_with(Kind kind, const uint8_t* data, Py_ssize_t size):
    """The value read, and its size in bytes."""
    cdef Cursor cursor
    cdef int64_t remaining_length = 0
    cdef int header_size
    cdef uint8_t[64] copy
    cdef PubAck answer
    cdef PublishProperties held
    open_cursor(&cursor, data, 0, size, 5, True, EITHER, False)
    cursor.packet_type = cursor.place = PUBACK
    cursor.identifier = 0
    if kind == BYTE:
        value = byte(&cursor, "it")
    elif kind == TWO_BYTES:
        value = two_bytes(&cursor, "it")
    elif kind == FOUR_BYTES:
        value = four_bytes(&cursor, "it")
    elif kind == VARIABLE_INTEGER:
        value = variable_integer(&cursor, "it", False)
    elif kind == REMAINING_LENGTH:  # After a first byte, which is one of the bytes.
        header_size = read_length(data, size, PUBACK << 4, 5, True, &remaining_length)
        return remaining_length if header_size else None, header_size
    elif kind == SCAN:
        return copy_text(copy, data, size), size
    elif kind == BINARY:
        value = binary(&cursor, "it")
    elif kind == STRING:
        value = string(&cursor, "it")
    elif kind == TOPIC_NAME:
        value = topic_name(&cursor, "it")
    elif kind == TOPIC_FILTER:
        value = topic_filter(&cursor, "it")
    elif kind == ANSWER_PROPERTIES:
        answer = PubAck.__new__(PubAck)
        answer.user_properties = ()
        read_properties(&cursor, <PyObject*> answer, PUBACK)
        value = answer.reason_string, answer.user_properties
    else:
        cursor.packet_type = cursor.place = PUBLISH
        held = PublishProperties.__new__(PublishProperties)
        held.user_properties = held.subscription_identifiers = ()
        read_properties(&cursor, <PyObject*> held, PUBLISH)
        value = (
            *(held.payload_format_indicator, held.message_expiry_interval, held.topic_alias, held.response_topic),
            *(held.correlation_data, held.user_properties, held.subscription_identifiers, held.content_type),
        )
    return value, cursor.ptr - cursor.start


def read(Kind kind, uintptr_t address, Py_ssize_t size):
    """Read from `size` bytes at an address. Returns the value and its size in bytes."""
    return read_with(kind, <const uint8_t*> address, size)


def sweep(Kind kind, uintptr_t address, Py_ssize_t size, Py_ssize_t skipped, int step):
    """Read every `step`th of all values of `size` bytes at an address. The first `skipped` bytes do not change.

    Returns how many were right, how many bytes these took together, and how many were refused.
    """
    cdef uint8_t* data = <uint8_t*> address
    cdef uint32_t content, at
    cdef uint64_t right = 0, taken = 0, refused = 0
    for content in range(0, <uint32_t> 1 << 8 * (size - skipped), step):
        for at in range(size - skipped):
            data[skipped + at] = <uint8_t> (content >> 8 * at & 0xFF)
        try:
            _, used = read_with(kind, data, size)
        except DecodeError:
            refused += 1
        else:
            right += 1
            taken += <uint64_t> used
    return right, taken, refused
