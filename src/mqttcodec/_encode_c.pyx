# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
"""Encodes packets: the compiled `_encode_py.py`, with the same functions in the same order.

A packet is checked and written in one pass, which reads each field once. So no list or buffer can change between the
calculation of a size and the writing of its bytes. Lengths are inserted afterwards. The payload of a PUBLISH is not
copied until the packet is complete.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from ._arguments_c cimport *
from ._encode_properties_c cimport write_properties
from ._packets_c cimport (
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    PingReq,
    PingResp,
    PubAck,
    PubComp,
    Publish,
    PublishFlags,
    PublishProperties,
    PubRec,
    PubRel,
    SubAck,
    Subscribe,
    Subscription,
    UnsubAck,
    Unsubscribe,
    Will,
    _Acknowledgement,
)
from ._spec_c cimport *
from ._writer_c cimport *

cdef extern from "_traceback.h":
    pass

from . import _errors, _spec

cdef tuple PACKET_NAMES = tuple(map(_spec.place_name, range(16)))

# By version - 3, packet type and byte: whether the byte is a reason code.
cdef uint8_t IS_REASON_CODE[3][16][256]


cdef int fill_tables() except -1:
    cdef int version, packet_type, code
    for version in range(3, 6):
        for packet_type in range(16):
            members = _spec.reason_codes(packet_type, version)
            for code in range(256):
                IS_REASON_CODE[version - 3][packet_type][code] = <uint8_t> (members[code] is not None)
    return 0


fill_tables()


cdef bytes encode_any(object packet, int version):
    """Encode a packet of any kind into new bytes. It is not in `_codec_c.pyx`, so that `encode` there stays small."""
    cdef Writer writer
    cdef uint8_t stack[STACK_SIZE]
    cdef Py_ssize_t head_size
    cdef bytes encoded
    cdef uint8_t* target
    open_writer(&writer, stack, version)
    try:
        write_packet(&writer, packet)
        head_size = writer.ptr - writer.start
        encoded = PyBytes_FromStringAndSize(NULL, head_size + writer.payload_size)
        target = <uint8_t*> PyBytes_AS_STRING(encoded)
        memcpy(target, writer.start, <size_t> head_size)
        if writer.payload_size:
            memcpy(target + head_size, writer.payload, <size_t> writer.payload_size)
        return encoded
    finally:
        close_writer(&writer)


cdef int write_packet(Writer* writer, object packet) except -1:
    """Write everything before the payload. For a PUBLISH, the writer then holds the payload.

    The writer must not hold the payload of an earlier packet.

    Raises `EncodeError`, and `TypeError` for a field or a packet of the wrong Python type.
    """
    cdef int version = writer.version
    cdef Py_ssize_t start = writer.ptr - writer.start
    cdef Py_ssize_t head_size
    cdef int first_byte
    cdef uint32_t answer
    writer.packet = start
    reserve(writer, 4)
    answer = 0 if type(packet) is Publish else fast_acknowledgement(packet)
    if answer:
        put_fast_acknowledgement(writer.ptr, answer)
        writer.ptr += 4
        return 0
    writer.ptr += 2
    if type(packet) is Publish:
        first_byte = publish(writer, <Publish> packet)
    elif type(packet) is PubAck:
        first_byte = acknowledgement(writer, <_Acknowledgement> packet, PUBACK)
    elif type(packet) is PubRec:
        first_byte = acknowledgement(writer, <_Acknowledgement> packet, PUBREC)
    elif type(packet) is PubRel:
        first_byte = acknowledgement(writer, <_Acknowledgement> packet, PUBREL) | 0b0010
    elif type(packet) is PubComp:
        first_byte = acknowledgement(writer, <_Acknowledgement> packet, PUBCOMP)
    elif type(packet) is Connect:
        first_byte = connect(writer, <Connect> packet)
    elif type(packet) is ConnAck:
        first_byte = connack(writer, <ConnAck> packet)
    elif type(packet) is Subscribe:
        first_byte = subscribe(writer, <Subscribe> packet)
    elif type(packet) is SubAck:
        first_byte = suback(writer, <SubAck> packet)
    elif type(packet) is Unsubscribe:
        first_byte = unsubscribe(writer, <Unsubscribe> packet)
    elif type(packet) is UnsubAck:
        first_byte = unsuback(writer, <UnsubAck> packet)
    elif type(packet) is PingReq:
        first_byte = 0xC0
    elif type(packet) is PingResp:
        first_byte = 0xD0
    elif type(packet) is Disconnect:
        first_byte = disconnect(writer, <Disconnect> packet)
    elif type(packet) is Auth:
        first_byte = auth(writer, <Auth> packet)
    else:
        raise _errors.wrong_type("packet", "one of this implementation's packets", packet)
    head_size = writer.ptr - writer.start - start - 2
    # The sum of both sizes could overflow: a buffer may report up to PY_SSIZE_T_MAX bytes.
    if head_size > MAXIMUM_REMAINING_LENGTH or writer.payload_size > MAXIMUM_REMAINING_LENGTH - head_size:
        refuse(writer, _errors.ENCODED_TOO_LARGE)  # [U36]
    writer.start[start] = <uint8_t> first_byte
    insert_length(writer, start + 1, head_size + writer.payload_size)
    writer.version = version
    return 0


cdef int put_reason_code(Writer* writer, object value, int packet_type) except -1:
    """Check and write a reason code; returns its number."""
    cdef int64_t code = integer(value, "reason_code")
    # The indexes are valid: `writer.version` is 3, 4 or 5, and `packet_type` is a constant of the caller.
    if not 0 <= code <= 0xFF or not IS_REASON_CODE[writer.version - 3][packet_type][code]:
        refuse(writer, _errors.REASON_CODE, PACKET_NAMES[packet_type], value)
    put_byte(writer, <int> code)
    return <int> code


cdef int connect(Writer* writer, Connect packet) except -1:
    cdef int64_t version = integer(packet.protocol_version, "protocol_version")
    cdef int bridge, clean_start, flags
    cdef Will will = None
    if not 3 <= version <= 5:
        refuse(writer, _errors.PROTOCOL_VERSION, "", packet.protocol_version)
    writer.version = <int> version
    bridge = flag(writer, packet.bridge, "bridge")
    if bridge and not has_bridges(writer.version):
        refuse(writer, _errors.NOT_IN_VERSION, "bridge")
    put_binary(writer, b"MQIsdp" if version == 3 else b"MQTT", "protocol_name")
    put_byte(writer, writer.version | bridge * <int> BRIDGE_BIT)
    clean_start = flag(writer, packet.clean_start, "clean_start")
    flags = clean_start << 1
    if packet.will is not None:
        if type(packet.will) is not Will:
            refuse_type("will", "a Will", packet.will)
        will = packet.will
        flags |= 0x04 | two_bits(will.qos, "will.qos") << 3
        if flags & 0x18 == 0x18:
            refuse(writer, _errors.WILL_QOS, "", will.qos)  # [MQTT-3.1.2-12]
        flags |= flag(writer, will.retain, "will.retain") << 5
    if packet.username is not None:
        flags |= 0x80
    if packet.password is not None:
        flags |= 0x40
        if packet.username is None and not allows_password_alone(writer.version):
            refuse(writer, _errors.PASSWORD_WITHOUT_USERNAME)  # [MQTT-3.1.2-22]
    put_byte(writer, flags)
    put_number(writer, packet.keep_alive, 2, "keep_alive")
    write_properties(writer, <PyObject*> packet, CONNECT)
    if packet.authentication_data is not None and packet.authentication_method is None:
        refuse(writer, _errors.METHOD_MISSING)  # [U11]
    put_string(writer, packet.client_id, "client_id")
    if version == 4 and not PyUnicode_GET_LENGTH(packet.client_id) and not clean_start:
        refuse(writer, _errors.CLIENT_ID_EMPTY_TO_SEND)  # [MQTT-3.1.3-7]
    if version == 3 and not 1 <= PyUnicode_GET_LENGTH(packet.client_id) <= 23:
        refuse(writer, _errors.CLIENT_ID_LENGTH, "", PyUnicode_GET_LENGTH(packet.client_id))  # [U27]
    if will is not None:
        put_will(writer, will)
    if packet.username is not None:
        put_string(writer, packet.username, "username")
    if packet.password is not None:
        put_binary(writer, packet.password, "password")
    return 0x10


cdef int put_will(Writer* writer, Will will) except -1:
    write_properties(writer, <PyObject*> will, WILL)
    if not put_topic_name(writer, will.topic, "will.topic"):
        refuse(writer, _errors.TOPIC_EMPTY, "will.topic")  # [MQTT-4.7.3-1]
    return put_binary(writer, will.payload, "will.payload")


cdef int connack(Writer* writer, ConnAck packet) except -1:
    cdef int session_present = flag(writer, packet.session_present, "session_present")
    if session_present and not has_session_present(writer.version):
        refuse(writer, _errors.NOT_IN_VERSION, "session_present")  # [U31]
    put_byte(writer, session_present)
    if put_reason_code(writer, packet.reason_code, CONNACK) and session_present:  # [MQTT-3.2.2-8]
        refuse(writer, _errors.SESSION_PRESENT)  # [MQTT-3.2.2-6]
    write_properties(writer, <PyObject*> packet, CONNACK)
    return 0x20


cdef int publish(Writer* writer, Publish packet) except -1:
    cdef object payload = packet.payload
    cdef PublishFlags flags = packet.flags
    cdef PublishProperties properties = packet.publish_properties
    cdef int bits = -1 if flags is None else flags.bits
    cdef bint has_topic
    if bits < 0:
        bits = checked_flags(writer, packet)
    has_topic = put_topic_name(writer, packet.topic, "topic")
    if bits & 0x06:
        if packet.packet_id is None:
            refuse(writer, _errors.PACKET_ID_MISSING)  # [MQTT-2.2.1-3]
        put_packet_identifier(writer, packet.packet_id, "PUBLISH")
    elif packet.packet_id is not None:
        refuse(writer, _errors.PACKET_ID_AT_QOS_0, "", packet.packet_id)  # [MQTT-2.2.1-2]
    if properties is not None:
        write_properties(writer, <PyObject*> properties, PUBLISH)
    elif has_properties(writer.version):
        put_byte(writer, 0)
    if not has_topic:
        if not has_properties(writer.version):
            refuse(writer, _errors.TOPIC_EMPTY, "topic")  # [MQTT-4.7.3-1]
        if properties is None or properties.topic_alias is None:
            refuse(writer, _errors.TOPIC_AND_ALIAS_MISSING)  # [U13]
    Py_INCREF(payload)
    writer.payload_owner = <PyObject*> payload
    if type(payload) is bytes:
        writer.payload = <const uint8_t*> PyBytes_AS_STRING(payload)
        writer.payload_size = PyBytes_GET_SIZE(payload)
    else:
        byte_view(payload, &writer.payload_view, "payload")
        writer.holds_view = True
        writer.payload = <const uint8_t*> writer.payload_view.buf
        writer.payload_size = writer.payload_view.len
    return 0x30 | bits


cdef int checked_flags(Writer* writer, Publish packet) except -1:
    """The lower four bits of the first byte, from fields that may be invalid in this version."""
    cdef int qos = two_bits(packet.qos, "qos")
    cdef int retain, dup
    if qos == 3:
        refuse(writer, _errors.PUBLISH_QOS, "", packet.qos)  # [MQTT-3.3.1-4]
    retain = flag(writer, packet.retain, "retain")
    dup = flag(writer, packet.dup, "dup")
    if dup and not qos and writer.version != 3:
        refuse(writer, _errors.DUP_AT_QOS_0)  # [MQTT-3.3.1-2]
    return dup << 3 | qos << 1 | retain


cdef int acknowledgement(Writer* writer, _Acknowledgement packet, int packet_type) except -1:
    put_packet_identifier(writer, packet.packet_id, <str> PACKET_NAMES[packet_type])
    put_reason_and_properties(writer, packet.reason_code, <PyObject*> packet, packet_type)
    return packet_type << 4


cdef int put_acknowledgements(Writer* writer, object packet_type, object packet_ids) except -1:
    """Write acknowledgements that report success, four bytes each. The writer's version selects the clause of an error.

    If this fails, the writer may have written some of them.
    """
    cdef int64_t number = integer(packet_type, "packet_type")
    cdef int64_t identifier
    cdef uint8_t first_byte
    cdef uint8_t* target
    # A chained comparison would convert the number to the type of the enum, which is unsigned.
    if number < PUBACK or number > PUBCOMP:
        raise _errors.bad_value("packet_type", "PUBACK, PUBREC, PUBREL or PUBCOMP", packet_type)
    first_byte = <uint8_t> (number << 4 | (0b0010 if number == PUBREL else 0))
    for packet_id in packet_ids:
        if not PyLong_Check(packet_id):
            raise _errors.wrong_item("packet_ids", "int", packet_id)
        identifier = integer(packet_id, "packet_id")
        if not 1 <= identifier <= 0xFFFF:
            refuse_identifier(writer, identifier, packet_id, <str> PACKET_NAMES[number])
        if writer.end - writer.ptr < 4:
            # In proportion to what is written: `grow` doubles a buffer only up to the size of the largest packet.
            grow(writer, 4 + (writer.ptr - writer.start) // 2)
        target = writer.ptr
        writer.ptr = target + 4
        target[0] = first_byte
        target[1] = 2
        target[2] = <uint8_t> (identifier >> 8)
        target[3] = <uint8_t> (identifier & 0xFF)
    return 0


cdef int put_reason_and_properties(Writer* writer, object reason_code, PyObject* packet, int packet_type) except -1:
    """Write a reason code and properties, and remove them again if the packet can do without (3.4.2.1) [U39].

    Before 5.0 the packet has neither. In 5.0 an empty property list is left out, and with it the reason code if that is
    `SUCCESS`. The fields are checked in every case.
    """
    cdef Py_ssize_t start = writer.ptr - writer.start
    cdef int code
    if not has_reason_codes(writer.version) and integer(reason_code, "reason_code") != 0:
        refuse(writer, _errors.NOT_IN_VERSION, "reason_code")
    code = put_reason_code(writer, reason_code, packet_type)  # [MQTT-3.4.2-1] and its counterparts
    write_properties(writer, packet, packet_type)
    if not has_reason_codes(writer.version):
        writer.ptr = writer.start + start
    elif writer.ptr - writer.start == start + 2:
        writer.ptr = writer.start + start + (code != 0)
    return 0


cdef int subscribe(Writer* writer, Subscribe packet) except -1:
    put_packet_identifier(writer, packet.packet_id, "SUBSCRIBE")
    write_properties(writer, <PyObject*> packet, SUBSCRIBE)
    subscriptions = sequence(packet.subscriptions, "subscriptions")
    if not subscriptions:
        refuse(writer, _errors.LIST_EMPTY, "subscriptions")  # [MQTT-3.8.3-2]
    for subscription in subscriptions:
        put_subscription(writer, subscription)
    return 0x82


cdef int put_subscription(Writer* writer, object packet) except -1:
    cdef Subscription subscription
    cdef int options, no_local, retain_as_published, retain_handling
    cdef bint has_options = has_subscription_options(writer.version)
    if type(packet) is not Subscription:
        raise _errors.wrong_item("subscriptions", "a Subscription", packet)
    subscription = packet
    put_topic_filter(writer, subscription.topic_filter, "topic_filter")
    options = two_bits(subscription.qos, "qos")
    if options == 3:
        fault = _errors.SUBSCRIPTION_QOS if has_options else _errors.REQUESTED_QOS
        refuse(writer, fault, "", subscription.qos)  # [U15] [MQTT-3-8.3-4]
    no_local = flag(writer, subscription.no_local, "no_local")
    if no_local and not has_options:
        refuse(writer, _errors.NOT_IN_VERSION, "no_local")
    if no_local and str.startswith(subscription.topic_filter, "$share/"):
        refuse(writer, _errors.NO_LOCAL_SHARED)  # [MQTT-3.8.3-4]
    retain_as_published = flag(writer, subscription.retain_as_published, "retain_as_published")
    if retain_as_published and not has_options:
        refuse(writer, _errors.NOT_IN_VERSION, "retain_as_published")
    retain_handling = two_bits(subscription.retain_handling, "retain_handling")
    if retain_handling == 3:
        refuse(writer, _errors.RETAIN_HANDLING, "", subscription.retain_handling)  # [U16]
    if retain_handling and not has_options:
        refuse(writer, _errors.NOT_IN_VERSION, "retain_handling")
    return put_byte(writer, options | no_local << 2 | retain_as_published << 3 | retain_handling << 4)


cdef int suback(Writer* writer, SubAck packet) except -1:
    put_packet_identifier(writer, packet.packet_id, "SUBACK")
    write_properties(writer, <PyObject*> packet, SUBACK)
    put_reason_codes(writer, packet.reason_codes, SUBACK)
    return 0x90


cdef int put_reason_codes(Writer* writer, object reason_codes, int packet_type) except -1:
    codes = sequence(reason_codes, "reason_codes")
    if not codes:
        refuse(writer, _errors.LIST_EMPTY, "reason_codes")  # [U40]
    for code in codes:
        if not PyLong_Check(code):
            raise _errors.wrong_item("reason_codes", "int", code)
        put_reason_code(writer, code, packet_type)
    return 0


cdef int unsubscribe(Writer* writer, Unsubscribe packet) except -1:
    put_packet_identifier(writer, packet.packet_id, "UNSUBSCRIBE")
    write_properties(writer, <PyObject*> packet, UNSUBSCRIBE)
    topic_filters = sequence(packet.topic_filters, "topic_filters")
    if not topic_filters:
        refuse(writer, _errors.LIST_EMPTY, "topic_filters")  # [MQTT-3.10.3-2]
    for topic_filter in topic_filters:
        if not PyUnicode_Check(topic_filter):
            raise _errors.wrong_item("topic_filters", "str", topic_filter)
        put_topic_filter(writer, topic_filter, "topic_filters")
    return 0xA2


cdef int unsuback(Writer* writer, UnsubAck packet) except -1:
    put_packet_identifier(writer, packet.packet_id, "UNSUBACK")
    write_properties(writer, <PyObject*> packet, UNSUBACK)
    if has_reason_codes(writer.version):
        put_reason_codes(writer, packet.reason_codes, UNSUBACK)
    elif not absent(packet.reason_codes):
        refuse(writer, _errors.NOT_IN_VERSION, "reason_codes")
    return 0xB0


cdef int disconnect(Writer* writer, Disconnect packet) except -1:
    put_reason_and_properties(writer, packet.reason_code, <PyObject*> packet, DISCONNECT)
    return 0xE0


cdef int auth(Writer* writer, Auth packet) except -1:
    cdef Py_ssize_t start = writer.ptr - writer.start
    cdef int code
    if not has_auth(writer.version):
        refuse(writer, _errors.NOT_IN_VERSION, "AUTH")
    code = put_reason_code(writer, packet.reason_code, AUTH)  # [MQTT-3.15.2-1]
    write_properties(writer, <PyObject*> packet, AUTH)
    if code == 0 and writer.ptr - writer.start == start + 2:
        writer.ptr = writer.start + start  # [U20]
    elif packet.authentication_method is None:
        refuse(writer, _errors.AUTH_METHOD_MISSING)  # [U21]
    return 0xF0
