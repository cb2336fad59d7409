"""The exceptions, and every fault either codec can find.

A fault is data: its exception, its reason code, its clause per version, its sentence. Both codecs raise by
`FAULT.decoding(...)` and `FAULT.encoding(...)`, so what they say cannot differ.
"""

from __future__ import annotations

from ._enums import ConnectReturnCode, PacketType, ProtocolVersion, ReasonCode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class MQTTError(Exception):
    """What this package raises about packets.

    `reason_code` is what a 5.0 server would answer (None: nothing to answer), `offset` the byte of the packet at
    fault (None: no single one), `clause` the rule broken: a statement of the standard of the version in force (3.1,
    which numbers none, borrows those of 3.1.1), "U07" for a rule without a number, or None.
    """

    def __init__(
        self,
        message: str = "",
        *,
        reason_code: ReasonCode | None = None,
        offset: int | None = None,
        clause: str | None = None,
    ) -> None:
        super().__init__(message)
        self.reason_code = reason_code
        self.offset = offset
        self.clause = clause

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.args == other.args and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), self.args))


class DecodeError(MQTTError, ValueError):
    """The bytes are not a packet.

    `version` is the version they were read as, None if it is not known: a CONNECT that opens a connection has one as
    soon as its protocol level was read. `packet_type` is None when there is no such type, or no byte at all.
    """

    def __init__(
        self,
        message: str = "",
        *,
        reason_code: ReasonCode | None = None,
        offset: int | None = None,
        clause: str | None = None,
        version: ProtocolVersion | None = None,
        packet_type: PacketType | None = None,
    ) -> None:
        super().__init__(message, reason_code=reason_code, offset=offset, clause=clause)
        self.version = version
        self.packet_type = packet_type


class IncompletePacketError(DecodeError):
    """The packet goes on after the bytes given; `offset` is how many there are. A `Decoder` never raises it."""


class MalformedPacketError(DecodeError):
    """The bytes cannot be parsed as the standard says (5.0, 1.2)."""


class ProtocolError(DecodeError):
    """The packet parses, and says what the protocol or the state forbids (5.0, 1.2)."""


class PacketTooLargeError(DecodeError):
    """The packet is longer than the decoder's `max_packet_size`."""


class UnsupportedVersionError(DecodeError):
    """The peer does not speak a version that this side can.

    A server gets it for a CONNECT of a protocol other than MQTT 3.1, 3.1.1 and 5.0. A client of 5.0 gets it when a
    server of an earlier version refuses its CONNECT; `return_code` then is the code of that CONNACK, and None
    otherwise.
    """

    def __init__(
        self,
        message: str = "",
        *,
        reason_code: ReasonCode | None = None,
        offset: int | None = None,
        clause: str | None = None,
        version: ProtocolVersion | None = None,
        packet_type: PacketType | None = None,
        return_code: ConnectReturnCode | None = None,
    ) -> None:
        super().__init__(
            message, reason_code=reason_code, offset=offset, clause=clause, version=version, packet_type=packet_type
        )
        self.return_code = return_code


class EncodeError(MQTTError, ValueError):
    """The packet cannot be written: `decode` would refuse it, or the version lacks what it holds.

    `reason_code` and `offset` are None.
    """


for _error_class in (
    *(MQTTError, DecodeError, IncompletePacketError, MalformedPacketError, ProtocolError, PacketTooLargeError),
    *(UnsupportedVersionError, EncodeError),
):
    _error_class.__module__ = __package__  # What users import them from.
del _error_class


def fresh(error: Exception) -> Exception:
    """An equal error without this one's traceback; of a subclass of MemoryError, a MemoryError."""
    if isinstance(error, MQTTError):
        return type(error)(*error.args, **vars(error))
    return (MemoryError if isinstance(error, MemoryError) else RuntimeError)(*error.args)


def shown(value: Any) -> str:
    """`value` for a message: short whatever its length, and not by a caller's own methods."""
    if issubclass(type(value), int):
        return int.__repr__(value) if int.bit_length(value) <= 64 else f"a number of {int.bit_length(value)} bits"
    if issubclass(type(value), str):
        return str.__repr__(value if len(value) <= 40 else str.__getitem__(value, slice(40))) + "..." * (
            len(value) > 40
        )
    if type(value) is bytes:  # A protocol name, which may be anything: even a password that came too early.
        return repr(value[:8]) + "..." * (len(value) > 8)
    return type(value).__name__


