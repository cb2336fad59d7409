"""The command line of the broker."""

import argparse
import asyncio
import getpass
import logging
import signal
import ssl
from dataclasses import fields
from pathlib import Path
from typing import Any

from mqttcodec import ReasonCode

from .broker import Broker
from .passwords import Passwords
from .protocol import BrokerProtocol
from .settings import Settings


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m examples.broker", description="An MQTT broker: 3.1, 3.1.1 and 5.0.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=1883, help="port to listen on; 0: any (default: %(default)s)")
    parser.add_argument("--certificate", metavar="FILE", help="certificate and private key for TLS, in PEM form")
    parser.add_argument("--passwords", type=Path, metavar="FILE", help="users, who alone may connect")
    parser.add_argument("--add-user", metavar="NAME", help="add a user to --passwords, or change one, and exit")
    parser.add_argument("--verbose", action="store_true", help="log the faults of clients")
    for field in fields(Settings):
        fitting: Any = {"type": type(field.default), "default": field.default, "metavar": "N"}
        parser.add_argument("--" + field.name.replace("_", "-"), help=field.metadata["help"], **fitting)
    chosen = parser.parse_args()
    if chosen.add_user and not chosen.passwords:
        parser.error("--add-user needs --passwords")
    return chosen


async def serve(broker: Broker, chosen: argparse.Namespace) -> None:
    """Accept connections until the process gets SIGINT or SIGTERM."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if chosen.certificate else None
    if context:
        context.load_cert_chain(chosen.certificate)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        broker.loop.add_signal_handler(number, stop.set)
    address = chosen.host, chosen.port
    server = await broker.loop.create_server(lambda: BrokerProtocol(broker), *address, ssl=context, backlog=1_000)
    print("listening on port", server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()
    server.close()
    for protocol in list(broker.protocols):
        protocol.close(ReasonCode.SERVER_SHUTTING_DOWN)
    while broker.protocols:  # Each has a time limit.
        await asyncio.sleep(0.01)


async def main(chosen: argparse.Namespace) -> None:
    logging.basicConfig(level=logging.INFO if chosen.verbose else logging.WARNING)
    settings = Settings(**{field.name: getattr(chosen, field.name) for field in fields(Settings)})
    passwords = Passwords(chosen.passwords) if chosen.passwords else None
    if passwords and chosen.add_user:
        passwords.add(chosen.add_user, getpass.getpass())
    else:
        await serve(Broker(settings, passwords), chosen)


asyncio.run(main(options()))
