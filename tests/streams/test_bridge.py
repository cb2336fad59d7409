"""The CONNECT of a bridge: bit 7 of the protocol level, in 3.1 and 3.1.1. `Decoder(bridge=True)` accepts it."""

from __future__ import annotations

from typing import Any

import pytest

from mqttcodec import MQTTv5, MQTTv31, MQTTv311

# By version: a CONNECT up to the protocol level, and its rest.
STARTS = {
    MQTTv31: bytes.fromhex("10 0f 0006 4d5149736470"),
    MQTTv311: bytes.fromhex("10 0d 0004 4d515454"),
    MQTTv5: bytes.fromhex("10 0e 0004 4d515454"),
}
REST = {MQTTv31: bytes.fromhex("02 003c 0001 62"), MQTTv311: bytes.fromhex("02 003c 0001 62")}
REST[MQTTv5] = bytes.fromhex("02 003c 00 0001 62")

each_version = pytest.mark.parametrize("version", [MQTTv31, MQTTv311])


def connect(version: int, level: int) -> bytes:
    return STARTS[version] + bytes((level,)) + REST[version]


@each_version
def test_accepted(mqtt: Any, version: int) -> None:
    data = connect(version, version | 0x80)
    expected = mqtt.Connect("b", protocol_version=version, bridge=True)
    for given in (None, version):
        for size in (1, 5, len(data)):
            for copy in (True, False):
                decoder = mqtt.Decoder(given, bridge=True, copy=copy)
                found = [one for at in range(0, len(data), size) for one in decoder.feed(data[at : at + size])]
                assert found == [expected]
                assert found[0].bridge is True
                assert found[0].protocol_version is version
                assert decoder.version is version
    assert mqtt.encode(expected) == data
    assert repr(expected).endswith("bridge=True)")
    assert expected != expected.replace(bridge=False)


@pytest.mark.parametrize("version", STARTS)
def test_an_ordinary_client(mqtt: Any, version: int) -> None:
    data = connect(version, version)
    for packet in (mqtt.decode(data), *mqtt.Decoder(bridge=True).feed(data), *mqtt.Decoder().feed(data)):
        assert packet == mqtt.Connect("b", protocol_version=version)
        assert packet.bridge is False


@each_version
def test_refused_without_the_option(mqtt: Any, version: int) -> None:
    """The error names the option. A server answers 0x01, after which a bridge tries the level without the bit."""
    data = connect(version, version | 0x80)
    title = {MQTTv31: "MQTT 3.1", MQTTv311: "MQTT 3.1.1"}[version]
    for call in (
        lambda: mqtt.decode(data, version),
        lambda: mqtt.decode_from(bytearray(data)),
        lambda: list(mqtt.Decoder().feed(data)),
        lambda: list(mqtt.Decoder(version).feed(data)),
    ):
        with pytest.raises(mqtt.UnsupportedVersionError) as caught:
            call()
        at = len(STARTS[version])
        assert str(caught.value) == (
            f"protocol level {version | 0x80} is that of an {title} bridge; Decoder(bridge=True) accepts it, "
            f"at byte {at} [MQTT-3.1.2-2]"
        )
        assert (caught.value.offset, caught.value.reason_code, caught.value.clause) == (at, 0x84, "MQTT-3.1.2-2")
        assert mqtt.answer_to(caught.value) == bytes.fromhex("20 02 00 01")


@pytest.mark.parametrize(
    ("version", "level"),
    [(5, 0x85), (4, 0x83), (3, 0x84), (3, 0x85), (4, 0x80), (4, 0xFF), (4, 0x04 | 0x40), (4, 0x82), (4, 0x86)],
)
@pytest.mark.parametrize("bridge", [True, False])
def test_other_levels(mqtt: Any, version: Any, level: int, bridge: bool) -> None:
    """5.0 has no bridges, and the name must match the level."""
    data = connect(version, level)
    with pytest.raises(mqtt.UnsupportedVersionError) as caught:
        list(mqtt.Decoder(bridge=bridge).feed(data))
    assert str(caught.value) == (
        f"protocol level must be 4 or 5 for 'MQTT' and 3 for 'MQIsdp', not {level}, "
        f"at byte {len(STARTS[version])} [MQTT-3.1.2-2]"
    )


def test_the_rest_of_the_rules_hold(mqtt: Any) -> None:
    for data, clause in (
        (bytes.fromhex("10 0c 0004 4d515454 84 01 003c 0000"), "MQTT-3.1.2-3"),
        (bytes.fromhex("10 0c 0004 4d515454 84 00 003c 0000"), "MQTT-3.1.3-8"),
        (bytes.fromhex("10 0e 0006 4d5149736470 83 02 003c 0000"), "U27"),
    ):
        with pytest.raises(mqtt.DecodeError) as caught:
            list(mqtt.Decoder(bridge=True).feed(data))
        assert caught.value.clause == clause
        assert caught.value.version in (MQTTv31, MQTTv311)


def test_encoding(mqtt: Any) -> None:
    assert list(mqtt.Connect.__match_args__)[-2:] == ["protocol_version", "bridge"]
    packet = mqtt.Connect("b", True, 60, None, None, None, 5, True)
    for call in (mqtt.encode, mqtt.encode_parts, mqtt.encoded_size, lambda packet: mqtt.encode_many([packet])):
        with pytest.raises(mqtt.EncodeError, match=r"^MQTT 5\.0 does not support bridge$"):
            call(packet)
    with pytest.raises(TypeError, match="bridge must be bool, not str"):
        mqtt.encode(packet.replace(protocol_version=4, bridge="yes"))
    with pytest.raises(mqtt.EncodeError, match="bridge must be 0 or 1, not 2"):
        mqtt.encode(packet.replace(protocol_version=4, bridge=2))
    # The CONNECT does not depend on the version of the connection.
    packet = packet.replace(protocol_version=4)
    assert mqtt.encode(packet, 5) == mqtt.encode(packet, 3) == connect(MQTTv311, 0x84)
    assert mqtt.encode(packet.replace(bridge=1)) == connect(MQTTv311, 0x84)
    assert mqtt.encoded_size(packet) == len(connect(MQTTv311, 0x84))
