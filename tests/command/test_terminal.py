"""The command as a person uses it: in terminals, pipes and files of every kind."""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import broker
import implementations
from mqttcodec import Connect, MQTTv311, PingReq, Publish, encode, encode_many
from mqttcodec.command import main

pty = pytest.importorskip("pty", reason="Windows has no pseudo-terminals")

TIMEOUT = 30
COMMAND = [sys.executable, "-m", "mqttcodec"]
PUBLISH = encode(Publish("a", b"h"))
SHOWN = "offset 0: PUBLISH, 7 bytes, MQTT 5.0"
BIG = encode(Publish("a", bytes(2000))) * 6000
"""12 MB."""


def environment(**variables: str) -> dict[str, str]:
    found = implementations.environment(**{"TERM": "xterm", **variables})
    for name in {"NO_COLOR", "FORCE_COLOR"} - variables.keys():
        found.pop(name, None)
    return found


class Terminal:
    """A process whose given streams are a terminal."""

    def __init__(self, *arguments: str, streams: str = "stdin stdout stderr", **variables: str) -> None:
        self._ours, theirs = pty.openpty()
        chosen = dict.fromkeys(streams.split(), theirs)
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=environment(**variables),
            start_new_session=True,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | chosen,
        )
        os.close(theirs)
        self.text = ""

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def read_until(self, text: str) -> None:
        deadline = time.monotonic() + TIMEOUT
        while text not in self.text:
            assert time.monotonic() < deadline, self.text
            self._read()

    def _read(self) -> bool:
        ready, _, _ = select.select([self._ours], [], [], TIMEOUT)
        try:
            data = os.read(self._ours, 1 << 16) if ready else b""
        except OSError:  # Linux reports the end like this.
            data = b""
        self.text += data.decode().replace("\r\n", "\n")
        return bool(data)

    def end(self) -> int:
        """Read what is left. Returns the exit status."""
        if self.process.stdout:
            self.process.stdout.read()
            self.process.stdout.close()
        while self._read():
            pass
        os.close(self._ours)
        if self.process.stderr:
            self.text += self.process.stderr.read().decode()
            self.process.stderr.close()
        return self.process.wait(TIMEOUT)


@pytest.fixture
def big(tmp_path: Path) -> Path:
    path = tmp_path / "big"
    path.write_bytes(BIG)
    return path


# --- Terminals.


def test_colour() -> None:
    fault = "300500012b0068"
    terminal = Terminal(PUBLISH.hex() + fault)
    assert terminal.end() == 1
    assert "offset 0: \x1b[1;36mPUBLISH\x1b[0m, 7 bytes" in terminal.text
    assert "\x1b[1;31moffset 7: PUBLISH, MQTT 5.0: MalformedPacketError\x1b[0m" in terminal.text
    for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        terminal = Terminal(PUBLISH.hex() + fault, **variables)
        assert terminal.end() == 1
        assert "\x1b" not in terminal.text
        assert SHOWN in terminal.text
    assert b"\x1b" not in run(PUBLISH.hex()).stdout


def test_typed_lines_are_shown_at_once_and_ctrl_c_ends() -> None:
    terminal = Terminal("-", NO_COLOR="1")
    for number in range(3):
        terminal.type(PUBLISH.hex(" ") + "\n")
        terminal.read_until(f"offset {7 * number}: PUBLISH")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert "Traceback" not in terminal.text


def test_progress(big: Path) -> None:
    terminal = Terminal(str(big), streams="stderr")
    assert terminal.end() == 0
    assert re.search(r"\r\[#+ +\] +\d+ %", terminal.text)
    assert terminal.text.endswith("\r\x1b[K")
    assert "offset" not in terminal.text


def test_progress_beside_packets(big: Path) -> None:
    """On one terminal, the bar makes room for the packets."""
    terminal = Terminal(str(big), streams="stdout stderr", NO_COLOR="1")
    assert terminal.end() == 0
    lines = terminal.text.splitlines()
    assert re.search(r"\[#+ +\] +\d+ %\r\x1b\[K.*offset", terminal.text)
    assert len([line for line in lines if "offset " in line]) == 6000


def test_no_progress(big: Path, tmp_path: Path) -> None:
    assert run(str(big)).stderr == b""
    small = tmp_path / "small"
    small.write_bytes(BIG[:9_000_000])
    terminal = Terminal(str(small), streams="stderr")
    assert terminal.end() in (0, 1)
    assert " %" not in terminal.text


