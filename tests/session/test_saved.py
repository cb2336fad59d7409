"""`Session` as bytes and as a pickle, and the memory that its parts can be made to keep."""

from __future__ import annotations

import copy
import pickle
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

HEAD = bytes.fromhex("01 05 00 00000e10 0014 0064 000a 00000014 0001 63")
"""A session with client identifier "c", without messages."""


PUBREC_1, PUBREC_2 = bytes.fromhex("50020001"), bytes.fromhex("50020002")
PUBREL_1, PUBREL_2 = bytes.fromhex("62020001"), bytes.fromhex("62020002")
SENT_1, SENT_2 = bytes.fromhex("3a06 0001 61 0001 00"), bytes.fromhex("3c06 0001 61 0002 00")
QUEUED_1, QUEUED_3 = bytes.fromhex("3206 0001 61 0001 00"), bytes.fromhex("3406 0001 61 0003 00")
BODIES = [
    b"",
    PUBREC_1,
    PUBREC_1 + PUBREC_2,
    PUBREL_1,
    PUBREL_2 + PUBREL_1,
    SENT_1 + SENT_2 + QUEUED_3,
    PUBREC_2 + PUBREL_2 + SENT_1 + QUEUED_3,
    PUBREC_1 + QUEUED_1,
    QUEUED_1 + QUEUED_3,
]
MALFORMED = {
    "no bytes": b"",
    "another format": b"\x02" + HEAD[1:],
    "version byte alone": b"\x01",
    "short header": HEAD[:18],
    "short client identifier": HEAD[:19],
    "MQTT version": HEAD[:1] + b"\x06" + HEAD[2:],
    "role": HEAD[:2] + b"\x02" + HEAD[3:],
    "receive_maximum of outgoing": HEAD[:7] + b"\0\0" + HEAD[9:],
    "receive_maximum of incoming": HEAD[:11] + b"\0\0" + HEAD[13:],
    "kept identifiers, too few": HEAD[:13] + b"\0\0\0\x13" + HEAD[17:],
    "kept identifiers, too many": HEAD[:13] + b"\0\x02\0\0" + HEAD[17:],
    "client identifier": HEAD[:-1] + b"\xff",
    "incomplete packet": HEAD + SENT_1[:-1],
    "malformed packet": HEAD + b"\x30\x01\x00",
    "PUBREC twice": HEAD + PUBREC_1 + PUBREC_1,
    "PUBREC out of order": HEAD + PUBREC_2 + PUBREC_1,
    "PUBREC after PUBREL": HEAD + PUBREL_1 + PUBREC_1,
    "PUBREC with a reason code": HEAD + bytes.fromhex("5003000110"),
    "PUBREL with a reason code": HEAD + bytes.fromhex("6203000192"),
    "PUBREL in a longer form": HEAD + bytes.fromhex("6203000100"),
    "PUBREL twice": HEAD + PUBREL_1 + PUBREL_1,
    "identifier twice": HEAD + PUBREL_1 + SENT_1,
    "message twice": HEAD + SENT_1 + SENT_1,
    "sent after queued": HEAD + QUEUED_1 + SENT_2,
    "PUBREL after queued": HEAD + QUEUED_1 + PUBREL_2,
    "QoS 0": HEAD + bytes.fromhex("3004 0001 61 00"),
    "topic alias": HEAD + bytes.fromhex("3209 0001 61 0001 03 230001"),
    "topic alias alone": HEAD + bytes.fromhex("3208 0000 0001 03 230001"),
    "PUBACK": HEAD + bytes.fromhex("40020001"),
    "PINGREQ": HEAD + bytes.fromhex("c000"),
    "CONNECT": HEAD + bytes.fromhex("100d 0004 4d515454 05 02 003c 00 0000"),
}


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_saved_and_restored(mqtt: Any, session: Any, body: bytes) -> None:
    restored = session.Session.from_bytes(HEAD + body)
    assert (restored.client_id, restored.expiry_interval, restored.version) == ("c", 3600, 5)
    assert (restored.outgoing.receive_maximum, restored.outgoing.max_queued) == (20, 100)
    assert restored.incoming.receive_maximum == 10
    for again in (restored, pickle.loads(pickle.dumps(restored)), copy.deepcopy(restored)):
        assert type(again) is session.Session
        assert again.to_bytes() == HEAD + body
    for data in (bytearray(HEAD + body), memoryview(HEAD + body)):
        assert session.Session.from_bytes(data).to_bytes() == HEAD + body
    sent = mqtt.encode_many([*restored.outgoing.resend(), *restored.outgoing.to_send()])
    assert sent == body.removeprefix(PUBREC_1).removeprefix(PUBREC_2)
    ids = {mqtt.decode(part).packet_id for part in (SENT_1, SENT_2, QUEUED_3) if part in body}
    assert set(restored.packet_ids._in_use) >= ids
    assert restored.packet_ids is restored.outgoing.packet_ids


