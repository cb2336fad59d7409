"""Run the test suites of the clients in `mqttcodec.contrib`, with and without the adapter, and compare the results.

    python tools/hosts.py               all of HOSTS
    python tools/hosts.py paho-mqtt     those of one name

pip downloads the sdist of each client, which contains its tests, into build/hosts. A test that fails runs up to three
times, because some depend on time. Exits with 1 if a test passes only with the adapter or only without it, unless HOSTS
says so.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

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
    """Tests that need something that cannot be had: their pytest node id, or the start of it, and the reason."""
    differences: dict[str, str] = field(default_factory=dict)
    """Tests that pass without the adapter and fail with it: the last part of their name, and the reason."""


PAHO = {
    "tests": "tests",
    "source": "src",
    "install": "import mqttcodec.contrib.paho\nmqttcodec.contrib.paho.install()\n",
    "left_out": {
        "tests/test_mqttv5.py": "needs the package paho.mqtt.testing, a broker that is not on PyPI",
    },
}
HOSTS = [Host("paho-mqtt", "2.1.0", **PAHO), Host("paho-mqtt", "2.2.0", **PAHO)]  # type: ignore[arg-type]


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
    return directory


def results(host: Host, *, adapter: bool) -> dict[str, str]:
    """What became of each test: passed, failed, error or skipped."""
    directory = unpacked(host)
    report = directory / f"report-{adapter}.xml"
    start = directory / "start"
    start.mkdir(exist_ok=True)
    (start / "sitecustomize.py").write_text(host.install)
    path = [str(ROOT / "src"), str(directory / host.source), str(directory)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(start), *path] if adapter else path)}
    command = [sys.executable, "-m", "pytest", "-q", "--tb=short", f"--junitxml={report}", host.tests]
    command += [f"--deselect={test}" for test in host.left_out]
    print(f"\n=== {host.name} {host.version} {'with' if adapter else 'without'} the adapter", flush=True)
    found: dict[str, str] = {}
    for run in range(RUNS):
        if run and not set(found.values()) & {"failure", "error"}:
            break
        subprocess.run([*command, *(["--last-failed"] if run else [])], cwd=directory, env=environment)
        for case in ElementTree.parse(report).iter("testcase"):
            kinds = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
            found[f"{case.get('classname')}.{case.get('name')}"] = kinds[0] if kinds else "passed"
    return found


def compare(host: Host) -> bool:
    """Whether the tests that pass are the same, except for `differences`."""
    without, with_adapter = results(host, adapter=False), results(host, adapter=True)
    differing = sorted(test for test in without | with_adapter if without.get(test) != with_adapter.get(test))
    unexpected = [test for test in differing if test.rpartition(".")[2] not in host.differences]
    passed = list(without.values()).count("passed"), list(with_adapter.values()).count("passed")
    print(f"\n{host.name} {host.version}: {passed[0]} tests pass without the adapter, {passed[1]} with it")
    for test in differing:
        reason = host.differences.get(test.rpartition(".")[2], "NOT EXPECTED")
        print(f"  {test}: {without.get(test)} without the adapter, {with_adapter.get(test)} with it: {reason}")
    for test, reason in host.left_out.items():
        print(f"  {test} is left out: {reason}")
    names = {test.rpartition(".")[2] for test in differing}
    stale = [name for name in host.differences if name not in names]
    for name in stale:
        print(f"  {name} is expected to differ, but does not")
    return passed[0] > 0 and not unexpected and not stale


def main() -> int:
    BUILD.mkdir(parents=True, exist_ok=True)
    chosen = [host for host in HOSTS if host.name in sys.argv[1:] or not sys.argv[1:]]
    return 0 if [compare(host) for host in chosen].count(False) == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
