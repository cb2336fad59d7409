"""`mqttcodec.contrib.paho`: paho's Client on both implementations of this codec, with a server that the test plays.

Where possible, a test runs the same script with paho's own Client, and compares callbacks, return codes, log and the
bytes that the server receives.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import hashlib
import logging
import re
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import adapters
import broker as live
from mqttcodec import MQTTv5, MQTTv31, MQTTv311

ssl = pytest.importorskip("ssl")
host = live.package("paho.mqtt.client", "pip install 'mqttcodec[paho]'")
adapter = live.package("mqttcodec.contrib.paho", "pip install 'mqttcodec[paho]'")

VERSIONS = {MQTTv31: "3.1", MQTTv311: "3.1.1", MQTTv5: "5.0"}
VERSION2 = host.CallbackAPIVersion.VERSION2
TIMEOUT = live.TIMEOUT


@pytest.fixture(params=list(VERSIONS), ids=list(VERSIONS.values()))
def version(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture(autouse=True)
def implementation(mqtt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the adapter use this implementation of the codec."""
    adapters.load("paho", mqtt, monkeypatch)


@pytest.fixture
def listener() -> Iterator[live.Listener]:
    with live.Listener() as listener:
        yield listener


class Session:
    """A client, whose loop the test is, and the server that it is connected to. `events` is what the client did."""

    def __init__(self, mqtt: Any, listener: live.Listener, client_class: Any, version: int, **options: Any) -> None:
        self.mqtt = mqtt
        self.events: list[Any] = []
        self.writes: list[bytes] = []
        self.listener = listener
        self.raising: set[bytes] = set()
        self.on_message: Callable[[Any], None] = lambda message: None
        session = self

        class Recording(client_class):  # type: ignore[misc]
            def _sock_send(self, data: Any) -> int:
                session.writes.append(bytes(data))
                return super()._sock_send(data)  # type: ignore[no-any-return]

        self.client = Recording(VERSION2, "client", protocol=version, **options)
        self.client.on_message = self._on_message
        for name in ("connect", "disconnect", "publish", "subscribe", "unsubscribe"):
            setattr(self.client, f"on_{name}", self._recorder(name))

    def _recorder(self, name: str) -> Any:
        return lambda client, userdata, *arguments: self.events.append((name, *map(str, arguments)))

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        self.events.append(("message", *described(message)))
        self.on_message(message)
        if message.payload in self.raising:
            raise RuntimeError(message.payload)

    def connect(self, **connack: Any) -> None:
        """Connect, and let the server accept or refuse."""
        self.client.connect(live.LOOPBACK, self.listener.port)
        self.accept(**connack)

    def accept(self, **connack: Any) -> None:
        self.server = self.listener.accept(self.mqtt)
        self.server.receive(self.mqtt.Connect)
        self.server.send(self.mqtt.ConnAck(**connack))
        self.read()
        del self.writes[:]

    def read(self, expected: Any = 0) -> None:
        """Wait until bytes arrive, and let the client read once."""
        assert select.select([self.client.socket()], [], [], TIMEOUT)[0]
        assert self.client.loop_read() == expected

    def read_until(self, done: Callable[[], bool]) -> None:
        while not done():
            self.read()

    @property
    def payloads(self) -> list[bytes]:
        return [event[1] for event in self.events if event[0] == "message"]

    def close(self) -> None:
        self.client._reset_sockets()


def described(message: Any) -> tuple[Any, ...]:
    fields = (message.payload, message.topic, message.qos, message.retain, message.dup, message.mid, message.state)
    return (*fields, str(message.properties))


@pytest.fixture
def start(mqtt: Any, listener: live.Listener) -> Iterator[Callable[..., Session]]:
    """Starts sessions with the adapter, or with another class."""
    sessions = []

    def started(version: int, client_class: Any = adapter.Client, *, connect: bool = True, **options: Any) -> Session:
        sessions.append(Session(mqtt, listener, client_class, version, **options))
        if connect:
            sessions[-1].connect()
        return sessions[-1]

    yield started
    for session in sessions:
        session.close()


