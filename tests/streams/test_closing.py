"""The guide's way to close a connection, over a real socket: the last bytes arrive."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest

import mqttcodec

GUIDE = Path(__file__).parents[2] / "docs" / "guide.md"
UNREAD = 4 << 20

pytestmark = pytest.mark.skipif(not GUIDE.is_file(), reason="needs the project's source tree")


def connections() -> list[Any]:
    """The protocols that the guide defines."""
    blocks = re.findall(r"^```python\n(.*?)^```$", GUIDE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    defined: dict[str, Any] = {"mqtt": mqttcodec}
    for block in blocks:
        if "class Connection" in block or "class BufferedConnection" in block:
            exec(block, defined)
    return [defined["Connection"], defined["BufferedConnection"]]


def talk(port: int, context: ssl.SSLContext | None) -> bytes:
    """Send a CONNECT, a PINGREQ with invalid flags, and many more bytes. Returns the received bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        client = plain if context is None else context.wrap_socket(plain, server_hostname="localhost")
        client.sendall(mqttcodec.encode(mqttcodec.Connect("c")) + b"\xc1\x00" + bytes(UNREAD))
        received = client.recv(len(ANSWER))
        while len(received) < len(ANSWER) and (data := client.recv(65_536)):
            received += data
        if context is None:
            assert client.recv(1) == b""  # The server has closed its side.
        client.close()
        return received


ANSWER = bytes.fromhex("20 03 00 00 00  e0 01 81")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("certificate")
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *subject]
    try:
        subprocess.run([*command, "-keyout", "key", "-out", "crt"], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl")
    return folder


@pytest.mark.parametrize("tls", [False, True], ids=["TCP", "TLS"])
@pytest.mark.parametrize("index", [0, 1], ids=["Protocol", "BufferedProtocol"])
def test_the_disconnect_arrives(index: int, tls: bool, request: pytest.FixtureRequest) -> None:
    of_server = of_client = None
    if tls:
        folder = request.getfixturevalue("certificate")
        of_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        of_server.load_cert_chain(folder / "crt", folder / "key")
        of_client = ssl.create_default_context(cafile=str(folder / "crt"))

    async def serve() -> bytes:
        loop = asyncio.get_running_loop()
        lost = asyncio.Event()

        class Watched(connections()[index]):  # type: ignore[misc]
            def connection_lost(self, exc: Exception | None) -> None:
                super().connection_lost(exc)
                lost.set()

        server = await loop.create_server(Watched, "127.0.0.1", 0, ssl=of_server)
        async with server:
            received = await loop.run_in_executor(None, talk, server.sockets[0].getsockname()[1], of_client)
            await asyncio.wait_for(lost.wait(), 60)
        return received

    assert asyncio.run(serve()) == ANSWER
