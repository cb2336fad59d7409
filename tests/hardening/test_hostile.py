"""Objects that lie, buffers that change, calls at the wrong time: each gives a correct result or a documented error."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import gc
import inspect
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest

import implementations
import mqttcodec
from mqttcodec import MQTTv5, QoS, ReasonCode, _methods
from samples import ODD_VALUES, outcome, packets

PUBLISH = bytes.fromhex("3006 000161 00 7879")
EMPTY = inspect.Parameter.empty


class Liar(int):
    """An int that compares equal to everything and converts to another number."""

    def __le__(self, other: object) -> bool:
        return True

    __lt__ = __ge__ = __gt__ = __eq__ = __le__
    __hash__ = int.__hash__

    def __int__(self) -> int:
        return 8

    __index__ = __int__


def test_ints_that_lie(mqtt: Any) -> None:
    for number in (Liar(1 << 40), Liar(-5), Liar(1 << 80)):
        with pytest.raises(ValueError, match="offset must be"):
            mqtt.decode_from(PUBLISH, number)
        with pytest.raises(ValueError, match="offset must be"):
            mqtt.peek(PUBLISH, number)
        with pytest.raises(ValueError, match="offset must be"):
            mqtt.encode_into(mqtt.PingReq(), bytearray(9), number)
        decoder = mqtt.Decoder(5)
        decoder.get_buffer()
        with pytest.raises(ValueError, match="nbytes must be"):
            decoder.buffer_updated(number)
        with pytest.raises(ValueError, match="version must be"):
            mqtt.decode(PUBLISH, number)
    for cls in (mqtt.Decoder, mqtt.Encoder):
        with pytest.raises(ValueError, match="max_packet_size"):
            cls(max_packet_size=Liar(-1))
        assert cls(Liar(4)).version == 4
        assert cls(max_packet_size=Liar(300)).max_packet_size == 300
        assert cls(max_packet_size=1 << 70).max_packet_size == 268_435_460
    encoder = mqtt.Encoder(5)
    encoder.version, encoder.max_packet_size = Liar(3), Liar(400)
    assert (encoder.version, encoder.max_packet_size) == (3, 400)
    with pytest.raises(ValueError, match="max_packet_size"):
        encoder.max_packet_size = Liar(1)
    with pytest.raises(ValueError, match="sizehint"):
        mqtt.Decoder(5).get_buffer(1 << 70)


MEMORY: list[Any] = []
"""Keeps the memory of the buffers alive: on PyPy a view of a ctypes object does not."""


def buffer_of(size: int) -> memoryview:
    """A buffer that claims `size` bytes. It holds a PUBLISH; the rest must not be read."""
    memory = ctypes.create_string_buffer(PUBLISH + bytes(100))
    MEMORY.append(memory)
    return memoryview((ctypes.c_char * size).from_address(ctypes.addressof(memory))).cast("B")


@pytest.mark.parametrize("below", [*range(12), 32, 33, 64, sys.maxsize // 2, sys.maxsize - 268_435_456])
def test_sums_of_sizes_do_not_wrap(mqtt: Any, below: int) -> None:
    """Buffers up to the largest possible size, so that adding to the size overflows."""
    size = sys.maxsize - below
    packet = mqtt.Publish("a", buffer_of(size), 1, packet_id=1)
    for write in (
        mqtt.encode,
        mqtt.encoded_size,
        mqtt.encode_parts,
        lambda packet, version=5: mqtt.encode_many([mqtt.PingReq(), packet], version),
        lambda packet, version=5: mqtt.Encoder(version).write(packet),
        lambda packet, version=5: mqtt.Encoder(version, max_packet_size=2).write(packet),
        lambda packet, version=5: mqtt.encode_into(packet, bytearray(1000), 3, version),
        lambda packet, version=5: mqtt.encode_into(packet, buffer_of(size), 3, version),
    ):
        for version in (3, 4, 5):
            with pytest.raises(mqtt.EncodeError, match="must not exceed 268435460 bytes"):
                write(packet, version)
    with pytest.raises(mqtt.EncodeError, match=f"password .* {size}"):
        mqtt.encode(mqtt.Connect(username="a", password=buffer_of(size)))
    buffer = buffer_of(size)
    assert mqtt.encode_into(mqtt.PubAck(258), buffer, len(PUBLISH)) == len(PUBLISH) + 4
    assert mqtt.decode_from(buffer) == (mqtt.Publish("a", b"xy"), len(PUBLISH))
    assert mqtt.decode_from(buffer, len(PUBLISH), copy=False) == (mqtt.PubAck(258), len(PUBLISH) + 4)
    assert mqtt.peek(buffer, len(PUBLISH)).packet_size == 4
    with pytest.raises(mqtt.MalformedPacketError, match=f"but {size - len(PUBLISH)} byte"):
        mqtt.decode(buffer)
    with pytest.raises(ValueError, match=f"0 to {size}"):
        mqtt.peek(buffer, size + 1)


def no_memory(mqtt: Any, call: Callable[[Any], object]) -> None:
    decoder = mqtt.Decoder(5)
    with pytest.raises(MemoryError):
        call(decoder)
    decoder.reset()
    assert [packet.payload for packet in decoder.feed(PUBLISH)] == [b"xy"]


@pytest.mark.skipif(sys.maxsize < 1 << 32, reason="a Python of 32 bits has the memory, and reads what is not there")
@pytest.mark.skipif(sys.implementation.name == "pypy", reason="PyPy does not check the size of a copy, and crashes")
@pytest.mark.parametrize("below", [0, 31, 32, 33, 64])
def test_no_memory_for_what_is_fed(mqtt: Any, below: int) -> None:
    no_memory(mqtt, lambda decoder: decoder.feed(buffer_of(sys.maxsize - below)))


on_cpython = pytest.mark.skipif(
    sys.implementation.name == "pypy", reason="PyPy makes a bytearray of sys.maxsize bytes, which has no length then"
)


@pytest.mark.skipif(sys.maxsize < 1 << 32, reason="a Python of 32 bits may have the memory")
@pytest.mark.parametrize("below", [pytest.param(0, marks=on_cpython), 31, 32, 33, 64])
def test_no_memory_for_a_buffer(mqtt: Any, below: int) -> None:
    no_memory(mqtt, lambda decoder: decoder.get_buffer(sys.maxsize - below))


def test_an_empty_tuple_is_no_missing_property(mqtt: Any) -> None:
    for packet, name in (
        (mqtt.Publish("", topic_alias=()), "topic_alias"),
        (mqtt.Auth(0x18, authentication_method=()), "authentication_method"),
        (mqtt.Connect(authentication_method=[], authentication_data=b"x"), "authentication_method"),
        (mqtt.PubAck(1, reason_string=()), "reason_string"),
    ):
        with pytest.raises(TypeError, match=f"{name} must be"):
            mqtt.encode(packet)


def test_no_export_while_an_error_lives(mqtt: Any) -> None:
    """A traceback keeps frames alive, which must not keep the caller's buffer alive."""
    broken_will = bytearray(bytes.fromhex("101b 00044d515454 05 06 0000 00 000163 00 000177 0004 676f6e65 ffff"))
    for make in (
        lambda buffer: mqtt.decode(buffer),
        lambda buffer: mqtt.decode(buffer, copy=False),
        lambda buffer: mqtt.decode_from(buffer, 0, 4, copy=False),
        lambda buffer: mqtt.peek(buffer, 100),
        lambda buffer: mqtt.encode_into(mqtt.Publish("a" * 100), buffer),
        lambda buffer: mqtt.encode_into(mqtt.Publish("#"), buffer),
        lambda buffer: mqtt.encode(mqtt.Publish("#", buffer)),
        lambda buffer: mqtt.encode(mqtt.Connect(keep_alive=-1, password=buffer)),
        lambda buffer: mqtt.encode(mqtt.Publish("a", correlation_data=buffer * 30_000)),
        lambda buffer: mqtt.encode_many([mqtt.Publish("a", buffer), mqtt.PubAck(0)]),
        lambda buffer: mqtt.Encoder(5).write(mqtt.Publish("#", buffer)),
        lambda buffer: mqtt.Encoder(5, max_packet_size=20).write(mqtt.Connect("c" * 20, password=buffer)),
    ):
        for buffer in (bytearray(b"\x30\x01\x00"), bytearray(broken_will)):
            with pytest.raises((ValueError, mqtt.MQTTError)) as caught:
                make(buffer)
            assert caught.value.__traceback__ is not None
            buffer.append(1)


