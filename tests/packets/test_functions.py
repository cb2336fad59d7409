"""The functions: whole packets from and into buffers of any kind, and the errors for wrong arguments."""

from __future__ import annotations

import array
import itertools
from typing import Any

import pytest

import implementations
from mqttcodec import MQTTv5, MQTTv311
from samples import VERSIONS

PUBLISH = bytes.fromhex("3206 000161 0007 00")


@pytest.mark.parametrize("copied", [True, False])
def test_no_export_is_held(mqtt: Any, copied: bool) -> None:
    buffer = bytearray(PUBLISH)
    packet = mqtt.decode(buffer, copy=copied)
    if not copied:
        with pytest.raises(BufferError):
            buffer.append(0)
        packet.payload.release()
    del packet
    buffer.append(0)
    with pytest.raises(mqtt.MalformedPacketError):
        mqtt.decode(buffer, copy=copied)
    buffer.append(0)
    with pytest.raises(mqtt.IncompletePacketError):
        mqtt.decode(buffer[:3], copy=copied)
    buffer.append(0)
    mqtt.peek(buffer)
    buffer.append(0)


def test_views_of_the_callers_object(mqtt: Any) -> None:
    data = mqtt.encode(mqtt.Publish("a", b"payload", correlation_data=b"key"))
    for buffer in (data, memoryview(data), bytearray(data)):
        packet = mqtt.decode(buffer, copy=False)
        for view, content in ((packet.payload, b"payload"), (packet.correlation_data, b"key")):
            assert type(view) is memoryview
            assert view.readonly
            assert view == content
            assert view.obj is (buffer.obj if isinstance(buffer, memoryview) else buffer)
    connect = mqtt.encode(mqtt.Connect("c", password=b"secret", will=mqtt.Will("w", b"gone")))
    packet = mqtt.decode(connect, copy=False)
    assert (type(packet.password), type(packet.will.payload)) == (memoryview, memoryview)
    assert packet.password.obj is connect


def test_decode_is_one_packet(mqtt: Any) -> None:
    with pytest.raises(mqtt.MalformedPacketError) as caught:
        mqtt.decode(PUBLISH + PUBLISH)
    assert caught.value.offset == len(PUBLISH)
    with pytest.raises(mqtt.IncompletePacketError) as caught:
        mqtt.decode(PUBLISH[:-1])
    assert caught.value.reason_code is None


def test_decode_from(mqtt: Any) -> None:
    data = b"\xc0\x00" + PUBLISH + b"\xd0\x00"
    found, offset = [], 0
    while offset < len(data):
        packet, offset = mqtt.decode_from(data, offset)
        found.append(type(packet).__name__)
    assert found == ["PingReq", "Publish", "PingResp"]
    with pytest.raises(mqtt.IncompletePacketError):
        mqtt.decode_from(data, len(data))
    with pytest.raises(mqtt.MalformedPacketError) as caught:
        mqtt.decode_from(data + b"\xc0\x01\x00", len(data))
    assert caught.value.offset == 2


@pytest.mark.parametrize("function", ["decode_from", "peek"])
def test_offsets(mqtt: Any, function: str) -> None:
    call = getattr(mqtt, function)
    for offset in (-1, len(PUBLISH) + 1, 1 << 100):
        with pytest.raises(ValueError, match="offset must be 0 to 8, the size of the buffer"):
            call(PUBLISH, offset)
    with pytest.raises(TypeError, match="offset must be int, not str"):
        call(PUBLISH, "0")
    assert call(b"\0" + PUBLISH, True) == call(b"\0" + PUBLISH, 1)


def test_versions(mqtt: Any) -> None:
    assert mqtt.decode(b"\x30\x03\x00\x01a", 4) == mqtt.decode(b"\x30\x03\x00\x01a", MQTTv311)
    packet = mqtt.PingReq()
    for call in (
        lambda version: mqtt.decode(PUBLISH, version),
        lambda version: mqtt.decode_from(PUBLISH, 0, version),
        lambda version: mqtt.encode(packet, version),
        lambda version: mqtt.encode_many([packet], version),
        lambda version: mqtt.encode_into(packet, bytearray(9), 0, version),
        lambda version: mqtt.encode_parts(packet, version),
        lambda version: mqtt.encoded_size(packet, version),
        lambda version: mqtt.Decoder(version),
        lambda version: mqtt.Encoder(version),
    ):
        for version in (0, 2, 6, -3, 1 << 70, True):
            with pytest.raises(ValueError, match="version must be 3, 4 or 5"):
                call(version)
        for version in ("5", 5.0, b"5"):
            with pytest.raises(TypeError, match="version must be a ProtocolVersion"):
                call(version)


def test_connect_has_its_own_version(mqtt: Any) -> None:
    for protocol_version in VERSIONS:
        connect = mqtt.Connect("c", protocol_version=protocol_version)
        for version in VERSIONS:
            assert mqtt.decode(mqtt.encode(connect, version), version).protocol_version is protocol_version
    # The packets after it in the same batch have the given version.
    batch = mqtt.encode_many([mqtt.Connect("c", protocol_version=4), mqtt.Publish("a", content_type="t")], MQTTv5)
    assert batch.endswith(mqtt.encode(mqtt.Publish("a", content_type="t"), MQTTv5))