def test_tmux(tmp_path: Path) -> None:
    """Typed into a shell: decode, encode, and standard input that Ctrl-C ends."""
    tmux = [broker.program("tmux", "apt-get install tmux"), "-S", str(tmp_path / "tmux"), "-f", os.devnull]
    name = shlex.join(COMMAND)

    def call(*arguments: str) -> str:
        done = subprocess.run([*tmux, *arguments], capture_output=True, env=environment(), check=True, timeout=TIMEOUT)
        return done.stdout.decode()

    def screen_with(text: str) -> str:
        deadline = time.monotonic() + TIMEOUT
        while text not in (screen := call("capture-pane", "-p", "-J", "-S", "-")):
            assert time.monotonic() < deadline, screen
            time.sleep(0.05)
        return screen

    call("new-session", "-d", "-x", "120", "-y", "50", "sh")
    try:
        call("send-keys", f"{name} 30 05 00 01 61 00 68; echo status $?", "Enter")
        assert SHOWN in screen_with("status 0")
        call("send-keys", f"{name} encode pingreq --raw | {name} -; echo then $?", "Enter")
        assert "standard input: raw bytes\noffset 0: PINGREQ" in screen_with("then 0")
        call("send-keys", f"{name} -; echo ended $?", "Enter")
        call("send-keys", "d0 00 c0 00", "Enter")
        screen_with("offset 2: PINGREQ")
        call("send-keys", "C-c")
        assert "Traceback" not in screen_with("ended 130")
    finally:
        call("kill-server")


# --- Pipes and files.


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [*COMMAND, *arguments], input=stdin, capture_output=True, env=environment(), check=False, timeout=TIMEOUT
    )


