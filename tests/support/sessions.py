"""`mqttcodec.session` on one implementation of the codec."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

import mqttcodec
from mqttcodec import _errors, _spec

_ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "session" / "orders.jsonl").read_text("utf-8").splitlines()
]
ORDERS = [row for row in _ROWS if "reason_code" in row]
"""Conversations, each with a packet that must not come next."""
ALLOWED = [row for row in _ROWS if "reason_code" not in row]
"""Conversations, each with a packet that may come next."""


def load(mqtt: Any) -> Any:
    """The module itself for the implementation in use, and a copy that imports the other one's names for the other."""
    if mqtt.BACKEND == mqttcodec.BACKEND:
        return importlib.import_module("mqttcodec.session")
    name = f"mqttcodec_{mqtt.BACKEND}"
    package = sys.modules[name] = ModuleType(name)
    vars(package).update(vars(mqtt), _errors=_errors, _spec=_spec, __path__=mqttcodec.__path__)
    return importlib.import_module(f"{name}.session")


def conversation(order: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Who sends which packet before the forbidden one."""
    connect = {"type": "CONNECT", "client_id": "c", "protocol_version": order["version"], **order.get("connect", {})}
    connack = {"type": "CONNACK", **order.get("connack", {})}
    opening = [("client", connect), ("server", connack)]
    return opening[: ("new", "connecting", "connected").index(order["state"])] + order.get("then", [])


def held(mqtt: Any, order: dict[str, Any], role: str) -> Any:
    """A connection of `role` after the conversation."""
    connection = load(mqtt).Connection(mqtt.Role(role), version=order["version"])
    for sender, fields in conversation(order):
        packet = mqtt.from_dict(fields)
        if sender == role:
            connection.send(packet)
            continue
        for received in connection.receive(mqtt.encode(packet, order["version"]), 0.0):
            assert received == packet
            if order.get("break_after_publish") and type(received) is mqtt.Publish:
                break
    connection.take()
    return connection


def broken(mqtt: Any, order: dict[str, Any], connection: Any) -> None:
    """The peer sends the forbidden packet."""
    next(connection.receive(mqtt.encode(mqtt.from_dict(order["packet"]), order["version"]), 0.0))


def faults(mqtt: Any) -> Iterator[Callable[[], Any]]:
    """Calls that reach each fault of a session."""
    session = load(mqtt)

    def many_without_pubrel() -> None:
        incoming = session.IncomingMessages(1)
        for packet_id in range(1, 4):
            publish = mqtt.Publish("a", qos=2, packet_id=packet_id)
            incoming.on_publish(publish)
            incoming.acknowledge(publish)
            incoming.connection_lost()

    yield many_without_pubrel
    for order in ORDERS:
        peer = "server" if order["sender"] == "client" else "client"
        yield partial(broken, mqtt, order, held(mqtt, order, peer))


def check(machine: Any, full: bool) -> None:
    """Run a state machine: 100 times 50 steps, or ten times as many."""
    run_state_machine_as_test(machine, settings=settings(max_examples=1_000 if full else 100))
