"""Conversions by `for_version`: the table in `docs/versions.md`, and those that are refused, with the words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pages
from mqttcodec import MQTTv5, MQTTv31, MQTTv311

PAGE = pages.DOCS / "versions.md"


class Cell(NamedTuple):
    """What the table says about one field of a packet that is converted to a version."""

    packet: str
    """An expression."""
    field: str
    """An attribute of the packet, or of a part of it. Empty for the packet itself."""
    version: int
    says: str


def table() -> Iterator[Cell]:
    """The cells of the table."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("| `"):
            continue
        first, field, *cells = (cell.strip() for cell in line.strip("|").split("|"))
        for packet in re.findall("`(.*?)`", first):
            for version, says in zip((MQTTv31, MQTTv311, MQTTv5), cells, strict=True):
                yield Cell(packet, field, version, says.replace("`", ""))


def evaluated(mqtt: Any, expression: str) -> Any:
    return eval(expression, dict(vars(mqtt)))


# The packet, the version, the clause and the words of the error.
REFUSED: list[tuple[str, int, str | None, str]] = [
    ("Auth()", 4, None, "MQTT 3.1.1 does not support AUTH"),
    (
        *('Connect("c", authentication_method="m")', 3, None),
        "MQTT 3.1 does not support authentication_method",
    ),
    ('ConnAck(authentication_method="m")', 4, None, "MQTT 3.1.1 does not support authentication_method"),
    (
        *('Connect("c", session_expiry_interval=60)', 4, None),
        "MQTT 3.1.1 cannot start a new session and keep it: session_expiry_interval must be absent or 0 with "
        "clean_start, not 60",
    ),
    (
        *('Connect("c", False)', 3, None),
        "MQTT 3.1 cannot resume a session and then drop it: clean_start must be set if session_expiry_interval is "
        "absent or 0",
    ),
    (
        *('Connect("c", password=b"p")', 4, "MQTT-3.1.2-22"),
        "MQTT 3.1.1 does not allow a password without a user name [MQTT-3.1.2-22]",
    ),
    (
        *('Connect("", False, session_expiry_interval=1)', 4, "MQTT-3.1.3-7"),
        "an empty client_id requires clean_start [MQTT-3.1.3-7]",
    ),
    (
        *('Connect("", False, session_expiry_interval=1)', 3, "U27"),
        "client_id must have 1 to 23 characters in MQTT 3.1, not 0 [U27]",
    ),
    ('Connect("x" * 24)', 3, "U27", "client_id must have 1 to 23 characters in MQTT 3.1, not 24 [U27]"),
    (
        *('Connect("c", will=Will("t", will_delay_interval=5))', 4, None),
        "MQTT 3.1.1 does not support will_delay_interval; lossy=True drops it",
    ),
    (
        *("ConnAck(reason_code=0x80)", 4, "MQTT-3.2.2-6"),
        "MQTT 3.1.1 has no return code for reason code 128; close the connection without CONNACK [MQTT-3.2.2-6]",
    ),
    (
        *('Connect("c", protocol_version=6)', 5, "MQTT-3.1.2-2"),
        "protocol_version must be 3, 4 or 5, not 6 [MQTT-3.1.2-2]",
    ),
    (
        *('Publish("", topic_alias=1)', 4, "MQTT-4.7.3-1"),
        "MQTT 3.1.1 has no topic aliases, so topic must not be empty [MQTT-4.7.3-1]",
    ),
    (
        *('Subscribe(1, [Subscription("a", no_local=True)])', 3, None),
        "MQTT 3.1 does not support no_local; lossy=True drops it",
    ),
    (
        *('Subscribe(1, [Subscription("$share/+/a")])', 5, "MQTT-4.8.2-2"),
        "the share name in topic_filter must not contain '+' or '#', and '/' and a topic filter must follow it "
        "[MQTT-4.8.2-2]",
    ),
    (
        *('Unsubscribe(1, ["a", "$share//a"])', 5, "MQTT-4.8.2-1"),
        "'$share/' in topic_filters requires a share name [MQTT-4.8.2-1]",
    ),
    (
        *("SubAck(1, [0, 0x80])", 3, "U30"),
        "SUBACK of MQTT 3.1 reports no failure: each reason code must be a granted QoS, not 128 [U30]",
    ),
    (
        *("UnsubAck(1)", 5, "U40"),
        "UNSUBACK of MQTT 5.0 requires a reason code for each topic filter, but reason_codes is empty [U40]",
    ),
    (
        *("Disconnect(0x04)", 4, None),
        "DISCONNECT of MQTT 3.1.1 has no reason code, so reason_code must be 0, not 4; close the connection without "
        "DISCONNECT",
    ),
]
