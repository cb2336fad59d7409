"""The program that `test_linear_work.py` runs under callgrind: `linear_work.py IMPLEMENTATION`.

It runs each case at two sizes, the second twice the first, and marks the start and end of the part to count. For each
such part it prints the case and the size.

Copying all bytes at every step is quadratic, but one instruction copies 32 bytes. To make this visible, most cases have
large parts. Cases with small parts, such as pieces of one byte, have a counterpart that holds megabytes from the start.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from itertools import product, repeat
from typing import Any

import implementations
from octets import framed, string, variable_integer

Work = Callable[[], object]
Prepare = Callable[[Any, int], Work]
Give = Callable[[Any, bytes], object]

CASES: dict[str, tuple[Prepare, dict[str, int]]] = {}
"""By name: the function that prepares the work for a size, and the larger of the two sizes for each implementation."""


def case(cython: int, python: int | None = None) -> Callable[[Prepare], Prepare]:
    """Add a case to the table. Plain Python gets a smaller size if the larger one would take too long."""

    def enter(prepare: Prepare) -> Prepare:
        CASES[prepare.__name__] = prepare, {"cython": cython, "python": python or cython}
        return prepare

    return enter


def publish(size: int, properties: bytes = b"") -> bytes:
    return framed(0x30, string(b"t") + variable_integer(len(properties)) + properties + b"x" * size)


def subscribe(size: int) -> bytes:
    return framed(0x82, b"\0\1\0" + (string(TOPIC_FILTER) + b"\0") * size)


TOPIC_FILTER = b"building/7/floor/3/room/+/" + b"sensor/" * 10 + b"#"
PINGREQ = framed(0xC0, b"")
PUBLISH = publish(1000)


def exhaust(packets: Iterable[object]) -> None:
    """Iterate to the end without keeping packets."""
    for _ in packets:
        pass


@case(400)
def quadratic(mqtt: Any, size: int) -> Work:
    """Quadratic work, to show that the test detects it."""

    def work() -> None:
        held = b""
        for _ in range(size):
            held += bytes(1000)
            repr(held[:100])
            b"".join((held, held))

    return work


# --- Streams: a packet in pieces.


def in_pieces(mqtt: Any, data: bytes, size: int) -> Work:
    def work() -> None:
        decoder = mqtt.Decoder(5)
        found = 0
        for at in range(0, len(data), size):
            for _ in decoder.feed(data[at : at + size]):
                found += 1
        assert found == 1

    return work


@case(cython=1 << 19, python=1 << 16)
def publish_in_pieces_of_one_byte(mqtt: Any, size: int) -> Work:
    return in_pieces(mqtt, publish(size), 1)


@case(cython=4 << 20, python=1 << 20)
def publish_in_pieces_of_64_bytes(mqtt: Any, size: int) -> Work:
    return in_pieces(mqtt, publish(size), 64)


@case(cython=4 << 20, python=2 << 20)
def subscribe_in_pieces_of_256_bytes(mqtt: Any, size: int) -> Work:
    return in_pieces(mqtt, subscribe(size // 100), 256)


@case(cython=1 << 20, python=1 << 17)
def publish_in_pieces_of_7_bytes_through_the_buffer(mqtt: Any, size: int) -> Work:
    data = publish(size)

    def work() -> None:
        decoder = mqtt.Decoder(5)
        found = 0
        for at in range(0, len(data), 7):
            piece = data[at : at + 7]
            decoder.get_buffer()[: len(piece)] = piece
            for _ in decoder.buffer_updated(len(piece)):
                found += 1
        assert found == 1

    return work


# --- Streams: an incomplete packet of 8 MiB, and one step for each 2 KiB that are held.

HOLDS_A_PUBLISH = b"\x30\xff\xff\xff\x7f" + string(b"t") + b"\0"
HOLDS_A_SUBSCRIBE = b"\x82\xff\xff\xff\x7f\0\1\0" + string(TOPIC_FILTER)


def holding(mqtt: Any, start: bytes, size: int, piece: bytes) -> Work:
    decoder = mqtt.Decoder(5)
    exhaust(decoder.feed(start + b"x" * size))
    assert decoder.pending == len(start) + size

    def work() -> None:
        for _ in range(size // 2048):
            exhaust(decoder.feed(piece))
            decoder.get_buffer()[: len(piece)] = piece
            exhaust(decoder.buffer_updated(len(piece)))

    return work


@case(8 << 20)
def nothing_fed_to_a_publish(mqtt: Any, size: int) -> Work:
    return holding(mqtt, HOLDS_A_PUBLISH, size, b"")


@case(8 << 20)
def one_byte_fed_to_a_publish(mqtt: Any, size: int) -> Work:
    return holding(mqtt, HOLDS_A_PUBLISH, size, b"x")


@case(8 << 20)
def nothing_fed_to_a_subscribe(mqtt: Any, size: int) -> Work:
    return holding(mqtt, HOLDS_A_SUBSCRIBE, size, b"")


@case(8 << 20)
def one_byte_fed_to_a_subscribe(mqtt: Any, size: int) -> Work:
    return holding(mqtt, HOLDS_A_SUBSCRIBE, size, b"x")


# --- Streams: many packets at once, interrupted loops.


@case(cython=500_000, python=20_000)
def small_packets_in_one_piece(mqtt: Any, size: int) -> Work:
    data = PINGREQ * size
    return lambda: exhaust(mqtt.Decoder(5).feed(data))


@case(cython=500_000, python=20_000)
def small_packets_in_pieces_of_1_kib(mqtt: Any, size: int) -> Work:
    pieces = [PINGREQ * 512] * (size // 512) + [PINGREQ * (size % 512)]

    def work() -> None:
        decoder = mqtt.Decoder(5)
        for piece in pieces:
            exhaust(decoder.feed(piece))

    return work


@case(cython=50_000, python=10_000)
def packets_in_one_piece(mqtt: Any, size: int) -> Work:
    data = PUBLISH * size
    return lambda: exhaust(mqtt.Decoder(5).feed(data))


@case(cython=50_000, python=5_000)
def packets_of_a_capture(mqtt: Any, size: int) -> Work:
    data = bytearray(PUBLISH * size)

    def work() -> None:
        offset = 0
        while offset < len(data):
            _, offset = mqtt.decode_from(data, offset)

    return work


def taken_one_by_one(mqtt: Any, data: Any, count: int) -> Work:
    def work() -> None:
        decoder = mqtt.Decoder(5)
        decoder.feed(data)
        for _ in range(count):
            for _ in decoder.feed(b""):
                break
        assert decoder.pending == 0

    return work


@case(cython=50_000, python=10_000)
def loops_broken_off(mqtt: Any, size: int) -> Work:
    """Fed bytes are read in place."""
    return taken_one_by_one(mqtt, PUBLISH * size, size)


@case(cython=50_000, python=10_000)
def loops_broken_off_in_a_copy(mqtt: Any, size: int) -> Work:
    """Bytes that were read from the decoder's own copy are dropped, which is work too."""
    return taken_one_by_one(mqtt, bytearray(PUBLISH * size), size)


