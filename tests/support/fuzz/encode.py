"""`encode` rejects a packet, or writes bytes that decode and encode to the same bytes. All ways to write agree."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from fuzz import inputs
from fuzz.inputs import Input, exact
from mqttcodec import _methods
from samples import outcome, with_true_length


def check(mqtt: Any, data: bytes) -> Any:
    given = Input(data)
    version = given.version()
    given_limit = given.byte()
    odd = [(given.byte(), given.value()) for _ in range(given.byte() & 3)]
    packet = _made(mqtt, version, odd, with_true_length(given.rest()))
    if packet is None:
        return None
    try:
        written = mqtt.encode(packet, version)
    except (mqtt.EncodeError, TypeError, BufferError) as error:
        refused = outcome(lambda: mqtt.encode(packet, version))
        for write in (
            mqtt.encoded_size,
            mqtt.encode_parts,
            lambda packet, version: mqtt.encode_many([packet], version),
        ):
            assert outcome(lambda: write(packet, version)) == refused
        untouched = bytearray(8)
        assert outcome(lambda: mqtt.encode_into(packet, untouched, 0, version))[0] == type(error).__name__
        assert untouched == bytes(8)
        encoder = _encoder(mqtt, version)
        assert outcome(lambda: encoder.write(packet)) == refused
        assert encoder.take() == b"\xd0\x00"
        return refused
    size = len(written)
    assert mqtt.encoded_size(packet, version) == size
    buffer = exact(bytes(size))
    assert mqtt.encode_into(packet, buffer, 0, version) == size
    assert bytes(buffer) == written
    head, payload = mqtt.encode_parts(packet, version)
    assert head + bytes(payload) == written
    assert mqtt.encode_many([packet, packet], version) == written + written
    if getattr(packet, "bridge", False):  # Only a Decoder reads it.
        (decoded,) = mqtt.Decoder(bridge=True).feed(written)
    else:
        decoded = mqtt.decode(written, version)
    assert mqtt.encode(decoded, version) == written
    limit = given_limit % (size + 2)
    return written, *(_batched(mqtt, packet, version, written, most) for most in (1 << 30, max(2, limit)))


def _encoder(mqtt: Any, version: int) -> Any:
    """An encoder whose batch is PINGRESP."""
    encoder = mqtt.Encoder(version)
    encoder.write(mqtt.PingResp())
    return encoder


def _batched(mqtt: Any, packet: Any, version: int, written: bytes, limit: int) -> Any:
    """The outcome of `write` with a limit, and the batch with the packets around it."""
    encoder, other = _encoder(mqtt, version), _encoder(mqtt, version)
    for each in (encoder, other):
        each.max_packet_size = limit
    found = outcome(lambda: encoder.write(packet))
    assert outcome(lambda: other.write(packet)) == found
    encoder.write(mqtt.PingResp())
    other.write(mqtt.PingResp())
    batch = encoder.take()
    assert b"".join(other.take_parts()) == batch
    within = batch[2:-2]
    assert len(within) <= limit
    assert (within == written) == (len(written) <= limit)
    return found, batch


def _made(mqtt: Any, version: int, odd: list[tuple[int, Any]], data: bytes) -> Any:
    """A packet decoded from bytes, with some fields replaced: its own, or those of nested objects."""
    try:
        packet = mqtt.decode(data, version)
    except mqtt.DecodeError:
        return None
    for number, value in odd:
        held = packet
        if number & 0x80:
            held = next(iter(_parts(mqtt, packet)), packet)
        names = list(_methods.fields(type(held)))
        if not names:
            continue
        changed = held.replace(**{names[number % 0x80 % len(names)]: value})
        if held is packet:
            packet = changed
        elif type(held) is mqtt.Will:
            packet = packet.replace(will=changed)
        else:
            packet = packet.replace(subscriptions=[*packet.subscriptions, changed])
    return packet


def _parts(mqtt: Any, packet: Any) -> list[Any]:
    """Nested objects of a packet that have fields."""
    if type(packet) is mqtt.Connect:
        return [packet.will] if type(packet.will) is mqtt.Will else []
    if type(packet) is mqtt.Subscribe and isinstance(packet.subscriptions, (tuple, list)):
        return [part for part in packet.subscriptions if type(part) is mqtt.Subscription]
    return []


def seeds() -> Iterator[bytes]:
    rng = random.Random(0)
    for version, packet in inputs.packets():
        head = bytes((inputs.VERSIONS.index(version),))
        yield head + b"\xff\x00" + packet
        for limit in (rng.randbytes(1), rng.randbytes(1)):
            yield head + limit + b"\x01" + rng.randbytes(1) + bytes((rng.randrange(len(inputs.ODD_VALUES)),)) + packet
