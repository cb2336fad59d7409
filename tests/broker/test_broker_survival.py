"""The broker of `examples/broker` survives clients that break the protocol, stop, read slowly, or vanish."""

from __future__ import annotations

import asyncio
import gc
import itertools
import os
import random
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import broker as live
from example_broker import ROOT, Broker, shut_down
from octets import framed as pk
from octets import string as s
from octets import variable_integer as vbi
from sessions import ORDERS, conversation
from vectors import ADVERSARIAL

MAX_PACKET_SIZE = 1 << 20
ROWS = [row for row in ADVERSARIAL if row["expect"] != "encode-error"]
# What the broker answers, where this differs from what a decoder says: the packet is too large (0x95), it is not one
# that this client may send now (0x82), or there is nothing wrong with it (0).
ANSWERS = {"A01": 0x95, "A02": 0x95, "A03": 0x95, "A05": 0x95, "A21": 0x82, "A29": 0x82, "A04": 0}
# Orders in which the broker is never, because it answers at once and has all features.
LIVE_ORDERS = [
    order
    for order in ORDERS
    if order["sender"] == "client"
    and not {"connack", "then", "connect"} & set(order)
    and order["state"] != "connecting"
]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def example(mqtt: Any) -> Iterator[Broker]:
    example = Broker("--max-packet-size", MAX_PACKET_SIZE, "--close-timeout", 1, backend=mqtt.BACKEND)
    yield example
    assert "Traceback" not in example.stop()


@pytest.fixture(scope="module")
def witness(mqtt: Any, example: Broker) -> Any:
    """A client that is connected all the time."""
    return example.client(mqtt, 5, "witness", mqtt.Subscription("witness"))


@pytest.fixture(autouse=True)
def check_witness(mqtt: Any, request: pytest.FixtureRequest) -> Iterator[None]:
    yield
    if "witness" in request.fixturenames:
        witness, payload = request.getfixturevalue("witness"), f"{next(_numbers)}".encode()
        witness.send(mqtt.Publish("witness", payload))
        assert witness.receive().payload == payload, "nothing else has arrived"


def check_refused(mqtt: Any, client: Any, version: int, reason_code: int, *, is_connected: bool) -> None:
    """The broker says why, in 5.0, and ends the connection."""
    answer = b""
    if version == 5:
        answer = mqtt.encode(mqtt.Disconnect(reason_code) if is_connected else mqtt.ConnAck(reason_code=reason_code))
    assert shut_down(client) == answer


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_adversarial(mqtt: Any, example: Broker, witness: Any, row: dict[str, Any]) -> None:
    data = bytes.fromhex(row["hex"]) if "hex" in row else eval(row["gen"], {"pk": pk, "s": s, "vbi": vbi})
    version = row["version"]
    is_connected = data[0] >> 4 != 1 and row["id"] not in ("A37", "A38")
    client = example.client(mqtt, version, "attacker") if is_connected else example.new_client(mqtt, version)
    reason_code = ANSWERS.get(row["id"], row.get("reason_code", 0))
    is_complete = row["id"] != "A04"
    with live.background(send_all, client.socket, data + mqtt.encode(mqtt.PingReq()) * is_complete):
        if reason_code:
            check_refused(mqtt, client, version, reason_code, is_connected=is_connected)
        elif is_complete:
            if row["id"] == "A06":  # Many packets, for which `client` is slow.
                while data := data[len(client.socket.recv(min(len(data), 65_536))) :]:
                    pass
            client.receive(mqtt.PingResp)
            if row["id"] == "A18":
                assert client.receive(mqtt.SubAck).reason_codes == (0x80,), "too many levels"
    client.close()


