"""Measure how time grows with the size of the input, and the memory of a packet: `python benchmarks/growth.py`.

Times are minima. Slopes are least squares over all sizes. Memory is the growth of the resident set of a fresh process
for each packet it keeps, which measures Python and Rust objects the same way. It is available on Linux only.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import linear_regression
from typing import Any, NamedTuple

from corpus import CASES, KIB, MIB, Case, Stream, case, messages, publish, stream
from participants import Call, Participant, participant

from mqttcodec import _codec_py as codec
from mqttcodec._packets_py import Subscribe, Subscription

HERE = Path(__file__).parent
STATM = Path("/proc/self/statm")
NAMES = ("mqttcodec, compiled", "mqttcodec, plain Python", "mqtt5")

Points = list[tuple[int, float]]


class Series(NamedTuple):
    """One input that grows."""

    make: Callable[[int], Case | Stream]
    sizes: list[int]
    per: str
    """The unit of a slope."""
    unit: int = 1
    """The size of one such unit."""

    def call(self, of: Participant, size: int) -> Call | None:
        made = self.make(size)
        return of.stream(made) if isinstance(made, Stream) else of.decode(made)

    def slope(self, points: Points) -> float:
        """Nanoseconds for each additional unit."""
        return linear_regression(*zip(*points, strict=True)).slope * self.unit


def with_properties(count: int) -> Case:
    return case("", publish(user_properties=tuple((f"name-{number:03d}", "and its value") for number in range(count))))


def with_filters(count: int) -> Case:
    return case("", Subscribe(7, tuple(Subscription(f"sensors/room-{number:04d}/#", 1) for number in range(count))))


def in_chunks(count: int) -> Stream:
    """64 KiB of PUBLISH packets in `count` pieces, or as close to it as whole bytes allow."""
    packets = messages(600)
    return stream("", packets, -(-len(codec.encode_many(packets)) // count))


SERIES = {
    "packets in a stream": Series(
        lambda count: stream("", messages(count), 64 * KIB), [1, 10, 100, 1000, 10_000], "packet"
    ),
    "bytes of payload": Series(
        lambda size: case("", publish(payload=bytes(size))),
        [64, KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB],
        "KiB",
        KIB,
    ),
    "user properties": Series(with_properties, [0, 1, 2, 5, 10, 20, 40, 60, 80, 100], "property"),
    "filters in SUBSCRIBE": Series(with_filters, [1, 3, 10, 30, 100, 300, 1000], "filter"),
    "chunks of a 64 KiB stream": Series(in_chunks, [1, 4, 16, 64, 256, 1024, 4096, 16384], "chunk"),
}


def shortest(call: Call, seconds: float) -> float:
    """Nanoseconds of one execution: the minimum of runs of a millisecond or more, repeated for `seconds`."""
    times = 1
    while (taken := nanoseconds(call.loop(times))) < 1_000_000:
        times *= 2 if taken > 100_000 else 10
    run = call.loop(times)
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        taken = min(taken, nanoseconds(run))
    return taken / times


def nanoseconds(run: Callable[[], None]) -> int:
    start = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - start


def installed() -> dict[str, Participant]:
    found = {}
    for name in NAMES:
        try:
            found[name] = participant(name)
        except ImportError as error:
            print(f"{name} is not measured: {error}", file=sys.stderr)
    return found


def growth(seconds: float = 0.1) -> dict[str, dict[str, Points]]:
    """The sizes and nanoseconds by series and participant. Each point is measured for `seconds`."""
    participants = installed()
    measured: dict[str, dict[str, Points]] = {}
    gc.disable()  # The benchmarks do the same.
    for series_name, series in SERIES.items():
        measured[series_name] = {name: [] for name in participants}
        for size in series.sizes:
            for name, of in participants.items():
                if call := series.call(of, size):
                    measured[series_name][name].append((size, shortest(call, seconds)))
    gc.enable()
    return measured


# --- Memory.


def different(packet: Any, number: int) -> Any:
    """A copy of the packet with unique content of the same length."""
    contents = {
        "packet_id": number % 65_535 + 1,
        "topic": f"{number:07d}{getattr(packet, 'topic', '')[7:]}",
        "payload": number.to_bytes(8, "big") * 8,
        "client_id": f"sensor-{number:010d}",
    }
    return packet.replace(**{name: content for name, content in contents.items() if getattr(packet, name, None)})


def bytes_kept(name: str, kind_name: str, count: int) -> float:
    """How much the resident set of this process grows per packet, over `count` packets."""
    kind = CASES[kind_name]
    call = participant(name).decode(kind)
    assert call
    names, statement = dict(call.names), compile(call.statement, "", "eval")
    kept: list[Any] = [0] * count

    def keep(numbers: range) -> None:
        for number in numbers:
            names["data"] = codec.encode(different(kind.packet, number), kind.version)
            made = eval(statement, names)
            kept[number] = made[0] if isinstance(made, tuple) else made  # mqtt5 also returns the size.

    keep(range(1000))
    before = resident()
    keep(range(1000, count))
    return (resident() - before) / (count - 1000)


def resident() -> int:
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def memory(count: int = 100_000) -> dict[str, dict[str, float]]:
    """The bytes of one packet among `count`, by case and participant."""
    if not STATM.exists():
        return {}
    program = "import sys, growth; print(growth.bytes_kept(sys.argv[1], sys.argv[2], int(sys.argv[3])))"
    measured: dict[str, dict[str, float]] = {}
    participants = installed()
    for kind in CASES.values():
        if len(kind.data) >= KIB:
            continue
        measured[kind.name] = {}
        for name, of in participants.items():
            if of.decode(kind):
                command = [sys.executable, "-c", program, name, kind.name, str(count)]
                output = subprocess.run(command, cwd=HERE, check=True, stdout=subprocess.PIPE, text=True).stdout
                measured[kind.name][name] = float(output)
    return measured


if __name__ == "__main__":
    for series_name, of_participants in growth().items():
        for name, points in of_participants.items():
            if points:
                series = SERIES[series_name]
                print(f"{series_name}, {name}: {series.slope(points):.4g} ns per {series.per}")
                print("  " + ", ".join(f"{size}: {taken:.4g}" for size, taken in points))
    for kind_name, sizes in memory().items():
        print(f"{kind_name}: " + ", ".join(f"{name} {size:.0f} bytes" for name, size in sizes.items()))