def both(start: Any, script: Callable[[Session], Any], version: int, **options: Any) -> list[Any]:
    """What happens in a script, which is the same with paho's own Client and with the adapter."""
    seen = []
    for client_class in (host.Client, adapter.Client):
        session = start(version, client_class, connect=False, **options)
        session.client.on_log = lambda client, userdata, level, text, events=session.events: events.append(text)
        try:
            result = script(session)
        except Exception as error:
            result = repr(error)
        seen.append((session.events, result))
    (events, result), theirs = seen[1], seen[0]
    assert (events, result) == theirs
    return events


def messages(mqtt: Any, version: int) -> list[Any]:
    """One message of each QoS, with every property."""
    properties: dict[str, Any] = {}
    if version == MQTTv5:
        properties = {
            "payload_format_indicator": 1,
            "message_expiry_interval": 3600,
            "topic_alias": 7,
            "response_topic": "réponse",
            "correlation_data": b"\x00\xff",
            "subscription_identifiers": (1, 268_435_455),
            "content_type": "text/plain",
            "user_properties": (("a", "1"), ("a", "2")),
        }
    return [
        mqtt.Publish("zero/é", b"0", retain=True),
        mqtt.Publish("one", b"1", 1, dup=True, packet_id=11, **properties),
        mqtt.Publish("two", b"2", 2, packet_id=65_535, **properties),
        mqtt.Publish("empty"),
    ]


# The same as with paho alone


def test_messages_and_acknowledgements(mqtt: Any, version: int, start: Any) -> None:
    def script(session: Session) -> Any:
        session.connect()
        session.server.send(*messages(mqtt, version))
        session.read_until(lambda: len(session.payloads) == 3)
        first = [session.server.receive() for _ in range(2)]
        session.server.send(mqtt.PubRel(65_535), mqtt.PubRel(5))
        session.read_until(lambda: len(session.payloads) == 4)
        session.read_until(lambda: session.events[-1] == "Sending PUBCOMP (Mid: 5)")
        return first, [session.server.receive() for _ in range(2)]

    events = both(start, script, version)
    assert [event[1] for event in events if event[0] == "message"] == [b"0", b"1", b"", b"2"]


def test_packets_that_paho_handles(mqtt: Any, version: int, start: Any) -> None:
    def script(session: Session) -> Any:
        session.connect()
        client, server = session.client, session.server
        client.subscribe("a/#", 1)
        packet_id = server.receive(mqtt.Subscribe).packet_id
        server.send(mqtt.SubAck(packet_id, (1,)))
        session.read_until(lambda: session.events[-1][0] == "subscribe")
        client.unsubscribe("a/#")
        packet_id = server.receive(mqtt.Unsubscribe).packet_id
        server.send(mqtt.UnsubAck(packet_id, (0,) if version == MQTTv5 else ()))
        session.read_until(lambda: session.events[-1][0] == "unsubscribe")
        client._send_pingreq()
        server.send(mqtt.PingResp())
        session.read_until(lambda: client._ping_t == 0)
        return None

    events = both(start, script, version)
    assert [event[0] for event in events if isinstance(event, tuple)] == ["connect", "subscribe", "unsubscribe"]


@pytest.mark.parametrize("with_callback", [True, False], ids=["with on_publish", "without on_publish"])
def test_publishing(mqtt: Any, version: int, start: Any, with_callback: bool) -> None:
    def script(session: Session) -> Any:
        session.connect()
        client, server = session.client, session.server
        if not with_callback:
            client.on_publish = None
        infos = [client.publish("a", f"{qos}", qos) for qos in (0, 1, 2)]
        packet_ids = [server.receive(mqtt.Publish).packet_id for _ in infos]
        server.send(mqtt.PubAck(packet_ids[1]), mqtt.PubRec(packet_ids[2]), mqtt.PubAck(99), mqtt.PubRec(99))
        session.read_until(lambda: infos[1].is_published() and session.events[-1] == "Received PUBREC (Mid: 99)")
        assert server.receive() == mqtt.PubRel(packet_ids[2])
        server.send(mqtt.PubComp(packet_ids[2]), mqtt.PubComp(99))
        session.read_until(lambda: session.events[-1] == "Received PUBCOMP (Mid: 99)")
        return packet_ids, [info.is_published() for info in infos]

    both(start, script, version)


