"""The one command that measures and tells: `python benchmarks/report.py`.

It runs the benchmark several times over, measures growth and memory (`growth.py`), and writes

* `docs/speed.json`: the figures, those of each interpreter beside the others';
* `docs/plots/*.svg` and `docs/performance.md`;
* the table of `server.py` in `docs/integration.md`, between its two markers.

A figure is the least of all runs, in nanoseconds for each packet.
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import json
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

SUMMARY = {
    "decode": [
        *("PUBLISH 5 QoS 1", "PUBLISH 3.1.1 QoS 1", "PUBLISH 5, six properties"),
        *("PUBACK 5", "CONNECT 5", "SUBSCRIBE 5, four filters"),
    ],
    "decode and read four fields": ["PUBLISH 5 QoS 1"],
    "stream": ["600 PUBLISH 5, whole", "600 PUBLISH 5, pieces of 1448"],
    "encode": ["PUBLISH 5 QoS 1", "PUBLISH 3.1.1 QoS 1", "PUBLISH 5, six properties"],
    "build and encode": ["PUBLISH 5 QoS 1"],
    "replace and encode": ["PUBLISH 5 QoS 1"],
    "encode_many": ["600 PUBLISH 5, whole"],
}
PLOTTED = {
    "decode": SUMMARY["decode"],
    "encode": SUMMARY["decode"],
    "stream": [
        *("600 PUBLISH 5, whole", "600 PUBLISH 3.1.1, whole"),
        *("600 PUBLISH 5, pieces of 1448", "600 PUBLISH 5, pieces of 37"),
    ],
}

# By operation, case and participant.
Speeds = dict[str, dict[str, dict[str, float]]]
# By series and participant.
Grown = dict[str, dict[str, growth.Points]]
Result = dict[str, Any]


# --- Measuring.


def sweep(seconds: float) -> Iterator[tuple[str, str, str, float]]:
    """One run of the benchmark: operation, case, participant, nanoseconds for each packet."""
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
        "server": measure_server(sweeps, quick),
    }


def measure_server(sweeps: int, quick: bool) -> Result:
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "sweeps": sweeps,
        "microseconds": server.measure(sweeps, 0.1 if quick else 1.0),
    }


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


# --- Telling.


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    names = [*head]
    for cells in (names, ["---", *["---:"] * (len(names) - 1)], *rows):
        yield f"| {' | '.join(cells)} |"


def figure(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def circumstances(result: Result, program: str = "benchmarks/report.py") -> str:
    run = "a quick run" if result["quick"] else f"minima of {result['sweeps']} runs"
    parts = (result["interpreter"], result["cython"], result["compiler"], result["cpu"], result["system"])
    return f"{', '.join(parts)}; {result['date']}; {run} of `python {program}`."


def summary(result: Result) -> str:
    def cells(operation: str, case: str) -> Iterator[str]:
        of = result["nanoseconds"].get(operation, {}).get(case, {})
        yield f"{operation}: {case}"
        yield from (figure(of.get(name)) for name in (COMPILED, PLAIN, FLOOR, RUST))
        taken, name = min(((of[name], name) for name in PURE_PEERS if name in of), default=(None, ""))
        yield f"{figure(taken)} ({name})" if name else ""
        yield f"{of[RUST] / of[COMPILED]:.2f}" if RUST in of and COMPILED in of else ""

    head = ("ns per packet", "compiled", "plain Python", "floor", "mqtt5", "fastest pure peer", "mqtt5 : compiled")
    rows = (cells(operation, case) for operation, cases in SUMMARY.items() for case in cases)
    return "\n".join([*table(head, rows), "", circumstances(result)])


def write_integration(result: Result) -> None:
    begin, end = MARKERS
    before, _, rest = INTEGRATION.read_text(encoding="utf-8").partition(begin)
    _, _, after = rest.partition(end)
    spent = result["server"]["microseconds"]
    columns = [*next(iter(spent.values()))]
    rows = ([way, *(figure(of[column]) for column in columns)] for way, of in spent.items())
    measured = circumstances({**result, **result["server"]}, "benchmarks/server.py")
    told = "\n".join([*table(("µs per message", *columns), rows), "", measured])
    INTEGRATION.write_text(f"{before}{begin}\n{told}\n\n{end}{after}", encoding="utf-8")


def write_plots(result: Result) -> None:
    (DOCS / "plots").mkdir(exist_ok=True)
    where = f"{result['interpreter']}, {result['cpu']}."
    note = f"Nanoseconds per packet on a logarithmic scale; less is better. {where}"
    for name, cases in PLOTTED.items():
        of = result["nanoseconds"].get(name, {})
        title = {"decode": "Decoding", "encode": "Encoding", "stream": "Streams"}[name]
        drawn = plots.bars(title, note, [(case, of[case]) for case in cases if of.get(case)])
        (DOCS / "plots" / f"{name}.svg").write_text(drawn, encoding="utf-8")
    told = [
        (series, {name: of[name] for name in (COMPILED, RUST) if of.get(name)})
        for series, of in result["growth"].items()
    ]
    drawn = plots.lines("How decoding time grows", f"Time against the number of each. {where}", told)
    (DOCS / "plots" / "growth.svg").write_text(drawn, encoding="utf-8")


PAGE_HEAD = """\
Made by `python benchmarks/report.py`, as are the [figures](speed.json) it tells; do not edit.

