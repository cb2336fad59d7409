"""The standard's tables, as data that both codecs use.

When it is imported, the compiled codec copies the tables that its hot paths need into C arrays.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cache

from . import _errors
from ._enums import ConnectReturnCode, Kind, MQTTv5, MQTTv31, MQTTv311, PacketType, PropertyId, ReasonCode, Role

TYPE_CHECKING = False

MAXIMUM_REMAINING_LENGTH = 268_435_455
MAXIMUM_PACKET_SIZE = MAXIMUM_REMAINING_LENGTH + 5

PROTOCOL_NAMES: dict[int, bytes] = {MQTTv31: b"MQIsdp", MQTTv311: b"MQTT", MQTTv5: b"MQTT"}

BRIDGE_BIT = 0x80
"""Bit 7 of the protocol level: the client is a bridge. It is not part of the standards; Mosquitto's bridges set it."""


if TYPE_CHECKING:
    from typing import NamedTuple

    class _FixedHeader(NamedTuple):
        packet_type: int
        flags: int
        remaining_length: int
        header_size: int
        packet_size: int

else:  # `typing` is not imported at run time, because importing it is slow.
    _FixedHeader = namedtuple("FixedHeader", "packet_type flags remaining_length header_size packet_size")


class FixedHeader(_FixedHeader):
    """The fixed header of a packet (2.1), as `peek` returns it. The format is the same in all versions.

    Attributes:
        packet_type (int): A `PacketType`, or 0, which the standard reserves.
        flags (int): The lower four bits of the first byte, 0 to 15.
        remaining_length (int): Size of the rest of the packet, in bytes, 0 to 268,435,455.
        header_size (int): Size of the fixed header, in bytes, 2 to 5.
        packet_size (int): Size of the whole packet, in bytes, 2 to 268,435,460.

    Example:
        >>> header = peek(bytes.fromhex("30 06"))
        >>> header.packet_type.name, header.header_size, header.packet_size
        ('PUBLISH', 2, 8)
    """

    __slots__ = ()


def fixed_header(first_byte: int, remaining_length: int, header_size: int) -> FixedHeader:
    """The `FixedHeader` with this first byte and this Remaining Length."""
    packet_type = first_byte >> 4
    return FixedHeader(
        PacketType(packet_type) if packet_type else 0,
        first_byte & 0x0F,
        remaining_length,
        header_size,
        header_size + remaining_length,
    )


# --- Differences between versions.


def has_properties(version: int) -> bool:
    """Whether packets have properties (2.2.2)."""
    return version >= MQTTv5


def has_reason_codes(version: int) -> bool:
    """Whether acknowledgements, UNSUBACK and DISCONNECT have reason codes (2.4)."""
    return version >= MQTTv5


def has_session_present(version: int) -> bool:
    """Whether CONNACK has the Session Present flag (3.2.2.1)."""
    return version >= MQTTv311


def has_subscription_options(version: int) -> bool:
    """Whether a subscription has options other than its QoS (3.8.3.1)."""
    return version >= MQTTv5


def has_shared_subscriptions(version: int) -> bool:
    """Whether a topic filter that begins with `$share/` is a shared subscription (4.8.2)."""
    return version >= MQTTv5


def has_auth(version: int) -> bool:
    """Whether the version has extended authentication and the AUTH packet (3.15)."""
    return version >= MQTTv5


def allows_password_alone(version: int) -> bool:
    """Whether CONNECT may have a password without a user name (3.1.2.9)."""
    return version >= MQTTv5


def has_bridges(version: int) -> bool:
    """Whether CONNECT may announce a bridge (`BRIDGE_BIT`)."""
    return version <= MQTTv311


# --- The first byte (2.1.2, 2.1.3).

_FIXED_FLAGS = dict.fromkeys(PacketType, (0b0000,)) | dict.fromkeys(
    (PacketType.PUBREL, PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE), (0b0010,)
)
# In 3.1 these packets may be sent again with the DUP flag [U29].
_FIXED_FLAGS_V31 = _FIXED_FLAGS | dict.fromkeys(
    (PacketType.PUBREL, PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE), (0b0010, 0b1010)
)

