"""The plots in `docs/plots/`, as SVG text: `python benchmarks/report.py` writes them.

Each has a white background, so it looks the same on light and dark pages. Text stays legible down to a width of 500
pixels.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple

# All have a contrast of at least 4 to white.
COLOURS = {
    "mqttcodec, compiled": "#0969da",
    "mqttcodec, plain Python": "#0f7f73",
    "mqtt5": "#bc4c00",
    "floor": "#6e7781",
}
PEER = "#8250df"
TIMES = "\N{MULTIPLICATION SIGN}"

WIDTH = 640
MARGIN = 16
GAP = 16
STYLE = """\
<style>
  text { font: 15px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 19px; font-weight: 600 }
  .strong { font-weight: 600 }
  .small { font-size: 13px; fill: #59636e }
  .end { text-anchor: end }
  .mid { text-anchor: middle }
  line { stroke: #d8dee4 }
  path { fill: none; stroke-width: 2; stroke-linejoin: round }
</style>"""

Points = Sequence[Sequence[float]]


class Axis(NamedTuple):
    """Maps values to positions on the page, linearly or logarithmically."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = True

    def at(self, value: float) -> float:
        low, high, value = map(math.log10, (self.low, self.high, value)) if self.logarithmic else (*self[:2], value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)

    def ticks(self) -> list[float]:
        if not self.logarithmic:
            return [self.low + (self.high - self.low) * part / 4 for part in range(5)]
        return [10.0**power for power in range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)]


def decades(values: Sequence[float], start: float, end: float) -> Axis:
    """A logarithmic axis of whole decades."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return Axis(10.0**low, 10.0 ** max(high, low + 1), start, end)


def linear(values: Sequence[float], start: float, end: float) -> Axis:
    """An axis from 0 to the next round number, in four steps."""
    step = 10.0 ** math.floor(math.log10(max(values)))
    high = next(step * part for part in (1, 2, 4, 6, 8, 10) if step * part >= max(values))
    return Axis(0, high, start, end, logarithmic=False)


def duration(nanoseconds: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.3g} ns"


def number(value: float) -> str:
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def text(x: float, y: float, words: str, kind: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def page(title: str, notes: Sequence[str], height: float, body: Iterator[str]) -> str:
    """A drawing on a white card, with a title and one line for each note."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(" ".join(notes))}</desc>',
        STYLE,
        f'<rect width="{WIDTH}" height="{height:.0f}" rx="6" fill="#fff"/>',
        text(MARGIN, 32, title, "title"),
        *(text(MARGIN, 53 + place * 18, note, "small") for place, note in enumerate(notes)),
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


# --- Bars: how many times as long as the compiled codec.

BAR, PITCH = 16, 24
NAMES, FIGURES = 186, 48


def bars(title: str, notes: Sequence[str], reference: str, cases: Mapping[str, Mapping[str, float]]) -> str:
    """A column for each case, a row for each participant: its time as a multiple of the reference's."""
    multiples = {
        case: {name: value / of[reference] for name, value in of.items() if name != reference}
        for case, of in cases.items()
    }
    values = [value for of in multiples.values() for value in of.values()]
    rows = sorted(
        {name for of in multiples.values() for name in of},
        key=lambda name: (min(of[name] for of in multiples.values() if name in of), name),
    )
    names = [reference, *rows]
    top = 62.0 + len(notes) * 18
    bottom = top + 44 + len(names) * PITCH
    width = (WIDTH - 2 * MARGIN - NAMES - GAP * (len(cases) - 1)) / len(cases)
    body = []
    for place, name in enumerate(names):
        body.append(text(MARGIN + NAMES - 8, middle(top, place), name, "strong end" if name == reference else "end"))
    for column, (case, of) in enumerate(multiples.items()):
        left = MARGIN + NAMES + column * (width + GAP)
        axis = Axis(min(1, *values), max(values), left, left + width - FIGURES)
        for place, part in enumerate(re.split(", | (?=QoS)", case)):
            body.append(text(left, top + 12 + place * 18, part, "strong"))
        for tick in axis.ticks():
            body.append(line(axis.at(tick), top + 40, axis.at(tick), bottom))
            body.append(text(axis.at(tick), bottom + 16, number(tick), "small mid"))
        shown = f"{cases[case][reference]:,.0f} ns"
        body.append(bar(axis, 1, reference, top, 0))
        body.append(text(axis.at(1) + 8, middle(top, 0), shown, "strong"))
        for place, name in enumerate(names):
            if name in of:
                body.append(bar(axis, of[name], name, top, place))
                end = max(axis.at(of[name]), axis.at(1))
                body.append(text(end + 6, middle(top, place), multiple(of[name]), "strong"))
    return page(title, notes, bottom + 32, iter(body))


def middle(top: float, place: int) -> float:
    """The baseline of the text in a row."""
    return top + 44 + place * PITCH + BAR - 3


def multiple(value: float) -> str:
    return f"{value:.0f}{TIMES}" if value >= 10 else f"{value:.1f}{TIMES}"


def bar(axis: Axis, value: float, name: str, top: float, place: int) -> str:
    """From 1 to the value; a value of 1 gets a short bar that ends there."""
    start, end = sorted((axis.at(1), axis.at(value)))
    start -= 4 if start == end else 0
    return (
        f'<rect x="{start:.1f}" y="{top + 44 + place * PITCH:.1f}" width="{end - start:.1f}" height="{BAR}" '
        f'fill="{COLOURS.get(name, PEER)}"/>'
    )


# --- Lines: how time grows.

COLUMNS, HEIGHT = 2, 240


def lines(title: str, notes: Sequence[str], panels: Sequence[tuple[str, Mapping[str, Points]]]) -> str:
    """A panel for each series: points of size and time, by participant. The last cell is the key to the colours."""
    width = (WIDTH - 2 * MARGIN - (COLUMNS - 1) * GAP) / COLUMNS
    start = 66 + len(notes) * 18

    def cell(index: int) -> tuple[float, float]:
        return MARGIN + index % COLUMNS * (width + GAP), start + index // COLUMNS * HEIGHT

    body: list[str] = []
    for index, (head, lines_of) in enumerate(panels):
        left, top = cell(index)
        body += panel_of_lines(head, lines_of, left, left + width, top)
    left, top = cell(len(panels))
    for place, name in enumerate({name: None for _, lines_of in panels for name in lines_of}):
        y = top + 50 + place * 26
        body.append(f'<path d="M{left + 58:.1f} {y}h28" stroke="{COLOURS.get(name, PEER)}"/>')
        body.append(text(left + 96, y + 5, name))
    return page(title, notes, start + math.ceil((len(panels) + 1) / COLUMNS) * HEIGHT, iter(body))


def panel_of_lines(head: str, lines_of: Mapping[str, Points], left: float, right: float, top: float) -> Iterator[str]:
    sizes, times = zip(*(point for points in lines_of.values() for point in points), strict=True)
    start, end, bottom = left + 58, right - 18, top + HEIGHT - 52
    if min(sizes) > 0:
        across, up = Axis(min(sizes), max(sizes), start, end), decades(times, bottom, top + 26)
    else:
        across, up = linear(sizes, start, end), linear(times, bottom, top + 26)
    yield text(start, top + 10, head, "strong")
    for tick in up.ticks():
        yield line(start, up.at(tick), end, up.at(tick))
        yield text(start - 6, up.at(tick) + 5, duration(tick) if tick else "0", "small end")
    for tick in across.ticks():
        yield text(across.at(tick), bottom + 18, number(tick), "small mid")
    for name, points in lines_of.items():
        places = [(across.at(size), up.at(time)) for size, time in points]
        colour = COLOURS.get(name, PEER)
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield f'<path d="M{path}" stroke="{colour}"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places)
