"""What each side of a connection may send, given the packets that have passed.

`Rules` sees a connection from the wire. A `Connection` asks it before it sends a packet and after it has received one,
so that a rule binds both directions and both sides alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from .. import (
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    MQTTv5,
    Packet,
    PacketType,
    ProtocolVersion,
    Publish,
    ReasonCode,
    Role,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
    _errors,
    _spec,
)

OTHER = {Role.CLIENT: Role.SERVER, Role.SERVER: Role.CLIENT}
GREATEST_PACKET = 268_435_460


class ConnectionState(Enum):
    """How far a connection has come.

    * `NEW`: no CONNECT has passed.
    * `CONNECTING`: CONNECT has passed, CONNACK has not.
    * `CONNECTED`: CONNACK has accepted the connection.
    * `CLOSING`: nothing more can be sent. Send what `take` returns, then close the transport.
    * `CLOSED`: `connection_lost` was called.

    Example:
        >>> Connection(Role.CLIENT).state is ConnectionState.NEW
        True
    """

    NEW = "new"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSING = "closing"
    CLOSED = "closed"


NEW, CONNECTING, CONNECTED, CLOSING, CLOSED = ConnectionState


@dataclass(frozen=True)
class Limits:
    """The limits that one side announced in CONNECT or CONNACK: what the other side may send to it.

    Limits that were not announced, or that the version does not have, are those of the standard.

    Args:
        receive_maximum: Number of messages of QoS 1 and 2 that may be unacknowledged.
        maximum_packet_size: Size of a packet in bytes, fixed header included.
        topic_alias_maximum: Greatest topic alias; 0 means none.
        maximum_qos: Greatest QoS of a PUBLISH, to a server.
        retain_available: Whether a PUBLISH to a server may have `retain`.
        wildcard_subscription_available: Whether topic filters may have wildcards.
        subscription_identifier_available: Whether SUBSCRIBE may have a subscription identifier.
        shared_subscription_available: Whether SUBSCRIBE may have shared subscriptions.

    Example:
        >>> Limits().receive_maximum
        65535
    """

    receive_maximum: int = 65_535
    maximum_packet_size: int = GREATEST_PACKET
    topic_alias_maximum: int = 0
    maximum_qos: int = 2
    retain_available: bool = True
    wildcard_subscription_available: bool = True
    subscription_identifier_available: bool = True
    shared_subscription_available: bool = True

    @classmethod
    def _of(cls, packet: Connect | ConnAck) -> Limits:
        properties = packet.properties
        return cls(**{name: properties[name] for name in cls.__dataclass_fields__ if name in properties})


class Broken(NamedTuple):
    """A rule that a packet breaks, and the words for its message."""

    fault: _errors.Fault
    about: str = ""
    found: object = None


class Rules:
    """The state that both sides of a connection can see."""

    # `turn` is the side whose AUTH, or CONNACK, is expected, if an authentication is under way. `requests` has each
    # SUBSCRIBE and UNSUBSCRIBE without an answer: the type of the answer, and how many reason codes it must have.
    __slots__ = ("connect", "limits", "requests", "state", "turn", "version")

    def __init__(self, version: int | None) -> None:
        self.version = None if version is None else ProtocolVersion(version)
        self.state = NEW
        self.connect = Connect()
        self.limits = dict.fromkeys(Role, Limits())
        self.turn: Role | None = None
        self.requests: dict[int, tuple[PacketType, int]] = {}

    def broken(self, sender: Role, packet: Packet) -> Broken | None:
        """The rule that `packet` breaks if `sender` sends it now."""
        state = self.state
        packet_type = packet.packet_type
        name = packet_type.name
        if sender is Role.CLIENT:
            if state is NEW:
                return None if packet_type is PacketType.CONNECT else Broken(_errors.FIRST_NOT_CONNECT, name)
            if packet_type is PacketType.CONNECT:
                return Broken(_errors.SECOND_CONNECT)  # [MQTT-3.1.0-2]
            if state is CONNECTING and self.turn and packet_type not in (PacketType.AUTH, PacketType.DISCONNECT):
                return Broken(_errors.AUTHENTICATION_FIRST, name)  # [MQTT-3.1.2-30]
        elif state is NEW:
            return Broken(_errors.SERVER_FIRST, name)  # [MQTT-3.1.0-1]
        elif state is CONNECTING:
            if packet_type not in (PacketType.CONNACK, PacketType.AUTH):
                return Broken(_errors.CONNACK_FIRST, name)  # [MQTT-3.2.0-1] [MQTT-3.14.0-1]
        elif packet_type is PacketType.CONNACK:
            return Broken(_errors.SECOND_CONNACK)  # [MQTT-3.2.0-2]
        check = _CHECKS.get(packet_type)
        if check is not None:
            found = check(self, sender, packet)
            if found is not None:
                return found
        if (
            sender is Role.SERVER
            and self.connect.request_problem_information is False
            and packet_type not in (PacketType.PUBLISH, PacketType.CONNACK, PacketType.DISCONNECT)
            and not {"reason_string", "user_properties"}.isdisjoint(packet.properties)
        ):
            return Broken(_errors.PROBLEM_INFORMATION, name)  # [MQTT-3.1.2-29]
        return None

    def passed(self, sender: Role, packet: Packet) -> None:
        """Note a packet other than PUBLISH that breaks no rule."""
        if isinstance(packet, Connect):
            self.state = CONNECTING
            self.version = packet.protocol_version
            self.connect = packet
            self.limits[Role.CLIENT] = Limits._of(packet)
            self.turn = None if packet.authentication_method is None else Role.SERVER
        elif isinstance(packet, ConnAck):
            self.turn = None
            if packet.reason_code == 0:
                self.state = CONNECTED
                self.limits[Role.SERVER] = Limits._of(packet)
            else:
                self.state = CLOSING
        elif isinstance(packet, Disconnect):
            self.state = CLOSING
        elif isinstance(packet, Auth):
            self.turn = None if packet.reason_code == 0 else OTHER[sender]
        elif isinstance(packet, Subscribe):
            self.requests[packet.packet_id] = PacketType.SUBACK, len(packet.subscriptions)
        elif isinstance(packet, Unsubscribe):
            self.requests[packet.packet_id] = PacketType.UNSUBACK, len(packet.topic_filters)
        elif isinstance(packet, SubAck | UnsubAck):
            del self.requests[packet.packet_id]

    def publish_broken(self, sender: Role, publish: Publish) -> Broken | None:
        """The rule that a PUBLISH breaks, apart from the state: above all, a limit of the receiver."""
        limits = self.limits[OTHER[sender]]
        if limits.maximum_qos < publish.qos <= 2:  # [MQTT-3.2.2-11]; a greater QoS cannot be encoded.
            return Broken(_errors.QOS_NOT_SUPPORTED, "", limits.maximum_qos)
        if publish.retain and not limits.retain_available:  # [MQTT-3.2.2-14]
            return Broken(_errors.RETAIN_NOT_SUPPORTED)
        if sender is Role.CLIENT and publish.subscription_identifiers:  # [MQTT-3.3.4-6]
            return Broken(_errors.IDENTIFIER_FROM_CLIENT)
        return None

    def _subscribe(self, sender: Role, subscribe: Subscribe) -> Broken | None:
        limits = self.limits[Role.SERVER]
        if subscribe.subscription_identifier is not None and not limits.subscription_identifier_available:
            return Broken(_errors.SUBSCRIPTION_IDENTIFIER_NOT_SUPPORTED)
        for subscription in subscribe.subscriptions:
            topic_filter = subscription.topic_filter
            if not limits.wildcard_subscription_available and not {"+", "#"}.isdisjoint(topic_filter):
                return Broken(_errors.WILDCARDS_NOT_SUPPORTED, "", topic_filter)
            if not limits.shared_subscription_available and topic_filter.startswith("$share/"):
                return Broken(_errors.SHARED_SUBSCRIPTION_NOT_SUPPORTED, "", topic_filter)
        return self._request(sender, subscribe)

    def _request(self, sender: Role, request: Subscribe | Unsubscribe) -> Broken | None:
        if request.packet_id in self.requests:  # [MQTT-2.2.1-3]
            return Broken(_errors.PACKET_ID_IN_USE, request.packet_type.name, request.packet_id)
        return None

    def _answer(self, sender: Role, answer: SubAck | UnsubAck) -> Broken | None:
        packet_type = answer.packet_type
        expected, count = self.requests.get(answer.packet_id, (None, 0))
        if expected is not packet_type:  # [MQTT-3.8.4-2] [MQTT-3.10.4-5]
            return Broken(_errors.NOT_REQUESTED, packet_type.name, answer.packet_id)
        has_codes = packet_type is PacketType.SUBACK or self.version == MQTTv5
        if has_codes and len(answer.reason_codes) != count:  # [MQTT-3.9.3-1] [MQTT-3.11.3-1]
            return Broken(_errors.ANSWER_COUNT, packet_type.name, len(answer.reason_codes))
        return None

    def _disconnect(self, sender: Role, disconnect: Disconnect) -> Broken | None:
        if disconnect.session_expiry_interval and not self.connect.session_expiry_interval:
            return Broken(_errors.EXPIRY_AFTER_ZERO, "", disconnect.session_expiry_interval)
        return None

    def _auth(self, sender: Role, auth: Auth) -> Broken | None:
        method = self.connect.authentication_method
        if method is None:  # [MQTT-4.12.0-6] [MQTT-4.12.0-7]
            return Broken(_errors.AUTH_WITHOUT_METHOD, sender.value)
        # The short form, AUTH without any fields, leaves the method out.
        if auth.authentication_method not in (None, method):  # [MQTT-4.12.0-5] [MQTT-4.12.1-1]
            return Broken(_errors.OTHER_METHOD, "AUTH", auth.authentication_method)
        if auth.reason_code == ReasonCode.CONTINUE_AUTHENTICATION:
            may = self.turn is sender  # [MQTT-4.12.0-2] [MQTT-4.12.0-3]
        elif self.state is not CONNECTED:
            may = False
        elif auth.reason_code == ReasonCode.RE_AUTHENTICATE:
            may = sender is Role.CLIENT and self.turn is None
        else:
            may = sender is Role.SERVER and self.turn is sender
        return None if may else Broken(_errors.AUTH_OUT_OF_TURN, sender.value, auth.reason_code)

    def _connack(self, sender: Role, connack: ConnAck) -> Broken | None:
        connect = self.connect
        if connack.reason_code != 0:
            return None
        if connack.session_present and connect.clean_start:  # [MQTT-3.2.2-2]
            return Broken(_errors.SESSION_AFTER_CLEAN_START)
        if self.version != MQTTv5:
            return None
        if self.turn is Role.CLIENT:
            return Broken(_errors.AUTHENTICATION_UNFINISHED)  # [MQTT-4.12.0-2]
        method = connack.authentication_method
        if method != connect.authentication_method:  # [MQTT-4.12.0-5] [MQTT-4.12.0-6]
            fault = _errors.OTHER_METHOD if connect.authentication_method else _errors.METHOD_OF_SERVER
            return Broken(fault, "CONNACK", method)
        if not connect.client_id and not connack.assigned_client_identifier:  # [MQTT-3.2.2-16]
            return Broken(_errors.ASSIGNED_IDENTIFIER_MISSING)
        if connack.response_information is not None and not connect.request_response_information:  # [MQTT-3.1.2-28]
            return Broken(_errors.RESPONSE_INFORMATION)
        will = connect.will
        if will is not None:
            if connack.maximum_qos is not None and will.qos > connack.maximum_qos:  # [MQTT-3.2.2-12]
                return Broken(_errors.WILL_QOS_NOT_SUPPORTED, "", connack.maximum_qos)
            if connack.retain_available is False and will.retain:  # [MQTT-3.2.2-13]
                return Broken(_errors.WILL_RETAIN_NOT_SUPPORTED)
        return None


_CHECKS: dict[PacketType, Callable[[Rules, Role, Any], Broken | None]] = {
    PacketType.CONNACK: Rules._connack,
    PacketType.PUBLISH: Rules.publish_broken,
    PacketType.SUBSCRIBE: Rules._subscribe,
    PacketType.UNSUBSCRIBE: Rules._request,
    PacketType.SUBACK: Rules._answer,
    PacketType.UNSUBACK: Rules._answer,
    PacketType.DISCONNECT: Rules._disconnect,
    PacketType.AUTH: Rules._auth,
}


def own_fault(sender: Role, version: int, packet: Packet) -> Broken | None:
    """The rule that `packet` breaks at any time if `sender` sends it: what a decoder with a role refuses, too."""
    receiver = OTHER[sender]
    packet_type = packet.packet_type
    first_byte = packet_type << 4 | (2 if packet_type in (PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE) else 0)
    fault = _spec.first_byte_faults(version, receiver, False)[first_byte]
    if fault is not None:
        return Broken(fault, packet_type.name, packet_type)
    code = getattr(packet, "reason_code", 0)
    fault = _spec.sender_fault(packet_type, code, receiver)
    if fault is not None:
        return Broken(fault, packet_type.name, code)
    if isinstance(packet, Disconnect) and sender is Role.SERVER and packet.session_expiry_interval is not None:
        return Broken(_errors.EXPIRY_FROM_SERVER)
    return None
