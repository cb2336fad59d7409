"""`OutgoingMessages` and `IncomingMessages`, each compared with a model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import sessions

VERSIONS = st.sampled_from([3, 4, 5])
IDS = st.integers(1, 8)
PLACES = st.integers(0, 7)
QOS = st.sampled_from([1, 2])


def unknown(mqtt: Any, version: int) -> dict[str, Any]:
    return {"reason_code": mqtt.ReasonCode.PACKET_IDENTIFIER_NOT_FOUND} if version == 5 else {}


# Outgoing


def test_outgoing(mqtt: Any, session: Any, full: bool) -> None:
    class Machine(RuleBasedStateMachine):
        """The model: `states` has the state of each message in the original order, `pubrecs` the PUBRECs in theirs."""

        @initialize(version=VERSIONS, receive_maximum=st.integers(1, 4), max_queued=st.integers(0, 3))
        def begin(self, version: int, receive_maximum: int, max_queued: int) -> None:
            self.version = version
            self.outgoing = session.OutgoingMessages(receive_maximum, max_queued, version=version)
            self.maximum, self.queue = receive_maximum, max_queued
            self.states: dict[int, str] = {}  # queued, lost (sent on an earlier connection), sent, released
            self.packets: dict[int, Any] = {}
            self.pubrecs: list[int] = []

        def packet_id_at(self, at: int) -> int:
            """The identifier of a message, or one that is not in use."""
            packet_ids = list(self.states)
            return packet_ids[at] if at < len(packet_ids) else 60_000

        def is_sent(self, packet_id: int) -> bool:
            return self.states.get(packet_id, "queued") != "queued"

        def flying(self) -> int:
            return sum(state in ("sent", "released") for state in self.states.values())

        def ended(self, packet_id: int) -> None:
            del self.states[packet_id], self.packets[packet_id]
            if packet_id in self.pubrecs:
                self.pubrecs.remove(packet_id)
            assert packet_id not in self.outgoing.packet_ids

        @rule(qos=QOS, dup=st.booleans(), payload=st.sampled_from([b"x", bytearray(b"y"), memoryview(b"z")]))
        def publish(self, qos: int, dup: bool, payload: Any) -> None:
            publish = mqtt.Publish("topic", payload, qos, dup=dup, packet_id=77)
            if len(self.states) >= self.maximum + self.queue:
                with pytest.raises(session.QueueFullError):
                    self.outgoing.publish(publish)
                return
            kept = self.outgoing.publish(publish)
            assert kept.packet_id not in self.states
            assert kept == mqtt.Publish("topic", bytes(payload), qos, packet_id=kept.packet_id)
            assert type(kept.payload) is bytes
            self.states[kept.packet_id], self.packets[kept.packet_id] = "queued", kept

        @rule()
        def send(self) -> None:
            expected = []
            for packet_id, state in self.states.items():
                if state in ("queued", "lost") and self.flying() < self.maximum:
                    self.states[packet_id] = "sent"
                    expected.append(self.packets[packet_id])
            assert self.outgoing.to_send() == expected

        @rule(at=PLACES, code=st.sampled_from([0, 0x10, 0x80, 0x97]))
        def puback(self, at: int, code: int) -> None:
            packet_id = self.packet_id_at(at)
            packet = mqtt.PubAck(packet_id, code)
            if not self.is_sent(packet_id):
                assert self.outgoing.on_puback(packet) is False
            elif self.packets[packet_id].qos == 2:
                with pytest.raises(mqtt.ProtocolError, match=r"MQTT-3.3.4-1"):
                    self.outgoing.on_puback(packet)
            else:
                assert self.outgoing.on_puback(packet) is True
                self.ended(packet_id)

        @rule(at=PLACES, code=st.sampled_from([0, 0x10, 0x80, 0x97]))
        def pubrec(self, at: int, code: int) -> None:
            packet_id = self.packet_id_at(at)
            packet = mqtt.PubRec(packet_id, code)
            if not self.is_sent(packet_id):
                expected = None if code >= 0x80 else mqtt.PubRel(packet_id, **unknown(mqtt, self.version))
                assert self.outgoing.on_pubrec(packet) == expected
            elif self.packets[packet_id].qos == 1:
                with pytest.raises(mqtt.ProtocolError, match=r"MQTT-3.3.4-1"):
                    self.outgoing.on_pubrec(packet)
            elif code >= 0x80:
                assert self.outgoing.on_pubrec(packet) is None
                self.ended(packet_id)
            else:
                assert self.outgoing.on_pubrec(packet) == mqtt.PubRel(packet_id)
                if self.states[packet_id] != "released":
                    self.states[packet_id] = "released"
                    self.pubrecs.append(packet_id)

        @rule(at=PLACES, code=st.sampled_from([0, 0x92]))
        def pubcomp(self, at: int, code: int) -> None:
            packet_id = self.packet_id_at(at)
            packet = mqtt.PubComp(packet_id, code)
            if not self.is_sent(packet_id):
                assert self.outgoing.on_pubcomp(packet) is False
            elif self.states[packet_id] != "released":
                with pytest.raises(mqtt.ProtocolError, match=r"MQTT-4.3.3-"):
                    self.outgoing.on_pubcomp(packet)
            else:
                assert self.outgoing.on_pubcomp(packet) is True
                self.ended(packet_id)

        @rule(receive_maximum=st.integers(1, 4), is_restart=st.booleans())
        def reconnect(self, receive_maximum: int, is_restart: bool) -> None:
            if is_restart:
                saved = session.Session(outgoing=self.outgoing).to_bytes()
                self.outgoing = session.Session.from_bytes(saved).outgoing
            self.outgoing.receive_maximum = self.maximum = receive_maximum
            pubrecs = iter(self.pubrecs)
            quota = self.maximum - len(self.pubrecs)
            expected = []
            for packet_id, state in self.states.items():
                if state == "released":
                    expected.append(mqtt.PubRel(next(pubrecs)))
                elif state in ("sent", "lost"):
                    self.packets[packet_id] = self.packets[packet_id].replace(dup=True)
                    self.states[packet_id] = "lost"
                    if quota > 0:
                        quota -= 1
                        self.states[packet_id] = "sent"
                        expected.append(self.packets[packet_id])
            assert self.outgoing.resend() == expected

        @invariant()
        def counts(self) -> None:
            if hasattr(self, "states"):
                assert self.outgoing.in_flight == self.flying()
                assert self.outgoing.queued == len(self.states) - self.flying()
                assert self.outgoing.packet_ids.in_use == len(self.states)
                kept = [self.packets[each] for each, state in self.states.items() if state != "released"]
                assert [each.replace(dup=False) for each in self.outgoing.messages] == [
                    each.replace(dup=False) for each in kept
                ]

    sessions.check(Machine, full)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"qos": 0}, "LocalProtocolError"),
        ({"topic": ""}, "LocalProtocolError"),
        ({"topic": "", "topic_alias": 1}, "LocalProtocolError"),
        ({"topic": "a/#"}, "EncodeError"),
        ({"qos": 3}, "EncodeError"),
        ({"payload": "text"}, "TypeError"),
    ],
)
def test_unpublishable(mqtt: Any, session: Any, fields: dict[str, Any], error: str) -> None:
    outgoing = session.OutgoingMessages(10, 10)
    with pytest.raises(TypeError if error == "TypeError" else getattr(session, error, None) or getattr(mqtt, error)):
        outgoing.publish(mqtt.Publish("a", qos=1).replace(**fields))
    assert (outgoing.messages, outgoing.packet_ids.in_use, outgoing.to_send()) == ([], 0, [])


def test_stored_messages_keep_their_topic(mqtt: Any, session: Any) -> None:
    """[MQTT-3.3.2-7]: an alias of one connection is not sent on the next. What is stored does not change either."""
    outgoing = session.OutgoingMessages(10, 10)
    payload, data = bytearray(b"21"), bytearray(b"c")
    outgoing.publish(mqtt.Publish("a", payload, 1, topic_alias=3, correlation_data=data))
    payload[:], data[:] = b"99", b"d"
    message = mqtt.Publish("a", b"21", 1, packet_id=1, correlation_data=b"c")
    assert outgoing.to_send() == [message]
    assert outgoing.resend() == [message.replace(dup=True)]


@pytest.mark.parametrize(
    ("qos", "after", "answer", "clause"),
    [
        (1, [], "PubRec", "MQTT-3.3.4-1"),
        (1, [], "PubComp", "MQTT-4.3.3-11"),
        (2, [], "PubAck", "MQTT-3.3.4-1"),
        (2, [], "PubComp", "MQTT-4.3.3-11"),
        (2, ["PubRec"], "PubAck", "MQTT-3.3.4-1"),
    ],
)
def test_wrong_answers(mqtt: Any, session: Any, qos: int, after: list[str], answer: str, clause: str) -> None:
    outgoing = session.OutgoingMessages()
    outgoing.publish(mqtt.Publish("a", qos=qos))
    outgoing.to_send()
    for name in after:
        getattr(outgoing, f"on_{name.lower()}")(getattr(mqtt, name)(1))
    with pytest.raises(mqtt.ProtocolError) as caught:
        getattr(outgoing, f"on_{answer.lower()}")(getattr(mqtt, answer)(1))
    assert (caught.value.reason_code, caught.value.clause) == (mqtt.ReasonCode.PROTOCOL_ERROR, clause)
    assert caught.value.packet_type.name == answer.upper()
    assert outgoing.in_flight == 1


@pytest.mark.parametrize(("qos", "code"), [(1, 0), (2, 0), (2, 0x80)])
def test_answer_before_a_message_is_sent_again(mqtt: Any, session: Any, qos: int, code: int) -> None:
    """It answers the message of the earlier connection, which is then not sent again."""
    outgoing = session.OutgoingMessages(2)
    for _ in range(2):
        outgoing.publish(mqtt.Publish("a", qos=qos))
    outgoing.to_send()
    outgoing.receive_maximum = 1
    assert [packet.packet_id for packet in outgoing.resend()] == [1]
    assert (outgoing.in_flight, outgoing.queued) == (1, 1)
    if qos == 1:
        assert outgoing.on_puback(mqtt.PubAck(2)) is True
    else:
        assert outgoing.on_pubrec(mqtt.PubRec(2, code)) == (None if code else mqtt.PubRel(2))
    assert (outgoing.in_flight, outgoing.queued) == (2 if (qos, code) == (2, 0) else 1, 0)
    assert outgoing.to_send() == []


def test_pubrec_comes_twice(mqtt: Any, session: Any) -> None:
    outgoing = session.OutgoingMessages()
    outgoing.publish(mqtt.Publish("a", qos=2))
    outgoing.to_send()
    for _ in range(2):
        assert outgoing.on_pubrec(mqtt.PubRec(1)) == mqtt.PubRel(1)
        assert (outgoing.messages, outgoing.in_flight) == ([], 1)
    assert outgoing.resend() == [mqtt.PubRel(1)]


def test_properties_before_5_0(mqtt: Any, session: Any) -> None:
    outgoing = session.OutgoingMessages(version=4)
    with pytest.raises(mqtt.EncodeError):
        outgoing.publish(mqtt.Publish("a", qos=1, content_type="text"))
    assert outgoing.packet_ids.in_use == 0


def test_shared_packet_ids(mqtt: Any, session: Any) -> None:
    """SUBSCRIBE and PUBLISH never have the same identifier. When there are no more, nothing changes."""
    packet_ids = session.PacketIds()
    outgoing = session.OutgoingMessages(65_535, 0, packet_ids=packet_ids)
    subscribe = packet_ids.acquire()
    publish = mqtt.Publish("a", qos=1)
    assert len({subscribe, *(outgoing.publish(publish).packet_id for _ in range(65_534))}) == 65_535
    with pytest.raises(session.PacketIdsExhausted):
        outgoing.publish(publish)
    assert len(outgoing.messages) == 65_534
    packet_ids.release(subscribe)
    assert outgoing.publish(publish).packet_id == subscribe


# Incoming


def test_incoming(mqtt: Any, session: Any, full: bool) -> None:
    class Machine(RuleBasedStateMachine):
        """The model: by QoS, the PUBLISHes without an answer as lists of identifier and answer, in order of arrival."""

        @initialize(version=VERSIONS, role=st.sampled_from(list(mqtt.Role)), receive_maximum=st.integers(1, 4))
        def begin(self, version: int, role: Any, receive_maximum: int) -> None:
            self.version = version
            self.clause = {mqtt.Role.SERVER: "MQTT-3.3.4-7", mqtt.Role.CLIENT: "MQTT-3.3.4-9"}[role]
            self.incoming = session.IncomingMessages(receive_maximum, version=version, role=role)
            self.maximum = self.greatest = receive_maximum
            self.waiting: dict[int, list[Any]] = {1: [], 2: []}
            self.here: set[int] = set()
            self.received: set[int] = set()

        def answer(self, qos: int, packet_id: int, code: int = 0) -> Any:
            return (mqtt.PubAck if qos == 1 else mqtt.PubRec)(packet_id, code)

        @rule(qos=QOS, packet_id=IDS, dup=st.booleans())
        def publish(self, qos: int, packet_id: int, dup: bool) -> None:
            publish = mqtt.Publish("a", b"x", qos, dup=dup, packet_id=packet_id)
            if packet_id in [each for each, _ in self.waiting[qos]]:
                assert self.incoming.on_publish(publish) is False
                return
            is_repeated = qos == 2 and packet_id in self.received
            if qos == 1 or packet_id not in self.here:
                is_too_many = len(self.waiting[1]) + len(self.here) >= self.maximum
                keeps_too_many = (
                    qos == 2 and not is_repeated and len(self.received) + len(self.waiting[2]) >= 2 * self.greatest
                )
                if is_too_many or keeps_too_many:
                    with pytest.raises(mqtt.ProtocolError) as caught:
                        self.incoming.on_publish(publish)
                    assert caught.value.reason_code == 0x93
                    if is_too_many:
                        assert caught.value.clause == (self.clause if self.version == 5 else None)
                    assert caught.value.version == self.version
                    return
            assert self.incoming.on_publish(publish) is not is_repeated
            self.waiting[qos].append([packet_id, self.answer(2, packet_id) if is_repeated else None])
            if qos == 2:
                self.here.add(packet_id)

        @rule(qos=QOS, packet_id=IDS, code=st.sampled_from([0, 0, 0, 0x10, 0x80, 0x92]))
        def acknowledge(self, qos: int, packet_id: int, code: int) -> None:
            publish = mqtt.Publish("a", b"x", qos, packet_id=packet_id)
            found = [each for each in self.waiting[qos] if each[0] == packet_id]
            if qos == 2 and packet_id in self.received:
                return
            if not found or found[0][1] is not None:
                with pytest.raises(session.LocalProtocolError):
                    self.incoming.acknowledge(publish, code)
                return
            if code == 0x92 or (code and self.version != 5):
                with pytest.raises(mqtt.EncodeError):
                    self.incoming.acknowledge(publish, code)
                return
            found[0][1] = self.answer(qos, packet_id, code)
            if qos == 2 and code < 0x80:
                self.received.add(packet_id)
            if found[0] is self.waiting[qos][0]:
                assert self.incoming.acknowledge(publish, code) == self.taken(qos)
            else:
                assert self.incoming.acknowledge(publish, code) is None

        def taken(self, qos: int) -> Any:
            packet_id, answer = self.waiting[qos].pop(0)
            if answer.reason_code >= 0x80:
                self.here.discard(packet_id)
            return answer

        @rule()
        def send(self) -> None:
            expected = []
            for qos in (1, 2):
                while self.waiting[qos] and self.waiting[qos][0][1] is not None:
                    expected.append(self.taken(qos))
            assert self.incoming.to_send() == expected

        @rule(packet_id=IDS)
        def pubrel(self, packet_id: int) -> None:
            fields = {} if packet_id in self.received else unknown(mqtt, self.version)
            assert self.incoming.on_pubrel(mqtt.PubRel(packet_id)) == mqtt.PubComp(packet_id, **fields)
            if packet_id in self.received:
                self.received.remove(packet_id)
                self.here.discard(packet_id)
                self.waiting[2] = [each for each in self.waiting[2] if each[0] != packet_id]

        @rule(receive_maximum=st.integers(1, 4), is_restart=st.booleans())
        def reconnect(self, receive_maximum: int, is_restart: bool) -> None:
            if is_restart:
                saved = session.Session(incoming=self.incoming).to_bytes()
                self.incoming = session.Session.from_bytes(saved).incoming
            self.incoming.connection_lost()
            self.incoming.receive_maximum = self.maximum = receive_maximum
            self.greatest = max(self.greatest, receive_maximum)
            self.waiting = {1: [], 2: []}
            self.here = set()

        @invariant()
        def counts(self) -> None:
            if hasattr(self, "waiting"):
                assert self.incoming.unacknowledged == len(self.waiting[1]) + len(self.here) <= 4
                assert len(self.incoming._received) == len(self.received) <= 3 * self.greatest

    sessions.check(Machine, full)


def test_qos_0_is_not_acknowledged(mqtt: Any, session: Any) -> None:
    incoming = session.IncomingMessages(1)
    publish = mqtt.Publish("a")
    for _ in range(3):
        assert incoming.on_publish(publish) is True
    for fields in ({"qos": 0}, {"qos": 0, "packet_id": 1}, {"qos": 1}, {"qos": 1, "packet_id": 1}, {"qos": 3}):
        with pytest.raises(session.LocalProtocolError, match="waits for no acknowledgement"):
            incoming.acknowledge(publish.replace(**fields))


@pytest.mark.parametrize("qos", [1, 2])
def test_acknowledged_once(mqtt: Any, session: Any, qos: int) -> None:
    """An acknowledgement that is held back cannot be changed."""
    incoming = session.IncomingMessages()
    first, second = (mqtt.Publish("a", qos=qos, packet_id=packet_id) for packet_id in (1, 2))
    incoming.on_publish(first)
    incoming.on_publish(second)
    assert incoming.acknowledge(second, 0x80) is None
    with pytest.raises(session.LocalProtocolError, match="waits for no acknowledgement"):
        incoming.acknowledge(second)
    answer = mqtt.PubAck if qos == 1 else mqtt.PubRec
    assert incoming.acknowledge(first) == answer(1)
    assert incoming.to_send() == [answer(2, 0x80)]


@pytest.mark.parametrize("is_new_connection", [False, True])
def test_repetition_is_answered_in_its_turn(mqtt: Any, session: Any, is_new_connection: bool) -> None:
    incoming = session.IncomingMessages()
    first, second = (mqtt.Publish("a", qos=2, packet_id=packet_id) for packet_id in (1, 2))
    incoming.on_publish(first)
    assert incoming.acknowledge(first) == mqtt.PubRec(1)
    if is_new_connection:
        incoming.connection_lost()
    assert incoming.on_publish(second)
    assert not incoming.on_publish(first.replace(dup=True))
    assert incoming.to_send() == []
    assert incoming.acknowledge(second) == mqtt.PubRec(2)
    assert incoming.to_send() == [mqtt.PubRec(1)]
    assert incoming.unacknowledged == 2


def test_one_identifier_at_both_qos(mqtt: Any, session: Any) -> None:
    """No peer may do that. Each message is acknowledged when the application says so."""
    incoming = session.IncomingMessages()
    one, two = (mqtt.Publish("a", qos=qos, packet_id=1) for qos in (1, 2))
    assert incoming.on_publish(two)
    assert incoming.acknowledge(two) == mqtt.PubRec(1)
    assert incoming.on_publish(one)
    assert incoming.to_send() == []
    assert incoming.acknowledge(one) == mqtt.PubAck(1)
    assert incoming.on_pubrel(mqtt.PubRel(1)) == mqtt.PubComp(1)


def test_repetition_may_be_acknowledged(mqtt: Any, session: Any) -> None:
    """The answer to a repetition is known; whoever asks for it gets it, once."""
    incoming = session.IncomingMessages(1)
    publish = mqtt.Publish("a", qos=2, packet_id=1)
    assert incoming.on_publish(publish)
    assert incoming.acknowledge(publish) == mqtt.PubRec(1)
    incoming.connection_lost()
    assert not incoming.on_publish(publish.replace(dup=True))
    with pytest.raises(session.LocalProtocolError, match=r"MQTT-4.3.3-10"):
        incoming.acknowledge(publish, 0x80)
    assert incoming.acknowledge(publish) == mqtt.PubRec(1)
    assert incoming.to_send() == []


@pytest.mark.parametrize("is_held_back", [False, True])
def test_pubrel_before_pubrec(mqtt: Any, session: Any, is_held_back: bool) -> None:
    """A PUBREL ends a message, so it gets no PUBREC any more, and the acknowledgements after it do not wait for it."""
    incoming = session.IncomingMessages(3)
    first, second, third = (mqtt.Publish("a", qos=2, packet_id=packet_id) for packet_id in (1, 2, 3))
    incoming.on_publish(first)
    if is_held_back:
        incoming.on_publish(second)
        assert incoming.acknowledge(second) is None
        incoming.on_pubrel(mqtt.PubRel(2))
        incoming.on_publish(third)
        assert incoming.acknowledge(third) is None
        assert incoming.acknowledge(first) == mqtt.PubRec(1)
        assert incoming.to_send() == [mqtt.PubRec(3)]
    else:
        assert incoming.acknowledge(first) == mqtt.PubRec(1)
        incoming.on_publish(first)
        incoming.on_pubrel(mqtt.PubRel(1))
        incoming.on_publish(second)
        assert incoming.acknowledge(second) == mqtt.PubRec(2)
        assert incoming.on_publish(first)
    assert incoming.unacknowledged == 2


def test_message_that_was_not_acknowledged_is_new_again(mqtt: Any, session: Any) -> None:
    incoming = session.IncomingMessages(1)
    publish = mqtt.Publish("a", qos=2, packet_id=1)
    assert incoming.on_publish(publish)
    incoming.connection_lost()
    with pytest.raises(session.LocalProtocolError):
        incoming.acknowledge(publish)
    assert incoming.on_publish(publish.replace(dup=True))


@pytest.mark.parametrize("name", ["OutgoingMessages", "IncomingMessages"])
def test_numbers_of_the_owner(mqtt: Any, session: Any, name: str) -> None:
    messages = getattr(session, name)()
    for receive_maximum in (0, 65_536):
        with pytest.raises(ValueError, match=r"^receive_maximum must be 1 to 65535, not "):
            getattr(session, name)(receive_maximum)
        with pytest.raises(ValueError, match=r"^receive_maximum must be 1 to 65535, not "):
            messages.receive_maximum = receive_maximum
    with pytest.raises(ValueError, match=r"6 is not a valid ProtocolVersion"):
        messages.version = 6
    assert messages.receive_maximum == 65_535
    assert messages.version is mqtt.MQTTv5


def test_size_of_the_queue(session: Any) -> None:
    assert session.OutgoingMessages(1, 1_000_000).max_queued == 65_535
    with pytest.raises(ValueError, match=r"^max_queued must be 0 to 65535, not -1$"):
        session.OutgoingMessages(1, -1)
    with pytest.raises(TypeError, match=r"^max_queued must be int, not float$"):
        session.OutgoingMessages(1, 1e6)


@pytest.mark.parametrize("reason_code", [0.0, "0", None])
def test_reason_code_of_the_wrong_type(mqtt: Any, session: Any, reason_code: Any) -> None:
    incoming = session.IncomingMessages()
    publish = mqtt.Publish("a", qos=1, packet_id=1)
    incoming.on_publish(publish)
    with pytest.raises(TypeError, match=r"^reason_code must be int, not "):
        incoming.acknowledge(publish, reason_code)
    assert incoming.acknowledge(publish) == mqtt.PubAck(1)


def test_role_of_the_wrong_type(session: Any) -> None:
    with pytest.raises(TypeError, match=r"^role must be a Role, not str$"):
        session.IncomingMessages(role="server")
