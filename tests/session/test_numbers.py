"""`PacketIds`, the topic aliases and `KeepAlive`, each compared with a model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import sessions

GREATEST = 65_535


# Packet identifiers


def test_packet_ids(session: Any, full: bool) -> None:
    class Machine(RuleBasedStateMachine):
        @initialize(restored=st.sampled_from([(), (1, 2, 5, 300), (GREATEST,)]))
        def begin(self, restored: tuple[int, ...]) -> None:
            self.packet_ids = session.PacketIds()
            self.used: dict[int, None] = dict.fromkeys(restored)
            for packet_id in restored:
                self.packet_ids._reserve(packet_id)

        @rule(count=st.integers(1, 40))
        def acquire(self, count: int) -> None:
            for _ in range(count):
                packet_id = self.packet_ids.acquire()
                assert 1 <= packet_id <= GREATEST
                assert packet_id not in self.used
                self.used[packet_id] = None
            assert packet_id in self.packet_ids

        @precondition(lambda self: self.used)
        @rule(first=st.integers(0, 100), count=st.integers(1, 40))
        def release(self, first: int, count: int) -> None:
            for packet_id in list(self.used)[first : first + count]:
                self.packet_ids.release(packet_id)
                assert packet_id not in self.packet_ids
                del self.used[packet_id]

        @rule(packet_id=st.integers(0, GREATEST + 1))
        def release_unused(self, packet_id: int) -> None:
            if packet_id not in self.used:
                with pytest.raises(session.LocalProtocolError):
                    self.packet_ids.release(packet_id)

        @invariant()
        def count(self) -> None:
            assert self.packet_ids.in_use == len(self.used)

    sessions.check(Machine, full)


@pytest.mark.parametrize("released", [1, 2, 40_000, GREATEST])
def test_all_packet_ids(session: Any, released: int) -> None:
    packet_ids = session.PacketIds()
    assert {packet_ids.acquire() for _ in range(GREATEST)} == set(range(1, GREATEST + 1))
    for _ in range(3):
        with pytest.raises(session.PacketIdsExhausted):
            packet_ids.acquire()
        packet_ids.release(released)
        assert packet_ids.acquire() == released
    assert packet_ids.in_use == GREATEST


def test_released_packet_ids_rest(session: Any) -> None:
    """An identifier is used again after all others were, and free ones are listed only while many are in use."""
    packet_ids = session.PacketIds()
    seen = []
    for _ in range(2 * GREATEST):
        seen.append(packet_ids.acquire())
        packet_ids.release(seen[-1])
    assert seen == [*range(1, GREATEST + 1)] * 2
    assert packet_ids._free is None


def test_packet_ids_around_the_threshold(session: Any) -> None:
    """Whether identifiers are listed or tried, none is handed out twice, and those released come last."""
    packet_ids = session.PacketIds()
    used = [packet_ids.acquire() for _ in range(32_769)]
    assert packet_ids.acquire() == 32_770
    assert len(packet_ids._free) == GREATEST - 32_770
    for packet_id in used[:16_386]:
        packet_ids.release(packet_id)
    assert (packet_ids.in_use, len(packet_ids._free)) == (16_384, GREATEST - 16_384)
    rest = [packet_ids.acquire() for _ in range(GREATEST - 32_770)]
    assert rest == [*range(32_771, GREATEST + 1)]
    assert packet_ids.acquire() == 1
    for packet_id in rest:
        packet_ids.release(packet_id)
    packet_ids.release(1)
    packet_ids.release(used[-1])
    assert packet_ids.in_use == 16_383
    assert packet_ids._free is None
    assert packet_ids.acquire() == 2


def test_released_before_the_threshold(session: Any) -> None:
    packet_ids = session.PacketIds()
    used = [packet_ids.acquire() for _ in range(20_000)]
    packet_ids.release(used[-1])
    assert (packet_ids.in_use, packet_ids.acquire()) == (19_999, 20_001)


def test_packet_ids_after_a_restart(session: Any) -> None:
    """Identifiers of a saved session are used once more only after they were released."""
    packet_ids = session.PacketIds()
    for packet_id in (2, 3, GREATEST):
        packet_ids._reserve(packet_id)
    packet_ids.release(3)
    acquired = [packet_ids.acquire() for _ in range(GREATEST - 2)]
    assert sorted(acquired) == sorted({*range(1, GREATEST)} - {2})
    with pytest.raises(session.PacketIdsExhausted):
        packet_ids.acquire()


# Topic aliases


@given(
    maximum=st.integers(0, 4),
    topics=st.lists(st.sampled_from("abcdefg"), max_size=60),
)
def test_topic_aliases(mqtt: Any, session: Any, maximum: int, topics: list[str]) -> None:
    """The receiver gets what was sent, and the sender reassigns the alias that was used least recently."""
    sender, receiver = session.TopicAliasSender(maximum), session.TopicAliasReceiver(maximum)
    recent: list[tuple[str, int]] = []  # The least recent first.
    for number, topic in enumerate(topics):
        publish = mqtt.Publish(topic, str(number).encode(), content_type="text")
        sent = sender.assign(publish)
        known = dict(recent)
        if maximum == 0:
            assert sent is publish
        elif topic in known:
            assert sent == publish.replace(topic="", topic_alias=known[topic])
            recent.remove((topic, known[topic]))
            recent.append((topic, known[topic]))
        else:
            alias = len(recent) + 1 if len(recent) < maximum else recent.pop(0)[1]
            assert sent == publish.replace(topic_alias=alias)
            recent.append((topic, alias))
        assert receiver.resolve(mqtt.decode(mqtt.encode(sent))) == publish


@pytest.mark.parametrize("fields", [{"topic": "a", "topic_alias": 1}, {"topic": ""}, {"topic": "", "topic_alias": 1}])
def test_unassignable(mqtt: Any, session: Any, fields: dict[str, Any]) -> None:
    for maximum in (0, 1):
        sender = session.TopicAliasSender(maximum)
        with pytest.raises(session.LocalProtocolError):
            sender.assign(mqtt.Publish(**fields))
        assert sender.assign(mqtt.Publish("b")).topic == "b"


def test_topic_alias_is_mapped_anew(mqtt: Any, session: Any) -> None:
    receiver = session.TopicAliasReceiver(1)
    for topic in ("a", "b"):
        assert receiver.resolve(mqtt.Publish(topic, topic_alias=1)) == mqtt.Publish(topic)
        assert receiver.resolve(mqtt.Publish("", topic_alias=1)) == mqtt.Publish(topic)


@pytest.mark.parametrize(
    ("maximum", "alias", "role", "reason_code", "clause"),
    [
        (5, 0, "SERVER", 0x94, "MQTT-3.3.2-8"),
        (5, 6, "SERVER", 0x94, "MQTT-3.3.2-9"),
        (5, 6, "CLIENT", 0x94, "MQTT-3.3.2-11"),
        (0, 1, "SERVER", 0x94, "MQTT-3.3.2-9"),
        (5, 5, "SERVER", 0x82, None),
        (5, None, "SERVER", 0x82, "U13"),
    ],
)
@pytest.mark.parametrize("topic", ["", "a"])
def test_refused_aliases(
    mqtt: Any, session: Any, maximum: int, alias: int, role: str, reason_code: int, clause: str | None, topic: str
) -> None:
    receiver = session.TopicAliasReceiver(maximum, mqtt.Role[role])
    publish = mqtt.Publish(topic, topic_alias=alias)
    if topic and reason_code == 0x82:
        assert receiver.resolve(publish) == mqtt.Publish(topic)
        return
    with pytest.raises(mqtt.ProtocolError) as caught:
        receiver.resolve(publish)
    assert (caught.value.reason_code, caught.value.clause) == (reason_code, clause)
    assert caught.value.version == mqtt.MQTTv5
    assert receiver._topics == {}
    assert mqtt.answer_to(caught.value, accepted=True) == bytes((0xE0, 1, reason_code))


@pytest.mark.parametrize("maximum", [-1, GREATEST + 1])
def test_alias_maximum(session: Any, maximum: int) -> None:
    for cls in (session.TopicAliasSender, session.TopicAliasReceiver):
        cls(GREATEST)
        with pytest.raises(ValueError, match=f"^maximum must be 0 to 65535, not {maximum}$"):
            cls(maximum)
        with pytest.raises(TypeError, match=r"^maximum must be int, not float$"):
            cls(1.0)
    with pytest.raises(TypeError, match=r"^role must be a Role, not str$"):
        session.TopicAliasReceiver(1, "server")


# Keep Alive

SECONDS = st.integers(1, 60)
EVENTS = st.lists(st.tuples(st.integers(0, 200), st.sampled_from(["sent", "received", "pinged", "look"])), max_size=40)


@given(seconds=SECONDS, events=EVENTS)
def test_keep_alive_of_a_server(mqtt: Any, session: Any, seconds: int, events: list[tuple[int, str]]) -> None:
    keep_alive = session.KeepAlive(seconds, mqtt.Role.SERVER)
    now, heard = 100.0, None
    for passed, event in events:
        now += passed / 4
        heard = now if heard is None or event == "received" else heard
        if event != "look":
            getattr(keep_alive, event)(now)
        assert keep_alive.deadline(now) == heard + 1.5 * seconds
        assert keep_alive.expired(now) is (now - heard >= 1.5 * seconds)
        assert keep_alive.expired(heard + 1.5 * seconds)
        assert keep_alive.ping_due(now) is False


@given(seconds=SECONDS, timeout=st.none() | SECONDS, events=EVENTS)
def test_keep_alive_of_a_client(
    mqtt: Any, session: Any, seconds: int, timeout: int | None, events: list[tuple[int, str]]
) -> None:
    keep_alive = session.KeepAlive(seconds, mqtt.Role.CLIENT, ping_timeout=timeout)
    now, started = 100.0, None
    sent = received = 0.0
    unanswered: list[float] = []
    for passed, event in events:
        now += passed / 4
        if started is None:
            started = sent = received = now
        if event == "received":
            received, unanswered = now, []
        elif event in ("sent", "pinged"):
            sent = now
            unanswered += [now] * (event == "pinged")
        if event != "look":
            getattr(keep_alive, event)(now)
        if unanswered:
            ends = unanswered[0] + (seconds if timeout is None else timeout)
            assert keep_alive.deadline(now) == min(ends, sent + seconds)
            assert keep_alive.expired(now) is (now >= ends)
            assert keep_alive.ping_due(now) is (now - sent >= seconds and now < ends)
        else:
            assert keep_alive.deadline(now) == min(sent, received) + seconds
            assert keep_alive.ping_due(now) is (now - sent >= seconds or now - received >= seconds)
            assert keep_alive.expired(now) is False


@pytest.mark.parametrize("peer_is_alive", [True, False])
def test_client_that_only_publishes_at_qos_0(mqtt: Any, session: Any, peer_is_alive: bool) -> None:
    """It sends often, so only the silence of the server makes PINGREQ due: once in each interval."""
    keep_alive = session.KeepAlive(60, mqtt.Role.CLIENT, ping_timeout=10)
    keep_alive.sent(0.0)
    keep_alive.received(0.0)
    pings, now = [], 0.0
    while now < 600.0 and not keep_alive.expired(now):
        now += 1.0
        keep_alive.sent(now)
        if keep_alive.ping_due(now):
            keep_alive.pinged(now)
            pings.append(now)
            if peer_is_alive:
                keep_alive.received(now)
    if peer_is_alive:
        assert pings == [60.0 * number for number in range(1, 11)]
    else:
        assert (pings, now) == ([60.0], 70.0)


def test_client_waits_longer_than_the_keep_alive(mqtt: Any, session: Any) -> None:
    """[MQTT-3.1.2-20]: it sends something in each interval, also while the first PINGREQ is not answered."""
    keep_alive = session.KeepAlive(10, mqtt.Role.CLIENT, ping_timeout=35)
    keep_alive.sent(0.0)
    pings, now = [], 0.0
    for _ in range(5):
        assert not keep_alive.expired(now)
        if keep_alive.ping_due(now):
            keep_alive.pinged(now)
            pings.append(now)
        now = keep_alive.deadline(now)
    assert (pings, now) == ([10.0, 20.0, 30.0, 40.0], 45.0)
    assert keep_alive.expired(now)
    assert not keep_alive.ping_due(50.0)


def test_client_that_waits_forever(mqtt: Any, session: Any) -> None:
    keep_alive = session.KeepAlive(10, mqtt.Role.CLIENT, ping_timeout=float("inf"))
    keep_alive.pinged(0.0)
    assert (keep_alive.deadline(1e9), keep_alive.ping_due(1e9), keep_alive.expired(1e9)) == (10.0, True, False)


@pytest.mark.parametrize(
    ("event", "role", "deadline"),
    [
        ("sent", "CLIENT", 110.0),
        ("received", "CLIENT", 110.0),
        ("pinged", "CLIENT", 105.0),
        ("sent", "SERVER", 115.0),
        ("received", "SERVER", 115.0),
    ],
)
def test_first_event_starts_the_clock(mqtt: Any, session: Any, event: str, role: str, deadline: float) -> None:
    keep_alive = session.KeepAlive(10, mqtt.Role[role], ping_timeout=5)
    getattr(keep_alive, event)(100.0)
    assert keep_alive.deadline(104.0) == deadline
    other = "received" if event == "sent" else "sent"
    getattr(keep_alive, other)(104.0)
    if role == "CLIENT" and event != "pinged":
        assert keep_alive.deadline(104.0) == deadline


def test_first_question_starts_the_clock(mqtt: Any, session: Any) -> None:
    for question, answer in (("ping_due", False), ("expired", False), ("deadline", 1010.0)):
        keep_alive = session.KeepAlive(10, mqtt.Role.CLIENT)
        assert getattr(keep_alive, question)(1000.0) == answer
        assert keep_alive.deadline(1005.0) == 1010.0


def test_keep_alive_of_0(mqtt: Any, session: Any) -> None:
    for role in mqtt.Role:
        keep_alive = session.KeepAlive(0, role)
        keep_alive.pinged(0.0)
        assert (keep_alive.deadline(1e9), keep_alive.ping_due(1e9), keep_alive.expired(1e9)) == (None, False, False)


def test_server_keep_alive(mqtt: Any, session: Any) -> None:
    keep_alive = session.KeepAlive(60, mqtt.Role.CLIENT)
    keep_alive.sent(0.0)
    keep_alive.seconds = 10
    assert keep_alive.seconds == 10
    assert keep_alive.deadline(0.0) == 10.0
    keep_alive.pinged(10.0)
    assert keep_alive.deadline(10.0) == 20.0
    keep_alive.seconds = 0
    assert keep_alive.deadline(10.0) is None


@pytest.mark.parametrize("seconds", [-1, GREATEST + 1, float("nan")])
def test_keep_alive_range(mqtt: Any, session: Any, seconds: float) -> None:
    with pytest.raises(ValueError, match=r"^seconds must be 0 to 65535, not "):
        session.KeepAlive(seconds, mqtt.Role.CLIENT)
    keep_alive = session.KeepAlive(GREATEST, mqtt.Role.CLIENT)
    with pytest.raises(ValueError, match=r"^seconds must be 0 to 65535, not "):
        keep_alive.seconds = seconds
    assert keep_alive.seconds == GREATEST


def test_keep_alive_arguments(mqtt: Any, session: Any) -> None:
    for timeout in (0, -1, float("nan")):
        with pytest.raises(ValueError, match=r"^ping_timeout must be above 0 seconds, not "):
            session.KeepAlive(60, mqtt.Role.CLIENT, ping_timeout=timeout)
    with pytest.raises(TypeError, match=r"^role must be a Role, not str$"):
        session.KeepAlive(60, "client")
