"""Every statement that binds a codec has a proof, every fault is reached, and the generated pages are up to date."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import conversions
import pages
import sessions
import statements
import vectors
from mqttcodec import MQTTv5, _errors
from samples import packets
from statements import Statement

every_statement = pytest.mark.parametrize(
    "statement", statements.ALL, ids=[f"{statement.id}, {statement.version}" for statement in statements.ALL]
)


def test_every_statement_is_there() -> None:
    required = {(version, name): binds for version, name, _, binds in statements.tables()}
    given = {(statement.version, statement.id): statement.binds_a_codec for statement in statements.ALL}
    assert given == required
    assert len(given) == len(statements.ALL)


def test_vectors_speak_for_statements_there_are() -> None:
    known = {statement.id for statement in statements.ALL}
    for vector in vectors.ALL:
        assert set(vector["statements"]) <= known, vector["id"]
        if vector["expect"] == "error" and vector["clause"]:
            assert vector["clause"] in vector["statements"], vector["id"]
    assert len({vector["id"] for vector in vectors.ALL}) == len(vectors.ALL)


def sides(found: list[dict[str, Any]]) -> str:
    """The sides (decode, encode) on which vectors are rejected."""
    names = (("decode", "hex"), ("encode", "packet"))
    return "+".join(side for side, key in names if any(key in vector for vector in found))


@every_statement
def test_shown(statement: Statement) -> None:
    obeying, breaking = statements.obeying(statement), statements.breaking(statement)
    if statement.shown_by == "refused":
        assert obeying, "no vector obeys it"
        naming = [vector for vector in breaking if vector["clause"] == statement.id]
        assert sides(naming) == statement.detail
    elif statement.shown_by == "follows":
        assert obeying, "no vector obeys it"
        assert {vector["clause"] for vector in breaking} == set(statement.detail.split())
    elif statement.shown_by == "accepted":
        assert obeying, "no vector shows it"
        assert not breaking
    elif statement.shown_by in ("test", "layer"):
        tests = statement.detail.split()
        if statement.shown_by == "layer":
            assert statements.place(tests.pop(0)) is not None
        assert tests, "no test shows it"
        for test in tests:
            file, _, function = test.partition("::")
            assert f"\ndef {function}(" in (statements.TESTS / file).read_text(encoding="utf-8")
    else:
        assert statement.shown_by == "elsewhere"
        assert statement.detail


def calls(mqtt: Any, vector: dict[str, Any]) -> Iterator[Callable[[], Any]]:
    """Each way to read or write a vector."""
    if "decoder" in vector:
        yield lambda: list(vectors.decoder(mqtt, vector).feed(vectors.data(vector)))
    elif "hex" in vector:
        yield lambda: mqtt.decode(vectors.data(vector), vector["version"])
    if "packet" in vector:
        packet, version = vectors.packet(mqtt, vector["packet"]), vector["version"]
        if "buffer" in vector:
            yield lambda: mqtt.encode_into(packet, bytearray(vector["buffer"]), 0, version)
        elif "max_packet_size" in vector:
            yield lambda: mqtt.Encoder(version, max_packet_size=vector["max_packet_size"]).write(packet)
        else:
            yield lambda: mqtt.encode(packet, version)


def test_every_fault_is_reached(mqtt: Any, topics: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every fault is reached, and each field or packet for which a fault names a separate clause.

    Vectors reach the faults of bytes and of fields. Refused conversions reach those of `for_version`,
    and `sessions.faults` those of a session.
    """
    reached = set()
    words = _errors.Fault._words

    def noted(fault: _errors.Fault, version: int, about: str, found: object) -> tuple[str, str | None]:
        reached.add((id(fault), about if about in fault.clauses else ""))
        return words(fault, version, about, found)

    monkeypatch.setattr(_errors.Fault, "_words", noted)
    for vector in vectors.ALL:
        for call in calls(mqtt, vector):
            with contextlib.suppress(mqtt.MQTTError):
                call()
    for expression, version, _, _ in conversions.REFUSED:
        with contextlib.suppress(mqtt.EncodeError):
            conversions.evaluated(mqtt, expression).for_version(version)
    with contextlib.suppress(mqtt.EncodeError):
        topics.validate_topic_name("\x01", allow_control_characters=False)
    for call in sessions.faults(mqtt):
        with contextlib.suppress(mqtt.ProtocolError):
            call()
    missed = [
        (name, about)
        for name, fault in vars(_errors).items()
        if isinstance(fault, _errors.Fault)
        for about in fault.clauses
        # A fault with a clause for each field, and no general clause, always applies to a field.
        if (id(fault), about) not in reached and (about or fault.clauses[""] != (None,) or len(fault.clauses) == 1)
    ]
    assert missed == []


