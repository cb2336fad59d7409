"""The standard's numbered values, under the standard's names.

Except for `Role`, all are `IntEnum`s: a member equals its number, and `encode` accepts the plain number as well.
"""

from __future__ import annotations

from enum import Enum, IntEnum


class ProtocolVersion(IntEnum):
    """MQTT versions, by the Protocol Level in their CONNECT packets (3.1.2.2).

    Example:
        >>> MQTTv311 is ProtocolVersion.MQTT_3_1_1 is ProtocolVersion(4)
        True
    """

    MQTT_3_1 = 3
    MQTT_3_1_1 = 4
    MQTT_5_0 = 5

    @property
    def title(self) -> str:
        """The version's usual name, such as "MQTT 3.1.1"."""
        return "MQTT " + self.name.removeprefix("MQTT_").replace("_", ".")


MQTTv31 = ProtocolVersion.MQTT_3_1
MQTTv311 = ProtocolVersion.MQTT_3_1_1
MQTTv5 = ProtocolVersion.MQTT_5_0


class Role(Enum):
    """The side of a connection that a `Decoder` receives for; it accepts packets that the other side may send.

    Example:
        >>> Decoder(5, role=Role.CLIENT).role is Role.CLIENT
        True
    """

    CLIENT = "client"
    SERVER = "server"


class PacketType(IntEnum):
    """Packet types: the upper four bits of a packet's first byte (2.1.2). Type 0 is reserved; AUTH is new in 5.0.

    Example:
        >>> PacketType(0x30 >> 4).name
        'PUBLISH'
    """

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class QoS(IntEnum):
    """Delivery guarantees of a message (4.3), in all versions.

    Example:
        >>> Publish("a", qos=1, packet_id=7).qos is QoS.AT_LEAST_ONCE
        True
    """

    AT_MOST_ONCE = 0
    AT_LEAST_ONCE = 1
    EXACTLY_ONCE = 2

    AT_MOST_ONCE_DELIVERY = 0
    AT_LEAST_ONCE_DELIVERY = 1
    EXACTLY_ONCE_DELIVERY = 2


class RetainHandling(IntEnum):
    """Whether the server sends retained messages when a client subscribes (5.0, 3.8.3.1).

    Example:
        >>> Subscription("a", retain_handling=2).retain_handling is RetainHandling.DO_NOT_SEND
        True
    """

    SEND_AT_SUBSCRIBE = 0
    SEND_AT_SUBSCRIBE_IF_NEW = 1
    DO_NOT_SEND = 2


class ConnectReturnCode(IntEnum):
    """Results in a CONNACK of 3.1 and 3.1.1 (3.1.1, Table 3.1).

    Example:
        >>> decode(bytes.fromhex("20020005"), 4).reason_code is ConnectReturnCode.NOT_AUTHORIZED
        True
    """

    CONNECTION_ACCEPTED = 0
    UNACCEPTABLE_PROTOCOL_VERSION = 1
    IDENTIFIER_REJECTED = 2
    SERVER_UNAVAILABLE = 3
    BAD_USER_NAME_OR_PASSWORD = 4
    NOT_AUTHORIZED = 5

    ACCEPTED = 0
    CONNECTION_REFUSED_UNACCEPTABLE_PROTOCOL_VERSION = 1
    CONNECTION_REFUSED_IDENTIFIER_REJECTED = 2
    CONNECTION_REFUSED_SERVER_UNAVAILABLE = 3
    CONNECTION_REFUSED_BAD_USER_NAME_OR_PASSWORD = 4
    CONNECTION_REFUSED_NOT_AUTHORIZED = 5


class ReasonCode(IntEnum):
    """Results of an operation (5.0, Table 2-6). Codes of 0x80 and above are failures.

    SUBACK packets of 3.1 and 3.1.1 use those for the granted QoS; those of 3.1.1 also use `FAILURE`.

    Example:
        >>> PubAck(7, 0x87).reason_code is ReasonCode.NOT_AUTHORIZED
        True
    """

    SUCCESS = 0x00
    GRANTED_QOS_1 = 0x01
    GRANTED_QOS_2 = 0x02
    DISCONNECT_WITH_WILL_MESSAGE = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    CONTINUE_AUTHENTICATION = 0x18
    RE_AUTHENTICATE = 0x19
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    BANNED = 0x8A
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_IN_USE = 0x91
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    USE_ANOTHER_SERVER = 0x9C
    SERVER_MOVED = 0x9D
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F
    MAXIMUM_CONNECT_TIME = 0xA0
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2

    NORMAL_DISCONNECTION = 0x00
    GRANTED_QOS_0 = 0x00
    FAILURE = 0x80


