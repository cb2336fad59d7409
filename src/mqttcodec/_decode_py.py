"""Decodes packets: `_decode_c.pyx` in plain Python.

The caller checks the fixed header; `decode_body` reads the rest. To save time, packets are created without `__init__`,
by filling `__dict__`. A field without a value is left to the default of the class.

The `_fast` functions read common packets without a cursor. They never raise an error: if anything about a packet is
unusual, they return None, and the full function reads or rejects it.
"""

from __future__ import annotations

from typing import Any, NoReturn

from . import _errors, _spec
from ._arguments_py import copied
from ._decode_properties_py import read_properties
from ._enums import (
    ConnectReturnCode,
    MQTTv5,
    MQTTv31,
    MQTTv311,
    ProtocolVersion,
    QoS,
    ReasonCode,
    RetainHandling,
    Role,
)
from ._packets_py import (
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    Packet,
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
)
from ._reader_py import Cursor, KeepingCursor, ViewCursor
from ._text_py import topic_filter_fault

_QOS = tuple(QoS)
_RETAIN_HANDLING = tuple(RetainHandling)
_PROTOCOL_NAMES = frozenset(_spec.PROTOCOL_NAMES.values())
_SUCCESS = ReasonCode.SUCCESS
_PING_REQ = PingReq()
_PING_RESP = PingResp()
_new = object.__new__
COPIED_SIZE = 2_048
"""A packet of up to this size in a buffer that is not bytes is copied as a whole, so that the fast functions apply."""


def decode_body(
    data: bytes | memoryview,
    start: int,
    body: int,
    end: int,
    first_byte: int,
    version: int,
    known: int | None,
    role: Role | None,
    copy: bool,
    bridge: bool = False,
) -> Packet:
    """Decode the packet from `start` to `end` of `data`, whose body begins at `body`.

    The packet is read as `version`; errors report `known`, which is None for a CONNECT that opens a connection. A
    CONNECT may announce a bridge if `bridge` is true.
    Raises `MalformedPacketError`, `ProtocolError` and `UnsupportedVersionError`.
    """
    if copy:
        if type(data) is not bytes and end - start <= COPIED_SIZE:
            data, start, body, end = copied(data, start, end), 0, body - start, end - start
        if type(data) is bytes:
            # Common packets are read without a cursor, whose creation and method calls would take most of the time.
            fast = _FAST_DECODERS[first_byte >> 4]
            if fast is not None:
                packet = fast(data, body, end, first_byte, version)
                if packet is not None:
                    return packet  # type: ignore[no-any-return]
    cursor_type = Cursor if type(data) is bytes else ViewCursor if copy else KeepingCursor
    cursor = cursor_type(data, start, body, end, first_byte >> 4, version, known, role, bridge)
    return _DECODERS[first_byte >> 4](cursor, first_byte)  # type: ignore[no-any-return]


def _reason_code(cursor: Cursor) -> Any:
    """Read a reason code, and check that the other side may send it."""
    member = _reason_code_of(cursor, cursor.byte("reason_code"))
    if cursor.role is not None:
        _check_sender(cursor, member, cursor.position - 1)
    return member


def _reason_code_of(cursor: Cursor, code: int) -> Any:
    """The reason code for `code`, the byte that was just read."""
    member = _spec.reason_codes(cursor.packet_type, cursor.version)[code]
    if member is None:
        cursor.fail(_errors.REASON_CODE, cursor.position - 1, _spec.place_name(cursor.packet_type), code)
    return member


def _check_sender(cursor: Cursor, code: int, offset: int | None) -> None:
    """Reject a reason code that only this side may send ("Sent by" in the standard's tables)."""
    fault = _spec.sender_fault(cursor.packet_type, code, cursor.role)
    if fault is not None:
        cursor.fail(fault, offset, _spec.place_name(cursor.packet_type), code)


