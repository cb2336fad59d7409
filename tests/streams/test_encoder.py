"""The batching encoder: what it writes, the peer's limit, the version, what remains after an error, re-entry."""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mqttcodec import MQTTv5, MQTTv31, MQTTv311, PacketType, _methods
from samples import VERSIONS, packets

PINGREQ = b"\xc0\x00"
LARGE = 8_192
"""Payloads from this size on are not copied."""


def others(mqtt: Any, version: int) -> list[Any]:
    """Packets that may follow a CONNECT, in both directions."""
    return [packet for packet in packets(mqtt, version) if type(packet) is not mqtt.Connect]


def encoder_with_a_packet(mqtt: Any, version: int | None = 5, **arguments: Any) -> Any:
    """An encoder whose batch is PINGREQ."""
    encoder = mqtt.Encoder(5, **arguments)
    assert encoder.write(mqtt.PingReq())
    encoder.version = version
    return encoder


def in_parts(encoder: Any) -> bytes:
    parts = encoder.take_parts()
    assert all(type(part) is bytes and part for part in parts)
    return b"".join(parts)


TAKES: dict[str, Callable[[Any], bytes]] = {"whole": lambda encoder: encoder.take(), "in parts": in_parts}


@pytest.mark.parametrize("take", TAKES)
@pytest.mark.parametrize("version", VERSIONS)
def test_a_batch_is_what_encode_many_writes(mqtt: Any, version: int, take: str) -> None:
    connect = mqtt.Connect("c", protocol_version=version)
    encoder = mqtt.Encoder()
    for _ in range(2):
        batch = [connect, *others(mqtt, version)]
        expected = mqtt.encode_many(batch, version)
        written = 0
        for packet in batch:
            assert encoder.write(packet) is True
            written += mqtt.encoded_size(packet, version)
            assert encoder.pending == written
        assert TAKES[take](encoder) == expected
        assert encoder.pending == 0
        assert TAKES[take](encoder) == b""
    assert encoder.take_parts() == []


def test_attributes(mqtt: Any) -> None:
    encoder = mqtt.Encoder()
    assert (encoder.version, encoder.max_packet_size, encoder.pending) == (None, 268_435_460, 0)
    encoder = mqtt.Encoder(4, max_packet_size=100)
    assert encoder.version is MQTTv311
    assert encoder.max_packet_size == 100
    for version in (5, MQTTv31, None):
        encoder.version = version
        assert encoder.version == version
    for limit in (2, 268_435_460, 268_435_461, 1 << 80):
        encoder.max_packet_size = limit
        assert encoder.max_packet_size == min(limit, 268_435_460)
        assert mqtt.Encoder(max_packet_size=limit).max_packet_size == min(limit, 268_435_460)
    with pytest.raises(AttributeError):
        encoder.pending = 1
    for name in ("version", "max_packet_size"):
        with pytest.raises(AttributeError, match=f"cannot delete '{name}' of this Encoder"):
            delattr(encoder, name)


def test_wrong_arguments_change_nothing(mqtt: Any) -> None:
    encoder = mqtt.Encoder(4, max_packet_size=100)
    for name, value, error, text in (
        ("version", 6, ValueError, "version must be 3, 4 or 5, not 6"),
        ("version", "5", TypeError, "version must be a ProtocolVersion, not str"),
        ("max_packet_size", 1, ValueError, "max_packet_size must be 2 or more, not 1"),
        ("max_packet_size", -1 << 70, ValueError, "max_packet_size must be 2 or more, not a number of 71 bits"),
        ("max_packet_size", None, TypeError, "max_packet_size must be int, not NoneType"),
    ):
        with pytest.raises(error, match=text):
            mqtt.Encoder(**{name: value})
        with pytest.raises(error, match=text):
            setattr(encoder, name, value)
        with pytest.raises(error, match=text):
            encoder.__init__(**{name: value})
    assert (encoder.version, encoder.max_packet_size) == (MQTTv311, 100)
    with pytest.raises(TypeError):
        mqtt.Encoder(5, 100)


