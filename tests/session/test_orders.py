"""Packets that the state of a connection forbids.

Each row of `orders.jsonl` is a conversation, and the packet that must not come next. The same rule binds both ends: the
peer's packet is an error with its reason code and an answer, and the application's own packet is refused. A row without
a reason code shows the other side of a rule: its packet may come next.
"""

from __future__ import annotations

from typing import Any

import pytest

from sessions import ALLOWED, ORDERS, broken, held

LOCAL = [order for order in ORDERS if order.get("local", True)]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order["id"])
def test_order_of_the_peer(mqtt: Any, session: Any, order: dict[str, Any]) -> None:
    role = "server" if order["sender"] == "client" else "client"
    connection = held(mqtt, order, role)
    for attempt in range(2):
        with pytest.raises(mqtt.ProtocolError) as caught:
            broken(mqtt, order, connection)
        assert caught.value.reason_code == order["reason_code"]
        assert caught.value.clause == order["clause"]
        assert connection.state is session.ConnectionState.CLOSING
        assert connection.pending == len(bytes.fromhex(order["answer"])) * (attempt == 0)
        assert connection.take() == bytes.fromhex(order["answer"]) * (attempt == 0), "it is answered once"


@pytest.mark.parametrize("order", LOCAL, ids=lambda order: order["id"])
def test_order_of_the_application(mqtt: Any, session: Any, order: dict[str, Any]) -> None:
    connection = held(mqtt, order, order["sender"])
    state, before = connection.state, connection.session and connection.session.to_bytes()
    with pytest.raises(session.LocalProtocolError) as caught:
        connection.send(mqtt.from_dict(order["packet"]))
    # Before CONNACK no PUBLISH can be sent at all, whatever the rule.
    if order["packet"]["type"] != "PUBLISH" or order["state"] == "connected":
        assert caught.value.clause == order["clause"]
    assert connection.state is state
    assert connection.take() == b""
    assert (connection.session and connection.session.to_bytes()) == before


@pytest.mark.parametrize("order", ALLOWED, ids=lambda order: order["id"])
def test_allowed_order(mqtt: Any, session: Any, order: dict[str, Any]) -> None:
    packet = mqtt.from_dict(order["packet"])
    data = mqtt.encode(packet, order["version"])
    receiver = held(mqtt, order, "server" if order["sender"] == "client" else "client")
    assert list(receiver.receive(data, 0.0)) == [packet]
    sender = held(mqtt, order, order["sender"])
    assert sender.send(packet) == packet
    assert sender.take() == data
