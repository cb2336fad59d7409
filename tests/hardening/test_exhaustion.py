"""Memory runs out at each of the first 200 allocations of each operation, for each packet type.

The result is `MemoryError` or correct, without a crash or a leak, and a decoder works again after `reset`.
`exhaustion.py` in `support/` makes the allocations fail, in separate processes.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import implementations
import mqttcodec

PACKETS = sorted(cls.__name__ for cls in mqttcodec.Packet.__args__)

pytestmark = [
    pytest.mark.skipif(
        sys.implementation.name != "cpython" or not importlib.util.find_spec("_testcapi"),
        reason="this Python has no _testcapi, which lets allocations fail",
    ),
    pytest.mark.skipif(
        hasattr(sys, "gettotalrefcount"),
        reason="a debug build of CPython stops where it loses an error for want of memory",
    ),
]


def exhaust(name: str, allocations: int, *packets: str) -> None:
    program = Path(implementations.__file__).with_name("exhaustion.py")
    result = subprocess.run(
        [sys.executable, program, name, str(allocations), *packets],
        env=implementations.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    found = json.loads(result.stdout)
    assert found["failures"] > allocations
    # CPython can leak a tuple if memory runs out while it makes a list from it, for example. This affects plain Python.
    assert found["growth"] == 0 or name == "python"


def test_first_allocations(mqtt: Any) -> None:
    exhaust(mqtt.BACKEND, 12, *PACKETS)


def test_no_memory_for_what_was_received(mqtt: Any) -> None:
    """`buffer_updated` itself raises, because the packets before the error may never be requested."""
    import _testcapi

    data = mqtt.encode(mqtt.Publish("a", b"x"))
    failures = 0
    for allocation in range(8):
        decoder = mqtt.Decoder(5)
        decoder.get_buffer(100_000)[: len(data)] = data
        _testcapi.set_nomemory(allocation, allocation + 1)
        try:
            decoder.buffer_updated(len(data))
        except MemoryError:
            failures += 1
            continue
        finally:
            _testcapi.remove_mem_hooks()
        assert list(decoder) == [mqtt.Publish("a", b"x")]
    assert failures


@pytest.mark.slow
@pytest.mark.parametrize("packet", PACKETS)
@pytest.mark.parametrize("name", implementations.NAMES)
def test_each_allocation(name: str, packet: str) -> None:
    exhaust(name, 200, packet)
