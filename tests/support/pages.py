"""The generated parts of `docs/`: `python tests/support/pages.py` writes them.

`conformance.md` and `faults.md` are generated from start to end. In `api.md` and `command-line.md` the generated parts
are those between marks, `<!-- name: begin -->` and `<!-- name: end -->`, and the output of commands. The rest is
written by hand.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterable, Iterator
from enum import Enum, IntEnum
from pathlib import Path
from typing import Any
from unittest import mock

import implementations
import mqttcodec
import mqttcodec.session
import samples
import statements
import vectors
from mqttcodec import (
    MQTTv5,
    MQTTv31,
    MQTTv311,
    PacketType,
    PropertyId,
    ProtocolVersion,
    ReasonCode,
    _batch_py,
    _codec_py,
    _errors,
    _methods,
    _packets_py,
    _spec,
    _stream_py,
    _topics_py,
)
from mqttcodec.command import COMMANDS, parser_of
from statements import Statement

DOCS = Path(__file__).parents[2] / "docs"


def row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield row(*head)
    yield row(*["---"] * len(head))
    yield from (row(*cells) for cells in rows)


def anchor(name: str) -> str:
    """A place to link to. The site also lists it in its index, which its search reads."""
    return f'<a id="{name}"></a>'


# --- Conformance.

CONFORMANCE = """\
# Conformance

This page lists every statement of the standards, and what shows that it is kept.
`python tests/support/pages.py` generates the page from `tests/rules/spec/*.tsv` and the vectors. A test fails when the
page is out of date, or when a statement has no proof.

A statement is listed by its number. The number begins with the section: MQTT-3.3.2-2 is in section 3.3.2. The link
opens the standard, at the statement in browsers that support links to text. Rules without a number are U01 to U40.
MQTT 3.1 has no numbers, and its errors name those of 3.1.1.

The second column gives the requirement in our words, and then how the tests show it:

* refused: an error names the statement when it is broken, on decode, on encode or on both. If one side is missing, no
  bytes or no packet can break the statement there. The links lead to the [faults](faults.md).
* follows: the statement repeats others, and errors name those.
* accepted: the statement permits something, or says what bytes mean.
* test: bytes cannot show it, but a test does.

Links to vectors or tests follow. A vector is one line of the linked file. Those in italics break the statement.

