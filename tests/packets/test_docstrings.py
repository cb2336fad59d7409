"""The examples in the docstrings of public functions and classes run, and print what they show."""

from __future__ import annotations

import doctest
import enum
import inspect
from types import SimpleNamespace
from typing import Any

import pytest

import mqttcodec
import mqttcodec.session
import mqttcodec.topics
from mqttcodec import _packets_py

# The functions and classes; errors need no examples.
NAMES = [
    name
    for name, item in vars(mqttcodec).items()
    if name in mqttcodec.__all__
    and (inspect.isroutine(item) or (inspect.isclass(item) and not issubclass(item, Exception)))
]


def documented(mqtt: SimpleNamespace, name: str) -> list[Any]:
    """A function, or a class and its public members. Fields of packets are described with their class."""
    owner = getattr(mqtt, name)
    if not inspect.isclass(owner) or issubclass(owner, enum.Enum):
        return [owner]
    if hasattr(_packets_py, name):
        return [owner, owner.replace, owner.for_version, *([owner.to_publish] if name == "Will" else [])]
    members = [member for key, member in vars(owner).items() if not key.startswith("_")]
    return [owner, *(member for member in members if inspect.getdoc(member))]


@pytest.mark.parametrize("name", NAMES)
def test_examples(mqtt: SimpleNamespace, name: str) -> None:
    parser = doctest.DocTestParser()
    for item in documented(mqtt, name):
        test = parser.get_doctest(inspect.getdoc(item), dict(vars(mqtt)), name, None, None)
        check(test)


def check(test: doctest.DocTest) -> None:
    assert test.examples, test.name
    report: list[str] = []
    assert not doctest.DocTestRunner().run(test, out=report.append).failed, "".join(report)


@pytest.mark.parametrize("name", mqttcodec.topics.__all__)
def test_examples_of_topics(topics: Any, name: str) -> None:
    owner = getattr(topics, name)
    items = [owner] if inspect.isroutine(owner) else [owner, owner.match]
    if hasattr(owner, "match_items"):
        items.append(owner.match_items)
    parser = doctest.DocTestParser()
    for item in items:
        test = parser.get_doctest(inspect.getdoc(item), dict(vars(topics)), name, None, None)
        check(test)


@pytest.mark.parametrize(
    "name", [name for name in mqttcodec.session.__all__ if "Err" not in name and "Exh" not in name]
)
def test_examples_of_sessions(mqtt: SimpleNamespace, session: Any, name: str) -> None:
    owner = getattr(session, name)
    members = {key: item for key, item in vars(owner).items() if not key.startswith("_")}
    methods = [getattr(owner, key) for key, item in members.items() if not isinstance(item, property)]
    parser = doctest.DocTestParser()
    for item in [owner, *filter(inspect.isroutine, methods)]:
        names = {**vars(mqtt), **{key: getattr(session, key) for key in session.__all__}}
        test = parser.get_doctest(inspect.getdoc(item), names, name, None, None)
        check(test)