def test_reason_of_an_acknowledgement(mqtt: Any, start: Any) -> None:
    def script(session: Session) -> Any:
        session.connect()
        packet_id = session.client.publish("a", "", 1).mid
        reason = mqtt.ReasonCode.NO_MATCHING_SUBSCRIBERS
        session.server.send(mqtt.PubAck(packet_id, reason, reason_string="nobody"))
        session.read_until(lambda: session.events[-1][0] == "publish")
        return None

    assert "nobody" in both(start, script, MQTTv5)[-1][-1]


def test_disconnect_by_the_server(mqtt: Any, start: Any) -> None:
    def script(session: Session) -> Any:
        session.connect()
        session.server.send(mqtt.Disconnect(mqtt.ReasonCode.SERVER_SHUTTING_DOWN, reason_string="bye"))
        session.read()
        return session.client.socket()

    assert both(start, script, MQTTv5)[-1][0] == "disconnect"


@pytest.mark.parametrize("return_code", [1, 2, 3, 4, 5])
def test_earlier_server_refuses_5_0(mqtt: Any, start: Any, return_code: int) -> None:
    def script(session: Session) -> Any:
        session.client.connect(live.LOOPBACK, session.listener.port)
        session.server = session.listener.accept(mqtt)
        session.server.receive()
        session.server.socket.sendall(bytes((0x20, 2, 0, return_code)))
        assert select.select([session.client.socket()], [], [], TIMEOUT)[0]
        return session.client.loop_read()

    events = both(start, script, MQTTv5)
    if return_code == 1:
        assert (lambda event: (event[0], event[2]))(next(event for event in events if isinstance(event, tuple))) == (
            "connect",
            "Unsupported protocol version",
        )


def test_refused_connection(mqtt: Any, version: int, start: Any) -> None:
    codes = mqtt.ReasonCode if version == MQTTv5 else mqtt.ConnectReturnCode

    def script(session: Session) -> Any:
        session.client.connect(live.LOOPBACK, session.listener.port)
        session.server = session.listener.accept(mqtt)
        session.server.receive()
        session.server.send(mqtt.ConnAck(False, codes.NOT_AUTHORIZED))
        assert select.select([session.client.socket()], [], [], TIMEOUT)[0]
        return session.client.loop_read()

    assert both(start, script, version)[-1][0] == "disconnect"


def test_server_that_does_not_know_3_1_1(mqtt: Any, start: Any) -> None:
    """Paho reconnects with 3.1 in the handler of CONNACK. The bytes of both connections are read."""

    def script(session: Session) -> Any:
        session.client.connect(live.LOOPBACK, session.listener.port)
        first = session.listener.accept(mqtt)
        first.receive()
        first.send(mqtt.ConnAck(False, mqtt.ConnectReturnCode.UNACCEPTABLE_PROTOCOL_VERSION))
        session.read()
        session.accept()
        return session.server._decoder.version

    both(start, script, MQTTv311)


def test_manual_acknowledgements(mqtt: Any, version: int, start: Any) -> None:
    def script(session: Session) -> Any:
        session.connect()
        session.server.send(*messages(mqtt, version)[:3], mqtt.PubRel(65_535))
        session.read_until(lambda: len(session.payloads) == 3)
        sent = [session.server.receive()]
        session.client.ack(11, 1)
        session.client.ack(65_535, 2)
        return [*sent, *(session.server.receive() for _ in range(2))]

    both(start, script, version, manual_ack=True)


@pytest.mark.parametrize("cut", [1, 2, 5])
def test_connection_cut_within_a_packet(mqtt: Any, version: int, start: Any, cut: int) -> None:
    def script(session: Session) -> Any:
        session.connect()
        session.server.socket.sendall(mqtt.encode(mqtt.Publish("a", b"x"), version)[:cut])
        session.server.socket.shutdown(socket.SHUT_WR)
        while (rc := session.client.loop_read()) == 0:
            assert select.select([session.client.socket()], [], [], TIMEOUT)[0]
        return rc

    assert both(start, script, version)[-1][0] == "disconnect"