A statement about more than one packet is in the section "above the codec", with the place that keeps it, mostly in
[`mqttcodec.session`](sessions.md), and its tests. `Rules` is the part of a `Connection` that sees both sides. It
refuses the peer's packets and the application's own. The rest binds an application or the transport.
"""

STANDARDS = {
    MQTTv5: "https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html",
    MQTTv311: "https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html",
}


def conformance() -> str:
    lines = [CONFORMANCE]
    versions = sorted(ProtocolVersion, reverse=True)
    lines += table(
        ("", "statements", "refused", "follow", "accepted", "shown by a test", "above the codec", "for others"),
        [(f"**{version.title}**", *counts(version)) for version in versions],
    )
    for version in versions:
        of_version = [statement for statement in statements.ALL if statement.version == version]
        lines += ["", f"## {version.title}"]
        for heading, shown in by_section([statement for statement in of_version if statement.binds_a_codec]):
            lines += ["", f"### {version.title}: {heading}", ""]
            lines += table(("Statement", "What it requires, and what shows it"), map(proved, shown))
        above = [statement for statement in of_version if statement.shown_by == "layer"]
        if above:
            lines += ["", f"### {version.title}: above the codec", ""]
            lines += table(
                ("Statement", "What it requires, the place that keeps it, and its tests"), map(placed, above)
            )
        others = [statement for statement in of_version if statement.shown_by == "elsewhere"]
        if others:
            lines += ["", f"### {version.title}: for applications and transports", ""]
            lines += table(
                ("Statement", "What it requires, and whom it binds"),
                [(named(item), f"{item.says}<br>*{item.detail}*") for item in others],
            )
    files = sorted({vector["file"] for vector in vectors.ALL})
    lines += ["", *(f"[{name}]: ../tests/rules/vectors/{name}" for name in files)]
    return "\n".join(lines) + "\n"


def counts(version: int) -> Iterator[str]:
    ways = [statement.shown_by for statement in statements.ALL if statement.version == version]
    yield str(len(ways))
    for way in ("refused", "follows", "accepted", "test", "layer", "elsewhere"):
        yield str(ways.count(way))


def by_section(shown: list[Statement]) -> Iterator[tuple[str, list[Statement]]]:
    """The statements of each section of two numbers, under its heading. Section 3.n is that of packet type n."""
    sections: dict[str, list[Statement]] = {}
    for statement in shown:
        number = ".".join(section(statement.id).split(".")[:2])
        chapter, _, packet_type = number.partition(".")
        name = f", {PacketType(int(packet_type)).name}" if chapter == "3" else ""
        sections.setdefault(f"section {number}{name}" if number else "rules without a number", []).append(statement)
    yield from sections.items()


def section(clause: str) -> str:
    """The section of a statement: 3.3.2 for MQTT-3.3.2-2. Empty for a rule without a number."""
    # [MQTT-3-8.3-4] is how 3.1.1 prints a number of section 3.8.3.
    found = re.fullmatch(r"MQTT-([\d.]+(?:-[\d.]+)?)-\d+", clause)
    return found[1].replace("-", ".").removesuffix(".0") if found else ""


def anchor_of(clause: str, version: int) -> str:
    """That of a statement: versions before 5.0 have numbers of their own, which may be the same."""
    return clause + {MQTTv5: "", MQTTv311: "-v311", MQTTv31: "-v31"}[ProtocolVersion(version)]


def named(statement: Statement) -> str:
    """The first cell of a statement: its anchor, its number and its place in the standard."""
    target = anchor(anchor_of(statement.id, statement.version))
    if not section(statement.id):
        return target + statement.id
    text = f"[{statement.id}]".replace("-", "%2D").replace("[", "%5B").replace("]", "%5D")
    standard = STANDARDS[ProtocolVersion(statement.version)]
    return f"{target}[{statement.id}]({standard}#:~:text={text})<br>section {section(statement.id)}"


def placed(statement: Statement) -> tuple[str, ...]:
    place, *tests = statement.detail.split()
    shown = f"`{place}`" if place.startswith("Rules.") else f"[`{place}`](api.md#{place})"
    return named(statement), f"{statement.says}<br>{shown}<br>{', '.join(map(link_to_test, tests))}"


def link_to_test(test: str) -> str:
    return f"[{test}](../tests/{test.partition('::')[0]})"


def proved(statement: Statement) -> tuple[str, ...]:
    links = [link(vector) for vector in statements.obeying(statement)]
    links += [f"*{link(vector)}*" for vector in statements.breaking(statement)]
    detail = statement.detail
    if statement.shown_by == "test":
        links = [link_to_test(test) for test in detail.split()]
        detail = ""
    elif statement.shown_by == "refused":
        detail = f"on {detail.replace('+', ' and ')}: " + ", ".join(faults_of(statement))
    elif statement.shown_by == "follows":
        detail = ", ".join(linked(clause, statement.version) for clause in detail.split())
    else:
        detail = ""
    return named(statement), f"{statement.says}<br>{statement.shown_by} {detail}".rstrip() + f"<br>{', '.join(links)}"


def faults_of(statement: Statement) -> Iterator[str]:
    """Links to the faults that name a statement."""
    for name, fault in FAULTS.items():
        if any(statement.id == clause_of(clauses, statement.version) for clauses in fault.clauses.values()):
            yield f"[`{name}`](faults.md#{name})"


def link(vector: dict[str, Any]) -> str:
    """A reference, which the end of the page resolves."""
    return f"[{vector['id']}][{vector['file']}]"


# --- Faults.

FAULTS = {name: fault for name, fault in vars(_errors).items() if isinstance(fault, _errors.Fault)}

ABOUT_FAULTS = """\
# Faults

