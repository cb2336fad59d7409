"""The adapter for gmqtt: what it reads, calls and writes, beside gmqtt alone, and with a live Mosquitto.

Most tests drive the protocol with a transport that records what is written. The bytes come from a scripted server.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

import adapters
import broker as live

LOGGER = "gmqtt.mqtt.handler"

pytestmark = pytest.mark.skipif(sys.platform == "emscripten", reason="WebAssembly has no sockets")


@pytest.fixture
def adapter(mqtt: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    return adapters.load("gmqtt", mqtt, monkeypatch)


@pytest.fixture(params=[4, 5], ids=["3.1.1", "5.0"])
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        await asyncio.wait_for(test(), 3 * live.TIMEOUT)

    asyncio.run(limited())


class Transport(asyncio.Transport):
    """Records what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


class Side:
    """A connected client on a recording transport, of the adapter or of gmqtt alone."""

    def __init__(self, client: Any, protocol_class: Any, version: int) -> None:
        from gmqtt.mqtt.connection import MQTTConnection

        self.client = client
        self.handler = client._package_handler
        self.messages: list[Any] = []
        client._connection_state.protocol_version = version
        client.on_message = lambda _, *message: self.messages.append(message)
        self.transport = Transport()
        self.protocol = protocol_class(
            connection_state=client._connection_state, id_generator=self.handler.id_generator
        )
        self.protocol.connection_made(self.transport)
        client._connection = MQTTConnection(self.transport, self.protocol, True, 60, package_handler=self.handler)

    def receive(self, data: bytes) -> None:
        """Handle received bytes at once. gmqtt alone would do so in its read loop, with the same call."""
        self.protocol._read_packet(data)

    @property
    def written(self) -> list[bytes]:
        return self.transport.written


def ours(adapter: Any, version: int, **options: Any) -> Side:
    return Side(adapter.Client("client", **options), adapter.Protocol, version)


def alone(adapter: Any, version: int) -> Side:
    return Side(adapter.gmqtt.Client("client"), adapter.MQTTProtocol, version)


# What is delivered


def messages(mqtt: Any, version: int) -> list[Any]:
    """Messages of every kind."""
    plain = [
        mqtt.Publish("a/b", b"21"),
        mqtt.Publish("a/b", b"", retain=True),
        mqtt.Publish("ä/°", bytes(range(256)), 1, packet_id=1),
        mqtt.Publish("a/b", b"21", 1, True, True, packet_id=2),
        mqtt.Publish("a/b", b"21", 2, packet_id=65_535),
        mqtt.Publish("a/b", bytes(70_000), 2, packet_id=4),
    ]
    if version == mqtt.MQTTv311:
        return plain
    properties = {
        "payload_format_indicator": 1,
        "message_expiry_interval": 3600,
        "content_type": "text/plain",
        "response_topic": "answer/à",
        "correlation_data": b"\x00\xff",
        "subscription_identifiers": (1, 268_435_455),
        "user_properties": (("unit", "°C"), ("unit", "K")),
    }
    return [
        *plain,
        mqtt.Publish("a", b"all", 1, packet_id=3, **properties),
        *(mqtt.Publish("a", name.encode(), **{name: value}) for name, value in properties.items()),
        mqtt.Publish("set/alias", b"1", topic_alias=7),
        mqtt.Publish("", b"2", topic_alias=7),
        mqtt.Publish("other/alias", b"3", 1, packet_id=9, topic_alias=8),
        mqtt.Publish("reset", b"4", topic_alias=7),
        mqtt.Publish("", b"5", 2, packet_id=10, topic_alias=7),
        mqtt.Publish("", b"6", topic_alias=8),
    ]


