"""paho-mqtt on this codec.

`Client` is a `paho.mqtt.client.Client` that reads what the socket has in one go, decodes it with a `Decoder`, and sends
the acknowledgements of one read in one write. Everything else is paho's own code.

It was tried with the releases in `TRIED`, and refuses others unless MQTTCODEC_ANY_RELEASE=1 is set in the environment.
It relies on these private names of paho:

- overridden: `Client._loop`, `_packet_queue`
- called: `Client._do_on_publish`, `_easy_log`, `_handle_on_message`, `_loop_rc_handle`, `_packet_read`,
  `_send_puback`, `_send_pubcomp`, `_send_pubrec`, `_send_pubrel`, `_sock_recv`, `_update_inflight`
- read: `Client._logger`, `_manual_ack`, `_max_inflight_messages`, `_protocol`, `_sock`, `_state`, `_transport`; the
  locks `_in_message_mutex`, `_msgtime_mutex`, `_out_message_mutex`
- written: `Client._in_messages`, `_in_packet`, `_last_bytes_received` (2.2), `_last_msg_in` (2.1), `_out_messages`;
  `MQTTMessage._topic`
- `paho.mqtt.enums._ConnectionState`
"""

from __future__ import annotations

import logging
from threading import get_ident
from time import monotonic
from typing import Any

from .. import DecodeError, Decoder, Packet, PubAck, PubComp, Publish, PubRec, PubRel, Role, UnsupportedVersionError
from ._release import check

try:
    import paho.mqtt.client as host
    from paho.mqtt.enums import LogLevel, MessageState, MQTTErrorCode, _ConnectionState
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode
except ModuleNotFoundError as error:
    error.add_note("mqttcodec.contrib.paho needs paho-mqtt: pip install 'mqttcodec[paho]'")
    raise

__all__ = ["Client", "install", "uninstall"]

TRIED = ("2.1.0", "2.2.0")
check("paho-mqtt", TRIED)

SUCCESS = MQTTErrorCode.MQTT_ERR_SUCCESS
READ_SIZE = 65_536
"""Bytes to receive with one call: more than a TLS record has, because no event loop sees the rest of a record."""
READ_LIMIT = 4 * READ_SIZE
"""After this many bytes, or twice as many if the SSL object still has some, writes and timers get their turn."""
WHOLE_FRAME = 268_435_460
"""paho's WebSocket returns at most one frame. It copies a frame again for each piece, so ask for all of it."""
ACKS = frozenset({0x40, 0x50, 0x62, 0x70})
"""First bytes of PUBACK, PUBREC, PUBREL and PUBCOMP."""
PROPERTY_NAMES = {
    "payload_format_indicator": "PayloadFormatIndicator",
    "message_expiry_interval": "MessageExpiryInterval",
    "topic_alias": "TopicAlias",
    "response_topic": "ResponseTopic",
    "correlation_data": "CorrelationData",
    "subscription_identifiers": "SubscriptionIdentifier",
    "content_type": "ContentType",
    "user_properties": "UserProperty",
}
# Made once, because paho takes more than ten microseconds for each. They stand in where no callback sees them.
PUBLISHED = ReasonCode(PacketTypes.PUBACK), Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call]


class _Message(host.MQTTMessage):
    """A received message. `properties` and `info`, which are expensive, are created when they are first read."""

    __slots__ = ("_packet", "_protocol")

    def __init__(self, packet: Publish, protocol: int) -> None:
        self._packet = packet
        self._protocol = protocol
        self._topic = packet.topic.encode()
        self.timestamp = monotonic()
        self.state = MessageState.MQTT_MS_INVALID
        self.dup = packet.dup
        self.mid = packet.packet_id or 0
        self.payload = packet.payload  # type: ignore[assignment]  # A Decoder that copies returns bytes.
        self.qos = int(packet.qos)
        self.retain = packet.retain

    def __getattr__(self, name: str) -> Any:
        # Python calls this for a slot that has no value yet.
        value: Any = None
        if name == "info":
            value = host.MQTTMessageInfo(self.mid)
        elif name != "properties":
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        elif self._protocol == host.MQTTv5:
            value = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            for field, found in self._packet.properties.items():
                setattr(value, PROPERTY_NAMES[field], list(found) if type(found) is tuple else found)
        setattr(self, name, value)
        return value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, host.MQTTMessage) and self.mid == other.mid

    __hash__ = None  # type: ignore[assignment]  # As in paho.


