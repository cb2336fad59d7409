"""Conversion of packets between versions: `for_version` of the packet classes of both implementations.

Only Connect and ConnAck show the version that they are from. All other packets are judged by their fields alone.
"""

from __future__ import annotations

from . import _errors, _methods, _spec
from ._arguments_py import checked_version, exact_items, exact_text, integer
from ._enums import (
    ConnectReturnCode,
    MQTTv5,
    MQTTv31,
    MQTTv311,
    PacketType,
    ProtocolVersion,
    QoS,
    ReasonCode,
    RetainHandling,
)
from ._text_py import topic_filter_fault
from ._writer_py import absent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEVER = 0xFFFF_FFFF
"""The Session Expiry Interval of a session that never expires."""

# The return code of 3.1 and 3.1.1 for a reason code of CONNACK. The other failures have none.
_RETURN_CODES = {
    ReasonCode.UNSUPPORTED_PROTOCOL_VERSION: ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION,
    ReasonCode.CLIENT_IDENTIFIER_NOT_VALID: ConnectReturnCode.IDENTIFIER_REJECTED,
    ReasonCode.SERVER_UNAVAILABLE: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.SERVER_BUSY: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.QUOTA_EXCEEDED: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.USE_ANOTHER_SERVER: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.SERVER_MOVED: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.CONNECTION_RATE_EXCEEDED: ConnectReturnCode.SERVER_UNAVAILABLE,
    ReasonCode.BAD_USER_NAME_OR_PASSWORD: ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD,
    ReasonCode.BAD_AUTHENTICATION_METHOD: ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD,
    ReasonCode.NOT_AUTHORIZED: ConnectReturnCode.NOT_AUTHORIZED,
    ReasonCode.BANNED: ConnectReturnCode.NOT_AUTHORIZED,
}
_REASON_CODES = {
    ConnectReturnCode.CONNECTION_ACCEPTED: ReasonCode.SUCCESS,
    ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION: ReasonCode.UNSUPPORTED_PROTOCOL_VERSION,
    ConnectReturnCode.IDENTIFIER_REJECTED: ReasonCode.CLIENT_IDENTIFIER_NOT_VALID,
    ConnectReturnCode.SERVER_UNAVAILABLE: ReasonCode.SERVER_UNAVAILABLE,
    ConnectReturnCode.BAD_USER_NAME_OR_PASSWORD: ReasonCode.BAD_USER_NAME_OR_PASSWORD,
    ConnectReturnCode.NOT_AUTHORIZED: ReasonCode.NOT_AUTHORIZED,
}


def converted(packet: Any, version: Any, lossy: Any, packets: Any) -> Any:
    """The result of `for_version`. `packets` has the classes of the implementation."""
    target = checked_version(version)
    cls: Any = type(packet)
    if cls.__name__ not in _RULES or cls is not getattr(packets, cls.__name__):
        raise _errors.wrong_type("packet", "one of this implementation's packets", packet)
    changes: dict[str, Any] = {}
    if not _spec.has_properties(target):
        defaults = _methods.fields(cls)
        present = [field for field in _property_fields(cls.__name__) if not absent(getattr(packet, field))]
        changes |= {field: defaults[field] for field in present}
    rule = _RULES[cls.__name__]
    if rule is not None:
        rule(packet, target, lossy, changes, packets)
    return packet.replace(**changes) if changes else packet


def _property_fields(name: str) -> list[str]:
    """The fields of a class that hold properties."""
    place = _spec.WILL if name == "Will" else PacketType.__members__.get(name.upper())
    if place is None:
        return []  # A Subscription.
    return [_spec.property_field(place, identifier) for identifier in _spec.PROPERTIES[place]]


# --- Values of fields. A field of the wrong Python type raises the `TypeError` that `encode` raises.


def _flag(value: Any, about: str) -> bool:
    if not issubclass(type(value), int):
        raise _errors.wrong_type(about, "bool", value)
    return int.__add__(value, 0) != 0


def _items(value: Any, about: str) -> list[Any]:
    return exact_items(value, (tuple,), about, "a tuple or list")


# --- The rules of each class: they raise an error, or add to the changes that the conversion makes.


