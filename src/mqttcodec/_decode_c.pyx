# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
# Indices into our own tuples of 3, 16, 64 and 256 entries come from judged bytes; checking each would cost a PUBLISH 3 ns.
# cython: boundscheck=False, wraparound=False
"""Packets out of bytes: the compiled `_decode_py.py`, the same functions in the same order.

`decode_body` takes a cursor behind a fixed header that has been judged, and the first byte. Packets are made by
`__new__` and filled through their C struct; what is absent is None, as `__new__` leaves it, or the default of the
class.
"""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint8_t, uint64_t

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
from ._wire_c cimport *

from . import _errors, _spec
from ._enums import ConnectReturnCode, PacketType, ProtocolVersion, QoS, ReasonCode, RetainHandling

cdef tuple QOS = tuple(QoS)
cdef tuple RETAIN_HANDLING = tuple(RetainHandling)
cdef tuple VERSIONS = tuple(ProtocolVersion)
cdef tuple PACKET_NAMES = tuple(map(_spec.place_name, range(16)))
cdef object SUCCESS = ReasonCode.SUCCESS
cdef PingReq PING_REQ = PingReq()
cdef PingResp PING_RESP = PingResp()

# By version less 3, packet type and byte: the reason code or None.
cdef tuple REASON_CODES = tuple(
    [
        tuple([_spec.reason_codes(packet_type, version) if packet_type in used else None for packet_type in range(16)])
        for version, used in ((3, (CONNACK, SUBACK)), (4, (CONNACK, SUBACK)), (5, range(2, 16)))
    ]
)

# By identifier, and by place: the kinds of properties, their fields, and the sets of those allowed and of those that
# may repeat.
cdef uint8_t PROPERTY_KINDS[64]
cdef uint64_t ALLOWED[16]
cdef uint64_t REPEATABLE[16]
cdef tuple PROPERTY_FIELDS


cdef int fill_property_tables() except -1:
    global PROPERTY_FIELDS
    cdef int identifier, place
    fields = [[None] * 64 for place in range(16)]
    for identifier in range(64):
        PROPERTY_KINDS[identifier] = _spec.PROPERTY_KINDS.get(identifier, 0)
    for place in range(16):
        ALLOWED[place] = REPEATABLE[place] = 0
        for identifier in _spec.PROPERTIES[place]:
            fields[place][identifier] = _spec.property_field(place, identifier)
            ALLOWED[place] |= <uint64_t> 1 << identifier
            if _spec.may_repeat(place, identifier):
                REPEATABLE[place] |= <uint64_t> 1 << identifier
    PROPERTY_FIELDS = tuple(map(tuple, fields))
    return 0


fill_property_tables()


cdef object decode_body(Cursor* cursor, int first_byte):
    """The packet whose body the cursor stands before; it ends behind it.

    Raises `MalformedPacketError`, `ProtocolError` and `UnsupportedVersionError`.
    """
    cdef int packet_type = first_byte >> 4
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


cdef struct Properties:
    # A property list that is being read; the cursor's `end` is the list's meanwhile.
    int place
    uint64_t seen
    int identifier
    const uint8_t* packet_end


cdef int open_properties(Cursor* cursor, Properties* properties, int place, str about="properties") except -1:
    """Read the length of a property list (2.2.2); `next_property` follows until `end`, then `close_properties`."""
    cdef const uint8_t* start = cursor.ptr
    cdef int64_t length = variable_integer(cursor, about)  # [MQTT-2.2.2-1]
    if cursor.end - cursor.ptr < length:
        fail(cursor, _errors.PROPERTIES_CUT, start, about, length)  # [U06]
    properties.place = place
    properties.seen = 0
    properties.packet_end = cursor.end
    cursor.end = cursor.ptr + length
    cursor.in_properties = True
    return 0


cdef void close_properties(Cursor* cursor, Properties* properties) noexcept:
    cursor.end = properties.packet_end
    cursor.in_properties = False


