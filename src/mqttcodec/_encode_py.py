"""Encodes packets: `_encode_c.pyx` in plain Python.

A packet is checked and written in one pass over its fields. A `Writer` collects everything before the payload of a
PUBLISH. The payload is not copied until the packet is complete.

The `_fast` functions write common packets without a writer. They never raise an error: if anything about a packet is
unusual, such as the exact type of a field, they return None, and the full function writes or rejects the packet.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from . import _errors, _spec
from ._arguments_py import byte_view, integer
from ._encode_properties_py import FEW, PROPERTY_NAMES, fast_properties, write_properties
from ._enums import MQTTv5, MQTTv31, MQTTv311, PacketType, ProtocolVersion, QoS, ReasonCode, RetainHandling
from ._packets_py import (
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
)
from ._text_py import topic_filter_fault
from ._writer_py import Writer, absent, two_bits, two_bytes, variable_integer

# Plain numbers, because looking up a member of an enum is much slower than a global.
_CONNECT, _CONNACK, _PUBLISH = map(int, (PacketType.CONNECT, PacketType.CONNACK, PacketType.PUBLISH))
_SUBSCRIBE, _SUBACK = map(int, (PacketType.SUBSCRIBE, PacketType.SUBACK))
_UNSUBSCRIBE, _UNSUBACK = map(int, (PacketType.UNSUBSCRIBE, PacketType.UNSUBACK))
_DISCONNECT, _AUTH = map(int, (PacketType.DISCONNECT, PacketType.AUTH))
_SUCCESS = ReasonCode.SUCCESS
_SEND_AT_SUBSCRIBE = RetainHandling.SEND_AT_SUBSCRIBE
_QOS_BYTES = (b"\0", b"\1", b"\2")
_pack_header = struct.Struct(">BB").pack
_pack_start = struct.Struct(">BBH").pack
_two_numbers = struct.Struct(">HH").pack
_two_bytes_and_zero = struct.Struct(">HB").pack
# With their lengths.
_PROTOCOL_NAMES = {version: two_bytes(len(name)) + name for version, name in _spec.PROTOCOL_NAMES.items()}


def encode_head(packet: Any, version: ProtocolVersion) -> tuple[bytes, bytes | memoryview]:
    """Encode everything before the payload; returns it with the payload, as bytes or a view.

    The caller must call `release` with the payload. Raises `EncodeError`, and `TypeError` for a field or a packet of
    the wrong Python type.
    """
    fast = FAST_ENCODERS.get(type(packet))
    if fast is not None:
        # Common packets are written without a writer, whose creation and method calls would take most of the time.
        parts = fast(packet, version)
        if parts is not None:
            return parts  # type: ignore[no-any-return]
    encoder = _ENCODERS.get(type(packet))
    if encoder is None:
        raise _errors.wrong_type("packet", "one of this implementation's packets", packet)
    writer = Writer(version)
    try:
        first_byte = encoder(writer, packet)
    except AttributeError as error:
        if type(error.obj) not in _MADE_OF_FIELDS:
            raise  # The error comes from an object of the caller's.
        # A packet that was created without `__init__` lacks its fields.
        raise _errors.wrong_type(str(error.name), "set", None) from None
    remaining_length = len(writer.body) + len(writer.payload)
    if remaining_length > _spec.MAXIMUM_REMAINING_LENGTH:
        release(writer.payload)
        writer.refuse(_errors.ENCODED_TOO_LARGE)  # [U36]
    return _with_header(first_byte, remaining_length, writer.body), writer.payload


def _with_header(first_byte: int, remaining_length: int, body: bytes | bytearray) -> bytes:
    """The fixed header and `body`. The Remaining Length also counts a payload that the caller adds."""
    if remaining_length < 0x80:
        return _pack_header(first_byte, remaining_length) + body
    return b"".join((bytes((first_byte,)), variable_integer(remaining_length), body))


def release(payload: bytes | memoryview) -> None:
    """Release a view of the caller's object, so that the caller can resize it."""
    if type(payload) is memoryview:
        payload.release()


