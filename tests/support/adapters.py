"""An adapter of `mqttcodec.contrib` on one implementation of the codec."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import broker

# How to install each host, by the name of its module.
REQUIREMENTS = {"gmqtt": "gmqtt==0.8.0", "paho": "'paho-mqtt>=2.1,<2.3'"}


def require(name: str) -> None:
    """Without the host, the test is skipped or fails, as `broker.package` says."""
    broker.package(name, f"pip install {REQUIREMENTS[name]}")


def load(name: str, mqtt: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The adapter `name`, with the classes and functions of `mqtt` in place of those it has imported."""
    require(name)
    adapter = importlib.import_module(f"mqttcodec.contrib.{name}")
    for imported in set(vars(adapter)) & set(vars(mqtt)):
        if not imported.startswith("_"):
            monkeypatch.setattr(adapter, imported, getattr(mqtt, imported))
    return adapter