cdef object next_property(Cursor* cursor, Properties* properties):
    """The value of the next property; its identifier is left in `properties`."""
    cdef const uint8_t* start = cursor.ptr
    cdef int identifier = property_identifier(cursor, properties.place)
    cdef uint64_t bit = <uint64_t> 1 << identifier
    name = <str> (<tuple> PROPERTY_FIELDS[properties.place])[identifier]
    if properties.seen & bit & ~REPEATABLE[properties.place]:
        fail(cursor, _errors.PROPERTY_TWICE, start, name)  # [U07]
    properties.seen |= bit
    properties.identifier = identifier
    return property_value(cursor, identifier, name)


cdef int property_identifier(Cursor* cursor, int place) except -1:
    cdef const uint8_t* start = cursor.ptr
    cdef int64_t identifier = variable_integer(cursor, "a Property Identifier", True)  # [U04]
    if identifier < 64 and ALLOWED[place] >> identifier & 1:
        return <int> identifier
    if identifier >= 64 or PROPERTY_KINDS[identifier] == 0:
        return fail(cursor, _errors.PROPERTY_UNKNOWN, start, "", identifier)  # [U05]
    name = _spec.PropertyId(identifier).name.lower()
    return fail(cursor, _errors.PROPERTY_MISPLACED, start, name, PACKET_NAMES[place])  # [U05]


cdef object property_value(Cursor* cursor, int identifier, str name):
    cdef int kind = PROPERTY_KINDS[identifier]
    cdef const uint8_t* start = cursor.ptr
    cdef int64_t value
    if kind == KIND_STRING:
        return string(cursor, name)
    if kind == KIND_STRING_PAIR:
        first = string(cursor, name)
        return first, string(cursor, name)
    if kind == KIND_BINARY:
        return binary(cursor, name)
    if kind == KIND_TOPIC_NAME:
        text = topic_name(cursor, name)
        if not text:
            fail(cursor, _errors.TOPIC_EMPTY, start, name)  # [MQTT-4.7.3-1]
        return text
    if kind <= KIND_QOS:
        value = byte(cursor, name)
        if value > 1:
            fail(cursor, _errors.NOT_0_OR_1, start, name, value)  # [U10] [U12]
        return value == 1 if kind == KIND_BOOLEAN else value if kind == KIND_INDICATOR else QOS[value]
    if kind <= KIND_TOPIC_ALIAS:
        value = two_bytes(cursor, name)
    elif kind <= KIND_FOUR_BYTE_NON_ZERO:
        value = four_bytes(cursor, name)
    else:
        value = variable_integer(cursor, name)
    if value == 0:
        if kind == KIND_TOPIC_ALIAS:
            fail(cursor, _errors.TOPIC_ALIAS_ZERO, start)  # [MQTT-3.3.2-8]
        if kind == KIND_TWO_BYTE_NON_ZERO or kind == KIND_FOUR_BYTE_NON_ZERO or kind == KIND_VARIABLE_NON_ZERO:
            fail(cursor, _errors.ZERO, start, name)  # [U08] [U09] [U14]
    return value


cdef list appended(list items, object item):
    """`items`, made when the first item comes, with one more."""
    if items is None:
        return [item]
    items.append(item)
    return items


cdef tuple as_tuple(list items):
    return () if items is None else tuple(items)


cdef object reason_code(Cursor* cursor, int packet_type):
    cdef int code = byte(cursor, "reason_code")
    members = (<tuple> REASON_CODES[cursor.version - 3])[packet_type]
    member = (<tuple> members)[code]
    if member is None:
        fail(cursor, _errors.REASON_CODE, cursor.ptr - 1, PACKET_NAMES[packet_type], code)
    return member


