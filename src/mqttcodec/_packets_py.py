"""The packet classes in plain Python: the source of their fields, types, defaults and docstrings.

`_packets_c.pyx` has the same classes in the same order. Type checkers and editors read `_packets_py.pyi`, which is made
of this file. Fields before `KW_ONLY` may be given by position; those after it are the properties of MQTT 5, each only
where the standard allows it, in the order in which they are written.

Instances are immutable values. A field says what it holds: the constructor turns lists into tuples and plain numbers
into the enum members that they stand for. Everything else stays as it is given, and is checked when it is encoded.
"""

from __future__ import annotations

import dataclasses
from dataclasses import KW_ONLY
from typing import Any

from . import _errors, _methods
from ._enums import ConnectReturnCode, ProtocolVersion, QoS, ReasonCode, RetainHandling


def _members(enum: Any, preferred: Any = ()) -> Any:
    """A function that makes plain numbers members of an enum; those of `preferred` come first."""
    by_number = {member.value: member for member in (*enum, *preferred)}

    def converted(value: Any) -> Any:
        return by_number.get(value, value) if type(value) is int else value

    return converted


def _several(value: Any) -> Any:
    """The tuple of a field of several values, for a list or None; `()` says as None does that there are none."""
    if issubclass(type(value), list):
        return tuple(list.copy(value))
    return () if value is None else value


def _each(converted: Any) -> Any:
    """As `_several`, with a function for each of the values."""

    def all_converted(value: Any) -> Any:
        value = _several(value)
        return tuple([converted(item) for item in value]) if type(value) is tuple else value

    return all_converted


def _pair(value: Any) -> Any:
    return tuple(list.copy(value)) if issubclass(type(value), list) else value


_reason_code = _members(ReasonCode)
# By the annotation of a field: how the constructor makes its value.
_CONVERTERS: dict[str, Any] = {
    "QoS": _members(QoS),
    "QoS | None": _members(QoS),
    "RetainHandling": _members(RetainHandling),
    "ProtocolVersion": _members(ProtocolVersion),
    "ReasonCode": _reason_code,
    # A server of 3.1 and 3.1.1 refuses a CONNECT with 1 to 5.
    "ReasonCode | ConnectReturnCode": _members(ReasonCode, preferred=list(ConnectReturnCode)[1:]),
    "tuple[int, ...]": _several,
    "tuple[str, ...]": _several,
    "tuple[Subscription, ...]": _several,
    "tuple[ReasonCode, ...]": _each(_reason_code),
    "tuple[tuple[str, str], ...]": _each(_pair),
}


def _packet(cls: Any) -> Any:
    """Make a class a frozen dataclass, but for `__init__`: `_init_of` makes one that takes a third of the time."""
    cls = dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)(cls)
    del cls.__setattr__, cls.__delattr__  # Those of `_Value` refuse assignments in this package's words.
    cls.__annotations__.pop("_", None)  # KW_ONLY, which `typing.get_type_hints` would look for in `mqttcodec`.
    return cls


def _init_of(cls: Any) -> Any:
    """An `__init__` that fills `__dict__`, and leaves properties that are not given to the defaults of the class."""
    fields = dataclasses.fields(cls)
    names: dict[str, Any] = {"initialised_twice": _errors.initialised_twice}
    parameters, body = ["self"], ["fields = self.__dict__", "if fields: raise initialised_twice(self)"]
    for field in fields:
        name, default = field.name, f"default_{field.name}"
        names[default] = field.default
        if field.kw_only and "*" not in parameters:
            parameters.append("*")
        parameters.append(name if field.default is dataclasses.MISSING else f"{name}={default}")
        converter = _CONVERTERS.get(field.type)
        if converter is not None:
            names[f"convert_{name}"] = converter
            body.append(f"if {name} is not {default}: {name} = convert_{name}({name})")
        body.append(f"if {name} is not {default}: " * field.kw_only + f"fields[{name!r}] = {name}")
    if not fields:
        body.append("fields['is_initialised'] = True")
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body), names)  # noqa: S102
    init = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


