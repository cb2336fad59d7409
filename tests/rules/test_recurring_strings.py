"""Strings that recur. The compiled decoder keeps recent ones, which must not show: each packet is decoded as if first.

The strings have 8 to 64 bytes, because only those are kept.
"""

from __future__ import annotations

import random
import tracemalloc
from typing import Any

import pytest

from octets import framed, string, variable_integer
from samples import SEED

KEPT_SIZES = (8, 9, 15, 16, 17, 63, 64)


def publish(topic: bytes, content_type: bytes = b"", response_topic: bytes = b"") -> bytes:
    properties = b"\x03" + string(content_type) if content_type else b""
    properties += b"\x08" + string(response_topic) if response_topic else b""
    return framed(0x30, string(topic) + variable_integer(len(properties)) + properties)


def test_topics_in_any_order(mqtt: Any) -> None:
    """Topics that differ in one byte, and many more than are kept."""
    rng = random.Random(SEED)
    topics = []
    for size in (0, 1, 7, *KEPT_SIZES, 65, 300):
        topic = "t" * size
        topics += [topic, *(topic[:at] + "u" + topic[at + 1 :] for at in range(size))]
    for topic in rng.choices([topic for topic in topics if topic], k=20_000):
        assert mqtt.decode(publish(topic.encode())).topic == topic


@pytest.mark.parametrize("size", KEPT_SIZES)
def test_a_string_that_no_topic_may_be(mqtt: Any, size: int) -> None:
    """A content type may have wildcards. Topics of the same bytes are rejected before and after."""
    for wildcard in (b"+", b"#"):
        for at in range(size):
            text = b"a" * at + wildcard + b"a" * (size - at - 1)
            for _ in range(3):
                with pytest.raises(mqtt.MalformedPacketError, match="wildcard") as caught:
                    mqtt.decode(publish(text))
                assert caught.value.offset == 4 + at
                with pytest.raises(mqtt.MalformedPacketError, match="wildcard") as caught:
                    mqtt.decode(publish(b"t", response_topic=text))
                assert caught.value.offset == 9 + at
                assert mqtt.decode(publish(b"t", text)).content_type == text.decode()


@pytest.mark.parametrize("size", KEPT_SIZES)
def test_a_string_with_the_bytes_of_another(mqtt: Any, size: int) -> None:
    """After a valid string, one that differs in one byte: a null character, or a byte that is no UTF-8."""
    for at in range(size):
        for octet in (0, 0x80, 0xFF):
            valid = b"b" * size
            assert mqtt.decode(publish(valid)).topic == valid.decode()
            with pytest.raises(mqtt.MalformedPacketError) as caught:
                mqtt.decode(publish(valid[:at] + bytes((octet,)) + valid[at + 1 :]))
            assert caught.value.offset == 4 + at


def test_a_buffer_that_changes(mqtt: Any) -> None:
    """A string is that of the bytes at the time of the call, also if the same buffer is decoded again."""
    buffer = bytearray(publish(b"sensor/0000/state"))
    at = buffer.index(b"0000")
    for number in range(1000):
        buffer[at : at + 4] = b"%04d" % number
        assert mqtt.decode(buffer).topic == f"sensor/{number:04}/state"


def test_memory_is_bounded(mqtt: Any) -> None:
    """However many strings are decoded: at most those of two tables of 256, with at most 64 bytes each."""
    tracemalloc.start()
    try:
        for number in range(25_000):
            packet = publish(b"%064d" % number, b"%064d" % -number)
            mqtt.decode(packet)
            mqtt.decode(packet)  # A string is kept when it is decoded the second time.
        assert tracemalloc.get_traced_memory()[0] < 2 * 256 * 160
    finally:
        tracemalloc.stop()
