"""The command line: `mqttcodec` shows packets, and reports where and why bytes are not a packet."""

from __future__ import annotations

import argparse
import errno
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, TextIO

import mqttcodec as mqtt

from . import _methods
from ._errors import shown

_PROGRAM = "mqttcodec"
_DESCRIPTION = """\
Shows MQTT packets: the offset, size and type of each, and the fields that differ
from their defaults. For bytes that are not a valid packet it shows the position and
the cause, the broken clause and the reason code of an MQTT 5.0 server's answer.
Without input it shows a demonstration."""
_EPILOG = """\
JSON output has one object per line:
{"offset": 0, "size": 6, "packet": {"type": "PUBLISH", "topic": "a"}}
with the fields that differ from their defaults, as mqttcodec.to_dict returns them:
named numbers are names, binary data is base64 text. An error is the last object:
{"error": {"offset": 6, "type": "PUBLISH", "byte": 4, "message": "...", ...}}
Of passwords and authentication data only the size is shown.

Exit status: 0 if the input consists of valid packets, 1 if not, 2 for a usage error.

  mqttcodec '30 07 00 01 61 00 32 31 2e'
  mqttcodec capture.bin --version 3.1.1 --json"""
_VERSIONS = {"3.1": mqtt.MQTTv31, "3.1.1": mqtt.MQTTv311, "5": mqtt.MQTTv5}
_SHOWN_BYTES = 64
_SHOWN_CHARACTERS = 200
_SHOWN_AROUND = 8
# The first byte of a packet that can belong to a password or to authentication data. Their real position is unknown if
# the packet cannot be parsed.
_SECRETS_FROM: dict[int, int] = {mqtt.PacketType.CONNECT: 16, mqtt.PacketType.CONNACK: 8, mqtt.PacketType.AUTH: 7}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    try:
        try:
            return _run(argv)
        finally:
            print(end="", flush=True)
    except OSError as error:
        # Windows may report EINVAL for a pipe without a reader.
        if not isinstance(error, BrokenPipeError) and not (os.name == "nt" and error.errno == errno.EINVAL):
            raise
        # The reader has closed the pipe, as in `| head`. Python flushes stdout again at exit, so send it to devnull.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _run(argv: Sequence[str] | None) -> int:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "input",
        nargs="?",
        metavar="HEX | FILE | -",
        help="packets in sequence: hex digits (spaces, ':', ',' and '0x' may separate bytes), the name of a binary "
        "file (used if such a file exists), or - for binary standard input",
    )
    parser.add_argument(
        "--version", choices=_VERSIONS, default="5", help="the MQTT version until a CONNECT changes it; default: 5"
    )
    parser.add_argument("--json", action="store_true", help="write JSON, including errors, to standard output")
    arguments = parser.parse_args(argv)
    if arguments.input is None:
        _demonstrate(arguments.json)
        return 0
    data = _read(parser, arguments.input)
    return _show(data, _VERSIONS[arguments.version], arguments.json, sys.stderr)


def _read(parser: argparse.ArgumentParser, argument: str) -> bytes:
    """The bytes from standard input, from a file, or from hex digits."""
    try:
        if argument == "-":
            return sys.stdin.buffer.read() if sys.stdin else b""
        # Not Path.exists, which raises for a name that is too long, and long hex is.
        if os.path.exists(argument) and not Path(argument).is_dir():  # noqa: PTH110
            return Path(argument).read_bytes()
    except OSError as error:
        parser.error(f"cannot read {shown(argument)}: {error.strerror}")
    groups = re.split(r"(?:0[xX]|[\s:,])+", argument)
    if not any(groups) or not all(re.fullmatch("[0-9a-fA-F]*", group) for group in groups):
        parser.error(f"input must be an existing file or hex digits, not {shown(argument)}")
    for group in groups:
        # Digits do not form a byte across a separator: "0x1 0x2" hardly means one byte.
        if len(group) % 2:
            parser.error(f"hex digits must come in pairs, not {len(group)} as in {shown(group)}")
    return bytes.fromhex("".join(groups))


def _show(data: bytes, version: mqtt.ProtocolVersion, as_json: bool, errors: TextIO) -> int:
    """Print the packets in `data`, up to the first invalid one; returns the exit status."""
    offset = 0
    while offset < len(data):
        try:
            packet, end = mqtt.decode_from(data, offset, version)
        except mqtt.DecodeError as error:
            if as_json:
                _write(json.dumps({"error": _error_object(data, offset, error)}), sys.stdout)
            else:
                print(end="", flush=True)  # If both streams go to one terminal, packets come before the error.
                _write("\n".join(_error_lines(data, offset, version, error)), errors)
            return 1
        if isinstance(packet, mqtt.Connect):
            version = packet.protocol_version
        size = end - offset
        if as_json:
            found = {"offset": offset, "size": size, "packet": _without_secrets(packet)}
            _write(json.dumps(found), sys.stdout)
        else:
            headline = f"offset {offset}: {type(packet).__name__.upper()}, {size} bytes, {version.title}"
            _write("\n".join([headline, *_field_lines(packet, "  ")]), sys.stdout)
        offset = end
    return 0


def _write(text: str, stream: TextIO) -> None:
    # Escape characters that the stream's encoding lacks. print would raise an error for them.
    encoding = getattr(stream, "encoding", None) or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream)


def _without_secrets(packet: mqtt.Packet) -> dict[str, Any]:
    """The dict for a packet, with the sizes of passwords and authentication data in their places."""
    written = mqtt.to_dict(packet)
    for name in _methods.SECRET_FIELDS & written.keys():
        written[name] = {"hidden_size": len(getattr(packet, name))}
    return written


