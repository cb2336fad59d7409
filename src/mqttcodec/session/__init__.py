"""The state of an MQTT session and its connections, without I/O and without a clock.

Each class does one thing, and can be used without the others. This module is imported on its own; `import mqttcodec`
does not load it. An object may be used by one thread at a time.
"""

from ._connection import Connection
from ._errors import LocalProtocolError, PacketIdsExhausted, QueueFullError
from ._incoming import IncomingMessages
from ._keep_alive import KeepAlive
from ._outgoing import OutgoingMessages
from ._packet_ids import PacketIds
from ._rules import ConnectionState, Limits
from ._session import Session
from ._topic_aliases import TopicAliasReceiver, TopicAliasSender

__all__ = [
    "Connection",
    "ConnectionState",
    "IncomingMessages",
    "KeepAlive",
    "Limits",
    "LocalProtocolError",
    "OutgoingMessages",
    "PacketIds",
    "PacketIdsExhausted",
    "QueueFullError",
    "Session",
    "TopicAliasReceiver",
    "TopicAliasSender",
]
