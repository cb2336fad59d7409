"""Measure everything and write the results: `python benchmarks/report.py`.

It runs the benchmark several times, measures growth and memory (`growth.py`), the packets as values (`values.py`) and,
without the GIL, two threads (`threads.py`), and writes

* `docs/speed.json`: the figures, with a section for each interpreter that has been measured;
* `docs/plots/*.svg` and `docs/performance.md`;
* the table of `server.py` in `docs/integration.md`, between its two markers.

Each figure is the minimum of all runs, in nanoseconds per packet.
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import json
import math
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import growth
import plots
import server
import threads
import values
from corpus import CASES, KIB, STREAMS
from instructions import built_with, interpreter
from participants import PARTICIPANTS

HERE = Path(__file__).parent
ROOT = HERE.parent
DOCS = ROOT / "docs"
SPEED = DOCS / "speed.json"
INTEGRATION = DOCS / "integration.md"
MARKERS = "<!-- server: begin -->\n", "<!-- server: end -->"

COMPILED, PLAIN, FLOOR, RUST = "mqttcodec, compiled", "mqttcodec, plain Python", "floor", "mqtt5"
PURE_PEERS = [name for name in PARTICIPANTS if name not in (COMPILED, PLAIN, FLOOR, RUST)]

PUBLISHES = ["PUBLISH 5 QoS 1", "PUBLISH 5, six properties", "PUBLISH 3.1.1 QoS 1"]
SUMMARY = {
    "decode": [*PUBLISHES, "PUBACK 5", "CONNECT 5", "SUBSCRIBE 5, four filters"],
    "decode and read four fields": ["PUBLISH 5 QoS 1"],
    "stream": ["600 PUBLISH 5, whole", "600 PUBLISH 5, pieces of 1448"],
    "encode": PUBLISHES,
    "build and encode": ["PUBLISH 5 QoS 1"],
    "replace and encode": ["PUBLISH 5 QoS 1"],
    "encode_many": ["600 PUBLISH 5, whole"],
}
# By operation: the title of the plot and its cases.
PLOTTED = {
    "decode": ("Time to decode a packet", PUBLISHES),
    "encode": ("Time to encode a packet", PUBLISHES),
    "stream": (
        "Time to decode each of 600 packets in a stream",
        ["600 PUBLISH 5, whole", "600 PUBLISH 5, pieces of 1448", "600 PUBLISH 3.1.1, whole"],
    ),
}

# By operation, case and participant.
Speeds = dict[str, dict[str, dict[str, float]]]
# By series and participant.
Grown = dict[str, dict[str, growth.Points]]
Result = dict[str, Any]


# --- Measuring.


def sweep(seconds: float) -> Iterator[tuple[str, str, str, float]]:
    """One run of the benchmark: operation, case, participant, nanoseconds per packet."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "benchmark.json"
        command = [sys.executable, "-m", "pytest", "benchmarks/test_speed.py", "-q", "-r", "f", "--benchmark-quiet"]
        command += [f"--benchmark-json={file}", f"--benchmark-max-time={seconds}"]
        subprocess.run(command, cwd=ROOT, check=True)
        for benchmark in json.loads(file.read_text(encoding="utf-8"))["benchmarks"]:
            of = benchmark["extra_info"]
            packets = of["times"] * (len(STREAMS[of["case"]].packets) if of["case"] in STREAMS else 1)
            yield of["operation"], of["case"], of["participant"], benchmark["stats"]["min"] * 1e9 / packets


def measure(sweeps: int, quick: bool) -> Result:
    speeds: Speeds = {}
    grown: Grown = {}
    for _ in range(sweeps):
        for operation, case, name, taken in sweep(0.02 if quick else 0.3):
            cell = speeds.setdefault(operation, {}).setdefault(case, {})
            cell[name] = min(taken, cell.get(name, taken))
        for series, of_participants in growth.growth(0.005 if quick else 0.1).items():
            for name, points in of_participants.items():
                before = grown.setdefault(series, {}).setdefault(name, points)
                grown[series][name] = [min(pair) for pair in zip(points, before, strict=True)]
    cython, compiler = built_with()
    return {
        "interpreter": interpreter(),
        "cython": cython,
        "compiler": compiler,
        "cpu": cpu(),
        "system": f"{platform.system()} {platform.machine()}",
        "date": datetime.now(UTC).date().isoformat(),
        "sweeps": sweeps,
        "quick": quick,
        "versions": dict(versions()),
        "nanoseconds": speeds,
        "growth": grown,
        "memory": growth.memory(10_000 if quick else 100_000),
        "values": values.measure(2 if quick else 20, 500),
        "threads": {} if has_gil() else threads.measure(2, 3 if quick else 100, 4),
        "server": measure_server(sweeps, quick),
    }