@case(cython=50_000, python=10_000)
def pieces_fed_to_a_loop_broken_off(mqtt: Any, size: int) -> Work:
    """Each feed adds to the bytes that wait after a packet that has not been requested."""

    def work() -> None:
        decoder = mqtt.Decoder(5)
        exhaust(zip(range(1), decoder.feed(PUBLISH * 2), strict=False))
        for piece in repeat(PUBLISH[:300], size):
            decoder.feed(piece)
        assert decoder.pending == len(PUBLISH) + 300 * size

    return work


@case(cython=50_000, python=5_000)
def pieces_fed_inside_the_loop(mqtt: Any, size: int) -> Work:
    """Each packet leads to two more, until all are there."""

    def work() -> None:
        decoder = mqtt.Decoder(5)
        left = size
        for _ in decoder.feed(PUBLISH):
            for _ in range(min(left, 2)):
                left -= 1
                decoder.feed(PUBLISH)
        assert left == decoder.pending == 0

    return work


# --- Streams: many invalid packets that are skipped, and the bytes of many packets.

# Large, because an error takes as many instructions as copying megabytes.
INVALID = framed(0x30, string(b"#") + b"\0" + b"x" * 30_000)


def lent(decoder: Any, data: bytes) -> None:
    decoder.get_buffer(len(data))[: len(data)] = data
    decoder.buffer_updated(len(data))


