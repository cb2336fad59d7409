"""A connection to the broker, from its first byte to its end."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import mqttcodec as mqtt
from mqttcodec import ReasonCode
from mqttcodec.session import Connection, ConnectionState, QueueFullError

from .broker import Broker

log = logging.getLogger(__package__)


class BrokerProtocol(asyncio.Protocol):
    """A connection: it passes what arrives to `connection`, and writes what that returns."""

    transport: asyncio.Transport

    def __init__(self, broker: Broker) -> None:
        settings = broker.settings
        self.broker = broker
        self.loop = broker.loop
        size, aliases, number = settings.max_packet_size, settings.max_aliases, settings.max_inflight
        limits: Any = {"max_packet_size": size, "topic_alias_maximum": aliases, "receive_maximum": number}
        self.connection = Connection(mqtt.Role.SERVER, max_inflight=number, max_queued=0, **limits)
        self.connection.keep_alive.seconds = settings.connect_timeout / 1.5  # It expires after 1.5 times as long.
        self.version = 5
        self.client: Any = None  # A `Client`, when the connection is accepted.
        self.timer: asyncio.TimerHandle | None = None
        self.is_ended = self.is_paused = self.is_flush_due = False

    # --- What asyncio calls.

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(high=self.broker.settings.max_unsent_bytes)
        self.broker.protocols.add(self)
        if len(self.broker.protocols) > self.broker.settings.max_connections:
            self.end()
        self.tick()

    def data_received(self, data: bytes) -> None:
        if self.is_ended:
            return
        try:
            for packet in self.connection.receive(data, self.loop.time()):
                if type(packet) is mqtt.Publish:
                    reason_code = self.broker.publish(packet, self.client)
                    if reason_code and self.version == 5:
                        self.connection.acknowledge(packet, reason_code)
                else:
                    self.received(packet)
        except mqtt.MQTTError as error:
            log.info("%s: %s", self.transport.get_extra_info("peername"), error)
            self.connection.close()
        if self.client is not None:
            self.client.send_queue()  # Acknowledgements have made room.
        self.flush()

    def pause_writing(self) -> None:
        """Stop reading from a slow reader, and dropping its messages of QoS 0, until it has caught up."""
        self.is_paused = True
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.is_paused = False
        self.transport.resume_reading()

    def eof_received(self) -> None:
        self.end()

    def connection_lost(self, exception: Exception | None) -> None:
        self.end()
        self.broker.protocols.discard(self)
        self.set_timer(None)

    # --- Output, time, and the end.

    def send(self, publish: mqtt.Publish) -> bool:
        """Send a message, in one write with others. False if it must wait, or be dropped."""
        connection = self.connection
        is_slow = self.is_paused or connection.pending > self.broker.settings.max_unsent_bytes
        if is_slow and publish.qos == 0:
            return False
        try:
            connection.send(publish)
        except QueueFullError:
            return False  # As many as Receive Maximum allows are not acknowledged.
        except mqtt.MQTTError as error:
            log.info("%s does not get a message: %s", self.client.client_id, error)
            # A message that is too large for the client counts as sent [MQTT-3.1.2-25].
            return connection.state is ConnectionState.CONNECTED
        if not self.is_flush_due:
            self.is_flush_due = True
            self.loop.call_soon(self.flush)
        return True

    def flush(self) -> None:
        self.is_flush_due = False
        if not self.is_ended:
            data = self.connection.take()
            if data:
                self.transport.write(data)
            if self.connection.state is ConnectionState.CLOSING:
                self.end()

    def close(self, reason_code: int) -> None:
        self.connection.close(reason_code)
        self.flush()

    def tick(self) -> None:
        """Check the time for CONNECT, then the Keep Alive."""
        self.connection.tick(self.loop.time())
        self.flush()
        if not self.is_ended:
            self.set_timer(self.connection.timeout(self.loop.time()), self.tick)

    def set_timer(self, seconds: float | None, call: Any = None) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer = None if seconds is None else self.loop.call_later(seconds, call)

    def end(self) -> None:
        """Separate the session from the connection, send the rest, and wait for the client to close, but not long.

        If the broker closed at once, with bytes to read, the client might not get what was sent last.
        """
        if self.is_ended:
            return
        self.is_ended = True
        self.connection.connection_lost()
        if self.client is not None:
            self.client.disconnected()
        self.set_timer(self.broker.settings.close_timeout, self.transport.abort)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()  # TLS says by itself that this is the end.

    # --- Packets.

    def received(self, packet: mqtt.Packet) -> None:
        match packet:
            case mqtt.Connect():
                self.received_connect(packet)
            case mqtt.Subscribe():
                self.received_subscribe(packet)
            case mqtt.Unsubscribe():
                codes = [self.broker.unsubscribe(self.client, topic_filter) for topic_filter in packet.topic_filters]
                self.connection.send(mqtt.UnsubAck(packet.packet_id, codes).for_version(self.version))
            case mqtt.Disconnect(reason_code=ReasonCode.SUCCESS):
                self.client.will = None  # [MQTT-3.14.4-3]

    def received_connect(self, connect: mqtt.Connect) -> None:
        passwords = self.broker.passwords
        if connect.authentication_method is not None:
            self.connection.close(ReasonCode.BAD_AUTHENTICATION_METHOD)
        elif passwords is None:
            self.accept(connect)
        else:  # A hash takes long, so another thread computes it.
            self.transport.pause_reading()
            check = self.loop.run_in_executor(None, passwords.check, connect.username, connect.password)
            check.add_done_callback(lambda check: self.checked(connect, check.result()))

    def checked(self, connect: mqtt.Connect, is_right: bool) -> None:
        if not self.is_ended:
            if is_right:
                self.accept(connect)
            else:
                self.connection.close(ReasonCode.BAD_USER_NAME_OR_PASSWORD)
            self.transport.resume_reading()
            self.data_received(b"")

    def accept(self, connect: mqtt.Connect) -> None:
        client = self.broker.client(connect)
        if client is None:
            return self.connection.close(ReasonCode.QUOTA_EXCEEDED)
        if client.session is not None:
            self.connection.session = client.session
        assigned = None if connect.client_id else client.client_id
        expiry = min(connect.session_expiry_interval or 0, self.broker.settings.max_session_expiry)
        connack = mqtt.ConnAck(session_expiry_interval=expiry, assigned_client_identifier=assigned)
        self.connection.send(connack.for_version(connect.protocol_version))
        self.version, self.client = connect.protocol_version, client
        client.connected(self, connect.will)
        return self.tick()

    def received_subscribe(self, subscribe: mqtt.Subscribe) -> None:
        identifier = subscribe.subscription_identifier
        results = [(each, *self.broker.subscribe(self.client, each, identifier)) for each in subscribe.subscriptions]
        suback = mqtt.SubAck(subscribe.packet_id, [reason_code for _, reason_code, _ in results])
        self.connection.send(suback.for_version(self.version))
        for subscription, _, is_wanted in results:
            if is_wanted:
                self.broker.send_retained(self.client, subscription.topic_filter, self.version)
