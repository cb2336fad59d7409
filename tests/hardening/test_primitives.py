"""Functions that read bytes, at the end of memory: an inaccessible page follows each input.

Inputs of up to three bytes, and samples of up to 64 at every alignment, are read by each reading function of
`_reader_c.pxd` and `_decode_properties_c.pyx` (`primitives.pyx`). The results are compared with the reference functions
below, and for property lists of a PUBLISH with the plain codec. The public functions read all vectors there, cut at
every place, and write packets there.
"""

from __future__ import annotations

import ctypes
import importlib.util
import mmap
import os
import random
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import implementations
import vectors
from octets import Value, framed, read_variable_integer
from samples import SEED, VERSIONS, outcome, packets

SOURCE = Path(__file__).with_name("primitives.pyx")
PACKAGE = Path(__file__).parents[2] / "src"
PAGE = mmap.PAGESIZE
GREATEST_SIZE = 64
TELLING_BYTES = b"\x00\x01\x02\x23\x26\x2b\x2f\x61\x7f\x80\x81\xbf\xc2\xed\xf4\xff"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it closes pages as Linux does")


class Room:
    """A page of memory between two inaccessible pages."""

    def __init__(self) -> None:
        self.memory = mmap.mmap(-1, 3 * PAGE)
        begin = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        protect = ctypes.CDLL(None, use_errno=True).mprotect
        protect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
        for closed in (begin, begin + 2 * PAGE):
            assert protect(closed, PAGE, 0) == 0
        self.begin, self.end = begin + PAGE, begin + 2 * PAGE

    def put(self, data: bytes, before_end: int = 0) -> int:
        """Put bytes at the end, or some bytes before it, and return their address."""
        address = self.end - before_end - len(data)
        ctypes.memmove(address, data, len(data))
        return address

    def view(self, data: bytes) -> memoryview:
        place = (ctypes.c_char * len(data)).from_address(self.put(data))
        return memoryview(place).cast("B")


@pytest.fixture(scope="module")
def room() -> Room:
    return Room()