cdef Connect connect(Cursor* cursor):
    cdef Connect packet = Connect.__new__(Connect)
    cdef const uint8_t* start = cursor.ptr
    cdef Py_ssize_t size
    cdef int level, flags
    cdef const uint8_t* taken = length_prefixed(cursor, &size, "protocol_name")
    cdef bytes name = PyBytes_FromStringAndSize(<const char*> taken, size)
    if name != b"MQTT" and name != b"MQIsdp":
        fail(cursor, _errors.PROTOCOL_NAME, start, "", name)  # [MQTT-3.1.2-1]
    level = byte(cursor, "protocol_level")
    if not (3 <= level <= 5) or name != (b"MQIsdp" if level == 3 else b"MQTT"):
        fail(cursor, _errors.PROTOCOL_LEVEL, cursor.ptr - 1, "", level)  # [MQTT-3.1.2-2]
    cursor.version = level
    packet.protocol_version = VERSIONS[level - 3]
    flags = byte(cursor, "connect_flags")
    check_connect_flags(cursor, flags)
    packet.clean_start = flags & 0x02 != 0
    packet.keep_alive = two_bytes(cursor, "keep_alive")
    packet.user_properties = ()
    if level == 5:
        connect_properties(cursor, packet)
        check_method(cursor, packet.authentication_data, packet.authentication_method)
    start = cursor.ptr
    packet.client_id = client_id = string(cursor, "client_id")
    if level == 4 and not client_id and not flags & 0x02:
        fail(cursor, _errors.CLIENT_ID_EMPTY, start)  # [MQTT-3.1.3-8]
    if level == 3 and not 1 <= len(client_id) <= 23:
        fail(cursor, _errors.CLIENT_ID_LENGTH, start, "", len(client_id))  # [U27]
    if flags & 0x04:
        packet.will = will(cursor, flags)
    # A 3.1 packet may end before what the flags announce [U28].
    if flags & 0x80 and not (level == 3 and cursor.ptr == cursor.end):
        packet.username = string(cursor, "username")
    if flags & 0x40 and not (level == 3 and cursor.ptr == cursor.end):
        packet.password = binary(cursor, "password")
    # [MQTT-3.1.2-16] [MQTT-3.1.2-18]
    about = "CONNECT" if flags & 0x40 else "CONNECT without password" if flags & 0x80 else "CONNECT without user name"
    finish(cursor, about)
    return packet


cdef int connect_properties(Cursor* cursor, Connect packet) except -1:
    cdef Properties properties
    cdef list user_properties = None
    open_properties(cursor, &properties, CONNECT)
    while cursor.ptr != cursor.end:
        value = next_property(cursor, &properties)
        if properties.identifier == SESSION_EXPIRY_INTERVAL:
            packet.session_expiry_interval = value
        elif properties.identifier == RECEIVE_MAXIMUM:
            packet.receive_maximum = value
        elif properties.identifier == MAXIMUM_PACKET_SIZE:
            packet.maximum_packet_size = value
        elif properties.identifier == TOPIC_ALIAS_MAXIMUM:
            packet.topic_alias_maximum = value
        elif properties.identifier == REQUEST_RESPONSE_INFORMATION:
            packet.request_response_information = value
        elif properties.identifier == REQUEST_PROBLEM_INFORMATION:
            packet.request_problem_information = value
        elif properties.identifier == AUTHENTICATION_METHOD:
            packet.authentication_method = value
        elif properties.identifier == AUTHENTICATION_DATA:
            packet.authentication_data = value
        else:
            user_properties = appended(user_properties, value)
    packet.user_properties = as_tuple(user_properties)
    close_properties(cursor, &properties)
    return 0


cdef int check_connect_flags(Cursor* cursor, int flags) except -1:
    cdef const uint8_t* at = cursor.ptr - 1
    if flags & 0x01 and cursor.version != 3:
        fail(cursor, _errors.CONNECT_FLAG_RESERVED, at, "", flags)  # [MQTT-3.1.2-3]
    if flags & 0x04:
        if flags & 0x18 == 0x18:
            fail(cursor, _errors.WILL_QOS, at)  # [MQTT-3.1.2-12]
    elif flags & 0x18:
        fail(cursor, _errors.WILL_QOS_WITHOUT_WILL, at)  # [MQTT-3.1.2-11]
    elif flags & 0x20:
        fail(cursor, _errors.WILL_RETAIN_WITHOUT_WILL, at)  # [MQTT-3.1.2-13]
    if flags & 0xC0 == 0x40 and cursor.version == 4:
        fail(cursor, _errors.PASSWORD_WITHOUT_USERNAME, at)  # [MQTT-3.1.2-22]
    return 0


cdef int check_method(Cursor* cursor, object authentication_data, object authentication_method) except -1:
    if authentication_data is not None and authentication_method is None:
        fail(cursor, _errors.METHOD_MISSING, NULL)  # [U11]
    return 0


