"""What type checkers and editors know of the packet classes. `tools/packets.py` makes the classes."""

from dataclasses import KW_ONLY, dataclass
from typing import Any, Self, TypeAlias, TypeVar, final

from typing_extensions import Buffer

from ._enums import ConnectReturnCode, ProtocolVersion, QoS, ReasonCode, RetainHandling

_Item = TypeVar("_Item")
_Several: TypeAlias = tuple[_Item, ...] | list[_Item]
_ReasonCodes: TypeAlias = _Several[int] | list[ReasonCode]
_UserProperties: TypeAlias = _Several[tuple[str, str]] | _Several[list[str]]

class _Value:
    def replace(self, **changes: Any) -> Self: ...
    def __replace__(self, **changes: Any) -> Self: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> Self: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __repr__(self) -> str: ...

# --- Made of `_packets_py.py` by `tools/packets.py --write`.

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Will(_Value):
    """The message a server publishes when the connection ends without a DISCONNECT (3.1.2.5).

    `payload` and `correlation_data` are bytes, at most 65,535; `will_delay_interval` and `message_expiry_interval`
    seconds; `payload_format_indicator` 0 or 1.
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

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Connect(_Value):
    """CONNECT, the client's first packet (3.1). It carries the version of the connection, and is written in it.

    `keep_alive` and `session_expiry_interval` are seconds. `clean_start` is Clean Session in 3.1 and 3.1.1. A 3.1
    client id has 1 to 23 characters; a 3.1.1 one may be empty with `clean_start`.
    """

    client_id: str
    clean_start: bool
    keep_alive: int
    username: str | None
    password: bytes | memoryview | None
    will: Will | None
    protocol_version: ProtocolVersion
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
    """CONNACK, the server's answer to CONNECT (3.2). `reason_code` is a `ConnectReturnCode` in 3.1 and 3.1.1."""

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

    `packet_id` (1 to 65,535) is there exactly when `qos` is 1 or 2. In 5.0 `topic` may be empty where `topic_alias`
    stands for it. `payload` is bytes, of any length the packet can hold; a memoryview after decoding with `copy=False`.
    """

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
    """The fields of the four packets that acknowledge a PUBLISH."""

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
    """PUBACK, the answer to a PUBLISH of QoS 1 (3.4)."""

@final
class PubRec(_Acknowledgement):
    """PUBREC, the answer to a PUBLISH of QoS 2 (3.5)."""

@final
class PubRel(_Acknowledgement):
    """PUBREL, the answer to PUBREC (3.6)."""

@final
class PubComp(_Acknowledgement):
    """PUBCOMP, the answer to PUBREL, which ends a QoS 2 delivery (3.7)."""

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Subscription(_Value):
    """A topic filter of SUBSCRIBE with its options (3.8.3). Before 5.0 `qos` is the only option."""

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
    """SUBSCRIBE (3.8), with one `Subscription` or more."""

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
    """SUBACK (3.9), with a reason code for each subscription, in their order."""

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
    """UNSUBSCRIBE (3.10), with one topic filter or more."""

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
    """UNSUBACK (3.11), with a reason code for each topic filter in 5.0, and none before."""

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
    """PINGREQ, the client's sign of life (3.12)."""

    def __init__(self) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class PingResp(_Value):
    """PINGRESP, the answer to PINGREQ (3.13)."""

    def __init__(self) -> None: ...

@final
@dataclass(frozen=True, init=False, eq=False, repr=False)
class Disconnect(_Value):
    """DISCONNECT, the last packet (3.14); from a server in 5.0 only. `session_expiry_interval` is seconds."""

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
    """AUTH, a step of extended authentication (5.0, 3.15). Without an `authentication_method` it is the empty one."""

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