def test_repr(mqtt: Any) -> None:
    assert repr(mqtt.Encoder()) == "<Encoder version=None max_packet_size=268435460 pending=0>"
    encoder = encoder_with_a_packet(mqtt, 4, max_packet_size=9)
    assert repr(encoder) == "<Encoder version=MQTT_3_1_1 max_packet_size=9 pending=2>"


def test_init_again_begins_anew(mqtt: Any) -> None:
    encoder = encoder_with_a_packet(mqtt)
    encoder.write(mqtt.Publish("a", bytes(LARGE)))
    encoder.__init__(4, max_packet_size=7)
    assert (encoder.version, encoder.max_packet_size, encoder.pending) == (MQTTv311, 7, 0)
    assert encoder.take_parts() == []


# --- The version.


def test_the_first_packet_is_a_connect(mqtt: Any) -> None:
    encoder = encoder_with_a_packet(mqtt, None)
    for call in (
        lambda: encoder.write(mqtt.PingReq()),
        lambda: encoder.write("packet"),
        lambda: encoder.write_acks(PacketType.PUBACK, [1]),
        lambda: encoder.write_acks("type", 7),
    ):
        with pytest.raises(RuntimeError, match="has no version yet; write a CONNECT first, or set version"):
            call()
    assert encoder.take() == PINGREQ
    encoder.version = 4
    assert encoder.write(mqtt.PingReq())


@pytest.mark.parametrize("given", [None, *VERSIONS])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_connect_sets_the_version(mqtt: Any, given: int | None, version: int) -> None:
    encoder = mqtt.Encoder(given)
    connect = mqtt.Connect("c", protocol_version=int(version))
    assert encoder.write(connect)
    assert encoder.version is version
    publish = mqtt.Publish("a", b"x")
    encoder.write(publish)
    assert encoder.take() == mqtt.encode(connect) + mqtt.encode(publish, version)


@pytest.mark.parametrize("given", [None, 4])
def test_a_connect_that_fails_leaves_the_version(mqtt: Any, given: int | None) -> None:
    encoder = encoder_with_a_packet(mqtt, given, max_packet_size=100)
    will = mqtt.Will("#")
    for connect, error in (
        (mqtt.Connect("c", will=will), mqtt.EncodeError),
        (mqtt.Connect("c", will=will, protocol_version=3), mqtt.EncodeError),
        (mqtt.Connect("c", protocol_version=7), mqtt.EncodeError),
        (mqtt.Connect("c", protocol_version="5"), TypeError),
        (mqtt.Connect("c" * 100), mqtt.EncodeError),
    ):
        with pytest.raises(error):
            encoder.write(connect)
        assert encoder.version == given
        assert encoder.pending == 2
    if given:
        encoder.write(mqtt.Publish("a"))
        assert encoder.take() == PINGREQ + mqtt.encode(mqtt.Publish("a"), given)


# --- The peer's limit.


@pytest.mark.parametrize("version", VERSIONS)
def test_a_publish_above_the_limit_is_not_written(mqtt: Any, version: int) -> None:
    """[MQTT-3.1.2-25]: at any size of the payload, which may be in any buffer, and whatever properties it has."""
    for size in (0, 10, 120, 130, LARGE - 20, LARGE, 70_000):
        for payload in (bytes(size), bytearray(size)):
            made = [mqtt.Publish("a", payload), mqtt.Publish("a", payload, 1, packet_id=7)]
            if version == MQTTv5:
                made.append(mqtt.Publish("a", payload, user_properties=[("n", "v")]))
            for packet in made:
                data = mqtt.encode(packet, version)
                encoder = encoder_with_a_packet(mqtt, version, max_packet_size=len(data))
                assert encoder.write(packet) is True
                encoder.max_packet_size = len(data) - 1
                assert encoder.write(packet) is False
                assert encoder.pending == 2 + len(data)
                assert encoder.write(mqtt.PingReq()) is True
                assert encoder.take() == PINGREQ + data + PINGREQ
            if type(payload) is bytearray:
                payload.append(0)  # No view of it remains.


