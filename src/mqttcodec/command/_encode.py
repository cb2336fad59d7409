"""`mqttcodec encode`: writes packets, described by arguments or by JSON."""

from __future__ import annotations

import argparse
import base64
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import mqttcodec as mqtt

from .. import _dicts
from .._errors import shown
from ._output import Output, write_bytes
from ._show import PACKETS, VERSIONS

SUMMARY = "write packets, from fields or from JSON"
DESCRIPTION = """\
Writes MQTT packets: one that fields describe, or those of the JSON that
`mqttcodec decode --json` writes."""
EPILOG = """\
Fields have the names of the Python classes. Give a field that holds several values
several times. Enum members are given by name or number.

  payload=text        binary data: text, hex:00ff, base64:AP8=, @FILE, or text:@x
  user_properties=unit=C
  will.topic=a        the fields of a will
  subscriptions=a/+,qos=1,no_local=true

From JSON each line is an object {"version": "5.0", "packet": {...}}, or a packet
alone. `decode` hides passwords; give it --show-secrets to encode them again.

Exit status: 0, or 1 if there is no such packet, 2 for a usage error.

Examples:
  mqttcodec encode publish topic=a/b payload=21.5 qos=1 packet_id=7
  mqttcodec encode connect client_id=c --raw | nc broker.example 1883
  mqttcodec decode capture.bin --json | mqttcodec encode --raw > copy.bin"""

_CLASSES = {packet.__name__.lower(): packet for packet in PACKETS}
_SUBSCRIPTION_OPTION = re.compile(r",(qos|no_local|retain_as_published|retain_handling)=([^,]*)$")


def configure(parser: argparse.ArgumentParser) -> None:
    # Python 3.13 breaks this line elsewhere, and the documentation shows it.
    parser.usage = (
        "%(prog)s [-h] [--mqtt-version VERSION] [--hex | --raw | --base64]\n"
        "                        [TYPE | FILE | -] [FIELD=VALUE ...]"
    )
    parser.add_argument(
        "what",
        nargs="?",
        default="-",
        metavar="TYPE | FILE | -",
        help="a packet type, such as publish; or a file with JSON lines, or - for standard input (default)",
    )
    parser.add_argument("fields", nargs="*", metavar="FIELD=VALUE", help="the fields of the packet")
    parser.add_argument(
        "--mqtt-version",
        choices=VERSIONS,
        default="5",
        metavar="VERSION",
        help="the MQTT version if the JSON has none: 3.1, 3.1.1 or 5 (default)",
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--hex", action="store_true", help="write a line of hex digits for each packet (default)")
    output.add_argument("--raw", action="store_true", help="write the bytes")
    output.add_argument("--base64", action="store_true", help="write a line of base64 for each packet")


def run(parser: argparse.ArgumentParser, arguments: argparse.Namespace, output: Output) -> int:
    version = VERSIONS[arguments.mqtt_version]
    name = arguments.what.lower()
    packets: Iterator[tuple[mqtt.Packet, int]]
    if name in _CLASSES:
        packets = _from_fields(parser, _CLASSES[name], arguments.fields, version)
    elif arguments.fields:
        parser.error(f"the type must be one of {', '.join(_CLASSES)}, not {shown(arguments.what)}")
    else:
        packets = _from_json(parser, arguments.what, version)
    try:
        for packet, of_version in packets:
            data = mqtt.encode(packet, of_version)
            if arguments.raw:
                write_bytes(data)
            else:
                output.add((base64.b64encode(data).decode() if arguments.base64 else data.hex(" ")) + "\n")
                output.flush()
    except (ValueError, TypeError) as error:
        output.flush()
        output.note(str(error))
        return 1
    return 0


# --- From fields.


def _from_fields(
    parser: argparse.ArgumentParser, packet_class: Any, fields: list[str], version: int
) -> Iterator[tuple[mqtt.Packet, int]]:
    described: dict[str, Any] = {"type": packet_class.__name__.upper()}
    if packet_class is mqtt.Connect:
        described["protocol_version"] = version
    for field in fields:
        name, equals, value = field.partition("=")
        if not equals:
            parser.error(f"a field must be NAME=VALUE, not {shown(field)}")
        holder, types = described, _types_of(packet_class)
        if name.startswith("will.") and "will" in types:
            holder, types = described.setdefault("will", {}), _types_of(mqtt.Will)
            name = name.removeprefix("will.")
        if name not in types:
            known = ", ".join(f"{key}.*" if key == "will" else key for key in _types_of(packet_class))
            parser.error(f"{packet_class.__name__} has no field {shown(name)}; its fields are {known or 'none'}")
        try:
            _set(holder, name, types[name], value)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            parser.error(f"{name}: {reason}")
    yield mqtt.from_dict(described), version


def _types_of(cls: Any) -> dict[str, str]:
    return {name: field.type.removesuffix(" | None") for name, field in _dicts._fields_of(cls).items()}


def _set(holder: dict[str, Any], name: str, type_: str, text: str) -> None:
    """Put a value into a dict for `from_dict`."""
    item_type = _dicts._item_type(type_)
    if item_type is None:
        holder[name] = _value(type_, text)
    else:
        holder.setdefault(name, []).append(_value(item_type, text))


def _value(type_: str, text: str) -> Any:
    if type_ == "str":
        return text
    if type_ == "bool":
        if text.lower() not in ("true", "false", "1", "0"):
            raise ValueError(f"true or false expected, not {shown(text)}")
        return text.lower() in ("true", "1")
    if type_ == _dicts._BINARY:
        return base64.b64encode(_binary(text)).decode("ascii")
    if type_ == _dicts._PAIR:
        name, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"NAME=VALUE expected, not {shown(text)}")
        return [name, value]
    if type_ == "Subscription":
        return _subscription(text)
    if type_ in _dicts._ENUMS and not re.match(r"\d", text):
        return text.upper()
    try:
        return int(text, 0)
    except ValueError:
        raise ValueError(f"a number expected, not {shown(text)}") from None


