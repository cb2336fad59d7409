"""Threads, forks and interpreters: an object shared between threads works correctly, or reports that it is in use.

With a GIL, the interpreter switches threads between two bytecodes, and in compiled code only where it calls Python.
Without a GIL, all of this runs in parallel.
"""

from __future__ import annotations

import inspect
import os
import pickle
import queue
import random
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import implementations
import vectors
from implementations import run
from mqttcodec import MQTTError
from samples import VERSIONS, packets, plain

THREADS = 8


@contextmanager
def many_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def in_threads(work: Callable[[int], None]) -> None:
    """Run `work` in eight threads, each with its number, and re-raise the first error here."""
    errors: list[BaseException] = []
    together = threading.Barrier(THREADS)

    def guarded(number: int) -> None:
        try:
            together.wait(60)
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(number,)) for number in range(THREADS)]
    with many_switches():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]


def written(mqtt: Any) -> list[tuple[int, bytes]]:
    return [(version, mqtt.encode(packet, version)) for version in VERSIONS for packet in packets(mqtt, version)]


def test_functions(mqtt: Any, full: bool) -> None:
    """Ten million calls; fewer in plain Python and in the fast run."""
    calls = 40_000 if not full else 10_000_000 if mqtt.BACKEND == "cython" else 400_000
    cases = written(mqtt)

    def work(number: int) -> None:
        decode, encode = mqtt.decode, mqtt.encode
        mine = cases[number:] + cases[:number]
        for _ in range(calls // THREADS // 2 // len(mine) + 1):
            for version, data in mine:
                assert encode(decode(data, version), version) == data

    in_threads(work)


def test_errors(mqtt: Any) -> None:
    """Faults are shared data. Errors are not."""
    faulty = [(vectors.data(vector), vector) for vector in vectors.ERRORS if len(vector["hex"]) < 200]

    def work(number: int) -> None:
        for data, vector in faulty[number:] + faulty[:number]:
            with pytest.raises(mqtt.DecodeError) as caught:
                mqtt.decode(data, vector["version"])
            error = caught.value
            assert (error.reason_code, error.offset, error.clause) == (
                vector["reason_code"],
                vector["offset"],
                vector["clause"],
            )

    in_threads(work)


def test_packets_made_here_and_dropped_there(mqtt: Any, full: bool) -> None:
    """Half of the threads decode, the other half drop the packets."""
    cases = written(mqtt)
    hands: queue.SimpleQueue[Any] = queue.SimpleQueue()
    times = 50 if full else 3

    def work(number: int) -> None:
        if number % 2:
            while (packet := hands.get()) is not None:
                plain(packet)
        else:
            try:
                for _ in range(times):
                    for version, data in cases:
                        hands.put(mqtt.decode(data, version))
            finally:
                hands.put(None)

    in_threads(work)


def test_one_packet_is_read(mqtt: Any) -> None:
    """All threads request a value that the packet computes on first use."""
    cases = [(version, data, mqtt.decode(data, version), mqtt.decode(data, version)) for version, data in written(mqtt)]

    def work(number: int) -> None:
        for version, data, shared, other in cases:
            assert mqtt.encode(shared, version) == data
            assert plain(shared) == plain(other)
            assert repr(shared) == repr(other)
            assert pickle.dumps(shared) == pickle.dumps(other)

    in_threads(work)


def values(packet: Any) -> dict[str, Any]:
    """Constructor arguments that make an equal packet."""
    return {name: getattr(packet, name) for name in inspect.signature(type(packet)).parameters}


def test_a_shared_packet_is_not_initialised_again(mqtt: Any) -> None:
    for packet in packets(mqtt, 5):
        arguments = values(packet)
        before = repr(packet)

        def work(number: int, packet: Any = packet, arguments: dict[str, Any] = arguments) -> None:
            for _ in range(20):
                with pytest.raises(TypeError, match="initialised"):
                    packet.__init__(**arguments)
                plain(packet)

        in_threads(work)
        assert repr(packet) == before


def test_one_thread_initialises_a_packet(mqtt: Any, full: bool) -> None:
    """One of several concurrent calls of `__init__`, on a packet made by `__new__`, succeeds. The others raise."""
    if mqtt.BACKEND == "python":
        pytest.skip("the plain implementation takes no lock for it: two threads fill a dictionary, and nothing breaks")
    for given in packets(mqtt, 5):
        made = [type(given).__new__(type(given)) for _ in range(200 if full else 20)]
        arguments = values(given)
        won: list[Any] = []

        def work(
            number: int, made: list[Any] = made, arguments: dict[str, Any] = arguments, won: list[Any] = won
        ) -> None:
            for packet in made:
                try:
                    packet.__init__(**arguments)
                except TypeError:
                    continue
                won.append(packet)

        in_threads(work)
        assert sorted(map(id, won)) == sorted(map(id, made))
        assert all(plain(packet) == plain(given) for packet in made)


def test_threads_get_all_or_an_error(mqtt: Any) -> None:
    """Eight threads use one decoder: every packet is returned once, and a thread that finds it in use gets an error."""
    decoder = mqtt.Decoder(5)
    found: list[int] = []

    def work(number: int) -> None:
        for packet_id in range(number * 100 + 1, number * 100 + 101):
            data = mqtt.encode(mqtt.PubAck(packet_id))
            while True:
                try:
                    decoder.feed(data)
                    break
                except RuntimeError:
                    continue
            while True:
                try:
                    found.append(next(decoder).packet_id)
                except RuntimeError:
                    continue
                except StopIteration:
                    pass
                break

    in_threads(work)
    found += [packet.packet_id for packet in decoder.feed(b"")]
    assert sorted(found) == list(range(1, 801))


def test_a_decoder_that_all_call(mqtt: Any, full: bool) -> None:
    """Any thread calls any method: at worst a documented error, and a working decoder after `reset`."""
    decoder = mqtt.Decoder(5, keep_bytes=True)
    data = mqtt.encode_many(packet for packet in packets(mqtt, 5) if type(packet) is not mqtt.Connect)

    def receive(rng: random.Random) -> None:
        piece = data[: rng.randrange(len(data))]
        decoder.get_buffer()[: len(piece)] = piece
        list(decoder.buffer_updated(len(piece)))

    def feed(rng: random.Random) -> None:
        begin = rng.randrange(len(data))
        list(decoder.feed(rng.choice((bytes, bytearray))(data[begin : begin + rng.randrange(1, 400)])))

    calls: list[Callable[[random.Random], object]] = [
        *(feed, receive),
        lambda rng: decoder.reset(),
        lambda rng: decoder.skip(),
        lambda rng: decoder.__init__(5, copy=rng.random() < 0.5, keep_bytes=rng.random() < 0.5),
        lambda rng: (decoder.pending, decoder.version, decoder.role, decoder.copy, decoder.max_packet_size),
        lambda rng: (decoder.keep_bytes, decoder.bridge, decoder.packet_bytes.hex()),
        lambda rng: setattr(decoder, "version", 5),
        lambda rng: next(decoder, None),
    ]

    def work(number: int) -> None:
        rng = random.Random(number)
        for _ in range(5_000 if full else 100):
            try:
                rng.choice(calls)(rng)
            except (RuntimeError, ValueError, MQTTError):
                continue

    in_threads(work)
    decoder.reset()
    assert b"".join(mqtt.encode(packet) for packet in decoder.feed(data)) == data


def test_an_encoder_that_all_call(mqtt: Any, full: bool) -> None:
    """Any thread calls any method: every packet that was written is taken once, as a whole."""
    encoder = mqtt.Encoder(5)
    written: list[list[int]] = [[] for _ in range(8)]
    batches: list[bytes] = []
    payload = bytes(8_192)

    def write(rng: random.Random, number: int, packet_id: int) -> None:
        kind = rng.randrange(4)
        if kind == 0:
            encoder.write_acks(4, iter([packet_id]))
        else:
            packet = mqtt.Publish("a", payload if kind == 1 else b"x", 1, packet_id=packet_id)
            assert encoder.write(packet if kind < 3 else mqtt.PubAck(packet_id))
        written[number].append(packet_id)

    others: list[Callable[[], object]] = [
        lambda: batches.append(encoder.take()),
        lambda: batches.append(b"".join(encoder.take_parts())),
        lambda: setattr(encoder, "version", 5),
        lambda: setattr(encoder, "max_packet_size", 20_000),
        lambda: (encoder.pending, encoder.version, encoder.max_packet_size, repr(encoder)),
    ]

    def work(number: int) -> None:
        rng = random.Random(number)
        for turn in range(4_000 if full else 200):
            try:
                write(rng, number, number * 4_000 + turn + 1)
                if turn % 10 == 0:
                    rng.choice(others)()
            except RuntimeError:
                continue

    in_threads(work)
    batches.append(encoder.take())
    found = [packet.packet_id for batch in batches for packet in mqtt.Decoder(5).feed(batch)]
    assert sorted(found) == sorted(packet_id for each in written for packet_id in each)


def test_a_buffer_that_another_thread_changes(mqtt: Any, full: bool) -> None:
    """Its bytes and size change: the result is a packet or a documented error, and no export remains."""
    data = mqtt.encode(mqtt.Publish("a/b", b"payload", 1, packet_id=7, user_properties=(("n", "v"),)))
    buffer, target = bytearray(data), bytearray(len(data))
    times = 20_000 if full else 400
    right: list[int] = []

    def change(rng: random.Random) -> None:
        at = rng.randrange(len(data))
        buffer[at] ^= 1 << rng.randrange(8)
        buffer[at] = data[at]
        try:
            buffer.append(0)
            del buffer[len(data) :]
        except BufferError:
            pass  # It is being read.

    def work(number: int) -> None:
        rng = random.Random(number)
        for _ in range(times):
            if number % 2:
                change(rng)
                continue
            for call in (
                lambda: mqtt.decode(buffer),
                lambda: mqtt.decode(buffer, copy=False).payload.release(),
                lambda: list(mqtt.Decoder(5).feed(buffer)),
                lambda: mqtt.encode(mqtt.Publish("a", buffer, correlation_data=buffer)),
                lambda: mqtt.encode_into(mqtt.Publish("a", buffer), target),
            ):
                try:
                    call()
                    right.append(1)
                except (mqtt.DecodeError, mqtt.EncodeError):
                    continue

    in_threads(work)
    assert right
    buffer.append(0)


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a GIL")
@pytest.mark.skipif(not hasattr(sys, "_is_immortal"), reason="sys._is_immortal came with Python 3.14")
@pytest.mark.skipif("cython" not in implementations.NAMES, reason="the extensions are not there")
def test_threads_count_no_references_to_what_they_share() -> None:
    """Threads would contend for the counts: `benchmarks/threads.py`. The thread that imports the package may end."""
    program = (
        "import gc, sys, threading\n"
        "def load():\n"
        "    global m\n"
        "    import mqttcodec as m\n"
        "thread = threading.Thread(target=load)\n"
        "thread.start()\n"
        "thread.join()\n"
        "gc.collect()\n"
        "for enum in (m.ProtocolVersion, m.QoS, m.RetainHandling, m.ConnectReturnCode, m.ReasonCode):\n"
        "    assert all(map(sys._is_immortal, enum)), enum\n"
        "pings = [m.decode(bytes((first_byte, 0))) for first_byte in (0xC0, 0xD0)]\n"
        "assert all(map(sys._is_immortal, (m.decode, m.encode, *pings)))\n"
        "assert m.decode(m.encode(m.PubAck(7))) == m.PubAck(7)\n"
        "print('done')"
    )
    result = run("require", program)
    assert result.stdout == "done\n", result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_after_a_fork(mqtt: Any) -> None:
    """The child continues from the parent's state, with a decoder in the middle of a packet."""
    program = (
        "import os, mqttcodec as m\n"
        "data = m.encode(m.Publish('a', b'x' * 100_000, 1, packet_id=1))\n"
        "decoder = m.Decoder(5)\n"
        "assert list(decoder.feed(data[:70_000])) == []\n"
        "child = os.fork()\n"
        "for _ in range(100):\n"
        "    assert m.encode(*decoder.feed(data[70_000:])) == data\n"
        "    assert list(decoder.feed(data[:70_000])) == []\n"
        "if child == 0:\n"
        "    os._exit(0)\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
        "print('done', m.BACKEND)\n"
    )
    result = run("require" if mqtt.BACKEND == "cython" else "off", program)
    assert result.stdout == f"done {mqtt.BACKEND}\n", result.stderr


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="this Python has no sub-interpreters")
@pytest.mark.parametrize("first", ["pass", "import mqttcodec"])
def test_in_sub_interpreters(first: str) -> None:
    """If the extensions refuse to load there, the plain twin is used. Several interpreters run one after the other."""
    program = (
        f"{first}\n"
        "import _xxsubinterpreters as sub\n"
        "for _ in range(3):\n"
        "    i = sub.create()\n"
        "    failed = sub.run_string(i, 'import mqttcodec as m; assert m.decode(bytes((0xC0, 0))) == m.PingReq()')\n"
        "    assert failed is None, failed\n"
        "    sub.destroy(i)\n"
        f"{first}\n"
        "print('done')"
    )
    if sys.version_info >= (3, 13):
        program = program.replace("_xxsubinterpreters", "_interpreters").replace("sub.run_string", "sub.exec")
    result = run(None, program)
    assert result.stdout == "done\n", result.stderr


@pytest.mark.skipif(sys.version_info < (3, 14), reason="concurrent.interpreters came with Python 3.14")
@pytest.mark.skipif("cython" not in implementations.NAMES, reason="the extensions are not there")
def test_sub_interpreters_are_plain() -> None:
    """The extensions do not load there: `auto` continues without them, `require` raises."""
    program = (
        "from concurrent import interpreters\n"
        "interpreters.create().exec('import mqttcodec as m; print(m.BACKEND, m.BACKEND_ERROR)')"
    )
    result = run("auto", program)
    assert result.stdout.startswith("python module mqttcodec._"), result.stderr
    assert result.stdout.endswith("does not support loading in subinterpreters\n")
    result = run("require", program)
    assert result.returncode == 1
    assert "ImportError" in result.stderr