def joined(head: bytes, payload: bytes | memoryview) -> bytes:
    """The whole packet. Releases the payload."""
    try:
        return b"".join((head, payload))
    finally:
        release(payload)


def _reason_code(writer: Writer, value: Any, packet_type: int) -> int:
    """Check and write a reason code; returns its number."""
    code: int = value if type(value) is ReasonCode else integer(value, "reason_code")
    if not 0 <= code <= 0xFF or _spec.reason_codes(packet_type, writer.version)[code] is None:
        writer.refuse(_errors.REASON_CODE, _spec.place_name(packet_type), integer(value, "reason_code"))
    writer.body.append(code)
    return code


def _connect(writer: Writer, packet: Connect) -> int:
    version: int = packet.protocol_version
    if type(version) is not ProtocolVersion:
        version = integer(version, "protocol_version")
    if version not in _PROTOCOL_NAMES:
        writer.refuse(_errors.PROTOCOL_VERSION, "", version)
    writer.version = version
    body = writer.body
    level = version
    if packet.bridge is not False and writer.flag(packet.bridge, "bridge"):
        if not _spec.has_bridges(version):
            writer.refuse(_errors.NOT_IN_VERSION, "bridge")
        level |= _spec.BRIDGE_BIT
    body += _PROTOCOL_NAMES[version]
    body.append(level)
    clean_start = writer.flag(packet.clean_start, "clean_start")
    flags = clean_start << 1
    will = packet.will
    if will is not None:
        if type(will) is not Will:
            raise _errors.wrong_type("will", "a Will", will)
        flags |= 0x04 | two_bits(will.qos, "will.qos") << 3
        if flags & 0x18 == 0x18:
            writer.refuse(_errors.WILL_QOS, "", will.qos)  # [MQTT-3.1.2-12]
        flags |= writer.flag(will.retain, "will.retain") << 5
    username, password = packet.username, packet.password
    if username is not None:
        flags |= 0x80
    if password is not None:
        flags |= 0x40
        if username is None and not _spec.allows_password_alone(version):
            writer.refuse(_errors.PASSWORD_WITHOUT_USERNAME)  # [MQTT-3.1.2-22]
    body.append(flags)
    writer.number(packet.keep_alive, 2, "keep_alive")
    write_properties(writer, packet, _CONNECT)
    if packet.authentication_data is not None and packet.authentication_method is None:
        writer.refuse(_errors.METHOD_MISSING)  # [U11]
    client_id = writer.string(packet.client_id, "client_id")
    if not client_id and not clean_start and version == MQTTv311:
        writer.refuse(_errors.CLIENT_ID_EMPTY_TO_SEND)  # [MQTT-3.1.3-7]
    if version == MQTTv31 and not 1 <= len(client_id) <= 23:
        writer.refuse(_errors.CLIENT_ID_LENGTH, "", len(client_id))  # [U27]
    if will is not None:
        _will(writer, will)
    if username is not None:
        writer.string(username, "username")
    if password is not None:
        writer.binary(password, "password")
    return 0x10


def _will(writer: Writer, will: Will) -> None:
    write_properties(writer, will, _spec.WILL)
    if not writer.topic_name(will.topic, "will.topic"):
        writer.refuse(_errors.TOPIC_EMPTY, "will.topic")  # [MQTT-4.7.3-1]
    writer.binary(will.payload, "will.payload")


def _connack(writer: Writer, packet: ConnAck) -> int:
    session_present = writer.flag(packet.session_present, "session_present")
    if session_present and not _spec.has_session_present(writer.version):
        writer.refuse(_errors.NOT_IN_VERSION, "session_present")  # [U31]
    writer.body.append(session_present)
    reason_code = _reason_code(writer, packet.reason_code, _CONNACK)  # [MQTT-3.2.2-8]
    if session_present and reason_code:
        writer.refuse(_errors.SESSION_PRESENT)  # [MQTT-3.2.2-6]
    write_properties(writer, packet, _CONNACK)
    return 0x20


