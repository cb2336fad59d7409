# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
# Index checks are off. The indexes are valid because the caller has checked the first byte (the packet type is 1 to 15,
# and the QoS of a PUBLISH is not 3), `cursor.version` is 3, 4 or 5, and a reason code is a byte. Where an index relies
# on anything else, a comment gives the reason.
# cython: boundscheck=False, wraparound=False
"""Decodes packets: the compiled `_decode_py.py`, with the same functions in the same order.

The caller checks the fixed header; `decode_body` reads the rest. Packets are created by `new_packet` and filled
through their C struct. A field without a value stays None, or is set to the default of the class.
"""

from cpython.object cimport PyObject
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport uint8_t
from libc.string cimport memcmp

from ._arguments_c cimport *
from ._decode_properties_c cimport read_properties
from ._new_c cimport lasting, new_packet
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
    flags_of_bits,
)
from ._reader_c cimport *
from ._spec_c cimport *

cdef extern from "_traceback.h":
    pass

from . import _errors, _spec
from ._enums import ConnectReturnCode, ProtocolVersion, QoS, ReasonCode, RetainHandling, Role as RoleEnum

cdef tuple VERSIONS = tuple(ProtocolVersion)
cdef object SUCCESS = ReasonCode.SUCCESS
cdef PingReq PING_REQ = PingReq()
cdef PingResp PING_RESP = PingResp()

# C tables of objects that almost every packet needs. By number: the members.
cdef PyObject* QOS[3]
cdef PyObject* RETAIN_HANDLING[3]
# By the lower four bits of the first byte.
cdef PyObject* FLAGS[16]
# By packet type - PUBACK.
cdef PyObject* ACKNOWLEDGEMENTS[4]
# By version - 3, packet type and byte: the reason code or NULL.
cdef PyObject* REASON_CODES[3][16][256]
# By packet type and byte: the only side that may send the reason code, or EITHER.
cdef uint8_t SOLE_SENDERS[16][256]


cdef int fill_tables() except -1:
    cdef int version, packet_type, code, number
    for number, member in enumerate(QoS):
        QOS[number] = lasting(member)
    for number, member in enumerate(RetainHandling):
        RETAIN_HANDLING[number] = lasting(member)
    for number in range(16):
        FLAGS[number] = lasting(flags_of_bits(number))
    for number, packet_class in enumerate((PubAck, PubRec, PubRel, PubComp)):
        ACKNOWLEDGEMENTS[number] = lasting(packet_class)
    for version in range(3, 6):
        for packet_type in range(CONNACK, AUTH + 1) if has_reason_codes(version) else (CONNACK, SUBACK):
            for code, member in enumerate(_spec.reason_codes(packet_type, version)):
                REASON_CODES[version - 3][packet_type][code] = NULL if member is None else lasting(member)
    for packet_type in range(16):
        for code in range(256):
            sender = _spec.SOLE_SENDERS.get(packet_type, {}).get(code)
            SOLE_SENDERS[packet_type][code] = <uint8_t>(
                EITHER if sender is None else SERVER if sender is RoleEnum.SERVER else CLIENT
            )
    return 0


fill_tables()


cdef object decode_body(Cursor* cursor, int first_byte):
    """Decode the packet whose body begins at the cursor, and leave the cursor at its end.

    Raises `MalformedPacketError`, `ProtocolError` and `UnsupportedVersionError`.
    """
    cdef int packet_type = first_byte >> 4
    cursor.packet_type = cursor.place = packet_type
    if packet_type == PUBLISH:
        return publish(cursor, first_byte)
    if packet_type == CONNECT:
        return connect(cursor)
    if packet_type == CONNACK:
        return connack(cursor)
    if packet_type == SUBSCRIBE:
        return subscribe(cursor)
    if packet_type == SUBACK:
        return suback(cursor)
    if packet_type == UNSUBSCRIBE:
        return unsubscribe(cursor)
    if packet_type == UNSUBACK:
        return unsuback(cursor)
    if packet_type == PINGREQ:
        return pingreq(cursor)
    if packet_type == PINGRESP:
        return pingresp(cursor)
    if packet_type == DISCONNECT:
        return disconnect(cursor)
    if packet_type == AUTH:
        return auth(cursor)
    return acknowledgement(cursor, packet_type)


cdef inline bint without_properties(Cursor* cursor) except -1:
    """Skip an empty property list. Returns False, and moves nothing, if it is not empty or missing."""
    if cursor.ptr == cursor.end or cursor.ptr[0] != 0:
        return False
    take(cursor, 1, "Property Length")
    return True


