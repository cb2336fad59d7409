"""The exceptions, and every fault that either codec can report.

A fault is data: an exception class, a reason code, a clause for each version and a message. Both codecs raise
`FAULT.decoding(...)` and `FAULT.encoding(...)`, so their errors are the same.
"""

from __future__ import annotations

from ._enums import ConnectReturnCode, PacketType, ProtocolVersion, ReasonCode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class MQTTError(Exception):
    """Base class of all errors about packets.

    `reason_code` is the reason code with which a 5.0 server would answer, or None if it would not answer. `offset` is
    the byte of the packet at fault, or None if there is no single one. `clause` is the broken rule: a statement of the
    standard for the version in use (3.1 does not number its statements; those of 3.1.1 stand in), an identifier like
    "U07" for a rule without a number, or None.
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
    """The bytes are not a valid packet.

    `version` is the version used to read them, or None if it is not known yet: a CONNECT that opens a connection has
    one after its protocol level has been read. `packet_type` is None if the type is 0 or there are no bytes.
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
    """The packet continues after the end of the buffer; `offset` is the number of bytes available.

    A `Decoder` never raises it.
    """


class MalformedPacketError(DecodeError):
    """The bytes cannot be parsed according to the standard (5.0, 1.2)."""


class ProtocolError(DecodeError):
    """The packet parses, but the protocol or the state of the connection does not allow its contents (5.0, 1.2)."""


class PacketTooLargeError(DecodeError):
    """The packet exceeds the decoder's `max_packet_size`."""


class UnsupportedVersionError(DecodeError):
    """The peer uses a version that this side does not support.

    On a server: the CONNECT is not of MQTT 3.1, 3.1.1 or 5.0. On a 5.0 client: a server of an earlier version refused
    the CONNECT; `return_code` is then the code of its CONNACK, and None otherwise.
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
    """The packet cannot be encoded: `decode` would refuse it, or the version does not support its contents.

    An `Encoder` also raises it for a packet that exceeds `max_packet_size`.

    `reason_code` and `offset` are None.
    """


for _error_class in (
    *(MQTTError, DecodeError, IncompletePacketError, MalformedPacketError, ProtocolError, PacketTooLargeError),
    *(UnsupportedVersionError, EncodeError),
):
    _error_class.__module__ = __package__  # The package that users import them from.
del _error_class


def fresh(error: Exception) -> Exception:
    """An equal error without the traceback; a MemoryError for any subclass of MemoryError."""
    if isinstance(error, MQTTError):
        return type(error)(*error.args, **vars(error))
    return (MemoryError if isinstance(error, MemoryError) else RuntimeError)(*error.args)


def shown(value: Any) -> str:
    """`value` as text for a message: always short, and made without calling the value's own methods."""
    if issubclass(type(value), int):
        return int.__repr__(value) if int.bit_length(value) <= 64 else f"a number of {int.bit_length(value)} bits"
    if issubclass(type(value), str):
        return str.__repr__(value if len(value) <= 40 else str.__getitem__(value, slice(40))) + "..." * (
            len(value) > 40
        )
    if type(value) is bytes:  # A protocol name. Shown in part: in a malformed packet it may be a password.
        return repr(value[:8]) + "..." * (len(value) > 8)
    return type(value).__name__


