"""Measure the matching of topics, and write the table in `docs/topics.md`: `python benchmarks/topics.py --write`.

Maps of 10, 10,000 and 1,000,000 filters, a tenth of them with wildcards, find the filters for topics: for those of a
hot set of 1,000, and for topics at random. Before a map is timed, its results for some topics are compared with those
of the others. Times are minima, in nanoseconds of processor time for each topic. The memory is what the process grows
by, for each filter, beside the filter and its value.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import random
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from report import figure, here_and_now, table, write_between

PAGE = Path(__file__).parents[1] / "docs" / "topics.md"
MARKERS = "<!-- benchmark: begin -->\n", "<!-- benchmark: end -->"
SIZES = (10, 10_000, 1_000_000)
HOT = 1_000
CHECKED = 200
COMPILED, PLAIN, SCAN = "mqttcodec, compiled", "mqttcodec, plain Python", "linear scan"
# A scan of more filters takes too long.
SCANNED = 10_000

Match = Callable[[str], Any]
Participant = tuple[Callable[[list[str]], Match], Callable[[Any], Iterable[str]]]


def ours(suffix: str) -> Participant:
    def build(filters: list[str]) -> Match:
        matcher = importlib.import_module(f"mqttcodec._topics{suffix}").TopicMatcher()
        for each in filters:
            matcher[each] = each
        return matcher.match  # type: ignore[no-any-return]

    return build, list


def paho(filters: list[str]) -> Match:
    from paho.mqtt.matcher import MQTTMatcher

    matcher = MQTTMatcher()
    for each in filters:
        matcher[each] = each
    return lambda topic: [*matcher.iter_match(topic)]


def mqttium(filters: list[str]) -> Match:
    from mqttium.dispatch.matcher import TopicMatcher

    matcher = TopicMatcher()
    for each in filters:
        matcher[each] = each
    return lambda topic: [*matcher.iter_match(topic)]


def zmqtt(filters: list[str]) -> Match:
    from zmqtt._internal.subscription_index import SubscriptionEntry, SubscriptionIndex

    index = SubscriptionIndex()
    entry: Any = SubscriptionEntry(queue=None)  # type: ignore[arg-type]
    for each in filters:
        index.add(each, entry)
    return index.match


def scan(filters: list[str]) -> Match:
    matches = importlib.import_module("mqttcodec._topics_py").topic_matches
    return lambda topic: [each for each in filters if matches(each, topic)]


PARTICIPANTS: dict[str, Participant] = {
    COMPILED: ours("_c"),
    PLAIN: ours("_py"),
    "paho-mqtt": (paho, list),
    "mqttium": (mqttium, list),
    "zmqtt": (zmqtt, lambda found: [key for key, _ in found]),
    SCAN: (scan, list),
}


def name(rng: random.Random, size: int) -> str:
    site, building, floor, device = (rng.randrange(most) for most in (50, 20, 10, size // 10 + 10))
    return f"site{site}/building{building}/floor{floor}/device{device}/temperature"


def filters_and_topics(size: int) -> tuple[list[str], list[str], list[str]]:
    """The filters, the topics of the hot set, and topics at random."""
    rng = random.Random(size)
    filters: dict[str, None] = {}
    while len(filters) < size:
        levels = name(rng, size).split("/")
        if len(filters) % 10 == 0:
            for at in rng.sample(range(4), rng.choice((1, 1, 2))):
                levels[at] = "+"
            if rng.random() < 0.3:
                levels[4] = "#"
        filters["/".join(levels)] = None
    exact = [each for each in filters if "+" not in each and "#" not in each]
    topics = [rng.choice(exact) if rng.random() < 0.5 else name(rng, size) for _ in range(HOT + 30_000)]
    return list(filters), topics[:HOT], topics[HOT:]


def resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def nanoseconds(match: Match, topics: list[str], least: float) -> float:
    """For each topic: the minimum of five or more rounds."""
    rounds, spent, fastest = 0, 0.0, float("inf")
    while rounds < 5 or spent < least:
        start = time.process_time()
        for topic in topics:
            match(topic)
        taken = time.process_time() - start
        fastest = min(fastest, taken)
        rounds, spent = rounds + 1, spent + taken
    return fastest / len(topics) * 1e9


def measure(sizes: Iterable[int], least: float) -> dict[str, dict[str, float]]:
    """By participant and column: nanoseconds, and bytes for each filter."""
    found: dict[str, dict[str, float]] = {}
    for size in sizes:
        filters, hot, at_random = filters_and_topics(size)
        expected: list[list[str]] | None = None
        for participant, (build, keys) in PARTICIPANTS.items():
            if participant == SCAN and size > SCANNED:
                continue
            before = resident()
            match = build(filters)
            grown = resident() - before
            few = 5 if participant == SCAN and size > 10 else CHECKED
            results = [sorted(keys(match(topic))) for topic in at_random[:few]]
            expected = expected or results
            if results != expected[: len(results)]:
                raise AssertionError(f"{participant} finds other filters")
            columns = found.setdefault(participant, {})
            for about, topics in (("hot set", hot), ("at random", at_random)):
                columns[f"{size:,}, {about}"] = nanoseconds(
                    match, topics[:few] if participant == SCAN else topics, least
                )
            if size == SIZES[-1]:
                columns["bytes per filter"] = grown / size
            print(f"{participant}, {size:,}: {columns}", file=sys.stderr)
            del match
    return found


def measure_functions(least: float) -> dict[str, float]:
    """Nanoseconds for one filter and one topic."""
    from paho.mqtt.client import topic_matches_sub
    from zmqtt._internal.topic_matching import topic_matches

    functions = {
        COMPILED: importlib.import_module("mqttcodec._topics_c").topic_matches,
        PLAIN: importlib.import_module("mqttcodec._topics_py").topic_matches,
        "paho-mqtt": topic_matches_sub,
        "zmqtt": topic_matches,
    }
    topic_filter, topics = "building/+/floor/3/#", ["building/7/floor/3/sensor/9", "building/7/floor/4/sensor/9"] * 500
    found = {}
    for participant, function in functions.items():
        assert [function(topic_filter, topic) for topic in topics[:2]] == [True, False]
        found[participant] = nanoseconds(lambda topic, call=function: call(topic_filter, topic), topics, least)
    return found


def written(found: dict[str, dict[str, float]], functions: dict[str, float]) -> str:
    columns = list(found[COMPILED])
    rows = (
        [participant, *map(figure, map(of.get, columns)), figure(functions.get(participant))]
        for participant, of in found.items()
    )
    lines = table(["ns per topic", *columns, "one filter"], rows)
    return "\n".join([*lines, "", here_and_now("benchmarks/topics.py --write")])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="write the table to docs/topics.md")
    parser.add_argument("--quick", action="store_true", help="leave out the million, and check more than measure")
    options = parser.parse_args()
    least = 0.01 if options.quick else 0.5
    text = written(measure(SIZES[:2] if options.quick else SIZES, least), measure_functions(least))
    print(text)
    if options.write:
        write_between(PAGE, MARKERS, text)


if __name__ == "__main__":
    main()