def measure_server(sweeps: int, quick: bool) -> Result:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "sweeps": sweeps,
        "microseconds": server.measure(sweeps, 0.1 if quick else 1.0),
    }


def has_gil() -> bool:
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def cpu() -> str:
    told = Path("/proc/cpuinfo")
    match = (
        re.search(r"^model name\s*: (.+)$", told.read_text(encoding="utf-8"), re.MULTILINE) if told.exists() else None
    )
    return match[1] if match else platform.processor() or platform.machine()


def versions() -> Iterator[tuple[str, str]]:
    for name in (RUST, *PURE_PEERS):
        with suppress(importlib.metadata.PackageNotFoundError):
            yield name, importlib.metadata.version(name)


# --- Writing.


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = [*head]
    for cells in (names, ["---", *["---:"] * (len(names) - 1)], *rows):
        yield f"| {' | '.join(cells)} |"


def figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def circumstances(result: Result, program: str = "benchmarks/report.py") -> str:
    minima = "one run" if result["sweeps"] == 1 else f"minima of {result['sweeps']} runs"
    run = "a quick run" if result["quick"] else minima
    parts = (result["interpreter"], result["cython"], result["compiler"], result["cpu"], result["system"])
    return f"{', '.join(filter(None, parts))}; {result['date']}; {run} of `python {program}`."


def here_and_now(program: str, sweeps: int = 1) -> str:
    """The circumstances of a run of this process."""
    cython, compiler = built_with()
    result = {"interpreter": interpreter(), "cython": cython, "compiler": compiler, "cpu": cpu()}
    result |= {"system": f"{platform.system()} {platform.machine()}", "date": datetime.now(UTC).date().isoformat()}
    return circumstances({**result, "sweeps": sweeps, "quick": False}, program)


def compare(taken: float, compiled: float) -> str:
    """A time, and its ratio to the compiled codec's time."""
    return f"{figure(taken)}\N{NO-BREAK SPACE}({plots.multiple(taken / compiled)})"


def summary(result: Result) -> str:
    def cells(operation: str, case: str) -> Iterator[str]:
        of = result["nanoseconds"][operation][case]
        compiled = of[COMPILED]
        yield f"{operation}: {case}"
        yield figure(compiled)
        yield compare(of[RUST], compiled) if RUST in of else ""
        taken, name = min(((of[name], name) for name in PURE_PEERS if name in of), default=(None, ""))
        yield f"{name} {compare(taken, compiled)}" if taken else ""
        yield from (compare(of[name], compiled) if name in of else "" for name in (PLAIN, FLOOR))

    head = ("ns per packet", "mqttcodec, compiled", "mqtt5 (Rust)", "fastest in Python", PLAIN, FLOOR)
    rows = (
        cells(operation, case)
        for operation, cases in SUMMARY.items()
        for case in cases
        if COMPILED in result["nanoseconds"].get(operation, {}).get(case, ())
    )
    return "\n".join([*table(head, rows), "", circumstances(result)])


def ahead(result: Result) -> Iterator[tuple[str, str, str]]:
    """For each row in which another codec beats the compiled one: its name, our figure, their figures."""
    measured = {
        **{f"{operation} (ns)": cases for operation, cases in result["nanoseconds"].items()},
        "growth (ns for each)": slopes(result["growth"]),
        "memory (bytes)": result["memory"],
    }
    for of_what, cases in measured.items():
        for case, of in cases.items():
            if COMPILED not in of:
                continue
            smaller = sorted((of[name], name) for name in (RUST, *PURE_PEERS) if of.get(name, math.inf) < of[COMPILED])
            if smaller:
                told = ", ".join(f"{name} {exact(value)}" for value, name in smaller)
                yield f"{of_what}: {case}", exact(of[COMPILED]), told


