"""The tables `matching.jsonl` and `validity.jsonl`: which filter matches which topic, and which rule a text breaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

Vector = dict[str, Any]


def load(name: str) -> list[Vector]:
    return [json.loads(line) for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()]


MATCHING = load("matching.jsonl")
VALIDITY = load("validity.jsonl")
VALID_FILTERS = [vector["text"] for vector in VALIDITY if vector["kind"] == "filter" and not vector["clause"]]


def shown(vector: Vector) -> str:
    return ascii(" ".join(str(vector.get(key, "")) for key in ("topic_filter", "topic", "kind", "text", "version")))


@pytest.mark.parametrize("vector", MATCHING, ids=shown)
def test_matching(topics: Any, vector: Vector) -> None:
    """The function and both maps agree with the table."""
    topic_filter, topic = vector["topic_filter"], vector["topic"]
    expected = vector["matches"]
    assert topics.topic_matches(topic_filter, topic) is expected
    matcher = topics.TopicMatcher({"other": 0, "other/+": 0, topic_filter: 1})
    assert matcher.match(topic) == [1] * expected
    assert matcher.match_items(topic) == [(topic_filter, 1)] * expected
    tree = topics.TopicTree({"another": 0, topic: 1, "$other/another": 0})
    assert ((topic, 1) in tree.match(topic_filter)) is expected


@pytest.mark.parametrize("vector", VALIDITY, ids=shown)
def test_validity(mqtt: Any, topics: Any, vector: Vector) -> None:
    text = vector["text"] * vector.get("times", 1)
    allowed = not vector.get("strict", False)

    def check() -> None:
        if vector["kind"] == "name":
            topics.validate_topic_name(text, allow_control_characters=allowed)
        else:
            topics.validate_topic_filter(text, vector["version"], allow_control_characters=allowed)

    if vector["clause"] is None:
        check()
        return
    with pytest.raises(mqtt.EncodeError) as caught:
        check()
    assert caught.value.clause == vector["clause"]
    if allowed:
        # The same error as that of `encode`.
        packet = mqtt.Publish(text) if vector["kind"] == "name" else mqtt.Subscribe(1, (mqtt.Subscription(text),))
        with pytest.raises(mqtt.EncodeError) as other:
            mqtt.encode(packet, vector["version"])
        if text or vector["kind"] == "filter":
            assert caught.value == other.value


@pytest.mark.parametrize("vector", [vector for vector in VALIDITY if not vector.get("strict")], ids=shown)
def test_maps_refuse_the_same(mqtt: Any, topics: Any, vector: Vector) -> None:
    """An ill-formed key cannot be set, nor can an ill-formed text be matched with. To look it up is a `KeyError`."""
    if vector["version"] != 5:
        return
    text = vector["text"] * vector.get("times", 1)
    is_name = vector["kind"] == "name"
    made = topics.TopicTree() if is_name else topics.TopicMatcher()
    matched = topics.TopicMatcher() if is_name else topics.TopicTree()
    for call in (
        lambda: made.update({text: 1}),
        lambda: made.setdefault(text, 1),
        lambda: matched.match(text),
        lambda: topics.topic_matches("#", text) if is_name else topics.topic_matches(text, "a"),
        lambda: None if is_name else topics.split_shared(text),
    ):
        try:
            call()
        except mqtt.EncodeError as error:
            assert error.clause == vector["clause"]
        else:
            assert vector["clause"] is None or call() is None
    if vector["clause"] is None:
        assert made.pop(text) == 1
    assert len(made) == 0
    for lookup in (lambda: made[text], lambda: made.pop(text), lambda: made.__delitem__(text)):
        with pytest.raises(KeyError):
            lookup()
    assert text not in made
    assert made.get(text, 7) == made.pop(text, 7) == 7


def test_split_shared(topics: Any) -> None:
    for topic_filter, expected in {
        "$share/group/a/+": ("group", "a/+"),
        "$share/é/ü": ("é", "ü"),
        "$share/g//": ("g", "/"),
        "$share/g/$share/h/a": ("g", "$share/h/a"),
        "$share": (None, "$share"),
        "$shares/a": (None, "$shares/a"),
        "a/$share/g/b": (None, "a/$share/g/b"),
        "#": (None, "#"),
    }.items():
        assert topics.split_shared(topic_filter) == expected


def test_tables_are_in_use() -> None:
    assert len(MATCHING) > 80
    assert len(VALIDITY) > 150
    assert {vector["matches"] for vector in MATCHING} == {True, False}
