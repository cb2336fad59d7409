"""Checks of what an owner sets."""

from __future__ import annotations

from .. import Role


def number(value: int, about: str, least: int, greatest: int = 65_535) -> int:
    """`value` if it is an int in this range."""
    if type(value) is not int:
        raise TypeError(f"{about} must be int, not {type(value).__name__}")
    if not least <= value <= greatest:
        raise ValueError(f"{about} must be {least} to {greatest}, not {value}")
    return value


def checked_role(role: Role) -> Role:
    """`role` if it is a Role."""
    if type(role) is not Role:
        raise TypeError(f"role must be a Role, not {type(role).__name__}")
    return role
