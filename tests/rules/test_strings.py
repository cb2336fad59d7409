"""UTF-8 Encoded Strings (1.5.4; 1.5.3 in 3.1.1), decoded and encoded, in each kind of field.

CPython's strict decoder defines which bytes are well-formed. The codec also rejects U+0000 and characters that are not
allowed in a topic name or topic filter. If a string has several faults, the order is ours: UTF-8, U+0000, wildcards.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from octets import framed, variable_integer
from samples import SEED
from test_variable_integers import answer, malformed, one_and_two_bytes

GREATEST_LENGTH = 65_535
SURROGATES = range(0xD800, 0xE000)

TOPIC_NAME = re.compile(rb"[+#]")
# Next to a character other than '/', or '#' before anything [MQTT-4.7.1-1] [MQTT-4.7.1-2].
TOPIC_FILTER = re.compile(rb"(?<=[^/])[+#]|\+(?=[^/])|#(?=.)", re.DOTALL)


@dataclass(frozen=True)
class Field:
    """A string field: the bytes around it in a packet, the packet, and the clauses that apply to it."""

    version: int
    first_byte: int
    before: bytes
    after: bytes
    make: Callable[[Any, str], Any]
    read: Callable[[Any], str]
    ill_formed: str
    null_character: str
    # If a property holds the string: the bytes before and after it in the property list.
    properties: tuple[bytes, bytes] | None = None
    wildcard_at_fault: re.Pattern[bytes] | None = None
    plus: str = ""
    hash: str = ""
    may_be_empty: bool = True

    def packet(self, text: bytes) -> tuple[bytes, int]:
        """The packet with `text` in this field, and the offset of the text."""
        prefixed = len(text).to_bytes(2, "big") + text
        before, after = self.before, self.after
        if self.properties:
            begin, end = self.properties
            before += variable_integer(len(begin) + len(prefixed) + len(end)) + begin
            after = end + after
        body = before + prefixed + after
        data = framed(self.first_byte, body)
        return data, len(data) - len(body) + len(before) + 2

    def judged(self, text: bytes) -> str | tuple[str, int, str | None, int]:
        """The expected result for the text. The offset of an error counts from its first byte."""
        try:
            decoded = text.decode("utf-8", "strict")
        except UnicodeDecodeError as error:
            return malformed(self.ill_formed, error.start)
        if 0 in text:
            return malformed(self.null_character, text.index(0))
        if self.wildcard_at_fault:
            match = self.wildcard_at_fault.search(text)
            if match:
                return malformed(self.plus if match.group() == b"+" else self.hash, match.start())
        if not text and not self.may_be_empty:
            return "ProtocolError", 0x82, "MQTT-4.7.3-1", -2
        return decoded


STRING_OF_5: Any = {"version": 5, "ill_formed": "MQTT-1.5.4-1", "null_character": "MQTT-1.5.4-2"}
STRING_OF_3: Any = {"version": 4, "ill_formed": "MQTT-1.5.3-1", "null_character": "MQTT-1.5.3-2"}
USER_PROPERTY: Any = {"version": 5, "ill_formed": "MQTT-1.5.7-1", "null_character": "MQTT-1.5.7-1"}
TOPIC_NAME_OF_5: Any = STRING_OF_5 | {"null_character": "MQTT-4.7.3-2", "wildcard_at_fault": TOPIC_NAME}
TOPIC_NAME_OF_3: Any = STRING_OF_3 | {"null_character": "MQTT-4.7.3-2", "wildcard_at_fault": TOPIC_NAME}
TOPIC_FILTER_OF_5: Any = TOPIC_NAME_OF_5 | {"wildcard_at_fault": TOPIC_FILTER, "may_be_empty": False}
TOPIC_FILTER_OF_3: Any = TOPIC_NAME_OF_3 | {"wildcard_at_fault": TOPIC_FILTER, "may_be_empty": False}

FIELDS = {
    "reason string, PUBACK, 5.0": Field(
        first_byte=0x40,
        before=b"\x00\x01\x00",
        properties=(b"\x1f", b""),
        after=b"",
        make=lambda mqtt, text: mqtt.PubAck(1, reason_string=text),
        read=lambda packet: packet.reason_string,
        **STRING_OF_5,
    ),
    "name of a user property, PUBACK, 5.0": Field(
        first_byte=0x40,
        before=b"\x00\x01\x00",
        properties=(b"\x26", b"\x00\x01v"),
        after=b"",
        make=lambda mqtt, text: mqtt.PubAck(1, user_properties=[(text, "v")]),
        read=lambda packet: packet.user_properties[0][0],
        **USER_PROPERTY,
    ),
    "value of a user property, UNSUBSCRIBE, 5.0": Field(
        first_byte=0xA2,
        before=b"\x00\x01",
        properties=(b"\x26\x00\x01n", b""),
        after=b"\x00\x01a",
        make=lambda mqtt, text: mqtt.Unsubscribe(1, ["a"], user_properties=[("n", text)]),
        read=lambda packet: packet.user_properties[0][1],
        **USER_PROPERTY,
    ),
    "content type, PUBLISH, 5.0": Field(
        first_byte=0x30,
        before=b"\x00\x01t",
        properties=(b"\x03", b""),
        after=b"payload",
        make=lambda mqtt, text: mqtt.Publish("t", b"payload", content_type=text),
        read=lambda packet: packet.content_type,
        **STRING_OF_5 | {"ill_formed": "MQTT-3.3.2-19"},
    ),
    "client id, CONNECT, 5.0": Field(
        first_byte=0x10,
        before=b"\x00\x04MQTT\x05\x02\x00\x00\x00",
        after=b"",
        make=lambda mqtt, text: mqtt.Connect(text, True, 0),
        read=lambda packet: packet.client_id,
        **STRING_OF_5,
    ),
    "client id, CONNECT, 3.1.1": Field(
        first_byte=0x10,
        before=b"\x00\x04MQTT\x04\x02\x00\x00",
        after=b"",
        make=lambda mqtt, text: mqtt.Connect(text, True, 0, protocol_version=4),
        read=lambda packet: packet.client_id,
        **STRING_OF_3,
    ),
    "user name, CONNECT, 3.1": Field(
        first_byte=0x10,
        before=b"\x00\x06MQIsdp\x03\xc2\x00\x00\x00\x01c",
        after=b"\x00\x01p",
        make=lambda mqtt, text: mqtt.Connect("c", True, 0, text, b"p", protocol_version=3),
        read=lambda packet: packet.username,
        **STRING_OF_3 | {"version": 3},
    ),
    "will topic, CONNECT, 3.1.1": Field(
        first_byte=0x10,
        before=b"\x00\x04MQTT\x04\x06\x00\x00\x00\x01c",
        after=b"\x00\x04gone",
        make=lambda mqtt, text: mqtt.Connect("c", True, 0, will=mqtt.Will(text, b"gone"), protocol_version=4),
        read=lambda packet: packet.will.topic,
        plus="MQTT-4.7.1-1",
        hash="MQTT-4.7.1-1",
        may_be_empty=False,
        **TOPIC_NAME_OF_3,
    ),
    "topic, PUBLISH, 5.0": Field(
        first_byte=0x30,
        before=b"",
        after=b"\x03\x23\x00\x07payload",
        make=lambda mqtt, text: mqtt.Publish(text, b"payload", topic_alias=7),
        read=lambda packet: packet.topic,
        plus="MQTT-3.3.2-2",
        hash="MQTT-3.3.2-2",
        **TOPIC_NAME_OF_5,
    ),
    "topic, PUBLISH, 3.1.1": Field(
        first_byte=0x30,
        before=b"",
        after=b"payload",
        make=lambda mqtt, text: mqtt.Publish(text, b"payload"),
        read=lambda packet: packet.topic,
        plus="MQTT-3.3.2-2",
        hash="MQTT-3.3.2-2",
        may_be_empty=False,
        **TOPIC_NAME_OF_3,
    ),
    "response topic, PUBLISH, 5.0": Field(
        first_byte=0x30,
        before=b"\x00\x01t",
        properties=(b"\x08", b""),
        after=b"payload",
        make=lambda mqtt, text: mqtt.Publish("t", b"payload", response_topic=text),
        read=lambda packet: packet.response_topic,
        plus="MQTT-3.3.2-14",
        hash="MQTT-3.3.2-14",
        may_be_empty=False,
        **TOPIC_NAME_OF_5 | {"ill_formed": "MQTT-3.3.2-13"},
    ),
    "topic filter, SUBSCRIBE, 5.0": Field(
        first_byte=0x82,
        before=b"\x00\x01\x00",
        after=b"\x01",
        make=lambda mqtt, text: mqtt.Subscribe(1, [mqtt.Subscription(text, 1)]),
        read=lambda packet: packet.subscriptions[0].topic_filter,
        plus="MQTT-4.7.1-2",
        hash="MQTT-4.7.1-1",
        **TOPIC_FILTER_OF_5,
    ),
    "topic filter, UNSUBSCRIBE, 3.1.1": Field(
        first_byte=0xA2,
        before=b"\x00\x01\x00\x01a",
        after=b"",
        make=lambda mqtt, text: mqtt.Unsubscribe(1, ["a", text]),
        read=lambda packet: packet.topic_filters[1],
        plus="MQTT-4.7.1-3",
        hash="MQTT-4.7.1-2",
        **TOPIC_FILTER_OF_3,
    ),
}

every_field = pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)


def assert_decoded(mqtt: Any, field: Field, text: bytes, alignment: int = 0) -> str | None:
    """Check that the text is accepted or rejected as expected, in a packet at any offset. Returns an accepted text."""
    data, at = field.packet(text)
    expected = field.judged(text)
    if isinstance(expected, tuple):
        kind, reason_code, clause, offset = expected
        expected = kind, reason_code, clause, at + offset
    buffer = bytes(alignment) + data
    found = answer(mqtt, lambda: field.read(mqtt.decode_from(buffer, alignment, field.version)[0]))
    assert found == expected, text.hex(" ")
    return None if isinstance(expected, tuple) else expected


def assert_encoded(mqtt: Any, field: Field, text: str) -> None:
    """Check that a str is written or rejected just as its bytes are accepted or rejected."""
    try:
        encoded = text.encode("utf-8", "strict")
    except UnicodeEncodeError:
        expected: Any = "EncodeError", None, field.ill_formed, None
    else:
        expected, _ = field.packet(encoded)
        judged = field.judged(encoded)
        if isinstance(judged, tuple):
            expected = "EncodeError", None, judged[2], None
    assert answer(mqtt, lambda: mqtt.encode(field.make(mqtt, text), field.version)) == expected, ascii(text)


# --- Characters.


@cache
def texts_of_all_characters(but: str) -> list[str]:
    """All Unicode scalar values except U+0000 and the given ones, in order, in strings of the maximum length."""
    texts = []
    code_points_by_size = (range(1, 0x80), range(0x80, 0x800), range(0x800, 0x10000), range(0x10000, 0x110000))
    for size, code_points in enumerate(code_points_by_size, 1):
        characters = "".join(chr(code) for code in code_points if code not in SURROGATES and chr(code) not in but)
        count = GREATEST_LENGTH // size
        texts += [characters[begin : begin + count] for begin in range(0, len(characters), count)]
    return texts


@every_field
def test_all_characters_together(mqtt: Any, field: Field) -> None:
    but = "+#" if field.wildcard_at_fault else ""
    assert sum(map(len, texts_of_all_characters(but))) == 1_112_063 - len(but)
    for text in texts_of_all_characters(but):
        assert assert_decoded(mqtt, field, text.encode()) == text
        assert_encoded(mqtt, field, text)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["reason string, PUBACK, 5.0", "topic, PUBLISH, 5.0", "topic filter, SUBSCRIBE, 5.0"])
def test_all_characters_alone(mqtt: Any, name: str) -> None:
    field = FIELDS[name]
    but = "+#" if field.wildcard_at_fault else ""
    for character in itertools.chain.from_iterable(texts_of_all_characters(but)):
        assert assert_decoded(mqtt, field, character.encode()) == character
        assert_encoded(mqtt, field, character)


@every_field
def test_characters_that_no_string_has(mqtt: Any, full: bool, field: Field) -> None:
    """U+0000 [MQTT-1.5.4-2] and the surrogates [MQTT-1.5.4-1], alone and among others."""
    surroundings = [(b"", b""), (b"ab", b"c"), ("Ωω".encode(), "€".encode())]
    for code in (0, *SURROGATES):
        character = chr(code)
        encoded = character.encode("utf-8", "surrogatepass")
        for before, after in surroundings if full or not code else [surroundings[code % 3]]:
            assert assert_decoded(mqtt, field, before + encoded + after) is None
            assert_encoded(mqtt, field, before.decode() + character + after.decode())


@every_field
def test_a_pair_of_surrogates_is_no_character(mqtt: Any, field: Field) -> None:
    assert assert_decoded(mqtt, field, b"\xed\xa0\xbd\xed\xb8\x80") is None
    assert_encoded(mqtt, field, "\ud83d" + "\ude00")


@every_field
def test_byte_order_mark_is_a_character(mqtt: Any, field: Field) -> None:
    """It stays in the string [MQTT-1.5.4-3]."""
    for text in ("\ufeff", "\ufeffa", "a\ufeff", "\ufeff\ufeffé"):
        assert assert_decoded(mqtt, field, text.encode()) == text
        assert_encoded(mqtt, field, text)


# --- Bytes.

# The ends of the ranges in Unicode's table of well-formed byte sequences, and the values next to them.
LEADING_BYTES = bytes.fromhex("c0 c1 c2 df e0 e1 ec ed ee ef f0 f1 f3 f4 f5 ff")
CONTINUATION_BYTES = bytes.fromhex("7f 80 8f 90 9f a0 bf c0")
BORDER_SEQUENCES = [
    bytes((leading, *following))
    for size in range(4)
    for leading in LEADING_BYTES
    for following in itertools.product(CONTINUATION_BYTES, repeat=size)
]
BORDER_BYTES = LEADING_BYTES + CONTINUATION_BYTES + b"\x00\x01/a+#"
GOOD_PIECES = [
    *(b"a", b"/", b"bc", b"def", b"/+/", b"seven/7", b"eight/88", b"nine/9999", b"+", b"#", b"\x00"),
    *(character.encode() for character in "\x01\x7f\x80\u07ff\u0800\ud7ff\ue000\ufeff\ufffd\uffff\U00010000\U0010ffff"),
]


def sampled_texts(count: int) -> Iterator[bytes]:
    """Texts that contain byte sequences at the limits of UTF-8, or consist of them."""
    print(f"MQTTCODEC_SEED={SEED}")
    rng = random.Random(SEED)
    for _ in range(count):
        if rng.random() < 0.2:
            yield bytes(rng.choices(BORDER_BYTES, k=rng.randrange(3, 10)))
            continue
        pieces = rng.choices(GOOD_PIECES, k=rng.randrange(6))
        for _ in range(rng.choice((0, 1, 1, 1, 2))):
            pieces.insert(rng.randrange(len(pieces) + 1), rng.choice(BORDER_SEQUENCES))
        yield b"".join(pieces)


@every_field
def test_texts_of_one_and_two_bytes(mqtt: Any, full: bool, field: Field) -> None:
    """All of them. In the fast run, each kind of field gets a share, and all sequences of significant bytes."""
    texts = one_and_two_bytes()
    if not full:
        share = list(FIELDS.values()).index(field)
        telling = itertools.chain(*(itertools.product(BORDER_BYTES, repeat=size) for size in (1, 2)))
        texts = itertools.chain(itertools.islice(texts, share, None, len(FIELDS)), map(bytes, telling))
    taken = Counter(assert_decoded(mqtt, field, text) is not None for text in texts)
    assert min(taken[True], taken[False]) > 1000
    if full:
        assert sum(taken.values()) == 256 + 65_536
        if not field.wildcard_at_fault:
            # The ASCII characters except U+0000, twice each, and the characters of two bytes.
            assert taken[True] == 127 + 127**2 + (0x800 - 0x80)


@every_field
def test_sampled_texts(mqtt: Any, full: bool, field: Field) -> None:
    results: Counter[str] = Counter()
    for text in sampled_texts(80_000 if full else 2_000):
        found = assert_decoded(mqtt, field, text)
        judged = field.judged(text)
        results[judged[2] if isinstance(judged, tuple) else "taken"] += 1
        if found is not None:
            assert_encoded(mqtt, field, found)
    clauses = {"taken", field.ill_formed, field.null_character, field.plus, field.hash} - {""}
    assert clauses <= set(results)
    assert min(results[clause] for clause in clauses) > 10


# --- Positions: the compiled codec examines eight bytes at a time, and then the remaining ones.


def places(full: bool) -> Iterator[tuple[int, int]]:
    """Lengths, each with the positions in it."""
    for length in range(1, 41 if full else 26):
        for position in range(length):
            yield length, position


TELLING_TEXTS = [b"\x00", b"\x80", b"\xff", b"\xc3", b"\xed\xa0\x80", *(text.encode() for text in "é€😀+#")]
TELLING_CHARACTERS = "\x00\ud800é€😀+#"
AROUND = "aé€😀"


@every_field
def test_every_place_decoded(mqtt: Any, full: bool, field: Field) -> None:
    """One significant sequence, at each position of texts of each length, in packets at each alignment."""
    for length in range(41):
        for alignment in range(16):
            assert_decoded(mqtt, field, b"a" * length, alignment)
    for length, position in places(full):
        for at, telling in enumerate(TELLING_TEXTS):
            for around in AROUND if full else ("a" if length % 2 else AROUND[(position + at) % 4]):
                others = around.encode()
                text = others * position + telling + others * (length - 1 - position)
                for alignment in range(16) if full and around == "a" else ((length + position + at) % 16,):
                    assert_decoded(mqtt, field, text, alignment)


@every_field
def test_every_place_encoded(mqtt: Any, full: bool, field: Field) -> None:
    """One significant character, at each position of strs of each length and each internal representation."""
    for length in range(41):
        for around in AROUND:
            assert_encoded(mqtt, field, around * length)
    for length, position in places(full):
        for around in AROUND if full else AROUND[(length + position) % 4]:
            for telling in TELLING_CHARACTERS:
                assert_encoded(mqtt, field, around * position + telling + around * (length - 1 - position))
