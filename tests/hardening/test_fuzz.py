"""The seeds of the fuzzing, tried once: the differential tries the other targets' checks on each implementation."""

from __future__ import annotations

from fuzz import differential


def test_seeds() -> None:
    for seed in differential.seeds():
        differential.check(None, seed)