_FROM_CLIENT = {
    PacketType.CONNECT,
    PacketType.SUBSCRIBE,
    PacketType.UNSUBSCRIBE,
    PacketType.PINGREQ,
}
_FROM_SERVER = {PacketType.CONNACK, PacketType.SUBACK, PacketType.UNSUBACK, PacketType.PINGRESP}


@cache
def first_byte_faults(version: int | None, role: Role | None, connected: bool) -> tuple[_errors.Fault | None, ...]:
    """For each of the 256 first bytes: its fault at this point of a connection, or None if it is valid.

    If `version` is None, the version is not known yet, and only CONNECT is valid. `connected` says whether a CONNECT
    was received already.
    """
    return tuple(_first_byte_fault(byte, version, role, connected) for byte in range(256))


def _first_byte_fault(byte: int, version: int | None, role: Role | None, connected: bool) -> _errors.Fault | None:
    packet_type, flags = byte >> 4, byte & 0x0F
    if packet_type == 0:
        return _errors.PACKET_TYPE_RESERVED  # [U02]
    if packet_type == PacketType.AUTH and version is not None and not has_auth(version):
        return _errors.PACKET_TYPE_UNKNOWN  # [U03]
    if packet_type == PacketType.PUBLISH:
        if flags & 0b0110 == 0b0110:
            return _errors.PUBLISH_QOS  # [MQTT-3.3.1-4]
        if flags & 0b1110 == 0b1000 and version not in (None, MQTTv31):
            return _errors.DUP_AT_QOS_0  # [MQTT-3.3.1-2]
    elif flags not in (_FIXED_FLAGS_V31 if version in (None, MQTTv31) else _FIXED_FLAGS)[PacketType(packet_type)]:
        requires_0 = 0 in _FIXED_FLAGS[PacketType(packet_type)]
        return _errors.FLAGS_NOT_0 if requires_0 else _errors.FLAGS_NOT_2  # [MQTT-2.1.3-1]
    if version is None and packet_type != PacketType.CONNECT:
        return _errors.FIRST_NOT_CONNECT  # [MQTT-3.1.0-1]
    if packet_type == PacketType.DISCONNECT:
        # Before 5.0, only clients send DISCONNECT.
        wrong_direction = role is Role.CLIENT and version != MQTTv5
    else:
        wrong_direction = packet_type in {None: (), Role.CLIENT: _FROM_CLIENT, Role.SERVER: _FROM_SERVER}[role]
    if wrong_direction:
        return _errors.PACKET_OF_SERVER if role is Role.SERVER else _errors.PACKET_OF_CLIENT
    if connected and packet_type == PacketType.CONNECT:
        return _errors.SECOND_CONNECT  # [MQTT-3.1.0-2]
    return None


def first_byte_error(fault: _errors.Fault, byte: int, version: int | None, known: int | None) -> _errors.DecodeError:
    """The error for a fault from `first_byte_faults`; `known` is the version that the error reports."""
    packet_type = byte >> 4
    about = PacketType(packet_type).name if packet_type else ""
    found = byte >> 1 & 3 if fault is _errors.PUBLISH_QOS else byte & 0x0F
    return fault.decoding(version or MQTTv5, 0, about, found, known, packet_type)


# --- Properties (2.2.2).


WILL = 0
"""The place of the Will Properties. The other places of properties are packet types."""


def place_name(place: int) -> str:
    """The name of a place of properties in error messages."""
    return "Will" if place == WILL else PacketType(place).name


PROPERTY_KINDS: dict[int, Kind] = {identifier: identifier._kind for identifier in PropertyId}

# By place: the properties allowed there.
PROPERTIES: dict[int, tuple[PropertyId, ...]] = {
    place: tuple(identifier for identifier in PropertyId if name in identifier._places)
    for place, name in ((place, place_name(place)) for place in (WILL, *PacketType))
}


