"""Bytes out of packets: `_encode_c.pyx` in plain Python.

A packet is checked and written in one pass over its fields. `Writer` holds what comes before a PUBLISH's payload; the
payload is never copied before the packet is put together.
"""

from __future__ import annotations

from typing import Any

from . import _errors, _spec
from ._enums import MQTTv5, MQTTv31, MQTTv311, PacketType
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
from ._spec import Kind
from ._wire_py import byte_view, index
from ._writer_py import Writer, absent, two_bits, variable_integer

_PROPERTIES = {
    place: [
        (
            bytes((identifier,)),
            _spec.PROPERTY_KINDS[identifier],
            _spec.property_field(place, identifier),
            _spec.may_repeat(place, identifier),
        )
        for identifier in identifiers
    ]
    for place, identifiers in _spec.PROPERTIES.items()
}


def encode_head(packet: Any, version: int) -> tuple[bytes, bytes | memoryview]:
    """What comes before the payload, and the payload, as bytes or as a view for the caller to `release`.

    Raises `EncodeError`, and `TypeError` for a field or a packet of the wrong Python type.
    """
    encoder = _ENCODERS.get(type(packet))
    if encoder is None:
        raise _errors.wrong_type("packet", "one of this implementation's packets", packet)
    writer = Writer(version)
    try:
        first_byte = encoder(writer, packet)
    except AttributeError as error:
        if type(error.obj) not in _MADE_OF_FIELDS:
            raise  # The caller's own object said so.
        # A packet made without `__init__` lacks its fields.
        raise _errors.wrong_type(str(error.name), "set", None) from None
    remaining_length = len(writer.body) + len(writer.payload)
    if remaining_length > _spec.MAXIMUM_REMAINING_LENGTH:
        release(writer.payload)
        raise writer.fail(_errors.ENCODED_TOO_LARGE)  # [U36]
    head = b"".join((bytes((first_byte,)), variable_integer(remaining_length), writer.body))
    return head, writer.payload


def release(payload: bytes | memoryview) -> None:
    """Let go of the caller's object."""
    if type(payload) is memoryview:
        payload.release()


def _properties(writer: Writer, packet: Any, place: int) -> None:
    """The properties of a place, if the version has any (2.2.2)."""
    packet_body = writer.body
    writer.body = bytearray()
    for identifier, kind, name, repeats in _PROPERTIES[place]:
        value = getattr(packet, name)
        if value is None or (repeats and absent(value)):
            continue
        if writer.version != MQTTv5:
            raise writer.fail(_errors.NOT_IN_VERSION, name)
        for item in writer.sequence(value, name) if repeats else (value,):
            writer.body += identifier
            _property_value(writer, item, kind, name)
    if writer.version == MQTTv5:
        properties = writer.body
        packet_body += variable_integer(len(properties))  # [MQTT-2.2.2-1]
        packet_body += properties
    writer.body = packet_body


def _property_value(writer: Writer, value: Any, kind: Kind, name: str) -> None:
    if kind == Kind.STRING:
        writer.string(value, name)
    elif kind == Kind.STRING_PAIR:
        pair = writer.sequence(value, name)
        if len(pair) != 2:
            raise _errors.wrong_type(name, "pairs of name and value", value)
        writer.string(pair[0], name)
        writer.string(pair[1], name)
    elif kind == Kind.BINARY:
        writer.binary(value, name)
    elif kind == Kind.TOPIC_NAME:
        if not writer.topic_name(value, name):
            raise writer.fail(_errors.TOPIC_EMPTY, name)  # [MQTT-4.7.3-1]
    elif kind <= Kind.QOS:
        writer.body.append(writer.flag(value, name))  # [U10] [U12]
    elif kind == Kind.VARIABLE_NON_ZERO:
        number = index(value, name)
        if not 0 <= number <= _spec.MAXIMUM_REMAINING_LENGTH:
            raise writer.fail(_errors.OUT_OF_RANGE, name, number)
        if number == 0:
            raise writer.fail(_errors.ZERO, name)  # [U14]
        writer.body += variable_integer(number)
    else:
        number = writer.number(value, 2 if kind <= Kind.TOPIC_ALIAS else 4, name)
        if number == 0:
            if kind == Kind.TOPIC_ALIAS:
                raise writer.fail(_errors.TOPIC_ALIAS_ZERO)  # [MQTT-3.3.2-8]
            if kind in (Kind.TWO_BYTE_NON_ZERO, Kind.FOUR_BYTE_NON_ZERO):
                raise writer.fail(_errors.ZERO, name)  # [U08] [U09]