class Kind(IntEnum):
    """The encoding of a property's value, and the values allowed."""

    BOOLEAN = 1  # a byte, 0 or 1, as a bool
    INDICATOR = 2  # a byte, 0 or 1, as an int
    QOS = 3  # a byte, 0 or 1, as a QoS
    TWO_BYTE = 4
    TWO_BYTE_NON_ZERO = 5
    TOPIC_ALIAS = 6  # two bytes; 0 is an error with a reason code of its own
    FOUR_BYTE = 7
    FOUR_BYTE_NON_ZERO = 8
    VARIABLE_NON_ZERO = 9
    STRING = 10
    TOPIC_NAME = 11
    BINARY = 12
    STRING_PAIR = 13


class PropertyId(IntEnum):
    """Identifiers of the 27 properties (5.0, Table 2-4).

    Example:
        >>> PropertyId(0x23).name
        'TOPIC_ALIAS'
    """

    # Each row has the identifier, the kind of the value, and the packets that may carry the property. The encoder
    # writes properties in the order of the packet's fields, not of these rows.
    PAYLOAD_FORMAT_INDICATOR = 0x01, Kind.INDICATOR, "Will PUBLISH"
    MESSAGE_EXPIRY_INTERVAL = 0x02, Kind.FOUR_BYTE, "Will PUBLISH"
    CONTENT_TYPE = 0x03, Kind.STRING, "Will PUBLISH"
    RESPONSE_TOPIC = 0x08, Kind.TOPIC_NAME, "Will PUBLISH"
    CORRELATION_DATA = 0x09, Kind.BINARY, "Will PUBLISH"
    SUBSCRIPTION_IDENTIFIER = 0x0B, Kind.VARIABLE_NON_ZERO, "PUBLISH SUBSCRIBE"
    SESSION_EXPIRY_INTERVAL = 0x11, Kind.FOUR_BYTE, "CONNECT CONNACK DISCONNECT"
    ASSIGNED_CLIENT_IDENTIFIER = 0x12, Kind.STRING, "CONNACK"
    SERVER_KEEP_ALIVE = 0x13, Kind.TWO_BYTE, "CONNACK"
    AUTHENTICATION_METHOD = 0x15, Kind.STRING, "CONNECT CONNACK AUTH"
    AUTHENTICATION_DATA = 0x16, Kind.BINARY, "CONNECT CONNACK AUTH"
    REQUEST_PROBLEM_INFORMATION = 0x17, Kind.BOOLEAN, "CONNECT"
    WILL_DELAY_INTERVAL = 0x18, Kind.FOUR_BYTE, "Will"
    REQUEST_RESPONSE_INFORMATION = 0x19, Kind.BOOLEAN, "CONNECT"
    RESPONSE_INFORMATION = 0x1A, Kind.STRING, "CONNACK"
    SERVER_REFERENCE = 0x1C, Kind.STRING, "CONNACK DISCONNECT"
    REASON_STRING = 0x1F, Kind.STRING, "CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH"
    RECEIVE_MAXIMUM = 0x21, Kind.TWO_BYTE_NON_ZERO, "CONNECT CONNACK"
    TOPIC_ALIAS_MAXIMUM = 0x22, Kind.TWO_BYTE, "CONNECT CONNACK"
    TOPIC_ALIAS = 0x23, Kind.TOPIC_ALIAS, "PUBLISH"
    MAXIMUM_QOS = 0x24, Kind.QOS, "CONNACK"
    RETAIN_AVAILABLE = 0x25, Kind.BOOLEAN, "CONNACK"
    USER_PROPERTY = (
        *(0x26, Kind.STRING_PAIR),
        "Will CONNECT CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK "
        "DISCONNECT AUTH",
    )
    MAXIMUM_PACKET_SIZE = 0x27, Kind.FOUR_BYTE_NON_ZERO, "CONNECT CONNACK"
    WILDCARD_SUBSCRIPTION_AVAILABLE = 0x28, Kind.BOOLEAN, "CONNACK"
    SUBSCRIPTION_IDENTIFIER_AVAILABLE = 0x29, Kind.BOOLEAN, "CONNACK"
    SHARED_SUBSCRIPTION_AVAILABLE = 0x2A, Kind.BOOLEAN, "CONNACK"

    _value_: int
    _kind: Kind
    _places: list[str]

    # Type checkers take `PropertyId(1)` for a call of this method, so the other parameters need defaults.
    def __new__(cls, identifier: int, kind: Kind = Kind.BINARY, places: str = "") -> PropertyId:
        member = int.__new__(cls, identifier)
        member._value_ = identifier
        member._kind = kind
        member._places = places.split()
        return member


for _enum in (ProtocolVersion, Role, PacketType, QoS, RetainHandling, ConnectReturnCode, ReasonCode, PropertyId):
    _enum.__module__ = __package__  # The public module that users import them from.
del _enum
