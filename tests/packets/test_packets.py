"""The packet classes as values: they compare, hash, print, copy, replace, pickle and match the same way in both."""

from __future__ import annotations

import copy
import dataclasses
import gc
import inspect
import pickle
import sys
import traceback
import typing
import weakref
from pathlib import Path
from typing import Any

import pytest

import implementations
import mqttcodec
from mqttcodec import ConnectReturnCode, MQTTv5, MQTTv311, QoS, ReasonCode, RetainHandling, _methods, _spec
from samples import VERSIONS, outcome, packets, plain

CLASSES = [
    *("Connect", "Will", "ConnAck", "Publish", "PubAck", "PubRec", "PubRel", "PubComp", "Subscribe", "Subscription"),
    *("SubAck", "Unsubscribe", "UnsubAck", "PingReq", "PingResp", "Disconnect", "Auth"),
]
FUNCTIONS = [
    *("decode", "decode_from", "encode", "encode_acks", "encode_into", "encode_many", "encode_parts", "encoded_size"),
    *("peek", "to_dict", "from_dict"),
]

pair = pytest.mark.skipif(len(implementations.ALL) < 2, reason="there is one implementation only")


def parameters(callable_: Any) -> list[tuple[str, Any, Any]]:
    return [(item.name, item.kind, item.default) for item in inspect.signature(callable_).parameters.values()]


@pair
@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_alike(name: str) -> None:
    compiled, pure = (getattr(mqtt, name) for mqtt in implementations.ALL)
    assert parameters(compiled) == parameters(pure)
    assert compiled.__match_args__ == pure.__match_args__
    assert inspect.getdoc(compiled) == inspect.getdoc(pure)
    assert compiled.__name__ == pure.__name__

    def public(cls: Any) -> set[str]:
        return {attribute for attribute in dir(cls) if not attribute.startswith("_")}

    assert public(compiled) - public(pure) <= set(_methods.fields(pure))
    assert public(pure) <= public(compiled)


@pair
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_alike(name: str) -> None:
    compiled, pure = (getattr(mqtt, name) for mqtt in implementations.ALL)
    assert parameters(compiled) == parameters(pure)
    assert inspect.getdoc(compiled) == inspect.getdoc(pure)


@pair
@pytest.mark.parametrize("name", ["Decoder", "Encoder"])
def test_streams_are_alike(name: str) -> None:
    compiled, pure = (getattr(mqtt, name) for mqtt in implementations.ALL)
    assert parameters(compiled) == parameters(pure)
    assert inspect.getdoc(compiled) == inspect.getdoc(pure)
    names = {name for name in dir(pure) if not name.startswith("_")}
    assert names == {name for name in dir(compiled) if not name.startswith("_")}
    for name in names:
        assert inspect.getdoc(getattr(compiled, name)) == inspect.getdoc(getattr(pure, name))
        if inspect.isfunction(getattr(pure, name)):
            assert parameters(getattr(compiled, name)) == parameters(getattr(pure, name))


def test_public_names(mqtt: Any) -> None:
    for name in mqttcodec.__all__:
        assert hasattr(mqtt, name)
    assert issubclass(mqtt.IncompletePacketError, mqtt.DecodeError)
    assert issubclass(mqtt.DecodeError, (mqtt.MQTTError, ValueError))
    assert issubclass(mqtt.EncodeError, ValueError)
    assert isinstance(mqtt.PingReq(), mqtt.Packet)
    assert not isinstance(mqtt.Will("a"), mqtt.Packet)


@pytest.mark.parametrize("version", VERSIONS)
def test_values(mqtt: Any, version: int) -> None:
    for packet, same in zip(packets(mqtt, version), packets(mqtt, version), strict=True):
        assert packet == same
        assert (packet != same) is False
        assert copy.copy(packet) == packet
        assert copy.deepcopy(packet) == packet
        assert packet.replace() == packet
        assert hash(packet) == hash(same)
        decoded = mqtt.decode(mqtt.encode(packet, version), version)
        assert hash(decoded) == hash(decoded.replace())
        assert packet != "packet"


