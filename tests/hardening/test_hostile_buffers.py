"""Buffers other than bytes, and buffers that change size or contents at the worst time.

Each gives a correct result or a documented error. Afterwards the caller can resize the buffer.
"""

from __future__ import annotations

import array
import ctypes
import gc
import mmap
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import vectors
from mqttcodec import _methods
from samples import outcome

PUBLISH = bytes.fromhex("3008 000161 00 70617931")
PINGREQ = b"\xc0\x00"
HAS_BUFFER_PROTOCOL = sys.version_info >= (3, 12) or sys.implementation.name == "pypy"
needs_buffer_protocol = pytest.mark.skipif(
    not HAS_BUFFER_PROTOCOL, reason="objects with __buffer__ came with Python 3.12"
)


def readers(mqtt: Any) -> dict[str, Callable[[Any], Any]]:
    """All functions that read a buffer. Each returns the packet in it, or a substitute."""
    return {
        "decode": lambda buffer: mqtt.decode(buffer),
        "decode, not copied": lambda buffer: mqtt.decode(buffer, copy=False),
        "decode_from": lambda buffer: mqtt.decode_from(buffer)[0],
        "peek": lambda buffer: mqtt.decode(PUBLISH) if mqtt.peek(buffer) == mqtt.peek(PUBLISH) else None,
        "feed": lambda buffer: next(mqtt.Decoder(5).feed(buffer), None),
        "feed, not copied": lambda buffer: next(mqtt.Decoder(5, copy=False).feed(buffer), None),
    }


def batched(mqtt: Any, packet: Any) -> bytes:
    encoder = mqtt.Encoder(5)
    encoder.write(packet)
    batch: bytes = encoder.take()
    return batch


def writers(mqtt: Any) -> dict[str, Callable[[Any], bytes]]:
    """All functions that write a buffer's bytes into a packet."""
    return {
        "payload": lambda buffer: mqtt.encode(mqtt.Publish("a", buffer)),
        "payload in parts": lambda buffer: b"".join(map(bytes, mqtt.encode_parts(mqtt.Publish("a", buffer)))),
        "payload of many": lambda buffer: mqtt.encode_many([mqtt.Publish("a", buffer)] * 2),
        "payload in a batch": lambda buffer: batched(mqtt, mqtt.Publish("a", buffer)),
        "correlation_data": lambda buffer: mqtt.encode(mqtt.Publish("a", correlation_data=buffer)),
        "password": lambda buffer: mqtt.encode(mqtt.Connect(password=buffer)),
        "will.payload": lambda buffer: mqtt.encode(mqtt.Connect(will=mqtt.Will("a", buffer))),
        "authentication_data": lambda buffer: mqtt.encode(
            mqtt.Auth(0x18, authentication_method="m", authentication_data=buffer)
        ),
    }


def released() -> memoryview:
    view = memoryview(bytearray(PUBLISH))
    view.release()
    return view


def mapped() -> mmap.mmap:
    made = mmap.mmap(-1, len(PUBLISH))
    made[:] = PUBLISH
    return made


