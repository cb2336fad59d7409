"""Make each of the first allocations of an operation on the maps of topics fail in turn.

    python topics_exhaustion.py SUFFIX

`SUFFIX` is that of the implementation, `_c` or `_py`. `tests/topics/test_hardening.py` runs it as a separate process,
so that a crash does not end the test run. Prints the number of failures, and by how many blocks the memory has grown.
"""

from __future__ import annotations

import gc
import importlib
import sys
from collections.abc import Callable
from typing import Any

from exhaustion import LOST, without_memory

FILTERS = ["a/b", "a/+", "+/é/#", "$share/g/a/b", "$share/h/+/b"]
TOPICS = ["a/b", "a/é", "x/é/y", "$SYS/a", "c"]
LONG = "/" * 100
ALLOCATIONS = 40

Operation = Callable[[Any], Any]


def operations(key: str) -> dict[str, Operation]:
    return {
        "set": lambda found: found.__setitem__(key, 7),
        "replace": lambda found: found.__setitem__(next(iter(found)), 7),
        "setdefault": lambda found: found.setdefault(key, 7),
        "pop": lambda found: found.pop(list(found)[-1]),
        "popitem": lambda found: found.popitem(),
        "clear": lambda found: found.clear(),
        "match": lambda found: found.match("a/b"),
        "match a long one": lambda found: found.match(LONG),
        "copy": lambda found: found.items(),
    }


def is_consistent(topics: Any, found: Any) -> bool:
    """What is found agrees with the items."""
    if isinstance(found, topics.TopicMatcher):
        return all(
            sorted(found.match_items(topic))
            == sorted(item for item in found.items() if topics.topic_matches(item[0], topic))
            for topic in TOPICS
        )
    return sorted(found.match("#")) == sorted(item for item in found.items() if not item[0].startswith("$"))


def attempts(topics: Any) -> int:
    failures = 0
    for make, keys, key in (
        (topics.TopicMatcher, FILTERS, "x/é/+/y/#"),
        (topics.TopicMatcher, FILTERS, "$share/new/x/y"),
        (topics.TopicMatcher, [], "+/a"),
        (topics.TopicTree, TOPICS, "x/é/z/1"),
        (topics.TopicTree, [], "é"),
    ):
        for name, operation in operations(key).items():
            if not keys and name in ("replace", "pop", "popitem"):
                continue
            for first in range(ALLOCATIONS):
                for end in (first + 1, first + 8):
                    items = {each: number for number, each in enumerate(keys)}
                    found = make(items)
                    expected = make(items)
                    after = operation(expected)
                    result, error = without_memory(lambda: operation(found), first, end)
                    if error is not None:
                        is_lost = isinstance(error, SystemError) and LOST.fullmatch(str(error))
                        assert isinstance(error, MemoryError) or is_lost, repr(error)
                        failures += 1
                        assert dict(found.items()) in (items, dict(expected.items())), (name, first, found)
                    elif name not in ("copy", "clear"):
                        assert result == after, (name, first)
                        assert found == expected
                    assert is_consistent(topics, found), (name, first, found)
                    found.update(items)
                    assert is_consistent(topics, found)
                    for each in list(found):
                        del found[each]
                    assert found.match("a/b") == []
    return failures


def main() -> None:
    topics = importlib.import_module(f"mqttcodec._topics{sys.argv[1]}")
    failures = growth = 0
    for _ in range(4):  # Python itself keeps some objects from the first runs.
        gc.collect()
        before = sys.getallocatedblocks()
        failures = attempts(topics)
        gc.collect()
        growth = sys.getallocatedblocks() - before
        if growth == 0:
            break
    print(failures, growth)


if __name__ == "__main__":
    main()
