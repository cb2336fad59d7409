"""The plots of `docs/plots/`, as SVG text: `python benchmarks/report.py` writes them.

They have no background, colours that can be told on white and on black, and text that follows the reader's scheme.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import NamedTuple

# Each has a contrast of 3 or more to white and to #0d1117.
COLOURS = {
    "mqttcodec, compiled": "#2b7de9",
    "mqttcodec, plain Python": "#1b998b",
    "mqtt5": "#d0622b",
    "floor": "#7d858e",
}
PEER = "#9b72c0"

WIDTH = 880
GAP = 20
STYLE = """\
<style>
  text { font: 12px system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
  .title { font-size: 15px; font-weight: 600 }
  .head { font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  .end { text-anchor: end }
  .mid { text-anchor: middle }
  line { stroke: #dfe4e9 }
  path { fill: none; stroke-width: 2; stroke-linejoin: round }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc }
    .small { fill: #9198a1 }
    line { stroke: #2f353d }
  }
</style>"""

Points = Sequence[Sequence[float]]


class Axis(NamedTuple):
    """From values to places on the page, linear or logarithmic."""

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
    """An axis from 0 to the next round number, of four steps."""
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


def page(title: str, note: str, height: float, body: Iterator[str]) -> str:
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
        f'height="{height:.0f}" role="img" aria-labelledby="title desc">',
        f'<title id="title">{escape(title)}</title>',
        f'<desc id="desc">{escape(note)}</desc>',
        STYLE,
        text(0, 16, title, "title"),
        text(0, 34, note, "small"),
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


# --- Bars: who takes how long.

BAR, PITCH = 12, 17
NAMES, FIGURES = 160, 48
PANEL = (WIDTH - GAP) / 2


def bars(title: str, note: str, panels: Sequence[tuple[str, Mapping[str, float]]]) -> str:
    """A panel for each case, in two columns: nanoseconds by participant, the fastest first."""
    values = [value for _, bars_of in panels for value in bars_of.values()]
    body: list[str] = []
    top = 50.0
    for index in range(0, len(panels), 2):
        row = panels[index : index + 2]
        for column, (head, bars_of) in enumerate(row):
            left = column * (PANEL + GAP)
            axis = decades(values, left + NAMES, left + PANEL - FIGURES)
            body += panel_of_bars(head, bars_of, axis, left, top)
        top += max(len(bars_of) for _, bars_of in row) * PITCH + 56
    return page(title, note, top - 16, iter(body))


def panel_of_bars(head: str, bars_of: Mapping[str, float], axis: Axis, left: float, top: float) -> Iterator[str]:
    bottom = top + 24 + len(bars_of) * PITCH
    yield text(left + NAMES, top + 12, head, "head")
    for tick in axis.ticks():
        yield line(axis.at(tick), top + 20, axis.at(tick), bottom)
        yield text(axis.at(tick), bottom + 13, f"{tick:,.0f}", "small mid")
    for place, (name, value) in enumerate(sorted(bars_of.items(), key=lambda item: item[1])):
        y, end = top + 24 + place * PITCH, axis.at(value)
        width = max(end - axis.start, 1)
        yield text(axis.start - 6, y + 10, name, "end")
        yield (
            f'<rect x="{axis.start:.1f}" y="{y:.1f}" width="{width:.1f}" height="{BAR}" rx="2" '
            f'fill="{COLOURS.get(name, PEER)}"/>'
        )
        yield text(end + 5, y + 10, f"{value:,.0f}")


# --- Lines: how time grows.

COLUMNS, HEIGHT = 3, 200


def lines(title: str, note: str, panels: Sequence[tuple[str, Mapping[str, Points]]]) -> str:
    """A panel for each series: points of size and nanoseconds by participant; the last cell tells the colours."""
    width = (WIDTH - (COLUMNS - 1) * GAP) / COLUMNS
    body: list[str] = []
    for index, (head, lines_of) in enumerate(panels):
        left, top = index % COLUMNS * (width + GAP), 50 + index // COLUMNS * HEIGHT
        body += panel_of_lines(head, lines_of, left, left + width, top)
    left, top = len(panels) % COLUMNS * (width + GAP), 50 + len(panels) // COLUMNS * HEIGHT
    for place, name in enumerate({name: None for _, lines_of in panels for name in lines_of}):
        y = top + 40 + place * 22
        body.append(f'<path d="M{left + 44:.1f} {y}h24" stroke="{COLOURS.get(name, PEER)}"/>')
        body.append(text(left + 76, y + 4, name))
    return page(title, note, 50 + math.ceil((len(panels) + 1) / COLUMNS) * HEIGHT - 12, iter(body))


def panel_of_lines(head: str, lines_of: Mapping[str, Points], left: float, right: float, top: float) -> Iterator[str]:
    sizes, times = zip(*(point for points in lines_of.values() for point in points), strict=True)
    start, end, bottom = left + 44, right - 12, top + HEIGHT - 44
    if min(sizes) > 0:
        across, up = Axis(min(sizes), max(sizes), start, end), decades(times, bottom, top + 22)
    else:
        across, up = linear(sizes, start, end), linear(times, bottom, top + 22)
    yield text(start, top + 10, head, "head")
    for tick in up.ticks():
        yield line(start, up.at(tick), end, up.at(tick))
        yield text(start - 5, up.at(tick) + 4, duration(tick) if tick else "0", "small end")
    for tick in across.ticks():
        yield text(across.at(tick), bottom + 15, number(tick), "small mid")
    for name, points in lines_of.items():
        places = [(across.at(size), up.at(time)) for size, time in points]
        colour = COLOURS.get(name, PEER)
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        yield f'<path d="M{path}" stroke="{colour}"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places)
