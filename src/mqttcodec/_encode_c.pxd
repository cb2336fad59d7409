from libc.stdint cimport int64_t, uint8_t, uint32_t

from ._arguments_c cimport PyLong_Check, small_value
from ._packets_c cimport PubAck, PubComp, Publish, PubRec, PubRel, _Acknowledgement
from ._writer_c cimport PyTuple_GET_SIZE, Writer


cdef int write_packet(Writer* writer, object packet) except -1
cdef int put_acknowledgements(Writer* writer, object packet_type, object packet_ids) except -1


cdef inline uint32_t fast_acknowledgement(object packet):
    """The first byte, shifted left by 16, and the identifier of an acknowledgement without anything else; else 0.

    Most acknowledgements report success and have no properties. They have four bytes in every version, which can be
    written without a writer.
    """
    cdef _Acknowledgement answer
    cdef uint32_t first_byte
    cdef int64_t identifier
    if type(packet) is Publish:
        return 0  # The most frequent packet, so it is not compared with the others first.
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
    if not PyLong_Check(answer.packet_id) or not PyLong_Check(answer.reason_code) or answer.reason_string is not None:
        return 0
    if type(answer.user_properties) is not tuple or PyTuple_GET_SIZE(answer.user_properties):
        return 0
    identifier = small_value(answer.packet_id)
    if small_value(answer.reason_code) or not 1 <= identifier <= 0xFFFF:
        return 0
    return first_byte << 16 | <uint32_t> identifier


cdef inline void put_fast_acknowledgement(uint8_t* target, uint32_t answer) noexcept:
    """Write the four bytes of a packet for which `fast_acknowledgement` returned `answer`."""
    target[0] = <uint8_t> (answer >> 16)
    target[1] = 2
    target[2] = <uint8_t> (answer >> 8 & 0xFF)
    target[3] = <uint8_t> (answer & 0xFF)