class Claims:
    """An object that claims to be of a class: it passes `isinstance`, but methods of the class reject it."""

    def __init__(self, claimed: type) -> None:
        self.claimed = claimed

    @property
    def __class__(self) -> type:
        return self.claimed


def test_objects_that_claim_another_class(mqtt: Any) -> None:
    for claimed in (int, str, list, tuple, bytes, QoS, ReasonCode):
        for name in ("Publish", "Connect", "SubAck", "Subscribe", "Unsubscribe", "Will"):
            cls = getattr(mqtt, name)
            for field in _methods.fields(cls):
                required = {key: () for key, default in _methods.fields(cls).items() if default is EMPTY}
                packet = cls(**{**required, field: Claims(claimed)})
                with pytest.raises(TypeError) as caught:
                    mqtt.encode(packet)
                assert "descriptor" not in str(caught.value)
    with pytest.raises(TypeError, match="role must be a Role, not Claims"):
        mqtt.Decoder(role=Claims(mqtt.Role))
    for cls in (mqtt.Decoder, mqtt.Encoder):
        with pytest.raises(TypeError, match="version must be a ProtocolVersion, not Claims"):
            cls(Claims(int))
        with pytest.raises(TypeError, match="max_packet_size must be int, not Claims"):
            cls(max_packet_size=Claims(int))
    with pytest.raises(TypeError, match="packet_type must be int, not Claims"):
        mqtt.encode_acks(Claims(int), [1])
    with pytest.raises(TypeError, match="each item of packet_ids must be int, not Claims"):
        mqtt.encode_acks(4, [Claims(int)])
    for claimed in (mqtt.Connect, mqtt.Publish, mqtt.PubAck):
        with pytest.raises(TypeError, match="packet must be one of this implementation's packets, not Claims"):
            mqtt.Encoder(5).write(Claims(claimed))


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="the collector of this Python shows no objects")
def test_no_tuple_with_empty_slots_is_seen(mqtt: Any) -> None:
    """The collector may run while the error for a bad reason code is created. No tuple is half filled then."""
    seen: list[int] = []

    def look(phase: str, info: dict[str, int]) -> None:
        found = [item for item in gc.get_objects() if type(item) is tuple]
        seen.extend(len(item) for item in found if len(gc.get_referents(item)) != len(item))

    for data in ("90 06 0001 00 00 02 03", "b0 06 0001 00 00 11 03"):
        with pytest.raises(mqtt.MalformedPacketError):
            mqtt.decode(bytes.fromhex(data))  # Create objects that are created only once.
        before = gc.get_threshold()
        gc.callbacks.append(look)
        gc.set_threshold(1)
        try:
            with contextlib.suppress(mqtt.MalformedPacketError):
                mqtt.decode(bytes.fromhex(data))
        finally:
            gc.set_threshold(*before)
            gc.callbacks.remove(look)
    assert seen == []


