"""The packet classes in plain Python: the source of their fields, types, defaults and docstrings.

`_packets_c.pyx` has the same classes in the same order. Type checkers and editors read `_packets_py.pyi`, which is
generated from this file. Fields before `KW_ONLY` may be passed by position. Fields after it are properties of MQTT 5.0,
in the order in which the encoder writes them.

Instances are immutable values. The type of a field is the type it holds: the constructor converts lists to tuples, and
plain numbers to enum members. Everything else is stored as given, and checked when the packet is encoded.
"""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import KW_ONLY
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from . import _errors, _methods
from ._enums import ConnectReturnCode, PacketType, ProtocolVersion, QoS, ReasonCode, RetainHandling


def _members(enum: Any, preferred: Any = ()) -> dict[int, Any]:
    """The members of an enum by number; those of `preferred` if both have the number."""
    return {member.value: member for member in (*enum, *preferred)}


def _several(value: Any) -> Any:
    """The value of a field that holds several values: a tuple for a list, and `()` if there are none."""
    if issubclass(type(value), list):
        return tuple(list.copy(value))
    if value is None or (issubclass(type(value), tuple) and tuple.__len__(value) == 0):
        return ()
    return value


def _each(converted: Any) -> Any:
    """A function like `_several` that also converts each value."""

    def all_converted(value: Any) -> Any:
        value = _several(value)
        return tuple([converted(item) for item in value]) if type(value) is tuple else value

    return all_converted


def _pair(value: Any) -> Any:
    return tuple(list.copy(value)) if issubclass(type(value), list) else value


_REASON_CODES = _members(ReasonCode)


def _reason_code(value: Any) -> Any:
    return _REASON_CODES.get(value, value) if type(value) is int else value


# By the annotation of a field: the members that plain numbers are converted to, or a function that converts the value.
_CONVERTERS: dict[str, Any] = {
    "QoS": _members(QoS),
    "QoS | None": _members(QoS),
    "RetainHandling": _members(RetainHandling),
    "ProtocolVersion": _members(ProtocolVersion),
    "ReasonCode": _REASON_CODES,
    # In 3.1 and 3.1.1, a server rejects a CONNECT with the codes 1 to 5.
    "ReasonCode | ConnectReturnCode": _members(ReasonCode, preferred=list(ConnectReturnCode)[1:]),
    "tuple[int, ...]": _several,
    "tuple[str, ...]": _several,
    "tuple[Subscription, ...]": _several,
    "tuple[ReasonCode, ...]": _each(_reason_code),
    "tuple[tuple[str, str], ...]": _each(_pair),
}


def _packet(cls: Any) -> Any:
    """Make a class a frozen dataclass without `__init__`. `_init_of` adds one that is faster than a dataclass's."""
    cls = dataclasses.dataclass(frozen=True, init=False, eq=False, repr=False)(cls)
    del cls.__setattr__, cls.__delattr__  # `_Value` has these, with error messages of this package.
    # `typing.get_type_hints` would look for KW_ONLY in `mqttcodec`, and fail.
    cls.__annotations__.pop("_", None)
    return cls


def _default_name(field: Any, names: dict[str, Any]) -> str:
    """The name of a field's default in generated code, added to `names`. None needs none, and is compared faster."""
    if field.default is None:
        return "None"
    names[f"default_{field.name}"] = field.default
    return f"default_{field.name}"


def _conversion(field: Any, default: str, names: dict[str, Any]) -> list[str]:
    """The generated code that converts the value of a field. Adds the names that it uses."""
    name, converter = field.name, _CONVERTERS.get(field.type)
    if converter is None:
        return []
    names[f"convert_{name}"] = converter
    if type(converter) is dict:  # Written in place, because a call would take longer than the conversion.
        return [f"if type({name}) is int: {name} = convert_{name}.get({name}, {name})"]
    return [f"if {name} is not {default}: {name} = convert_{name}({name})"]