class Fault:
    """One way to be wrong. `text` may name {about} (a field or packet), {found} and {version}."""

    __slots__ = ("clauses", "error", "reason_code", "text")

    def __init__(
        self,
        error: type[DecodeError | EncodeError],
        reason_code: ReasonCode | None,
        text: str,
        *clauses: str | None,
        by: dict[str, tuple[str | None, ...]] | None = None,
    ) -> None:
        """`clauses`: of 5.0, 3.1.1, 3.1, each as the one before if left out; `by`: those of one field or packet."""
        self.error = error
        self.reason_code = reason_code
        self.text = text
        self.clauses = {"": clauses or (None,), **(by or {})}

    def decoding(
        self,
        version: int,
        offset: int | None,
        about: str,
        found: object,
        known: int | None,
        packet_type: int | None,
        **details: Any,
    ) -> DecodeError:
        """The error for a packet in which the byte at `offset` is at fault.

        `version` selects the clause. `known` is the version that the error reports, None if it is not known.
        `details` are attributes that this class of error has beside the common ones.
        """
        assert issubclass(self.error, DecodeError)
        message, clause = self._words(version, about, found)
        if offset is not None and not issubclass(self.error, IncompletePacketError):
            message += f", at byte {offset}"
        return self.error(
            _cited(message, clause),
            reason_code=self.reason_code,
            offset=offset,
            clause=clause,
            version=None if known is None else ProtocolVersion(known),
            packet_type=PacketType(packet_type) if packet_type else None,
            **details,
        )

    def encoding(self, version: int, about: str = "", found: object = None) -> EncodeError:
        """The error for a packet that is not to be written."""
        message, clause = self._words(version, about, found)
        return EncodeError(_cited(message, clause), clause=clause)

    def _words(self, version: int, about: str, found: object) -> tuple[str, str | None]:
        clauses = self.clauses.get(about) or self.clauses[""]
        clause = clauses[min(5 - version, len(clauses) - 1)]
        title = ProtocolVersion(version).title
        return self.text.format(about=about, found=shown(found), version=title), clause


def _cited(message: str, clause: str | None) -> str:
    return f"{message} [{clause}]" if clause else message


def wrong_type(about: str, expected: str, value: object) -> TypeError:
    """The error for a field, or an argument, of a Python type that cannot serve."""
    return TypeError(f"{about} must be {expected}, not {type(value).__name__}")


def wrong_item(about: str, expected: str, value: object) -> TypeError:
    """The error for one of several values of a field that has a Python type that cannot serve."""
    return TypeError(f"each of {about} must be {expected}, not {type(value).__name__}")


def not_a_pair() -> TypeError:
    """The error for one of `user_properties` that has no name, no value or more than both."""
    return TypeError("each user property must be a (name, value) pair")


def initialised_twice(packet: object) -> TypeError:
    """The error for a second `__init__` of a packet, which is immutable."""
    return TypeError(f"{type(packet).__name__} is immutable and cannot be initialised twice")


def immutable(packet: object, name: str) -> AttributeError:
    """The error for an attribute of a packet that is assigned or deleted."""
    from dataclasses import FrozenInstanceError

    return FrozenInstanceError(f"cannot change {name!r}: {type(packet).__name__} is immutable")


def cannot_delete(owner: object, name: str) -> AttributeError:
    """The error for an attribute that can be set and not deleted."""
    return AttributeError(f"cannot delete {name!r} of a {type(owner).__name__}")


def bad_value(about: str, expected: str, value: object) -> ValueError:
    """The error for an argument that is out of its range."""
    return ValueError(f"{about} must be {expected}, not {shown(value)}")


def decoder_interrupted() -> RuntimeError:
    """The error of a `Decoder` whose work an exception from elsewhere broke off."""
    return RuntimeError("this Decoder was interrupted while it decoded; reset() makes it new")


def decoder_busy() -> RuntimeError:
    """The error for a `Decoder` that is entered again, from a finaliser or another thread, while it works."""
    return RuntimeError("this Decoder is at work already, in another thread or further up this one's stack")


def not_bytes(about: str) -> BufferError:
    """The error for a buffer that is no run of bytes."""
    return BufferError(f"{about} must be C-contiguous, of one-byte items")


def read_only() -> BufferError:
    """The error for a buffer that cannot be written to."""
    return BufferError("buffer must be writable")