def as_packets(mqtt: Any, version: int, written: list[bytes]) -> list[Any]:
    return list(mqtt.Decoder(version).feed(b"".join(written)))


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO], ids=["debug", "info"])
@pytest.mark.parametrize("size", [1, 7, 1_000_000])
def test_same_messages_as_gmqtt_alone(
    mqtt: Any, adapter: Any, version: int, size: int, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(level, LOGGER)
    sent = messages(mqtt, version)
    if size == 1:
        sent = [message for message in sent if len(message.payload) < 1000]
    stream = mqtt.encode_many(sent, version)

    async def test() -> None:
        side, host = ours(adapter, version), alone(adapter, version)
        host.receive(stream)
        for start in range(0, len(stream), size):
            side.receive(stream[start : start + size])
        assert side.messages == host.messages
        assert len(side.messages) == len(sent)
        for message in side.messages:
            assert [type(value) for value in message] == [str, bytes, int, dict]
            assert {type(message[3][name]) for name in ("dup", "retain")} == {int}
        assert as_packets(mqtt, version, side.written) == as_packets(mqtt, version, host.written)

    run(test)


def test_alias_that_was_not_set(mqtt: Any, adapter: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        side, host = ours(adapter, 5), alone(adapter, 5)
        stream = mqtt.encode_many([mqtt.Publish("", b"1", 1, packet_id=1, topic_alias=1), mqtt.Publish("a", b"2")])
        for each in (side, host):
            each.receive(stream)
            assert [message[:2] for message in each.messages] == [("a", b"2")]
            assert each.written == []
        assert "no topic for topic alias 1" in caplog.text

    run(test)


def test_packets_that_gmqtt_handles(mqtt: Any, adapter: Any, version: int) -> None:
    """CONNACK, SUBACK, UNSUBACK, PINGRESP and DISCONNECT reach the callbacks as with gmqtt alone."""

    async def test() -> None:
        called = []
        for side in (ours(adapter, version), alone(adapter, version)):
            calls: list[Any] = []
            called.append(calls)
            side.client.on_connect = lambda _, *given, calls=calls: calls.append(("connect", *given))
            side.client.on_subscribe = lambda _, *given, calls=calls: calls.append(("subscribe", *given))
            side.client.on_unsubscribe = lambda _, *given, calls=calls: calls.append(("unsubscribe", *given))
            side.client.on_disconnect = lambda _, *given, calls=calls: calls.append(("disconnect", *given))
            properties = {"server_keep_alive": 30, "receive_maximum": 20} if version == mqtt.MQTTv5 else {}
            packets = [
                mqtt.ConnAck(True, 0, **properties),
                mqtt.SubAck(1, [1]),
                mqtt.UnsubAck(2, [17] if version == mqtt.MQTTv5 else []),
                mqtt.PingResp(),
            ]
            if version == mqtt.MQTTv5:
                packets += [mqtt.Disconnect(mqtt.ReasonCode.SERVER_BUSY, reason_string="busy")]
            side.client._is_active = False  # No reconnect.
            side.receive(mqtt.encode_many(packets, version))
            await asyncio.sleep(0)
        assert called[0] == called[1]
        assert [call[0] for call in called[0]][:3] == ["connect", "subscribe", "unsubscribe"]
        assert len(called[0]) == (4 if version == mqtt.MQTTv5 else 3)

    run(test)


def test_bytes_before_gmqtt_is_ready(mqtt: Any, adapter: Any, version: int) -> None:
    """They are handled before those that arrive later."""

    async def test() -> None:
        side = ours(adapter, version)
        stream = mqtt.encode(mqtt.Publish("a", b"1", 1, packet_id=1), version)
        side.protocol._connection = None
        side.protocol.data_received(stream[:5])
        side.protocol._connection = side.client._connection
        while side.protocol._stream_reader._buffer or side.protocol._decoder is None:
            await asyncio.sleep(0)
        side.protocol.data_received(stream[5:])
        assert [message[1] for message in side.messages] == [b"1"]
        assert side.written == [mqtt.encode(mqtt.PubAck(1), version)]

    run(test)


# What is written


def test_answers_of_one_read_leave_in_one_write(mqtt: Any, adapter: Any, version: int) -> None:
    packets = [
        mqtt.Publish("a", b"", 1, packet_id=1),
        mqtt.Publish("a", b"", 1, packet_id=2),
        mqtt.Publish("a", b"", 2, packet_id=3),
        mqtt.PubRel(4),
        mqtt.Publish("a", b"", 0),
        mqtt.Publish("a", b"", 1, packet_id=5),
    ]
    answers = [mqtt.PubAck(1), mqtt.PubAck(2), mqtt.PubRec(3), mqtt.PubComp(4), mqtt.PubAck(5)]

    async def test() -> None:
        side = ours(adapter, version)
        side.receive(mqtt.encode_many(packets, version))
        assert side.written == [mqtt.encode_many(answers, version)]
        side.receive(mqtt.encode(mqtt.Publish("a", b"", 0), version))
        assert len(side.written) == 1

    run(test)


def test_publishing_from_a_callback_keeps_the_order(mqtt: Any, adapter: Any, version: int) -> None:
    async def test() -> None:
        side = ours(adapter, version)
        side.client.on_message = lambda client, _, payload, *__: client.publish("echo", payload)
        stream = [mqtt.Publish("a", b"%d" % number, 1, packet_id=number) for number in (1, 2)]
        side.receive(mqtt.encode_many(stream, version))
        echoes = [mqtt.Publish("echo", b"1"), mqtt.Publish("echo", b"2")]
        expected = [mqtt.PubAck(1), echoes[0], mqtt.PubAck(2), echoes[1]]
        assert side.written == [mqtt.encode_many(expected, version)]

    run(test)


def test_disconnect_from_a_callback(mqtt: Any, adapter: Any, version: int) -> None:
    """DISCONNECT and the answers before it leave before the transport is closed."""

    async def test() -> None:
        side = ours(adapter, version)

        calls = []

        def leave(client: Any, *_: Any) -> None:
            calls.append(client)
            client._connection.send_disconnect()
            side.transport.close()

        side.client.on_message = leave
        side.receive(mqtt.encode(mqtt.Publish("a", b"", 1, packet_id=1), version))
        assert as_packets(mqtt, version, side.written) == [mqtt.PubAck(1), mqtt.Disconnect()]
        side.receive(mqtt.encode(mqtt.Publish("a", b"", 1, packet_id=2), version))
        assert len(side.written) == len(calls) == 1

    run(test)


def test_callback_that_raises(mqtt: Any, adapter: Any, version: int, caplog: pytest.LogCaptureFixture) -> None:
    """The error is logged, and the packets behind it are handled."""

    async def test() -> None:
        side = ours(adapter, version)
        payloads = []

        def callback(_: Any, topic: str, payload: bytes, *__: Any) -> None:
            payloads.append(payload)
            raise mqtt.EncodeError("from the callback")

        side.client.on_message = callback
        stream = [mqtt.Publish("a", b"%d" % number, 1, packet_id=number) for number in (1, 2)]
        side.receive(mqtt.encode_many(stream, version))
        assert payloads == [b"1", b"2"]
        assert side.written == [mqtt.encode_many([mqtt.PubAck(1), mqtt.PubAck(2)], version)]
        assert caplog.text.count("error handling package") == 2
        assert not side.transport.closed

    run(test)


def test_callback_that_is_a_coroutine(mqtt: Any, adapter: Any, version: int) -> None:
    async def test() -> None:
        side = ours(adapter, version)
        payloads: list[bytes] = []

        async def callback(_: Any, topic: str, payload: bytes, *__: Any) -> None:
            payloads.append(payload)

        side.receive(mqtt.encode(mqtt.Publish("a", b"0"), version))
        side.client.on_message = callback  # Not the kind of callback that there was before.
        side.receive(mqtt.encode(mqtt.Publish("a", b"1", 1, packet_id=1), version))
        await asyncio.sleep(0)
        assert payloads == [b"1"]
        assert side.written == [mqtt.encode(mqtt.PubAck(1), version)]

    run(test)


@pytest.mark.parametrize("qos", [1, 2])
def test_acknowledgement_after_the_callback(mqtt: Any, adapter: Any, qos: int) -> None:
    """Without `optimistic_acknowledgement`, gmqtt answers with the reason code that the callback returns."""

    async def test() -> None:
        side = ours(adapter, 5, optimistic_acknowledgement=False)

        async def callback(*_: Any) -> int:
            await asyncio.sleep(0)
            return 131

        side.client.on_message = callback
        side.receive(mqtt.encode(mqtt.Publish("a", b"1", qos, packet_id=1)))
        assert side.written == []
        for _ in range(4):
            await asyncio.sleep(0)
        answer = mqtt.PubAck if qos == 1 else mqtt.PubRec
        assert as_packets(mqtt, 5, side.written) == [answer(1, mqtt.ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR)]

    run(test)


def test_own_messages_are_acknowledged(mqtt: Any, adapter: Any, version: int) -> None:
    """Acknowledgements free the packet identifiers and the stored messages."""

    async def test() -> None:
        side = ours(adapter, version)
        for qos in (1, 2):
            side.client.publish("a", b"1", qos=qos)
        assert side.handler.id_generator._used_ids == {1, 2}
        side.receive(mqtt.encode_many([mqtt.PubAck(1), mqtt.PubRec(2)], version))
        assert side.handler.id_generator._used_ids == {2}
        assert as_packets(mqtt, version, side.written)[2:] == [mqtt.PubRel(2)]
        side.receive(mqtt.encode_many([mqtt.PubComp(2)], version))
        assert side.handler.id_generator._used_ids == set()
        assert side.client._persistent_storage.is_empty

    run(test)


# Connections that end


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ("30 03 00 01 ff", "topic"),
        ("36 05 00 01 61 00 01", "QoS"),
        ("30 ff ff ff ff", "Remaining Length"),
        ("00 00", "packet type"),
    ],
)
def test_invalid_packet_ends_the_connection(
    mqtt: Any, adapter: Any, version: int, bad: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The packets before it are answered, and the reason is logged."""

    async def test() -> None:
        side = ours(adapter, version)
        good = mqtt.encode(mqtt.Publish("a", b"1", 1, packet_id=1), version)
        side.receive(good + bytes.fromhex(bad))
        assert side.transport.closed
        assert side.written == [mqtt.encode(mqtt.PubAck(1), version)]
        assert "closing the connection: " in caplog.text
        assert message.lower() in caplog.text.lower()
        side.receive(good)
        assert len(side.messages) == 1

    run(test)


def test_time_of_the_last_read(mqtt: Any, adapter: Any, version: int) -> None:
    """The time is kept with which gmqtt closes a connection from which nothing arrives."""

    async def test() -> None:
        side = ours(adapter, version)
        side.client._connection._last_data_in = 0.0
        side.receive(mqtt.encode(mqtt.PingResp(), version))
        assert side.client._connection._last_data_in > 0.0

    run(test)


def test_superseded_connection(mqtt: Any, adapter: Any, version: int) -> None:
    async def test() -> None:
        side = ours(adapter, version)
        side.handler.set_connection(object())
        side.receive(mqtt.encode(mqtt.Publish("a", b"1", 1, packet_id=1), version))
        assert side.messages == side.written == []

    run(test)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(*connections: Serve) -> Any:
    """The port of a server that runs one of the scripts for each connection, in order, and raises what they raise."""
    scripts = iter(connections)
    done: list[asyncio.Future[None]] = [asyncio.get_running_loop().create_future() for _ in connections]
    waiting = iter(done)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        future = next(waiting)
        try:
            await next(scripts)(reader, writer)
            future.set_result(None)
        except Exception as error:
            future.set_exception(error)
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, live.LOOPBACK, 0)
    try:
        yield listening.sockets[0].getsockname()[1]
        for future in done:
            await asyncio.wait_for(future, live.TIMEOUT)
    finally:
        listening.close()


async def receive(mqtt: Any, reader: asyncio.StreamReader, packet_class: Any, version: int | None = None) -> Any:
    """The next packet, which is of this class."""
    head = await reader.readexactly(2)
    while mqtt.peek(head) is None:
        head += await reader.readexactly(1)
    body = await reader.readexactly(mqtt.peek(head).remaining_length)
    packet = mqtt.decode(head + body, version or mqtt.MQTTv5)
    assert type(packet) is packet_class
    return packet


class Collector:
    """Collects the payloads of a client's messages."""

    def __init__(self, client: Any, enough: int) -> None:
        self.payloads: list[bytes] = []
        self._enough = enough
        self._done = asyncio.Event()
        client.on_message = self

    def __call__(self, client: Any, topic: str, payload: bytes, qos: int, properties: dict[str, Any]) -> None:
        self.payloads.append(payload)
        if len(self.payloads) == self._enough:
            self._done.set()

    async def wait(self) -> list[bytes]:
        await asyncio.wait_for(self._done.wait(), 3 * live.TIMEOUT)
        return self.payloads


def new_client(adapter: Any, **options: Any) -> Any:
    client = adapter.Client("client", **options)
    client.set_config({"reconnect_delay": 0})
    return client


async def leave(client: Any) -> None:
    client.stop_reconnect()
    await client.disconnect()


@pytest.mark.parametrize("broken", ["cut", "invalid"])
def test_reconnects(mqtt: Any, adapter: Any, version: int, broken: str) -> None:
    """The server cuts the connection in the middle of a packet, or sends an invalid one. The next connection works."""

    def message(number: int) -> bytes:
        return bytes(mqtt.encode(mqtt.Publish("a", b"%d" % number, 1, packet_id=number), version))

    async def first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receive(mqtt, reader, mqtt.Connect)
        writer.write(mqtt.encode(mqtt.ConnAck(), version) + message(1))
        assert await receive(mqtt, reader, mqtt.PubAck, version) == mqtt.PubAck(1)
        writer.write(message(2)[:-1] if broken == "cut" else b"\x00\x00")
        if broken == "invalid":
            assert await reader.read() == b""

    async def second(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receive(mqtt, reader, mqtt.Connect)
        writer.write(mqtt.encode(mqtt.ConnAck(), version) + message(2) + message(3))
        for number in (2, 3):
            assert await receive(mqtt, reader, mqtt.PubAck, version) == mqtt.PubAck(number)
        await receive(mqtt, reader, mqtt.Disconnect, version)

    async def test() -> None:
        async with server(first, second) as port:
            client = new_client(adapter)
            collector = Collector(client, 3)
            await client.connect(live.LOOPBACK, port, version=version)
            assert await collector.wait() == [b"1", b"2", b"3"]
            await leave(client)

    run(test)


def test_falls_back_to_3_1_1(mqtt: Any, adapter: Any) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await receive(mqtt, reader, mqtt.Connect)).protocol_version == mqtt.MQTTv5
        writer.write(bytes.fromhex("20 02 00 01"))

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await receive(mqtt, reader, mqtt.Connect)).protocol_version == mqtt.MQTTv311
        message = mqtt.Publish("a", b"1", 1, packet_id=1)
        writer.write(mqtt.encode_many([mqtt.ConnAck(), message], mqtt.MQTTv311))
        assert await receive(mqtt, reader, mqtt.PubAck, mqtt.MQTTv311) == mqtt.PubAck(1)
        await receive(mqtt, reader, mqtt.Disconnect, mqtt.MQTTv311)

    async def test() -> None:
        async with server(refuse, accept) as port:
            client = new_client(adapter)
            collector = Collector(client, 1)
            await client.connect(live.LOOPBACK, port)
            assert await collector.wait() == [b"1"]
            await leave(client)

    run(test)


