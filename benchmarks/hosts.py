"""Measure the processor time that paho-mqtt and gmqtt need per message: `python benchmarks/hosts.py`.

A client of the host receives messages. The variants differ in the host, in the codec (the host's own, or the adapter of
`mqttcodec.contrib` on the plain or the compiled codec), in where the messages come from (a socket that sends as fast as
the client reads, or a live Mosquitto), and in the version and the QoS. The figure is the client's processor time per
message in microseconds, including the kernel's work for it. The client runs in a process of its own, and its callback
only counts.

The command writes the figures into `docs/integration.md`, and fails if one of them misses a goal.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from corpus import PAYLOAD, TOPIC

from mqttcodec import MQTTv5, MQTTv311
from mqttcodec import _codec_py as codec
from mqttcodec._packets_py import ConnAck, Connect, Publish, PubRel

ROOT = Path(__file__).parents[1]
INTEGRATION = ROOT / "docs" / "integration.md"
MARKERS = "<!-- hosts: begin -->\n", "<!-- hosts: end -->"

HOSTS = ("paho", "gmqtt")
ALONE, PLAIN, COMPILED = "host alone", "plain Python", "compiled"
# The values of MQTTCODEC_EXTENSIONS.
CODECS = {ALONE: "auto", PLAIN: "off", COMPILED: "require"}
VERSIONS = {MQTTv311: "3.1.1", MQTTv5: "5.0"}
LOADS = {"flood": 50_000, "Mosquitto": 20_000}
WINDOW = 20  # Messages of QoS 1 and 2 that are sent before their acknowledgements.
TIMEOUT = 120

# How many times the processor time of the compiled codec the host alone needs, at least, under flood.
GOALS = {("paho", MQTTv311): 3.5, ("paho", MQTTv5): 5.0, ("gmqtt", MQTTv311): 2.5, ("gmqtt", MQTTv5): 2.5}


class Case(NamedTuple):
    """What a client receives."""

    host: str
    load: str
    version: int
    qos: int


CASES = [
    Case(host, load, version, qos) for host in HOSTS for load in LOADS for version in VERSIONS for qos in (0, 1, 2)
]
Spent = dict[Case, dict[str, float]]
"""Microseconds, by codec."""


# --- The client, in a process of its own. It prints a line when it is ready to receive, and then its figure.


class Count:
    """Counts messages, and takes the processor time from `begin` to the last of them."""

    def __init__(self, messages: int) -> None:
        self.messages = self.left = messages
        self.started = self.spent = 0.0

    def begin(self) -> None:
        print("ready", flush=True)
        self.started = time.process_time()

    def last(self) -> bool:
        """Count a message. Whether it was the last."""
        self.left -= 1
        if self.left == 0:
            self.spent = (time.process_time() - self.started) / self.messages * 1e6
        return self.left == 0


def receive_with_paho(port: int, version: int, qos: int, count: Count) -> None:
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion(version))
    client.on_connect = lambda client, *_: client.subscribe(TOPIC, qos)
    client.on_subscribe = lambda *_: count.begin()

    def on_message(client: Client, userdata: Any, message: Any) -> None:
        if count.last():
            client.disconnect()

    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_forever()


def receive_with_gmqtt(port: int, version: int, qos: int, count: Count) -> None:
    import gmqtt

    async def receive() -> None:
        done = asyncio.Event()
        client = gmqtt.Client("benchmark")

        def on_message(client: gmqtt.Client, topic: str, payload: bytes, qos: int, properties: dict[str, Any]) -> None:
            if count.last():
                done.set()

        client.on_message = on_message
        client.on_subscribe = lambda *_: count.begin()
        await client.connect("127.0.0.1", port, version=version)
        client.subscribe(TOPIC, qos=qos)
        await done.wait()
        client.stop_reconnect()
        await client.disconnect()

    asyncio.run(receive())


CLIENTS: dict[str, Callable[[int, int, int, Count], None]] = {"paho": receive_with_paho, "gmqtt": receive_with_gmqtt}


def client(host: str, codec_name: str, port: int, version: int, qos: int, messages: int) -> None:
    if codec_name != ALONE:
        import_module(f"mqttcodec.contrib.{host}").install()
    count = Count(messages)
    CLIENTS[host](port, version, qos, count)
    print(count.spent)


@contextmanager
def started(case: Case, codec_name: str, port: int, messages: int) -> Iterator[subprocess.Popen[str]]:
    arguments = (case.host, codec_name, port, int(case.version), case.qos, messages)
    command = [sys.executable, __file__, "--client", *map(str, arguments)]
    environment = os.environ | {"MQTTCODEC_EXTENSIONS": CODECS[codec_name]}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8") as process:
        timer = threading.Timer(TIMEOUT, process.kill)
        timer.start()
        try:
            yield process
        finally:
            timer.cancel()
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that the client prints."""
    assert process.stdout is not None
    text = process.stdout.readline()
    if not text:
        raise RuntimeError(f"the client ended with {process.wait()}")
    return text.strip()


# --- Where the messages come from.


def messages_of(case: Case, count: int) -> Iterator[list[Any]]:
    """Windows of messages, each with its own packet identifier."""
    for start in range(0, count, WINDOW):
        numbers = range(start, min(start + WINDOW, count))
        packet_ids = (number % 65_535 + 1 if case.qos else None for number in numbers)
        yield [Publish(TOPIC, PAYLOAD, case.qos, packet_id=packet_id) for packet_id in packet_ids]


