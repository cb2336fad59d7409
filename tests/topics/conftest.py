from __future__ import annotations

import importlib
from typing import Any

import pytest


@pytest.fixture(scope="session")
def topics(mqtt: Any) -> Any:
    """`mqttcodec.topics`, for each implementation in turn."""
    return importlib.import_module("mqttcodec._topics" + ("_c" if mqtt.BACKEND == "cython" else "_py"))