@pytest.mark.parametrize(("code", "version"), [(5, 5), (5, 4), (135, 5)])
def test_refused(mqtt: Any, adapter: Any, code: int, version: int) -> None:
    """`connect` raises gmqtt's own error for a CONNACK of either version that refuses the connection."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receive(mqtt, reader, mqtt.Connect)
        writer.write(bytes((0x20, 2, 0, code)) if code < 128 else mqtt.encode(mqtt.ConnAck(False, code)))

    async def test() -> None:
        async with server(refuse) as port:
            client = new_client(adapter)
            client.stop_reconnect()
            with pytest.raises(adapter.gmqtt.MQTTConnectError) as caught:
                await client.connect(live.LOOPBACK, port, version=version)
            assert caught.value._code == code
            await leave(client)

    run(test)


# Switching


def test_install(mqtt: Any, adapter: Any) -> None:
    """`install` changes all clients, and `uninstall` changes them back."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await receive(mqtt, reader, mqtt.Connect)
        writer.write(mqtt.encode(mqtt.ConnAck()))
        await receive(mqtt, reader, mqtt.Disconnect)

    async def protocol_of(client: Any, port: int) -> Any:
        await client.connect(live.LOOPBACK, port)
        protocol = type(client._connection._protocol)
        await leave(client)
        return protocol

    async def test() -> None:
        async with server(*[accept] * 4) as port:
            assert await protocol_of(adapter.gmqtt.Client("client"), port) is adapter.MQTTProtocol
            assert await protocol_of(adapter.Client("client"), port) is adapter.Protocol
            adapter.install()
            try:
                assert await protocol_of(adapter.gmqtt.Client("client"), port) is adapter.Protocol
            finally:
                adapter.uninstall()
            assert await protocol_of(adapter.gmqtt.Client("client"), port) is adapter.MQTTProtocol

    run(test)


