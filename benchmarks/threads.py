"""Measure how two threads scale on free-threaded Python: `python benchmarks/threads.py`.

The figure is the throughput of all threads divided by the throughput of one thread alone. Threads that share nothing
reach their number. Each thread has its own packets and bytes, like threads with one connection each. The times are
minima of many short rounds, in which all cases take turns.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
import threading
import time
from collections.abc import Callable

from corpus import CASES, STREAMS
from instructions import built_with, interpreter
from participants import Call
from participants.ours import Compiled

from mqttcodec import _codec_py as codec

OPERATIONS = [
    ("decode", "PUBLISH 5 QoS 1"),
    ("decode", "PUBACK 5"),
    ("encode", "PUBLISH 5 QoS 1"),
    ("encode", "PUBACK 5"),
    ("stream", "600 PUBLISH 5, whole"),
]
PLAIN_LOOP = "plain loop"


def call(operation: str, name: str) -> tuple[Call, int]:
    """A call that shares no objects with other callers, and the number of packets it handles."""
    if operation == PLAIN_LOOP:
        return Call("number * 3", {"number": 7}), 1
    if name in STREAMS:
        stream = STREAMS[name]
        return Compiled().stream(stream._replace(pieces=[copy(piece) for piece in stream.pieces])), len(stream.packets)
    data = copy(CASES[name].data)
    return getattr(Compiled(), operation)(CASES[name]._replace(data=data, packet=codec.decode(data))), 1


def copy(data: bytes) -> bytes:
    return bytes(bytearray(data))


def nanoseconds(threads: int, operation: str, name: str, packets: int) -> float:
    """The time from the start of the first thread to the end of the last, with `packets` packets in each."""
    together = threading.Barrier(threads)
    started: list[int] = []
    ended: list[int] = []

    def work(number: int) -> None:
        if hasattr(os, "sched_setaffinity"):  # Pin each thread to a separate processor.
            processors = sorted(os.sched_getaffinity(0))
            os.sched_setaffinity(0, {processors[number % len(processors)]})
        made, at_once = call(operation, name)
        run: Callable[[], None] = made.loop(packets // at_once)
        together.wait()
        started.append(time.perf_counter_ns())
        run()
        ended.append(time.perf_counter_ns())

    workers = [threading.Thread(target=work, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return max(ended) - min(started)


def packets_in(milliseconds: float, operation: str, name: str) -> int:
    """The packets that one thread handles in that time, rounded to a multiple of 600, the length of a stream."""
    taken = min(nanoseconds(1, operation, name, 6000) for _ in range(20))
    return max(1, round(milliseconds * 1e6 / taken * 10)) * 600


def measure(threads: int, rounds: int, milliseconds: float) -> dict[str, tuple[float, float]]:
    """By case: the nanoseconds per packet in one thread, and the throughput of all threads in units of one thread's."""
    cases = [(PLAIN_LOOP, ""), *OPERATIONS]
    gc.disable()  # The benchmarks do the same.
    try:
        packets = {case: packets_in(milliseconds, *case) for case in cases}
        least = {case: {1: float("inf"), threads: float("inf")} for case in cases}
        for _ in range(rounds):
            for case in cases:
                for count, before in least[case].items():
                    least[case][count] = min(before, nanoseconds(count, *case, packets[case]))
    finally:
        gc.enable()
    return {
        ": ".join(filter(None, case)): (times[1] / packets[case], threads * times[1] / times[threads])
        for case, times in least.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--milliseconds", type=float, default=4, help="of one thread in one round")
    options = parser.parse_args()

    found = measure(options.threads, options.rounds, options.milliseconds)
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(", ".join((interpreter(), "with the GIL" if has_gil else "without the GIL", *built_with())), end="; ")
    print(f"{options.threads} threads, {os.cpu_count()} processors, minima of {options.rounds} rounds")
    for case, (taken, ratio) in found.items():
        print(f"{case:30} {taken:7.1f} ns {ratio:6.2f}")


if __name__ == "__main__":
    main()