class Client(host.Client):
    """A `paho.mqtt.client.Client` that uses this codec.

    It is also a mixin: `class Faster(Client, TheirClient)` changes a subclass of paho's Client in the same way.
    """

    _decoder: Decoder
    _decoded_socket: Any = None
    """The socket whose bytes are in `_decoder`: a new connection gets a new decoder."""
    _has_packets = False
    """Whether the decoder may hold complete packets: those after one whose callback raised or disconnected."""
    _reading_thread = 0
    """The thread that is in `loop_read`."""
    _last_msg_in: float
    _acks: bytearray
    """Acknowledgements of the packets of this read, not queued yet."""

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Receive what the socket has, handle all complete packets, and send their acknowledgements in one write.

        Args:
            max_packets: Ignored, as by paho.
        """
        if self._sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        if self._sock is not self._decoded_socket:
            self._decoder = Decoder(int(self._protocol), role=Role.CLIENT, keep_bytes=True)
            self._decoded_socket = self._sock
            self._acks = bytearray()
        self._reading_thread = get_ident()
        try:
            rc = self._read()
        finally:
            self._reading_thread = 0
            sent = self._queue_acks()
        return sent or (self._loop_rc_handle(rc) if rc > 0 else SUCCESS)

    def _read(self) -> MQTTErrorCode:
        """Receive and handle packets until the socket has no more, or READ_LIMIT is reached."""
        is_websocket = self._transport == "websockets"
        size = 0
        if self._has_packets:
            rc = self._handle_packets()
            if rc > 0 or self._has_packets:
                return rc
        while size < READ_LIMIT * (2 if self._pending() else 1):
            try:
                data = self._sock_recv(WHOLE_FRAME if is_websocket else READ_SIZE)
            except BlockingIOError:
                if self._pending():
                    continue  # The WebSocket has read a frame without data, and TLS has the next one.
                return SUCCESS
            except OSError as error:
                self._easy_log(LogLevel.MQTT_LOG_ERR, "failed to receive on socket: %s", error)
                return MQTTErrorCode.MQTT_ERR_CONN_LOST
            if not data:
                return MQTTErrorCode.MQTT_ERR_CONN_LOST
            with self._msgtime_mutex:
                self._last_bytes_received = self._last_msg_in = monotonic()
            size += len(data)
            self._decoder.feed(data)
            rc = self._handle_packets()
            if rc > 0 or self._has_packets:
                return rc
            if len(data) < READ_SIZE and not is_websocket:
                return SUCCESS
        return SUCCESS

    def _pending(self) -> int:
        """The number of bytes that TLS has decrypted already. No event loop sees them in the socket."""
        return self._sock.pending() if hasattr(self._sock, "pending") else 0  # type: ignore[union-attr]

    def _handle_packets(self) -> MQTTErrorCode:
        """Handle the packets that the decoder holds, up to an error, or one whose callback ends the connection.

        If a callback raises, the next call continues with the packet after it.
        """
        self._has_packets = True
        rc = SUCCESS
        while True:
            try:
                packet = next(self._decoder, None)
            except UnsupportedVersionError:
                return self._handle_by_paho(self._decoder.skip())  # An older server refuses 5.0: `on_connect` is told.
            except DecodeError as error:
                self._easy_log(LogLevel.MQTT_LOG_ERR, "Received an invalid packet: %s", error)
                return MQTTErrorCode.MQTT_ERR_PROTOCOL
            if packet is None:
                self._has_packets = False
                return rc
            rc = self._handle_packet(packet)
            if rc > 0 or self._sock is not self._decoded_socket:
                return rc
            if self._state == _ConnectionState.MQTT_CS_DISCONNECTING:
                return rc

    def _handle_packet(self, packet: Packet) -> MQTTErrorCode:
        if type(packet) is Publish:
            return self._handle_received(packet)
        if type(packet) is PubRel:
            return self._handle_released(packet.packet_id)
        if type(packet) is PubRec:
            return self._handle_recorded(packet.packet_id)
        if isinstance(packet, PubAck | PubComp) and self.on_publish is None:
            return self._handle_sent(packet.packet_id, packet.packet_type.name)
        return self._handle_by_paho(self._decoder.packet_bytes)

    def _handle_by_paho(self, packet: bytes) -> MQTTErrorCode:
        """Let paho handle a packet, as if it had received the last byte."""
        start = 2
        while packet[start - 1] & 0x80:
            start += 1
        body = bytearray(packet[start:])
        self._in_packet = {
            "command": packet[0],
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": body,
            "to_process": 0,
            "pos": 0,
        }
        return self._packet_read()

    # The packets that make up most of the traffic are handled here, as paho handles them, without parsing their bytes.

    def _handle_received(self, packet: Publish) -> MQTTErrorCode:
        message = _Message(packet, self._protocol)
        if self.on_log is not None or (self._logger is not None and self._logger.isEnabledFor(logging.DEBUG)):
            properties = f" properties={message.properties}," if self._protocol == host.MQTTv5 else ""
            self._easy_log(
                LogLevel.MQTT_LOG_DEBUG,
                "Received PUBLISH (d%d, q%d, r%d, m%d), '%s',%s ...  (%d bytes)",
                *(message.dup, message.qos, message.retain, message.mid),
                *(packet.topic, properties, len(message.payload)),
            )
        if message.qos == 2:
            rc = self._send_pubrec(message.mid)
            message.state = MessageState.MQTT_MS_WAIT_FOR_PUBREL
            with self._in_message_mutex:
                self._in_messages[message.mid] = message
            return rc
        self._handle_on_message(message)
        return SUCCESS if message.qos == 0 or self._manual_ack else self._send_puback(message.mid)

    def _handle_released(self, mid: int) -> MQTTErrorCode:
        self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received PUBREL (Mid: %d)", mid)
        with self._in_message_mutex:
            message = self._in_messages.pop(mid, None)
            if message is not None:
                self._handle_on_message(message)
                if self._max_inflight_messages > 0:
                    with self._out_message_mutex:
                        rc = self._update_inflight()
                    if rc != SUCCESS:
                        return rc
        return SUCCESS if self._manual_ack else self._send_pubcomp(mid)

    def _handle_recorded(self, mid: int) -> MQTTErrorCode:
        self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received PUBREC (Mid: %d)", mid)
        with self._out_message_mutex:
            message = self._out_messages.get(mid)
            if message is None:
                return SUCCESS
            message.state = MessageState.MQTT_MS_WAIT_FOR_PUBCOMP
            message.timestamp = monotonic()
            return self._send_pubrel(mid)

    def _handle_sent(self, mid: int, name: str) -> MQTTErrorCode:
        self._easy_log(LogLevel.MQTT_LOG_DEBUG, "Received %s (Mid: %d)", name, mid)
        with self._out_message_mutex:
            return self._do_on_publish(mid, *PUBLISHED) if mid in self._out_messages else SUCCESS

    def _packet_queue(
        self, command: int, packet: bytes | bytearray, mid: int, qos: int, info: host.MQTTMessageInfo | None = None
    ) -> MQTTErrorCode:
        if self._reading_thread == get_ident():
            if command in ACKS:
                self._acks += packet
                return SUCCESS
            self._queue_acks()  # They leave before the packets that a callback sends.
        return super()._packet_queue(command, packet, mid, qos, info)

    def _queue_acks(self) -> MQTTErrorCode:
        """Queue the acknowledgements collected so far as if they were one packet, unless their connection is closed."""
        if not self._acks:
            return SUCCESS
        acks, self._acks = self._acks, bytearray()
        if self._sock is not self._decoded_socket:
            return SUCCESS
        return super()._packet_queue(acks[0], acks, 0, 1)

    def _loop(self, timeout: float = 1.0) -> MQTTErrorCode:
        return self._read_rest() or super()._loop(timeout)

    def loop_misc(self) -> MQTTErrorCode:
        """Do what the clock requires, and handle packets that an exception in a callback has left."""
        return self._read_rest() or super().loop_misc()

    def _read_rest(self) -> MQTTErrorCode:
        has_packets = self._has_packets and self._sock is not None and self._sock is self._decoded_socket
        return self.loop_read() if has_packets else SUCCESS


_original = host.Client


def install() -> None:
    """Make `paho.mqtt.client.Client` this module's, for code that creates its own client. `uninstall` undoes it.

    Code that has imported the name already keeps the class that it has.
    """
    host.Client = Client  # type: ignore[misc]


def uninstall() -> None:
    """Make `paho.mqtt.client.Client` paho's again."""
    host.Client = _original  # type: ignore[misc]
