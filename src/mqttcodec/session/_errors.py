"""What the application does wrong. Errors of the peer are those of the codec."""

from __future__ import annotations

from .. import MQTTError, _errors


class LocalProtocolError(MQTTError):
    """The application asked for something that the protocol or the state of the session does not allow.

    Nothing has changed. `clause` is the rule that the call would have broken, or None.
    """


class PacketIdsExhausted(LocalProtocolError):
    """All 65,535 packet identifiers are in use."""


class QueueFullError(LocalProtocolError):
    """The messages that wait to be acknowledged or sent are as many as the owner allows."""


for _error_class in (LocalProtocolError, PacketIdsExhausted, QueueFullError):
    _error_class.__module__ = __package__  # The package that users import them from.
del _error_class


def refused(message: str, clause: str | None = None) -> LocalProtocolError:
    """The error for a call that would break a rule."""
    return LocalProtocolError(f"{message} [{clause}]" if clause else message, clause=clause)


def broken(fault: _errors.Fault, version: int, about: str, found: object) -> LocalProtocolError:
    """The error for a packet that may not be sent, in the words of the peer's error."""
    error = fault.encoding(version, about, found)
    return LocalProtocolError(str(error), clause=error.clause)
