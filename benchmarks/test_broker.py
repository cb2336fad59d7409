"""Each broker in `broker.py` delivers every message."""

from __future__ import annotations

import shutil

import pytest

import broker

CASES = [case for case in broker.CASES if case.publishers + case.subscribers == 2 or case.load == "flood"]


@pytest.mark.parametrize("name", broker.BROKERS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.load}-{case.publishers}-{case.subscribers}-{case.qos}")
def test_delivered(case: broker.Case, name: str) -> None:
    if name == broker.AMQTT:
        pytest.importorskip("amqtt")
    if name == broker.MOSQUITTO and shutil.which(broker.mosquitto()) is None:
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    assert broker.microseconds(case, name, 0) > 0


@pytest.mark.parametrize("name", [broker.EXAMPLE])
def test_idle(name: str) -> None:
    memory, spent = broker.idle(name, 20)
    assert memory >= 0
    assert spent > 0