def _publish(writer: Writer, packet: Publish) -> int:
    qos = two_bits(packet.qos, "qos")
    if qos == 3:
        writer.refuse(_errors.PUBLISH_QOS, "", packet.qos)  # [MQTT-3.3.1-4]
    retain = writer.flag(packet.retain, "retain")
    dup = writer.flag(packet.dup, "dup")
    if dup and not qos and writer.version != MQTTv31:
        writer.refuse(_errors.DUP_AT_QOS_0)  # [MQTT-3.3.1-2]
    topic = writer.topic_name(packet.topic, "topic")
    packet_id = packet.packet_id
    if qos:
        if packet_id is None:
            writer.refuse(_errors.PACKET_ID_MISSING)  # [MQTT-2.2.1-3]
        writer.packet_identifier(packet_id, "PUBLISH")
    elif packet_id is not None:
        writer.refuse(_errors.PACKET_ID_AT_QOS_0, "", packet_id)  # [MQTT-2.2.1-2]
    topic_alias = packet.topic_alias
    write_properties(writer, packet, _PUBLISH)
    if not topic:
        if not _spec.has_properties(writer.version):
            writer.refuse(_errors.TOPIC_EMPTY, "topic")  # [MQTT-4.7.3-1]
        if topic_alias is None:
            writer.refuse(_errors.TOPIC_AND_ALIAS_MISSING)  # [U13]
    payload = packet.payload
    writer.payload = payload if type(payload) is bytes else byte_view(payload, "payload")
    return 0x30 | dup << 3 | qos << 1 | retain


def _fast_publish(packet: Publish, version: ProtocolVersion) -> tuple[bytes, bytes] | None:
    """Encode a PUBLISH without the DUP flag."""
    fields = packet.__dict__
    if len(fields) != 6 and (len(fields) < 6 or version is not MQTTv5):
        return None
    topic, payload, qos, packet_id = fields["topic"], fields["payload"], fields["qos"], fields["packet_id"]
    if type(topic) is not str or type(payload) is not bytes:
        return None
    if type(qos) is not QoS and (type(qos) is not int or not 0 <= qos <= 2):
        return None
    first_byte = 0x30
    if fields["retain"] is True:
        first_byte = 0x31
    elif fields["retain"] is not False:
        return None
    if fields["dup"] is not False:
        return None
    if qos:
        if type(packet_id) is not int or packet_id == 0:
            return None
        first_byte |= qos << 1
    elif packet_id is not None:
        return None
    if not topic or "\0" in topic or "+" in topic or "#" in topic:
        return None
    try:
        encoded = topic.encode()
        if len(fields) == 6:
            # No properties.
            if version is not MQTTv5:
                end = two_bytes(packet_id) if qos else b""
            else:
                end = _two_bytes_and_zero(packet_id, 0) if qos else b"\0"
        else:
            properties = fast_properties(fields, _PUBLISH)
            if properties is None:
                return None
            end = two_bytes(packet_id) + properties if qos else properties
        size = len(encoded)
        remaining_length = 2 + size + len(end) + len(payload)
        if remaining_length < 0x80:
            return _pack_start(first_byte, remaining_length, size) + encoded + end, payload
        if remaining_length > _spec.MAXIMUM_REMAINING_LENGTH:
            return None
        return _with_header(first_byte, remaining_length, two_bytes(size) + encoded + end), payload
    except (UnicodeEncodeError, struct.error):
        # The topic is not encodable or too long, or the packet identifier is out of range.
        return None


def _acknowledgement(writer: Writer, packet: PubAck | PubRec | PubRel | PubComp) -> int:
    first_byte = _ACKNOWLEDGEMENTS[type(packet)]
    writer.packet_identifier(packet.packet_id, type(packet).__name__.upper())
    _reason_and_properties(writer, packet, first_byte >> 4)
    return first_byte


def _fast_acknowledgement(
    packet: PubAck | PubRec | PubRel | PubComp, version: ProtocolVersion
) -> tuple[bytes, bytes] | None:
    """Encode an acknowledgement that reports success and has no properties: four bytes in every version."""
    fields = packet.__dict__
    if len(fields) != 2 or fields["reason_code"] is not _SUCCESS:
        return None
    packet_id = fields["packet_id"]
    if type(packet_id) is not int or not packet_id:
        return None
    try:
        return _two_numbers(_ACKNOWLEDGEMENT_HEADERS[type(packet)], packet_id), b""
    except struct.error:  # The packet identifier is out of range.
        return None