def _subscription(text: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    types = _types_of(mqtt.Subscription)
    while option := _SUBSCRIPTION_OPTION.search(text):
        options[option[1]] = _value(types[option[1]], option[2])
        text = text[: option.start()]
    return {"topic_filter": text, **options}


def _binary(text: str) -> bytes:
    kind, colon, rest = text.partition(":")
    if text.startswith("@"):
        return Path(text[1:]).read_bytes()
    if colon and kind == "hex":
        return bytes.fromhex(rest)
    if colon and kind == "base64":
        return base64.b64decode(rest, validate=True)
    return (rest if colon and kind == "text" else text).encode("utf-8", "surrogateescape")


# --- From JSON.


def _from_json(parser: argparse.ArgumentParser, name: str, version: int) -> Iterator[tuple[mqtt.Packet, int]]:
    if name != "-" and not Path(name).is_file():
        parser.error(f"{shown(name)} is neither a packet type nor a file")
    try:
        if name == "-":
            yield from _from_lines(sys.stdin.buffer, version)
        else:
            with Path(name).open("rb") as file:
                yield from _from_lines(file, version)
    except OSError as error:
        if error.filename is None:
            raise
        parser.error(f"cannot read {shown(name)}: {error.strerror}")


def _from_lines(file: BinaryIO, version: int) -> Iterator[tuple[mqtt.Packet, int]]:
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            yield _described(json.loads(line), version)
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"line {number}: {error}") from None


def _described(found: Any, version: int) -> tuple[mqtt.Packet, int]:
    """The packet and the version of a line of JSON."""
    if not isinstance(found, dict):
        raise TypeError(f"an object expected, not {type(found).__name__}")
    if "error" in found:
        raise ValueError("this is an error that decode has found, not a packet")
    packet = found.get("packet", found)
    if "version" in found and "packet" in found:
        if found["version"] not in VERSIONS:
            raise ValueError(f"version must be 3.1, 3.1.1 or 5.0, not {shown(found['version'])}")
        version = VERSIONS[found["version"]]
    if isinstance(packet, dict):
        for name, value in packet.items():
            if isinstance(value, dict) and "hidden_size" in value:
                raise ValueError(f"{name} is hidden; decode with --show-secrets")
    return mqtt.from_dict(packet), version
