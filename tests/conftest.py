from __future__ import annotations

from typing import Any

import pytest

import implementations
import mqttcodec


def pytest_report_header() -> str:
    header = "mqttcodec implementations: " + ", ".join(implementations.NAMES)
    return header + (f" ({mqttcodec.BACKEND_ERROR})" if len(implementations.ALL) < 2 else "")


@pytest.fixture(scope="session", params=implementations.ALL, ids=implementations.NAMES)
def mqtt(request: pytest.FixtureRequest) -> Any:
    """The public names of `mqttcodec`, of each implementation in turn."""
    return request.param