@pytest.mark.parametrize("name", MALFORMED)
def test_not_a_saved_session(session: Any, name: str) -> None:
    with pytest.raises(ValueError, match=r"^not a saved session: ") as caught:
        session.Session.from_bytes(MALFORMED[name])
    assert type(caught.value) is ValueError


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "there are no bytes"),
        (b"\x02" + HEAD[1:], "the version of the format must be 1, not 2"),
        (HEAD + SENT_1[:-1], "its last packet is incomplete"),
        (HEAD + SENT_1 + SENT_1, "packet_id 1 is used twice"),
        (HEAD + QUEUED_1 + SENT_2, "messages that were not sent must be the last"),
        (HEAD + PUBREC_2 + PUBREC_1, "it is not in the form that to_bytes writes"),
        (HEAD + bytes.fromhex("3004 0001 61 00"), "a PUBLISH must have qos 1 or 2 and no topic_alias"),
        (HEAD + bytes.fromhex("c000"), "PingReq has no place in it"),
    ],
)
def test_reason(session: Any, data: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=rf"^not a saved session: {reason}$"):
        session.Session.from_bytes(data)


def test_no_bytes(session: Any) -> None:
    for data in ("text", None, 5):
        with pytest.raises(TypeError):
            session.Session.from_bytes(data)


@given(data=st.data())
def test_every_change_is_refused_or_kept(session: Any, data: Any) -> None:
    """Anything that is accepted is what `to_bytes` writes; anything else is a ValueError."""
    changed = bytearray(HEAD + data.draw(st.sampled_from(BODIES)))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed)))
        end = data.draw(st.integers(at, min(at + 4, len(changed))))
        changed[at:end] = data.draw(st.binary(max_size=4) | st.sampled_from([SENT_2, QUEUED_3, PUBREL_2, PUBREC_2]))
    try:
        restored = session.Session.from_bytes(changed)
    except ValueError as error:
        assert str(error).startswith("not a saved session: ")
    else:
        assert restored.to_bytes() == changed
        restored.outgoing.resend()
        restored.outgoing.to_send()


@given(st.binary(max_size=100))
def test_random_bytes(session: Any, data: bytes) -> None:
    for given_data in (data, b"\x01" + data, HEAD + data):
        try:
            assert session.Session.from_bytes(given_data).to_bytes() == given_data
        except ValueError as error:
            assert str(error).startswith("not a saved session: ")


def test_every_cut(session: Any) -> None:
    """Saved bytes that were not written to their end are refused, or end between two packets."""
    whole = HEAD + BODIES[6]
    ends = {len(HEAD), len(HEAD + PUBREC_2), len(HEAD + PUBREC_2 + PUBREL_2), len(whole) - len(QUEUED_3), len(whole)}
    for size in range(len(whole) + 1):
        if size in ends:
            assert session.Session.from_bytes(whole[:size]).to_bytes() == whole[:size]
        else:
            with pytest.raises(ValueError, match=r"^not a saved session: "):
                session.Session.from_bytes(whole[:size])


def test_versions_of_a_session(mqtt: Any, session: Any) -> None:
    outgoing, incoming = session.OutgoingMessages(version=4), session.IncomingMessages(version=3)
    assert session.Session(outgoing=outgoing).incoming.version == 4
    assert session.Session(incoming=incoming).outgoing.version == 3
    with pytest.raises(ValueError, match=r"^outgoing and incoming must have the same version$"):
        session.Session(outgoing=outgoing, incoming=incoming)
    one = session.Session()
    one.version = 4
    assert (one.version, one.outgoing.version, one.incoming.version) == (mqtt.MQTTv311,) * 3
    assert session.Session.from_bytes(one.to_bytes()).version is mqtt.MQTTv311