def _check_method(writer: Writer, authentication_data: Any, authentication_method: Any) -> None:
    if authentication_data is not None and authentication_method is None:
        raise writer.fail(_errors.METHOD_MISSING)  # [U11]


def _connect(writer: Writer, packet: Connect) -> int:
    version = index(packet.protocol_version, "protocol_version")
    if version not in _spec.PROTOCOL_NAMES:
        raise writer.fail(_errors.PROTOCOL_VERSION, "", version)
    writer.version = version
    writer.binary(_spec.PROTOCOL_NAMES[version], "protocol_name")
    writer.body.append(version)
    clean_start = writer.flag(packet.clean_start, "clean_start")
    flags = clean_start << 1
    will = packet.will
    if will is not None:
        if type(will) is not Will:
            raise _errors.wrong_type("will", "Will", will)
        flags |= 0x04 | two_bits(will.qos, "will.qos") << 3
        if flags & 0x18 == 0x18:
            raise writer.fail(_errors.WILL_QOS)  # [MQTT-3.1.2-12]
        flags |= writer.flag(will.retain, "will.retain") << 5
    username, password = packet.username, packet.password
    if username is not None:
        flags |= 0x80
    if password is not None:
        flags |= 0x40
        if username is None and version == MQTTv311:
            raise writer.fail(_errors.PASSWORD_WITHOUT_USERNAME)  # [MQTT-3.1.2-22]
    writer.body.append(flags)
    writer.number(packet.keep_alive, 2, "keep_alive")
    method, data = packet.authentication_method, packet.authentication_data
    _properties(writer, packet, PacketType.CONNECT)
    _check_method(writer, data, method)
    client_id = writer.string(packet.client_id, "client_id")
    if version == MQTTv311 and not client_id and not clean_start:
        raise writer.fail(_errors.CLIENT_ID_EMPTY_TO_SEND)  # [MQTT-3.1.3-7]
    if version == MQTTv31 and not 1 <= len(client_id) <= 23:
        raise writer.fail(_errors.CLIENT_ID_LENGTH, "", len(client_id))  # [U27]
    if will is not None:
        _properties(writer, will, _spec.WILL)
        if not writer.topic_name(will.topic, "will.topic"):
            raise writer.fail(_errors.TOPIC_EMPTY, "will.topic")  # [MQTT-4.7.3-1]
        writer.binary(will.payload, "will.payload")
    if username is not None:
        writer.string(username, "username")
    if password is not None:
        writer.binary(password, "password")
    return 0x10


def _connack(writer: Writer, packet: ConnAck) -> int:
    session_present = writer.flag(packet.session_present, "session_present")
    if session_present and writer.version == MQTTv31:
        raise writer.fail(_errors.NOT_IN_VERSION, "session_present")  # [U31]
    writer.body.append(session_present)
    reason_code = writer.reason_code(packet.reason_code, PacketType.CONNACK)  # [MQTT-3.2.2-8]
    if session_present and reason_code:
        raise writer.fail(_errors.SESSION_PRESENT)  # [MQTT-3.2.2-6]
    method, data = packet.authentication_method, packet.authentication_data
    _properties(writer, packet, PacketType.CONNACK)
    _check_method(writer, data, method)
    return 0x20


