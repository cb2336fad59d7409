"""Packets out of bytes that arrive in pieces, with their offsets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import mqttcodec as mqtt


class Fault(NamedTuple):
    """Bytes that are not a packet."""

    error: mqtt.DecodeError
    offset: int
    """Where the packet begins."""
    data: bytes
    """The bytes from there on, as far as they have arrived."""
    version: mqtt.ProtocolVersion
    is_last: bool
    """Whether the bytes after the fault cannot be read, because the end of the packet is not known."""


_RECENT_COUNT = 4096
_RECENT_SIZE = 128


class Shown(Protocol):
    """How packets are written: as `start`, the offset, and the text that the packet class's writer returns."""

    start: str
    writers: dict[Any, Callable[[Any, int], str]]
    """Functions that take a packet and its size."""


class PacketReader:
    """Reads the packets of one direction, of one connection or of several in sequence.

    `take` gets the text of each packet, `report` each fault. `version` applies until a CONNECT states another one.
    """

    def __init__(
        self,
        version: int,
        shown: Shown,
        take: Callable[[str], object],
        report: Callable[[Fault], object],
        *,
        keep_going: bool = False,
    ) -> None:
        self.offset = 0
        """Where the next packet begins."""
        self.is_failed = False
        """Whether the rest cannot be read."""
        self._version = mqtt.ProtocolVersion(version)
        self._decoder = mqtt.Decoder(version, bridge=True, keep_bytes=True)
        self._received = 0
        self._tail = bytearray()  # The start of an incomplete packet.
        self._connect_at = -1
        # The texts of small packets, by their bytes, as long as the traffic repeats itself: a text takes long to write.
        self._recent: dict[bytes, str] | None = {}
        self._shown = shown
        self._take = take
        self._report = report
        self._keep_going = keep_going

    @property
    def version(self) -> mqtt.ProtocolVersion:
        return self._decoder.version or self._version

    def feed(self, data: bytes) -> None:
        """Take the next bytes, and write the packets that are complete."""
        if self.is_failed:
            return
        self._received += len(data)
        self._decoder.feed(data)
        while (error := self._read()) is not None:
            rest = self._rest(data)
            if error.packet_type == mqtt.PacketType.CONNECT and self._connect_at != self.offset:
                # The decoder takes one CONNECT, of its version. Any other begins a connection.
                self._version, self._connect_at = self.version, self.offset
                self._decoder = mqtt.Decoder(bridge=True, keep_bytes=True)
                self._decoder.feed(rest)
                continue
            is_last = True
            try:
                if self._keep_going:
                    skipped = len(self._decoder.skip())
                    is_last = False
            except RuntimeError:
                pass
            self._report(Fault(error, self.offset, rest, self.version, is_last))
            if is_last:
                self.is_failed = True
                self._tail.clear()
                return
            self.offset += skipped
        pending = self._decoder.pending
        if pending > len(data):
            self._tail += data
        else:
            self._tail = bytearray(data[len(data) - pending :])

    def _read(self) -> mqtt.DecodeError | None:
        """Write packets up to an error, which is returned."""
        decoder, take, recent, writers = self._decoder, self._take, self._recent, self._shown.writers
        start, offset = self._shown.start, self.offset
        try:
            if recent is None:
                for packet in decoder:
                    size = len(decoder.packet_bytes)
                    take(f"{start}{offset}{writers[type(packet)](packet, size)}")
                    offset += size
                return None
            for packet in decoder:
                data = decoder.packet_bytes
                size = len(data)
                text = recent.get(data)
                if text is None:
                    text = writers[type(packet)](packet, size)
                    if type(packet) is mqtt.Connect:
                        recent.clear()  # The version may have changed.
                    elif size <= _RECENT_SIZE:
                        recent[data] = text
                take(f"{start}{offset}{text}")
                offset += size
            if len(recent) > _RECENT_COUNT:
                self._recent = None
        except mqtt.DecodeError as error:
            return error
        finally:
            self.offset = offset
        return None

    def _rest(self, data: bytes) -> bytes:
        """The bytes from `offset` on; `data` are those that came last."""
        before = self._received - len(data)
        return data[self.offset - before :] if self.offset >= before else bytes(self._tail) + data

    def end(self) -> None:
        """Report a packet that the end of the input cuts off."""
        if not self._tail or self.is_failed:
            return
        data = bytes(self._tail)
        try:
            mqtt.decode_from(data, 0, self.version)
        except mqtt.DecodeError as error:
            self._report(Fault(error, self.offset, data, self.version, is_last=True))
        self.is_failed = True