@pytest.mark.parametrize(
    ("client_id", "expiry_interval", "message"),
    [
        ("x" * 65_536, 0, "client_id must be at most 65535 bytes long, not 65536"),
        ("\ud800", 0, "surrogates not allowed"),
        ("c", -1, "expiry_interval must be 0 to 4294967295, not -1"),
        ("c", 1 << 32, "expiry_interval must be 0 to 4294967295, not 4294967296"),
    ],
)
def test_unsavable(session: Any, client_id: str, expiry_interval: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        session.Session(client_id, expiry_interval).to_bytes()
    whole = session.Session("é" * 32_767, 0xFFFF_FFFF)
    assert session.Session.from_bytes(whole.to_bytes()).client_id == "é" * 32_767


@pytest.mark.parametrize(
    ("client_id", "expiry_interval", "message"),
    [(b"c", 0, "^client_id must be str, not bytes$"), ("c", 1.5, "^expiry_interval must be int, not float$")],
)
def test_unsavable_types(session: Any, client_id: Any, expiry_interval: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        session.Session(client_id, expiry_interval).to_bytes()


@pytest.mark.parametrize("name", ["LocalProtocolError", "PacketIdsExhausted", "QueueFullError"])
def test_errors_of_the_application(mqtt: Any, session: Any, name: str) -> None:
    error = getattr(session, name)("text", clause="MQTT-1.2-3")
    assert isinstance(error, session.LocalProtocolError)
    assert isinstance(error, mqtt.MQTTError)
    assert type(error).__module__ == session.__name__
    assert pickle.loads(pickle.dumps(error)) == error


# Memory


def traced(function: Any) -> int:
    tracemalloc.start()
    try:
        kept = function()
        size, _ = tracemalloc.get_traced_memory()
        del kept
        return size
    finally:
        tracemalloc.stop()


def test_restoring_takes_memory_in_proportion_to_the_bytes(session: Any) -> None:
    """The worst are 4 bytes for an identifier, whatever the numbers in the header say."""
    data = HEAD + b"".join(b"\x50\x02" + number.to_bytes(2, "big") for number in range(1, 20_001))

    def peak() -> int:
        tracemalloc.start()
        try:
            session.Session.from_bytes(data)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak() < 200 * len(data)


def test_peer_that_never_sends_pubrel(mqtt: Any, session: Any) -> None:
    """It reconnects again and again, and each time leaves messages of QoS 2 behind."""
    incoming = session.IncomingMessages(10)
    refused = 0
    for packet_id in range(1, 1_001):
        publish = mqtt.Publish("a", qos=2, packet_id=packet_id)
        try:
            assert incoming.on_publish(publish)
            incoming.acknowledge(publish)
        except mqtt.ProtocolError as error:
            assert error.reason_code == mqtt.ReasonCode.RECEIVE_MAXIMUM_EXCEEDED
            refused += 1
        incoming.connection_lost()
    assert len(incoming._received) == 20
    assert refused == 980
    # Other messages still come through, and one PUBREL makes room for one message.
    assert incoming.on_publish(mqtt.Publish("a", qos=1, packet_id=1_001))
    assert not incoming.on_publish(mqtt.Publish("a", qos=2, dup=True, packet_id=20))
    incoming.connection_lost()
    assert incoming.on_pubrel(mqtt.PubRel(20)) == mqtt.PubComp(20)
    assert incoming.on_publish(mqtt.Publish("a", qos=2, packet_id=1_002))
    with pytest.raises(mqtt.ProtocolError):
        incoming.on_publish(mqtt.Publish("a", qos=2, packet_id=1_003))


def test_greater_receive_maximum_of_an_earlier_connection(mqtt: Any, session: Any) -> None:
    """A peer may have more identifiers from before than it may have messages now."""
    incoming = session.IncomingMessages(10)
    for packet_id in range(1, 11):
        publish = mqtt.Publish("a", qos=2, packet_id=packet_id)
        incoming.on_publish(publish)
        incoming.acknowledge(publish)
    incoming.connection_lost()
    incoming.receive_maximum = 1
    incoming = session.Session.from_bytes(session.Session(incoming=incoming).to_bytes()).incoming
    assert incoming.receive_maximum == 1
    assert incoming.on_publish(mqtt.Publish("a", qos=2, packet_id=11))


def test_aliases_keep_as_many_topics_as_they_may(mqtt: Any, session: Any) -> None:
    receiver, sender = session.TopicAliasReceiver(3), session.TopicAliasSender(3)
    for number in range(1_000):
        receiver.resolve(mqtt.Publish(f"topic{number}", topic_alias=1 + number % 3))
        sender.assign(mqtt.Publish(f"topic{number}"))
    assert len(receiver._topics) == len(sender._aliases) == 3


def test_acknowledged_messages_are_freed(mqtt: Any, session: Any) -> None:
    """At PUBACK or PUBREC; no table grows with the messages that have passed."""

    def run(rounds: int) -> Any:
        outgoing = session.OutgoingMessages(10, 10)
        for _ in range(rounds):
            one = outgoing.publish(mqtt.Publish("a", bytes(10_000), 1)).packet_id
            two = outgoing.publish(mqtt.Publish("a", bytes(10_000), 2)).packet_id
            outgoing.to_send()
            outgoing.on_puback(mqtt.PubAck(one))
            outgoing.on_pubrec(mqtt.PubRec(two))
            if rounds > 1:
                outgoing.on_pubcomp(mqtt.PubComp(two))
        return outgoing

    assert traced(lambda: run(1)) < 10_000
    assert traced(lambda: run(1_000)) < 60_000