cdef Will will(Cursor* cursor, int flags):
    cdef Will packet = Will.__new__(Will)
    cdef const uint8_t* start
    packet.user_properties = ()
    if cursor.version == 5:
        will_properties(cursor, packet)
    start = cursor.ptr
    packet.topic = topic = topic_name(cursor, "will.topic")
    if not topic:
        fail(cursor, _errors.TOPIC_EMPTY, start, "will.topic")  # [MQTT-4.7.3-1]
    packet.payload = binary(cursor, "will.payload")
    packet.qos = QOS[flags >> 3 & 3]
    packet.retain = flags & 0x20 != 0
    return packet


cdef int will_properties(Cursor* cursor, Will packet) except -1:
    cdef Properties properties
    cdef list user_properties = None
    open_properties(cursor, &properties, WILL, "will.properties")
    while cursor.ptr != cursor.end:
        value = next_property(cursor, &properties)
        if properties.identifier == WILL_DELAY_INTERVAL:
            packet.will_delay_interval = value
        elif properties.identifier == PAYLOAD_FORMAT_INDICATOR:
            packet.payload_format_indicator = value
        elif properties.identifier == MESSAGE_EXPIRY_INTERVAL:
            packet.message_expiry_interval = value
        elif properties.identifier == CONTENT_TYPE:
            packet.content_type = value
        elif properties.identifier == RESPONSE_TOPIC:
            packet.response_topic = value
        elif properties.identifier == CORRELATION_DATA:
            packet.correlation_data = value
        else:
            user_properties = appended(user_properties, value)
    packet.user_properties = as_tuple(user_properties)
    close_properties(cursor, &properties)
    return 0


cdef ConnAck connack(Cursor* cursor):
    cdef ConnAck packet = ConnAck.__new__(ConnAck)
    cdef const uint8_t* start = cursor.ptr
    cdef int flags = byte(cursor, "session_present")
    if cursor.version == 3:
        flags = 0  # The byte is not used [U31].
    if flags > 1:
        fail(cursor, _errors.CONNACK_FLAGS, start, "", flags)  # [MQTT-3.2.2-1]
    packet.session_present = flags == 1
    packet.reason_code = code = reason_code(cursor, CONNACK)  # [MQTT-3.2.2-8]
    if flags and <int> code != 0:
        fail(cursor, _errors.SESSION_PRESENT, start)  # [MQTT-3.2.2-6]
    packet.user_properties = ()
    if cursor.version == 5:
        connack_properties(cursor, packet)
        check_method(cursor, packet.authentication_data, packet.authentication_method)
    finish(cursor, "CONNACK")
    return packet


cdef int connack_properties(Cursor* cursor, ConnAck packet) except -1:
    cdef Properties properties
    cdef list user_properties = None
    open_properties(cursor, &properties, CONNACK)
    while cursor.ptr != cursor.end:
        value = next_property(cursor, &properties)
        if properties.identifier == SESSION_EXPIRY_INTERVAL:
            packet.session_expiry_interval = value
        elif properties.identifier == RECEIVE_MAXIMUM:
            packet.receive_maximum = value
        elif properties.identifier == MAXIMUM_QOS:
            packet.maximum_qos = value
        elif properties.identifier == RETAIN_AVAILABLE:
            packet.retain_available = value
        elif properties.identifier == MAXIMUM_PACKET_SIZE:
            packet.maximum_packet_size = value
        elif properties.identifier == ASSIGNED_CLIENT_IDENTIFIER:
            packet.assigned_client_identifier = value
        elif properties.identifier == TOPIC_ALIAS_MAXIMUM:
            packet.topic_alias_maximum = value
        elif properties.identifier == REASON_STRING:
            packet.reason_string = value
        elif properties.identifier == WILDCARD_SUBSCRIPTION_AVAILABLE:
            packet.wildcard_subscription_available = value
        elif properties.identifier == SUBSCRIPTION_IDENTIFIER_AVAILABLE:
            packet.subscription_identifier_available = value
        elif properties.identifier == SHARED_SUBSCRIPTION_AVAILABLE:
            packet.shared_subscription_available = value
        elif properties.identifier == SERVER_KEEP_ALIVE:
            packet.server_keep_alive = value
        elif properties.identifier == RESPONSE_INFORMATION:
            packet.response_information = value
        elif properties.identifier == SERVER_REFERENCE:
            packet.server_reference = value
        elif properties.identifier == AUTHENTICATION_METHOD:
            packet.authentication_method = value
        elif properties.identifier == AUTHENTICATION_DATA:
            packet.authentication_data = value
        else:
            user_properties = appended(user_properties, value)
    packet.user_properties = as_tuple(user_properties)
    close_properties(cursor, &properties)
    return 0