def _connect(cursor: Cursor, first_byte: int) -> Connect:
    packet = _new(Connect)
    fields = packet.__dict__
    start = cursor.position
    name = cursor.take(cursor.length_prefixed("protocol_name"))
    if name not in _PROTOCOL_NAMES:
        cursor.fail(_errors.PROTOCOL_NAME, start, "", name)  # [MQTT-3.1.2-1]
    level = _without_bridge_bit(cursor, cursor.byte("protocol_level"), name, fields)
    if _spec.PROTOCOL_NAMES.get(level) != name:
        cursor.fail(_errors.PROTOCOL_LEVEL, cursor.position - 1, "", level)  # [MQTT-3.1.2-2]
    version = cursor.version = cursor.known = fields["protocol_version"] = ProtocolVersion(level)
    flags = cursor.byte("connect_flags")
    _check_connect_flags(cursor, flags)
    fields["clean_start"] = flags & 0x02 != 0
    fields["keep_alive"] = cursor.two_bytes("keep_alive")
    if _spec.has_properties(version):
        read_properties(cursor, cursor.packet_type, fields)
        if "authentication_data" in fields and "authentication_method" not in fields:
            cursor.fail(_errors.METHOD_MISSING, None)  # [U11]
    start = cursor.position
    fields["client_id"] = client_id = cursor.string("client_id")
    if version == MQTTv311 and not client_id and not flags & 0x02:
        cursor.fail(_errors.CLIENT_ID_EMPTY, start)  # [MQTT-3.1.3-8]
    if version == MQTTv31 and not 1 <= len(client_id) <= 23:
        cursor.fail(_errors.CLIENT_ID_LENGTH, start, "", len(client_id))  # [U27]
    if flags & 0x04:
        fields["will"] = _will(cursor, flags)
    # In 3.1 the packet may end before the fields that its flags announce [U28].
    if flags & 0x80 and not (version == MQTTv31 and cursor.position == cursor.end):
        fields["username"] = cursor.string("username")
    if flags & 0x40 and not (version == MQTTv31 and cursor.position == cursor.end):
        fields["password"] = cursor.binary("password")
    # [MQTT-3.1.2-16] [MQTT-3.1.2-18]
    about = "CONNECT" if flags & 0x40 else "CONNECT without password" if flags & 0x80 else "CONNECT without user name"
    cursor.finish(about)
    return packet


def _without_bridge_bit(cursor: Cursor, level: int, name: bytes, fields: dict[str, Any]) -> int:
    """The protocol level without the bit that announces a bridge. Other invalid levels are returned as they are."""
    version = level & ~_spec.BRIDGE_BIT
    if version == level or _spec.PROTOCOL_NAMES.get(version) != name or not _spec.has_bridges(version):
        return level
    if not cursor.bridge:
        title = ProtocolVersion(version).title
        cursor.fail(_errors.PROTOCOL_LEVEL_OF_BRIDGE, cursor.position - 1, title, level)  # [MQTT-3.1.2-2]
    fields["bridge"] = True
    return version


def _check_connect_flags(cursor: Cursor, flags: int) -> None:
    at = cursor.position - 1
    if flags & 0x01 and cursor.version != MQTTv31:
        cursor.fail(_errors.CONNECT_FLAG_RESERVED, at, "", flags)  # [MQTT-3.1.2-3]
    if flags & 0x04:
        if flags & 0x18 == 0x18:
            cursor.fail(_errors.WILL_QOS, at, "", 3)  # [MQTT-3.1.2-12]
    elif cursor.version != MQTTv31:  # In 3.1 both are ignored without a will.
        if flags & 0x18:
            cursor.fail(_errors.WILL_QOS_WITHOUT_WILL, at)  # [MQTT-3.1.2-11]
        if flags & 0x20:
            cursor.fail(_errors.WILL_RETAIN_WITHOUT_WILL, at)  # [MQTT-3.1.2-13]
    if flags & 0xC0 == 0x40 and not _spec.allows_password_alone(cursor.version):
        cursor.fail(_errors.PASSWORD_WITHOUT_USERNAME, at)  # [MQTT-3.1.2-22]


def _will(cursor: Cursor, flags: int) -> Will:
    will = _new(Will)
    fields = will.__dict__
    if _spec.has_properties(cursor.version):
        read_properties(cursor, _spec.WILL, fields, "Will Property Length")
    start = cursor.position
    fields["topic"] = topic = cursor.topic_name("will.topic")
    if not topic:
        cursor.fail(_errors.TOPIC_EMPTY, start, "will.topic")  # [MQTT-4.7.3-1]
    fields["payload"] = cursor.binary("will.payload")
    fields["qos"] = _QOS[flags >> 3 & 3]
    fields["retain"] = flags & 0x20 != 0
    return will


def _connack(cursor: Cursor, first_byte: int) -> ConnAck:
    packet = _new(ConnAck)
    fields = packet.__dict__
    start = cursor.position
    flags = cursor.byte("session_present")
    if not _spec.has_session_present(cursor.version):
        flags = 0  # This version does not use the byte [U31].
    if flags > 1:
        cursor.fail(_errors.CONNACK_FLAGS, start, "", flags)  # [MQTT-3.2.2-1]
    fields["session_present"] = flags == 1
    code = cursor.byte("reason_code")
    if _spec.has_properties(cursor.version) and cursor.position == cursor.end and code <= 5:
        _refuse_earlier_version(cursor, flags, code)
    fields["reason_code"] = reason_code = _reason_code_of(cursor, code)  # [MQTT-3.2.2-8]
    if flags and reason_code:
        cursor.fail(_errors.SESSION_PRESENT, start)  # [MQTT-3.2.2-6]
    if _spec.has_properties(cursor.version):
        read_properties(cursor, cursor.packet_type, fields)
    cursor.finish("CONNACK")
    return packet


