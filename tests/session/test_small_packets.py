"""A client whose Maximum Packet Size has no room for CONNACK or DISCONNECT."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("limit", [1, 2, 4, 5, 9, 10])
def test_connack_is_too_large(mqtt: Any, session: Any, limit: int) -> None:
    server = session.Connection(mqtt.Role.SERVER, receive_maximum=10)
    list(server.receive(mqtt.encode(mqtt.Connect("c", maximum_packet_size=limit)), 0.0))
    connack = mqtt.encode(mqtt.ConnAck(receive_maximum=10))
    if limit < len(connack):
        with pytest.raises(mqtt.EncodeError, match="MQTT-3.1.2-24"):
            server.send(mqtt.ConnAck())
        assert server.state is session.ConnectionState.CONNECTING
        assert server.take() == b""
        with pytest.raises(mqtt.EncodeError):
            server.close(0x01)
        server.close(mqtt.ReasonCode.QUOTA_EXCEEDED)
        refusal = mqtt.encode(mqtt.ConnAck(reason_code=0x97))
        assert server.take() == (refusal if limit >= len(refusal) else b"")
    else:
        server.send(mqtt.ConnAck())
        assert server.take() == connack
        server.close(mqtt.ReasonCode.SERVER_SHUTTING_DOWN)
        assert server.take() == mqtt.encode(mqtt.Disconnect(0x8B))
    assert server.state is session.ConnectionState.CLOSING


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_disconnect_is_too_large(mqtt: Any, session: Any, limit: int) -> None:
    client = session.Connection(mqtt.Role.CLIENT)
    client.send(mqtt.Connect("c"))
    list(client.receive(mqtt.encode(mqtt.ConnAck(maximum_packet_size=limit)), 0.0))
    client.take()
    client.close(mqtt.ReasonCode.UNSPECIFIED_ERROR)
    assert client.take() == (mqtt.encode(mqtt.Disconnect(0x80)) if limit == 3 else b"")
    assert client.state is session.ConnectionState.CLOSING
