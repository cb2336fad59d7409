"""The forms in which bytes can be written as text, and how to recognise them.

Each form is a function that turns blocks of text into bytes, and raises `FormError` for text of another form. A block
ends with a line, unless the line is very long. A form is recognised by trying all of them on the start of the input.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Literal, NamedTuple

import mqttcodec as mqtt

from .._errors import shown

SAMPLE_SIZE = 65_536
"""So much of the input, at most, is read before its form must be clear. Longer lines are cut into such blocks."""
_SHORTEST_TEXT = 4
"""Fewer bytes can be the start of a raw packet, such as a PUBLISH with a Remaining Length of 10, which is a newline."""
_TEXT = bytes(range(0x20, 0x7F)) + b"\t\n\f\r"
_CAPTURES = {
    b"\x0a\x0d\x0d\x0a": "pcapng",
    **dict.fromkeys((b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d"), "pcap"),
}
_BOMS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}

Blocks = Iterator[str]
Reader = Callable[[Blocks, int | None], Iterator[bytes]]
"""Turns blocks of text into bytes. The number is the radix of offsets, or None if it must be found out."""


class FormError(ValueError):
    """The input is not in the form that was asked for, in no form that is known, or in one that cannot be told."""


class UnfinishedError(FormError):
    """The text ends too early. At the end of a sample that is no fault."""


class UndecidedError(FormError):
    """The text fits the form, but does not say enough. The message says what to do."""


def _part(text: str) -> str:
    """The start of a text for a message. It is short, because a password may be in it."""
    return shown(text if len(text) <= 16 else text[:16] + "...")


class Form(NamedTuple):
    """A way to write bytes."""

    name: str
    """The name that `--format` takes."""
    title: str
    read: Reader
    rank: int = 0
    """If two forms fit equally, the one with the lower rank is taken. If they have the same rank, the user must say."""


# --- Hex digits.

_HEX_SEPARATORS = re.compile(r"(?:0[xX]|\\x|<Buffer|[\s:,;\"'\[\](){}>-])+")


def _read_hex(blocks: Blocks, _: int | None) -> Iterator[bytes]:
    kept = ""
    for block in blocks:
        text = kept + block
        # The end of a very long line may be within a byte or a separator.
        cut = len(text) if text.endswith("\n") else max(len(text) - len(text) % 2 - 8, 0)
        kept = text[cut:]
        groups = _HEX_SEPARATORS.split(text[:cut])
        if not text.endswith("\n") and groups and len(groups[-1]) % 2:
            kept = groups[-1][-1] + kept
            groups[-1] = groups[-1][:-1]
        yield _hex_groups(groups)
    *groups, last = _HEX_SEPARATORS.split(kept)
    if len(last) % 2:
        _hex_groups([*groups, last[1:]])
        raise UnfinishedError(_odd(last))
    yield _hex_groups([*groups, last])


def _odd(group: str) -> str:
    return f"hex digits must come in pairs, not {len(group)} as in {_part(group)}"


def _hex_groups(groups: list[str]) -> bytes:
    for group in groups:
        if group == "*":
            raise _unknown_repeats()
        if re.fullmatch("[0-9a-fA-F]*", group) is None:
            raise FormError(f"hex digits expected, not {_part(group)}")
        # Digits do not form a byte across a separator: "0x1 0x2" hardly means one byte.
        if len(group) % 2:
            raise FormError(_odd(group))
    return bytes.fromhex("".join(groups))


# --- Base64.


def _read_base64(blocks: Blocks, _: int | None) -> Iterator[bytes]:
    kept = ""
    for block in blocks:
        found = bytearray()
        for line in block.translate({ord("-"): "+", ord("_"): "/"}).splitlines():
            kept += line.strip()
            # Padding ends one text, and another may follow.
            cut = len(kept) if kept.endswith("=") else len(kept) // 4 * 4
            found += _base64_decoded(kept[:cut])
            kept = kept[cut:]
        yield bytes(found)
    if kept:
        yield _base64_decoded(kept + "=" * (-len(kept) % 4))


def _base64_decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise FormError("base64 text expected") from None


# --- Forms that are read line by line.


def _line_lists(blocks: Blocks) -> Iterator[list[str]]:
    """The lines that arrive together, without their ends. Memory is bounded by the longest line."""
    kept = ""
    for block in blocks:
        if not block.endswith("\n"):
            kept += block
            continue
        yield (kept + block).splitlines()
        kept = ""
    if kept:
        yield kept.splitlines()


def _lines(blocks: Blocks) -> Iterator[str]:
    return chain.from_iterable(_line_lists(blocks))


_LITERAL = re.compile(r"""(\b[bB])?(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)')""")
_AROUND_LITERALS = re.compile(r"[\w\s\[\]=(),;:+*.&-]*")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.?))")
_ESCAPES = dict(zip("abfnrtv\\'\"?e", b"\a\b\f\n\r\t\v\\'\"?\x1b", strict=True))


