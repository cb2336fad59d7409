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

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: `version` is not 3, 4 or 5, or `max_packet_size` is less than 2.
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
    __slots__ = (
        "_backlog",
        "_block",
        "_body",
        "_connected",
        "_copy",
        "_data",
        "_error",
        "_faults",
        "_first_byte",
        "_given_version",
        "_is_in_block",
        "_is_ours",
        "_key",
        "_lent",
        "_max_packet_size",
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
    ) -> None:
        if role is not None and type(role) is not Role:
            raise _errors.wrong_type("role", "a Role", role)
        limit = checked_limit(max_packet_size)
        copies = bool(copy)
        given_version = optional_version(version)
        if not hasattr(self, "_key"):
            # Holds one item, or none while a method runs: a cheaper guard against concurrent calls than a lock. It is a
            # deque because an emptied list frees its memory, and putting the item back could then fail.
            self._key = deque((None,))
        self._enter()
        try:
            self._given_version = given_version
            self._role = role
            self._max_packet_size = limit
            self._copy = copies
            self._restart()
        finally:
            self._key.append(None)

    def _restart(self) -> None:
        self._version = self._given_version
        self._connected = self._started = False
        self._error: Exception | None = None
        self._block: memoryview | None = None
        self._drop_bytes()
        self._select_faults()

    def _drop_bytes(self) -> None:
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
            ValueError: The value set is not 3, 4 or 5, or a packet has already begun.

        Example:
            >>> decoder = Decoder()
            >>> decoder.version = 4
            >>> decoder.version.name
            'MQTT_3_1_1'
        """
        return self._version

    @version.setter
    def version(self, version: int | None) -> None:
        chosen = optional_version(version)
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
    def pending(self) -> int:
        """The number of bytes held that do not belong to a returned packet yet.

        If it is not 0 at the end of the stream, after the last packet was taken, the stream ended within a packet.

        Example:
            >>> decoder = Decoder(5)
            >>> list(decoder.feed(bytes.fromhex("c0")))
            []
            >>> decoder.pending
            1
        """
        return len(self._partial) + len(self._data) - self._position + len(self._backlog)

    def reset(self) -> None:
        """Return the decoder to its initial state, for a new connection.

        This drops all bytes and any error, takes back the buffer lent by `get_buffer`, and restores the version given
        to the constructor.

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
            From then on, every call raises an equal error until `reset`.

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

        The decoder owns the buffer. It may be written to until the next call of `buffer_updated`, `feed` or `reset`.

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
                    if len(self._block) == LENT_SIZE:
                        self._append(written.toreadonly(), is_in_block=True)
                    else:  # Do not keep a block that is larger than usual.
                        self._append(bytearray(written), is_ours=True)
                        self._block = None
        except MemoryError as error:
            self._set_failed(error)
            raise
        finally:
            self._key.append(None)
        return self

    def __repr__(self) -> str:
        return _methods.decoder_represented(self, self._error)

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle 'Decoder' object")

    def __iter__(self) -> Iterator[Packet]:
        return self

    def __next__(self) -> Packet:
        if not self._data and self._error is None and self._key:
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

    def _check_failed(self) -> None:
        if self._error is not None:
            raise _errors.fresh(self._error)

    def _set_failed(self, error: Exception) -> None:
        """Put the decoder into its failed state: keep the error, and drop all bytes."""
        if self._error is None:
            self._error = error  # Kept if there is no memory for the copy below.
            self._block = None
            self._drop_bytes()
            self._error = _errors.fresh(error)

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
            packet = self._decode(data, start, body, end, first_byte)
            self._position = end
            return packet
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
        packet = decode_body(
            data, start, body, end, first_byte, self._version or MQTTv5, self._version, self._role, self._copy
        )
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
        return packet
