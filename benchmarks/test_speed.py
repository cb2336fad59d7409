"""The benchmark: a group for each operation and case, with all participants.

    python -m pytest benchmarks --benchmark-group-by=group --benchmark-columns=min

A group's name contains the number of executions per round. Compare minima within one run. Libraries that are not
installed are skipped (`-rs` lists them); the extra `benchmark` installs them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from operations import OPERATIONS, call_of
from participants import PARTICIPANTS, Participant, participant


@cache
def installed(name: str) -> Participant | ImportError:
    try:
        return participant(name)
    except ImportError as error:
        return error


@pytest.mark.parametrize("name", PARTICIPANTS)
@pytest.mark.parametrize(
    ("operation", "case"),
    [
        # Names, not cases: pytest-benchmark writes the parameters into its results, and some cases are large.
        pytest.param(name, case.name, id=f"{name}, {case.name}")
        for name, operation in OPERATIONS.items()
        for case in operation.cases
    ],
)
def test_speed(benchmark: Any, operation: str, case: str, name: str) -> None:
    (measured,) = (one for one in OPERATIONS[operation].cases if one.name == case)
    found = installed(name)
    if isinstance(found, ImportError):
        pytest.skip(f"{name}: {found}")
    call = call_of(found, operation, measured)
    if call is None:
        pytest.skip(f"{name} has no such thing")
    benchmark.group = f"{operation}, {case}, {measured.times} times"
    benchmark.extra_info.update(operation=operation, case=case, participant=name, times=measured.times)
    benchmark(call.loop(measured.times))
