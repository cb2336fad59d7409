"""Packets that the state of a connection forbids.

Each row of `orders.jsonl` is a conversation, and the packet that must not come next. The same rule binds both ends: the
peer's packet is an error with its reason code and an answer, and the application's own packet is refused.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ORDERS = [json.loads(line) for line in (Path(__file__).parent / "orders.jsonl").read_text().splitlines()]
LOCAL = [order for order in ORDERS if order.get("local", True)]


def conversation(order: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Who sends which packet before the forbidden one."""
    connect = {"type": "CONNECT", "client_id": "c", "protocol_version": order["version"], **order.get("connect", {})}
    connack = {"type": "CONNACK", **order.get("connack", {})}
    opening = [("client", connect), ("server", connack)]
    return opening[: ("new", "connecting", "connected").index(order["state"])] + order.get("then", [])


def held(mqtt: Any, session: Any, order: dict[str, Any], role: str) -> Any:
    """A connection of `role` after the conversation."""
    connection = session.Connection(mqtt.Role(role), version=order["version"])
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


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order["id"])
def test_order_of_the_peer(mqtt: Any, session: Any, order: dict[str, Any]) -> None:
    role = "server" if order["sender"] == "client" else "client"
    connection = held(mqtt, session, order, role)
    data = mqtt.encode(mqtt.from_dict(order["packet"]), order["version"])
    for attempt in range(2):
        with pytest.raises(mqtt.ProtocolError) as caught:
            next(connection.receive(data, 0.0))
        assert caught.value.reason_code == order["reason_code"]
        assert caught.value.clause == order["clause"]
        assert connection.state is session.ConnectionState.CLOSING
        assert connection.pending == len(bytes.fromhex(order["answer"])) * (attempt == 0)
        assert connection.take() == bytes.fromhex(order["answer"]) * (attempt == 0), "it is answered once"


@pytest.mark.parametrize("order", LOCAL, ids=lambda order: order["id"])
def test_order_of_the_application(mqtt: Any, session: Any, order: dict[str, Any]) -> None:
    connection = held(mqtt, session, order, order["sender"])
    state, before = connection.state, connection.session and connection.session.to_bytes()
    with pytest.raises(session.LocalProtocolError) as caught:
        connection.send(mqtt.from_dict(order["packet"]))
    if (
        order["packet"]["type"] != "PUBLISH" or order["state"] == "connected"
    ):  # Others would be queued, or come too early.
        assert caught.value.clause == order["clause"]
    assert connection.state is state
    assert connection.take() == b""
    assert (connection.session and connection.session.to_bytes()) == before
