"""The clients that people use work with the broker of `examples/broker`, at QoS 0, 1 and 2."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import broker as live
import mqttcodec as mqtt
from example_broker import Broker

HBMQTT = "on Python 3.8, pip install hbmqtt==0.9.6 websockets==8.1, or tools/clients.sh"
NPM = "npm install --global mqtt, or tools/clients.sh"
MESSAGES = ["one", "two", "three"]

each_qos = pytest.mark.parametrize("qos", [0, 1, 2])
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def example() -> Iterator[Broker]:
    example = Broker()
    yield example
    assert "Traceback" not in example.stop()


@pytest.fixture
def topic() -> str:
    return f"topic/{next(_numbers)}"


@pytest.fixture
def observer(example: Broker, topic: str) -> Iterator[Any]:
    """A client that says with which QoS messages reach the broker."""
    client = example.client(mqtt, 5, f"observer-{topic}", mqtt.Subscription(topic, 2, retain_as_published=True))
    yield client
    client.close()


def check_observed(observer: Any, qos: int) -> None:
    for message in MESSAGES:
        publish = observer.receive(mqtt.Publish)
        assert (publish.payload, publish.qos) == (message.encode(), qos)


def check_commands(
    example: Broker,
    observer: Any,
    topic: str,
    qos: int,
    subscribe: tuple[object, ...],
    publish: Callable[[str], tuple[object, ...]],
) -> None:
    """A command subscribes, and prints the messages that another one publishes."""
    # A retained message shows that the command has subscribed.
    with_probe = example.client(mqtt, 5, f"probe-{topic}")
    with_probe.send(mqtt.Publish(topic, b"probe", 1, retain=True, packet_id=1))
    with_probe.receive(mqtt.PubAck)
    with_probe.close()
    assert observer.receive(mqtt.Publish).payload == b"probe"
    with live.running(*subscribe) as process:
        assert process.stdout is not None
        watch = threading.Timer(live.TIMEOUT, process.kill)
        watch.start()
        lines = (line.strip() for line in process.stdout)
        assert "probe" in lines, "it has subscribed"
        for message in MESSAGES:
            live.run(*publish(message))
            assert next(lines) == message
        watch.cancel()
    check_observed(observer, qos)


@each_qos
@pytest.mark.parametrize("version", ["mqttv31", "mqttv311", "mqttv5"])
def test_mosquitto(example: Broker, observer: Any, topic: str, qos: int, version: str) -> None:
    options = ("-h", live.LOOPBACK, "-p", example.port, "-V", version, "-q", qos, "-t", topic)
    check_commands(
        *(example, observer, topic, qos),
        ("mosquitto_sub", *options),
        lambda message: ("mosquitto_pub", *options, "-m", message),
    )


@each_qos
def test_npm_mqtt(example: Broker, observer: Any, topic: str, qos: int) -> None:
    for name in ("mqtt_sub", "mqtt_pub"):
        live.program(name, NPM)
    options = ("-h", live.LOOPBACK, "-p", example.port, "-q", qos, "-t", topic)
    check_commands(
        *(example, observer, topic, qos), ("mqtt_sub", *options), lambda message: ("mqtt_pub", *options, "-m", message)
    )


@each_qos
def test_hbmqtt(example: Broker, observer: Any, topic: str, qos: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    for name in ("hbmqtt_sub", "hbmqtt_pub"):
        live.program(name, HBMQTT)
    options = ("--url", example.url, "-t", topic, "--qos", qos)
    check_commands(
        *(example, observer, topic, qos),
        ("hbmqtt_sub", *options),
        lambda message: ("hbmqtt_pub", *options, "-m", message),
    )


@each_qos
@pytest.mark.parametrize("version", [3, 4, 5])
def test_paho(example: Broker, observer: Any, topic: str, qos: int, version: int) -> None:
    host = live.package("paho.mqtt.client", "pip install paho-mqtt")
    received: list[tuple[str, int]] = []
    done, subscribed = threading.Event(), threading.Event()

    def on_message(client: Any, userdata: Any, message: Any) -> None:
        received.append((message.payload.decode(), message.qos))
        if len(received) == len(MESSAGES):
            done.set()

    client = host.Client(host.CallbackAPIVersion.VERSION2, f"paho-{topic}"[:23], protocol=version)
    client.on_message = on_message
    client.on_connect = lambda *_: client.subscribe(topic, qos)
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect(live.LOOPBACK, example.port)
    client.loop_start()
    try:
        assert subscribed.wait(live.TIMEOUT)
        for message in MESSAGES:
            client.publish(topic, message, qos).wait_for_publish(live.TIMEOUT)
        assert done.wait(live.TIMEOUT)
    finally:
        client.disconnect()
        client.loop_stop()
    assert received == [(message, qos) for message in MESSAGES]
    check_observed(observer, qos)


@each_qos
@pytest.mark.parametrize("version", [4, 5])
def test_aiomqtt(example: Broker, observer: Any, topic: str, qos: int, version: int) -> None:
    host = live.package("aiomqtt", "pip install aiomqtt")

    async def converse() -> None:
        protocol = host.ProtocolVersion(version)
        async with host.Client(live.LOOPBACK, example.port, protocol=protocol) as client:
            await client.subscribe(topic, qos)
            for message in MESSAGES:
                await client.publish(topic, message, qos)
            for message in MESSAGES:
                received = await anext(client.messages)
                assert (received.payload, received.qos) == (message.encode(), qos)

    asyncio.run(asyncio.wait_for(converse(), live.TIMEOUT))
    check_observed(observer, qos)


@each_qos
@pytest.mark.parametrize("version", [4, 5])
def test_gmqtt(example: Broker, observer: Any, topic: str, qos: int, version: int) -> None:
    host = live.package("gmqtt", "pip install gmqtt")

    async def converse() -> None:
        received: asyncio.Queue[tuple[bytes, int]] = asyncio.Queue()
        subscribed = asyncio.Event()
        client = host.Client(f"gmqtt-{topic}")

        def on_message(client: Any, topic: str, payload: bytes, qos: int, properties: Any) -> int:
            received.put_nowait((payload, qos))
            return 0

        client.on_message = on_message
        client.on_subscribe = lambda *_: subscribed.set()
        await client.connect(live.LOOPBACK, example.port, version=version)
        client.subscribe(topic, qos)
        await subscribed.wait()
        for message in MESSAGES:
            client.publish(topic, message, qos)
            assert await received.get() == (message.encode(), qos)
        await client.disconnect()

    asyncio.run(asyncio.wait_for(converse(), live.TIMEOUT))
    check_observed(observer, qos)


def test_commands_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a client is missing, its test is skipped with the command that installs it, or fails."""
    monkeypatch.setenv("PATH", os.devnull)
    for value, outcome in (("", pytest.skip.Exception), ("require", pytest.fail.Exception)):
        monkeypatch.setenv("MQTTCODEC_PROGRAMS", value)
        with pytest.raises(outcome, match=re.escape("hbmqtt==0.9.6")):
            live.program("hbmqtt_sub", HBMQTT)
