"""The ways to hand bytes to a `Decoder`."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import pytest

Give = Callable[[Any, Any], Iterator[Any]]


def feed(decoder: Any, data: Any) -> Iterator[Any]:
    return decoder.feed(data)


def feed_bytearray(decoder: Any, data: bytes) -> Iterator[Any]:
    return decoder.feed(bytearray(data))


def receive(decoder: Any, data: bytes) -> Iterator[Any]:
    """Like `recv_into` and `asyncio.BufferedProtocol`."""
    decoder.get_buffer(len(data))[: len(data)] = data
    return decoder.buffer_updated(len(data))


WAYS = (feed, feed_bytearray, receive)
each_way = pytest.mark.parametrize("give", WAYS)
each_copy = pytest.mark.parametrize("copy", [True, False], ids=["copied", "views"])


def hand_over(decoder: Any, pieces: Iterable[bytes], give: Give | random.Random) -> Iterator[Iterator[Any]]:
    """Hand over pieces one by one in the given way, or in groups of one to three, each piece in a random way.

    Yields after each piece or group, so that the caller takes the packets then.
    """
    if not isinstance(give, random.Random):
        yield from (give(decoder, piece) for piece in pieces)
        return
    left = iter(pieces)
    while group := list(islice(left, give.randrange(1, 4))):
        for piece in group:
            give.choice(WAYS)(decoder, piece)
        yield decoder