_MALFORMED: Any = (MalformedPacketError, ReasonCode.MALFORMED_PACKET)
_PROTOCOL: Any = (ProtocolError, ReasonCode.PROTOCOL_ERROR)
_UNSUPPORTED: Any = (UnsupportedVersionError, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION)
_CLIENT_ID: Any = (ProtocolError, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)
_UNWRITABLE: Any = (EncodeError, None)

# --- Framing: the fixed header, and where a packet ends.
PACKET_TYPE_RESERVED = Fault(*_MALFORMED, "packet type 0 is reserved", "U02")
PACKET_TYPE_UNKNOWN = Fault(
    *_MALFORMED, "packet type 15 is reserved in {version}; AUTH came with MQTT 5.0", None, "U03"
)
FLAGS = Fault(
    *_MALFORMED,
    "the flags of {about} are {found}, not the value that the standard fixes",
    "MQTT-2.1.3-1",
    "MQTT-2.2.2-1",
    by={
        "PUBREL": ("MQTT-3.6.1-1",),
        "SUBSCRIBE": ("MQTT-3.8.1-1",),
        "UNSUBSCRIBE": ("MQTT-3.10.1-1",),
        "DISCONNECT": ("MQTT-3.14.1-1",),
        "AUTH": ("MQTT-3.15.1-1",),
    },
)
PUBLISH_QOS = Fault(*_MALFORMED, "the QoS of a PUBLISH is 0, 1 or 2", "MQTT-3.3.1-4")
DUP_AT_QOS_0 = Fault(*_PROTOCOL, "DUP is set at QoS 0, where nothing is ever sent again", "MQTT-3.3.1-2")
LENGTH_TOO_LONG = Fault(*_MALFORMED, "{about} goes on after its fourth byte", "U01")
LENGTH_NOT_SHORTEST = Fault(*_MALFORMED, "{about} is not in its shortest form", "MQTT-1.5.5-1", None)
INCOMPLETE = Fault(IncompletePacketError, None, "the packet goes on after the end of the buffer, at {found} bytes")
TRAILING_BYTES = Fault(
    *_MALFORMED, "the packet is followed by {found} more byte(s); decode_from and Decoder take several packets"
)
PACKET_TOO_LARGE = Fault(
    PacketTooLargeError, ReasonCode.PACKET_TOO_LARGE, "a packet of {found} bytes is above max_packet_size", "U36"
)
FIELD_MISSING = Fault(
    *_MALFORMED,
    "the packet ends where {about} should be",
    "MQTT-4.13.1-1",
    "MQTT-4.8.0-1",
    by={
        "properties": ("MQTT-2.2.2-1",),
        "protocol_name": ("MQTT-3.1.4-1",),
        "protocol_level": ("MQTT-3.1.4-1",),
        "connect_flags": ("MQTT-3.1.4-1",),
        "keep_alive": ("MQTT-3.1.4-1",),
        "client_id": ("MQTT-3.1.3-3",),
        "will.properties": ("MQTT-3.1.2-9",),
        "will.topic": ("MQTT-3.1.2-9",),
        "will.payload": ("MQTT-3.1.2-9",),
        "username": ("MQTT-3.1.2-17", "MQTT-3.1.2-19"),
        "password": ("MQTT-3.1.2-19", "MQTT-3.1.2-21"),
        "topic": ("MQTT-3.3.2-1",),
    },
)
FIELD_CUT = Fault(
    *_MALFORMED,
    "{about} has a length of {found}, past the end of the packet",
    by={
        "protocol_name": ("MQTT-3.1.4-1",),
        "client_id": ("MQTT-3.1.3-4",),
        "will.topic": ("MQTT-3.1.3-11", "MQTT-3.1.3-10"),
        "will.payload": ("MQTT-3.1.2-9",),
        "username": ("MQTT-3.1.3-12", "MQTT-3.1.3-11"),
        "password": ("MQTT-3.1.2-19", "MQTT-3.1.2-21"),
        "topic": ("MQTT-3.3.2-1",),
        "topic_filter": ("MQTT-3.8.3-1",),
        "topic_filters": ("MQTT-3.10.3-1",),
    },
)
LEFT_OVER = Fault(
    *_MALFORMED,
    "the last field of {about} is followed by {found} more byte(s)",
    "U22",
    "MQTT-4.8.0-1",
    by={
        "CONNECT without user name": ("MQTT-3.1.2-16", "MQTT-3.1.2-18"),
        "CONNECT without password": ("MQTT-3.1.2-18", "MQTT-3.1.2-20"),
        "PINGREQ": ("U23", "U33"),
        "PINGRESP": ("U23", "U33"),
        "DISCONNECT": ("U22", "U33"),
        "PUBACK": ("U22", "U34"),
        "PUBREC": ("U22", "U34"),
        "PUBREL": ("U22", "U34"),
        "PUBCOMP": ("U22", "U34"),
        "UNSUBACK": ("U22", "U34"),
    },
)

