"""`Connection`: acknowledgements, sessions, time, limits, and the end of a connection."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

VERSIONS = (3, 4, 5)
MESSAGE = {"topic": "a", "payload": b"21"}


class Pair:
    """A connection under test, and the packets of its peer."""

    def __init__(self, mqtt: Any, module: Any, role: str, version: int = 5, **options: Any) -> None:
        self.mqtt, self.module, self.version = mqtt, module, version
        self.connect_fields: dict[str, Any] = options.pop("connect", {})
        self.connack_fields: dict[str, Any] = options.pop("connack", {})
        self.stored = options.pop("stored", None)
        self.connection = module.Connection(mqtt.Role[role], **options)

    def opened(self) -> Pair:
        """CONNECT and CONNACK pass at time 0."""
        connect = self.mqtt.Connect("c", **{"protocol_version": self.version, **self.connect_fields})
        connack = self.mqtt.ConnAck(**self.connack_fields)
        if self.connection.role is self.mqtt.Role.CLIENT:
            self.connection.send(connect)
            self.connection.take()
            assert self.received(connack) == [connack]
        else:
            assert self.received(connect) == [connect]
            if self.stored is not None:
                self.connection.session = self.stored
            self.connection.send(connack)
        self.opening = self.sent()
        return self

    def fed(self, *packets: Any, now: float = 0.0) -> Any:
        data = b"".join(self.mqtt.encode(packet, self.version) for packet in packets)
        return self.connection.receive(data, now)

    def received(self, *packets: Any, now: float = 0.0) -> list[Any]:
        return list(self.fed(*packets, now=now))

    def sent(self) -> list[Any]:
        return list(self.mqtt.Decoder(self.version, connected=True).feed(self.connection.take()))

    def publish(self, packet_id: int, qos: int = 1, **fields: Any) -> Any:
        return self.mqtt.Publish("a", b"%d" % packet_id, qos, packet_id=packet_id, **fields)


@pytest.fixture
def pair(mqtt: Any, session: Any) -> Any:
    def make(role: str = "CLIENT", version: int = 5, **options: Any) -> Pair:
        return Pair(mqtt, session, role, version, **options).opened()

    return make


# --- Acknowledging.


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("role", ["CLIENT", "SERVER"])
def test_next_packet_acknowledges(mqtt: Any, pair: Any, role: str, version: int) -> None:
    one = pair(role, version)
    packets = one.fed(one.publish(1), one.publish(2, 2))
    assert next(packets).packet_id == 1
    assert one.sent() == []
    assert next(packets).packet_id == 2
    assert one.sent() == [mqtt.PubAck(1)]
    assert list(packets) == []
    assert one.sent() == [mqtt.PubRec(2)]
    assert one.received(mqtt.PubRel(2)) == []
    assert one.sent() == [mqtt.PubComp(2)]


@pytest.mark.parametrize("leave", ["break", "raise", "drop"])
def test_leaving_the_loop_acknowledges_nothing(mqtt: Any, pair: Any, leave: str) -> None:
    one = pair()

    def loop() -> Any:
        for packet in one.fed(one.publish(1), one.publish(2)):
            if leave == "break":
                return packet
            if leave == "raise":
                raise KeyError
        return None

    if leave == "drop":
        first = next(one.fed(one.publish(1), one.publish(2)))
    elif leave == "raise":
        with pytest.raises(KeyError):
            loop()
        first = one.publish(1)
    else:
        first = loop()
    rest = one.fed(one.publish(3))
    assert [packet.packet_id for packet in rest] == [2, 3], "packets that were not yielded come first"
    assert one.sent() == [], "a pending message holds back later acknowledgements"
    one.connection.acknowledge(first)
    assert one.sent() == [mqtt.PubAck(1), mqtt.PubAck(2), mqtt.PubAck(3)]
    with pytest.raises(one.module.LocalProtocolError):
        one.connection.acknowledge(first)
    assert one.sent() == []


def test_acknowledged_in_the_loop_is_acknowledged_once(mqtt: Any, pair: Any) -> None:
    one = pair()
    for packet in one.fed(one.publish(1), one.publish(2, 2)):
        one.connection.acknowledge(packet, mqtt.ReasonCode.QUOTA_EXCEEDED)
    code = mqtt.ReasonCode.QUOTA_EXCEEDED
    assert one.sent() == [mqtt.PubAck(1, code), mqtt.PubRec(2, code)]


def test_an_outer_loop_does_not_acknowledge_for_an_inner_one(mqtt: Any, pair: Any) -> None:
    one = pair()
    outer = one.fed(one.publish(1))
    one.connection.acknowledge(next(outer))
    assert one.sent() == [mqtt.PubAck(1)]
    inner = one.fed(one.publish(1))
    assert next(inner).packet_id == 1
    assert list(outer) == []
    assert one.sent() == [], "identifier 1 now means another message"
    assert list(inner) == []
    assert one.sent() == [mqtt.PubAck(1)]


def test_manual_acknowledgements(mqtt: Any, pair: Any) -> None:
    one = pair(manual_acks=True)
    messages = one.received(one.publish(1), mqtt.Publish("a"), one.publish(2, 2), one.publish(3))
    assert one.sent() == []
    for message in reversed(messages):
        one.connection.acknowledge(message)
    assert one.sent() == [mqtt.PubRec(2), mqtt.PubAck(1), mqtt.PubAck(3)]


def test_a_lost_connection_leaves_messages_to_redelivery(mqtt: Any, session: Any, pair: Any) -> None:
    one = pair(connect={"session_expiry_interval": 60})
    packets = one.fed(one.publish(1), one.publish(2, 2))
    first = next(packets)
    one.connection.connection_lost()
    assert one.connection.session.incoming.unacknowledged == 0
    assert list(packets) == []
    with pytest.raises(session.LocalProtocolError):
        one.connection.acknowledge(first)
    assert one.connection.take() == b""
    two = pair(
        session=one.connection.session,
        connect={"clean_start": False, "session_expiry_interval": 60},
        connack={"session_present": True},
    )
    again = [one.publish(1, dup=True), one.publish(2, 2, dup=True)]
    assert two.received(*again) == again
    assert two.sent() == [mqtt.PubAck(1), mqtt.PubRec(2)]


@pytest.mark.parametrize("end", ["close", "disconnect", "error"])
def test_nothing_is_acknowledged_after_the_end(mqtt: Any, session: Any, pair: Any, end: str) -> None:
    """[MQTT-3.14.4-1]: DISCONNECT is the last packet, in the loop and after it."""
    one = pair("SERVER")
    packets = one.fed(one.publish(1), one.publish(2))
    first = next(packets)
    if end == "close":
        one.connection.close()
    elif end == "disconnect":
        one.connection.send(mqtt.Disconnect())
    else:
        one.connection.receive(b"\0\0", 0.0)
        with pytest.raises(mqtt.DecodeError):
            for packet in one.fed():
                assert packet == one.publish(2)
    assert len(one.sent()) == 1
    with pytest.raises(session.LocalProtocolError, match="has ended"):
        one.connection.acknowledge(first)
    if end == "error":
        with pytest.raises(mqtt.DecodeError):
            next(packets)
    else:
        assert list(packets) == []
    assert one.connection.take() == b""


def test_a_repeated_message_of_qos_2_is_yielded_once(mqtt: Any, pair: Any) -> None:
    one = pair("SERVER")
    assert len(one.received(one.publish(1, 2))) == 1
    assert one.received(one.publish(1, 2, dup=True)) == []
    assert one.sent() == [mqtt.PubRec(1), mqtt.PubRec(1)]
    assert one.received(mqtt.PubRel(1), mqtt.PubRel(1)) == []
    unknown = mqtt.PubComp(1, mqtt.ReasonCode.PACKET_IDENTIFIER_NOT_FOUND)
    assert one.sent() == [mqtt.PubComp(1), unknown]
    assert len(one.received(one.publish(1, 2))) == 1


@pytest.mark.parametrize(("version", "code"), [(5, 1), (5, 0x10), (4, 0x80)])
def test_reason_codes_of_acknowledgements(mqtt: Any, session: Any, pair: Any, version: int, code: int) -> None:
    """0x10 is a server's alone, 1 belongs to no PUBACK, and 3.1.1 has none. A wrong one changes nothing."""
    one = pair(version=version)
    message = next(one.fed(one.publish(1)))
    with pytest.raises((session.LocalProtocolError, mqtt.EncodeError, ValueError)):
        one.connection.acknowledge(message, code)
    assert one.sent() == []
    one.connection.acknowledge(message)
    assert one.sent() == [mqtt.PubAck(1)]