def test_encode_many_takes_each_packet_as_it_is(mqtt: Any) -> None:
    buffer = bytearray(1)

    def packets() -> Any:
        for letter in b"ABC":
            buffer[0] = letter
            yield mqtt.Publish("t", buffer)
            buffer.append(0)  # No view of it remains between packets.
            buffer.pop()

    assert mqtt.encode_many(packets()) == b"".join(mqtt.encode(mqtt.Publish("t", bytes((x,)))) for x in b"ABC")


def test_the_borrower_may_release_the_buffer(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    with decoder.get_buffer() as view:
        view[: len(PUBLISH)] = PUBLISH
        owner = view.obj
    with pytest.raises(BufferError):
        owner.clear()
    assert [packet.payload for packet in decoder.buffer_updated(len(PUBLISH))] == [b"xy"]


def test_version_stays_while_a_packet_is_under_way(mqtt: Any) -> None:
    data = mqtt.encode(mqtt.Publish("a", b"x" * 70_000))
    decoder = mqtt.Decoder(5)
    assert list(decoder.feed(data[:100])) == []
    with pytest.raises(ValueError, match="before the first packet"):
        decoder.version = 4
    assert [packet.payload for packet in decoder.feed(data[100:])] == [b"x" * 70_000]
    decoder = mqtt.Decoder(5)
    with pytest.raises(mqtt.ProtocolError):
        list(decoder.feed(mqtt.encode(mqtt.Connect("c", protocol_version=4))))
    with pytest.raises(ValueError, match="before the first packet"):
        decoder.version = 4


@pytest.mark.parametrize("name", ["Decoder", "Encoder"])
def test_streams_are_not_copied(mqtt: Any, name: str) -> None:
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=rf"cannot pickle .*{name}"):
            copied(getattr(mqtt, name)(5))


