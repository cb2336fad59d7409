"""The messages of QoS 1 and 2 that this side receives (4.3, 4.6, 4.9)."""

from __future__ import annotations

from collections import OrderedDict

from .. import (
    MQTTv5,
    PacketType,
    ProtocolVersion,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    ReasonCode,
    Role,
    _errors,
    encoded_size,
)
from ._arguments import checked_role, number
from ._errors import refused


class IncomingMessages:
    """Receive messages of QoS 1 and 2: acknowledge them in order, and those of QoS 2 once.

    `on_publish` says whether a PUBLISH is new. If so, handle it, and call `acknowledge` when that is done. An
    acknowledgement whose turn has not come is held back, and `to_send` returns it later: call it after `on_publish` and
    after `acknowledge`.

    A message of QoS 2 counts as received when it is acknowledged with a reason code below 0x80. From then on, until its
    PUBREL arrives, a PUBLISH with its identifier is a repetition, also on later connections.

    Messages are not kept, only identifiers: `receive_maximum` for those not acknowledged, and twice as many, by the
    greatest `receive_maximum` there was, for those of QoS 2 that wait for PUBREL.

    Args:
        receive_maximum: The number of messages that the peer may have unacknowledged, 1 to 65,535: the Receive Maximum
            that this side announced. Versions before 5.0 have none; 65,535 allows a peer of these all that it may do.
        version: MQTT version of the connection: 3, 4 or 5, or a `ProtocolVersion`. It can be changed.
        role: The side that receives. Errors name the rule that the other side broke.

    Raises:
        TypeError: `receive_maximum` is not an int, or `role` not a `Role`.
        ValueError: A number is out of range.

    Example:
        >>> incoming = IncomingMessages(receive_maximum=10)
        >>> publish = Publish("a", b"21", qos=2, packet_id=7)
        >>> incoming.on_publish(publish)
        True
        >>> incoming.acknowledge(publish)
        PubRec(packet_id=7)
        >>> incoming.on_publish(publish.replace(dup=True)), incoming.to_send()
        (False, [PubRec(packet_id=7)])
        >>> incoming.on_pubrel(PubRel(7))
        PubComp(packet_id=7)
    """

    # `_pending` has, by QoS, the identifiers of the PUBLISH packets that are not answered yet, in order of arrival, and
    # the answers that are held back. `_open` has the identifiers of QoS 2 that arrived on this connection and count
    # towards the Receive Maximum. `_received` has those of QoS 2 that wait for PUBREL, from any connection.
    __slots__ = ("_kept_maximum", "_open", "_pending", "_receive_maximum", "_received", "_role", "_version")

    def __init__(self, receive_maximum: int = 65_535, *, version: int = MQTTv5, role: Role = Role.SERVER) -> None:
        self._kept_maximum = 0
        self.receive_maximum = receive_maximum
        self.version = version
        self._role = checked_role(role)
        self._pending: dict[int, OrderedDict[int, PubAck | PubRec | None]] = {1: OrderedDict(), 2: OrderedDict()}
        self._open: set[int] = set()
        self._received: set[int] = set()

    @property
    def receive_maximum(self) -> int:
        """The number of messages that the peer may have unacknowledged on this connection."""
        return self._receive_maximum

    @receive_maximum.setter
    def receive_maximum(self, receive_maximum: int) -> None:
        self._receive_maximum = number(receive_maximum, "receive_maximum", 1)
        self._kept_maximum = max(self._kept_maximum, 2 * receive_maximum)

    @property
    def version(self) -> ProtocolVersion:
        """MQTT version of the connection."""
        return self._version

    @version.setter
    def version(self, version: int) -> None:
        self._version = ProtocolVersion(version)

    @property
    def unacknowledged(self) -> int:
        """The number of messages that count towards the Receive Maximum."""
        return len(self._pending[1]) + len(self._open)

    def on_publish(self, publish: Publish) -> bool:
        """Take a PUBLISH.

        Args:
            publish: The packet as it was received.

        Returns:
            Whether the application has to handle it. False means that it repeats a message which the application has,
            or has had [MQTT-4.3.3-10]: `to_send` answers it, and `acknowledge` need not be called. A PUBLISH of QoS 0
            is always new, and is not acknowledged.

        Raises:
            ProtocolError: The peer has more messages unacknowledged than it may (reason code 0x93).

        Example:
            >>> IncomingMessages().on_publish(Publish("a", b"21", qos=1, packet_id=1))
            True
        """
        if publish.qos == 0:
            return True
        packet_id = publish.packet_id
        assert packet_id is not None
        pending = self._pending[publish.qos]
        if packet_id in pending:
            return False  # The application has it.
        is_new = publish.qos == 1 or packet_id not in self._received
        if publish.qos == 1 or packet_id not in self._open:
            if self.unacknowledged >= self._receive_maximum:
                sender = Role.CLIENT if self._role is Role.SERVER else Role.SERVER
                raise self._fault(_errors.RECEIVE_MAXIMUM_EXCEEDED, sender.value, self._receive_maximum)
            if publish.qos == 2 and is_new and len(self._received) + len(pending) >= self._kept_maximum:
                raise self._fault(_errors.IDENTIFIERS_KEPT, "PUBLISH", len(self._received))
        pending[packet_id] = None
        if publish.qos == 2:
            self._open.add(packet_id)
        return is_new

    def acknowledge(self, publish: Publish, reason_code: int = 0) -> PubAck | PubRec | None:
        """Acknowledge a PUBLISH, in order of arrival for each QoS ([MQTT-4.6.0-2], [MQTT-4.6.0-3]).

        Args:
            publish: The packet, or another one with its QoS and identifier.
            reason_code: Reason code of the acknowledgement. 0x80 or above refuses the message: a PUBLISH of QoS 2 that
                has its identifier is then a new message [MQTT-4.3.3-9]. Before 5.0, only 0.

        Returns:
            The packet to send, or None if it is held back until earlier ones are acknowledged.

        Raises:
            LocalProtocolError: The PUBLISH is not waiting to be acknowledged: its QoS is 0, it was acknowledged, or the
                connection on which it arrived has ended.
            EncodeError: The acknowledgement cannot have this reason code.

        Example:
            >>> incoming = IncomingMessages()
            >>> first, second = (Publish("a", qos=1, packet_id=number) for number in (1, 2))
            >>> incoming.on_publish(first), incoming.on_publish(second)
            (True, True)
            >>> incoming.acknowledge(second)
            >>> incoming.acknowledge(first), incoming.to_send()
            (PubAck(packet_id=1), [PubAck(packet_id=2)])
        """
        packet_id = publish.packet_id
        pending = self._pending.get(publish.qos)
        if pending is None or packet_id is None or packet_id not in pending or pending[packet_id] is not None:
            raise refused(
                f"the PUBLISH of QoS {int(publish.qos)} with packet_id {packet_id} waits for no acknowledgement"
            )
        answer = (PubAck if publish.qos == 1 else PubRec)(packet_id, reason_code)
        if answer.reason_code is not ReasonCode.SUCCESS:
            encoded_size(answer, self._version)
        if publish.qos == 2:
            if reason_code < 0x80:
                self._received.add(packet_id)
            elif packet_id in self._received:
                raise refused(f"the message of QoS 2 with packet_id {packet_id} was accepted before", "MQTT-4.3.3-10")
        pending[packet_id] = answer
        if next(iter(pending)) != packet_id:
            return None
        return self._take(pending)

    def _acknowledge_alone(self, publish: Publish) -> PubAck | None:
        """Acknowledge a message of QoS 1 if no other one waits: the short way of `acknowledge`."""
        pending, packet_id = self._pending[1], publish.packet_id
        if publish.qos != 1 or len(pending) != 1 or packet_id not in pending:
            return None
        pending.clear()
        assert packet_id is not None
        return PubAck(packet_id)

    def to_send(self) -> list[PubAck | PubRec]:
        """Take the acknowledgements whose turn has come, in order.

        Returns:
            Packets to send: those that were held back, and PUBREC for repetitions.

        Example:
            >>> IncomingMessages().to_send()
            []
        """
        packets: list[PubAck | PubRec] = []
        for qos, pending in self._pending.items():
            while pending:
                packet_id = next(iter(pending))
                if pending[packet_id] is None:
                    if qos == 1 or packet_id not in self._received:
                        break
                    pending[packet_id] = PubRec(packet_id)  # It answers a repetition.
                packets.append(self._take(pending))
        return packets

    def on_pubrel(self, packet: PubRel) -> PubComp:
        """Take a PUBREL, after which the identifier may mean a new message [MQTT-4.3.3-12].

        Args:
            packet: The packet as it was received.

        Returns:
            The PUBCOMP to send at once [MQTT-4.3.3-11]. For an unknown identifier, that of 5.0 has reason code 0x92.

        Example:
            >>> IncomingMessages().on_pubrel(PubRel(1))
            PubComp(packet_id=1, reason_code=ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)
        """
        packet_id = packet.packet_id
        if packet_id in self._received:
            self._received.remove(packet_id)
            self._open.discard(packet_id)
            self._pending[2].pop(packet_id, None)
        elif self._version == MQTTv5:
            return PubComp(packet_id, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)
        return PubComp(packet_id)

    def connection_lost(self) -> None:
        """Forget what belongs to the connection that has ended.

        The peer sends again what was not acknowledged. The identifiers of QoS 2 that wait for PUBREL stay.

        Example:
            >>> IncomingMessages().connection_lost()
        """
        for pending in self._pending.values():
            pending.clear()
        self._open.clear()

    def _take(self, pending: OrderedDict[int, PubAck | PubRec | None]) -> PubAck | PubRec:
        """Remove the first answer, which is sent now."""
        packet_id, answer = pending.popitem(last=False)
        assert answer is not None
        if answer.reason_code >= 0x80:
            self._open.discard(packet_id)
        return answer

    def _fault(self, fault: _errors.Fault, about: str, found: int) -> _errors.DecodeError:
        return fault.decoding(self._version, None, about, found, self._version, PacketType.PUBLISH)
