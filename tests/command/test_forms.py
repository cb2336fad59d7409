"""The forms in which `mqttcodec decode` takes bytes.

`dumps.jsonl` holds what the named programs print for some bytes (hexdump and od of Debian 12, on a little-endian
machine).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mqttcodec import Connect, MQTTv5, PingReq, Publish, encode, encode_many
from mqttcodec.command import _forms

PUBLISH = encode(Publish("a", b"h"))
"""30 05 00 01 61 00 68"""
PINGS = encode(PingReq()) * 64
DUMPS = [json.loads(line) for line in Path(__file__).with_name("dumps.jsonl").read_text("utf-8").splitlines()]


def read(
    data: bytes | str, name: str | None = None, offsets: int | None = None, *, size: int = 1 << 16
) -> tuple[str, bytes]:
    """The name of the form that was taken, and the bytes. The data arrives in chunks of `size`."""
    whole = data.encode() if isinstance(data, str) else data
    chunks = (whole[at : at + size] for at in range(0, len(whole), size))
    form, found = _forms.recognised(chunks, name, MQTTv5, offsets)
    assert form is not None
    return form.name, b"".join(found)


@pytest.mark.parametrize("size", [61, 1 << 16])
@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: f"{dump['input']}-{dump['program']}")
def test_dumps(dump: dict[str, str], size: int) -> None:
    data = bytes.fromhex(dump["bytes"])
    if dump["program"] == "od -A n -v":
        data += bytes(len(data) % 2)  # Only a last offset would tell that a byte is missing.
    assert read(dump["text"], size=size) == (dump["form"], data)
    assert read(dump["text"].replace("\n", "\r\n"), size=size) == (dump["form"], data)
    assert read(dump["text"], dump["form"], size=size)[1] == data


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("hex", "30050001610068"),
        ("hex", "30 05 00 01 61 00 68"),
        ("hex", "3005 0001 6100 68\n"),
        ("hex", "30:05:00:01:61:00:68"),
        ("hex", "30-05-00-01-61-00-68"),
        ("hex", "30, 05, 00, 01, 61, 00, 68"),
        ("hex", "[30, 05, 00, 01, 61, 00, 68]"),
        ("hex", "0x30 0x05 0x00 0x01 0x61 0x00 0x68"),
        ("hex", "0X30,0X05,0X00,0X01,0X61,0X00,0X68"),
        ("hex", "0x30050001610068"),
        ("hex", r"\x30\x05\x00\x01\x61\x00\x68"),
        ("hex", '"30 05 00 01 61 00 68"'),
        ("hex", "<Buffer 30 05 00 01 61 00 68>"),
        ("hex", "30 05\n00 01\n\n61 00 68"),
        ("literal", r"b'0\x05\x00\x01a\x00h'"),
        ("literal", r'b"0\x05\x00\x01a\x00h"'),
        ("literal", r"payload = bytearray(b'0\x05\x00\x01a\x00h')"),
        ("literal", "(b'0\\x05\\x00'\n b'\\x01a\\x00h')"),
        ("literal", r'const char packet[] = "0\x05\0\001" "a\x00h";'),
        ("literal", r"Received 7 bytes: b'0\x05\x00\x01a\x00h'"),
        ("escapes", r"0\x05\x00\x01a\x00h"),
        ("base64", "MAUAAWEAaA=="),
        ("base64", "MAUAAWEAaA"),
        ("base64", "MAUA\nAWEA\naA==\n"),
        ("c", "{ 0x30, 0x05, 0x00, 0x01, 0x61, 0x00, 0x68 }"),
        ("c", "unsigned char packet[7] = {\n  0x30, 5, 0, 1, /* topic */\n  'a', 0, 'h' // payload\n};\n"),
        ("c", "unsigned char x[] = {0x30, 0x05, 0x00, 0x01, 0x61, 0x00, 0x68};\nunsigned int x_len = 7;\n"),
        ("c", "static const uint8_t x[] = { 060, 005, 0, 1, 0141, 0, 0150 };"),
        ("c", "[]byte{48, 5, 0, 1, 97, 0, 104}"),
        ("c", "new byte[] {(byte) 0x30, 5, 0, 1, 97, 0, 104}"),
        ("numbers", "[48, 5, 0, 1, 97, 0, 104]"),
        ("numbers", "48 5 0 1 97 0 104"),
        ("numbers", "48, 5, 0, 1, 97, 0, 104"),
        ("numbers", "bytes([48, 5, 0, 1, 97, 0, 104])"),
        ("numbers", "let x: [u8; 7] = [0x30, 5, 0, 1, b'a', 0, 104u8];".replace("b'a'", "97")),
        ("numbers", "Uint8Array(7) [\n  48, 5, 0, 1,\n  97, 0, 104\n]"),
        ("erlang", "<<48,5,0,1,97,0,104>>"),
        ("erlang", '<<"0",5,0,1,"a",0,"h">>'),
        ("erlang", "<<16#30, 16#05, 0, 1, 16#61, 0, 16#68>>"),
        ("erlang", "Packet = <<0x30, 5, 0, 1, ?a, 0, 104>>.".replace("?a", "97")),
        ("dump", "0000   30 05 00 01 61 00 68                              0...a.h"),
        ("dump", "0000  30 05 00 01 61 00 68"),
        ("dump", "000000 30 05 00 01\n000004 61 00 68\n"),
        ("xxd", "\t0x0000:  3005 0001 6100 68                   0...a.h"),
        ("xxd", "00000040: 3005 0001 6100 68                        0...a.h"),
        ("hexdump", " 0530 0100 0061 0068"),
    ],
)
def test_forms(name: str, text: str) -> None:
    expected = PUBLISH + b"\0" * (text == " 0530 0100 0061 0068")
    assert read(text) == (name, expected)
    assert read(text, size=1) == (name, expected)
    assert read(text, name)[1] == expected
    for bom, encoding in (("\ufeff", "utf-8"), ("\ufeff", "utf-16-le"), ("\ufeff", "utf-16-be")):
        assert read((bom + text).encode(encoding)) == (name, expected)


def test_wireshark() -> None:
    """Two packets, each with its own offsets, and characters that look like hex beside them."""
    data = encode(Publish("a", b"ab cd ef 01 23 45 67"))
    rows = [data[at : at + 16] for at in range(0, len(data), 16)]
    for gap in "  ", "   ":
        dump = "".join(
            f"{16 * number:04x}  {row.hex(' '):47}{gap}{''.join(chr(b) if 32 <= b < 127 else '.' for b in row)}\n"
            for number, row in enumerate(rows)
        )
        assert read(dump + "\n" + dump) == ("dump", data + data)


def test_raw_bytes() -> None:
    data = encode_many([Connect("c"), Publish("a", b"30 05 00 01 61 00 68\n")])
    assert read(data) == ("raw", data)
    assert read(data, size=1) == ("raw", data)
    newline = encode(Publish("a" * 6, b""))
    newline = b"\x30\x0a" + newline[2:9] + b"\0xx"
    assert read(newline, size=2) == ("raw", newline)
    assert read(b"c000", "raw") == ("raw", b"c000")


@pytest.mark.parametrize("size", [1, 1000, 1 << 16])
def test_one_very_long_line(size: int) -> None:
    data = PUBLISH * 12_000
    for name, text in (("hex", data.hex()), ("hex", data.hex(" ")), ("hex", "0x" + data.hex(":").replace(":", ", 0x"))):
        if size > 1:
            assert read(text, size=size) == (name, data)


def test_text_arrives_line_by_line() -> None:
    """Each line is read before the next one is asked for."""
    taken = []

    def lines() -> Iterator[bytes]:
        for number in range(5):
            taken.append(number)
            yield PUBLISH.hex(" ").encode() + b"\n"

    _, found = _forms.recognised(lines(), None, MQTTv5)
    for number, data in enumerate(found):
        assert data in (PUBLISH, b"")
        assert taken == list(range(min(number + 1, 5)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("50 20", "2 ways; choose --format hex (hex digits) or --format numbers (list of numbers)"),
        ("0000000 0180 0180\n", "--format hexdump ("),
        ("0000000 00c0 00c0 00c0 00c0 00c0 00c0 00c0 00c0\n*\n0000200\n", "choose --offsets 8 or --offsets 16"),
        (" c0 00\n*\n", "unknown number of lines"),
        ("c00", "hex digits must come in pairs, not 3 as in 'c00'"),
        ("hello", "known form, not 'hello'"),
        ("{ 300, 5 }", "known form"),
        ("{ 48, 5", "the list must end with }"),
        ("<<48, 5, ...>>", "known form"),
        (r"b'\q'", "known form"),
        ("[]", "known form"),
        ("0000000 30 05 00 01\n0000005 61 00 68\n", "0000000"),
        ("0000000 30 05 00 01\n*\n", "a line with an offset must follow *"),
    ],
)
def test_faults(text: str, message: str) -> None:
    with pytest.raises(_forms.FormError) as caught:
        read(text)
    assert message in str(caught.value)


@pytest.mark.parametrize(("radix", "lines"), [(8, 8), (16, 32)])
def test_offsets_that_the_user_names(radix: int, lines: int) -> None:
    dump = "0000000 00c0 00c0 00c0 00c0 00c0 00c0 00c0 00c0\n*\n0000200\n"
    assert read(dump, offsets=radix) == ("hexdump", b"\xc0\0" * 8 * lines)


def test_fault_after_the_sample() -> None:
    text = PUBLISH.hex(" ") + "\n"
    _form, found = _forms.recognised(iter([text.encode() * 5000, b"nothing\n"]), None, MQTTv5)
    with pytest.raises(_forms.FormError):
        list(found)


@pytest.mark.parametrize("magic", ["d4c3b2a1", "a1b2c3d4", "4d3cb2a1", "a1b23c4d", "0a0d0d0a"])
def test_captures_are_named(magic: str) -> None:
    kind = "pcapng" if magic == "0a0d0d0a" else "pcap"
    with pytest.raises(_forms.FormError, match=f"a {kind} capture.*Wireshark"):
        read(bytes.fromhex(magic) + bytes(20))


@pytest.mark.parametrize("size", [5, 1 << 16])
def test_base64_of_several_packets(size: int) -> None:
    """Each line has its padding, as `encode --base64` writes them."""
    assert read("wAA=\nMAUAAWEAaA==\n0AA=\n" * 100, size=size)[1] == (b"\xc0\0" + PUBLISH + b"\xd0\0") * 100


def test_nothing() -> None:
    assert _forms.recognised(iter([]), None, MQTTv5)[0] is None
    assert read(" \n") == ("raw", b" \n")