def test_packets_take_no_new_names(mqtt: Any) -> None:
    for packet in (mqtt.PubAck(1), mqtt.PingReq(), mqtt.Publish("a"), mqtt.Will("a")):
        with pytest.raises(AttributeError):
            packet.no_such_field = 1


CLASSES = (*(cls.__name__ for cls in mqttcodec.Packet.__args__), "Will", "Subscription")


def use(mqtt: Any, packet: Any) -> list[Any]:
    """Use all operations on a packet, whatever it holds, and return the results."""
    calls = [
        *(lambda version=version: mqtt.encode(packet, version) for version in (3, 4, 5)),
        lambda: mqtt.encoded_size(packet),
        lambda: mqtt.encode_parts(packet)[0],
        lambda: mqtt.encode_many([packet]),
        lambda: mqtt.encode_into(packet, bytearray(100)),
        lambda: mqtt.Encoder(5).write(packet),
        lambda: mqtt.Encoder(5, max_packet_size=10).write(packet),
        lambda: repr(packet),
        lambda: hash(packet) == hash(packet),
        lambda: packet == packet,
        lambda: copy.copy(packet) is packet,
        lambda: copy.deepcopy(packet) is packet,
        lambda: pickle.loads(pickle.dumps(packet)) is packet,
        lambda: packet.replace() is packet,
    ]
    outcomes = [outcome(call) for call in calls]
    for kind, *_ in outcomes[:9]:
        assert kind in ("bytes", "int", "bool", "EncodeError", "TypeError", "BufferError"), outcomes
    return outcomes


def test_made_without_init(mqtt: Any) -> None:
    for name in CLASSES:
        cls = getattr(mqtt, name)
        use(mqtt, cls.__new__(cls))
    use(mqtt, mqtt.Connect("c", will=mqtt.Will.__new__(mqtt.Will)))
    use(mqtt, mqtt.Subscribe(1, [mqtt.Subscription.__new__(mqtt.Subscription)]))
    decoder = mqtt.Decoder.__new__(mqtt.Decoder)
    encoder = mqtt.Encoder.__new__(mqtt.Encoder)
    for call in (
        *(lambda: decoder.pending, lambda: decoder.feed(b"\xc0\x00"), lambda: list(decoder), decoder.reset),
        *(lambda: encoder.pending, lambda: encoder.write(mqtt.Connect("c")), lambda: encoder.write_acks(4, [1])),
        *(lambda: setattr(encoder, "version", 5), lambda: setattr(encoder, "max_packet_size", 5)),
        *(lambda: repr(encoder), encoder.take, encoder.take_parts),
    ):
        with contextlib.suppress(AttributeError, mqtt.MQTTError):
            call()