def may_repeat(place: int, identifier: int) -> bool:
    """Whether a property may occur more than once in a property list (2.2.2.2)."""
    return identifier == PropertyId.USER_PROPERTY or (
        identifier == PropertyId.SUBSCRIPTION_IDENTIFIER and place == PacketType.PUBLISH
    )


def property_field(place: int, identifier: int) -> str:
    """The name of the packet field that holds a property; plural if the property may repeat."""
    if identifier == PropertyId.USER_PROPERTY:
        return "user_properties"
    name = PropertyId(identifier).name.lower()
    return name + "s" if may_repeat(place, identifier) else name


# --- Reason codes (2.4).

_PUBLISH_REFUSED = (0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)

_REASON_CODES: dict[int, tuple[int, ...]] = {
    PacketType.CONNACK: (
        *(0x00, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C),
        *(0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F),
    ),
    PacketType.PUBACK: (0x00, 0x10, *_PUBLISH_REFUSED),
    PacketType.PUBREC: (0x00, 0x10, *_PUBLISH_REFUSED),
    PacketType.PUBREL: (0x00, 0x92),
    PacketType.PUBCOMP: (0x00, 0x92),
    PacketType.SUBACK: (0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2),
    PacketType.UNSUBACK: (0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91),
    # 0x8C is in Table 2-6, but not in Table 3-10, which is the packet's own.
    PacketType.DISCONNECT: (
        *(0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90),
        *range(0x93, 0xA3),
    ),
    PacketType.AUTH: (0x00, 0x18, 0x19),
}


@cache
def reason_codes(packet_type: int, version: int) -> tuple[ReasonCode | ConnectReturnCode | None, ...]:
    """For each byte: the reason code it stands for in this packet, or None.

    In 3.1 and 3.1.1 the acknowledgements of PUBLISH have no reason code, so that only `SUCCESS` is valid.
    """
    members: list[ReasonCode | ConnectReturnCode | None] = [None] * 256
    if has_reason_codes(version):
        for value in _REASON_CODES.get(packet_type, ()):
            members[value] = ReasonCode(value)
    elif packet_type == PacketType.CONNACK:
        members[:6] = list(ConnectReturnCode)
    elif packet_type == PacketType.SUBACK:
        members[:3] = [ReasonCode.GRANTED_QOS_0, ReasonCode.GRANTED_QOS_1, ReasonCode.GRANTED_QOS_2]
        if version == MQTTv311:
            members[0x80] = ReasonCode.FAILURE  # [MQTT-3.9.3-2]; 3.1 has no failure [U30]
    else:
        members[0] = ReasonCode.SUCCESS
    return tuple(members)


# The reason codes that only one side may send, from the "Sent by" columns of Tables 3-10 and 3-11. 0x10 in PUBACK and
# PUBREC is here as well, because only a server knows the subscribers. Both sides may send all other codes, including
# 0x8C in a DISCONNECT (4.12.1).
SOLE_SENDERS: dict[int, dict[int, Role]] = {
    PacketType.PUBACK: {0x10: Role.SERVER},
    PacketType.PUBREC: {0x10: Role.SERVER},
    PacketType.DISCONNECT: {
        0x04: Role.CLIENT,
        **dict.fromkeys((0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, *range(0x9A, 0xA3)), Role.SERVER),
    },
    PacketType.AUTH: {0x00: Role.SERVER, 0x19: Role.CLIENT},
}


def sender_fault(packet_type: int, code: int, receiver: Role | None) -> _errors.Fault | None:
    """The fault if only the receiver's own side may send this reason code, else None."""
    if receiver is None or SOLE_SENDERS.get(packet_type, {}).get(code) is not receiver:
        return None
    return _errors.REASON_CODE_OF_SERVER if receiver is Role.SERVER else _errors.REASON_CODE_OF_CLIENT
