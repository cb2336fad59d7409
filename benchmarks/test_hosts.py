"""Each client in `hosts.py` receives every message."""

from __future__ import annotations

import hosts
import pytest


@pytest.mark.parametrize("codec_name", hosts.CODECS)
@pytest.mark.parametrize("case", hosts.CASES, ids=lambda case: f"{case.host}-{case.load}-{case.version:d}-{case.qos}")
def test_received(case: hosts.Case, codec_name: str) -> None:
    pytest.importorskip("paho.mqtt" if case.host == "paho" else case.host)
    assert hosts.measure_case(case, codec_name, 0) > 0
