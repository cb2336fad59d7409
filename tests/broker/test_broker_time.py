"""The broker of `examples/broker` when time passes: it runs in this process, on a clock that the test moves."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from example_broker import ROOT

DAY = 24 * 3600
pytestmark = pytest.mark.skipif(sys.platform == "emscripten", reason="WebAssembly has no sockets")


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose clock can be moved."""

    moved = 0.0

    def time(self) -> float:
        return super().time() + self.moved

    async def move(self, seconds: float) -> None:
        """Let time pass. Timers that are due have been called afterwards."""
        self.moved += seconds
        for _ in range(5):
            await asyncio.sleep(0)


class Client:
    """A client whose transport is a pair of buffers."""

    def __init__(self, mqtt: Any, protocol: Any) -> None:
        self.mqtt, self.protocol = mqtt, protocol
        self.decoder = mqtt.Decoder(5, connected=True)
        self.received = bytearray()
        self.is_ended = False
        protocol.connection_made(self)

    def send(self, *packets: Any) -> None:
        self.protocol.data_received(self.mqtt.encode_many(packets))

    async def packets(self) -> list[Any]:
        """What the broker has sent since the last call."""
        await asyncio.sleep(0)
        data, self.received = bytes(self.received), bytearray()
        return list(self.decoder.feed(data))

    async def payloads(self) -> list[bytes]:
        return [packet.payload for packet in await self.packets() if isinstance(packet, self.mqtt.Publish)]

    def lose(self) -> None:
        self.protocol.connection_lost(None)

    # The transport.

    def write(self, data: bytes) -> None:
        self.received += data

    def write_eof(self) -> None:
        self.is_ended = True

    def abort(self) -> None:
        self.protocol.connection_lost(None)

    def can_write_eof(self) -> bool:
        return True

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def get_extra_info(self, name: str) -> None:
        pass


class Place:
    """A broker on a loop."""

    def __init__(self, mqtt: Any, loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.syspath_prepend(ROOT)
        from examples.broker.broker import Broker
        from examples.broker.protocol import BrokerProtocol

        self.mqtt, self.loop, self.broker, self.protocol_class = mqtt, loop, Broker(), BrokerProtocol

    def new_client(self) -> Client:
        return Client(self.mqtt, self.protocol_class(self.broker))

    async def client(self, client_id: str, *subscriptions: Any, expiry: int = 0, **fields: Any) -> tuple[Client, Any]:
        """A client, and the CONNACK that it got."""
        client = self.new_client()
        client.send(self.mqtt.Connect(client_id, False, session_expiry_interval=expiry, **fields))
        (connack,) = [each for each in await client.packets() if isinstance(each, self.mqtt.ConnAck)]
        if subscriptions:
            client.send(self.mqtt.Subscribe(1, subscriptions))
        return client, connack


@pytest.fixture
def run(mqtt: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Place], Coroutine[Any, Any, None]]], None]:
    def run(test: Callable[[Place], Coroutine[Any, Any, None]]) -> None:
        async def in_loop() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, Loop)
            await test(Place(mqtt, loop, monkeypatch))

        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(in_loop())

    return run


def test_session_expires(mqtt: Any, run: Any) -> None:
    async def test(place: Place) -> None:
        for seconds, is_present in ((0, False), (99, True), (99, True), (101, False)):
            await place.loop.move(seconds)
            client, connack = await place.client("c", expiry=100)
            assert connack.session_present is is_present
            client.lose()
        client, connack = await place.client("d", expiry=0xFFFF_FFFF)
        assert connack.session_expiry_interval == 7 * DAY
        client.lose()
        await place.loop.move(7 * DAY - 10)
        assert "d" in place.broker.clients
        await place.loop.move(11)
        assert not place.broker.clients

    run(test)


def test_messages_expire(mqtt: Any, run: Any) -> None:
    async def test(place: Place) -> None:
        away, _ = await place.client("away", mqtt.Subscription("a", 1), expiry=DAY)
        away.lose()
        publisher, _ = await place.client("publisher")
        for payload, interval in ((b"short", 10), (b"long", 100), (b"lasting", None)):
            fields = {"message_expiry_interval": interval, "retain": True}
            publisher.send(mqtt.Publish("a", payload, 1, packet_id=1, **fields))
            publisher.send(mqtt.Publish(f"retained/{payload.decode()}", payload, 1, packet_id=1, **fields))
        await place.loop.move(20)
        away, _ = await place.client("away", mqtt.Subscription("retained/#"), expiry=DAY)
        found = [packet for packet in await away.packets() if isinstance(packet, mqtt.Publish)]
        assert [packet.payload for packet in found if packet.topic != "a"] == [b"long", b"lasting"]
        assert {packet.message_expiry_interval for packet in found} == {80, None}
        await place.loop.move(100)
        late, _ = await place.client("late", mqtt.Subscription("retained/#"))
        assert await late.payloads() == [b"lasting"]
        assert len(place.broker.retained) == 2

    run(test)


def test_queued_messages_expire(mqtt: Any, run: Any) -> None:
    async def test(place: Place) -> None:
        away, _ = await place.client("away", mqtt.Subscription("a", 1), expiry=DAY)
        away.lose()
        publisher, _ = await place.client("publisher")
        for payload, interval in ((b"short", 10), (b"long", 100), (b"lasting", None)):
            publisher.send(mqtt.Publish("a", payload, 1, packet_id=1, message_expiry_interval=interval))
        await place.loop.move(20)
        away = place.new_client()
        away.send(mqtt.Connect("away", False))
        found = [packet for packet in await away.packets() if isinstance(packet, mqtt.Publish)]
        assert [(each.payload, each.message_expiry_interval) for each in found] == [(b"long", 80), (b"lasting", None)]
        assert place.broker.stored_bytes == 0

    run(test)


@pytest.mark.parametrize(
    ("expiry", "delay", "back_after", "expected"),
    [
        (100, 0, None, [True, True, True]),
        (100, 10, None, [False, True, True]),
        (100, 10, 5, [False, False, False]),
        (20, 50, None, [False, False, True]),
        (0, 50, None, [True, True, True]),
    ],
)
def test_will_delay(mqtt: Any, run: Any, expiry: int, delay: int, back_after: int | None, expected: list[bool]) -> None:
    async def test(place: Place) -> None:
        watcher, _ = await place.client("watcher", mqtt.Subscription("will"))
        will = mqtt.Will("will", b"w", will_delay_interval=delay)
        client, _ = await place.client("c", expiry=expiry, will=will)
        client.lose()
        count, found = 0, []
        for seconds in (1, 10, 15):
            await place.loop.move(seconds)
            if back_after is not None and len(found) == 0:
                await place.client("c", expiry=expiry)
            count += len(await watcher.payloads())
            found.append(count == 1)
        assert found == expected

    run(test)


def test_keep_alive_and_connect_timeout(mqtt: Any, run: Any) -> None:
    async def test(place: Place) -> None:
        silent, client = place.new_client(), (await place.client("c", keep_alive=60))[0]
        await place.loop.move(9)
        assert not silent.is_ended
        await place.loop.move(2)
        assert silent.is_ended
        for _ in range(3):
            await place.loop.move(75)
            client.send(mqtt.PingReq())
            assert await client.packets() == [mqtt.PingResp()]
        await place.loop.move(91)
        assert await client.packets() == [mqtt.Disconnect(mqtt.ReasonCode.KEEP_ALIVE_TIMEOUT)]
        assert client.is_ended
        await place.loop.move(6)
        assert not place.broker.protocols, "a client that does not close is cut off"

    run(test)