def test_other_release(adapter: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mqttcodec.contrib import _release

    _release.check("gmqtt", adapter.TRIED)
    monkeypatch.setattr(_release, "version", lambda _: "0.9.1")
    with pytest.raises(ImportError, match=r"tried with gmqtt 0\.8\.0, not 0\.9\.1.*MQTTCODEC_ANY_RELEASE=1"):
        _release.check("gmqtt", adapter.TRIED)
    monkeypatch.setenv("MQTTCODEC_ANY_RELEASE", "1")
    _release.check("gmqtt", adapter.TRIED)


def test_tried_release_is_the_one_tested(adapter: Any) -> None:
    assert importlib.metadata.version("gmqtt") in adapter.TRIED


# With Mosquitto


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Broker]:
    broker = live.Broker(tmp_path_factory.mktemp("broker"), "allow_anonymous true")
    yield broker
    broker.stop()


async def publish_and_receive(adapter: Any, broker: live.Broker, version: int, qos: int, count: int) -> None:
    """Each message arrives once, and in order."""
    payloads = [b"%d" % number for number in range(count)]
    subscriber, publisher = adapter.Client("subscriber"), adapter.Client("publisher")
    collector = Collector(subscriber, count)
    subscribed = asyncio.Event()
    subscriber.on_subscribe = lambda *_: subscribed.set()
    for client in (subscriber, publisher):
        await client.connect(live.LOOPBACK, broker.port, version=version)
    subscriber.subscribe("numbers", qos=qos)
    await asyncio.wait_for(subscribed.wait(), live.TIMEOUT)
    for start in range(0, count, 50):
        for payload in payloads[start : start + 50]:
            publisher.publish("numbers", payload, qos=qos)
        # Mosquitto grants 100 messages that are not acknowledged.
        await asyncio.wait_for(publisher._persistent_storage.wait_empty(), live.TIMEOUT)
        await asyncio.sleep(0)
    assert await collector.wait() == payloads
    for client in (subscriber, publisher):
        await leave(client)