class _Value:
    """The methods all packet classes share."""

    def replace(self, **changes: Any) -> Any:
        """A copy with the given fields changed; `copy.replace` does the same."""
        cls = type(self)
        converters = _FIELDS.get(cls)
        if converters is None or not converters.keys() >= changes.keys():
            # A class of the caller's own, or a name that `__init__` is to refuse.
            return _methods.replaced(self, changes)
        # A quarter of the time for a PUBLISH: 390 ns.
        copy = object.__new__(cls)
        fields = copy.__dict__
        fields |= self.__dict__
        for name, value in changes.items():
            converter = converters[name]
            fields[name] = value if converter is None else converter(value)
        return copy

    __replace__ = replace

    def __setattr__(self, name: str, value: object) -> None:
        raise _errors.immutable(self, name)

    def __delattr__(self, name: str) -> None:
        raise _errors.immutable(self, name)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return _methods.copied(self, memo)

    def __reduce__(self) -> tuple[Any, ...]:
        return _methods.reduced(self)

    def __eq__(self, other: object) -> Any:
        return _methods.equal(self, other)

    def __hash__(self) -> int:
        return _methods.hashed(self)

    def __repr__(self) -> str:
        return _methods.represented(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return _methods.pydantic_schema(cls)


@_packet
class Will(_Value):
    """The message a server publishes when the connection ends without a DISCONNECT (3.1.2.5).

    `payload` and `correlation_data` are bytes, at most 65,535; `will_delay_interval` and `message_expiry_interval`
    seconds; `payload_format_indicator` 0 or 1.
    """

    topic: str
    payload: bytes | memoryview = b""
    qos: QoS = QoS.AT_MOST_ONCE
    retain: bool = False
    _: KW_ONLY
    will_delay_interval: int | None = None
    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | memoryview | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
class Connect(_Value):
    """CONNECT, the client's first packet (3.1). It carries the version of the connection, and is written in it.

    `keep_alive` and `session_expiry_interval` are seconds. `clean_start` is Clean Session in 3.1 and 3.1.1. A 3.1
    client id has 1 to 23 characters; a 3.1.1 one may be empty with `clean_start`.
    """

    client_id: str = ""
    clean_start: bool = True
    keep_alive: int = 60
    username: str | None = None
    password: bytes | memoryview | None = None
    will: Will | None = None
    protocol_version: ProtocolVersion = ProtocolVersion.MQTT_5_0
    _: KW_ONLY
    session_expiry_interval: int | None = None
    receive_maximum: int | None = None
    maximum_packet_size: int | None = None
    topic_alias_maximum: int | None = None
    request_response_information: bool | None = None
    request_problem_information: bool | None = None
    authentication_method: str | None = None
    authentication_data: bytes | memoryview | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
class ConnAck(_Value):
    """CONNACK, the server's answer to CONNECT (3.2). `reason_code` is a `ConnectReturnCode` in 3.1 and 3.1.1."""

    session_present: bool = False
    reason_code: ReasonCode | ConnectReturnCode = ReasonCode.SUCCESS
    _: KW_ONLY
    session_expiry_interval: int | None = None
    receive_maximum: int | None = None
    maximum_qos: QoS | None = None
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
    authentication_data: bytes | memoryview | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
class Publish(_Value):
    """PUBLISH, an application message (3.3).

    `packet_id` (1 to 65,535) is there exactly when `qos` is 1 or 2. In 5.0 `topic` may be empty where `topic_alias`
    stands for it. `payload` is bytes, of any length the packet can hold; a memoryview after decoding with `copy=False`.
    """

    topic: str
    payload: bytes | memoryview = b""
    qos: QoS = QoS.AT_MOST_ONCE
    retain: bool = False
    dup: bool = False
    packet_id: int | None = None
    _: KW_ONLY
    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    topic_alias: int | None = None
    response_topic: str | None = None
    correlation_data: bytes | memoryview | None = None
    subscription_identifiers: tuple[int, ...] = ()
    content_type: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
class _Acknowledgement(_Value):
    """The fields of the four packets that acknowledge a PUBLISH."""

    packet_id: int
    reason_code: ReasonCode = ReasonCode.SUCCESS
    _: KW_ONLY
    reason_string: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


class PubAck(_Acknowledgement):
    """PUBACK, the answer to a PUBLISH of QoS 1 (3.4)."""


class PubRec(_Acknowledgement):
    """PUBREC, the answer to a PUBLISH of QoS 2 (3.5)."""


class PubRel(_Acknowledgement):
    """PUBREL, the answer to PUBREC (3.6)."""


class PubComp(_Acknowledgement):
    """PUBCOMP, the answer to PUBREL, which ends a QoS 2 delivery (3.7)."""


@_packet
class Subscription(_Value):
    """A topic filter of SUBSCRIBE with its options (3.8.3). Before 5.0 `qos` is the only option."""

    topic_filter: str
    qos: QoS = QoS.AT_MOST_ONCE
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: RetainHandling = RetainHandling.SEND_AT_SUBSCRIBE


@_packet
class Subscribe(_Value):
    """SUBSCRIBE (3.8), with one `Subscription` or more."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    _: KW_ONLY
    subscription_identifier: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
class SubAck(_Value):
    """SUBACK (3.9), with a reason code for each subscription, in their order."""

    packet_id: int
    reason_codes: tuple[ReasonCode, ...]
    _: KW_ONLY
    reason_string: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
class Unsubscribe(_Value):
    """UNSUBSCRIBE (3.10), with one topic filter or more."""

    packet_id: int
    topic_filters: tuple[str, ...]
    _: KW_ONLY
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
class UnsubAck(_Value):
    """UNSUBACK (3.11), with a reason code for each topic filter in 5.0, and none before."""

    packet_id: int
    reason_codes: tuple[ReasonCode, ...] = ()
    _: KW_ONLY
    reason_string: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
class PingReq(_Value):
    """PINGREQ, the client's sign of life (3.12)."""


@_packet
class PingResp(_Value):
    """PINGRESP, the answer to PINGREQ (3.13)."""


@_packet
class Disconnect(_Value):
    """DISCONNECT, the last packet (3.14); from a server in 5.0 only. `session_expiry_interval` is seconds."""

    reason_code: ReasonCode = ReasonCode.SUCCESS
    _: KW_ONLY
    session_expiry_interval: int | None = None
    reason_string: str | None = None
    server_reference: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
class Auth(_Value):
    """AUTH, a step of extended authentication (5.0, 3.15). Without an `authentication_method` it is the empty one."""

    reason_code: ReasonCode = ReasonCode.SUCCESS
    _: KW_ONLY
    authentication_method: str | None = None
    authentication_data: bytes | memoryview | None = None
    reason_string: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


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

# By class and field: how the constructor makes the field's value, or None.
_FIELDS: dict[type, dict[str, Any]] = {}
_Value.__module__ = _Acknowledgement.__module__ = __package__
for _class in (Will, Subscription, *Packet.__args__):
    _class.__init__ = _init_of(_class)
    _class.__module__ = __package__  # What users import it from, and where its annotations have their names.
    _FIELDS[_class] = {field.name: _CONVERTERS.get(field.type) for field in dataclasses.fields(_class)}
del _class
