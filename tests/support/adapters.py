"""An adapter of `mqttcodec.contrib` on one implementation of the codec."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any

import pytest

# How to install each host, by the name of its module.
REQUIREMENTS = {"gmqtt": "gmqtt==0.8.0", "paho": "'paho-mqtt>=2.1,<2.3'"}


def require(name: str) -> None:
    """Without the host, the test is skipped, and under CI it fails."""
    if importlib.util.find_spec(name) is None:
        reason = f"{name} is not installed: pip install {REQUIREMENTS[name]}"
        if os.environ.get("CI") == "true" and sys.platform != "emscripten":
            pytest.fail(reason)
        pytest.skip(reason)


def load(name: str, mqtt: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The adapter `name`, with the classes and functions of `mqtt` in place of those it has imported."""
    require(name)
    adapter = importlib.import_module(f"mqttcodec.contrib.{name}")
    for imported in set(vars(adapter)) & set(vars(mqtt)):
        if not imported.startswith("_"):
            monkeypatch.setattr(adapter, imported, getattr(mqtt, imported))
    return adapter
