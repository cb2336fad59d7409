"""What pyproject.toml says, the other files say too."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PATTERNS = ("*.toml", "*.py", "*.md", "docs/*.md", "examples/*/*.toml", "tools/*", ".github/workflows/*.yml", ".ci/run")

pytestmark = pytest.mark.skipif(not (PROJECT / "setup.py").is_file(), reason="needs the project's source tree")


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
    """From 3.3.1 on a new value is in an attribute before the old one is released, whose finalizer may look at it."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    (floor,) = (requirement for requirement in project["build-system"]["requires"] if requirement.startswith("cython"))
    assert tuple(map(int, floor.partition(">=")[2].split("."))) >= (3, 3, 1)


def test_beta_until_there_is_a_release() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.search(r"^## \d+\.\d+\.\d+ - \d{4}-\d\d-\d\d$", changes, re.MULTILINE)
    status = "5 - Production/Stable" if released else "4 - Beta"
    assert [name for name in project["classifiers"] if "Status" in name] == [f"Development Status :: {status}"]
