"""`mqttcodec decode`, which is the default: its output, the stream it goes to, and the exit status."""

from __future__ import annotations

import io
import json
import os
import random
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mqttcodec
from implementations import environment
from mqttcodec import Auth, ConnAck, Connect, Disconnect, MQTTv31, MQTTv311, PingReq, Publish, SubAck, Subscribe, Will
from mqttcodec.command import main

Run = Callable[..., tuple[int, str, str]]

PING = "c000"
WILDCARD = "3006 0003 61 2f 2b 00"
"""A PUBLISH to a/+ in 5.0: byte 6 is at fault."""


NAMES = "arguments|standard input|.*capture|c000|d000"
FORM = re.compile(rf"^(?:mqttcodec: )?(?:{NAMES}): (?!cannot|input)[\w ]+\r?\n", re.MULTILINE)
ADVICE = re.compile(r"^mqttcodec: MQTT [\d.]+ reads .*\n", re.MULTILINE)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process. Returns the exit status, standard output and standard error.

    Lines with the form of the input, and advice about versions, are left out.
    """

    def run(*arguments: str) -> tuple[int, str, str]:
        status = main(arguments)
        output, errors = (ADVICE.sub("", FORM.sub("", text)) for text in capsys.readouterr())
        return status, output, errors

    return run


def objects(output: str) -> list[Any]:
    return [json.loads(line) for line in output.splitlines()]


def message_of(digits: str) -> str:
    with pytest.raises(mqttcodec.DecodeError) as caught:
        mqttcodec.decode(bytes.fromhex(digits))
    return str(caught.value)


def process(
    *arguments: str, stdin: bytes = b"", variables: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "mqttcodec", *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, env=environment(**variables or {}), check=False)


# --- Input.


@pytest.mark.parametrize(
    "digits", ["c000d000", "C0 00 D0 00", "c0:00:d0:00", "c000\nd000\n", "0xc0 0x00 0xD0 0x00", "0xc0, 0x00,\n0Xd000"]
)
def test_hex(run: Run, digits: str) -> None:
    expected = "offset 0: PINGREQ, 2 bytes, MQTT 5.0\noffset 2: PINGRESP, 2 bytes, MQTT 5.0\n"
    assert run(digits) == (0, expected, "")


def test_hex_longer_than_a_file_name(run: Run) -> None:
    status, output, errors = run(PING * 5000)
    assert (status, len(output.splitlines()), errors) == (0, 5000, "")


def test_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "capture"
    path.write_bytes(bytes.fromhex("c000"))
    assert run(str(path)) == (0, "offset 0: PINGREQ, 2 bytes, MQTT 5.0\n", "")


def test_file_comes_before_hex_and_a_directory_does_not(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "c000").write_bytes(bytes.fromhex("d000"))
    (tmp_path / "d000").mkdir()
    assert run("c000")[1] == "offset 0: PINGRESP, 2 bytes, MQTT 5.0\n"
    assert run("d000")[1] == "offset 0: PINGRESP, 2 bytes, MQTT 5.0\n"


def test_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xc0\x00\xd0\x00")))
    assert [line["packet"] for line in objects(run("-", "--json")[1])] == [{"type": "PINGREQ"}, {"type": "PINGRESP"}]


def test_standard_input_closed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert run("-") == (0, "", "")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_no_bytes_are_no_packets(run: Run, tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "empty").touch()
    assert run(str(tmp_path / "empty"), *options) == (0, "", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["c00"], "hex digits must come in pairs, not 3 as in 'c00'"),
        (["0xc 0x"], "hex digits must come in pairs, not 1 as in 'c'"),
        (["capture.bin"], "arguments: input must be a file or bytes in a known form, not 'capture.bin'"),
        ([""], "input must be a file or bytes in a known form, not ''"),
        ([" :"], "input must be a file or bytes in a known form, not ':'"),
        (["\u0661\u0662"], "input must be a file or bytes in a known form, not "),
        (["c0\0"], "input must be a file or bytes in a known form, not 'c0\\x00'"),
        (["\x1b[2J"], "input must be a file or bytes in a known form, not '\\x1b[2J'"),
        (["x." * 250], "input must be a file or bytes in a known form, not '" + "x." * 20 + "'..."),
    ],
)
def test_no_known_form(run: Run, arguments: list[str], message: str) -> None:
    status, output, errors = run(*arguments)
    assert (status, output) == (2, "")
    assert message in errors
    assert "\x1b" not in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([PING, "--version", "4"], "--version"),
        ([PING, "--vers", "5"], "unrecognized arguments: --vers"),
        ([PING, "--version"], "--version"),
    ],
)
def test_usage_errors(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    output, errors = capsys.readouterr()
    assert caught.value.code == 2
    assert output == ""
    assert message in errors
    assert "\x1b" not in errors


def test_file_that_cannot_be_read(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *arguments: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.chdir(tmp_path)
    (tmp_path / "capture").touch()
    monkeypatch.setattr(Path, "open", refuse)
    assert run("capture") == (2, "", "mqttcodec: capture: cannot be read: Permission denied\n")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["decode", "--help"])
    output = capsys.readouterr().out
    assert caught.value.code == 0
    assert output.startswith("usage: mqttcodec ")
    assert "Exit status" in output


# --- Packets as text.


def test_fields(run: Run) -> None:
    will = Will("state", b"off", 2, True, will_delay_interval=5)
    properties = [("unit", "C"), ("unit", "K")]
    packets: list[mqttcodec.Packet] = [
        Connect("c", True, 30, "me", b"secret", will, receive_maximum=9, user_properties=properties),
        Subscribe(7, [mqttcodec.Subscription("a/#", 1, retain_handling=2), mqttcodec.Subscription("b")]),
        SubAck(7, [1, 0x87], reason_string="so"),
        mqttcodec.Unsubscribe(8, ["a/#", "b"]),
        Publish("t", b"21", 1, packet_id=3, subscription_identifiers=[5, 6]),
        PingReq(),
    ]
    data = mqttcodec.encode_many(packets)
    sizes = [mqttcodec.encoded_size(packet) for packet in packets]
    offsets = [sum(sizes[:index]) for index in range(len(sizes))]
    expected = f"""\
