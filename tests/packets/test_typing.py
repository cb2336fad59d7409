"""Packets of both implementations in pydantic models and cattrs. `nox -s lint` installs these packages."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

import mqttcodec
from samples import VERSIONS, packets


def test_pydantic(mqtt: Any) -> None:
    pydantic = pytest.importorskip("pydantic")
    packet = mqtt.Publish("t", b"x", 1, packet_id=1)
    model = pydantic.create_model("Message", packet=(mqtt.Publish, ...), will=(mqtt.Will | None, None))
    message = model(packet=packet, will=mqtt.Will("w"))
    assert message.packet is packet
    assert message.model_dump()["packet"] == dataclasses.asdict(packet)
    assert model.model_validate({"packet": packet}).packet is packet
    for wrong in (mqtt.PubAck(1), {"topic": "t"}, "t", None):
        with pytest.raises(pydantic.ValidationError, match="instance of Publish"):
            model(packet=wrong)


@pytest.fixture
def converter() -> Any:
    """As `docs/api.md` says, cattrs needs a hook for unions such as the type of binary data."""
    cattrs = pytest.importorskip("cattrs")
    made = cattrs.Converter()
    for union in (bytes | memoryview, bytes | memoryview | None):
        made.register_structure_hook(union, lambda value, _: value)
    return made


@pytest.mark.parametrize("version", VERSIONS)
def test_cattrs(mqtt: Any, converter: Any, version: int) -> None:
    """Each packet is converted to plain values and back."""
    converter.register_structure_hook(mqtt.ReasonCode | mqtt.ConnectReturnCode, lambda value, _: value)
    for packet in packets(mqtt, version):
        if mqtt.Will is not mqttcodec.Will and (type(packet) in (mqtt.Connect, mqtt.Subscribe)):
            continue  # Their annotations name the classes of the implementation in use.
        taken_apart = converter.unstructure(packet)
        assert type(taken_apart) is dict
        again = converter.structure(taken_apart, type(packet))
        assert type(again) is type(packet)
        assert again == packet


def test_cattrs_with_a_class_that_has_a_packet(mqtt: Any, converter: Any) -> None:
    Message = dataclasses.make_dataclass("Message", [("packet", mqtt.Publish), ("retries", int)])  # noqa: N806
    message = Message(mqtt.Publish("t", b"x", qos=1, packet_id=1), 3)
    assert converter.structure(converter.unstructure(message), Message) == message