def exact(value: float) -> str:
    """Three digits or more, so that figures close together differ."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def slower(results: list[Result]) -> str:
    head = ("interpreter", "row", COMPILED, "ahead of it")
    rows = ([result["interpreter"], *cells] for result in results if has_compiled(result) for cells in ahead(result))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---", "---", "---:", "---"], *rows))


def write_between(page: Path, markers: tuple[str, str], text: str) -> None:
    """Replace what stands between the markers of a page."""
    begin, end = markers
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n{text}\n\n{end}{after}", encoding="utf-8")


def write_integration(result: Result) -> None:
    spent = result["server"]["microseconds"]
    columns = [*next(iter(spent.values()))]
    rows = ([way, *(figure(of[column]) for column in columns)] for way, of in spent.items())
    measured = circumstances({**result, **result["server"]}, "benchmarks/server.py")
    told = "\n".join([*table(("µs per message", *columns), rows), "", measured])
    write_between(INTEGRATION, MARKERS, told)


def write_plots(result: Result) -> None:
    (DOCS / "plots").mkdir(exist_ok=True)
    notes = [
        f"Time as a multiple of {COMPILED}, on a logarithmic scale; shorter is faster.",
        f"{FLOOR}: the same result without parsing or checks. {RUST}: Rust. Purple: Python.",
        f"{result['interpreter']}, {result['cpu']}.",
    ]
    for name, (title, cases) in PLOTTED.items():
        of = result["nanoseconds"].get(name, {})
        shown = {case.removeprefix("600 "): of[case] for case in cases if COMPILED in of.get(case, ())}
        drawn = plots.bars(title, notes, COMPILED, shown)
        (DOCS / "plots" / f"{name}.svg").write_text(drawn, encoding="utf-8")
    panels = [
        (series, {name: of[name] for name in (COMPILED, RUST) if of.get(name)})
        for series, of in result["growth"].items()
    ]
    notes = ["Time against the number named above each panel; lower is faster.", notes[-1]]
    drawn = plots.lines("How decoding time grows", notes, panels)
    (DOCS / "plots" / "growth.svg").write_text(drawn, encoding="utf-8")


PAGE_HEAD = """\
`python benchmarks/report.py` writes this page from its [figures](speed.json). Do not edit it.

# Performance