def test_packets_of_other_classes_differ(mqtt: Any) -> None:
    assert mqtt.PubAck(1) != mqtt.PubRec(1)
    assert mqtt.PingReq() != mqtt.PingResp()
    assert len({mqtt.PubAck(1), mqtt.PubAck(1), mqtt.PubRec(1), mqtt.PubAck(2)}) == 3


def test_numbers_equal_enum_members(mqtt: Any) -> None:
    packet = mqtt.Publish("a", b"", 1, packet_id=1)
    assert packet == mqtt.decode(mqtt.encode(packet))
    assert hash(packet) == hash(mqtt.decode(mqtt.encode(packet)))


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_crosses_implementations(mqtt: Any, version: int, protocol: int) -> None:
    for packet in packets(mqtt, version):
        again = pickle.loads(pickle.dumps(packet, protocol))
        assert type(again) is getattr(mqttcodec, type(packet).__name__)
        assert plain(again) == plain(packet)


def test_replace(mqtt: Any) -> None:
    packet = mqtt.Publish("a", b"x", 1, True, packet_id=7, topic_alias=3)
    changed = packet.replace(qos=0, packet_id=None)
    assert changed == mqtt.Publish("a", b"x", 0, True, topic_alias=3)
    assert packet.qos == 1
    with pytest.raises(TypeError, match="no_such_field"):
        packet.replace(no_such_field=1)
    if sys.version_info >= (3, 13):
        assert copy.replace(packet, topic="b") == packet.replace(topic="b")


@pytest.mark.parametrize("name", CLASSES)
def test_both_names_of_replace(mqtt: Any, name: str) -> None:
    cls = getattr(mqtt, name)
    for holder in (cls, cls.__new__(cls)):
        assert inspect.signature(holder.__replace__) == inspect.signature(holder.replace)
        assert holder.__replace__.__doc__ == holder.replace.__doc__


def values_of_fields(packet: Any) -> dict[str, Any]:
    return {name: getattr(packet, name) for name in _methods.fields(type(packet))}


def parts(packet: Any) -> list[Any]:
    """The packet, and the will or the subscriptions in it."""
    will = getattr(packet, "will", None)
    return [packet, *([] if will is None else [will]), *getattr(packet, "subscriptions", ())]


@pytest.mark.parametrize("version", VERSIONS)
def test_each_field_is_compared_hashed_and_replaced(mqtt: Any, version: int) -> None:
    for packet in (part for whole in packets(mqtt, version) for part in parts(whole)):
        values = values_of_fields(packet)
        assert packet._values == tuple(values.values())
        for name, value in values.items():
            for new in (None, (), 0, 1, True, "new", b"new", [("n", "v")], ["f"], object()):
                built = type(packet)(**{**values, name: new})
                replaced = packet.replace(**{name: new})
                assert plain(replaced) == plain(built)
                assert replaced == built
                assert replaced.properties == built.properties
                assert (packet == replaced) is (value is getattr(built, name) or value == getattr(built, name))
                if packet == replaced:
                    assert hash(packet) == hash(replaced)
                assert plain(replaced.replace(**{name: value})) == plain(packet)
        assert values_of_fields(packet) == values


def test_replace_takes_names_that_are_not_interned(mqtt: Any) -> None:
    for packet in (mqtt.Publish("a"), mqtt.Will("a")):
        assert packet.replace(**{"".join(["to", "pic"]): "b"}).topic == "b"
        for changes in ({"": 1}, {"xxx": 1}, {"topic": "b", "xxx": 1}, {"publish_properties": 1}, {"flags": 1}):
            with pytest.raises(TypeError, match=r"\.replace\(\) got an unexpected keyword argument"):
                packet.replace(**changes)


@pair
def test_replace_refuses_alike() -> None:
    publish, puback, pingreq = "300400016100", "40020007", "c000"
    for encoded, arguments, changes in (
        (publish, [], {"topics": "b"}),
        (publish, [], {"topic": "b", "properties": {}}),
        (publish, ["b"], {}),
        (publish, ["b", "c"], {"qos": 1}),
        (puback, [], {"topic": "t"}),
        (pingreq, [], {"topic": "t"}),
        (pingreq, [1], {}),
    ):
        first, second = (
            outcome(lambda: mqtt.decode(bytes.fromhex(encoded)).replace(*arguments, **changes))
            for mqtt in implementations.ALL
        )
        assert first == second
        assert first[0] == "TypeError"


