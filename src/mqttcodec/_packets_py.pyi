"""The packet classes for type checkers and editors. `tools/packets.py` generates the classes."""

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Literal, Self, TypeAlias, TypeVar, final

from typing_extensions import Buffer

from ._enums import ConnectReturnCode, PacketType, ProtocolVersion, QoS, ReasonCode, RetainHandling

_Item = TypeVar("_Item")
_Several: TypeAlias = tuple[_Item, ...] | list[_Item]
_ReasonCodes: TypeAlias = _Several[int] | list[ReasonCode]
_UserProperties: TypeAlias = _Several[tuple[str, str]] | _Several[list[str]]

class _Value:
    def replace(self, **changes: Any) -> Self: ...
    def __replace__(self, **changes: Any) -> Self: ...
    def for_version(self, version: int, *, lossy: bool = False) -> Self: ...
    @property
    def properties(self) -> dict[str, Any]: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> Self: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __repr__(self) -> str: ...

# --- Generated from `_packets_py.py` by `tools/packets.py --write`.

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Will(_Value):
    """The message that a server publishes when a connection ends without a normal DISCONNECT (3.1.2.5).

    Attributes:
        topic (str): Topic name; not empty, without wildcards, at most 65,535 bytes in UTF-8. All versions.
        payload (bytes | memoryview): At most 65,535 bytes. All versions.
        qos (QoS): Delivery guarantee, 0 to 2. All versions.
        retain (bool): Whether the server retains the message. All versions.
        will_delay_interval (int | None): How long the server waits before it publishes the message, in seconds, 0 to
            4,294,967,295. 5.0 only.
        payload_format_indicator (int | None): 0 for unspecified bytes, 1 for UTF-8 text; the payload is not checked
            against it. 5.0 only.
        message_expiry_interval (int | None): Lifetime of the message, in seconds, 0 to 4,294,967,295. 5.0 only.
        content_type (str | None): Type of the payload, such as a MIME type, at most 65,535 bytes in UTF-8. 5.0 only.
        response_topic (str | None): Topic name for responses; not empty, without wildcards, at most 65,535 bytes in
            UTF-8. 5.0 only.
        correlation_data (bytes | memoryview | None): Data that matches a response to its request, at most 65,535 bytes.
            5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> Connect("sensor", will=Will("sensor/state", b"offline")).will
        Will(topic='sensor/state', payload=b'offline')
    """

    topic: str
    payload: bytes | memoryview
    qos: QoS
    retain: bool
    _: KW_ONLY
    will_delay_interval: int | None
    payload_format_indicator: int | None
    message_expiry_interval: int | None
    content_type: str | None
    response_topic: str | None
    correlation_data: bytes | memoryview | None
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        topic: str,
        payload: Buffer = b"",
        qos: int = 0,
        retain: bool = False,
        *,
        will_delay_interval: int | None = None,
        payload_format_indicator: int | None = None,
        message_expiry_interval: int | None = None,
        content_type: str | None = None,
        response_topic: str | None = None,
        correlation_data: Buffer | None = None,
        user_properties: _UserProperties = (),
    ) -> None: ...
    def to_publish(self, packet_id: int | None = None) -> Publish: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Connect(_Value):
    """CONNECT, the first packet that a client sends (3.1).

    The packet states the MQTT version of the connection, and is encoded in that version.

    Attributes:
        client_id (str): Client identifier, at most 65,535 bytes in UTF-8. In 3.1 it has 1 to 23 characters; in 3.1.1 it
            may be empty only if `clean_start` is true. All versions.
        clean_start (bool): Whether to discard an earlier session; called Clean Session in 3.1 and 3.1.1. All versions.
        keep_alive (int): Longest time the client lets pass between two packets, in seconds, 0 (no limit) to 65,535. All
            versions.
        username (str | None): User name, at most 65,535 bytes in UTF-8. All versions.
        password (bytes | memoryview | None): At most 65,535 bytes; before 5.0 it requires `username`. Not shown by
            `repr`. All versions.
        will (Will | None): Message to publish when the connection is lost. All versions.
        protocol_version (ProtocolVersion): Version of the connection, 3, 4 or 5. All versions.
        bridge (bool): Whether the client is a bridge between brokers, which bit 7 of the protocol level says. It is no
            part of the standards; Mosquitto's bridges set it. Only `Decoder(bridge=True)` accepts it. 3.1 and 3.1.1
            only.
        session_expiry_interval (int | None): How long the session outlives the connection, in seconds, 0 to
            4,294,967,295 (never expires). 5.0 only.
        receive_maximum (int | None): How many unacknowledged messages of QoS 1 and 2 the sender accepts at once, 1 to
            65,535. 5.0 only.
        maximum_packet_size (int | None): Largest packet that the sender accepts, in bytes, 1 to 4,294,967,295. 5.0
            only.
        topic_alias_maximum (int | None): Highest topic alias that the sender accepts, 0 (none) to 65,535. 5.0 only.
        request_response_information (bool | None): Whether the CONNACK may have `response_information`. 5.0 only.
        request_problem_information (bool | None): Whether packets other than PUBLISH, CONNACK and DISCONNECT may have a
            reason string and user properties. 5.0 only.
        authentication_method (str | None): Name of the method for extended authentication, at most 65,535 bytes in
            UTF-8. 5.0 only.
        authentication_data (bytes | memoryview | None): Data of that method, at most 65,535 bytes; requires
            `authentication_method`. Not shown by `repr`. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(Connect("c", keep_alive=30, protocol_version=4)).hex(" ")
        '10 0d 00 04 4d 51 54 54 04 02 00 1e 00 01 63'
    """

    packet_type: ClassVar[Literal[PacketType.CONNECT]]

    client_id: str
    clean_start: bool
    keep_alive: int
    username: str | None
    password: bytes | memoryview | None
    will: Will | None
    protocol_version: ProtocolVersion
    bridge: bool
    _: KW_ONLY
    session_expiry_interval: int | None
    receive_maximum: int | None
    maximum_packet_size: int | None
    topic_alias_maximum: int | None
    request_response_information: bool | None
    request_problem_information: bool | None
    authentication_method: str | None
    authentication_data: bytes | memoryview | None
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        client_id: str = "",
        clean_start: bool = True,
        keep_alive: int = 60,
        username: str | None = None,
        password: Buffer | None = None,
        will: Will | None = None,
        protocol_version: int = 5,
        bridge: bool = False,
        *,
        session_expiry_interval: int | None = None,
        receive_maximum: int | None = None,
        maximum_packet_size: int | None = None,
        topic_alias_maximum: int | None = None,
        request_response_information: bool | None = None,
        request_problem_information: bool | None = None,
        authentication_method: str | None = None,
        authentication_data: Buffer | None = None,
        user_properties: _UserProperties = (),
    ) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class ConnAck(_Value):
    """CONNACK, the server's answer to a CONNECT (3.2).

    Attributes:
        session_present (bool): Whether the server has a session for this client; false if the connection is refused.
            3.1.1 and 5.0.
        reason_code (ReasonCode | ConnectReturnCode): Result: a `ReasonCode` in 5.0, in 3.1 and 3.1.1 a
            `ConnectReturnCode`. The constructor converts the numbers 1 to 5 to `ConnectReturnCode`. All versions.
        session_expiry_interval (int | None): Session lifetime that the server chose, in seconds, 0 to 4,294,967,295
            (never expires). 5.0 only.
        receive_maximum (int | None): How many unacknowledged messages of QoS 1 and 2 the sender accepts at once, 1 to
            65,535. 5.0 only.
        maximum_qos (QoS | None): Highest QoS that the server supports if it does not support 2: 0 or 1. 5.0 only.
        retain_available (bool | None): Whether the server supports retained messages. 5.0 only.
        maximum_packet_size (int | None): Largest packet that the sender accepts, in bytes, 1 to 4,294,967,295. 5.0
            only.
        assigned_client_identifier (str | None): Client identifier that the server assigned, at most 65,535 bytes in
            UTF-8. 5.0 only.
        topic_alias_maximum (int | None): Highest topic alias that the sender accepts, 0 (none) to 65,535. 5.0 only.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        wildcard_subscription_available (bool | None): Whether the server supports wildcards in topic filters. 5.0 only.
        subscription_identifier_available (bool | None): Whether the server supports subscription identifiers. 5.0 only.
        shared_subscription_available (bool | None): Whether the server supports shared subscriptions. 5.0 only.
        server_keep_alive (int | None): Keep Alive that replaces the client's, in seconds, 0 to 65,535. 5.0 only.
        response_information (str | None): Basis for response topics, at most 65,535 bytes in UTF-8. 5.0 only.
        server_reference (str | None): Another server to use, at most 65,535 bytes in UTF-8. 5.0 only.
        authentication_method (str | None): Name of the method for extended authentication, at most 65,535 bytes in
            UTF-8. 5.0 only.
        authentication_data (bytes | memoryview | None): Data of that method, at most 65,535 bytes. Not shown by `repr`.
            5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(ConnAck(True, server_keep_alive=60)).hex(" ")
        '20 06 01 00 03 13 00 3c'
    """

    packet_type: ClassVar[Literal[PacketType.CONNACK]]

    session_present: bool
    reason_code: ReasonCode | ConnectReturnCode
    _: KW_ONLY
    session_expiry_interval: int | None
    receive_maximum: int | None
    maximum_qos: QoS | None
    retain_available: bool | None
    maximum_packet_size: int | None
    assigned_client_identifier: str | None
    topic_alias_maximum: int | None
    reason_string: str | None
    wildcard_subscription_available: bool | None
    subscription_identifier_available: bool | None
    shared_subscription_available: bool | None
    server_keep_alive: int | None
    response_information: str | None
    server_reference: str | None
    authentication_method: str | None
    authentication_data: bytes | memoryview | None
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        session_present: bool = False,
        reason_code: int = 0,
        *,
        session_expiry_interval: int | None = None,
        receive_maximum: int | None = None,
        maximum_qos: int | None = None,
        retain_available: bool | None = None,
        maximum_packet_size: int | None = None,
        assigned_client_identifier: str | None = None,
        topic_alias_maximum: int | None = None,
        reason_string: str | None = None,
        wildcard_subscription_available: bool | None = None,
        subscription_identifier_available: bool | None = None,
        shared_subscription_available: bool | None = None,
        server_keep_alive: int | None = None,
        response_information: str | None = None,
        server_reference: str | None = None,
        authentication_method: str | None = None,
        authentication_data: Buffer | None = None,
        user_properties: _UserProperties = (),
    ) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Publish(_Value):
    """PUBLISH, an application message (3.3).

    Attributes:
        topic (str): Topic name without wildcards, at most 65,535 bytes in UTF-8. It may be empty in 5.0 if there is a
            `topic_alias`. All versions.
        payload (bytes | memoryview): Content of the message, as long as the packet has at most 268,435,460 bytes. A
            read-only memoryview if it was decoded with `copy=False`. All versions.
        qos (QoS): Delivery guarantee, 0 to 2. All versions.
        retain (bool): Whether the server retains the message, or sends a retained one. All versions.
        dup (bool): Whether this may repeat an earlier attempt; false at QoS 0, except in 3.1. All versions.
        packet_id (int | None): Packet identifier, 1 to 65,535; present if and only if `qos` is 1 or 2. All versions.
        payload_format_indicator (int | None): 0 for unspecified bytes, 1 for UTF-8 text; the payload is not checked
            against it. 5.0 only.
        message_expiry_interval (int | None): Lifetime of the message, in seconds, 0 to 4,294,967,295. 5.0 only.
        topic_alias (int | None): Number that stands for the topic on this connection, 1 to 65,535. 5.0 only.
        response_topic (str | None): Topic name for responses; not empty, without wildcards, at most 65,535 bytes in
            UTF-8. 5.0 only.
        correlation_data (bytes | memoryview | None): Data that matches a response to its request, at most 65,535 bytes.
            5.0 only.
        subscription_identifiers (tuple[int, ...]): Identifiers of the matching subscriptions, 1 to 268,435,455 each;
            only a server sends them. 5.0 only.
        content_type (str | None): Type of the payload, such as a MIME type, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> message = Publish("a", b"21", qos=1, packet_id=7, message_expiry_interval=60)
        >>> encode(message).hex(" ")
        '32 0d 00 01 61 00 07 05 02 00 00 00 3c 32 31'
    """

    packet_type: ClassVar[Literal[PacketType.PUBLISH]]

    topic: str
    payload: bytes | memoryview
    qos: QoS
    retain: bool
    dup: bool
    packet_id: int | None
    _: KW_ONLY
    payload_format_indicator: int | None
    message_expiry_interval: int | None
    topic_alias: int | None
    response_topic: str | None
    correlation_data: bytes | memoryview | None
    subscription_identifiers: tuple[int, ...]
    content_type: str | None
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        topic: str,
        payload: Buffer = b"",
        qos: int = 0,
        retain: bool = False,
        dup: bool = False,
        packet_id: int | None = None,
        *,
        payload_format_indicator: int | None = None,
        message_expiry_interval: int | None = None,
        topic_alias: int | None = None,
        response_topic: str | None = None,
        correlation_data: Buffer | None = None,
        subscription_identifiers: _Several[int] = (),
        content_type: str | None = None,
        user_properties: _UserProperties = (),
    ) -> None: ...