WITH_REASON_STRING = {
    "ConnAck": {},
    "PubAck": {"packet_id": 1},
    "PubRec": {"packet_id": 1, "reason_code": 0x97},
    "PubRel": {"packet_id": 1, "reason_code": 0x92},
    "PubComp": {"packet_id": 1},
    "SubAck": {"packet_id": 1, "reason_codes": [0]},
    "UnsubAck": {"packet_id": 1, "reason_codes": [0]},
    "Disconnect": {"reason_code": 0x8B},
    "Auth": {"reason_code": 0x18, "authentication_method": "m"},
}


@pytest.mark.parametrize("name", WITH_REASON_STRING)
def test_properties_are_left_out(mqtt: Any, name: str) -> None:
    """User Properties first, then the Reason String as well, at each limit; the packet itself does not change."""
    bare = getattr(mqtt, name)(**WITH_REASON_STRING[name])
    with_string = bare.replace(reason_string="why" * 20)
    full = with_string.replace(user_properties=(("name", "value"),) * 9)
    before = repr(full)
    sizes = [mqtt.encoded_size(packet) for packet in (full, with_string, bare)]
    for limit in range(2, sizes[0] + 2):
        encoder = encoder_with_a_packet(mqtt, max_packet_size=limit)
        fitting = [packet for packet, size in zip((full, with_string, bare), sizes, strict=True) if size <= limit]
        if fitting:
            assert encoder.write(full) is True
            assert encoder.take() == PINGREQ + mqtt.encode(fitting[0])
        else:
            with pytest.raises(mqtt.EncodeError, match=f"the packet requires {sizes[2]} bytes") as caught:
                encoder.write(full)
            assert caught.value.clause == "MQTT-3.1.2-24"
            assert encoder.take() == PINGREQ
        # Only one of the two is there.
        only_pairs = bare.replace(user_properties=full.user_properties)
        if mqtt.encoded_size(bare) <= limit < mqtt.encoded_size(only_pairs):
            encoder.write(only_pairs)
            assert encoder.take() == mqtt.encode(bare)
    assert repr(full) == before


def test_other_packets_lose_nothing(mqtt: Any) -> None:
    """[MQTT-3.2.2-15]: no statement allows a client to leave out User Properties of these packets."""
    pairs = (("name", "value"),)
    for packet in (
        mqtt.Connect("c", user_properties=pairs),
        mqtt.Subscribe(1, [mqtt.Subscription("a")], user_properties=pairs),
        mqtt.Unsubscribe(1, ["a"], user_properties=pairs),
    ):
        size = mqtt.encoded_size(packet)
        encoder = encoder_with_a_packet(mqtt, max_packet_size=size - 1)
        with pytest.raises(mqtt.EncodeError, match=f"requires {size} bytes, more than the encoder's") as caught:
            encoder.write(packet)
        assert caught.value.clause == "MQTT-3.2.2-15"
        assert encoder.take() == PINGREQ


def test_the_limit_in_earlier_versions(mqtt: Any) -> None:
    """These have no Maximum Packet Size, but a caller may know one. The errors name no clause."""
    for version in (3, 4):
        encoder = encoder_with_a_packet(mqtt, version, max_packet_size=3)
        connect = mqtt.Connect("c", protocol_version=version)
        for packet in (mqtt.PubAck(1), connect, mqtt.SubAck(1, [0]), mqtt.Unsubscribe(1, ["a"])):
            with pytest.raises(mqtt.EncodeError, match="requires") as caught:
                encoder.write(packet)
            assert caught.value.clause is None
        assert encoder.write(mqtt.Publish("a")) is False
        assert encoder.take() == PINGREQ


def test_acknowledgements_above_the_limit(mqtt: Any) -> None:
    for version, clause in ((5, "MQTT-3.1.2-24"), (4, None)):
        encoder = encoder_with_a_packet(mqtt, version, max_packet_size=3)
        with pytest.raises(mqtt.EncodeError, match="the packet requires 4 bytes") as caught:
            encoder.write_acks(PacketType.PUBACK, [1])
        assert caught.value.clause == clause
        encoder.max_packet_size = 4
        encoder.write_acks(PacketType.PUBACK, [1])
        assert encoder.take() == PINGREQ + b"\x40\x02\x00\x01"


