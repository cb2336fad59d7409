"""An adapter of `mqttcodec.contrib` on one implementation of the codec."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import Any

import pytest


def load(name: str, requirement: str, mqtt: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The adapter `name`, with the classes and functions of `mqtt` in place of those it has imported.

    Without the host, the test is skipped, and under CI it fails.
    """
    if importlib.util.find_spec(name) is None:
        reason = f"{name} is not installed: pip install {requirement}"
        if os.environ.get("CI") == "true" and sys.platform != "emscripten":
            pytest.fail(reason)
        pytest.skip(reason)
    adapter = importlib.import_module(f"mqttcodec.contrib.{name}")
    for imported in set(vars(adapter)) & set(vars(mqtt)):
        if not imported.startswith("_"):
            monkeypatch.setattr(adapter, imported, getattr(mqtt, imported))
    return adapter
