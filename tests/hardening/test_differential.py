"""Both implementations give the same results for any bytes: packets, field types, lengths, all details of errors.

Inputs are mutated valid packets with every type, version and property. The seed is printed. MQTTCODEC_SEED repeats a
run, MQTTCODEC_INPUTS sets the number of inputs.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from functools import cache
from typing import Any

import pytest

import implementations
from mqttcodec import MQTTv5, ProtocolVersion, Role, _methods, _spec
from samples import ODD_VALUES, SEED, VERSIONS, outcome, packets, with_true_length

INPUTS = int(os.environ.get("MQTTCODEC_INPUTS") or 200_000)
# Significant byte values: lengths, wildcards, the ends of UTF-8 ranges, property identifiers.
TELLING_BYTES = bytes(
    (0, 1, 2, 3, 4, 5, 0x23, 0x24, 0x2B, 0x2F, 0x7F, 0x80, 0x81, 0xBF, 0xC0, 0xC3, 0xED, 0xF4, 0xFF)
) + bytes(_spec.PROPERTY_KINDS)

pytestmark = pytest.mark.skipif(len(implementations.ALL) < 2, reason="there is one implementation only")


def valid_packets() -> list[tuple[ProtocolVersion, bytes]]:
    pure = implementations.load("python")
    return [(version, pure.encode(packet, version)) for version in VERSIONS for packet in packets(pure, version)]


def mutate(rng: random.Random, packet: bytes, others: list[tuple[ProtocolVersion, bytes]]) -> bytes:
    data = bytearray(packet)
    for _ in range(rng.choice((0, 1, 1, 1, 1, 2, 3, 6))):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(8)
        if kind == 0:
            data[at : at + 1] = bytes((rng.choice(TELLING_BYTES),))
        elif kind == 1 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 2 and at < len(data):
            data[at] = (data[at] + rng.choice((-1, 1))) & 0xFF
        elif kind == 3:
            del data[at : at + rng.choice((1, 1, 2, 5))]
        elif kind == 4:
            data[at:at] = bytes((rng.choice(TELLING_BYTES),))
        elif kind == 5:  # A piece of another packet, such as a property that is not allowed here.
            _, other = rng.choice(others)
            begin = rng.randrange(len(other))
            data[at:at] = other[begin : begin + rng.choice((1, 3, 8, 20))]
        elif kind == 6:  # The same piece again, such as a repeated property.
            piece = data[at : at + rng.choice((2, 3, 5, 8))]
            data[at:at] = piece
        else:
            data[at : at + 1] = bytes((rng.randrange(256),))
    if rng.random() < 0.8:
        return with_true_length(bytes(data))
    return bytes(data)


def assert_alike(version: int, data: bytes, rng: random.Random) -> str:
    """Compare the implementations on one input, and return the result."""
    compiled, pure = implementations.ALL
    results = []
    for mqtt in (compiled, pure):
        decoded = outcome(lambda: mqtt.decode(data, version))
        results.append((decoded, outcome(lambda: mqtt.decode_from(data, 0, version)), outcome(lambda: mqtt.peek(data))))
    assert results[0] == results[1], data.hex(" ")
    kind, *details = results[0][0]
    if isinstance(details[0], dict):
        other_version = rng.choice(VERSIONS)
        encoded = []
        for mqtt in (compiled, pure):
            packet = mqtt.decode(data, version)
            again = mqtt.encode(packet, version)
            assert mqtt.decode(again, version) == packet, data.hex(" ")
            assert mqtt.encoded_size(packet, version) == len(again), data.hex(" ")
            encoded.append((again, outcome(lambda: mqtt.encode(packet, other_version))))
        assert encoded[0] == encoded[1], data.hex(" ")
    return str(kind)


def stream_outcomes(
    mqtt: Any, data: bytes, pieces: list[int], ways: int, version: int | None, options: dict[str, Any]
) -> list[Any]:
    """The results of each group of pieces.

    The bits of `ways`: whether to receive each second piece, whether to skip, and the size of a group less one.
    """
    decoder = mqtt.Decoder(version, **options)
    found: list[Any] = []
    begin = 0
    for number, size in enumerate(pieces):
        piece = data[begin : begin + size]
        begin += size
        found.append(outcome(lambda: given(decoder, piece, is_received=bool(ways & 1 and number % 2))))
        if (number + 1) % (1 + (ways >> 2)) and number + 1 < len(pieces):
            continue
        while True:
            found += [
                outcome(lambda: taken(decoder)),
                decoder.pending,
                decoder.version,
                decoder.packet_bytes,
                repr(decoder),
            ]
            if not ways & 2:
                break
            found.append(outcome(decoder.skip))
            if found[-1][0] == "RuntimeError":
                break
    return found


def given(decoder: Any, piece: bytes, *, is_received: bool) -> None:
    if is_received:
        decoder.get_buffer()[: len(piece)] = piece
        decoder.buffer_updated(len(piece))
    else:
        decoder.feed(piece)


def taken(decoder: Any) -> tuple[Any, ...]:
    return tuple((packet, decoder.packet_bytes) for packet in decoder)


def test_one_packet_mutated() -> None:
    print(f"MQTTCODEC_SEED={SEED}")
    rng = random.Random(SEED)
    valid = valid_packets()
    kinds: Counter[str] = Counter()
    for _ in range(INPUTS):
        version, packet = rng.choice(valid)
        data = mutate(rng, packet, valid)
        if rng.random() < 0.1:
            version = rng.choice(VERSIONS)
        kinds[assert_alike(version, data, rng)] += 1
    print(kinds)
    assert {"MalformedPacketError", "ProtocolError", "IncompletePacketError", "UnsupportedVersionError"} < set(kinds)
    assert {"Connect", "ConnAck", "Publish", "PubAck", "Subscribe", "SubAck", "Unsubscribe", "Auth"} < set(kinds)


def test_streams_in_pieces() -> None:
    print(f"MQTTCODEC_SEED={SEED}")
    rng = random.Random(SEED)
    valid = valid_packets()
    pure = implementations.load("python")
    bridges = {version: pure.encode(pure.Connect("b", protocol_version=version, bridge=True)) for version in (3, 4)}
    kinds: Counter[str] = Counter()
    for _ in range(INPUTS // 20):
        version = rng.choice(VERSIONS)
        of_version = [packet for packet in valid if packet[0] == version]
        parts = [
            mutate(rng, packet, valid) if rng.random() < 0.2 else packet
            for _, packet in rng.choices(of_version, k=rng.randrange(1, 6))
        ]
        if rng.random() < 0.5:
            connects = [packet for _, packet in of_version if packet[0] == 0x10]
            parts.insert(0, bridges[version] if version in bridges and rng.random() < 0.2 else rng.choice(connects))
        data = b"".join(parts)
        pieces = [len(part) for part in parts] if rng.random() < 0.3 else []
        while sum(pieces) < len(data):
            pieces.append(rng.choice((1, 1, 2, 3, 7, 40, 300)))
        known_version = rng.choice((None, version))
        options = {
            "role": rng.choice((None, Role.CLIENT, Role.SERVER)),
            "max_packet_size": rng.choice((40, 300, 1 << 20)),
            "copy": rng.random() < 0.8,
            "connected": known_version is not None and rng.random() < 0.3,
            "keep_bytes": rng.random() < 0.5,
            "bridge": rng.random() < 0.5,
        }
        arguments = data, pieces, rng.randrange(12), known_version, options
        results = [stream_outcomes(mqtt, *arguments) for mqtt in implementations.ALL]
        assert results[0] == results[1], arguments
        kinds.update(str(result[0]) for result in results[0] if isinstance(result, tuple))
    print(kinds)
    assert {"bytes", "RuntimeError", "MalformedPacketError", "ProtocolError", "UnsupportedVersionError"} < set(kinds)


def test_encoding_odd_values() -> None:
    print(f"MQTTCODEC_SEED={SEED}")
    rng = random.Random(SEED)
    kinds: Counter[str] = Counter()
    for _ in range(INPUTS // 4):
        version = rng.choice(VERSIONS)
        state = rng.getstate()
        results = []
        for mqtt in implementations.ALL:
            rng.setstate(state)
            packet = odd_packet(mqtt, rng, version)
            results.append(
                [
                    outcome(lambda: mqtt.encode(packet, version)),
                    outcome(lambda: mqtt.encoded_size(packet, version)),
                    outcome(lambda: mqtt.encode_parts(packet, version)[0]),
                ]
            )
        assert results[0] == results[1], packet
        kinds[results[0][0][0]] += 1
    print(kinds)
    assert set(kinds) == {"bytes", "EncodeError", "TypeError", "BufferError"}


def test_batches() -> None:
    """Sequences of calls of an Encoder, with valid and odd packets and arguments, and limits around their sizes."""
    print(f"MQTTCODEC_SEED={SEED}")
    rng = random.Random(SEED)
    kinds: Counter[str] = Counter()
    for _ in range(INPUTS // 40):
        version = rng.choice((None, *VERSIONS))
        limit = rng.choice((2, 3, 4, 20, 100, 70_000, 1 << 30))
        count = rng.randrange(1, 9)
        state = rng.getstate()
        results = []
        for mqtt in implementations.ALL:
            rng.setstate(state)
            results.append(batch_outcomes(mqtt, rng, version, limit, count))
        assert results[0] == results[1]
        kinds.update(found[0] for found in results[0] if type(found) is tuple and type(found[0]) is str)
    print(kinds)
    assert {"bool", "NoneType", "bytes", "EncodeError", "TypeError", "ValueError", "RuntimeError"} <= set(kinds)


ODD_ARGUMENTS = [*(value for value in ODD_VALUES if not isinstance(value, memoryview)), *range(2, 9)]


def batch_outcomes(mqtt: Any, rng: random.Random, version: int | None, limit: int, count: int) -> list[Any]:
    """The results of random calls, made on two encoders, of which one is taken as a whole and the other in parts."""
    encoders = [mqtt.Encoder(version, max_packet_size=limit) for _ in range(2)]
    found: list[Any] = []
    expected = b""

    def both(call: Any) -> Any:
        before = encoders[0].pending
        first, second = (outcome(lambda: call(encoder)) for encoder in encoders)
        assert first == second
        if first[0] not in ("bool", "NoneType") or first == ("bool", False):
            assert encoders[0].pending == before
        found.extend((first, encoders[0].pending, encoders[0].version, encoders[0].max_packet_size))
        return first

    for _ in range(count):
        kind = rng.randrange(12)
        current = encoders[0].version
        if kind < 6:
            packet = odd_packet(mqtt, rng, current or MQTTv5)
            if type(packet) is mqtt.Publish and rng.random() < 0.2:
                packet = packet.replace(payload=rng.choice((bytes, bytearray))(rng.choice((8_191, 8_192, 20_000))))
            if both(lambda encoder: encoder.write(packet)) == ("bool", True):
                expected += within(mqtt, packet, encoders[0].version, encoders[0].max_packet_size)
        elif kind == 6:
            limit = rng.choice((rng.randrange(2, 200), 1 << 30, rng.choice(ODD_ARGUMENTS)))
            both(lambda encoder: setattr(encoder, "max_packet_size", limit))
        elif kind == 7:
            given = rng.choice((None, 3, 4, 5, rng.choice(ODD_ARGUMENTS)))
            both(lambda encoder: setattr(encoder, "version", given))
        elif kind < 11:
            packet_type = rng.choice((4, 5, 6, 7, rng.choice(ODD_ARGUMENTS)))
            identifiers: Any = [rng.randrange(1, 65_536) for _ in range(rng.choice((0, 1, 5, 300)))]
            if rng.random() < 0.2:
                identifiers.append(rng.choice(ODD_ARGUMENTS))
            if rng.random() < 0.1:
                identifiers = rng.choice(ODD_ARGUMENTS)
            alone = outcome(lambda: mqtt.encode_acks(packet_type, identifiers))
            found.append(alone)
            if both(lambda encoder: encoder.write_acks(packet_type, identifiers)) == ("NoneType", None):
                assert alone[0] == "bytes"
                expected += alone[1]
        else:
            found.append(batches(encoders))
            assert found[-1][0] == expected
            expected = b""
    found.append(batches(encoders))
    assert found[-1][0] == expected
    return found


def batches(encoders: list[Any]) -> tuple[bytes, list[bytes]]:
    whole, parts = encoders[0].take(), encoders[1].take_parts()
    assert b"".join(parts) == whole
    assert all(parts)
    assert encoders[0].pending == encoders[1].pending == 0
    return whole, parts


def within(mqtt: Any, packet: Any, version: int, limit: int) -> bytes:
    """The packet as it is written within a limit: the first of three forms that fits."""
    forms = [packet]
    if hasattr(packet, "reason_string"):
        forms += [packet.replace(user_properties=()), packet.replace(user_properties=(), reason_string=None)]
    return next(data for data in (mqtt.encode_many([form], version) for form in forms) if len(data) <= limit)


def odd_packet(mqtt: Any, rng: random.Random, version: ProtocolVersion) -> Any:
    """A valid packet in which a few fields, or fields of nested objects, have unusual values."""
    packet = rng.choice(samples(mqtt, version))
    if rng.random() < 0.2 and type(packet) is mqtt.Connect and packet.will:
        return packet.replace(will=with_odd_fields(packet.will, rng))
    if rng.random() < 0.5 and type(packet) is mqtt.Subscribe:
        return packet.replace(subscriptions=[*packet.subscriptions, with_odd_fields(packet.subscriptions[0], rng)])
    return with_odd_fields(packet, rng)


def with_odd_fields(packet: Any, rng: random.Random) -> Any:
    names = list(_methods.fields(type(packet)))
    chosen = rng.sample(names, min(len(names), rng.choice((0, 1, 1, 2))))
    return packet.replace(**{name: rng.choice(ODD_VALUES) for name in chosen})


@cache
def _samples(index: int, version: ProtocolVersion) -> list[Any]:
    return list(packets(implementations.ALL[index], version))


def samples(mqtt: Any, version: ProtocolVersion) -> list[Any]:
    return _samples(implementations.ALL.index(mqtt), version)
