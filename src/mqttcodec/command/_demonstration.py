"""The demonstration: a few packets, and the commands that show them."""

from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import mqttcodec as mqtt

from ._output import Output


class _OneStream(Output):
    """Writes errors to standard output as well."""

    def error(self, text: str) -> None:
        self.add(text)


def demonstrate(output: Output, decode: Callable[[list[str], Output], int], *, as_json: bool) -> None:
    """Show the implementation in use, and what `decode` does with a few packets."""
    will = mqtt.Will("sensor/7/state", b"offline", 1, True, will_delay_interval=10)
    conversation: list[mqtt.Packet] = [
        mqtt.Connect("sensor-7", True, 30, "greenhouse", b"secret", will, session_expiry_interval=3600),
        mqtt.ConnAck(receive_maximum=20, server_keep_alive=60),
        mqtt.Subscribe(1, [mqtt.Subscription("command/7/#", 1, no_local=True), mqtt.Subscription("time")]),
        mqtt.Publish("sensor/7", b"21.5", 1, packet_id=2, content_type="text/plain", user_properties=[("unit", "C")]),
        mqtt.PubAck(2, mqtt.ReasonCode.NO_MATCHING_SUBSCRIBERS),
        mqtt.PingReq(),
    ]
    publish = mqtt.encode(mqtt.Publish("sensor/7", b"21.5", retain=True), mqtt.MQTTv311)
    parts = [
        ("Packets of MQTT 5.0, both directions", "5", mqtt.encode_many(conversation)),
        ("A PUBLISH of MQTT 3.1.1", "3.1.1", publish),
        ("A malformed PUBLISH: its topic name has a wildcard", "5", b"\x30\x0d\x00\x08sensor/+\x0021"),
    ]
    about = {"mqttcodec": mqtt.__version__, "backend": mqtt.BACKEND}
    if mqtt.BACKEND_ERROR is not None:
        about["backend_error"] = str(mqtt.BACKEND_ERROR)
    if as_json:
        output.add(json.dumps(about) + "\n")
    else:
        output = _OneStream()
        output.add("".join(f"{name}: {value}\n" for name, value in about.items()))
    output.flush()
    for title, version, data in parts:
        words = ["--mqtt-version", version, data.hex()]
        if as_json:
            decode(["--json", *words], output)
        else:
            output.add(f"\n{title}:\n$ {_started_as()} {' '.join(words)}\n")
            decode(words, output)
    output.flush()
    if _has_piped_input():
        print("mqttcodec: standard input was not read; `mqttcodec decode` reads it", file=sys.stderr)


def _has_piped_input() -> bool:
    """Whether standard input is a pipe or a file. Reading it without being asked could block a script."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):  # It is closed, or no file.
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def _started_as() -> str:
    """The command that started this program, quoted for a shell. `mqttcodec` need not be on PATH."""
    if Path(sys.argv[0]).name == "__main__.py":
        words = [sys.executable, "-m", "mqttcodec"]
    else:
        words = [sys.argv[0]]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
