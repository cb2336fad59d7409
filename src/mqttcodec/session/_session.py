"""The state that outlives a connection (4.1), and its form as bytes."""

from __future__ import annotations

import struct
from typing import Any

from .. import Decoder, MQTTv5, ProtocolVersion, Publish, PubRec, PubRel, Role, encode_many
from ._arguments import number
from ._incoming import IncomingMessages
from ._outgoing import OutgoingMessages
from ._packet_ids import PacketIds

FORMAT = 1
# Format, protocol version, role; expiry interval; Receive Maximum and queue of `outgoing`; Receive Maximum and kept
# identifiers of `incoming`; size of the client identifier.
HEADER = struct.Struct("!BBBIHHHIH")
ROLES = (Role.CLIENT, Role.SERVER)


class Session:
    """The state of a session on one side, without the subscriptions.

    It can be pickled. To keep it across a crash of the process, save it after each change, before the resulting packets
    are sent.

    Args:
        client_id: Client identifier.
        expiry_interval: Seconds that the session outlives its connection, 0 to 4,294,967,295. With the greatest it
            never expires, like a session of 3.1 or 3.1.1 without Clean Session.
        outgoing: The messages that this side sends; None means a new object with the defaults.
        incoming: The messages that this side receives; None means a new object with the defaults.
        role: The side of this session, if `incoming` is None.

    `is_new` is true until a `Connection` on which CONNACK accepts the session. A server resumes only a session that is
    not new. One from `from_bytes` is not.

    Raises:
        ValueError: `outgoing` and `incoming` have different versions.

    Example:
        >>> session = Session("sensor-1", 3600, outgoing=OutgoingMessages(20, 100))
        >>> session.outgoing.publish(Publish("a", b"21", qos=1)).packet_id
        1
        >>> restored = Session.from_bytes(session.to_bytes())
        >>> restored.client_id, restored.outgoing.messages
        ('sensor-1', [Publish(topic='a', payload=b'21', qos=QoS.AT_LEAST_ONCE, packet_id=1)])
    """

    __slots__ = ("client_id", "expiry_interval", "incoming", "is_new", "outgoing")

    def __init__(
        self,
        client_id: str = "",
        expiry_interval: int = 0,
        *,
        outgoing: OutgoingMessages | None = None,
        incoming: IncomingMessages | None = None,
        role: Role = Role.CLIENT,
    ) -> None:
        self.client_id: str = client_id
        self.expiry_interval: int = expiry_interval
        self.is_new: bool = True
        if outgoing is None:
            outgoing = OutgoingMessages(version=MQTTv5 if incoming is None else incoming.version)
        if incoming is None:
            incoming = IncomingMessages(version=outgoing.version, role=role)
        if outgoing.version != incoming.version:
            raise ValueError("outgoing and incoming must have the same version")
        self.outgoing: OutgoingMessages = outgoing
        self.incoming: IncomingMessages = incoming

    @property
    def version(self) -> ProtocolVersion:
        """MQTT version of the connection, for `outgoing` and `incoming`. It can be changed between connections."""
        return self.outgoing.version

    @version.setter
    def version(self, version: int) -> None:
        self.outgoing.version = self.incoming.version = ProtocolVersion(version)

    @property
    def packet_ids(self) -> PacketIds:
        """The identifiers of this side. SUBSCRIBE and UNSUBSCRIBE take theirs from here."""
        return self.outgoing.packet_ids

    def to_bytes(self) -> bytes:
        """Save the session.

        Numbers are big-endian:

        * 1 byte: 1, the version of this format
        * 1 byte: the MQTT version, 3, 4 or 5
        * 1 byte: the role, 0 for a client and 1 for a server
        * 4 bytes: `expiry_interval`
        * 2 bytes each: `receive_maximum` and `max_queued` of `outgoing`, `receive_maximum` of `incoming`
        * 4 bytes: the number of identifiers of QoS 2 that `incoming` keeps at most
        * 2 bytes and text: the size of `client_id` in UTF-8, and itself
        * packets of MQTT 5.0 to the end: a PUBREC for each identifier that `incoming` keeps, in ascending order; then
          what `resend` and `to_send` of `outgoing` will return, in order

        A message that waits to be acknowledged by the application is not in it: the peer sends it again.

        Returns:
            Bytes that `from_bytes` accepts.

        Raises:
            ValueError: `client_id` has more than 65,535 bytes or is not Unicode text, or `expiry_interval` is out of
                range.
            TypeError: `client_id` is not a str, or `expiry_interval` not an int.

        Example:
            >>> Session("c", 60).to_bytes().hex(" ")
            '01 05 00 00 00 00 3c ff ff 03 e8 ff ff 00 01 ff fe 00 01 63'
        """
        if not isinstance(self.client_id, str):
            raise TypeError(f"client_id must be str, not {type(self.client_id).__name__}")
        name = self.client_id.encode()
        if len(name) > 65_535:
            raise ValueError(f"client_id must be at most 65535 bytes long, not {len(name)}")
        number(self.expiry_interval, "expiry_interval", 0, 0xFFFF_FFFF)
        outgoing, incoming = self.outgoing, self.incoming
        header = HEADER.pack(
            *(FORMAT, self.version, ROLES.index(incoming._role), self.expiry_interval),
            *(outgoing.receive_maximum, outgoing.max_queued, incoming.receive_maximum, incoming._kept_maximum),
            len(name),
        )
        received = [PubRec(packet_id) for packet_id in sorted(incoming._received)]
        return header + name + encode_many(received) + encode_many(outgoing._unacknowledged())

    @classmethod
    def from_bytes(cls, data: bytes) -> Session:
        r"""Restore a saved session.

        Args:
            data: What `to_bytes` returned.

        Returns:
            A session without a connection. When one begins, call `resend` of `outgoing`.

        Raises:
            ValueError: `data` is anything else. Its size bounds the memory that is used.
            TypeError: `data` is not bytes-like.

        Example:
            >>> Session.from_bytes(b"\x02")
            Traceback (most recent call last):
            ValueError: not a saved session: the version of the format must be 1, not 2
        """
        data = bytes(memoryview(data))
        if not data:
            raise ValueError("not a saved session: there are no bytes")
        if data[0] != FORMAT:
            raise ValueError(f"not a saved session: the version of the format must be {FORMAT}, not {data[0]}")
        try:
            session = cls._read(data)
        except (ValueError, struct.error, IndexError) as error:
            raise ValueError(f"not a saved session: {error}") from None
        if session.to_bytes() != data:
            raise ValueError("not a saved session: it is not in the form that to_bytes writes")
        return session

    @classmethod
    def _read(cls, data: bytes) -> Session:
        _, version, role, expiry_interval, *numbers, size = HEADER.unpack_from(data)
        end = HEADER.size + size
        session = cls(
            data[HEADER.size : end].decode(),
            expiry_interval,
            outgoing=OutgoingMessages(numbers[0], numbers[1], version=version),
            incoming=IncomingMessages(numbers[2], version=version, role=ROLES[role]),
        )
        session.is_new = False
        session.incoming._kept_maximum = max(session.incoming._kept_maximum, min(numbers[3], 2 * 65_535))
        decoder = Decoder(MQTTv5, connected=True)
        is_unsent = False
        for packet in decoder.feed(data[end:]):
            was_unsent, is_unsent = is_unsent, type(packet) is Publish and not packet.dup
            if was_unsent and not is_unsent:
                raise ValueError("messages that were not sent must be the last")
            session._read_packet(packet)
        if decoder.pending:
            raise ValueError("its last packet is incomplete")
        return session

    def _read_packet(self, packet: Any) -> None:
        """Take a packet of a saved session."""
        if type(packet) is PubRec:
            self.incoming._received.add(packet.packet_id)
            return
        if type(packet) not in (Publish, PubRel):
            raise ValueError(f"{type(packet).__name__} has no place in it")
        if type(packet) is Publish and (packet.qos == 0 or packet.topic_alias is not None):
            raise ValueError("a PUBLISH must have qos 1 or 2 and no topic_alias")
        if packet.packet_id in self.packet_ids:
            raise ValueError(f"packet_id {packet.packet_id} is used twice")
        self.outgoing._restore(packet)

    def __reduce__(self) -> tuple[Any, ...]:
        return Session.from_bytes, (self.to_bytes(),)
