"""`mqttcodec proxy`: stands between clients and a broker, and shows what both say."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from typing import Any

import mqttcodec as mqtt

from ._output import Output, has_colour
from ._reading import Fault, PacketReader
from ._show import PAYLOADS, VERSIONS, Json, Text

SUMMARY = "forward connections to a broker, and show their packets"
DESCRIPTION = """\
Stands between clients and a broker, forwards the bytes of both unchanged, and shows
their packets. Invalid packets are shown as errors, and forwarded too. If the end of an
invalid packet is not known, the rest of that direction is forwarded but not shown."""
EPILOG = """\
Connect a client to the address that the command listens on. Anyone who reaches that
address can use the broker, so it is on this machine unless --listen names a host.
Ctrl-C ends the command.

Examples:
  mqttcodec proxy --to broker.example
  mqttcodec proxy --listen 0.0.0.0:1884 --to broker.example:8883 --tls --json"""
_CHUNK_SIZE = 65_536


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen",
        default="1884",
        metavar="[HOST:]PORT",
        help="where clients connect; default: 127.0.0.1:1884. Port 0 is any free port",
    )
    parser.add_argument(
        "--to", required=True, metavar="HOST[:PORT]", help="the broker; default port: 1883, with --tls 8883"
    )
    parser.add_argument("--tls", action="store_true", help="use TLS to the broker; clients connect without")
    parser.add_argument("--ca-file", metavar="FILE", help="the certificates to trust, instead of the system's")
    parser.add_argument("--insecure", action="store_true", help="do not check the broker's certificate")
    parser.add_argument(
        "--mqtt-version",
        choices=VERSIONS,
        default="5",
        metavar="VERSION",
        help="the version of a connection without CONNECT: 3.1, 3.1.1 or 5 (default)",
    )
    parser.add_argument("--json", action="store_true", help="write JSON, with the connection and its side")
    parser.add_argument("--payload", choices=PAYLOADS, metavar="FORM", help="as for decode")
    parser.add_argument("--show-secrets", action="store_true", help="show passwords and authentication data")


def run(parser: argparse.ArgumentParser, arguments: argparse.Namespace, output: Output) -> int:
    try:
        listen = _address(arguments.listen, "127.0.0.1", None)
        to = _address(arguments.to, None, 8883 if arguments.tls else 1883)
    except ValueError as error:
        parser.error(str(error))
    context: Any = None
    if arguments.tls:
        import ssl  # Some Pythons lack it.

        try:
            context = ssl.create_default_context(cafile=arguments.ca_file)
        except OSError as error:
            parser.error(f"cannot read the certificates in {arguments.ca_file}: {error.strerror}")
        if arguments.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    elif arguments.ca_file or arguments.insecure:
        parser.error("--ca-file and --insecure need --tls")
    asyncio.run(_Proxy(arguments, output, to, context).serve(*listen))
    return 0


def _address(text: str, default_host: str | None, default_port: int | None) -> tuple[str, int]:
    """The host and the port of HOST:PORT, [IPV6]:PORT, or one of the two alone if there is a default for the other."""
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = (text, str(default_port)) if default_port else (default_host or "", text)
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ValueError(f"an address must be HOST:PORT, not {text!r}")
    return host, int(port)


class _Proxy:
    def __init__(self, arguments: argparse.Namespace, output: Output, to: tuple[str, int], context: Any) -> None:
        self._arguments = arguments
        self._output = output
        self.add = output.add
        self._to = to
        self._context = context
        self._count = 0
        self._failure: asyncio.Future[None]

    async def serve(self, host: str, port: int) -> None:
        """Forward connections until output fails."""
        self._failure = asyncio.get_running_loop().create_future()
        server = await asyncio.start_server(self._connected, host, port)
        try:
            for each in server.sockets:
                listen = _shown_address(each.getsockname())
                self._output.note(f"listening on {listen}, forwarding to {_shown_address(self._to)}")
            await self._failure
        finally:
            server.close()  # `async with` would wait for the end of all connections, since Python 3.12.

    async def _connected(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self._count += 1
        number = self._count
        self._note(f"connection {number}: from {_shown_address(to_client.get_extra_info('peername'))}")
        writers = [to_client]
        try:
            try:
                await self._serve_one(number, client, to_client, writers)
            except OSError as error:
                # Resets and the like: both connections end.
                self._note(f"connection {number}: {error.strerror or error}")
            for writer in writers:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
            self._note(f"connection {number}: closed")
        except asyncio.CancelledError:
            # The command ends, perhaps while this waits for the end of a connection. Nothing waits for this task.
            for writer in writers:
                writer.transport.abort()

    async def _serve_one(
        self,
        number: int,
        client: asyncio.StreamReader,
        to_client: asyncio.StreamWriter,
        writers: list[asyncio.StreamWriter],
    ) -> None:
        host_name = self._to[0] if self._context else None
        try:
            broker, to_broker = await asyncio.open_connection(*self._to, ssl=self._context, server_hostname=host_name)
        except OSError as error:
            self._note(f"connection {number}: cannot connect to {_shown_address(self._to)}: {error}")
            return
        writers.append(to_broker)
        from_client = _Direction(self, number, "client")
        from_broker = _Direction(self, number, "server", from_client)
        await asyncio.gather(
            self._forward(client, to_broker, from_client), self._forward(broker, to_client, from_broker)
        )

    async def _forward(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, direction: _Direction) -> None:
        """Forward bytes, and show their packets. `drain` waits while the target is slow, and then nothing is read."""
        while data := await source.read(_CHUNK_SIZE):
            target.write(data)
            direction.show(data)
            await target.drain()
        direction.show_end()
        if target.can_write_eof():
            target.write_eof()
        else:
            target.close()  # TLS.

    def flush(self) -> None:
        self._guarded(self._output.flush)

    def write_error(self, text: str) -> None:
        self._guarded(lambda: self._output.error(text))

    def _note(self, line: str) -> None:
        self._guarded(lambda: self._output.note(line))

    def _guarded(self, call: Any) -> None:
        """Write. If that fails, so does the command, unlike after an error of a connection."""
        try:
            call()
        except OSError as error:
            if not self._failure.done():
                self._failure.set_exception(error)


class _Direction:
    """What one side of a connection says."""

    def __init__(self, proxy: _Proxy, number: int, side: str, other: _Direction | None = None) -> None:
        arguments = proxy._arguments
        self._proxy = proxy
        self._name = f"connection {number}, {side}"
        self._other = other
        self._version: int = VERSIONS[arguments.mqtt_version]
        options: Any = {"payload": arguments.payload, "show_secrets": arguments.show_secrets}
        self._shown: Text | Json
        if arguments.json:
            self._shown = Json(self._version, **options, first={"connection": number, "from": side})
        else:
            self._shown = Text(self._version, **options, colour=has_colour(sys.stdout))
            self._shown.set_prefix(f"{number} {side}: ")
        self.reader: PacketReader | None = None

    def show(self, data: bytes) -> None:
        if self.reader is None:
            if self._other and self._other.reader:
                # The version that the client has asked for.
                self._version = self._other.reader.version
                self._shown.set_version(mqtt.ProtocolVersion(self._version))
            take = self._proxy.add
            self.reader = PacketReader(self._version, self._shown, take, self._report, keep_going=True)
        self.reader.feed(data)
        self._proxy.flush()

    def show_end(self) -> None:
        if self.reader:
            self.reader.end()
            self._proxy.flush()

    def _report(self, fault: Fault) -> None:
        if isinstance(self._shown, Json):
            self._proxy.add(self._shown.fault(fault))
        else:
            self._proxy.write_error(self._shown.fault(fault, colour=has_colour(sys.stderr)))
        if fault.is_last and not isinstance(fault.error, mqtt.IncompletePacketError):
            self._proxy._note(f"{self._name}: from here on, bytes are forwarded but not decoded")


def _shown_address(address: Any) -> str:
    if not isinstance(address, tuple):
        return "a local client"
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
