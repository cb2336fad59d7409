"""Every statement of the standards, and its proof.

The statements are those of `normative-v5.tsv`, `normative-v311.tsv` and `unnumbered-rules.tsv` in `rules/spec/`. For
each statement and version, `proof.tsv` has the columns `shown_by` and `detail`:

* refused: breaking it raises an error that names it. The detail is decode, encode or both; if a side is missing, no
  bytes or no packet can break it there. There are vectors that break it and vectors that follow it.
* follows: it repeats other statements, or the receiver's part of them (detail). Errors name those.
* accepted: it allows something, or defines the meaning of bytes. Vectors show it.
* test: bytes cannot show it. Tests (detail: file::function) do.
* layer: it binds sequences of packets, or topics. The detail is the place above the codec that keeps it, and its tests.
* elsewhere: it binds the application or the transport. The detail is the reason.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mqttcodec.session
import mqttcodec.topics
import vectors

TESTS = Path(__file__).parents[1]
SPEC = TESTS / "rules" / "spec"


class Statement(NamedTuple):
    version: int
    id: str
    says: str
    shown_by: str
    detail: str

    @property
    def binds_a_codec(self) -> bool:
        return self.shown_by not in ("layer", "elsewhere")


def rows(name: str) -> list[dict[str, str]]:
    with (SPEC / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def tables() -> Iterator[tuple[int, str, str, bool]]:
    """Each statement of a version, its text, and whether it binds a codec."""
    for version, name in ((5, "normative-v5.tsv"), (4, "normative-v311.tsv")):
        for row in rows(name):
            yield version, row["id"].strip("[]"), row["paraphrase"], row["in_codec"] != "no"
    for row in rows("unnumbered-rules.tsv"):
        for version in "345" if row["versions"] == "all" else row["versions"].split(","):
            yield int(version), row["id"], row["paraphrase"], True


def load() -> list[Statement]:
    says = {(version, name): paraphrase for version, name, paraphrase, _ in tables()}
    return [
        Statement(version := int(row["version"]), row["id"], says[version, row["id"]], row["shown_by"], row["detail"])
        for row in rows("proof.tsv")
    ]


ALL = load()


def place(name: str) -> Any:
    """The object that keeps a statement of the kind `layer`."""
    owner, _, member = name.partition(".")
    for module in (mqttcodec.session, mqttcodec.session._rules, mqttcodec.topics, mqttcodec):
        if hasattr(module, owner):
            return getattr(getattr(module, owner), member) if member else getattr(module, owner)
    raise AttributeError(name)


def speaking_for(statement: Statement) -> list[dict[str, Any]]:
    return [
        vector
        for vector in vectors.ALL
        if vector["version"] == statement.version and statement.id in vector["statements"]
    ]


def obeying(statement: Statement) -> list[dict[str, Any]]:
    return [vector for vector in speaking_for(statement) if vector["expect"] != "error"]


def breaking(statement: Statement) -> list[dict[str, Any]]:
    return [vector for vector in speaking_for(statement) if vector["expect"] == "error"]
