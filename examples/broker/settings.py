"""The limits of the broker."""

from __future__ import annotations

from dataclasses import dataclass, field


def limit(default: float, description: str) -> float:
    value: float = field(default=default, metadata={"help": description})
    return value


@dataclass(frozen=True)
class Settings:
    """How much the broker gives to its clients. Each field is an option of the command line."""

    max_connections: int = limit(20_000, "open connections")
    max_sessions: int = limit(20_000, "sessions, connected or not")
    max_session_expiry: int = limit(7 * 24 * 3600, "seconds that a session outlives its connection")
    max_packet_size: int = limit(1 << 20, "bytes of a packet")
    max_subscriptions: int = limit(1_000, "subscriptions of a session")
    max_levels: int = limit(64, "levels of a topic filter, and of a retained topic")
    max_retained: int = limit(10_000, "retained messages")
    max_stored_bytes: int = limit(256 << 20, "bytes of all retained and queued messages")
    max_queued: int = limit(1_000, "messages of QoS 1 and 2 that wait for a client")
    max_inflight: int = limit(100, "messages of QoS 1 and 2 to a client, and from it, that are not acknowledged")
    max_aliases: int = limit(100, "topic aliases of a connection in each direction")
    max_unsent_bytes: int = limit(1 << 20, "bytes that wait for a slow reader: above that, QoS 0 is dropped")
    connect_timeout: float = limit(10, "seconds from a connection to its CONNECT")
    close_timeout: float = limit(5, "seconds that a client has to close a connection which the broker has ended")
