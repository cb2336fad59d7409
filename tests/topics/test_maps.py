"""`TopicMatcher` and `TopicTree` as mappings, compared with a dict and a reference of a few lines."""

from __future__ import annotations

import collections.abc
import copy
import gc
import inspect
import pickle
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqttcodec import _topic_methods

# Few names, so that topics and filters often meet.
LEVELS = st.sampled_from(["", "a", "b", "é", "$x", "$share"])
TOPICS = st.lists(LEVELS, min_size=1, max_size=4).map("/".join).filter(bool)
PARTS = st.builds(
    lambda levels, end: "/".join([*levels, *end]),
    st.lists(st.one_of(LEVELS, st.just("+")), max_size=4),
    st.sampled_from([[], ["#"]]),
).filter(bool)
FILTERS = st.one_of(
    PARTS.filter(lambda part: not part.startswith("$share/")),
    st.builds("$share/{}/{}".format, st.sampled_from(["g", "h", "é"]), PARTS),
)


def matches(topic_filter: str, topic: str) -> bool:
    """The reference: 4.7 and 4.8.2, level by level."""
    if topic_filter.startswith("$share/"):
        topic_filter = topic_filter.split("/", 2)[2]
    levels, names = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and levels[0] in ("+", "#"):
        return False
    if levels[-1] == "#":
        levels.pop()
        names = names[: len(levels)]
    return len(levels) == len(names) and all(a in ("+", b) for a, b in zip(levels, names, strict=True))


def rank(topic_filter: str) -> tuple[Any, ...]:
    """The documented order of the filters that match one topic, except for shares of one filter."""
    is_shared = topic_filter.startswith("$share/")
    part = topic_filter.split("/", 2)[2] if is_shared else topic_filter
    return (*({"#": 0, "+": 1}.get(level, 3) for level in part.split("/")), 2), is_shared


@given(topic_filter=FILTERS, topic=TOPICS)
def test_topic_matches(topics: Any, topic_filter: str, topic: str) -> None:
    assert topics.topic_matches(topic_filter, topic) is matches(topic_filter, topic)


@given(steps=st.lists(st.tuples(st.booleans(), FILTERS), max_size=40), asked=st.lists(TOPICS, min_size=1, max_size=6))
def test_matcher(topics: Any, steps: list[tuple[bool, str]], asked: list[str]) -> None:
    """Filters are added and removed; after each step the matches are those of the reference, in order."""
    matcher, reference = topics.TopicMatcher(), {}
    for number, (adds, topic_filter) in enumerate(steps):
        if adds:
            matcher[topic_filter] = reference[topic_filter] = number
        else:
            assert matcher.pop(topic_filter, None) == reference.pop(topic_filter, None)
        topic = asked[number % len(asked)]
        expected = {key: value for key, value in reference.items() if matches(key, topic)}
        found = matcher.match_items(topic)
        assert dict(found) == expected
        assert len(found) == len(expected)
        assert matcher.match(topic) == [value for _, value in found]
        assert [rank(key) for key, _ in found] == sorted(rank(key) for key in expected)
    assert matcher == reference
    assert list(matcher.items()) == list(reference.items())
    for topic_filter in list(matcher):
        del matcher[topic_filter]
    assert matcher.match(asked[0]) == []


@given(steps=st.lists(st.tuples(st.booleans(), TOPICS), max_size=40), asked=st.lists(FILTERS, min_size=1, max_size=6))
def test_tree(topics: Any, steps: list[tuple[bool, str]], asked: list[str]) -> None:
    tree, reference = topics.TopicTree(), {}
    for number, (adds, topic) in enumerate(steps):
        if adds:
            tree[topic] = reference[topic] = number
        else:
            assert tree.pop(topic, None) == reference.pop(topic, None)
        topic_filter = asked[number % len(asked)]
        found = tree.match(topic_filter)
        assert sorted(found) == sorted(item for item in reference.items() if matches(topic_filter, item[0]))
    assert tree == reference
    assert list(tree.items()) == list(reference.items())


@given(steps=st.lists(st.tuples(st.booleans(), TOPICS, FILTERS), max_size=40), topic=TOPICS, topic_filter=FILTERS)
def test_both_implementations_have_one_order(steps: Any, topic: str, topic_filter: str) -> None:
    compiled = pytest.importorskip("mqttcodec._topics_c")
    from mqttcodec import _topics_py

    results = []
    for module in (compiled, _topics_py):
        matcher, tree = module.TopicMatcher(), module.TopicTree()
        for adds, each_topic, each_filter in steps:
            if adds:
                matcher[each_filter] = tree[each_topic] = each_filter
            else:
                matcher.pop(each_filter, None)
                tree.pop(each_topic, None)
        results.append((matcher.match_items(topic), tree.match(topic_filter), repr(matcher), repr(tree)))
    assert results[0] == results[1]


