"""The packet classes in plain Python: the source of their fields, types, defaults and docstrings.

`_packets_c.pyx` has the same classes in the same order. Fields before `KW_ONLY` may be given by position; those after
it are the properties of MQTT 5, each only where the standard allows it, in the order in which they are written.
Instances are immutable values; what they hold is checked when they are encoded, not here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import KW_ONLY
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from . import _values
from ._enums import ConnectReturnCode, ProtocolVersion, QoS, ReasonCode, RetainHandling

if TYPE_CHECKING:
    from dataclasses import dataclass
    from typing import Self

    _Read = TypeVar("_Read")
    _Given = TypeVar("_Given")

    class _Field(Generic[_Read, _Given]):
        """To a type checker: a field that reads as one type, and takes a wider one when the packet is made.

        mypy follows it only where the field has a default; the others are declared as what they take.
        """

        def __get__(self, instance: object, owner: object) -> _Read: ...
        def __set__(self, instance: object, value: _Given) -> None: ...

    _BytesLike: TypeAlias = bytes | bytearray | memoryview
    _Bytes: TypeAlias = _Field[bytes, _BytesLike]
    _OptionalBytes: TypeAlias = _Field[bytes | None, _BytesLike | None]
    _QoS: TypeAlias = _Field[QoS, int]
    _OptionalQoS: TypeAlias = _Field[QoS | None, int | None]
    _ReasonCode: TypeAlias = _Field[ReasonCode, int]
    _ReasonCodes: TypeAlias = _Field[tuple[ReasonCode, ...], Sequence[int]]
    _UserProperties: TypeAlias = _Field[tuple[tuple[str, str], ...], Sequence[tuple[str, str]]]

else:

    def dataclass(*, frozen, **options):
        """A dataclass with an `__init__` of ours: a third of the time of a frozen one's own, half of it to import.

        It fills `__dict__`, and leaves properties that are not given to the defaults of the class. `_Value` freezes.
        """

        def with_init(cls):
            cls = dataclasses.dataclass(init=False, **options)(cls)
            cls.__dataclass_params__.frozen = frozen
            cls.__init__ = _init_of(cls)
            return cls

        return with_init

    def _init_of(cls):
        fields = dataclasses.fields(cls)
        parameters, body = ["self"], ["fields = self.__dict__", "if fields: fields.clear()"]
        names = {"__name__": __name__, **{f"default_{field.name}": field.default for field in fields}}
        for field in fields:
            name, default = field.name, f"default_{field.name}"
            if field.kw_only and "*" not in parameters:
                parameters.append("*")
            parameters.append(name if field.default is dataclasses.MISSING else f"{name}={default}")
            given = f"if {name} is not {None if field.default is None else default}: " if field.kw_only else ""
            body.append(f"{given}fields[{name!r}] = {name}")
        made = {}
        exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body), names, made)  # noqa: S102
        made["__init__"].__qualname__ = f"{cls.__qualname__}.__init__"
        return made["__init__"]


# Defaults of such fields; `Any`, as a default is of neither of the field's two types.
_EMPTY: Any = b""
_NONE: Any = ()
_ABSENT: Any = None
_QOS_0: Any = QoS.AT_MOST_ONCE
_SUCCESS: Any = ReasonCode.SUCCESS
_SEND_AT_SUBSCRIBE: Any = RetainHandling.SEND_AT_SUBSCRIBE
_MQTT_5: Any = ProtocolVersion.MQTT_5_0


def _is_field(packet: Any, name: str) -> bool:
    """Whether a frozen dataclass would guard the name: in its own instances it guards every one."""
    cls = type(packet)
    return "__dataclass_fields__" in vars(cls) or name in cls.__dataclass_fields__


class _Value:
    """The methods all packet classes share."""

    def replace(self, **changes: Any) -> Self:
        """A copy with the given fields changed; `copy.replace` does the same."""
        cls = type(self)
        names = _FIELDS.get(cls)
        if names is None or not names.issuperset(changes):
            # A class of the caller's own, or a name that `__init__` is to refuse.
            return _values.replaced(self, changes)  # type: ignore[no-any-return]
        # A quarter of the time for a PUBLISH: 390 ns.
        copy = object.__new__(cls)
        fields = copy.__dict__
        fields |= self.__dict__
        fields |= changes
        return copy

    __replace__ = replace

    if not TYPE_CHECKING:

        def __setattr__(self, name: str, value: object) -> None:
            if _is_field(self, name):
                raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
            # A subclass that adds no fields would take new names.
            raise AttributeError(f"cannot set {name!r}: packets are immutable")

        def __delattr__(self, name: str) -> None:
            if _is_field(self, name):
                raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
            super().__delattr__(name)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return _values.copied(self, memo)  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        return _values.reduced(self)

    def __eq__(self, other: object) -> bool:
        return _values.equal(self, other)  # type: ignore[no-any-return]

    def __hash__(self) -> int:
        return _values.hashed(self)

    def __repr__(self) -> str:
        return _values.represented(self)


@dataclass(frozen=True, eq=False, repr=False)
class Will(_Value):
    """The message a server publishes when the connection ends without a DISCONNECT (3.1.2.5).

    `payload` and `correlation_data` are bytes, at most 65,535; `will_delay_interval` and `message_expiry_interval`
    seconds; `payload_format_indicator` 0 or 1.
    """

    topic: str
    payload: _Bytes = _EMPTY
    qos: _QoS = _QOS_0
    retain: bool = False
    _: KW_ONLY
    will_delay_interval: int | None = None
    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: _OptionalBytes = _ABSENT
    user_properties: _UserProperties = _NONE


@dataclass(frozen=True, eq=False, repr=False)
class Connect(_Value):
    """CONNECT, the client's first packet (3.1). It carries the version of the connection, and is written in it.

    `keep_alive` and `session_expiry_interval` are seconds. `clean_start` is Clean Session in 3.1 and 3.1.1. A 3.1
    client id has 1 to 23 characters; a 3.1.1 one may be empty with `clean_start`.
    """

    client_id: str = ""
    clean_start: bool = True
    keep_alive: int = 60
    username: str | None = None
    password: _OptionalBytes = _ABSENT
    will: Will | None = None
    protocol_version: _Field[ProtocolVersion, int] = _MQTT_5
    _: KW_ONLY
    session_expiry_interval: int | None = None
    receive_maximum: int | None = None
    maximum_packet_size: int | None = None
    topic_alias_maximum: int | None = None
    request_response_information: bool | None = None
    request_problem_information: bool | None = None
    authentication_method: str | None = None
    authentication_data: _OptionalBytes = _ABSENT
    user_properties: _UserProperties = _NONE


@dataclass(frozen=True, eq=False, repr=False)
class ConnAck(_Value):
    """CONNACK, the server's answer to CONNECT (3.2). `reason_code` is a `ConnectReturnCode` in 3.1 and 3.1.1."""

    session_present: bool = False
    reason_code: _Field[ReasonCode | ConnectReturnCode, int] = _SUCCESS
    _: KW_ONLY
    session_expiry_interval: int | None = None
    receive_maximum: int | None = None
    maximum_qos: _OptionalQoS = _ABSENT
    retain_available: bool | None = None
    maximum_packet_size: int | None = None
    assigned_client_identifier: str | None = None
    topic_alias_maximum: int | None = None
    reason_string: str | None = None
    wildcard_subscription_available: bool | None = None
    subscription_identifier_available: bool | None = None
    shared_subscription_available: bool | None = None
    server_keep_alive: int | None = None
    response_information: str | None = None
    server_reference: str | None = None
    authentication_method: str | None = None
    authentication_data: _OptionalBytes = _ABSENT
    user_properties: _UserProperties = _NONE