@pytest.mark.parametrize("version", VERSIONS)
def test_properties(mqtt: Any, version: int) -> None:
    for packet in (part for whole in packets(mqtt, version) for part in parts(whole)):
        place = _spec.WILL if type(packet) is mqtt.Will else getattr(packet, "packet_type", None)
        identifiers = _spec.PROPERTIES.get(place, ())
        expected = {_spec.property_field(place, identifier) for identifier in identifiers}
        present = {name: value for name, value in values_of_fields(packet).items() if name in expected}
        present = {name: value for name, value in present.items() if value is not None and value != ()}
        assert list(packet.properties.items()) == list(present.items())
        assert packet.properties is not packet.properties
        others = {name: value for name, value in values_of_fields(packet).items() if name not in expected}
        assert plain(type(packet)(**others, **packet.properties)) == plain(packet)
        bare = packet.replace(**dict.fromkeys(packet.properties))
        assert bare.properties == {}
        assert plain(bare) == plain(type(packet)(**others))


def test_empty_tuples_are_not_properties(mqtt: Any) -> None:
    """An empty tuple of a subclass means the same as `()`."""
    empty = type("Empty", (tuple,), {"__len__": lambda self: 1, "__eq__": None, "__bool__": None})()
    for packet in (
        mqtt.Publish("a", user_properties=empty, subscription_identifiers=empty),
        mqtt.Publish("a", user_properties=[("n", "v")]).replace(user_properties=empty),
        mqtt.PubAck(1, user_properties=empty),
        mqtt.Will("a", user_properties=empty),
    ):
        assert packet.properties == {}
    assert list(mqtt.Publish("a", content_type="x", user_properties=empty).properties) == ["content_type"]
    held = type("Held", (tuple,), {})([("n", "v")])
    assert mqtt.PubAck(1, user_properties=held).properties == {"user_properties": (("n", "v"),)}


def test_packet_types(mqtt: Any) -> None:
    assert [cls.packet_type for cls in mqtt.Packet.__args__] == list(mqtt.PacketType)
    for packet in packets(mqtt, MQTTv5):
        assert packet.packet_type is mqtt.PacketType(mqtt.encode(packet)[0] >> 4)
    for cls in (mqtt.Will, mqtt.Subscription):
        assert not hasattr(cls, "packet_type")


def test_immutable(mqtt: Any) -> None:
    packet = mqtt.Publish("a")
    for name in ("topic", "qos", "content_type"):
        with pytest.raises(AttributeError):
            setattr(packet, name, "b")
        with pytest.raises(AttributeError):
            delattr(packet, name)
    with pytest.raises(AttributeError):
        packet.no_such_field = 1
    assert packet == mqtt.Publish("a")


def test_constructor_refuses(mqtt: Any) -> None:
    for call in (
        lambda: mqtt.Publish(),
        lambda: mqtt.Publish("a", b"", 0, False, False, None, 1),
        lambda: mqtt.PubAck(1, 0, "reason"),
        lambda: mqtt.PubAck(1, content_type="text"),
        lambda: mqtt.PingReq(1),
        lambda: mqtt.Subscribe(1),
    ):
        with pytest.raises(TypeError):
            call()


def test_match(mqtt: Any) -> None:
    match mqtt.decode(mqtt.encode(mqtt.Publish("a/b", b"21.5", 1, packet_id=7))):
        case mqtt.Publish("a/b", payload, QoS.AT_LEAST_ONCE, packet_id=packet_id):
            assert (payload, packet_id) == (b"21.5", 7)
        case _:
            pytest.fail("no match")
    match mqtt.Connect("c", will=mqtt.Will("t")):
        case mqtt.Connect(client_id, True, 60, will=mqtt.Will(topic)):
            assert (client_id, topic) == ("c", "t")
        case _:
            pytest.fail("no match")


