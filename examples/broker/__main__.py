"""The command line of the broker."""

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


async def serve(broker: Broker, host: str, port: int, context: ssl.SSLContext | None) -> None:
    """Accept connections until the process gets SIGINT or SIGTERM."""
    loop, stop = broker.loop, asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    server = await loop.create_server(lambda: BrokerProtocol(broker), host, port, ssl=context, backlog=1_000)
    async with server:
        print("listening on port", server.sockets[0].getsockname()[1], flush=True)
        await stop.wait()
    for protocol in list(broker.protocols):
        protocol.close(ReasonCode.SERVER_SHUTTING_DOWN)
    while broker.protocols:  # Each has a time limit.
        await asyncio.sleep(0.01)


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m examples.broker", description="An MQTT broker: 3.1, 3.1.1 and 5.0.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=1883, help="port to listen on; 0: any (default: %(default)s)")
    parser.add_argument("--passwords", type=Path, metavar="FILE", help="file of the users, who alone may connect")
    parser.add_argument("--add-user", metavar="NAME", help="add a user to that file, and exit")
    parser.add_argument("--certificate", metavar="FILE", help="certificate for TLS, in PEM form")
    parser.add_argument("--key", metavar="FILE", help="its private key, if that is in another file")
    parser.add_argument("--verbose", action="store_true", help="log the faults of clients")
    limits = parser.add_argument_group("limits")
    for field in fields(Settings):
        told = f"{field.metadata['help']} (default: %(default)s)"
        kind = type(field.default)
        limits.add_argument("--" + field.name.replace("_", "-"), type=kind, default=field.default, help=told)
    found = parser.parse_args(arguments)
    if found.add_user and not found.passwords:
        parser.error("--add-user needs --passwords")
    return found


async def main(found: argparse.Namespace) -> None:
    logging.basicConfig(level=logging.INFO if found.verbose else logging.WARNING)
    passwords = Passwords(found.passwords) if found.passwords else None
    if passwords and found.add_user:
        password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
        passwords.add(found.add_user, password)
        return
    context = None
    if found.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(found.certificate, found.key)
    settings = Settings(**{field.name: getattr(found, field.name) for field in fields(Settings)})
    await serve(Broker(settings, passwords), found.host, found.port, context)


asyncio.run(main(options()))