@dataclass(frozen=True, eq=False, repr=False)
class Publish(_Value):
    """PUBLISH, an application message (3.3).

    `packet_id` (1 to 65,535) is there exactly when `qos` is 1 or 2. In 5.0 `topic` may be empty where `topic_alias`
    stands for it. `payload` is bytes, of any length the packet can hold; a memoryview after decoding with `copy=False`.
    """

    topic: str
    payload: _Bytes = _EMPTY
    qos: _QoS = _QOS_0
    retain: bool = False
    dup: bool = False
    packet_id: int | None = None
    _: KW_ONLY
    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    topic_alias: int | None = None
    response_topic: str | None = None
    correlation_data: _OptionalBytes = _ABSENT
    subscription_identifiers: _Field[tuple[int, ...], Sequence[int]] = _NONE
    content_type: str | None = None
    user_properties: _UserProperties = _NONE


@dataclass(frozen=True, eq=False, repr=False)
class _Acknowledgement(_Value):
    """The fields of the four packets that acknowledge a PUBLISH."""

    packet_id: int
    reason_code: _ReasonCode = _SUCCESS
    _: KW_ONLY
    reason_string: str | None = None
    user_properties: _UserProperties = _NONE


class PubAck(_Acknowledgement):
    """PUBACK, the answer to a PUBLISH of QoS 1 (3.4)."""