def _read_literal(blocks: Blocks, _: int | None) -> Iterator[bytes]:
    """Quoted strings with escapes, which may have a declaration or other words around them."""
    for line in _lines(blocks):
        literals = _LITERAL.findall(line)
        if not _AROUND_LITERALS.fullmatch(_LITERAL.sub("", line)) or (line.strip(" \t();") and not literals):
            raise FormError(f"a bytes literal expected, not {_part(line.strip())}")
        for prefix, double, single in literals:
            if not prefix and "\\" not in double + single:
                raise FormError(f"a bytes literal expected, not {_part(line.strip())}")
            yield _unescaped(double + single)


def _read_escaped(blocks: Blocks, _: int | None) -> Iterator[bytes]:
    """Printable characters and escapes without quotes, as some logs have them."""
    for line in _lines(blocks):
        if line and "\\" not in line:
            raise FormError(f"escapes such as \\x30 expected, not {_part(line)}")
        yield _unescaped(line)


def _unescaped(text: str) -> bytes:
    def character(escape: re.Match[str]) -> str:
        digits, octal, letter = escape.groups()
        number = int(digits, 16) if digits else int(octal, 8) if octal else _ESCAPES.get(letter, 256)
        if number > 255:
            raise FormError(f"an escape must stand for a byte, not {_part(escape[0])}")
        return chr(number)

    return _ESCAPE.sub(character, text).encode("latin-1")


_COMMENT = re.compile(r"//.*|/\*.*?\*/")
_AROUND_LISTS = re.compile(r"[\w\s\[\]=;:*&.()!<>,-]*")
_NUMBER = re.compile(
    r"""(?:\(\w+\)\s*)?(?:
        (?:0[xX]|16\#)(?P<hex>[0-9a-fA-F]{1,2})
        | 0[bB](?P<binary>[01]{1,8})
        | (?P<decimal>-?\d{1,4})
        | '(?P<character>\\x[0-9a-fA-F]{1,2}|\\?[^'])'
        | "(?P<string>(?:[^"\\]|\\.)*)"
    )(?:[uU]8?|i8|[lL])?""",
    re.VERBOSE,
)


def _list_reader(opening: str, closing: str) -> Reader:
    """The reader of lists between brackets, or without brackets if `opening` is empty."""

    def read(blocks: Blocks, _: int | None) -> Iterator[bytes]:
        is_open = is_found = not opening
        for line in _lines(blocks):
            text = _COMMENT.sub(" ", line).strip()
            while text:
                if not is_open:
                    before, bracket, text = _at_opening(text, opening)
                    if not _AROUND_LISTS.fullmatch(before):
                        raise FormError(f"a list between {opening} and {closing} expected, not {_part(line.strip())}")
                    is_open = bool(bracket)
                    is_found = is_found or is_open
                    continue
                if not opening and not re.search(r"[\s,;]", text):
                    raise FormError(f"a list of numbers expected, not {_part(text)}")
                inside, bracket, text = text.partition(closing) if closing else (text, "", "")
                yield _numbers(inside, is_c=opening == "{")
                is_open = not bracket
                text = text.strip()
        if not is_found:
            raise FormError(f"a list between {opening} and {closing} expected")
        if opening and is_open:
            raise UnfinishedError(f"the list must end with {closing}")

    return read


