from __future__ import annotations

from typing import Any

import implementations
import pytest


@pytest.fixture(scope="session", params=implementations.ALL, ids=implementations.NAMES)
def mqtt(request: pytest.FixtureRequest) -> Any:
    """The public names of `mqttcodec`, of each implementation in turn."""
    return request.param