cdef inline object reason_code(Cursor* cursor, int packet_type):
    """Read a reason code, and check that the other side may send it."""
    cdef int code = byte(cursor, "reason_code")
    member = reason_code_of(cursor, code, packet_type)
    check_sender(cursor, code, cursor.ptr - 1, packet_type)
    return member


cdef inline object reason_code_of(Cursor* cursor, int code, int packet_type):
    """The reason code for `code`, the byte that was just read."""
    cdef PyObject* member = REASON_CODES[cursor.version - 3][packet_type][code]
    if member == NULL:
        fail(cursor, _errors.REASON_CODE, cursor.ptr - 1, None, code)
    return <object> member


cdef inline int check_sender(Cursor* cursor, int code, const uint8_t* at, int packet_type) except -1:
    """Reject a reason code that only this side may send ("Sent by" in the standard's tables)."""
    if cursor.role != EITHER and SOLE_SENDERS[packet_type][code] == cursor.role:
        fault = _errors.REASON_CODE_OF_SERVER if cursor.role == SERVER else _errors.REASON_CODE_OF_CLIENT
        fail(cursor, fault, at, None, code)
    return 0


cdef Connect connect(Cursor* cursor):
    cdef Connect packet = <Connect> new_packet(Connect)
    cdef const uint8_t* start = cursor.ptr
    cdef Py_ssize_t size = 0
    cdef int level, flags
    cdef const uint8_t* taken = length_prefixed(cursor, &size, "protocol_name")
    cdef bint is_mqtt = size == 4 and memcmp(taken, b"MQTT", 4) == 0
    if not is_mqtt and not (size == 6 and memcmp(taken, b"MQIsdp", 6) == 0):
        name = PyBytes_FromStringAndSize(<const char*> taken, size)
        fail(cursor, _errors.PROTOCOL_NAME, start, "", name)  # [MQTT-3.1.2-1]
    level = byte(cursor, "protocol_level")
    packet.bridge = False
    if level & BRIDGE_BIT:
        level = without_bridge_bit(cursor, level, is_mqtt, packet)
    if not 3 <= level <= 5 or is_mqtt == (level == 3):
        fail(cursor, _errors.PROTOCOL_LEVEL, cursor.ptr - 1, "", level)  # [MQTT-3.1.2-2]
    cursor.version = level
    cursor.is_known = True
    packet.protocol_version = VERSIONS[level - 3]
    flags = byte(cursor, "connect_flags")
    check_connect_flags(cursor, flags)
    packet.clean_start = flags & 0x02 != 0
    packet.keep_alive = two_bytes(cursor, "keep_alive")
    packet.user_properties = ()
    if has_properties(level) and not without_properties(cursor):
        read_properties(cursor, <PyObject*> packet, CONNECT)
        if packet.authentication_data is not None and packet.authentication_method is None:
            fail(cursor, _errors.METHOD_MISSING, NULL)  # [U11]
    start = cursor.ptr
    packet.client_id = client_id = string(cursor, "client_id")
    if level == 4 and not client_id and not flags & 0x02:
        fail(cursor, _errors.CLIENT_ID_EMPTY, start)  # [MQTT-3.1.3-8]
    if level == 3 and not 1 <= len(client_id) <= 23:
        fail(cursor, _errors.CLIENT_ID_LENGTH, start, "", len(client_id))  # [U27]
    if flags & 0x04:
        packet.will = will(cursor, flags)
    # In 3.1 the packet may end before the fields that its flags announce [U28].
    if flags & 0x80 and not (level == 3 and cursor.ptr == cursor.end):
        packet.username = string(cursor, "username")
    if flags & 0x40 and not (level == 3 and cursor.ptr == cursor.end):
        packet.password = binary(cursor, "password")
    # [MQTT-3.1.2-16] [MQTT-3.1.2-18]
    about = "CONNECT" if flags & 0x40 else "CONNECT without password" if flags & 0x80 else "CONNECT without user name"
    finish(cursor, about)
    return packet


cdef int without_bridge_bit(Cursor* cursor, int level, bint is_mqtt, Connect packet) except -1:
    """The protocol level without the bit that announces a bridge. Other invalid levels are returned as they are."""
    cdef int version = level & ~BRIDGE_BIT
    if version != (4 if is_mqtt else 3) or not has_bridges(version):
        return level
    if not cursor.bridge:
        title = VERSIONS[version - 3].title
        fail(cursor, _errors.PROTOCOL_LEVEL_OF_BRIDGE, cursor.ptr - 1, title, level)  # [MQTT-3.1.2-2]
    packet.bridge = True
    return version


