"""The pages of `docs/` that are made from the code and the tests: `python tests/support/pages.py` writes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import statements
import vectors
from mqttcodec import ProtocolVersion, _errors
from statements import Statement

DOCS = Path(__file__).parents[2] / "docs"


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield row(*head)
    yield row(*["---"] * len(head))
    yield from (row(*cells) for cells in rows)


# --- Conformance.

CONFORMANCE = """\
# Conformance

Every statement of the standards, and how it is shown to hold. `python tests/support/pages.py` makes this page from
`tests/rules/spec/*.tsv` and the vectors. A test fails when the page is out of date, or when a statement has no proof.

The first column has the statement's number, or U01 to U40 for rules that have none. Then, how it is shown:

* refused: what breaks it raises an error that names it, on decode, on encode or on both; where one side is missing, no
  bytes or no packet can break it there;
* follows: it says again what another statement says, and errors name that one;
* accepted: it allows something, or says what bytes mean;
* test: bytes cannot show it, a test does.

The last column links to the vectors or tests that show it. A vector is one line of the linked file; those in italics
break the statement. [Faults](faults.md) lists the errors that they raise.
"""


def conformance() -> str:
    lines = [CONFORMANCE]
    versions = sorted(ProtocolVersion, reverse=True)
    lines += table(
        ("", "statements", "refused", "follow", "accepted", "shown by a test", "not a codec's"),
        [(f"**{version.title}**", *counts(version)) for version in versions],
    )
    for version in versions:
        of_version = [statement for statement in statements.ALL if statement.version == version]
        lines += ["", f"## {version.title}", ""]
        lines += table(
            ("Statement", "Says", "Shown", "Vectors or tests"),
            [proved(statement) for statement in of_version if statement.binds_a_codec],
        )
        others = [statement for statement in of_version if not statement.binds_a_codec]
        if others:
            lines += ["", f"### {version.title}: not a codec's", ""]
            lines += table(
                ("Statement", "Says", "Why it is not"), [(item.id, item.says, item.detail) for item in others]
            )
    files = sorted({vector["file"] for vector in vectors.ALL})
    lines += ["", *(f"[{name}]: ../tests/rules/vectors/{name}" for name in files)]
    return "\n".join(lines) + "\n"


def counts(version: int) -> Iterator[str]:
    ways = [statement.shown_by for statement in statements.ALL if statement.version == version]
    yield str(len(ways))
    for way in ("refused", "follows", "accepted", "test", "elsewhere"):
        yield str(ways.count(way))


def proved(statement: Statement) -> tuple[str, ...]:
    links = [link(vector) for vector in statements.obeying(statement)]
    links += [f"*{link(vector)}*" for vector in statements.breaking(statement)]
    if statement.shown_by == "test":
        links = [f"[{test}](../tests/{test.partition('::')[0]})" for test in statement.detail.split()]
    detail = "" if statement.shown_by in ("accepted", "test") else f": {statement.detail}"
    return statement.id, statement.says, statement.shown_by + detail, ", ".join(links)


def link(vector: dict[str, Any]) -> str:
    """A reference, which the end of the page resolves."""
    return f"[{vector['id']}][{vector['file']}]"


# --- Faults.

FAULTS = """\
# Faults

Every error about a packet: its name in `_errors.py`, the exception and reason code with which `decode` and `Decoder`
raise it (`encode` raises `EncodeError`, which has no code), the clause it names in each version, and its words.
`python tests/support/pages.py` makes this page. A test fails when it is out of date, or when no vector reaches a fault.

In the words, `{about}` is a field or a packet, `{found}` what was there, `{version}` the version; ", at byte 12", which
is the `offset`, and the clause in brackets follow them. A line with an arrow is the same fault of one field or packet.
"""

OTHERS = """\
## What is not about a packet

| Exception | When | For example |
| --- | --- | --- |
"""


def faults() -> str:
    named = [(name, fault) for name, fault in vars(_errors).items() if isinstance(fault, _errors.Fault)]
    lines = [FAULTS]
    lines += table(
        ("Fault", "Exception", "Reason code", "5.0", "3.1.1", "3.1", "Words"),
        [cells for name, fault in named for cells in of_fault(name, fault)],
    )
    examples: list[tuple[str, Exception]] = [
        ("a field or an argument of a Python type that cannot serve", _errors.wrong_type("topic", "str", b"")),
        ("an argument out of its range", _errors.bad_value("version", "3, 4 or 5", 6)),
        ("a buffer that is no run of bytes", _errors.not_bytes("payload")),
        ("a buffer that cannot be written to", _errors.read_only()),
        ("a decoder entered again while it works", _errors.decoder_busy()),
        ("a decoder whose work an exception from elsewhere broke off", _errors.decoder_interrupted()),
    ]
    lines += ["", OTHERS.rstrip()]
    lines += [row(f"`{type(error).__name__}`", when, str(error)) for when, error in examples]
    return "\n".join(lines) + "\n"


def of_fault(name: str, fault: _errors.Fault) -> Iterator[tuple[str, ...]]:
    for about, clauses in fault.clauses.items():
        by_version = [(clauses[min(place, len(clauses) - 1)] or "") for place in range(3)]
        if about:
            yield "", "", f"→ {about}", *by_version, ""
        else:
            code = "" if fault.reason_code is None else f"0x{fault.reason_code:02X}"
            yield f"`{name}`", f"`{fault.error.__name__}`", code, *by_version, fault.text


PAGES = {"conformance.md": conformance, "faults.md": faults}

if __name__ == "__main__":
    for file_name, page in PAGES.items():
        (DOCS / file_name).write_text(page(), encoding="utf-8")