# --- Strings, topic names and topic filters.
ILL_FORMED_UTF8 = Fault(
    *_MALFORMED,
    "{about} is not well-formed UTF-8",
    "MQTT-1.5.4-1",
    "MQTT-1.5.3-1",
    by={
        "user_properties": ("MQTT-1.5.7-1",),
        "response_topic": ("MQTT-3.3.2-13",),
        "content_type": ("MQTT-3.3.2-19",),
    },
)
NULL_CHARACTER = Fault(
    *_MALFORMED,
    "{about} holds the null character U+0000",
    "MQTT-1.5.4-2",
    "MQTT-1.5.3-2",
    by={
        "topic": ("MQTT-4.7.3-2",),
        "will.topic": ("MQTT-4.7.3-2",),
        "response_topic": ("MQTT-4.7.3-2",),
        "topic_filter": ("MQTT-4.7.3-2",),
        "topic_filters": ("MQTT-4.7.3-2",),
        "user_properties": ("MQTT-1.5.7-1",),
    },
)
TOO_LONG = Fault(
    *_UNWRITABLE,
    "{about} takes {found} bytes; a string or binary field holds 65535",
    "U36",
    by={
        "topic": ("MQTT-4.7.3-3",),
        "will.topic": ("MQTT-4.7.3-3",),
        "response_topic": ("MQTT-4.7.3-3",),
        "topic_filter": ("MQTT-4.7.3-3",),
        "topic_filters": ("MQTT-4.7.3-3",),
    },
)
TOPIC_WILDCARD = Fault(
    *_MALFORMED,
    "{about} holds the wildcard {found}, which no topic name does",
    "MQTT-4.7.0-1",
    "MQTT-4.7.1-1",
    by={"topic": ("MQTT-3.3.2-2",), "response_topic": ("MQTT-3.3.2-14",)},
)
TOPIC_EMPTY = Fault(*_PROTOCOL, "{about}: topic names and topic filters have at least one character", "MQTT-4.7.3-1")
TOPIC_AND_ALIAS_MISSING = Fault(*_PROTOCOL, "topic is empty and there is no topic_alias to stand for it", "U13")
FILTER_HASH = Fault(
    *_MALFORMED,
    "{about}: '#' in a topic filter stands alone or after '/', and last",
    "MQTT-4.7.1-1",
    "MQTT-4.7.1-2",
)
FILTER_PLUS = Fault(*_MALFORMED, "{about}: '+' in a topic filter fills a whole level", "MQTT-4.7.1-2", "MQTT-4.7.1-3")
SHARE_NAME_EMPTY = Fault(*_MALFORMED, "{about}: '$share/' is followed by a share name", "MQTT-4.8.2-1")
SHARE_NAME = Fault(
    *_MALFORMED,
    "{about}: a share name has no '+' or '#', and '/' and a topic filter follow it",
    "MQTT-4.8.2-2",
)

# --- Properties (2.2.2).
PROPERTIES_CUT = Fault(*_MALFORMED, "the Property Length {found} reaches past the end of the packet", "U06")
PROPERTY_CUT = Fault(*_MALFORMED, "{about} reaches past the end of the properties", "U06")
PROPERTY_ID_NOT_SHORTEST = Fault(*_MALFORMED, "{about} is not in its shortest form", "U04")
PROPERTY_UNKNOWN = Fault(*_MALFORMED, "there is no property with the identifier {found}", "U05")
PROPERTY_MISPLACED = Fault(*_MALFORMED, "{about} is no property of {found}", "U05")
PROPERTY_TWICE = Fault(*_PROTOCOL, "{about} stands in the packet twice", "U07")
ZERO = Fault(
    *_PROTOCOL,
    "{about} is 0",
    None,
    by={
        "receive_maximum": ("U08",),
        "maximum_packet_size": ("U09",),
        "subscription_identifier": ("U14",),
        "subscription_identifiers": ("U14",),
    },
)
NOT_0_OR_1 = Fault(
    *_PROTOCOL,
    "{about} is {found}; it is 0 or 1",
    by={
        "request_problem_information": ("U10",),
        "request_response_information": ("U10",),
        "maximum_qos": ("U12",),
        "retain_available": ("U12",),
        "wildcard_subscription_available": ("U12",),
        "subscription_identifier_available": ("U12",),
        "shared_subscription_available": ("U12",),
    },
)
TOPIC_ALIAS_ZERO = Fault(ProtocolError, ReasonCode.TOPIC_ALIAS_INVALID, "topic_alias is 0", "MQTT-3.3.2-8")
METHOD_MISSING = Fault(*_PROTOCOL, "authentication_data is there, authentication_method is not", "U11")
AUTH_METHOD_MISSING = Fault(*_PROTOCOL, "an AUTH other than the empty one has an authentication_method", "U21")