offset 0: CONNECT, {sizes[0]} bytes, MQTT 5.0
  client_id:       'c'
  keep_alive:      30
  username:        'me'
  password:        hidden, 6 bytes
  will:
    topic:               'state'
    payload:             'off'
    qos:                 EXACTLY_ONCE (2)
    retain:              True
    will_delay_interval: 5
  receive_maximum: 9
  user_properties:
    - 'unit': 'C'
    - 'unit': 'K'
offset {offsets[1]}: SUBSCRIBE, {sizes[1]} bytes, MQTT 5.0
  packet_id:     7
  subscriptions:
    - topic_filter:    'a/#'
      qos:             AT_LEAST_ONCE (1)
      retain_handling: DO_NOT_SEND (2)
    - topic_filter: 'b'
offset {offsets[2]}: SUBACK, {sizes[2]} bytes, MQTT 5.0
  packet_id:     7
  reason_codes:
    - GRANTED_QOS_1 (0x01)
    - NOT_AUTHORIZED (0x87)
  reason_string: 'so'
offset {offsets[3]}: UNSUBSCRIBE, {sizes[3]} bytes, MQTT 5.0
  packet_id:     8
  topic_filters:
    - 'a/#'
    - 'b'
offset {offsets[4]}: PUBLISH, {sizes[4]} bytes, MQTT 5.0
  topic:                    't'
  payload:                  '21'
  qos:                      AT_LEAST_ONCE (1)
  packet_id:                3
  subscription_identifiers:
    - 5
    - 6