def _refuse_earlier_version(cursor: Cursor, flags: int, code: int) -> NoReturn:
    """Raise the error for a CONNACK without properties whose code is a return code of an earlier version."""
    if code == 0:
        cursor.fail(_errors.ACCEPTED_BY_EARLIER_VERSION, cursor.end)  # [MQTT-2.2.2-1]
    if flags:
        cursor.fail(_errors.SESSION_PRESENT_OF_EARLIER_VERSION, cursor.end - 1, "", code)  # [MQTT-3.2.2-8]
    return_code = ConnectReturnCode(code)
    cursor.fail(_errors.REFUSED_BY_EARLIER_VERSION, cursor.end - 1, "", code, return_code=return_code)


def _publish(cursor: Cursor, first_byte: int) -> Publish:
    packet = _new(Publish)
    fields = packet.__dict__
    start = cursor.position
    fields["topic"] = topic = cursor.topic_name("topic")
    qos = first_byte >> 1 & 3
    # `_fast_publish` of the encoder needs all six fields, even an empty payload, in a packet without properties.
    fields["payload"] = b""
    fields["qos"] = _QOS[qos]
    fields["retain"] = first_byte & 0x01 != 0
    fields["dup"] = first_byte & 0x08 != 0
    fields["packet_id"] = None
    if qos:
        about = "a server's PUBLISH" if cursor.role is Role.CLIENT else "PUBLISH"
        fields["packet_id"] = cursor.packet_identifier(about)
    if _spec.has_properties(cursor.version):
        read_properties(cursor, cursor.packet_type, fields)
        if not topic and "topic_alias" not in fields:
            cursor.fail(_errors.TOPIC_AND_ALIAS_MISSING, start)  # [U13]
        if cursor.role is Role.SERVER and "subscription_identifiers" in fields:
            cursor.fail(_errors.IDENTIFIER_FROM_CLIENT, None)  # [MQTT-3.3.4-6]
    elif not topic:
        cursor.fail(_errors.TOPIC_EMPTY, start, "topic")  # [MQTT-4.7.3-1]
    fields["payload"] = cursor.keep(cursor.end - cursor.position)
    return packet


def _fast_publish(data: bytes, body: int, end: int, first_byte: int, version: int) -> Publish | None:
    """Decode a PUBLISH without properties."""
    if end - body < 2:
        return None
    start = body + 2
    stop = start + (data[body] << 8 | data[body + 1])
    qos = first_byte >> 1 & 3
    payload = stop + 2 if qos else stop
    if version == MQTTv5:
        payload += 1
    if stop == start or payload > end or (version == MQTTv5 and data[payload - 1]):
        return None
    try:
        topic = data[start:stop].decode()
    except UnicodeDecodeError:
        return None
    if "\0" in topic or "+" in topic or "#" in topic:
        return None
    packet_id = None
    if qos:
        packet_id = data[stop] << 8 | data[stop + 1]
        if packet_id == 0:
            return None
    packet = _new(Publish)
    fields = packet.__dict__
    fields["topic"] = topic
    fields["payload"] = data[payload:end]
    fields["qos"] = _QOS[qos]
    fields["retain"] = first_byte & 0x01 != 0
    fields["dup"] = first_byte & 0x08 != 0
    fields["packet_id"] = packet_id
    return packet


def _acknowledgement(cursor: Cursor, first_byte: int) -> Any:
    packet = _new(_ACKNOWLEDGEMENTS[first_byte >> 4])
    fields = packet.__dict__
    name = type(packet).__name__.upper()
    fields["packet_id"] = cursor.packet_identifier(name)
    fields["reason_code"] = _SUCCESS
    if _spec.has_reason_codes(cursor.version) and cursor.position != cursor.end:  # [U18]
        _reason_and_properties(cursor, fields)
    cursor.finish(name)
    return packet


def _reason_and_properties(cursor: Cursor, fields: dict[str, Any]) -> None:
    fields["reason_code"] = _reason_code(cursor)
    if cursor.position != cursor.end:
        read_properties(cursor, cursor.packet_type, fields)