This page lists every error about a packet under the name that it has in `_errors.py`, with its words.
`python tests/support/pages.py` generates the page. A test fails when it is out of date, or when neither a vector nor a
conversion reaches a fault.

In the words, `{about}` stands for a field or a packet, `{found}` for the value found and `{version}` for the version.
The message goes on with ", at byte 12", which is the `offset`, and with the clause in brackets.

`decode` and `Decoder` raise the exception, with the reason code. Encoding and `for_version` raise `EncodeError`, which
has no code. The clause depends on the version, and for some faults on the field or the packet. The links lead to the
statements on the [conformance](conformance.md) page.
"""

OTHERS = """\
## Errors that are not about a packet

| Exception | When | For example |
| --- | --- | --- |
"""


def faults() -> str:
    lines = [ABOUT_FAULTS, "## Errors about a packet"]
    for name, fault in FAULTS.items():
        code = "" if fault.reason_code is None else f", reason code {reason_code(fault.reason_code, 'api.md')}"
        raised = fault.error.__name__
        lines += ["", anchor(name), "", f"### {name}", "", f"> {fault.text}", ""]
        lines.append(f"[`{raised}`](api.md#{raised}){code}.")
        clauses = [(about, clauses_of(clauses)) for about, clauses in fault.clauses.items()]
        some = [f"* {about or 'all others'}: {links}" for about, links in sorted(clauses, key=lambda each: not each[0])]
        if len(clauses) == 1:
            lines += [f"Clause: {links}." for _, links in clauses if links]
        else:
            lines += ["Clause, by field or packet:", "", *(line for line in some if not line.endswith(": "))]
    connect_error = _errors.CLIENT_ID_EMPTY.decoding(4, 0, "", None, 4, PacketType.CONNECT)
    examples: list[tuple[str, Exception]] = [
        ("a field or an argument has the wrong Python type", _errors.wrong_type("topic", "str", b"")),
        ("an argument is out of range", _errors.bad_value("version", "3, 4 or 5", 6)),
        ("a buffer is not contiguous bytes", _errors.not_bytes("payload")),
        ("a buffer cannot be written to", _errors.read_only()),
        ("a decoder or an encoder is called while it is in use", _errors.busy(_stream_py.Decoder())),
        ("a packet other than CONNECT is written by an encoder without a version", _errors.version_unknown()),
        ("an exception from elsewhere interrupted a decoder", _errors.decoder_interrupted()),
        ("`skip` is called without an error", _errors.cannot_skip(None)),
        ("`skip` is called after an error in a fixed header", _errors.cannot_skip(_errors.DecodeError())),
        ("`skip` is called after an error in a CONNECT", _errors.cannot_skip(connect_error)),
        ("`skip` is called after memory ran out", _errors.cannot_skip(MemoryError())),
        ("`skip` is called after an interruption", _errors.cannot_skip(_errors.decoder_interrupted())),
        ("a `connected` decoder has no version", _errors.version_required()),
    ]
    lines += ["", OTHERS.rstrip()]
    lines += [row(f"`{type(error).__name__}`", when, str(error)) for when, error in examples]
    return "\n".join(lines) + "\n"


def clause_of(clauses: tuple[str | None, ...], version: int) -> str | None:
    """The clause that an error of this version names."""
    return clauses[min(MQTTv5 - version, len(clauses) - 1)]


def clauses_of(clauses: tuple[str | None, ...]) -> str:
    """Links to the clauses of each version; versions whose link is the same stand together."""
    by_link: dict[str, list[str]] = {}
    for version in sorted(ProtocolVersion, reverse=True):
        clause = clause_of(clauses, version)
        if clause:
            by_link.setdefault(linked(clause, version), []).append(version.title.removeprefix("MQTT "))
    if len(by_link) == 1 and len(*by_link.values()) == len(ProtocolVersion):
        return next(iter(by_link))
    return ", ".join(f"{link} in {' and '.join(versions)}" for link, versions in by_link.items())


STATEMENTS = {(statement.id, statement.version) for statement in statements.ALL}


def linked(clause: str, version: int) -> str:
    """A link to a statement of this version, or of the nearest that has it."""
    for of_version in (version, *sorted(ProtocolVersion, key=lambda other: abs(other - version))):
        if (clause, of_version) in STATEMENTS:
            return f"[{clause}](conformance.md#{anchor_of(clause, of_version)})"
    raise ValueError(f"{clause} is no statement")


# --- The API.

# The unit and the range of each field; a field whose classes differ has a row for each. A test tries the numbers.
RANGES = {
    "client_id": "0 to 65,535 bytes; in 3.1 1 to 23 characters",
    "keep_alive": "0 to 65,535 seconds; 0 turns Keep Alive off",
    "username": "0 to 65,535 bytes",
    "password": "0 to 65,535 bytes; before 5.0 only with `username`",
    "will": "`None` without a will",
    "protocol_version": "3, 4 or 5",
    "topic": "1 to 65,535 bytes, no wildcards",
    "Publish.topic": "1 to 65,535 bytes, no wildcards; may be empty with `topic_alias`",
    "payload": "0 to 65,535 bytes",
    "Publish.payload": "any number of bytes that the packet can hold",
    "qos": "0, 1 or 2",
    "packet_id": "1 to 65,535",
    "Publish.packet_id": "1 to 65,535 if `qos` is 1 or 2, otherwise `None`",
    "reason_code": "see below",
    "reason_codes": "one for each subscription or topic filter; see below",
    "subscriptions": "one or more",
    "topic_filter": "1 to 65,535 bytes, a valid filter",
    "topic_filters": "one or more, each 1 to 65,535 bytes",
    "retain_handling": "0, 1 or 2",
    "will_delay_interval": "0 to 4,294,967,295 seconds",
    "payload_format_indicator": "0 or 1; 1 says that the payload is UTF-8",
    "message_expiry_interval": "0 to 4,294,967,295 seconds",
    "content_type": "0 to 65,535 bytes",
    "response_topic": "1 to 65,535 bytes, no wildcards",
    "correlation_data": "0 to 65,535 bytes",
    "session_expiry_interval": "0 to 4,294,967,295 seconds; the greatest means never",
    "receive_maximum": "1 to 65,535 packets",
    "maximum_packet_size": "1 to 4,294,967,295 bytes",
    "topic_alias_maximum": "0 to 65,535",
    "topic_alias": "1 to 65,535",
    "authentication_method": "0 to 65,535 bytes",
    "authentication_data": "0 to 65,535 bytes; only with `authentication_method`",
    "maximum_qos": "0 or 1",
    "assigned_client_identifier": "0 to 65,535 bytes",
    "reason_string": "0 to 65,535 bytes",
    "server_keep_alive": "0 to 65,535 seconds",
    "response_information": "0 to 65,535 bytes",
    "server_reference": "0 to 65,535 bytes",
    "subscription_identifier": "1 to 268,435,455",
    "subscription_identifiers": "1 to 268,435,455 each",
    "user_properties": "each string 0 to 65,535 bytes",
}

PACKETS = [
    getattr(_packets_py, name)
    for name in (
        *("Connect", "Will", "ConnAck", "Publish", "PubAck", "PubRec", "PubRel", "PubComp", "Subscribe"),
        *("Subscription", "SubAck", "Unsubscribe", "UnsubAck", "PingReq", "PingResp", "Disconnect", "Auth"),
    )
]
ENUMS: list[type[Enum]] = [
    *(mqttcodec.ProtocolVersion, mqttcodec.PacketType, mqttcodec.QoS, mqttcodec.RetainHandling),
    *(mqttcodec.ReasonCode, mqttcodec.ConnectReturnCode, mqttcodec.PropertyId),
]
ERRORS = [
    *(mqttcodec.MQTTError, mqttcodec.DecodeError, mqttcodec.IncompletePacketError, mqttcodec.MalformedPacketError),
    *(mqttcodec.ProtocolError, mqttcodec.PacketTooLargeError, mqttcodec.UnsupportedVersionError),
    mqttcodec.EncodeError,
]
FUNCTIONS = [
    *(_codec_py.decode, _codec_py.decode_from, _codec_py.encode, _codec_py.encode_many, _codec_py.encode_acks),
    *(_codec_py.encode_into, _codec_py.encode_parts, _codec_py.encoded_size, _codec_py.peek, mqttcodec.answer_to),
    *(_codec_py.to_dict, _codec_py.from_dict),
]
METHODS = [_packets_py.Will.replace, _packets_py.Will.for_version]


TOPIC_FUNCTIONS = (
    _topics_py.validate_topic_name,
    _topics_py.validate_topic_filter,
    _topics_py.split_shared,
    _topics_py.topic_matches,
)


def heading(level: int, name: str) -> list[str]:
    """A heading, and an anchor for it, unless GitHub and Sphinx both make the name itself its anchor."""
    has_anchor = level <= 3 and name.isalpha() and name.islower()
    return ["", *([] if has_anchor else [anchor(name), ""]), f"{'#' * level} {name}", ""]


def functions() -> Iterator[str]:
    for function in FUNCTIONS:
        yield from heading(3, function.__name__)
        yield from signature(function.__name__, function)
        yield from docstring(function)


def signature(name: str, function: Any, result: str | None = None) -> Iterator[str]:
    """How a function is called, in a block that is not run."""
    found = inspect.signature(function)
    parameters, is_keyword_only = [], False
    for parameter in found.parameters.values():
        if parameter.name == "self":
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not is_keyword_only:
            is_keyword_only = True
            parameters.append("*")
        default = "" if parameter.default is parameter.empty else f" = {code(parameter.default)}"
        stars = "**" * (parameter.kind is parameter.VAR_KEYWORD)
        parameters.append(f"{stars}{parameter.name}: {parameter.annotation}{default}")
    end = f") -> {result or found.return_annotation}"
    line = f"{name}({', '.join(parameters)}{end}"
    yield "```pyi"
    if len(line) <= 88:
        yield line
    else:
        yield f"{name}("
        yield from (f"    {parameter}," for parameter in parameters)
        yield end
    yield "```"


def code(value: object) -> str:
    """A default, as a caller writes it."""
    if value is MQTTv5:
        return "MQTTv5"
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value).replace("'", '"')


def sections(docstring: str) -> Iterator[str]:
    """The Markdown of a docstring: a list for each section. The tables of fields say what `Attributes` does."""
    text, *parts = re.split(r"^(Args|Attributes|Returns|Yields|Raises|Example):\n", docstring, flags=re.MULTILINE)
    yield text.rstrip()
    for title, part in zip(parts[::2], parts[1::2], strict=True):
        body = textwrap.dedent(part).strip()
        if title == "Example":
            yield f"\n```pycon\n{body}\n```"
        elif title in ("Returns", "Yields"):
            yield f"\n{title}: {body}"
        elif title != "Attributes":
            items = re.sub(r"^([*\w]+):", r"* `\1`:", re.sub("^ +", "  ", body, flags=re.MULTILINE), flags=re.MULTILINE)
            yield f"\n{title}:\n\n{items}"


def docstring(documented: Any) -> list[str]:
    return ["", *sections(inspect.cleandoc(documented.__doc__))]


def streams() -> Iterator[str]:
    yield from stream(_stream_py.Decoder)
    yield from stream(_batch_py.Encoder)
    yield from enum(mqttcodec.Role)


def stream(cls: Any) -> Iterator[str]:
    yield from heading(3, cls.__name__)
    if not issubclass(cls, Enum):
        yield from signature(cls.__name__, cls.__init__, cls.__name__)
    yield from docstring(cls)
    public = {name: value for name, value in vars(cls).items() if not name.startswith("_")}
    properties = {name: value.fget for name, value in public.items() if isinstance(value, property)}
    if properties:
        yield ""
        yield from table(
            ("Attribute", "Type", "Meaning"),
            [attribute_row(cls, name, get) for name, get in properties.items()],
        )
    for name in public:
        method = getattr(cls, name)
        if inspect.isroutine(method):
            yield from heading(4, f"{cls.__name__}.{name}")
            yield from signature(name, method)
            yield from docstring(method)


def topics() -> Iterator[str]:
    for function in TOPIC_FUNCTIONS:
        yield from heading(3, function.__name__)
        yield from signature(function.__name__, function)
        yield from docstring(function)
    for cls in (_topics_py.TopicMatcher, _topics_py.TopicTree):
        yield from heading(3, cls.__name__)
        yield from signature(cls.__name__, cls.__init__, cls.__name__)
        yield from docstring(cls)
        for name, method in vars(cls).items():
            if name.startswith("match") and name != "matching":
                yield from heading(4, f"{cls.__name__}.{name}")
                yield from signature(name, method)
                yield from docstring(method)


def attribute_row(cls: Any, name: str, get: Any) -> tuple[str, ...]:
    meaning = next(sections(inspect.cleandoc(get.__doc__ or ""))).replace("\n", " ")
    return f"{anchor(f'{cls.__name__}.{name}')}`{name}`", type_of(get.__annotations__["return"]), meaning


SESSION_ERRORS = ("LocalProtocolError", "PacketIdsExhausted", "QueueFullError")


def session_parts() -> Iterator[str]:
    for name in mqttcodec.session.__all__:
        cls = getattr(mqttcodec.session, name)
        if name not in SESSION_ERRORS:
            yield from stream(cls)
    for name in SESSION_ERRORS:
        cls = getattr(mqttcodec.session, name)
        yield from heading(3, name)
        yield f"A subclass of [`{cls.__base__.__name__}`](#{cls.__base__.__name__})."
        yield from docstring(cls)


def type_of(annotation: str) -> str:
    """A type, with a link if this page describes it."""
    name = annotation.removesuffix(" | None").removeprefix("tuple[").removesuffix(", ...]")
    text = f"`{annotation}`"
    if name in mqttcodec.__all__:
        return f"[{text}](#{name})"
    return text


def methods() -> Iterator[str]:
    """The methods that all packet classes share."""
    for method in METHODS:
        yield from heading(3, method.__name__)
        yield from signature(method.__name__, method, "Self")
        yield from docstring(method)


def packets() -> Iterator[str]:
    used = versions_of_fields()
    missing = set(RANGES)
    for packet in PACKETS:
        name = packet.__name__
        yield from heading(3, name)
        yield from docstring(packet)
        fields = dataclasses.fields(packet)
        if fields:
            yield ""
            yield from table(
                ("Field", "Type", "Default", "Unit and range", "Versions"),
                [field_row(name, field, used[name, field.name]) for field in fields],
            )
        missing -= {row_of(name, field) for field in fields}
        if packet is _packets_py.Will:
            yield from heading(4, "Will.to_publish")
            yield from signature("to_publish", packet.to_publish)
            yield from docstring(packet.to_publish)
        codes = [reason_code(code) for code in reason_codes(name)]
        if codes:
            yield from ("", f"Reason codes in 5.0: {', '.join(codes)}.")
    assert not missing, f"no field has the rows {missing}"


def row_of(packet: str, field: dataclasses.Field[Any]) -> str:
    """The key of a field in RANGES."""
    return f"{packet}.{field.name}" if f"{packet}.{field.name}" in RANGES else field.name


def field_row(packet: str, field: dataclasses.Field[Any], versions: list[str]) -> tuple[str, ...]:
    default = "required" if field.default is dataclasses.MISSING else f"`{code(field.default)}`"
    unit = "`False` or `True`" if field.type.startswith("bool") else RANGES[row_of(packet, field)]
    identifier = property_of(packet, field.name)
    if identifier is not None:
        versions = [f"5.0, property [0x{identifier:02X}](#PropertyId.{identifier.name})"]
    return f"{anchor(f'{packet}.{field.name}')}`{field.name}`", type_of(field.type), default, unit, ", ".join(versions)


def reason_codes(packet: str) -> list[Any]:
    """Those that a packet may have in 5.0."""
    place = PacketType.__members__.get(packet.upper())
    return [] if place is None else [code for code in _spec.reason_codes(place, MQTTv5) if code is not None]


def reason_code(code: int, page: str = "") -> str:
    name = ReasonCode(code).name
    return f"0x{code:02X} [`{name}`]({page}#ReasonCode.{name})"


def property_of(packet: str, field: str) -> PropertyId | None:
    place = _spec.WILL if packet == "Will" else getattr(PacketType, packet.upper(), None)
    for identifier in _spec.PROPERTIES.get(place, ()):
        if _spec.property_field(place, identifier) == field:
            return identifier
    return None


def versions_of_fields() -> dict[tuple[str, str], list[str]]:
    """By class and field: the versions that have the field, which are those whose samples use it."""
    used: dict[tuple[str, str], list[str]] = {}
    for version in ProtocolVersion:
        title = version.title.removeprefix("MQTT ")
        for packet in samples.packets(_packets_py, version):
            for value in (packet, getattr(packet, "will", None), *getattr(packet, "subscriptions", ())):
                if value is None:
                    continue
                fields = list(_methods.changed(value))
                if isinstance(value, _packets_py.Connect):
                    fields.append("protocol_version")  # Its default is 5.0.
                    # `decode` rejects a bridge, so there is no sample of one.
                    fields += ["bridge"] * _spec.has_bridges(version)
                for field in fields:
                    versions = used.setdefault((type(value).__name__, field), [])
                    if title not in versions:
                        versions.append(title)
    return used


PROPERTY_TYPES = {int(row["id"]): row["type"] for row in statements.rows("properties.tsv")}


def enums() -> Iterator[str]:
    for enum_class in ENUMS:
        yield from enum(enum_class)


def enum(enum_class: type[Enum]) -> Iterator[str]:
    name = enum_class.__name__
    yield from heading(3, name)
    yield from docstring(enum_class)
    yield ""
    numbers = ("Hex", "Decimal") if issubclass(enum_class, IntEnum) else ("Value",)
    use = {ReasonCode: "Packets", PropertyId: "Type, and fields"}.get(enum_class, "")
    rows = [
        (
            f"{anchor(f'{name}.{key}')}`{key}`",
            *numbers_of(item),
            use_of(item) if key == item.name else f"the same as `{item.name}`",
        )
        for key, item in enum_class.__members__.items()
    ]
    if any(cells[-1] for cells in rows):
        yield from table(("Member", *numbers, use), rows)
    else:
        yield from table(("Member", *numbers), [cells[:-1] for cells in rows])


def numbers_of(item: Enum) -> tuple[str, ...]:
    return (f"0x{item:02X}", str(int(item))) if isinstance(item, IntEnum) else (f'"{item.value}"',)


def use_of(item: Enum) -> str:
    """The packets with a reason code, or the fields with a property."""
    if isinstance(item, ReasonCode):
        return ", ".join(packet.__name__ for packet in PACKETS if item in reason_codes(packet.__name__))
    if isinstance(item, PropertyId):
        fields = [
            f"{packet.__name__}.{field.name}"
            for packet in PACKETS
            for field in dataclasses.fields(packet)
            if property_of(packet.__name__, field.name) is item
        ]
        return f"{PROPERTY_TYPES[item]}: " + ", ".join(f"[`{field}`](#{field})" for field in fields)
    return ""


def errors() -> Iterator[str]:
    known: set[str] = {"self", "message"}
    for error in ERRORS:
        name = error.__name__
        bases = " and ".join(
            f"[`{base.__name__}`](#{base.__name__})" if base in ERRORS else f"`{base.__name__}`"
            for base in error.__bases__
        )
        yield from heading(3, name)
        yield f"A subclass of {bases}."
        yield from docstring(error)
        own = [p for p in inspect.signature(error.__init__).parameters.values() if p.name not in known]
        if "__init__" in vars(error) and own:
            yield ""
            yield from table(
                ("Attribute", "Type"),
                [(f"{anchor(f'{name}.{p.name}')}`{p.name}`", type_of(p.annotation)) for p in own],
            )
            known |= {p.name for p in own}


def header() -> Iterator[str]:
    yield from heading(3, "FixedHeader")
    yield from docstring(mqttcodec.FixedHeader)
    yield ""
    yield from table(
        ("Field", "Type"),
        [(f"{anchor(f'FixedHeader.{name}')}`{name}`", "`int`") for name in mqttcodec.FixedHeader._fields],
    )


# --- The command line.


def help_of(name: str) -> Iterator[str]:
    """The help of a command, or of the program if `name` is empty."""
    with mock.patch.dict(os.environ, COLUMNS="80", NO_COLOR="1"):
        yield from ("```text", parser_of(name).format_help().rstrip(), "```")


# The programs that the page uses.
PROGRAMS = {
    "echo": [sys.executable, "-c", "import sys; print(*sys.argv[1:])"],
    "mqttcodec": [sys.executable, "-m", "mqttcodec"],
    "python": [sys.executable],
}


def with_output(text: str) -> str:
    """The page with the output of each command that follows a `$`."""

    def run(block: re.Match[str]) -> str:
        lines = []
        for line in block[0].splitlines():
            if line.startswith("```"):
                lines.append(line)
            elif line.startswith("$ "):
                lines += [line, *output_of(line.removeprefix("$ "), folder).splitlines()]
        return "\n".join(lines)

    with tempfile.TemporaryDirectory() as folder:
        return re.sub(r"^```console$.*?^```$", run, text, flags=re.DOTALL | re.MULTILINE)


def output_of(line: str, folder: str) -> str:
    """What a command, or several that pipes connect, print."""
    output = ""
    for command in line.split(" | "):
        program, *arguments = shlex.split(command)
        done = subprocess.run(
            [*PROGRAMS[program], *arguments],
            env=implementations.environment(PYTHONUTF8="1"),
            cwd=folder,
            input=output,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        output = done.stdout
    return output


# --- The pages.


def between_marks(file_name: str, **parts: Any) -> str:
    """The page with its generated parts replaced."""
    text = (DOCS / file_name).read_text(encoding="utf-8")
    for name, lines in parts.items():
        begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
        assert text.count(begin) == text.count(end) == 1, f"{file_name} lacks the marks of {name}"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = before + begin + "\n" + "\n".join(lines()).strip("\n") + "\n" + end + after
    return text


def api() -> str:
    return between_marks(
        "api.md",
        functions=functions,
        header=header,
        streams=streams,
        topics=topics,
        session=session_parts,
        methods=methods,
        packets=packets,
        enums=enums,
        errors=errors,
    )


def command_line() -> str:
    helps = {name: functools.partial(help_of, name) for name in COMMANDS}
    return with_output(between_marks("command-line.md", help=functools.partial(help_of, ""), **helps))


PAGES = {"api.md": api, "command-line.md": command_line, "conformance.md": conformance, "faults.md": faults}

if __name__ == "__main__":
    for file_name, page in PAGES.items():
        (DOCS / file_name).write_text(page(), encoding="utf-8")
