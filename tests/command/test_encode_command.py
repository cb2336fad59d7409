"""`mqttcodec encode`: packets from fields and from the JSON of `decode`."""

from __future__ import annotations

import base64
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mqttcodec
import samples
from mqttcodec import Connect, MQTTv5, MQTTv311, ProtocolVersion, Publish, Subscribe, Subscription, Will, encode
from mqttcodec.command import main
from mqttcodec.command._show import number_of


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run the command with a standard input. Returns the exit status and the bytes of both outputs."""

    def run(*arguments: str, stdin: bytes = b"") -> tuple[int, bytes, bytes]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        status = main(arguments)
        return (status, *capfdbinary.readouterr())

    return run


@pytest.mark.parametrize("version", ProtocolVersion)
def test_round_trip(run: Callable[..., Any], version: ProtocolVersion) -> None:
    """What `decode` writes as JSON, `encode` writes as the same bytes: every packet type and field."""
    packets = list(samples.packets(mqttcodec, version))
    assert {packet.packet_type for packet in packets} >= {*mqttcodec.PacketType} - {mqttcodec.PacketType.AUTH}
    data = mqttcodec.encode_many(packets, version)
    number = number_of(version)
    decode = ("decode", "-", "--format", "raw", "--mqtt-version", number, "--json", "--show-secrets")
    status, lines, _ = run(*decode, stdin=data)
    assert status == 0
    assert {json.loads(line)["version"] for line in lines.splitlines()} == {number}
    assert run("encode", "-", "--raw", stdin=lines) == (0, data, b"")
    in_hex = run("encode", "-", "--hex", stdin=lines)[1].decode()
    assert bytes.fromhex(in_hex) == data
    in_base64 = run("encode", "-", "--base64", stdin=lines)[1].split()
    assert b"".join(map(base64.b64decode, in_base64)) == data
    # The packets alone have no version.
    alone = "".join(json.dumps(json.loads(line)["packet"]) + "\n" for line in lines.splitlines()).encode()
    assert run("encode", "-", "--raw", "--mqtt-version", number, stdin=alone) == (0, data, b"")


def test_file(run: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "packets.jsonl"
    path.write_text('{"type": "PINGREQ"}\n\n{"packet": {"type": "PINGRESP"}}\n')
    assert run("encode", str(path)) == (0, b"c0 00\nd0 00\n", b"")


FIELDS = [
    ("publish topic=a/b payload=21.5 qos=1 packet_id=7", Publish("a/b", b"21.5", 1, packet_id=7)),
    ("PUBLISH topic=a=b payload=hex:00ff retain=true", Publish("a=b", b"\0\xff", retain=True)),
    ("publish topic=a payload=base64:AP8= qos=AT_LEAST_ONCE packet_id=0x10", Publish("a", b"\0\xff", 1, packet_id=16)),
    ("publish topic=a payload=text:hex:00", Publish("a", b"hex:00")),
    ("publish topic=a payload=@content", Publish("a", b"\x00\x01")),
    (
        "publish topic=a user_properties=unit=C user_properties=k=v subscription_identifiers=1",
        Publish("a", user_properties=[("unit", "C"), ("k", "v")], subscription_identifiers=[1]),
    ),
    (
        "connect client_id=c username=u password=p clean_start=false will.topic=w will.payload=x will.qos=1",
        Connect("c", False, username="u", password=b"p", will=Will("w", b"x", 1)),
    ),
    (
        "subscribe packet_id=1 subscriptions=a/+,qos=1,no_local=true subscriptions=b,c",
        Subscribe(1, [Subscription("a/+", 1, no_local=True), Subscription("b,c")]),
    ),
    ("unsubscribe packet_id=1 topic_filters=a topic_filters=b", mqttcodec.Unsubscribe(1, ["a", "b"])),
    ("suback packet_id=1 reason_codes=0 reason_codes=not_authorized", mqttcodec.SubAck(1, [0, 0x87])),
    ("connack reason_code=NOT_AUTHORIZED", mqttcodec.ConnAck(reason_code=0x87)),
    ("auth reason_code=0x18 authentication_method=m", mqttcodec.Auth(0x18, authentication_method="m")),
    ("pingreq", mqttcodec.PingReq()),
]


@pytest.mark.parametrize(("line", "packet"), FIELDS)
def test_fields(
    run: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, packet: mqttcodec.Packet
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "content").write_bytes(b"\x00\x01")
    assert run("encode", *line.split(), "--raw") == (0, encode(packet), b"")


def test_versions(run: Callable[..., Any]) -> None:
    expected = encode(Publish("a", b"b"), MQTTv311)
    assert run("encode", "publish", "topic=a", "payload=b", "--raw", "--mqtt-version", "3.1.1")[1] == expected
    expected = encode(Connect("c", protocol_version=MQTTv311))
    assert run("encode", "connect", "client_id=c", "--raw", "--mqtt-version", "3.1.1")[1] == expected
    assert run("encode", "connect", "client_id=c", "protocol_version=MQTT_3_1_1", "--raw")[1] == expected
    assert encode(Connect("c", protocol_version=MQTTv5)) != expected


@pytest.mark.parametrize(
    ("arguments", "stdin", "status", "message"),
    [
        (["publish", "topic=a/#"], "", 1, "topic must not contain the wildcard '#' [MQTT-3.3.2-2]"),
        (["publish"], "", 1, "topic is missing"),
        (["auth", "--mqtt-version", "3.1.1"], "", 1, "MQTT 3.1.1"),
        (["suback", "packet_id=1", "reason_codes=NO_SUCH"], "", 1, "reason_codes[0]"),
        (["publish", "topic=a", "qos=x"], "", 1, "qos must be the name of a QoS"),
        (["-"], "nonsense", 1, "line 1: "),
        (["-"], '\n{"type": "NO"}', 1, "line 2: type must be the name of a packet type"),
        (["-"], "[1]", 1, "line 1: an object expected, not list"),
        (["-"], '{"error": {}}', 1, "line 1: this is an error"),
        (["-"], '{"version": "6", "packet": {}}', 1, "line 1: version must be 3.1, 3.1.1 or 5.0, not '6'"),
        (["-"], '{"type": "CONNECT", "password": {"hidden_size": 3}}', 1, "password is hidden; decode with --show"),
    ],
)
def test_no_such_packet(run: Callable[..., Any], arguments: list[str], stdin: str, status: int, message: str) -> None:
    found, output, errors = run("encode", *arguments, stdin=stdin.encode())
    assert (found, output) == (status, b"")
    assert message in errors.decode()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "neither a packet type nor a file"),
        (["nothing", "a=b"], "the type must be one of connect"),
        (["publish", "topic"], "a field must be NAME=VALUE, not 'topic'"),
        (["publish", "no=1"], "Publish has no field 'no'; its fields are topic, payload"),
        (["pingreq", "no=1"], "its fields are none"),
        (["publish", "packet_id=x"], "packet_id: a number expected, not 'x'"),
        (["publish", "retain=x"], "retain: true or false expected, not 'x'"),
        (["publish", "payload=hex:0"], "payload: "),
        (["publish", "payload=@missing"], "payload: No such file"),
        (["publish", "user_properties=x"], "user_properties: NAME=VALUE expected"),
        (["publish", "--hex", "--raw"], "not allowed with"),
    ],
)
def test_usage(run: Callable[..., Any], capfdbinary: Any, arguments: list[str], message: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run("encode", *arguments)
    assert caught.value.code == 2
    assert message in " ".join(capfdbinary.readouterr().err.decode().split())
