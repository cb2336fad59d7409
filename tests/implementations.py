"""Both implementations side by side, each with the names of the public package."""

from __future__ import annotations

import importlib
import os
from types import SimpleNamespace
from typing import Any

import mqttcodec

_SUFFIXES = {"cython": "_c", "python": "_py"}


def load(name: str) -> Any:
    """The public names of one implementation; an ImportError if it is not there."""
    codec = importlib.import_module("mqttcodec._codec" + _SUFFIXES[name])
    packets = importlib.import_module("mqttcodec._packets" + _SUFFIXES[name])
    public = {name: getattr(mqttcodec, name) for name in mqttcodec.__all__}
    for module in (codec, packets):
        public.update({key: getattr(module, key) for key in public if key in vars(module)})
    return SimpleNamespace(**{**public, "BACKEND": name})


# With MQTTCODEC_EXTENSIONS=off the pure one alone; otherwise a missing extension is an error, not a skip.
NAMES = ["python"] if os.environ.get("MQTTCODEC_EXTENSIONS") == "off" else ["cython", "python"]
ALL = [load(name) for name in NAMES]
