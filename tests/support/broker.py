"""A Mosquitto of the tests' own on loopback, its command line clients, and connections that speak through the codec."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

LOOPBACK = "127.0.0.1"
TIMEOUT = 20  # Seconds: an upper bound for what ought to happen at once. Nothing waits for it to pass.

# The broker drops nothing of what the tests send it, and sends at once.
SETTINGS = """
persistence false
queue_qos0_messages true
max_queued_messages 0
max_inflight_messages 100
max_packet_size 4000000
set_tcp_nodelay true
"""


def program(name: str, install: str = "apt-get install mosquitto mosquitto-clients") -> str:
    """The path of a program. Without it the test skips, or fails if MQTTCODEC_PROGRAMS is `require`."""
    places = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"]
    path = shutil.which(name, path=os.pathsep.join(places))
    if path is None:
        reason = f"{name} is not installed: {install}"
        if os.environ.get("MQTTCODEC_PROGRAMS") == "require":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def run(name: str, *arguments: object, lines: str | None = None) -> str:
    """Run a command line client to its end, with `lines` on its standard input; returns what it printed."""
    command = [program(name), *map(str, arguments)]
    ended = subprocess.run(command, input=lines, capture_output=True, encoding="utf-8", timeout=TIMEOUT)
    assert ended.returncode == 0, f"{name} ended with {ended.returncode}: {ended.stderr}{ended.stdout}"
    return ended.stdout


@contextmanager
def running(name: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A command line client while it runs; ended at the latest when the block is left."""
    command = [program(name), *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8") as process:
        try:
            yield process
        finally:
            process.kill()


class Broker:
    """A Mosquitto with one listener on a free port of the loopback interface."""

    def __init__(self, directory: Path, *settings: str, certificate: Path | None = None) -> None:
        self.certificate = certificate
        self._program = program("mosquitto")
        self._directory = directory
        self._settings = settings
        # Between being found free and being listened on a port may be lost to somebody else.
        for _ in range(5):
            if self._start():
                return
        raise RuntimeError("Mosquitto does not start:\n" + self._log.read_text(errors="replace"))

    def _start(self) -> bool:
        self.port = _free_port()
        self._log = self._directory / "mosquitto.log"
        configuration = self._directory / "mosquitto.conf"
        lines = [SETTINGS, f"listener {self.port} {LOOPBACK}", *self._settings]
        if os.geteuid() == 0:
            lines.append("user root")  # Else it becomes a user who may not read this directory.
        configuration.write_text("\n".join(lines) + "\n")
        with self._log.open("wb") as log:
            command = [self._program, "-v", "-c", str(configuration)]
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        return self._accepts_connections()

    def _accepts_connections(self) -> bool:
        """True as soon as the port accepts connections, False when the process ends instead."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            try:
                self._process.wait(0.01)
                return False
            except subprocess.TimeoutExpired:
                pass
            try:
                socket.create_connection((LOOPBACK, self.port), TIMEOUT).close()
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
        import ssl  # Not every Python has it, and hardly a test needs it.

        context = ssl.create_default_context(cafile=str(self.certificate))
        return context.wrap_socket(plain, server_hostname="localhost")

    @property
    def address(self) -> Sequence[object]:
        """The options that lead a command line client here."""
        return ("-h", LOOPBACK, "-p", self.port)


def _free_port() -> int:
    with socket.create_server((LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def password_file(directory: Path, username: str, password: str) -> Path:
    """A password file with one user in it, by `mosquitto_passwd`."""
    path = directory / "passwords"
    run("mosquitto_passwd", "-b", "-c", path, username, password)
    return path


def certificate_and_key(directory: Path) -> tuple[Path, Path]:
    """A certificate for localhost, signed with its own key, and that key, by `openssl`."""
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

    As a server it learns the version from the client's CONNECT. Every packet received is encoded again and compared
    with the bytes it came in.
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
        """Send packets, all in one go."""
        version = self._decoder.version or self._mqtt.MQTTv5
        self.socket.sendall(b"".join([self._mqtt.encode(packet, version) for packet in packets]))

    @contextmanager
    def sending(self, *packets: Any) -> Iterator[None]:
        """Send packets in the background while the block receives; done when the block is left."""
        with ThreadPoolExecutor(1) as executor:
            sent = executor.submit(self.send, *packets)
            yield
            sent.result(TIMEOUT)

    def receive(self, packet_class: Any = object) -> Any:
        """The next packet; with a class given the next of that class, and those of others stay for later."""
        for position, packet in enumerate(self._put_back):
            if isinstance(packet, packet_class):
                return self._put_back.pop(position)
        while not isinstance(packet := self._next_packet(), packet_class):
            self._put_back.append(packet)
        return packet

    def receive_some(self) -> list[Any]:
        """The next packets, one at least: as many as came together."""
        packets = [self.receive()]
        for packet in self._packets:
            self._check_encoding(packet)
            packets.append(packet)
        return packets

    def receive_end(self) -> None:
        """The other side closes the connection, after whole packets all of which were received."""
        import ssl

        assert self._put_back == []
        assert list(self._packets) == []
        with suppress(ConnectionResetError, ssl.SSLEOFError):
            assert self.socket.recv(1) == b""
        assert self._decoder.pending == 0

    def close(self) -> None:
        """Close the socket; without a DISCONNECT before it, this is how a connection fails."""
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
        # 5.0 leaves the order of properties open: there the bytes are the same, but some may stand elsewhere.
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
    """A place for clients to connect to, where the test is the server."""

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

    @property
    def address(self) -> Sequence[object]:
        """The options that lead a command line client here."""
        return ("-h", LOOPBACK, "-p", self._server.getsockname()[1])
