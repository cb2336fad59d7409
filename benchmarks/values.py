"""Measure the packets as values, in units of building the same packet: `python benchmarks/values.py`.

For each class, with and without properties: `replace` of its slowest field, `==` of equal packets and `hash`, each
divided by a call of the constructor; then `repr`, pickling and loading the pickle, divided by the plain codec's. The
times are minima of many rounds, in which all cases take turns. It fails if a figure is above its limit.

`report.py` writes the times themselves, and those of `properties`, `for_version`, `to_dict` and `from_dict`.
"""

from __future__ import annotations

import argparse
import copy
import inspect
import pickle
import sys
from pathlib import Path
from timeit import Timer
from typing import Any

from instructions import built_with, interpreter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import implementations
import samples
from mqttcodec import MQTTv5

LIMITS = {"replace": 1.5, "==": 2.0, "hash": 2.0}
"""In units of building the packet."""
COMPARED = ("repr", "pickle", "unpickle")
WIDTHS = {"==": 7, "hash": 7}
NO_SLOWER = 1.05
"""In units of the plain codec's time, for COMPARED, which mostly run the same Python code in both."""


def examples(mqtt: Any) -> dict[str, Any]:
    """Of each class, the packet of the samples with the fewest fields and the one with the most."""
    found: dict[str, list[Any]] = {}
    for packet in samples.packets(mqtt, MQTTv5):
        for value in (packet, getattr(packet, "will", None), *getattr(packet, "subscriptions", ())):
            if value is not None:
                found.setdefault(type(value).__name__, []).append(value)
    chosen = {}
    for name, packets in found.items():
        packets.sort(key=lambda packet: len(given(packet)))
        chosen[name] = packets[0]
        if given(packets[-1]) != given(packets[0]):
            chosen[f"{name}, all fields"] = packets[-1]
    return chosen


def given(packet: Any) -> dict[str, Any]:
    """The arguments that build a packet."""
    parameters = inspect.signature(type(packet)).parameters.values()
    values = {parameter.name: getattr(packet, parameter.name) for parameter in parameters}
    return {item.name: values[item.name] for item in parameters if values[item.name] != item.default}


def construction(packet: Any, names: dict[str, Any]) -> str:
    """The expression that builds a packet and the packets in it. Adds the names it uses."""
    arguments = []
    for field, value in given(packet).items():
        if field == "will":
            text = construction(value, names)
        elif field == "subscriptions":
            text = f"({''.join(construction(item, names) + ', ' for item in value)})"
        else:
            text = f"value{len(names)}"
            names[text] = value
        arguments.append(f"{field}={text}")
    names[type(packet).__name__] = type(packet)
    return f"{type(packet).__name__}({', '.join(arguments)})"


def timers(mqtt: Any, packet: Any) -> dict[str, Timer]:
    """By name: the call to measure."""
    names: dict[str, Any] = {"packet": packet, "equal": copy.deepcopy(packet)}
    names |= {"dumps": pickle.dumps, "loads": pickle.loads, "pickled": pickle.dumps(packet)}
    calls = {
        "build": construction(packet, names),
        "==": "packet == equal",
        "hash": "hash(packet)",
        "repr": "repr(packet)",
        "pickle": "dumps(packet)",
        "unpickle": "loads(pickled)",
    }
    if hasattr(packet, "packet_type"):
        names |= {"to_dict": mqtt.to_dict, "from_dict": mqtt.from_dict, "mapping": mqtt.to_dict(packet)}
        calls |= {"properties": "packet.properties", "for_version": "packet.for_version(5)"}
        calls |= {"to_dict": "to_dict(packet)", "from_dict": "from_dict(mapping)"}
    for name in inspect.signature(type(packet)).parameters:
        names[f"new_{name}"] = getattr(packet, name)
        calls[f"replace {name}"] = f"packet.replace({name}=new_{name})"
    return {name: Timer(call, globals=names) for name, call in calls.items()}


def measure(rounds: int, calls: int) -> dict[str, dict[str, dict[str, float]]]:
    """Nanoseconds by implementation, packet and call. `replace` is that of the slowest field."""
    cases = {
        (mqtt.BACKEND, about, call): timer
        for mqtt in implementations.ALL
        for about, packet in examples(mqtt).items()
        for call, timer in timers(mqtt, packet).items()
    }
    least = dict.fromkeys(cases, float("inf"))
    for _ in range(rounds):
        for case, timer in cases.items():
            least[case] = min(least[case], timer.timeit(calls))  # `timeit` turns the garbage collector off meanwhile.
    found: dict[str, dict[str, dict[str, float]]] = {}
    for (backend, about, call), seconds in least.items():
        of = found.setdefault(backend, {}).setdefault(about, {})
        name = call.partition(" ")[0]
        of[name] = max(of.get(name, 0), seconds / calls * 1e9)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--calls", type=int, default=1000, help="in one round")
    options = parser.parse_args()

    nanoseconds = measure(options.rounds, options.calls)
    print(", ".join((interpreter(), *built_with())), end="; ")
    print(f"minima of {options.rounds} rounds of {options.calls} calls")
    print(f"{'':34}{'build':>8}{'replace':>9}{'==':>7}{'hash':>7}{'repr':>9}{'pickle':>9}{'unpickle':>9}")
    above = []
    for backend, of_backend in nanoseconds.items():
        for about, calls in of_backend.items():
            ratios = {call: calls.get(call, 0) / calls["build"] for call in LIMITS}
            limits = dict(LIMITS)
            if backend != "python" and "python" in nanoseconds:
                ratios |= {call: calls[call] / nanoseconds["python"][about][call] for call in COMPARED}
                limits |= dict.fromkeys(COMPARED, NO_SLOWER)
            for call, ratio in ratios.items():
                if ratio > limits[call]:
                    above.append(f"{backend}, {about}: {call} {ratio:.2f}")
            print(f"{backend + ', ' + about:34}{calls['build']:6.0f}ns", end="")
            print("".join(f"{ratio:{WIDTHS.get(call, 9)}.2f}" for call, ratio in ratios.items()))
    if above:
        sys.exit("\n".join(["above the limit:", *above]))


if __name__ == "__main__":
    main()