cdef Publish publish(Cursor* cursor, int first_byte):
    cdef Publish packet = Publish.__new__(Publish)
    cdef const uint8_t* start = cursor.ptr
    cdef str topic = topic_name(cursor, "topic")
    cdef int qos = first_byte >> 1 & 3
    cdef Py_ssize_t size
    packet.topic = topic
    packet.qos = QOS[qos]
    packet.retain = first_byte & 0x01 != 0
    packet.dup = first_byte & 0x08 != 0
    if qos:
        packet.packet_id = packet_identifier(cursor, "PUBLISH")
    packet.subscription_identifiers = ()
    packet.user_properties = ()
    if cursor.version == 5:
        publish_properties(cursor, packet)
        if not topic and packet.topic_alias is None:
            fail(cursor, _errors.TOPIC_AND_ALIAS_MISSING, start)  # [U13]
        if cursor.role == SERVER and packet.subscription_identifiers:
            fail(cursor, _errors.IDENTIFIER_FROM_CLIENT, NULL)  # [MQTT-3.3.4-6]
    elif not topic:
        fail(cursor, _errors.TOPIC_EMPTY, start, "topic")  # [MQTT-4.7.3-1]
    if cursor.payload != NULL:
        packet.payload = <object> cursor.payload
    else:
        size = cursor.end - cursor.ptr
        packet.payload = keep(cursor, take(cursor, size, "payload"), size)
    return packet


cdef int publish_properties(Cursor* cursor, Publish packet) except -1:
    cdef Properties properties
    cdef list subscription_identifiers = None
    cdef list user_properties = None
    open_properties(cursor, &properties, PUBLISH)
    while cursor.ptr != cursor.end:
        value = next_property(cursor, &properties)
        if properties.identifier == PAYLOAD_FORMAT_INDICATOR:
            packet.payload_format_indicator = value
        elif properties.identifier == MESSAGE_EXPIRY_INTERVAL:
            packet.message_expiry_interval = value
        elif properties.identifier == TOPIC_ALIAS:
            packet.topic_alias = value
        elif properties.identifier == RESPONSE_TOPIC:
            packet.response_topic = value
        elif properties.identifier == CORRELATION_DATA:
            packet.correlation_data = value
        elif properties.identifier == SUBSCRIPTION_IDENTIFIER:
            subscription_identifiers = appended(subscription_identifiers, value)
        elif properties.identifier == CONTENT_TYPE:
            packet.content_type = value
        else:
            user_properties = appended(user_properties, value)
    if subscription_identifiers is not None:
        packet.subscription_identifiers = tuple(subscription_identifiers)
    if user_properties is not None:
        packet.user_properties = tuple(user_properties)
    close_properties(cursor, &properties)
    return 0


cdef _Acknowledgement acknowledgement(Cursor* cursor, int packet_type):
    cdef _Acknowledgement packet
    cdef str name = PACKET_NAMES[packet_type]
    if packet_type == PUBACK:
        packet = PubAck.__new__(PubAck)
    elif packet_type == PUBREC:
        packet = PubRec.__new__(PubRec)
    elif packet_type == PUBREL:
        packet = PubRel.__new__(PubRel)
    else:
        packet = PubComp.__new__(PubComp)
    packet.packet_id = packet_identifier(cursor, name)
    packet.reason_code = SUCCESS
    packet.user_properties = ()
    if cursor.version == 5 and cursor.ptr != cursor.end:  # [U18]
        packet.reason_code = reason_code(cursor, packet_type)
        if cursor.ptr != cursor.end:
            packet.reason_string, packet.user_properties = answer_properties(cursor, packet_type)
    finish(cursor, name)
    return packet