def test_repr(mqtt: Any) -> None:
    assert repr(mqtt.Publish("a/b", b"21.5")) == "Publish(topic='a/b', payload=b'21.5')"
    assert repr(mqtt.PingReq()) == "PingReq()"
    assert (
        repr(mqtt.PubAck(7, ReasonCode.NOT_AUTHORIZED)) == "PubAck(packet_id=7, reason_code=ReasonCode.NOT_AUTHORIZED)"
    )
    assert repr(mqtt.Subscribe(1, (mqtt.Subscription("a", QoS.EXACTLY_ONCE),))) == (
        "Subscribe(packet_id=1, subscriptions=(Subscription(topic_filter='a', qos=QoS.EXACTLY_ONCE),))"
    )
    assert repr(mqtt.SubAck(1, (ReasonCode.GRANTED_QOS_1, ReasonCode.NOT_AUTHORIZED))) == (
        "SubAck(packet_id=1, reason_codes=(ReasonCode.GRANTED_QOS_1, ReasonCode.NOT_AUTHORIZED))"
    )


def test_repr_keeps_secrets_and_is_short(mqtt: Any) -> None:
    shown = repr(
        mqtt.Connect("c", username="u", password=b"hunter2", authentication_method="m", authentication_data=b"key")
    )
    assert "hunter2" not in shown
    assert "key" not in shown
    assert "password=<hidden>" in shown
    assert len(repr(mqtt.Publish("a", bytes(1 << 20)))) < 200
    assert len(repr(mqtt.Publish("a", bytearray(1 << 20)))) < 200


@pair
def test_repr_is_alike() -> None:
    compiled, pure = implementations.ALL
    for version in VERSIONS:
        for one, other in zip(packets(compiled, version), packets(pure, version), strict=True):
            assert repr(one) == repr(other)
            assert repr(compiled.decode(compiled.encode(one, version), version)) == repr(
                pure.decode(pure.encode(other, version), version)
            )


def test_types_after_decoding(mqtt: Any) -> None:
    connect = next(packet for packet in packets(mqtt, MQTTv5) if type(packet) is mqtt.Connect and packet.will)
    decoded = mqtt.decode(mqtt.encode(connect))
    assert type(decoded.protocol_version) is mqtt.ProtocolVersion
    assert type(decoded.clean_start) is bool
    assert type(decoded.password) is bytes
    assert type(decoded.will.qos) is mqtt.QoS
    subscribe = mqtt.decode(mqtt.encode(mqtt.Subscribe(1, [mqtt.Subscription("a", 1, True, False, 2)])))
    assert type(subscribe.subscriptions) is tuple
    assert type(subscribe.subscriptions[0].retain_handling) is mqtt.RetainHandling
    assert type(mqtt.decode(b"\x20\x02\x00\x05", 4).reason_code) is mqtt.ConnectReturnCode
    assert type(mqtt.decode(b"\x90\x03\x00\x01\x80", 4).reason_codes[0]) is mqtt.ReasonCode
    publish = mqtt.decode(bytes.fromhex("300b 000161 07 0101 2600000000"))
    assert type(publish.payload_format_indicator) is int
    assert publish.user_properties == (("", ""),)


# --- The constructor converts each field to the value that decoding gives.


def test_plain_numbers_become_members(mqtt: Any) -> None:
    for made, expected in (
        (mqtt.Publish("t", qos=1, packet_id=1).qos, QoS.AT_LEAST_ONCE),
        (mqtt.Publish("t").replace(qos=2).qos, QoS.EXACTLY_ONCE),
        (mqtt.Will("t", qos=2).qos, QoS.EXACTLY_ONCE),
        (mqtt.Subscription("t", 1).qos, QoS.AT_LEAST_ONCE),
        (mqtt.Subscription("t", retain_handling=2).retain_handling, RetainHandling.DO_NOT_SEND),
        (mqtt.Connect(protocol_version=4).protocol_version, MQTTv311),
        (mqtt.ConnAck(maximum_qos=0).maximum_qos, QoS.AT_MOST_ONCE),
        (mqtt.PubAck(1, 0x87).reason_code, ReasonCode.NOT_AUTHORIZED),
        (mqtt.PubRec(1, 0).reason_code, ReasonCode.SUCCESS),
        (mqtt.Disconnect(4).reason_code, ReasonCode.DISCONNECT_WITH_WILL_MESSAGE),
        (mqtt.Auth(0x18).reason_code, ReasonCode.CONTINUE_AUTHENTICATION),
        (mqtt.ConnAck().replace(reason_code=0x87).reason_code, ReasonCode.NOT_AUTHORIZED),
    ):
        assert made is expected


