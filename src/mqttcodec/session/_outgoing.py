"""The messages of QoS 1 and 2 that this side sends (4.3, 4.4, 4.6, 4.9)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator

from .. import (
    MQTTv5,
    Packet,
    PacketType,
    ProtocolVersion,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    QoS,
    ReasonCode,
    _errors,
    encoded_size,
)
from ._arguments import number
from ._errors import QueueFullError, refused
from ._packet_ids import PacketIds


class OutgoingMessages:
    """Send messages of QoS 1 and 2, each until it is acknowledged.

    `publish` accepts a message. `to_send` returns the packets that the peer's Receive Maximum allows: call it after
    `publish` and after each acknowledgement. When a connection of the same session begins, set `receive_maximum` and
    call `resend`; nothing is sent again at any other time [MQTT-4.4.0-1].

    At most `receive_maximum + max_queued` messages are kept. The payload of a message is freed at PUBACK or PUBREC.

    Args:
        receive_maximum: The number of messages that may be unacknowledged, 1 to 65,535: the peer's Receive Maximum, or
            less. It can be changed, as a number of the connection.
        max_queued: The number of messages that may wait behind those, 0 or more. Above 65,535 it means 65,535, because
            each message has an identifier.
        version: MQTT version of the connection: 3, 4 or 5, or a `ProtocolVersion`. It can be changed.
        packet_ids: The identifiers of this side, to share them with SUBSCRIBE and UNSUBSCRIBE; None means new ones.

    Raises:
        TypeError: A number is not an int.
        ValueError: A number is out of range.

    Example:
        >>> outgoing = OutgoingMessages(receive_maximum=1, max_queued=10)
        >>> outgoing.publish(Publish("a", b"21", qos=1)).packet_id
        1
        >>> outgoing.publish(Publish("a", b"22", qos=2)).packet_id
        2
        >>> outgoing.to_send()
        [Publish(topic='a', payload=b'21', qos=QoS.AT_LEAST_ONCE, packet_id=1)]
        >>> outgoing.on_puback(PubAck(1))
        True
        >>> outgoing.to_send()
        [Publish(topic='a', payload=b'22', qos=QoS.EXACTLY_ONCE, packet_id=2)]
        >>> outgoing.on_pubrec(PubRec(2))
        PubRel(packet_id=2)
        >>> outgoing.on_pubcomp(PubComp(2))
        True
    """

    # `_messages` has all messages in their original order; after PUBREC, None stands for the message. `_released` has
    # the identifiers after PUBREC, in the order of the PUBRECs. `_waiting` has those of the PUBLISH packets that were
    # not sent on this connection, in their original order. A message with DUP was sent on an earlier one.
    __slots__ = ("_max_queued", "_messages", "_receive_maximum", "_released", "_version", "_waiting", "packet_ids")

    def __init__(
        self,
        receive_maximum: int = 65_535,
        max_queued: int = 1_000,
        *,
        version: int = MQTTv5,
        packet_ids: PacketIds | None = None,
    ) -> None:
        self.receive_maximum = receive_maximum
        self.max_queued = max_queued
        self.version = version
        self.packet_ids: PacketIds = PacketIds() if packet_ids is None else packet_ids
        self._messages: dict[int, Publish | None] = {}
        self._released: dict[int, None] = {}
        self._waiting: OrderedDict[int, None] = OrderedDict()

    @property
    def receive_maximum(self) -> int:
        """The number of messages that may be unacknowledged on this connection."""
        return self._receive_maximum

    @receive_maximum.setter
    def receive_maximum(self, receive_maximum: int) -> None:
        self._receive_maximum = number(receive_maximum, "receive_maximum", 1)

    @property
    def max_queued(self) -> int:
        """The number of messages that may wait behind the unacknowledged ones."""
        return self._max_queued

    @max_queued.setter
    def max_queued(self, max_queued: int) -> None:
        if type(max_queued) is int:
            max_queued = min(max_queued, 65_535)
        self._max_queued = number(max_queued, "max_queued", 0)

    @property
    def version(self) -> ProtocolVersion:
        """MQTT version of the connection. If it changes, convert the messages with `for_version` when you send them."""
        return self._version

    @version.setter
    def version(self, version: int) -> None:
        self._version = ProtocolVersion(version)

    @property
    def in_flight(self) -> int:
        """The number of messages that were sent on this connection, or wait for PUBCOMP."""
        return len(self._messages) - len(self._waiting)

    @property
    def queued(self) -> int:
        """The number of messages that `to_send` has still to return."""
        return len(self._waiting)

    @property
    def messages(self) -> list[Publish]:
        """The messages whose PUBACK or PUBREC is missing, in their original order.

        If the peer has lost the session, they may be published anew in a new session.
        """
        return [message for message in self._messages.values() if message is not None]

    def publish(self, publish: Publish) -> Publish:
        """Accept a message, and give it an identifier ([MQTT-4.3.2-1], [MQTT-4.3.3-1]).

        Args:
            publish: A message of QoS 1 or 2 with its full topic. Its `packet_id` and `dup` are replaced, and its
                `topic_alias` is removed: aliases do not outlive a connection, so assign one to what `to_send` returns.

        Returns:
            The message as it is kept, with the identifier that its acknowledgement will have. Binary data other than
            bytes is copied.

        Raises:
            QueueFullError: `receive_maximum + max_queued` messages are unacknowledged.
            PacketIdsExhausted: All identifiers are in use.
            LocalProtocolError: The QoS is 0, or the topic is empty.
            EncodeError: The message cannot be encoded.
            TypeError: A field has the wrong type.

        Example:
            >>> OutgoingMessages().publish(Publish("a", b"21", qos=1))
            Publish(topic='a', payload=b'21', qos=QoS.AT_LEAST_ONCE, packet_id=1)
        """
        if publish.qos == 0:
            raise refused("a message to keep must have qos 1 or 2; send one of QoS 0 at once")
        if not publish.topic:
            raise refused(
                "a message to keep must have its topic, because aliases end with the connection", "MQTT-3.3.2-7"
            )
        if len(self._messages) >= self._receive_maximum + self._max_queued:
            raise QueueFullError(
                f"the queue is full: {len(self._messages)} messages are kept, and receive_maximum is "
                f"{self._receive_maximum} and max_queued {self._max_queued}"
            )
        packet_id = self.packet_ids.acquire()
        try:
            message = publish.replace(dup=False, packet_id=packet_id, topic_alias=None)
            encoded_size(message, self._version)
            if type(message.payload) is not bytes:
                message = message.replace(payload=bytes(message.payload))
            data = message.correlation_data
            if data is not None and type(data) is not bytes:
                message = message.replace(correlation_data=bytes(data))
        except BaseException:
            self.packet_ids.release(packet_id)
            raise
        self._messages[packet_id] = message
        self._waiting[packet_id] = None
        return message

    def to_send(self) -> list[Packet]:
        """Take the PUBLISH packets that may be sent now, in order ([MQTT-4.9.0-2], [MQTT-4.6.0-1]).

        Returns:
            Packets that then count as sent; empty if none waits or the Receive Maximum is reached. Other packets need
            not wait for it [MQTT-4.9.0-3].

        Example:
            >>> OutgoingMessages().to_send()
            []
        """
        packets: list[Packet] = []
        waiting, messages = self._waiting, self._messages
        while waiting and len(messages) - len(waiting) < self._receive_maximum:
            packet_id, _ = waiting.popitem(last=False)
            message = messages[packet_id]
            assert message is not None
            packets.append(message)
        return packets

    def on_puback(self, packet: PubAck) -> bool:
        """Take a PUBACK, which ends a message of QoS 1, also with a reason code of 0x80 or above [MQTT-4.4.0-2].

        Args:
            packet: The packet as it was received.

        Returns:
            Whether it ended a message. False means that the identifier is unknown, and needs no answer.

        Raises:
            ProtocolError: The message is one of QoS 2 [MQTT-3.3.4-1].

        Example:
            >>> OutgoingMessages().on_puback(PubAck(1))
            False
        """
        if not self._is_sent(packet.packet_id):
            return False
        message = self._messages[packet.packet_id]
        if message is None or message.qos != 1:
            raise self._fault(_errors.ANSWER_OF_OTHER_QOS, PacketType.PUBACK, QoS.EXACTLY_ONCE)
        self._end(packet.packet_id)
        return True

    def on_pubrec(self, packet: PubRec) -> PubRel | None:
        """Take a PUBREC, the first answer to a message of QoS 2 ([MQTT-4.3.3-4], [MQTT-4.4.0-2]).

        Args:
            packet: The packet as it was received.

        Returns:
            The PUBREL to send at once [MQTT-4.6.0-4], or None if the reason code is 0x80 or above, which ends the
            message. For an unknown identifier, the PUBREL of 5.0 has reason code 0x92.

        Raises:
            ProtocolError: The message is one of QoS 1 [MQTT-3.3.4-1].

        Example:
            >>> OutgoingMessages().on_pubrec(PubRec(1))
            PubRel(packet_id=1, reason_code=ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)
        """
        packet_id = packet.packet_id
        is_refused = packet.reason_code >= 0x80
        if not self._is_sent(packet_id):
            if is_refused:
                return None
            return (
                PubRel(packet_id, ReasonCode.PACKET_IDENTIFIER_NOT_FOUND) if self._version == 5 else PubRel(packet_id)
            )
        message = self._messages[packet_id]
        if message is not None and message.qos != 2:
            raise self._fault(_errors.ANSWER_OF_OTHER_QOS, PacketType.PUBREC, QoS.AT_LEAST_ONCE)
        if is_refused:
            self._end(packet_id)
            return None
        if message is not None:
            self._messages[packet_id] = None  # [MQTT-4.3.3-6]
            self._released[packet_id] = None
            self._waiting.pop(packet_id, None)
        return PubRel(packet_id)

    def on_pubcomp(self, packet: PubComp) -> bool:
        """Take a PUBCOMP, which ends a message of QoS 2 [MQTT-4.3.3-5], whatever its reason code.

        Args:
            packet: The packet as it was received.

        Returns:
            Whether it ended a message. False means that the identifier is unknown, and needs no answer.

        Raises:
            ProtocolError: No PUBREL was sent for the message [MQTT-4.3.3-11].

        Example:
            >>> OutgoingMessages().on_pubcomp(PubComp(1))
            False
        """
        packet_id = packet.packet_id
        if not self._is_sent(packet_id):
            return False
        if packet_id not in self._released:
            raise self._fault(_errors.PUBCOMP_BEFORE_PUBREL, PacketType.PUBCOMP, packet_id)
        self._end(packet_id)
        return True

    def resend(self) -> list[Packet]:
        """Begin a connection of the same session: send again what was not acknowledged [MQTT-4.4.0-1].

        Call it once after CONNACK says that the session is present, and set `receive_maximum` before.

        Returns:
            PUBLISH packets with DUP set [MQTT-3.3.1-1], in their original order [MQTT-4.6.0-1], as many as
            `receive_maximum` allows, and PUBREL for each message after PUBREC, in the order of the PUBRECs
            [MQTT-4.6.0-4]. The other messages come from `to_send`.

        Example:
            >>> outgoing = OutgoingMessages()
            >>> _ = outgoing.publish(Publish("a", b"21", qos=1))
            >>> _ = outgoing.to_send()
            >>> outgoing.resend()
            [Publish(topic='a', payload=b'21', qos=QoS.AT_LEAST_ONCE, dup=True, packet_id=1)]
        """
        packets: list[Packet] = []
        waiting: OrderedDict[int, None] = OrderedDict()
        quota = self._receive_maximum - len(self._released)
        for packet in self._unacknowledged():
            if not isinstance(packet, Publish):
                packets.append(packet)
                continue
            assert packet.packet_id is not None
            self._messages[packet.packet_id] = packet
            if packet.dup and quota > 0:
                quota -= 1
                packets.append(packet)
            else:
                waiting[packet.packet_id] = None
        self._waiting = waiting
        return packets

    def _unacknowledged(self) -> Iterator[Publish | PubRel]:
        """What a new connection has to send, in order: without DUP if it was not sent before."""
        released = iter(self._released)
        for packet_id, message in list(self._messages.items()):
            if message is None:
                yield PubRel(next(released))
            elif packet_id in self._waiting:
                yield message
            else:
                yield message.replace(dup=True)

    def _discard(self, *, requeue: bool) -> list[Publish]:
        """End the messages that were sent, because the peer has no session.

        With `requeue` they become new messages, ahead of those that were not sent. Returns them otherwise.
        """
        discarded: list[Publish] = []
        kept: list[Publish] = []
        for packet in list(self._unacknowledged()):
            assert packet.packet_id is not None
            if isinstance(packet, Publish) and not packet.dup:
                kept.append(packet)
                continue
            self._end(packet.packet_id)
            if isinstance(packet, Publish):
                discarded.append(packet.replace(dup=False, packet_id=None))
        if requeue:
            kept = [message.replace(packet_id=self.packet_ids.acquire()) for message in discarded] + kept
            discarded = []
        self._messages = {message.packet_id: message for message in kept}  # type: ignore[misc]
        self._waiting = OrderedDict.fromkeys(self._messages)
        return discarded

    def _restore(self, packet: Publish | PubRel) -> None:
        """Take what `_unacknowledged` yielded when the session was saved."""
        packet_id = packet.packet_id
        assert packet_id is not None
        if isinstance(packet, Publish):
            self._messages[packet_id] = packet
            self._waiting[packet_id] = None
        else:
            self._messages[packet_id] = None
            self._released[packet_id] = None
        self.packet_ids._reserve(packet_id)

    def _is_sent(self, packet_id: int) -> bool:
        if packet_id not in self._waiting:
            return packet_id in self._messages
        message = self._messages[packet_id]
        return message is not None and message.dup

    def _end(self, packet_id: int) -> None:
        del self._messages[packet_id]
        self._released.pop(packet_id, None)
        self._waiting.pop(packet_id, None)
        self.packet_ids.release(packet_id)

    def _fault(self, fault: _errors.Fault, packet_type: PacketType, found: int) -> _errors.DecodeError:
        return fault.decoding(self._version, None, packet_type.name, found, self._version, packet_type)
