"""Inputs that attack a reader: `adversarial.jsonl`, each with the bound that must hold.

`hex` is the input, or `gen` generates it. `expect` and `reason_code` give the result, `bound` an additional condition.
Each bound has a test that is named after its line, unless it only repeats `expect`. Other files test memory and limits
(A01 to A05, A28, A35) and the absence of recursion (A18): `test_memory.py`; leaks (A22): `test_leaks.py`; linear work
(A05, A06, A28 to A30): `test_linear_work.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import vectors
from octets import framed as pk
from octets import string as s
from octets import variable_integer as vbi
from samples import VERSIONS, outcome
from statements import rows

INPUTS = {line["id"]: line for line in vectors.ADVERSARIAL}


def data_of(name: str) -> bytes:
    line = INPUTS[name]
    data = bytes.fromhex(line["hex"]) if "hex" in line else eval(line["gen"], {"pk": pk, "s": s, "vbi": vbi})
    assert len(data) == line["bytes"]
    return data


def of(*expectations: str) -> list[str]:
    return [name for name, line in INPUTS.items() if line["expect"] in expectations]


def all_from(mqtt: Any, data: Any, version: int) -> list[Any]:
    """The packets that `decode_from` finds, one after the other."""
    packets, offset = [], 0
    while offset < len(data):
        packet, offset = mqtt.decode_from(data, offset, version)
        packets.append(packet)
    return packets


def refused_at(mqtt: Any, decoder: Any, data: bytes) -> int:
    """The number of bytes, fed one by one, after which the decoder raises."""
    for size in range(len(data)):
        try:
            assert list(decoder.feed(data[size : size + 1])) == []
        except mqtt.DecodeError:
            return size + 1
    pytest.fail("the decoder waits for more")


@pytest.mark.parametrize("name", of("ok", "error", "incomplete"))
def test_expected(mqtt: Any, name: str, full: bool) -> None:
    """`decode_from`, and a decoder that gets the input whole, treat bytes like any other buffer."""
    line, original = INPUTS[name], data_of(name)
    version = line["version"]
    everything = full or len(original) < 100_000
    for data in (original, bytearray(original)) if everything else (bytearray(original),):
        decoder = mqtt.Decoder(version)
        if line["expect"] == "ok":
            packets = list(decoder.feed(data))
            assert packets
            assert decoder.pending == 0
            assert not everything or all_from(mqtt, data, version) == packets
        elif line["expect"] == "incomplete":
            assert list(decoder.feed(data)) == []
            assert decoder.pending == len(data)
            with pytest.raises(mqtt.IncompletePacketError):
                mqtt.decode(data, version)
        else:
            for call in (lambda: list(decoder.feed(data)), lambda: all_from(mqtt, data, version)):
                with pytest.raises((mqtt.MalformedPacketError, mqtt.ProtocolError)) as caught:
                    call()
                assert caught.value.reason_code == line["reason_code"]


def test_a08_the_neighbours_bytes_stay_where_they_are(mqtt: Any) -> None:
    """Bytes after a packet change neither the packet nor the text and details of an error."""
    data = data_of("A08")
    size = mqtt.peek(data).packet_size
    assert data.endswith(b"SECRET")
    publish = pk(0x30, s("a") + b"x")
    for packet, neighbours in ((data[:size], data[size:]), (publish, b"SECRET")):
        for copied in (True, False):
            for call in (
                lambda buffer: mqtt.decode_from(buffer, 0, 4, copy=copied)[0],
                lambda buffer: mqtt.decode_from(bytearray(buffer), 0, 4, copy=copied)[0],
                lambda buffer: mqtt.decode(memoryview(buffer)[: len(packet)], 4, copy=copied),
                lambda buffer: next(mqtt.Decoder(4, copy=copied).feed(buffer)),
                lambda buffer: next(mqtt.Decoder(4, copy=copied).feed(bytearray(buffer))),
            ):
                found = [outcome(lambda: call(packet + other)) for other in (neighbours, neighbours[::-1], bytes(6))]
                assert found[0] == found[1] == found[2]
                assert "SECRET" not in str(found)


def test_a11_the_fifth_length_byte_is_not_waited_for(mqtt: Any) -> None:
    for version in (None, 4):
        data = data_of("A11") if version else b"\x10" + data_of("A11")[1:]
        assert refused_at(mqtt, mqtt.Decoder(version), data) == 5
    with pytest.raises(mqtt.MalformedPacketError):
        mqtt.decode(data_of("A11")[:5], 4)
    with pytest.raises(mqtt.MalformedPacketError):
        mqtt.peek(data_of("A11")[:5])


def test_a21_fields_are_defaults(mqtt: Any) -> None:
    packet = mqtt.decode(data_of("A21"))
    assert packet == mqtt.Auth()
    assert packet.reason_code is mqtt.ReasonCode.SUCCESS
    assert (packet.authentication_method, packet.authentication_data, packet.reason_string) == (None, None, None)
    assert packet.user_properties == ()


def text_fields(mqtt: Any, types: tuple[str, ...]) -> Iterator[tuple[str, Callable[[Any, int], Any]]]:
    """Every field of 5.0 that holds a string or binary data: its name, and a packet with a value in it."""
    filters = (mqtt.Subscription("a"),)
    if "UTF-8 String" in types:
        yield "client_id", lambda value, version: mqtt.Connect(value, protocol_version=version)
        yield "username", lambda value, version: mqtt.Connect("c", username=value, protocol_version=version)
        yield "will.topic", lambda value, version: mqtt.Connect("c", will=mqtt.Will(value), protocol_version=version)
        yield "topic", lambda value, version: mqtt.Publish(value)
        yield "topic_filter", lambda value, version: mqtt.Subscribe(1, (*filters, mqtt.Subscription(value)))
        yield "topic_filters", lambda value, version: mqtt.Unsubscribe(1, ("a", value))
    if "Binary Data" in types:
        yield (
            "password",
            lambda value, version: mqtt.Connect("c", username="u", password=value, protocol_version=version),
        )
        yield (
            "will.payload",
            lambda value, version: mqtt.Connect("c", will=mqtt.Will("w", value), protocol_version=version),
        )
    holders: dict[str, Callable[..., Any]] = {
        "CONNECT": mqtt.Connect,
        "WILL": lambda **fields: mqtt.Connect(will=mqtt.Will("w", **fields)),
        "CONNACK": mqtt.ConnAck,
        "PUBLISH": lambda **fields: mqtt.Publish("a", **fields),
        "PUBACK": lambda **fields: mqtt.PubAck(1, **fields),
        "PUBREC": lambda **fields: mqtt.PubRec(1, **fields),
        "PUBREL": lambda **fields: mqtt.PubRel(1, **fields),
        "PUBCOMP": lambda **fields: mqtt.PubComp(1, **fields),
        "SUBSCRIBE": lambda **fields: mqtt.Subscribe(1, filters, **fields),
        "SUBACK": lambda **fields: mqtt.SubAck(1, (0,), **fields),
        "UNSUBSCRIBE": lambda **fields: mqtt.Unsubscribe(1, ("a",), **fields),
        "UNSUBACK": lambda **fields: mqtt.UnsubAck(1, (0,), **fields),
        "DISCONNECT": mqtt.Disconnect,
        "AUTH": lambda **fields: mqtt.Auth(0x18, **{"authentication_method": "m", **fields}),
    }
    for row in rows("properties.tsv"):
        if row["type"] not in types:
            continue
        field = row["name"].lower().replace(" ", "_")
        for place in row["allowed_packets"].split(","):
            make = holders[place]
            beside = {"authentication_method": "m"} if field == "authentication_data" else {}
            if row["type"] == "UTF-8 String Pair":
                yield f"name of a {place} property", lambda value, _, make=make: make(user_properties=((value, "v"),))
                yield f"value of a {place} property", lambda value, _, make=make: make(user_properties=(("n", value),))
            else:
                yield (
                    f"{place} {field}",
                    lambda value, _, make=make, field=field, beside=beside: make(**{**beside, field: value}),
                )


STRINGS = ("UTF-8 String", "UTF-8 String Pair")
BEFORE_5 = ("client_id", "username", "will.topic", "topic", "topic_filter", "topic_filters", "password", "will.payload")


def assert_nothing_is_written(mqtt: Any, packet: Any, version: int) -> None:
    untouched = b"\xaa" * 150_000
    buffer = bytearray(untouched)
    for call in (
        lambda: mqtt.encode(packet, version),
        lambda: mqtt.encode_many([mqtt.PingReq(), packet], version),
        lambda: mqtt.encode_parts(packet, version),
        lambda: mqtt.encode_into(packet, buffer, 0, version),
    ):
        with pytest.raises(mqtt.EncodeError):
            call()
    assert buffer == untouched


@pytest.mark.parametrize("version", VERSIONS)
def test_a24_no_null_character_is_written(mqtt: Any, version: int) -> None:
    tried = 0
    for name, make in text_fields(mqtt, STRINGS):
        if version == 5 or name in BEFORE_5:
            for value in ("a\0b", "\0", "a" * 200 + "\0"):
                assert_nothing_is_written(mqtt, make(value, version), version)
            assert mqtt.encode(make("ab", version), version)
            tried += 1
    # 6 fields; in 5.0 also the string properties of Table 2-4, in each place, a pair twice.
    assert tried == (6 if version < 5 else 6 + 20 + 2 * 14)


def test_a25_only_documented_errors(mqtt: Any) -> None:
    """The input, and all inputs that differ from it in one byte."""
    data = data_of("A25")
    found = set()
    for at in range(len(data)):
        for byte in range(256):
            changed = data[:at] + bytes((byte,)) + data[at + 1 :]
            for call in (
                lambda: mqtt.decode(changed),
                lambda: mqtt.decode(bytearray(changed), 4, copy=False),
                lambda: list(mqtt.Decoder(5).feed(changed)),
                lambda: mqtt.peek(changed),
            ):
                try:
                    call()
                except mqtt.DecodeError as error:
                    found.add(type(error))
    assert found == {
        mqtt.IncompletePacketError,
        mqtt.MalformedPacketError,
        mqtt.ProtocolError,
        mqtt.UnsupportedVersionError,
    }


@pytest.mark.parametrize("name", ["A07", "A09", "A14", "A26"])
def test_a26_a_whole_packet_is_never_incomplete(mqtt: Any, name: str) -> None:
    """A field that ends after its packet is rejected with the last byte of the packet."""
    version, data = INPUTS[name]["version"], data_of(name)
    assert refused_at(mqtt, mqtt.Decoder(version), data) == len(data)
    for size in range(1, len(data)):
        with pytest.raises(mqtt.IncompletePacketError):
            mqtt.decode(data[:size], version)
    with pytest.raises(mqtt.MalformedPacketError):
        mqtt.decode(data, version)
    with pytest.raises(mqtt.MalformedPacketError):
        mqtt.decode_from(data + bytes(70_000), 0, version)


def test_a32_a_payload_that_is_not_the_text_it_says(mqtt: Any) -> None:
    packet = mqtt.decode(data_of("A32"))
    assert packet == mqtt.Publish("t", b"\xff", payload_format_indicator=1)
    assert mqtt.encode(packet) == data_of("A32")


@pytest.mark.parametrize("name", ["A20", "A33", "A37", "A38"])
@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_refused_at_its_first_byte(mqtt: Any, name: str, version: int | None) -> None:
    """A33, A37 and A38 expect this. A20 also has wrong flags."""
    data = data_of(name)
    assert refused_at(mqtt, mqtt.Decoder(version), data) == 1
    with pytest.raises(mqtt.MalformedPacketError) as caught:
        mqtt.decode(data[:1], version or 5)
    assert caught.value.offset == 0


@pytest.mark.parametrize("version", [4, 5])
def test_a34_sixteen_bits_do_not_wrap(mqtt: Any, version: int) -> None:
    tried = 0
    for types, letter in ((STRINGS, "x"), (("Binary Data",), b"x")):
        for name, make in text_fields(mqtt, types):
            if version == 5 or name in BEFORE_5:
                for size in (65_536, 65_537, 131_072):
                    assert_nothing_is_written(mqtt, make(letter * size, version), version)
                packet = make(letter * 65_535, version)
                assert mqtt.decode(mqtt.encode(packet, version), version) == packet
                tried += 1
    assert tried == (8 if version < 5 else 8 + 20 + 2 * 14 + 5)


def test_a36_an_odd_sequence(mqtt: Any) -> None:
    """A PUBCOMP without a PUBLISH is a matter for the session."""
    data = data_of("A36")
    connect = mqtt.Connect("F8cZpwP4cdSh", False, 13_468, "Asi7EbfPL9jWqN71ecZ", protocol_version=4)
    expected = [connect, mqtt.PubComp(0x1E11)]
    assert all_from(mqtt, data, 4) == expected
    decoder = mqtt.Decoder()
    assert list(decoder.feed(data)) == expected
    assert list(decoder.feed(data[-4:] * 3)) == [mqtt.PubComp(0x1E11)] * 3
