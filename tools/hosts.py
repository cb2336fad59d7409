"""Run the test suites of the clients in `mqttcodec.contrib`, with and without the adapter, and compare the results.

    python tools/hosts.py               all of HOSTS
    python tools/hosts.py paho-mqtt     those of one name

pip downloads the sdist of each client, which contains its tests, into build/hosts. A client whose tests need a broker
gets a Mosquitto on loopback. A test that fails runs up to three times, because some depend on time. Exits with 1 if a
test passes only with the adapter or only without it, unless HOSTS says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "hosts"
RUNS = 3


@dataclass(frozen=True)
class Host:
    name: str
    version: str
    tests: str
    """The directory of the tests, in the sdist."""
    install: str
    """Python code that switches the adapter on. Every process of the run executes it when it starts."""
    source: str = "."
    """The directory of the packages, in the sdist."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Tests that need something that cannot be had, or fail by chance: the start of their node ids, and the reason."""
    differences: dict[str, str] = field(default_factory=dict)
    """Tests that pass without the adapter and fail with it: the name of the function, and the reason."""
    port_variable: str = ""
    """The environment variable from which the tests take the port of a broker, if they need one."""


PAHO: dict[str, Any] = {
    "name": "paho-mqtt",
    "tests": "tests",
    "source": "src",
    "install": "import mqttcodec.contrib.paho\nmqttcodec.contrib.paho.install()\n",
    "differences": {"test_invalid_utf8_topic": "the codec rejects a topic that is not valid UTF-8"},
}
PAHO_LEFT_OUT = {"tests/test_mqttv5.py": "needs paho.mqtt.testing, a broker that is not on PyPI"}
HOSTS = [
    Host(
        version="2.1.0",
        left_out=PAHO_LEFT_OUT
        | {"tests/lib/test_08_ssl_connect": "the certificates in the sdist have expired"}
        | dict.fromkeys(
            (
                "tests/lib/test_01_no_",
                "tests/lib/test_01_unpwd",
                "tests/lib/test_01_will",
                "tests/lib/test_03_publish_h",
            ),
            "may stop its client process before that waits for the signal",
        )
        | {"tests/test_client.py::TestCompatibility": "may look at the callbacks before the last one has run"},
        **PAHO,
    ),
    Host(version="2.2.0", left_out=PAHO_LEFT_OUT, **PAHO),
    Host(
        name="gmqtt",
        version="0.8.0",
        tests="tests",
        install="import mqttcodec.contrib.gmqtt\nmqttcodec.contrib.gmqtt.install()\n",
        left_out={
            "tests/test_mqtt5.py::test_assigned_clientid": (
                "expects an identifier from the server, but gmqtt sends one of its own; fails alone too"
            ),
            "tests/test_mqtt5.py::test_overlapping_subscriptions": (
                "expects other QoS values than Mosquitto sends; fails alone too"
            ),
            "tests/test_mqtt5.py::test_basic_ssl": "needs a broker with a trusted certificate on port 8883",
        },
        port_variable="PORT",
    ),
]


def unpacked(host: Host) -> Path:
    """The directory of the sdist, downloaded if it is not there yet."""
    directory = BUILD / f"{host.name}-{host.version}"
    if not directory.exists():
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", str(BUILD)]
        subprocess.run([*command, f"{host.name}=={host.version}"], check=True)
        (sdist,) = BUILD.glob(f"{host.name.replace('-', '_')}-{host.version}.tar.gz")
        with tarfile.open(sdist) as archive:
            archive.extractall(BUILD, filter="data")
        (BUILD / sdist.name.removesuffix(".tar.gz")).rename(directory)
        if not (directory / "pyproject.toml").exists():
            (directory / "pytest.ini").write_text("[pytest]\n")  # Otherwise pytest would use this project's settings.
    return directory


@contextmanager
def broker(host: Host) -> Iterator[dict[str, str]]:
    """The environment variables of a running broker, if the tests of this client need one."""
    if not host.port_variable:
        yield {}
        return
    sys.path.insert(0, str(ROOT / "tests" / "support"))
    from broker import Broker

    with tempfile.TemporaryDirectory() as directory:
        running = Broker(Path(directory), "allow_anonymous true")
        try:
            yield {host.port_variable: str(running.port)}
        finally:
            running.stop()


def results(host: Host, *, adapter: bool) -> dict[str, str]:
    """What became of each test: passed, failed, error or skipped."""
    directory = unpacked(host)
    report = directory / f"report-{adapter}.xml"
    start = directory / "start"
    start.mkdir(exist_ok=True)
    (start / "sitecustomize.py").write_text(host.install)
    path = [*([start] if adapter else []), directory / host.source, directory, os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, filter(None, path)))}
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", f"--junitxml={report}", host.tests]
    command += [f"--deselect={test}" for test in host.left_out]
    print(f"\n=== {host.name} {host.version} {'with' if adapter else 'without'} the adapter", flush=True)
    found: dict[str, str] = {}
    for run in range(RUNS):
        if run and not set(found.values()) & {"failure", "error"}:
            break
        with broker(host) as variables:
            again = ["--last-failed"] if run else []
            subprocess.run([*command, *again], cwd=directory, env=environment | variables)
        for case in ElementTree.parse(report).iter("testcase"):
            kinds = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
            found[f"{case.get('classname')}.{case.get('name')}"] = kinds[0] if kinds else "passed"
    return found


def compare(host: Host) -> bool:
    """Whether the tests that pass are the same, except for `differences`."""
    without, with_adapter = results(host, adapter=False), results(host, adapter=True)
    passed = [list(found.values()).count("passed") for found in (without, with_adapter)]
    print(f"\n{host.name} {host.version}: {passed[0]} tests pass without the adapter, {passed[1]} with it")
    for test, reason in host.left_out.items():
        print(f"  left out: {test}*: {reason}")
    is_good = passed[0] > 0
    seen = set()
    for test in sorted(without | with_adapter):
        if without.get(test) != with_adapter.get(test):
            name = next((name for name in host.differences if f".{name}" in test), None)
            seen.add(name)
            is_good = is_good and name is not None and without.get(test) == "passed"
            reason = "NOT EXPECTED" if name is None else host.differences[name]
            print(f"  {without.get(test)} without the adapter, {with_adapter.get(test)} with it: {test}: {reason}")
    for name in host.differences.keys() - seen:
        is_good = False
        print(f"  expected to differ, but does not: {name}")
    return is_good


def main() -> int:
    BUILD.mkdir(parents=True, exist_ok=True)
    chosen = [host for host in HOSTS if host.name in sys.argv[1:] or not sys.argv[1:]]
    good = [compare(host) for host in chosen]  # All of them run, even if one fails.
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