@pytest.mark.skipif(not pages.DOCS.is_dir(), reason="needs the project's source tree")
@pytest.mark.parametrize("file_name", pages.PAGES)
def test_pages_are_up_to_date(file_name: str) -> None:
    written = (pages.DOCS / file_name).read_text(encoding="utf-8")
    assert written == pages.PAGES[file_name](), "run `python tests/support/pages.py`"


def test_packets_above_a_maximum_packet_size(mqtt: Any) -> None:
    """[MQTT-3.1.2-24] [MQTT-3.2.2-15]: the size is known before anything is written, and an Encoder keeps to it."""
    for packet in packets(mqtt, MQTTv5):
        size = mqtt.encoded_size(packet)
        written = mqtt.encode(packet)
        assert size == len(written)
        given = None if type(packet) is mqtt.Connect else MQTTv5
        assert list(mqtt.Decoder(given, max_packet_size=max(size, 2)).feed(written)) == [mqtt.decode(written)]
        encoder = mqtt.Encoder(5, max_packet_size=max(size, 2))
        assert encoder.write(packet)
        assert encoder.take() == written
        if size > 2:
            with pytest.raises(mqtt.PacketTooLargeError):
                list(mqtt.Decoder(given, max_packet_size=size - 1).feed(written))
            encoder.max_packet_size = size - 1
            with contextlib.suppress(mqtt.EncodeError):
                encoder.write(packet)
            assert encoder.pending < size


WITH_REASON_STRING = {
    "ConnAck": {},
    "PubAck": {"packet_id": 1},
    "PubRec": {"packet_id": 1},
    "PubRel": {"packet_id": 1},
    "PubComp": {"packet_id": 1},
    "SubAck": {"packet_id": 1, "reason_codes": [0]},
    "UnsubAck": {"packet_id": 1, "reason_codes": [0]},
    "Disconnect": {"reason_code": 0x8B},
    "Auth": {"reason_code": 0x18, "authentication_method": "m"},
}


@pytest.mark.parametrize("name", WITH_REASON_STRING)
def test_what_can_be_left_out(mqtt: Any, name: str) -> None:
    """[MQTT-3.2.2-19], [MQTT-3.2.2-20] and similar statements about other packets.

    The size of a packet without its Reason String or User Properties is known before anything is written. The packet
    without them is otherwise unchanged. An Encoder leaves out the User Properties, and then the Reason String too.
    """
    bare = getattr(mqtt, name)(**WITH_REASON_STRING[name])
    reason_string, pair = "x" * 300, ("n" * 100, "v" * 100)
    full = bare.replace(reason_string=reason_string, user_properties=(pair,) * 2)
    without_properties = full.replace(user_properties=())
    sizes = [mqtt.encoded_size(packet) for packet in (full, without_properties, bare)]
    assert sizes == [len(mqtt.encode(packet)) for packet in (full, without_properties, bare)]
    assert sizes[0] - sizes[1] == 2 * (1 + 2 + 100 + 2 + 100)
    assert sizes[1] - sizes[2] >= 1 + 2 + 300
    assert full.replace(reason_string=None, user_properties=()) == bare
    assert mqtt.decode(mqtt.encode(without_properties)).reason_string == reason_string
    for size, packet in zip(sizes, (full, without_properties, bare), strict=True):
        encoder = mqtt.Encoder(5, max_packet_size=max(size, 2))
        assert encoder.write(full)
        assert encoder.take() == mqtt.encode(packet)