def send_all(connected: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # The broker may refuse the first bytes, and the connection is then closed.
        connected.sendall(data)


@pytest.mark.parametrize("order", LIVE_ORDERS, ids=lambda order: order["id"])
def test_wrong_order(mqtt: Any, example: Broker, witness: Any, order: dict[str, Any]) -> None:
    client = example.new_client(mqtt, order["version"])
    for sender, fields in conversation(order):
        if sender == "client":
            client.send(mqtt.from_dict(fields))
        else:
            client.receive(mqtt.ConnAck)
    client.send(mqtt.from_dict(order["packet"] | ({"topic_alias": 101} if "alias" in order["id"] else {})))
    # Before CONNECT the broker does not know the version, so that it cannot answer.
    assert shut_down(client) == (bytes.fromhex(order["answer"]) if order["state"] == "connected" else b"")


def test_receive_maximum(mqtt: Any, example: Broker, witness: Any) -> None:
    client = example.client(mqtt, 5, "attacker")
    maximum = client.connack.receive_maximum
    client.send(*(mqtt.Publish("a", qos=2, packet_id=number) for number in range(1, maximum + 2)))
    for number in range(1, maximum + 1):
        assert client.receive().packet_id == number
    assert client.receive().reason_code == 0x93
    client.receive_end()


def test_authentication_method(mqtt: Any, example: Broker, witness: Any) -> None:
    client = example.new_client(mqtt, 5)
    client.send(mqtt.Connect("attacker", authentication_method="m"))
    check_refused(mqtt, client, 5, 0x8C, is_connected=False)


def test_small_packets_only(mqtt: Any, example: Broker, witness: Any) -> None:
    """A client that accepts no CONNACK leaves nothing behind."""
    for _ in range(2):
        client = example.new_client(mqtt, 5)
        client.send(mqtt.Connect("", maximum_packet_size=4))
        assert shut_down(client) == b""


@pytest.mark.parametrize("version", [3, 4, 5])
def test_keep_alive(mqtt: Any, example: Broker, witness: Any, version: int) -> None:
    client = example.client(mqtt, version, "silent", keep_alive=1)
    check_refused(mqtt, client, version, 0x8D, is_connected=True)


def test_limits(mqtt: Any) -> None:
    limits = {"connections": 3, "sessions": 2, "subscriptions": 1, "retained": 1, "packet-size": 1000}
    example = Broker(*(f"--max-{name}={limit}" for name, limit in limits.items()), "--connect-timeout=0.3")
    first = example.client(mqtt, 5, "first", mqtt.Subscription("a"))
    second = example.client(mqtt, 5, "second")
    third = example.new_client(mqtt, 5)
    fourth = example.new_client(mqtt, 5)
    assert shut_down(fourth) == b"", "too many connections"
    third.send(mqtt.Connect("third"))
    check_refused(mqtt, third, 5, 0x97, is_connected=False)
    first.send(mqtt.Subscribe(2, [mqtt.Subscription("b"), mqtt.Subscription("a", 1)]))
    assert first.receive().reason_codes == (0x97, 1)
    for number, (topic, reason_code) in enumerate((("a", 0), ("b", 0x97), ("a", 0)), 1):
        second.send(mqtt.Publish(topic, b"1", 1, retain=True, packet_id=number))
        assert second.receive().reason_code == reason_code
    silent = example.new_client(mqtt, 5)
    assert shut_down(silent) == b"", "no CONNECT in time"
    assert "Traceback" not in example.stop()


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [0, 1])
def test_slow_reader(mqtt: Any, version: int, qos: int) -> None:
    """A subscriber that does not read costs no more than its bound, and gets messages again when it reads."""
    example = Broker("--max-unsent-bytes", 1 << 17, "--max-queued", 100)
    slow = example.client(mqtt, version, "slow", mqtt.Subscription("a", qos), keep_alive=0)
    publisher = example.client(mqtt, version, "publisher")
    payload = bytes(60_000)

    def publish(count: int) -> None:
        for number in range(count):
            publisher.send(mqtt.Publish("a", payload, qos, packet_id=number % 100 + 1 if qos else None))
            if qos:
                publisher.receive(mqtt.PubAck)
        publisher.send(mqtt.PingReq())
        publisher.receive(mqtt.PingResp)

    publish(300)
    before = memory(example)
    publish(1_500)  # 90 MB.
    if sys.implementation.name != "pypy":
        assert memory(example) - before < 8 << 20
    if qos == 0:
        with live.background(drain, slow.socket, b"end"):
            while slow.socket.fileno() != -1:
                publisher.send(mqtt.Publish("a", b"end"))
                publisher.send(mqtt.PingReq())
                publisher.receive(mqtt.PingResp)
    else:
        for _ in range(200):  # Those in flight, and those in the queue.
            slow.send(mqtt.PubAck(slow.receive(mqtt.Publish).packet_id))
        publisher.send(mqtt.Publish("a", b"end", 1, packet_id=1))
        assert slow.receive(mqtt.Publish).payload == b"end"
    assert "Traceback" not in example.stop()


def drain(connected: socket.socket, last: bytes) -> None:
    """Read until the last message arrives, and close the socket."""
    received = b""
    while last not in received:
        received = received[-len(last) :] + connected.recv(65_536)
    connected.close()


def memory(example: Broker) -> int:
    if not Path("/proc").is_dir():
        pytest.skip("memory is read from /proc")
    pages = Path(f"/proc/{example.process.pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGESIZE")


# --- Clients that are killed and restarted.


class Killed(Exception):
    pass


