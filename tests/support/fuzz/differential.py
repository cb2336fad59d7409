"""Both implementations give the same result for any input of the other targets: values, types, error texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import implementations
from fuzz import connection, decode, dicts, encode, feed, saved

TARGETS = (decode, feed, encode, dicts, saved, connection)


def check(_: Any, data: bytes) -> Any:
    if not data:
        return None
    target = TARGETS[data[0] % len(TARGETS)]
    found = [target.check(mqtt, data[1:]) for mqtt in implementations.ALL]
    assert found[0] == found[-1]
    return found[0]


def seeds() -> Iterator[bytes]:
    for number, target in enumerate(TARGETS):
        for seed in target.seeds():
            yield bytes((number,)) + seed
