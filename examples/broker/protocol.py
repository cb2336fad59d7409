"""A connection to the broker: what its client sends, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any, cast

from mqttcodec import (
    ConnAck,
    Connect,
    DecodeError,
    Disconnect,
    EncodeError,
    MQTTError,
    Packet,
    Publish,
    ReasonCode,
    Role,
    SubAck,
    Subscribe,
    UnsubAck,
    Unsubscribe,
)
from mqttcodec.session import Connection, ConnectionState, QueueFullError

from .broker import Broker, Client

log = logging.getLogger(__package__)


class BrokerProtocol(asyncio.Protocol):
    """A connection. It gives what it reads to `connection`, and writes what that returns."""

    def __init__(self, broker: Broker) -> None:
        settings = broker.settings
        self.broker = broker
        self.loop = broker.loop
        self.connection = Connection(
            Role.SERVER,
            max_packet_size=settings.max_packet_size,
            receive_maximum=settings.max_inflight,
            max_inflight=settings.max_inflight,
            topic_alias_maximum=settings.max_aliases,
            max_queued=0,
        )
        self.connection.keep_alive.seconds = settings.connect_timeout / 1.5
        self.version = 5
        self.client: Client | None = None
        self.timer: asyncio.TimerHandle | None = None
        self.is_ended = False
        self.is_paused = False
        self.is_flush_due = False

    # --- Called by asyncio.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=self.broker.settings.max_unsent_bytes)
        self.broker.protocols.add(self)
        if len(self.broker.protocols) > self.broker.settings.max_connections:
            self.end()
        self.tick()

    def data_received(self, data: bytes) -> None:
        if self.is_ended:
            return
        try:
            for packet in self.connection.receive(data, self.loop.time()):
                if type(packet) is Publish:
                    self.received_publish(packet)
                else:
                    self.received(packet)
        except DecodeError as error:
            log.info("%s: %s", self.client and self.client.client_id, error)
        self.flush()

    def pause_writing(self) -> None:
        """The client reads slowly. Until it has caught up, it gets no messages of QoS 0, and nothing is read from it."""
        self.is_paused = True
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.is_paused = False
        self.transport.resume_reading()

    def eof_received(self) -> None:
        self.end()

    def connection_lost(self, exception: Exception | None) -> None:
        self.broker.protocols.discard(self)
        self.detach()
        if self.timer is not None:
            self.timer.cancel()

    # --- Output, time and the end.

    @property
    def is_slow(self) -> bool:
        return self.is_paused or self.connection.pending > self.broker.settings.max_unsent_bytes

    def send(self, packet: Packet) -> None:
        """Send a packet soon, together with the others of this turn of the event loop."""
        try:
            self.connection.send(packet)
        except QueueFullError:
            raise
        except MQTTError as error:
            log.info("not sent to %s: %s", self.client and self.client.client_id, error)
        if not self.is_flush_due:
            self.is_flush_due = True
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what is to be sent, and end the connection if that was the last."""
        self.is_flush_due = False
        if self.is_ended:
            return
        data = self.connection.take()
        if data:
            self.transport.write(data)
        if self.connection.state is ConnectionState.CLOSING:
            self.end()

    def tick(self) -> None:
        """Look at the Keep Alive, or at the time for CONNECT."""
        now = self.loop.time()
        self.connection.tick(now)
        self.flush()
        timeout = self.connection.timeout(now)
        if timeout is not None and not self.is_ended:
            self.timer = self.loop.call_later(timeout, self.tick)

    def close(self, reason_code: ReasonCode) -> None:
        self.connection.close(reason_code)
        self.flush()

    def end(self) -> None:
        """Shut down the sending side, so that the client gets all of it, and wait for the client to close, but not long.

        A socket that is closed before all is read from it may lose what was sent last.
        """
        if self.is_ended:
            return
        self.is_ended = True
        self.detach()
        if self.timer is not None:
            self.timer.cancel()
        self.timer = self.loop.call_later(self.broker.settings.close_timeout, self.transport.abort)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()  # TLS has its own way to say that it is the end.

    def detach(self) -> None:
        """Separate the session from this connection."""
        self.connection.connection_lost()
        client, self.client = self.client, None
        if client is not None:
            client.disconnected()

    # --- Packets.

    def received(self, packet: Packet) -> None:
        match packet:
            case Connect():
                self.received_connect(packet)
            case Subscribe():
                self.received_subscribe(packet)
            case Unsubscribe():
                codes = [self.broker.unsubscribe(self.client, topic_filter) for topic_filter in packet.topic_filters]
                self.connection.send(UnsubAck(packet.packet_id, codes if self.version == 5 else []))
            case Disconnect():
                if packet.reason_code == 0:
                    self.client.will = None  # [MQTT-3.14.4-3]
            case _:  # PUBACK, PUBREC, PUBCOMP: there is room for another message.
                self.client.send_queue()

    def received_connect(self, connect: Connect) -> None:
        passwords = self.broker.passwords
        if connect.authentication_method is not None:
            self.connection.close(ReasonCode.BAD_AUTHENTICATION_METHOD)
        elif passwords is None:
            self.accept(connect)
        else:
            self.transport.pause_reading()
            check = self.loop.run_in_executor(None, passwords.check, connect.username, connect.password)
            check.add_done_callback(lambda checked: self.checked(connect, checked.result()))

    def checked(self, connect: Connect, is_right: bool) -> None:
        if self.is_ended:
            return
        if is_right:
            self.accept(connect)
        else:
            self.connection.close(ReasonCode.BAD_USER_NAME_OR_PASSWORD)
        self.transport.resume_reading()
        self.data_received(b"")

    def accept(self, connect: Connect) -> None:
        fields: dict[str, Any] = {}
        client_id = connect.client_id
        if not client_id:
            client_id = fields["assigned_client_identifier"] = f"auto-{secrets.token_hex(8)}"
        client = self.broker.client(client_id, connect.clean_start)
        if client is None:
            return self.connection.close(ReasonCode.QUOTA_EXCEEDED)
        self.version = connect.protocol_version
        if (connect.session_expiry_interval or 0) > self.broker.settings.max_session_expiry:
            fields["session_expiry_interval"] = self.broker.settings.max_session_expiry
        if not client.session.is_new:
            self.connection.session = client.session
        self.connection.send(ConnAck(**fields) if self.version == 5 else ConnAck())
        self.client = client
        client.connected(self, self.connection.session, connect.will)
        if self.timer is not None:
            self.timer.cancel()
        self.tick()

    def received_publish(self, publish: Publish) -> None:
        reason_code = self.broker.publish(publish, self.client)
        if reason_code and publish.qos and self.version == 5:
            self.connection.acknowledge(publish, reason_code)

    def received_subscribe(self, subscribe: Subscribe) -> None:
        results = [
            self.broker.subscribe(self.client, subscription, subscribe.subscription_identifier)
            for subscription in subscribe.subscriptions
        ]
        try:
            suback = SubAck(subscribe.packet_id, [code for code, _ in results])
            self.connection.send(suback if self.version == 5 else suback.for_version(self.version))
        except EncodeError:  # 3.1 cannot say that a subscription is refused.
            return self.connection.close()
        for subscription, (_, is_wanted) in zip(subscribe.subscriptions, results, strict=True):
            if is_wanted:
                self.broker.send_retained(self.client, subscription.topic_filter)
