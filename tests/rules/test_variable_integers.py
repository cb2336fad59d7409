"""Variable Byte Integers (1.5.5), compared with the two algorithms of the standard, which are transcribed here.

There are four of them: Remaining Length, Property Length, Property Identifier and Subscription Identifier.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from octets import Fault, Value, framed, variable_integer
from octets import read_variable_integer as read
from samples import SEED

# Table 1-1: the smallest and largest value for each number of bytes.
BORDERS = {
    0: "00",
    127: "7f",
    128: "80 01",
    16_383: "ff 7f",
    16_384: "80 80 01",
    2_097_151: "ff ff 7f",
    2_097_152: "80 80 80 01",
    268_435_455: "ff ff ff 7f",
}
GREATEST = 268_435_455
TELLING_BYTES = b"\x00\x01\x7f\x80\x81\xff"


def answer(mqtt: Any, call: Callable[[], Any]) -> Any:
    """The result of a call, or the class, reason code, clause and offset of its error."""
    try:
        return call()
    except mqtt.MQTTError as error:
        return type(error).__name__, error.reason_code, error.clause, error.offset


def malformed(clause: str | None, offset: int) -> tuple[str, int, str | None, int]:
    return "MalformedPacketError", 0x81, clause, offset


def one_and_two_bytes() -> Iterator[bytes]:
    for first in range(256):
        yield bytes((first,))
        for second in range(256):
            yield bytes((first, second))


def telling_sequences() -> Iterator[bytes]:
    for size in range(1, 6):
        yield from map(bytes, itertools.product(TELLING_BYTES, repeat=size))


def sampled_sequences(count: int) -> Iterator[bytes]:
    """Three to five bytes each. Most are significant values, and most have the continuation bit."""
    print(f"MQTTCODEC_SEED={SEED}")
    rng = random.Random(SEED)
    population = bytes(range(256)) + TELLING_BYTES * 80 + b"\x80\x81\xff" * 200
    for _ in range(count):
        yield bytes(rng.choices(population, k=rng.choice((3, 4, 4, 5))))


def integers(samples: int, *, every_pair: bool) -> Iterator[bytes]:
    """Valid and invalid integers, with nothing after them. The last byte of some has the continuation bit."""
    for sequence in itertools.chain(one_and_two_bytes(), telling_sequences()):
        if sequence == first_integer(sequence) and (every_pair or sequence[-1] in TELLING_BYTES):
            yield sequence
    yield from map(first_integer, sampled_sequences(samples))


def first_integer(sequence: bytes) -> bytes:
    """A sequence up to the end of the integer at its start, if it contains that end."""
    for at, octet in enumerate(sequence):
        if octet < 128:
            return sequence[: at + 1]
    return sequence


def assert_varied(kinds: Counter[str]) -> None:
    """Check that the inputs contained every kind of integer, and more than once."""
    assert set(kinds) == {"Value", "not shortest", "too long", "None"}
    assert min(kinds.values()) > 100


def kind_of(found: Value | Fault | None) -> str:
    return found.kind if isinstance(found, Fault) else type(found).__name__.removesuffix("Type")


def test_transcription() -> None:
    for value, encoded in BORDERS.items():
        assert variable_integer(value) == bytes.fromhex(encoded)
        assert read(bytes.fromhex(encoded)) == (value, len(variable_integer(value)))
    assert read(b"\x80\x00") == ("not shortest", 1)
    assert read(b"\xff\xff\xff\x80\x01") == ("too long", 3)
    assert read(b"\xff\xff\xff") is None


# --- Remaining Length (2.1.4).


@pytest.mark.parametrize("value", BORDERS)
def test_remaining_length_at_its_borders(mqtt: Any, value: int) -> None:
    encoded = bytes.fromhex(BORDERS[value])
    header_size = 1 + len(encoded)
    header = mqtt.peek(b"\x30" + encoded)
    assert header == (mqtt.PacketType.PUBLISH, 0, value, header_size, header_size + value)
    if value == 0:
        assert mqtt.decode(b"\xc0" + encoded) == mqtt.PingReq()
        assert mqtt.encode(mqtt.PingReq()) == b"\xc0" + encoded
        return
    # The largest payload is never touched, so it takes no memory.
    publish = mqtt.Publish("t", bytes(value - 3))
    head = b"\x30" + encoded + b"\x00\x01t"
    assert mqtt.encode_parts(publish, 4)[0] == head
    assert mqtt.encoded_size(publish, 4) == header_size + value
    decoder = mqtt.Decoder(4)
    assert list(decoder.feed(b"\x30" + encoded)) == []
    assert decoder.pending == header_size
    if value < GREATEST:
        data = head + publish.payload
        assert mqtt.encode(publish, 4) == data
        assert mqtt.decode(data, 4) == publish
        assert list(decoder.feed(data[header_size:])) == [publish]


def test_remaining_length_beyond_the_greatest(mqtt: Any) -> None:
    for version, head_size in ((3, 3), (4, 3), (5, 4)):
        publish = mqtt.Publish("t", bytes(GREATEST + 1 - head_size))
        for function in (mqtt.encode, mqtt.encode_parts, mqtt.encoded_size):
            assert answer(mqtt, lambda: function(publish, version)) == ("EncodeError", None, "U36", None)


def test_remaining_length_read(mqtt: Any, full: bool) -> None:
    """With `peek`, which checks only the length."""
    kinds: Counter[str] = Counter()
    samples = sampled_sequences(1_000_000 if full else 30_000)
    for number, sequence in enumerate(itertools.chain(one_and_two_bytes(), telling_sequences(), samples)):
        found = read(sequence)
        kinds[kind_of(found)] += 1
        expected: Any = None
        if isinstance(found, Fault):
            clause = "U01" if found.kind == "too long" else "MQTT-1.5.5-1"
            expected = malformed(clause, 1 + found.at)
        elif found is not None:
            expected = (3, 2, found.value, 1 + found.size, 1 + found.size + found.value)
        start = number % 4
        buffer = b"\xff" * start + b"\x32" + sequence
        assert answer(mqtt, lambda: mqtt.peek(buffer, start)) == expected, sequence.hex(" ")
    assert_varied(kinds)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_remaining_length_decoded(mqtt: Any, full: bool, version: int) -> None:
    """With `decode`, and with a `Decoder` that gets one byte at a time and must raise at the faulty byte."""
    for sequence in integers(100_000, every_pair=True) if full else map(first_integer, telling_sequences()):
        data = b"\xc0" + sequence
        found = read(sequence)
        if isinstance(found, Fault):
            # 3.1.1 has no such clause about the shortest form.
            clause = "U01" if found.kind == "too long" else "MQTT-1.5.5-1" if version == 5 else None
            expected: Any = malformed(clause, 1 + found.at)
            decoded = expected
            complete = found.at + 1
        elif found and found.value == 0:
            expected, decoded, complete = mqtt.PingReq(), [mqtt.PingReq()], len(sequence)
        else:
            expected, decoded, complete = ("IncompletePacketError", None, None, len(data)), [], len(sequence)
        assert answer(mqtt, lambda: mqtt.decode(data, version)) == expected, sequence.hex(" ")
        decoder = mqtt.Decoder(version)
        for size in range(complete):
            assert list(decoder.feed(data[size : size + 1])) == [], sequence.hex(" ")
            assert decoder.pending == size + 1
        last = data[complete : complete + 1]
        assert answer(mqtt, lambda: list(decoder.feed(last))) == decoded, sequence.hex(" ")


def test_remaining_length_written(mqtt: Any, full: bool) -> None:
    lengths = [*range(20_000), *range(2_097_100, 2_097_200), *range(GREATEST - 10, GREATEST + 1)]
    if full:
        lengths += range(20_000, 300_000)
    payload = memoryview(bytes(GREATEST))
    for length in lengths[3:]:
        head, _ = mqtt.encode_parts(mqtt.Publish("t", payload[: length - 3]), 4)
        assert head == b"\x30" + variable_integer(length) + b"\x00\x01t"


# --- Property Length (2.2.2.1) and Property Identifier (2.2.2.2).

# The first byte, and the bytes before the properties, of packets that may end after them.
PLACES = {"PUBLISH": (0x30, b"\x00\x01t"), "PUBACK": (0x40, b"\x00\x01\x00")}


def property_list(size: int) -> bytes:
    """User properties that take 0 bytes, or any number from 5 on."""
    listed = b""
    while size:
        one = min(size, 65_540)
        if 0 < size - one < 5:
            one -= 5  # The remaining bytes form one property.
        listed += b"\x26\x00\x00" + (one - 5).to_bytes(2, "big") + b"v" * (one - 5)
        size -= one
    return listed


def test_property_length_at_its_borders(mqtt: Any) -> None:
    for length in (0, *range(5, 300), *range(16_380, 16_390), *range(2_097_150, 2_097_155)):
        properties = property_list(length)
        assert len(properties) == length
        data = framed(0x30, b"\x00\x01t" + variable_integer(length) + properties + b"payload")
        decoded = mqtt.decode(data)
        assert decoded.payload == b"payload"
        assert sum(5 + len(name) + len(value) for name, value in decoded.user_properties) == length
        assert mqtt.encode(decoded) == data


@pytest.mark.parametrize("place", PLACES)
def test_property_length_read(mqtt: Any, full: bool, place: str) -> None:
    kinds: Counter[str] = Counter()
    first_byte, before = PLACES[place]
    start = 2 + len(before)
    empty = mqtt.decode(framed(first_byte, before + b"\x00"))
    for sequence in integers(170_000 if full else 3_000, every_pair=full):
        found = read(sequence)
        kinds[kind_of(found)] += 1
        if isinstance(found, Fault):
            clause = "U01" if found.kind == "too long" else "MQTT-1.5.5-1"
            expected: Any = malformed(clause, start + found.at)
        elif found is None:
            expected = malformed("MQTT-2.2.2-1", start + len(sequence))
        else:
            # Nothing follows, so any length except 0 reaches past the end.
            expected = malformed("U06", start) if found.value else empty
        data = framed(first_byte, before + sequence)
        assert answer(mqtt, lambda: mqtt.decode(data)) == expected, sequence.hex(" ")
    assert_varied(kinds)


@pytest.mark.parametrize("place", PLACES)
def test_property_identifier_read(mqtt: Any, full: bool, place: str) -> None:
    """All identifiers of the standard have one byte. `test_tables` covers them."""
    kinds: Counter[str] = Counter()
    first_byte, before = PLACES[place]
    start = 3 + len(before)
    for sequence in integers(170_000 if full else 3_000, every_pair=full):
        found = read(sequence)
        if isinstance(found, Fault):
            expected = malformed("U01" if found.kind == "too long" else "U04", start + found.at)
        elif found is None:
            expected = malformed("U06", start + len(sequence))
        elif found.size > 1:
            expected = malformed("U05", start)
        else:
            continue
        kinds[kind_of(found)] += 1
        data = framed(first_byte, before + variable_integer(len(sequence)) + sequence)
        assert answer(mqtt, lambda: mqtt.decode(data)) == expected, sequence.hex(" ")
    assert_varied(kinds)


# --- Subscription Identifier (3.3.2.3.8, 3.8.2.1.2).


def subscribe_with(identifier: bytes) -> bytes:
    return framed(0x82, b"\x00\x01" + variable_integer(1 + len(identifier)) + b"\x0b" + identifier + b"\x00\x01a\x00")


def publish_with(*identifiers: bytes) -> bytes:
    properties = b"".join(b"\x0b" + identifier for identifier in identifiers)
    return framed(0x30, b"\x00\x00" + variable_integer(3 + len(properties)) + b"\x23\x00\x01" + properties + b"payload")


@pytest.mark.parametrize("value", list(BORDERS)[1:])
def test_subscription_identifier_at_its_borders(mqtt: Any, value: int) -> None:
    encoded = bytes.fromhex(BORDERS[value])
    decoded = mqtt.decode(subscribe_with(encoded))
    assert decoded == mqtt.Subscribe(1, (mqtt.Subscription("a"),), subscription_identifier=value)
    assert mqtt.encode(decoded) == subscribe_with(encoded)
    decoded = mqtt.decode(publish_with(b"\x01", encoded))
    assert decoded == mqtt.Publish("", b"payload", topic_alias=1, subscription_identifiers=(1, value))
    assert mqtt.encode(decoded) == publish_with(b"\x01", encoded)


@pytest.mark.parametrize("place", ["SUBSCRIBE", "PUBLISH"])
def test_subscription_identifier_read(mqtt: Any, full: bool, place: str) -> None:
    kinds: Counter[str] = Counter()
    # The bytes after 0x0B: the first property of a SUBSCRIBE, the third one of this PUBLISH.
    start = 6 if place == "SUBSCRIBE" else 11
    for sequence in integers(170_000 if full else 3_000, every_pair=full or place == "SUBSCRIBE"):
        data = subscribe_with(sequence) if place == "SUBSCRIBE" else publish_with(b"\x01", sequence)
        found = read(sequence)
        kinds[kind_of(found)] += 1
        result = answer(mqtt, lambda: mqtt.decode(data))
        if isinstance(found, Fault):
            clause = "U01" if found.kind == "too long" else "MQTT-1.5.5-1"
            assert result == malformed(clause, start + found.at), sequence.hex(" ")
        elif found is None:
            assert result == malformed("U06", start + len(sequence)), sequence.hex(" ")
        elif found.value == 0:
            assert result == ("ProtocolError", 0x82, "U14", start), sequence.hex(" ")
        else:
            value = result.subscription_identifier if place == "SUBSCRIBE" else result.subscription_identifiers[1]
            assert value == found.value, sequence.hex(" ")
            assert mqtt.encode(result) == data, sequence.hex(" ")
    assert_varied(kinds)


def test_subscription_identifiers_written(mqtt: Any, full: bool) -> None:
    print(f"MQTTCODEC_SEED={SEED}")
    rng = random.Random(SEED)
    values = [*range(1, 300_000 if full else 20_000), *range(2_097_100, 2_097_200), GREATEST - 1, GREATEST]
    values += [rng.randint(1, GREATEST) for _ in range(20_000)]
    for begin in range(0, len(values), 1000):
        some = values[begin : begin + 1000]
        data = publish_with(*map(variable_integer, some))
        assert mqtt.encode(mqtt.Publish("", b"payload", topic_alias=1, subscription_identifiers=some)) == data
        assert mqtt.decode(data).subscription_identifiers == tuple(some)


@pytest.mark.parametrize(("value", "clause"), [(0, "U14"), (-1, None), (GREATEST + 1, None), (1 << 64, None)])
def test_subscription_identifiers_that_cannot_be_written(mqtt: Any, value: int, clause: str | None) -> None:
    for packet in (
        mqtt.Subscribe(1, [mqtt.Subscription("a")], subscription_identifier=value),
        mqtt.Publish("a", subscription_identifiers=(1, value)),
    ):
        assert answer(mqtt, lambda: mqtt.encode(packet)) == ("EncodeError", None, clause, None)