cdef int check_connect_flags(Cursor* cursor, int flags) except -1:
    cdef const uint8_t* at = cursor.ptr - 1
    if flags & 0x01 and cursor.version != 3:
        fail(cursor, _errors.CONNECT_FLAG_RESERVED, at, "", flags)  # [MQTT-3.1.2-3]
    if flags & 0x04:
        if flags & 0x18 == 0x18:
            fail(cursor, _errors.WILL_QOS, at, "", 3)  # [MQTT-3.1.2-12]
    elif cursor.version != 3:  # In 3.1 both are ignored without a will.
        if flags & 0x18:
            fail(cursor, _errors.WILL_QOS_WITHOUT_WILL, at)  # [MQTT-3.1.2-11]
        if flags & 0x20:
            fail(cursor, _errors.WILL_RETAIN_WITHOUT_WILL, at)  # [MQTT-3.1.2-13]
    if flags & 0xC0 == 0x40 and not allows_password_alone(cursor.version):
        fail(cursor, _errors.PASSWORD_WITHOUT_USERNAME, at)  # [MQTT-3.1.2-22]
    return 0


cdef Will will(Cursor* cursor, int flags):
    cdef Will packet = <Will> new_packet(Will)
    cdef const uint8_t* start
    packet.user_properties = ()
    if has_properties(cursor.version):
        read_properties(cursor, <PyObject*> packet, WILL, "Will Property Length")
    start = cursor.ptr
    packet.topic = topic = topic_name(cursor, "will.topic")
    if not topic:
        fail(cursor, _errors.TOPIC_EMPTY, start, "will.topic")  # [MQTT-4.7.3-1]
    packet.payload = binary(cursor, "will.payload")
    packet.qos = <object> QOS[flags >> 3 & 3]  # `check_connect_flags` has rejected 3.
    packet.retain = flags & 0x20 != 0
    return packet


cdef ConnAck connack(Cursor* cursor):
    cdef ConnAck packet = <ConnAck> new_packet(ConnAck)
    cdef const uint8_t* start = cursor.ptr
    cdef int code, flags = byte(cursor, "session_present")
    if not has_session_present(cursor.version):
        flags = 0  # This version does not use the byte [U31].
    if flags > 1:
        fail(cursor, _errors.CONNACK_FLAGS, start, "", flags)  # [MQTT-3.2.2-1]
    packet.session_present = flags == 1
    code = byte(cursor, "reason_code")
    if has_properties(cursor.version) and cursor.ptr == cursor.end and code <= 5:
        refuse_earlier_version(cursor, flags, code)
    packet.reason_code = reason_code_of(cursor, code, CONNACK)  # [MQTT-3.2.2-8]
    if flags and code != 0:
        fail(cursor, _errors.SESSION_PRESENT, start)  # [MQTT-3.2.2-6]
    packet.user_properties = ()
    if has_properties(cursor.version):
        read_properties(cursor, <PyObject*> packet, CONNACK)
    finish(cursor, None)
    return packet


cdef int refuse_earlier_version(Cursor* cursor, int flags, int code) except -1:
    """Raise the error for a CONNACK without properties whose code is a return code of an earlier version."""
    if code == 0:
        fail(cursor, _errors.ACCEPTED_BY_EARLIER_VERSION, cursor.end)  # [MQTT-2.2.2-1]
    if flags:
        fail(cursor, _errors.SESSION_PRESENT_OF_EARLIER_VERSION, cursor.end - 1, "", code)  # [MQTT-3.2.2-8]
    offset = cursor.end - 1 - cursor.start
    return_code = ConnectReturnCode(code)
    raise _errors.REFUSED_BY_EARLIER_VERSION.decoding(5, offset, "", code, 5, CONNACK, return_code=return_code)