def acknowledgements(packet_type: int, packet_ids: Iterable[int], version: int) -> bytes:
    """Acknowledgements that report success, four bytes each. `version` selects the clause of an error."""
    first_byte = _FIRST_BYTES.get(integer(packet_type, "packet_type"))
    if first_byte is None:
        raise _errors.bad_value("packet_type", "PUBACK, PUBREC, PUBREL or PUBCOMP", packet_type)
    identifiers: list[int] = []
    append = identifiers.append
    for identifier in packet_ids:
        if type(identifier) is int and 0 < identifier <= 0xFFFF:
            append(identifier)
        elif issubclass(type(identifier), int):
            Writer(version).packet_identifier(identifier, _spec.place_name(first_byte >> 4))
            append(int.__add__(identifier, 0))
        else:
            raise _errors.wrong_item("packet_ids", "int", identifier)
    # Write all identifiers at once, then spread their bytes: one call for each identifier would take twice the time.
    encoded = struct.pack(f">{len(identifiers)}H", *identifiers)
    packets = bytearray(bytes((first_byte, 2, 0, 0)) * len(identifiers))
    packets[2::4] = encoded[::2]
    packets[3::4] = encoded[1::2]
    return bytes(packets)


def _reason_and_properties(writer: Writer, packet: Any, packet_type: int) -> None:
    """Write a reason code and properties, and remove them again if the packet can do without (3.4.2.1) [U39].

    Before 5.0 the packet has neither. In 5.0 an empty property list is left out, and with it the reason code if that is
    `SUCCESS`. The fields are checked in every case.
    """
    start = len(writer.body)
    if not _spec.has_reason_codes(writer.version) and integer(packet.reason_code, "reason_code") != 0:
        writer.refuse(_errors.NOT_IN_VERSION, "reason_code")
    code = _reason_code(writer, packet.reason_code, packet_type)  # [MQTT-3.4.2-1] and its counterparts
    write_properties(writer, packet, packet_type)
    if not _spec.has_reason_codes(writer.version):
        del writer.body[start:]
    elif len(writer.body) == start + 2:
        del writer.body[start + (code != 0) :]


def _subscribe(writer: Writer, packet: Subscribe) -> int:
    writer.packet_identifier(packet.packet_id, "SUBSCRIBE")
    write_properties(writer, packet, _SUBSCRIBE)
    subscriptions = writer.sequence(packet.subscriptions, "subscriptions")
    if not subscriptions:
        writer.refuse(_errors.LIST_EMPTY, "subscriptions")  # [MQTT-3.8.3-2]
    for subscription in subscriptions:
        _subscription(writer, subscription)
    return 0x82


def _fast_subscribe(packet: Subscribe, version: ProtocolVersion) -> tuple[bytes, bytes] | None:
    """Encode a SUBSCRIBE with few filters and no options other than the QoS."""
    subscriptions = packet.__dict__.get("subscriptions")
    if type(subscriptions) is not tuple or not 0 < len(subscriptions) <= FEW:
        return None
    start = _fast_start(packet, version, _SUBSCRIBE)
    if start is None:
        return None
    parts = [start]
    try:
        for subscription in subscriptions:
            if type(subscription) is not Subscription:
                return None
            text, qos = subscription.topic_filter, subscription.qos
            if type(text) is not str or not text or "\0" in text:
                return None
            if ("+" in text or "#" in text or text[0] == "$") and topic_filter_fault(text, version):
                return None
            if type(qos) is not QoS and (type(qos) is not int or not 0 <= qos <= 2):
                return None
            if subscription.no_local is not False or subscription.retain_as_published is not False:
                return None
            if subscription.retain_handling is not _SEND_AT_SUBSCRIBE:
                return None
            encoded = text.encode()
            parts += (two_bytes(len(encoded)), encoded, _QOS_BYTES[qos])
    except (AttributeError, UnicodeEncodeError, struct.error):
        # The filter is missing, not encodable or too long.
        return None
    body = b"".join(parts)
    return _with_header(0x82, len(body), body), b""


