"""The paho adapter with a live Mosquitto."""

from __future__ import annotations

import asyncio
import itertools
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

import broker as live
from mqttcodec import MQTTv5, MQTTv31, MQTTv311

ssl = pytest.importorskip("ssl")
host = live.package("paho.mqtt.client", "pip install 'mqttcodec[paho]'")
adapter = live.package("mqttcodec.contrib.paho", "pip install 'mqttcodec[paho]'")

VERSIONS = {MQTTv31: "3.1", MQTTv311: "3.1.1", MQTTv5: "5.0"}
VERSION2 = host.CallbackAPIVersion.VERSION2
TIMEOUT = live.TIMEOUT
EXPIRY = 3600

each_version = pytest.mark.parametrize("version", VERSIONS, ids=VERSIONS.values())
each_qos = pytest.mark.parametrize("qos", [0, 1, 2])
counts = pytest.mark.parametrize("count", [300, pytest.param(20_000, marks=pytest.mark.slow)])

_numbers = itertools.count(1)


@pytest.fixture
def name() -> str:
    """A name that no other test uses: a topic, or a prefix of client ids."""
    return f"paho{next(_numbers)}"


class Place:
    """A broker, and how clients reach it."""

    def __init__(self, broker: live.Broker, transport: str = "tcp") -> None:
        self.broker = broker
        self.transport = transport
        self.port = broker.websocket_port if transport == "websockets" else broker.port

    def client(self, client_id: str, version: int, client_class: Any = adapter.Client, **options: Any) -> Any:
        """A client that is not connected yet."""
        client = client_class(VERSION2, client_id, protocol=version, transport=self.transport, **options)
        if self.broker.certificate is not None:
            client.tls_set_context(ssl.create_default_context(cafile=str(self.broker.certificate)))
        client.reconnect_delay_set(0, 0)
        return client


