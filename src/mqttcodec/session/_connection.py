"""One connection of a client or a server: bytes in, packets that matter out, bytes to send."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .. import (
    Auth,
    ConnAck,
    Connect,
    DecodeError,
    Decoder,
    Disconnect,
    EncodeError,
    Encoder,
    MQTTv5,
    MQTTv31,
    Packet,
    PacketType,
    PingReq,
    PingResp,
    ProtocolVersion,
    PubAck,
    PubComp,
    Publish,
    PubRec,
    PubRel,
    ReasonCode,
    Role,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
    _errors,
    answer_to,
    encoded_size,
)
from ._arguments import number
from ._errors import LocalProtocolError, broken, refused
from ._incoming import IncomingMessages
from ._keep_alive import KeepAlive
from ._outgoing import OutgoingMessages
from ._rules import (
    CLOSED,
    CLOSING,
    CONNECTED,
    CONNECTING,
    GREATEST_PACKET,
    NEW,
    OTHER,
    Broken,
    ConnectionState,
    Limits,
    Rules,
    own_fault,
)
from ._session import Session
from ._topic_aliases import TopicAliasReceiver, TopicAliasSender

NEVER_EXPIRES = 0xFFFF_FFFF
ALIAS_SIZE = 5
"""The most that a topic alias adds to a packet: the property, and a longer length before it and before the packet."""


class Connection:
    """One connection of a client or a server, without I/O.

    Pass received bytes to `receive`, and loop over the packets that it yields. Call `send` or `publish`. After each of
    these, send what `take` returns. Call `tick` when `timeout` says so, and `connection_lost` when the transport has
    closed. Use a new object for each connection, with the session of the one before.

    The connection answers PINGREQ, runs the handshakes of QoS 1 and 2, assigns and resolves topic aliases, and
    enforces in both directions what CONNECT and CONNACK announced.

    The numbers of this side go into CONNECT or CONNACK of 5.0, unless the packet has them. They bound what a peer can
    make the connection keep. Before 5.0 they cannot be announced, and only `max_packet_size` is enforced.

    An acknowledgement or another packet of the connection's own that exceeds the peer's Maximum Packet Size is dropped.
    Only a peer that announces fewer than 5 bytes misses any.

    Args:
        role: The side that this object serves.
        version: MQTT version: 3, 4 or 5, or a `ProtocolVersion`. None means that of the CONNECT.
        session: A client's session. None means a new one. A server sets `session` instead.
        max_packet_size: Largest packet to accept, in bytes, fixed header included: the Maximum Packet Size.
        receive_maximum: Number of messages that the peer may have unacknowledged, 1 to 65,535.
        topic_alias_maximum: Number of topic aliases, 0 to 65,535, for each direction. 0 means none.
        max_queued: Number of messages to send that may wait behind those in flight, as for `OutgoingMessages`. None
            leaves that of the session as it is.
        max_inflight: Number of messages sent that may be unacknowledged, 1 to 65,535, if the peer allows as many.
        manual_acks: Whether only `acknowledge` acknowledges a PUBLISH. If false, asking the iterator of `receive` for
            the next packet does, too.
        requeue: Whether a client sends its unacknowledged messages as new ones when the server has lost the session.
            If false, they are listed in `discarded`.
        ping_timeout: Seconds that a client waits for CONNACK and for the answer to PINGREQ, as for `KeepAlive`. With a
            Keep Alive of 0 it waits forever.
        bridge: Whether a server accepts the CONNECT of a bridge, as for `Decoder`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is out of range, or `session` is one of the other side.

    Example:
        >>> connection = Connection(Role.CLIENT)
        >>> _ = connection.send(Connect("sensor-1"))
        >>> connection.take().hex(" ")
        '10 15 00 04 4d 51 54 54 05 02 00 3c 00 00 08 73 65 6e 73 6f 72 2d 31'
        >>> list(connection.receive(bytes.fromhex("20 03 00 00 00"), now=0.0))
        [ConnAck()]
        >>> connection.publish("sensor/1", b"21.5", qos=1)
        Publish(topic='sensor/1', payload=b'21.5', qos=QoS.AT_LEAST_ONCE, packet_id=1)
        >>> _ = connection.take()
        >>> list(connection.receive(bytes.fromhex("40 02 00 01"), now=0.1))
        [PubAck(packet_id=1)]
    """

    # `_unacknowledged` numbers the PUBLISH packets that were yielded and are not acknowledged, by QoS and identifier.
    # An iterator knows by the number whether the one that it yielded is still waiting. `_is_read` is false while
    # packets may wait for the iterator. `_has_session` says whether a client was given its session, and `_is_begun`
    # whether the connection has begun to use it. `_now` is the last time that was passed in. `_packet_limit` is the
    # peer's Maximum Packet Size. `_checks_received` and `_checks_sent` say whether a PUBLISH could break what was
    # announced; if not, the common one takes a short way.
    __slots__ = (
        "_answer",
        "_checks_received",
        "_checks_sent",
        "_decoder",
        "_encoder",
        "_error",
        "_from_alias",
        "_has_session",
        "_is_begun",
        "_is_heard",
        "_is_read",
        "_keep_alive",
        "_manual_acks",
        "_max_inflight",
        "_max_packet_size",
        "_max_queued",
        "_now",
        "_packet_limit",
        "_receive_maximum",
        "_requeue",
        "_role",
        "_rules",
        "_session",
        "_to_alias",
        "_topic_alias_maximum",
        "_unacknowledged",
        "_yielded",
        "discarded",
    )

    discarded: list[Publish]
    _from_alias: TopicAliasReceiver
    _to_alias: TopicAliasSender

    def __init__(
        self,
        role: Role,
        *,
        version: int | None = None,
        session: Session | None = None,
        max_packet_size: int = GREATEST_PACKET,
        receive_maximum: int = 65_535,
        topic_alias_maximum: int = 0,
        max_queued: int | None = None,
        max_inflight: int = 65_535,
        manual_acks: bool = False,
        requeue: bool = False,
        ping_timeout: float | None = None,
        bridge: bool = False,
    ) -> None:
        self._keep_alive = KeepAlive(0, role, ping_timeout=ping_timeout)
        self._role = role
        self._rules = Rules(version)
        self._max_packet_size = number(min(max_packet_size, GREATEST_PACKET), "max_packet_size", 2, GREATEST_PACKET)
        self._receive_maximum = number(receive_maximum, "receive_maximum", 1)
        self._topic_alias_maximum = number(topic_alias_maximum, "topic_alias_maximum", 0)
        self._max_queued = max_queued if max_queued is None else number(min(max_queued, 65_535), "max_queued", 0)
        self._max_inflight = number(max_inflight, "max_inflight", 1)
        self._manual_acks = manual_acks
        self._requeue = requeue
        self._decoder = Decoder(version, role=role, max_packet_size=max_packet_size, bridge=bridge)
        self._encoder = Encoder(version)
        self._answer = b""
        self._error: Exception | None = None
        self._now: float | None = None
        self._packet_limit = GREATEST_PACKET
        self._is_read = self._is_heard = True
        self._unacknowledged: dict[tuple[int, int | None], int] = {}
        self._yielded = 0
        self.discarded = []
        self._session: Session | None = None
        self._has_session = session is not None
        self._is_begun = False
        self._checks_received = self._checks_sent = True
        if session is not None:
            self._check_session(session)
            self._session = session
            if version is not None:
                session.version = version
        elif role is Role.CLIENT:
            self._session = self._new_session("", version or MQTTv5)

    @property
    def role(self) -> Role:
        """The side that this object serves."""
        return self._role

    @property
    def state(self) -> ConnectionState:
        """How far the connection has come. CLOSING means: send what `take` returns, then close the transport."""
        return self._rules.state

    @property
    def version(self) -> ProtocolVersion | None:
        """MQTT version of the connection, or None until it is known."""
        return self._rules.version

    @property
    def keep_alive(self) -> KeepAlive:
        """The Keep Alive. A server may set its `seconds` before CONNECT, as a limit on the time until that arrives."""
        return self._keep_alive

    @property
    def peer(self) -> Limits:
        """The limits that the peer announced."""
        return self._rules.limits[OTHER[self._role]]

    @property
    def session(self) -> Session | None:
        """The session, which outlives the connection.

        A server may set it after CONNECT was yielded and before it sends CONNACK, to the session of this client
        identifier. If it does not, or sets None, CONNACK begins a new session. End the connection that had the session
        first.

        Raises:
            RuntimeError: It is set at any other time.
            LocalProtocolError: The session is not new, and CONNECT has `clean_start`.
            ValueError: The session is a client's.
        """
        return self._session

    @session.setter
    def session(self, session: Session | None) -> None:
        if self._role is not Role.SERVER or self.state is not CONNECTING:
            raise RuntimeError("session can be set only by a server, between CONNECT and CONNACK")
        if session is not None:
            self._check_session(session)
            if self._rules.connect.clean_start and not session.is_new:
                clause = "MQTT-3.1.2-4" if self.version == MQTTv5 else "MQTT-3.1.2-6"
                raise refused("after a CONNECT with clean_start, the session must be new", clause)
        self._session = session

    @property
    def pending(self) -> int:
        """The number of bytes that `take` would return."""
        return self._encoder.pending + len(self._answer)

    def take(self) -> bytes:
        """Return the bytes to send, and forget them.

        Returns:
            The bytes of all packets since the last call; empty if there are none.

        Example:
            >>> Connection(Role.SERVER).take()
            b''
        """
        taken = self._encoder.take()
        if self._answer:
            taken += self._answer
            self._answer = b""
        return taken

    # --- What is received.

    def receive(self, data: bytes | bytearray | memoryview, now: float) -> Iterator[Packet]:
        """Take received bytes, and return an iterator over the packets that matter to the application.

        It yields CONNECT, CONNACK, PUBLISH, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, DISCONNECT and AUTH, and the end
        of each message that was sent: PUBACK, PUBCOMP, or a PUBREC that refuses it. A message of QoS 2 is yielded once.

        Asking the iterator for the next packet acknowledges the PUBLISH that it yielded before. Leaving the loop, by
        `break` or an exception, does not: the PUBLISH then waits for `acknowledge`, and holds back the
        acknowledgements after it. Packets that were not yielded come from the next call. `list(receive(...))`
        acknowledges messages that nobody has handled yet.

        A server gets no packet between CONNECT and its CONNACK, other than AUTH and DISCONNECT of a client that
        authenticates. Do not read more from the transport in the meantime, because the bytes are kept. After an
        answer that was sent outside of the loop, `receive(b"", now)` continues.

        Args:
            data: The bytes received next, in any buffer that `Decoder.feed` takes; empty to continue.
            now: The time, in seconds of any monotonic clock.

        Returns:
            A new iterator. It raises `DecodeError` at the first packet that is invalid or that the state of the
            connection forbids, after all packets before it, and from then on. `take` then has the answer. Any other
            exception in it, such as MemoryError, ends the connection, too.

        Raises:
            TypeError: `data` is not bytes-like.
            BufferError: `data` is not C-contiguous, or its items are not single bytes.

        Example:
            >>> server = Connection(Role.SERVER)
            >>> data = encode_many([Connect("sensor-1"), PingReq()], 5)
            >>> for packet in server.receive(data, now=0.0):
            ...     print(packet)
            ...     _ = server.send(ConnAck())
            Connect(client_id='sensor-1')
            >>> decode_from(server.take(), version=5)[0], server.session.client_id
            (ConnAck(), 'sensor-1')
        """
        if self._now is None:
            self._note_time(now)
        self._now = now
        state = self._rules.state
        if len(data) > 0 and state is not CLOSING and state is not CLOSED:
            self._decoder.feed(data)
            self._is_read = self._is_heard = False
            if state is NEW and self._role is Role.CLIENT:
                first = memoryview(data).cast("B")[0] >> 4
                name = PacketType(first).name if first else "a packet"
                self._fail(_errors.SERVER_FIRST.decoding(self.version or MQTTv5, 0, name, None, self.version, first))
        # No generator: closing one, or collecting it, would run code. It also costs less than a `__next__` that raises.
        return iter(_Received(self).next, None)

    def acknowledge(self, publish: Publish, reason_code: int = 0) -> None:
        """Acknowledge a PUBLISH that was yielded. Acknowledgements are sent in the order in which messages arrived.

        Args:
            publish: The packet, or another one with its QoS and identifier. One of QoS 0 needs no acknowledgement; the
                call then has no effect.
            reason_code: Reason code of PUBACK or PUBREC. 0x80 or above refuses the message. Before 5.0, only 0.

        Raises:
            LocalProtocolError: The PUBLISH is not waiting to be acknowledged, the connection has ended, the peer does
                not expect this reason code, or its Maximum Packet Size leaves no room for it.
            EncodeError: PUBACK or PUBREC cannot have this reason code.

        Example:
            >>> client = Connection(Role.CLIENT, manual_acks=True)
            >>> _ = client.send(Connect("c", protocol_version=4)), client.take()
            >>> publish = encode(Publish("a", b"21", qos=1, packet_id=7), 4)
            >>> _, message = client.receive(encode(ConnAck(), 4) + publish, now=0.0)
            >>> client.acknowledge(message)
            >>> client.take().hex(" ")
            '40 02 00 07'
        """
        if publish.qos == 0:
            return
        if self._rules.state is not CONNECTED:
            raise refused("the connection on which the PUBLISH arrived has ended")
        if reason_code:
            answer = (PubAck if publish.qos == 1 else PubRec)(publish.packet_id or 1, reason_code)
            self._check(own_fault(self._role, self.version or MQTTv5, answer))
            self._check_size(answer)
        assert self._session is not None
        incoming = self._session.incoming
        alone = None if reason_code else incoming._acknowledge_alone(publish)
        packet = incoming.acknowledge(publish, reason_code) if alone is None else alone
        self._unacknowledged.pop((publish.qos, publish.packet_id), None)
        if packet is not None:
            self._write_own(packet)
            if incoming._pending[publish.qos]:
                for packet in incoming.to_send():
                    self._write_own(packet)

    def connection_lost(self) -> None:
        """End the connection, because its transport has closed. The session keeps what has to be sent again.

        Messages that were not acknowledged come again on the next connection, and bytes that were not yielded are lost.

        Example:
            >>> connection = Connection(Role.CLIENT)
            >>> connection.connection_lost()
            >>> connection.state
            <ConnectionState.CLOSED: 'closed'>
        """
        if self.state is CLOSED:
            return
        self._rules.state = CLOSED
        self._decoder.reset()
        self.take()
        if self._is_begun:
            assert self._session is not None
            self._session.incoming.connection_lost()
            if self._role is Role.CLIENT:
                for packet_id in self._rules.requests:
                    self._session.packet_ids.release(packet_id)

    # --- What is sent.

    def send(self, packet: Packet) -> Packet:
        """Send a packet. PUBLISH of QoS 1 and 2 waits for its turn, as with `publish`.

        The connection completes CONNECT and CONNACK of 5.0 by its own numbers, and a CONNACK that accepts the
        connection by Session Present and the Authentication Method. SUBSCRIBE and UNSUBSCRIBE may have an identifier
        from `session.packet_ids.acquire()`, or any that is not in use; `subscribe` and `unsubscribe` choose one.
        DISCONNECT, and a CONNACK that refuses the client, end the connection.

        PUBACK, PUBREC, PUBREL, PUBCOMP and PINGRESP are sent by the connection alone.

        Args:
            packet: An instance of one of the other packet classes.

        Returns:
            The packet as it is sent or queued.

        Raises:
            LocalProtocolError: The packet may not be sent, or not now, or it exceeds the peer's Maximum Packet Size.
                Nothing has changed.
            QueueFullError: As for `OutgoingMessages.publish`.
            PacketIdsExhausted: As for `OutgoingMessages.publish`.
            EncodeError: The packet cannot be encoded.
            TypeError: The packet is none, or a field has the wrong type.

        Example:
            >>> connection = Connection(Role.CLIENT, receive_maximum=10)
            >>> connection.send(Connect("sensor-1")).receive_maximum
            10
            >>> try:
            ...     connection.send(Publish("a"))
            ... except LocalProtocolError as error:
            ...     print(error)
            only messages of QoS 1 and 2 can be published before CONNACK
        """
        if type(packet) is Publish:
            is_common = not (packet.qos or self._checks_sent or packet.topic_alias or packet.subscription_identifiers)
            if not is_common or self._rules.state is not CONNECTED:
                return self._publish(packet)
            self._write(packet)
            return packet
        sender = _SENDERS.get(type(packet))
        if sender is None:
            if not isinstance(packet, PubAck | PubRec | PubRel | PubComp | PingResp):
                raise TypeError(f"packet must be a packet, not {type(packet).__name__}")
            raise refused(f"the connection itself sends {packet.packet_type.name}; call acknowledge for a PUBLISH")
        return sender(self, packet)

    def publish(self, topic: str, payload: bytes | memoryview = b"", qos: int = 0, **fields: Any) -> Publish:
        """Publish a message.

        A message of QoS 1 or 2 belongs to the session from now on. It is sent as soon as the peer's Receive Maximum
        allows, and again on later connections until it is acknowledged. A client may call this before CONNACK.

        Args:
            topic: Topic name.
            payload: Payload.
            qos: 0, 1 or 2.
            **fields: Other fields of `Publish`, but for `packet_id`, `dup` and `topic_alias`.

        Returns:
            The message, with the identifier that its acknowledgement will have.

        Raises:
            LocalProtocolError: The message may not be sent. Nothing has changed.
            QueueFullError: As for `OutgoingMessages.publish`.
            PacketIdsExhausted: As for `OutgoingMessages.publish`.
            EncodeError: The message cannot be encoded.
            TypeError: A field has the wrong type.

        Example:
            >>> connection = Connection(Role.CLIENT)
            >>> connection.publish("a", b"21.5", qos=1, retain=True).packet_id
            1
        """
        return self.send(Publish(topic, payload, qos, **fields))  # type: ignore[return-value]

    def subscribe(self, *subscriptions: Any, **fields: Any) -> Subscribe:
        """Send a SUBSCRIBE with a new identifier.

        Args:
            *subscriptions: Items of `Subscribe.subscriptions`.
            **fields: `subscription_identifier` and `user_properties`.

        Returns:
            The packet, whose identifier SUBACK will have.

        Raises:
            LocalProtocolError: As for `send`.
            PacketIdsExhausted: All identifiers are in use.
            EncodeError: As for `send`.
            TypeError: A field has the wrong type.

        Example:
            >>> connection = Connection(Role.CLIENT)
            >>> _ = connection.send(Connect("c"))
            >>> _ = list(connection.receive(encode(ConnAck(), 5), now=0.0))
            >>> connection.subscribe(Subscription("a/+", 1)).packet_id
            1
        """
        return self._request(Subscribe(1, subscriptions, **fields))  # type: ignore[return-value]

    def unsubscribe(self, *topic_filters: str, **fields: Any) -> Unsubscribe:
        """Send an UNSUBSCRIBE with a new identifier.

        Args:
            *topic_filters: Topic filters.
            **fields: `user_properties`.

        Returns:
            The packet, whose identifier UNSUBACK will have.

        Raises:
            LocalProtocolError: As for `send`.
            PacketIdsExhausted: All identifiers are in use.
            EncodeError: As for `send`.
            TypeError: A field has the wrong type.

        Example:
            >>> connection = Connection(Role.CLIENT)
            >>> _ = connection.send(Connect("c"))
            >>> _ = list(connection.receive(encode(ConnAck(), 5), now=0.0))
            >>> connection.unsubscribe("a/+").packet_id
            1
        """
        return self._request(Unsubscribe(1, topic_filters, **fields))  # type: ignore[return-value]

    def close(self, reason_code: int = 0) -> None:
        """End the connection: queue the packet that says so, if there is one, and move `state` to CLOSING.

        A client sends DISCONNECT; before 5.0 only with reason code 0, so that with any other the server publishes the
        will. A server sends DISCONNECT in 5.0. A server that has not sent CONNACK sends one that refuses the client, if
        there is one for the reason code. Has no effect if the connection has ended. For more fields use `send`.

        Args:
            reason_code: Reason code of DISCONNECT or CONNACK.

        Raises:
            EncodeError: DISCONNECT cannot have this reason code.
            LocalProtocolError: The other side alone may send this reason code.

        Example:
            >>> connection = Connection(Role.CLIENT)
            >>> _ = connection.send(Connect("sensor-1")), connection.take()
            >>> connection.close()
            >>> connection.take().hex(" "), connection.state.name
            ('e0 00', 'CLOSING')
        """
        if self.state in (CLOSING, CLOSED):
            return
        packet = self._last_packet(reason_code)
        if packet is not None and self._too_large(packet) is None:
            self.send(packet)
        self._rules.state = CLOSING

    def _last_packet(self, reason_code: int) -> Disconnect | ConnAck | None:
        """The packet that ends the connection with this reason code, if there is one."""
        if self.state is CONNECTED or (self._role is Role.CLIENT and self.state is CONNECTING):
            if self.version == MQTTv5 or (self._role is Role.CLIENT and reason_code == 0):
                return Disconnect(reason_code)
        elif self.state is CONNECTING and reason_code:
            assert self.version is not None
            try:
                refusal = ConnAck(reason_code=reason_code).for_version(self.version)
                encoded_size(refusal, self.version)
            except EncodeError:
                return None  # No CONNACK says this [MQTT-3.2.2-6].
            return refusal
        return None

    # --- Time.

    def timeout(self, now: float) -> float | None:
        """The time until `tick` wants to be called. It changes with each packet, so ask again after each call.

        Args:
            now: The time, in seconds of the clock that `receive` gets.

        Returns:
            Seconds, 0 or more; None if there is nothing to wait for.

        Example:
            >>> connection = Connection(Role.CLIENT)
            >>> _ = connection.send(Connect("sensor-1", keep_alive=60))
            >>> connection.timeout(now=100.0), connection.timeout(now=130.0)
            (60.0, 30.0)
        """
        self._note_time(now)
        if self.state in (CLOSING, CLOSED):
            return None
        deadline = self._keep_alive.deadline(now)
        return None if deadline is None else max(0.0, deadline - now)

    def tick(self, now: float) -> None:
        """Do what is due: queue a PINGREQ, or move `state` to CLOSING because the peer is silent.

        To a silent client of 5.0, a server sends DISCONNECT with reason code 0x8D. It is no fault to call this early.

        Args:
            now: The time, in seconds of the clock that `receive` gets.

        Example:
            >>> connection = Connection(Role.CLIENT)
            >>> _ = connection.send(Connect("sensor-1", keep_alive=60)), connection.take()
            >>> _ = list(connection.receive(encode(ConnAck(), 5), now=0.0))
            >>> connection.tick(60.0)
            >>> connection.take().hex(" ")
            'c0 00'
        """
        self._note_time(now)
        if self.state in (CLOSING, CLOSED):
            return
        if not self._is_read and self._decoder.pending:
            self._keep_alive.received(now)  # Packets wait for the application, so the peer is not silent.
        if self._keep_alive.expired(now):
            if self._role is Role.SERVER:
                self.close(ReasonCode.KEEP_ALIVE_TIMEOUT)
            self._rules.state = CLOSING
        elif self._keep_alive.ping_due(now):
            # A client that authenticates may not send PINGREQ before CONNACK [MQTT-3.1.2-30].
            if self.state is CONNECTED or self._rules.turn is None:
                self._write_own(PingReq())
            self._keep_alive.pinged(now)

    def _note_time(self, now: float) -> None:
        is_first = self._now is None
        self._now = now
        if is_first and self.state is CONNECTING:
            self._keep_alive.pinged(now)  # CONNECT waits for an answer, as PINGREQ does.

    # --- Packets that the application sends.

    def _publish(self, publish: Publish) -> Publish:
        if self.state is not CONNECTED:
            self._check_open()
            if self._role is Role.SERVER:
                raise refused("a server cannot publish before CONNACK", "MQTT-3.2.0-1")
            if publish.qos == 0:
                raise refused("only messages of QoS 1 and 2 can be published before CONNACK")
            self._check(self._rules.publish_broken(self._role, publish))
        else:
            refusal = self._refusal(publish)
            if refusal is not None:
                raise refusal
        if publish.topic_alias is not None:
            raise refused("the connection assigns topic aliases itself, so topic_alias must be None")
        if publish.qos == 0:
            self._write_publish(publish)
            return publish
        assert self._session is not None
        outgoing = self._session.outgoing
        publish = outgoing.publish(publish)
        if self.state is CONNECTED:
            if len(outgoing._waiting) > 1:
                self._write_messages(outgoing.to_send())
            elif outgoing.to_send():
                self._write_publish(publish)  # It was the only one to wait, and the peer accepts it.
        return publish

    def _connect(self, connect: Connect) -> Connect:
        self._check_open()
        self._check_may_send(connect)
        assert self._session is not None
        if self.version not in (None, connect.protocol_version):
            version = connect.protocol_version
            raise refused(f"protocol_version must be {self.version!r}, as the connection's, not {version!r}")
        if self._session.client_id not in ("", connect.client_id):
            raise refused(f"client_id must be {self._session.client_id!r}, as the session's", "MQTT-3.1.3-2")
        if connect.protocol_version == MQTTv5:
            connect = self._announce(connect)
        self._write(connect)
        max_packet_size = max(2, connect.maximum_packet_size or self._max_packet_size)
        self._decoder = Decoder(connect.protocol_version, role=self._role, max_packet_size=max_packet_size)
        self._rules.passed(self._role, connect)
        self._session.version = connect.protocol_version
        self._keep_alive.seconds = connect.keep_alive
        if self._now is not None:
            self._keep_alive.pinged(self._now)
        return connect

    def _connack(self, connack: ConnAck) -> ConnAck:
        self._check_open()
        connect = self._rules.connect
        is_accepted = connack.reason_code == 0
        is_resumed = self._session is not None and not self._session.is_new
        if is_accepted and self.state is CONNECTING:
            if connack.session_present and not is_resumed:
                raise broken(_errors.SESSION_UNKNOWN, self.version or MQTTv5, "server", None)
            connack = connack.replace(session_present=is_resumed and self.version != MQTTv31)
            if self.version == MQTTv5:
                if connack.authentication_method is None:
                    connack = connack.replace(authentication_method=connect.authentication_method)
                if connack.maximum_packet_size not in (None, self._max_packet_size):
                    raise refused(f"maximum_packet_size must be None, or max_packet_size: {self._max_packet_size}")
                connack = self._announce(connack)
        self._check_may_send(connack)
        self._write(connack)
        self._rules.passed(self._role, connack)
        if is_accepted:
            if self._session is None:
                assert self.version is not None
                client_id = connect.client_id or connack.assigned_client_identifier or ""
                self._session = self._new_session(client_id, self.version)
            self._accepted(connack)
        return connack

    def _request(self, request: Subscribe | Unsubscribe) -> Packet:
        self._check(own_fault(self._role, self.version or MQTTv5, request))  # A server has no session at first.
        assert self._session is not None
        packet_ids = self._session.packet_ids
        packet_id = packet_ids.acquire()
        try:
            return self._send_request(request.replace(packet_id=packet_id))
        except BaseException:
            packet_ids.release(packet_id)
            raise

    def _send_request(self, request: Subscribe | Unsubscribe) -> Packet:
        self._check_connected(request)
        assert self._session is not None
        if request.packet_id in self._session.outgoing._messages:
            raise self._local(Broken(_errors.PACKET_ID_IN_USE, request.packet_type.name, request.packet_id))
        self._write(request)
        if request.packet_id not in self._session.packet_ids:
            self._session.packet_ids._reserve(request.packet_id)
        self._rules.passed(self._role, request)
        return request

    def _send_other(self, packet: SubAck | UnsubAck | Disconnect | Auth) -> Packet:
        """Send a packet that only `Rules` have to know."""
        self._check_open()
        self._check_may_send(packet)
        self._write(packet)
        self._rules.passed(self._role, packet)
        if isinstance(packet, Disconnect):
            self._set_expiry(packet)
        return packet

    def _ping(self, packet: PingReq) -> PingReq:
        self._check_connected(packet)
        self._write(packet)
        if self._now is not None:
            self._keep_alive.pinged(self._now)
        return packet

    def _check_open(self) -> None:
        if self.state in (CLOSING, CLOSED):
            clause = "MQTT-3.14.4-1" if self.version in (None, MQTTv5) else "MQTT-3.14.4-2"
            raise refused("nothing can be sent, because the connection has ended", clause)

    def _check_connected(self, packet: Packet) -> None:
        self._check_open()
        self._check_may_send(packet)
        if self.state is not CONNECTED:
            raise refused(f"{packet.packet_type.name} cannot be sent before CONNACK, which announces the limits")

    def _check_may_send(self, packet: Packet) -> None:
        version = self.version or MQTTv5
        encoded_size(packet, version)  # The rules rely on valid fields.
        self._check(own_fault(self._role, version, packet))
        self._check(self._rules.broken(self._role, packet))
        self._check_size(packet)

    def _check(self, rule: Broken | None) -> None:
        if rule is not None:
            raise self._local(rule)

    def _local(self, rule: Broken) -> LocalProtocolError:
        return broken(rule.fault, self.version or MQTTv5, rule.about, rule.found)

    def _announce(self, packet: Any) -> Any:
        """Complete CONNECT or CONNACK of 5.0 by the numbers of this side, unless they are the standard's defaults."""
        for name, value, default in (
            ("receive_maximum", self._receive_maximum, 65_535),
            ("maximum_packet_size", self._max_packet_size, GREATEST_PACKET),
            ("topic_alias_maximum", self._topic_alias_maximum, 0),
        ):
            if value != default and getattr(packet, name) is None:
                packet = packet.replace(**{name: value})
        return packet

    def _refusal(self, publish: Publish) -> LocalProtocolError | None:
        """Why the peer does not accept a message."""
        if not self._checks_sent and not publish.subscription_identifiers:
            return None
        rule = self._rules.publish_broken(self._role, publish)
        if rule is not None:
            return self._local(rule)
        return self._too_large(publish.replace(packet_id=1) if publish.qos else publish)

    def _too_large(self, packet: Packet) -> LocalProtocolError | None:
        """Why a packet exceeds the peer's Maximum Packet Size, even without what the encoder can leave out."""
        limit = self._packet_limit
        if limit >= GREATEST_PACKET:
            return None
        if hasattr(packet, "reason_string"):
            packet = packet.replace(reason_string=None, user_properties=())
        size = encoded_size(packet, MQTTv5)  # Earlier versions have no limit.
        if size <= limit:
            return None
        return refused(
            f"a packet must not exceed the peer's maximum_packet_size {limit}, but has {size} bytes",
            "MQTT-3.2.2-15" if self._role is Role.CLIENT else "MQTT-3.1.2-24",
        )

    def _check_size(self, packet: Packet) -> None:
        error = self._too_large(packet)
        if error is not None:
            raise error

    def _write_own(self, packet: Packet) -> None:
        """Write a packet that the connection sends by itself. One that the peer cannot take counts as sent."""
        if not self._checks_sent or self._too_large(packet) is None:
            self._write(packet)

    def _write(self, packet: Packet) -> None:
        self._encoder.write(packet)
        if self._now is not None and self._role is Role.CLIENT:
            self._keep_alive.sent(self._now)

    def _write_publish(self, publish: Publish) -> None:
        """Write a PUBLISH that the peer accepts, with an alias if there is room for it."""
        if not self._checks_sent:
            self._write(publish)
            return
        aliases = self._to_alias
        # The size comes first: if the packet is invalid, no alias may be assigned, because the peer would not learn it.
        if aliases._maximum and encoded_size(publish, MQTTv5) + ALIAS_SIZE <= self._packet_limit:
            publish = aliases.assign(publish)
        self._write(publish)

    def _write_messages(self, packets: list[Packet]) -> None:
        """Write what `OutgoingMessages` returned."""
        assert self._session is not None
        assert self.version is not None
        outgoing = self._session.outgoing
        while packets:
            for packet in packets:
                if type(packet) is Publish:
                    if self.version != MQTTv5 and packet.properties:
                        packet = packet.for_version(self.version, lossy=True)  # It was accepted on another connection.
                    if self._refusal(packet) is not None:
                        assert packet.packet_id is not None
                        outgoing._end(packet.packet_id)  # [MQTT-3.1.2-25]
                        self.discarded.append(packet.replace(dup=False, packet_id=None))
                        continue
                    self._write_publish(packet)
                else:
                    self._write_own(packet)
            packets = outgoing.to_send()

    # --- Packets that the peer sends.

    def _next(self) -> Packet | None:
        """The next packet for the application, if there is one."""
        rules = self._rules
        while True:
            state = rules.state
            if state is not CONNECTED:
                if self._error is not None:
                    raise _errors.fresh(self._error)
                is_waiting = state is CONNECTING and self._role is Role.SERVER and rules.turn is None
                if is_waiting or state in (CLOSING, CLOSED):
                    return None
            try:
                packet = next(self._decoder, None)
                if packet is None:
                    self._is_read = True
                    return None
                if not self._is_heard:
                    self._is_heard = True
                    assert self._now is not None
                    self._keep_alive.received(self._now)
                if type(packet) is Publish:
                    if not (packet.qos or self._checks_received or packet.topic_alias):
                        return packet
                    found: Packet | None = self._received_publish(packet)
                else:
                    # No rule binds the PUBACK of a client that is connected.
                    if type(packet) is not PubAck or state is not CONNECTED or self._role is Role.CLIENT:
                        rule = rules.broken(OTHER[self._role], packet)
                        if rule is not None:
                            raise self._peers_error(rule, packet.packet_type)
                    found = _RECEIVERS[type(packet)](self, packet)
            except DecodeError as error:
                self._fail(error)
                raise
            except BaseException:  # A MemoryError, or Ctrl-C. The packet may be handled in part.
                self._rules.state = CLOSING
                raise
            if found is not None:
                return found

    def _peers_error(self, rule: Broken, packet_type: PacketType) -> DecodeError:
        version = self.version or MQTTv5
        return rule.fault.decoding(version, None, rule.about, rule.found, version, packet_type)

    def _fail(self, error: DecodeError) -> None:
        """End the connection because of the peer."""
        if self._role is Role.SERVER or self.state is not NEW:
            answer = answer_to(error, role=self._role, accepted=self.state is CONNECTED)
            if len(answer) <= self._packet_limit:
                self._answer = answer
        self._error = _errors.fresh(error)  # Without the traceback, which keeps the caller's objects alive.
        self._rules.state = CLOSING

    def _received_publish(self, publish: Publish) -> Publish | None:
        if self._checks_received:
            rule = self._rules.broken(OTHER[self._role], publish)
            if rule is not None:
                raise self._peers_error(rule, PacketType.PUBLISH)
        if publish.topic_alias is not None:
            publish = self._from_alias.resolve(publish)
        if publish.qos == 0:
            return publish
        assert self._session is not None
        incoming = self._session.incoming
        if not incoming.on_publish(publish):
            for packet in incoming.to_send():  # It repeats a message, which may be answered at once.
                self._write_own(packet)
            return None
        self._yielded += 1
        self._unacknowledged[publish.qos, publish.packet_id] = self._yielded
        return publish

    def _received_connect(self, connect: Connect) -> Packet:
        self._rules.passed(Role.CLIENT, connect)
        self._packet_limit = self.peer.maximum_packet_size
        self._encoder.version = self.version
        self._encoder.max_packet_size = max(2, self.peer.maximum_packet_size)
        self._keep_alive.seconds = connect.keep_alive
        return connect

    def _received_connack(self, connack: ConnAck) -> Packet:
        connect, session = self._rules.connect, self._session
        assert session is not None
        if connack.session_present and self.version == MQTTv5 and not self._has_session:
            raise self._peers_error(Broken(_errors.SESSION_UNKNOWN, "client"), PacketType.CONNACK)  # [MQTT-3.2.2-4]
        self._rules.passed(Role.SERVER, connack)
        if connack.reason_code != 0:
            return connack
        # 3.1 has no Session Present.
        is_present = connack.session_present or (self.version == MQTTv31 and not connect.clean_start)
        if not is_present:  # [MQTT-3.2.2-5]
            self.discarded += session.outgoing._discard(requeue=self._requeue)
            session.incoming = IncomingMessages(self._receive_maximum, role=Role.CLIENT)
        session.client_id = connect.client_id or connack.assigned_client_identifier or ""
        self._accepted(connack)
        return connack

    def _accepted(self, connack: ConnAck) -> None:
        """Begin with the session, because CONNACK accepts the connection."""
        rules, session = self._rules, self._session
        assert session is not None
        assert rules.version is not None
        own, peer = rules.limits[self._role], self.peer
        self._packet_limit = peer.maximum_packet_size
        self._encoder.max_packet_size = max(2, peer.maximum_packet_size)
        self._from_alias = TopicAliasReceiver(own.topic_alias_maximum, self._role)
        self._to_alias = TopicAliasSender(min(peer.topic_alias_maximum, self._topic_alias_maximum))
        if connack.server_keep_alive is not None:
            self._keep_alive.seconds = connack.server_keep_alive  # [MQTT-3.1.2-21] [MQTT-3.2.2-21]
        self._is_begun = True
        self._checks_received = own.maximum_qos < 2 or not own.retain_available
        self._checks_sent = (
            peer.maximum_qos < 2
            or not peer.retain_available
            or peer.maximum_packet_size < GREATEST_PACKET
            or self._to_alias._maximum > 0
        )
        session.is_new = False
        session.version = rules.version
        if rules.version == MQTTv5:
            expiry = connack.session_expiry_interval
            session.expiry_interval = (rules.connect.session_expiry_interval or 0) if expiry is None else expiry
        else:
            session.expiry_interval = 0 if rules.connect.clean_start else NEVER_EXPIRES
        session.incoming.connection_lost()
        session.incoming.receive_maximum = own.receive_maximum
        session.outgoing.receive_maximum = min(peer.receive_maximum, self._max_inflight)
        if self._max_queued is not None:
            session.outgoing.max_queued = self._max_queued
        self._write_messages(session.outgoing.resend())
        self._write_messages(session.outgoing.to_send())

    def _received_puback(self, puback: PubAck) -> Packet | None:
        assert self._session is not None
        outgoing = self._session.outgoing
        if not outgoing.on_puback(puback):
            return None
        if outgoing._waiting:
            self._write_messages(outgoing.to_send())
        return puback

    def _received_pubrec(self, pubrec: PubRec) -> Packet | None:
        assert self._session is not None
        outgoing = self._session.outgoing
        is_end = pubrec.reason_code >= 0x80 and outgoing._is_sent(pubrec.packet_id)
        answer = outgoing.on_pubrec(pubrec)
        if answer is not None:
            self._write_own(answer)
        self._write_messages(outgoing.to_send())
        return pubrec if is_end else None

    def _received_pubrel(self, pubrel: PubRel) -> None:
        assert self._session is not None
        self._write_own(self._session.incoming.on_pubrel(pubrel))

    def _received_pubcomp(self, pubcomp: PubComp) -> Packet | None:
        assert self._session is not None
        if not self._session.outgoing.on_pubcomp(pubcomp):
            return None
        self._write_messages(self._session.outgoing.to_send())
        return pubcomp

    def _received_answer(self, answer: SubAck | UnsubAck) -> Packet:
        assert self._session is not None
        self._rules.passed(Role.SERVER, answer)
        self._session.packet_ids.release(answer.packet_id)
        return answer

    def _received_pingreq(self, packet: PingReq) -> None:
        self._write_own(PingResp())  # [MQTT-3.12.4-1]

    def _received_pingresp(self, packet: PingResp) -> None:
        pass  # `_next` has told `KeepAlive`.

    def _received_other(self, packet: Packet) -> Packet:
        if isinstance(packet, Disconnect):
            self._set_expiry(packet)
        self._rules.passed(OTHER[self._role], packet)
        return packet

    # --- Sessions.

    def _new_session(self, client_id: str, version: int) -> Session:
        outgoing = OutgoingMessages(
            self._max_inflight, 1_000 if self._max_queued is None else self._max_queued, version=version
        )
        incoming = IncomingMessages(self._receive_maximum, version=version, role=self._role)
        return Session(client_id, outgoing=outgoing, incoming=incoming)

    def _check_session(self, session: Session) -> None:
        if not isinstance(session, Session):
            raise TypeError(f"session must be a Session, not {type(session).__name__}")
        if session.incoming._role is not self._role:
            raise ValueError(f"session must be one of the {self._role.value}")

    def _set_expiry(self, disconnect: Disconnect) -> None:
        if disconnect.session_expiry_interval is not None and self._is_begun:
            assert self._session is not None
            self._session.expiry_interval = disconnect.session_expiry_interval


