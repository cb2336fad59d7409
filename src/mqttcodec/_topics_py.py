"""Topic names and topic filters: `_topics_c.pyx` in plain Python.

A dict has all items. It finds filters without wildcards. A tree of levels finds the others: each node is a level, and
its path from the root is a topic filter.
"""

from __future__ import annotations

from _thread import RLock
from abc import abstractmethod
from collections.abc import Iterator, KeysView, MutableMapping
from typing import Any, TypeVar

from . import _errors, _topic_methods
from ._arguments_py import checked_version, exact_text
from ._enums import MQTTv5
from ._text_py import topic_filter_fault
from ._writer_py import Writer

V = TypeVar("V")

SHARE = "$share/"
# A dict that has shrunk to this part of its largest size is copied, which frees memory.
SHRUNK = 8
_MISSING: Any = object()


class Node:
    """A level in the tree.

    `children` are the nodes of the next level, by its text. `one` is the child "+", and `many` is the child "#". `key`
    is the filter or topic that ends here, if there is one, and `shares` are the shared subscriptions of that filter, by
    share name.
    """

    __slots__ = ("children", "key", "many", "one", "shares")

    def __init__(self) -> None:
        self.children: dict[str, Node] = {}
        self.one: Node | None = None
        self.many: Node | None = None
        self.key: str | None = None
        self.shares: dict[str, str] = {}


def name_text(topic: object) -> str:
    """The exact str of a topic name, which is checked as `encode` does."""
    # The usual topic, without a writer.
    if (
        type(topic) is str
        and topic.isascii()
        and 0 < len(topic) <= 0xFFFF
        and not ("+" in topic or "#" in topic or "\0" in topic)
    ):
        return topic
    writer = Writer(5)
    text = writer.topic_name(topic, "topic")
    if not text:
        writer.refuse(_errors.TOPIC_EMPTY, "topic")  # [MQTT-4.7.3-1]
    return text


def filter_text(topic_filter: object, version: int) -> str:
    """The exact str of a topic filter, which is checked as `encode` does."""
    # The usual filter, without a writer.
    if (
        type(topic_filter) is str
        and topic_filter.isascii()
        and 0 < len(topic_filter) <= 0xFFFF
        and "\0" not in topic_filter
        and topic_filter_fault(topic_filter, version) is None
    ):
        return topic_filter
    return Writer(version).topic_filter(topic_filter, "topic_filter")


def filter_start(text: str) -> int:
    """Where the filter part of a valid topic filter starts."""
    return text.index("/", len(SHARE)) + 1 if text.startswith(SHARE) else 0


def validate_topic_name(topic: str, *, allow_control_characters: bool = True) -> None:
    """Check a topic name as `encode` does.

    Args:
        topic: The topic name.
        allow_control_characters: Whether to accept characters that a receiver may refuse: the control characters U+0001
            to U+001F and U+007F to U+009F, and the non-characters of Unicode, such as U+FFFF ([U37]).

    Raises:
        EncodeError: The topic is empty, longer than 65,535 bytes in UTF-8, contains a wildcard, U+0000 or a surrogate,
            or contains a character that is not allowed. `clause` names the rule.
        TypeError: The topic is not a str.

    Example:
        >>> validate_topic_name("sensor/1/temperature")
        >>> validate_topic_name("sensor/+/temperature")
        Traceback (most recent call last):
        mqttcodec.EncodeError: topic must not contain the wildcard '+' [MQTT-3.3.2-2]
    """
    text = name_text(topic)
    if not allow_control_characters:
        _topic_methods.refuse_control_characters(text, 5, "topic")


def validate_topic_filter(topic_filter: str, version: int = MQTTv5, *, allow_control_characters: bool = True) -> None:
    """Check a topic filter as `encode` does.

    Args:
        topic_filter: The topic filter.
        version: MQTT version: 3, 4 or 5, or a `ProtocolVersion`. Only 5.0 has shared subscriptions.
        allow_control_characters: As for `validate_topic_name`.

    Raises:
        EncodeError: The filter is empty, longer than 65,535 bytes in UTF-8, has a misplaced wildcard or an invalid
            share name, contains U+0000 or a surrogate, or contains a character that is not allowed. `clause` names the
            rule.
        TypeError: The filter is not a str, or the version is not an int.
        ValueError: The version is not 3, 4 or 5.

    Example:
        >>> validate_topic_filter("sensor/+/temperature")
        >>> validate_topic_filter("sensor+/temperature")
        Traceback (most recent call last):
        mqttcodec.EncodeError: '+' in topic_filter must fill its level [MQTT-4.7.1-2]
    """
    number = checked_version(version)
    text = filter_text(topic_filter, number)
    if not allow_control_characters:
        _topic_methods.refuse_control_characters(text, number, "topic_filter")


