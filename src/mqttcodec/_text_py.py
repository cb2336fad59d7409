"""Rules for topics, used by decoder and encoder: `_text_c.pxd` in plain Python."""

from __future__ import annotations

import re

from . import _errors, _spec

_WILDCARD = re.compile("[+#]")
# A wildcard that does not begin its level, a '+' that does not fill it, or a '#' that is not the last character.
_MISPLACED_WILDCARD = re.compile(r"[+#](?:(?<=[^/].)|(?<=\+)[^/]|(?<=#).)", re.DOTALL)


def topic_name_fault(text: str) -> tuple[_errors.Fault, int] | None:
    """The fault of a non-empty topic name and the index of the character at fault, or None (4.7.1)."""
    if "+" in text or "#" in text:
        match = _WILDCARD.search(text)
        assert match
        return _errors.TOPIC_WILDCARD, match.start()  # [MQTT-3.3.2-2]
    return None


def topic_filter_fault(text: str, version: int) -> tuple[_errors.Fault, int] | None:
    """The fault of a non-empty topic filter and the index of the character at fault, or None (4.7.1, 4.8.2)."""
    first = 0
    if text.startswith("$share/") and _spec.has_shared_subscriptions(version):
        slash = text.find("/", 7)
        share_name = text[7:slash] if slash >= 0 else text[7:]
        if not share_name:
            return _errors.SHARE_NAME_EMPTY, 7  # [MQTT-4.8.2-1]
        if "+" in share_name or "#" in share_name or slash < 0 or slash == len(text) - 1:
            return _errors.SHARE_NAME, 7  # [MQTT-4.8.2-2]
        first = slash + 1
    if "+" not in text and "#" not in text:
        return None
    match = _MISPLACED_WILDCARD.search(text, first)
    if match:
        at = match.start()
        if text[at] == "#":
            return _errors.FILTER_HASH, at  # [MQTT-4.7.1-1]
        return _errors.FILTER_PLUS, at  # [MQTT-4.7.1-2]
    return None