@pytest.mark.parametrize("code", range(256))
def test_codes_of_connack(mqtt: Any, code: int) -> None:
    """1 to 5 are the codes with which servers of 3.1 and 3.1.1 reject a client. Enum members stay as they are."""
    enum = ConnectReturnCode if 1 <= code <= 5 else ReasonCode
    made = mqtt.ConnAck(reason_code=code).reason_code
    if code in enum._value2member_map_:
        assert made is enum(code)
    else:
        assert type(made) is int
    for member in (enum._value2member_map_.get(code) for enum in (ConnectReturnCode, ReasonCode)):
        if member is not None:
            assert mqtt.ConnAck(reason_code=member).reason_code is member


def test_lists_become_tuples(mqtt: Any) -> None:
    subscription, pairs = mqtt.Subscription("t"), [["n", "v"], ("n", "w")]
    for made, expected in (
        (mqtt.Subscribe(1, [subscription]).subscriptions, (subscription,)),
        (mqtt.Unsubscribe(1, ["a", "b"]).topic_filters, ("a", "b")),
        (mqtt.SubAck(1, [0, 0x87, 7]).reason_codes, (ReasonCode.SUCCESS, ReasonCode.NOT_AUTHORIZED, 7)),
        (mqtt.UnsubAck(1, [0x11]).reason_codes, (ReasonCode.NO_SUBSCRIPTION_EXISTED,)),
        (mqtt.Publish("t", subscription_identifiers=[1, 2]).subscription_identifiers, (1, 2)),
        (mqtt.Publish("t", user_properties=pairs).user_properties, (("n", "v"), ("n", "w"))),
        (mqtt.PubAck(1).replace(user_properties=pairs).user_properties, (("n", "v"), ("n", "w"))),
        (mqtt.Connect(will=mqtt.Will("t", user_properties=pairs)).will.user_properties, (("n", "v"), ("n", "w"))),
        (mqtt.Disconnect(user_properties=[]).user_properties, ()),
        (mqtt.Disconnect(user_properties=None).user_properties, ()),
    ):
        assert plain(made) == plain(expected)
    assert type(mqtt.SubAck(1, (0, 0x87)).reason_codes[1]) is ReasonCode


def test_lists_given_are_not_kept(mqtt: Any) -> None:
    pairs = [["n", "v"]]
    packet = mqtt.Publish("t", user_properties=pairs)
    before = hash(packet)
    pairs[0][1] = "w"
    pairs.append(["n", "x"])
    assert packet.user_properties == (("n", "v"),)
    assert hash(packet) == before


def test_other_values_stay(mqtt: Any) -> None:
    """Values without a member, and values that no field accepts, are left for `encode` to reject."""
    for value in (3, -1, 1 << 70, True, 1.0, "1", None):
        assert mqtt.Publish("t", qos=value).qos is value
        assert mqtt.Subscription("t", retain_handling=value).retain_handling is value
    for value in (256, -1, 0x05, "0", None):
        assert mqtt.Disconnect(value).reason_code is value
    for value in ("ab", {"a": "b"}, 5):
        assert mqtt.Publish("t", user_properties=value).user_properties is value
        assert mqtt.SubAck(1, value).reason_codes is value
    assert mqtt.Publish("t", user_properties=["ab", 5]).user_properties == ("ab", 5)


@pytest.mark.parametrize("version", VERSIONS)
def test_decoding_gives_back_what_was_made(mqtt: Any, version: int) -> None:
    """Down to the last type, except in a CONNACK before 5.0, where the decoded success is a `ConnectReturnCode`."""
    for packet in packets(mqtt, version):
        decoded = mqtt.decode(mqtt.encode(packet, version), version)
        assert decoded == packet
        if type(packet) is not mqtt.ConnAck or version == MQTTv5:
            assert plain(decoded) == plain(packet)


# --- Messages.

