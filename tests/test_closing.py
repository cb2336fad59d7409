"""The way to end a connection that the guide shows, over a real socket: what is sent last arrives."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path
from typing import Any

import pytest

import mqttcodec

GUIDE = Path(__file__).parents[1] / "docs" / "guide.md"
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


def talk(port: int) -> bytes:
    """Send a CONNECT, a PINGREQ with flags that are not allowed, and much that nobody wants; return what comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(mqttcodec.encode(mqttcodec.Connect("c")) + b"\xc1\x00" + bytes(UNREAD))
        client.shutdown(socket.SHUT_WR)
        received = b""
        while data := client.recv(65_536):
            received += data
        return received


@pytest.mark.parametrize("index", [0, 1], ids=["Protocol", "BufferedProtocol"])
def test_the_disconnect_arrives(index: int) -> None:
    async def serve() -> bytes:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(connections()[index], "127.0.0.1", 0)
        async with server:
            return await loop.run_in_executor(None, talk, server.sockets[0].getsockname()[1])

    assert asyncio.run(serve()) == bytes.fromhex("20 03 00 00 00  e0 01 81")
