"""Work is linear: twice the bytes, parts or feeds take twice the instructions, whatever the pieces.

Valgrind's callgrind counts the instructions, because time depends on the load of the machine.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import implementations
import linear_work
from broker import program

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="callgrind is asked on Linux only"),
    pytest.mark.skipif(sys.implementation.name != "cpython", reason="what a JIT compiles when is none of our business"),
]

# The ratio at twice the size. Growing blocks, and the way the allocator handles their sizes, change it by a tenth or
# so.
LINEAR = 2.4
# `adversarial.jsonl` sets this for one case (A28).
LIMITS = {"decode_empty_user_properties": 2.2}


def start(valgrind: str, backend: str, directory: Path) -> subprocess.Popen[str]:
    command = [
        *(valgrind, "--tool=callgrind", "--dump-before=getppid", f"--callgrind-out-file={directory / 'part'}"),
        *(sys.executable, "-S", linear_work.__file__, backend),
    ]
    # Otherwise the C library copies megabytes by another method than kilobytes, with far fewer instructions.
    tunables = "glibc.cpu.x86_non_temporal_threshold=0x100000000"
    environment = implementations.environment(PYTHONHASHSEED="0", GLIBC_TUNABLES=tunables)
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )


def counted(output: str, directory: Path) -> dict[str, list[int]]:
    """The instructions of the two sizes, by case."""
    work: dict[str, list[int]] = {name: [] for name in linear_work.CASES}
    measured = re.findall(r"^(\w+) \d+$", output, re.MULTILINE)
    for number, name in enumerate(measured, 1):
        # One part ends where the work begins, and another where it ends.
        profile = (directory / f"part.{2 * number}").read_text(encoding="utf-8")
        match = re.search(r"^totals: (\d+)$", profile, re.MULTILINE)
        assert match
        work[name].append(int(match.group(1)))
    return work


@pytest.fixture(scope="session")
def instructions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[int]]]:
    """The instructions by implementation and case. The implementations run in parallel."""
    valgrind = program("valgrind", "apt-get install valgrind")
    directories = {backend: tmp_path_factory.mktemp(backend) for backend in implementations.NAMES}
    running = {backend: start(valgrind, backend, directory) for backend, directory in directories.items()}
    outputs = {backend: process.communicate()[0] for backend, process in running.items()}
    for backend, process in running.items():
        assert process.returncode == 0, outputs[backend]
    return {backend: counted(outputs[backend], directory) for backend, directory in directories.items()}


@pytest.mark.parametrize("name", [name for name in linear_work.CASES if name != "quadratic"])
def test_twice_the_size_is_twice_the_work(mqtt: Any, instructions: Any, name: str) -> None:
    less, more = instructions[mqtt.BACKEND][name]
    # The lower bound shows that the count is dominated by the work and not by the code around it.
    assert 1.5 * less < more <= LIMITS.get(name, LINEAR) * less


def test_what_is_not_linear_is_seen(mqtt: Any, instructions: Any) -> None:
    less, more = instructions[mqtt.BACKEND]["quadratic"]
    assert more > LINEAR * less


def test_a_packet_costs_the_same_in_any_company(mqtt: Any, instructions: Any) -> None:
    """All small packets in one piece, or 512 at a time (A06 of `adversarial.jsonl`)."""
    _, in_one_piece = instructions[mqtt.BACKEND]["small_packets_in_one_piece"]
    _, in_pieces = instructions[mqtt.BACKEND]["small_packets_in_pieces_of_1_kib"]
    assert in_one_piece <= 1.3 * in_pieces