class _Received:
    """The state of an iterator of `Connection.receive`: the PUBLISH that it has yielded last, if it acknowledges it."""

    __slots__ = ("_connection", "_last", "_number")

    _number: int

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last: Publish | None = None

    def next(self) -> Packet | None:
        connection = self._connection
        if self._last is not None:
            last, self._last = self._last, None
            is_waiting = connection._unacknowledged.get((last.qos, last.packet_id)) == self._number
            if is_waiting and connection._rules.state is CONNECTED:
                connection.acknowledge(last)
        packet = connection._next()
        if type(packet) is Publish and packet.qos and not connection._manual_acks:
            self._last = packet
            self._number = connection._yielded
        return packet


_SENDERS: dict[type[Packet], Callable[[Connection, Any], Packet]] = {
    Connect: Connection._connect,
    ConnAck: Connection._connack,
    Subscribe: Connection._send_request,
    Unsubscribe: Connection._send_request,
    SubAck: Connection._send_other,
    UnsubAck: Connection._send_other,
    Disconnect: Connection._send_other,
    Auth: Connection._send_other,
    PingReq: Connection._ping,
}
_RECEIVERS: dict[type[Packet], Callable[[Connection, Any], Packet | None]] = {
    Connect: Connection._received_connect,
    ConnAck: Connection._received_connack,
    PubAck: Connection._received_puback,
    PubRec: Connection._received_pubrec,
    PubRel: Connection._received_pubrel,
    PubComp: Connection._received_pubcomp,
    Subscribe: Connection._received_other,
    Unsubscribe: Connection._received_other,
    SubAck: Connection._received_answer,
    UnsubAck: Connection._received_answer,
    PingReq: Connection._received_pingreq,
    PingResp: Connection._received_pingresp,
    Disconnect: Connection._received_other,
    Auth: Connection._received_other,
}