# Performance

What is measured is in `benchmarks/operations.py`, of what packets in `benchmarks/corpus.py`. Every result was judged to
be right before it was timed; all rules of the standard are on. The *floor* makes the same objects from known offsets
and parses nothing. A blank: the participant has no such thing. Compare within one interpreter's tables only.

{summary}

![Decoding](plots/decode.svg)

![Encoding](plots/encode.svg)

![Streams](plots/stream.svg)

![Growth](plots/growth.svg)

## What it cannot do for you

* Where each read of a socket brings one packet, event loop and kernel take most of the time, and no codec changes that:
  [figures of a server](integration.md).
* A large payload costs what it costs to copy it, here as elsewhere: `copy=False` and `encode_parts` leave the copy out.
* Where decoding is near the floor, what is left is the making of objects. To make fewer of them is up to the caller:
  `peek` makes no packet, and bytes that are to be sent on as they came need not be decoded.
* The plain twin is there to be right everywhere: in the table above it takes ten to thirty-five times as long.
* Topic matching, sessions and what your handlers do come on top.
"""


def performance(results: list[Result], shown: Result) -> str:
    lines = [PAGE_HEAD.format(summary=summary(shown))]
    for result in results:
        lines += [f"## {result['interpreter']}", "", circumstances(result), ""]
        for operation, cases in result["nanoseconds"].items():
            lines += [f"### {operation}", "", *compared("ns per packet", cases), ""]
        lines += ["### Cost of a byte", "", *compared("ns per byte", of_bytes(result["nanoseconds"])), ""]
        lines += ["### Growth", "", "By least squares over all sizes of the plot.", ""]
        lines += [*compared("ns for each", slopes(result["growth"])), "", "### Memory", ""]
        lines += ["By how much a process grows for each packet it keeps, all that the packet refers to included.", ""]
        lines += [*compared("bytes per packet", result["memory"]), ""]
    lines += ["## Participants", "", *described(results[0]["versions"])]
    return "\n".join(lines).rstrip() + "\n"


def compared(unit: str, figures: dict[str, dict[str, float]]) -> Iterator[str]:
    """A row each, with a column for each participant that has a figure in any."""
    names = [name for name in PARTICIPANTS if any(name in of for of in figures.values())]
    rows = ([head, *(figure(of.get(name)) for name in names)] for head, of in figures.items())
    return table((unit, *names), rows)


def of_bytes(speeds: Speeds) -> dict[str, dict[str, float]]:
    """Nanoseconds for each byte, of large packets and streams."""
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
    """What each participant's module says of it."""
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
