from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from ._packets_c cimport PubAck, PubComp, Publish, PubRec, PubRel, _Acknowledgement
from ._spec_c cimport MAXIMUM_REMAINING_LENGTH, has_properties
from ._text_c cimport copy_text
from ._writer_c cimport Writer, reserve

# For borrowed references to fields, which are valid because a packet cannot change. If these took objects, Cython would
# make a new reference for each call. In Python 3.12 and 3.13, decrementing a reference count right after incrementing
# it stalls the processor.
cdef extern from "Python.h":
    bint is_int "PyLong_Check"(PyObject* value) noexcept
    bint is_tuple "PyTuple_CheckExact"(PyObject* value) noexcept
    bint is_bytes "PyBytes_CheckExact"(PyObject* value) noexcept
    bint is_str "PyUnicode_CheckExact"(PyObject* value) noexcept
    bint is_ascii "PyUnicode_IS_COMPACT_ASCII"(PyObject* text) noexcept
    Py_ssize_t item_count "PyTuple_GET_SIZE"(PyObject* items) noexcept
    Py_ssize_t bytes_size "PyBytes_GET_SIZE"(PyObject* data) noexcept
    Py_ssize_t text_length "PyUnicode_GET_LENGTH"(PyObject* text) noexcept
    const char* bytes_data "PyBytes_AS_STRING"(PyObject* data) noexcept
    const uint8_t* text_data "PyUnicode_DATA"(PyObject* text) noexcept

cdef extern from "_numbers.h":
    int64_t small_number "small_value"(PyObject* number) noexcept

cdef bytes encode_any(object packet, int version)
cdef int write_packet(Writer* writer, object packet) except -1
cdef int put_acknowledgements(Writer* writer, object packet_type, object packet_ids) except -1


cdef inline uint32_t fast_acknowledgement(object packet):
    """The first byte, shifted left by 16, and the identifier of an acknowledgement without anything else; else 0.

    Most acknowledgements report success and have no properties. They have four bytes in every version, which can be
    written without a writer.
    """
    cdef _Acknowledgement answer
    cdef PyObject* packet_id
    cdef PyObject* code
    cdef PyObject* user_properties
    cdef uint32_t first_byte
    cdef int64_t identifier
    if type(packet) is PubAck:
        first_byte = 0x40
    elif type(packet) is PubRec:
        first_byte = 0x50
    elif type(packet) is PubRel:
        first_byte = 0x62
    elif type(packet) is PubComp:
        first_byte = 0x70
    else:
        return 0
    answer = <_Acknowledgement> packet
    packet_id = <PyObject*> answer.packet_id
    code = <PyObject*> answer.reason_code
    user_properties = <PyObject*> answer.user_properties
    if not is_int(packet_id) or not is_int(code) or answer.reason_string is not None:
        return 0
    if not is_tuple(user_properties) or item_count(user_properties):
        return 0
    identifier = small_number(packet_id)
    if small_number(code) or not 1 <= identifier <= 0xFFFF:
        return 0
    return first_byte << 16 | <uint32_t> identifier


cdef inline void put_fast_acknowledgement(uint8_t* target, uint32_t answer) noexcept:
    """Write the four bytes of a packet for which `fast_acknowledgement` returned `answer`."""
    target[0] = <uint8_t> (answer >> 16)
    target[1] = 2
    target[2] = <uint8_t> (answer >> 8 & 0xFF)
    target[3] = <uint8_t> (answer & 0xFF)


cdef inline Py_ssize_t fast_publish_size(Publish packet, int version) noexcept:
    """The size of a PUBLISH with an ASCII topic, bytes as its payload and no properties; else 0.

    Most PUBLISH packets are of this kind. As the size is known in advance, they can be written without a writer.
    """
    cdef PyObject* topic = <PyObject*> packet.topic
    cdef PyObject* payload = <PyObject*> packet.payload
    cdef PyObject* packet_id = <PyObject*> packet.packet_id
    cdef int64_t identifier
    cdef Py_ssize_t size
    if packet.flags is None or packet.flags.bits < 0 or packet.publish_properties is not None:
        return 0
    if not is_str(topic) or not is_ascii(topic) or not 1 <= text_length(topic) <= 0xFFFF or not is_bytes(payload):
        return 0
    size = 2 + text_length(topic) + has_properties(version)
    if packet.flags.bits & 0x06:
        identifier = small_number(packet_id) if is_int(packet_id) else 0
        if not 1 <= identifier <= 0xFFFF:
            return 0
        size += 2
    elif packet.packet_id is not None:
        return 0
    if bytes_size(payload) > MAXIMUM_REMAINING_LENGTH - size:
        return 0
    size += bytes_size(payload)
    return size + (2 if size < 1 << 7 else 3 if size < 1 << 14 else 4 if size < 1 << 21 else 5)


cdef inline bint put_fast_publish(uint8_t* target, Publish packet, int version) noexcept:
    """Write a packet whose `fast_publish_size` is not 0. Returns False if its topic is invalid."""
    cdef PyObject* topic = <PyObject*> packet.topic
    cdef PyObject* payload = <PyObject*> packet.payload
    cdef int bits = packet.flags.bits
    cdef Py_ssize_t size = text_length(topic), payload_size = bytes_size(payload)
    cdef Py_ssize_t length = 2 + size + (2 if bits & 0x06 else 0) + has_properties(version) + payload_size
    cdef int64_t identifier
    target[0] = <uint8_t> (0x30 | bits)
    target += 1
    while length > 0x7F:
        target[0] = <uint8_t> (length & 0x7F | 0x80)
        target += 1
        length >>= 7
    target[0] = <uint8_t> length
    target[1] = <uint8_t> (size >> 8)
    target[2] = <uint8_t> (size & 0xFF)
    target += 3
    if copy_text(target, text_data(topic), size):
        return False
    target += size
    if bits & 0x06:
        identifier = small_number(<PyObject*> packet.packet_id)
        target[0] = <uint8_t> (identifier >> 8)
        target[1] = <uint8_t> (identifier & 0xFF)
        target += 2
    if has_properties(version):
        target[0] = 0
        target += 1
    memcpy(target, bytes_data(payload), <size_t> payload_size)
    return True


cdef inline bint append_fast_publish(Writer* writer, Publish packet, Py_ssize_t limit) except -1:
    """Write a PUBLISH that `fast_publish_size` accepts, if it is not larger than `limit`. Returns whether it was."""
    cdef Py_ssize_t size = fast_publish_size(packet, writer.version)
    if size == 0 or size > limit:
        return False
    writer.packet = writer.ptr - writer.start
    reserve(writer, size)
    if not put_fast_publish(writer.ptr, packet, writer.version):
        return False
    writer.ptr += size
    return True