def _publish(writer: Writer, packet: Publish) -> int:
    qos = two_bits(packet.qos, "qos")
    if qos == 3:
        raise writer.fail(_errors.PUBLISH_QOS)  # [MQTT-3.3.1-4]
    retain = writer.flag(packet.retain, "retain")
    dup = writer.flag(packet.dup, "dup")
    if dup and not qos and writer.version != MQTTv31:
        raise writer.fail(_errors.DUP_AT_QOS_0)  # [MQTT-3.3.1-2]
    topic = writer.topic_name(packet.topic, "topic")
    packet_id = packet.packet_id
    if qos:
        if packet_id is None:
            raise writer.fail(_errors.PACKET_ID_MISSING)  # [MQTT-2.2.1-3]
        writer.packet_identifier(packet_id, "PUBLISH")
    elif packet_id is not None:
        raise writer.fail(_errors.PACKET_ID_AT_QOS_0, "", packet_id)  # [MQTT-2.2.1-2]
    topic_alias = packet.topic_alias
    _properties(writer, packet, PacketType.PUBLISH)
    if not topic:
        if writer.version != MQTTv5:
            raise writer.fail(_errors.TOPIC_EMPTY, "topic")  # [MQTT-4.7.3-1]
        if topic_alias is None:
            raise writer.fail(_errors.TOPIC_AND_ALIAS_MISSING)  # [U13]
    payload = packet.payload
    writer.payload = payload if type(payload) is bytes else byte_view(payload, "payload")
    return 0x30 | dup << 3 | qos << 1 | retain


def _acknowledgement(writer: Writer, packet: PubAck | PubRec | PubRel | PubComp) -> int:
    packet_type = _ACKNOWLEDGEMENTS[type(packet)]
    writer.packet_identifier(packet.packet_id, packet_type.name)
    _reason_and_properties(writer, packet, packet_type)
    return packet_type << 4 | (0b0010 if packet_type == PacketType.PUBREL else 0)


def _reason_and_properties(writer: Writer, packet: Any, packet_type: PacketType) -> None:
    """A reason code and properties that go unsaid before 5.0, and in 5.0 where they say nothing (3.4.2.1) [U39]."""
    start = len(writer.body)
    if writer.version != MQTTv5 and index(packet.reason_code, "reason_code") != 0:
        raise writer.fail(_errors.NOT_IN_VERSION, "reason_code")
    code = writer.reason_code(packet.reason_code, packet_type)  # [MQTT-3.4.2-1] and its like
    _properties(writer, packet, packet_type)
    if writer.version != MQTTv5:
        del writer.body[start:]
    elif len(writer.body) == start + 2:
        del writer.body[start + (code != 0) :]


def _subscribe(writer: Writer, packet: Subscribe) -> int:
    writer.packet_identifier(packet.packet_id, "SUBSCRIBE")
    _properties(writer, packet, PacketType.SUBSCRIBE)
    subscriptions = writer.sequence(packet.subscriptions, "subscriptions")
    if not subscriptions:
        raise writer.fail(_errors.LIST_EMPTY, "subscriptions")  # [MQTT-3.8.3-2]
    for subscription in subscriptions:
        _subscription(writer, subscription)
    return 0x82


