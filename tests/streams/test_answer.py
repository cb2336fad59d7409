"""The bytes to send before a connection is closed because of an error: none, a CONNACK or a DISCONNECT."""

from __future__ import annotations

from typing import Any

import pytest

import vectors
from mqttcodec import ConnectReturnCode, MQTTv5, MQTTv31, MQTTv311, PacketType, ReasonCode, Role, answer_to

CONNECT_5 = "00 04 4d515454 05"


def error_of(mqtt: Any, data: str, version: int | None = None, **arguments: Any) -> Any:
    """The error that these bytes raise in a decoder."""
    with pytest.raises(mqtt.DecodeError) as caught:
        list(mqtt.Decoder(version, **arguments).feed(bytes.fromhex(data)))
    return caught.value


# Bytes that open a connection, and a server's answer.
REFUSALS = {
    "malformed 5.0": ("10 0d 0004 4d515454 05 03 003c 00 0000", "20 03 00 81 00"),
    "protocol error of 5.0": ("10 10 0004 4d515454 05 02 0000 03 16 0000 0000", "20 03 00 82 00"),
    "unknown name": ("10 0d 0004 4d515455 05 02 003c 00 0000", "20 02 00 01"),
    "level 6": ("10 0d 0004 4d515454 06 02 003c 00 0000", "20 02 00 01"),
    "a bridge's level": ("10 0e 0006 4d5149736470 83 02 0000 0000", "20 02 00 01"),
    "empty client identifier of 3.1.1": ("10 0c 0004 4d515454 04 00 003c 0000", "20 02 00 02"),
    "empty client identifier of 3.1": ("10 0e 0006 4d5149736470 03 02 0000 0000", "20 02 00 02"),
    "malformed 3.1.1": ("10 0c 0004 4d515454 04 03 003c 0000", ""),
    "no level yet": ("10 06 0004 4d515454", ""),
    "not a CONNECT": ("c0 00", ""),
    "no packet type": ("00 00", ""),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_server_refuses(mqtt: Any, case: str) -> None:
    data, answer = REFUSALS[case]
    assert mqtt.answer_to(error_of(mqtt, data)) == bytes.fromhex(answer)


def test_a_connack_that_lacks_the_code(mqtt: Any) -> None:
    error = mqtt.ProtocolError(reason_code=ReasonCode.TOPIC_ALIAS_INVALID, version=MQTTv5)
    assert mqtt.answer_to(error) == bytes.fromhex("20 03 00 82 00")
    assert mqtt.answer_to(error, accepted=True) == bytes.fromhex("e0 01 94")


@pytest.mark.parametrize("code", [0x00, 0x04, 0x18, 0x85, 300])
def test_a_code_that_is_no_failure_of_the_packet(mqtt: Any, code: int) -> None:
    """An error that other code creates may have any code. No answer accepts the connection."""
    error = mqtt.ProtocolError(reason_code=code, version=MQTTv5)
    refusal = 0x85 if code == 0x85 else 0x82  # CONNACK has this code, DISCONNECT does not.
    assert mqtt.answer_to(error) == bytes((0x20, 3, 0, refusal, 0))
    for role in Role:
        assert mqtt.answer_to(error, role=role, accepted=True) == bytes.fromhex("e0 01 82")


# Bytes on an accepted connection of 5.0, and the code of the DISCONNECT.
ENDS = {
    "malformed": ("30 03 0001 23", 0x81),
    "protocol error": ("30 03 0000 00", 0x82),
    "topic alias 0": ("30 08 0001 61 03 23 0000 00", 0x94),
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("case", ENDS)
def test_the_end_of_an_accepted_connection(mqtt: Any, case: str, role: Role, accepted: bool) -> None:
    data, code = ENDS[case]
    for version in (MQTTv31, MQTTv311, MQTTv5):
        if version != MQTTv5 and case == "topic alias 0":
            continue
        error = error_of(mqtt, data, version)
        answer = mqtt.answer_to(error, role=role, accepted=accepted)
        if version != MQTTv5:
            assert answer == b""
        elif role is Role.SERVER and not accepted:
            assert answer[:3] == b"\x20\x03\x00"
        else:
            assert answer == bytes((0xE0, 1, code))
            assert mqtt.decode(answer) == mqtt.Disconnect(code)


def test_too_large(mqtt: Any) -> None:
    error = error_of(mqtt, "30 7f", 5, max_packet_size=20)
    for role in Role:
        assert mqtt.answer_to(error, role=role, accepted=True) == bytes.fromhex("e0 01 95")
    assert mqtt.answer_to(error) == bytes.fromhex("20 03 00 95 00")
    # The version of a CONNECT that was not read is unknown.
    assert mqtt.answer_to(error_of(mqtt, "10 7f", max_packet_size=20)) == b""


def test_a_second_connect(mqtt: Any) -> None:
    decoder = mqtt.Decoder(role=Role.SERVER)
    connect = mqtt.encode(mqtt.Connect("c"))
    with pytest.raises(mqtt.ProtocolError) as caught:
        list(decoder.feed(connect * 2))
    assert mqtt.answer_to(caught.value, accepted=True) == bytes.fromhex("e0 01 82")


@pytest.mark.parametrize("code", range(1, 6))
def test_a_client_that_is_refused_by_an_earlier_version(mqtt: Any, code: int) -> None:
    """The client can fall back: nothing is sent, and the error has the return code."""
    error = error_of(mqtt, f"20 02 00 0{code}", 5, role=Role.CLIENT)
    assert type(error) is mqtt.UnsupportedVersionError
    assert error.return_code is ConnectReturnCode(code)
    assert (error.reason_code, error.version, error.packet_type) == (0x84, MQTTv5, PacketType.CONNACK)
    assert mqtt.answer_to(error, role=Role.CLIENT) == b""


@pytest.mark.parametrize("data", ["20 02 00 00", "20 02 01 00"])
def test_a_valid_connack_of_an_earlier_version(mqtt: Any, data: str) -> None:
    error = error_of(mqtt, data, 5)
    assert type(error) is mqtt.MalformedPacketError
    assert "this is a valid CONNACK of MQTT 3.1.1" in str(error)
    assert mqtt.decode(bytes.fromhex(data), 4)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("accepted", [True, False])
def test_the_other_side_takes_every_answer(mqtt: Any, role: Role, accepted: bool) -> None:
    other = Role.CLIENT if role is Role.SERVER else Role.SERVER
    for vector in vectors.ERRORS:
        with pytest.raises(mqtt.DecodeError) as caught:
            mqtt.decode(vectors.data(vector), vector["version"])
        answer = mqtt.answer_to(caught.value, role=role, accepted=accepted)
        if answer:
            version = MQTTv5 if len(answer) != 4 else MQTTv311
            assert len(list(mqtt.Decoder(version, role=other).feed(answer))) == 1


def test_what_it_does_not_take() -> None:
    with pytest.raises(TypeError, match="error must be a DecodeError, not ValueError"):
        answer_to(ValueError())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="role must be a Role, not str"):
        answer_to(error_with_code(), role="server")  # type: ignore[arg-type]


def error_with_code() -> Any:
    from mqttcodec import ProtocolError

    return ProtocolError(reason_code=ReasonCode.PROTOCOL_ERROR)
