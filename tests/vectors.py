"""The vectors of `vectors/*.jsonl`: one input a line, with what becomes of it.

`hex` is the input, `expect` "ok", "error" or "incomplete". A `packet` names the fields that differ from their defaults;
bytes are {"hex": ...}. `canonical` false: the packet is written otherwise than it came. `statements` are the ids a
vector speaks for.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("vectors")


def load() -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for path in sorted(FOLDER.glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]


ALL = load()
OK = [vector for vector in ALL if vector["expect"] == "ok"]
ERRORS = [vector for vector in ALL if vector["expect"] == "error"]
INCOMPLETE = [vector for vector in ALL if vector["expect"] == "incomplete"]


def data(vector: dict[str, Any]) -> bytes:
    return bytes.fromhex(vector["hex"])


def packet(mqtt: Any, described: Any) -> Any:
    """The packet, or the value in it, that a vector describes."""
    if isinstance(described, list):
        return tuple(packet(mqtt, item) for item in described)
    if not isinstance(described, dict):
        return described
    ((name, content),) = described.items()
    if name == "hex":
        return bytes.fromhex(content)
    return getattr(mqtt, name)(**{field: packet(mqtt, value) for field, value in content.items()})