def _init_of(cls: Any) -> Any:
    """An `__init__` that fills `__dict__`. Properties that are not passed are left to the defaults of the class."""
    fields = dataclasses.fields(cls)
    names: dict[str, Any] = {"initialised_twice": _errors.initialised_twice}
    parameters, body = ["self"], ["fields = self.__dict__", "if fields: raise initialised_twice(self)"]
    for field in fields:
        name, default = field.name, _default_name(field, names)
        if field.kw_only and "*" not in parameters:
            parameters.append("*")
        parameters.append(name if field.default is dataclasses.MISSING else f"{name}={default}")
        body += _conversion(field, default, names)
        body.append(f"if {name} is not {default}: " * field.kw_only + f"fields[{name!r}] = {name}")
    if not fields:
        body.append("fields['is_initialised'] = True")
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body), names)  # noqa: S102
    init = names["__init__"]
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    return init


def _replace_of(cls: Any) -> Any:
    """A `replace` that copies `__dict__`, which is faster than calling `__init__`."""
    fields = dataclasses.fields(cls)
    names: dict[str, Any] = {"new": object.__new__, "kept": object()}
    parameters = ["self", *(["*"] if fields else []), *(f"{field.name}=kept" for field in fields)]
    # `unset` is a local name for `kept`, because most calls do nothing but compare the fields with it.
    body = ["unset = kept", "copy = new(self.__class__)", "fields = copy.__dict__", "fields |= self.__dict__"]
    for field in fields:
        name, default = field.name, _default_name(field, names)
        body.append(f"if {name} is not unset:")
        body += [f"  {line}" for line in _conversion(field, default, names)]
        if field.kw_only:
            body.append(f"  if {name} is not {default}: fields[{name!r}] = {name}")
            body.append(f"  elif {name!r} in fields: del fields[{name!r}]")
        else:
            body.append(f"  fields[{name!r}] = {name}")
    body.append("return copy")
    exec(f"def replace({', '.join(parameters)}):\n " + "\n ".join(body), names)  # noqa: S102
    replace = functools.wraps(_Value.replace)(names["replace"])
    replace.__qualname__ = f"{cls.__qualname__}.replace"
    return replace