# Arguments that a constructor rejects, and the end of the message, which is the same as for any Python function.
ARGUMENTS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("Publish", (), {}, "Publish.__init__() missing 1 required positional argument: 'topic'"),
    ("Publish", ("t",), {"no_such_field": 1}, "got an unexpected keyword argument 'no_such_field'"),
    ("Publish", ("t",), {"topic": "t"}, "got multiple values for argument 'topic'"),
    ("Publish", ("t", b"", 0, False, False, None, 1), {}, "takes from 2 to 7 positional arguments but 8 were given"),
    ("PubAck", (), {}, "PubAck.__init__() missing 1 required positional argument: 'packet_id'"),
    ("PubComp", (1, 0, "reason"), {}, "takes from 2 to 3 positional arguments but 4 were given"),
    ("PubRel", (1,), {"content_type": "t"}, "got an unexpected keyword argument 'content_type'"),
    ("Subscribe", (1,), {}, "missing 1 required positional argument: 'subscriptions'"),
    ("Subscribe", (), {}, "missing 2 required positional arguments: 'packet_id' and 'subscriptions'"),
    ("SubAck", (), {"reason_codes": ()}, "missing 1 required positional argument: 'packet_id'"),
    ("PingReq", (1,), {}, "PingReq.__init__() takes 1 positional argument but 2 were given"),
    ("PingResp", (), {"packet_id": 1}, "got an unexpected keyword argument 'packet_id'"),
    ("Will", (), {}, "missing 1 required positional argument: 'topic'"),
]


@pytest.mark.parametrize(("name", "arguments", "keywords", "words"), ARGUMENTS)
def test_wrong_arguments(
    mqtt: Any, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any], words: str
) -> None:
    with pytest.raises(TypeError) as caught:
        getattr(mqtt, name)(*arguments, **keywords)
    assert str(caught.value).startswith(f"{name}.__init__() ")
    assert str(caught.value).endswith(words)


def test_assignment_names_the_field(mqtt: Any) -> None:
    for packet in (mqtt.Publish("t"), mqtt.PubAck(1), mqtt.Will("t"), mqtt.PingReq()):
        for name in (*_methods.fields(type(packet)), "no_such_field", "replace"):
            expected = f"cannot change {name!r}: {type(packet).__name__} is immutable"
            for change in (lambda: setattr(packet, name, 1), lambda: delattr(packet, name)):
                with pytest.raises(dataclasses.FrozenInstanceError) as caught:
                    change()
                assert str(caught.value) == expected


def test_classes_are_called_by_their_public_names(mqtt: Any) -> None:
    for name in (*CLASSES, *(name for name in mqttcodec.__all__ if name.endswith("Error"))):
        cls = getattr(mqtt, name)
        assert f"{cls.__module__}.{cls.__qualname__}" == f"mqttcodec.{name}"
    for enum in (mqtt.QoS, mqtt.ReasonCode, mqtt.PacketType, mqtt.Role):
        assert enum.__module__ == "mqttcodec"


