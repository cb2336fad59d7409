"""A private Mosquitto on loopback, its command line clients, and connections that use the codec."""

from __future__ import annotations

import importlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

LOOPBACK = "127.0.0.1"
TIMEOUT = 20  # Seconds: an upper bound for actions that should be immediate. No test waits for it to pass.

# The broker drops none of the test messages, and sends without delay.
SETTINGS = """
persistence false
queue_qos0_messages true
max_queued_messages 0
max_inflight_messages 100
max_packet_size 4000000
set_tcp_nodelay true
"""


def program(name: str, install: str = "apt-get install mosquitto mosquitto-clients") -> str:
    """The path of a program. If it is missing, the test is skipped, or fails if MQTTCODEC_PROGRAMS is `require`."""
    places = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"]
    path = shutil.which(name, path=os.pathsep.join(places))
    if path is None:
        reason = f"{name} is not installed: {install}"
        if os.environ.get("MQTTCODEC_PROGRAMS") == "require":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def package(name: str, install: str) -> Any:
    """An imported package. If it is missing, the tests are skipped, or fail if MQTTCODEC_PROGRAMS is `require`."""
    if sys.platform == "emscripten":
        pytest.skip("WebAssembly has no sockets", allow_module_level=True)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        reason = f"{error.name} is not installed: {install}"
        if os.environ.get("MQTTCODEC_PROGRAMS") == "require":
            pytest.fail(reason)
        pytest.skip(reason, allow_module_level=True)


@contextmanager
def background(call: Callable[..., Any], *arguments: Any) -> Iterator[None]:
    """Call a function in another thread. The block ends when the call does."""
    with ThreadPoolExecutor(1) as executor:
        future = executor.submit(call, *arguments)
        yield
        future.result(TIMEOUT)


def run(name: str, *arguments: object, lines: str | None = None) -> str:
    """Run a command line client to its end, with `lines` on standard input, and return its output."""
    command = [program(name), *map(str, arguments)]
    ended = subprocess.run(command, input=lines, capture_output=True, encoding="utf-8", timeout=TIMEOUT)
    assert ended.returncode == 0, f"{name} ended with {ended.returncode}: {ended.stderr}{ended.stdout}"
    return ended.stdout