class Fault:
    """A rule that a packet can break. `text` may contain {about} (a field or a packet), {found} and {version}."""

    __slots__ = ("clauses", "error", "reason_code", "text")

    def __init__(
        self,
        error: type[DecodeError | EncodeError],
        reason_code: ReasonCode | None,
        text: str,
        *clauses: str | None,
        by: dict[str, tuple[str | None, ...]] | None = None,
    ) -> None:
        """`clauses`: for 5.0, 3.1.1 and 3.1; an omitted one equals the one before. `by`: for one field or packet."""
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
        """The error for a received packet with a fault at `offset`.

        `version` selects the clause. `known` is the version that the error reports, or None if it is not known.
        `details` are further attributes of this exception class.
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
        """The error for a packet that must not be sent."""
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
    """The error for a field or an argument of the wrong Python type."""
    return TypeError(f"{about} must be {expected}, not {type(value).__name__}")


def wrong_item(about: str, expected: str, value: object) -> TypeError:
    """The error for an item of the wrong Python type in a field that holds several."""
    return TypeError(f"each item of {about} must be {expected}, not {type(value).__name__}")


def not_a_pair(value: Any) -> TypeError:
    """The error for an item of `user_properties` that is not a pair: a tuple of another size, or no tuple or list."""
    found = f"a sequence of {tuple.__len__(value)}" if issubclass(type(value), tuple) else type(value).__name__
    return TypeError(f"each item of user_properties must be a (name, value) pair, not {found}")


def initialised_twice(packet: object) -> TypeError:
    """The error for a second `__init__` of a packet, which is immutable."""
    return TypeError(f"{type(packet).__name__} is immutable and cannot be initialised twice")


def immutable(packet: object, name: str) -> AttributeError:
    """The error for assigning or deleting an attribute of a packet."""
    from dataclasses import FrozenInstanceError

    return FrozenInstanceError(f"cannot change {name!r}: {type(packet).__name__} is immutable")


def cannot_delete(owner: object, name: str) -> AttributeError:
    """The error for deleting an attribute that can only be set."""
    return AttributeError(f"cannot delete {name!r} of this {type(owner).__name__}")


def bad_value(about: str, expected: str, value: object) -> ValueError:
    """The error for an argument that is out of range."""
    return ValueError(f"{about} must be {expected}, not {shown(value)}")


def version_required() -> ValueError:
    """The error for a `Decoder` that can learn its version neither from its caller nor from a CONNECT."""
    return ValueError("connected=True requires a version (3, 4 or 5), because no CONNECT will state it")


def cannot_skip(error: Exception | None) -> RuntimeError:
    """The error for `Decoder.skip` if `error`, which the decoder raised last, leaves no packet to skip."""
    if error is None:
        return RuntimeError("there is nothing to skip, because no packet was invalid")
    if isinstance(error, MemoryError):
        reason = "memory ran out"
    elif not isinstance(error, DecodeError):
        reason = "it was interrupted while decoding"
    elif error.packet_type == PacketType.CONNECT:
        reason = "a CONNECT must not be skipped"
    else:
        reason = "the error is in the fixed header, not in the body of a packet"
    return RuntimeError(f"this Decoder cannot skip, because {reason}; call reset() before using it again")


def decoder_interrupted() -> RuntimeError:
    """The error for using a `Decoder` after an unrelated exception interrupted it."""
    return RuntimeError("this Decoder was interrupted while decoding; call reset() before using it again")


def busy(owner: object) -> RuntimeError:
    """The error for entering a `Decoder` or an `Encoder` that is in use, from another thread or a finaliser."""
    return RuntimeError(
        f"this {type(owner).__name__} is already in use, in another thread or further up this call stack"
    )


def version_unknown() -> RuntimeError:
    """The error for writing anything but a CONNECT with an `Encoder` that has no version."""
    return RuntimeError("this Encoder has no version yet; write a CONNECT first, or set version")


def not_bytes(about: str) -> BufferError:
    """The error for a buffer whose items are not contiguous single bytes."""
    return BufferError(f"{about} must be C-contiguous with one-byte items")


def read_only() -> BufferError:
    """The error for a read-only buffer."""
    return BufferError("buffer must be writable, not read-only")


_MALFORMED: Any = (MalformedPacketError, ReasonCode.MALFORMED_PACKET)
_PROTOCOL: Any = (ProtocolError, ReasonCode.PROTOCOL_ERROR)
_UNSUPPORTED: Any = (UnsupportedVersionError, ReasonCode.UNSUPPORTED_PROTOCOL_VERSION)
_CLIENT_ID: Any = (ProtocolError, ReasonCode.CLIENT_IDENTIFIER_NOT_VALID)
_UNWRITABLE: Any = (EncodeError, None)

# --- Framing: the fixed header and the end of a packet.
PACKET_TYPE_RESERVED = Fault(*_MALFORMED, "packet type 0 is reserved", "U02")
PACKET_TYPE_UNKNOWN = Fault(*_MALFORMED, "packet type 15 is reserved in {version}; AUTH requires MQTT 5.0", None, "U03")
FLAGS_NOT_0 = Fault(
    *_MALFORMED,
    "fixed header flags of {about} must be 0, not {found}",
    "MQTT-2.1.3-1",
    "MQTT-2.2.2-1",
    by={"DISCONNECT": ("MQTT-3.14.1-1",), "AUTH": ("MQTT-3.15.1-1",)},
)
FLAGS_NOT_2 = Fault(
    *_MALFORMED,
    "fixed header flags of {about} must be 2, not {found}",
    by={
        "PUBREL": ("MQTT-3.6.1-1",),
        "SUBSCRIBE": ("MQTT-3.8.1-1",),
        "UNSUBSCRIBE": ("MQTT-3.10.1-1",),
    },
)
PUBLISH_QOS = Fault(*_MALFORMED, "qos must be 0, 1 or 2, not {found}", "MQTT-3.3.1-4")
DUP_AT_QOS_0 = Fault(*_PROTOCOL, "dup must not be set when qos is 0", "MQTT-3.3.1-2")
LENGTH_TOO_LONG = Fault(*_MALFORMED, "{about} is longer than four bytes", "U01")
LENGTH_NOT_SHORTEST = Fault(*_MALFORMED, "{about} must use the minimum number of bytes", "MQTT-1.5.5-1", None)
INCOMPLETE = Fault(IncompletePacketError, None, "incomplete packet: the buffer ends at byte {found}")
TRAILING_BYTES = Fault(
    *_MALFORMED,
    "the buffer must end after the packet, but {found} byte(s) follow; use decode_from or Decoder for several packets",
)
PACKET_TOO_LARGE = Fault(
    PacketTooLargeError, ReasonCode.PACKET_TOO_LARGE, "a packet of {found} bytes exceeds max_packet_size", "U36"
)
FIELD_MISSING = Fault(
    *_MALFORMED,
    "truncated packet: expected {about}",
    "MQTT-4.13.1-1",
    "MQTT-4.8.0-1",
    by={
        "Property Length": ("MQTT-2.2.2-1",),
        "protocol_name": ("MQTT-3.1.4-1",),
        "protocol_level": ("MQTT-3.1.4-1",),
        "connect_flags": ("MQTT-3.1.4-1",),
        "keep_alive": ("MQTT-3.1.4-1",),
        "client_id": ("MQTT-3.1.3-3",),
        "Will Property Length": ("MQTT-3.1.2-9",),
        "will.topic": ("MQTT-3.1.2-9",),
        "will.payload": ("MQTT-3.1.2-9",),
        "username": ("MQTT-3.1.2-17", "MQTT-3.1.2-19"),
        "password": ("MQTT-3.1.2-19", "MQTT-3.1.2-21"),
        "topic": ("MQTT-3.3.2-1",),
    },
)
FIELD_CUT = Fault(
    *_MALFORMED,
    "truncated {about}: its length {found} exceeds the rest of the packet",
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
    "{about} must end after its last field, but {found} byte(s) follow",
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
    "{about} must be well-formed UTF-8",
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
    "{about} must not contain the null character U+0000",
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
    "{about} must be at most 65535 bytes long, not {found}",
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
    "{about} must not contain the wildcard {found}",
    "MQTT-4.7.0-1",
    "MQTT-4.7.1-1",
    by={"topic": ("MQTT-3.3.2-2",), "response_topic": ("MQTT-3.3.2-14",)},
)
TOPIC_EMPTY = Fault(*_PROTOCOL, "{about} must not be empty", "MQTT-4.7.3-1")
TOPIC_AND_ALIAS_MISSING = Fault(*_PROTOCOL, "an empty topic requires topic_alias", "U13")
FILTER_HASH = Fault(
    *_MALFORMED,
    "'#' in {about} must be the last character and fill its level",
    "MQTT-4.7.1-1",
    "MQTT-4.7.1-2",
)
FILTER_PLUS = Fault(*_MALFORMED, "'+' in {about} must fill its level", "MQTT-4.7.1-2", "MQTT-4.7.1-3")
SHARE_NAME_EMPTY = Fault(*_MALFORMED, "'$share/' in {about} requires a share name", "MQTT-4.8.2-1")
SHARE_NAME = Fault(
    *_MALFORMED,
    "the share name in {about} must not contain '+' or '#', and '/' and a topic filter must follow it",
    "MQTT-4.8.2-2",
)

CONTROL_CHARACTER = Fault(
    *_UNWRITABLE, "{about} must not contain {found}, which is a control character or a non-character", "U37"
)

# --- Properties (2.2.2).
PROPERTIES_CUT = Fault(
    *_MALFORMED, "truncated properties: Property Length {found} exceeds the rest of the packet", "U06"
)
PROPERTY_CUT = Fault(*_MALFORMED, "truncated {about}: it exceeds the rest of the properties", "U06")
PROPERTY_ID_NOT_SHORTEST = Fault(*_MALFORMED, "{about} must use the minimum number of bytes", "U04")
PROPERTY_UNKNOWN = Fault(*_MALFORMED, "unknown Property Identifier {found}", "U05")
PROPERTY_MISPLACED = Fault(*_MALFORMED, "{about} must not have property {found}", "U05")
PROPERTY_TWICE = Fault(*_PROTOCOL, "duplicate property {about}", "U07")
ZERO = Fault(
    *_PROTOCOL,
    "{about} must not be 0",
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
    "{about} must be 0 or 1, not {found}",
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
TOPIC_ALIAS_ZERO = Fault(ProtocolError, ReasonCode.TOPIC_ALIAS_INVALID, "topic_alias must not be 0", "MQTT-3.3.2-8")
METHOD_MISSING = Fault(*_PROTOCOL, "authentication_data requires authentication_method", "U11")
AUTH_METHOD_MISSING = Fault(*_PROTOCOL, "AUTH requires authentication_method unless its Remaining Length is 0", "U21")

# --- CONNECT and CONNACK.
PROTOCOL_NAME = Fault(*_UNSUPPORTED, "protocol name must be 'MQTT' or 'MQIsdp', not {found}", "MQTT-3.1.2-1")
PROTOCOL_LEVEL = Fault(
    *_UNSUPPORTED, "protocol level must be 4 or 5 for 'MQTT' and 3 for 'MQIsdp', not {found}", "MQTT-3.1.2-2"
)
PROTOCOL_LEVEL_OF_BRIDGE = Fault(
    *_UNSUPPORTED,
    "protocol level {found} is that of an {about} bridge; Decoder(bridge=True) accepts it",
    "MQTT-3.1.2-2",
)
CONNECT_FLAG_RESERVED = Fault(*_MALFORMED, "Connect Flags must not set reserved bit 0, but are {found}", "MQTT-3.1.2-3")
WILL_QOS = Fault(*_MALFORMED, "will.qos must be 0, 1 or 2, not {found}", "MQTT-3.1.2-12", "MQTT-3.1.2-14")
WILL_QOS_WITHOUT_WILL = Fault(*_PROTOCOL, "a Will QoS above 0 requires the Will Flag", "MQTT-3.1.2-11", "MQTT-3.1.2-13")
WILL_RETAIN_WITHOUT_WILL = Fault(*_PROTOCOL, "Will Retain requires the Will Flag", "MQTT-3.1.2-13", "MQTT-3.1.2-15")
PASSWORD_WITHOUT_USERNAME = Fault(
    *_PROTOCOL, "{version} does not allow a password without a user name", None, "MQTT-3.1.2-22"
)
CLIENT_ID_EMPTY = Fault(*_CLIENT_ID, "an empty client_id requires clean_start", None, "MQTT-3.1.3-8")
# The same rule for the client: it has a clause of its own.
CLIENT_ID_EMPTY_TO_SEND = Fault(*_UNWRITABLE, "an empty client_id requires clean_start", None, "MQTT-3.1.3-7")
CLIENT_ID_LENGTH = Fault(
    *_CLIENT_ID, "client_id must have 1 to 23 characters in MQTT 3.1, not {found}", None, None, "U27"
)
CONNACK_FLAGS = Fault(
    *_MALFORMED, "Connect Acknowledge Flags must not set reserved bits 1 to 7, but are {found}", "MQTT-3.2.2-1", "U31"
)
# A server of an earlier version answers a 5.0 CONNECT with a CONNACK of that version (3.1.2.2).
REFUSED_BY_EARLIER_VERSION = Fault(
    *_UNSUPPORTED,
    "the server refused the CONNECT with return code {found} of an earlier version",
    "MQTT-3.2.2-8",
)
ACCEPTED_BY_EARLIER_VERSION = Fault(
    *_MALFORMED, "CONNACK requires a Property Length; this is a valid CONNACK of MQTT 3.1.1", "MQTT-2.2.2-1"
)
SESSION_PRESENT_OF_EARLIER_VERSION = Fault(
    *_MALFORMED,
    "CONNACK must not have reason code {found}; MQTT 3.1.1 has this return code, but not with session_present",
    "MQTT-3.2.2-8",
)
SESSION_PRESENT = Fault(*_PROTOCOL, "session_present requires reason_code 0", "MQTT-3.2.2-6", "MQTT-3.2.2-4")

# --- Contents of the other packets.
PACKET_ID_ZERO = Fault(
    *_PROTOCOL,
    "packet_id of {about} must not be 0",
    "U24",
    by={
        "PUBLISH": ("MQTT-2.2.1-3", "MQTT-2.3.1-1"),
        "a server's PUBLISH": ("MQTT-2.2.1-4", "MQTT-2.3.1-4"),
        "SUBSCRIBE": ("MQTT-2.2.1-3", "MQTT-2.3.1-1"),
        "UNSUBSCRIBE": ("MQTT-2.2.1-3", "MQTT-2.3.1-1"),
    },
)
PACKET_ID_MISSING = Fault(*_UNWRITABLE, "qos 1 or 2 requires packet_id", "MQTT-2.2.1-3", "MQTT-2.3.1-1")
PACKET_ID_AT_QOS_0 = Fault(
    *_UNWRITABLE, "packet_id must be None when qos is 0, not {found}", "MQTT-2.2.1-2", "MQTT-2.3.1-5"
)
REASON_CODE = Fault(
    *_MALFORMED,
    "{about} must not have reason code {found}",
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
    "{about} must not be empty",
    by={
        "subscriptions": ("MQTT-3.8.3-2", "MQTT-3.8.3-3"),
        "topic_filters": ("MQTT-3.10.3-2",),
        "reason_codes": ("U40",),
    },
)
OPTIONS_RESERVED = Fault(
    *_MALFORMED, "Subscription Options must not set reserved bits, but are {found}", "MQTT-3.8.3-5", "MQTT-3-8.3-4"
)
SUBSCRIPTION_QOS = Fault(*_PROTOCOL, "subscription qos must be 0, 1 or 2, not {found}", "U15")
# Malformed in 3.1.1, a Protocol Error in 5.0.
REQUESTED_QOS = Fault(*_MALFORMED, "subscription qos must be 0, 1 or 2, not {found}", None, "MQTT-3-8.3-4")
RETAIN_HANDLING = Fault(*_PROTOCOL, "retain_handling must be 0, 1 or 2, not {found}", "U16")
NO_LOCAL_SHARED = Fault(*_PROTOCOL, "no_local must not be set on a shared subscription", "MQTT-3.8.3-4")

# --- Direction and order of packets.
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
PACKET_OF_SERVER = Fault(*_PROTOCOL, "a client must not send {about}")
PACKET_OF_CLIENT = Fault(*_PROTOCOL, "a server must not send {about}")
FIRST_NOT_CONNECT = Fault(*_PROTOCOL, "the first packet of a connection must be CONNECT, not {about}", "MQTT-3.1.0-1")
SECOND_CONNECT = Fault(*_PROTOCOL, "a client must not send a second CONNECT", "MQTT-3.1.0-2")
VERSION_CHANGED = Fault(*_PROTOCOL, "CONNECT must have the decoder's version {version}, not {found}", "MQTT-3.1.2-2")
IDENTIFIER_FROM_CLIENT = Fault(
    *_PROTOCOL, "a client must not send PUBLISH with subscription_identifiers", "MQTT-3.3.4-6"
)
EXPIRY_FROM_SERVER = Fault(
    *_PROTOCOL, "a server must not send DISCONNECT with session_expiry_interval", "MQTT-3.14.2-2"
)

# --- Sessions: what a packet may not be in the state of its connection. {about} is the side that receives or sends.
TOPIC_ALIAS_ABOVE_MAXIMUM = Fault(
    ProtocolError,
    ReasonCode.TOPIC_ALIAS_INVALID,
    "topic_alias {found} exceeds the maximum of the {about}",
    by={"server": ("MQTT-3.3.2-9",), "client": ("MQTT-3.3.2-11",)},
)
TOPIC_ALIAS_UNKNOWN = Fault(*_PROTOCOL, "an empty topic requires a topic_alias that stands for a topic, not {found}")
RECEIVE_MAXIMUM_EXCEEDED = Fault(
    ProtocolError,
    ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
    "the {about} must not have more than {found} PUBLISH packets unacknowledged",
    by={"client": ("MQTT-3.3.4-7", None), "server": ("MQTT-3.3.4-9", None)},
)
IDENTIFIERS_KEPT = Fault(
    ProtocolError,
    ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
    "PUBREL must follow for the QoS 2 messages that were received, but {found} are without one",
    "MQTT-4.3.3-4",
    "MQTT-4.3.3-1",
)
ANSWER_OF_OTHER_QOS = Fault(*_PROTOCOL, "{about} must not answer a PUBLISH whose qos is {found}", "MQTT-3.3.4-1")
PUBCOMP_BEFORE_PUBREL = Fault(
    *_PROTOCOL, "PUBCOMP must answer a PUBREL, but none was sent for packet_id {found}", "MQTT-4.3.3-11", "MQTT-4.3.3-2"
)

SERVER_FIRST = Fault(*_PROTOCOL, "a server must not send {about} before CONNECT", "MQTT-3.1.0-1")
CONNACK_FIRST = Fault(
    *_PROTOCOL,
    "a server must not send {about} before CONNACK",
    "MQTT-3.2.0-1",
    by={"DISCONNECT": ("MQTT-3.14.0-1",)},
)
SECOND_CONNACK = Fault(*_PROTOCOL, "a server must not send a second CONNACK", "MQTT-3.2.0-2", None)
SESSION_AFTER_CLEAN_START = Fault(
    *_PROTOCOL, "session_present must be 0 after a CONNECT with clean_start", "MQTT-3.2.2-2", "MQTT-3.2.2-1"
)
SESSION_UNKNOWN = Fault(
    *_PROTOCOL,
    "session_present must be 0, because the {about} has no session to resume",
    "MQTT-3.2.2-4",
    "MQTT-3.2.2-3",
)
ASSIGNED_IDENTIFIER_MISSING = Fault(
    *_PROTOCOL, "CONNACK must have assigned_client_identifier if client_id is empty", "MQTT-3.2.2-16"
)
RESPONSE_INFORMATION = Fault(
    *_PROTOCOL, "CONNACK must not have response_information that CONNECT did not request", "MQTT-3.1.2-28"
)
PROBLEM_INFORMATION = Fault(
    *_PROTOCOL,
    "{about} must not have reason_string or user_properties if request_problem_information is 0",
    "MQTT-3.1.2-29",
)
WILL_QOS_NOT_SUPPORTED = Fault(
    ProtocolError,
    ReasonCode.QOS_NOT_SUPPORTED,
    "a CONNECT whose will has a qos above maximum_qos {found} must be refused",
    "MQTT-3.2.2-12",
)
WILL_RETAIN_NOT_SUPPORTED = Fault(
    ProtocolError,
    ReasonCode.RETAIN_NOT_SUPPORTED,
    "a CONNECT whose will has retain must be refused if retain_available is 0",
    "MQTT-3.2.2-13",
)
QOS_NOT_SUPPORTED = Fault(
    ProtocolError,
    ReasonCode.QOS_NOT_SUPPORTED,
    "qos must not exceed the server's maximum_qos {found}",
    "MQTT-3.2.2-11",
)
RETAIN_NOT_SUPPORTED = Fault(
    ProtocolError,
    ReasonCode.RETAIN_NOT_SUPPORTED,
    "retain must be 0, because the server has announced retain_available 0",
    "MQTT-3.2.2-14",
)
WILDCARDS_NOT_SUPPORTED = Fault(
    ProtocolError,
    ReasonCode.WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED,
    "topic_filter must not have wildcards, which the server does not support, but is {found}",
)
SUBSCRIPTION_IDENTIFIER_NOT_SUPPORTED = Fault(
    ProtocolError,
    ReasonCode.SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED,
    "SUBSCRIBE must not have a subscription_identifier, which the server does not support",
)
SHARED_SUBSCRIPTION_NOT_SUPPORTED = Fault(
    ProtocolError,
    ReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED,
    "topic_filter must not be a shared subscription, which the server does not support, but is {found}",
)
PACKET_ID_IN_USE = Fault(
    *_PROTOCOL, "{about} must have a packet_id that is not in use, not {found}", "MQTT-2.2.1-3", "MQTT-2.3.1-2"
)
NOT_REQUESTED = Fault(
    *_PROTOCOL,
    "{about} must have the packet_id of a request without an answer, not {found}",
    by={"SUBACK": ("MQTT-3.8.4-2",), "UNSUBACK": ("MQTT-3.10.4-5", "MQTT-3.10.4-4")},
)
ANSWER_COUNT = Fault(
    *_PROTOCOL,
    "{about} must have one reason code for each topic filter, not {found}",
    by={"SUBACK": ("MQTT-3.9.3-1",), "UNSUBACK": ("MQTT-3.11.3-1",)},
)
EXPIRY_AFTER_ZERO = Fault(
    *_PROTOCOL, "DISCONNECT must not set session_expiry_interval {found} if CONNECT had none, or 0"
)
AUTHENTICATION_FIRST = Fault(
    *_PROTOCOL, "a client that authenticates must not send {about} before CONNACK", "MQTT-3.1.2-30"
)
AUTHENTICATION_UNFINISHED = Fault(
    *_PROTOCOL, "CONNACK must not accept a client whose answer to AUTH is missing", "MQTT-4.12.0-2"
)
AUTH_WITHOUT_METHOD = Fault(
    *_PROTOCOL,
    "a {about} must not send AUTH if CONNECT had no authentication_method",
    by={"server": ("MQTT-4.12.0-6",), "client": ("MQTT-4.12.0-7",)},
)
METHOD_OF_SERVER = Fault(
    *_PROTOCOL, "CONNACK must not have authentication_method {found} if CONNECT had none", "MQTT-4.12.0-6"
)
OTHER_METHOD = Fault(*_PROTOCOL, "{about} must have the authentication_method of CONNECT, not {found}", "MQTT-4.12.0-5")
AUTH_OUT_OF_TURN = Fault(
    *_PROTOCOL,
    "a {about} must not send AUTH with reason code {found} at this point",
    by={"server": ("MQTT-4.12.0-2",), "client": ("MQTT-4.12.0-3",)},
)

# --- Encoding only.
NOT_IN_VERSION = Fault(*_UNWRITABLE, "{version} does not support {about}")
NOT_TWO_BYTES = Fault(*_UNWRITABLE, "{about} must fit a Two Byte Integer (0 to 65535), not {found}")
NOT_FOUR_BYTES = Fault(*_UNWRITABLE, "{about} must fit a Four Byte Integer (0 to 4294967295), not {found}")
NOT_VARIABLE = Fault(*_UNWRITABLE, "{about} must fit a Variable Byte Integer (0 to 268435455), not {found}")
PROTOCOL_VERSION = Fault(*_UNWRITABLE, "protocol_version must be 3, 4 or 5, not {found}", "MQTT-3.1.2-2")
ENCODED_TOO_LARGE = Fault(*_UNWRITABLE, "the packet must not exceed 268435460 bytes", "U36")
ABOVE_MAX_PACKET_SIZE = Fault(
    *_UNWRITABLE,
    "the packet requires {found} bytes, more than the encoder's max_packet_size",
    "MQTT-3.1.2-24",
    None,
    by={
        "CONNECT": ("MQTT-3.2.2-15", None),
        "SUBSCRIBE": ("MQTT-3.2.2-15", None),
        "UNSUBSCRIBE": ("MQTT-3.2.2-15", None),
    },
)
BUFFER_TOO_SMALL = Fault(*_UNWRITABLE, "the packet requires {found} bytes, more than the buffer has from the offset on")

# --- Conversion by `for_version`. {version} is the version that the packet is converted to.
LOSSY_ONLY = Fault(*_UNWRITABLE, "{version} does not support {about}; lossy=True drops it")
SESSION_KEPT = Fault(
    *_UNWRITABLE,
    "{version} cannot start a new session and keep it: session_expiry_interval must be absent or 0 with clean_start, "
    "not {found}",
)
SESSION_NOT_KEPT = Fault(
    *_UNWRITABLE,
    "{version} cannot resume a session and then drop it: clean_start must be set if session_expiry_interval is absent "
    "or 0",
)
CONNACK_CODE = Fault(
    *_UNWRITABLE,
    "{version} has no return code for reason code {found}; close the connection without CONNACK",
    None,
    "MQTT-3.2.2-6",
)
TOPIC_ALIAS_ALONE = Fault(
    *_UNWRITABLE, "{version} has no topic aliases, so topic must not be empty", None, "MQTT-4.7.3-1"
)
SUBACK_FAILURE = Fault(
    *_UNWRITABLE,
    "SUBACK of {version} reports no failure: each reason code must be a granted QoS, not {found}",
    None,
    None,
    "U30",
)
UNSUBACK_CODES = Fault(
    *_UNWRITABLE, "UNSUBACK of {version} requires a reason code for each topic filter, but reason_codes is empty", "U40"
)
DISCONNECT_CODE = Fault(
    *_UNWRITABLE,
    "DISCONNECT of {version} has no reason code, so reason_code must be 0, not {found}; close the connection without "
    "DISCONNECT",
)