def _at_opening(text: str, opening: str) -> tuple[str, str, str]:
    """The text before, at and after the bracket that opens a list. `[]` and `x[7] =` are types, not lists."""
    type_name, equals, value = text.partition("=")
    if equals:
        before, bracket, after = value.partition(opening)
        return type_name + before, bracket, after
    if opening == "[" and "[]" in text:
        return text, "", ""
    return text.partition(opening)


def _numbers(text: str, *, is_c: bool) -> bytes:
    found = bytearray()
    at = 0
    text = text.strip(" \t,;")
    while at < len(text):
        number = _NUMBER.match(text, at)
        end = number.end() if number else at
        following = re.compile(r"\s*[,;]\s*|\s+|$").match(text, end)
        value = _value(number, is_c=is_c) if number and following else None
        if value is None or following is None:
            raise FormError(f"a number from 0 to 255 expected, not {_part(text[at : at + 16])}")
        found += value
        at = following.end()
    return bytes(found)


def _value(number: re.Match[str], *, is_c: bool) -> bytes | None:
    digits = number["decimal"]
    if number["hex"]:
        value = int(number["hex"], 16)
    elif number["binary"]:
        value = int(number["binary"], 2)
    elif digits:
        # A leading zero means octal in C. Elsewhere it speaks for hex.
        if digits[0] == "0" and len(digits) > 1 and not (is_c and digits.isdigit() and not set(digits) & {"8", "9"}):
            return None
        value = int(digits, 8 if digits[0] == "0" else 10)
    else:
        return _unescaped(number["character"] if number["string"] is None else number["string"])
    # Java and others have signed bytes.
    return bytes([value & 255]) if -128 <= value <= 255 else None


# --- Dumps: lines of offsets and bytes.

_OFFSET = re.compile(r"\s*(?:0x)?([0-9a-fA-F]{4,16})(:?)(?=\s|$)")


_SINGLE_BYTES = re.compile(r"\s*(?:[0-9a-fA-F]{2}(?:\s+|$))*")


class Unit(NamedTuple):
    """A group of digits in a dump."""

    pattern: str
    base: int
    size: int = 1
    order: Literal["little", "big"] = "little"
    radixes: tuple[int, ...] = (8, 10)
    """Of offsets with seven digits: od's are octal or decimal, hexdump's in hex. All others are in hex."""


def _dump_reader(unit: Unit, *, colon: bool = False) -> Reader:
    def read(blocks: Blocks, offsets: int | None) -> Iterator[bytes]:
        place = _Place(unit, offsets)
        number, repeats = 0, False
        for lines in _line_lists(blocks):
            found = bytearray()
            for number, line in enumerate(lines, number + 1):  # noqa: B020 (it counts on)
                if line.strip() in ("", "*"):
                    repeats = repeats or "*" in line
                    continue
                head = _OFFSET.match(line)
                if head is None or bool(head[2]) != colon:
                    raise FormError(f"line {number} must begin with an offset, not {_part(line.strip())}")
                for data in place.advance(head[1], number, repeats=repeats):
                    found += data
                    if len(found) > SAMPLE_SIZE:  # A line with * can stand for any number of bytes.
                        yield bytes(found)
                        found.clear()
                repeats = False
                cells = place.line = _cells(line[head.end() :], unit, number, colon=colon)
                if number == 1 and (not cells or not (colon or len(head[1]) > 6 or set(head[1]) == {"0"})):
                    raise FormError("a dump must begin with its offset, which is 0, and bytes")
                # The last word of an odd number of bytes has one that is not there. The next offset tells.
                found += cells if unit.size == 1 else cells[:-1]
            yield bytes(found)
        if repeats:
            raise UnfinishedError("a line with an offset must follow *")
        if unit.size > 1 and place.line:
            yield place.line[-1:]

    return read