def _will(will: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    delay = will.will_delay_interval
    if "will_delay_interval" in changes and integer(delay, "will_delay_interval") and not lossy:
        raise _errors.LOSSY_ONLY.encoding(version, "will_delay_interval")


def _connect(packet: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    source = integer(packet.protocol_version, "protocol_version")
    if source not in _spec.PROTOCOL_NAMES:
        raise _errors.PROTOCOL_VERSION.encoding(version, "", source)
    if source != version:
        changes["protocol_version"] = version
    if packet.will is not None and type(packet.will) is not packets.Will:
        raise _errors.wrong_type("will", "a Will", packet.will)
    clean_start = _flag(packet.clean_start, "clean_start")
    if version == MQTTv5:
        if source != MQTTv5 and not clean_start:
            changes["session_expiry_interval"] = NEVER
        if _flag(packet.bridge, "bridge"):
            if not lossy:
                raise _errors.LOSSY_ONLY.encoding(version, "bridge")
            changes["bridge"] = False
        return
    if packet.authentication_method is not None:
        raise _errors.NOT_IN_VERSION.encoding(version, "authentication_method")
    if source == MQTTv5:
        expiry = packet.session_expiry_interval
        seconds = 0 if expiry is None else integer(expiry, "session_expiry_interval")
        if clean_start and seconds:
            raise _errors.SESSION_KEPT.encoding(version, "", seconds)
        if not clean_start and not seconds:
            raise _errors.SESSION_NOT_KEPT.encoding(version)
    if packet.will is not None:
        will = converted(packet.will, version, lossy, packets)
        if will is not packet.will:
            changes["will"] = will
    if packet.password is not None and packet.username is None:
        raise _errors.PASSWORD_WITHOUT_USERNAME.encoding(version)  # [MQTT-3.1.2-22]
    size = len(exact_text(packet.client_id, "client_id"))
    if version == MQTTv311 and not size and not clean_start:
        raise _errors.CLIENT_ID_EMPTY_TO_SEND.encoding(version)  # [MQTT-3.1.3-7]
    if version == MQTTv31 and not 1 <= size <= 23:
        raise _errors.CLIENT_ID_LENGTH.encoding(version, "", size)  # [U27]


def _connack(packet: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    code = integer(packet.reason_code, "reason_code")
    if version == MQTTv5:
        # A member of `ConnectReturnCode`, or an int with the same meaning.
        if (code or type(packet.reason_code) is ConnectReturnCode) and code in _REASON_CODES:
            changes["reason_code"] = _REASON_CODES[ConnectReturnCode(code)]
        return
    if packet.authentication_method is not None:
        raise _errors.NOT_IN_VERSION.encoding(version, "authentication_method")
    if code in _RETURN_CODES:
        changes["reason_code"] = _RETURN_CODES[ReasonCode(code)]
    elif code not in _REASON_CODES:
        raise _errors.CONNACK_CODE.encoding(version, "", code)  # [MQTT-3.2.2-6] of 3.1.1
    if not _spec.has_session_present(version) and _flag(packet.session_present, "session_present"):
        changes["session_present"] = False


def _publish(packet: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    if not _spec.has_properties(version) and not exact_text(packet.topic, "topic"):
        raise _errors.TOPIC_ALIAS_ALONE.encoding(version)  # [MQTT-4.7.3-1]
    if version != MQTTv31 and _flag(packet.dup, "dup") and integer(packet.qos, "qos") == QoS.AT_MOST_ONCE:
        changes["dup"] = False  # [MQTT-3.3.1-2]


def _acknowledgement(packet: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    if not _spec.has_reason_codes(version) and integer(packet.reason_code, "reason_code"):
        changes["reason_code"] = ReasonCode.SUCCESS


def _subscription(
    subscription: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any
) -> None:
    _check_filter(subscription.topic_filter, version, "topic_filter")
    if _spec.has_subscription_options(version):
        return
    if _flag(subscription.no_local, "no_local"):
        if not lossy:
            raise _errors.LOSSY_ONLY.encoding(version, "no_local")
        changes["no_local"] = False
    if _flag(subscription.retain_as_published, "retain_as_published"):
        changes["retain_as_published"] = False
    if integer(subscription.retain_handling, "retain_handling"):
        changes["retain_handling"] = RetainHandling.SEND_AT_SUBSCRIBE


def _check_filter(value: Any, version: ProtocolVersion, about: str) -> None:
    """Raise the error for a topic filter that is invalid in this version. Only 5.0 restricts `$share/` (4.8.2)."""
    text = exact_text(value, about)
    found = topic_filter_fault(text, version)
    if found:
        fault, at = found
        raise fault.encoding(version, about, text[at : at + 1])


def _subscribe(packet: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    subscriptions = _items(packet.subscriptions, "subscriptions")
    results = []
    for subscription in subscriptions:
        if type(subscription) is not packets.Subscription:
            raise _errors.wrong_item("subscriptions", "a Subscription", subscription)
        results.append(converted(subscription, version, lossy, packets))
    if any(result is not subscription for result, subscription in zip(results, subscriptions, strict=True)):
        changes["subscriptions"] = tuple(results)


def _suback(packet: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    if _spec.has_reason_codes(version):
        return
    codes = [integer(code, "reason_codes") for code in _items(packet.reason_codes, "reason_codes")]
    failures = {code for code in codes if ReasonCode.FAILURE <= code <= 0xFF}
    if failures and version == MQTTv31:
        raise _errors.SUBACK_FAILURE.encoding(version, "", min(failures))  # [U30]
    if failures - {ReasonCode.FAILURE}:
        changes["reason_codes"] = tuple(ReasonCode.FAILURE if code in failures else code for code in codes)


def _unsubscribe(packet: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    for topic_filter in _items(packet.topic_filters, "topic_filters"):
        _check_filter(topic_filter, version, "topic_filters")


def _unsuback(packet: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    has_codes = len(_items(packet.reason_codes, "reason_codes")) > 0
    if _spec.has_reason_codes(version):
        if not has_codes:
            raise _errors.UNSUBACK_CODES.encoding(version)  # [U40]
    elif has_codes:
        changes["reason_codes"] = ()


def _disconnect(packet: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    code = integer(packet.reason_code, "reason_code")
    if code and not _spec.has_reason_codes(version):
        raise _errors.DISCONNECT_CODE.encoding(version, "", code)


def _auth(packet: Any, version: ProtocolVersion, lossy: Any, changes: dict[str, Any], packets: Any) -> None:
    if not _spec.has_auth(version):
        raise _errors.NOT_IN_VERSION.encoding(version, "AUTH")


_RULES: dict[str, Any] = {
    "Will": _will,
    "Connect": _connect,
    "ConnAck": _connack,
    "Publish": _publish,
    "PubAck": _acknowledgement,
    "PubRec": _acknowledgement,
    "PubRel": _acknowledgement,
    "PubComp": _acknowledgement,
    "Subscription": _subscription,
    "Subscribe": _subscribe,
    "SubAck": _suback,
    "Unsubscribe": _unsubscribe,
    "UnsubAck": _unsuback,
    "PingReq": None,
    "PingResp": None,
    "Disconnect": _disconnect,
    "Auth": _auth,
}