def test_peek(mqtt: Any) -> None:
    header = mqtt.peek(b"\x3b\x80\x01")
    assert header == (3, 0x0B, 128, 3, 131)
    assert header.packet_type is mqtt.PacketType.PUBLISH
    assert (header.flags, header.remaining_length, header.header_size, header.packet_size) == (0x0B, 128, 3, 131)
    assert mqtt.peek(b"\xff\x30\x00", 1).packet_type == 3
    assert mqtt.peek(b"\x30\xff\xff\xff\x7f").packet_size == 268_435_460
    for incomplete in (b"", b"\x30", b"\x30\x80", b"\x30\xff\xff\xff"):
        assert mqtt.peek(incomplete) is None
    assert mqtt.peek(b"\x00\x05").packet_type == 0
    assert mqtt.peek(b"\xff\x00").flags == 15
    for malformed, offset in ((b"\x30\x80\x80\x80\x80", 4), (b"\x30\x80\x00", 2)):
        with pytest.raises(mqtt.MalformedPacketError) as caught:
            mqtt.peek(malformed)
        assert caught.value.offset == offset


def test_encode_many_of_none_and_of_what_is_wrong(mqtt: Any) -> None:
    assert mqtt.encode_many([]) == b""
    with pytest.raises(TypeError):
        mqtt.encode_many(5)
    with pytest.raises(TypeError, match="packet must be one of this implementation's packets, not bytes"):
        mqtt.encode_many([b"packet"])
    with pytest.raises(mqtt.EncodeError):
        mqtt.encode_many([mqtt.PingReq(), mqtt.PubAck(0)])


def test_encode_parts_hands_back_the_payload(mqtt: Any) -> None:
    for payload in (b"x" * 9, bytearray(b"x" * 9), memoryview(b"x" * 9)):
        head, given = mqtt.encode_parts(mqtt.Publish("a", payload))
        assert given is payload
        assert mqtt.decode(head + payload) == mqtt.Publish("a", b"x" * 9)
    assert mqtt.encode_parts(mqtt.PingReq()) == (b"\xc0\x00", b"")


def test_encode_into_small_and_odd_buffers(mqtt: Any) -> None:
    packet = mqtt.Publish("a", b"xyz")
    size = mqtt.encoded_size(packet)
    for buffer, offset in ((bytearray(size - 1), 0), (bytearray(size), 1), (bytearray(), 0)):
        untouched = bytes(buffer)
        with pytest.raises(mqtt.EncodeError):
            mqtt.encode_into(packet, buffer, offset)
        assert buffer == untouched
    with pytest.raises(BufferError, match="buffer must be writable"):
        mqtt.encode_into(packet, bytes(size))
    with pytest.raises(ValueError, match="offset must be"):
        mqtt.encode_into(packet, bytearray(size), -1)
    with pytest.raises(TypeError, match="buffer must be a bytes-like object"):
        mqtt.encode_into(packet, "text")
    buffer = bytearray(size)
    with pytest.raises(mqtt.EncodeError):
        mqtt.encode_into(mqtt.Publish("a#"), buffer)
    assert buffer == bytes(size)
    buffer.append(0)
    values = array.array("B", bytes(size))
    assert mqtt.encode_into(packet, values) == size
    assert values.tobytes() == mqtt.encode(packet)


def test_encode_into_the_buffer_that_holds_the_payload(mqtt: Any) -> None:
    buffer = bytearray(b"0123456789" + bytes(10))
    packet = mqtt.Publish("a", memoryview(buffer)[:10])
    end = mqtt.encode_into(packet, buffer)
    packet.payload.release()
    assert mqtt.decode(buffer[:end]) == mqtt.Publish("a", b"0123456789")


@pytest.mark.skipif(len(implementations.ALL) < 2, reason="there is one implementation only")
def test_of_several_wrong_arguments_the_same_one_is_told() -> None:
    buffers = (1, b"", b"\xc0\0", b"\0", memoryview(b"abcd")[::2], b"\xc0\0\0", bytearray(2))
    versions = (MQTTv5, 4, 9, "x", None, 1 << 70)
    offsets = (0, 5, -1, "a", 1 << 80)

    def told(mqtt: Any, function: str, *arguments: Any, **options: Any) -> str:
        try:
            return repr(getattr(mqtt, function)(*arguments, **options))
        except Exception as error:
            return f"{type(error).__name__}: {error}"

    for buffer, version, copy in itertools.product(buffers, versions, (True, False)):
        one, other = (told(mqtt, "decode", buffer, version, copy=copy) for mqtt in implementations.ALL)
        assert one == other
        for offset in offsets:
            one, other = (told(mqtt, "decode_from", buffer, offset, version, copy=copy) for mqtt in implementations.ALL)
            assert one == other
    for buffer, version, offset in itertools.product(buffers, versions, offsets):
        one, other = (
            told(mqtt, "encode_into", mqtt.PingReq(), buffer, offset, version) for mqtt in implementations.ALL
        )
        assert one == other
    for function, version in itertools.product(("encode", "encode_parts", "encoded_size"), versions):
        one, other = (told(mqtt, function, None, version) for mqtt in implementations.ALL)
        assert one == other
