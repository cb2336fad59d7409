"""The maps of topics when memory runs out, when threads share them, and whether they give back what they took."""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import implementations

EXHAUSTION = Path(implementations.__file__).with_name("topics_exhaustion.py")


@pytest.mark.skipif(
    sys.implementation.name != "cpython" or not importlib.util.find_spec("_testcapi"),
    reason="this Python has no _testcapi, which lets allocations fail",
)
@pytest.mark.skipif(
    hasattr(sys, "gettotalrefcount"), reason="a debug build of CPython stops where it loses an error for want of memory"
)
def test_exhaustion(mqtt: Any) -> None:
    """Each of the first allocations of a call fails: the call has an effect or none, and nothing leaks."""
    result = subprocess.run(
        [sys.executable, EXHAUSTION, "_c" if mqtt.BACKEND == "cython" else "_py"],
        env=implementations.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    failures, growth = map(int, result.stdout.split())
    assert failures > 50
    assert growth == 0 or mqtt.BACKEND == "python"  # As in `test_exhaustion.py`.


def use(topics: Any, size: int) -> None:
    """Fill both maps, match, and empty them in another order."""
    keys = [f"a/{number % 7}/{number}" for number in range(size)]
    filters = [
        *keys,
        *(f"a/+/{number}" for number in range(size)),
        *(f"$share/{number}/+/é/#" for number in range(size)),
    ]
    filters += [f"$share/{number}/a/b" for number in range(size)]
    matcher, tree = topics.TopicMatcher(dict.fromkeys(filters, 1)), topics.TopicTree(dict.fromkeys(keys, 1))
    for _ in range(3):
        for key in keys[:50]:
            assert len(matcher.match(key)) == 2
        assert len(matcher.match_items("x/é")) == len(matcher.match("a/b")) == size
        assert len(tree.match("a/#")) == len(tree.match("+/+/+")) == size
    for key in reversed(filters):
        assert matcher.pop(key) == 1
    while tree:
        tree.popitem()
    assert matcher.match("a/1/1") == tree.match("#") == []


@pytest.mark.skipif(not hasattr(sys, "getallocatedblocks"), reason="this Python does not count blocks")
def test_no_leaks(topics: Any) -> None:
    growth = 0
    for _ in range(6):
        before = sys.getallocatedblocks()
        use(topics, 300)
        gc.collect()
        growth = sys.getallocatedblocks() - before
        if growth <= 0:
            break
    assert growth <= 0


@pytest.mark.skipif(not hasattr(sys, "getallocatedblocks"), reason="this Python does not count blocks")
@pytest.mark.parametrize("name", ["TopicMatcher", "TopicTree"])
def test_removing_frees_memory(topics: Any, name: str) -> None:
    """An empty map that once was large takes what a new one takes."""
    import tracemalloc

    keys = [f"a/{number}/" + ("+" if name == "TopicMatcher" else "x") for number in range(20_000)]
    tracemalloc.start()
    try:
        found = getattr(topics, name)()
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        found.update(dict.fromkeys(keys))
        filled, _ = tracemalloc.get_traced_memory()
        for key in keys:
            del found[key]
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert filled - before > 20_000 * 50
    assert after - before < 10_000


def test_threads(topics: Any, full: bool) -> None:
    """Threads set, remove and match. Filters that no thread removes are always found."""
    matcher = topics.TopicMatcher({"a/+": "kept", "a/b": "kept", "$share/g/#": "kept"})
    tree = topics.TopicTree({"a/b": "kept", "a/c": "kept"})
    errors: list[BaseException] = []
    levels = ["a", "b", "+"]

    def work(number: int) -> None:
        rng = random.Random(number)
        try:
            for turn in range(20_000 if full else 1_500):
                path = "/".join(rng.choice(levels) for _ in range(rng.randrange(3, 5)))
                share = rng.choice(["", "$share/s/", "$share/t/"])
                name = path.replace("+", "x")
                matcher[share + path] = turn
                tree[name] = turn
                assert matcher.match("a/b").count("kept") == 3
                assert {"a/b", "a/c"} <= {key for key, value in tree.match("a/+") if value == "kept"}
                tree.match("+/+/#")
                matcher.match_items("a/b/x")
                matcher.pop(share + path, None)
                tree.pop(name, None)
                if turn % 50 == 0:
                    for view in (matcher.items, tree.values, matcher.keys):
                        with contextlib.suppress(RuntimeError):  # Changed during iteration.
                            list(view())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert dict(matcher) == {"a/+": "kept", "a/b": "kept", "$share/g/#": "kept"}
    assert sorted(tree) == ["a/b", "a/c"]
    assert len(matcher.match("a/b")) == 3
    del matcher["a/+"], matcher["$share/g/#"]
    assert matcher.match("a/b") == ["kept"]