def skipped(mqtt: Any, size: int, give: Give, *, copy: bool) -> Work:
    def work() -> None:
        decoder = mqtt.Decoder(5, copy=copy)
        give(decoder, INVALID * size)
        for _ in range(size):
            try:
                next(decoder)
            except mqtt.DecodeError:
                decoder.skip()
        assert decoder.pending == 0

    return work


def kept(mqtt: Any, size: int, give: Give, *, copy: bool) -> Work:
    def work() -> None:
        decoder = mqtt.Decoder(5, copy=copy, keep_bytes=True)
        give(decoder, PUBLISH * size)
        assert sum(len(decoder.packet_bytes) for _ in decoder) == size * len(PUBLISH)

    return work


GIVES: dict[str, Give] = {
    "bytes": lambda decoder, data: decoder.feed(data),
    "bytearray": lambda decoder, data: decoder.feed(bytearray(data)),
    "lent_block": lent,
}
for work_of, by, copy in product((skipped, kept), GIVES, (True, False)):
    prepare = partial(work_of, give=GIVES[by], copy=copy)
    prepare.__name__ = f"{work_of.__name__}_in_one_{by}_{'copied' if copy else 'as_views'}"  # type: ignore[attr-defined]
    case(1_000 if work_of is skipped else 10_000)(prepare)


# --- Packets of many parts.


@case(cython=100_000, python=20_000)
def decode_subscribe(mqtt: Any, size: int) -> Work:
    data = subscribe(size)
    return lambda: mqtt.decode(data)


@case(cython=100_000, python=10_000)
def decode_unsubscribe(mqtt: Any, size: int) -> Work:
    data = framed(0xA2, b"\0\1\0" + string(TOPIC_FILTER) * size)
    return lambda: mqtt.decode(data)


@case(cython=100_000, python=40_000)
def decode_suback(mqtt: Any, size: int) -> Work:
    data = framed(0x90, b"\0\1\0" + bytes(size))
    return lambda: mqtt.decode(data)


@case(cython=100_000, python=20_000)
def decode_user_properties(mqtt: Any, size: int) -> Work:
    data = publish(0, (b"\x26" + string(b"name of a property") + string(b"and its value")) * size)
    return lambda: mqtt.decode(data)


@case(cython=100_000, python=10_000)
def decode_empty_user_properties(mqtt: Any, size: int) -> Work:
    data = publish(0, b"\x26\0\0\0\0" * size)
    return lambda: mqtt.decode(data)


@case(cython=100_000, python=10_000)
def decode_subscription_identifiers(mqtt: Any, size: int) -> Work:
    data = publish(0, b"\x0b\1" * size)
    return lambda: mqtt.decode(data)


@case(cython=100_000, python=10_000)
def encode_subscribe(mqtt: Any, size: int) -> Work:
    subscriptions = [mqtt.Subscription(TOPIC_FILTER.decode())] * size
    return lambda: mqtt.encode(mqtt.Subscribe(1, subscriptions))


@case(cython=100_000, python=10_000)
def encode_unsubscribe(mqtt: Any, size: int) -> Work:
    topic_filters = (TOPIC_FILTER.decode(),) * size
    return lambda: mqtt.encode(mqtt.Unsubscribe(1, topic_filters))


@case(cython=100_000, python=10_000)
def encode_user_properties(mqtt: Any, size: int) -> Work:
    user_properties = (("name of a property", "and its value"),) * size
    return lambda: mqtt.encode(mqtt.PubAck(1, user_properties=user_properties))