class PubRec(_Acknowledgement):
    """PUBREC, the answer to a PUBLISH of QoS 2 (3.5)."""


class PubRel(_Acknowledgement):
    """PUBREL, the answer to PUBREC (3.6)."""


class PubComp(_Acknowledgement):
    """PUBCOMP, the answer to PUBREL, which ends a QoS 2 delivery (3.7)."""


@dataclass(frozen=True, eq=False, repr=False)
class Subscription(_Value):
    """A topic filter of SUBSCRIBE with its options (3.8.3). Before 5.0 `qos` is the only option."""

    topic_filter: str
    qos: _QoS = _QOS_0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: _Field[RetainHandling, int] = _SEND_AT_SUBSCRIBE


@dataclass(frozen=True, eq=False, repr=False)
class Subscribe(_Value):
    """SUBSCRIBE (3.8), with one `Subscription` or more."""

    packet_id: int
    subscriptions: Sequence[Subscription]
    _: KW_ONLY
    subscription_identifier: int | None = None
    user_properties: _UserProperties = _NONE


@dataclass(frozen=True, eq=False, repr=False)
class SubAck(_Value):
    """SUBACK (3.9), with a reason code for each subscription, in their order."""

    packet_id: int
    reason_codes: Sequence[ReasonCode | int]
    _: KW_ONLY
    reason_string: str | None = None
    user_properties: _UserProperties = _NONE


@dataclass(frozen=True, eq=False, repr=False)
class Unsubscribe(_Value):
    """UNSUBSCRIBE (3.10), with one topic filter or more."""

    packet_id: int
    topic_filters: Sequence[str]
    _: KW_ONLY
    user_properties: _UserProperties = _NONE


@dataclass(frozen=True, eq=False, repr=False)
class UnsubAck(_Value):
    """UNSUBACK (3.11), with a reason code for each topic filter in 5.0, and none before."""

    packet_id: int
    reason_codes: _ReasonCodes = _NONE
    _: KW_ONLY
    reason_string: str | None = None
    user_properties: _UserProperties = _NONE


@dataclass(frozen=True, eq=False, repr=False)
class PingReq(_Value):
    """PINGREQ, the client's sign of life (3.12)."""


@dataclass(frozen=True, eq=False, repr=False)
class PingResp(_Value):
    """PINGRESP, the answer to PINGREQ (3.13)."""


@dataclass(frozen=True, eq=False, repr=False)
class Disconnect(_Value):
    """DISCONNECT, the last packet (3.14); from a server in 5.0 only. `session_expiry_interval` is seconds."""

    reason_code: _ReasonCode = _SUCCESS
    _: KW_ONLY
    session_expiry_interval: int | None = None
    reason_string: str | None = None
    server_reference: str | None = None
    user_properties: _UserProperties = _NONE


@dataclass(frozen=True, eq=False, repr=False)
class Auth(_Value):
    """AUTH, a step of extended authentication (5.0, 3.15). Without an `authentication_method` it is the empty one."""

    reason_code: _ReasonCode = _SUCCESS
    _: KW_ONLY
    authentication_method: str | None = None
    authentication_data: _OptionalBytes = _ABSENT
    reason_string: str | None = None
    user_properties: _UserProperties = _NONE


_FIELDS: dict[type, frozenset[str]] = {
    cls: frozenset(cls.__dataclass_fields__)
    for cls in (
        *(Will, Connect, ConnAck, Publish, PubAck, PubRec, PubRel, PubComp, Subscription, Subscribe, SubAck),
        *(Unsubscribe, UnsubAck, PingReq, PingResp, Disconnect, Auth),
    )
}


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
