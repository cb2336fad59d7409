"""The command line of the broker."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import logging
import signal
import ssl
import sys
from dataclasses import fields
from pathlib import Path

from mqttcodec import ReasonCode

from .broker import Broker
from .passwords import Passwords
from .protocol import BrokerProtocol
from .settings import Settings


async def serve(
    host: str, port: int, settings: Settings, passwords: Passwords | None = None, context: ssl.SSLContext | None = None
) -> None:
    """Run a broker until the process gets SIGINT or SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    broker = Broker(settings, passwords)
    server = await loop.create_server(lambda: BrokerProtocol(broker), host, port, ssl=context, backlog=1_000)
    async with server:
        print("listening on port", *(each.getsockname()[1] for each in server.sockets), flush=True)
        await stop.wait()
    for protocol in list(broker.protocols):
        protocol.close(ReasonCode.SERVER_SHUTTING_DOWN)
    deadline = loop.time() + settings.close_timeout
    while broker.protocols and loop.time() < deadline:
        await asyncio.sleep(0.01)


def main() -> None:
    parser = argparse.ArgumentParser("python -m examples.broker", description="An MQTT broker: 3.1, 3.1.1 and 5.0.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=1883, help="port to listen on; 0: any (default: %(default)s)")
    parser.add_argument("--passwords", type=Path, metavar="FILE", help="users, who alone may connect")
    parser.add_argument("--add-user", metavar="NAME", help="add a user to the file of --passwords, and exit")
    parser.add_argument("--certificate", metavar="FILE", help="certificate for TLS, in PEM form")
    parser.add_argument("--key", metavar="FILE", help="its private key, if it is in another file")
    parser.add_argument("--verbose", action="store_true", help="log what goes wrong")
    limits = parser.add_argument_group("limits")
    for field in fields(Settings):
        option = "--" + field.name.replace("_", "-")
        described = field.metadata["help"] + " (default: %(default)s)"
        limits.add_argument(option, type=type(field.default), default=field.default, metavar="N", help=described)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING)
    passwords = None if options.passwords is None else Passwords(options.passwords)
    if options.add_user is not None:
        if passwords is None:
            parser.error("--add-user needs --passwords")
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        passwords.add(options.add_user, password.encode())
        return
    context = None
    if options.certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate, options.key)
    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
    asyncio.run(serve(options.host, options.port, settings, passwords, context))


if __name__ == "__main__":
    main()