def _fast_start(packet: Any, version: ProtocolVersion, packet_type: int) -> bytes | None:
    """Encode the packet identifier and, if the version has any, the properties."""
    fields = packet.__dict__
    packet_id = fields.get("packet_id")
    if type(packet_id) is not int or not 1 <= packet_id <= 0xFFFF:
        return None
    if len(fields) == 2:
        # No properties.
        return _two_bytes_and_zero(packet_id, 0) if version is MQTTv5 else two_bytes(packet_id)
    properties = fast_properties(fields, packet_type) if version is MQTTv5 else None
    return None if properties is None else two_bytes(packet_id) + properties


def _subscription(writer: Writer, subscription: Subscription) -> None:
    if type(subscription) is not Subscription:
        raise _errors.wrong_item("subscriptions", "a Subscription", subscription)
    topic_filter = writer.topic_filter(subscription.topic_filter, "topic_filter")
    has_options = _spec.has_subscription_options(writer.version)
    options = two_bits(subscription.qos, "qos")
    if options == 3:
        fault = _errors.SUBSCRIPTION_QOS if has_options else _errors.REQUESTED_QOS
        writer.refuse(fault, "", subscription.qos)  # [U15] [MQTT-3-8.3-4]
    no_local = writer.flag(subscription.no_local, "no_local")
    if no_local and not has_options:
        writer.refuse(_errors.NOT_IN_VERSION, "no_local")
    if no_local and topic_filter.startswith("$share/"):
        writer.refuse(_errors.NO_LOCAL_SHARED)  # [MQTT-3.8.3-4]
    retain_as_published = writer.flag(subscription.retain_as_published, "retain_as_published")
    if retain_as_published and not has_options:
        writer.refuse(_errors.NOT_IN_VERSION, "retain_as_published")
    retain_handling = two_bits(subscription.retain_handling, "retain_handling")
    if retain_handling == 3:
        writer.refuse(_errors.RETAIN_HANDLING, "", subscription.retain_handling)  # [U16]
    if retain_handling and not has_options:
        writer.refuse(_errors.NOT_IN_VERSION, "retain_handling")
    writer.body.append(options | no_local << 2 | retain_as_published << 3 | retain_handling << 4)


def _suback(writer: Writer, packet: SubAck) -> int:
    writer.packet_identifier(packet.packet_id, "SUBACK")
    write_properties(writer, packet, _SUBACK)
    _reason_codes(writer, packet.reason_codes, _SUBACK)
    return 0x90


def _fast_suback(packet: SubAck, version: ProtocolVersion) -> tuple[bytes, bytes] | None:
    """Encode a SUBACK with few reason codes."""
    reason_codes = packet.__dict__.get("reason_codes")
    if type(reason_codes) is not tuple or not 0 < len(reason_codes) <= FEW:
        return None
    start = _fast_start(packet, version, _SUBACK)
    if start is None:
        return None
    members = _spec.reason_codes(_SUBACK, version)
    for code in reason_codes:
        if type(code) is not ReasonCode or members[code] is None:
            return None
    body = start + bytes(reason_codes)
    return _with_header(0x90, len(body), body), b""


def _reason_codes(writer: Writer, reason_codes: Any, packet_type: int) -> None:
    codes = writer.sequence(reason_codes, "reason_codes")
    if not codes:
        writer.refuse(_errors.LIST_EMPTY, "reason_codes")  # [U40]
    for code in codes:
        if not issubclass(type(code), int):
            raise _errors.wrong_item("reason_codes", "int", code)
        _reason_code(writer, code, packet_type)


def _unsubscribe(writer: Writer, packet: Unsubscribe) -> int:
    writer.packet_identifier(packet.packet_id, "UNSUBSCRIBE")
    write_properties(writer, packet, _UNSUBSCRIBE)
    topic_filters = writer.sequence(packet.topic_filters, "topic_filters")
    if not topic_filters:
        writer.refuse(_errors.LIST_EMPTY, "topic_filters")  # [MQTT-3.10.3-2]
    for topic_filter in topic_filters:
        if not issubclass(type(topic_filter), str):
            raise _errors.wrong_item("topic_filters", "str", topic_filter)
        writer.topic_filter(topic_filter, "topic_filters")
    return 0xA2


