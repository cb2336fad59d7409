"""The broker of `examples/broker` as a process, and clients that speak to it packet by packet."""

from __future__ import annotations

import atexit
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import broker as live

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "examples.broker"]


class Broker:
    """A running broker on a free port. `backend` is the implementation of the codec that it uses."""

    def __init__(self, *options: object, backend: str = "", certificate: Path | None = None) -> None:
        if sys.platform in ("win32", "emscripten"):
            pytest.skip("the broker needs sockets and signal handlers")
        environment = dict(os.environ)
        if backend:
            environment["MQTTCODEC_EXTENSIONS"] = "require" if backend == "cython" else "off"
        command = [*COMMAND, "--port", "0", "--verbose", *map(str, options)]
        self.certificate = certificate
        self.clients: list[Any] = []
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )
        atexit.register(self.process.kill)  # If a test fails, nobody stops it.
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("listening on port "), line + self.stop()
        self.port = int(line.split()[-1])

    def stop(self) -> str:
        """End the broker, and return what it has logged."""
        for client in self.clients:
            client.close()
        self.process.terminate()
        try:
            return self.process.communicate(timeout=live.TIMEOUT)[0]
        finally:
            self.process.kill()

    connected_socket = live.Broker.connected_socket

    @property
    def url(self) -> str:
        return f"mqtt://{live.LOOPBACK}:{self.port}"

    def client(
        self,
        mqtt: Any,
        version: int,
        client_id: str,
        *subscriptions: Any,
        **fields: Any,
    ) -> live.Connection:
        """A client whose CONNECT was accepted, and its subscriptions; `connack` has the answer."""
        client = self.new_client(mqtt, version)
        client.send(mqtt.Connect(client_id, protocol_version=version, **fields))
        client.connack = client.receive(mqtt.ConnAck)
        assert client.connack.reason_code == 0, client.connack
        if subscriptions:
            client.send(mqtt.Subscribe(1, subscriptions))
            assert max(client.receive(mqtt.SubAck).reason_codes) <= 2
        return client

    def new_client(self, mqtt: Any, version: int) -> Any:
        """A client that has sent nothing."""
        client = live.Connection(mqtt, self.connected_socket(), version)
        self.clients.append(client)
        return client


def shut_down(connection: live.Connection) -> bytes:
    """What the broker sends until it ends the connection, after which the client closes."""
    received = b""
    while data := connection.socket.recv(65_536):
        received += data
    connection.socket.shutdown(socket.SHUT_WR)
    connection.close()
    return received