def test_a_publish_that_no_packet_can_hold_is_an_error(mqtt: Any) -> None:
    encoder = encoder_with_a_packet(mqtt, max_packet_size=100)
    with pytest.raises(mqtt.EncodeError, match="must not exceed 268435460 bytes"):
        encoder.write(mqtt.Publish("a", bytes(268_435_456)))
    assert encoder.take() == PINGREQ


# --- Acknowledgements.


@pytest.mark.parametrize("name", ["PubAck", "PubRec", "PubRel", "PubComp"])
def test_acknowledgements(mqtt: Any, name: str) -> None:
    packet_type = PacketType[name.upper()]
    for identifiers in ([], [1], [65_535, 1, 256, 255], range(1, 2_000), (True,)):
        expected = mqtt.encode_many([getattr(mqtt, name)(number) for number in identifiers])
        for given in (identifiers, iter(identifiers), (number for number in identifiers)):
            written = mqtt.encode_acks(packet_type, given)
            assert type(written) is bytes
            assert written == expected
        assert mqtt.encode_acks(int(packet_type), identifiers) == expected
        for version in VERSIONS:
            encoder = encoder_with_a_packet(mqtt, version)
            assert encoder.write_acks(packet_type, identifiers) is None
            assert encoder.pending == 2 + 4 * len(identifiers)
            assert encoder.take() == PINGREQ + expected


def raising() -> Iterator[int]:
    yield 1
    raise ZeroDivisionError


class Number(int):
    """An int whose own methods must not be called."""

    def _fail(self, *_: object) -> Any:
        raise ZeroDivisionError

    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __index__ = __int__ = __and__ = __rshift__ = _fail
    __hash__ = int.__hash__


def test_wrong_acknowledgements(mqtt: Any) -> None:
    for packet_type in (PacketType.CONNECT, PacketType.PUBLISH, 3, 8, 0, -4, 1 << 70):
        with pytest.raises(ValueError, match="packet_type must be PUBACK, PUBREC, PUBREL or PUBCOMP, not "):
            mqtt.encode_acks(packet_type, [1])
    for packet_type in ("PUBACK", 4.0, None):
        with pytest.raises(TypeError, match="packet_type must be int, not "):
            mqtt.encode_acks(packet_type, [1])
    with pytest.raises(TypeError, match="not iterable"):
        mqtt.encode_acks(4, 1)
    for identifier in ("1", 1.0, None, b"1"):
        with pytest.raises(TypeError, match="each item of packet_ids must be int, not "):
            mqtt.encode_acks(4, [1, identifier])
    for version in VERSIONS:
        for name in ("PubAck", "PubRec", "PubRel", "PubComp"):
            for identifier in (0, -1, 65_536, 1 << 70, False, Number(0), Number(65_536)):
                with pytest.raises(mqtt.EncodeError) as wanted:
                    mqtt.encode(getattr(mqtt, name)(identifier), version)
                encoder = encoder_with_a_packet(mqtt, version)
                with pytest.raises(mqtt.EncodeError) as caught:
                    encoder.write_acks(PacketType[name.upper()], [1, identifier])
                assert caught.value == wanted.value
                assert encoder.take() == PINGREQ
                if version == MQTTv5:
                    with pytest.raises(mqtt.EncodeError) as caught:
                        mqtt.encode_acks(PacketType[name.upper()], [1, identifier])
                    assert caught.value == wanted.value
    with pytest.raises(ZeroDivisionError):
        mqtt.encode_acks(4, raising())
    assert mqtt.encode_acks(Number(4), [Number(300)]) == b"\x40\x02\x01\x2c"


def test_a_list_changes_while_it_is_read(mqtt: Any) -> None:
    """Code that runs during the iteration may change the list, and the result has what the iterator returned."""
    identifiers: list[Any] = []

    class Changing(list[int]):
        def __iter__(self) -> Iterator[int]:
            for number in range(1, 400):
                self[:] = [number] * (number % 7)
                yield number

    assert mqtt.encode_acks(4, Changing()) == mqtt.encode_acks(4, range(1, 400))

    def consuming() -> Iterator[int]:
        for number in identifiers:
            identifiers.append(number + 1) if number < 300 else identifiers.clear()
            yield number

    identifiers.append(1)
    assert mqtt.encode_acks(4, consuming()) == mqtt.encode_acks(4, range(1, 301))