GOOD: dict[str, Callable[[], Any]] = {
    "bytearray": lambda: bytearray(PUBLISH),
    "read-only view": lambda: memoryview(PUBLISH),
    "writable view": lambda: memoryview(bytearray(PUBLISH)),
    "part of a view": lambda: memoryview(b"xx" + PUBLISH + b"xx")[2:-2],
    "view of a view": lambda: memoryview(memoryview(PUBLISH)),
    "signed bytes": lambda: memoryview(PUBLISH).cast("b"),
    "characters": lambda: memoryview(PUBLISH).cast("c"),
    "two rows": lambda: memoryview(PUBLISH).cast("B", (2, len(PUBLISH) // 2)),
    "no stride but one": lambda: memoryview(PUBLISH)[::1],
    "array": lambda: array.array("B", PUBLISH),
    "array of signed bytes": lambda: array.array("b", PUBLISH),
    "mmap": mapped,
}
NOT_CONTIGUOUS = "must be C-contiguous with one-byte items"
BAD: dict[str, tuple[type[Exception], str, Callable[[], Any]]] = {
    "strided": (BufferError, NOT_CONTIGUOUS, lambda: memoryview(PUBLISH)[::2]),
    "backwards": (BufferError, NOT_CONTIGUOUS, lambda: memoryview(PUBLISH)[::-1]),
    "no items of two bytes, strided": (BufferError, NOT_CONTIGUOUS, lambda: memoryview(b"").cast("H")[::2]),
    "items of two bytes": (BufferError, NOT_CONTIGUOUS, lambda: memoryview(PUBLISH).cast("H")),
    "array of numbers": (BufferError, NOT_CONTIGUOUS, lambda: array.array("I", [1, 2])),
    "floats": (BufferError, NOT_CONTIGUOUS, lambda: memoryview(bytes(8)).cast("d")),
    "array of C": (BufferError, NOT_CONTIGUOUS, lambda: (ctypes.c_uint8 * 2)(0xC0, 0)),
    "number of C": (BufferError, NOT_CONTIGUOUS, lambda: ctypes.c_uint8(0)),
    "released": (ValueError, "released", released),
    "text": (TypeError, "must be a bytes-like object, not str", lambda: "text"),
    "list": (TypeError, "must be a bytes-like object, not list", lambda: list(PUBLISH)),
    "number": (TypeError, "must be a bytes-like object, not int", lambda: 5),
    "iterator": (TypeError, f"must be a bytes-like object, not {type(iter(PUBLISH)).__name__}", lambda: iter(PUBLISH)),
}


@pytest.mark.parametrize("name", GOOD)
def test_bytes_of_any_kind(mqtt: Any, name: str) -> None:
    make = GOOD[name]
    for way, read in readers(mqtt).items():
        assert read(make()) == mqtt.Publish("a", b"pay1"), way
    for way, write in writers(mqtt).items():
        assert write(make()) == write(PUBLISH), way
    buffer = make()
    if not memoryview(buffer).readonly:
        assert mqtt.encode_into(mqtt.PubAck(258), buffer, 2) == 6
        assert bytes(buffer) == PUBLISH[:2] + mqtt.encode(mqtt.PubAck(258)) + PUBLISH[6:]
    else:
        with pytest.raises(BufferError, match="buffer must be writable"):
            mqtt.encode_into(mqtt.PubAck(258), buffer)


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_bytes(mqtt: Any, name: str) -> None:
    error, words, make = BAD[name]
    for use in (*readers(mqtt).values(), *writers(mqtt).values()):
        with pytest.raises(error, match=words):
            use(make())
    with pytest.raises(error, match=words):
        mqtt.encode_into(mqtt.PubAck(1), make())


@pytest.mark.parametrize(
    "make",
    [
        *(bytes, bytearray, lambda: memoryview(b""), lambda: array.array("B")),
        *(lambda: memoryview(b"")[::2], lambda: memoryview(bytearray())[::2]),
    ],
)
def test_empty(mqtt: Any, make: Any) -> None:
    for name, read in readers(mqtt).items():
        if name.startswith("dec"):
            with pytest.raises(mqtt.IncompletePacketError):
                read(make())
        else:
            assert read(make()) is None
    for write in writers(mqtt).values():
        assert write(make()) == write(b"")
    if type(make()) is not bytes and not memoryview(make()).readonly:
        with pytest.raises(mqtt.EncodeError, match="4 bytes"):
            mqtt.encode_into(mqtt.PubAck(1), make())


def release(packet: Any) -> None:
    """Release the views that a packet holds."""
    for value in _methods.named_values(packet).values():
        if isinstance(value, memoryview):
            value.release()
        elif type(value).__name__ == "Will":
            release(value)


@pytest.mark.parametrize("kind", ["bytearray", "array", "matrix"])
def test_no_export_is_left(mqtt: Any, kind: str) -> None:
    """The caller can resize a buffer as soon as a call has returned, without waiting for a garbage collection."""
    for vector in vectors.BYTES:
        data = vectors.data(vector)
        if not data or len(data) > 10_000:
            continue
        buffer = array.array("b", data) if kind == "array" else bytearray(data)
        for call in (
            lambda source: mqtt.peek(source),
            lambda source: mqtt.decode(source, vector["version"]),
            lambda source: release(mqtt.decode(source, vector["version"], copy=False)),
            lambda source: release(mqtt.decode_from(source, 0, vector["version"], copy=False)[0]),
            lambda source: list(mqtt.Decoder(vector["version"]).feed(source)),
            lambda source: list(mqtt.Decoder(vector["version"], copy=False).feed(source)),
            lambda source: mqtt.encode(mqtt.Publish("a", source, correlation_data=source)),
            lambda source: mqtt.encode_into(mqtt.PubAck(1), source),
        ):
            with suppress(mqtt.MQTTError):
                if kind == "matrix":
                    with memoryview(buffer) as flat, flat.cast("B", (1, len(data))) as source:
                        call(source)
                else:
                    call(buffer)
            buffer.append(0)
            buffer.pop()


@contextmanager
def in_the_middle(call: Callable[[], object]) -> Iterator[list[int]]:
    """Call again and again while other code runs. Yields a list with one item for each call.

    Up to Python 3.11, a finaliser runs whenever an object is created, even inside a compiled function. Since then the
    collector waits for the next bytecode, and some Pythons rarely let it run. There, each function call and return
    triggers a call.
    """
    calls: list[int] = []
    if sys.version_info >= (3, 12) or not hasattr(gc, "set_threshold"):

        def at_event(*_: object) -> None:
            calls.append(1)
            call()

        before = sys.getprofile()
        sys.setprofile(at_event)
        try:
            yield calls
        finally:
            sys.setprofile(before)
        return

    class Finalised:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            if active:
                calls.append(1)
                call()
                Finalised()

    active = [True]
    thresholds = gc.get_threshold()
    Finalised()
    gc.set_threshold(1)
    try:
        yield calls
    finally:
        gc.set_threshold(*thresholds)
        active.clear()
        gc.collect()


def test_what_is_read_is_resized(mqtt: Any) -> None:
    packet = mqtt.Subscribe(1, [mqtt.Subscription(f"a/{n}") for n in range(30)], user_properties=[("a", "b")] * 30)
    data = mqtt.encode(packet)
    expected = mqtt.decode(data)
    buffer = bytearray(data)

    def resize() -> None:
        try:
            buffer.extend(bytes(1000))
            del buffer[len(data) :]
        except BufferError:
            refused.append(1)  # It is being read.

    refused: list[int] = []
    with in_the_middle(resize) as calls:
        for _ in range(20):
            assert mqtt.decode(buffer) == expected
            assert mqtt.decode(buffer, copy=False) == expected
            assert list(mqtt.Decoder(5).feed(buffer)) == [expected]
    assert calls
    assert refused or (mqtt.BACKEND == "cython" and sys.version_info >= (3, 12))
    buffer.append(0)


def test_what_is_written_changes(mqtt: Any) -> None:
    """Lists grow and shrink, fields change, a payload is resized: each is used as it was when checked."""
    properties = [("name", "value")] * 40
    filters = ["a/b"] * 40
    payload = bytearray(b"payload")
    publish = mqtt.Publish("a", payload, correlation_data=bytearray(b"c"), user_properties=properties)
    unsubscribe = mqtt.Unsubscribe(1, filters, user_properties=properties)

    def change() -> None:
        properties.clear()
        properties.extend([("name", "value")] * 40)
        filters.clear()
        filters.extend(["a/b"] * 40)
        try:
            payload.extend(bytes(1000))
            del payload[7:]
        except BufferError:
            pass  # It is being written.

    expected = mqtt.encode(publish), mqtt.encode(unsubscribe)
    with in_the_middle(change) as calls:
        for _ in range(100):
            assert (mqtt.encode(publish), mqtt.encode(unsubscribe)) == expected
            assert mqtt.encode_many([publish, unsubscribe]) == b"".join(expected)
    assert calls
    payload.append(0)


def test_the_lent_buffer_changes_hands(mqtt: Any) -> None:
    """It cannot be resized. If the caller writes to it after returning it, it holds other bytes, and is never empty."""
    for copied in (True, False):
        decoder = mqtt.Decoder(5, copy=copied)
        view = decoder.get_buffer()
        view[: len(PUBLISH) * 2] = PUBLISH * 2
        for resize in (view.obj.clear, lambda: view.obj.append(0), lambda: view.obj.extend(b"x" * 1000)):
            with pytest.raises(BufferError):
                resize()
        packets = decoder.buffer_updated(len(PUBLISH) * 2)
        assert next(packets) == mqtt.Publish("a", b"pay1")
        view[:] = b"\xff" * len(view)
        assert outcome(lambda: next(packets))[0] == "MalformedPacketError"
        decoder.reset()
        view.release()
        assert list(decoder.feed(PINGREQ)) == [mqtt.PingReq()]


def test_a_loan_is_counted_once(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    for count in (1, -1, -(1 << 70), 1 << 70, sys.maxsize, -sys.maxsize - 1):
        with pytest.raises(ValueError, match="nbytes must be 0 to 0"):
            decoder.buffer_updated(count)
    assert list(decoder.buffer_updated(0)) == []
    size = len(decoder.get_buffer())
    for count in (size + 1, -1, 1 << 32, sys.maxsize):
        with pytest.raises(ValueError, match=f"nbytes must be 0 to {size}"):
            decoder.buffer_updated(count)
    for count in (1.0, "1", None, b"1"):
        with pytest.raises(TypeError, match="nbytes must be int"):
            decoder.buffer_updated(count)
    list(decoder.buffer_updated(0))
    with pytest.raises(ValueError, match="nbytes must be 0 to 0"):
        decoder.buffer_updated(1)


class OutOfRoom(MemoryError):
    """With a custom constructor and an attribute."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes")
        self.size = size


class Owner:
    """A buffer whose owner runs code on each request."""

    def __init__(self, buffer: Any, call: Callable[[], object]) -> None:
        self.buffer = buffer
        self.call = call

    def __buffer__(self, flags: int) -> memoryview:
        self.call()
        return memoryview(self.buffer)


@needs_buffer_protocol
def test_the_owner_resizes_another_buffer(mqtt: Any) -> None:
    """The payload is requested last. By then the topic and properties are written, and one of them may be freed."""
    other = bytearray(b"correlation")

    def resize() -> None:
        other.extend(bytes(10_000))
        del other[11:]

    packet = mqtt.Publish("a", Owner(b"payload", resize), correlation_data=other)
    plain = mqtt.Publish("a", b"payload", correlation_data=b"correlation")
    assert mqtt.encode(packet) == mqtt.encode(plain)
    assert mqtt.encoded_size(packet) == len(mqtt.encode(plain))
    other.append(0)
    target = bytearray(100)
    with pytest.raises(BufferError):
        mqtt.encode_into(mqtt.Publish("a", Owner(b"payload", target.clear)), target)
    target.append(0)


@pytest.mark.skipif(HAS_BUFFER_PROTOCOL, reason="from Python 3.12 on this is a buffer")
def test_what_was_no_buffer_before_3_12(mqtt: Any) -> None:
    owner = Owner(PUBLISH, lambda: None)
    for use in (*readers(mqtt).values(), *writers(mqtt).values()):
        with pytest.raises(TypeError, match="must be a bytes-like object, not Owner"):
            use(owner)


@needs_buffer_protocol
def test_the_owner_tries_to_change_the_packet(mqtt: Any) -> None:
    """Lists are emptied, and `__init__` is called again, during encoding. The original packet is written."""
    refused = []

    def changing(packets: list[Any], *lists: list[Any]) -> Any:
        def change() -> None:
            for given in lists:
                given.clear()
            for packet in packets:
                try:
                    packet.__init__("other")
                except TypeError as error:
                    refused.append(error)
            gc.collect()

        return change

    for version in (4, 5):
        properties: list[Any] = [["a" * 50, "b" * 50]] * 20 if version == 5 else []
        same = tuple(map(tuple, properties))
        for _ in range(50):
            held: list[Any] = []
            payload = Owner(b"x" * 40, changing(held, properties, *properties))
            held.append(mqtt.Publish("topic" * 9, payload, 1, packet_id=1, user_properties=properties))
            plain = mqtt.Publish("topic" * 9, b"x" * 40, 1, packet_id=1, user_properties=same)
            assert mqtt.encode(held[0], version) == mqtt.encode(plain, version)
            properties = [list(pair) for pair in same]
            held = []
            secret, message = (Owner(data, changing(held)) for data in (b"x" * 40, b"y" * 40))
            fields = {"username": "user" * 9, "protocol_version": version}
            held.append(mqtt.Connect("client" * 9, password=secret, will=mqtt.Will("w" * 40, message), **fields))
            known = mqtt.Connect("client" * 9, password=b"x" * 40, will=mqtt.Will("w" * 40, b"y" * 40), **fields)
            assert mqtt.encode(held[0]) == mqtt.encode(known)
    assert refused


@needs_buffer_protocol
@pytest.mark.parametrize("error", [TypeError, BufferError, ValueError, ZeroDivisionError, OutOfRoom])
def test_the_owner_s_own_error_goes_on(mqtt: Any, error: type[Exception]) -> None:
    """Any exception is passed on. A TypeError is not replaced by one of ours."""
    mine = error(3)

    def refuse() -> None:
        raise mine

    for use in (*readers(mqtt).values(), *writers(mqtt).values(), lambda buffer: mqtt.Decoder(5).feed(buffer)):
        with pytest.raises(error) as caught:
            use(Owner(PUBLISH, refuse))
        assert caught.value is mine


@needs_buffer_protocol
def test_the_owner_calls_the_codec(mqtt: Any) -> None:
    inner = []

    def call() -> None:
        inner.append(mqtt.decode(PUBLISH))
        inner.append(mqtt.encode(mqtt.Publish("b", bytes(1000))))

    assert mqtt.decode(Owner(PUBLISH, call)) == mqtt.Publish("a", b"pay1")
    assert mqtt.encode(mqtt.Publish("a", Owner(b"pay1", call))) == PUBLISH
    assert len(inner) >= 4


@needs_buffer_protocol
def test_the_owner_raises(mqtt: Any) -> None:
    def refuse() -> None:
        raise AttributeError("mine")

    for use in (*readers(mqtt).values(), *writers(mqtt).values()):
        with pytest.raises(AttributeError, match="mine"):
            use(Owner(PUBLISH, refuse))
    decoder = mqtt.Decoder(5)
    with pytest.raises(AttributeError):
        decoder.feed(Owner(PUBLISH, refuse))
    assert list(decoder.feed(PINGREQ)) == [mqtt.PingReq()]


@needs_buffer_protocol
def test_one_view_is_parsed_and_handed_out(mqtt: Any) -> None:
    class Fresh:
        def __buffer__(self, flags: int) -> memoryview:
            return memoryview(bytes(bytearray(PUBLISH)))

    assert bytes(mqtt.decode(Fresh(), copy=False).payload) == b"pay1"


@needs_buffer_protocol
def test_the_owner_gives_something_else(mqtt: Any) -> None:
    """A smaller view each time, or something that is not a view."""
    sizes = iter(range(len(PUBLISH), 0, -1))

    class Shrinking:
        def __buffer__(self, flags: int) -> memoryview:
            return memoryview(PUBLISH)[: next(sizes)]

    assert mqtt.decode(Shrinking()) == mqtt.Publish("a", b"pay1")
    with pytest.raises(mqtt.IncompletePacketError):
        mqtt.decode(Shrinking(), copy=False)

    class Wrong:
        def __buffer__(self, flags: int) -> Any:
            return PUBLISH

    for use in (*readers(mqtt).values(), *writers(mqtt).values()):
        with pytest.raises(TypeError):
            use(Wrong())


SCRIBBLER = """
/* Write the values into the bytes in turn until told to stop, with no regard for Python. */
void scribble(volatile unsigned char *bytes, int size, const unsigned char *values, int count, volatile int *stop)
{
    unsigned turn = 0;
    while (!*stop) {
        bytes[turn % size] = values[turn % count];
        turn++;
    }
}
"""


@pytest.fixture(scope="module")
def scribble(tmp_path_factory: pytest.TempPathFactory) -> Callable[[memoryview, bytes], Any]:
    """A context in which a thread that needs no GIL overwrites a buffer."""
    if sys.platform == "win32" or not shutil.which("cc"):
        pytest.skip("there is no C compiler")
    folder: Path = tmp_path_factory.mktemp("scribbler")
    (folder / "scribbler.c").write_text(SCRIBBLER)
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", "scribbler.so", "scribbler.c"], cwd=folder, check=True)
    library = ctypes.CDLL(str(folder / "scribbler.so"))

    @contextmanager
    def context(buffer: memoryview, values: bytes) -> Iterator[None]:
        target = (ctypes.c_ubyte * len(buffer)).from_buffer(buffer)
        stop = ctypes.c_int(0)
        arguments = (target, len(buffer), values, len(values), ctypes.byref(stop))
        thread = threading.Thread(target=library.scribble, args=arguments)
        thread.start()
        try:
            yield
        finally:
            stop.value = 1
            thread.join()

    return context


LENT = bytes.fromhex("32 0b 0003 612f62 0007 00 787878")
# Where the borrower keeps writing, and its data: mostly the original bytes, and bytes that the standard forbids there.
SCRIBBLED = {
    "first byte": (1, b"\x32" * 20 + b"\x36\x00\xf0\x82\x30" * 2),
    "header": (2, b"\x32\x0b" * 20 + b"\x36\x03\x30\xff\x10\x00"),
    "all": (len(LENT), LENT * 8 + bytes(range(256)) * 2),
}


@pytest.mark.parametrize("where", SCRIBBLED)
@pytest.mark.parametrize("piece", [1, 4, len(LENT) - 1, len(LENT)])
def test_the_borrower_goes_on_writing(mqtt: Any, scribble: Any, where: str, piece: int) -> None:
    """Whatever the memory of a lent buffer holds when it is read: a packet or a documented error, and no crash."""
    size, values = SCRIBBLED[where]
    seen = 0
    for _ in range(30):
        decoder = mqtt.Decoder(5)
        lent = decoder.get_buffer()
        lent[: len(LENT)] = LENT
        with scribble(lent[:size], values):
            try:
                for _ in range(200):
                    for packet in decoder.buffer_updated(piece):
                        assert isinstance(packet, mqtt.Packet)
                        seen += 1
                    for packet in decoder.feed(LENT[piece:]):
                        assert isinstance(packet, mqtt.Packet)
                        seen += 1
                    decoder.get_buffer()
            except mqtt.DecodeError as error:
                seen += 1
                assert str(error)
        decoder.reset()
        assert list(decoder.feed(LENT)) == [mqtt.Publish("a/b", b"xxx", 1, packet_id=7)]
    assert seen
