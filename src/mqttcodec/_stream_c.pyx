# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
# Index checks are off. The only index, into the 256 faults of first bytes, is a byte.
# cython: boundscheck=False, wraparound=False
"""The incremental `Decoder`: the compiled `_stream_py.py`, with the same names in the same order.

Objects of exact type bytes are kept and parsed in place. An incomplete packet is collected in a `Builder`.
"""

cimport cython
from cpython.buffer cimport PyBuffer_Release
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.stdint cimport int64_t, uint8_t
from libc.string cimport memcpy, memmove

from ._arguments_c cimport *
from ._decode_c cimport decode_body
from ._packets_c cimport Connect
from ._reader_c cimport *
from ._spec_c cimport *

cdef extern from "_traceback.h":
    pass

from . import _errors, _methods, _spec
from ._enums import Role as RoleEnum

cdef extern from "Python.h":
    PyObject* new_bytes "PyBytes_FromStringAndSize"(const char* data, Py_ssize_t size) except NULL
    # Declared without `except -1`: the caller must check the result.
    int _PyBytes_Resize(PyObject** bytes, Py_ssize_t size)
    const Py_ssize_t PY_SSIZE_T_MAX
    # Declared to borrow the tuple as well. All decoders share it, and without the GIL, threads would contend for its
    # reference count.
    PyObject* PyTuple_GET_ITEM(PyObject* items, Py_ssize_t at) noexcept
    object taken_over "(PyObject*)"(PyObject* owned)
    ctypedef PyObject* (*iternextfunc)(PyObject*)
    ctypedef struct PyTypeObject:
        iternextfunc tp_iternext

cdef enum:
    LENT_SIZE = 65_536
    # Buffers of up to this size are kept whole, without dropping the bytes that were read.
    KEPT_SIZE = 2_048
    # The payload of a PUBLISH above this size that arrives in pieces is collected in the object that is returned.
    LARGE = 65_536


# Preallocated, because it may be needed when memory is exhausted.
cdef object INTERRUPTED = _errors.decoder_interrupted()