Times are nanoseconds per packet; in parentheses, the multiple of the compiled codec's time. A cell is empty where a
library does not offer the operation, or where [its adapter](#participants) leaves it out. Compare figures only within
one interpreter.

{summary}

* Each result was checked before it was timed. All rules of the standard are on.
* The *floor* produces the same result without parsing or checks: it makes the objects from known offsets, or copies
  known bytes. It is not a codec. It shows how much of the time goes into the result itself.
* `benchmarks/operations.py` defines the operations, `benchmarks/corpus.py` the packets.

![Time to decode a packet, as a multiple of mqttcodec's](plots/decode.svg)

![Time to encode a packet, as a multiple of mqttcodec's](plots/encode.svg)

![Time to decode each packet of a stream, as a multiple of mqttcodec's](plots/stream.svg)

![How decoding time grows with the size of the input](plots/growth.svg)

## Where others are ahead

In these rows of the tables below, another codec has a smaller figure than the compiled one:

{slower}

## Limits

* When each socket read delivers one packet, the event loop and the kernel take most of the time. No codec changes that;
  the [figures of a server](integration.md) show it.
* The time for a large payload is the time to copy it. `copy=False` and `encode_parts` avoid the copy.
* Where decoding is close to the floor, the remaining time goes into creating objects. Create fewer: `peek` creates no
  packet, and bytes that you forward unchanged need no decoding.
* The plain Python twin exists for portability. Its column above shows what it costs.
* Topic matching, sessions and your own handlers take additional time.
"""


def performance(results: list[Result], shown: Result) -> str:
    lines = [PAGE_HEAD.format(summary=summary(shown), slower=slower(results))]
    for result in results:
        lines += [f"## {result['interpreter']}", "", circumstances(result), ""]
        for operation, cases in result["nanoseconds"].items():
            beside = {} if has_compiled(result) else shown["nanoseconds"].get(operation, {})
            lines += [f"### {operation}", "", *compared("ns per packet", cases, shown["interpreter"], beside), ""]
        lines += ["### Time per byte", "", *compared("ns per byte", of_bytes(result["nanoseconds"])), ""]
        lines += ["### Growth", "", "Least squares over all sizes in the plot.", ""]
        lines += [*compared("ns for each", slopes(result["growth"])), "", "### Memory", ""]
        lines += ["How much a process grows for each packet it keeps, including everything the packet refers to.", ""]
        lines += [*compared("bytes per packet", result["memory"]), ""]
        for backend, name in (("cython", COMPILED), ("python", PLAIN)):
            if backend in result.get("values", {}):
                lines += [f"### Packets as values: {name}", "", *valued(result["values"][backend]), ""]
        if result.get("threads"):
            lines += ["### Two threads", "", THREADS, "", *scaled(result["threads"]), ""]
    lines += ["## Participants", "", *described(results[0]["versions"])]
    return "\n".join(lines).rstrip() + "\n"


def has_compiled(result: Result) -> bool:
    return any(COMPILED in of for cases in result["nanoseconds"].values() for of in cases.values())


def compared(
    unit: str,
    figures: dict[str, dict[str, float]],
    elsewhere: str = "",
    beside: dict[str, dict[str, float]] | None = None,
) -> Iterator[str]:
    """A row for each case, and a column for each participant that has a figure in any row.

    After the floor comes a column with the compiled codec's figure in units of the floor's. `beside` has figures of
    the interpreter `elsewhere`, for one without extensions: the compiled codec's stand in the first column.
    """
    names = [name for name in PARTICIPANTS if any(name in of for of in figures.values())]

    def cells(of: dict[str, float]) -> Iterator[str]:
        for name in names:
            yield figure(of.get(name))
            if name == FLOOR:
                yield plots.multiple(of[COMPILED] / of[FLOOR]) if FLOOR in of else ""

    head = [column for name in names for column in ([name, "compiled / floor"] if name == FLOOR else [name])]
    if beside:
        head.insert(0, f"{COMPILED}, on {elsewhere}")
    compiled = {case: [figure(beside.get(case, {}).get(COMPILED))] if beside else [] for case in figures}
    return table((unit, *head), ([case, *compiled[case], *cells(of)] for case, of in figures.items()))


def valued(figures: dict[str, dict[str, float]]) -> Iterator[str]:
    names = list(dict.fromkeys(call for of in figures.values() for call in of))
    rows = ([packet, *(figure(of.get(name)) for name in names)] for packet, of in figures.items())
    return table(("ns per call", *names), rows)


THREADS = """\
The throughput of two threads on two processors, in units of one thread's. Each has its own packets and bytes. The plain
loop shows what the machine allows."""


def scaled(figures: dict[str, tuple[float, float]]) -> Iterator[str]:
    rows = ([case, figure(taken), f"{ratio:.2f}"] for case, (taken, ratio) in figures.items())
    return table(("", "ns per packet, one thread", "two threads"), rows)


def of_bytes(speeds: Speeds) -> dict[str, dict[str, float]]:
    """Nanoseconds per byte, for large packets and streams."""
    sizes = {name: float(len(case.data)) for name, case in CASES.items() if len(case.data) > KIB}
    sizes |= {name: len(stream.data) / len(stream.packets) for name, stream in STREAMS.items()}
    return {
        f"{operation}: {case}": {name: taken / sizes[case] for name, taken in of.items()}
        for operation, cases in speeds.items()
        for case, of in cases.items()
        if case in sizes
    }


def slopes(grown: Grown) -> dict[str, dict[str, float]]:
    return {
        growth.SERIES[title].per: {name: growth.SERIES[title].slope(points) for name, points in of.items() if points}
        for title, of in grown.items()
    }


def described(versions: dict[str, str]) -> Iterator[str]:
    """The docstring of each participant's module."""
    modules: dict[str, list[str]] = {}
    for name, place in PARTICIPANTS.items():
        modules.setdefault(place.partition(":")[0], []).append(f"{name} {versions.get(name, '')}".strip())
    for module, names in modules.items():
        file = HERE / "participants" / f"{module}.py"
        if file.exists():
            told = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
            yield from (f"### {'; '.join(names)}", "", told, "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sweeps", type=int, default=3, metavar="N", help="how often all is run (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="once, in a minute; figures to look at, not to keep")
    parser.add_argument("--only-server", action="store_true", help="measure nothing but the server")
    parser.add_argument("--only-write", action="store_true", help="measure nothing, tell what is in docs/speed.json")
    parser.add_argument("--interpreter", metavar="NAME", help="whose figures the plots have (the first)")
    options = parser.parse_args()

    results: dict[str, Result] = json.loads(SPEED.read_text(encoding="utf-8")) if SPEED.exists() else {}
    if options.only_server:
        results[interpreter()]["server"] = measure_server(options.sweeps, options.quick)
    elif not options.only_write:
        results[interpreter()] = measure(1 if options.quick else options.sweeps, options.quick)
    SPEED.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    shown = options.interpreter or next(iter(results), "")
    if shown not in results:
        parser.exit(2, f"there are no figures of {shown or 'any interpreter'}, but of {', '.join(results) or 'none'}\n")
    write_plots(results[shown])
    write_integration(results[shown])
    page = performance([*results.values()], results[shown])
    (DOCS / "performance.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