# --- Large payloads.


def test_which_payloads_are_not_copied(mqtt: Any) -> None:
    subclass = type("Bytes", (bytes,), {})
    for size in (LARGE - 1, LARGE, 100_000):
        for make in (bytes, bytearray, subclass, lambda size: memoryview(bytes(size))):
            payload = make(size)
            encoder = encoder_with_a_packet(mqtt)
            packet = mqtt.Publish("a", payload)
            encoder.write(packet)
            encoder.write(mqtt.PingReq())
            parts = encoder.take_parts()
            assert b"".join(parts) == PINGREQ + mqtt.encode(packet) + PINGREQ
            if type(payload) is bytes and size >= LARGE:
                assert parts[1] is payload
                assert len(parts) == 3
            else:
                assert len(parts) == 1


def test_a_copied_payload_may_change_afterwards(mqtt: Any) -> None:
    for size in (10, LARGE, 100_000):
        payload = bytearray(b"x" * size)
        encoder = mqtt.Encoder(5)
        encoder.write(mqtt.Publish("a", payload))
        payload[:] = b"y" * (size + 1)
        assert mqtt.decode(encoder.take()).payload == b"x" * size


def test_many_large_payloads(mqtt: Any) -> None:
    payloads = [bytes([number]) * (LARGE + number) for number in range(5)]
    packets_ = [mqtt.Publish("a", payload, 1, packet_id=1) for payload in payloads]
    for take in TAKES.values():
        encoder = mqtt.Encoder(5)
        for packet in packets_:
            encoder.write(packet)
            encoder.write_acks(PacketType.PUBACK, [7])
        assert encoder.pending == sum(map(mqtt.encoded_size, packets_)) + 5 * 4
        assert take(encoder) == b"".join(mqtt.encode(packet) + b"\x40\x02\x00\x07" for packet in packets_)
    encoder.write(packets_[0])
    assert encoder.take_parts()[1:] == [payloads[0]]


def test_little_memory_is_kept_between_batches(mqtt: Any) -> None:
    encoder = mqtt.Encoder(5)
    packet = mqtt.Publish("a", bytearray(1 << 20))
    above = mqtt.Publish("a" * 60_000, user_properties=[("n" * 60_000, "v" * 60_000)] * 9)
    refused = mqtt.Publish("a" * 60_000, user_properties=[("n" * 60_000, "v" * 60_000)] * 9 + [("\0", "")])

    def write(*, taken: bool) -> None:
        encoder.max_packet_size = 1 << 21
        for _ in range(8):
            assert encoder.write(packet)
        if taken:
            encoder.take()
        else:
            encoder.take_parts()
        encoder.max_packet_size = 100
        assert not encoder.write(above)
        with pytest.raises(mqtt.EncodeError):
            encoder.write(refused)

    write(taken=True)  # Create objects that are created only once.
    tracemalloc.start()
    try:
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for taken in (True, False):
            write(taken=taken)
            gc.collect()
            assert tracemalloc.get_traced_memory()[0] - before < 32_768
    finally:
        tracemalloc.stop()


# --- Errors and re-entry.


