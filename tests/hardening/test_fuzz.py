"""The fuzzing seeds, tried once. The differential target runs the checks of the others on each implementation."""

from __future__ import annotations

from fuzz import differential


def test_seeds() -> None:
    for seed in differential.seeds():
        differential.check(None, seed)
