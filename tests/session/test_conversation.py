"""Two connections talk over a channel that cuts, as in `test_channel`; and a peer that sends anything."""

from __future__ import annotations

import contextlib
import os
import random
from typing import Any

import pytest
import test_channel


class End(test_channel.End):
    """One side, with a `Connection`."""

    connection: Any = None

    def begin(self, receive_maximum: int, peers: int, aliases: int) -> None:
        mqtt = self.mqtt
        if self.connection is not None:
            self.connection.connection_lost()
        self.out = bytearray()
        self.handled: list[Any] = []
        self.last = -1
        is_client = self.role is mqtt.Role.CLIENT
        self.connection = self.module.Connection(
            self.role,
            session=self.session if is_client else None,
            receive_maximum=receive_maximum,
            max_inflight=3,
            topic_alias_maximum=aliases,
            manual_acks=self.chance.random() < 0.5,
        )
        if is_client:
            expiry = {"session_expiry_interval": 3600} if self.version == 5 else {}
            self.connection.send(mqtt.Connect("CLIENT", False, protocol_version=self.version, **expiry))
            self.collect()

    def collect(self) -> None:
        self.out += self.connection.take()

    def publish(self) -> None:
        qos = self.chance.choice((1, 2))
        try:
            self.connection.publish(self.chance.choice("abcde"), str(self.numbers).encode(), qos)
        except self.module.LocalProtocolError:  # The queue is full, or a server has no client yet.
            return
        self.published[self.numbers] = qos
        self.numbers += 1
        self.collect()

    def receive(self, data: bytes) -> None:
        mqtt = self.mqtt
        packets = self.connection.receive(data, 0.0)
        for packet in packets:
            if type(packet) is mqtt.Connect:
                self.connection.session = self.session
                self.connection.send(mqtt.ConnAck())
            elif type(packet) is mqtt.Publish:
                number = int(packet.payload)
                assert number > self.last, "messages come in the order in which they were published"
                self.last = number
                if self.connection._manual_acks or self.chance.random() < 0.3:
                    self.handled.append(packet)
                    if not self.connection._manual_acks:  # A handler takes longer: leave the loop.
                        packets = self.connection.receive(b"", 0.0)
                        break
                else:
                    self.accepted[number] += 1
        else:
            self.collect()
            return
        self.receive(b"")

    def acknowledge(self, at_once: bool = False) -> None:
        if not self.handled:
            return
        packet = self.handled.pop(0 if at_once else self.chance.randrange(len(self.handled)))
        is_refused = self.version == 5 and self.chance.random() < 0.05
        self.connection.acknowledge(packet, 0x97 if is_refused else 0)
        if is_refused:
            self.refused.add(int(packet.payload))
        else:
            self.accepted[int(packet.payload)] += 1
        self.collect()


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("steps", [4_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_conversation(mqtt: Any, session: Any, version: int, steps: int) -> None:
    seed = int(os.environ.get("MQTTCODEC_SEED") or random.randrange(1 << 32))
    print(f"MQTTCODEC_SEED={seed}")
    done = test_channel.run(mqtt, session, version, steps, seed, End)
    assert done["delivered"] > steps / 50
    assert done["cut"] > steps / 50


def packets_of(mqtt: Any, role: str, version: int) -> list[Any]:
    """Packets of a peer, with identifiers and topics from few."""
    packets = [
        *(mqtt.Publish("a", b"1", qos, packet_id=number) for qos in (1, 2) for number in (1, 2, 3)),
        mqtt.Publish("a", b"0"),
        *(kind(number) for kind in (mqtt.PubAck, mqtt.PubRec, mqtt.PubRel, mqtt.PubComp) for number in (1, 2, 3)),
    ]
    if version == 5:
        packets += [mqtt.Publish("a", topic_alias=1), mqtt.Publish("", topic_alias=1), mqtt.PubRec(1, 0x80)]
    if role == "CLIENT":  # It receives what a server sends.
        codes = [0] if version == 5 else []
        packets += [mqtt.PingResp(), mqtt.SubAck(1, [0]), mqtt.UnsubAck(1, codes)]
    else:
        packets += [mqtt.PingReq(), mqtt.Subscribe(1, [mqtt.Subscription("a")]), mqtt.Unsubscribe(2, ["a"])]
    return packets


@pytest.mark.parametrize("role", ["CLIENT", "SERVER"])
@pytest.mark.parametrize("version", [3, 4, 5])
def test_any_packets(mqtt: Any, session: Any, role: str, version: int) -> None:
    """Whatever the peer sends, and whatever the application does: documented errors, and what is kept is bounded."""
    chance = random.Random(f"{role}{version}")
    packets = packets_of(mqtt, role, version)
    connect = mqtt.Connect("c", protocol_version=version)
    ends = 0
    for _ in range(150):
        connection = session.Connection(mqtt.Role[role], receive_maximum=2, topic_alias_maximum=1, max_queued=2)
        if role == "CLIENT":
            connection.send(connect)
            list(connection.receive(mqtt.encode(mqtt.ConnAck(), version), 0.0))
        else:
            list(connection.receive(mqtt.encode(connect, version), 0.0))
            connection.send(mqtt.ConnAck())
        connection.take()
        held: list[Any] = []
        for _ in range(60):
            data = mqtt.encode_many(chance.choices(packets, k=chance.randint(1, 4)), version)
            try:
                for packet in connection.receive(data, 0.0):
                    if type(packet) is mqtt.Publish and chance.random() < 0.3:
                        held.append(packet)
                        break
            except mqtt.DecodeError as error:
                assert connection.state is session.ConnectionState.CLOSING
                assert error.reason_code in (0x82, 0x93, 0x94)
                ends += 1
                break
            for call in (
                lambda: connection.publish("a", b"", chance.randint(0, 2)),
                lambda: connection.acknowledge(held.pop() if held else packets[0]),
                lambda: connection.subscribe(mqtt.Subscription("a")),
            ):
                if chance.random() < 0.2:
                    with contextlib.suppress(session.LocalProtocolError):
                        call()
            assert len(connection._unacknowledged) <= (2 if version == 5 else 6)
            assert len(connection.session.incoming._received) <= 6
            other = mqtt.Role.SERVER if role == "CLIENT" else mqtt.Role.CLIENT
            sent = mqtt.Decoder(version, role=other, connected=True)
            list(sent.feed(connection.take()))  # Raises if the peer could not decode it.
            assert sent.pending == 0
    assert ends > 20