cdef tuple answer_properties(Cursor* cursor, int place):
    """The reason string and the user properties of a packet that has these two."""
    cdef Properties properties
    cdef list user_properties = None
    reason_string = None
    open_properties(cursor, &properties, place)
    while cursor.ptr != cursor.end:
        value = next_property(cursor, &properties)
        if properties.identifier == REASON_STRING:
            reason_string = value
        else:
            user_properties = appended(user_properties, value)
    close_properties(cursor, &properties)
    return reason_string, as_tuple(user_properties)


cdef Subscribe subscribe(Cursor* cursor):
    cdef Subscribe packet = Subscribe.__new__(Subscribe)
    cdef list subscriptions = []
    packet.packet_id = packet_identifier(cursor, "SUBSCRIBE")
    packet.user_properties = ()
    if cursor.version == 5:
        subscribe_properties(cursor, packet)
    if cursor.ptr == cursor.end:
        fail(cursor, _errors.LIST_EMPTY, cursor.ptr, "subscriptions")  # [MQTT-3.8.3-2] [U17]
    while cursor.ptr != cursor.end:
        subscriptions.append(subscription(cursor))
    packet.subscriptions = tuple(subscriptions)
    return packet


cdef int subscribe_properties(Cursor* cursor, Subscribe packet) except -1:
    cdef Properties properties
    cdef list user_properties = None
    open_properties(cursor, &properties, SUBSCRIBE)
    while cursor.ptr != cursor.end:
        value = next_property(cursor, &properties)
        if properties.identifier == SUBSCRIPTION_IDENTIFIER:
            packet.subscription_identifier = value
        else:
            user_properties = appended(user_properties, value)
    packet.user_properties = as_tuple(user_properties)
    close_properties(cursor, &properties)
    return 0


cdef Subscription subscription(Cursor* cursor):
    cdef Subscription packet = Subscription.__new__(Subscription)
    cdef str text = topic_filter(cursor, "subscriptions")
    cdef int options = byte(cursor, "subscriptions")
    cdef const uint8_t* at = cursor.ptr - 1
    cdef int qos = options & 3
    packet.topic_filter = text
    if cursor.version == 5:
        if options & 0xC0:
            fail(cursor, _errors.OPTIONS_RESERVED, at, "", options)  # [MQTT-3.8.3-5]
        if qos == 3:
            fail(cursor, _errors.SUBSCRIPTION_QOS, at)  # [U15]
        if options & 0x30 == 0x30:
            fail(cursor, _errors.RETAIN_HANDLING, at)  # [U16]
        if options & 0x04 and text.startswith("$share/"):
            fail(cursor, _errors.NO_LOCAL_SHARED, at)  # [MQTT-3.8.3-4]
    elif options > 3:
        fail(cursor, _errors.OPTIONS_RESERVED, at, "", options)  # [MQTT-3-8.3-4]
    elif qos == 3:
        fail(cursor, _errors.REQUESTED_QOS, at)  # [MQTT-3-8.3-4]
    packet.qos = QOS[qos]
    packet.no_local = options & 0x04 != 0
    packet.retain_as_published = options & 0x08 != 0
    packet.retain_handling = RETAIN_HANDLING[options >> 4]
    return packet


cdef SubAck suback(Cursor* cursor):
    cdef SubAck packet = SubAck.__new__(SubAck)
    packet.packet_id = packet_identifier(cursor, "SUBACK")
    packet.user_properties = ()
    if cursor.version == 5:
        packet.reason_string, packet.user_properties = answer_properties(cursor, SUBACK)
    packet.reason_codes = reason_codes(cursor, SUBACK)
    return packet


cdef tuple reason_codes(Cursor* cursor, int packet_type):
    cdef list codes = []
    if cursor.ptr == cursor.end:
        fail(cursor, _errors.LIST_EMPTY, cursor.ptr, "reason_codes")  # [U40]
    while cursor.ptr != cursor.end:
        codes.append(reason_code(cursor, packet_type))
    return tuple(codes)