def _fast_acknowledgement(data: bytes, body: int, end: int, first_byte: int, version: int) -> Any:
    """Decode an acknowledgement that consists of a packet identifier only."""
    if end - body != 2:
        return None
    packet_id = data[body] << 8 | data[body + 1]
    if packet_id == 0:
        return None
    packet = _new(_ACKNOWLEDGEMENTS[first_byte >> 4])
    fields = packet.__dict__
    fields["packet_id"] = packet_id
    fields["reason_code"] = _SUCCESS
    return packet


def _subscribe(cursor: Cursor, first_byte: int) -> Subscribe:
    packet = _new(Subscribe)
    fields = packet.__dict__
    fields["packet_id"] = cursor.packet_identifier("SUBSCRIBE")
    if _spec.has_properties(cursor.version):
        read_properties(cursor, cursor.packet_type, fields)
    if cursor.position == cursor.end:
        cursor.fail(_errors.LIST_EMPTY, cursor.position, "subscriptions")  # [MQTT-3.8.3-2] [U17]
    subscriptions = []
    while cursor.position != cursor.end:
        subscriptions.append(_subscription(cursor))
    fields["subscriptions"] = tuple(subscriptions)
    return packet


def _fast_subscribe(data: bytes, body: int, end: int, first_byte: int, version: int) -> Subscribe | None:
    """Decode a SUBSCRIBE without properties and without options other than the QoS."""
    position = _fast_start(data, body, end, version)
    if position == end:
        return None
    subscriptions = []
    while position != end:
        start = position + 2
        if start > end:
            return None
        stop = start + (data[position] << 8 | data[position + 1])
        if stop == start or stop >= end:
            return None
        try:
            topic_filter = data[start:stop].decode()
        except UnicodeDecodeError:
            return None
        if "\0" in topic_filter or topic_filter_fault(topic_filter, version):
            return None
        qos = data[stop]
        if qos > 2:
            return None
        subscription = _new(Subscription)
        fields = subscription.__dict__
        fields["topic_filter"] = topic_filter
        fields["qos"] = _QOS[qos]
        subscriptions.append(subscription)
        position = stop + 1
    packet = _new(Subscribe)
    fields = packet.__dict__
    fields["packet_id"] = data[body] << 8 | data[body + 1]
    fields["subscriptions"] = tuple(subscriptions)
    return packet


def _fast_start(data: bytes, body: int, end: int, version: int) -> int:
    """The index of the list in a packet with an identifier and no properties, or `end` for any other packet."""
    start = body + 3 if version == MQTTv5 else body + 2
    if start > end or (version == MQTTv5 and data[start - 1]) or not data[body] | data[body + 1]:
        return end
    return start


def _subscription(cursor: Cursor) -> Subscription:
    subscription = _new(Subscription)
    fields = subscription.__dict__
    fields["topic_filter"] = topic_filter = cursor.topic_filter("topic_filter")
    options = cursor.byte("subscription options")
    at = cursor.position - 1
    qos = options & 3
    if _spec.has_subscription_options(cursor.version):
        if options & 0xC0:
            cursor.fail(_errors.OPTIONS_RESERVED, at, "", options)  # [MQTT-3.8.3-5]
        if qos == 3:
            cursor.fail(_errors.SUBSCRIPTION_QOS, at, "", qos)  # [U15]
        if options & 0x30 == 0x30:
            cursor.fail(_errors.RETAIN_HANDLING, at, "", 3)  # [U16]
        if options & 0x04 and topic_filter.startswith("$share/"):
            cursor.fail(_errors.NO_LOCAL_SHARED, at)  # [MQTT-3.8.3-4]
        fields["no_local"] = options & 0x04 != 0
        fields["retain_as_published"] = options & 0x08 != 0
        fields["retain_handling"] = _RETAIN_HANDLING[options >> 4]
    elif options > 3:
        cursor.fail(_errors.OPTIONS_RESERVED, at, "", options)  # [MQTT-3-8.3-4]
    elif qos == 3:
        cursor.fail(_errors.REQUESTED_QOS, at, "", qos)  # [MQTT-3-8.3-4]
    fields["qos"] = _QOS[qos]
    return subscription


def _suback(cursor: Cursor, first_byte: int) -> SubAck:
    packet = _new(SubAck)
    fields = packet.__dict__
    fields["packet_id"] = cursor.packet_identifier("SUBACK")
    if _spec.has_properties(cursor.version):
        read_properties(cursor, cursor.packet_type, fields)
    fields["reason_codes"] = _reason_codes(cursor)
    return packet


