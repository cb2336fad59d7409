"""A `Connection` and a live Mosquitto: sockets that break in the middle of handshakes, and sessions that go on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

import broker as live

MESSAGES = 20


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Broker]:
    broker = live.Broker(tmp_path_factory.mktemp("broker"), "allow_anonymous true")
    yield broker
    broker.stop()


class Client:
    """A blocking client, which subscribes to its own messages."""

    def __init__(self, mqtt: Any, session: Any, version: int) -> None:
        self.mqtt, self.module, self.version = mqtt, session, version
        self.arrived: Counter[bytes] = Counter()
        self.session: Any = None
        self.connection: Any = None

    def connect(self, broker: live.Broker, client_id: str, **fields: Any) -> None:
        mqtt = self.mqtt
        if self.version == 5:
            fields["session_expiry_interval"] = 3600
        self.connection = self.module.Connection(mqtt.Role.CLIENT, session=self.session, topic_alias_maximum=5)
        self.session = self.connection.session
        self.socket = broker.connected_socket()
        self.connection.send(mqtt.Connect(client_id, protocol_version=self.version, **fields))
        assert type(self.until(lambda packet: type(packet) is mqtt.ConnAck)) is mqtt.ConnAck

    def until(self, is_last: Any, reads: int = 1_000) -> Any:
        """Exchange packets until one is the last, or for so many small reads."""
        for _ in range(reads):
            self.socket.sendall(self.connection.take())
            for packet in self.connection.receive(self.socket.recv(64), 0.0):
                if type(packet) is self.mqtt.Publish:
                    self.arrived[packet.payload] += 1
                if is_last(packet):
                    return packet
        return None

    def lose(self) -> None:
        self.socket.close()
        self.connection.connection_lost()


@pytest.mark.parametrize("version", [3, 4, 5])
def test_lost_sockets(mqtt: Any, session: Any, broker: live.Broker, version: int) -> None:
    """At QoS 1 nothing is lost, and at QoS 2 nothing comes twice, although each connection breaks after some reads."""
    client = Client(mqtt, session, version)
    name = f"lost{version}{mqtt.BACKEND}"
    client.connect(broker, name, clean_start=False)
    client.connection.subscribe(mqtt.Subscription(f"{name}/#", 2))
    assert client.until(lambda packet: type(packet) is mqtt.SubAck)
    for number in range(MESSAGES):
        client.connection.publish(f"{name}/{number % 3}", b"%d" % number, 1 + number % 2)
    client.connection.publish(f"{name}/end", b"end", 2)
    for reads in range(1, 10):
        if client.until(lambda packet: b"end" in client.arrived, reads):
            break
        client.lose()
        client.connect(broker, name, clean_start=False)
    else:
        client.until(lambda packet: b"end" in client.arrived)
    assert set(client.arrived) == {b"end", *(b"%d" % number for number in range(MESSAGES))}
    assert all(client.arrived[b"%d" % number] == 1 for number in range(1, MESSAGES, 2)), "QoS 2 comes once"
    client.connection.close()
    client.socket.sendall(client.connection.take())
    while client.socket.recv(4096):
        pass
    client.lose()


def test_ping(mqtt: Any, session: Any, broker: live.Broker) -> None:
    client = Client(mqtt, session, 5)
    client.connect(broker, f"ping{mqtt.BACKEND}", keep_alive=60)
    assert client.connection.timeout(0.0) == 60.0
    client.connection.tick(60.0)
    client.socket.sendall(client.connection.take())
    assert list(client.connection.receive(client.socket.recv(4096), 60.1)) == []
    assert client.connection.timeout(60.1) == pytest.approx(59.9)
    client.lose()
