from libc.stdint cimport int64_t, uint8_t

from ._packets_c cimport PubAck, PubComp, PubRec, PubRel, _Acknowledgement
from ._wire_c cimport PyLong_Check, small_value
from ._writer_c cimport PyTuple_GET_SIZE, Writer


cdef object write_packet(Writer* writer, object packet)


cdef inline bint put_plain_answer(uint8_t* target, object packet):
    """Write an acknowledgement that says success and nothing more, four bytes in every version, as most of them do.

    False for any other packet. A writer takes 5 ns more to come to the same.
    """
    cdef _Acknowledgement answer
    cdef int64_t identifier
    if type(packet) is PubAck:
        target[0] = 0x40
    elif type(packet) is PubRec:
        target[0] = 0x50
    elif type(packet) is PubRel:
        target[0] = 0x62
    elif type(packet) is PubComp:
        target[0] = 0x70
    else:
        return False
    answer = <_Acknowledgement> packet
    if not PyLong_Check(answer.packet_id) or not PyLong_Check(answer.reason_code) or answer.reason_string is not None:
        return False
    if type(answer.user_properties) is not tuple or PyTuple_GET_SIZE(answer.user_properties):
        return False
    identifier = small_value(answer.packet_id)
    if small_value(answer.reason_code) or not 1 <= identifier <= 0xFFFF:
        return False
    target[1] = 2
    target[2] = <uint8_t> (identifier >> 8)
    target[3] = <uint8_t> (identifier & 0xFF)
    return True