@dataclass(frozen=True, init=False, eq=False, repr=False)
class _Acknowledgement(_Value):
    """The fields of the four packets that acknowledge a PUBLISH or one another."""

    packet_id: int
    reason_code: ReasonCode
    _: KW_ONLY
    reason_string: str | None
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        packet_id: int,
        reason_code: int = 0,
        *,
        reason_string: str | None = None,
        user_properties: _UserProperties = (),
    ) -> None: ...

@final
class PubAck(_Acknowledgement):
    """PUBACK, the answer to a PUBLISH of QoS 1 (3.4).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_code (ReasonCode): Result; 5.0 only, in earlier versions always `SUCCESS`.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(PubAck(7), 4).hex(" ")
        '40 02 00 07'
    """

    packet_type: ClassVar[Literal[PacketType.PUBACK]]

@final
class PubRec(_Acknowledgement):
    """PUBREC, the answer to a PUBLISH of QoS 2 (3.5).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_code (ReasonCode): Result; 5.0 only, in earlier versions always `SUCCESS`.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(PubRec(7), 4).hex(" ")
        '50 02 00 07'
    """

    packet_type: ClassVar[Literal[PacketType.PUBREC]]

@final
class PubRel(_Acknowledgement):
    """PUBREL, the answer to a PUBREC (3.6).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_code (ReasonCode): Result; 5.0 only, in earlier versions always `SUCCESS`.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(PubRel(7), 4).hex(" ")
        '62 02 00 07'
    """

    packet_type: ClassVar[Literal[PacketType.PUBREL]]