each_qos = pytest.mark.parametrize("qos", [0, 1, 2])


@each_qos
def test_mosquitto(mqtt: Any, adapter: Any, broker: live.Broker, version: int, qos: int) -> None:
    run(lambda: publish_and_receive(adapter, broker, version, qos, 500))


@pytest.mark.slow
@each_qos
def test_mosquitto_many(mqtt: Any, adapter: Any, broker: live.Broker, version: int, qos: int) -> None:
    run(lambda: publish_and_receive(adapter, broker, version, qos, 20_000))


@each_qos
def test_mosquitto_publishing_from_a_callback(
    mqtt: Any, adapter: Any, broker: live.Broker, version: int, qos: int
) -> None:
    """Each message causes the next one."""

    async def test() -> None:
        client = adapter.Client("client")
        numbers = []
        done = asyncio.Event()

        def callback(client: Any, topic: str, payload: bytes, *_: Any) -> None:
            numbers.append(int(payload))
            if len(numbers) == 100:
                done.set()
            else:
                client.publish("chain", b"%d" % len(numbers), qos=qos)

        client.on_message = callback
        client.on_subscribe = lambda client, *_: client.publish("chain", b"0", qos=qos)
        await client.connect(live.LOOPBACK, broker.port, version=version)
        client.subscribe("chain", qos=qos)
        await asyncio.wait_for(done.wait(), live.TIMEOUT)
        assert numbers == list(range(100))
        await leave(client)

    run(test)
