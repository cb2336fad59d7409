"""Keep Alive (3.1.2.10)."""

from __future__ import annotations

import math

from .. import Role
from ._arguments import checked_role


class KeepAlive:
    """The times at which a client has to send PINGREQ, and at which a peer counts as gone.

    A server expires a connection on which nothing has arrived for one and a half times the Keep Alive
    [MQTT-3.1.2-22]. A client sends PINGREQ when it has sent nothing [MQTT-3.1.2-20], or received nothing, for the Keep
    Alive; the second case finds a dead connection on which the client only publishes. It expires the connection if
    nothing arrives within `ping_timeout` of a PINGREQ.

    Times are seconds of any monotonic clock. The first call starts the clock.

    Args:
        seconds: The Keep Alive, 0 to 65,535 seconds. 0 switches it off.
        role: The side that this object serves.
        ping_timeout: Seconds that a client waits for the answer to a PINGREQ; above 0. None means `seconds`.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: A number is out of range.

    Example:
        >>> keep_alive = KeepAlive(60, Role.CLIENT)
        >>> keep_alive.sent(0.0)
        >>> keep_alive.deadline(10.0)
        60.0
        >>> keep_alive.ping_due(60.0)
        True
        >>> keep_alive.pinged(60.0)
        >>> keep_alive.expired(119.0), keep_alive.expired(120.0)
        (False, True)
    """

    __slots__ = ("_ping_timeout", "_pinged", "_received", "_role", "_seconds", "_sent", "_started")

    def __init__(self, seconds: float, role: Role, *, ping_timeout: float | None = None) -> None:
        self._role = checked_role(role)
        if ping_timeout is not None and not ping_timeout > 0:
            raise ValueError(f"ping_timeout must be above 0 seconds, not {ping_timeout}")
        self._ping_timeout = ping_timeout
        self._started = False
        self._pinged: float | None = None
        self.seconds = seconds

    @property
    def seconds(self) -> float:
        """The Keep Alive in seconds. A client sets it to the Server Keep Alive of CONNACK [MQTT-3.1.2-21]."""
        return self._seconds

    @seconds.setter
    def seconds(self, seconds: float) -> None:
        if not 0 <= seconds <= 65_535:
            raise ValueError(f"seconds must be 0 to 65535, not {seconds}")
        self._seconds = seconds

    def sent(self, now: float) -> None:
        """Note that a packet was sent.

        Args:
            now: The time, in seconds.

        Example:
            >>> KeepAlive(60, Role.CLIENT).sent(0.0)
        """
        self._start(now)
        self._sent = now

    def received(self, now: float) -> None:
        """Note that a packet was received. It also answers a PINGREQ, because it shows that the peer is there.

        Args:
            now: The time, in seconds.

        Example:
            >>> keep_alive = KeepAlive(60, Role.SERVER)
            >>> keep_alive.received(5.0)
            >>> keep_alive.deadline(5.0)
            95.0
        """
        self._start(now)
        self._received = now
        self._pinged = None

    def pinged(self, now: float) -> None:
        """Note that a PINGREQ was sent.

        Args:
            now: The time, in seconds.

        Example:
            >>> keep_alive = KeepAlive(60, Role.CLIENT, ping_timeout=5)
            >>> keep_alive.pinged(60.0)
            >>> keep_alive.deadline(60.0)
            65.0
        """
        self.sent(now)
        if self._pinged is None:
            self._pinged = now

    def deadline(self, now: float) -> float | None:
        """The time at which `ping_due` or `expired` becomes true.

        Args:
            now: The time, in seconds.

        Returns:
            A time, which may have passed; None if the Keep Alive is 0.

        Example:
            >>> KeepAlive(0, Role.SERVER).deadline(5.0)
        """
        self._start(now)
        deadline = min(self._ping_time(), self._expiry_time())
        return None if deadline == math.inf else deadline

    def ping_due(self, now: float) -> bool:
        """Whether a client has to send a PINGREQ.

        Args:
            now: The time, in seconds.

        Returns:
            Always False for a server. While a PINGREQ is not answered yet, another one is due only if nothing was sent
            for the Keep Alive [MQTT-3.1.2-20], which needs a longer `ping_timeout`.

        Example:
            >>> keep_alive = KeepAlive(60, Role.CLIENT)
            >>> keep_alive.sent(0.0)
            >>> keep_alive.ping_due(59.0), keep_alive.ping_due(60.0)
            (False, True)
        """
        self._start(now)
        return now >= self._ping_time() and not self.expired(now)

    def expired(self, now: float) -> bool:
        """Whether the peer counts as gone, and the connection is to be closed.

        Args:
            now: The time, in seconds.

        Example:
            >>> keep_alive = KeepAlive(60, Role.SERVER)
            >>> keep_alive.received(0.0)
            >>> keep_alive.expired(89.0), keep_alive.expired(90.0)
            (False, True)
        """
        self._start(now)
        return now >= self._expiry_time()

    def _ping_time(self) -> float:
        if self._seconds == 0 or self._role is Role.SERVER:
            return math.inf
        last = self._sent if self._pinged is not None else min(self._sent, self._received)
        return last + self._seconds

    def _expiry_time(self) -> float:
        if self._seconds == 0:
            return math.inf
        if self._role is Role.SERVER:
            return self._received + 1.5 * self._seconds
        if self._pinged is None:
            return math.inf
        return self._pinged + (self._seconds if self._ping_timeout is None else self._ping_timeout)

    def _start(self, now: float) -> None:
        if not self._started:
            self._started = True
            self._sent = self._received = now
