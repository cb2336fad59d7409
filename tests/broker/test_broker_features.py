"""What the broker of `examples/broker` does with sessions, subscriptions, retained messages, wills, users and TLS."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import broker as live
import example_broker
from example_broker import Broker, shut_down

VERSIONS = [3, 4, 5]
_numbers = itertools.count(1)

each_version = pytest.mark.parametrize("version", VERSIONS)


@pytest.fixture(scope="module")
def example(mqtt: Any) -> Iterator[Broker]:
    example = Broker("--max-queued", 5, backend=mqtt.BACKEND)
    yield example
    assert "Traceback" not in example.stop()


@pytest.fixture
def name() -> str:
    """A topic, and a prefix of client identifiers."""
    return f"name{next(_numbers)}"


def publish(mqtt: Any, example: Broker, *messages: Any, client_id: str = "publisher") -> None:
    """Publish messages of QoS 1, each when the one before is acknowledged."""
    client = example.client(mqtt, 5, client_id)
    for message in messages:
        client.send(message.replace(qos=1, packet_id=1) if message.qos == 0 else message.replace(packet_id=1))
        client.receive(mqtt.PubAck if message.qos < 2 else mqtt.PubRec)
    client.send(mqtt.Disconnect())
    client.receive_end()


def payloads(mqtt: Any, client: Any) -> list[bytes]:
    """The messages that have been sent to a client, which acknowledges none."""
    client.send(mqtt.PingReq())
    found = []
    while not isinstance(packet := client.receive(), mqtt.PingResp):
        found.append(packet.payload)
    return found


def lasting(version: int) -> dict[str, Any]:
    """The fields of a CONNECT that continues a session."""
    return {"clean_start": False} | ({"session_expiry_interval": 60} if version == 5 else {})


@each_version
def test_offline_queue(mqtt: Any, example: Broker, name: str, version: int) -> None:
    client = example.client(mqtt, version, name, mqtt.Subscription(name, 1), **lasting(version))
    assert not client.connack.session_present
    client.close()
    publish(mqtt, example, *(mqtt.Publish(name, str(number).encode()) for number in range(10)))
    client = example.client(mqtt, version, name, **lasting(version))
    assert client.connack.session_present is (version > 3)
    assert payloads(mqtt, client) == [b"0", b"1", b"2", b"3", b"4"], "five were kept"


@each_version
def test_take_over(mqtt: Any, example: Broker, name: str, version: int) -> None:
    old = example.client(mqtt, version, name, mqtt.Subscription(name, 1), **lasting(version))
    new = example.client(mqtt, version, name, **lasting(version))
    assert new.connack.session_present is (version > 3)
    assert shut_down(old) == (mqtt.encode(mqtt.Disconnect(0x8E)) if version == 5 else b"")
    publish(mqtt, example, mqtt.Publish(name, b"1"))
    assert new.receive(mqtt.Publish).payload == b"1"


def test_assigned_identifier(mqtt: Any, example: Broker) -> None:
    identifiers = {example.client(mqtt, 5, "").connack.assigned_client_identifier for _ in range(3)}
    assert len(identifiers) == 3
    assert all(identifiers)


@each_version
def test_retained(mqtt: Any, example: Broker, name: str, version: int) -> None:
    publish(
        *(mqtt, example),
        mqtt.Publish(f"{name}/a", b"a", retain=True),
        mqtt.Publish(f"{name}/b", b"b", retain=True),
        mqtt.Publish(f"{name}/c", b"c", retain=True),
        mqtt.Publish(f"{name}/c", b"", retain=True),
    )
    client = example.client(mqtt, version, name, mqtt.Subscription(f"{name}/#"))
    found = {client.receive(mqtt.Publish) for _ in range(2)}
    assert {(packet.topic, packet.payload, packet.retain) for packet in found} == {
        (f"{name}/a", b"a", True),
        (f"{name}/b", b"b", True),
    }
    assert payloads(mqtt, client) == []


def test_retain_handling(mqtt: Any, example: Broker, name: str) -> None:
    publish(mqtt, example, mqtt.Publish(name, b"a", retain=True))
    for handling, expected in ((0, [1, 1]), (1, [1, 0]), (2, [0, 0])):
        subscription = mqtt.Subscription(name, retain_handling=handling)
        client = example.client(mqtt, 5, f"{name}-{handling}", subscription)
        counts = [len(payloads(mqtt, client))]
        client.send(mqtt.Subscribe(2, [subscription]))
        client.receive(mqtt.SubAck)
        counts.append(len(payloads(mqtt, client)))
        assert counts == expected


def test_subscription_options(mqtt: Any, example: Broker, name: str) -> None:
    options = [mqtt.Subscription(name, no_local=True), mqtt.Subscription(f"{name}/+", 1, retain_as_published=True)]
    client = example.client(mqtt, 5, name, *options)
    client.send(mqtt.Publish(name, b"own"), mqtt.Publish(f"{name}/a", b"retained", retain=True))
    packet = client.receive(mqtt.Publish)
    assert (packet.payload, packet.retain, packet.qos) == (b"retained", True, 0)
    publish(mqtt, example, mqtt.Publish(name, b"other", retain=True))
    packet = client.receive(mqtt.Publish)
    assert (packet.payload, packet.retain, packet.qos) == (b"other", False, 0)
    client.send(mqtt.Unsubscribe(3, [name, "unknown"]))
    assert client.receive(mqtt.UnsubAck).reason_codes == (0, 0x11)
    publish(mqtt, example, mqtt.Publish(name, b"other"))
    assert payloads(mqtt, client) == []


@each_version
def test_overlapping_subscriptions(mqtt: Any, example: Broker, name: str, version: int) -> None:
    """A client gets one copy, with the greatest QoS, and in 5.0 with all identifiers."""
    client = example.client(mqtt, version, name)
    for number, (topic_filter, qos) in enumerate(((f"{name}/#", 0), (f"{name}/+", 2), (f"{name}/a", 1)), 1):
        fields = {"subscription_identifier": number} if version == 5 else {}
        client.send(mqtt.Subscribe(number, [mqtt.Subscription(topic_filter, qos)], **fields))
        client.receive(mqtt.SubAck)
    properties = {"content_type": "text", "user_properties": [("a", "b")]}
    publish(mqtt, example, mqtt.Publish(f"{name}/a", b"1", 2, **properties))
    packet = client.receive(mqtt.Publish)
    assert packet.qos == 2
    if version == 5:
        assert sorted(packet.subscription_identifiers) == [1, 2, 3]
        assert (packet.content_type, packet.user_properties) == ("text", (("a", "b"),))
    assert payloads(mqtt, client) == []


def test_shared_subscription(mqtt: Any, example: Broker, name: str) -> None:
    members = [example.client(mqtt, 5, f"{name}-{n}", mqtt.Subscription(f"$share/g/{name}", 1)) for n in range(3)]
    away = example.client(mqtt, 5, f"{name}-a", mqtt.Subscription(f"$share/g/{name}", 1), session_expiry_interval=60)
    away.send(mqtt.Disconnect())
    away.receive_end()
    publish(mqtt, example, *(mqtt.Publish(name, str(number).encode()) for number in range(9)))
    received = [payloads(mqtt, member) for member in members]
    assert sorted(itertools.chain(*received)) == [str(number).encode() for number in range(9)]
    assert [len(each) for each in received] == [3, 3, 3]


def test_topic_aliases(mqtt: Any, example: Broker, name: str) -> None:
    client = example.client(mqtt, 5, name, mqtt.Subscription(name), topic_alias_maximum=5)
    client.send(mqtt.Publish(name, b"1", topic_alias=7), *[mqtt.Publish("", b"2", topic_alias=7)] * 2)
    packets = [client.receive(mqtt.Publish) for _ in range(3)]
    assert [(packet.topic, packet.topic_alias) for packet in packets] == [(name, 1), ("", 1), ("", 1)]


def test_receive_maximum_of_client(mqtt: Any, example: Broker, name: str) -> None:
    client = example.client(mqtt, 5, name, mqtt.Subscription(name, 2), receive_maximum=2)
    publish(mqtt, example, *(mqtt.Publish(name, str(number).encode(), 1) for number in range(4)))
    first, second = client.receive(mqtt.Publish), client.receive(mqtt.Publish)
    assert payloads(mqtt, client) == []
    client.send(mqtt.PubAck(first.packet_id), mqtt.PubAck(second.packet_id))
    assert [client.receive(mqtt.Publish).payload for _ in range(2)] == [b"2", b"3"]


def test_disconnect_keeps_the_queue(mqtt: Any, example: Broker, name: str) -> None:
    fields = {"session_expiry_interval": 60, "receive_maximum": 1}
    client = example.client(mqtt, 5, name, mqtt.Subscription(name, 1), **fields)
    publish(mqtt, example, *(mqtt.Publish(name, str(number).encode()) for number in range(4)))
    packet = client.receive(mqtt.Publish)
    client.send(mqtt.PubAck(packet.packet_id), mqtt.Disconnect())
    shut_down(client)
    client = example.client(mqtt, 5, name, clean_start=False, **fields | {"receive_maximum": 10})
    assert payloads(mqtt, client) == [b"1", b"2", b"3"]


def test_maximum_packet_size_of_client(mqtt: Any, example: Broker, name: str) -> None:
    client = example.client(mqtt, 5, name, mqtt.Subscription(name, 1), maximum_packet_size=100)
    publish(mqtt, example, mqtt.Publish(name, bytes(100)), mqtt.Publish(name, b"small"))
    assert payloads(mqtt, client) == [b"small"]


@pytest.mark.parametrize(
    ("version", "way"),
    [*itertools.product(VERSIONS, ["lost", "disconnect", "error"]), (5, "disconnect with will")],
)
def test_will(mqtt: Any, example: Broker, name: str, version: int, way: str) -> None:
    watcher = example.client(mqtt, 5, f"{name}-watcher", mqtt.Subscription(name, 2))
    client = example.client(mqtt, version, name, will=mqtt.Will(name, b"will", 1, True))
    if way == "disconnect":
        client.send(mqtt.Disconnect())
    elif way == "disconnect with will":
        client.send(mqtt.Disconnect(4))
    elif way == "error":
        client.send(mqtt.Connect(name, protocol_version=version))
    if way != "lost":
        shut_down(client)
    client.close()
    if way == "disconnect":
        assert payloads(mqtt, watcher) == []
        return
    packet = watcher.receive(mqtt.Publish)
    assert (packet.payload, packet.qos) == (b"will", 1)
    late = example.client(mqtt, 5, f"{name}-late", mqtt.Subscription(name))
    assert late.receive(mqtt.Publish).retain is True


# --- Users and TLS.


def test_users(mqtt: Any, tmp_path: Path) -> None:
    path = tmp_path / "passwords"
    for user, password in (("ann", "secret: ä"), ("bob", "other"), ("bob", "changed")):
        subprocess.run(
            [*example_broker.COMMAND, "--passwords", path, "--add-user", user],
            input=password + "\n",
            cwd=example_broker.ROOT,
            encoding="utf-8",
            check=True,
            capture_output=True,
            start_new_session=True,  # Without a terminal, the password comes from standard input.
        )
    alone = subprocess.run([*example_broker.COMMAND, "--add-user", "ann"], cwd=example_broker.ROOT, capture_output=True)
    assert (alone.returncode, b"--passwords" in alone.stderr) == (2, True)
    assert "secret" not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    example = Broker("--passwords", path, backend=mqtt.BACKEND)
    for user, password in (("ann", "secret: ä"), ("bob", "changed")):
        client = example.client(mqtt, 4, "c", username=user, password=password.encode())
        assert payloads(mqtt, client) == []
    for version, answer in ((5, "20 03 00 86 00"), (4, "20 02 00 04"), (3, "20 02 00 04")):
        for fields in ({}, {"username": "ann"}, {"username": "bob", "password": b"other"}, {"username": "x"}):
            client = example.new_client(mqtt, version)
            client.send(mqtt.Connect("c", protocol_version=version, **fields))
            assert shut_down(client) == bytes.fromhex(answer)
    early = example.new_client(mqtt, 4)
    connect = mqtt.Connect("early", protocol_version=4, username="ann", password="secret: ä".encode())
    early.send(connect, mqtt.Subscribe(1, [mqtt.Subscription("a")]), mqtt.Publish("a", b"1"))
    assert [type(early.receive()) for _ in range(3)] == [mqtt.ConnAck, mqtt.SubAck, mqtt.Publish]
    assert "Traceback" not in example.stop()


@each_version
def test_tls(mqtt: Any, tmp_path: Path, version: int, name: str) -> None:
    certificate, key = live.certificate_and_key(tmp_path)
    both = tmp_path / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    example = Broker("--certificate", both, certificate=certificate, backend=mqtt.BACKEND)
    client = example.client(mqtt, version, name, mqtt.Subscription(name, 2))
    client.send(mqtt.Publish(name, bytes(100_000)))
    assert client.receive(mqtt.Publish).payload == bytes(100_000)
    client.send(mqtt.Disconnect())
    client.receive_end()
    refused = example.client(mqtt, 5, name)
    refused.send(mqtt.Connect(name))
    assert refused.receive(mqtt.Disconnect).reason_code == 0x82
    refused.receive_end()
    assert "Traceback" not in example.stop()