def _text(name: str, value: Any) -> str:
    """The value of the field `name`, in printable characters only, because a terminal would interpret others."""
    if name in _methods.SECRET_FIELDS:
        return f"hidden, {len(value)} bytes"
    if isinstance(value, (mqtt.ReasonCode, mqtt.ConnectReturnCode)):
        return f"{value.name} (0x{value:02X})"
    if isinstance(value, Enum):
        return f"{value.name} ({value.value})"
    if isinstance(value, bytes) and len(value) > _SHOWN_BYTES:
        return f"{value[:_SHOWN_BYTES]!r}... ({len(value)} bytes)"
    if isinstance(value, str) and len(value) > _SHOWN_CHARACTERS:
        return f"{value[:_SHOWN_CHARACTERS]!r}... ({len(value)} characters)"
    return repr(value)


def _field_lines(packet: Any, indent: str) -> Iterator[str]:
    """The fields of a packet, will or subscription that differ from their defaults."""
    fields = _methods.changed(packet)
    width = max(map(len, fields), default=0) + 2
    for name, value in fields.items():
        if isinstance(value, mqtt.Will):
            yield f"{indent}{name}:"
            yield from _field_lines(value, indent + "  ")
        elif isinstance(value, tuple):
            yield f"{indent}{name}:"
            for item in value:
                first, *others = _item_lines(item)
                yield f"{indent}  - {first}"
                yield from (f"{indent}    {line}" for line in others)
        else:
            yield f"{indent}{name + ':':{width}}{_text(name, value)}"


def _item_lines(item: Any) -> list[str]:
    if isinstance(item, mqtt.Subscription):
        return list(_field_lines(item, ""))
    return [": ".join(_text("", part) for part in item) if isinstance(item, tuple) else _text("", item)]


def _fixed_header(data: bytes, offset: int) -> mqtt.FixedHeader | None:
    """The fixed header at `offset`, or None if it is incomplete or malformed."""
    try:
        return mqtt.peek(data, offset)
    except mqtt.DecodeError:
        return None


def _packet_type(data: bytes, offset: int) -> str:
    return mqtt.PacketType(data[offset] >> 4).name if data[offset] >> 4 else "packet type 0"


def _error_object(data: bytes, offset: int, error: mqtt.DecodeError) -> dict[str, Any]:
    header = _fixed_header(data, offset)
    return {
        "offset": offset,
        "type": mqtt.PacketType(data[offset] >> 4).name if data[offset] >> 4 else None,
        "size": None if header is None else header.packet_size,
        "available": len(data) - offset,
        "exception": type(error).__name__,
        "message": str(error),
        "byte": error.offset,
        "clause": error.clause,
        "reason_code": None if error.reason_code is None else error.reason_code.name,
    }


def _error_lines(data: bytes, offset: int, version: mqtt.ProtocolVersion, error: mqtt.DecodeError) -> Iterator[str]:
    packet_type, header = _packet_type(data, offset), _fixed_header(data, offset)
    # A CONNECT states its own version, which may not have been read.
    versioned = packet_type if packet_type == "CONNECT" else f"{packet_type}, {version.title}"
    yield f"offset {offset}: {versioned}: {type(error).__name__}"
    yield f"  error:       {error}"
    if isinstance(error, mqtt.IncompletePacketError):
        required = "unknown" if header is None else header.packet_size
        yield f"  available:   {len(data) - offset} bytes, required: {required}"
    if error.offset is not None:
        yield f"  at:          byte {error.offset} of the packet, {offset + error.offset} of the input"
    if error.clause is not None:
        yield f"  clause:      {error.clause}" + ", a rule without a number" * error.clause.startswith("U")
    if error.reason_code is not None:
        yield f"  reason code: {_text('', error.reason_code)}, the answer of an MQTT 5.0 server"
    if error.offset is not None:
        end = len(data) if header is None else min(offset + header.packet_size, len(data))
        yield from _dump(data[:end], offset, error.offset)


def _dump(data: bytes, start: int, at: int) -> Iterator[str]:
    """The bytes around byte `at` of the packet that begins at `start` of `data`, with byte `at` marked."""
    first = max(at - _SHOWN_AROUND, 0)
    window = data[start + first : start + at + _SHOWN_AROUND]
    hidden_from = _SECRETS_FROM.get(data[start] >> 4, len(data))
    cells = [f"{byte:02x}" if place < hidden_from else ".." for place, byte in enumerate(window, first)]
    yield "  bytes:       " + " ".join(cells)
    yield " " * (15 + 3 * (at - first)) + "^^"
    if ".." in cells:
        yield "  .. is hidden: it may belong to a password or to authentication data"


def _demonstrate(as_json: bool) -> None:
    """Show the implementation in use, and a few packets."""
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
        _write(json.dumps(about), sys.stdout)
    else:
        _write("\n".join(f"{name}: {value}" for name, value in about.items()), sys.stdout)
    for title, version, data in parts:
        if not as_json:
            _write(f"\n{title}:\n$ {_started_as()} --version {version} {data.hex()}", sys.stdout)
        _show(data, _VERSIONS[version], as_json, sys.stdout)


def _started_as() -> str:
    """The command that started this program, quoted for a shell. `mqttcodec` need not be on PATH."""
    if Path(sys.argv[0]).name == "__main__.py":
        words = [sys.executable, "-m", _PROGRAM]
    else:
        words = [sys.argv[0]]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


if __name__ == "__main__":
    sys.exit(main())