@pytest.fixture(scope="module")
def tcp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    broker = live.Broker(tmp_path_factory.mktemp("broker"), "allow_anonymous true", websockets=True)
    yield Place(broker)
    broker.stop()


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("broker")
    certificate, key = live.certificate_and_key(directory)
    settings = ("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    broker = live.Broker(directory, *settings, certificate=certificate)
    yield Place(broker)
    broker.stop()


@pytest.fixture(params=["tcp", "tls", "websockets"])
def place(request: pytest.FixtureRequest) -> Place:
    if request.param == "websockets":
        return Place(request.getfixturevalue("tcp").broker, "websockets")
    place: Place = request.getfixturevalue(request.param)
    return place


@contextmanager
def running(client: Any, port: int, topic_filter: str | None = None, qos: int = 0, **connect: Any) -> Iterator[Any]:
    """A client that is connected, and subscribed, while its loop runs in a thread."""
    ready = threading.Event()

    def on_connect(client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        assert reason_code == 0
        if topic_filter is not None:
            client.subscribe(topic_filter, qos)
        else:
            ready.set()

    client.on_connect = on_connect
    client.on_subscribe = lambda *_: ready.set()
    client.connect("localhost", port, **connect)
    client.loop_start()
    try:
        assert ready.wait(TIMEOUT)
        yield client
    finally:
        client.disconnect()
        client.loop_stop()


class Inbox:
    """The payloads that arrive, as numbers, up to the message without a payload."""

    def __init__(self, client: Any) -> None:
        self.numbers: list[int] = []
        self.ended = threading.Event()
        client.on_message = self._on_message

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        if message.payload:
            self.numbers.append(int(message.payload))
        else:
            self.ended.set()

    def wait(self) -> list[int]:
        assert self.ended.wait(120), f"{len(self.numbers)} messages arrived, then no more"
        return self.numbers


@counts
@each_qos
@each_version
def test_all_messages_arrive_once_and_in_order(place: Place, name: str, version: int, qos: int, count: int) -> None:
    subscriber, publisher = (place.client(f"{name}-{side}", version) for side in "sp")
    inbox = Inbox(subscriber)
    with running(subscriber, place.port, name, qos), running(publisher, place.port):
        for number in range(count):
            publisher.publish(name, b"%d" % number, qos)
        publisher.publish(name, b"", qos)
        assert inbox.wait() == list(range(count))


class Proxy:
    """Forwards connections to a broker. It cuts each of the first ones after a number of bytes to the client."""

    def __init__(self, port: int, cuts: list[int]) -> None:
        self.connections = 0
        self._target = port
        self._cuts = cuts
        self._server = socket.create_server((live.LOOPBACK, 0))
        self.port = self._server.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        with suppress(OSError):  # Until `close` shuts the listening socket down.
            while True:
                client, _ = self._server.accept()
                with client, socket.create_connection((live.LOOPBACK, self._target)) as server:
                    self._forward(client, server, self._cuts.pop(0) if self._cuts else sys.maxsize)

    def _forward(self, client: socket.socket, server: socket.socket, left: int) -> None:
        """Forward in both directions, until a side closes or the client has got `left` bytes."""
        self.connections += 1
        with suppress(OSError):
            while left:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(min(left, 65_536) if source is server else 65_536)
                    if not data:
                        return
                    (client if source is server else server).sendall(data)
                    left -= len(data) if source is server else 0

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join(TIMEOUT)
        self._server.close()


@pytest.mark.parametrize("qos", [1, 2])
@each_version
def test_connection_cut_within_packets(tcp: Place, name: str, version: int, qos: int) -> None:
    count = 1000
    session: dict[str, Any] = {} if version == MQTTv5 else {"clean_session": False}
    connect: dict[str, Any] = {}
    if version == MQTTv5:
        properties = host.Properties(host.PacketTypes.CONNECT)
        properties.SessionExpiryInterval = EXPIRY
        connect = {"clean_start": False, "properties": properties}
    proxy = Proxy(tcp.port, [1001, 2003, 777, 5001])
    try:
        subscriber = tcp.client(f"{name}-s", version, **session)
        publisher = tcp.client(f"{name}-p", version)
        inbox = Inbox(subscriber)
        with running(subscriber, proxy.port, name, qos, **connect), running(publisher, tcp.port):
            for number in range(count):
                publisher.publish(name, b"%d" % number, qos)
            publisher.publish(name, b"", qos)
            numbers = inbox.wait()
    finally:
        proxy.close()
    assert proxy.connections == 5
    if qos == 2:
        assert sorted(numbers) == list(range(count))
    else:
        assert sorted(set(numbers)) == list(range(count))


@each_qos
@each_version
def test_threads_that_publish(tcp: Place, name: str, version: int, qos: int) -> None:
    each, threads = 250, 4
    client = tcp.client(name, version)
    client.max_inflight_messages = 100
    inbox = Inbox(client)

    def publish(start: int) -> None:
        for info in [client.publish(name, b"%d" % (start + number), qos) for number in range(each)]:
            info.wait_for_publish(TIMEOUT)
            assert info.is_published()

    with running(client, tcp.port, name, qos):
        publishers = [threading.Thread(target=publish, args=(each * number,)) for number in range(threads)]
        for thread in publishers:
            thread.start()
        for thread in publishers:
            thread.join()
        client.publish(name, b"", qos)
        numbers = inbox.wait()
    for start in range(0, each * threads, each):
        assert [number for number in numbers if start <= number < start + each] == list(range(start, start + each))
    assert len(numbers) == each * threads


@each_qos
@each_version
def test_publishing_from_a_callback(tcp: Place, name: str, version: int, qos: int) -> None:
    count = 500
    echo, client = (tcp.client(f"{name}-{side}", version) for side in "ec")
    inbox = Inbox(client)
    echo.on_message = lambda echo, userdata, message: echo.publish(f"{name}/back", message.payload, qos)
    with (
        running(echo, tcp.port, f"{name}/there", qos),
        running(client, tcp.port, f"{name}/back", qos),
    ):
        for number in range(count):
            client.publish(f"{name}/there", b"%d" % number, qos)
        client.publish(f"{name}/there", b"", qos)
        assert inbox.wait() == list(range(count))


@each_version
def test_loop_without_a_thread(place: Place, name: str, version: int) -> None:
    count = 200
    client = place.client(name, version)
    inbox = Inbox(client)
    client.on_connect = lambda client, *_: client.subscribe(name, 1)

    def on_subscribe(client: Any, *_: Any) -> None:
        for number in range(count):
            client.publish(name, b"%d" % number, 1)
        client.publish(name, b"", 1)

    client.on_subscribe = on_subscribe
    client.connect("localhost", place.port)
    deadline = time.monotonic() + TIMEOUT
    while not inbox.ended.is_set() and time.monotonic() < deadline:
        assert client.loop(0.1) == 0
    assert inbox.numbers == list(range(count))
    client.disconnect()
    while client.socket() is not None:
        client.loop(0.1)


class NoLock:
    """Stands in for paho's locks, in a client that only one thread uses."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        pass

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        return True

    def release(self) -> None:
        pass


class EventLoopClient(adapter.Client):  # type: ignore[misc]
    """A client in the manner of Home Assistant: a subclass without locks, whose socket an asyncio loop watches."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        for lock in ("in_callback", "callback", "msgtime", "out_message", "in_message", "reconnect_delay"):
            setattr(self, f"_{lock}_mutex", NoLock())
        self._mid_generate_mutex = NoLock()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        self.on_socket_open = lambda client, userdata, sock: loop.add_reader(sock, self.loop_read, 500)
        self.on_socket_close = lambda client, userdata, sock: loop.remove_reader(sock)
        self.on_socket_register_write = lambda client, userdata, sock: loop.add_writer(sock, self.loop_write)
        self.on_socket_unregister_write = lambda client, userdata, sock: loop.remove_writer(sock)


@counts
@each_qos
@each_version
def test_event_loop_that_watches_the_socket(place: Place, name: str, version: int, qos: int, count: int) -> None:
    async def exchange() -> list[int]:
        loop = asyncio.get_running_loop()
        client = place.client(name, version, EventLoopClient)
        client.attach(loop)
        client.max_inflight_messages = 100
        inbox = Inbox(client)
        ended = asyncio.Event()
        client.on_connect = lambda client, *_: client.subscribe(name, qos)

        def on_subscribe(client: Any, *_: Any) -> None:
            for number in range(count):
                client.publish(name, b"%d" % number, qos)
            client.publish(name, b"", qos)

        def on_message(client: Any, userdata: Any, message: Any) -> None:
            inbox._on_message(client, userdata, message)
            if inbox.ended.is_set():
                ended.set()

        client.on_subscribe, client.on_message = on_subscribe, on_message
        client.connect("localhost", place.port)
        await asyncio.wait_for(ended.wait(), 120)
        client.disconnect()
        while client.socket() is not None:
            await asyncio.sleep(0.01)
        return inbox.numbers

    assert asyncio.run(exchange()) == list(range(count))


@counts
@each_qos
@each_version
def test_aiomqtt(tcp: Place, name: str, version: int, qos: int, count: int) -> None:
    aiomqtt = live.package("aiomqtt", "pip install aiomqtt")

    async def exchange() -> list[int]:
        protocol = aiomqtt.ProtocolVersion(version)
        options = {"port": tcp.port, "protocol": protocol, "max_inflight_messages": 100}
        numbers = []
        async with (
            aiomqtt.Client(live.LOOPBACK, identifier=f"{name}-s", **options) as subscriber,
            aiomqtt.Client(live.LOOPBACK, identifier=f"{name}-p", **options) as publisher,
        ):
            assert isinstance(subscriber._client, adapter.Client)
            await subscriber.subscribe(name, qos=qos)

            async def publish() -> None:
                for number in range(count):
                    await publisher.publish(name, b"%d" % number, qos=qos)
                await publisher.publish(name, b"", qos=qos)

            publishing = asyncio.create_task(publish())
            async for message in subscriber.messages:
                if not message.payload:
                    break
                numbers.append(int(message.payload))
            await publishing
        return numbers

    adapter.install()
    try:
        numbers = asyncio.run(asyncio.wait_for(exchange(), 120))
    finally:
        adapter.uninstall()
    assert numbers == list(range(count))
