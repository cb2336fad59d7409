"""The files around the code are correct: pages run and print the output they show, floors and versions match."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import adapters
import implementations

PROJECT = Path(__file__).parents[2]
PATTERNS = ("*.toml", "*.py", "*.md", "docs/*.md", "examples/*/*.toml", "tools/*", ".github/workflows/*.yml", ".ci/run")

pytestmark = pytest.mark.skipif(not (PROJECT / "setup.py").is_file(), reason="needs the project's source tree")


def blocks(page: Path, language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return "".join(found)


DOCS = sorted(PROJECT.glob("docs/*.md"))
PAGES = [page for page in (*PROJECT.glob("README.md"), *DOCS) if blocks(page, "python")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_page(mqtt: Any, page: Path) -> None:
    for host in adapters.REQUIREMENTS:
        if f"mqttcodec.contrib.{host}" in blocks(page, "python"):
            adapters.require(host)
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


def test_index_lists_all_pages() -> None:
    listed = re.findall(r"^\* \[.*\]\((.*)\): ", (PROJECT / "docs" / "index.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(listed) == [page.name for page in DOCS if page.stem != "index"]


def fences(page: Path) -> list[tuple[str, str]]:
    """The language and the text of each block."""
    return re.findall(r"^```([^\n]*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_no_other_blocks(page: Path) -> None:
    """Each block is Python, its output, a directive of the site, or of the kinds that `pages.py` generates."""
    allowed = {"python", "pycon", "console", "text", "pyi", "{toctree}", "{literalinclude}"}
    assert {language.partition(" ")[0] for language, _ in fences(page)} <= allowed


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_lines_of_code(page: Path) -> None:
    """Lines of code and of their output fit a narrow column; a command may print what it has to."""
    lines = [
        line
        for language, block in fences(page)
        for line in block.splitlines()
        if language != "console" or line.startswith("$ ")
    ]
    assert [line for line in lines if len(line) > 88] == []


def test_what_is_made_of_the_packet_classes_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, PROJECT / "tools" / "packets.py"], capture_output=True, text=True, check=False
    )
    assert not done.stderr


def test_floors_agree() -> None:
    found: dict[str, set[str]] = {"cython": set(), "setuptools": set()}
    for pattern in PATTERNS:
        for path in PROJECT.glob(pattern):
            if path.is_file():
                for name, floor in re.findall(r"\b(cython|setuptools) ?>= ?([\d.]+)", path.read_text(encoding="utf-8")):
                    found[name].add(floor)
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    required = dict(requirement.split(">=") for requirement in project["build-system"]["requires"])
    assert found == {name: {floor} for name, floor in required.items()}


def test_cython_stores_before_it_releases() -> None:
    """From 3.3.1 on, an attribute is set before the old value is released, whose finaliser may read the attribute."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    (floor,) = (requirement for requirement in project["build-system"]["requires"] if requirement.startswith("cython"))
    assert tuple(map(int, floor.partition(">=")[2].split("."))) >= (3, 3, 1)


def test_beta_until_there_is_a_release() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.search(r"^## \d+\.\d+\.\d+ - \d{4}-\d\d-\d\d$", changes, re.MULTILINE)
    status = "5 - Production/Stable" if released else "4 - Beta"
    assert [name for name in project["classifiers"] if "Status" in name] == [f"Development Status :: {status}"]