def _fast_suback(data: bytes, body: int, end: int, first_byte: int, version: int) -> SubAck | None:
    """Decode a SUBACK without properties."""
    members = _spec.reason_codes(first_byte >> 4, version)
    reason_codes = tuple([members[code] for code in data[_fast_start(data, body, end, version) : end]])
    if not reason_codes or None in reason_codes:
        return None
    packet = _new(SubAck)
    fields = packet.__dict__
    fields["packet_id"] = data[body] << 8 | data[body + 1]
    fields["reason_codes"] = reason_codes
    return packet


def _reason_codes(cursor: Cursor) -> tuple[Any, ...]:
    start = cursor.position
    if start == cursor.end:
        cursor.fail(_errors.LIST_EMPTY, start, "reason_codes")  # [U40]
    codes = cursor.take(cursor.end - start)
    members = _spec.reason_codes(cursor.packet_type, cursor.version)
    reason_codes = tuple([members[code] for code in codes])
    if None in reason_codes:
        at = reason_codes.index(None)
        cursor.fail(_errors.REASON_CODE, start + at, _spec.place_name(cursor.packet_type), codes[at])
    return reason_codes


def _unsubscribe(cursor: Cursor, first_byte: int) -> Unsubscribe:
    packet = _new(Unsubscribe)
    fields = packet.__dict__
    fields["packet_id"] = cursor.packet_identifier("UNSUBSCRIBE")
    if _spec.has_properties(cursor.version):
        read_properties(cursor, cursor.packet_type, fields)
    if cursor.position == cursor.end:
        cursor.fail(_errors.LIST_EMPTY, cursor.position, "topic_filters")  # [MQTT-3.10.3-2] [U17]
    topic_filters = []
    while cursor.position != cursor.end:
        topic_filters.append(cursor.topic_filter("topic_filters"))
    fields["topic_filters"] = tuple(topic_filters)
    return packet


def _unsuback(cursor: Cursor, first_byte: int) -> UnsubAck:
    packet = _new(UnsubAck)
    fields = packet.__dict__
    fields["packet_id"] = cursor.packet_identifier("UNSUBACK")
    if _spec.has_properties(cursor.version):
        read_properties(cursor, cursor.packet_type, fields)
        fields["reason_codes"] = _reason_codes(cursor)
    cursor.finish("UNSUBACK")
    return packet


def _pingreq(cursor: Cursor, first_byte: int) -> PingReq:
    cursor.finish("PINGREQ")  # [U23] [U33]
    return _PING_REQ


def _pingresp(cursor: Cursor, first_byte: int) -> PingResp:
    cursor.finish("PINGRESP")  # [U23] [U33]
    return _PING_RESP


def _disconnect(cursor: Cursor, first_byte: int) -> Disconnect:
    packet = _new(Disconnect)
    fields = packet.__dict__
    if _spec.has_reason_codes(cursor.version) and cursor.position != cursor.end:  # [U19]
        _reason_and_properties(cursor, fields)  # [MQTT-3.14.2-1]
        if cursor.role is Role.CLIENT and "session_expiry_interval" in fields:
            cursor.fail(_errors.EXPIRY_FROM_SERVER, None)  # [MQTT-3.14.2-2]
    cursor.finish("DISCONNECT")
    return packet


def _auth(cursor: Cursor, first_byte: int) -> Auth:
    packet = _new(Auth)
    fields = packet.__dict__
    if cursor.position != cursor.end:  # [U20]
        fields["reason_code"] = _reason_code(cursor)  # [MQTT-3.15.2-1]
        read_properties(cursor, cursor.packet_type, fields)
        if "authentication_method" not in fields:
            cursor.fail(_errors.AUTH_METHOD_MISSING, None)  # [U21]
    else:
        _check_sender(cursor, _SUCCESS, None)
    cursor.finish("AUTH")
    return packet


_ACKNOWLEDGEMENTS = {4: PubAck, 5: PubRec, 6: PubRel, 7: PubComp}

_DECODERS: tuple[Any, ...] = (
    None,
    _connect,
    _connack,
    _publish,
    _acknowledgement,
    _acknowledgement,
    _acknowledgement,
    _acknowledgement,
    _subscribe,
    _suback,
    _unsubscribe,
    _unsuback,
    _pingreq,
    _pingresp,
    _disconnect,
    _auth,
)

_FAST_DECODERS: tuple[Any, ...] = (
    *(None, None, None),
    _fast_publish,
    *(_fast_acknowledgement, _fast_acknowledgement, _fast_acknowledgement, _fast_acknowledgement),
    *(_fast_subscribe, _fast_suback, None, None),
    lambda data, body, end, first_byte, version: _PING_REQ if body == end else None,
    lambda data, body, end, first_byte, version: _PING_RESP if body == end else None,
    *(None, None),
)
