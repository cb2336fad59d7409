"""`mqttcodec decode`: shows the packets in any number of inputs."""

from __future__ import annotations

import argparse
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import mqttcodec as mqtt

from .._errors import shown
from . import _forms
from ._demonstration import demonstrate
from ._output import Output, has_colour
from ._reading import Fault, PacketReader
from ._show import PAYLOADS, VERSIONS, Json, Text, number_of

CHUNK_SIZE = 65_536
_KEPT_SIZE = 1 << 20
"""So many bytes of standard input are kept, to try another version on them after an error."""
_BAR_FROM = 10_000_000
_BAR_WIDTH = 40

SUMMARY = "show the packets in bytes of any form; the default"
DESCRIPTION = """\
Shows MQTT packets: the offset, size and type of each, and the fields that differ
from their defaults. For bytes that are not a valid packet it shows the position and
the cause, the broken clause and the reason code of an MQTT 5.0 server's answer.

An input is raw bytes or text: hex digits with or without separators, base64, a
literal of Python or C, a C array, a list of numbers, an Erlang binary, or a dump of
xxd, hexdump, od or Wireshark. The form is recognised by the content, and named."""
EPILOG = """\
JSON output has one object per line:
{"offset": 0, "size": 6, "version": "5.0", "packet": {"type": "PUBLISH", "topic": "a"}}
with the fields that differ from their defaults, as mqttcodec.to_dict returns them:
named numbers are names, binary data is base64 text. For an error the object is
{"error": {"offset": 6, "type": "PUBLISH", "byte": 4, "message": "...", ...}}
The form of the input and other notes then go to standard error. With --payload the
object of a PUBLISH has the payload in that form as well.

Of passwords and authentication data only the size is shown, unless --show-secrets.

Exit status: 0 if the input consists of valid packets, 1 if not, or if the reader of
the output is gone, 2 for a usage error, an input in no known form or a full disk,
130 after Ctrl-C.

Examples:
  mqttcodec 30 07 00 01 61 00 32 31 2e
  mqttcodec capture.bin --mqtt-version 3.1.1 --json
  xxd capture.bin | mqttcodec decode"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "input",
        nargs="*",
        metavar="INPUT",
        help="a file, - for standard input (default), or the bytes themselves in any form",
    )
    parser.add_argument(
        "--mqtt-version",
        choices=VERSIONS,
        default="5",
        metavar="VERSION",
        help="the MQTT version until a CONNECT changes it: 3.1, 3.1.1 or 5 (default)",
    )
    # The name that it had in 1.0.
    parser.add_argument(
        "--version", choices=VERSIONS, dest="mqtt_version", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )
    parser.add_argument("--json", action="store_true", help="write JSON, including errors, to standard output")
    parser.add_argument(
        "--keep-going",
        action="store_true",
        help="go on after an invalid packet, unless its end is unknown, or it is a CONNECT",
    )
    parser.add_argument(
        "--payload",
        choices=PAYLOADS,
        metavar="FORM",
        help="show whole payloads as text, hex, base64, json or auto: text if they are, and else hex; "
        "the default is auto, cut after 64 bytes",
    )
    parser.add_argument(
        "--format",
        choices=_forms.NAMES,
        metavar="FORM",
        help="the form of the inputs: " + ", ".join(_forms.NAMES),
    )
    parser.add_argument(
        "--offsets", type=int, choices=(8, 10, 16), metavar="RADIX", help="the radix of a dump's offsets: 8, 10 or 16"
    )
    parser.add_argument("--show-secrets", action="store_true", help="show passwords and authentication data")


def run(parser: argparse.ArgumentParser, arguments: argparse.Namespace, output: Output) -> int:
    if not arguments.input:

        def decode(words: list[str], output: Output) -> int:
            return run(parser, parser.parse_args(words), output)

        demonstrate(output, decode, as_json=arguments.json)
        return 0
    sources = list(_sources(arguments.input))
    status = 0
    for source in sources:
        try:
            status = max(status, Decoding(arguments, output, source, has_name=len(sources) > 1).run())
        except (_forms.FormError, FileReadError) as error:
            output.note(f"{source.name}: {error}")
            return 2
    return status


class FileReadError(Exception):
    """An input cannot be read."""


class Source(NamedTuple):
    """An input of the command."""

    name: str
    open: Callable[[], BinaryIO] | None
    """None for bytes in the arguments."""
    data: bytes = b""
    size: int | None = None
    """The size of a regular file, which can be read again."""

    @property
    def is_named(self) -> bool:
        return self.open is not None

    def chunks(self, progress: Callable[[int], object] = lambda _: None) -> Iterator[bytes]:
        """The bytes as they arrive."""
        if self.open is None:
            yield self.data
            return
        try:
            with self.open() as file:
                done = 0
                while chunk := getattr(file, "read1", file.read)(CHUNK_SIZE):
                    done += len(chunk)
                    progress(done)
                    yield chunk
        except OSError as error:
            raise FileReadError(f"cannot be read: {error.strerror}") from None


def _sources(arguments: list[str]) -> Iterator[Source]:
    """The inputs that the arguments name. Those that are no files make one input together."""
    words: list[str] = []
    for argument in [*arguments, None]:
        source = None if argument is None else _file(argument)
        if source is None and argument is not None:
            words.append(argument)
            continue
        if words:
            yield Source("arguments", None, " ".join(words).encode("utf-8", "surrogateescape"))
            words = []
        if source is not None:
            yield source


def _file(argument: str) -> Source | None:
    if argument == "-":
        return Source("standard input", _standard_input)
    try:
        found = os.stat(argument)  # noqa: PTH116 (a name may be too long for Path, and long hex is)
    except (OSError, ValueError):
        return None
    if stat.S_ISDIR(found.st_mode):
        return None
    return Source(
        argument,
        lambda: Path(argument).open("rb", buffering=0),
        size=found.st_size if stat.S_ISREG(found.st_mode) else None,
    )


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        return open(os.devnull, "rb")  # noqa: PTH123
    return _Borrowed(sys.stdin.buffer)  # type: ignore[return-value]


class _Borrowed:
    """A file that stays open after the `with` block."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __enter__(self) -> BinaryIO:
        return self._file

    def __exit__(self, *exception: object) -> None:
        pass


