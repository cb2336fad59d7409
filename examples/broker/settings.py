"""The limits of the broker."""

from dataclasses import dataclass, field
from typing import Any


def limit(default: float, description: str) -> Any:
    return field(default=default, metadata={"help": f"{description} (default: %(default)s)"})


@dataclass(frozen=True)
class Settings:
    """How much the broker gives to its clients. Each field is an option of the command line."""

    max_connections: int = limit(20_000, "open connections")
    max_sessions: int = limit(20_000, "sessions, connected or not")
    max_session_expiry: int = limit(7 * 24 * 3600, "seconds that a session outlives its connection")
    max_packet_size: int = limit(1 << 20, "bytes of a packet")
    max_subscriptions: int = limit(1_000, "subscriptions of a session")
    max_levels: int = limit(64, "levels of a topic filter, and of the topic of a retained message")
    max_retained: int = limit(10_000, "retained messages")
    max_queued: int = limit(1_000, "messages of QoS 1 and 2 that wait for a client")
    max_stored_bytes: int = limit(1 << 28, "bytes of all retained and waiting messages")
    max_inflight: int = limit(100, "unacknowledged messages of a connection, in each direction")
    max_aliases: int = limit(100, "topic aliases of a connection, in each direction")
    max_unsent_bytes: int = limit(1 << 20, "bytes to send to a slow reader, above which QoS 0 is dropped")
    connect_timeout: float = limit(10.0, "seconds from a connection to its CONNECT")
    close_timeout: float = limit(5.0, "seconds for a client to close a connection that the broker has ended")