@pytest.fixture(params=["TopicMatcher", "TopicTree"])
def make(topics: Any, request: pytest.FixtureRequest) -> Any:
    return getattr(topics, request.param)


def test_as_a_dict(make: Any) -> None:
    items = {"a/b": 1, "c": 2, "": 3}
    del items[""]
    found = make(items)
    assert isinstance(found, collections.abc.MutableMapping)
    assert found == items
    assert items == found
    assert found != {"a/b": 1}
    assert found != 5
    assert (len(found), list(found), list(found.values())) == (2, ["a/b", "c"], [1, 2])
    assert list(found.keys()) == ["a/b", "c"]
    assert found.items() >= {("c", 2)}
    assert repr(found) == f"{make.__name__}({items!r})"
    assert found.setdefault("c", 7) == 2
    assert found.setdefault("d", 7) == 7
    found.update([("e", 8)])
    assert found.popitem() == ("e", 8)
    assert found.pop("d") == 7
    with pytest.raises(KeyError):
        found.pop("d")
    found.clear()
    assert len(found) == 0
    with pytest.raises(KeyError):
        found.popitem()
    found["a"] = None
    assert found.match("a") in ([None], [("a", None)])
    with pytest.raises(TypeError):
        hash(found)
    assert make[int]


def test_types(make: Any) -> None:
    found = make({"a": 1})
    for key in (None, 5, b"a", ("a",)):
        for call in (
            lambda key=key: found[key],
            lambda key=key: found.__setitem__(key, 1),
            lambda key=key: found.__delitem__(key),
            lambda key=key: key in found,
            lambda key=key: found.get(key),
            lambda key=key: found.pop(key, None),
            lambda key=key: found.setdefault(key),
            lambda key=key: found.match(key),
        ):
            with pytest.raises(TypeError, match="must be str, not"):
                call()
    with pytest.raises(TypeError):
        make({}, {})
    with pytest.raises(TypeError):
        make(items={})
    assert found == {"a": 1}


def test_subclasses_of_str(make: Any) -> None:
    """A key is stored as an exact str, and no method of the subclass is called."""

    class Text(str):
        def __hash__(self) -> int:
            raise AssertionError

        def __eq__(self, other: object) -> bool:
            raise AssertionError

    found = make()
    found[Text("a/b")] = 1
    assert [type(key) for key in found] == [str]
    assert found[Text("a/b")] == 1
    assert Text("a/b") in found
    assert len(found.match(Text("a/b"))) == 1
    del found[Text("a/b")]


def test_changes_while_iterating(make: Any) -> None:
    for change in (
        lambda found: found.update({"d": 1}),
        lambda found: found.pop("a"),
        lambda found: found.clear(),
        lambda found: found.popitem(),
    ):
        for view in (lambda found: found, lambda found: found.items(), lambda found: found.values()):
            found = make({"a": 1, "b": 2, "c": 3})
            with pytest.raises(RuntimeError):
                for _ in view(found):
                    change(found)


def test_copies_and_pickles(make: Any) -> None:
    import mqttcodec.topics

    found = make({"a": [1], "b/c": [2]})
    for other in (copy.copy(found), copy.deepcopy(found), pickle.loads(pickle.dumps(found))):
        assert other == found
        assert type(other) is getattr(mqttcodec.topics, make.__name__)
        other["d"] = 1
    assert "d" not in found
    assert copy.copy(found)["a"] is found["a"]
    found["self"] = found
    assert pickle.loads(pickle.dumps(found))["self"]["a"] == [1]
    assert repr(found).endswith("'self': ...})")


def test_cycles_are_collected(make: Any) -> None:
    class Value:
        pass

    value = Value()
    value.owner = make({"a": value, "b": 1})  # type: ignore[attr-defined]
    alive = weakref.ref(value), weakref.ref(value.owner)  # type: ignore[attr-defined]
    del value
    for _ in range(3):
        gc.collect()
    assert [each() for each in alive] == [None, None]