def _subscription(writer: Writer, subscription: Subscription) -> None:
    if type(subscription) is not Subscription:
        raise _errors.wrong_type("subscriptions", "a tuple of Subscription", subscription)
    topic_filter = writer.topic_filter(subscription.topic_filter, "subscriptions")
    is_v5 = writer.version == MQTTv5
    options = two_bits(subscription.qos, "qos")
    if options == 3:
        raise writer.fail(_errors.SUBSCRIPTION_QOS if is_v5 else _errors.REQUESTED_QOS)  # [U15] [MQTT-3-8.3-4]
    no_local = writer.flag(subscription.no_local, "no_local")
    if no_local and not is_v5:
        raise writer.fail(_errors.NOT_IN_VERSION, "no_local")
    if no_local and topic_filter.startswith("$share/"):
        raise writer.fail(_errors.NO_LOCAL_SHARED)  # [MQTT-3.8.3-4]
    retain_as_published = writer.flag(subscription.retain_as_published, "retain_as_published")
    if retain_as_published and not is_v5:
        raise writer.fail(_errors.NOT_IN_VERSION, "retain_as_published")
    retain_handling = two_bits(subscription.retain_handling, "retain_handling")
    if retain_handling == 3:
        raise writer.fail(_errors.RETAIN_HANDLING)  # [U16]
    if retain_handling and not is_v5:
        raise writer.fail(_errors.NOT_IN_VERSION, "retain_handling")
    writer.body.append(options | no_local << 2 | retain_as_published << 3 | retain_handling << 4)


def _suback(writer: Writer, packet: SubAck) -> int:
    writer.packet_identifier(packet.packet_id, "SUBACK")
    _properties(writer, packet, PacketType.SUBACK)
    _reason_codes(writer, packet.reason_codes, PacketType.SUBACK)
    return 0x90


def _reason_codes(writer: Writer, reason_codes: Any, packet_type: PacketType) -> None:
    codes = writer.sequence(reason_codes, "reason_codes")
    if not codes:
        raise writer.fail(_errors.LIST_EMPTY, "reason_codes")  # [U40]
    for code in codes:
        writer.reason_code(code, packet_type, "reason_codes")


def _unsubscribe(writer: Writer, packet: Unsubscribe) -> int:
    writer.packet_identifier(packet.packet_id, "UNSUBSCRIBE")
    _properties(writer, packet, PacketType.UNSUBSCRIBE)
    topic_filters = writer.sequence(packet.topic_filters, "topic_filters")
    if not topic_filters:
        raise writer.fail(_errors.LIST_EMPTY, "topic_filters")  # [MQTT-3.10.3-2]
    for topic_filter in topic_filters:
        writer.topic_filter(topic_filter, "topic_filters")
    return 0xA2


def _unsuback(writer: Writer, packet: UnsubAck) -> int:
    writer.packet_identifier(packet.packet_id, "UNSUBACK")
    _properties(writer, packet, PacketType.UNSUBACK)
    if writer.version == MQTTv5:
        _reason_codes(writer, packet.reason_codes, PacketType.UNSUBACK)
    elif not absent(packet.reason_codes):
        raise writer.fail(_errors.NOT_IN_VERSION, "reason_codes")
    return 0xB0


def _pingreq(writer: Writer, packet: PingReq) -> int:
    return 0xC0


def _pingresp(writer: Writer, packet: PingResp) -> int:
    return 0xD0


def _disconnect(writer: Writer, packet: Disconnect) -> int:
    _reason_and_properties(writer, packet, PacketType.DISCONNECT)
    return 0xE0


def _auth(writer: Writer, packet: Auth) -> int:
    if writer.version != MQTTv5:
        raise writer.fail(_errors.NOT_IN_VERSION, "AUTH")
    writer.reason_code(packet.reason_code, PacketType.AUTH)  # [MQTT-3.15.2-1]
    method = packet.authentication_method
    _properties(writer, packet, PacketType.AUTH)
    if writer.body == b"\0\0":
        writer.body.clear()  # [U20]
    elif method is None:
        raise writer.fail(_errors.AUTH_METHOD_MISSING)  # [U21]
    return 0xF0


_ACKNOWLEDGEMENTS: dict[type, PacketType] = {
    PubAck: PacketType.PUBACK,
    PubRec: PacketType.PUBREC,
    PubRel: PacketType.PUBREL,
    PubComp: PacketType.PUBCOMP,
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
    PingReq: _pingreq,
    PingResp: _pingresp,
    Disconnect: _disconnect,
    Auth: _auth,
}

_MADE_OF_FIELDS = (*_ENCODERS, Will, Subscription)
