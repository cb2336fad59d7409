"""`mqttcodec bench`: which implementation is in use, and how fast it is here."""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Callable

import mqttcodec as mqtt

from ._output import Output

SUMMARY = "measure how fast packets are decoded and encoded here"
DESCRIPTION = """\
Names the implementation in use, and measures how long it takes to decode and encode a
few packets: the least processor time of several runs."""
EPILOG = """\
The loop that calls the functions is part of the times. `benchmarks/` in the source
compares more cases, and other codecs.

Example:
  mqttcodec bench --seconds 2"""
_ROUNDS = 5


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seconds", type=_seconds, default=10.0, metavar="N", help="how long to measure in all; default: 10"
    )


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise ValueError
    return seconds


def cases() -> list[tuple[str, Callable[[int], object]]]:
    """What is measured: names, and functions that do it a number of times."""
    properties = {"content_type": "text/plain", "user_properties": [("unit", "C")]}
    packets: list[tuple[str, mqtt.Packet]] = [
        ("PUBLISH, QoS 0", mqtt.Publish("sensor/7/temperature", b"21.5")),
        ("PUBLISH, QoS 1, properties", mqtt.Publish("sensor/7", b"21.5", 1, packet_id=7, **properties)),  # type: ignore[arg-type]
        ("PUBACK", mqtt.PubAck(7)),
        ("CONNECT", mqtt.Connect("sensor-7", username="me", password=b"secret")),
        ("SUBSCRIBE", mqtt.Subscribe(7, [mqtt.Subscription("command/+", 1)])),
    ]
    found: list[tuple[str, Callable[[int], object]]] = []
    for name, packet in packets:
        data = mqtt.encode(packet)
        title = f"{name}, {len(data)} bytes"
        found.append((f"decode {title}", lambda count, data=data: _repeat(count, mqtt.decode, data)))  # type: ignore[misc]
        found.append((f"encode {title}", lambda count, packet=packet: _repeat(count, mqtt.encode, packet)))  # type: ignore[misc]
    data = mqtt.encode(packets[0][1])
    found.append((f"Decoder, each PUBLISH of a stream, {len(data)} bytes", lambda count: _stream(data, count)))
    return found


def _repeat(count: int, call: Callable[..., object], argument: object) -> None:
    for _ in range(count):
        call(argument)


def _stream(data: bytes, count: int) -> None:
    decoder = mqtt.Decoder(5)
    while count > 0:
        for _ in decoder.feed(data * min(count, 1000)):
            pass
        count -= 1000


def run(parser: argparse.ArgumentParser, arguments: argparse.Namespace, output: Output) -> int:
    output.add(f"mqttcodec {mqtt.__version__}, backend: {mqtt.BACKEND}\n")
    if mqtt.BACKEND_ERROR is not None:
        output.add(f"backend_error: {mqtt.BACKEND_ERROR}\n")
    output.add(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}\n\n")
    found = cases()
    width = max(len(name) for name, _ in found)
    output.add(f"{'':{width}}  ns/packet  packets/s\n")
    output.flush()
    for name, repeat in found:
        seconds = _least(repeat, arguments.seconds / len(found))
        output.add(f"{name:{width}}  {seconds * 1e9:9,.0f}  {1 / seconds:9,.0f}\n")
        output.flush()
    return 0


def _least(repeat: Callable[[int], object], seconds: float) -> float:
    """The least time for one repetition, in about `seconds` of measuring."""
    count, taken = 1, 0.0
    while taken < seconds / (2 * _ROUNDS):  # So that a round is long, compared with the clock's resolution.
        count *= 2
        taken = _time(repeat, count)
    count = max(int(count * seconds / (_ROUNDS + 2) / taken), 1)
    return min(_time(repeat, count) for _ in range(_ROUNDS)) / count


def _time(repeat: Callable[[int], object], count: int) -> float:
    start = time.process_time()
    repeat(count)
    return time.process_time() - start
