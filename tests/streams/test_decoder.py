"""The incremental decoder: any pieces, interruption and resumption, errors in order, lent buffers, re-entry."""

from __future__ import annotations

import gc
import random
import sys
from types import FrameType
from typing import Any

import pytest

from mqttcodec import MQTTv5, MQTTv311
from samples import VERSIONS, outcome, packets

PINGREQ, PINGRESP = b"\xc0\x00", b"\xd0\x00"


def stream(mqtt: Any, version: int) -> tuple[bytes, list[Any]]:
    """A CONNECT and the packets that may follow it, in both directions, as bytes and as packets."""
    connect = mqtt.Connect("c", protocol_version=version)
    several = [connect] + [packet for packet in packets(mqtt, version) if type(packet) is not mqtt.Connect]
    encoded = [mqtt.encode(packet, version) for packet in several]
    return b"".join(encoded), [mqtt.decode(data, version) for data in encoded]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 1448, 1 << 20])
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_pieces(mqtt: Any, version: int, size: int, kind: Any) -> None:
    data, expected = stream(mqtt, version)
    for copied in (True, False):
        decoder = mqtt.Decoder(copy=copied)
        pieces = [kind(data[begin : begin + size]) for begin in range(0, len(data), size)]
        found = [packet for piece in pieces for packet in decoder.feed(piece)]
        assert found == expected
        assert decoder.version is version
        assert decoder.pending == 0


def test_pieces_through_the_buffer(mqtt: Any) -> None:
    data, expected = stream(mqtt, MQTTv5)
    rng = random.Random(5)
    decoder = mqtt.Decoder()
    found, begin = [], 0
    while begin < len(data):
        size = rng.choice((1, 2, 10, 500))
        piece = data[begin : begin + size]
        begin += size
        decoder.get_buffer()[: len(piece)] = piece
        found += decoder.buffer_updated(len(piece))
    assert found == expected


def test_attributes(mqtt: Any) -> None:
    decoder = mqtt.Decoder()
    assert (decoder.version, decoder.role, decoder.max_packet_size, decoder.copy) == (None, None, 268_435_460, True)
    flags = ("connected", "keep_bytes", "bridge")
    assert [getattr(decoder, name) for name in flags] == [False] * 3
    decoder = mqtt.Decoder(4, role=mqtt.Role.CLIENT, max_packet_size=100, copy=False)
    assert decoder.version is MQTTv311
    assert (decoder.role, decoder.max_packet_size, decoder.copy) == (mqtt.Role.CLIENT, 100, False)
    for flag in flags:
        decoder = mqtt.Decoder(4, **{flag: 1})
        assert [getattr(decoder, name) for name in flags] == [name == flag for name in flags]
    for name in ("role", "max_packet_size", "copy", *flags, "packet_bytes", "pending"):
        with pytest.raises(AttributeError):
            setattr(decoder, name, 1)
    for arguments in ({"role": "server"}, {"role": 1}, {"max_packet_size": "1"}, {"max_packet_size": None}):
        with pytest.raises(TypeError):
            mqtt.Decoder(**arguments)
    with pytest.raises(ValueError, match="max_packet_size"):
        mqtt.Decoder(max_packet_size=1)