def test_a_finaliser_uses_the_map(make: Any) -> None:
    """A value that is replaced or removed is freed when the change is complete."""
    found = make()

    class Value:
        def __del__(self) -> None:
            for key in ("a/b", "c/d", "e"):
                found.pop(key, None)
            found["f"] = len(found)

    for change in (
        lambda: found.update({"a/b": 1}),
        lambda: found.pop("a/b"),
        lambda: found.clear(),
        lambda: found.popitem(),
    ):
        found.clear()
        found["a/b"] = Value()
        change()
        gc.collect()
        assert list(found) == ["f"]


def test_a_change_within_a_change(make: Any) -> None:
    """In plain Python, a signal handler can interrupt a change. It may read, but not change the map."""
    found = make({"a": 1})
    if not hasattr(found, "enter"):
        return  # The compiled one cannot be interrupted.
    found.enter()
    assert found.match("a") in ([1], [("a", 1)])
    with pytest.raises(RuntimeError, match="already in use"):
        found["b"] = 2
    found.leave()
    found["b"] = 2
    assert len(found) == 2


def test_a_change_that_fails(make: Any) -> None:
    """Nothing of it remains. `test_hardening.py` tries the same with both implementations, in another process."""

    class Full(dict[str, int]):
        def __setitem__(self, key: str, value: int) -> None:
            raise MemoryError

    found = make()
    if not hasattr(found, "_entries"):
        return
    found._entries = Full()
    with pytest.raises(MemoryError):
        found["a"] = 1
    assert len(found) == 0
    assert found.match("a") == []


def test_levels_up_to_the_maximum(topics: Any) -> None:
    """Nothing recurses: 65,535 slashes, a chain of as many nodes, and its end."""
    slashes = "/" * 65_535
    pluses = "+" + "/+" * 32_767
    matcher = topics.TopicMatcher({slashes: 1, "+" + slashes[1:]: 2, pluses: 3, "$share/g/+" + "/" * 65_525: 4})
    matcher["/" * 32_767 + "#"] = 5
    assert matcher.match(slashes) == [5, 1]
    assert matcher.match("/" * 32_767) == [3, 5]
    tree = topics.TopicTree({slashes: 1, "/" * 32_767: 2, "/" * 65_000: 3})
    assert [value for _, value in tree.match("#")] == [2, 3, 1]
    assert [value for _, value in tree.match("+" + "/" * 65_000 + "+")] == [3]
    assert [value for _, value in tree.match(pluses)] == [2]
    del matcher[pluses]
    del matcher, tree
    gc.collect()


def test_maps_within_maps(make: Any) -> None:
    found = make()
    for _ in range(20_000):
        found = make({"a/b": found})
    del found
    gc.collect()


def test_a_result_is_not_kept_beyond_a_change(topics: Any) -> None:
    """A tree of many nodes, for which results are kept."""
    matcher = topics.TopicMatcher({f"a/+/{number}/+": number for number in range(10_000)})
    for value in range(5):
        for _ in range(4):
            assert matcher.match("a/b/7/c") == [7]
        matcher["a/b/#"] = value
        for _ in range(4):
            assert matcher.match_items("a/b/7/c") == [("a/+/7/+", 7), ("a/b/#", value)]
        matcher["a/b/#"] = "new"
        assert matcher.match("a/b/7/c") == [7, "new"]
        found = matcher.match("a/b/7/c")
        found.clear()  # The caller's own.
        assert matcher.match("a/b/7/c") == [7, "new"]
        del matcher["a/b/#"]
    for number in range(10_000):
        for _ in range(3):
            assert matcher.match(f"a/b/{number}/c") == [number]
    matcher.clear()
    assert matcher.match("a/b/7/c") == []


def test_documentation(topics: Any) -> None:
    from mqttcodec import _topics_py

    for name in ("TopicMatcher", "TopicTree", "split_shared", "topic_matches", "validate_topic_name"):
        assert inspect.getdoc(getattr(topics, name)) == inspect.getdoc(getattr(_topics_py, name))
    assert inspect.getdoc(topics.TopicMatcher.match) == inspect.getdoc(_topics_py.TopicMatcher.match)


def test_control_characters_are_found_once() -> None:
    unwelcome = {0xFFFE + plane + last for plane in range(0, 0x110000, 0x10000) for last in (0, 1)}
    unwelcome.update(range(1, 0x20), range(0x7F, 0xA0), range(0xFDD0, 0xFDF0))
    found = {code for code in range(1, 0x110000) if _topic_methods._UNWELCOME.match(chr(code))}
    assert found == unwelcome