offset {offsets[5]}: PINGREQ, 2 bytes, MQTT 5.0
"""
    assert run(data.hex()) == (0, expected, "")


def test_long_values_are_cut(run: Run) -> None:
    _, output, _ = run(mqttcodec.encode(Publish("t" * 1000, b"p" * 1000, content_type="short")).hex())
    assert f"  topic:        '{'t' * 200}'... (1000 characters)\n" in output
    assert f"  payload:      '{'p' * 64}'... (1000 bytes)\n" in output
    assert "  content_type: 'short'\n" in output


def test_control_characters_are_escaped(run: Run) -> None:
    hostile = "\x1b[2J\r\n\x07\x9b\u202e\u2028"
    packets: list[mqttcodec.Packet] = [
        Publish(hostile, hostile.encode(), content_type=hostile, user_properties=[(hostile, hostile)]),
        Subscribe(1, [mqttcodec.Subscription(hostile)]),
        mqttcodec.Unsubscribe(1, [hostile]),
        Connect(hostile, username=hostile, will=Will(hostile, hostile.encode(), response_topic=hostile)),
    ]
    for options in [], ["--json"]:
        status, output, errors = run(mqttcodec.encode_many(packets).hex(), *options)
        assert (status, errors) == (0, "")
        assert all(character == "\n" or character.isprintable() for character in output)
    # A name that an error quotes.
    status, output, errors = run("10 0f 00 04 1b 5b 32 4a 05 02 00 3c 00 00 02 61 62")
    assert (status, output) == (1, "")
    assert all(character == "\n" or character.isprintable() for character in errors)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_characters_the_terminal_lacks(encoding: str) -> None:
    data = mqttcodec.encode(Publish("\u65e5\u00e9"))
    done = process(data.hex(), variables={"PYTHONIOENCODING": encoding})
    expected = "'\u65e5\u00e9'".encode(encoding, "backslashreplace")
    assert (done.returncode, done.stderr) == (0, b"")
    assert expected in done.stdout


def test_secrets_are_hidden(run: Run) -> None:
    packets: list[mqttcodec.Packet] = [
        Connect("c", username="me", password=b"Secret", authentication_method="m", authentication_data=b"Secret"),
        ConnAck(authentication_method="m", authentication_data=b"Secret"),
        Auth(0x18, authentication_method="m", authentication_data=b"Secret"),
    ]
    data = mqttcodec.encode_many(packets).hex()
    text, as_json = run(data)[1], run(data, "--json")[1]
    assert text.count("hidden, 6 bytes\n") == 4
    assert as_json.count('{"hidden_size": 6}') == 4
    for output in text, as_json:
        assert "Secret" not in output
        assert b"Secret".hex() not in output


@pytest.mark.parametrize(
    "packet",
    [
        Connect(username="u", password=b"\xee" * 9, protocol_version=MQTTv311),
        Connect(password=b"\xee" * 9),
        Connect(authentication_method="m", authentication_data=b"\xee" * 9),
        Connect(username="u", password=b"\xee" * 9, client_id="c", protocol_version=MQTTv31),
        ConnAck(authentication_method="m", authentication_data=b"\xee" * 9),
        Auth(0x18, authentication_method="m", authentication_data=b"\xee" * 9),
    ],
)
def test_secrets_are_hidden_around_a_fault(run: Run, packet: mqttcodec.Packet) -> None:
    data = mqttcodec.encode(packet)
    changed = [
        data[:place] + bytes([value]) + data[place + 1 :] for place in range(len(data)) for value in (0x00, 0x03, 0xFF)
    ]
    cut = [data[:size] for size in range(1, len(data))]
    rows = [
        line.split()
        for faulty in changed + cut
        for line in run(faulty.hex())[2].splitlines()
        if line.startswith("  bytes: ")
    ]
    assert len(rows) > len(data)
    assert not any("ee" in row for row in rows)


# --- Versions.


def test_version_of_what_has_none(run: Run) -> None:
    publish = mqttcodec.encode(Publish("t", b"21"), MQTTv311).hex()
    assert "payload: '21'" in run(publish, "--version", "3.1.1")[1]
    assert "MQTT 3.1\n" in run(publish, "--version", "3.1")[1]
    assert run(publish, "--version", "5") == run(publish)
    assert run(publish)[0] == 1


def test_connect_sets_the_version(run: Run) -> None:
    data = b"".join(
        [
            mqttcodec.encode(Publish("before", b"5")),
            mqttcodec.encode(Connect("c", protocol_version=MQTTv311)),
            mqttcodec.encode(ConnAck(reason_code=5), MQTTv311),
            mqttcodec.encode(Connect("c", protocol_version=MQTTv31)),
            mqttcodec.encode(Publish("between", b"3"), MQTTv31),
            mqttcodec.encode(Connect("c")),
            mqttcodec.encode(ConnAck(reason_code=0x87)),
        ]
    )
    status, output, errors = run(data.hex())
    assert (status, errors) == (0, "")
    versions = [line.rpartition(", ")[2] for line in output.splitlines() if line.startswith("offset")]
    assert versions == ["MQTT " + title for title in ("5.0", "3.1.1", "3.1.1", "3.1", "3.1", "5.0", "5.0")]
    assert "protocol_version: MQTT_3_1_1 (4)\n" in output
    assert "reason_code: NOT_AUTHORIZED (0x05)\n" in output
    assert "reason_code: NOT_AUTHORIZED (0x87)\n" in output


# --- Errors.


def test_malformed(run: Run) -> None:
    status, output, errors = run(PING + WILDCARD + PING)
    assert status == 1
    assert output == "offset 0: PINGREQ, 2 bytes, MQTT 5.0\n"
    assert errors == (
        "offset 2: PUBLISH, MQTT 5.0: MalformedPacketError\n"
        f"  error:       {message_of(WILDCARD)}\n"
        "  at:          byte 6 of the packet, 8 of the input\n"
        "  clause:      MQTT-3.3.2-2\n"
        "  reason code: MALFORMED_PACKET (0x81), the answer of an MQTT 5.0 server\n"
        "  bytes:       30 06 00 03 61 2f 2b 00\n"
        "                                 ^^\n"
    )


def test_bytes_around_a_fault_far_in(run: Run) -> None:
    errors = run("3012 000f" + "61" * 10 + "2b" + "62" * 4 + "00" + PING)[2]
    row, mark = errors.splitlines()[-2:]
    assert row == "  bytes:       " + " ".join(["61"] * 8 + ["2b"] + ["62"] * 4 + ["00"])
    assert mark.index("^^") == row.index("2b")
    # The bytes of the next packet do not belong to this one.
    errors = run("3003 0001 61" + PING)[2]
    row, mark = errors.splitlines()[-2:]
    assert row == "  bytes:       30 03 00 01 61"
    assert mark.index("^^") == len(row) + 1


@pytest.mark.parametrize(
    ("data", "exception", "reason_code", "clause", "byte"),
    [
        ("3600", "MalformedPacketError", "MALFORMED_PACKET (0x81)", "MQTT-3.3.1-4", 0),
        ("0000", "MalformedPacketError", "MALFORMED_PACKET (0x81)", "U02, a rule without a number", 0),
        ("30ffffffff01", "MalformedPacketError", "MALFORMED_PACKET (0x81)", "U01, a rule without a number", 4),
        ("40020000", "ProtocolError", "PROTOCOL_ERROR (0x82)", "U24, a rule without a number", 2),
        ("3006000003230000", "ProtocolError", "TOPIC_ALIAS_INVALID (0x94)", "MQTT-3.3.2-8", 6),
        (
            "100d00044d515454090200000000 00",
            "UnsupportedVersionError",
            "UNSUPPORTED_PROTOCOL_VERSION (0x84)",
            "MQTT-3.1.2-2",
            8,
        ),
    ],
)
def test_errors(run: Run, data: str, exception: str, reason_code: str, clause: str, byte: int) -> None:
    status, output, errors = run(data)
    assert (status, output) == (1, "")
    assert errors.splitlines()[0].endswith(": " + exception)
    assert f"  at:          byte {byte} of the packet, {byte} of the input\n" in errors
    assert f"  clause:      {clause}\n" in errors
    assert f"  reason code: {reason_code}, the answer" in errors
    assert "^^" in errors

    status, output, errors = run(data, "--json")
    (error,) = objects(output)
    assert (status, errors, list(error)) == (1, "", ["error"])
    assert error["error"]["exception"] == exception
    assert error["error"]["reason_code"] == reason_code.split()[0]
    assert error["error"]["clause"] == clause.split(",")[0]
    assert error["error"]["byte"] == byte


def test_error_at_no_single_byte(run: Run) -> None:
    data = "f0 06 18 04 16 00 01 00"
    status, _, errors = run(data)
    assert status == 1
    assert "\n  at:" not in errors
    assert "bytes:" not in errors
    assert objects(run(data, "--json")[1])[0]["error"]["byte"] is None


@pytest.mark.parametrize(
    ("data", "available", "required"),
    [("30 0a 00 01 61", 5, 12), ("30", 1, None), ("30 ff ff", 3, None), ("30 80 01", 3, 131)],
)
def test_incomplete(run: Run, data: str, available: int, required: int | None) -> None:
    status, output, errors = run(PING + data)
    assert (status, output) == (1, "offset 0: PINGREQ, 2 bytes, MQTT 5.0\n")
    assert errors.startswith("offset 2: PUBLISH, MQTT 5.0: IncompletePacketError\n")
    assert f"  available:   {available} bytes, required: {required or 'unknown'}\n" in errors
    assert "reason code" not in errors

    status, output, errors = run(PING + data, "--json")
    assert (status, errors) == (1, "")
    error = objects(output)[1]["error"]
    assert (error["offset"], error["available"], error["size"], error["reason_code"]) == (2, available, required, None)


# --- JSON.


def test_json(run: Run) -> None:
    will = Will("s", b"\x00\xff", user_properties=[("a", "b")])
    packets: list[mqttcodec.Packet] = [
        Connect("\u65e5\U0001f600\x1b", username="u", password=b"secret", will=will, request_problem_information=False),
        ConnAck(True, maximum_qos=1, retain_available=True),
        Subscribe(1, [mqttcodec.Subscription("a", 2, no_local=True)]),
        SubAck(1, [0, 0x80]),
        Publish("t", b"21", subscription_identifiers=[1, 2], correlation_data=b"\x01"),
        Disconnect(0x8B),
        PingReq(),
    ]
    written = [mqttcodec.to_dict(packet) for packet in packets]
    written[0]["password"] = {"hidden_size": 6}
    status, output, errors = run(mqttcodec.encode_many(packets).hex(), "--json")
    expected, offset = [], 0
    for packet, content in zip(packets, written, strict=True):
        size = mqttcodec.encoded_size(packet)
        expected.append({"offset": offset, "size": size, "version": "5.0", "packet": content})
        offset += size
    assert (status, errors) == (0, "")
    assert objects(output) == expected
    assert output.isascii()
    assert [mqttcodec.from_dict(line["packet"]) for line in objects(output)[1:]] == packets[1:]


def test_json_error_follows_the_packets_before_it(run: Run) -> None:
    status, output, errors = run(PING + WILDCARD, "--json")
    assert (status, errors) == (1, "")
    assert objects(output) == [
        {"offset": 0, "size": 2, "version": "5.0", "packet": {"type": "PINGREQ"}},
        {
            "error": {
                "offset": 2,
                "type": "PUBLISH",
                "size": 8,
                "available": 8,
                "version": "5.0",
                "exception": "MalformedPacketError",
                "message": message_of(WILDCARD),
                "byte": 6,
                "clause": "MQTT-3.3.2-2",
                "reason_code": "MALFORMED_PACKET",
            }
        },
    ]


# --- The demonstration, and the program as a process.


def test_demonstration(run: Run) -> None:
    status, output, errors = run()
    assert (status, errors) == (0, "")
    assert output.startswith(f"mqttcodec: {mqttcodec.__version__}\nbackend: {mqttcodec.BACKEND}\n")
    for name in ("CONNECT", "CONNACK", "SUBSCRIBE", "PUBLISH", "PUBACK", "PINGREQ"):
        assert f": {name}, " in output
    assert "MQTT 3.1.1\n" in output
    assert "will:\n" in output
    assert "MalformedPacketError" in output
    assert "secret" not in output


def test_demonstration_shows_what_its_commands_print() -> None:
    parts = re.split(r"^\$ (.*)\r?\n", process().stdout.decode(), flags=re.MULTILINE)[1:]
    assert len(parts) == 6
    for command, shown in zip(parts[::2], parts[1::2], strict=True):
        done = subprocess.run(command, shell=True, capture_output=True, env=environment(), check=False)
        assert shown.startswith((done.stdout + done.stderr).decode())
        assert done.returncode == ("Error" in shown)


@pytest.mark.parametrize("started", ["mqttcodec", ".venv/bin/mqttcodec", "/a folder/bin/mqttcodec"])
def test_demonstration_shows_how_it_was_started(run: Run, monkeypatch: pytest.MonkeyPatch, started: str) -> None:
    monkeypatch.setattr(sys, "argv", [started])
    commands = re.findall(r"^\$ (.*) --mqtt-version \S+ [0-9a-f]+$", run()[1], re.MULTILINE)
    assert commands == [f'"{started}"' if " " in started and os.name == "nt" else shlex.quote(started)] * 3


def test_demonstration_as_json(run: Run) -> None:
    status, output, errors = run("--json")
    about, *packets, error = objects(output)
    assert (status, errors) == (0, "")
    assert about["mqttcodec"] == mqttcodec.__version__
    assert about["backend"] == mqttcodec.BACKEND
    assert all("packet" in packet for packet in packets)
    assert error["error"]["exception"] == "MalformedPacketError"


@pytest.mark.parametrize("variables", [{}, {"MQTTCODEC_EXTENSIONS": "off"}], ids=["default", "off"])
def test_processes(run: Run, variables: dict[str, str]) -> None:
    demonstration = process(stdin=bytes.fromhex(PING), variables=variables)
    output = demonstration.stdout.decode().replace(os.linesep, "\n")
    assert demonstration.returncode == 0
    assert b"standard input was not read" in demonstration.stderr
    backend = "python" if variables else mqttcodec.BACKEND
    assert f"backend: {backend}\n" in output
    assert ("backend_error: " in output) == (backend == "python")
    shown = FORM.sub("", output), run()[1]
    packets = [re.sub(r"(?m)^\$ .*", "", text.partition("\n\n")[2]) for text in shown]
    assert packets[0] == packets[1]

    data = bytes.fromhex(PING + WILDCARD)
    for options in [], ["--json"]:
        done = process("-", *options, stdin=data, variables=variables)
        texts = [ADVICE.sub("", FORM.sub("", text.decode())).splitlines() for text in (done.stdout, done.stderr)]
        printed = (done.returncode, *texts)
        status, output, errors = run(data.hex(), *options)
        assert printed == (status, output.splitlines(), errors.splitlines())

    assert process("c00", variables=variables).returncode == 2


def test_reader_that_goes(tmp_path: Path) -> None:
    (tmp_path / "capture").write_bytes(bytes.fromhex(PING) * 50_000)
    command = [sys.executable, "-m", "mqttcodec", str(tmp_path / "capture")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().endswith(b"capture: raw bytes\n")
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait() == 1


# --- Any bytes.


def packet_type(line: str) -> str:
    """The type of the packet that a line of text announces, or nothing."""
    return line.split()[2].rstrip(",") if line.startswith("offset ") else ""


def test_any_bytes(run: Run) -> None:
    generator = random.Random(20)
    will = Will("w", b"p", user_properties=[("a", "b")])
    samples = [
        mqttcodec.encode_many([Connect("c", username="u", password=b"p", will=will, receive_maximum=1), PingReq()]),
        mqttcodec.encode_many([Connect("c", protocol_version=MQTTv311), Publish("t", b"p")], MQTTv311),
        mqttcodec.encode_many([ConnAck(reason_code=0x87, reason_string="r"), Auth(0x18, authentication_method="m")]),
        mqttcodec.encode_many([Subscribe(1, [mqttcodec.Subscription("a/+", 1)]), SubAck(1, [0, 1])]),
        mqttcodec.encode_many([Publish("t\u00e9", b"p", 1, packet_id=1, content_type="x"), Disconnect(0x81)]),
    ]
    statuses = set()
    for number in range(200):
        if number % 2:
            data = generator.randbytes(generator.randrange(1, 40))
        else:
            changed = bytearray(generator.choice(samples))
            for _ in range(generator.randrange(4)):
                changed[generator.randrange(len(changed))] = generator.randrange(256)
            data = bytes(changed)
        version = generator.choice(["3.1", "3.1.1", "5"])
        status, output, errors = run(data.hex(), "--version", version)
        assert status == (errors != "")
        assert all(character == "\n" or character.isprintable() for character in output + errors)
        json_status, json_output, json_errors = run(data.hex(), "--version", version, "--json")
        assert (json_status, json_errors) == (status, "")
        found = objects(json_output)
        assert [line["packet"]["type"] for line in found if "packet" in line] == [
            name for name in map(packet_type, output.splitlines()) if name
        ]
        assert ["error" in line for line in found] == [False] * (len(found) - status) + [True] * status
        statuses.add(status)
    assert statuses == {0, 1}