cdef Publish publish(Cursor* cursor, int first_byte):
    cdef Publish packet = <Publish> new_packet(Publish)
    cdef const uint8_t* start = cursor.ptr
    cdef Py_ssize_t size
    cdef bint has_topic
    packet.topic = topic_name(cursor, "topic")
    has_topic = cursor.ptr != start + 2
    packet.qos = <object> QOS[first_byte >> 1 & 3]
    packet.flags = <PublishFlags> FLAGS[first_byte & 0x0F]
    if first_byte & 0x06:
        packet.packet_id = packet_identifier(cursor)
    if has_properties(cursor.version):
        if not without_properties(cursor):
            packet.publish_properties = publish_properties(cursor)
        if not has_topic and (packet.publish_properties is None or packet.publish_properties.topic_alias is None):
            fail(cursor, _errors.TOPIC_AND_ALIAS_MISSING, start)  # [U13]
        if (
            cursor.role == SERVER
            and packet.publish_properties is not None
            and packet.publish_properties.subscription_identifiers
        ):
            fail(cursor, _errors.IDENTIFIER_FROM_CLIENT, NULL)  # [MQTT-3.3.4-6]
    elif not has_topic:
        fail(cursor, _errors.TOPIC_EMPTY, start, "topic")  # [MQTT-4.7.3-1]
    if cursor.payload != NULL:
        packet.payload = <object> cursor.payload
    else:
        size = cursor.end - cursor.ptr
        packet.payload = keep(cursor, take(cursor, size, "payload"), size)
    return packet


cdef PublishProperties publish_properties(Cursor* cursor):
    cdef PublishProperties properties = <PublishProperties> new_packet(PublishProperties)
    properties.subscription_identifiers = properties.user_properties = ()
    read_properties(cursor, <PyObject*> properties, PUBLISH)
    return properties


cdef _Acknowledgement acknowledgement(Cursor* cursor, int packet_type):
    cdef _Acknowledgement packet = <_Acknowledgement> new_packet(<object> ACKNOWLEDGEMENTS[packet_type - PUBACK])
    packet.packet_id = packet_identifier(cursor)
    packet.reason_code = SUCCESS
    packet.user_properties = ()
    if has_reason_codes(cursor.version) and cursor.ptr != cursor.end:  # [U18]
        reason_and_properties(cursor, packet, packet_type)
    finish(cursor, None)
    return packet


cdef int reason_and_properties(Cursor* cursor, _Acknowledgement packet, int packet_type) except -1:
    packet.reason_code = reason_code(cursor, packet_type)
    if cursor.ptr != cursor.end and not without_properties(cursor):
        read_properties(cursor, <PyObject*> packet, packet_type)
    return 0


cdef Subscribe subscribe(Cursor* cursor):
    cdef Subscribe packet = <Subscribe> new_packet(Subscribe)
    cdef list subscriptions = []
    packet.packet_id = packet_identifier(cursor)
    packet.user_properties = ()
    if has_properties(cursor.version) and not without_properties(cursor):
        read_properties(cursor, <PyObject*> packet, SUBSCRIBE)
    if cursor.ptr == cursor.end:
        fail(cursor, _errors.LIST_EMPTY, cursor.ptr, "subscriptions")  # [MQTT-3.8.3-2] [U17]
    while cursor.ptr != cursor.end:
        subscriptions.append(subscription(cursor))
    packet.subscriptions = tuple(subscriptions)
    return packet


cdef Subscription subscription(Cursor* cursor):
    cdef Subscription packet = <Subscription> new_packet(Subscription)
    cdef str text = topic_filter(cursor, "topic_filter")
    cdef int options = byte(cursor, "subscription options")
    cdef const uint8_t* at = cursor.ptr - 1
    cdef int qos = options & 3
    packet.topic_filter = text
    if has_subscription_options(cursor.version):
        if options & 0xC0:
            fail(cursor, _errors.OPTIONS_RESERVED, at, "", options)  # [MQTT-3.8.3-5]
        if qos == 3:
            fail(cursor, _errors.SUBSCRIPTION_QOS, at, "", qos)  # [U15]
        if options & 0x30 == 0x30:
            fail(cursor, _errors.RETAIN_HANDLING, at, "", 3)  # [U16]
        if options & 0x04 and text.startswith("$share/"):
            fail(cursor, _errors.NO_LOCAL_SHARED, at)  # [MQTT-3.8.3-4]
    elif options > 3:
        fail(cursor, _errors.OPTIONS_RESERVED, at, "", options)  # [MQTT-3-8.3-4]
    elif qos == 3:
        fail(cursor, _errors.REQUESTED_QOS, at, "", qos)  # [MQTT-3-8.3-4]
    # The checks above ensure, for every version, that neither number is 3 and that the reserved bits are 0.
    packet.qos = <object> QOS[qos]
    packet.no_local = options & 0x04 != 0
    packet.retain_as_published = options & 0x08 != 0
    packet.retain_handling = <object> RETAIN_HANDLING[options >> 4]
    return packet


