"""README and the pages of `docs/` do what they say: a page's Python runs, and prints what its text blocks show."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import implementations

PROJECT = Path(__file__).parents[2]


def blocks(page: Path, language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return "".join(found)


PAGES = [page for page in (*PROJECT.glob("README.md"), *sorted(PROJECT.glob("docs/*.md"))) if blocks(page, "python")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(mqtt: Any, page: Path) -> None:
    choice = "require" if mqtt.BACKEND == "cython" else "off"
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", blocks(page, "python")],
        env=implementations.environment(MQTTCODEC_EXTENSIONS=choice, PYTHONUTF8="1"),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert result.stderr == ""
    assert result.stdout == blocks(page, "text")


@pytest.mark.skipif(not PAGES, reason="needs the project's source tree")
def test_no_other_blocks() -> None:
    """What is no program, no output and no directive of the site would be tried by nothing."""
    for page in PROJECT.glob("docs/*.md"):
        fences = re.findall(r"^```(.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(fences) <= {"python", "text", "{eval-rst}", "{toctree}"}, page
