"""gmqtt on this codec: `Client` replaces `gmqtt.Client`, and `install()` changes every client of gmqtt.

It was tried with the releases in `TRIED`, and refuses others unless MQTTCODEC_ANY_RELEASE=1 is set in the environment.
It relies on these private names of gmqtt:

* `gmqtt.client.Client`: `_create_connection`
* `gmqtt.mqtt.connection`: the global `MQTTProtocol`; of `MQTTConnection`: `_handler`, `_protocol`, `_last_data_in`,
  `put_package`
* `gmqtt.mqtt.protocol.MQTTProtocol`: `_connection`, `_transport`, `_read_loop`, `_read_packet`, `proto_ver`,
  `send_disconnect`, `set_connection`, `write_data`
* `gmqtt.mqtt.handler.MqttPackageHandler`: `_handle_qos_1_publish_packet`, `_handle_qos_2_publish_packet`, `_logger`,
  `_optimistic_acknowledgement`, `_remove_message_from_queue`, `_server_topics_aliases`, `current_connection`,
  `id_generator`
* `gmqtt.mqtt.package.Package`, `gmqtt.mqtt.utils.is_coroutine_function_or_partial`

Only the protocol is replaced. It decodes each read, passes messages to the callback, and writes the answers of one read
together. Its own code handles PUBLISH, PUBACK, PUBREL and PUBCOMP. All other packets go to gmqtt's handler, with the
bytes that were received, and so do all packets while gmqtt logs at level DEBUG.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from .. import (
    DecodeError,
    Decoder,
    MQTTv5,
    Packet,
    PacketType,
    PubAck,
    PubComp,
    Publish,
    PubRel,
    Role,
    UnsupportedVersionError,
    encode_acks,
    peek,
)
from ._release import check

try:
    import gmqtt
    from gmqtt.mqtt import connection as gmqtt_connection
    from gmqtt.mqtt.package import Package
    from gmqtt.mqtt.protocol import MQTTProtocol
    from gmqtt.mqtt.utils import is_coroutine_function_or_partial
except ModuleNotFoundError as error:
    error.add_note("mqttcodec.contrib.gmqtt needs gmqtt: pip install 'mqttcodec[gmqtt]'")
    raise

__all__ = ["Client", "install", "uninstall"]

TRIED = ("0.8.0",)
check("gmqtt", TRIED)

# The properties of a PUBLISH that have another name in gmqtt.
_NAMES = {
    "payload_format_indicator": "payload_format_id",
    "subscription_identifiers": "subscription_identifier",
    "user_properties": "user_property",
}


def install() -> None:
    """Use this codec for every connection that gmqtt opens from now on."""
    gmqtt_connection.MQTTProtocol = Protocol


def uninstall() -> None:
    """Use gmqtt's own codec for every connection that gmqtt opens from now on. `Client` keeps this one."""
    gmqtt_connection.MQTTProtocol = MQTTProtocol


class Client(gmqtt.Client):  # type: ignore[misc]
    """A `gmqtt.Client` that uses this codec."""

    async def _create_connection(self, *args: Any, **kwargs: Any) -> Any:
        connection = await super()._create_connection(*args, **kwargs)
        # gmqtt takes the class from a global of its module, which other clients share.
        connection._protocol.__class__ = Protocol
        return connection