cdef SubAck suback(Cursor* cursor):
    cdef SubAck packet = <SubAck> new_packet(SubAck)
    packet.packet_id = packet_identifier(cursor)
    packet.user_properties = ()
    if has_properties(cursor.version) and not without_properties(cursor):
        read_properties(cursor, <PyObject*> packet, SUBACK)
    packet.reason_codes = reason_codes(cursor, SUBACK)
    return packet


cdef tuple reason_codes(Cursor* cursor, int packet_type):
    cdef Py_ssize_t at, wrong = -1, size = cursor.end - cursor.ptr
    cdef const uint8_t* taken
    cdef int code, wrong_code = 0
    cdef PyObject** members = REASON_CODES[cursor.version - 3][packet_type]
    cdef tuple codes
    if size == 0:
        fail(cursor, _errors.LIST_EMPTY, cursor.ptr, "reason_codes")  # [U40]
    taken = take(cursor, size, "reason_codes")
    codes = PyTuple_New(size)
    # Fill the whole tuple before raising an error. The garbage collector can see it, so no slot may be empty when other
    # code runs.
    for at in range(size):
        code = taken[at]
        if members[code] == NULL and wrong < 0:
            wrong = at
            wrong_code = code
        member = None if members[code] == NULL else <object> members[code]
        Py_INCREF(member)
        PyTuple_SET_ITEM(codes, at, member)
    if wrong >= 0:
        fail(cursor, _errors.REASON_CODE, taken + wrong, None, wrong_code)
    return codes


cdef Unsubscribe unsubscribe(Cursor* cursor):
    cdef Unsubscribe packet = <Unsubscribe> new_packet(Unsubscribe)
    cdef list topic_filters = []
    packet.packet_id = packet_identifier(cursor)
    packet.user_properties = ()
    if has_properties(cursor.version) and not without_properties(cursor):
        read_properties(cursor, <PyObject*> packet, UNSUBSCRIBE)
    if cursor.ptr == cursor.end:
        fail(cursor, _errors.LIST_EMPTY, cursor.ptr, "topic_filters")  # [MQTT-3.10.3-2] [U17]
    while cursor.ptr != cursor.end:
        topic_filters.append(topic_filter(cursor, "topic_filters"))
    packet.topic_filters = tuple(topic_filters)
    return packet


cdef UnsubAck unsuback(Cursor* cursor):
    cdef UnsubAck packet = <UnsubAck> new_packet(UnsubAck)
    packet.packet_id = packet_identifier(cursor)
    packet.reason_codes = packet.user_properties = ()
    if has_properties(cursor.version):
        if not without_properties(cursor):
            read_properties(cursor, <PyObject*> packet, UNSUBACK)
        packet.reason_codes = reason_codes(cursor, UNSUBACK)
    finish(cursor, None)
    return packet


cdef PingReq pingreq(Cursor* cursor):
    finish(cursor, None)  # [U23] [U33]
    return PING_REQ


cdef PingResp pingresp(Cursor* cursor):
    finish(cursor, None)  # [U23] [U33]
    return PING_RESP


cdef Disconnect disconnect(Cursor* cursor):
    cdef Disconnect packet = <Disconnect> new_packet(Disconnect)
    packet.reason_code = SUCCESS
    packet.user_properties = ()
    if has_reason_codes(cursor.version) and cursor.ptr != cursor.end:  # [U19]
        packet.reason_code = reason_code(cursor, DISCONNECT)  # [MQTT-3.14.2-1]
        if cursor.ptr != cursor.end and not without_properties(cursor):
            read_properties(cursor, <PyObject*> packet, DISCONNECT)
            if cursor.role == CLIENT and packet.session_expiry_interval is not None:
                fail(cursor, _errors.EXPIRY_FROM_SERVER, NULL)  # [MQTT-3.14.2-2]
    finish(cursor, None)
    return packet


cdef Auth auth(Cursor* cursor):
    cdef Auth packet = <Auth> new_packet(Auth)
    packet.reason_code = SUCCESS
    packet.user_properties = ()
    if cursor.ptr != cursor.end:  # [U20]
        packet.reason_code = reason_code(cursor, AUTH)  # [MQTT-3.15.2-1]
        read_properties(cursor, <PyObject*> packet, AUTH)
        if packet.authentication_method is None:
            fail(cursor, _errors.AUTH_METHOD_MISSING, NULL)  # [U21]
    else:
        check_sender(cursor, 0, NULL, AUTH)
    finish(cursor, None)
    return packet