class Restarting:
    """A client that loses its connection after a random number of packets, and goes on with its session."""

    def __init__(self, mqtt: Any, session: Any, example: Broker, client_id: str, version: int, seed: int) -> None:
        self.mqtt, self.session_module, self.example = mqtt, session, example
        self.client_id, self.version = client_id, version
        self.session: Any = None
        self.random = random.Random(seed)
        self.received: list[bytes] = []
        self.kills = 0
        self.connection: Any = None

    def connect(self) -> None:
        mqtt = self.mqtt
        fields = {"session_expiry_interval": 3600} if self.version == 5 else {}
        self.connection = self.session_module.Connection(mqtt.Role.CLIENT, session=self.session)
        self.connection.send(
            mqtt.Connect(self.client_id, self.session is None, protocol_version=self.version, keep_alive=0, **fields)
            if self.version == 5
            else mqtt.Connect(self.client_id, False, protocol_version=self.version, keep_alive=0)
        )
        self.socket = self.example.connected_socket()
        self.socket.settimeout(live.TIMEOUT)
        self.left = None
        self.step(mqtt.ConnAck)
        self.session = self.connection.session
        self.left = self.random.randrange(20)

    def kill(self) -> None:
        self.kills += 1
        self.connection.connection_lost()
        self.socket.close()
        self.session = self.session_module.Session.from_bytes(self.session.to_bytes())
        self.connect()

    def step(self, until: Any = None) -> None:
        """Send what is due, and receive something: a packet of the class `until`, if that is given."""
        self.socket.sendall(self.connection.take())
        self.socket.settimeout(live.TIMEOUT if until else 0.01)
        while True:
            try:
                data = self.socket.recv(1_000)
            except TimeoutError:
                assert until is None
                return
            assert data, "the broker has closed the connection"
            try:
                found = [type(packet) for packet in self.packets(data)]
            except Killed:
                self.kill()
                return
            self.socket.sendall(self.connection.take())
            if until is None or until in found:
                return

    def packets(self, data: bytes) -> Iterator[Any]:
        for packet in self.connection.receive(data, 0.0):
            if isinstance(packet, self.mqtt.Publish):
                self.connection.acknowledge(packet)
                self.received.append(packet.payload)
            yield packet
            if self.left is not None:
                self.left -= 1
                if self.left < 0:
                    raise Killed


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("qos", [1, 2])
def test_killed_clients_lose_nothing(mqtt: Any, session: Any, version: int, qos: int) -> None:
    example = Broker("--max-inflight", 10, backend=mqtt.BACKEND)
    subscriber = Restarting(mqtt, session, example, f"subscriber{version}{qos}", version, 1)
    publisher = Restarting(mqtt, session, example, f"publisher{version}{qos}", version, 2)
    for client in (subscriber, publisher):
        client.connect()
    subscriber.left = None
    subscriber.connection.subscribe(mqtt.Subscription("a", qos))
    subscriber.step(mqtt.SubAck)
    subscriber.left = 5
    messages = [str(number).encode() for number in range(200)]
    for start in range(0, len(messages), 20):
        for message in messages[start : start + 20]:
            publisher.connection.publish("a", message, qos)
        publisher.step()
        subscriber.step()
    while publisher.session.outgoing.packet_ids.in_use:
        publisher.step()
    while messages[-1] not in subscriber.received:
        subscriber.step()
    assert publisher.kills > 3
    assert subscriber.kills > 3
    for client in (subscriber, publisher):
        client.socket.close()
    if qos == 2:
        assert subscriber.received == messages
    else:
        assert list(dict.fromkeys(subscriber.received)) == messages
    assert "Traceback" not in example.stop()


# --- Nothing is left behind.


@pytest.fixture
def example_package(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(ROOT)
    from examples.broker import broker, protocol, settings

    return broker, protocol, settings


def open_sockets() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 0


def test_nothing_is_left(mqtt: Any, example_package: Any) -> None:
    """1,000 connections that are opened and dropped, in several ways, leave no object, task, timer or socket."""
    if sys.platform in ("win32", "emscripten"):
        pytest.skip("the broker needs sockets and signal handlers")
    broker_module, protocol_module, settings_module = example_package
    classes = (broker_module.Client, protocol_module.BrokerProtocol, protocol_module.Connection)
    encode = mqtt.encode
    connects = [encode(mqtt.Connect("", protocol_version=version)) for version in (4, 5)]
    will = encode(mqtt.Connect("with-will", will=mqtt.Will("a", b"w", 1, will_delay_interval=60)))
    subscribe = encode(mqtt.Subscribe(1, [mqtt.Subscription("a/+/#", 1), mqtt.Subscription("$share/g/a", 2)]))
    publish = encode(mqtt.Publish("a", b"1", 1, packet_id=1))
    openings = [b"", connects[0], connects[1], connects[1][:5], will, connects[1] + subscribe + publish, b"\xff\xff"]

    async def run() -> Any:
        loop = asyncio.get_running_loop()
        broker = broker_module.Broker(settings_module.Settings(close_timeout=0.5))
        server = await loop.create_server(lambda: protocol_module.BrokerProtocol(broker), live.LOOPBACK, 0)
        port = server.sockets[0].getsockname()[1]
        gc.collect()
        before = [count(each) for each in classes], open_sockets(), len(asyncio.all_tasks())
        for number in range(1_000):
            with socket.create_connection((live.LOOPBACK, port), live.TIMEOUT) as connected:
                connected.sendall(openings[number % len(openings)])
                if number % 3 == 0:
                    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # Reset it.
                if number % 2 == 0:
                    await asyncio.sleep(0)
        for _ in range(1_000):
            if not broker.protocols:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert not broker.protocols
        assert not broker.clients
        assert not broker.subscriptions
        assert broker.stored_bytes == 0
        for _ in range(3):
            gc.collect()
        assert ([count(each) for each in classes], open_sockets(), len(asyncio.all_tasks())) == before
        assert not [handle for handle in loop._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]
        server.close()
        await server.wait_closed()

    asyncio.run(run())


def count(each: type) -> int:
    return sum(isinstance(found, each) for found in gc.get_objects())
