"""The last bytes that a side sends before it closes a connection because of an error."""

from __future__ import annotations

from . import _errors, _spec
from ._enums import ConnectReturnCode, MQTTv5, PacketType, ReasonCode, Role


def answer_to(error: _errors.DecodeError, *, role: Role = Role.SERVER, accepted: bool = False) -> bytes:
    """Compute the bytes to send before closing the connection on which an error was raised (4.13).

    A server that has not accepted the connection sends a CONNACK. In 5.0 it carries the reason code of the error; 3.1
    and 3.1.1 have one only for an unsupported protocol ([MQTT-3.1.2-2]) and a rejected client identifier
    ([MQTT-3.1.3-8]). In all other cases 5.0 sends a DISCONNECT with the reason code, and earlier versions send nothing.
    A client sends nothing to a server that does not support its version.

    Args:
        error: The error, as `decode` or a `Decoder` raised it.
        role: The side that raised it.
        accepted: Whether a CONNACK that accepts the connection was sent or received.

    Returns:
        A whole packet, as new bytes; empty if nothing is to be sent.

    Raises:
        TypeError: An argument has the wrong type.

    Example:
        >>> try:
        ...     decode(bytes.fromhex("c100"))
        ... except DecodeError as error:
        ...     answer_to(error, accepted=True).hex(" ")
        'e0 01 81'
    """
    if not isinstance(error, _errors.DecodeError):
        raise _errors.wrong_type("error", "a DecodeError", error)
    if type(role) is not Role:
        raise _errors.wrong_type("role", "a Role", role)
    code = error.reason_code
    if code is None:
        return b""
    if role is Role.SERVER and not accepted:
        return _refusal(error, code)
    if error.version != MQTTv5 or isinstance(error, _errors.UnsupportedVersionError):
        return b""
    receiver = Role.CLIENT if role is Role.SERVER else Role.SERVER
    code = _known_to(PacketType.DISCONNECT, code)
    if _spec.sender_fault(PacketType.DISCONNECT, code, receiver):
        code = ReasonCode.PROTOCOL_ERROR
    return bytes((PacketType.DISCONNECT << 4, 1, code))


def _refusal(error: _errors.DecodeError, code: ReasonCode) -> bytes:
    """A CONNACK that refuses the connection."""
    if isinstance(error, _errors.UnsupportedVersionError):
        return _connack(ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION)
    if error.version == MQTTv5:
        return _connack(_known_to(PacketType.CONNACK, code), b"\0")  # No properties.
    if error.version is not None and code is ReasonCode.CLIENT_IDENTIFIER_NOT_VALID:
        return _connack(ConnectReturnCode.IDENTIFIER_REJECTED)
    return b""


def _connack(code: int, properties: bytes = b"") -> bytes:
    return bytes((PacketType.CONNACK << 4, 2 + len(properties), 0, code)) + properties


def _known_to(packet_type: PacketType, code: ReasonCode) -> ReasonCode:
    """`code` if it is a failure that the packet may carry, or else 0x82."""
    is_known = 0x80 <= code <= 0xFF and _spec.reason_codes(packet_type, MQTTv5)[code] is not None
    return code if is_known else ReasonCode.PROTOCOL_ERROR