def split_shared(topic_filter: str) -> tuple[str | None, str]:
    """Split the topic filter of a shared subscription.

    Args:
        topic_filter: A topic filter of MQTT 5.0.

    Returns:
        The share name, or None if the filter is not that of a shared subscription; and the filter to match with.

    Raises:
        EncodeError: As for `validate_topic_filter`.
        TypeError: The filter is not a str.

    Example:
        >>> split_shared("$share/group/sensor/+")
        ('group', 'sensor/+')
        >>> split_shared("sensor/+")
        (None, 'sensor/+')
    """
    text = filter_text(topic_filter, 5)
    start = filter_start(text)
    return (text[len(SHARE) : start - 1], text[start:]) if start else (None, text)


def topic_matches(topic_filter: str, topic: str) -> bool:
    """Whether a topic filter matches a topic name (4.7).

    A filter that begins with a wildcard does not match a topic that begins with `$`. The filter of a shared
    subscription matches as its filter part does.

    Args:
        topic_filter: A topic filter of MQTT 5.0.
        topic: A topic name.

    Raises:
        EncodeError: As for `validate_topic_filter` and `validate_topic_name`.
        TypeError: An argument is not a str.

    Example:
        >>> topic_matches("sport/#", "sport")
        True
        >>> topic_matches("#", "$SYS/uptime")
        False
    """
    text = filter_text(topic_filter, 5)
    text = text[filter_start(text) :]
    topic = name_text(topic)
    if text[0] in "+#" and topic[0] == "$":
        return False  # [MQTT-4.7.2-1]
    levels = topic.split("/")
    matched = 0
    for level in text.split("/"):
        if level == "#":
            return True
        if matched == len(levels) or (level != "+" and level != levels[matched]):
            return False
        matched += 1
    return matched == len(levels)


