"""`mqttcodec.session` on one implementation of the codec."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

import mqttcodec
from mqttcodec import _errors, _spec


def load(mqtt: Any) -> Any:
    """The module itself for the implementation in use, and a copy that imports the other one's names for the other."""
    if mqtt.BACKEND == mqttcodec.BACKEND:
        return importlib.import_module("mqttcodec.session")
    name = f"mqttcodec_{mqtt.BACKEND}"
    package = sys.modules[name] = ModuleType(name)
    vars(package).update(vars(mqtt), _errors=_errors, _spec=_spec, __path__=mqttcodec.__path__)
    return importlib.import_module(f"{name}.session")


def faults(mqtt: Any) -> list[Callable[[], Any]]:
    """Calls that reach each fault of a session."""
    session = load(mqtt)

    def resolve(role: Any, alias: int) -> None:
        session.TopicAliasReceiver(1, role).resolve(mqtt.Publish("", topic_alias=alias))

    def above_receive_maximum(role: Any) -> None:
        incoming = session.IncomingMessages(1, role=role)
        for packet_id in (1, 2):
            incoming.on_publish(mqtt.Publish("a", qos=1, packet_id=packet_id))

    def many_without_pubrel() -> None:
        incoming = session.IncomingMessages(1)
        for packet_id in range(1, 4):
            publish = mqtt.Publish("a", qos=2, packet_id=packet_id)
            incoming.on_publish(publish)
            incoming.acknowledge(publish)
            incoming.connection_lost()

    def answer(qos: int, name: str, packet: Any) -> None:
        outgoing = session.OutgoingMessages()
        outgoing.publish(mqtt.Publish("a", qos=qos))
        outgoing.to_send()
        getattr(outgoing, name)(packet)

    return [
        lambda: resolve(mqtt.Role.SERVER, 2),
        lambda: resolve(mqtt.Role.CLIENT, 2),
        lambda: resolve(mqtt.Role.SERVER, 1),
        lambda: above_receive_maximum(mqtt.Role.SERVER),
        lambda: above_receive_maximum(mqtt.Role.CLIENT),
        many_without_pubrel,
        lambda: answer(2, "on_puback", mqtt.PubAck(1)),
        lambda: answer(2, "on_pubcomp", mqtt.PubComp(1)),
    ]


def check(machine: Any, full: bool) -> None:
    """Run a state machine: 100 times 50 steps, or ten times as many."""
    run_state_machine_as_test(machine, settings=settings(max_examples=1_000 if full else 100))