# --- Messages that are sent.


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("role", ["CLIENT", "SERVER"])
def test_messages_end(mqtt: Any, pair: Any, role: str, version: int) -> None:
    one = pair(role, version)
    sent = [one.connection.publish("a", b"21", qos) for qos in (0, 1, 2)]
    assert one.sent() == sent
    assert one.received(mqtt.PubAck(1), mqtt.PubRec(2)) == [mqtt.PubAck(1)]
    assert one.sent() == [mqtt.PubRel(2)]
    assert one.received(mqtt.PubComp(2)) == [mqtt.PubComp(2)]
    assert one.received(mqtt.PubAck(1), mqtt.PubComp(2)) == []
    assert one.connection.session.packet_ids.in_use == 0


def test_a_refused_message_ends(mqtt: Any, pair: Any) -> None:
    one = pair()
    one.connection.publish("a", b"21", 2)
    refusal = mqtt.PubRec(1, mqtt.ReasonCode.NOT_AUTHORIZED)
    assert one.received(refusal, refusal) == [refusal], "the second one belongs to no message"
    assert one.connection.session.outgoing.messages == []


def test_a_refused_message_makes_room(mqtt: Any, pair: Any) -> None:
    one = pair(connack={"receive_maximum": 1})
    for payload in (b"1", b"2"):
        one.connection.publish("a", payload, 2)
    assert [packet.payload for packet in one.sent()] == [b"1"]
    assert len(one.received(mqtt.PubRec(1, mqtt.ReasonCode.NOT_AUTHORIZED))) == 1
    assert [packet.payload for packet in one.sent()] == [b"2"]


@pytest.mark.parametrize("role", ["CLIENT", "SERVER"])
def test_receive_maximum_of_the_peer(mqtt: Any, pair: Any, role: str) -> None:
    fields = "connack" if role == "CLIENT" else "connect"
    one = pair(role, **{fields: {"receive_maximum": 2}}, max_queued=1)
    for payload in (b"1", b"2", b"3"):
        one.connection.publish("a", payload, 1)
    with pytest.raises(one.module.QueueFullError):
        one.connection.publish("a", b"4", 1)
    one.connection.publish("a", b"0")
    assert [packet.payload for packet in one.sent()] == [b"1", b"2", b"0"]
    assert len(one.received(one.publish(9))) == 1
    assert one.sent() == [mqtt.PubAck(9)], "other packets do not wait"
    if role == "CLIENT":
        subscribe = one.connection.subscribe(mqtt.Subscription("a"))
        assert one.sent() == [subscribe]
    assert one.received(mqtt.PubAck(2)) == [mqtt.PubAck(2)]
    assert [packet.payload for packet in one.sent()] == [b"3"]


def test_messages_before_connack(mqtt: Any, session: Any) -> None:
    client = session.Connection(mqtt.Role.CLIENT)
    client.publish("a", b"1", 1)
    client.send(mqtt.Connect("c"))
    client.publish("a", b"2", 2)
    assert mqtt.decode(client.take()) == mqtt.Connect("c")
    for call in (
        lambda: client.publish("a"),
        lambda: client.subscribe(mqtt.Subscription("a")),
        lambda: client.send(mqtt.PingReq()),
    ):
        with pytest.raises(session.LocalProtocolError, match="before CONNACK") as caught:
            call()
        assert caught.value.clause is None
    with pytest.raises(session.LocalProtocolError):
        client.send(mqtt.Connect("c"))
    assert client.pending == 0
    assert client.session.packet_ids.in_use == 2
    list(client.receive(mqtt.encode(mqtt.ConnAck(), 5), 0.0))
    packets = list(mqtt.Decoder(5, connected=True).feed(client.take()))
    assert [(packet.payload, packet.dup) for packet in packets] == [(b"1", False), (b"2", False)]


@pytest.mark.parametrize("role", ["CLIENT", "SERVER"])
def test_maximum_packet_size_of_the_peer(mqtt: Any, session: Any, pair: Any, role: str) -> None:
    fields = "connack" if role == "CLIENT" else "connect"
    one = pair(role, **{fields: {"maximum_packet_size": 40, "topic_alias_maximum": 9}}, topic_alias_maximum=9)
    clause = "MQTT-3.2.2-15" if role == "CLIENT" else "MQTT-3.1.2-24"
    for qos in (0, 1):
        with pytest.raises(session.LocalProtocolError, match=r"maximum_packet_size 40, but has \d+ bytes") as caught:
            one.connection.publish("a", bytes(42 - 2 * qos), qos)
        assert caught.value.clause == clause
    assert one.connection.session.packet_ids.in_use == 0
    one.connection.publish("a", bytes(34))
    one.connection.publish("a", bytes(20))
    long, short = one.sent()
    assert long.topic_alias is None, "there is no room for an alias"
    assert short.topic_alias == 1
    with pytest.raises(session.LocalProtocolError, match=r"maximum_packet_size 40, but has \d+ bytes"):
        one.connection.send(mqtt.Disconnect(server_reference="x" * 60))
    assert one.connection.pending == 0


@pytest.mark.parametrize("role", ["CLIENT", "SERVER"])
@pytest.mark.parametrize("limit", range(1, 7))
def test_packets_that_the_peer_cannot_take(mqtt: Any, session: Any, role: str, limit: int) -> None:
    """What the connection sends by itself counts as sent: a small limit of the peer is no error."""
    one = Pair(mqtt, session, role, connect={"keep_alive": 10}, connack={})
    opening = [mqtt.Connect("c", keep_alive=10), mqtt.ConnAck()]
    if role == "CLIENT":
        one.connection.send(opening[0])
        one.connection.take()
        one.received(mqtt.ConnAck(maximum_packet_size=limit))
    else:
        one.received(opening[0].replace(maximum_packet_size=limit))
        if limit < 5:
            with pytest.raises(session.LocalProtocolError, match=r"but has 5 bytes \[MQTT-3\.1\.2-24"):
                one.connection.send(opening[1])
            assert one.connection.state is session.ConnectionState.CONNECTING
            one.connection.close(mqtt.ReasonCode.NOT_AUTHORIZED)
            assert (one.connection.state, one.sent()) == (session.ConnectionState.CLOSING, [])
            return
        one.connection.send(opening[1])
        one.connection.take()
    assert len(one.received(one.publish(1), one.publish(2, 2), one.publish(1))) == 3
    answers = [mqtt.PubAck(1), mqtt.PubRec(2), mqtt.PubAck(1)]
    assert one.sent() == (answers if limit >= 4 else [])
    unknown = mqtt.ReasonCode.PACKET_IDENTIFIER_NOT_FOUND
    assert one.received(mqtt.PubRel(2), mqtt.PubRel(2), mqtt.PubRec(9)) == []
    answers = [mqtt.PubComp(2), mqtt.PubComp(2, unknown), mqtt.PubRel(9, unknown)]
    assert one.sent() == (answers if limit >= 5 else answers[:1] if limit == 4 else [])
    if limit < 5:
        message = next(one.fed(one.publish(3)))
        with pytest.raises(session.LocalProtocolError, match="but has 5 bytes"):
            one.connection.acknowledge(message, mqtt.ReasonCode.QUOTA_EXCEEDED)
        one.connection.acknowledge(message)
        assert one.sent() == ([mqtt.PubAck(3)] if limit == 4 else [])
    if role == "CLIENT":
        one.connection.tick(10.0)
        assert one.sent() == ([mqtt.PingReq()] if limit >= 2 else [])
        one.connection.close(4)
        assert one.sent() == ([mqtt.Disconnect(4)] if limit >= 3 else [])
    else:
        assert one.received(mqtt.PingReq(), now=1.0) == []
        assert one.sent() == [mqtt.PingResp()]
        one.connection.tick(16.0)
        assert one.sent() == [mqtt.Disconnect(mqtt.ReasonCode.KEEP_ALIVE_TIMEOUT)]
    assert one.connection.state is session.ConnectionState.CLOSING


