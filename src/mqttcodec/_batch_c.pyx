# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
"""The `Encoder`, which batches packets: the compiled `_batch_py.py`, with the same names in the same order.

One `Writer` collects the packets of a batch. A large payload splits the batch.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free
from libc.stdint cimport int64_t, uint8_t

from ._arguments_c cimport *
from ._encode_c cimport append_fast_publish, put_acknowledgements, write_packet
from ._packets_c cimport Connect, Publish
from ._spec_c cimport *
from ._writer_c cimport *

cdef extern from "_traceback.h":
    pass

from . import _errors, _methods

cdef enum:
    # Payloads of at least this size are not copied.
    LARGE = 8_192
    ACKNOWLEDGEMENT_SIZE = 4
    # A buffer of up to this size is kept for the next batch.
    KEPT_SIZE = 16_384

# The changes that make a packet smaller, in the order in which they are tried.
cdef tuple LESS = ({"user_properties": ()}, {"user_properties": (), "reason_string": None})


@cython.final
cdef class Encoder:
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

    __signature__ = _methods.Signature("version=None, *, max_packet_size=268435460")

    cdef object _version
    cdef int64_t _max_packet_size
    cdef bint _busy
    # The batch is in `_parts`, of `_parts_size` bytes together, and after them in `_writer`. The offset of the packet
    # in the writer is where a call began, so that it can be undone. The writer's bytes are in `_stack` until they
    # outgrow it.
    cdef list _parts
    cdef int64_t _parts_size
    cdef Writer _writer
    cdef uint8_t _stack[STACK_SIZE]

    def __cinit__(self):
        self._parts = []
        self._max_packet_size = MAXIMUM_REMAINING_LENGTH + 5
        open_writer(&self._writer, self._stack, 5)

    def __init__(self, version=None, *, max_packet_size=MAXIMUM_REMAINING_LENGTH + 5):
        cdef int64_t limit = checked_limit(max_packet_size)
        given_version = optional_version(version)
        with cython.critical_section(self):
            self.enter()
            self.set_version(given_version)
            self._max_packet_size = limit
            self.clear()
            self._busy = False

    def __dealloc__(self):
        close_writer(&self._writer)

    cdef int set_version(self, object version) except -1:
        self._writer.version = 5 if version is None else version
        self._version = version
        return 0

    @property
    @cython.critical_section
    def version(self):
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
    @cython.critical_section
    def version(self, version):
        chosen = optional_version(version)
        self.enter()
        try:
            self.set_version(chosen)
        finally:
            self._busy = False

    @version.deleter
    def version(self):
        raise _errors.cannot_delete(self, "version")

    @property
    @cython.critical_section
    def max_packet_size(self):
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
    @cython.critical_section
    def max_packet_size(self, max_packet_size):
        cdef int64_t limit = checked_limit(max_packet_size)
        self.enter()
        self._max_packet_size = limit
        self._busy = False

    @max_packet_size.deleter
    def max_packet_size(self):
        raise _errors.cannot_delete(self, "max_packet_size")

    @property
    @cython.critical_section
    def pending(self):
        """The number of bytes in the batch.

        Example:
            >>> encoder = Encoder(5)
            >>> encoder.write(PubAck(1))
            True
            >>> encoder.pending
            4
        """
        # Without what a call in progress has written. The sum is built in steps, as in `Decoder.pending`.
        cdef int64_t held = self._parts_size
        held += self._writer.packet if self._busy else self._writer.ptr - self._writer.start
        return held

    @cython.critical_section
    def write(self, packet):
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
        cdef int is_written
        self.enter()
        # This leaves an error pending, so that no `try` is entered for each packet, which would be slow.
        is_written = put_or_error(self, packet)
        if is_written < 0:
            self.undo()
        self._busy = False
        return is_written != 0

    cdef int put(self, object packet) except -1:
        """Write a packet; returns whether it was written. If this fails, the caller must call `undo`."""
        cdef Writer* writer = &self._writer
        cdef object version = self._version
        cdef Py_ssize_t size
        if version is None and type(packet) is not Connect:
            raise _errors.version_unknown()
        if type(packet) is Publish and append_fast_publish(
            writer, <Publish> packet, <Py_ssize_t> min(self._max_packet_size, <int64_t> LARGE)
        ):
            return 1
        write_packet(writer, packet)
        size = writer.ptr - writer.start - writer.packet + writer.payload_size
        if type(packet) is Connect:
            version = optional_version((<Connect> packet).protocol_version)
        if size > self._max_packet_size:
            if type(packet) is Publish:
                self.rewind()
                return 0  # [MQTT-3.1.2-25]
            self.shorten(packet, size, version)
        if writer.payload_size >= LARGE and not writer.holds_view:
            self.split()
        else:
            put_bytes(writer, writer.payload, writer.payload_size)
        drop_payload(writer)
        if version is not self._version:
            self.set_version(version)
        return 1

    cdef int split(self) except -1:
        """Move the writer's bytes to `_parts`, and add the payload, which is bytes."""
        cdef Writer* writer = &self._writer
        cdef Py_ssize_t size = writer.ptr - writer.start
        head = PyBytes_FromStringAndSize(<const char*> writer.start, size)
        self._parts.extend((head, <object> writer.payload_owner))
        self._parts_size += size
        self._parts_size += writer.payload_size
        writer.ptr = writer.start
        return 0

    @cython.critical_section
    def write_acks(self, packet_type, packet_ids):
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
        self.enter()
        try:
            self.put_acks(packet_type, packet_ids)
        except BaseException:
            self.rewind()
            raise
        finally:
            self._busy = False

    cdef int put_acks(self, object packet_type, object packet_ids) except -1:
        """Write acknowledgements. If this fails, the caller must call `rewind`."""
        if self._version is None:
            raise _errors.version_unknown()
        if self._max_packet_size < ACKNOWLEDGEMENT_SIZE:
            refuse(&self._writer, _errors.ABOVE_MAX_PACKET_SIZE, "", ACKNOWLEDGEMENT_SIZE)
        return put_acknowledgements(&self._writer, packet_type, packet_ids)

    @cython.critical_section
    def take(self):
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
        cdef Writer* writer = &self._writer
        self.enter()
        try:
            if self._parts:
                batch = b"".join(self.parts())
            else:
                batch = PyBytes_FromStringAndSize(<const char*> writer.start, writer.ptr - writer.start)
            self.clear()
            return batch
        except OverflowError:  # The batch is larger than any bytes object can be.
            raise MemoryError from None
        finally:
            self._busy = False

    @cython.critical_section
    def take_parts(self):
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
        self.enter()
        try:
            parts = self.parts()
            self.clear()
            return parts
        finally:
            self._busy = False

    def __repr__(self):
        return _methods.encoder_represented(self)

    cdef inline int enter(self) except -1:
        if self._busy:
            raise _errors.busy(self)
        self._busy = True
        self._writer.packet = self._writer.ptr - self._writer.start
        return 0

    cdef list parts(self):
        """The batch, in parts."""
        cdef Writer* writer = &self._writer
        cdef list parts = self._parts[:]
        if writer.ptr != writer.start:
            parts.append(PyBytes_FromStringAndSize(<const char*> writer.start, writer.ptr - writer.start))
        return parts

    cdef int clear(self) except -1:
        self._parts.clear()
        self._parts_size = 0
        self._writer.packet = 0
        self.rewind()
        return 0

    cdef int rewind(self) except -1:
        """Drop what the current call has written, and do not keep a large buffer without any bytes."""
        cdef Writer* writer = &self._writer
        drop_payload(writer)
        writer.ptr = writer.start + writer.packet
        if writer.packet == 0 and writer.end - writer.start > KEPT_SIZE:
            PyMem_Free(writer.start)
            open_writer(writer, self._stack, writer.version)
        return 0

    cdef int undo(self) except -1:
        """Drop what the current call has written, and re-raise the pending error."""
        try:
            reraise()
        finally:
            self.rewind()
            self.set_version(self._version)  # A CONNECT may have changed the writer's.
            self._busy = False
        return 0

    cdef int shorten(self, object packet, Py_ssize_t size, int version) except -1:
        """Write the packet without the properties for which the peer's limit has no room. `size` is that with them."""
        cdef Writer* writer = &self._writer
        if has_properties(version) and hasattr(packet, "reason_string"):
            for changes in LESS:  # [MQTT-3.4.2-3] [MQTT-3.4.2-2] and their counterparts
                writer.ptr = writer.start + writer.packet
                write_packet(writer, packet.replace(**changes))
                size = writer.ptr - writer.start - writer.packet
                if size <= self._max_packet_size:
                    return 0
        name = type(packet).__name__.upper()
        raise _errors.ABOVE_MAX_PACKET_SIZE.encoding(version, name, size)  # [MQTT-3.1.2-24] [MQTT-3.2.2-15]


ctypedef int (*PutOrError)(Encoder, object) noexcept
cdef PutOrError put_or_error = <PutOrError> put_packet


cdef int put_packet(Encoder encoder, object packet) except -1:
    return encoder.put(packet)


cdef int reraise() except -1:
    return -1  # The error is already set.
