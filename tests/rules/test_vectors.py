"""Every vector is decoded by every function, with bytes after it and without its end, and encoded again."""

from __future__ import annotations

from typing import Any

import pytest

import vectors
from samples import plain

by_id = {"ids": lambda vector: vector["id"]}


def error_of(call: Any) -> dict[str, Any]:
    """The details that a vector gives for an error, taken from the error that a call raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011
        call()
    error: Any = caught.value
    return {
        "error": type(error).__name__,
        "reason_code": error.reason_code,
        "clause": error.clause,
        "offset": error.offset,
    }


def expected(vector: dict[str, Any]) -> dict[str, Any]:
    return {key: vector[key] for key in ("error", "reason_code", "clause", "offset")}


@pytest.mark.parametrize("vector", vectors.OK, **by_id)
def test_decoded(mqtt: Any, vector: dict[str, Any]) -> None:
    packet = mqtt.decode(vectors.data(vector), vector["version"])
    assert packet == vectors.packet(mqtt, vector["packet"])


@pytest.mark.parametrize("vector", vectors.OK, **by_id)
def test_encoded(mqtt: Any, vector: dict[str, Any]) -> None:
    data, version = vectors.data(vector), vector["version"]
    packet = vectors.packet(mqtt, vector["packet"])
    encoded = mqtt.encode(packet, version)
    if vector.get("canonical", True):
        assert encoded == data
    assert mqtt.decode(encoded, version) == packet
    assert mqtt.encode_many([packet, packet], version) == encoded * 2
    assert mqtt.encoded_size(packet, version) == len(encoded)
    head, payload = mqtt.encode_parts(packet, version)
    assert (type(head), head + payload) == (bytes, encoded)
    buffer = bytearray(b"\xff" * (len(encoded) + 2))
    assert mqtt.encode_into(packet, buffer, 1, version) == len(encoded) + 1
    assert buffer == b"\xff" + encoded + b"\xff"


@pytest.mark.parametrize("vector", vectors.OK, **by_id)
def test_cut_short_is_incomplete(mqtt: Any, vector: dict[str, Any]) -> None:
    data = vectors.data(vector)
    for size in range(len(data)) if len(data) < 1000 else (0, 1, 2, 5, 1000, len(data) - 1):
        with pytest.raises(mqtt.IncompletePacketError) as caught:
            mqtt.decode(data[:size], vector["version"])
        assert caught.value.offset == size


@pytest.mark.parametrize("vector", vectors.OK, **by_id)
def test_with_bytes_behind(mqtt: Any, vector: dict[str, Any]) -> None:
    data, version = vectors.data(vector), vector["version"]
    with pytest.raises(mqtt.MalformedPacketError) as caught:
        mqtt.decode(data + b"\xc0", version)
    assert caught.value.offset == len(data)
    packet, end = mqtt.decode_from(b"\xff\xff" + data + b"\xc0", 2, version)
    assert end == 2 + len(data)
    assert packet == mqtt.decode(data, version)


@pytest.mark.parametrize("vector", vectors.OK, **by_id)
def test_from_any_buffer(mqtt: Any, vector: dict[str, Any]) -> None:
    data, version = vectors.data(vector), vector["version"]
    packet = plain(mqtt.decode(data, version))
    for buffer in (bytearray(data), memoryview(data), memoryview(b"\0" + data + b"\0")[1:-1]):
        assert plain(mqtt.decode(buffer, version)) == packet
        assert mqtt.decode(buffer, version, copy=False) == mqtt.decode(data, version)


@pytest.mark.parametrize("vector", vectors.ERRORS, **by_id)
def test_refused(mqtt: Any, vector: dict[str, Any]) -> None:
    data, version = vectors.data(vector), vector["version"]
    assert error_of(lambda: mqtt.decode(data, version)) == expected(vector)
    assert error_of(lambda: mqtt.decode(bytearray(data), version, copy=False)) == expected(vector)
    if "decode_only" not in vector:
        assert error_of(lambda: mqtt.decode_from(b"\xff" + data, 1, version)) == expected(vector)


@pytest.mark.parametrize("vector", vectors.INCOMPLETE, **by_id)
def test_incomplete(mqtt: Any, vector: dict[str, Any]) -> None:
    data, version = vectors.data(vector), vector["version"]
    with pytest.raises(mqtt.IncompletePacketError) as caught:
        mqtt.decode(data, version)
    assert (caught.value.reason_code, caught.value.offset) == (None, len(data))
    decoder = mqtt.Decoder(version)
    assert list(decoder.feed(data)) == []
    assert decoder.pending == len(data)


@pytest.mark.parametrize("vector", vectors.STREAMS, **by_id)
def test_in_a_stream(mqtt: Any, vector: dict[str, Any]) -> None:
    decoder = vectors.decoder(mqtt, vector)

    def feed() -> list[Any]:
        return list(decoder.feed(vectors.data(vector)))

    if vector["expect"] == "ok":
        assert feed() == [vectors.packet(mqtt, vector["packet"])]
        assert decoder.version == vector["version"]
        assert decoder.pending == 0
    else:
        assert error_of(feed) == expected(vector)
        held = decoder.pending
        assert held in (0, len(vectors.data(vector)))  # Kept for `skip`, or not.
        assert error_of(feed) == expected(vector)
        assert decoder.pending == held


@pytest.mark.parametrize("vector", vectors.UNWRITABLE, **by_id)
def test_unwritable(mqtt: Any, vector: dict[str, Any]) -> None:
    """Packets that `decode` would reject, or that the version cannot carry, raise before anything is written."""
    packet, version = vectors.packet(mqtt, vector["packet"]), vector["version"]
    refused = {"error": "EncodeError", "reason_code": None, "clause": vector["clause"], "offset": None}
    encoder = mqtt.Encoder(version, max_packet_size=vector.get("max_packet_size", 1 << 30))
    if "buffer" not in vector:
        assert error_of(lambda: encoder.write(packet)) == refused
        assert encoder.take() == b""
    if "max_packet_size" in vector:
        return
    untouched = b"\xff" * vector.get("buffer", 200_000)
    buffer = bytearray(untouched)
    assert error_of(lambda: mqtt.encode_into(packet, buffer, 0, version)) == refused
    assert buffer == untouched
    if "buffer" not in vector:
        for function in (mqtt.encode, mqtt.encode_parts, mqtt.encoded_size):
            assert error_of(lambda function=function: function(packet, version)) == refused
        assert error_of(lambda: mqtt.encode_many([mqtt.PingReq(), packet], version)) == refused


def level_of(data: bytes) -> int | None:
    """The version of a CONNECT, from its protocol name and level; None for an unsupported version."""
    start = next(at for at in range(1, len(data)) if data[at] < 0x80) + 1
    for name, levels in ((b"\0\4MQTT", (4, 5)), (b"\0\6MQIsdp", (3,))):
        level = data[start + len(name) : start + len(name) + 1]
        if data[start:].startswith(name) and level and level[0] in levels:
            return level[0]
    return None


def version_of_connect(data: bytes, error: Any) -> int | None:
    """The version that an error reports for a CONNECT that opens a connection; None for a fault in the fixed header."""
    return None if error.offset is not None and error.offset <= 2 else level_of(data)


@pytest.mark.parametrize("vector", vectors.ERRORS, **by_id)
def test_errors_know_version_and_packet(mqtt: Any, vector: dict[str, Any]) -> None:
    data, version = vectors.data(vector), vector["version"]
    with pytest.raises(mqtt.DecodeError) as caught:
        mqtt.decode(data, version)
    error = caught.value
    assert error.packet_type == (mqtt.PacketType(data[0] >> 4) if data[0] >> 4 else None)
    if data[0] >> 4 == mqtt.PacketType.CONNECT:
        assert error.version == version_of_connect(data, error)
    else:
        assert error.version is mqtt.ProtocolVersion(version)
    if type(error) is mqtt.UnsupportedVersionError:
        is_connack = data[0] >> 4 == mqtt.PacketType.CONNACK
        assert error.return_code == (mqtt.ConnectReturnCode(data[3]) if is_connack else None)


@pytest.mark.parametrize("vector", [vector for vector in vectors.STREAMS if vector["expect"] == "error"], **by_id)
def test_errors_of_a_stream_know_version_and_packet(mqtt: Any, vector: dict[str, Any]) -> None:
    decoder, data = vectors.decoder(mqtt, vector), vectors.data(vector)
    before = decoder.version
    with pytest.raises(mqtt.DecodeError) as caught:
        list(decoder.feed(data))
    first = data[0] >> 4
    assert caught.value.packet_type == (mqtt.PacketType(first) if first else None)
    if before is None and first == mqtt.PacketType.CONNECT:
        assert caught.value.version == version_of_connect(data, caught.value)
    else:
        assert caught.value.version == before


def test_errors_before_there_is_a_packet(mqtt: Any) -> None:
    for version in (3, 4, 5):
        with pytest.raises(mqtt.IncompletePacketError) as caught:
            mqtt.decode(b"", version)
        assert (caught.value.version, caught.value.packet_type) == (version, None)
    with pytest.raises(mqtt.MalformedPacketError) as caught:
        mqtt.peek(b"\x30\x80\x00")
    assert (caught.value.version, caught.value.packet_type) == (None, mqtt.PacketType.PUBLISH)
    for make, version in ((mqtt.Decoder, None), (lambda: mqtt.Decoder(5), 5)):
        with pytest.raises(mqtt.PacketTooLargeError) as caught:
            decoder = make()
            decoder.__init__(decoder.version, max_packet_size=10)
            list(decoder.feed(b"\x10\x7f"))
        assert (caught.value.version, caught.value.packet_type) == (version, mqtt.PacketType.CONNECT)
