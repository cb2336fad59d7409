from __future__ import annotations

import importlib
import subprocess
import sys
import threading
from types import ModuleType
from typing import Any, NoReturn

import hypothesis
import pytest

import implementations
import mqttcodec
import sessions


def _no_processes_and_threads(*_: object, **__: object) -> NoReturn:
    pytest.skip("WebAssembly has no processes and threads")


def _no_traced_memory(*_: object, **__: object) -> NoReturn:
    pytest.skip("PyPy does not trace memory")


# A test that needs a missing feature of this Python is skipped when it uses that feature.
if sys.platform == "emscripten":
    subprocess.Popen = threading.Thread.start = _no_processes_and_threads
if sys.implementation.name == "pypy":
    sys.modules["tracemalloc"] = ModuleType("tracemalloc")
    sys.modules["tracemalloc"].start = _no_traced_memory


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the slow tests too, and all of them on many more inputs")


def pytest_configure(config: pytest.Config) -> None:
    common = {"deadline": None, "print_blob": True, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
    hypothesis.settings.register_profile("fast", max_examples=100, **common)
    hypothesis.settings.register_profile("full", max_examples=10_000, **common)
    hypothesis.settings.load_profile("full" if config.getoption("--full") else "fast")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--full"):
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def pytest_report_header() -> str:
    header = "mqttcodec implementations: " + ", ".join(implementations.NAMES)
    return header + (f" ({mqttcodec.BACKEND_ERROR})" if len(implementations.ALL) < 2 else "")


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether this is the full run, with many more inputs."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session", params=implementations.ALL, ids=implementations.NAMES)
def mqtt(request: pytest.FixtureRequest) -> Any:
    """The public names of `mqttcodec`, for each implementation in turn."""
    return request.param


@pytest.fixture(scope="session")
def topics(mqtt: Any) -> Any:
    """`mqttcodec.topics`, for each implementation in turn."""
    return importlib.import_module("mqttcodec._topics" + ("_c" if mqtt.BACKEND == "cython" else "_py"))


@pytest.fixture(scope="session")
def session(mqtt: Any) -> Any:
    """`mqttcodec.session`, for each implementation in turn."""
    return sessions.load(mqtt)