@pytest.mark.parametrize("as_text", [False, True], ids=["raw", "hex"])
def test_input_is_shown_as_it_arrives(as_text: bool) -> None:
    with subprocess.Popen(
        [*COMMAND, "decode", "-", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            process.stdin.write(PUBLISH.hex().encode() + b"\n" if as_text else PUBLISH)
            process.stdin.flush()
            assert process.stdout.readline().startswith(b'{"offset": %d, "size": 7' % (7 * number))
        process.stdin.close()
        assert process.wait(TIMEOUT) == 0


def test_named_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen([*COMMAND, str(path)], stdout=subprocess.PIPE, env=environment()) as process:
        path.write_bytes(PUBLISH.hex(" ").encode())
        assert process.communicate(timeout=TIMEOUT)[0].decode().startswith(f"{path}: hex digits\n{SHOWN}\n")
    assert process.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "arguments",
    [
        *([PUBLISH.hex()], ["--json", PUBLISH.hex()], [], ["decode", "--help"], ["--version"]),
        *(["encode", "pingreq"], ["encode", "pingreq", "--raw"], ["bench", "--seconds", "0.1"]),
    ],
    ids=" ".join,
)
def test_full_disk(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, env=environment(), check=False
        )
    lines = [line for line in done.stderr.decode().splitlines() if "arguments: " not in line]
    assert (done.returncode, lines) == (2, ["mqttcodec: No space left on device"])


@pytest.mark.parametrize("arguments", [["decode"], ["decode", "--json"], ["encode"]], ids=" ".join)
def test_reader_that_goes(tmp_path: Path, arguments: list[str]) -> None:
    path = tmp_path / "input"
    path.write_bytes(b'{"type": "PINGREQ"}\n' * 50_000 if arguments[0] == "encode" else PUBLISH * 50_000)
    with subprocess.Popen(
        [*COMMAND, *arguments, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Error" not in process.stderr.read()
        assert process.wait(TIMEOUT) == 1


def test_ctrl_c_in_the_middle(big: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, str(big)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, errors) == (130, b"")


def test_closed_streams() -> None:
    shell = f"{shlex.join([*COMMAND, PUBLISH.hex()])} "
    for closed in (">&-", "2>&-", "<&-", ">&- 2>&- <&-"):
        done = subprocess.run(["sh", "-c", shell + closed], capture_output=True, env=environment(), check=False)
        assert (done.returncode, done.stderr) == (0, b"")


def peak_memory(arguments: list[str], stdin: Iterator[bytes]) -> int:
    """The most memory that the command used, in KiB."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
    )
    assert process.stdin is not None
    for data in stdin:
        process.stdin.write(data)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return int(usage.ru_maxrss)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have other units")
@pytest.mark.parametrize("form", ["raw", "xxd", "one line"])
def test_memory_is_flat(form: str) -> None:
    data = encode(Publish("a", bytes(1021)))  # 1,024 bytes and a fixed header of 3.
    data = data[:1] + encode(Publish("a", bytes(1021 - 4)))[1:]
    assert len(data) == 1024

    def parts(count: int) -> Iterator[bytes]:
        for number in range(count):
            if form == "raw":
                yield data
            elif form == "xxd":
                for at in range(0, len(data), 16):
                    row = data[at : at + 16].hex(" ", 2)
                    yield f"{1024 * number + at:08x}: {row}  ................\n".encode()
            else:
                yield data.hex().encode()

    counts = (300, 2000) if form == "xxd" else (500, 4000)
    small, large = (peak_memory(["-"], parts(count)) for count in counts)
    assert large < small + (counts[1] - counts[0]) // 2


# --- Several inputs, versions, faults.


def test_several_inputs(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(encode(PingReq()))
    done = run(str(path), "30", "05", "00", "01", "61", "00", "68", "-", stdin=b"d0 00\n")
    assert done.stdout.decode() == (
        f"{path}: raw bytes\noffset 0: PINGREQ, 2 bytes, MQTT 5.0\n"
        f"arguments: hex digits\n{SHOWN}\n  topic:   'a'\n  payload: 'h'\n"
        "standard input: hex digits\noffset 0: PINGRESP, 2 bytes, MQTT 5.0\n"
    )
    done = run(str(path), "d000", "--json")
    assert done.stdout.decode().startswith(f'{{"input": "{path}", "offset": 0, "size": 2, "version": "5.0"')
    assert b'{"input": "arguments", "offset": 0' in done.stdout


def test_another_version_reads_everything(tmp_path: Path) -> None:
    data = encode_many([Publish("a", b"x")] * 100, MQTTv311)
    advice = b"MQTT 3.1.1 reads the whole input: use --mqtt-version 3.1.1\n"
    path = tmp_path / "input"
    path.write_bytes(data)
    for arguments in [str(path)], [data.hex()]:
        assert run(*arguments).stderr.endswith(advice)
    assert b"MQTT 3.1.1 reads all 600 bytes so far" in run("-", stdin=data).stderr
    path.write_bytes(data + b"\0")
    assert b"reads" not in run(str(path)).stderr
    connect = encode(Connect("c", protocol_version=MQTTv311))
    path.write_bytes(connect + b"\x90\x03\0\1\x09")
    assert b"reads" not in run(str(path)).stderr


def test_keep_going() -> None:
    fault = bytes.fromhex("30 05 0001 2b 00 68")
    done = run("--keep-going", (fault + PUBLISH + fault + encode(PingReq())).hex())
    assert done.returncode == 1
    assert re.findall(r"offset \d+: \w+", done.stdout.decode()) == ["offset 7: PUBLISH", "offset 21: PINGREQ"]
    assert done.stderr.count(b"MalformedPacketError") == 2
    # The end of this one is not known.
    done = run("--keep-going", (PUBLISH + bytes.fromhex("30ffffffff01") + PUBLISH).hex())
    assert b"offset 7: cannot go on, because the end of this packet is not known" in done.stderr
    assert done.stdout.count(b"offset") == 1


@pytest.mark.parametrize(
    ("form", "payload", "expected"),
    [
        ("auto", b"21.5", "'21.5'"),
        ("auto", b"a\n\xc3\xa9", "'a\\n\u00e9'"),
        ("auto", b"\x00\xff", "00 ff"),
        ("auto", b"\x1b[2J", "1b 5b 32 4a"),
        ("auto", b"x" * 100, repr("x" * 100)),
        ("text", b"\xff!", "b'\\xff!'"),
        ("text", b"\x1b", "'\\x1b'"),
        ("hex", b"21", "32 31"),
        ("base64", b"\x00\xff", "AP8="),
        ("json", b' {"a":\n1}', '{"a": 1}'),
        ("json", b"NaN", "'NaN'"),
        ("json", b"\x00", "00"),
    ],
)
def test_payloads(capsys: pytest.CaptureFixture[str], form: str, payload: bytes, expected: str) -> None:
    assert main(["--payload", form, encode(Publish("a", payload)).hex()]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"  payload: {expected}"


def test_payload_that_is_cut_within_a_character() -> None:
    done = run(encode(Publish("a", ("\u20ac" * 30).encode())).hex())
    assert done.stdout.decode().splitlines()[-1] == f"  payload: '{chr(0x20AC) * 21}'... (90 bytes)"
    done = run(encode(Publish("a", bytes(90))).hex())
    assert done.stdout.decode().splitlines()[-1] == f"  payload: {bytes(64).hex(' ')}... (90 bytes)"


def test_standard_input_without_a_name() -> None:
    assert (
        run("decode", stdin=b"c000\n").stdout == b"standard input: hex digits\noffset 0: PINGREQ, 2 bytes, MQTT 5.0\n"
    )
    assert run("encode", stdin=b'{"type": "PINGREQ"}').stdout == b"c0 00\n"


def test_show_secrets() -> None:
    data = encode(Connect("c", username="u", password=b"Secret"))
    assert b"password:  b'Secret'" in run("--show-secrets", data.hex()).stdout
    assert b'"password": "U2VjcmV0"' in run("--show-secrets", "--json", data.hex()).stdout
    cut = run("--show-secrets", data[:-1].hex()).stderr.decode()
    assert "53 65 63 72 65" in cut


def test_import_does_not_load_the_command() -> None:
    program = "import mqttcodec, sys; print([m for m in sys.modules if 'mqttcodec.command' in m or m == 'argparse'])"
    assert implementations.run(None, program).stdout.strip() == "[]"
