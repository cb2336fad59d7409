"""Decode and encode one PUBLISH: this codec, compiled and in plain Python, and peers where they are installed.

    python -m pytest benchmarks --benchmark-group-by=group --benchmark-columns=min,median,ops

A group is one case; compare minima within one run. Every participant's result is checked first. Peers come with the
extra `benchmark`.
"""

from __future__ import annotations

import importlib
import io
import operator
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

TOPIC, PAYLOAD = "sensors/kitchen/tempera", b"x" * 64
PACKET_V5 = b"\x32\x5c\x00\x17" + TOPIC.encode() + b"\x00\x07\x00" + PAYLOAD
PACKET_V311 = b"\x32\x5b\x00\x17" + TOPIC.encode() + b"\x00\x07" + PAYLOAD

Case = tuple[Callable[[], Any], Callable[[Any], bool]]


def ours(suffix: str) -> dict[str, Case]:
    codec = importlib.import_module("mqttcodec._codec" + suffix)
    packets = importlib.import_module("mqttcodec._packets" + suffix)
    from mqttcodec import MQTTv5, MQTTv311

    packet = packets.Publish(TOPIC, PAYLOAD, 1, packet_id=7)
    return {
        "decode PUBLISH 5": (partial(codec.decode, PACKET_V5, MQTTv5), lambda found: found == packet),
        "decode PUBLISH 3.1.1": (partial(codec.decode, PACKET_V311, MQTTv311), lambda found: found == packet),
        "encode PUBLISH 5": (partial(codec.encode, packet, MQTTv5), lambda found: found == PACKET_V5),
        "encode PUBLISH 3.1.1": (partial(codec.encode, packet, MQTTv311), lambda found: found == PACKET_V311),
    }


def mqtt5() -> dict[str, Case]:
    """A Rust codec, MQTT 5 only."""
    mqtt5 = importlib.import_module("mqtt5")
    packet = mqtt5.PublishPacket(TOPIC, payload=PAYLOAD, qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=7)
    return {
        "decode PUBLISH 5": (partial(mqtt5.read, PACKET_V5), lambda found: found == (packet, len(PACKET_V5))),
        "encode PUBLISH 5": (partial(packet.write), lambda found: found == PACKET_V5),
    }


def paho() -> dict[str, Case]:
    """A client without a codec to call: its handler of a PUBLISH received, its sender of one up to the queue."""
    from paho.mqtt import client as paho_client
    from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

    cases: dict[str, Case] = {}
    for name, protocol, data in (
        ("5", MQTTProtocolVersion.MQTTv5, PACKET_V5),
        ("3.1.1", MQTTProtocolVersion.MQTTv311, PACKET_V311),
    ):
        client: Any = paho_client.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
        received: list[Any] = []
        client._sock = io.BytesIO()
        client._manual_ack = True
        client._in_packet = {"command": data[0], "packet": bytearray(data[2:])}
        client._handle_on_message = received.append
        client._packet_queue = lambda command, packet, *others: packet

        def decode(client: Any = client, received: list[Any] = received) -> Any:
            received.clear()
            code = client._handle_publish()
            return code, received[0]

        cases[f"decode PUBLISH {name}"] = (
            decode,
            lambda found: (
                found[0] == MQTTErrorCode.MQTT_ERR_SUCCESS
                and (found[1].topic, bytes(found[1].payload), found[1].mid) == (TOPIC, PAYLOAD, 7)
            ),
        )
        topic = TOPIC.encode()
        cases[f"encode PUBLISH {name}"] = (
            partial(client._send_publish, 7, topic, PAYLOAD, 1),
            partial(operator.eq, data),
        )
    return cases


PARTICIPANTS: dict[str, Callable[[], dict[str, Case]]] = {
    "mqttcodec, compiled": lambda: ours("_c"),
    "mqttcodec, pure": lambda: ours("_py"),
    "mqtt5": mqtt5,
    "paho-mqtt": paho,
}
CASES = ["decode PUBLISH 5", "decode PUBLISH 3.1.1", "encode PUBLISH 5", "encode PUBLISH 3.1.1"]


@pytest.mark.parametrize("participant", PARTICIPANTS)
@pytest.mark.parametrize("case", CASES)
def test_publish(benchmark: Any, case: str, participant: str) -> None:
    try:
        cases = PARTICIPANTS[participant]()
    except ImportError as error:
        pytest.skip(f"{participant}: {error}")
    if case not in cases:
        pytest.skip(f"{participant} does not do this")
    call, is_right = cases[case]
    assert is_right(call())
    benchmark.group = f"{case}, {sys.implementation.name} {sys.version.split()[0]}"
    benchmark(call)
