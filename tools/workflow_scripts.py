"""Run the `run` steps of the workflows, as they are committed, on this machine, as far as that goes."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import yaml
from environments import PROJECT, create_environment

WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))

# What a runner puts for an expression, where this machine is the runner.
EXPRESSIONS = {
    "matrix.architecture": "i386",
    "matrix.extensions": "require",
    "join(needs.*.result, ' ')": "success",
    "runner.os != 'Linux' && '--ignore tests/test_mosquitto.py' || ''": "",
}
# Hours of the nightly run are not what is tried here.
SHORTER = {"MQTTCODEC_INPUTS": "400000", "FUZZ_SECONDS": "15"}
NOT_HERE = {"release.yml check": "its wheels come from many machines"}


def run_scripts(work: Path) -> None:
    """Each `run` of the workflows, as its runner would: in a clone and an environment of the job's own.

    What they install with `sudo apt-get` stays.
    """
    shims = work / "shims"
    shims.mkdir()
    (shims / "sudo").write_text('#!/bin/sh\nexec "$@"\n', encoding="utf-8")
    (shims / "sudo").chmod(0o755)
    for workflow in WORKFLOWS:
        jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"]
        for name, job in jobs.items():
            label = f"{workflow.name} {name}"
            steps = [step for step in job["steps"] if "run" in step]
            if label in NOT_HERE:
                print(f"--- {label}: not here, {NOT_HERE[label]}")
            elif steps:
                run_job(label, job, steps, shims, work / label.replace(" ", "-"))


def run_job(label: str, job: dict[str, Any], steps: list[dict[str, Any]], shims: Path, home: Path) -> None:
    subprocess.run(["git", "clone", "-q", PROJECT, home], check=True)
    python = create_environment(home.with_name(f"{home.name}-environment"), "pip")
    path = os.pathsep.join(map(str, (shims, python.parent, os.environ["PATH"])))
    for step in steps:
        variables = job.get("env", {}) | step.get("env", {})
        variables = {key: SHORTER.get(key, expanded(value)) for key, value in variables.items()}
        print(f"--- {label}: {step['run']}", flush=True)
        began = time.monotonic()
        done = subprocess.run(
            ["bash", "-e", "-c", expanded(step["run"])],
            cwd=home,
            env=os.environ | {"CI": "true", "PATH": path} | variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        shown = done.stdout if done.returncode else "".join(done.stdout.splitlines(keepends=True)[-1:])
        print(f"{shown.rstrip()}\n({time.monotonic() - began:.0f} s)", flush=True)
        if done.returncode:
            raise SystemExit(f"{label} ended with {done.returncode}")


def expanded(text: str) -> str:
    return re.sub(r"\$\{\{ (.*?) \}\}", lambda match: EXPRESSIONS[match[1]], text)
