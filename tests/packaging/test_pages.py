"""The API page names everything that is public, and its ranges are those that `encode` accepts."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest

import mqttcodec
import pages
import samples
from mqttcodec import MQTTv5, _packets_py

pytestmark = pytest.mark.skipif(not pages.DOCS.is_dir(), reason="needs the project's source tree")


def public_names() -> Iterator[str]:
    yield "__version__"
    for name in mqttcodec.__all__:
        yield name
        value = getattr(mqttcodec, name)
        if dataclasses.is_dataclass(value):
            yield from (f"{name}.{field.name}" for field in dataclasses.fields(value))
        elif isinstance(value, type) and issubclass(value, Enum):
            yield from (f"{name}.{member}" for member in value.__members__)
        elif value in (mqttcodec.Decoder, mqttcodec.Encoder, mqttcodec.FixedHeader):
            yield from (f"{name}.{attribute}" for attribute in vars(value) if not attribute.startswith("_"))
    yield from (f"FixedHeader.{field}" for field in mqttcodec.FixedHeader._fields)


def test_api_page_has_an_anchor_for_each_name() -> None:
    page = (pages.DOCS / "api.md").read_text(encoding="utf-8")
    anchors = re.findall(r'<a id="(.*?)"></a>', page)
    assert len(anchors) == len(set(anchors))
    headings = re.findall(r"^### ([a-z]+)$", page, re.MULTILINE)
    assert set(public_names()) <= {*anchors, *headings}


NUMBER = re.compile(r"([\d,]+) (?:to|or) ([\d,]+)")
# What a packet needs beside the field that is tried.
BESIDE = {"packet_id": {"qos": 1}, "authentication_data": {"authentication_method": "m"}}
RANGES = [
    (packet.__name__, field.name, field.type, *(int(number.replace(",", "")) for number in found.groups()))
    for packet in pages.PACKETS
    for field in dataclasses.fields(packet)
    if (found := NUMBER.match(pages.RANGES.get(pages.row_of(packet.__name__, field), "")))
]


@pytest.mark.parametrize(("name", "field", "type_", "least", "greatest"), RANGES)
def test_ranges(mqtt: Any, name: str, field: str, type_: str, least: int, greatest: int) -> None:
    """The numbers of the API page are the least and the greatest that are written."""

    def size(number: int) -> int:
        value: Any = number
        if "str" in type_:
            value = "x" * number
        elif "bytes" in type_:
            value = bytes(number)
        elif type_.startswith("tuple"):
            value = (number,)
        return mqtt.encoded_size(packet_with(mqtt, name, field, value))

    assert size(least)
    assert size(greatest)
    for number in (least - 1, greatest + 1):
        if number >= 0 or "int" in type_:
            with pytest.raises(mqtt.EncodeError):
                size(number)


def packet_with(mqtt: Any, name: str, field: str, value: Any) -> Any:
    """A packet of the class, or with a part of the class, whose field has the value."""
    if name == "Will":
        return mqtt.Connect("c", will=mqtt.Will("topic").replace(**{field: value}))
    if name == "Subscription":
        return mqtt.Subscribe(1, [mqtt.Subscription("topic").replace(**{field: value})])
    if name == "Auth":
        packet = mqtt.Auth(0x18, authentication_method="m")
    else:
        packet = next(each for each in samples.packets(mqtt, MQTTv5) if type(each).__name__ == name)
    beside = {key: other for key, other in BESIDE.get(field, {}).items() if hasattr(packet, key)}
    return packet.replace(**{**beside, field: value})


def test_ranges_are_tried() -> None:
    assert len(RANGES) > 60
    assert {packet.__name__ for packet in pages.PACKETS} == {
        name for name in mqttcodec.__all__ if dataclasses.is_dataclass(getattr(_packets_py, name, None))
    }