# Batches


def test_acknowledgements_of_one_read_are_one_write(mqtt: Any, version: int, start: Any) -> None:
    session = start(version)
    packets = [mqtt.Publish("a", b"", 1 + number % 2, packet_id=number) for number in range(1, 101)]
    session.server.send(*packets, *(mqtt.PubRel(number) for number in range(1, 101, 2)))
    session.read()
    acks = [mqtt.PubAck(p.packet_id) if p.qos == 1 else mqtt.PubRec(p.packet_id) for p in packets]
    released = [mqtt.PubComp(number) for number in range(1, 101, 2)]
    assert len(session.payloads) == 100
    assert session.writes == [mqtt.encode_many([*acks, *released], version)]


def test_acknowledgements_keep_their_place(mqtt: Any, version: int, start: Any) -> None:
    """What a callback sends leaves after the acknowledgements of the messages before."""
    session = start(version)
    session.on_message = lambda message: message.payload == b"2" and session.client.publish("answer")
    session.server.send(*(mqtt.Publish("a", b"%d" % number, 1, packet_id=number) for number in range(1, 5)))
    session.read()
    session.client.loop_write()
    received = [session.server.receive() for _ in range(5)]
    assert received == [mqtt.PubAck(1), mqtt.Publish("answer"), *map(mqtt.PubAck, (2, 3, 4))]