class _Value:
    """The methods that all packet classes share."""

    if TYPE_CHECKING:  # Each class is given these below. `typing.get_type_hints` could not evaluate the annotations.
        _values: tuple[Any, ...]
        _property_names: tuple[str, ...]

    def replace(self, **changes: Any) -> Any:
        """Return a copy with the given fields changed. `copy.replace` does the same.

        Args:
            **changes: New values by field name. They are converted as by the constructor.

        Returns:
            A new packet of the same class.

        Raises:
            TypeError: The class has no field of that name.

        Example:
            >>> Publish("a", b"21").replace(topic="b")
            Publish(topic='b', payload=b'21')
        """
        raise NotImplementedError  # `_replace_of` makes the method of each class.

    @property
    def properties(self) -> dict[str, Any]:
        """The properties of MQTT 5.0 that the packet has, by field name, in the order of the fields (2.2.2).

        Each access creates a new dict. It is empty if the packet has none.

        Example:
            >>> request = Publish("a", response_topic="b", correlation_data=b"7")
            >>> request.properties
            {'response_topic': 'b', 'correlation_data': b'7'}
            >>> Publish("c", **request.properties).response_topic
            'b'
        """
        fields = self.__dict__
        return {name: fields[name] for name in self._property_names if name in fields}

    def for_version(self, version: int, *, lossy: bool = False) -> Any:
        """Return the packet as another version of MQTT can carry it.

        Properties, subscription options and reason codes that the version does not have are dropped, if the packet
        means the same without them. The page "Conversion between versions" lists every field.

        Args:
            version: MQTT version to convert to: 3, 4 or 5, or a `ProtocolVersion`.
            lossy: Whether to also drop what only weakens the packet: No Local, a Will Delay Interval and the mark of
                a bridge.

        Returns:
            A new packet of the same class, or this one if nothing changes.

        Raises:
            EncodeError: The version has no counterpart for the packet.
            TypeError: `version` is not an int, or a field has a value of the wrong Python type.
            ValueError: `version` is not 3, 4 or 5.

        Example:
            >>> Publish("a", b"21", content_type="text/plain").for_version(4)
            Publish(topic='a', payload=b'21')
        """
        from . import _packets_py, _versions

        return _versions.converted(self, version, lossy, _packets_py)

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
        if type(self) is not type(other):
            return NotImplemented
        return self._values == other._values

    def __hash__(self) -> int:
        return hash((type(self).__name__, *self._values))

    def __repr__(self) -> str:
        return _methods.represented(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        return _methods.pydantic_schema(cls)


@_packet
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

    def to_publish(self, packet_id: int | None = None) -> Publish:
        """Return the PUBLISH with which a server publishes the will (3.1.2.5).

        Args:
            packet_id: Packet identifier. QoS 1 and 2 need one before the packet is encoded; a server assigns another
                one for each subscriber.

        Returns:
            A packet with the topic, payload, QoS, Retain flag and properties of the will. The Will Delay Interval is
            not among them.

        Example:
            >>> Will("sensor/state", b"offline", will_delay_interval=5).to_publish()
            Publish(topic='sensor/state', payload=b'offline')
        """
        return _methods.published(self, packet_id, Publish)  # type: ignore[no-any-return]


@_packet
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

    packet_type = PacketType.CONNECT

    client_id: str = ""
    clean_start: bool = True
    keep_alive: int = 60
    username: str | None = None
    password: bytes | memoryview | None = None
    will: Will | None = None
    protocol_version: ProtocolVersion = ProtocolVersion.MQTT_5_0
    bridge: bool = False
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

    packet_type = PacketType.CONNACK

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

    packet_type = PacketType.PUBLISH

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
    """The fields of the four packets that acknowledge a PUBLISH or one another."""

    packet_id: int
    reason_code: ReasonCode = ReasonCode.SUCCESS
    _: KW_ONLY
    reason_string: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


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

    packet_type = PacketType.PUBACK


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

    packet_type = PacketType.PUBREC


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

    packet_type = PacketType.PUBREL


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

    packet_type = PacketType.PUBCOMP


@_packet
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
    qos: QoS = QoS.AT_MOST_ONCE
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: RetainHandling = RetainHandling.SEND_AT_SUBSCRIBE


@_packet
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

    packet_type = PacketType.SUBSCRIBE

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    _: KW_ONLY
    subscription_identifier: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
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

    packet_type = PacketType.SUBACK

    packet_id: int
    reason_codes: tuple[ReasonCode, ...]
    _: KW_ONLY
    reason_string: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
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

    packet_type = PacketType.UNSUBSCRIBE

    packet_id: int
    topic_filters: tuple[str, ...]
    _: KW_ONLY
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
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

    packet_type = PacketType.UNSUBACK

    packet_id: int
    reason_codes: tuple[ReasonCode, ...] = ()
    _: KW_ONLY
    reason_string: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
class PingReq(_Value):
    """PINGREQ, by which a client keeps its connection alive (3.12). It has no fields, in any version.

    Example:
        >>> encode(PingReq()).hex(" ")
        'c0 00'
    """

    packet_type = PacketType.PINGREQ


@_packet
class PingResp(_Value):
    """PINGRESP, the answer to a PINGREQ (3.13). It has no fields, in any version.

    Example:
        >>> encode(PingResp()).hex(" ")
        'd0 00'
    """

    packet_type = PacketType.PINGRESP


@_packet
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

    packet_type = PacketType.DISCONNECT

    reason_code: ReasonCode = ReasonCode.SUCCESS
    _: KW_ONLY
    session_expiry_interval: int | None = None
    reason_string: str | None = None
    server_reference: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()


@_packet
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

    packet_type = PacketType.AUTH

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

_Value.__module__ = _Acknowledgement.__module__ = __package__
for _class in (Will, Subscription, *Packet.__args__):
    _names = tuple([field.name for field in dataclasses.fields(_class)])
    _class.__init__ = _init_of(_class)
    _class.replace = _class.__replace__ = _replace_of(_class)
    # `attrgetter` returns a tuple, because a class has no field or several.
    _class._values = property(attrgetter(*_names) if _names else lambda packet: ())
    _class._property_names = tuple([field.name for field in dataclasses.fields(_class) if field.kw_only])
    _class.__module__ = __package__  # The public module, in which the names in annotations are found.
del _class, _names