@contextmanager
def running(name: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A running command line client, which ends no later than the block."""
    command = [program(name), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8") as process:
        try:
            yield process
        finally:
            process.kill()


class Broker:
    """A Mosquitto with one listener on a free port of the loopback interface, and optionally one for WebSockets."""

    def __init__(
        self, directory: Path, *settings: str, certificate: Path | None = None, websockets: bool = False
    ) -> None:
        self.certificate = certificate
        self.websocket_port = 0
        self._websockets = websockets
        self._program = program("mosquitto")
        self._directory = directory
        self._settings = settings
        # Another process may take the port before the broker listens on it.
        for _ in range(5):
            if self._start():
                return
        raise RuntimeError("Mosquitto does not start:\n" + self._log.read_text(errors="replace"))

    def _start(self) -> bool:
        self.port = _free_port()
        self._log = self._directory / "mosquitto.log"
        configuration = self._directory / "mosquitto.conf"
        lines = [SETTINGS, f"listener {self.port} {LOOPBACK}", *self._settings]
        if self._websockets:
            self.websocket_port = _free_port()
            lines += [f"listener {self.websocket_port} {LOOPBACK}", "protocol websockets"]
        if os.geteuid() == 0:
            lines.append("user root")  # Otherwise it switches to a user who may not read this directory.
        configuration.write_text("\n".join(lines) + "\n")
        with self._log.open("wb") as log:
            command = [self._program, "-v", "-c", str(configuration)]
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        return self._accepts_connections()

    def _accepts_connections(self) -> bool:
        """True when the port accepts connections, False if the process ends first."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            try:
                self._process.wait(0.01)
                return False
            except subprocess.TimeoutExpired:
                pass
            try:
                for port in filter(None, (self.port, self.websocket_port)):
                    socket.create_connection((LOOPBACK, port), TIMEOUT).close()
                return True
            except ConnectionRefusedError:
                pass
        self.stop()
        raise TimeoutError("Mosquitto does not listen:\n" + self._log.read_text(errors="replace"))

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def connected_socket(self) -> socket.socket:
        """A new connection to the broker, over TLS if it has a certificate."""
        plain = socket.create_connection((LOOPBACK, self.port), TIMEOUT)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.certificate is None:
            return plain
        import ssl  # Some Pythons lack this module, and few tests need it.

        context = ssl.create_default_context(cafile=str(self.certificate))
        return context.wrap_socket(plain, server_hostname="localhost")

    @property
    def address(self) -> Sequence[object]:
        """The options that connect a command line client to this broker."""
        return ("-h", LOOPBACK, "-p", self.port)


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def password_file(directory: Path, username: str, password: str) -> Path:
    """A password file with one user, made by `mosquitto_passwd`."""
    path = directory / "passwords"
    run("mosquitto_passwd", "-b", "-c", path, username, password)
    return path


def certificate_and_key(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for localhost and its key, made by `openssl`."""
    openssl = program("openssl", "apt-get install openssl")
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    command = f"{openssl} req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split()
    command += ["-addext", "subjectAltName=DNS:localhost", "-addext", "keyUsage=digitalSignature,keyCertSign"]
    command += ["-out", str(certificate), "-keyout", str(key)]
    ended = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=TIMEOUT)
    assert ended.returncode == 0, ended.stderr
    return certificate, key


class Connection:
    """One side of an MQTT connection: packets of `mqtt`, an implementation of the codec, over a connected socket.

    As a server it learns the version from the client's CONNECT. Every received packet is encoded again and compared
    with its original bytes.
    """

    def __init__(self, mqtt: Any, connected: socket.socket, version: int | None, *, server: bool = False) -> None:
        connected.settimeout(TIMEOUT)
        self.socket = connected
        self._mqtt = mqtt
        self._decoder = mqtt.Decoder(version, role=mqtt.Role.SERVER if server else mqtt.Role.CLIENT)
        self._packets = self._decoder.feed(b"")
        self._unread = bytearray()
        self._put_back: list[Any] = []

    def send(self, *packets: Any) -> None:
        """Send packets in one write."""
        version = self._decoder.version or self._mqtt.MQTTv5
        self.socket.sendall(b"".join([self._mqtt.encode(packet, version) for packet in packets]))

    @contextmanager
    def sending(self, *packets: Any) -> Iterator[None]:
        """Send packets in the background while the block receives. The block ends when all are sent."""
        with background(self.send, *packets):
            yield

    def receive(self, packet_class: Any = object) -> Any:
        """The next packet; with a class, the next packet of that class. Packets of other classes are kept for later."""
        for position, packet in enumerate(self._put_back):
            if isinstance(packet, packet_class):
                return self._put_back.pop(position)
        while not isinstance(packet := self._next_packet(), packet_class):
            self._put_back.append(packet)
        return packet

    def receive_some(self) -> list[Any]:
        """The next packets that arrive together, at least one."""
        packets = [self.receive()]
        for packet in self._packets:
            self._check_encoding(packet)
            packets.append(packet)
        return packets

    def receive_end(self) -> None:
        """The other side closes the connection, after complete packets, all of which were received."""
        import ssl

        assert self._put_back == []
        assert list(self._packets) == []
        with suppress(ConnectionResetError, ssl.SSLEOFError):
            assert self.socket.recv(1) == b""
        assert self._decoder.pending == 0

    def close(self) -> None:
        """Close the socket. Without a DISCONNECT before it, the connection fails."""
        self.socket.close()

    def _next_packet(self) -> Any:
        while (packet := next(self._packets, None)) is None:
            self._receive_bytes()
        self._check_encoding(packet)
        return packet

    def _receive_bytes(self) -> None:
        data = self.socket.recv(65_536)
        self._take(data)
        self._packets = self._decoder.feed(data)

    def _take(self, data: bytes) -> None:
        if not data:
            raise EOFError("the other side has closed the connection")
        self._unread += data

    def _check_encoding(self, packet: Any) -> None:
        size = len(self._unread) - self._decoder.pending
        received = bytes(self._unread[:size])
        del self._unread[:size]
        encoded = self._mqtt.encode(packet, self._decoder.version)
        # 5.0 does not define the order of properties: the bytes are the same, but may be in another order.
        if self._decoder.version == self._mqtt.MQTTv5 and encoded != received:
            assert sorted(encoded) == sorted(received), packet
        else:
            assert encoded == received, packet


class LentBufferConnection(Connection):
    """A connection that receives into the buffer of its decoder."""

    def _receive_bytes(self) -> None:
        buffer = self._decoder.get_buffer()
        size = self.socket.recv_into(buffer)
        self._take(bytes(buffer[:size]))
        self._packets = self._decoder.buffer_updated(size)


class Listener:
    """An address for clients to connect to, where the test is the server."""

    def __init__(self) -> None:
        self._server = socket.create_server((LOOPBACK, 0))
        self._server.settimeout(TIMEOUT)
        self._connections: list[Connection] = []

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exception: object) -> None:
        for connection in self._connections:
            connection.close()
        self._server.close()

    def accept(self, mqtt: Any) -> Connection:
        connected, _ = self._server.accept()
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connections.append(Connection(mqtt, connected, None, server=True))
        return self._connections[-1]

    @contextmanager
    def wrapped(self, context: Any) -> Iterator[None]:
        """Within the block, clients connect with TLS."""
        plain = self._server
        with context.wrap_socket(plain.dup(), server_side=True) as self._server:
            self._server.settimeout(TIMEOUT)
            yield
        self._server = plain

    @property
    def port(self) -> int:
        port: int = self._server.getsockname()[1]
        return port

    @property
    def address(self) -> Sequence[object]:
        """The options that connect a command line client to this address."""
        return ("-h", LOOPBACK, "-p", self.port)
