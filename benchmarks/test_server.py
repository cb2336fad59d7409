"""Each variant of the server in `server.py` answers every message."""

from __future__ import annotations

import asyncio

import pytest
import server


@pytest.mark.parametrize("load", server.LOADS)
@pytest.mark.parametrize("way", server.WAYS)
def test_served(way: str, load: str) -> None:
    assert asyncio.run(server.serve(way, server.load_codec("_py"), load, 0)) > 0