@pytest.fixture(scope="module")
def primitives(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The functions, built from this source tree against the loaded extensions."""
    if "cython" not in implementations.NAMES:
        pytest.skip("the extensions are not there")
    if not (PACKAGE / "mqttcodec" / "_reader_c.pxd").is_file():
        pytest.skip("needs the project's source tree")
    # tools/sanitized.py sets the flags with which it compiled the extensions.
    compiler = shlex.split(os.environ.get("MQTTCODEC_CC") or sysconfig.get_config_var("CC"))
    include = sysconfig.get_paths()["include"]
    if shutil.which(compiler[0]) is None or not Path(include, "Python.h").is_file():
        pytest.skip("needs a C compiler and Python's headers")
    folder = tmp_path_factory.mktemp("primitives")
    made = folder / "primitives.c"
    built = folder / ("primitives" + sysconfig.get_config_var("EXT_SUFFIX"))
    subprocess.run(
        [sys.executable, "-m", "cython", "--module-name", "mqttcodec.primitives", "-I", PACKAGE, "-o", made, SOURCE],
        check=True,
    )
    options = ("-shared", "-fPIC", "-O1", "-g", "-I", include, "-I", PACKAGE / "mqttcodec")
    subprocess.run([*compiler, *options, made, "-o", built], check=True)
    spec = importlib.util.spec_from_file_location("mqttcodec.primitives", built)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- Reference results, according to the standard. None: rejected.

Right = tuple[Any, int] | None


def fixed_width(width: int) -> Callable[[bytes], Right]:
    return lambda data: (int.from_bytes(data[:width], "big"), width) if len(data) >= width else None


def variable_integer(data: bytes) -> Right:
    found = read_variable_integer(data)
    return (found.value, found.size) if isinstance(found, Value) else None


def remaining_length(data: bytes) -> Right:
    found = read_variable_integer(data[1:])
    if found is None:
        return None, 0  # More bytes are needed.
    return (found.value, 1 + found.size) if isinstance(found, Value) else None


def scan(data: bytes) -> Right:
    """1: contains non-ASCII, and no other bit is set; 2: NUL; 4: a wildcard."""
    if not data.isascii():
        return 1, len(data)
    return (2 if 0 in data else 0) | (4 if b"+" in data or b"#" in data else 0), len(data)


def binary(data: bytes) -> Right:
    size = int.from_bytes(data[:2], "big")
    return (data[2 : 2 + size], 2 + size) if 2 <= 2 + size <= len(data) >= 2 else None


def string(data: bytes) -> Right:
    found = binary(data)
    if found is None or b"\0" in found[0]:
        return None
    try:
        return found[0].decode("utf-8"), found[1]
    except UnicodeDecodeError:
        return None


def topic_name(data: bytes) -> Right:
    found = string(data)
    return None if found is None or "+" in found[0] or "#" in found[0] else found


def topic_filter(data: bytes) -> Right:
    found = string(data)
    if found is None or not found[0]:
        return None
    levels = found[0].split("/")
    if levels[0] == "$share" and len(levels) > 1:
        share_name, *levels = levels[1:]
        if not share_name or "+" in share_name or "#" in share_name or levels in ([], [""]):
            return None
    for number, level in enumerate(levels):
        if ("+" in level or "#" in level) and len(level) > 1:
            return None
        if level == "#" and number != len(levels) - 1:
            return None
    return found


def answer_properties(data: bytes) -> Right:
    """A list with at most one Reason String, and User Properties."""
    length = variable_integer(data)
    if length is None or length[0] > len(data) - length[1]:
        return None
    size, begin = length
    rest = data[begin : begin + size]
    reason_string, user_properties = None, []
    while rest:
        identifier, rest = rest[0], rest[1:]
        found = string(rest)
        if found is None:
            return None
        rest = rest[found[1] :]
        if identifier == 0x1F and reason_string is None:
            reason_string = found[0]
        elif identifier == 0x26:
            value = string(rest)
            if value is None:
                return None
            rest = rest[value[1] :]
            user_properties.append((found[0], value[0]))
        else:
            return None
    return (reason_string, tuple(user_properties)), begin + size


def publish_properties(data: bytes) -> Right:
    """The result of the plain twin. The payload follows the list."""
    plain = implementations.load("python")
    try:
        packet = plain.decode(framed(0x30, b"\0\1a" + data))
    except plain.DecodeError:
        return None
    values = (getattr(packet, name) for name in PUBLISH_PROPERTIES)
    return tuple(values), len(data) - len(packet.payload)


PUBLISH_PROPERTIES = (
    *("payload_format_indicator", "message_expiry_interval", "topic_alias", "response_topic"),
    *("correlation_data", "user_properties", "subscription_identifiers", "content_type"),
)
# One of each. The user property and the identifier may be repeated.
WRITTEN_PROPERTIES = [
    bytes.fromhex(text)
    for text in ("0101", "0200000102", "230007", "08000172", "0900020102", "26000161000162", "0b8001", "03000174")
]

RIGHT: dict[str, Callable[[bytes], Right]] = {
    "byte": fixed_width(1),
    "two_bytes": fixed_width(2),
    "four_bytes": fixed_width(4),
    "variable_integer": variable_integer,
    "remaining_length": remaining_length,
    "scan": scan,
    "binary": binary,
    "string": string,
    "topic_name": topic_name,
    "topic_filter": topic_filter,
    "answer_properties": answer_properties,
    "publish_properties": publish_properties,
}
# Values that begin with a two-byte length.
PREFIXED = ("binary", "string", "topic_name", "topic_filter")
EACH_KIND = pytest.mark.parametrize("kind", RIGHT)


def read(primitives: Any, kind: str, address: int, size: int) -> Right:
    try:
        return primitives.read(primitives.KINDS[kind], address, size)
    except primitives.DecodeError as error:
        assert error.offset is None or 0 <= error.offset <= size
        return None


def test_the_page_behind_is_closed(room: Room) -> None:
    program = "import ctypes; from test_primitives import Room; room = Room(); ctypes.string_at(room.{})"
    tests = {"PYTHONPATH": os.pathsep.join((str(Path(__file__).parent), *filter(None, sys.path)))}
    for place, closed in (("begin", False), ("end - 1, 1", False), ("end, 1", True), ("begin - 1, 1", True)):
        command = [sys.executable, "-c", program.format(place)]
        result = subprocess.run(command, env=os.environ | tests, capture_output=True, check=False)
        assert (result.returncode != 0) == closed, result.stderr


@EACH_KIND
def test_all_of_up_to_two_bytes(primitives: Any, room: Room, kind: str) -> None:
    for size in range(3):
        for content in map(bytes, product(range(256), repeat=size)):
            for data in (content, bytes((0, size)) + content) if kind in PREFIXED else (content,):
                assert read(primitives, kind, room.put(data), len(data)) == RIGHT[kind](data), data


@EACH_KIND
def test_all_of_three_bytes(primitives: Any, room: Room, kind: str, full: bool) -> None:
    """The fast run takes one in 4,099, the full run one in 257. MQTTCODEC_EVERY=1 takes all."""
    step = int(os.environ.get("MQTTCODEC_EVERY") or (257 if full else 4_099))
    prefix = b"\0\3" if kind in PREFIXED else b""
    address = room.put(prefix + bytes(3))
    right, taken, refused = primitives.sweep(primitives.KINDS[kind], address, len(prefix) + 3, len(prefix), step)
    contents = range(0, 1 << 24, step)
    answers = (RIGHT[kind](prefix + content.to_bytes(3, "little")) for content in contents)
    sizes = Counter(answer[1] for answer in answers if answer is not None)
    assert (right, taken) == (sizes.total(), sum(size * times for size, times in sizes.items()))
    assert right + refused == len(contents)


def samples(rng: random.Random, size: int, kind: str) -> Iterator[bytes]:
    """Random bytes, significant bytes, text, and nearly valid input."""
    yield bytes(size)
    yield b"\xff" * size
    yield rng.randbytes(size)
    yield bytes(rng.choices(TELLING_BYTES, k=size))
    text = bytes(rng.choices(b"abc/", k=size))
    yield text
    at = rng.randrange(size)
    yield text[:at] + rng.choice((b"\0", b"+", b"#", b"\xc3\xa9", b"\xff", b"$share/")) + text[at:]
    for declared in {size - 2, size - 1, rng.randrange(size)}:
        yield max(declared, 0).to_bytes(2, "big") + text[:-2] if size >= 2 else text
    # A property list of a reason string and user properties, with a correct or nearly correct length.
    listed = b""
    while len(listed) < size - 1:
        pair = bytes(rng.choices(b"abc", k=rng.randrange(5)))
        prefixed = len(pair).to_bytes(2, "big") + pair
        listed += rng.choice((b"\x26" + prefixed * 2, b"\x26" + prefixed * 2, b"\x1f" + prefixed))
    written = b"".join(rng.sample(WRITTEN_PROPERTIES, rng.randrange(len(WRITTEN_PROPERTIES))))
    yield bytes((len(written),)) + written + text
    yield bytes((len(written),)) + written[: size - 1]
    yield bytes((size - 1,)) + listed[: size - 1]
    yield bytes((len(listed),)) + listed
    yield bytes((rng.randrange(size),)) + listed[: size - 1]


@EACH_KIND
def test_samples_of_each_size(primitives: Any, room: Room, kind: str, full: bool) -> None:
    """At the end of the page, where each size begins at another alignment, and with other bytes after the last."""
    print(f"MQTTCODEC_SEED={SEED}")
    rng = random.Random(SEED)
    right = 0
    for size in range(1, GREATEST_SIZE + 1):
        for _ in range(200 if full else 4):
            for data in samples(rng, size, kind):
                data = data[:GREATEST_SIZE]
                expected = RIGHT[kind](data)
                right += expected is not None
                assert read(primitives, kind, room.put(data), len(data)) == expected, data
                behind = rng.randrange(1, 9)
                for strange in (b"\0", b"\xff", b"\x80"):
                    room.put(strange * behind)
                    assert read(primitives, kind, room.put(data, behind), len(data)) == expected, data
    assert right > 100


def test_vectors_cut_everywhere(mqtt: Any, room: Room) -> None:
    """The package treats bytes at the end of memory like bytes anywhere else."""
    for vector in vectors.BYTES:
        data, version = vectors.data(vector), vector["version"]
        if len(data) > PAGE:
            continue
        for size in range(len(data) + 1) if len(data) <= 2 * GREATEST_SIZE else (len(data) - 1, len(data)):
            part = data[:size]
            view = room.view(part)
            assert outcome(lambda: mqtt.decode(view, version)) == outcome(lambda: mqtt.decode(part, version))
            assert outcome(lambda: mqtt.decode(view, version, copy=False)) == outcome(
                lambda: mqtt.decode(part, version, copy=False)
            )
            assert outcome(lambda: mqtt.peek(view)) == outcome(lambda: mqtt.peek(part))


def test_packets_written_to_the_end(mqtt: Any, room: Room) -> None:
    for version in VERSIONS:
        for packet in packets(mqtt, version):
            data = mqtt.encode(packet, version)
            for offset in (0, 1, 2, 3):
                view = room.view(bytes(offset + len(data)))
                assert mqtt.encode_into(packet, view, offset, version) == offset + len(data)
                assert view[offset:] == data
            # Its payload is there too.
            if type(packet) is mqtt.Publish and packet.payload:
                held = packet.replace(payload=room.view(packet.payload))
                assert mqtt.encode(held, version) == data