@pytest.mark.parametrize("held", [0, 1, 3_000, LARGE])
def test_an_error_leaves_what_was_pending(mqtt: Any, held: int) -> None:
    """With batches on the stack, on the heap and after a large payload; the failing packet may be large as well."""
    pairs = [("n" * 30_000, "v" * 30_000)]
    before = mqtt.Publish("a", bytes(held))
    encoder = mqtt.Encoder(5)
    encoder.write(before)
    data = mqtt.encode(before)
    for call, error in (
        (lambda: encoder.write(mqtt.Publish("#")), mqtt.EncodeError),
        (lambda: encoder.write(mqtt.Publish("a", "text")), TypeError),
        (lambda: encoder.write(mqtt.Publish("a", memoryview(b"abcd")[::2], user_properties=pairs)), BufferError),
        (lambda: encoder.write(mqtt.Publish("a", user_properties=[*pairs, ("\0", "")])), mqtt.EncodeError),
        (lambda: encoder.write(mqtt.Unsubscribe(1, ["a" * 60_000, "#a"])), mqtt.EncodeError),
        (lambda: encoder.write("packet"), TypeError),
        (lambda: encoder.write(None), TypeError),
        (lambda: encoder.write_acks(4, [*range(1, 2_000), 0]), mqtt.EncodeError),
        (lambda: encoder.write_acks(4, [*range(1, 2_000), "x"]), TypeError),
        (lambda: encoder.write_acks(4, raising()), ZeroDivisionError),
        (lambda: encoder.write_acks(9, [1]), ValueError),
    ):
        with pytest.raises(error):
            call()
        assert encoder.pending == len(data)
        encoder.write(mqtt.PingReq())
        data += PINGREQ
    assert encoder.take() == data


def reentrant(mqtt: Any, encoder: Any) -> list[Callable[[], object]]:
    return [
        lambda: encoder.write(mqtt.PingReq()),
        lambda: encoder.write_acks(4, [1]),
        lambda: encoder.take(),
        lambda: encoder.take_parts(),
        lambda: setattr(encoder, "version", 5),
        lambda: setattr(encoder, "max_packet_size", 5),
        lambda: encoder.__init__(5),
    ]


def test_calls_from_an_iterable(mqtt: Any) -> None:
    encoder = encoder_with_a_packet(mqtt)
    seen = []

    def identifiers() -> Iterator[int]:
        for number in range(1, 1_000):
            for call in reentrant(mqtt, encoder):
                with pytest.raises(RuntimeError, match="this Encoder is already in use"):
                    call()
            seen.append((encoder.pending, encoder.version, encoder.max_packet_size))
            yield number

    encoder.write_acks(4, identifiers())
    assert set(seen) == {(2, MQTTv5, 268_435_460)}
    assert encoder.take() == PINGREQ + mqtt.encode_acks(4, range(1, 1_000))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="Python 3.12 gave classes `__buffer__`")
def test_calls_from_a_payload(mqtt: Any) -> None:
    encoder = encoder_with_a_packet(mqtt)
    seen = []

    class Payload:
        def __buffer__(self, flags: int) -> memoryview:
            for call in reentrant(mqtt, encoder):
                with pytest.raises(RuntimeError, match="this Encoder is already in use"):
                    call()
            seen.append(encoder.pending)
            return memoryview(b"xy")

    packet = mqtt.Publish("a", Payload())
    assert encoder.write(packet)
    encoder.max_packet_size = 3
    assert not encoder.write(packet)
    assert sorted(set(seen)) == [2, 10]  # What was complete when each `write` began.
    assert encoder.take() == PINGREQ + mqtt.encode(mqtt.Publish("a", b"xy"))


def test_calls_from_another_thread(mqtt: Any) -> None:
    encoder = encoder_with_a_packet(mqtt)
    errors = []

    def call_all() -> None:
        for call in reentrant(mqtt, encoder):
            try:
                call()
            except RuntimeError as error:
                errors.append(str(error))

    def identifiers() -> Iterator[int]:
        thread = threading.Thread(target=call_all)
        thread.start()
        thread.join()
        yield 1

    encoder.write_acks(4, identifiers())
    assert len(errors) == len(reentrant(mqtt, encoder))
    assert encoder.take() == PINGREQ + b"\x40\x02\x00\x01"


def test_leaving_out_reads_the_packet_itself(mqtt: Any) -> None:
    """A packet of the other properties is built for the purpose, with the fields that the packet has."""
    packet = mqtt.Auth(0x18, authentication_method="m", authentication_data=bytearray(b"data"), reason_string="x" * 50)
    names = {name: getattr(packet, name) for name in _methods.fields(type(packet))}
    encoder = mqtt.Encoder(5, max_packet_size=40)
    assert encoder.write(packet)
    assert mqtt.decode(encoder.take()).authentication_data == b"data"
    assert all(getattr(packet, name) is value for name, value in names.items())
    packet.authentication_data.append(0)  # No view of it remains.