cdef Unsubscribe unsubscribe(Cursor* cursor):
    cdef Unsubscribe packet = Unsubscribe.__new__(Unsubscribe)
    cdef list topic_filters = []
    packet.packet_id = packet_identifier(cursor, "UNSUBSCRIBE")
    packet.user_properties = ()
    if cursor.version == 5:
        _, packet.user_properties = answer_properties(cursor, UNSUBSCRIBE)
    if cursor.ptr == cursor.end:
        fail(cursor, _errors.LIST_EMPTY, cursor.ptr, "topic_filters")  # [MQTT-3.10.3-2] [U17]
    while cursor.ptr != cursor.end:
        topic_filters.append(topic_filter(cursor, "topic_filters"))
    packet.topic_filters = tuple(topic_filters)
    return packet


cdef UnsubAck unsuback(Cursor* cursor):
    cdef UnsubAck packet = UnsubAck.__new__(UnsubAck)
    packet.packet_id = packet_identifier(cursor, "UNSUBACK")
    packet.reason_codes = packet.user_properties = ()
    if cursor.version == 5:
        packet.reason_string, packet.user_properties = answer_properties(cursor, UNSUBACK)
        packet.reason_codes = reason_codes(cursor, UNSUBACK)
    finish(cursor, "UNSUBACK")
    return packet


cdef PingReq pingreq(Cursor* cursor):
    finish(cursor, "PINGREQ")  # [U23] [U33]
    return PING_REQ


cdef PingResp pingresp(Cursor* cursor):
    finish(cursor, "PINGRESP")  # [U23] [U33]
    return PING_RESP


cdef Disconnect disconnect(Cursor* cursor):
    cdef Disconnect packet = Disconnect.__new__(Disconnect)
    packet.reason_code = SUCCESS
    packet.user_properties = ()
    if cursor.version == 5 and cursor.ptr != cursor.end:  # [U19]
        packet.reason_code = reason_code(cursor, DISCONNECT)  # [MQTT-3.14.2-1]
        if cursor.ptr != cursor.end:
            disconnect_properties(cursor, packet)
            if cursor.role == CLIENT and packet.session_expiry_interval is not None:
                fail(cursor, _errors.EXPIRY_FROM_SERVER, NULL)  # [MQTT-3.14.2-2]
    finish(cursor, "DISCONNECT")
    return packet


cdef int disconnect_properties(Cursor* cursor, Disconnect packet) except -1:
    cdef Properties properties
    cdef list user_properties = None
    open_properties(cursor, &properties, DISCONNECT)
    while cursor.ptr != cursor.end:
        value = next_property(cursor, &properties)
        if properties.identifier == SESSION_EXPIRY_INTERVAL:
            packet.session_expiry_interval = value
        elif properties.identifier == REASON_STRING:
            packet.reason_string = value
        elif properties.identifier == SERVER_REFERENCE:
            packet.server_reference = value
        else:
            user_properties = appended(user_properties, value)
    packet.user_properties = as_tuple(user_properties)
    close_properties(cursor, &properties)
    return 0


cdef Auth auth(Cursor* cursor):
    cdef Auth packet = Auth.__new__(Auth)
    packet.reason_code = SUCCESS
    packet.user_properties = ()
    if cursor.ptr != cursor.end:  # [U20]
        packet.reason_code = reason_code(cursor, AUTH)  # [MQTT-3.15.2-1]
        auth_properties(cursor, packet)
        if packet.authentication_method is None:
            fail(cursor, _errors.AUTH_METHOD_MISSING, NULL)  # [U21]
    finish(cursor, "AUTH")
    return packet


cdef int auth_properties(Cursor* cursor, Auth packet) except -1:
    cdef Properties properties
    cdef list user_properties = None
    open_properties(cursor, &properties, AUTH)
    while cursor.ptr != cursor.end:
        value = next_property(cursor, &properties)
        if properties.identifier == AUTHENTICATION_METHOD:
            packet.authentication_method = value
        elif properties.identifier == AUTHENTICATION_DATA:
            packet.authentication_data = value
        elif properties.identifier == REASON_STRING:
            packet.reason_string = value
        else:
            user_properties = appended(user_properties, value)
    packet.user_properties = as_tuple(user_properties)
    close_properties(cursor, &properties)
    return 0
