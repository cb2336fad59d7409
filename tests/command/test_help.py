"""Each command explains itself, and the examples of its help run. `docs/command-line.md` shows the same help."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import implementations
import mqttcodec
from mqttcodec.command import COMMANDS, main, parser_of

EXAMPLES = [
    line.strip()
    for name in ("", *COMMANDS)
    for line in re.split(r"^Examples?:\n", parser_of(name).format_help(), flags=re.MULTILINE)[1].splitlines()
]


def test_examples_are_found() -> None:
    assert len(EXAMPLES) >= 10
    for name in COMMANDS:
        assert any(f"mqttcodec {name} " in line or name == "decode" for line in EXAMPLES)


@pytest.mark.parametrize("line", EXAMPLES)
def test_examples(tmp_path: Path, line: str) -> None:
    (tmp_path / "capture.bin").write_bytes(bytes.fromhex("c000 d000"))
    line, _, target = line.partition(" > ")
    output = b""
    for command in line.split(" | "):
        program, *words = shlex.split(command)
        if program == "mqttcodec" and words[0] == "proxy":
            parser_of("proxy").parse_args(words[1:])
            continue
        if program == "xxd":  # It need not be installed.
            output = b"00000000: c000 d000                                ....\n"
            continue
        if program == "nc":
            assert mqttcodec.decode(output) == mqttcodec.Connect("c")
            continue
        assert program == "mqttcodec"
        words = ["0.2" if word == "2" else word for word in words]  # Seconds of `bench`.
        done = subprocess.run(
            [sys.executable, "-m", "mqttcodec", *words],
            input=output,
            capture_output=True,
            cwd=tmp_path,
            env=implementations.environment(),
            check=False,
        )
        assert done.returncode == 0
        output = done.stdout
        assert output
    if target:
        assert output == (tmp_path / "capture.bin").read_bytes()


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit) as caught:
        main([*name.split(), "--help"])
    assert caught.value.code == 0
    output = capsys.readouterr().out
    assert output.startswith(f"usage: mqttcodec {name}".rstrip())
    assert "Example" in output
    if not name:
        assert all(f"\n  {command} " in output for command in COMMANDS)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"mqttcodec {mqttcodec.__version__} ({mqttcodec.BACKEND})\n"


def test_bench(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--seconds", "0.2"]) == 0
    output = capsys.readouterr().out
    assert output.startswith(f"mqttcodec {mqttcodec.__version__}, backend: {mqttcodec.BACKEND}\n")
    rows = re.findall(r"^((?:decode|encode|Decoder).*?)  +([\d,]+) +([\d,]+)$", output, re.MULTILINE)
    assert len(rows) == 11
    assert all(int(number.replace(",", "")) > 0 for _, *numbers in rows for number in numbers)


@pytest.mark.parametrize("seconds", ["0", "-1", "x", "1e9"])
def test_bench_without_time(capsys: pytest.CaptureFixture[str], seconds: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["bench", "--seconds", seconds])
    assert caught.value.code == 2
    assert "--seconds" in capsys.readouterr().err