def _unsuback(writer: Writer, packet: UnsubAck) -> int:
    writer.packet_identifier(packet.packet_id, "UNSUBACK")
    write_properties(writer, packet, _UNSUBACK)
    if _spec.has_reason_codes(writer.version):
        _reason_codes(writer, packet.reason_codes, _UNSUBACK)
    elif not absent(packet.reason_codes):
        writer.refuse(_errors.NOT_IN_VERSION, "reason_codes")
    return 0xB0


def _disconnect(writer: Writer, packet: Disconnect) -> int:
    _reason_and_properties(writer, packet, _DISCONNECT)
    return 0xE0


def _auth(writer: Writer, packet: Auth) -> int:
    if not _spec.has_auth(writer.version):
        writer.refuse(_errors.NOT_IN_VERSION, "AUTH")
    _reason_code(writer, packet.reason_code, _AUTH)  # [MQTT-3.15.2-1]
    write_properties(writer, packet, _AUTH)
    if writer.body == b"\0\0":
        writer.body.clear()  # [U20]
    elif packet.authentication_method is None:
        writer.refuse(_errors.AUTH_METHOD_MISSING)  # [U21]
    return 0xF0


def _fast_disconnect_or_auth(packet: Disconnect | Auth, version: ProtocolVersion) -> tuple[bytes, bytes] | None:
    """Encode a DISCONNECT of 5.0, or an AUTH that has an authentication method."""
    code = packet.reason_code
    packet_type = _DISCONNECT if type(packet) is Disconnect else _AUTH
    if version is not MQTTv5 or type(code) is not ReasonCode or _spec.reason_codes(packet_type, 5)[code] is None:
        return None
    if type(packet) is Disconnect and PROPERTY_NAMES[_DISCONNECT].isdisjoint(packet.__dict__):
        return (bytes((0xE0, 1, code)) if code else b"\xe0\0"), b""
    properties = fast_properties(packet.__dict__, packet_type)
    if properties is None or (type(packet) is Auth and packet.authentication_method is None):
        return None
    if properties != b"\0":
        body = bytes((code,)) + properties
    else:
        body = bytes((code,)) if code else b""
    return _with_header(packet_type << 4, len(body), body), b""


# The first bytes of acknowledgements: by class, with the Remaining Length by class, and by packet type.
_ACKNOWLEDGEMENTS: dict[type, int] = {PubAck: 0x40, PubRec: 0x50, PubRel: 0x62, PubComp: 0x70}
_ACKNOWLEDGEMENT_HEADERS = {cls: first_byte << 8 | 2 for cls, first_byte in _ACKNOWLEDGEMENTS.items()}
_FIRST_BYTES = {first_byte >> 4: first_byte for first_byte in _ACKNOWLEDGEMENTS.values()}

FAST_ENCODERS: dict[type, Any] = {
    Publish: _fast_publish,
    PubAck: _fast_acknowledgement,
    PubRec: _fast_acknowledgement,
    PubRel: _fast_acknowledgement,
    PubComp: _fast_acknowledgement,
    Subscribe: _fast_subscribe,
    SubAck: _fast_suback,
    PingReq: lambda packet, version: (b"\xc0\0", b""),
    PingResp: lambda packet, version: (b"\xd0\0", b""),
    Disconnect: _fast_disconnect_or_auth,
    Auth: _fast_disconnect_or_auth,
}

_ENCODERS: dict[type, Any] = {
    Connect: _connect,
    ConnAck: _connack,
    Publish: _publish,
    PubAck: _acknowledgement,
    PubRec: _acknowledgement,
    PubRel: _acknowledgement,
    PubComp: _acknowledgement,
    Subscribe: _subscribe,
    SubAck: _suback,
    Unsubscribe: _unsubscribe,
    UnsubAck: _unsuback,
    Disconnect: _disconnect,
    Auth: _auth,
}

_MADE_OF_FIELDS = (*_ENCODERS, Will, Subscription)