def test_packets_initialised_twice(mqtt: Any) -> None:
    """A packet is immutable, whether constructed, decoded or copied: `__init__` raises and does not change it."""
    for name, made in samples_of_each_class(mqtt).items():
        known = [made, made.replace()]
        if name == "Subscription":
            known.append(made.replace(topic_filter=None, qos=None))
        if name not in ("Will", "Subscription"):
            known.append(mqtt.decode(mqtt.encode(made)))
        for packet in known:
            before = fields_of(packet)
            required = {"topic": "b", "packet_id": 2, "subscriptions": (), "reason_codes": (), "topic_filters": ()}
            required["topic_filter"] = "b"
            given = {
                field: required[field] for field, default in _methods.fields(type(packet)).items() if default is EMPTY
            }
            with pytest.raises(TypeError) as caught:
                packet.__init__(**given)
            assert str(caught.value) == f"{name} is immutable and cannot be initialised twice"
            assert all(one is other for one, other in zip(before, fields_of(packet), strict=True))


def fields_of(packet: Any) -> list[Any]:
    return [getattr(packet, field) for field in _methods.fields(type(packet))]


def samples_of_each_class(mqtt: Any) -> dict[str, Any]:
    """A packet of each class with all fields set."""
    samples: dict[str, Any] = {}
    for packet in packets(mqtt, MQTTv5):
        before = samples.setdefault(type(packet).__name__, packet)
        if len(repr(packet)) > len(repr(before)):
            samples[type(packet).__name__] = packet
    samples["Will"] = next(packet.will for packet in packets(mqtt, MQTTv5) if packet.will.user_properties)
    samples["Subscription"] = samples["Subscribe"].subscriptions[0]
    return samples


@pytest.mark.parametrize("name", CLASSES)
def test_every_field_holds_anything(name: str) -> None:
    """Each field in turn gets a value of every unusual kind. Both implementations give the same result."""
    samples = [samples_of_each_class(mqtt) for mqtt in implementations.ALL]
    for field in _methods.fields(type(samples[0][name])):
        for value in ODD_VALUES:
            found = []
            for mqtt, made in zip(implementations.ALL, samples, strict=True):
                packet = made[name].replace(**{field: value})
                if name == "Will":
                    packet = made["Connect"].replace(will=packet)
                elif name == "Subscription":
                    packet = made["Subscribe"].replace(subscriptions=[packet])
                found.append(use(mqtt, packet))
            assert found[0] == found[-1], (field, value)


