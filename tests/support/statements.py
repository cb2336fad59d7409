"""Every statement of the standards, how it is shown to hold, and where in the code it is held.

The statements are those of `normative-v5.tsv`, `normative-v311.tsv` and `unnumbered-rules.tsv` in `rules/spec/`. For
each and each version `proof.tsv` beside them says, in `shown_by` and `detail`:

* refused: what breaks it is refused, and the error names it; detail: on decode, on encode, or on both (else no bytes,
  or no packet, can break it). There are vectors that break it and vectors that obey it.
* follows: it says again, or the receiver's part of, what other statements say (detail); an error names those.
* accepted: it allows something, or says what bytes mean; vectors show it.
* test: bytes cannot show it; tests (detail) do.
* elsewhere: it does not bind a codec; detail: why.

`where` adds places (file:function in the plain codec) to those that the errors' tracebacks tell.
"""

from __future__ import annotations

import csv
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import implementations
import mqttcodec
import vectors

TESTS = Path(__file__).parents[1]
SPEC = TESTS / "rules" / "spec"
SOURCES = Path(__file__).parents[2] / "src" / "mqttcodec"
INSTALLED = Path(mqttcodec.__file__).parent
# Between a rule and its error: what is called to raise.
RAISERS = {"fail", "_refuse", "missing"}
# The functions of the compiled side whose names are not those of the plain one with `put_` before it or without `_`.
COUNTERPARTS = {
    "_decode_properties_py.py:read_properties": (
        "_decode_properties_c.pyx:open_properties _decode_properties_c.pyx:next_property"
    ),
    "_encode_py.py:_properties": "_encode_c.pyx:put_property _encode_c.pyx:put_repeated",
    "_encode_py.py:_reason_and_properties": "_encode_c.pyx:open_answer _encode_c.pyx:shorten_answer",
    "_encode_py.py:encode_head": "_encode_c.pyx:write_packet",
    "_stream_py.py:_decode": "_stream_c.pyx:accept",
    "_wire_py.py:length": "_wire_c.pxd:length_prefixed",
    "_decode_py.py:_of_earlier_version": "_decode_c.pyx:refuse_earlier_version",
    "_wire_py.py:check_sender": "_decode_c.pyx:check_sender",
    "_wire_py.py:reason_code": "_decode_c.pyx:reason_code",
    "_wire_py.py:reason_code_of": "_decode_c.pyx:reason_code_of",
    "_wire_py.py:string": "_wire_c.pxd:judged_text",
    "_writer_py.py:reason_code": "_encode_c.pyx:put_reason_code",
    "_writer_py.py:string": "_writer_c.pxd:put_text",
}


class Statement(NamedTuple):
    version: int
    id: str
    says: str
    shown_by: str
    detail: str
    where: list[str]

    @property
    def binds_a_codec(self) -> bool:
        return self.shown_by != "elsewhere"


def rows(name: str) -> list[dict[str, str]]:
    with (SPEC / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def tables() -> Iterator[tuple[int, str, str, bool]]:
    """Each statement of a version, what it says, and whether it binds a codec."""
    for version, name in ((5, "normative-v5.tsv"), (4, "normative-v311.tsv")):
        for row in rows(name):
            yield version, row["id"].strip("[]"), row["paraphrase"], row["in_codec"] != "no"
    for row in rows("unnumbered-rules.tsv"):
        for version in "345" if row["versions"] == "all" else row["versions"].split(","):
            yield int(version), row["id"], row["paraphrase"], True


def load() -> list[Statement]:
    says = {(version, name): paraphrase for version, name, paraphrase, _ in tables()}
    return [
        Statement(
            version := int(row["version"]),
            row["id"],
            says[version, row["id"]],
            row["shown_by"],
            row["detail"],
            row["where"].split(),
        )
        for row in rows("proof.tsv")
    ]


ALL = load()


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


def refusals(mqtt: Any, vector: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The errors of a vector, by the side that raises them."""
    calls: dict[str, Any] = {}
    if "decoder" in vector:
        calls["decode"] = lambda: list(vectors.decoder(mqtt, vector).feed(vectors.data(vector)))
    elif "hex" in vector:
        calls["decode"] = lambda: mqtt.decode(vectors.data(vector), vector["version"])
    if "buffer" in vector:
        packet, buffer = vectors.packet(mqtt, vector["packet"]), bytearray(vector["buffer"])
        calls["encode"] = lambda: mqtt.encode_into(packet, buffer, 0, vector["version"])
    elif "packet" in vector:
        calls["encode"] = lambda: mqtt.encode(vectors.packet(mqtt, vector["packet"]), vector["version"])
    for side, call in calls.items():
        try:
            call()
        except mqtt.MQTTError as error:
            yield side, error


def rule_of(error: Exception) -> list[str]:
    """Where a fault was found in the plain codec, as file:function: that of the packet, and that of the field."""
    frames = [
        (Path(frame.filename).name, frame.name)
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).parent == INSTALLED
    ]
    *callers, rule = (frame for frame in frames if frame[1] not in RAISERS)
    of_packet = [frame for frame in callers if frame[0] in ("_decode_py.py", "_encode_py.py")]
    return [":".join(frame) for frame in (*of_packet[-1:], rule)]


def places(statement: Statement) -> list[str]:
    """Where a statement is held, as file:function, in both implementations.

    That of the plain one is what the errors of the breaking vectors tell. Those of the compiled one do not: Cython
    knows a traceback's functions by line number alone, and the lines of a `.pxd` are those of a `.pyx` too.
    """
    plain = set(statement.where)
    mqtt = implementations.load("python")
    for vector in breaking(statement):
        for _, error in refusals(mqtt, vector):
            plain.update(rule_of(error))
    return sorted(plain) + sorted({place for place in plain for place in counterparts(place)})


def counterparts(place: str) -> list[str]:
    """The places of the compiled codec that do what one of the plain codec does."""
    if place in COUNTERPARTS:
        return COUNTERPARTS[place].split()
    file, _, function = place.partition(":")
    stem = file.removesuffix("_py.py")
    if stem == file:  # Both implementations use it.
        return []
    names = (function.removeprefix("_"), "put_" + function.removeprefix("_"))
    found = [
        f"{stem}_c.{suffix}:{name}"
        for suffix in ("pyx", "pxd")
        for name in names
        if defines(f"{stem}_c.{suffix}", name)
    ]
    assert found, f"{place} has no counterpart"
    return found[:1]


def defines(file: str, function: str) -> bool:
    path = SOURCES / file
    definition = rf"^ *(def|cdef|cpdef) [^(]*\b{function}\("
    return path.is_file() and re.search(definition, path.read_text(encoding="utf-8"), re.MULTILINE) is not None
