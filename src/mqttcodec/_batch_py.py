"""The `Encoder`, which batches packets: `_batch_c.pyx` in plain Python.

It keeps encoded packets until they are taken, and keeps to the peer's Maximum Packet Size. `_encode_py.py` encodes the
packets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from . import _errors, _methods, _spec
from ._arguments_py import checked_limit, optional_version
from ._encode_py import FAST_ENCODERS, acknowledgements, encode_head, joined, release
from ._enums import MQTTv5, ProtocolVersion
from ._packets_py import Connect, Packet, Publish

LARGE = 8_192
"""Payloads of at least this size are not copied."""
ACKNOWLEDGEMENT_SIZE = 4
LESS = ({"user_properties": ()}, {"user_properties": (), "reason_string": None})
"""The changes that make a packet smaller, in the order in which they are tried."""


class Encoder:
    """Encode packets into a batch, which is sent as a whole.

    Use one encoder for each direction of a connection. It may be used by one thread at a time.

    A packet that fails, or is not written, leaves no bytes in the batch, and the bytes before it stay.

    Args:
        version: MQTT version of the connection: 3, 4 or 5, or a `ProtocolVersion`. None means that the first packet
            must be a CONNECT, which states the version.
        max_packet_size: Largest packet that the peer accepts, in bytes, fixed header included; at least 2. It is the
            Maximum Packet Size that the peer announced. Values above 268,435,460, the protocol's limit, mean that
            limit.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `version` is not 3, 4 or 5, or `max_packet_size` is less than 2.
        RuntimeError: Another call of the same encoder is in progress. All methods raise this.

    Example:
        >>> encoder = Encoder(5)
        >>> encoder.write(PubAck(1)) and encoder.write(PingResp())
        True
        >>> encoder.take().hex(" ")
        '40 02 00 01 d0 00'
    """

    # `_parts` has two items for each packet: everything before the payload, and the payload. Any other payload than
    # bytes is in the first item, and the second one is empty. `_counted` is the number of parts whose size is known,
    # and that size.
    __slots__ = ("_add", "_counted", "_key", "_max_packet_size", "_parts", "_version")

    _counted: tuple[int, int]

    def __init__(self, version: int | None = None, *, max_packet_size: int = 268_435_460) -> None:
        limit = checked_limit(max_packet_size)
        given_version = optional_version(version)
        if not hasattr(self, "_key"):
            # The guard against concurrent calls, as in `Decoder`.
            self._key = deque((None,))
            self._parts: list[bytes] = []
            self._add = self._parts.extend
        self._enter()
        try:
            self._version = given_version
            self._max_packet_size = limit
            self._clear(len(self._parts))
        finally:
            self._key.append(None)

    @property
    def version(self) -> ProtocolVersion | None:
        """MQTT version of the connection, or None until it is known.

        It may be set at any time, to 3, 4, 5 or None. Writing a CONNECT sets it.

        Raises:
            TypeError: The value set is not an int or None.
            ValueError: The value set is not 3, 4 or 5.

        Example:
            >>> encoder = Encoder()
            >>> encoder.write(Connect("sensor-1", protocol_version=4))
            True
            >>> encoder.version.name
            'MQTT_3_1_1'
        """
        return self._version

    @version.setter
    def version(self, version: int | None) -> None:
        chosen = optional_version(version)
        self._enter()
        try:
            self._version = chosen
        finally:
            self._key.append(None)

    @version.deleter
    def version(self) -> None:
        raise _errors.cannot_delete(self, "version")

    @property
    def max_packet_size(self) -> int:
        """The largest packet written, in bytes, fixed header included.

        It may be set at any time, for example to the limit in a CONNACK.

        Raises:
            TypeError: The value set is not an int.
            ValueError: The value set is less than 2.

        Example:
            >>> encoder = Encoder(5)
            >>> encoder.max_packet_size = 1024
            >>> encoder.write(Publish("a", bytes(2000)))
            False
        """
        return self._max_packet_size

    @max_packet_size.setter
    def max_packet_size(self, max_packet_size: int) -> None:
        limit = checked_limit(max_packet_size)
        self._enter()
        try:
            self._max_packet_size = limit
        finally:
            self._key.append(None)

    @max_packet_size.deleter
    def max_packet_size(self) -> None:
        raise _errors.cannot_delete(self, "max_packet_size")

    @property
    def pending(self) -> int:
        """The number of bytes in the batch.

        Example:
            >>> encoder = Encoder(5)
            >>> encoder.write(PubAck(1))
            True
            >>> encoder.pending
            4
        """
        parts = self._parts
        counted, size = self._counted
        count = len(parts)
        size += sum(map(len, parts[counted:count]))
        self._counted = count, size
        return size

    def write(self, packet: Packet) -> bool:
        """Encode a packet and add it to the batch.

        A PUBLISH that exceeds `max_packet_size` is not written. Treat it as sent ([MQTT-3.1.2-25]). Any other packet of
        5.0 that exceeds it is written without its User Properties, or without these and its Reason String, if the
        standard says so ([MQTT-3.4.2-2], [MQTT-3.4.2-3] and their counterparts).

        A CONNECT is written in its own `protocol_version`, which becomes the version of the packets after it. A client
        may therefore fall back to an earlier version with the same encoder.

        A payload of at least 8,192 bytes is not copied if it is of exact type bytes. Any other payload is copied, and
        may change after the call.

        Args:
            packet: An instance of one of the packet classes.

        Returns:
            Whether the packet was written. False only for a PUBLISH that is too large.

        Raises:
            EncodeError: As for `encode`, or the packet is not a PUBLISH and exceeds `max_packet_size`.
            TypeError: As for `encode`.
            BufferError: As for `encode`.
            RuntimeError: The version is not known and the packet is not a CONNECT, or another call of this encoder is
                in progress.

        Example:
            >>> encoder = Encoder(5, max_packet_size=20)
            >>> encoder.write(PubAck(1, ReasonCode.QUOTA_EXCEEDED, reason_string="quota used up"))
            True
            >>> decode(encoder.take())
            PubAck(packet_id=1, reason_code=ReasonCode.QUOTA_EXCEEDED)
        """
        version = self._version
        fast = FAST_ENCODERS.get(type(packet))
        if fast is not None and version is not None and self._key:
            # Common packets are written without the guard, to save time. This calls no code of the caller's, and other
            # threads see the packet in the batch as a whole or not at all.
            parts = fast(packet, version)
            if parts is not None:
                head, payload = parts
                if len(head) + len(payload) <= self._max_packet_size:
                    self._add(parts)
                    return True
        return self._write_any(packet)

    def _write_any(self, packet: Packet) -> bool:
        """Write any packet, with the guard."""
        self._enter()
        try:
            version = self._version
            if version is None and type(packet) is not Connect:
                raise _errors.version_unknown()
            head, payload = encode_head(packet, version or MQTTv5)
            size = len(head) + len(payload)
            if type(packet) is Connect:
                version = optional_version(packet.protocol_version)
            if size > self._max_packet_size:
                release(payload)
                if type(packet) is Publish:
                    return False  # [MQTT-3.1.2-25]
                head = self._shorten(packet, size, version)
            parts = (head, payload) if type(payload) is bytes else (joined(head, payload), b"")
            self._version = version
            self._add(parts)
            return True
        finally:
            self._key.append(None)

    def write_acks(self, packet_type: int, packet_ids: Iterable[int]) -> None:
        """Encode acknowledgements that report success, and add them to the batch.

        Args:
            packet_type: PUBACK, PUBREC, PUBREL or PUBCOMP, as for `encode_acks`.
            packet_ids: Packet identifiers, as for `encode_acks`.

        Raises:
            EncodeError: An identifier is not 1 to 65,535, or `max_packet_size` is less than 4, the size of an
                acknowledgement. None of the acknowledgements is then written.
            TypeError: As for `encode_acks`.
            ValueError: As for `encode_acks`.
            RuntimeError: The version is not known, or another call of this encoder is in progress.
            Exception: Anything that iterating over `packet_ids` raises.

        Example:
            >>> encoder = Encoder(5)
            >>> encoder.write_acks(PacketType.PUBREC, [1, 2])
            >>> encoder.take().hex(" ")
            '50 02 00 01 50 02 00 02'
        """
        self._enter()
        try:
            version = self._version
            if version is None:
                raise _errors.version_unknown()
            if self._max_packet_size < ACKNOWLEDGEMENT_SIZE:
                raise _errors.ABOVE_MAX_PACKET_SIZE.encoding(version, "", ACKNOWLEDGEMENT_SIZE)
            packets = acknowledgements(packet_type, packet_ids, version)
            self._add((packets, b""))
        finally:
            self._key.append(None)

    def take(self) -> bytes:
        """Return the batch, and begin a new one.

        Returns:
            The bytes of all packets written since the last call; empty if there are none.

        Raises:
            RuntimeError: Another call of this encoder is in progress.

        Example:
            >>> encoder = Encoder(5)
            >>> encoder.write(PingReq())
            True
            >>> encoder.take().hex(" ")
            'c0 00'
            >>> encoder.take()
            b''
        """
        self._enter()
        try:
            taken = self._parts[:]
            batch = b"".join(taken)
            self._clear(len(taken))
            return batch
        except OverflowError:  # The batch is larger than any bytes object can be.
            raise MemoryError from None
        finally:
            self._key.append(None)

    def take_parts(self) -> list[bytes]:
        """Return the batch in parts, and begin a new one. This suits `writelines` and `sendmsg`.

        Returns:
            The bytes that `take` would return, in parts, none of which is empty. A payload that `write` did not copy is
            a part of its own.

        Raises:
            RuntimeError: Another call of this encoder is in progress.

        Example:
            >>> encoder = Encoder(5)
            >>> image = Publish("camera/1", bytes(100_000))
            >>> encoder.write(image)
            True
            >>> head, payload = encoder.take_parts()
            >>> payload is image.payload
            True
        """
        self._enter()
        try:
            taken = self._parts[:]
            parts: list[bytes] = []
            small: list[bytes] = []
            for head, payload in zip(taken[::2], taken[1::2], strict=True):
                if len(payload) < LARGE:
                    small += (head, payload)
                else:
                    small.append(head)
                    parts += (b"".join(small), payload)
                    small.clear()
            rest = b"".join(small)
            if rest:
                parts.append(rest)
            self._clear(len(taken))
            return parts
        except OverflowError:  # A part is larger than any bytes object can be.
            raise MemoryError from None
        finally:
            self._key.append(None)

    def __repr__(self) -> str:
        return _methods.encoder_represented(self)

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'Encoder' object")

    def _enter(self) -> None:
        try:
            self._key.pop()
        except IndexError:
            raise _errors.busy(self) from None

    def _clear(self, count: int) -> None:
        """Drop the first `count` parts. Another thread may have added more."""
        del self._parts[:count]
        self._counted = 0, 0

    def _shorten(self, packet: Any, size: int, version: ProtocolVersion | None) -> bytes:
        """Encode the packet without the properties for which the peer's limit has no room. `size` is that with them."""
        assert version is not None
        if _spec.has_properties(version) and hasattr(packet, "reason_string"):
            for changes in LESS:  # [MQTT-3.4.2-3] [MQTT-3.4.2-2] and their counterparts
                head, _ = encode_head(packet.replace(**changes), version)
                size = len(head)
                if size <= self._max_packet_size:
                    return head
        name = type(packet).__name__.upper()
        raise _errors.ABOVE_MAX_PACKET_SIZE.encoding(version, name, size)  # [MQTT-3.1.2-24] [MQTT-3.2.2-15]
