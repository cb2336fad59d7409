"""Every vector, decoded whole, in pieces and with bytes behind it, and encoded again."""

from __future__ import annotations

from typing import Any

import pytest

import vectors
from mqttcodec import PacketType
from samples import plain

by_id = {"ids": lambda vector: vector["id"]}


def error_of(call: Any) -> dict[str, Any]:
    """What a vector says of an error, of the one that a call raises."""
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


def decoder_for(mqtt: Any, vector: dict[str, Any]) -> Any:
    """A decoder that takes the vector's version from its CONNECT, or is told."""
    is_connect = vector["hex"][:1] == "1"
    return mqtt.Decoder(None if is_connect else vector["version"])


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
    assert mqtt.encoded_size(packet, version) == len(encoded)
    assert b"".join(mqtt.encode_parts(packet, version)) == encoded


@pytest.mark.parametrize("vector", vectors.OK, **by_id)
def test_in_any_pieces(mqtt: Any, vector: dict[str, Any]) -> None:
    data = vectors.data(vector)
    whole = [plain(mqtt.decode(data, vector["version"]))]
    for cut in range(1, len(data)):
        decoder = decoder_for(mqtt, vector)
        found = [plain(packet) for piece in (data[:cut], data[cut:]) for packet in decoder.feed(piece)]
        assert found == whole, f"cut at {cut}"
        assert decoder.pending == 0
    decoder = decoder_for(mqtt, vector)
    assert [plain(packet) for byte in data for packet in decoder.feed(bytes((byte,)))] == whole


@pytest.mark.parametrize("vector", vectors.OK, **by_id)
def test_cut_short_is_incomplete(mqtt: Any, vector: dict[str, Any]) -> None:
    data = vectors.data(vector)
    for size in range(len(data)):
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


@pytest.mark.parametrize("vector", vectors.ERRORS, **by_id)
def test_refused_in_pieces(mqtt: Any, vector: dict[str, Any]) -> None:
    data = vectors.data(vector)
    is_connect = data[0] >> 4 == PacketType.CONNECT
    for size in (1, 2, 3, len(data)):
        decoder = mqtt.Decoder(None if is_connect and data[0] == 0x10 else vector["version"])

        def feed(decoder: Any = decoder, size: int = size) -> None:
            for begin in range(0, len(data), size):
                assert list(decoder.feed(data[begin : begin + size])) == []

        error = error_of(feed)
        if is_connect:  # The clause is that of the version, which a decoder does not know yet.
            error["clause"] = expected(vector)["clause"]
        assert error == expected(vector)
        assert decoder.pending == 0


@pytest.mark.parametrize("vector", vectors.INCOMPLETE, **by_id)
def test_incomplete(mqtt: Any, vector: dict[str, Any]) -> None:
    data, version = vectors.data(vector), vector["version"]
    with pytest.raises(mqtt.IncompletePacketError) as caught:
        mqtt.decode(data, version)
    assert (caught.value.reason_code, caught.value.offset) == (None, len(data))
    decoder = mqtt.Decoder(version)
    assert list(decoder.feed(data)) == []
    assert decoder.pending == len(data)
