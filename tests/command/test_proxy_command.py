"""`mqttcodec proxy` between sockets of the test, as a process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import broker
import implementations
from mqttcodec import ConnAck, Connect, MQTTv311, PingReq, Publish, Subscribe, Subscription, encode, encode_many
from mqttcodec.command._proxy import _address

TIMEOUT = 20
SECRET = b"Secret"
CONNECT = encode(Connect("c", username="u", password=SECRET, protocol_version=MQTTv311))


class Proxy:
    """A running proxy, and the server that it forwards to."""

    def __init__(self, process: subprocess.Popen[str], port: int, server: socket.socket) -> None:
        self.process = process
        self.port = port
        self._server = server
        self._sockets: list[socket.socket] = []

    def connected(self) -> tuple[socket.socket, socket.socket]:
        """Both ends of a new connection: the client's and the broker's."""
        client = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
        peer, _ = self._server.accept()
        peer.settimeout(TIMEOUT)
        self._sockets += [client, peer]
        return client, peer

    def end(self) -> tuple[str, str]:
        """End the proxy as Ctrl-C does. Returns what it wrote."""
        self.process.send_signal(signal.SIGINT)
        output, errors = self.process.communicate(timeout=TIMEOUT)
        assert self.process.returncode == 130
        assert "Traceback" not in errors
        return output, errors

    def close(self) -> None:
        for each in self._sockets:
            each.close()


@contextmanager
def running(*options: str, server: socket.socket | None = None, stdout: Any = subprocess.PIPE) -> Iterator[Proxy]:
    if os.name == "nt":
        pytest.skip("Windows has no SIGINT for a single process")
    with socket.create_server(("127.0.0.1", 0)) if server is None else server as listening:
        listening.settimeout(TIMEOUT)
        to = f"127.0.0.1:{listening.getsockname()[1]}" if server is None else f"localhost:{server.getsockname()[1]}"
        command = [sys.executable, "-m", "mqttcodec", "proxy", "--listen", "0", "--to", to, *options]
        with subprocess.Popen(
            command, stdout=stdout, stderr=subprocess.PIPE, encoding="utf-8", env=implementations.environment()
        ) as process:
            assert process.stderr is not None
            line = process.stderr.readline()
            found = re.match(r"mqttcodec: listening on 127\.0\.0\.1:(\d+), forwarding to ", line)
            assert found, line + process.stderr.read()
            proxy = Proxy(process, int(found[1]), listening)
            try:
                yield proxy
            finally:
                proxy.close()
                process.kill()


def received(connected: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (chunk := connected.recv(1 << 16)):
        data += chunk
    return data


def test_both_directions() -> None:
    to_broker = CONNECT + encode_many([Subscribe(1, [Subscription("a/+")]), PingReq()], MQTTv311)
    to_client = encode_many([ConnAck(), Publish("a/b", b"21.5")], MQTTv311)
    with running() as proxy:
        client, peer = proxy.connected()
        for part in (to_broker[:20], to_broker[20:]):
            client.sendall(part)
        assert received(peer, len(to_broker)) == to_broker
        peer.sendall(to_client)
        assert received(client, len(to_client)) == to_client
        # Each side can end its direction first.
        client.shutdown(socket.SHUT_WR)
        assert peer.recv(1) == b""
        peer.sendall(to_client)
        peer.close()
        assert received(client, len(to_client)) == to_client
        assert client.recv(1) == b""
        assert proxy.process.stderr is not None
        assert "closed" in proxy.process.stderr.readline() + proxy.process.stderr.readline()
        output, errors = proxy.end()
    heads = [line for line in output.splitlines() if ": offset" in line]
    assert heads == [
        f"1 client: offset 0: CONNECT, {len(CONNECT)} bytes, MQTT 3.1.1",
        f"1 client: offset {len(CONNECT)}: SUBSCRIBE, 10 bytes, MQTT 3.1.1",
        f"1 client: offset {len(CONNECT) + 10}: PINGREQ, 2 bytes, MQTT 3.1.1",
        "1 server: offset 0: CONNACK, 4 bytes, MQTT 3.1.1",
        "1 server: offset 4: PUBLISH, 11 bytes, MQTT 3.1.1",
        "1 server: offset 15: CONNACK, 4 bytes, MQTT 3.1.1",
        "1 server: offset 19: PUBLISH, 11 bytes, MQTT 3.1.1",
    ]
    assert "  password:         hidden, 6 bytes\n" in output
    assert SECRET.decode() not in output + errors


def test_json() -> None:
    with running("--json") as proxy:
        for _ in range(2):
            client, peer = proxy.connected()
            client.sendall(CONNECT)
            assert received(peer, len(CONNECT)) == CONNECT
            peer.sendall(encode(ConnAck(), MQTTv311))
            assert len(received(client, 4)) == 4
            client.close()
            assert peer.recv(1) == b""
            peer.close()
        output, _ = proxy.end()
    found = [json.loads(line) for line in output.splitlines()]
    assert [(each["connection"], each["from"], each["packet"]["type"]) for each in found] == [
        (1, "client", "CONNECT"),
        (1, "server", "CONNACK"),
        (2, "client", "CONNECT"),
        (2, "server", "CONNACK"),
    ]
    assert found[0]["packet"]["password"] == {"hidden_size": 6}


def test_malformed_packets_are_forwarded() -> None:
    body_fault = bytes.fromhex("30 05 0001 2b 68 69")
    framing_fault = bytes.fromhex("30 ff ff ff ff 01")
    data = CONNECT + body_fault + encode(PingReq()) + framing_fault + os.urandom(100_000)
    with running() as proxy:
        client, peer = proxy.connected()
        client.sendall(data)
        assert received(peer, len(data)) == data
        # The other direction is still decoded.
        peer.sendall(encode(ConnAck(), MQTTv311))
        assert len(received(client, 4)) == 4
        output, errors = proxy.end()
    assert "PINGREQ" in output
    assert "CONNACK" in output
    assert errors.count("MalformedPacketError") == 2
    assert "must not contain the wildcard '+'" in errors
    assert errors.count("mqttcodec: connection 1, client: from here on, bytes are forwarded but not decoded\n") == 1


def test_secrets_around_a_fault() -> None:
    # The User Name flag is not set: a fault within the flags, before a password.
    data = CONNECT[:9] + b"\x43" + CONNECT[10:]
    for options, is_hidden in (((), True), (("--show-secrets",), False)):
        with running(*options) as proxy:
            client, peer = proxy.connected()
            client.sendall(data)
            assert received(peer, len(data)) == data
            output, errors = proxy.end()
        assert "CONNECT: " in errors
        assert (".. is hidden" in errors) == is_hidden
        assert SECRET.decode() not in output + errors


def test_back_pressure() -> None:
    """A side that does not read stops the other, and no byte is lost."""
    with running("--json", stdout=subprocess.DEVNULL) as proxy:
        client, peer = proxy.connected()
        client.settimeout(1)
        block = encode(Publish("a", bytes(65_000)))
        sent = 0
        with pytest.raises(TimeoutError):
            while sent < 1 << 27:
                sent += client.send(block[sent % len(block) :])
        assert sent < 1 << 26
        client.settimeout(TIMEOUT)
        ends = threading.Thread(target=client.shutdown, args=(socket.SHUT_WR,))
        ends.start()
        whole = received(peer, 1 << 40)
        ends.join()
        assert len(whole) == sent
        assert whole == (block * (sent // len(block) + 1))[:sent]


def test_broker_that_is_not_there() -> None:
    with running() as proxy:
        proxy._server.close()
        client = socket.create_connection(("127.0.0.1", proxy.port), TIMEOUT)
        assert client.recv(1) == b""
        client.close()
        _, errors = proxy.end()
    assert "connection 1: cannot connect to 127.0.0.1:" in errors


def test_output_that_is_gone() -> None:
    with running() as proxy:
        assert proxy.process.stdout is not None
        proxy.process.stdout.close()
        client, _peer = proxy.connected()
        client.sendall(CONNECT)
        assert proxy.process.wait(TIMEOUT) == 1
        assert proxy.process.stderr is not None
        assert "Traceback" not in proxy.process.stderr.read()


def test_tls(tmp_path: Path) -> None:
    ssl = pytest.importorskip("ssl")
    certificate, key = broker.certificate_and_key(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    for options in (("--ca-file", str(certificate)), ("--insecure",)):
        plain = socket.create_server(("127.0.0.1", 0))
        with context.wrap_socket(plain, server_side=True) as server, running("--tls", *options, server=server) as proxy:
            client = socket.create_connection(("127.0.0.1", proxy.port), TIMEOUT)
            peer, _ = server.accept()
            client.sendall(CONNECT)
            assert received(peer, len(CONNECT)) == CONNECT
            peer.sendall(encode(ConnAck(), MQTTv311))
            assert len(received(client, 4)) == 4
            output, _ = proxy.end()
            client.close()
            peer.close()
        assert "CONNECT" in output
        assert "CONNACK" in output


@pytest.mark.parametrize(
    ("text", "default", "expected"),
    [
        ("1884", None, ("127.0.0.1", 1884)),
        ("0.0.0.0:1884", None, ("0.0.0.0", 1884)),
        ("[::1]:1884", None, ("::1", 1884)),
        ("broker.example", 1883, ("broker.example", 1883)),
        ("broker.example:8883", 1883, ("broker.example", 8883)),
        ("[::1]", 1883, ("::1", 1883)),
    ],
)
def test_addresses(text: str, default: int | None, expected: tuple[str, int]) -> None:
    assert _address(text, None if default else "127.0.0.1", default) == expected


@pytest.mark.parametrize("text", ["", ":", "host:", "host:65536", "host:x", ":-1"])
def test_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="an address must be HOST:PORT"):
        _address(text, None, 1883)
