"""The seeds of the fuzzing, tried once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

import implementations


@pytest.mark.parametrize("name", ["decode", "feed", "encode"])
def test_seeds(mqtt: Any, name: str) -> None:
    target = import_module(f"fuzz.{name}")
    for seed in target.seeds():
        target.check(mqtt, seed)


@pytest.mark.skipif(len(implementations.ALL) < 2, reason="there is one implementation only")
def test_seeds_of_the_differential() -> None:
    differential = import_module("fuzz.differential")
    for seed in differential.seeds():
        differential.check(None, seed)