@pytest.mark.skipif("cython" not in implementations.NAMES, reason="the extensions are not there")
def test_a_traceback_has_one_frame_of_ours() -> None:
    """Frames of other code are kept."""
    mqtt = implementations.load("cython")
    broken, decoder = b"\x30\x03\x00\x01#", mqtt.Decoder(5)

    def raising() -> Any:
        yield mqtt.PingReq()
        raise ZeroDivisionError

    for call, expected in (
        (lambda: mqtt.decode(broken), ["decode"]),
        (lambda: mqtt.decode(bytearray(broken), copy=False), ["decode"]),
        (lambda: mqtt.decode_from(broken), ["decode_from"]),
        (lambda: mqtt.decode_from(b"", 1), ["decode_from"]),
        (lambda: mqtt.peek(b"\x30\x80\x00"), ["peek"]),
        (lambda: mqtt.encode(mqtt.Publish("#")), ["encode"]),
        (lambda: mqtt.encode(mqtt.Publish("t", user_properties=(("a",),))), ["encode"]),
        (lambda: mqtt.encode_many([mqtt.Publish("#")]), ["encode_many"]),
        (lambda: mqtt.encode_many(raising()), ["encode_many", "raising"]),
        (lambda: mqtt.encode_acks(4, [0]), ["encode_acks"]),
        (lambda: mqtt.encode_acks(4, (1 // 0 for _ in "a")), ["encode_acks", "<genexpr>"]),
        (lambda: mqtt.Encoder(5).write(mqtt.Publish("#")), ["write"]),
        (lambda: mqtt.Encoder(5).write_acks(4, (1 // 0 for _ in "a")), ["write_acks", "<genexpr>"]),
        (lambda: mqtt.Encoder(5, max_packet_size=1), ["__init__"]),
        (lambda: mqtt.encode_into(mqtt.Publish("#"), bytearray(9)), ["encode_into"]),
        (lambda: mqtt.encode_parts(mqtt.Publish("#")), ["encode_parts"]),
        (lambda: mqtt.encoded_size(mqtt.Publish("#")), ["encoded_size"]),
        (lambda: list(mqtt.Decoder(5).feed(broken)), ["next_or_null"]),
        (lambda: mqtt.Decoder(5).feed("text"), ["feed"]),
        (lambda: decoder.buffer_updated(1), ["buffer_updated"]),
        (lambda: decoder.get_buffer(1 << 70), ["get_buffer"]),
        (lambda: mqtt.Decoder(7), ["__init__"]),
        (lambda: mqtt.Publish("t").__init__("u"), ["__init__"]),
        (lambda: mqtt.PubAck(1).replace(topic="t"), ["replace"]),
        (lambda: setattr(mqtt.PubAck(1), "packet_id", 2), ["__setattr__"]),
        (lambda: mqtt.Publish(), []),
    ):
        with pytest.raises((mqtt.MQTTError, TypeError, ValueError, AttributeError, ZeroDivisionError)) as caught:
            call()
        frames = [frame.name.rpartition(".")[2] for frame in traceback.extract_tb(caught.value.__traceback__)]
        assert frames[2:] == expected


@pytest.mark.skipif("cython" not in implementations.NAMES, reason="the extensions are not there")
def test_a_frame_has_the_name_of_its_function() -> None:
    """Cython would use the name of a function that raised before on the same line of another file."""
    program = f"""
import sys, traceback
sys.path.append({str(Path(implementations.__file__).parent)!r})
import mqttcodec, vectors

for function in (mqttcodec.peek, mqttcodec.decode_from, mqttcodec.decode):
    frames = set()
    for vector in vectors.ERRORS:
        try:
            function(bytearray(vectors.data(vector)))
        except mqttcodec.MQTTError as error:
            frames.add(traceback.extract_tb(error.__traceback__)[-1].name.rpartition(".")[2])
    print(*frames)
"""
    assert implementations.run("require", program).stdout.split() == ["peek", "decode_from", "decode"]


# --- Packet metadata for other libraries. `test_typing.py` has more.


def test_type_hints(mqtt: Any) -> None:
    if mqtt.BACKEND == "cython" and sys.version_info >= (3, 14):
        pytest.skip("CPython 3.14 gives an extension type no annotations; its dataclass fields have them")
    for name in CLASSES:
        hints = typing.get_type_hints(getattr(mqtt, name))
        assert list(hints) == list(_methods.fields(getattr(mqtt, name)))
    hints = typing.get_type_hints(mqtt.Publish)
    assert hints["topic"] is str
    assert hints["payload"] == bytes | memoryview
    assert hints["qos"] is QoS
    assert hints["user_properties"] == tuple[tuple[str, str], ...]


def test_dataclass_fields(mqtt: Any) -> None:
    packet = mqtt.Publish("t", b"x", 1, packet_id=1, user_properties=[("n", "v")])
    assert [field.name for field in dataclasses.fields(packet)] == list(_methods.fields(type(packet)))
    assert dataclasses.asdict(packet) == {name: getattr(packet, name) for name in _methods.fields(type(packet))}
    assert dataclasses.replace(packet, topic="u") == packet.replace(topic="u")


@pytest.mark.skipif("cython" not in implementations.NAMES, reason="the extensions are not there")
def test_a_compiled_packet_in_a_cycle_is_not_collected() -> None:
    """`docs/api.md` says so. If this test fails because packets can be collected, change that page."""
    mqtt = implementations.load("cython")

    class Node:
        packet: Any

    node = Node()
    node.packet = mqtt.Publish("t", node)
    seen = weakref.ref(node)
    assert not gc.is_tracked(node.packet)
    del node
    gc.collect()
    assert seen() is not None
    seen().packet = None
    gc.collect()
    assert seen() is None
