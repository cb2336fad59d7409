"""Packets that the state of a connection forbids.

Each row of `orders.jsonl` is a conversation, and the packet that must not come next. The same rule binds both ends: the
peer's packet is an error with its reason code and an answer, and the application's own packet is refused. A row without
a reason code shows the other side of a rule: its packet may come next.
"""

from __future__ import annotations

import itertools
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


# Packets that a side may send in a state, if nothing but CONNECT and CONNACK has passed. The server's AUTH, SUBACK and
# UNSUBACK need a request.
MESSAGES = {"PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP"}
MAY_SEND = {
    ("client", "new"): {"CONNECT"},
    ("client", "connecting"): {"DISCONNECT"},  # Others wait for CONNACK, because it announces the limits.
    ("client", "connected"): MESSAGES | {"SUBSCRIBE", "UNSUBSCRIBE", "PINGREQ", "DISCONNECT"},
    ("server", "new"): set(),
    ("server", "connecting"): {"CONNACK"},
    ("server", "connected"): MESSAGES | {"PINGRESP", "DISCONNECT"},
}
SENT_BY_CONNECTION = {"PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "PINGRESP"}


def packets(mqtt: Any, version: int) -> list[Any]:
    """A packet of each type that the version has."""
    every = [
        mqtt.Connect("c", protocol_version=version),
        mqtt.ConnAck(),
        mqtt.Publish("a"),
        *(kind(1) for kind in (mqtt.PubAck, mqtt.PubRec, mqtt.PubRel, mqtt.PubComp)),
        mqtt.Subscribe(1, [mqtt.Subscription("a")]),
        mqtt.SubAck(1, [0]),
        mqtt.Unsubscribe(1, ["a"]),
        mqtt.UnsubAck(1, [0] if version == 5 else []),
        mqtt.PingReq(),
        mqtt.PingResp(),
        mqtt.Disconnect(),
    ]
    return [*every, mqtt.Auth(0x19, authentication_method="m")] if version == 5 else every


@pytest.mark.parametrize(("sender", "state"), MAY_SEND)
@pytest.mark.parametrize("version", [3, 4, 5])
def test_each_type_of_packet(mqtt: Any, session: Any, version: int, sender: str, state: str) -> None:
    order = {"version": version, "state": state}
    may_send = MAY_SEND[sender, state]
    if sender == "server" and version != 5:
        may_send = may_send - {"DISCONNECT"}
    for packet in packets(mqtt, version):
        name = packet.packet_type.name
        peer = held(mqtt, order, "server" if sender == "client" else "client")
        received = peer.receive(mqtt.encode(packet, version), 0.0)
        if (sender, state) == ("client", "connecting"):
            assert list(received) == [], "a server takes no packet before its CONNACK"
            assert peer.state.value == state
        elif name in may_send:
            list(received)
        else:
            with pytest.raises(mqtt.ProtocolError) as caught:
                list(received)
            assert caught.value.reason_code == 0x82
            assert caught.value.packet_type is packet.packet_type
            assert peer.state is session.ConnectionState.CLOSING
            answer = ""
            if version == 5:
                answer = {("client", "new"): "2003008200", ("server", "new"): ""}.get((sender, state), "e00182")
            assert peer.take().hex() == answer

        own = held(mqtt, order, sender)
        if name in may_send - SENT_BY_CONNECTION:
            own.send(packet)
        else:
            with pytest.raises(session.LocalProtocolError):
                own.send(packet)
            assert own.state.value == state
            assert own.take() == b""


@pytest.mark.parametrize("version", [3, 4, 5])
def test_no_packet_after_the_end(mqtt: Any, session: Any, version: int) -> None:
    for sender, state, lost in itertools.product(("client", "server"), ("new", "connecting", "connected"), (0, 1)):
        for packet in packets(mqtt, version):
            connection = held(mqtt, {"version": version, "state": state}, sender)
            connection.close()
            if lost:
                connection.connection_lost()
            ended = connection.state
            connection.take()
            with pytest.raises(session.LocalProtocolError):
                connection.send(packet)
            assert list(connection.receive(mqtt.encode(packet, version), 0.0)) == []
            assert (connection.state, connection.take()) == (ended, b"")
