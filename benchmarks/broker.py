"""Measure the processor time that brokers need per message: `python benchmarks/broker.py`.

The brokers are that of `examples/broker`, Mosquitto and amqtt, each in a process of its own. None of them drops
messages, and the first two send a hundred messages of QoS 1 without an acknowledgement; otherwise they have their
defaults. The clients are in this process, and speak MQTT 3.1.1. Topics have 24 bytes, payloads 64.

* flood: the publishers send many messages in one write, and the next ones when all subscribers have all of them.
* one by one: each publisher sends one message, so that the broker gets one message per read.

The figure is the broker's processor time per delivered message in microseconds, including the kernel's work for it. For
10,000 idle clients the figures are the memory of the broker for each, and the time to connect it.

The command writes the figures into `docs/broker.md`.
"""

from __future__ import annotations

import argparse
import os
import resource
import selectors
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from corpus import PAYLOAD, TOPIC

import mqttcodec as mqtt

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "broker.md"
MARKERS = "<!-- broker: begin -->\n", "<!-- broker: end -->"
HOST = "127.0.0.1"
TIMEOUT = 120
VERSION = mqtt.MQTTv311
EXAMPLE, MOSQUITTO, AMQTT = BROKERS = ("examples/broker", "Mosquitto", "amqtt")


class Case(NamedTuple):
    """A load. In each of the rounds every publisher sends `burst` messages."""

    load: str
    publishers: int
    subscribers: int
    qos: int
    burst: int
    rounds: int

    @property
    def delivered(self) -> int:
        """The messages that each subscriber gets in a round."""
        return self.publishers * self.burst


CASES = [
    case
    for qos in (0, 1)
    for case in (
        Case("flood", 1, 1, qos, 100 if qos else 500, 400 if qos else 200),
        Case("flood", 1, 100, qos, 100, 10),
        Case("flood", 100, 1, qos, 50, 20),
        Case("one by one", 1, 1, qos, 1, 5_000),
        Case("one by one", 1, 100, qos, 1, 200),
        Case("one by one", 100, 1, qos, 1, 100),
    )
]


# --- The brokers.


def command(broker: str, port: int, directory: Path) -> list[str]:
    """The command line that starts a broker on a port of the loopback interface."""
    if broker == EXAMPLE:
        limits = ["--max-connections=20000", "--max-sessions=20000", "--max-queued=100000"]
        return [sys.executable, "-m", "examples.broker", f"--port={port}", *limits]
    if broker == MOSQUITTO:
        lines = [f"listener {port} {HOST}", "allow_anonymous true", "log_dest none", "persistence false"]
        lines += ["max_queued_messages 0", "max_inflight_messages 100", "queue_qos0_messages true"]
        if os.geteuid() == 0:
            lines.append("user root")
        configuration = directory / "mosquitto.conf"
        configuration.write_text("\n".join(lines) + "\n")
        return [mosquitto(), "-c", str(configuration)]
    configuration = directory / "amqtt.yaml"
    configuration.write_text(
        f"listeners:\n  default:\n    type: tcp\n    bind: {HOST}:{port}\n    max_connections: 20000\n"
        "plugins:\n  amqtt.plugins.authentication.AnonymousAuthPlugin:\n    allow_anonymous: true\n"
    )
    return [sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(configuration)]