@pytest.mark.parametrize("limit", [2, 3])
def test_answer_that_the_peer_cannot_take(mqtt: Any, session: Any, pair: Any, limit: int) -> None:
    one = pair(connack={"maximum_packet_size": limit})
    with pytest.raises(mqtt.ProtocolError):
        one.received(mqtt.ConnAck())
    assert one.connection.state is session.ConnectionState.CLOSING
    assert one.sent() == ([mqtt.Disconnect(mqtt.ReasonCode.PROTOCOL_ERROR)] if limit == 3 else [])


def test_pubrel_that_the_peer_cannot_take(mqtt: Any, session: Any, pair: Any) -> None:
    """A stored message goes on, on a connection whose limit is smaller."""
    one = pair()
    one.connection.publish("a", b"1", 2)
    assert one.received(mqtt.PubRec(1)) == []
    one.connection.connection_lost()
    two = pair(
        session=one.connection.session,
        connect={"clean_start": False},
        connack={"session_present": True, "maximum_packet_size": 3},
    )
    assert two.opening == []
    assert two.connection.session.packet_ids.in_use == 1


def test_stored_messages_that_the_next_server_cannot_take(mqtt: Any, session: Any, pair: Any) -> None:
    """They end, and are listed, and the messages behind them go on."""
    one = pair()
    one.connection.publish("a", bytes(100), 1)
    one.connection.publish("a", b"retained", 1, retain=True)
    one.connection.publish("a", b"exactly once", 2)
    one.connection.publish("a", b"good", 1)
    one.connection.connection_lost()
    connack = {
        "session_present": True,
        "maximum_packet_size": 40,
        "retain_available": False,
        "maximum_qos": 1,
        "receive_maximum": 1,
    }
    two = pair(session=one.connection.session, connect={"clean_start": False}, connack=connack)
    assert [packet.payload for packet in two.opening] == [b"good"]
    assert [packet.payload for packet in two.connection.discarded] == [bytes(100), b"retained", b"exactly once"]
    assert all(packet.packet_id is None and not packet.dup for packet in two.connection.discarded)
    assert two.connection.session.packet_ids.in_use == 1


def test_stored_messages_in_an_earlier_version(mqtt: Any, session: Any, pair: Any) -> None:
    one = pair()
    one.connection.publish("a", b"21", 1, content_type="text")
    one.connection.connection_lost()
    two = pair(
        version=4, session=one.connection.session, connect={"clean_start": False}, connack={"session_present": True}
    )
    assert two.opening == [mqtt.Publish("a", b"21", 1, dup=True, packet_id=1)]
    two.connection.connection_lost()
    three = pair(session=one.connection.session, connect={"clean_start": False}, connack={"session_present": True})
    assert three.opening == [mqtt.Publish("a", b"21", 1, dup=True, packet_id=1, content_type="text")]


@pytest.mark.parametrize("role", ["CLIENT", "SERVER"])
def test_topic_aliases(mqtt: Any, pair: Any, role: str) -> None:
    """Both directions, with the smaller of the two numbers for those that this side assigns."""
    fields = "connack" if role == "CLIENT" else "connect"
    one = pair(role, topic_alias_maximum=2, **{fields: {"topic_alias_maximum": 1}})
    for topic in ("a", "a", "b", "a"):
        one.connection.publish(topic, b"", 0)
    assert [(packet.topic, packet.topic_alias) for packet in one.sent()] == [("a", 1), ("", 1), ("b", 1), ("a", 1)]
    without = pair(role, topic_alias_maximum=2)
    without.connection.publish("a", b"", 0)
    assert without.sent() == [mqtt.Publish("a")], "the peer announced no maximum"
    received = one.received(mqtt.Publish("x", topic_alias=2), mqtt.Publish("", topic_alias=2))
    assert received == [mqtt.Publish("x"), mqtt.Publish("x")]
    for connection in (one.connection, pair(role).connection):
        with pytest.raises(one.module.LocalProtocolError, match="topic_alias must be None"):
            connection.send(mqtt.Publish("a", topic_alias=1))
    with pytest.raises(mqtt.EncodeError):
        one.connection.publish("c/#")
    one.connection.publish("c")
    assert [(packet.topic, packet.topic_alias) for packet in one.sent()] == [("c", 1)]


# --- What is announced.


def test_numbers_are_announced(mqtt: Any, session: Any) -> None:
    numbers = {"receive_maximum": 7, "max_packet_size": 100, "topic_alias_maximum": 3}
    client = session.Connection(mqtt.Role.CLIENT, **numbers)
    connect = client.send(mqtt.Connect("c", receive_maximum=5))
    assert connect == mqtt.Connect("c", receive_maximum=5, maximum_packet_size=100, topic_alias_maximum=3)
    assert mqtt.decode(client.take()) == connect
    server = session.Connection(mqtt.Role.SERVER, **numbers)
    assert list(server.receive(mqtt.encode(connect), 0.0)) == [connect]
    assert (server.peer.receive_maximum, server.peer.maximum_packet_size) == (5, 100)
    with pytest.raises(session.LocalProtocolError, match="max_packet_size"):
        server.send(mqtt.ConnAck(maximum_packet_size=200))
    connack = server.send(mqtt.ConnAck())
    assert connack == mqtt.ConnAck(receive_maximum=7, maximum_packet_size=100, topic_alias_maximum=3)
    assert list(client.receive(server.take(), 0.0)) == [connack]
    assert client.peer.topic_alias_maximum == 3
    with pytest.raises(mqtt.PacketTooLargeError):
        list(client.receive(mqtt.encode(mqtt.Publish("a", bytes(100)), 5), 0.0))
    assert client.take() == mqtt.encode(mqtt.Disconnect(mqtt.ReasonCode.PACKET_TOO_LARGE), 5)


def test_numbers_are_not_announced_before_5(mqtt: Any, pair: Any) -> None:
    for role, version in itertools.product(("CLIENT", "SERVER"), (3, 4)):
        one = pair(role, version, receive_maximum=1, topic_alias_maximum=3)
        messages = [one.publish(1), one.publish(2)]
        assert one.received(*messages) == messages, "versions before 5.0 have no Receive Maximum"


