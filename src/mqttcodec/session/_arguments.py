"""Checks of the numbers that an owner sets."""

from __future__ import annotations


def number(value: int, about: str, least: int, greatest: int = 65_535) -> int:
    """`value` if it is an int in this range."""
    if type(value) is not int:
        raise TypeError(f"{about} must be int, not {type(value).__name__}")
    if not least <= value <= greatest:
        raise ValueError(f"{about} must be {least} to {greatest}, not {value}")
    return value