def test_the_iterator_is_one(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    iterator = decoder.feed(PINGREQ + PINGRESP + PINGREQ)
    assert next(iterator) == mqtt.PingReq()
    assert decoder.feed(b"") is iterator
    for packet in decoder.feed(b""):
        assert packet == mqtt.PingResp()
        break
    assert decoder.pending == 2
    assert list(decoder.feed(PINGRESP)) == [mqtt.PingReq(), mqtt.PingResp()]
    assert list(iterator) == []
    assert list(decoder.feed(PINGREQ)) == [mqtt.PingReq()]


def test_fed_inside_the_loop(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    found = []
    for packet in decoder.feed(mqtt.encode(mqtt.PubAck(1))):
        found.append(packet.packet_id)
        if packet.packet_id < 50:
            data = mqtt.encode(mqtt.PubAck(packet.packet_id + 1))
            decoder.feed(data[:1])
            decoder.feed(bytearray(data[1:]))
    assert found == list(range(1, 51))


def test_a_feed_never_iterated_decodes_nothing(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    decoder.feed(b"\x00")
    decoder.feed(PINGREQ)
    assert decoder.pending == 3
    with pytest.raises(mqtt.MalformedPacketError):
        next(decoder.feed(b""))


def test_error_after_the_good_packets(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    found = []
    with pytest.raises(mqtt.MalformedPacketError) as first:
        for packet in decoder.feed(PINGREQ + PINGRESP + b"\xe0\x01\x01" + PINGREQ):
            found.append(type(packet).__name__)
    assert found == ["PingReq", "PingResp"]
    assert first.value.clause == "MQTT-3.14.2-1"
    assert decoder.pending == 5  # The invalid packet and the next one, for `skip`.
    for call in (
        lambda: decoder.feed(PINGREQ),
        lambda: decoder.get_buffer(),
        lambda: decoder.buffer_updated(0),
        lambda: next(decoder),
    ):
        with pytest.raises(mqtt.MalformedPacketError) as again:
            call()
        assert again.value == first.value
        assert again.value is not first.value
        assert str(again.value) == str(first.value)
    assert decoder.pending == 5
    decoder.reset()
    assert decoder.pending == 0
    assert list(decoder.feed(PINGREQ)) == [mqtt.PingReq()]


def test_refused_at_the_first_byte(mqtt: Any) -> None:
    for first_byte in (b"G", b"\x16", b"\x00", b"\x36", b"\x41", b"\x60"):
        for version in (None, *VERSIONS):
            with pytest.raises(mqtt.MalformedPacketError) as caught:
                list(mqtt.Decoder(version).feed(first_byte))
            assert caught.value.offset == 0


def test_first_packet_is_connect(mqtt: Any) -> None:
    for data in (PINGREQ, b"\x30", b"\x20", b"\xf0", b"\xe0"):
        with pytest.raises(mqtt.ProtocolError) as caught:
            list(mqtt.Decoder().feed(data))
        assert (caught.value.clause, caught.value.reason_code) == ("MQTT-3.1.0-1", 0x82)


def test_second_connect(mqtt: Any) -> None:
    connect = mqtt.encode(mqtt.Connect("c", protocol_version=4))
    for decoder in (mqtt.Decoder(), mqtt.Decoder(4)):
        assert len(list(decoder.feed(connect))) == 1
        with pytest.raises(mqtt.ProtocolError) as caught:
            list(decoder.feed(connect[:1]))
        assert caught.value.clause == "MQTT-3.1.0-2"


def test_version_can_be_set_before_the_first_packet(mqtt: Any) -> None:
    decoder = mqtt.Decoder()
    decoder.version = 4
    assert decoder.version is MQTTv311
    assert list(decoder.feed(b"\x20\x02\x00\x00")) == [mqtt.ConnAck()]
    with pytest.raises(ValueError, match="before the first packet"):
        decoder.version = 5
    decoder.reset()
    assert decoder.version is None
    with pytest.raises(ValueError, match="version must be 3, 4 or 5"):
        decoder.version = 6
    with pytest.raises(TypeError):
        decoder.version = "5"
    assert decoder.version is None


def test_connected(mqtt: Any) -> None:
    """Another parser has taken the CONNECT: a second one is rejected from the start, and there is a version."""
    connect = mqtt.encode(mqtt.Connect("c", protocol_version=4))
    for role in (None, mqtt.Role.SERVER):
        decoder = mqtt.Decoder(4, role=role, connected=True)
        for _ in range(2):
            with pytest.raises(mqtt.ProtocolError) as caught:
                list(decoder.feed(connect[:1]))
            assert (caught.value.clause, caught.value.reason_code) == ("MQTT-3.1.0-2", 0x82)
            decoder.reset()
        assert list(decoder.feed(PINGREQ)) == [mqtt.PingReq()]
        decoder.__init__(4, role=role)
        assert len(list(decoder.feed(connect))) == 1
    decoder = mqtt.Decoder(5, connected=True)
    decoder.version = 4
    with pytest.raises(mqtt.ProtocolError):
        list(decoder.feed(connect[:1]))


def test_connected_requires_a_version(mqtt: Any) -> None:
    required = r"^connected=True requires a version \(3, 4 or 5\), because no CONNECT will state it$"
    with pytest.raises(ValueError, match=required):
        mqtt.Decoder(connected=True)
    decoder = mqtt.Decoder(5, connected=True)
    with pytest.raises(ValueError, match=required):
        decoder.version = None
    with pytest.raises(ValueError, match=required):
        decoder.__init__(connected=True)
    assert decoder.version is MQTTv5
    decoder = mqtt.Decoder(5)
    decoder.version = None
    assert decoder.version is None


@pytest.mark.parametrize("version", VERSIONS)
def test_roles(mqtt: Any, version: int) -> None:
    from_client = {
        "Connect",
        "Publish",
        "PubAck",
        "PubRec",
        "PubRel",
        "PubComp",
        "Subscribe",
        "Unsubscribe",
        "PingReq",
        "Disconnect",
    }
    from_server = {"ConnAck", "Publish", "PubAck", "PubRec", "PubRel", "PubComp", "SubAck", "UnsubAck", "PingResp"}
    # Codes that only the role itself sends. The vectors have the others.
    only_from = {
        mqtt.Role.SERVER: {("Auth", 0x00)},
        mqtt.Role.CLIENT: {("Auth", 0x19), ("Disconnect", 0x04)},
    }
    if version == MQTTv5:
        from_client.add("Auth")
        from_server |= {"Auth", "Disconnect"}
    for packet in packets(mqtt, version):
        name = type(packet).__name__
        data = mqtt.encode(packet, version)
        assert len(list(mqtt.Decoder(version).feed(data))) == 1
        for role, allowed in ((mqtt.Role.SERVER, from_client), (mqtt.Role.CLIENT, from_server)):
            decoder = mqtt.Decoder(version, role=role)
            if name not in allowed:
                with pytest.raises(mqtt.ProtocolError) as caught:
                    list(decoder.feed(data[:1]))
                assert (caught.value.reason_code, caught.value.offset) == (0x82, 0)
            elif name == "Publish" and role is mqtt.Role.SERVER and packet.subscription_identifiers:
                with pytest.raises(mqtt.ProtocolError) as caught:
                    list(decoder.feed(data))
                assert caught.value.clause == "MQTT-3.3.4-6"
            elif (name, getattr(packet, "reason_code", 0)) in only_from[role]:
                with pytest.raises(mqtt.ProtocolError) as caught:
                    list(decoder.feed(data))
                assert caught.value.clause in ("MQTT-3.14.2-1", "MQTT-3.15.2-1")
            elif name == "Disconnect" and role is mqtt.Role.CLIENT and packet.session_expiry_interval is not None:
                with pytest.raises(mqtt.ProtocolError) as caught:
                    list(decoder.feed(data))
                assert caught.value.clause == "MQTT-3.14.2-2"
            else:
                assert len(list(decoder.feed(data))) == 1


def test_large_payload_in_pieces(mqtt: Any) -> None:
    payload = random.Random(1).randbytes(3_000_000)
    for topic, fields in (("a/b", {}), ("t" * 60_000, {"user_properties": (("n", "v" * 65_000),) * 3})):
        for qos, packet_id in ((0, None), (1, 5)):
            packet = mqtt.Publish(topic, payload, qos, packet_id=packet_id, **fields)
            data = mqtt.encode(packet)
            for size in (65_536, 1_000_003, 29):
                if size == 29:
                    data = mqtt.encode(packet.replace(payload=payload[:100_000]))
                decoder = mqtt.Decoder(5)
                found = [p for at in range(0, len(data), size) for p in decoder.feed(data[at : at + size])]
                assert found == [mqtt.decode(data)]
                assert decoder.pending == 0


def test_large_packets_that_lie(mqtt: Any) -> None:
    """Lengths that reach past the packet, in a PUBLISH that is assembled from pieces."""
    for body in (
        b"\xff\xff" + b"a" * 69_998,
        b"\x00\x01a\xff\xff\xff\x7f" + bytes(69_993),
        b"\x00\x01a\x80\x80\x80\x80" + bytes(69_993),
    ):
        data = b"\x30\xf0\xa2\x04" + body
        assert len(data) == 70_004
        for version in (4, 5):
            expected = outcome(lambda: [mqtt.decode(data, version)])
            decoder = mqtt.Decoder(version)
            pieces = [data[at : at + 1000] for at in range(0, len(data), 1000)]
            assert outcome(lambda: [packet for piece in pieces for packet in decoder.feed(piece)]) == expected


def test_views_of_what_was_fed(mqtt: Any) -> None:
    data = mqtt.encode(mqtt.Publish("a", b"0123456789"))
    decoder = mqtt.Decoder(5, copy=False)
    (packet,) = decoder.feed(data)
    assert packet.payload.obj is data
    assert packet.payload.readonly
    kept = [packet]
    for piece in (data[:8], data[8:] + data[:3], bytearray(data[3:])):
        kept += decoder.feed(piece)
    for byte in data:
        decoder.get_buffer()[0] = byte
        kept += decoder.buffer_updated(1)
    decoder.get_buffer()[: len(data)] = data
    kept += decoder.buffer_updated(len(data))
    decoder.get_buffer()[: len(data)] = bytes(len(data))
    assert [bytes(packet.payload) for packet in kept] == [b"0123456789"] * 5
    assert all(type(packet.payload) is memoryview and packet.payload.readonly for packet in kept)


def test_a_bytearray_fed_is_free_at_once(mqtt: Any) -> None:
    for copied in (True, False):
        buffer = bytearray(PINGREQ)
        decoder = mqtt.Decoder(5, copy=copied)
        decoder.feed(buffer)
        buffer.clear()
        assert list(decoder.feed(b"")) == [mqtt.PingReq()]


def test_what_is_fed_must_be_bytes(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    with pytest.raises(TypeError, match="buffer must be a bytes-like object, not str"):
        decoder.feed("text")
    with pytest.raises(BufferError):
        decoder.feed(memoryview(b"abcd")[::2])
    assert list(decoder.feed(PINGREQ)) == [mqtt.PingReq()]


def test_the_loan(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    buffer = decoder.get_buffer()
    assert len(buffer) == 65_536
    assert len(decoder.get_buffer(0)) == len(decoder.get_buffer(10)) == 65_536
    assert len(decoder.get_buffer(100_000)) == 100_000
    with pytest.raises(TypeError):
        decoder.get_buffer("10")
    for count in (-1, 100_001, 1 << 80):
        with pytest.raises(ValueError, match="nbytes must be 0 to 100000"):
            decoder.buffer_updated(count)
    with pytest.raises(TypeError):
        decoder.buffer_updated("1")
    decoder.get_buffer()[:2] = PINGREQ
    assert list(decoder.buffer_updated(2)) == [mqtt.PingReq()]
    with pytest.raises(ValueError, match="nbytes must be 0 to 0"):
        decoder.buffer_updated(1)
    decoder.get_buffer()[:2] = PINGREQ
    assert list(decoder.feed(PINGRESP)) == [mqtt.PingResp()]
    with pytest.raises(ValueError, match="nbytes"):
        decoder.buffer_updated(2)
    assert list(decoder.buffer_updated(0)) == []
    decoder.get_buffer()[:2] = PINGREQ
    with pytest.raises(TypeError):
        decoder.feed("refused, and so no feed in between")
    assert list(decoder.buffer_updated(2)) == [mqtt.PingReq()]


def test_a_block_with_unread_packets_is_not_lent_again(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    decoder.get_buffer()[:4] = PINGREQ + PINGRESP
    for packet in decoder.buffer_updated(4):
        assert packet == mqtt.PingReq()
        break
    decoder.get_buffer()[:] = bytes(65_536)
    decoder.get_buffer()[:2] = PINGREQ
    assert list(decoder.buffer_updated(2)) == [mqtt.PingResp(), mqtt.PingReq()]


def test_re_entry_is_refused(mqtt: Any) -> None:
    """The owner of a buffer calls the decoder while the buffer is fed, if Python allows it."""
    decoder = mqtt.Decoder(5)
    errors: list[BaseException] = []

    class Reentrant:
        def __buffer__(self, flags: int) -> memoryview:
            try:
                decoder.feed(PINGREQ)
            except RuntimeError as error:
                errors.append(error)
            return memoryview(PINGRESP)

    try:
        memoryview(Reentrant())
    except TypeError:
        pytest.skip("objects with __buffer__ came with Python 3.12")
    errors.clear()
    list(decoder.feed(PINGREQ))
    assert list(decoder.feed(Reentrant())) == [mqtt.PingResp()]
    assert len(errors) == 1


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="since Python 3.12 the collector waits for the next bytecode")
@pytest.mark.skipif(not hasattr(gc, "set_threshold"), reason="this Python's collector runs when it likes")
def test_re_entry_from_the_collector(mqtt: Any) -> None:
    """A finaliser may run, and call the decoder, wherever an object is created."""
    decoder = mqtt.Decoder(5)
    calls = [
        lambda: decoder.feed(b""),
        lambda: next(decoder),
        decoder.reset,
        decoder.get_buffer,
        lambda: decoder.buffer_updated(0),
        lambda: decoder.__init__(4),
        lambda: setattr(decoder, "version", 4),
        decoder.skip,
    ]
    errors: list[str] = []

    def collecting(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and "decoding" in state:
            for call in calls:
                with pytest.raises(RuntimeError) as caught:
                    call()
                errors.append(str(caught.value))

    packet = mqtt.Subscribe(
        1, tuple(mqtt.Subscription(f"a/{n}") for n in range(50)), user_properties=(("a", "b"),) * 50
    )
    decoder.feed(mqtt.encode(packet))
    state: set[str] = set()
    thresholds = gc.get_threshold()
    gc.callbacks.append(collecting)
    try:
        gc.set_threshold(1)
        state.add("decoding")
        found = next(decoder)
        state.clear()
    finally:
        gc.callbacks.remove(collecting)
        gc.set_threshold(*thresholds)
    assert found == packet
    assert set(errors) == {"this Decoder is already in use, in another thread or further up this call stack"}


def test_an_interrupt(mqtt: Any) -> None:
    """An unrelated exception between two steps that belong together: the state of the decoder is unknown."""
    if mqtt.BACKEND == "cython":
        pytest.skip("nothing interrupts compiled code")
    decoder = mqtt.Decoder(5)
    decoder.feed(PINGREQ)

    def interrupt(frame: FrameType, event: str, argument: object) -> None:
        if frame.f_code.co_name == "decode_body":
            raise KeyboardInterrupt

    before = sys.gettrace()
    sys.settrace(interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            next(decoder)
    finally:
        sys.settrace(before)
    with pytest.raises(RuntimeError, match=r"was interrupted while decoding; call reset\(\) before using it again"):
        decoder.feed(PINGREQ)
    decoder.reset()
    assert list(decoder.feed(PINGREQ)) == [mqtt.PingReq()]


def test_initialised_twice(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    decoder.feed(PINGREQ)
    decoder.__init__(4, max_packet_size=100)
    assert (decoder.version, decoder.max_packet_size, decoder.pending) == (MQTTv311, 100, 0)
    assert list(decoder.feed(PINGREQ)) == [mqtt.PingReq()]


def test_repr(mqtt: Any) -> None:
    decoder = mqtt.Decoder(role=mqtt.Role.SERVER)
    assert repr(decoder) == "<Decoder version=None role=SERVER pending=0 state=open>"
    for _ in decoder.feed(mqtt.encode(mqtt.Connect("c")) + b"\xc0"):
        pass
    assert repr(decoder) == "<Decoder version=MQTT_5_0 role=SERVER pending=1 state=open>"
    with pytest.raises(mqtt.MalformedPacketError):
        list(decoder.feed(b"\x01\x00"))
    assert repr(decoder) == "<Decoder version=MQTT_5_0 role=SERVER pending=3 state=failed (MalformedPacketError)>"
    decoder.skip()
    with pytest.raises(mqtt.MalformedPacketError):
        list(decoder.feed(b"\x01\x00"))
    assert repr(decoder) == "<Decoder version=MQTT_5_0 role=SERVER pending=0 state=failed (MalformedPacketError)>"


def test_the_version_cannot_be_deleted(mqtt: Any) -> None:
    decoder = mqtt.Decoder(5)
    with pytest.raises(AttributeError, match="cannot delete 'version' of this Decoder"):
        del decoder.version
    assert decoder.version == MQTTv5


def test_a_view_keeps_nothing_but_its_packet(mqtt: Any) -> None:
    data = mqtt.encode(mqtt.Publish("t", b"x" * 100))
    decoder = mqtt.Decoder(5, copy=False)
    assert not list(decoder.feed(data[:1]))
    packet, *following = decoder.feed(data[1:] + mqtt.encode(mqtt.PingReq()) * 3)
    assert len(following) == 3
    assert len(packet.payload.obj) == len(data)
