"""Two sessions exchange messages over a channel that loses, cuts and reconnects, and both ends restart.

While both keep their sessions, no message of QoS 1 or 2 is lost, and none of QoS 2 comes twice.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import pytest

ROUND = 2_000
"""The steps after which everything is delivered and checked."""


class End:
    """One side: a session, and an application that accepts, delays or refuses messages."""

    def __init__(self, mqtt: Any, session: Any, version: int, name: str, chance: random.Random) -> None:
        self.mqtt, self.module, self.version, self.chance = mqtt, session, version, chance
        self.role = mqtt.Role[name]
        outgoing = session.OutgoingMessages(3, 5, version=version)
        incoming = session.IncomingMessages(3, version=version, role=self.role)
        self.session = session.Session(name, 3600, outgoing=outgoing, incoming=incoming)
        self.numbers = 0
        self.published: dict[int, int] = {}  # The QoS of each message, by number.
        self.ended: set[int] = set()
        self.accepted: Counter[int] = Counter()
        self.refused: set[int] = set()

    def begin(self, receive_maximum: int, peers: int, aliases: int) -> None:
        """A new connection, on which this side and the peer announced these Receive Maximums."""
        self.session.incoming.connection_lost()
        self.session.incoming.receive_maximum = receive_maximum
        self.session.outgoing.receive_maximum = peers
        self.out = bytearray()
        self.decoder = self.mqtt.Decoder(self.version, connected=True)
        self.to_alias = self.module.TopicAliasSender(aliases)
        self.from_alias = self.module.TopicAliasReceiver(aliases, self.role)
        self.handled: list[Any] = []  # What the application has, and has not acknowledged.
        self.last = -1  # The number of the message that came last on this connection.
        self.send(self.session.outgoing.resend())
        self.send(self.session.outgoing.to_send())

    def restart(self) -> None:
        saved = self.session.to_bytes()
        self.session = self.module.Session.from_bytes(saved)
        assert self.session.to_bytes() == saved

    def send(self, packets: list[Any]) -> None:
        for packet in packets:
            if type(packet) is self.mqtt.Publish and self.version == 5:
                packet = self.to_alias.assign(packet)
            self.out += self.mqtt.encode(packet, self.version)

    def publish(self) -> None:
        qos = self.chance.choice((1, 2))
        publish = self.mqtt.Publish(self.chance.choice("abcde"), str(self.numbers).encode(), qos)
        try:
            self.session.outgoing.publish(publish)
        except self.module.QueueFullError:
            return
        self.published[self.numbers] = qos
        self.numbers += 1
        self.send(self.session.outgoing.to_send())

    def receive(self, data: bytes) -> None:
        mqtt, outgoing, incoming = self.mqtt, self.session.outgoing, self.session.incoming
        for packet in self.decoder.feed(data):
            if type(packet) is mqtt.Publish:
                packet = self.from_alias.resolve(packet)
                assert packet.topic in "abcde"
                if incoming.on_publish(packet):
                    number = int(packet.payload)
                    assert number > self.last, "messages come in the order in which they were published"
                    self.last = number
                    self.handled.append(packet)
                self.send(incoming.to_send())
            elif type(packet) is mqtt.PubRel:
                answer = incoming.on_pubrel(packet)
                self.send([answer])
            elif type(packet) is mqtt.PubRec:
                answer = outgoing.on_pubrec(packet)
                self.send([] if answer is None else [answer])
            elif type(packet) is mqtt.PubAck:
                assert outgoing.on_puback(packet), "each PUBACK answers a message"
            else:
                outgoing.on_pubcomp(packet)
            self.send(outgoing.to_send())

    def acknowledge(self, at_once: bool = False) -> None:
        """Acknowledge one message, in any order; refuse a few in 5.0."""
        if not self.handled:
            return
        packet = self.handled.pop(0 if at_once else self.chance.randrange(len(self.handled)))
        is_refused = self.version == 5 and self.chance.random() < 0.05
        answer = self.session.incoming.acknowledge(packet, 0x97 if is_refused else 0)
        if is_refused:
            self.refused.add(int(packet.payload))
        else:
            self.accepted[int(packet.payload)] += 1
        self.send([] if answer is None else [answer])
        self.send(self.session.incoming.to_send())


def run(mqtt: Any, session: Any, version: int, steps: int, seed: int, end: type[End] = End) -> Counter[str]:
    chance = random.Random(seed)
    client, server = ends = [end(mqtt, session, version, name, chance) for name in ("CLIENT", "SERVER")]
    done: Counter[str] = Counter()

    def connect() -> None:
        maximums = [chance.randint(1, 4) for _ in ends]
        aliases = chance.randint(0, 3)
        client.begin(maximums[0], maximums[1], aliases)
        server.begin(maximums[1], maximums[0], aliases)

    def move(sender: End, receiver: End, size: int) -> None:
        data = bytes(sender.out[:size])
        del sender.out[:size]
        receiver.receive(data)

    connect()
    for step in range(1, steps + 1):
        sender, receiver = chance.sample(ends, 2)
        action = chance.choices(("publish", "move", "acknowledge", "cut", "restart"), (20, 50, 25, 4, 1))[0]
        done[action] += 1
        if action == "publish":
            sender.publish()
        elif action == "move":
            move(sender, receiver, chance.randint(1, 40))
        elif action == "acknowledge":
            receiver.acknowledge()
        else:
            if action == "restart":
                sender.restart()
            connect()
        if step % ROUND == 0 or step == steps:
            finish(client, server, move)
            done["delivered"] += sum(client.accepted.values()) + sum(server.accepted.values())
            for end in ends:
                end.published.clear()
                end.accepted.clear()
                end.refused.clear()
    return done


def finish(client: End, server: End, move: Any) -> None:
    """Deliver everything, then compare what was published with what was accepted."""
    while client.out or server.out or client.handled or server.handled:
        for sender, receiver in ((client, server), (server, client)):
            move(sender, receiver, len(sender.out))
            receiver.acknowledge(at_once=True)
    for sender, receiver in ((client, server), (server, client)):
        outgoing, incoming = sender.session.outgoing, receiver.session.incoming
        assert (outgoing.messages, outgoing.in_flight, outgoing.queued, outgoing.packet_ids.in_use) == ([], 0, 0, 0)
        assert (incoming.unacknowledged, incoming._received) == (0, set())
        for number, qos in sender.published.items():
            times = receiver.accepted[number]
            assert times >= 1 or number in receiver.refused, f"message {number} of QoS {qos} is lost"
            assert times <= 1 or qos == 1, f"message {number} of QoS 2 came {times} times"
        assert set(receiver.accepted) | receiver.refused <= set(sender.published)


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("steps", [20_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_channel(mqtt: Any, session: Any, version: int, steps: int) -> None:
    seed = int(os.environ.get("MQTTCODEC_SEED") or random.randrange(1 << 32))
    print(f"MQTTCODEC_SEED={seed}")
    done = run(mqtt, session, version, steps, seed)
    assert done["delivered"] > steps / 50
    assert done["cut"] > steps / 50
    assert done["restart"] > steps / 200
