"""Packet identifiers (2.2.1)."""

from __future__ import annotations

from collections import deque

from ._errors import PacketIdsExhausted, refused

GREATEST = 65_535
# With more identifiers in use than MANY, the free ones are listed, until there are fewer than FEW.
MANY, FEW = 32_768, 16_384


class PacketIds:
    """The packet identifiers of one side of a connection.

    PUBLISH, SUBSCRIBE and UNSUBSCRIBE take theirs from the same 65,535 numbers. Both methods take constant time on
    average. A released identifier rests as long as possible, so a late acknowledgement does not meet a new message.

    Example:
        >>> packet_ids = PacketIds()
        >>> packet_ids.acquire(), packet_ids.acquire()
        (1, 2)
        >>> packet_ids.release(1)
        >>> packet_ids.acquire(), packet_ids.in_use
        (3, 2)
    """

    # Identifiers are tried in a circle, from `_last` on. While at most half of them are in use, this skips at most as
    # many as it finds in a whole turn. With more in use, `_free` lists the others, those first that come first.
    __slots__ = ("_free", "_in_use", "_last")

    def __init__(self) -> None:
        self._in_use: set[int] = set()
        self._last = 0
        self._free: deque[int] | None = None

    def acquire(self) -> int:
        """Take an identifier that is not in use ([MQTT-2.2.1-3], [MQTT-2.2.1-4]).

        Returns:
            A number from 1 to 65,535.

        Raises:
            PacketIdsExhausted: All are in use.

        Example:
            >>> PacketIds().acquire()
            1
        """
        if self._free is None and len(self._in_use) > MANY:
            circle = (*range(self._last + 1, GREATEST + 1), *range(1, self._last + 1))
            self._free = deque(packet_id for packet_id in circle if packet_id not in self._in_use)
        if self._free is None:
            self._last = self._last % GREATEST + 1
            while self._last in self._in_use:
                self._last = self._last % GREATEST + 1
        elif self._free:
            self._last = self._free.popleft()
        else:
            raise PacketIdsExhausted("all 65,535 packet identifiers are in use")
        self._in_use.add(self._last)
        return self._last

    def release(self, packet_id: int) -> None:
        """Give an identifier back, when the packet with it is acknowledged.

        Args:
            packet_id: An identifier that is in use.

        Raises:
            LocalProtocolError: It is not in use.

        Example:
            >>> packet_ids = PacketIds()
            >>> packet_ids.release(packet_ids.acquire())
            >>> packet_ids.in_use
            0
        """
        if packet_id not in self._in_use:
            raise refused(f"packet_id {packet_id} is not in use")
        self._in_use.remove(packet_id)
        if len(self._in_use) < FEW:
            self._free = None
        elif self._free is not None:
            self._free.append(packet_id)

    @property
    def in_use(self) -> int:
        """The number of identifiers in use."""
        return len(self._in_use)

    def __contains__(self, packet_id: object) -> bool:
        return packet_id in self._in_use

    def _reserve(self, packet_id: int) -> None:
        """Mark an identifier that `acquire` did not return as in use."""
        self._in_use.add(packet_id)
        self._free = None  # Listed anew when it is next needed.