class TopicMap(MutableMapping[str, V]):
    """A dict and a tree of its keys: the base of both classes."""

    # `_changing` is set while a call changes the tree. `_most` is the largest size of the dict.
    __slots__ = ("__weakref__", "_changing", "_entries", "_lock", "_most", "_root")

    about = "topic"

    def __new__(cls, *args: object, **kwargs: object) -> Any:
        self = super().__new__(cls)
        self._changing = False
        self._entries = {}
        self._lock = RLock()
        self._most = 0
        self._root = Node()
        return self

    _changing: bool
    _entries: dict[str, V]
    _lock: Any
    _most: int
    _root: Node

    def __init__(self, items: Any = (), /) -> None:
        self.update(items)

    @abstractmethod
    def checked(self, key: object) -> str:
        """The exact str of a key that is to be stored."""

    @abstractmethod
    def plant(self, text: str) -> None:
        """Add a key to the tree. If it is there, this changes nothing."""

    @abstractmethod
    def uproot(self, text: str) -> None:
        """Remove a key from the tree."""

    def enter(self) -> None:
        """Begin a change. The caller must call `leave`."""
        self._lock.acquire()
        if self._changing:  # By this thread: a finaliser or a signal handler has interrupted a change.
            self._lock.release()
            raise _errors.busy(self)
        self._changing = True

    def leave(self) -> None:
        self._changing = False
        self._lock.release()

    def put(self, text: str, value: V) -> None:
        # The key is in the tree before it is in the dict. A match ignores keys that are not in the dict.
        if text not in self._entries:
            try:
                self.plant(text)
                self._entries[text] = value
            except BaseException:
                self.uproot(text)
                raise
            self._most = max(self._most, len(self._entries))
        else:
            self._entries[text] = value

    def take(self, text: str) -> V:
        value = self._entries.pop(text)
        self.uproot(text)
        if len(self._entries) * SHRUNK < self._most:
            self._entries = dict(self._entries)
            self._most = len(self._entries)
        return value

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: object) -> bool:
        return exact_text(key, self.about) in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __getitem__(self, key: str) -> V:
        return self._entries[exact_text(key, self.about)]

    def __setitem__(self, key: str, value: V) -> None:
        text = self.checked(key)
        self.enter()
        try:
            replaced = self._entries.get(text)
            self.put(text, value)
        finally:
            self.leave()
        del replaced  # Its finaliser may use the map, so it is freed after the change.

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def get(self, key: str, default: Any = None) -> Any:
        """As `dict.get`."""
        return self._entries.get(exact_text(key, self.about), default)

    def setdefault(self, key: str, default: Any = None) -> Any:
        """As `dict.setdefault`."""
        text = self.checked(key)
        self.enter()
        try:
            if text not in self._entries:
                self.put(text, default)
            return self._entries[text]
        finally:
            self.leave()

    def pop(self, key: str, default: Any = _MISSING) -> Any:
        """As `dict.pop`."""
        text = exact_text(key, self.about)
        self.enter()
        try:
            if text not in self._entries and default is not _MISSING:
                return default
            return self.take(text)
        finally:
            self.leave()

    def popitem(self) -> tuple[str, V]:
        """As `dict.popitem`."""
        self.enter()
        try:
            for text in reversed(self._entries):
                return text, self.take(text)
            raise KeyError(f"popitem(): this {type(self).__name__} is empty")
        finally:
            self.leave()

    def clear(self) -> None:
        """As `dict.clear`."""
        self.enter()
        try:
            removed = self._entries
            self._entries = {}
            self._root = Node()
            self._most = 0
        finally:
            self.leave()
        removed.clear()  # An iterator over it will notice.

    def keys(self) -> KeysView[str]:
        """As `dict.keys`."""
        return KeysView(self)

    def items(self) -> Any:
        """As `dict.items`."""
        return _topic_methods.Items(self)

    def values(self) -> Any:
        """As `dict.values`."""
        return _topic_methods.Values(self)

    def _pairs(self) -> Iterator[tuple[str, V]]:
        return iter(self._entries.items())

    def __repr__(self) -> str:
        return _topic_methods.represented(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _topic_methods.new, (type(self).__name__,), None, None, self._pairs()

    def found(self, keys: list[str]) -> list[tuple[str, V]]:
        """The items of these keys. Another thread may have removed some."""
        values = [self._entries.get(key, _MISSING) for key in keys]
        return [(key, value) for key, value in zip(keys, values, strict=True) if value is not _MISSING]


def descend(node: Node, levels: list[str]) -> Node:
    """The node at the end of a path. Missing nodes are added."""
    for level in levels:
        child = node.children.get(level)
        if child is None:
            child = node.children[level] = Node()
            if level == "+":
                node.one = child
            elif level == "#":
                node.many = child
        node = child
    return node


def prune(node: Node, levels: list[str], share: str | None) -> None:
    """Remove the key at the end of a path, and the nodes that have no use without it."""
    path = []
    for level in levels:
        path.append((node, level))
        if level not in node.children:
            break
        node = node.children[level]
    else:
        if share is None:
            node.key = None
        else:
            node.shares.pop(share, None)
    while path:
        parent, level = path.pop()
        if level in parent.children:
            node = parent.children[level]
            if node.children or node.key is not None or node.shares:
                break
            del parent.children[level]
            if level == "+":
                parent.one = None
            elif level == "#":
                parent.many = None


def collect(node: Node, found: list[str]) -> None:
    """Add the filter of a node and its shared subscriptions."""
    if node.key is not None:
        found.append(node.key)
    if node.shares:
        found += list(node.shares.values())


class TopicMatcher(TopicMap[V]):
    """A mapping from topic filter to value that finds the filters that match a topic.

    It is a `MutableMapping`, and threads may use it as they use a dict. The filter of a shared subscription is a key of
    its own, and matches as its filter part does.

    Args:
        items: A mapping or pairs to begin with.

    Raises:
        EncodeError: A filter is ill-formed. Setting an item raises this too; looking one up or deleting it raises
            `KeyError`.
        TypeError: A filter is not a str. All methods raise this.

    Example:
        >>> matcher = TopicMatcher()
        >>> matcher["sensor/+/temperature"] = "recorder"
        >>> matcher["sensor/#"] = "logger"
        >>> matcher.match("sensor/1/temperature")
        ['logger', 'recorder']
        >>> del matcher["sensor/#"]
        >>> matcher.match("sensor/1")
        []
    """

    __slots__ = ()

    about = "topic_filter"

    def checked(self, key: object) -> str:
        return filter_text(key, 5)

    def place(self, text: str) -> tuple[str | None, list[str]]:
        """The share name of a valid filter, and its path in the tree: empty for one that only the dict has.

        A shared subscription without wildcards is one level below "/": no level of a topic is equal to that.
        """
        start = filter_start(text)
        share, part = (text[len(SHARE) : start - 1], text[start:]) if start else (None, text)
        if "+" in part or "#" in part:
            return share, part.split("/")
        return share, ["/", part] if start else []

    def plant(self, text: str) -> None:
        share, levels = self.place(text)
        if levels:
            node = descend(self._root, levels)
            if share is None:
                node.key = text
            else:
                node.shares[share] = text

    def uproot(self, text: str) -> None:
        share, levels = self.place(text)
        prune(self._root, levels, share)

    def matching(self, topic: object) -> list[str]:
        """The filters that match a topic, in the order of the results."""
        text = name_text(topic)
        found: list[str] = []
        root = self._root
        levels = text.split("/")
        last = len(levels)
        pending: list[tuple[Node, int]] = []
        node: Node | None = root
        depth = 0
        if text[0] == "$":  # [MQTT-4.7.2-1]
            node = root.children.get(levels[0])
            depth = 1
        while node is not None:
            many = node.many
            if many is not None:
                # The same as `collect`, written out, because many topics get here more than once.
                if many.key is not None:
                    found.append(many.key)
                if many.shares:
                    found += list(many.shares.values())
            child = None
            if depth == last:
                collect(node, found)
            else:
                other = node.children.get(levels[depth])
                child = node.one
                depth += 1
                if child is None:
                    child = other
                elif other is not None:
                    pending.append((other, depth))
            node = child
            if node is None and pending:
                node, depth = pending.pop()
        if text in self._entries and not text.startswith(SHARE):
            found.append(text)
        shared = root.children.get("/")
        if shared is not None and text in shared.children:
            collect(shared.children[text], found)
        return found

    def match(self, topic: str) -> list[V]:
        """Find the values of all filters that match a topic.

        The order of the results is by level: at the first level in which two filters differ, `#` comes before `+`, and
        `+` before a name; `a/#` comes before `a`. A filter comes before its shared subscriptions, which come in the
        order in which they were added.

        Args:
            topic: A topic name.

        Returns:
            A new list.

        Raises:
            EncodeError: As for `validate_topic_name`.
            TypeError: The topic is not a str.

        Example:
            >>> TopicMatcher({"a/b": 1, "+/b": 2, "#": 3, "a/+/c": 4}).match("a/b")
            [3, 2, 1]
        """
        keys = self.matching(topic)
        entries = self._entries
        try:
            return [entries[key] for key in keys]
        except KeyError:  # Another thread has just removed one of them.
            return [value for _, value in self.found(keys)]

    def match_items(self, topic: str) -> list[tuple[str, V]]:
        """Find all filters that match a topic, and their values, in the order of `match`.

        A server needs the filters to choose one subscriber of each shared subscription.

        Args:
            topic: A topic name.

        Returns:
            A new list of pairs: filter, value.

        Raises:
            EncodeError: As for `validate_topic_name`.
            TypeError: The topic is not a str.

        Example:
            >>> TopicMatcher({"a/+": 1, "$share/group/a/+": 2}).match_items("a/b")
            [('a/+', 1), ('$share/group/a/+', 2)]
        """
        return self.found(self.matching(topic))


class TopicTree(TopicMap[V]):
    """A mapping from topic name to value that finds the topics that a filter matches, such as retained messages.

    It is a `MutableMapping`, and threads may use it as they use a dict.

    Args:
        items: A mapping or pairs to begin with.

    Raises:
        EncodeError: A topic is ill-formed. Setting an item raises this too; looking one up or deleting it raises
            `KeyError`.
        TypeError: A topic is not a str. All methods raise this.

    Example:
        >>> retained = TopicTree()
        >>> retained["sensor/1"] = "21.5"
        >>> retained["sensor/2"] = "19.0"
        >>> retained.match("sensor/+")
        [('sensor/1', '21.5'), ('sensor/2', '19.0')]
    """

    __slots__ = ()

    def checked(self, key: object) -> str:
        return name_text(key)

    def plant(self, text: str) -> None:
        descend(self._root, text.split("/")).key = text

    def uproot(self, text: str) -> None:
        prune(self._root, text.split("/"), None)

    def matching(self, topic_filter: object) -> list[str]:
        """The topics that a filter matches, in the order of the results."""
        text = filter_text(topic_filter, 5)
        levels = text[filter_start(text) :].split("/")
        found: list[str] = []
        root = self._root
        pending = [(root, 0)]
        while pending:
            node, depth = pending.pop()
            level = levels[depth] if depth < len(levels) else ""
            takes_all = level == "#" and depth < len(levels)
            if (takes_all or depth == len(levels)) and node.key is not None:
                found.append(node.key)
            if depth == len(levels):
                continue
            if takes_all or level == "+":
                below = depth if takes_all else depth + 1
                for name, child in reversed(list(node.children.items())):
                    if node is not root or not name.startswith("$"):  # [MQTT-4.7.2-1]
                        pending.append((child, below))
            elif level in node.children:
                pending.append((node.children[level], depth + 1))
        return found

    def match(self, topic_filter: str) -> list[tuple[str, V]]:
        """Find all topics that a filter matches, and their values.

        A topic comes before those below it. Topics that first differ in a level come in the order in which these
        levels were added.

        Args:
            topic_filter: A topic filter of MQTT 5.0. That of a shared subscription matches as its filter part does.

        Returns:
            A new list of pairs: topic, value.

        Raises:
            EncodeError: As for `validate_topic_filter`.
            TypeError: The filter is not a str.

        Example:
            >>> TopicTree({"a/b": 1, "$SYS/a": 2, "a": 3}).match("#")
            [('a', 3), ('a/b', 1)]
        """
        return self.found(self.matching(topic_filter))
