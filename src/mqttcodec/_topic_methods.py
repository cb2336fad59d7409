"""Code of `mqttcodec.topics` that is not on a hot path and is shared by both implementations."""

from __future__ import annotations

import re
from collections.abc import ItemsView, Iterator, ValuesView
from reprlib import recursive_repr
from typing import Any

from . import _errors

# Control characters and non-characters: the last two code points of each plane, and 32 more (1.5.4).
_UNWELCOME = re.compile(
    "[\x01-\x1f\x7f-\x9f\ufdd0-\ufdef"
    + "".join(f"{chr(plane + 0xFFFE)}-{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
    + "]"
)


def refuse_control_characters(text: str, version: int, about: str) -> None:
    """Raise an `EncodeError` if a valid topic has a character that a receiver may refuse."""
    found = _UNWELCOME.search(text)
    if found:
        raise _errors.CONTROL_CHARACTER.encoding(version, about, found[0])  # [U37]


def new(class_name: str) -> Any:
    """An empty map of the implementation in use, for a pickle of either."""
    from . import topics

    return getattr(topics, class_name)()


@recursive_repr()
def represented(topics: Any) -> str:
    """The `repr` of a map."""
    return f"{type(topics).__name__}({dict(topics.items())!r})"


class Items(ItemsView[str, Any]):
    """The items of a map, read from its dict, so that a list of them is made in one step."""

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return self._mapping._pairs()  # type: ignore[attr-defined, no-any-return]


class Values(ValuesView[Any]):
    """The values of a map, in the order of its items."""

    def __iter__(self) -> Iterator[Any]:
        return (value for _, value in self._mapping._pairs())  # type: ignore[attr-defined]