def flood(case: Case, codec_name: str, messages: int) -> float:
    """A server that sends all messages as fast as the client reads them, without waiting for acknowledgements."""
    packets: list[Any] = []
    for window in messages_of(case, messages):
        packets += window
        if case.qos == 2:
            packets += [PubRel(message.packet_id) for message in window]
    stream = codec.encode_many(packets, case.version)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(TIMEOUT)
        with started(case, codec_name, listening.getsockname()[1], messages) as process:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(TIMEOUT)
                answers = {1: codec.encode(ConnAck(), case.version)}
                # The SUBACK of the first packet identifier.
                answers[8] = (
                    bytes((0x90, 3, 0, 1, case.qos)) if case.version < 5 else bytes((0x90, 4, 0, 1, 0, case.qos))
                )
                received = codec.Decoder()
                while answers:
                    for packet in received.feed(connection.recv(65_536)):
                        connection.sendall(answers.pop(packet.packet_type))
                assert line(process) == "ready"
                reader = threading.Thread(target=drain, args=(connection,))
                reader.start()
                connection.sendall(stream)
                spent = float(line(process))
                reader.join(TIMEOUT)
    return spent


def drain(connection: socket.socket) -> None:
    """Read what the client sends until it closes the connection."""
    while connection.recv(65_536):
        pass


def from_mosquitto(case: Case, codec_name: str, messages: int, port: int) -> float:
    """Publish by way of Mosquitto, as fast as it acknowledges."""
    with started(case, codec_name, port, messages) as process:
        assert line(process) == "ready"
        with socket.create_connection(("127.0.0.1", port), TIMEOUT) as publisher:
            publisher.settimeout(TIMEOUT)
            decoder = codec.Decoder(case.version)

            def send(packets: Sequence[Any], answers: int) -> None:
                publisher.sendall(codec.encode_many(packets, case.version))
                while answers > 0:
                    answers -= len(list(decoder.feed(publisher.recv(65_536))))

            send([Connect("publisher", protocol_version=case.version)], 1)
            for window in messages_of(case, messages):
                send(window, len(window) if case.qos else 0)
                if case.qos == 2:
                    send([PubRel(message.packet_id) for message in window], len(window))
            return float(line(process))


# --- The measurement.


@contextmanager
def mosquitto() -> Iterator[int]:
    """The port of a running Mosquitto."""
    support = runpy.run_path(str(ROOT / "tests" / "support" / "broker.py"))
    with tempfile.TemporaryDirectory() as directory:
        broker = support["Broker"](Path(directory), "allow_anonymous true")
        try:
            yield broker.port
        finally:
            broker.stop()


def measure_case(case: Case, codec_name: str, part: float = 1.0) -> float:
    """Microseconds per message, with the fraction `part` of the messages."""
    messages = max(round(LOADS[case.load] * part), 10 * WINDOW)
    if case.load == "flood":
        return flood(case, codec_name, messages)
    with mosquitto() as port:
        return from_mosquitto(case, codec_name, messages, port)


def measure(cases: Sequence[Case], sweeps: int, part: float) -> Spent:
    """The minimum of `sweeps` runs. Each run measures the codecs of a case one after the other."""
    spent: Spent = {case: {} for case in cases}
    for _ in range(sweeps):
        for case, of in spent.items():
            for codec_name in CODECS:
                taken = measure_case(case, codec_name, part)
                of[codec_name] = min(taken, of.get(codec_name, taken))
            print(case, {name: round(taken, 2) for name, taken in of.items()}, flush=True)
    return spent


def missed(spent: Spent) -> Iterator[str]:
    """The figures that miss a goal."""
    for case, of in spent.items():
        if case.load != "flood":
            continue  # These depend on how many messages a read happens to bring.
        goal = GOALS[case.host, case.version]
        if of[ALONE] < goal * of[COMPILED]:
            yield f"{case}: compiled {of[ALONE] / of[COMPILED]:.1f} times, not {goal}"
        if of[PLAIN] > of[ALONE]:
            yield f"{case}: plain Python needs {of[PLAIN]:.2f} µs, and the host alone {of[ALONE]:.2f} µs"


def write(spent: Spent, sweeps: int) -> None:
    from importlib.metadata import version

    from report import figure, here_and_now, table, write_between

    head = ("host", "from", "MQTT", "QoS", ALONE, PLAIN, COMPILED, "adapter", "compiled core", "both")
    rows = (
        [
            case.host,
            case.load,
            VERSIONS[MQTTv5 if case.version == MQTTv5 else MQTTv311],
            str(case.qos),
            *(figure(of[name]) for name in CODECS),
            *(f"{times:.1f}" for times in (of[ALONE] / of[PLAIN], of[PLAIN] / of[COMPILED], of[ALONE] / of[COMPILED])),
        ]
        for case, of in spent.items()
    )
    releases = f"paho-mqtt {version('paho-mqtt')}, gmqtt {version('gmqtt')}; "
    told = "\n".join(
        [*table(head, rows), "", releases + here_and_now(" ".join(["benchmarks/hosts.py", *sys.argv[1:]]), sweeps)]
    )
    write_between(INTEGRATION, MARKERS, told)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sweeps", type=int, default=3, help="runs, of which the minimum counts")
    parser.add_argument("--part", type=float, default=1.0, help="the fraction of the messages")
    parser.add_argument("--only", choices=HOSTS, help="measure one host, and print its figures instead of writing them")
    parser.add_argument("--client", nargs=6, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.client:
        host, codec_name, *numbers = arguments.client
        client(host, codec_name, *map(int, numbers))
        return 0
    cases = [case for case in CASES if arguments.only in (None, case.host)]
    spent = measure(cases, arguments.sweeps, arguments.part)
    if arguments.only is None:
        write(spent, arguments.sweeps)
    misses = [*missed(spent)]
    print(*misses, sep="\n")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