class Forged:
    """The state that unpickling accepts for a packet."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> tuple[Any, ...]:
        return self.reduced


def test_unpickled_hostile_state(mqtt: Any) -> None:
    states = (
        *(
            {},
            {"topic": 5},
            {"packet_id": "x"},
            {"no_such_field": 1},
            {1: 2},
            (None, {"topic": object}),
            (1, 2),
            7,
            "x",
        ),
        *(({}, {"payload": None}), ({}, {"flags": 1, "properties": 2, "user_properties": 3}), [1], b"x"),
    )
    loaded = refused = 0
    for name in CLASSES:
        cls = getattr(mqtt, name)
        forgeries = [
            *(Forged(_methods.restore, (name, state)) for state in states),
            Forged(_methods.restore, ("Decoder", {})),
            Forged(_methods.restore, ("Encoder", {})),
            Forged(_methods.restore, ("__name__", {})),
        ]
        if cls is getattr(mqttcodec, name):  # Pickles name the class of the implementation in use.
            forgeries += [
                *(Forged(cls.__new__, (cls,), state) for state in states),
                *(Forged(cls, (1,) * count, state) for count in range(3) for state in states[:3]),
                Forged(object.__new__, (cls,)),
            ]
        for forgery in forgeries:
            data = pickle.dumps(forgery)
            try:
                packet = pickle.loads(data)
            except (TypeError, AttributeError, ValueError, KeyError, pickle.UnpicklingError):
                refused += 1
                continue
            loaded += 1
            if type(packet) is cls:
                use(mqtt, packet)
    assert loaded
    assert refused


def test_values_with_methods_of_their_own(mqtt: Any) -> None:
    """Objects are written with their actual contents, not with those they report."""

    def lie(self: object, *arguments: object) -> Any:
        raise ZeroDivisionError

    methods = ("__len__", "__iter__", "__getitem__", "__contains__", "__eq__", "__bool__", "__str__", "__reversed__")
    overridden = dict.fromkeys(methods, lie) | {"__hash__": str.__hash__}
    others = dict.fromkeys(("encode", "isascii", "startswith", "find", "split", "copy", "index", "count"), lie)
    odd_str = type("Str", (str,), overridden | others)
    odd_list = type("List", (list,), overridden | others)
    odd_tuple = type("Tuple", (tuple,), overridden | others)
    odd_bytes = type("Bytes", (bytes,), {**overridden, **others, "__hash__": bytes.__hash__, "__bytes__": lie})
    for odd, plain in (
        (mqtt.Publish(odd_str("a/b"), odd_bytes(b"xy")), mqtt.Publish("a/b", b"xy")),
        (mqtt.Unsubscribe(1, odd_list(["a", odd_str("ü/+")])), mqtt.Unsubscribe(1, ["a", "ü/+"])),
        (
            mqtt.Publish("a", user_properties=odd_tuple([odd_list(["n", odd_str("v")])]), content_type=odd_str("t")),
            mqtt.Publish("a", user_properties=[("n", "v")], content_type="t"),
        ),
        (mqtt.SubAck(1, odd_list([0, 1])), mqtt.SubAck(1, [0, 1])),
        (
            mqtt.Publish("a", qos=Liar(1), retain=Liar(1), packet_id=Liar(7)),
            mqtt.Publish("a", qos=1, retain=True, packet_id=7),
        ),
        (mqtt.Subscribe(1, odd_tuple([mqtt.Subscription("a")])), mqtt.Subscribe(1, [mqtt.Subscription("a")])),
        (
            mqtt.Connect(odd_str("c"), username=odd_str("u"), password=odd_bytes(b"p")),
            mqtt.Connect("c", username="u", password=b"p"),
        ),
    ):
        assert mqtt.encode(odd) == mqtt.encode(plain)
        assert mqtt.encoded_size(odd) == len(mqtt.encode(plain))
        assert mqtt.decode(odd_bytes(mqtt.encode(odd))) == mqtt.decode(mqtt.encode(plain))
        assert mqtt.from_dict(mqtt.to_dict(odd)) == mqtt.from_dict(mqtt.to_dict(plain)) == plain
        if type(plain) is not mqtt.Connect or plain.session_expiry_interval is None:
            assert mqtt.encode(odd.for_version(4), 4) == mqtt.encode(plain.for_version(4), 4)
    for refused in (
        mqtt.Publish(odd_str("a/#")),
        mqtt.Publish(odd_str("\0")),
        mqtt.Subscribe(1, [mqtt.Subscription(odd_str("$share/g/a"), no_local=True)]),
        mqtt.PubAck(Liar(0)),
        mqtt.Unsubscribe(1, odd_list()),
        mqtt.Subscribe(1, odd_tuple()),
        mqtt.Publish("a", user_properties=[odd_list(["n"])]),
    ):
        with pytest.raises((mqtt.EncodeError, TypeError)):
            mqtt.encode(refused)


@pytest.mark.parametrize("turn", range(1, 40))
def test_a_keyword_that_compares_differently_each_time(mqtt: Any, turn: int) -> None:
    """It equals no name until it is compared for the nth time, so that two lookups may disagree."""

    class Keyword(str):
        asked = 0
        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            Keyword.asked += 1
            return Keyword.asked >= turn

    for packet, name, value in (
        (mqtt.Publish("a"), "topic", "b"),
        (mqtt.Publish("a", content_type="x"), "user_properties", [("n", "v")]),
        (mqtt.PubAck(1), "packet_id", 2),
        (mqtt.PingReq(), "topic", "b"),
    ):
        Keyword.asked = 0
        with contextlib.suppress(TypeError):
            replaced = packet.replace(**{Keyword(name): value})
            assert type(replaced) is type(packet)
            use(mqtt, replaced)
        assert packet == packet.replace()