def mosquitto() -> str:
    return shutil.which("mosquitto", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"])) or "mosquitto"


@contextmanager
def running(broker: str) -> Iterator[tuple[int, int]]:
    """The port and the process identifier of a broker."""
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory, (Path(directory) / "log").open("wb") as log:
        process = subprocess.Popen(command(broker, port, Path(directory)), cwd=ROOT, stdout=log, stderr=log)
        try:
            wait_for(port, process)
            yield port, process.pid
        finally:
            process.kill()
            process.wait()


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return socket.create_connection((HOST, port), TIMEOUT).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise RuntimeError(f"the broker does not start: {process.args!r}")


def processor_time(process_id: int) -> float:
    """The processor time of all threads of a process, in seconds."""
    tasks = Path(f"/proc/{process_id}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory(process_id: int) -> int:
    """The resident memory of a process, in bytes."""
    return int(Path(f"/proc/{process_id}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


# --- The clients.


class Client:
    """A client with a blocking socket. It acknowledges, and counts the messages and acknowledgements it gets."""

    def __init__(self, port: int, name: str) -> None:
        self.socket = socket.create_connection((HOST, port), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.decoder = mqtt.Decoder(VERSION, connected=True)
        self.received = 0
        self.request(mqtt.Connect(name, protocol_version=VERSION, keep_alive=0))

    def request(self, packet: Any) -> None:
        """Send a packet, and wait for its answer."""
        self.socket.sendall(mqtt.encode(packet, VERSION))
        while not self.decoder.feed(self.socket.recv(65_536)).__next__():
            pass

    def read(self) -> None:
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("the broker has closed the connection")
        packet_ids = []
        for packet in self.decoder.feed(data):
            self.received += 1
            if isinstance(packet, mqtt.Publish) and packet.packet_id is not None:
                packet_ids.append(packet.packet_id)
        if packet_ids:
            self.socket.sendall(mqtt.encode_acks(mqtt.PacketType.PUBACK, packet_ids))


def read_until(clients: dict[Client, int], selector: selectors.BaseSelector) -> None:
    """Read until each client has received so much."""
    left = {client for client, number in clients.items() if client.received < number}
    while left:
        ready = selector.select(TIMEOUT)
        if not ready:
            raise TimeoutError(f"{len(left)} clients wait for messages")
        for key, _ in ready:
            client = key.data
            client.read()
            if client.received >= clients.get(client, 0):
                left.discard(client)


def microseconds(case: Case, broker: str, part: float) -> float:
    """The processor time of a broker per delivered message, with the fraction `part` of the rounds."""
    rounds = max(round(case.rounds * part), 2)
    ids = range(1, case.burst + 1) if case.qos else [None] * case.burst
    burst = mqtt.encode_many([mqtt.Publish(TOPIC, PAYLOAD, case.qos, packet_id=each) for each in ids], VERSION)
    with running(broker) as (port, process_id), selectors.DefaultSelector() as selector:
        subscribers = [Client(port, f"subscriber{number}") for number in range(case.subscribers)]
        publishers = [Client(port, f"publisher{number}") for number in range(case.publishers)]
        for subscriber in subscribers:
            subscriber.request(mqtt.Subscribe(1, [mqtt.Subscription(TOPIC, case.qos)]))
            subscriber.received = 0
        for client in (*subscribers, *publishers):
            selector.register(client.socket, selectors.EVENT_READ, client)
        started = 0.0
        for number in range(-1, rounds):
            if number == 0:  # The first round is not counted.
                started = processor_time(process_id)
            for publisher in publishers:
                publisher.socket.sendall(burst)
            expected = dict.fromkeys(subscribers, (number + 2) * case.delivered)
            if case.qos:
                expected |= dict.fromkeys(publishers, (number + 2) * case.burst)
            read_until(expected, selector)
        spent = processor_time(process_id) - started
        for client in (*subscribers, *publishers):
            client.socket.close()
    return spent / (rounds * case.delivered * case.subscribers) * 1e6


def idle(broker: str, count: int) -> tuple[float, float]:
    """The memory for an idle client in KiB, and the processor time to connect it in microseconds."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # The broker inherits it.
    with running(broker) as (port, process_id):
        clients = [Client(port, f"warm{number}") for number in range(10)]
        before, started = memory(process_id), processor_time(process_id)
        clients += [Client(port, f"idle{number}") for number in range(count)]
        spent, kept = processor_time(process_id) - started, memory(process_id) - before
        for client in clients:
            client.socket.close()
    return kept / count / 1024, spent / count * 1e6


# --- The table.


def write(rows: Sequence[Sequence[str]], arguments: str) -> None:
    from importlib.metadata import version

    from report import here_and_now, table, write_between

    told = subprocess.run([mosquitto(), "-h"], capture_output=True, encoding="utf-8", check=False).stdout
    releases = f"{told.partition(chr(10))[0].strip()}, amqtt {version('amqtt')}; "
    lines = [*table(("load", "clients", "QoS", *BROKERS), rows), ""]
    lines.append(releases + here_and_now(" ".join(["benchmarks/broker.py", arguments]).strip()))
    write_between(PAGE, MARKERS, "\n".join(lines))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--part", type=float, default=1.0, help="the fraction of the messages and of the idle clients")
    parser.add_argument("--only", choices=BROKERS, action="append", help="measure this broker, and write no page")
    arguments = parser.parse_args()
    brokers = arguments.only or BROKERS
    rows: list[list[str]] = []

    def measured(head: list[str], measure: Callable[[str], float | str]) -> None:
        figures = [measure(broker) for broker in brokers]
        rows.append(head + [each if isinstance(each, str) else f"{each:.1f}" for each in figures])
        print(*rows[-1], sep=" | ", flush=True)

    for case in CASES:
        head = [case.load, f"{case.publishers} to {case.subscribers}", str(case.qos)]
        measured(head, lambda broker, case=case: microseconds(case, broker, arguments.part))  # type: ignore[misc]
    count = max(10, round(10_000 * arguments.part))
    connected: dict[str, tuple[float, float]] = {broker: idle(broker, count) for broker in brokers}
    measured([f"idle, {count:,} clients: KiB each", "", ""], lambda broker: connected[broker][0])
    measured(["idle: µs to connect each", "", ""], lambda broker: connected[broker][1])
    if arguments.only is None:
        write(rows, " ".join(sys.argv[1:]))


if __name__ == "__main__":
    main()