class Decoding:
    """The decoding of one input."""

    def __init__(self, arguments: argparse.Namespace, output: Output, source: Source, *, has_name: bool) -> None:
        self._arguments = arguments
        self._output = output
        self._source = source
        self._version = VERSIONS[arguments.mqtt_version]
        self._as_json = arguments.json
        first: dict[str, str | int] = {"input": source.name} if has_name else {}
        options: Any = {"payload": arguments.payload, "show_secrets": arguments.show_secrets}
        self._shown: Text | Json
        if self._as_json:
            self._shown = Json(self._version, **options, first=first)
        else:
            self._shown = Text(self._version, **options, colour=has_colour(sys.stdout))
        self._reader = PacketReader(
            self._version, self._shown, output.add, self._report, keep_going=arguments.keep_going
        )
        self._fault: Fault | None = None
        self._kept: bytearray | None = bytearray()
        self._bar = _Bar(source) if (source.size or 0) > _BAR_FROM and output.has_terminal_errors else None

    def run(self) -> int:
        try:
            return self._run()
        finally:
            if self._bar:
                self._bar.clear()

    def _run(self) -> int:
        data = self._data(self._bar.advance if self._bar else lambda _: None, announces=True)
        for chunk in data:
            if self._kept is not None:
                self._kept += chunk
                if len(self._kept) > _KEPT_SIZE:
                    self._kept = None
            self._reader.feed(chunk)
            if self._bar:
                self._bar.clear_for_output()
            self._output.flush()
            if self._bar:
                self._bar.draw()
            if self._reader.is_failed:
                break
        else:
            self._reader.end()
        self._output.flush()
        if self._fault is None:
            return 0
        if self._bar:
            self._bar.clear()
        if (advice := self._advice()) is not None:
            self._output.note(advice)
        return 1

    def _data(self, progress: Callable[[int], object], *, announces: bool = False) -> Iterator[bytes]:
        """The bytes that the input stands for. The form that it took is written first."""
        arguments = self._arguments
        form, data = _forms.recognised(
            self._source.chunks(progress), arguments.format, self._version, arguments.offsets
        )
        if not self._source.is_named and (form is None or form.read is _forms.RAW.read):
            argument = self._source.data.decode("utf-8", "surrogateescape")
            raise _forms.FormError(f"input must be a file or bytes in a known form, not {shown(argument.strip())}")
        if announces and form is not None:
            line = f"{self._source.name}: {form.title}"
            if self._as_json:
                self._output.note(line)
            else:
                self._output.add(line + "\n")
        return data

    def _report(self, fault: Fault) -> None:
        self._fault = self._fault or fault
        if isinstance(self._shown, Json):
            self._output.add(self._shown.fault(fault))
        else:
            self._output.error(self._shown.fault(fault, colour=has_colour(sys.stderr)))
        if self._arguments.keep_going and fault.is_last and not isinstance(fault.error, mqtt.IncompletePacketError):
            self._output.note(f"offset {fault.offset}: cannot go on, because the end of this packet is not known")

    def _advice(self) -> str | None:
        """The version that reads the whole input, if the version that was given does not."""
        for version in (mqtt.MQTTv311, mqtt.MQTTv5, mqtt.MQTTv31):
            if version == self._version:
                continue
            if self._source.size is not None or not self._source.is_named:
                data, what = self._data(lambda _: None), "the whole input"
            elif self._kept is not None:
                data, what = iter([bytes(self._kept)]), f"all {len(self._kept)} bytes so far"
            else:
                return None
            if _reads(data, version, is_whole=what == "the whole input"):
                return f"{version.title} reads {what}: use --mqtt-version {number_of(version)}"
        return None


def _reads(data: Iterator[bytes], version: int, *, is_whole: bool) -> bool:
    faults: list[Fault] = []
    reader = PacketReader(version, Json(version), lambda _: None, faults.append)
    for chunk in data:
        reader.feed(chunk)
        if reader.is_failed:
            return False
    if is_whole:
        reader.end()
    return not reader.is_failed


class _Bar:
    """A progress bar on standard error."""

    def __init__(self, source: Source) -> None:
        self._size = source.size or 1
        self._done = 0
        self._drawn = -1
        self._shares_terminal = sys.stdout is not None and sys.stdout.isatty()

    def advance(self, done: int) -> None:
        self._done = done

    def draw(self) -> None:
        percent = min(self._done * 100 // self._size, 100)
        if percent != self._drawn:
            self._drawn = percent
            full = percent * _BAR_WIDTH // 100
            sys.stderr.write(f"\r[{'#' * full}{' ' * (_BAR_WIDTH - full)}] {percent:3} %")
            sys.stderr.flush()

    def clear_for_output(self) -> None:
        """Make room if packets go to the same terminal."""
        if self._shares_terminal:
            self.clear()

    def clear(self) -> None:
        if self._drawn >= 0:
            self._drawn = -1
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