# --- CONNECT and CONNACK.
PROTOCOL_NAME = Fault(*_UNSUPPORTED, "the protocol name {found} is neither 'MQTT' nor 'MQIsdp'", "MQTT-3.1.2-1")
PROTOCOL_LEVEL = Fault(*_UNSUPPORTED, "protocol level {found} is none of 'MQTT' 4 and 5 and 'MQIsdp' 3", "MQTT-3.1.2-2")
CONNECT_FLAG_RESERVED = Fault(*_MALFORMED, "bit 0 of the connect flags {found} is reserved", "MQTT-3.1.2-3")
WILL_QOS = Fault(*_MALFORMED, "the QoS of a will is 0, 1 or 2", "MQTT-3.1.2-12", "MQTT-3.1.2-14")
WILL_QOS_WITHOUT_WILL = Fault(*_PROTOCOL, "a Will QoS is set without a will", "MQTT-3.1.2-11", "MQTT-3.1.2-13")
WILL_RETAIN_WITHOUT_WILL = Fault(*_PROTOCOL, "Will Retain is set without a will", "MQTT-3.1.2-13", "MQTT-3.1.2-15")
PASSWORD_WITHOUT_USERNAME = Fault(
    *_PROTOCOL, "{version} does not allow a password without a user name", None, "MQTT-3.1.2-22"
)
CLIENT_ID_EMPTY = Fault(*_CLIENT_ID, "client_id is empty and clean_start is not set", None, "MQTT-3.1.3-8")
# What the one clause tells a server to refuse, the other tells a client not to send.
CLIENT_ID_EMPTY_TO_SEND = Fault(*_UNWRITABLE, "client_id is empty and clean_start is not set", None, "MQTT-3.1.3-7")
CLIENT_ID_LENGTH = Fault(*_CLIENT_ID, "client_id has {found} characters; MQTT 3.1 takes 1 to 23", None, None, "U27")
CONNACK_FLAGS = Fault(*_MALFORMED, "the connect acknowledge flags {found} use reserved bits", "MQTT-3.2.2-1", "U31")
# A server of an earlier version answers a CONNECT of 5.0 in its own (3.1.2.2).
REFUSED_BY_EARLIER_VERSION = Fault(
    *_UNSUPPORTED,
    "the server speaks an earlier version and refuses with return code {found}",
    "MQTT-3.2.2-8",
)
ACCEPTED_BY_EARLIER_VERSION = Fault(
    *_MALFORMED, "CONNACK has no properties; this is a valid CONNACK of MQTT 3.1.1", "MQTT-2.2.2-1"
)
SESSION_PRESENT_OF_EARLIER_VERSION = Fault(
    *_MALFORMED,
    "{found} is not a reason code of CONNACK; MQTT 3.1.1 has this return code, but not with session_present",
    "MQTT-3.2.2-8",
)
SESSION_PRESENT = Fault(*_PROTOCOL, "session_present is set in a refusal", "MQTT-3.2.2-6", "MQTT-3.2.2-4")