def test_one_read_is_bounded(mqtt: Any, start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session = start(MQTTv311)
    message = mqtt.encode(mqtt.Publish("a", bytes(1018)), MQTTv311)
    calls = []

    def receive(size: int) -> bytes:
        calls.append(size)
        return message * (size // len(message))

    monkeypatch.setattr(session.client, "_sock_recv", receive)
    assert len(message) == 1024
    assert session.client.loop_read() == 0
    assert calls == [adapter.READ_SIZE] * (adapter.READ_LIMIT // adapter.READ_SIZE)
    assert len(session.payloads) == adapter.READ_LIMIT // 1024


def test_received_bytes_prolong_the_connection(mqtt: Any, start: Any) -> None:
    session = start(MQTTv311)
    names = ("_last_bytes_received", "_last_msg_in")  # Releases of paho differ.
    for name in names:
        setattr(session.client, name, 0.0)
    session.server.socket.sendall(b"\x30")
    session.read()
    assert all(getattr(session.client, name) > 0 for name in names)


def test_packets_in_pieces(mqtt: Any, version: int, start: Any) -> None:
    session = start(version)
    data = mqtt.encode_many(messages(mqtt, version), version)
    for byte in data:
        session.server.socket.sendall(bytes((byte,)))
        session.read()
    assert session.payloads == [b"0", b"1", b""]


# Callbacks that do more than return


def test_callback_that_raises(mqtt: Any, version: int, start: Any) -> None:
    session = start(version)
    session.raising = {b"2"}
    session.server.send(*(mqtt.Publish("a", b"%d" % number, 1, packet_id=number) for number in range(1, 5)))
    with pytest.raises(RuntimeError):
        session.read()
    assert session.writes == [mqtt.encode(mqtt.PubAck(1), version)]
    assert session.payloads == [b"1", b"2"]
    session.client.loop_misc()  # An event loop sees nothing to read, but it calls this.
    assert session.payloads == [b"1", b"2", b"3", b"4"]
    assert session.writes[1:] == [mqtt.encode_many([mqtt.PubAck(3), mqtt.PubAck(4)], version)]


def test_callback_that_raises_in_the_loop(mqtt: Any, start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    session = start(MQTTv311)
    waited_after = []

    def recording_select(*arguments: Any) -> Any:
        waited_after.append(len(session.payloads))
        return original(*arguments)

    original = select.select
    monkeypatch.setattr(select, "select", recording_select)
    session.raising = {b"1", b"2"}
    session.server.send(*(mqtt.Publish("a", b"%d" % number) for number in range(1, 5)))
    for _ in range(2):
        with pytest.raises(RuntimeError):
            session.client.loop()
    assert session.client.loop(0) == 0
    assert session.payloads == [b"1", b"2", b"3", b"4"]
    assert waited_after == [0, 4]


def test_callback_of_another_packet_that_raises(mqtt: Any, version: int, start: Any) -> None:
    session = start(version)

    def raises(*arguments: object) -> None:
        raise RuntimeError

    session.client.on_subscribe = raises
    session.server.send(mqtt.SubAck(1, (0,)), mqtt.Publish("a", b"behind"))
    with pytest.raises(RuntimeError):
        session.read()
    session.client.loop_misc()
    assert session.payloads == [b"behind"]


def test_error_of_the_codec_in_a_callback(mqtt: Any, start: Any) -> None:
    """An error that the application raises is not taken for an error of the server."""
    session = start(MQTTv311)
    session.on_message = lambda message: mqtt.decode(b"\x00\x00", MQTTv311)
    session.server.send(mqtt.Publish("a"))
    with pytest.raises(mqtt.DecodeError):
        session.read()
    assert session.client.is_connected()


def test_disconnect_from_a_callback(mqtt: Any, version: int, start: Any) -> None:
    session = start(version)
    session.on_message = lambda message: message.payload == b"2" and session.client.disconnect()
    session.server.send(*(mqtt.Publish("a", b"%d" % number, 1, packet_id=number) for number in range(1, 5)))
    session.read()
    session.client.loop_write()
    assert session.payloads == [b"1", b"2"]
    assert [session.server.receive() for _ in range(2)] == [mqtt.PubAck(1), mqtt.Disconnect()]
    assert session.client.socket() is None
    assert session.events[-1][0] == "disconnect"
    assert session.client.loop_read() == host.MQTT_ERR_NO_CONN


def test_reconnect_from_a_callback(mqtt: Any, version: int, start: Any) -> None:
    """Neither the packets behind nor the acknowledgements before belong to the new connection."""
    session = start(version)
    session.on_message = lambda message: message.payload == b"2" and session.client.reconnect()
    session.server.send(*(mqtt.Publish("a", b"%d" % number, 1, packet_id=number) for number in range(1, 5)))
    session.read()
    session.client.loop_write()
    session.accept()
    session.server.send(mqtt.Publish("a", b"new", 1, packet_id=1))
    session.read()
    assert session.payloads == [b"1", b"2", b"new"]
    assert session.server.receive() == mqtt.PubAck(1)


# Messages


def test_properties_are_created_when_they_are_read(mqtt: Any, start: Any) -> None:
    session = start(MQTTv5)
    session.client.on_message = lambda client, userdata, message: session.events.append(message)
    session.server.send(messages(mqtt, MQTTv5)[1])
    session.read()
    message = session.events[-1]
    with pytest.raises(AttributeError):
        host.MQTTMessage.properties.__get__(message)
    expected = host.Properties(host.PacketTypes.PUBLISH)
    expected.unpack(mqtt.encode(messages(mqtt, MQTTv5)[1])[9:])
    assert vars(message.properties) == vars(expected)
    assert message.properties is message.properties
    assert message.properties.pack() == expected.pack()
    message.properties = None
    assert message.properties is None


def test_messages_are_those_of_paho(mqtt: Any, start: Any) -> None:
    session = start(MQTTv311)
    session.client.on_message = lambda client, userdata, message: session.events.append(message)
    session.server.send(mqtt.Publish("a", b"x", 1, packet_id=3))
    session.read()
    message = session.events[-1]
    assert isinstance(message, host.MQTTMessage)
    assert message == host.MQTTMessage(3)
    assert host.MQTTMessage(3) == message
    assert message != host.MQTTMessage(4)
    assert copy.copy(message).topic == "a"
    assert message.info.mid == 3
    assert message.info is message.info
    assert message.properties is None
    with pytest.raises(AttributeError, match="no attribute 'unknown'"):
        message.unknown  # noqa: B018
    with pytest.raises(TypeError):
        hash(message)


def test_log_without_debug_messages(mqtt: Any, start: Any) -> None:
    """A logger that drops debug messages does not make the adapter build their text."""
    session = start(MQTTv5)
    session.client.enable_logger(logging.getLogger("quiet"))
    logging.getLogger("quiet").setLevel(logging.INFO)
    session.client.on_message = lambda client, userdata, message: session.events.append(message)
    session.server.send(messages(mqtt, MQTTv5)[1])
    session.read()
    with pytest.raises(AttributeError):
        host.MQTTMessage.properties.__get__(session.events[-1])


# Servers that break the standard

BROKEN = {
    "reserved type": "00 00",
    "QoS 3": "36 05 0001 61 0001",
    "topic that is not UTF-8": "30 03 0001 ff",
    "topic with a wildcard": "30 03 0001 2b",
    "length of five bytes": "30 ff ff ff ff 01",
    "CONNECT": "10 00",
    "PINGREQ": "c0 00",
    "empty SUBACK": "90 02 0001",
    "packet identifier 0": "40 02 0000",
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_broken_server(mqtt: Any, version: int, start: Any, data: str) -> None:
    session = start(version)
    session.client.on_log = lambda client, userdata, level, text: session.events.append((level, text))
    good = mqtt.encode(mqtt.Publish("a", b"before", 1, packet_id=1), version)
    session.server.socket.sendall(good + bytes.fromhex(data) + good)
    session.read(host.MQTT_ERR_PROTOCOL)
    assert session.payloads == [b"before"]
    assert session.server.receive() == mqtt.PubAck(1)
    *_, (level, text), (name, flags, reason, _) = session.events
    assert level == host.MQTT_LOG_ERR
    assert text.startswith("Received an invalid packet: ")
    assert name == "disconnect"
    assert "is_disconnect_packet_from_server=False" in flags
    assert reason in ("Protocol error", "Unspecified error")  # Releases of paho differ.
    assert session.client.socket() is None


def test_reconnects_after_an_error(mqtt: Any, version: int, start: Any) -> None:
    session = start(version, connect=False)
    session.client.reconnect_delay_set(0, 0)
    session.client.connect(live.LOOPBACK, session.listener.port)
    session.client.loop_start()
    try:
        for data in ("00 00", "30 03 0001 ff", "", "10 00"):
            server = session.listener.accept(mqtt)
            server.receive(mqtt.Connect)
            server.send(mqtt.ConnAck(), mqtt.Publish("a", data.encode(), 1, packet_id=1))
            assert server.receive() == mqtt.PubAck(1)
            server.socket.sendall(bytes.fromhex(data))
            server.close()
        server = session.listener.accept(mqtt)
        server.receive(mqtt.Connect)
        server.send(mqtt.ConnAck())
        session.client.disconnect()
        assert server.receive() == mqtt.Disconnect()
    finally:
        session.client.loop_stop()
    assert session.payloads == [b"00 00", b"30 03 0001 ff", b"", b"10 00"]


# Transports


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    """What a server and a client need for TLS."""
    certificate, key = live.certificate_and_key(tmp_path_factory.mktemp("tls"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, ssl.create_default_context(cafile=str(certificate))


def test_bytes_that_tls_has_decrypted(mqtt: Any, version: int, start: Any, tls: Any) -> None:
    """An event loop sees a TLS record once. One call reads all packets in it."""
    session = start(version, connect=False)
    session.client.tls_set_context(tls[1])
    with session.listener.wrapped(tls[0]):
        with live.background(session.client.connect, "localhost", session.listener.port):
            session.server = session.listener.accept(mqtt)
        session.server.receive(mqtt.Connect)
        session.server.send(mqtt.ConnAck())
        session.read_until(session.client.is_connected)
        session.server.send(*(mqtt.Publish("a", b"%d" % number, 1, packet_id=number) for number in range(1, 1001)))
        session.read_until(lambda: len(session.payloads) > 0)
        assert len(session.payloads) == 1000
        assert session.client.socket().pending() == 0


def frame(data: bytes, opcode: int = 2) -> bytes:
    return bytes((0x80 | opcode, 126)) + len(data).to_bytes(2, "big") + data


@pytest.mark.parametrize("with_tls", [False, True], ids=["plain", "TLS"])
def test_frames_of_a_websocket(mqtt: Any, version: int, start: Any, tls: Any, with_tls: bool) -> None:
    """One call reads all frames that have arrived together, with a ping between them."""
    session = start(version, connect=False, transport="websockets")
    if with_tls:
        session.client.tls_set_context(tls[1])
    with session.listener.wrapped(tls[0]) if with_tls else contextlib.nullcontext():
        with live.background(session.client.connect, "localhost", session.listener.port):
            server = session.listener.accept(mqtt).socket
            request = server.recv(4096).decode()
            (key,) = re.findall("Sec-WebSocket-Key: (.*)\r\n", request)
            digest = hashlib.sha1(key.encode() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
            answer = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + base64.b64encode(digest)
            server.sendall(b"HTTP/1.1 101 Switching Protocols\r\n" + answer + b"\r\n\r\n")
        server.sendall(frame(mqtt.encode(mqtt.ConnAck(), version)))
        session.read_until(session.client.is_connected)
        del session.writes[:]
        packets = [mqtt.Publish("a", b"%d" % number, 1, packet_id=number) for number in range(1, 101)]
        data = mqtt.encode_many(packets, version)
        pieces = [data[start : start + 7] for start in range(0, len(data), 7)]
        server.sendall(b"".join(map(frame, pieces[:50])) + frame(b"ping", 9) + b"".join(map(frame, pieces[50:])))
        session.read()
        if not with_tls:
            session.read()  # An event loop sees the frames behind the ping.
        assert [int(payload) for payload in session.payloads] == list(range(1, 101))
        assert b"".join(session.writes) == mqtt.encode_many([mqtt.PubAck(packet.packet_id) for packet in packets])


# Switching


def test_docstring_lists_the_private_names() -> None:
    """Those of paho that the source uses."""
    source = Path(adapter.__file__).read_text(encoding="utf-8")
    listed = set(re.findall(r"\b_\w+", adapter.__doc__))
    client = host.Client(VERSION2)
    theirs = {*dir(client), "_last_bytes_received", "_last_msg_in", "_topic", "_ConnectionState"}
    used = {name for name in re.findall(r"\b_[a-zA-Z]\w+", source.replace(adapter.__doc__, "")) if name in theirs}
    assert listed == used


def run_python(code: str, **environment: str) -> str:
    import os

    path = os.pathsep.join([str(Path(adapter.__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT,
    )
    return ended.stdout + ended.stderr


def test_package_does_not_import_its_hosts() -> None:
    assert run_python("import sys, mqttcodec.contrib; print('paho' in sys.modules)").strip() == "False"


def test_other_releases_are_refused() -> None:
    code = (
        "import importlib.metadata; importlib.metadata.version = lambda name: '2.99'\n"
        "import mqttcodec.contrib.paho; print('imported')"
    )
    assert "ImportError: this adapter was tried with paho-mqtt 2.1.0, 2.2.0, not 2.99" in run_python(code)
    assert run_python(code, MQTTCODEC_ANY_RELEASE="1").strip() == "imported"


def test_missing_host_names_the_extra() -> None:
    code = "import sys; sys.modules['paho'] = None; import mqttcodec.contrib.paho"
    assert "pip install 'mqttcodec[paho]'" in run_python(code)


def test_install_and_uninstall() -> None:
    original = host.Client
    adapter.install()
    try:
        adapter.install()
        assert host.Client is adapter.Client
    finally:
        adapter.uninstall()
    assert host.Client is original
    assert issubclass(adapter.Client, original)


def test_mixin(mqtt: Any, version: int, start: Any) -> None:
    class Theirs(host.Client):
        def loop_misc(self) -> Any:
            return super().loop_misc()

    class Ours(adapter.Client, Theirs):
        pass

    session = start(version, Ours)
    session.server.send(*(mqtt.Publish("a", b"", 1, packet_id=number) for number in range(1, 11)))
    session.read()
    assert len(session.payloads) == 10
    assert len(session.writes) == 1
