"""The README's example does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mqttcodec

README = Path(__file__).parents[1] / "README.md"


@pytest.mark.skipif(not README.is_file(), reason="needs the project's source tree")
def test_example() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    environment = os.environ | {"PYTHONPATH": str(Path(mqttcodec.__file__).parents[1])}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert result.stderr == ""
    assert result.stdout.splitlines() == [
        "sensor-1 speaks MQTT 5.0",
        "kitchen/temperature b'21.5'",
        "the flags of PINGREQ are 1, which is not what the standard fixes them to, at byte 0 [MQTT-2.1.3-1]",
        "b'\\xe0\\x01\\x81'",
    ]