@pytest.mark.parametrize(
    ("option", "value", "error"),
    [
        ("max_packet_size", 1, ValueError),
        ("receive_maximum", 0, ValueError),
        ("receive_maximum", 65_536, ValueError),
        ("topic_alias_maximum", -1, ValueError),
        ("max_queued", -1, ValueError),
        ("max_inflight", 0, ValueError),
        ("ping_timeout", 0, ValueError),
        ("version", 6, ValueError),
        ("receive_maximum", "1", TypeError),
        ("session", "c", TypeError),
    ],
)
def test_wrong_options(mqtt: Any, session: Any, option: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        session.Connection(mqtt.Role.CLIENT, **{option: value})
    with pytest.raises(TypeError):
        session.Connection("client")


# --- Sessions.


@pytest.mark.parametrize("version", VERSIONS)
def test_session_of_a_server(mqtt: Any, session: Any, pair: Any, version: int) -> None:
    stored = session.Session("c", role=mqtt.Role.SERVER)
    expiry = {"session_expiry_interval": 60} if version == 5 else {}
    for present in (False, True, True):
        # The application may say what follows from the session, or leave it out.
        connack = {"session_present": present} if version != 3 else {}
        one = pair("SERVER", version, stored=stored, connect={"clean_start": False, **expiry}, connack=connack)
        assert one.opening == [mqtt.ConnAck(present and version != 3)]
        assert one.connection.session is stored
        assert stored.expiry_interval == (60 if version == 5 else 0xFFFF_FFFF)
        one.connection.connection_lost()


@pytest.mark.parametrize("version", VERSIONS)
def test_session_of_a_server_has_its_time(mqtt: Any, session: Any, version: int) -> None:
    server = session.Connection(mqtt.Role.SERVER)
    stored = session.Session("c", role=mqtt.Role.SERVER)

    def refused() -> None:
        with pytest.raises(RuntimeError):
            server.session = stored

    refused()
    next(server.receive(mqtt.encode(mqtt.Connect("c", protocol_version=version)), 0.0))
    with pytest.raises(ValueError, match="server"):
        server.session = session.Session("c")
    with pytest.raises(TypeError):
        server.session = "c"
    server.session = None
    with pytest.raises(session.LocalProtocolError, match="session_present"):
        server.send(mqtt.ConnAck(True))
    stored.is_new = False
    with pytest.raises(session.LocalProtocolError) as caught:
        server.session = stored
    assert caught.value.clause == ("MQTT-3.1.2-4" if version == 5 else "MQTT-3.1.2-6")
    assert (server.session, server.take()) == (None, b"")
    server.send(mqtt.ConnAck())
    assert mqtt.decode(server.take(), version) == mqtt.ConnAck()
    assert server.session.client_id == "c"
    refused()
    client = session.Connection(mqtt.Role.CLIENT)
    client.send(mqtt.Connect("c"))
    with pytest.raises(RuntimeError):
        client.session = session.Session("c")


def test_new_session_after_clean_start(mqtt: Any, session: Any, pair: Any) -> None:
    stored = session.Session("c", role=mqtt.Role.SERVER)
    one = pair("SERVER", stored=stored, connect={"clean_start": True})
    assert one.opening == [mqtt.ConnAck()]
    assert one.connection.session is stored


@pytest.mark.parametrize("version", VERSIONS)
def test_resumed_session_of_a_server(mqtt: Any, pair: Any, version: int) -> None:
    one = pair("SERVER", version, connect={"clean_start": False})
    for qos in (1, 2, 2):
        one.connection.publish("a", b"%d" % qos, qos)
    assert one.received(mqtt.PubRec(3)) == []
    one.connection.connection_lost()
    one.connection.session.outgoing.publish(mqtt.Publish("a", b"offline", 1))
    two = pair("SERVER", version, stored=one.connection.session, connect={"clean_start": False})
    connack, *packets = two.opening
    assert connack.session_present is (version != 3)
    assert packets == [
        mqtt.Publish("a", b"1", 1, dup=True, packet_id=1),
        mqtt.Publish("a", b"2", 2, dup=True, packet_id=2),
        mqtt.PubRel(3),
        mqtt.Publish("a", b"offline", 1, packet_id=4),
    ]


@pytest.mark.parametrize("requeue", [False, True])
def test_session_that_the_server_lost(mqtt: Any, pair: Any, requeue: bool) -> None:
    one = pair(connect={"clean_start": False}, connack={"receive_maximum": 3})
    for number in range(4):
        one.connection.publish("a", b"%d" % number, 1 + number % 2)
    assert one.received(mqtt.PubRec(4), one.publish(9, 2)) == [one.publish(9, 2)]
    assert len(one.sent()) == 5, "three messages, PUBREC, and PUBREL for an unknown identifier"
    one.connection.connection_lost()
    two = pair(session=one.connection.session, connect={"clean_start": False}, requeue=requeue)
    session = two.connection.session
    lost = [mqtt.Publish("a", b"%d" % number, 1 + number % 2) for number in range(3)]
    assert two.connection.discarded == ([] if requeue else lost)
    sent = [packet.payload for packet in two.opening]
    assert sent == ([b"0", b"1", b"2", b"3"] if requeue else [b"3"])
    assert not any(packet.dup for packet in two.opening)
    assert not {1, 2, 3} & {packet.packet_id for packet in two.opening}, "identifiers are fresh"
    assert session.packet_ids.in_use == len(sent)
    assert two.received(one.publish(9, 2)) == [one.publish(9, 2)], "the identifier is new in a new session"


def test_session_after_pubrec_that_the_server_lost(mqtt: Any, pair: Any) -> None:
    one = pair(connect={"clean_start": False})
    one.connection.publish("a", b"1", 2)
    assert one.received(mqtt.PubRec(1)) == []
    one.connection.connection_lost()
    two = pair(session=one.connection.session, connect={"clean_start": False})
    assert (two.opening, two.connection.discarded) == ([], []), "the server has the message"
    assert two.connection.session.packet_ids.in_use == 0


def test_session_of_3_1_has_no_session_present(mqtt: Any, pair: Any) -> None:
    one = pair(version=3, connect={"clean_start": False})
    one.connection.publish("a", b"1", 1)
    one.connection.connection_lost()
    two = pair(version=3, session=one.connection.session, connect={"clean_start": False})
    assert two.opening == [mqtt.Publish("a", b"1", 1, dup=True, packet_id=1)]
    two.connection.connection_lost()
    three = pair(version=3, session=one.connection.session, connect={"clean_start": True})
    assert (three.opening, len(three.connection.discarded)) == ([], 1)


def test_session_belongs_to_one_client(mqtt: Any, session: Any) -> None:
    client = session.Connection(mqtt.Role.CLIENT, session=session.Session("c"))
    with pytest.raises(session.LocalProtocolError, match="client_id must be 'c'"):
        client.send(mqtt.Connect("d"))
    client.send(mqtt.Connect("c"))
    with pytest.raises(ValueError, match="client"):
        session.Connection(mqtt.Role.CLIENT, session=session.Session("c", role=mqtt.Role.SERVER))


def test_assigned_client_identifier(mqtt: Any, session: Any) -> None:
    client, server = (session.Connection(role) for role in mqtt.Role)
    client.send(mqtt.Connect(""))
    next(server.receive(client.take(), 0.0))
    server.send(mqtt.ConnAck(assigned_client_identifier="given"))
    list(client.receive(server.take(), 0.0))
    assert client.session.client_id == server.session.client_id == "given"


@pytest.mark.parametrize(
    ("version", "connect", "connack", "disconnect", "expiry"),
    [
        (3, {}, {}, None, 0),
        (4, {"clean_start": False}, {}, None, 0xFFFF_FFFF),
        (5, {}, {}, None, 0),
        (5, {"session_expiry_interval": 9}, {}, None, 9),
        (5, {"session_expiry_interval": 9}, {"session_expiry_interval": 5}, None, 5),
        (5, {"session_expiry_interval": 9}, {}, 7, 7),
        (5, {"session_expiry_interval": 9}, {}, 0, 0),
    ],
)
def test_expiry_interval(
    mqtt: Any, pair: Any, version: int, connect: Any, connack: Any, disconnect: int | None, expiry: int
) -> None:
    for role in ("CLIENT", "SERVER"):
        one = pair(role, version, connect=connect, connack=connack)
        if disconnect is not None:
            packet = mqtt.Disconnect(session_expiry_interval=disconnect)
            if role == "CLIENT":
                one.connection.send(packet)
            else:
                assert one.received(packet) == [packet]
        assert one.connection.session.expiry_interval == expiry


def test_session_whose_first_connack_was_lost(mqtt: Any, session: Any) -> None:
    """The server has the session, and so has the client, although no CONNACK told it so."""
    client, server = (session.Connection(role) for role in mqtt.Role)
    client.send(mqtt.Connect("c", clean_start=False))
    for _ in server.receive(client.take(), 0.0):
        server.send(mqtt.ConnAck())
    for connection in (client, server):
        connection.connection_lost()
    client = session.Connection(mqtt.Role.CLIENT, session=client.session)
    client.send(mqtt.Connect("c", clean_start=False))
    again = session.Connection(mqtt.Role.SERVER)
    for _ in again.receive(client.take(), 0.0):
        again.session = server.session
        again.send(mqtt.ConnAck())
    assert list(client.receive(again.take(), 0.0)) == [mqtt.ConnAck(True)]


def test_present_session_before_5(mqtt: Any, pair: Any) -> None:
    """3.1.1 does not tell a client without a session to close."""
    assert pair(version=4, connect={"clean_start": False}, connack={"session_present": True})


def test_session_of_a_connection_that_was_not_ended(mqtt: Any, pair: Any) -> None:
    """Messages that wait on the old connection come again on the new one."""
    old = pair("SERVER", connect={"clean_start": False}, manual_acks=True)
    assert len(old.received(old.publish(1), old.publish(2, 2))) == 2
    new = pair("SERVER", stored=old.connection.session, connect={"clean_start": False})
    again = [new.publish(1, dup=True), new.publish(2, 2, dup=True)]
    assert new.received(*again) == again
    assert new.sent() == [mqtt.PubAck(1), mqtt.PubRec(2)]


@pytest.mark.parametrize("max_queued", [0, 1_000_000, None])
def test_queue_of_a_stored_session(session: Any, pair: Any, max_queued: int | None) -> None:
    stored = session.Session("c", outgoing=session.OutgoingMessages(max_queued=7))
    one = pair(session=stored, max_queued=max_queued)
    assert one.connection.session.outgoing.max_queued == {0: 0, None: 7}.get(max_queued, 65_535)


def test_session_taken_over(mqtt: Any, session: Any, pair: Any) -> None:
    """In the order that the documentation gives, in the middle of the old connection's loop."""
    old = pair("SERVER", connect={"clean_start": False})
    old.connection.publish("a", b"1", 1)
    assert len(old.sent()) == 1
    packets = old.fed(old.publish(1), old.publish(2))
    held = next(packets)
    old.connection.close(mqtt.ReasonCode.SESSION_TAKEN_OVER)
    assert old.sent() == [mqtt.Disconnect(mqtt.ReasonCode.SESSION_TAKEN_OVER)]
    old.connection.connection_lost()
    new = pair("SERVER", stored=old.connection.session, connect={"clean_start": False})
    assert new.opening == [mqtt.ConnAck(True), mqtt.Publish("a", b"1", 1, dup=True, packet_id=1)]
    assert new.received(new.publish(1, dup=True)) == [new.publish(1, dup=True)]
    assert new.sent() == [mqtt.PubAck(1)]
    assert list(packets) == []
    with pytest.raises(session.LocalProtocolError):
        old.connection.acknowledge(held)
    old.connection.connection_lost()
    assert new.received(mqtt.PubAck(1)) == [mqtt.PubAck(1)]


def test_requests_of_a_server(mqtt: Any, session: Any, pair: Any) -> None:
    for server in (session.Connection(mqtt.Role.SERVER), pair("SERVER").connection):
        for call in (lambda: server.subscribe(mqtt.Subscription("a")), lambda: server.unsubscribe("a")):
            with pytest.raises(session.LocalProtocolError, match="SUBSCRIBE"):
                call()
        assert server.take() == b""


def test_messages_before_connack_are_checked(mqtt: Any, session: Any, pair: Any) -> None:
    client = session.Connection(mqtt.Role.CLIENT)
    with pytest.raises(session.LocalProtocolError, match=r"MQTT-3\.3\.4-6"):
        client.publish("a", b"", 1, subscription_identifiers=[1])
    assert client.session.packet_ids.in_use == 0
    with pytest.raises(mqtt.EncodeError, match="qos must be 0, 1 or 2, not 3"):
        client.publish("a", b"", 3)
    with pytest.raises(mqtt.EncodeError, match="qos must be 0, 1 or 2, not 3"):
        pair().connection.publish("a", b"", 3)
    server = session.Connection(mqtt.Role.SERVER)
    with pytest.raises(session.LocalProtocolError, match="a server cannot publish before CONNACK"):
        server.publish("a", b"", 1)


def test_messages_before_connect_of_another_version(mqtt: Any, session: Any, pair: Any) -> None:
    """The version of the connection counts, not that of the session's last one."""
    one = pair(version=4)
    one.connection.connection_lost()
    client = session.Connection(mqtt.Role.CLIENT, version=5, session=one.connection.session)
    message = client.publish("a", b"", 1, content_type="text")
    assert message.content_type == "text"
    client = session.Connection(mqtt.Role.CLIENT)
    client.send(mqtt.Connect("c", protocol_version=4))
    with pytest.raises(mqtt.EncodeError, match="content_type"):
        client.publish("a", b"", 1, content_type="text")


def test_disconnect_without_an_expiry_interval_changes_none(mqtt: Any, pair: Any) -> None:
    for role in ("CLIENT", "SERVER"):
        one = pair(role, connect={"session_expiry_interval": 9})
        if role == "CLIENT":
            one.connection.send(mqtt.Disconnect())
        else:
            assert one.received(mqtt.Disconnect()) == [mqtt.Disconnect()]
        assert one.connection.session.expiry_interval == 9


def test_disconnect_before_connack_leaves_the_session_alone(mqtt: Any, session: Any) -> None:
    server = session.Connection(mqtt.Role.SERVER)
    connect = mqtt.Connect("c", False, session_expiry_interval=9, authentication_method="m")
    data = mqtt.encode_many([connect, mqtt.Disconnect(session_expiry_interval=1)], 5)
    packets = server.receive(data, 0.0)
    assert next(packets) == connect
    server.session = session.Session("c", 60, role=mqtt.Role.SERVER)
    assert len(list(packets)) == 1
    assert (server.state, server.session.expiry_interval) == (session.ConnectionState.CLOSING, 60)


def test_requests_end_with_their_connection(mqtt: Any, session: Any, pair: Any) -> None:
    one = pair(connect={"clean_start": False})
    subscribe = one.connection.subscribe(mqtt.Subscription("a", 1), subscription_identifier=3)
    unsubscribe = one.connection.unsubscribe("b", "c")
    chosen = one.connection.send(mqtt.Subscribe(500, [mqtt.Subscription("d")]))
    assert one.sent() == [subscribe, unsubscribe, chosen]
    assert {subscribe.packet_id, unsubscribe.packet_id} == {1, 2}
    assert one.received(mqtt.UnsubAck(2, [0, 0x11])) == [mqtt.UnsubAck(2, [0, 0x11])]
    assert one.connection.session.packet_ids.in_use == 2
    with pytest.raises(session.LocalProtocolError, match="not 500"):
        one.connection.send(mqtt.Unsubscribe(500, ["d"]))
    message = one.connection.publish("a", b"", 1)
    with pytest.raises(session.LocalProtocolError, match=f"not {message.packet_id}"):
        one.connection.send(mqtt.Unsubscribe(message.packet_id, ["d"]))
    with pytest.raises(mqtt.EncodeError):
        one.connection.subscribe(mqtt.Subscription(""))
    with pytest.raises(mqtt.EncodeError):
        one.connection.send(mqtt.Subscribe(0, [mqtt.Subscription("d")]))
    assert one.connection.session.packet_ids.in_use == 3
    one.connection.connection_lost()
    assert one.connection.session.packet_ids.in_use == 1, "the message stays"


def test_a_server_waits_for_its_own_answer(mqtt: Any, session: Any) -> None:
    """[MQTT-3.1.4-6]: no packet after CONNECT is looked at before the client is accepted."""
    server = session.Connection(mqtt.Role.SERVER)
    data = mqtt.encode_many([mqtt.Connect("c"), mqtt.Publish("a", b"1"), mqtt.PingReq()], 5)
    assert list(server.receive(data, 0.0)) == [mqtt.Connect("c")]
    assert list(server.receive(mqtt.encode(mqtt.Publish("a", b"2"), 5), 0.0)) == []
    server.send(mqtt.ConnAck())
    assert [packet.payload for packet in server.receive(b"", 0.0)] == [b"1", b"2"]
    assert server.take() == mqtt.encode_many([mqtt.ConnAck(), mqtt.PingResp()], 5)


@pytest.mark.parametrize(("version", "code"), [(3, 2), (4, 2), (5, 0x85)])
def test_a_refused_client_is_not_heard(mqtt: Any, session: Any, version: int, code: int) -> None:
    server = session.Connection(mqtt.Role.SERVER)
    connect = mqtt.Connect("c", protocol_version=version)
    data = mqtt.encode_many([connect, mqtt.Publish("a", b"1", 1, packet_id=1)], version)
    for packet in server.receive(data, 0.0):
        assert type(packet) is mqtt.Connect
        server.send(mqtt.ConnAck(reason_code=code))
    assert server.state is session.ConnectionState.CLOSING
    assert server.take() == mqtt.encode(mqtt.ConnAck(reason_code=code), version)
    assert server.session is None


def test_extended_authentication(mqtt: Any, session: Any) -> None:
    """Step by step, then again on the open connection."""
    client, server = (session.Connection(role) for role in mqtt.Role)

    def step(sender: Any, packet: Any, receiver: Any) -> None:
        sent = sender.send(packet)
        assert list(receiver.receive(sender.take(), 0.0)) == [sent]

    method = {"authentication_method": "m"}
    step(client, mqtt.Connect("c", **method, authentication_data=b"1"), server)
    step(server, mqtt.Auth(0x18, **method, authentication_data=b"2"), client)
    step(client, mqtt.Auth(0x18, **method, authentication_data=b"3"), server)
    step(server, mqtt.ConnAck(authentication_data=b"4"), client)
    assert client.state is server.state is session.ConnectionState.CONNECTED
    for _ in range(2):
        step(client, mqtt.Auth(0x19, **method), server)
        step(server, mqtt.Auth(0x18, **method), client)
        client.publish("a")  # [MQTT-3.1.2-30] ends with CONNACK.
        assert len(list(server.receive(client.take(), 0.0))) == 1
        step(client, mqtt.Auth(0x18, **method), server)
        step(server, mqtt.Auth(0, **method), client)
    step(client, mqtt.Auth(0x19, **method), server)
    server.close(mqtt.ReasonCode.NOT_AUTHORIZED)
    assert [packet.reason_code for packet in client.receive(server.take(), 0.0)] == [0x87]


# --- Time.


def test_a_client_that_only_publishes_pings(mqtt: Any, session: Any, pair: Any) -> None:
    """Ten intervals of QoS 0: without PINGREQ, nothing would show that the server is there."""
    one = pair(connect={"keep_alive": 10})
    pings = 0
    for second in range(1, 101):
        now = float(second)
        one.connection.publish("a", b"")
        one.connection.tick(now)
        packets = one.sent()
        if mqtt.PingReq() in packets:
            pings += 1
            assert one.received(mqtt.PingResp(), now=now) == []
        assert one.connection.state is session.ConnectionState.CONNECTED
    assert pings == 10
    for second in range(101, 121):
        assert one.connection.state is session.ConnectionState.CONNECTED
        one.connection.publish("a", b"")
        one.connection.tick(float(second))
    assert one.connection.state is session.ConnectionState.CLOSING, "no PINGRESP came"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_silent_client_is_closed(mqtt: Any, session: Any, pair: Any, version: int) -> None:
    one = pair("SERVER", version, connect={"keep_alive": 10})
    assert one.connection.timeout(0.0) == 15.0
    assert one.received(mqtt.PingReq(), now=5.0) == []
    assert one.sent() == [mqtt.PingResp()]
    assert one.connection.timeout(6.0) == 14.0
    one.connection.tick(19.0)
    assert one.connection.state is session.ConnectionState.CONNECTED
    one.connection.tick(20.0)
    assert one.connection.state is session.ConnectionState.CLOSING
    assert one.sent() == ([mqtt.Disconnect(mqtt.ReasonCode.KEEP_ALIVE_TIMEOUT)] if version == 5 else [])
    assert one.connection.timeout(20.0) is None
    one.connection.tick(40.0)
    assert one.connection.take() == b""


def test_server_keep_alive(mqtt: Any, pair: Any) -> None:
    for role in ("CLIENT", "SERVER"):
        one = pair(role, connect={"keep_alive": 10}, connack={"server_keep_alive": 4})
        assert one.connection.keep_alive.seconds == 4
        assert one.connection.timeout(0.0) == (4.0 if role == "CLIENT" else 6.0)
        assert pair(role, connect={"keep_alive": 0}).connection.timeout(0.0) is None


def test_connack_that_does_not_come(mqtt: Any, session: Any) -> None:
    client = session.Connection(mqtt.Role.CLIENT, ping_timeout=5)
    assert client.timeout(0.0) is None
    assert client.timeout(50.0) is None
    client.send(mqtt.Connect("c", keep_alive=60))
    client.take()
    assert client.timeout(50.0) == 5.0
    client.tick(54.0)
    assert client.state is session.ConnectionState.CONNECTING
    client.tick(55.0)
    assert client.state is session.ConnectionState.CLOSING
    assert client.take() == b""


@pytest.mark.parametrize("method", [None, "m"])
def test_connack_that_takes_longer_than_the_keep_alive(mqtt: Any, session: Any, method: str | None) -> None:
    """A client that authenticates may not send PINGREQ [MQTT-3.1.2-30]."""
    client = session.Connection(mqtt.Role.CLIENT, ping_timeout=25)
    client.send(mqtt.Connect("c", keep_alive=10, authentication_method=method))
    client.take()
    for now in (0.0, 10.0, 20.0):
        client.tick(now)
        assert client.timeout(now) > 0.0
        assert client.take() == (mqtt.encode(mqtt.PingReq(), 5) if now and not method else b"")
    client.tick(25.0)
    assert client.state is session.ConnectionState.CLOSING


def test_connect_before_the_first_time(mqtt: Any, session: Any) -> None:
    client = session.Connection(mqtt.Role.CLIENT, ping_timeout=5)
    client.send(mqtt.Connect("c", keep_alive=60))
    assert client.timeout(100.0) == 5.0


def test_packets_that_are_sent_need_no_ping(mqtt: Any, pair: Any) -> None:
    one = pair(connect={"keep_alive": 10})
    assert one.received(mqtt.PingResp(), now=5.0) == []
    assert one.connection.timeout(5.0) == 5.0, "nothing was sent since CONNECT"
    one.connection.publish("a")
    assert one.connection.timeout(5.0) == 10.0


def test_connect_that_does_not_come(mqtt: Any, session: Any) -> None:
    server = session.Connection(mqtt.Role.SERVER)
    server.keep_alive.seconds = 10
    assert server.timeout(0.0) == 15.0
    assert list(server.receive(mqtt.encode(mqtt.Connect("c"))[:5], 1.0)) == []
    server.tick(15.0)
    assert server.state is session.ConnectionState.CLOSING
    assert server.take() == b""


def test_packets_that_wait_are_no_silence(mqtt: Any, session: Any, pair: Any) -> None:
    one = pair("SERVER", connect={"keep_alive": 10})
    packets = one.fed(one.publish(1), one.publish(2), now=1.0)
    next(packets)
    for now in (10.0, 20.0, 30.0):
        one.connection.tick(now)
        assert one.connection.state is session.ConnectionState.CONNECTED
    assert len(list(packets)) == 1
    one.connection.tick(45.0)
    assert one.connection.state is session.ConnectionState.CLOSING


def test_a_slow_handler_sets_no_clock_back(mqtt: Any, session: Any, pair: Any) -> None:
    """The time of a packet is that of the last call, not that of the `receive` whose loop it comes from."""
    one = pair("SERVER", connect={"keep_alive": 10})
    packets = one.fed(one.publish(1), one.publish(2), now=1.0)
    next(packets)
    one.connection.tick(30.0)
    next(packets)
    assert one.connection.timeout(31.0) == 14.0
    one.connection.tick(31.0)
    assert one.connection.state is session.ConnectionState.CONNECTED


@pytest.mark.parametrize("state", ["connecting", "connected"])
def test_a_loop_left_after_the_last_packet(mqtt: Any, session: Any, pair: Any, state: str) -> None:
    """No packet waits, so the time of the peer runs."""
    if state == "connected":
        one = pair("SERVER", connect={"keep_alive": 10})
        next(one.fed(one.publish(1)))
    else:
        one = Pair(mqtt, session, "SERVER")
        assert one.received(mqtt.Connect("c", keep_alive=10)) == [mqtt.Connect("c", keep_alive=10)]
    one.connection.tick(14.0)
    assert one.connection.state.value == state
    one.connection.tick(15.0)
    assert one.connection.state is session.ConnectionState.CLOSING


def test_no_ping_before_connack(mqtt: Any, session: Any) -> None:
    """[MQTT-3.1.2-30]: a client that authenticates sends AUTH and DISCONNECT only."""
    client = session.Connection(mqtt.Role.CLIENT, ping_timeout=5)
    client.send(mqtt.Connect("c", keep_alive=10, authentication_method="m"))
    auth = mqtt.Auth(0x18, authentication_method="m")
    assert list(client.receive(mqtt.encode(auth, 5), 0.0)) == [auth]
    client.send(auth)
    client.take()
    assert client.timeout(0.0) == 10.0
    client.tick(10.0)
    assert (client.take(), client.timeout(10.0)) == (b"", 5.0)
    client.tick(15.0)
    assert (client.take(), client.state) == (b"", session.ConnectionState.CLOSING)


# --- The end.


@pytest.mark.parametrize(
    ("role", "version", "state", "code", "packet"),
    [
        ("CLIENT", 5, "CONNECTED", 0, "e000"),
        ("CLIENT", 5, "CONNECTED", 4, "e00104"),
        ("CLIENT", 5, "CONNECTING", 0, "e000"),
        ("CLIENT", 4, "CONNECTED", 0, "e000"),
        ("CLIENT", 4, "CONNECTED", 4, ""),
        ("CLIENT", 5, "NEW", 0, ""),
        ("SERVER", 5, "CONNECTED", 0x8B, "e0018b"),
        ("SERVER", 4, "CONNECTED", 0x8B, ""),
        ("SERVER", 5, "CONNECTING", 0x89, "2003008900"),
        ("SERVER", 4, "CONNECTING", 0x88, "20020003"),
        ("SERVER", 4, "CONNECTING", 0x8B, ""),
        ("SERVER", 5, "CONNECTING", 0x8B, ""),
        ("SERVER", 5, "CONNECTING", 0, ""),
        ("SERVER", 5, "NEW", 0x80, ""),
    ],
)
def test_close(mqtt: Any, session: Any, role: str, version: int, state: str, code: int, packet: str) -> None:
    one = Pair(mqtt, session, role, version)
    if state == "CONNECTED":
        one.opened()
    elif state == "CONNECTING" and role == "CLIENT":
        one.connection.send(mqtt.Connect("c", protocol_version=version))
    elif state == "CONNECTING":
        one.received(mqtt.Connect("c", protocol_version=version))
    one.connection.take()
    for _ in range(2):
        one.connection.close(code)
        assert one.connection.state is session.ConnectionState.CLOSING
    assert one.connection.take() == bytes.fromhex(packet)
    for call in (
        lambda: one.connection.publish("a"),
        lambda: one.connection.send(mqtt.PingReq()),
        lambda: one.connection.send(mqtt.Disconnect()),
        lambda: one.connection.send(mqtt.Connect("c")),
        lambda: one.connection.send(mqtt.ConnAck()),
    ):
        with pytest.raises(session.LocalProtocolError) as caught:
            call()
        if state != "NEW":
            assert caught.value.clause == ("MQTT-3.14.4-1" if version == 5 else "MQTT-3.14.4-2")
    assert list(one.connection.receive(b"\0\0", 0.0)) == []
    assert one.connection.take() == b""
    assert one.connection._decoder.pending == 0, "nothing is kept"


@pytest.mark.parametrize(("data", "name"), [("20 03 00 00 00", "CONNACK"), ("00", "a packet")])
def test_bytes_before_connect(mqtt: Any, session: Any, data: str, name: str) -> None:
    """The version is not known yet, and nothing can be decoded."""
    client = session.Connection(mqtt.Role.CLIENT)
    packets = client.receive(bytes.fromhex(data), 0.0)
    with pytest.raises(mqtt.ProtocolError, match=rf"{name}.*MQTT-3\.1\.0-1"):
        next(packets)
    assert (client.state, client.take()) == (session.ConnectionState.CLOSING, b"")


def test_close_with_a_wrong_reason_code_changes_nothing(mqtt: Any, session: Any, pair: Any) -> None:
    one = pair("CLIENT")
    for code, error in ((0x8B, session.LocalProtocolError), (1, mqtt.EncodeError)):
        with pytest.raises(error):
            one.connection.close(code)
        assert (one.connection.state, one.sent()) == (session.ConnectionState.CONNECTED, [])


def test_disconnect_ends(mqtt: Any, session: Any, pair: Any) -> None:
    one = pair("SERVER")
    packets = one.fed(one.publish(1), mqtt.Disconnect(4), one.publish(2))
    assert [type(packet).__name__ for packet in packets] == ["Publish", "Disconnect"]
    assert one.sent() == [mqtt.PubAck(1)]
    assert one.connection.state is session.ConnectionState.CLOSING


def test_error_comes_after_the_packets_before_it(mqtt: Any, session: Any, pair: Any) -> None:
    one = pair("SERVER")
    packets = one.connection.receive(mqtt.encode(one.publish(1), 5) + b"\x36\x05\x00\x01a\x00\x01", 0.0)
    assert next(packets) == one.publish(1)
    with pytest.raises(mqtt.MalformedPacketError):
        next(packets)
    assert one.sent() == [mqtt.PubAck(1), mqtt.Disconnect(mqtt.ReasonCode.MALFORMED_PACKET)]
    with pytest.raises(mqtt.MalformedPacketError):
        list(one.fed(mqtt.PingReq()))


def test_error_keeps_no_traceback(mqtt: Any, pair: Any) -> None:
    one = pair()
    with pytest.raises(mqtt.ProtocolError) as caught:
        one.received(mqtt.ConnAck())
    with pytest.raises(mqtt.ProtocolError) as again:
        one.received()
    assert again.value is not caught.value
    assert str(again.value) == str(caught.value)
    assert one.connection._error.__traceback__ is None


def test_an_interrupted_loop_ends_the_connection(
    mqtt: Any, session: Any, pair: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The packet was handled in part, so the next one must not be taken."""
    one = pair("SERVER")
    monkeypatch.setattr(one.connection.session.incoming, "_pending", None)
    packets = one.fed(one.publish(1), one.publish(2))
    with pytest.raises(TypeError):
        next(packets)
    assert one.connection.state is session.ConnectionState.CLOSING
    assert list(packets) == []
    assert one.sent() == []


def test_refused_buffers_change_nothing(mqtt: Any, session: Any) -> None:
    for state in ("new", "connecting"):
        client = session.Connection(mqtt.Role.CLIENT)
        if state == "connecting":
            client.send(mqtt.Connect("c", keep_alive=10))
            client.take()
        with pytest.raises(BufferError):
            client.receive(memoryview(bytes(8))[::2], 0.0)
        with pytest.raises(BufferError):
            client.receive(memoryview(bytes(8)).cast("I"), 0.0)
        with pytest.raises(TypeError):
            client.receive("connack", 0.0)
        assert client.state.value == state
        assert list(client.receive(b"", 0.0)) == []


@pytest.mark.parametrize("name", ["PubAck", "PubRec", "PubRel", "PubComp", "PingResp"])
def test_packets_of_the_connection_itself(mqtt: Any, session: Any, pair: Any, name: str) -> None:
    packet = getattr(mqtt, name)(*([] if name == "PingResp" else [1]))
    for role in ("CLIENT", "SERVER"):
        one = pair(role)
        with pytest.raises(session.LocalProtocolError):
            one.connection.send(packet)
        with pytest.raises(TypeError):
            one.connection.send(b"")
        assert one.sent() == []


def test_a_server_does_not_subscribe(mqtt: Any, session: Any, pair: Any) -> None:
    for server in (session.Connection(mqtt.Role.SERVER), pair("SERVER").connection):
        for call in (lambda: server.subscribe(mqtt.Subscription("a")), lambda: server.unsubscribe("a")):
            with pytest.raises(session.LocalProtocolError, match="server must not send"):
                call()
        assert server.pending == 0


def test_first_fault_of_a_packet(mqtt: Any, session: Any, pair: Any) -> None:
    """A packet that cannot be encoded is an EncodeError. The state is looked at before the session."""
    with pytest.raises(mqtt.EncodeError):
        pair(version=4).connection.send(mqtt.Auth(0x19, authentication_method="m"))
    with pytest.raises(session.LocalProtocolError, match=r"MQTT-3\.2\.0-2"):
        pair("SERVER").connection.send(mqtt.ConnAck(True))
    with pytest.raises(session.LocalProtocolError, match="a client must not send CONNACK"):
        session.Connection(mqtt.Role.CLIENT).send(mqtt.ConnAck(True))
    with pytest.raises(session.LocalProtocolError, match=r"MQTT-3\.1\.0-1"):
        session.Connection(mqtt.Role.SERVER).send(mqtt.ConnAck(True))


def test_a_lost_connection_is_over(mqtt: Any, session: Any, pair: Any) -> None:
    one = pair()
    one.connection.publish("a")
    assert list(one.connection.receive(b"\x30", 0.0)) == []
    one.connection.connection_lost()
    assert one.connection._decoder.pending == 0, "nothing is kept"
    assert (one.connection.state, one.connection.pending) == (session.ConnectionState.CLOSED, 0)
    assert one.received(mqtt.PingResp()) == []
    assert one.connection.timeout(0.0) is None
    one.connection.tick(1e9)
    one.connection.connection_lost()
    with pytest.raises(session.LocalProtocolError):
        one.connection.publish("a", b"", 1)


def test_a_ping_of_the_application(mqtt: Any, session: Any, pair: Any) -> None:
    one = pair(connect={"keep_alive": 10}, ping_timeout=2)
    one.connection.send(mqtt.PingReq())
    assert one.sent() == [mqtt.PingReq()]
    assert one.connection.timeout(0.0) == 2.0
    one.received(mqtt.PingResp(), now=1.0)
    assert one.connection.timeout(1.0) == 9.0


def test_a_bridge(mqtt: Any, session: Any) -> None:
    connect = mqtt.Connect("c", protocol_version=4, bridge=True)
    server = session.Connection(mqtt.Role.SERVER, bridge=True)
    assert list(server.receive(mqtt.encode(connect), 0.0)) == [connect]
    server = session.Connection(mqtt.Role.SERVER)
    with pytest.raises(mqtt.UnsupportedVersionError):
        list(server.receive(mqtt.encode(connect), 0.0))
    assert server.take() == bytes.fromhex("20020001")


@pytest.mark.parametrize("version", VERSIONS)
def test_version_of_the_connection(mqtt: Any, session: Any, version: int) -> None:
    other = 4 if version != 4 else 5
    client = session.Connection(mqtt.Role.CLIENT, version=version)
    with pytest.raises(session.LocalProtocolError, match=rf"not <ProtocolVersion\.\w+: {other}>"):
        client.send(mqtt.Connect("c", protocol_version=other))
    server = session.Connection(mqtt.Role.SERVER, version=version)
    with pytest.raises(mqtt.ProtocolError):
        list(server.receive(mqtt.encode(mqtt.Connect("c", protocol_version=other)), 0.0))


def test_the_encoder_leaves_out_what_has_no_room(mqtt: Any, session: Any) -> None:
    """[MQTT-3.2.2-19], [MQTT-3.2.2-20], [MQTT-3.9.2-1]: from CONNACK on."""
    one = Pair(mqtt, session, "SERVER")
    one.received(mqtt.Connect("c", maximum_packet_size=20))
    one.connection.send(mqtt.ConnAck(reason_string="x" * 30))
    assert one.sent() == [mqtt.ConnAck()]
    subscribe = mqtt.Subscribe(1, [mqtt.Subscription("a")])
    assert one.received(subscribe) == [subscribe]
    one.connection.send(mqtt.SubAck(1, [0], reason_string="x" * 30))
    assert one.sent() == [mqtt.SubAck(1, [0])]
    with pytest.raises(session.LocalProtocolError, match=r"20, but has \d+ bytes .*MQTT-3\.1\.2-24"):
        one.connection.send(mqtt.Disconnect(0x9D, server_reference="x" * 30))
    assert one.sent() == []
