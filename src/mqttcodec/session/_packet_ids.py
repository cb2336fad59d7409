"""Packet identifiers (2.2.1)."""

from __future__ import annotations

from collections import deque

from ._errors import PacketIdsExhausted, refused

GREATEST = 65_535
RESTED = 256
"""The number of released identifiers that rest before the oldest of them is used again."""


class PacketIds:
    """The packet identifiers of one side of a connection.

    PUBLISH, SUBSCRIBE and UNSUBSCRIBE take theirs from the same 65,535 numbers. Acquiring and releasing take constant
    time. A released identifier rests for a while, so that a late acknowledgement does not meet a new message.

    Example:
        >>> packet_ids = PacketIds()
        >>> packet_ids.acquire(), packet_ids.acquire()
        (1, 2)
        >>> packet_ids.release(1)
        >>> packet_ids.acquire(), packet_ids.in_use
        (3, 2)
    """

    # Released identifiers are in `_released`, the oldest first. Those from `_next` on were never acquired, except
    # reserved ones; so no identifier is found in both ways.
    __slots__ = ("_in_use", "_next", "_released")

    def __init__(self) -> None:
        self._in_use: set[int] = set()
        self._next = 1
        self._released: deque[int] = deque()

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
        while self._next in self._in_use:
            self._next += 1
        if self._next <= GREATEST and len(self._released) <= max(RESTED, len(self._in_use)):
            packet_id = self._next
            self._next += 1
        elif self._released:
            packet_id = self._released.popleft()
        else:
            raise PacketIdsExhausted("all 65,535 packet identifiers are in use")
        self._in_use.add(packet_id)
        return packet_id

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
        if packet_id < self._next:
            self._released.append(packet_id)

    @property
    def in_use(self) -> int:
        """The number of identifiers in use."""
        return len(self._in_use)

    def __contains__(self, packet_id: object) -> bool:
        return packet_id in self._in_use

    def _reserve(self, packet_id: int) -> None:
        """Mark an identifier of a saved session as in use. `acquire` has not been called yet."""
        self._in_use.add(packet_id)
