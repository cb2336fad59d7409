"""Measure line coverage of both codecs, including the .pyx and .pxd files. Less than 98 % of either is an error.

    python tools/line_coverage.py                list the missing lines
    python tools/line_coverage.py ARGUMENT ...   arguments for pytest

The extensions are built in a copy, with a call to the tracer on each line. Code that runs in a subprocess is not
counted.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from environments import copy_project, create_environment

LEAST = 98.0
# Leaves out tests that try very many inputs, start processes, or measure memory, which the tracer uses too.
TESTED = (
    *("command/test_command_line", "command/test_encode_command", "command/test_forms"),
    *("hardening/test_hostile", "hardening/test_hostile_buffers"),
    *("packets/test_dicts", "packets/test_encode", "packets/test_functions", "packets/test_packets"),
    "packets/test_versions",
    *("session/test_connection", "session/test_conversation", "session/test_messages", "session/test_numbers"),
    *("session/test_orders", "session/test_saved"),
    *("rules/test_statements", "rules/test_tables", "rules/test_variable_integers", "rules/test_vectors"),
    *("streams/test_answer", "streams/test_bridge", "streams/test_decoder", "streams/test_encoder"),
    *("streams/test_packet_bytes", "streams/test_skip"),
    *("topics/test_maps", "topics/test_topics"),
)
# It needs to be the only tracer.
LEFT_OUT = "streams/test_decoder.py::test_re_entry_from_the_collector"
# Only declarations, or only C.
NO_STATEMENTS = {
    f"{name}.pxd"
    for name in (
        *("__init__", "_cold_c", "_decode_c", "_decode_properties_c", "_encode_properties_c"),
        *("_fields_c", "_immortal_c", "_memory_c", "_new_c", "_packets_c"),
    )
}
FLAGS = "-O1 -DCYTHON_TRACE=1 -DCYTHON_TRACE_NOGIL=1 -DCYTHON_USE_SYS_MONITORING=0"
SETTINGS = """
[run]
core = ctrace
plugins = Cython.Coverage
source = src/mqttcodec
[report]
exclude_also =
    cdef inline
    if TYPE_CHECKING:
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "project"
        package = project / "src" / "mqttcodec"
        copy_project(project)
        (project / ".coveragerc").write_text(SETTINGS, encoding="utf-8")
        requirements = (f"{project}[test]", "coverage>=7.10")
        python = create_environment(Path(folder) / "environment", *requirements, MQTTCODEC_EXTENSIONS="off")
        environ = os.environ | {"MQTTCODEC_EXTENSIONS": "require", "PYTHONPATH": str(project / "src")}

        def run(*arguments: str | Path, **variables: str) -> None:
            if subprocess.run([python, *arguments], cwd=project, env=environ | variables).returncode:
                sys.exit(1)

        sources = sorted(str(file.relative_to(project)) for file in package.glob("*.pyx"))
        run("-m", "cython", "-X", "linetrace=True", *sources)
        run("setup.py", "-q", "build_ext", "--inplace", CFLAGS=FLAGS)
        join_c_files(package)
        tests = [*(f"tests/{name}.py" for name in TESTED), f"--deselect=tests/{LEFT_OUT}"]
        run("-m", "coverage", "run", "-m", "pytest", "-q", "-p", "no:cacheprovider", *(sys.argv[1:] or tests))
        run("-m", "coverage", "json", "-q", "-o", "coverage.json")
        found = json.loads((project / "coverage.json").read_text(encoding="utf-8"))["files"]
        sys.exit(0 if judge(found, project) else 1)


def join_c_files(package: Path) -> None:
    """Let Cython's plugin find inline functions in a .pxd: it reads the C file of that name by its full path."""
    everything = "".join(file.read_text(encoding="utf-8") for file in sorted(package.glob("*.c")))
    everything = re.sub(
        r'^( */\* ")(?:mqttcodec/)?(\w+\.p[yx][xd]":)', rf"\1{package}/\2", everything, flags=re.MULTILINE
    )
    for file in (*package.glob("*.pyx"), *package.glob("*.pxd")):
        file.with_suffix(".c").write_text(everything, encoding="utf-8")


def judge(found: dict[str, Any], project: Path) -> bool:
    """Print a row for each file. Returns whether no file is missing and both codecs reach the limit."""
    is_enough = True
    for codec, endings in (("plain Python", (".py",)), ("compiled", (".pyx", ".pxd"))):
        statements = covered = 0
        package = project / "src" / "mqttcodec"
        # Tests run much of the command in processes of its own, which are not traced.
        for file in sorted((*package.iterdir(), *(package / "session").iterdir())):
            name = str(file.relative_to(project))
            if file.suffix not in endings or file.name in NO_STATEMENTS:
                continue
            lines = file.read_text(encoding="utf-8").splitlines()
            # Cython counts the decorator of a property as a line, but never reports that it ran.
            missing = [at for at in found[name]["missing_lines"] if lines[at - 1].strip() != "@property"]
            reached = found[name]["summary"]["covered_lines"]
            statements += reached + len(missing)
            covered += reached
            shown = file.relative_to(package).as_posix()
            print(f"{shown:28} {reached:5} of {reached + len(missing):5}  {', '.join(map(str, missing))}")
        print(f"{codec}: {100 * covered / statements:.2f} % of {statements} lines")
        is_enough = is_enough and covered >= statements * LEAST / 100
    return is_enough


if __name__ == "__main__":
    main()