@case(cython=100_000, python=10_000)
def encode_subscription_identifiers(mqtt: Any, size: int) -> Work:
    identifiers = [1, 268_435_455] * (size // 2)
    return lambda: mqtt.encode(mqtt.Publish("t", subscription_identifiers=identifiers))


@case(cython=50_000, python=5_000)
def encode_many(mqtt: Any, size: int) -> Work:
    packets = [mqtt.Publish("a/b", b"x" * 1000, 1, packet_id=7), mqtt.PubAck(1)] * (size // 2)
    return lambda: mqtt.encode_many(packets)


@case(cython=200_000, python=50_000)
def encode_acks(mqtt: Any, size: int) -> Work:
    identifiers = [7] * size
    return lambda: mqtt.encode_acks(4, identifiers)


@case(cython=50_000, python=5_000)
def batch(mqtt: Any, size: int) -> Work:
    """Many packets before the batch is taken; every tenth has a payload that is not copied."""
    packets = [*[mqtt.Publish("a/b", b"x" * 100, 1, packet_id=7)] * 9, mqtt.Publish("a/b", bytes(8_192))]

    def work() -> None:
        encoder = mqtt.Encoder(5)
        for number in range(size):
            encoder.write(packets[number % 10])
            assert encoder.pending
        encoder.take_parts()

    return work


# --- Topics of many levels, up to the maximum length.


def decode_and_encode(mqtt: Any, data: bytes) -> Work:
    """Several times, so that the topic dominates the packet around it."""

    def work() -> None:
        for _ in range(3):
            assert mqtt.encode(mqtt.decode(data, 4), 4) == data

    return work


@case(65_535)
def topic_filter_of_slashes(mqtt: Any, size: int) -> Work:
    return decode_and_encode(mqtt, framed(0x82, b"\0\1" + string(b"/" * size) + b"\0"))


@case(65_535)
def topic_filter_of_pluses(mqtt: Any, size: int) -> Work:
    return decode_and_encode(mqtt, framed(0x82, b"\0\1" + string(b"+/" * (size // 2)) + b"\0"))


@case(65_535)
def topic_filter_not_of_ascii(mqtt: Any, size: int) -> Work:
    return decode_and_encode(mqtt, framed(0x82, b"\0\1" + string("é/€".encode() * (size // 6)) + b"\0"))


@case(65_535)
def topic_name_of_slashes(mqtt: Any, size: int) -> Work:
    return decode_and_encode(mqtt, framed(0x30, string(b"/" * size)))


# --- Topics: maps of many filters, and topics of many levels.


def topics_of(mqtt: Any) -> Any:
    return import_module("mqttcodec._topics" + ("_c" if mqtt.BACKEND == "cython" else "_py"))


@case(cython=20_000, python=5_000)
def filters_set_matched_and_deleted(mqtt: Any, size: int) -> Work:
    """The number of other filters does not matter to a match."""
    filters = [f"a/{number}/+" for number in range(size)]
    names = [f"a/{number}/b" for number in range(size)]
    make = topics_of(mqtt).TopicMatcher

    def work() -> None:
        matcher = make()
        for each in filters:
            matcher[each] = 1
        for each in names:
            assert matcher.match(each) == [1]
        for each in filters:
            del matcher[each]

    return work


@case(cython=20_000, python=5_000)
def shared_subscriptions_of_one_filter(mqtt: Any, size: int) -> Work:
    filters = [f"$share/{number}/a/+" for number in range(size)]
    make = topics_of(mqtt).TopicMatcher

    def work() -> None:
        matcher = make(dict.fromkeys(filters, 1))
        assert len(matcher.match("a/b")) == size
        for each in filters:
            del matcher[each]

    return work


@case(cython=20_000, python=5_000)
def topics_set_matched_and_deleted(mqtt: Any, size: int) -> Work:
    names = [f"a/{number}/b" for number in range(size)]
    make = topics_of(mqtt).TopicTree

    def work() -> None:
        tree = make(dict.fromkeys(names, 1))
        assert len(tree.match("a/+/b")) == len(tree.match("#")) == size
        for each in names:
            assert len(tree.match(each)) == 1
        for each in names:
            del tree[each]

    return work


@case(65_535)
def topic_of_slashes_in_maps(mqtt: Any, size: int) -> Work:
    topics = topics_of(mqtt)
    name, topic_filter = "/" * size, "+/" * (size // 2) + "#"

    def work() -> None:
        matcher, tree = topics.TopicMatcher({topic_filter: 1}), topics.TopicTree({name: 1})
        assert matcher.match(name) == [1]
        assert len(tree.match(topic_filter)) == 1
        assert topics.topic_matches(topic_filter, name)
        matcher.clear()
        del tree[name]

    return work


def mark() -> None:
    """End one part and begin the next: callgrind does so when it sees this call into the C library."""
    os.getppid()


def main(name: str) -> None:
    # The collector runs depending on the number of objects, which is not work of the codec.
    gc.disable()
    mqtt = implementations.load(name)
    for case_name, (prepare, sizes) in CASES.items():
        # Work that happens only the first time is not counted.
        prepare(mqtt, 128)()
        for size in (sizes[name] // 2, sizes[name]):
            work = prepare(mqtt, size)
            mark()
            work()
            mark()
            print(case_name, size)


if __name__ == "__main__":
    main(sys.argv[1])
