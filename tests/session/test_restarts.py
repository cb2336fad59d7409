"""A client talks to a live Mosquitto, is killed in the middle of each step, and goes on from its saved session.

It saves its session after each change, before it sends the resulting packets.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

import broker as live

EXPIRY = 3600
_numbers = itertools.count(1)


class Killed(Exception):
    """The process of the client ends here."""


class Client:
    """A client that publishes one message and accepts one. What it saves survives it, and nothing else does."""

    def __init__(self, mqtt: Any, session: Any, version: int, qos: int, name: str) -> None:
        self.mqtt, self.module, self.version, self.qos, self.name = mqtt, session, version, qos, name
        outgoing = session.OutgoingMessages(10, 10, version=version)
        self.session = session.Session(name, EXPIRY, outgoing=outgoing)
        self.has_published = False
        self.accepted: list[bytes] = []
        self.steps_left: int | None = None
        self.step()

    def step(self) -> None:
        """Save; then be killed, if this is the step."""
        self.saved = (self.session.to_bytes(), self.has_published, list(self.accepted))
        if self.steps_left is not None:
            self.steps_left -= 1
            if self.steps_left < 0:
                raise Killed

    def restart(self) -> None:
        data, self.has_published, self.accepted = self.saved
        self.session = self.module.Session.from_bytes(data)
        self.steps_left = None

    def connect(self, broker: live.Broker, is_present: bool) -> None:
        mqtt = self.mqtt
        self.connection = live.Connection(mqtt, broker.connected_socket(), self.version)
        fields = {"session_expiry_interval": EXPIRY} if self.version == 5 else {}
        connect = mqtt.Connect(self.name, False, protocol_version=self.version, **fields)
        self.connection.send(connect)
        answer = self.connection.receive(mqtt.ConnAck)
        assert answer.session_present is (is_present and self.version != 3)
        self.session.incoming.connection_lost()
        self.session.outgoing.receive_maximum = answer.receive_maximum or 65_535

    def subscribe(self, topic: str) -> None:
        packet_id = self.session.packet_ids.acquire()
        self.connection.send(self.mqtt.Subscribe(packet_id, [self.mqtt.Subscription(topic, self.qos)]))
        assert self.connection.receive(self.mqtt.SubAck).packet_id == packet_id
        self.session.packet_ids.release(packet_id)

    def send(self, *packets: Any) -> None:
        for packet in packets:
            self.step()
            self.connection.send(packet)
            self.step()

    def run(self, topic: str, incoming_topic: str) -> None:
        """Publish, and receive until both messages are through."""
        mqtt, outgoing, incoming = self.mqtt, self.session.outgoing, self.session.incoming
        self.send(*outgoing.resend())
        if not self.has_published:
            outgoing.publish(mqtt.Publish(topic, b"out", self.qos))
            self.has_published = True
        self.send(*outgoing.to_send())
        while outgoing.packet_ids.in_use or not self.accepted or incoming._received or incoming.unacknowledged:
            packet = self.connection.receive()
            if type(packet) is mqtt.Publish:
                assert packet.topic == incoming_topic
                if incoming.on_publish(packet):
                    self.step()
                    self.accepted.append(packet.payload)
                    self.send(incoming.acknowledge(packet))
                self.send(*incoming.to_send())
            elif type(packet) is mqtt.PubAck:
                assert outgoing.on_puback(packet)
            elif type(packet) is mqtt.PubRec:
                self.send(outgoing.on_pubrec(packet))
            elif type(packet) is mqtt.PubComp:
                assert outgoing.on_pubcomp(packet)
            else:
                self.send(incoming.on_pubrel(packet))
        self.step()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Broker]:
    broker = live.Broker(tmp_path_factory.mktemp("broker"), "allow_anonymous true")
    yield broker
    broker.stop()


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("qos", [1, 2])
def test_killed_in_each_step(mqtt: Any, session: Any, broker: live.Broker, version: int, qos: int) -> None:
    for steps in itertools.count():
        if killed_after(mqtt, session, broker, version, qos, steps) is False:
            break
    assert steps >= {1: 5, 2: 9}[qos]


def killed_after(mqtt: Any, session: Any, broker: live.Broker, version: int, qos: int, steps: int) -> bool:
    """Whether the client was killed before it was through. What arrived is checked in any case."""
    name = f"client{next(_numbers)}"
    observer = Client(mqtt, session, version, qos, f"{name}-observer")
    client = Client(mqtt, session, version, qos, name)
    for each, topic in ((observer, f"{name}/out"), (client, f"{name}/in")):
        each.connect(broker, is_present=False)
        each.subscribe(topic)
    client.connection.close()

    observer.session.outgoing.publish(mqtt.Publish(f"{name}/in", b"in", qos))
    observer.send(*observer.session.outgoing.to_send())
    while observer.session.outgoing.packet_ids.in_use:
        answered(mqtt, observer, observer.connection.receive())

    client.connect(broker, is_present=True)
    client.steps_left = steps
    try:
        client.run(f"{name}/out", f"{name}/in")
        is_killed = False
    except Killed:
        is_killed = True
        client.connection.close()
        client.restart()
        client.connect(broker, is_present=True)
        client.run(f"{name}/out", f"{name}/in")
    assert client.session.outgoing.messages == []

    # The end marker comes after all copies of the message.
    client.connection.send(mqtt.Publish(f"{name}/out", b"end", 0))
    arrived: list[bytes] = []
    while b"end" not in arrived:
        arrived += answered(mqtt, observer, observer.connection.receive())
    arrived.pop()
    for payloads, expected in ((arrived, b"out"), (client.accepted, b"in")):
        assert set(payloads) == {expected}
        assert len(payloads) == 1 or qos == 1
    for each in (observer, client):
        each.connection.close()
    return is_killed


def answered(mqtt: Any, observer: Client, packet: Any) -> list[bytes]:
    """Answer a packet. The result has the payload of a message."""
    outgoing, incoming = observer.session.outgoing, observer.session.incoming
    if type(packet) is mqtt.PubAck:
        assert outgoing.on_puback(packet)
    elif type(packet) is mqtt.PubRec:
        observer.send(outgoing.on_pubrec(packet))
    elif type(packet) is mqtt.PubComp:
        assert outgoing.on_pubcomp(packet)
    elif type(packet) is mqtt.PubRel:
        observer.send(incoming.on_pubrel(packet))
    else:
        assert incoming.on_publish(packet)
        if packet.qos:
            observer.send(incoming.acknowledge(packet))
        return [packet.payload]
    return []