@final
class PubComp(_Acknowledgement):
    """PUBCOMP, the answer to a PUBREL, which completes a QoS 2 delivery (3.7).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_code (ReasonCode): Result; 5.0 only, in earlier versions always `SUCCESS`.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(PubComp(7), 4).hex(" ")
        '70 02 00 07'
    """

    packet_type: ClassVar[Literal[PacketType.PUBCOMP]]

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Subscription(_Value):
    """A topic filter of a SUBSCRIBE, with its options (3.8.3).

    Attributes:
        topic_filter (str): Topic filter; not empty, at most 65,535 bytes in UTF-8. All versions.
        qos (QoS): Highest QoS at which the server may send messages, 0 to 2. All versions.
        no_local (bool): Whether to leave out the client's own messages; not allowed for shared subscriptions. 5.0 only.
        retain_as_published (bool): Whether messages keep their `retain` flag. 5.0 only.
        retain_handling (RetainHandling): When the server sends retained messages, 0 to 2. 5.0 only.

    Example:
        >>> Subscription("sensor/+/state", 1).qos.name
        'AT_LEAST_ONCE'
    """

    topic_filter: str
    qos: QoS
    no_local: bool
    retain_as_published: bool
    retain_handling: RetainHandling
    def __init__(
        self,
        topic_filter: str,
        qos: int = 0,
        no_local: bool = False,
        retain_as_published: bool = False,
        retain_handling: int = 0,
    ) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Subscribe(_Value):
    """SUBSCRIBE, a request for one or more subscriptions (3.8).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        subscriptions (tuple[Subscription, ...]): Subscriptions, at least one. All versions.
        subscription_identifier (int | None): Number that the server returns with matching messages, 1 to 268,435,455.
            5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(Subscribe(7, [Subscription("a", 1)])).hex(" ")
        '82 07 00 07 00 00 01 61 01'
    """

    packet_type: ClassVar[Literal[PacketType.SUBSCRIBE]]

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    _: KW_ONLY
    subscription_identifier: int | None
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        packet_id: int,
        subscriptions: _Several[Subscription],
        *,
        subscription_identifier: int | None = None,
        user_properties: _UserProperties = (),
    ) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class SubAck(_Value):
    """SUBACK, the answer to a SUBSCRIBE (3.9).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_codes (tuple[ReasonCode, ...]): Results, one for each subscription, in the same order; at least one. In
            3.1.1 a granted QoS or `FAILURE`, in 3.1 a granted QoS. All versions.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(SubAck(7, [ReasonCode.GRANTED_QOS_1])).hex(" ")
        '90 04 00 07 00 01'
    """

    packet_type: ClassVar[Literal[PacketType.SUBACK]]

    packet_id: int
    reason_codes: tuple[ReasonCode, ...]
    _: KW_ONLY
    reason_string: str | None
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        packet_id: int,
        reason_codes: _ReasonCodes,
        *,
        reason_string: str | None = None,
        user_properties: _UserProperties = (),
    ) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Unsubscribe(_Value):
    """UNSUBSCRIBE, a request to end subscriptions (3.10).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        topic_filters (tuple[str, ...]): Topic filters, at least one, each at most 65,535 bytes in UTF-8 and not empty.
            All versions.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(Unsubscribe(7, ["a"])).hex(" ")
        'a2 06 00 07 00 00 01 61'
    """

    packet_type: ClassVar[Literal[PacketType.UNSUBSCRIBE]]

    packet_id: int
    topic_filters: tuple[str, ...]
    _: KW_ONLY
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        packet_id: int,
        topic_filters: _Several[str],
        *,
        user_properties: _UserProperties = (),
    ) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class UnsubAck(_Value):
    """UNSUBACK, the answer to an UNSUBSCRIBE (3.11).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_codes (tuple[ReasonCode, ...]): Results, one for each topic filter, in the same order; at least one in
            5.0, none in earlier versions. 5.0 only.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(UnsubAck(7), 4).hex(" ")
        'b0 02 00 07'
    """

    packet_type: ClassVar[Literal[PacketType.UNSUBACK]]

    packet_id: int
    reason_codes: tuple[ReasonCode, ...]
    _: KW_ONLY
    reason_string: str | None
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        packet_id: int,
        reason_codes: _ReasonCodes = (),
        *,
        reason_string: str | None = None,
        user_properties: _UserProperties = (),
    ) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class PingReq(_Value):
    """PINGREQ, by which a client keeps its connection alive (3.12). It has no fields, in any version.

    Example:
        >>> encode(PingReq()).hex(" ")
        'c0 00'
    """

    packet_type: ClassVar[Literal[PacketType.PINGREQ]]

    def __init__(self) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class PingResp(_Value):
    """PINGRESP, the answer to a PINGREQ (3.13). It has no fields, in any version.

    Example:
        >>> encode(PingResp()).hex(" ")
        'd0 00'
    """

    packet_type: ClassVar[Literal[PacketType.PINGRESP]]

    def __init__(self) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Disconnect(_Value):
    """DISCONNECT, the last packet of a connection (3.14).

    In 3.1 and 3.1.1 only clients send it.

    Attributes:
        reason_code (ReasonCode): Why the connection ends; 5.0 only, in earlier versions always `SUCCESS`.
        session_expiry_interval (int | None): New session lifetime, in seconds, 0 to 4,294,967,295 (never expires); only
            a client sends it. 5.0 only.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        server_reference (str | None): Another server to use, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(Disconnect(ReasonCode.SERVER_BUSY)).hex(" ")
        'e0 01 89'
    """

    packet_type: ClassVar[Literal[PacketType.DISCONNECT]]

    reason_code: ReasonCode
    _: KW_ONLY
    session_expiry_interval: int | None
    reason_string: str | None
    server_reference: str | None
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        reason_code: int = 0,
        *,
        session_expiry_interval: int | None = None,
        reason_string: str | None = None,
        server_reference: str | None = None,
        user_properties: _UserProperties = (),
    ) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Auth(_Value):
    """AUTH, a step of extended authentication (3.15). The packet exists in 5.0 only.

    Attributes:
        reason_code (ReasonCode): `SUCCESS`, `CONTINUE_AUTHENTICATION` or `RE_AUTHENTICATE`. 5.0 only.
        authentication_method (str | None): Name of the method, at most 65,535 bytes in UTF-8; None only with `SUCCESS`
            and no other property. 5.0 only.
        authentication_data (bytes | memoryview | None): Data of the method, at most 65,535 bytes. Not shown by `repr`.
            5.0 only.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(Auth(0x18, authentication_method="m")).hex(" ")
        'f0 06 18 04 15 00 01 6d'
    """

    packet_type: ClassVar[Literal[PacketType.AUTH]]

    reason_code: ReasonCode
    _: KW_ONLY
    authentication_method: str | None
    authentication_data: bytes | memoryview | None
    reason_string: str | None
    user_properties: tuple[tuple[str, str], ...]
    def __init__(
        self,
        reason_code: int = 0,
        *,
        authentication_method: str | None = None,
        authentication_data: Buffer | None = None,
        reason_string: str | None = None,
        user_properties: _UserProperties = (),
    ) -> None: ...

Packet = (
    Connect
    | ConnAck
    | Publish
    | PubAck
    | PubRec
    | PubRel
    | PubComp
    | Subscribe
    | SubAck
    | Unsubscribe
    | UnsubAck
    | PingReq
    | PingResp
    | Disconnect
    | Auth
)