class Batch:
    """What the packets of one read cause to be written, in order."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._packet_type = PacketType.PUBACK
        self._packet_ids: list[int] = []  # Of acknowledgements of this type, after all parts.

    def acknowledge(self, packet_type: PacketType, packet_id: int) -> None:
        if packet_type is not self._packet_type:
            self._encode()
            self._packet_type = packet_type
        self._packet_ids.append(packet_id)

    def write(self, data: bytes) -> None:
        self._encode()
        self._parts.append(data)

    def take(self) -> bytes:
        self._encode()
        data = b"".join(self._parts)
        self._parts.clear()
        return data

    def _encode(self) -> None:
        if self._packet_ids:
            self._parts.append(encode_acks(self._packet_type, self._packet_ids))
            self._packet_ids.clear()


class Protocol(MQTTProtocol):  # type: ignore[misc]
    """gmqtt's protocol with this codec. gmqtt's own read loop remains, to close the connection at its end."""

    # Defaults of the class, because `Client` changes the class of an existing object.
    _decoder: Decoder | None = None
    _batch: Batch | None = None  # While the packets of a read are handled.
    _callback: Callable[..., Any] | None = None
    _callback_is_coroutine = False

    def data_received(self, data: bytes) -> None:
        if self._connection is None:
            super().data_received(data)  # gmqtt is not ready yet. Its read loop will call `_read_packet`.
        else:
            self._read_packet(data)

    def _read_packet(self, data: bytes) -> int:
        """Handle each packet that `data` completes. Nothing is left for the caller to keep."""
        connection, handler = self._connection, self._connection._handler
        if self._transport.is_closing() or handler.current_connection is not connection:
            return len(data)
        connection._last_data_in = time.monotonic()
        if self._decoder is None:
            self._decoder = Decoder(self.proto_ver, role=Role.CLIENT, keep_bytes=True)
        debug = handler._logger.isEnabledFor(logging.DEBUG)
        self._batch = Batch()
        try:
            for packet in self._decoder.feed(data):
                try:
                    if debug:
                        self._pass_on(self._decoder.packet_bytes)
                    else:
                        self._handle(packet, handler)
                except Exception:
                    handler._logger.exception("[MqttPackageHandler] error handling package")
        except DecodeError as error:
            self._refuse(error)
        finally:
            self._flush()
            self._batch = None
        return len(data)

    def _refuse(self, error: DecodeError) -> None:
        """End the connection because of what the server sent. gmqtt reconnects, as after any other loss."""
        assert self._decoder is not None
        if isinstance(error, UnsupportedVersionError):
            self._pass_on(self._decoder.skip())  # The CONNACK of a 3.1.1 server: gmqtt falls back to that version.
        else:
            self._connection._handler._logger.error("[mqttcodec] closing the connection: %s", error)
            self._flush()
            self._transport.close()

    def _handle(self, packet: Packet, handler: Any) -> None:
        if isinstance(packet, Publish):
            self._deliver(packet, handler)
        elif isinstance(packet, PubRel):
            self._acknowledge(PacketType.PUBCOMP, packet.packet_id)
        elif isinstance(packet, PubAck | PubComp):
            handler.id_generator.free_id(packet.packet_id)
            handler._remove_message_from_queue(packet.packet_id)
        else:
            assert self._decoder is not None
            self._pass_on(self._decoder.packet_bytes)

    def _pass_on(self, data: bytes) -> None:
        """Let gmqtt handle the bytes of a packet."""
        header = peek(data)
        assert header is not None
        self._connection.put_package(Package(data[0], data[header.header_size :]))

    def _deliver(self, packet: Publish, handler: Any) -> None:
        """Call the message callback with what gmqtt passes to it, and acknowledge."""
        topic = packet.topic
        properties: dict[str, Any] = {}
        if self.proto_ver == MQTTv5:
            for name, value in packet.properties.items():
                properties[_NAMES.get(name, name)] = list(value) if isinstance(value, tuple) else [value]
            if packet.topic_alias is not None:
                aliases = handler._server_topics_aliases
                if topic:
                    aliases[packet.topic_alias] = topic.encode()
                else:
                    topic = aliases.get(packet.topic_alias, b"").decode()
                if not topic:
                    handler._logger.warning("[mqttcodec] no topic for topic alias %s", packet.topic_alias)
                    return
        properties["dup"] = int(packet.dup)
        properties["retain"] = int(packet.retain)

        qos = int(packet.qos)
        if packet.packet_id is not None:
            if not handler._optimistic_acknowledgement:
                # gmqtt acknowledges when the callback ends, with the reason code that it returns.
                answer_later = (handler._handle_qos_1_publish_packet, handler._handle_qos_2_publish_packet)[qos - 1]
                answer_later(packet.packet_id, packet.payload, topic, properties)
                return
            self._acknowledge(PacketType.PUBACK if qos == 1 else PacketType.PUBREC, packet.packet_id)

        callback = handler.on_message
        if callback is not self._callback:
            self._callback = callback
            self._callback_is_coroutine = is_coroutine_function_or_partial(callback)
        returned = callback(topic, packet.payload, qos, properties)
        if self._callback_is_coroutine:
            asyncio.ensure_future(returned)  # noqa: RUF006 (as gmqtt does)

    def _acknowledge(self, packet_type: PacketType, packet_id: int) -> None:
        assert self._batch is not None
        self._batch.acknowledge(packet_type, packet_id)

    def write_data(self, data: bytes) -> None:
        """Write, or add to the batch of the read whose packets are being handled."""
        if self._batch is None:
            super().write_data(data)
        else:
            self._batch.write(data)

    def send_disconnect(self, *args: Any, **kwargs: Any) -> Any:
        package = super().send_disconnect(*args, **kwargs)
        self._flush()  # The caller closes the transport.
        return package

    def _flush(self) -> None:
        if self._batch is not None and (data := self._batch.take()):
            super().write_data(data)