class _Place:
    """Where a dump is: its last line, the offset of that line, and the radixes in which the offsets make sense."""

    def __init__(self, unit: Unit, radix: int | None) -> None:
        self.line = b""
        self._unit = unit
        self._given = radix
        self._offset = ""
        self._radixes: tuple[int, ...] = ()

    def advance(self, offset: str, number: int, *, repeats: bool) -> Iterator[bytes]:
        """Go to the next offset, and return the bytes that have to come before it."""
        if not self._offset or (not int(offset, 16) and not repeats):
            # The first line, or that of another dump.
            if self._unit.size > 1 and self.line:
                yield self.line[-1:]
            self._radixes = (self._given,) if self._given else self._unit.radixes if len(offset) == 7 else (16,)
            self._radixes = tuple(radix for radix in self._radixes if _digits_of(offset, radix))
            if not self._radixes:
                raise FormError(f"line {number}: the offset {_part(offset)} is not one of this form")
            self._offset = offset
            return
        size, gaps = len(self.line), {}
        for radix in self._radixes:
            if _digits_of(offset, radix):
                gap = int(offset, radix) - int(self._offset, radix)
                if (repeats and size and gap > 0 and gap % size == 0) or (
                    not repeats and (gap == size or (gap == size - 1 and self._unit.size > 1))
                ):
                    gaps[radix] = gap
        if not gaps:
            raise FormError(f"line {number}: the offset {offset} does not follow from {self._offset} and {size} bytes")
        if len(set(gaps.values())) > 1:
            choices = " or ".join(f"--offsets {radix}" for radix in sorted(gaps))
            raise UndecidedError(f"a dump whose offsets can be read in {len(gaps)} ways; choose {choices}")
        gap = next(iter(gaps.values()))
        if self._unit.size > 1 and gap >= size:
            yield self.line[-1:]
        for _ in range(gap // size - 1 if repeats else 0):
            yield self.line
        self._radixes, self._offset = tuple(gaps), offset


def _digits_of(offset: str, radix: int) -> bool:
    return radix == 16 or (offset.isdigit() and (radix == 10 or not set(offset) & {"8", "9"}))


def _cells(text: str, unit: Unit, number: int, *, colon: bool) -> bytes:
    """The bytes of a line of a dump, without the characters that follow them."""
    if colon:
        text = re.split(r"\s{2,}", text.strip(" \t"), maxsplit=1)[0]
    else:
        text = re.split(r"  [|>]", text)[0]
        if unit.base == 16 and unit.size == 1:
            text = re.split(r"\s{3,}", text.strip())[0]
    if unit.base == 16 and unit.size == 1:
        try:
            if colon or _SINGLE_BYTES.fullmatch(text):
                return bytes.fromhex(text)
            raise ValueError
        except ValueError:
            cells = text.split()
            if colon or len(cells) <= 16 or re.fullmatch("[0-9a-fA-F]{2} ?" * 16, " ".join(cells[:16])) is None:
                raise FormError(f"line {number}: hex digits expected, not {_part(text.strip())}") from None
            return bytes.fromhex("".join(cells[:16]))  # Older versions of Wireshark leave only two spaces.
    values = []
    for cell in text.split():
        if re.fullmatch(unit.pattern, cell) is None or not -128 <= int(cell, unit.base) < 256**unit.size:
            raise FormError(f"line {number}: {_part(cell)} is not a group of this form")
        values.append(int(cell, unit.base) % 256**unit.size)
    return b"".join([value.to_bytes(unit.size, unit.order) for value in values])


_BYTES = Unit("[0-9a-fA-F]{2}", 16)
_WORDS = Unit("[0-9a-fA-F]{4}", 16, 2, radixes=(8, 16))
_OCTAL_WORDS = Unit("[01][0-7]{5}", 8, 2)


def _unknown_repeats() -> FormError:
    return UndecidedError("a dump without offsets, where * stands for an unknown number of lines; write it with od -v")


def _without_offsets(unit: Unit) -> Reader:
    """The reader of a dump of `od -A n`, whose lines begin with a space."""

    def read(blocks: Blocks, _: int | None) -> Iterator[bytes]:
        for number, line in enumerate(_lines(blocks), 1):
            if line.strip() == "*":
                raise _unknown_repeats()
            if line[:1] != " ":
                raise FormError(f"line {number} must begin with a space")
            yield _cells(line, unit, number, colon=False)

    return read


def _raw(blocks: Blocks, _: int | None) -> Iterator[bytes]:
    raise FormError("raw bytes are no text")
    yield b""


FORMS = (
    Form("raw", "raw bytes", _raw),
    Form("c", "C array", _list_reader("{", "}")),
    Form("erlang", "Erlang binary", _list_reader("<<", ">>")),
    Form("hex", "hex digits", _read_hex, 1),
    Form("numbers", "list of numbers", _list_reader("[", "]"), 1),
    Form("numbers", "list of numbers", _list_reader("", ""), 1),
    Form("literal", "bytes literal", _read_literal, 1),
    Form("escapes", "characters with escapes", _read_escaped, 2),
    Form("base64", "base64", _read_base64, 2),
    Form("xxd", "dump of xxd", _dump_reader(Unit("(?:[0-9a-fA-F]{2})+", 16), colon=True)),
    Form("dump", "dump of bytes in hex, with offsets", _dump_reader(_BYTES)),
    Form("hexdump", "dump of 16-bit words in hex, low byte first", _dump_reader(_WORDS)),
    Form("hexdump-be", "dump of 16-bit words in hex, high byte first", _dump_reader(_WORDS._replace(order="big"))),
    Form("od", "dump of 16-bit words in octal, low byte first", _dump_reader(_OCTAL_WORDS)),
    Form("od-be", "dump of 16-bit words in octal, high byte first", _dump_reader(_OCTAL_WORDS._replace(order="big"))),
    Form("octal", "dump of bytes in octal", _dump_reader(Unit("[0-3][0-7]{2}", 8, radixes=(8, 16)))),
    Form("decimal", "dump of bytes in decimal", _dump_reader(Unit(r"-?\d{1,3}", 10))),
    Form("hexdump", "16-bit words in hex, low byte first", _without_offsets(_WORDS), 2),
    Form("od", "16-bit words in octal, low byte first", _without_offsets(_OCTAL_WORDS), 2),
    Form("octal", "bytes in octal", _without_offsets(Unit("[0-3][0-7]{2}", 8)), 2),
)
NAMES = tuple(dict.fromkeys(form.name for form in FORMS))
RAW = FORMS[0]


# --- Recognition.

_LIKE_HEX = re.compile(r"[0-9a-fA-FxX\s:,]*[0-9a-fA-F][0-9a-fA-FxX\s:,]*")


def recognised(
    chunks: Iterator[bytes], name: str | None, version: int, offsets: int | None = None
) -> tuple[Form | None, Iterator[bytes]]:
    """The form of an input and the bytes that it stands for. An empty input has no form.

    `name` is the form to take without a look at the input. Bytes that are not text are raw.
    """
    head = b""
    is_at_end = False
    while name != "raw" and not _is_binary(head) and len(head) < SAMPLE_SIZE:
        if len(head.lstrip()) >= _SHORTEST_TEXT and b"\n" in head.lstrip():
            break
        chunk = next(chunks, b"")
        is_at_end = not chunk
        if is_at_end:
            break
        head += chunk
    if (kind := _CAPTURES.get(head[:4])) is not None and name is None:
        raise FormError(
            f"a {kind} capture, which holds network packets; follow the TCP stream in Wireshark, "
            "and save each direction as raw bytes"
        )
    if name == "raw" or _is_binary(head):
        if name not in (None, "raw"):
            raise FormError("raw bytes; --format asks for text")
        return RAW, chain([head] if head else [], chunks)
    if not head.strip() and is_at_end and name is None:
        # White space alone is hardly a packet, but its bytes are all there is.
        return (RAW, iter([head])) if head else (None, iter(()))
    blocks = _blocks(chain([head], chunks))
    return _recognised_text(blocks, name, version, offsets)


def _is_binary(head: bytes) -> bool:
    return not head.startswith(tuple(_BOMS)) and bool(head.translate(None, _TEXT))


def _blocks(chunks: Iterator[bytes]) -> Blocks:
    """Whole lines as they arrive. A line that is longer than a sample comes in parts."""
    first = next(chunks, b"")
    encoding = next((encoding for bom, encoding in _BOMS.items() if first.startswith(bom)), "latin-1")
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    kept = ""
    for chunk in chain([first], chunks):
        text = kept + decoder.decode(chunk).removeprefix("\ufeff")
        cut = text.rfind("\n") + 1 or (len(text) if len(text) >= SAMPLE_SIZE else 0)
        kept = text[cut:]
        if cut:
            yield text[:cut]
    if kept:
        yield kept


def _recognised_text(
    blocks: Blocks, name: str | None, version: int, offsets: int | None
) -> tuple[Form, Iterator[bytes]]:
    sample: list[str] = []
    while True:
        block = next(blocks, None)
        is_at_end = block is None
        if block is not None:
            sample.append(block)
        candidates = [form for form in FORMS if form.name == name or (name is None and form is not RAW)]
        readings, faults = _readings(candidates, sample, offsets, is_at_end=is_at_end)
        if not readings:
            break
        best = list(readings) if len(readings) == 1 else _best(readings, version)
        if len(best) == 1 and readings[best[0]]:
            (form,) = best
            return form, form.read(chain(sample, blocks), offsets)
        if is_at_end or sum(map(len, sample)) >= SAMPLE_SIZE:
            choices = " or ".join(f"--format {form.name} ({form.title})" for form in best)
            raise FormError(f"input that can be read in {len(best)} ways; choose {choices}")
    text = "".join(sample)
    for form, fault in faults.items():
        # Text that is nothing but digits and separators is meant as hex.
        is_meant = form.name == "hex" and _LIKE_HEX.fullmatch(text)
        if isinstance(fault, UndecidedError) or len(faults) == 1 or is_meant:
            raise fault
    raise FormError(f"input must be a file or bytes in a known form, not {shown(text.strip())}")


def _readings(
    forms: list[Form], sample: list[str], offsets: int | None, *, is_at_end: bool
) -> tuple[dict[Form, bytes], dict[Form, FormError]]:
    """What the forms make of the sample, one for each result, and the faults of those that do not fit."""
    readings: dict[Form, bytes] = {}
    faults: dict[Form, FormError] = {}
    for form in forms:
        found = bytearray()
        try:
            for data in form.read(iter(sample), offsets):
                found += data
                if len(found) > 4 * SAMPLE_SIZE:  # A line with * can stand for any number of bytes.
                    break
        except FormError as error:
            if is_at_end or not isinstance(error, UnfinishedError):
                faults[form] = error
                continue
        if is_at_end and not found:
            faults[form] = FormError(f"{form.title}: there are no bytes")
        elif form.name == "base64" and not _may_be_base64("".join(sample).strip(), bytes(found)):
            faults[form] = FormError("base64 text expected")
        elif bytes(found) not in readings.values():
            readings[form] = bytes(found)
    return readings, faults


def _may_be_base64(text: str, data: bytes) -> bool:
    """Whether this can be more than a word: it is long, padded, or makes a packet."""
    return len(text) >= 16 or text.endswith("=") or fit(data, 5) > 0


def _best(readings: dict[Form, bytes], version: int) -> list[Form]:
    fits = {form: fit(data, version) for form, data in readings.items()}
    best = max(fits.values())
    forms = [form for form in readings if fits[form] == best]
    rank = min(form.rank for form in forms)
    return [form for form in forms if form.rank == rank]


def fit(data: bytes, version: int) -> int:
    """How well bytes fit MQTT: 0, 1 if they may be a packet or begin with one, 2 if they are packets."""
    best = 0
    for decoder in (mqtt.Decoder(), *map(mqtt.Decoder, (version, 5, 4, 3))):
        count, is_valid = 0, True
        try:
            for _ in decoder.feed(data):
                count += 1
        except mqtt.DecodeError:
            is_valid = False
        best = max(best, is_valid + (count > 0))
    return best