@cython.final
@cython.no_gc
cdef class Builder:
    """Collects bytes in the object that is returned in the end.

    The object is resized in place. For a large one, the system can move its pages instead of copying them.
    """

    # Owned: NULL, or a bytes object of which the first `size` bytes are set. No other code may see it until it has its
    # final size.
    # `_PyBytes_Resize` replaces it through the pointer, and sets it to NULL if memory runs out.
    cdef PyObject* growing
    cdef Py_ssize_t size

    def __dealloc__(self):
        Py_XDECREF(self.growing)

    cdef const uint8_t* data(self) noexcept:
        return <const uint8_t*> PyBytes_AS_STRING(<object> self.growing)

    cdef int append(self, const uint8_t* data, Py_ssize_t size, Py_ssize_t limit) except -1:
        """Add bytes. The capacity grows ahead of the size, but the total never exceeds `limit` for that reason."""
        if size == 0:
            return 0
        if size > PY_SSIZE_T_MAX - self.size:
            raise MemoryError
        cdef Py_ssize_t needed = self.size + size
        cdef Py_ssize_t capacity
        if self.growing == NULL:
            self.growing = new_bytes(NULL, needed)
        else:
            capacity = PyBytes_GET_SIZE(<object> self.growing)
            if needed > capacity:
                # Grow by half of the old capacity. Together with the bytes being fed, the memory used then stays below
                # twice the bytes held.
                self.resize(max(needed, capacity + min(capacity // 2, limit - capacity)))
        memcpy(<uint8_t*> PyBytes_AS_STRING(<object> self.growing) + self.size, data, <size_t> size)
        self.size = needed
        return 0

    cdef int fit(self) except -1:
        """Reduce the capacity to the size, so that `growing` is the bytes collected. There must be some."""
        if PyBytes_GET_SIZE(<object> self.growing) != self.size:
            self.resize(self.size)
        return 0

    cdef bytes take(self):
        """Return the bytes collected, and leave the builder empty."""
        cdef bytes taken
        if self.size == 0:
            return b""
        self.fit()
        taken = <bytes> self.growing
        Py_DECREF(taken)  # `taken` has a reference of its own. This one belonged to the builder.
        self.growing = NULL
        self.size = 0
        return taken

    cdef int resize(self, Py_ssize_t capacity) except -1:
        if _PyBytes_Resize(&self.growing, capacity) < 0:
            self.size = 0  # The bytes are lost. The error puts the decoder into its failed state.
            return -1
        return 0

    cdef void clear(self) noexcept:
        Py_XDECREF(self.growing)
        self.growing = NULL
        self.size = 0


@cython.final
cdef class Decoder:
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

    __signature__ = _methods.Signature(
        "version=None, *, role=None, max_packet_size=268435460, copy=True, connected=False, keep_bytes=False, "
        "bridge=False"
    )

    cdef object _given_version, _version, _role, _error, _faults
    cdef int _version_number
    cdef Role _receiver
    cdef int64_t _max_packet_size
    cdef bint _copy, _given_connected, _keep_bytes, _bridge, _connected, _started, _busy, _is_ours, _is_in_block
    # `feed` of bytes has nothing to do for binary data that is copied and packets whose bytes are not kept.
    cdef bint _is_usual
    # Bytes are held in three places, in stream order:
    # - `_partial`: the start of an incomplete packet; for a large PUBLISH, `_payload` has the bytes of its payload.
    # - `_data`: parsed in place, and read up to `_position`. It is the caller's bytes object, a bytes object of the
    #   decoder, or the lent block. With `copy=False`, `_view` is a memoryview of it.
    # - `_backlog`: fed before `_data` was read to its end.
    # While an error waits that can be skipped, `_failed` is the packet before all these, and None otherwise.
    cdef Builder _partial, _payload, _backlog
    cdef bytes _failed, _packet_bytes
    # `_packet_size` is 0 until the fixed header of the next packet has been read and accepted, so that an error that
    # finds another value is one in a packet's body.
    cdef Py_ssize_t _packet_size, _body, _head_size
    # The first byte of the packet in `_partial`, as it was checked. The copy in `_partial` may differ, if the caller
    # wrote to the lent block later.
    cdef uint8_t _first_byte
    cdef object _data, _view
    cdef const uint8_t* _start
    cdef Py_ssize_t _size, _position
    # The block that `get_buffer` lends: a memoryview, which keeps the bytearray from being resized.
    cdef object _block
    cdef Py_ssize_t _lent

    def __cinit__(self):
        self._partial = Builder()
        self._payload = Builder()
        self._backlog = Builder()
        self._copy = self._is_usual = True
        self.restart()

    def __init__(
        self,
        version=None,
        *,
        role=None,
        max_packet_size=MAXIMUM_REMAINING_LENGTH + 5,
        copy=True,
        connected=False,
        keep_bytes=False,
        bridge=False,
    ):
        if role is not None and type(role) is not RoleEnum:
            raise _errors.wrong_type("role", "a Role", role)
        cdef int64_t limit = checked_limit(max_packet_size)
        cdef bint copies = copy, is_connected = connected, keeps_bytes = keep_bytes, takes_bridges = bridge
        cdef Role receiver = SERVER if role is RoleEnum.SERVER else CLIENT if role is RoleEnum.CLIENT else EITHER
        given_version = connection_version(version, is_connected)
        with cython.critical_section(self):
            self.enter()
            try:
                self._given_version = given_version
                self._role = role
                self._receiver = receiver
                self._max_packet_size = limit
                self._copy = copies
                self._given_connected = is_connected
                self._keep_bytes = keeps_bytes
                self._is_usual = copies and not keeps_bytes
                self._bridge = takes_bridges
                self.restart()
            finally:
                self._busy = False

    cdef int restart(self) except -1:
        self._version = self._given_version
        self._connected = self._given_connected
        self._started = False
        self._error = None
        self._packet_bytes = b""
        self._block = None
        self.drop_bytes()
        self.select_faults()
        return 0

    cdef void drop_bytes(self):
        self._partial.clear()
        self._payload.clear()
        self._backlog.clear()
        self._failed = None
        self._packet_size = self._body = self._head_size = 0
        self.drop_data()
        self._lent = 0

    cdef int select_faults(self) except -1:
        self._faults = _spec.first_byte_faults(self._version, self._role, self._connected)
        self._version_number = 5 if self._version is None else self._version
        return 0

    @property
    @cython.critical_section
    def version(self):
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
    @cython.critical_section
    def version(self, version):
        chosen = connection_version(version, self._given_connected)
        self.enter()
        self.drop_packet()
        try:
            if self._started or self._partial.size:
                raise ValueError("version must be set before the first packet")
            self._version = chosen
            self.select_faults()
        finally:
            self._busy = False

    @version.deleter
    def version(self):
        raise _errors.cannot_delete(self, "version")

    @property
    @cython.critical_section
    def role(self):
        """The side that this decoder receives for, or None for both.

        Example:
            >>> Decoder(5, role=Role.SERVER).role.name
            'SERVER'
        """
        return self._role

    @property
    @cython.critical_section
    def max_packet_size(self):
        """The largest packet accepted, in bytes, fixed header included.

        Example:
            >>> Decoder(max_packet_size=1024).max_packet_size
            1024
        """
        return self._max_packet_size

    @property
    @cython.critical_section
    def copy(self):
        """Whether binary data is copied out of the bytes that were fed.

        Example:
            >>> Decoder().copy
            True
        """
        return self._copy

    @property
    @cython.critical_section
    def connected(self):
        """Whether another parser has taken the CONNECT, as given to the constructor.

        Example:
            >>> Decoder(4, connected=True).connected
            True
        """
        return self._given_connected

    @property
    @cython.critical_section
    def keep_bytes(self):
        """Whether `packet_bytes` holds the bytes of the packet returned last.

        Example:
            >>> Decoder(keep_bytes=True).keep_bytes
            True
        """
        return self._keep_bytes

    @property
    @cython.critical_section
    def bridge(self):
        """Whether a CONNECT of a bridge is accepted.

        Example:
            >>> decoder = Decoder(bridge=True)
            >>> connect = bytes.fromhex("10 0d 0004 4d515454 84 02 003c 0001 62")
            >>> [packet.bridge for packet in decoder.feed(connect)]
            [True]
        """
        return self._bridge

    @property
    @cython.critical_section
    def packet_bytes(self):
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
    @cython.critical_section
    def pending(self):
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
        # On 32 bits, the sum may exceed PY_SSIZE_T_MAX, because one object may be fed many times. It is built in steps:
        # Cython gives the sum of an int64_t and a Py_ssize_t the type Py_ssize_t.
        cdef int64_t held = self._size - self._position
        held += self._backlog.size
        held += self._partial.size
        held += self._payload.size
        if self._failed is not None:
            held += PyBytes_GET_SIZE(self._failed)
        return held

    @cython.critical_section
    def reset(self):
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
        self.enter()
        try:
            self.restart()
        finally:
            self._busy = False

    @cython.critical_section
    def feed(self, data):
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
        self.enter()
        # The common case: bytes are fed, and no others are held in `_data` or `_backlog`. It enters no `try`, which
        # would be slow, because nothing in it can fail.
        if type(data) is bytes and self._error is None and self._is_usual and self._position == self._size and (
            self._backlog.size == 0
        ):
            self._lent = 0
            if PyBytes_GET_SIZE(data):
                self.set_data(
                    data, <const uint8_t*> PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), False, False
                )
            self._busy = False
        else:
            self.feed_any(data)
        return self

    cdef int feed_any(self, object data) except -1:
        """Add bytes from any buffer, in any state of the decoder."""
        cdef Py_buffer view
        cdef bint is_ours = type(data) is not bytes
        self.drop_packet()
        try:
            self.check_failed()
            if is_ours:
                byte_view(data, &view, "buffer")
                try:
                    data = PyBytes_FromStringAndSize(<const char*> view.buf, view.len)
                except OverflowError:  # The buffer is larger than any bytes object can be.
                    raise MemoryError from None
                finally:
                    PyBuffer_Release(&view)
            self._lent = 0
            self.append(data, <const uint8_t*> PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), is_ours, False)
        except MemoryError as error:
            self.set_failed(error)
            raise
        finally:
            self._busy = False
        return 0

    @cython.critical_section
    def get_buffer(self, sizehint=-1):
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
        cdef Py_ssize_t size
        self.enter()
        self.drop_packet()
        try:
            self.check_failed()
            size = size_to_lend(sizehint)
            if self._is_in_block:
                self.copy_unread()  # The block can then be lent again, or freed.
            # A block is not lent again if a view of it that was returned may still be in use.
            if self._block is None or len(self._block) < size or not (self._copy or self._lent):
                self._block = memoryview(bytearray(size))
            self._lent = size
            # Return a separate view: the caller may release it, and `_block` still keeps the bytearray from being
            # resized.
            return self._block[:size]
        finally:
            self._busy = False

    @cython.critical_section
    def buffer_updated(self, nbytes):
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
        cdef Py_ssize_t count
        cdef const uint8_t* start
        self.enter()
        self.drop_packet()
        try:
            self.check_failed()
            count = size_written(nbytes, self._lent)
            self._lent = 0
            if count:
                block = self._block
                start = <const uint8_t*> PyMemoryView_GET_BUFFER(block).buf
                if len(block) == LENT_SIZE and not self._keep_bytes:
                    self.append(block, start, count, False, True)
                else:
                    # With `keep_bytes`, the bytes that are returned must be those that were decoded, even if another
                    # thread writes to the block.
                    data = PyBytes_FromStringAndSize(<const char*> start, count)
                    self.append(data, <const uint8_t*> PyBytes_AS_STRING(data), count, True, False)
                if len(block) != LENT_SIZE:
                    self._block = None  # Do not keep a block that is larger than usual.
        except MemoryError as error:
            self.set_failed(error)
            raise
        finally:
            self._busy = False
        return self

    @cython.critical_section
    def skip(self):
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
        self.enter()
        self.drop_packet()
        try:
            return self.take_failed()
        finally:
            self._busy = False

    def __repr__(self):
        with cython.critical_section(self):
            error = self._error
        return _methods.decoder_represented(self, error)

    def __iter__(self):
        return self

    def __next__(self):
        cdef PyObject* packet = next_or_null(<PyObject*> self)
        if packet == NULL:
            raise StopIteration
        return taken_over(packet)

    cdef inline int enter(self) except -1:
        if self._busy:
            raise _errors.busy(self)
        self._busy = True
        return 0

    cdef void drop_packet(self) noexcept:
        if self._keep_bytes:
            self._packet_bytes = b""

    cdef int keep_packet(self, const uint8_t* start, Py_ssize_t size) except -1:
        self._packet_bytes = PyBytes_FromStringAndSize(<const char*> start, size)
        return 0

    cdef inline int check_failed(self) except -1:
        if self._error is not None:
            raise _errors.fresh(self._error)
        return 0

    cdef int set_failed(self, object error) except -1:
        """Put the decoder into its failed state: keep the error, and the bytes only if `skip` can continue."""
        if self._error is None:
            self._error = error  # Kept if there is no memory for the copies below.
            self._block = None
            self.drop_packet()
            if self._packet_size and isinstance(error, _errors.DecodeError) and error.packet_type != CONNECT:
                try:
                    self.keep_unread()
                except BaseException as failure:
                    self.drop_bytes()
                    self._error = _errors.fresh(failure) if isinstance(failure, MemoryError) else INTERRUPTED
                    raise
            else:
                self.drop_bytes()
            self._error = _errors.fresh(error)
        return 0

    cdef int keep_unread(self) except -1:
        """Keep the failed packet and the bytes after it, where the caller cannot write to them."""
        cdef bytes failed
        if self._partial.size == 0:
            failed = PyBytes_FromStringAndSize(<const char*> self._start + self._position, self._packet_size)
            self._position += self._packet_size
        else:
            failed = self._partial.take()
            if self._payload.size:
                failed = failed + self._payload.take()
        self._failed = failed
        self._packet_size = self._body = self._head_size = 0
        self._started = True
        self._lent = 0
        if self._is_in_block:
            self.copy_unread()
        return self.drop_read_bytes()

    cdef bytes take_failed(self):
        """Return the failed packet, and leave the failed state."""
        cdef bytes failed = self._failed
        if failed is None:
            raise _errors.cannot_skip(self._error)
        self._failed = self._error = None
        return failed

    cdef int append(
        self, object owner, const uint8_t* data, Py_ssize_t size, bint is_ours, bint is_in_block
    ) except -1:
        """Add bytes of `owner` to what is held.

        `is_ours` says that only the decoder keeps `owner`. The decoder then drops the bytes that were read.
        """
        if self._position < self._size or self._backlog.size:
            self._backlog.append(data, size, PY_SSIZE_T_MAX)
        elif size:
            self.set_data(owner, data, size, is_ours, is_in_block)
        return 0

    cdef inline int set_data(
        self, object owner, const uint8_t* data, Py_ssize_t size, bint is_ours, bint is_in_block
    ) except -1:
        self._view = None if self._copy else memoryview(owner)
        self._data = owner
        self._start = data
        self._size = size
        self._position = 0
        self._is_ours = is_ours
        self._is_in_block = is_in_block
        return 0

    cdef void drop_data(self):
        self._data = self._view = None
        self._start = NULL
        self._size = self._position = 0
        self._is_ours = self._is_in_block = False

    cdef int copy_unread(self) except -1:
        """Replace `_data` by a copy of its unread bytes."""
        cdef Py_ssize_t rest = self._size - self._position
        cdef bytes data = PyBytes_FromStringAndSize(<const char*> self._start + self._position, rest)
        return self.set_data(data, <const uint8_t*> PyBytes_AS_STRING(data), rest, True, False)

    cdef object next_packet(self):
        """The next packet, or None if no packet is complete."""
        self.drop_packet()
        self.check_failed()
        while True:
            if self._position == self._size:
                self.drop_data()
                if self._backlog.size == 0:
                    return None
                fed = self._backlog.take()
                self.set_data(fed, <const uint8_t*> PyBytes_AS_STRING(fed), PyBytes_GET_SIZE(fed), True, False)
                fed = None  # `compact` needs the only reference.
            if self._partial.size == 0:
                packet = self.next_in_place()
            else:
                packet = self.next_from_partial()
            if packet is not None:
                self.drop_read_bytes()
                return packet

    cdef int record_pending_error(self) except -1:
        """Drop all state except the pending error, then re-raise it."""
        try:
            reraise()
        except (_errors.DecodeError, MemoryError) as error:
            self.set_failed(error)
            raise
        except BaseException:
            # For example KeyboardInterrupt. It may have left the state inconsistent.
            self.set_failed(INTERRUPTED)
            raise
        finally:
            self._busy = False
        return 0

    cdef inline int drop_read_bytes(self) except -1:
        """Drop the bytes that were read, once they are more than the unread ones.

        So the decoder's own memory stays below twice the unread bytes, and each byte is moved once on average.
        """
        cdef Py_ssize_t rest = self._size - self._position
        if rest == 0:
            self.drop_data()
        elif self._is_ours and rest < self._size - rest and self._size > KEPT_SIZE:
            self.compact(rest)
        return 0

    cdef int compact(self, Py_ssize_t rest) except -1:
        """Move the unread bytes to the start of `_data`, or of a copy if views of it may have been returned."""
        cdef const uint8_t* unread = self._start + self._position
        cdef PyObject* data
        if not self._copy:
            return self.copy_unread()
        memmove(<uint8_t*> self._start, unread, <size_t> rest)
        data = <PyObject*> self._data
        Py_INCREF(self._data)
        self.drop_data()  # The reference in `data` is the only one now.
        if _PyBytes_Resize(&data, rest) < 0:
            return -1
        self.set_data(<object> data, <const uint8_t*> PyBytes_AS_STRING(<object> data), rest, True, False)
        Py_DECREF(<object> data)
        return 0

    cdef object next_in_place(self):
        """The packet at `_position`. If it is incomplete, move its bytes to `_partial` and return None."""
        cdef const uint8_t* start = self._start + self._position
        cdef Py_ssize_t size = self._size - self._position
        cdef int64_t remaining_length = 0
        cdef int header_size
        cdef Cursor cursor
        cdef uint8_t first_byte = start[0]  # Read only once, because another thread may write to the lent block.
        cdef bint is_known = self._version is not None
        self.check_first_byte(first_byte)
        header_size = read_length(start, size, first_byte, self._version_number, is_known, &remaining_length)
        if header_size:
            self.check_size(header_size + remaining_length, first_byte)
            if size - header_size >= remaining_length:
                size = header_size + <Py_ssize_t> remaining_length
                self._packet_size = size
                open_cursor(
                    &cursor, start, header_size, size, self._version_number, is_known, self._receiver, self._bridge
                )
                if self._view is not None:
                    keep_views_of(&cursor, self._view)
                packet = self.accept(decode_body(&cursor, first_byte))
                if self._keep_bytes:
                    self.keep_packet(start, size)
                self._packet_size = 0
                self._position += size
                return packet
            self._packet_size = header_size + <Py_ssize_t> remaining_length
            if self._packet_size > LARGE:
                size = header_size  # `find_head` decides where the rest goes.
        else:
            size = 1  # The rest of the header is copied byte by byte, and checked in the copy.
        self._first_byte = first_byte
        self._body = header_size
        self.take(self._partial, size)
        return None

    cdef object next_from_partial(self):
        """The packet that begins in `_partial`, or None if `_data` does not complete it."""
        cdef int64_t remaining_length = 0
        cdef Cursor cursor
        while self._packet_size == 0 and self._position < self._size:
            self.take(self._partial, 1)
            self._body = read_length(
                self._partial.data(),
                self._partial.size,
                self._first_byte,
                self._version_number,
                self._version is not None,
                &remaining_length,
            )
            if self._body:
                self.check_size(self._body + remaining_length, self._first_byte)
                self._packet_size = self._body + <Py_ssize_t> remaining_length
        if self._packet_size == 0:
            return None
        if self._head_size == 0 and not self.find_head():
            return None
        if self._head_size == self._packet_size:
            self.take(self._partial, self._packet_size - self._partial.size)
        else:
            self.take(self._payload, self._packet_size - self._head_size - self._payload.size)
        if self._partial.size + self._payload.size < self._packet_size:
            return None
        open_cursor(
            &cursor,
            self._partial.data(),
            self._body,
            self._head_size,
            self._version_number,
            self._version is not None,
            self._receiver,
            self._bridge,
        )
        if self._payload.size:
            self._payload.fit()
            cursor.payload = self._payload.growing
        if not self._copy:
            self._partial.fit()
            view = memoryview(<object> self._partial.growing)
            keep_views_of(&cursor, view)
        # Both builders keep their bytes until the packet is decoded, because an error may be skipped.
        packet = self.accept(decode_body(&cursor, self._first_byte))
        if self._keep_bytes:
            self._packet_bytes = self._partial.take()
        self._partial.clear()
        self._payload.clear()
        self._packet_size = self._body = self._head_size = 0
        return packet

    cdef bint find_head(self) except -1:
        """Set `_head_size`: the size of a large PUBLISH without its payload, or of any other packet as a whole.

        Returns whether the size is known. For a large PUBLISH, `_partial` then ends before the payload.
        """
        cdef Py_ssize_t head_size = 0
        cdef bint is_known = False
        if self._packet_size <= LARGE or not self._copy or self._keep_bytes or self._first_byte >> 4 != PUBLISH:
            self._head_size = self._packet_size
            return True
        while not is_known:
            head_size = publish_head_size(
                self._partial.data(),
                self._partial.size,
                self._body,
                self._first_byte,
                self._version_number,
                &is_known,
            )
            if head_size >= self._packet_size:
                # The payload is empty, or a length is wrong: `decode_body` gets the packet as a whole.
                self._head_size = self._packet_size
                return True
            self.take(self._partial, head_size - self._partial.size)
            if self._partial.size < head_size:
                return False
        self._head_size = head_size
        return True

    cdef int take(self, Builder builder, Py_ssize_t size) except -1:
        """Move up to `size` bytes from `_data` to a builder. The packet's size limits the builder's capacity."""
        cdef Py_ssize_t limit = self._packet_size or 5
        size = min(size, self._size - self._position)
        if size > 0:
            if builder is self._payload:
                limit -= self._head_size
            builder.append(self._start + self._position, size, limit)
            self._position += size
        return 0

    cdef inline int check_first_byte(self, uint8_t first_byte) except -1:
        if PyTuple_GET_ITEM(<PyObject*> self._faults, first_byte) != <PyObject*> None:
            raise _spec.first_byte_error(self._faults[first_byte], first_byte, self._version, self._version)
        return 0

    cdef inline int check_size(self, int64_t packet_size, uint8_t first_byte) except -1:
        if packet_size > self._max_packet_size:
            raise _errors.PACKET_TOO_LARGE.decoding(
                self._version_number, 1, "", packet_size, self._version, first_byte >> 4
            )
        return 0

    cdef inline object accept(self, object packet):
        """Update the state for the packets that follow, and return `packet`."""
        self._started = True
        if type(packet) is Connect:
            version = (<Connect> packet).protocol_version
            if self._version is None:
                self._version = version
            elif self._version != version:
                raise _errors.VERSION_CHANGED.decoding(
                    self._version, 0, "", version.title, self._version, CONNECT
                )
            self._connected = True
            self.select_faults()
        return packet


ctypedef PyObject* (*PacketOrNull)(Decoder) noexcept
cdef PacketOrNull packet_or_null = <PacketOrNull> packet_or_error


cdef object packet_or_error(Decoder decoder):
    return decoder.next_packet()


cdef int reraise() except -1:
    return -1  # The error is already set.


cdef PyObject* next_or_null(PyObject* self) except? NULL:
    """`Decoder.__next__` as the interpreter calls it: returns NULL without an error if no packet is complete.

    This saves the creation of a StopIteration. `packet_or_null` leaves an error pending, so that no `try` is entered
    for each packet, which would be slow; `record_pending_error` handles the error.
    """
    cdef PyObject* packet
    cdef Decoder decoder = <Decoder> self
    with cython.critical_section(decoder):
        decoder.enter()
        packet = packet_or_null(decoder)
        if packet == NULL:
            decoder.record_pending_error()
        decoder._busy = False
        if packet == <PyObject*> None:
            Py_DECREF(None)
            return NULL
        return packet


(<PyTypeObject*> Decoder).tp_iternext = <iternextfunc> next_or_null


cdef Py_ssize_t publish_head_size(
    const uint8_t* packet, Py_ssize_t size, Py_ssize_t body, uint8_t first_byte, int version, bint* is_known
) noexcept:
    """The size of a PUBLISH without its payload.

    While it is unknown, `is_known` is false, and the result is the number of bytes needed for the next step.
    """
    cdef Py_ssize_t head_size = body + 2
    cdef Py_ssize_t properties = 0
    cdef int shift
    is_known[0] = False
    if size < head_size:
        return head_size
    head_size += (packet[body] << 8 | packet[body + 1]) + (2 if first_byte & 0x06 else 0)
    if has_properties(version):
        for shift in range(0, 28, 7):
            head_size += 1
            if size < head_size:
                return head_size
            properties |= <Py_ssize_t> (packet[head_size - 1] & 0x7F) << shift
            if packet[head_size - 1] < 0x80:
                break
    is_known[0] = True
    return head_size + properties


cdef object connection_version(object version, bint connected):
    chosen = optional_version(version)
    if chosen is None and connected:
        raise _errors.version_required()
    return chosen


cdef Py_ssize_t size_to_lend(object sizehint) except -1:
    cdef int64_t hint = integer(sizehint, "sizehint")
    if hint > PY_SSIZE_T_MAX or (hint == OUTSIDE and int.__index__(sizehint) > 0):
        raise _errors.bad_value("sizehint", f"{PY_SSIZE_T_MAX} or less", sizehint)
    return max(<Py_ssize_t> hint, <Py_ssize_t> LENT_SIZE)


cdef Py_ssize_t size_written(object nbytes, Py_ssize_t lent) except -1:
    cdef int64_t count = integer(nbytes, "nbytes")
    if not 0 <= count <= lent:
        raise _errors.bad_value("nbytes", f"0 to {lent}, the size of the lent buffer", nbytes)
    return <Py_ssize_t> count
