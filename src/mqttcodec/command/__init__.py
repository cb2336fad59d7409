"""The command `mqttcodec`, which `python -m mqttcodec` runs too."""

from __future__ import annotations

import argparse
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import mqttcodec as mqtt

from ._output import Output

PROGRAM = "mqttcodec"
_DESCRIPTION = """\
Shows, writes and forwards MQTT packets, and measures how fast this is. Without a
command it decodes: `mqttcodec c000` is `mqttcodec decode c000`. Without arguments it
shows a demonstration."""
_EPILOG = """\
`mqttcodec COMMAND --help` explains a command.

Examples:
  mqttcodec decode 30 07 00 01 61 00 32 31 2e
  mqttcodec encode publish topic=a/b payload=21.5
  mqttcodec proxy --to broker.example:1883"""
COMMANDS = ("decode", "encode", "proxy", "bench")


def _module(name: str) -> Any:
    """The module of a command. Only one is imported, because imports take most of the time of a short run."""
    return importlib.import_module(f"._{name}", __package__)


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of a command, or of the program if `name` is empty."""
    command = _module(name) if name else None
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} {name}".strip(),
        usage=None if command else f"{PROGRAM} [-h] [--version] [COMMAND] ...",
        description=command.DESCRIPTION if command else _DESCRIPTION,
        epilog=command.EPILOG if command else _EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    if command:
        command.configure(parser)
    else:
        version = f"{PROGRAM} {mqtt.__version__} ({mqtt.BACKEND})"
        parser.add_argument("--version", action="version", version=version, help="print the version and exit")
        commands = parser.add_argument_group("commands")
        for each in COMMANDS:
            commands.add_argument(each, nargs="?", help=_module(each).SUMMARY)
    return parser


def _run(argv: Sequence[str]) -> int:
    if argv and (argv[0] in ("-h", "--help") or list(argv) == ["--version"]):
        parser_of("").parse_args(argv)
    is_named = bool(argv) and argv[0] in COMMANDS
    name, argv = (argv[0], argv[1:]) if is_named else ("decode", argv)
    parser = parser_of(name)
    arguments = parser.parse_intermixed_args(argv)
    if name == "decode" and is_named and not arguments.input:
        arguments.input = ["-"]
    status: int = _module(name).run(parser, arguments, Output())
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    try:
        try:
            return _run(sys.argv[1:] if argv is None else argv)
        finally:
            print(end="", flush=True)
    except KeyboardInterrupt:
        _discard_output()
        return 130
    except OSError as error:
        _discard_output()
        # Windows may report EINVAL for a pipe without a reader.
        if isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL):
            return 1
        _say(f"{PROGRAM}: {error.strerror or error}\n")
        return 2


def _discard_output() -> None:
    """Python flushes standard output again at exit. Send what cannot be written to the null device."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(line: str) -> None:
    try:
        print(line, end="", file=sys.stderr, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
