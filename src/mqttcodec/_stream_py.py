"""The incremental `Decoder`: `_stream_c.pyx` in plain Python.

It keeps bytes until a packet is complete, and checks the order of packets on a connection. `_decode_py.py` decodes the
packets.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from typing import Any

from . import _errors, _methods, _spec
from ._arguments_py import Buffer, byte_view, checked_limit, copied, integer, optional_version
from ._decode_py import decode_body
from ._enums import MQTTv5, PacketType, ProtocolVersion, Role
from ._packets_py import Connect, Packet
from ._reader_py import read_length

_NOTHING: Iterator[Any] = iter(())
"""`next(_NOTHING)` raises StopIteration, which is faster than a `raise` statement."""
_INTERRUPTED = _errors.decoder_interrupted()
"""Preallocated, because it may be needed when memory is exhausted."""
_CONNECT = int(PacketType.CONNECT)
LENT_SIZE = 65_536
KEPT_SIZE = 2_048
"""Buffers of up to this size are kept whole, without dropping the bytes that were read."""


class Decoder:
    """Decode a stream of bytes that arrives in pieces of any size.

    Use one decoder for each direction of a connection. A decoder is its own iterator, and may be used by one thread at
    a time.

    Args:
        version: MQTT version of the connection: 3, 4 or 5, or a `ProtocolVersion`. None means that the first packet
            must be a CONNECT, which states the version.
        role: The side that this decoder receives for. Packets that the other side may not send are rejected. None
            accepts both directions.
        max_packet_size: Largest packet to accept, in bytes, fixed header included; at least 2. It also bounds the
            memory held for an incomplete packet. Values above 268,435,460, the protocol's limit, mean that limit.
        copy: Whether to copy the payload and other binary data into new bytes objects. If false, these fields are
            read-only memoryviews of the bytes that were fed, which they keep alive.
        connected: Whether another parser has taken the CONNECT already. The decoder then needs a version, and rejects a
            CONNECT from the start.
        keep_bytes: Whether `packet_bytes` holds the bytes of the packet returned last.
        bridge: Whether to accept a CONNECT of an MQTT 3.1 or 3.1.1 bridge, which has bit 7 of the protocol level set.
            Its `bridge` field is then true.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `version` is not 3, 4 or 5, `max_packet_size` is less than 2, or `connected` is true without a
            version.
        RuntimeError: Another call of the same decoder is in progress. All methods raise this.

    Example:
        >>> decoder = Decoder(5)
        >>> list(decoder.feed(bytes.fromhex("c000 40")))
        [PingReq()]
        >>> decoder.pending
        1
        >>> list(decoder.feed(bytes.fromhex("02 0007")))
        [PubAck(packet_id=7)]
    """

    # Bytes are held in three places, in stream order:
    # - `_partial`: the start of an incomplete packet.
    # - `_data`: parsed in place, and read up to `_position`. It is the caller's bytes object, a bytearray of the
    #   decoder, or a view of the lent block; with `copy=False` it is always a view. Nothing resizes the memory behind
    #   that view, so the garbage collector may release it; any other view is released at once. When `_data` is read to
    #   its end, it is replaced at once: if it is empty, there is nothing to decode.
    # - `_backlog`: fed before `_data` was read to its end.
    # While an error waits that can be skipped, `_failed` is the packet before them, and None otherwise.
    __slots__ = (
        "_backlog",
        "_block",
        "_body",
        "_bridge",
        "_connected",
        "_copy",
        "_data",
        "_error",
        "_failed",
        "_faults",
        "_first_byte",
        "_given_connected",
        "_given_version",
        "_is_in_block",
        "_is_ours",
        "_keep_bytes",
        "_key",
        "_lent",
        "_max_packet_size",
        "_packet_bytes",
        "_packet_size",
        "_partial",
        "_position",
        "_role",
        "_started",
        "_version",
    )

    _data: bytes | bytearray | memoryview
    _position: int

    def __init__(
        self,
        version: int | None = None,
        *,
        role: Role | None = None,
        max_packet_size: int = 268_435_460,
        copy: bool = True,
        connected: bool = False,
        keep_bytes: bool = False,
        bridge: bool = False,
    ) -> None:
        if role is not None and type(role) is not Role:
            raise _errors.wrong_type("role", "a Role", role)
        limit = checked_limit(max_packet_size)
        copies, is_connected, keeps_bytes, takes_bridges = bool(copy), bool(connected), bool(keep_bytes), bool(bridge)
        given_version = _connection_version(version, is_connected)
        if not hasattr(self, "_key"):
            # Holds one item, or none while a method runs: a cheaper guard against concurrent calls than a lock. It is a
            # deque because an emptied list frees its memory, and putting the item back could then fail.
            self._key = deque((None,))
            self._packet_bytes = b""
        self._enter()
        try:
            self._given_version = given_version
            self._role = role
            self._max_packet_size = limit
            self._copy = copies
            self._given_connected = is_connected
            self._keep_bytes = keeps_bytes
            self._bridge = takes_bridges
            self._restart()
        finally:
            self._key.append(None)

    def _restart(self) -> None:
        self._version = self._given_version
        self._connected = self._given_connected
        self._started = False
        self._error: Exception | None = None
        self._block: memoryview | None = None
        self._drop_bytes()
        self._select_faults()

    def _drop_bytes(self) -> None:
        self._failed: bytes | None = None  # First, because memory may run out below.
        self._set_data(b"")
        self._partial = bytearray()
        self._packet_size = 0
        self._backlog = bytearray()
        self._lent = 0

    def _select_faults(self) -> None:
        self._faults = _spec.first_byte_faults(self._version, self._role, self._connected)

    @property
    def version(self) -> ProtocolVersion | None:
        """MQTT version of the connection, or None until it is known.

        It may be set before the first packet, to 3, 4, 5 or None.

        Raises:
            TypeError: The value set is not an int or None.
            ValueError: The value set is not 3, 4 or 5, a packet has already begun, or None is set although `connected`
                is true.

        Example:
            >>> decoder = Decoder()
            >>> decoder.version = 4
            >>> decoder.version.name
            'MQTT_3_1_1'
        """
        return self._version

    @version.setter
    def version(self, version: int | None) -> None:
        chosen = _connection_version(version, self._given_connected)
        self._enter()
        try:
            if self._started or self._partial:
                raise ValueError("version must be set before the first packet")
            self._version = chosen
            self._select_faults()
        finally:
            self._key.append(None)

    @version.deleter
    def version(self) -> None:
        raise _errors.cannot_delete(self, "version")

    @property
    def role(self) -> Role | None:
        """The side that this decoder receives for, or None for both.

        Example:
            >>> Decoder(5, role=Role.SERVER).role.name
            'SERVER'
        """
        return self._role

    @property
    def max_packet_size(self) -> int:
        """The largest packet accepted, in bytes, fixed header included.

        Example:
            >>> Decoder(max_packet_size=1024).max_packet_size
            1024
        """
        return self._max_packet_size

    @property
    def copy(self) -> bool:
        """Whether binary data is copied out of the bytes that were fed.

        Example:
            >>> Decoder().copy
            True
        """
        return self._copy

    @property
    def connected(self) -> bool:
        """Whether another parser has taken the CONNECT, as given to the constructor.

        Example:
            >>> Decoder(4, connected=True).connected
            True
        """
        return self._given_connected

    @property
    def keep_bytes(self) -> bool:
        """Whether `packet_bytes` holds the bytes of the packet returned last.

        Example:
            >>> Decoder(keep_bytes=True).keep_bytes
            True
        """
        return self._keep_bytes

    @property
    def bridge(self) -> bool:
        """Whether a CONNECT of a bridge is accepted.

        Example:
            >>> decoder = Decoder(bridge=True)
            >>> connect = bytes.fromhex("10 0d 0004 4d515454 84 02 003c 0001 62")
            >>> [packet.bridge for packet in decoder.feed(connect)]
            [True]
        """
        return self._bridge

    @property
    def packet_bytes(self) -> bytes:
        """The bytes of the packet returned last, exactly as they were received, if `keep_bytes` is true.

        Use them to log or forward a packet. `encode` may write it differently. The value is empty again as soon as the
        next packet is requested or another method of the decoder is called.

        Example:
            >>> decoder = Decoder(5, keep_bytes=True)
            >>> for packet in decoder.feed(bytes.fromhex("e0 01 00")):
            ...     print(decoder.packet_bytes.hex(" "), "not", encode(packet).hex(" "))
            e0 01 00 not e0 00
        """
        return self._packet_bytes

    @property
    def pending(self) -> int:
        """The number of bytes held that do not belong to a returned packet yet.

        If it is not 0 at the end of the stream, after the last packet was taken, the stream ended within a packet.
        After an error it is 0, unless `skip` can continue.

        Example:
            >>> decoder = Decoder(5)
            >>> list(decoder.feed(bytes.fromhex("c0")))
            []
            >>> decoder.pending
            1
        """
        failed = 0 if self._failed is None else len(self._failed)
        return failed + len(self._partial) + len(self._data) - self._position + len(self._backlog)

    def reset(self) -> None:
        """Return the decoder to its initial state, for a new connection.

        This drops all bytes and any error, takes back the buffer lent by `get_buffer`, and restores the version given
        to the constructor. If `connected` is true, a CONNECT is rejected again.

        Raises:
            RuntimeError: Another call of this decoder is in progress.

        Example:
            >>> decoder = Decoder(5)
            >>> packets = decoder.feed(bytes.fromhex("c0"))
            >>> decoder.reset()
            >>> decoder.pending
            0
        """
        self._enter()
        try:
            self._restart()
        finally:
            self._key.append(None)

    def feed(self, data: Buffer) -> Iterator[Packet]:
        """Add received bytes, and return an iterator over the packets that are complete.

        The iterator is the decoder itself. Each step decodes one packet. A loop may stop early, and `feed(b"")` resumes
        it. More bytes may be fed inside a loop.

        Args:
            data: The bytes received next, in any buffer that `decode` takes. A bytes object is kept by reference until
                it is read; any other buffer is copied at once.

        Returns:
            The decoder. Its iteration raises `DecodeError` at the first invalid packet, after all packets before it.
            From then on, every call raises an equal error until `reset` or `skip`.

        Raises:
            DecodeError: An earlier packet was invalid.
            TypeError: `data` is not bytes-like.
            BufferError: `data` is not C-contiguous, or its items are not single bytes.
            RuntimeError: Another call of this decoder is in progress, or an earlier one was interrupted (by Ctrl-C,
                say).

        Example:
            >>> for packet in Decoder(5).feed(bytes.fromhex("c000 d000")):
            ...     print(packet)
            PingReq()
            PingResp()
        """
        self._enter()
        try:
            if self._error is not None:
                self._check_failed()
            if type(data) is bytes:
                self._lent = 0
                if self._data:
                    self._backlog += data
                elif len(self._partial) + len(data) < self._packet_size:
                    self._partial += data
                elif data:
                    self._set_data(data)
            else:
                with byte_view(data) as view:
                    copied = bytearray(view)
                self._lent = 0
                self._append(copied, is_ours=True)
        except MemoryError as error:
            self._set_failed(error)
            raise
        finally:
            self._key.append(None)
        return self

    def get_buffer(self, sizehint: int = -1) -> memoryview:
        """Lend a writable buffer to receive into, for `recv_into` or `asyncio.BufferedProtocol`.

        The decoder owns the buffer. It may be written to until the next call of `buffer_updated`, `feed` or `reset`, or
        until the iteration raises an error.

        Args:
            sizehint: Smallest size wanted, in bytes. The buffer has 65,536 bytes, or `sizehint` if that is more.

        Returns:
            A writable memoryview of the buffer.

        Raises:
            DecodeError: An earlier packet was invalid.
            TypeError: `sizehint` is not an int.
            ValueError: `sizehint` is more than `sys.maxsize`.
            RuntimeError: Another call of this decoder is in progress, or an earlier one was interrupted (by Ctrl-C,
                say).

        Example:
            >>> decoder = Decoder(5)
            >>> decoder.get_buffer()[:2] = bytes.fromhex("c000")
            >>> list(decoder.buffer_updated(2))
            [PingReq()]
        """
        self._enter()
        try:
            self._check_failed()
            size = max(integer(sizehint, "sizehint"), LENT_SIZE)
            if size > sys.maxsize:
                raise _errors.bad_value("sizehint", f"{sys.maxsize} or less", sizehint)
            if self._is_in_block:
                self._copy_unread()  # The block can then be lent again, or freed.
            # A block is not lent again if a view of it that was returned may still be in use.
            if self._block is None or len(self._block) < size or not (self._copy or self._lent):
                self._block = memoryview(bytearray(size))
            self._lent = size
            # Return a separate view: the caller may release it, and `_block` still keeps the bytearray from being
            # resized.
            return self._block[:size]
        finally:
            self._key.append(None)

    def buffer_updated(self, nbytes: int) -> Iterator[Packet]:
        """Take the bytes that were written into the buffer lent by `get_buffer`.

        Args:
            nbytes: How many bytes at the start of the buffer were written, from 0 to its size.

        Returns:
            The decoder, as `feed` does.

        Raises:
            DecodeError: An earlier packet was invalid.
            TypeError: `nbytes` is not an int.
            ValueError: `nbytes` is less than 0, or more than was lent. After `feed` or `reset`, no buffer is lent.
            RuntimeError: Another call of this decoder is in progress, or an earlier one was interrupted (by Ctrl-C,
                say).

        Example:
            >>> decoder = Decoder(5)
            >>> buffer = decoder.get_buffer()
            >>> list(decoder.buffer_updated(0))
            []
        """
        self._enter()
        try:
            self._check_failed()
            count = integer(nbytes, "nbytes")
            if not 0 <= count <= self._lent:
                raise _errors.bad_value("nbytes", f"0 to {self._lent}, the size of the lent buffer", nbytes)
            self._lent = 0
            if count:
                assert self._block is not None
                with self._block[:count] as written:
                    if len(self._block) == LENT_SIZE and not self._keep_bytes:
                        self._append(written.toreadonly(), is_in_block=True)
                    else:
                        # With `keep_bytes`, the bytes that are returned must be those that were decoded, even if
                        # another thread writes to the block.
                        self._append(bytearray(written), is_ours=True)
                if len(self._block) != LENT_SIZE:
                    self._block = None  # Do not keep a block that is larger than usual.
        except MemoryError as error:
            self._set_failed(error)
            raise
        finally:
            self._key.append(None)
        return self

    def skip(self) -> bytes:
        """Forget an invalid packet, so that iteration continues with the packet after it.

        Only a packet whose body is invalid can be skipped, and no CONNECT: errors in the fixed header, such as a
        reserved packet type or a packet that is too large, leave no packet to skip. While such an error waits, the
        decoder keeps the invalid packet and the bytes after it, and accepts no more.

        A skipped PUBLISH of QoS 1 or 2 is not acknowledged, so the peer sends it again after a reconnect. To get rid of
        it, send the acknowledgement yourself, with the packet identifier from the returned bytes.

        Returns:
            The bytes of the invalid packet.

        Raises:
            RuntimeError: No error was raised, or the error that was raised cannot be skipped; or another call of this
                decoder is in progress.

        Example:
            >>> decoder = Decoder(5)
            >>> try:
            ...     list(decoder.feed(bytes.fromhex("40 02 0000 c0 00")))
            ... except DecodeError as error:
            ...     print(error, decoder.skip().hex(" "), sep="; ")
            packet_id of PUBACK must not be 0, at byte 2 [U24]; 40 02 00 00
            >>> list(decoder)
            [PingReq()]
        """
        self._enter()
        try:
            return self._take_failed()
        finally:
            self._key.append(None)

    def __repr__(self) -> str:
        return _methods.decoder_represented(self, self._error)

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'Decoder' object")

    def __iter__(self) -> Iterator[Packet]:
        return self

    def __next__(self) -> Packet:
        if not self._data and self._error is None and self._key and not self._packet_bytes:
            # Nothing to decode, and no other call in progress: skip the guard, to save time.
            return next(_NOTHING)  # type: ignore[no-any-return]
        self._enter()
        try:
            if self._error is not None:
                self._check_failed()
            packet = self._next_packet()
            if packet is not None:
                return packet
        except (_errors.DecodeError, MemoryError) as error:
            self._set_failed(error)
            raise
        except BaseException:
            # For example KeyboardInterrupt. It may have left the state inconsistent.
            self._set_failed(_INTERRUPTED)
            raise
        finally:
            self._key.append(None)
        return next(_NOTHING)  # type: ignore[no-any-return]

    def _enter(self) -> None:
        try:
            self._key.pop()
        except IndexError:
            raise _errors.busy(self) from None
        if self._packet_bytes:
            self._packet_bytes = b""

    def _check_failed(self) -> None:
        if self._error is not None:
            raise _errors.fresh(self._error)

    def _set_failed(self, error: Exception) -> None:
        """Put the decoder into its failed state: keep the error, and the bytes only if `skip` can continue."""
        if self._error is None:
            self._error = error  # Kept if there is no memory for the copies below.
            self._block = None
            if self._failed is not None and isinstance(error, _errors.DecodeError):
                try:
                    self._keep_unread()
                except BaseException as failure:
                    self._drop_bytes()
                    self._error = _errors.fresh(failure) if isinstance(failure, MemoryError) else _INTERRUPTED
                    raise
            else:
                self._drop_bytes()
            self._error = _errors.fresh(error)

    def _keep_unread(self) -> None:
        """Keep the bytes after the failed packet, where the caller cannot write to them."""
        self._started = True
        self._lent = 0
        if self._position == len(self._data):
            self._drop_data()
        elif self._is_in_block:
            self._copy_unread()
        elif self._is_ours:
            self._drop_read_bytes()

    def _take_failed(self) -> bytes:
        """Return the failed packet, and leave the failed state."""
        failed = self._failed
        if failed is None:
            raise _errors.cannot_skip(self._error)
        self._failed = self._error = None
        return failed

    def _append(
        self, data: bytes | bytearray | memoryview, *, is_ours: bool = False, is_in_block: bool = False
    ) -> None:
        """Add bytes to what is held.

        `is_ours` says that only the decoder keeps `data`. The decoder then drops the bytes that were read.
        """
        if self._data:
            self._backlog += data
        elif data:
            self._set_data(data, is_ours=is_ours, is_in_block=is_in_block)

    def _set_data(
        self, data: bytes | bytearray | memoryview, *, is_ours: bool = False, is_in_block: bool = False
    ) -> None:
        if data and not self._copy:
            with memoryview(data) as view:
                data = view.toreadonly()
        self._data = data
        self._position = 0
        self._is_ours = is_ours
        self._is_in_block = is_in_block

    def _drop_data(self) -> None:
        """Replace `_data`, which is read to its end, by the backlog."""
        if self._backlog:
            fed, self._backlog = self._backlog, bytearray()
            self._set_data(fed, is_ours=True)
        else:
            self._set_data(b"")

    def _copy_unread(self) -> None:
        """Replace `_data` by a copy of its unread bytes."""
        with memoryview(self._data) as view, view[self._position :] as unread:
            self._set_data(bytearray(unread), is_ours=True)

    def _next_packet(self) -> Packet | None:
        while self._data:
            packet = self._next_from_partial() if self._partial else self._next_in_place()
            if self._position == len(self._data):
                self._drop_data()
            elif self._is_ours:
                self._drop_read_bytes()
            if packet is not None:
                return packet
        return None

    def _drop_read_bytes(self) -> None:
        """Drop the bytes that were read, once they are more than the unread ones.

        So the decoder's own memory stays below twice the unread bytes, and each byte is moved once on average.
        """
        rest = len(self._data) - self._position
        if rest < len(self._data) - rest and len(self._data) > KEPT_SIZE:
            self._compact(rest)

    def _compact(self, rest: int) -> None:
        """Move the unread bytes to the start of `_data`, or of a copy if views of it may have been returned."""
        data = self._data
        if type(data) is bytearray:
            with memoryview(data) as view, view[self._position :] as unread:
                view[:rest] = unread
            del data[rest:]
            self._position = 0
        else:
            self._copy_unread()

    def _next_in_place(self) -> Packet | None:
        """The packet at `_position`. If it is incomplete, move its bytes to `_partial` and return None."""
        data, start = self._data, self._position
        first_byte = data[start]  # Read only once, because another thread may write to the lent block.
        fault = self._faults[first_byte]
        if fault is not None:
            raise _spec.first_byte_error(fault, first_byte, self._version, self._version)
        self._first_byte = first_byte
        header = read_length(data, start, len(data), first_byte, self._version or MQTTv5, self._version)
        if header is None:
            # The rest of the header is copied byte by byte, and checked in the copy.
            self._packet_size = 0
            self._take(1)
            return None
        remaining_length, body = header
        end = body + remaining_length
        if end - start > self._max_packet_size:
            self._check_size(end - start)
        if end <= len(data):
            self._position = end  # Before an error, because the packet may be skipped.
            return self._decode(data, start, body, end, first_byte)
        self._packet_size = end - start
        self._body = body - start
        if type(data) is bytes and len(data) - start <= KEPT_SIZE:
            self._partial += data[start:]
            self._position = len(data)
        elif type(data) is bytearray:
            self._compact(len(data) - start)
            self._partial = data
            self._drop_data()
        else:
            self._take(len(data) - start)
        return None

    def _next_from_partial(self) -> Packet | None:
        """The packet that begins in `_partial`, or None if `_data` does not complete it."""
        partial = self._partial
        while not self._packet_size and self._position < len(self._data):
            self._take(1)
            header = read_length(partial, 0, len(partial), self._first_byte, self._version or MQTTv5, self._version)
            if header is not None:
                self._check_size(sum(header))
                self._packet_size, self._body = sum(header), header[1]
        size = self._packet_size
        end = self._position + size - len(partial)
        if not size or end > len(self._data):
            self._take(len(self._data) - self._position)
            return None
        whole: bytes | bytearray
        if size <= KEPT_SIZE and self._copy:
            whole = bytes(partial) + copied(self._data, self._position, end)
            self._position = end
            partial.clear()
        elif self._keep_bytes and self._copy:
            self._take(end - self._position)
            whole = bytes(partial)  # `_decode` keeps this object, so that there is no third copy with the payload.
            partial.clear()
        else:
            self._take(end - self._position)
            whole, self._partial = partial, bytearray()
        self._packet_size = 0
        # Use the header as it was checked. The copy may differ, if the caller wrote to the lent block later.
        return self._decode(whole, 0, self._body, size, self._first_byte)

    def _take(self, size: int) -> None:
        """Move `size` bytes from `_data` to `_partial`."""
        end = self._position + size
        with memoryview(self._data) as view, view[self._position : end] as part:
            self._partial += part
        self._position = end

    def _check_size(self, packet_size: int) -> None:
        if packet_size > self._max_packet_size:
            raise _errors.PACKET_TOO_LARGE.decoding(
                self._version or MQTTv5,
                1,
                "",
                packet_size,
                self._version,
                self._first_byte >> 4,
            )

    def _decode(self, data: bytes | bytearray | memoryview, start: int, body: int, end: int, first_byte: int) -> Packet:
        if isinstance(data, bytearray):
            # Release the view at once, because a bytearray with views cannot shrink.
            with memoryview(data) as view:
                return self._decode(view, start, body, end, first_byte)
        try:
            packet = decode_body(
                data,
                start,
                body,
                end,
                first_byte,
                self._version or MQTTv5,
                self._version,
                self._role,
                self._copy,
                self._bridge,
            )
        except _errors.DecodeError:
            if first_byte >> 4 != _CONNECT:
                self._failed = copied(data, start, end)
            raise
        self._started = True
        if type(packet) is Connect:
            version = packet.protocol_version
            if self._version is None:
                self._version = version
            elif self._version != version:
                raise _errors.VERSION_CHANGED.decoding(
                    self._version, 0, "", version.title, self._version, PacketType.CONNECT
                )
            self._connected = True
            self._select_faults()
        if self._keep_bytes:
            self._packet_bytes = copied(data, start, end)
        return packet


def _connection_version(version: object, connected: bool) -> ProtocolVersion | None:
    chosen = optional_version(version)
    if chosen is None and connected:
        raise _errors.version_required()
    return chosen