# --- What the other packets hold.
PACKET_ID_ZERO = Fault(
    *_PROTOCOL,
    "the packet identifier of {about} is 0",
    "U24",
    by={
        "PUBLISH": ("MQTT-2.2.1-3", "MQTT-2.3.1-1"),
        "a server's PUBLISH": ("MQTT-2.2.1-4", "MQTT-2.3.1-4"),
        "SUBSCRIBE": ("MQTT-2.2.1-3", "MQTT-2.3.1-1"),
        "UNSUBSCRIBE": ("MQTT-2.2.1-3", "MQTT-2.3.1-1"),
    },
)
PACKET_ID_MISSING = Fault(*_UNWRITABLE, "packet_id is None, and qos is above 0", "MQTT-2.2.1-3", "MQTT-2.3.1-1")
PACKET_ID_AT_QOS_0 = Fault(*_UNWRITABLE, "packet_id is {found}, and qos is 0", "MQTT-2.2.1-2", "MQTT-2.3.1-5")
REASON_CODE = Fault(
    *_MALFORMED,
    "{found} is no reason code of {about}",
    by={
        "CONNACK": ("MQTT-3.2.2-8", "U32"),
        "PUBACK": ("MQTT-3.4.2-1",),
        "PUBREC": ("MQTT-3.5.2-1",),
        "PUBREL": ("MQTT-3.6.2-1",),
        "PUBCOMP": ("MQTT-3.7.2-1",),
        "SUBACK": ("MQTT-3.9.3-2", "MQTT-3.9.3-2", "U30"),
        "UNSUBACK": ("MQTT-3.11.3-2",),
        "DISCONNECT": ("MQTT-3.14.2-1",),
        "AUTH": ("MQTT-3.15.2-1",),
    },
)
LIST_EMPTY = Fault(
    *_PROTOCOL,
    "{about} is empty",
    by={
        "subscriptions": ("MQTT-3.8.3-2", "MQTT-3.8.3-3"),
        "topic_filters": ("MQTT-3.10.3-2",),
        "reason_codes": ("U40",),
    },
)
OPTIONS_RESERVED = Fault(
    *_MALFORMED, "the subscription options {found} use reserved bits", "MQTT-3.8.3-5", "MQTT-3-8.3-4"
)
SUBSCRIPTION_QOS = Fault(*_PROTOCOL, "the QoS of a subscription is 0, 1 or 2", "U15")
# 3.1.1 itself says "malformed" here, where 5.0 says Protocol Error.
REQUESTED_QOS = Fault(*_MALFORMED, "the QoS of a subscription is 0, 1 or 2", None, "MQTT-3-8.3-4")
RETAIN_HANDLING = Fault(*_PROTOCOL, "retain_handling is 0, 1 or 2", "U16")
NO_LOCAL_SHARED = Fault(*_PROTOCOL, "no_local is set on a shared subscription", "MQTT-3.8.3-4")

# --- Who may send what, and when.
_SENDERS: Any = {
    "PUBACK": ("MQTT-3.4.2-1",),
    "PUBREC": ("MQTT-3.5.2-1",),
    "DISCONNECT": ("MQTT-3.14.2-1",),
    "AUTH": ("MQTT-3.15.2-1",),
}
REASON_CODE_OF_SERVER = Fault(*_PROTOCOL, "a client must not send {about} with reason code {found}", by=_SENDERS)
REASON_CODE_OF_CLIENT = Fault(
    *_PROTOCOL,
    "a server must not send {about} with reason code {found}",
    by={name: _SENDERS[name] for name in ("DISCONNECT", "AUTH")},
)
WRONG_DIRECTION = Fault(*_PROTOCOL, "{about} is for this side to send, not to receive")
FIRST_NOT_CONNECT = Fault(*_PROTOCOL, "the first packet of a connection is CONNECT, not {about}", "MQTT-3.1.0-1")
SECOND_CONNECT = Fault(*_PROTOCOL, "a second CONNECT on one connection", "MQTT-3.1.0-2")
VERSION_CHANGED = Fault(*_PROTOCOL, "a CONNECT of {found} on a connection of {version}", "MQTT-3.1.2-2")
IDENTIFIER_FROM_CLIENT = Fault(*_PROTOCOL, "a client's PUBLISH has a subscription identifier", "MQTT-3.3.4-6")
EXPIRY_FROM_SERVER = Fault(*_PROTOCOL, "a server's DISCONNECT has a session_expiry_interval", "MQTT-3.14.2-2")

# --- What cannot be written.
NOT_IN_VERSION = Fault(*_UNWRITABLE, "{version} cannot carry {about}")
OUT_OF_RANGE = Fault(*_UNWRITABLE, "{about} is {found}, which its field cannot hold")
PROTOCOL_VERSION = Fault(*_UNWRITABLE, "protocol_version is {found}; it is 3, 4 or 5", "MQTT-3.1.2-2")
ENCODED_TOO_LARGE = Fault(*_UNWRITABLE, "the packet would take more than 268435460 bytes", "U36")
BUFFER_TOO_SMALL = Fault(*_UNWRITABLE, "the packet takes {found} bytes, more than the buffer has from the offset on")
