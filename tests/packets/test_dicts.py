"""`to_dict` and `from_dict`: what they write, that a packet survives both, and the errors for anything else."""

from __future__ import annotations

import array
import json
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import implementations
import samples
import strategies
import vectors
from fuzz import dicts
from mqttcodec import ConnectReturnCode, MQTTv5, QoS, ReasonCode, RetainHandling, _methods
from samples import VERSIONS, outcome, plain


def test_what_is_written(mqtt: Any) -> None:
    will = mqtt.Will("s", b"\x00\xff", 2, user_properties=[("a", "b"), ("a", "c")])
    for packet, expected in (
        (
            mqtt.Connect("\u65e5\x1b", username="u", password=b"p", will=will, request_problem_information=False),
            {
                "type": "CONNECT",
                "client_id": "\u65e5\x1b",
                "username": "u",
                "password": "cA==",
                "will": {
                    "topic": "s",
                    "payload": "AP8=",
                    "qos": "EXACTLY_ONCE",
                    "user_properties": [["a", "b"], ["a", "c"]],
                },
                "request_problem_information": False,
            },
        ),
        (mqtt.Connect(protocol_version=4), {"type": "CONNECT", "protocol_version": "MQTT_3_1_1"}),
        (
            mqtt.ConnAck(True, maximum_qos=1),
            {"type": "CONNACK", "session_present": True, "maximum_qos": "AT_LEAST_ONCE"},
        ),
        (
            mqtt.Subscribe(1, [mqtt.Subscription("a", 2, no_local=True), mqtt.Subscription("b", retain_handling=1)]),
            {
                "type": "SUBSCRIBE",
                "packet_id": 1,
                "subscriptions": [
                    {"topic_filter": "a", "qos": "EXACTLY_ONCE", "no_local": True},
                    {"topic_filter": "b", "retain_handling": "SEND_AT_SUBSCRIBE_IF_NEW"},
                ],
            },
        ),
        (
            mqtt.SubAck(1, [0, 0x80, 7]),
            {"type": "SUBACK", "packet_id": 1, "reason_codes": ["SUCCESS", "UNSPECIFIED_ERROR", 7]},
        ),
        (
            mqtt.Publish("t", b"21", subscription_identifiers=[1, 2], correlation_data=b""),
            {
                "type": "PUBLISH",
                "topic": "t",
                "payload": "MjE=",
                "correlation_data": "",
                "subscription_identifiers": [1, 2],
            },
        ),
        (mqtt.Unsubscribe(1, ["a"]), {"type": "UNSUBSCRIBE", "packet_id": 1, "topic_filters": ["a"]}),
        (mqtt.Disconnect(0x8B), {"type": "DISCONNECT", "reason_code": "SERVER_SHUTTING_DOWN"}),
        (mqtt.PingReq(), {"type": "PINGREQ"}),
    ):
        written = mqtt.to_dict(packet)
        assert written == expected
        assert list(written) == ["type", *(name for name in _methods.fields(type(packet)) if name in written)]


def test_defaults(mqtt: Any) -> None:
    assert mqtt.to_dict(mqtt.Subscribe(1, [mqtt.Subscription("a")]), defaults=True) == {
        "type": "SUBSCRIBE",
        "packet_id": 1,
        "subscriptions": [
            {
                "topic_filter": "a",
                "qos": "AT_MOST_ONCE",
                "no_local": False,
                "retain_as_published": False,
                "retain_handling": "SEND_AT_SUBSCRIBE",
            }
        ],
        "subscription_identifier": None,
        "user_properties": [],
    }
    for packet in samples.packets(mqtt, MQTTv5):
        assert list(mqtt.to_dict(packet, defaults=True)) == ["type", *_methods.fields(type(packet))]


def assert_round_trip(mqtt: Any, packet: Any) -> None:
    for defaults in False, True:
        written = mqtt.to_dict(packet, defaults=defaults)
        for mapping in (written, json.loads(json.dumps(written))):
            again = mqtt.from_dict(mapping)
            assert type(again) is type(packet)
            assert again == packet


@pytest.mark.parametrize("version", VERSIONS)
def test_samples(mqtt: Any, version: int) -> None:
    for packet in samples.packets(mqtt, version):
        assert_round_trip(mqtt, packet)
        encoded = mqtt.encode(packet, version)
        assert_round_trip(mqtt, mqtt.decode(encoded, version))
        view, decoded = (mqtt.decode(encoded, version, copy=copy) for copy in (False, True))
        assert_round_trip(mqtt, view)
        assert mqtt.to_dict(view) == mqtt.to_dict(decoded)
        assert plain(mqtt.from_dict(mqtt.to_dict(view))) == plain(decoded)


@pytest.mark.parametrize("name", strategies.NAMES)
@given(data=st.data())
def test_any_packet(name: str, data: st.DataObject) -> None:
    _, _, fields = data.draw(strategies.packets(name))
    written = []
    for mqtt in implementations.ALL:
        packet = vectors.packet(mqtt, {name: fields})
        assert_round_trip(mqtt, packet)
        assert plain(mqtt.from_dict(mqtt.to_dict(packet))) == plain(packet)
        written.append(mqtt.to_dict(packet))
    assert written == written[:1] * len(written)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["type", "MTI=", "QOS"]),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=3), children, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("name", strategies.NAMES)
@given(data=st.data())
def test_changed_dicts(name: str, data: st.DataObject) -> None:
    """A dict with values from anywhere is a packet, or leads to a documented error, the same in both."""
    _, _, fields = data.draw(strategies.packets(name))
    written = implementations.ALL[0].to_dict(vectors.packet(implementations.ALL[0], {name: fields}), defaults=True)
    for _ in range(data.draw(st.integers(1, 2))):
        dicts.change(written, data.draw(st.integers(0, 1 << 16)), data.draw(VALUES))
    results = []
    for mqtt in implementations.ALL:
        try:
            packet = mqtt.from_dict(written)
        except (TypeError, ValueError):
            pass
        else:
            assert_round_trip(mqtt, packet)
        results.append(outcome(lambda: mqtt.from_dict(written)))
    assert results == results[:1] * len(results)


# --- Enums.


@pytest.mark.parametrize("code", [*range(256), *ReasonCode, *ConnectReturnCode])
def test_codes_of_connack(mqtt: Any, code: int) -> None:
    """Two enums have some names in common, for different numbers."""
    packet = mqtt.ConnAck(reason_code=code)
    assert_round_trip(mqtt, packet)
    again = mqtt.from_dict(mqtt.to_dict(packet, defaults=True))
    assert plain(again) == plain(packet)


def test_names_and_numbers(mqtt: Any) -> None:
    for written, expected in (
        ("NOT_AUTHORIZED", ReasonCode.NOT_AUTHORIZED),
        ("CONNECTION_REFUSED_NOT_AUTHORIZED", ConnectReturnCode.NOT_AUTHORIZED),
        ("IDENTIFIER_REJECTED", ConnectReturnCode.IDENTIFIER_REJECTED),
        ("GRANTED_QOS_0", ReasonCode.SUCCESS),
        (0x87, ReasonCode.NOT_AUTHORIZED),
        (5, ConnectReturnCode.NOT_AUTHORIZED),
        (ConnectReturnCode.NOT_AUTHORIZED, ConnectReturnCode.NOT_AUTHORIZED),
    ):
        assert mqtt.from_dict({"type": "CONNACK", "reason_code": written}).reason_code is expected
    publish = {"type": "PUBLISH", "topic": "t"}
    for qos in (1, "AT_LEAST_ONCE", "AT_LEAST_ONCE_DELIVERY", QoS.AT_LEAST_ONCE):
        assert mqtt.from_dict({**publish, "qos": qos}).qos is QoS.AT_LEAST_ONCE
    assert mqtt.from_dict({**publish, "qos": 3}).qos == 3  # `encode` rejects it.
    assert mqtt.from_dict({"type": "CONNECT", "protocol_version": 4}).protocol_version == 4
    # A member of another enum is written as its number.
    assert mqtt.to_dict(mqtt.PubAck(1, ConnectReturnCode.NOT_AUTHORIZED))["reason_code"] == 5
    subscription = mqtt.Subscription("a", retain_handling=RetainHandling.DO_NOT_SEND)
    assert_round_trip(mqtt, mqtt.Subscribe(1, [subscription]))


def test_values_that_equal_others(mqtt: Any) -> None:
    """Values of other types that `encode` takes become values of the types of JSON, and are equal after."""

    class Text(str):
        pass

    packet = mqtt.Publish(Text("t"), bytearray(b"21"), True, 1, dup=0, packet_id=QoS.EXACTLY_ONCE)
    assert_round_trip(mqtt, packet)
    written = mqtt.to_dict(packet)
    assert written == {
        "type": "PUBLISH",
        "topic": "t",
        "payload": "MjE=",
        "qos": "AT_LEAST_ONCE",
        "retain": True,
        "packet_id": 2,
    }
    assert [type(value) for value in written.values()] == [str, str, str, str, bool, int]
    assert mqtt.to_dict(mqtt.Publish("t", array.array("B", b"21")))["payload"] == "MjE="
    assert_round_trip(mqtt, mqtt.Publish("\ud800", b"", packet_id=1 << 100))


def test_numbers_of_members_are_written_by_name(mqtt: Any) -> None:
    """Whatever int the field holds, and whatever tuple."""
    number, items = type("Number", (int,), {}), type("Items", (tuple,), {})
    for packet, field, expected in (
        (mqtt.Publish("a", b"", True), "qos", "AT_LEAST_ONCE"),
        (mqtt.Publish("a", b"", number(2)), "qos", "EXACTLY_ONCE"),
        (mqtt.Publish("a", b"", number(3)), "qos", 3),
        (mqtt.PubAck(1, number(0x87)), "reason_code", "NOT_AUTHORIZED"),
        (mqtt.Connect(protocol_version=number(4)), "protocol_version", "MQTT_3_1_1"),
        (mqtt.SubAck(1, items((0, number(0x80), 300))), "reason_codes", ["SUCCESS", "UNSPECIFIED_ERROR", 300]),
        (
            mqtt.SubAck(1, [True, number(2)]),
            *("reason_codes", ["GRANTED_QOS_1", "GRANTED_QOS_2"]),
        ),
    ):
        written = mqtt.to_dict(packet)[field]
        assert (written, type(written)) == (expected, type(expected))
        assert_round_trip(mqtt, packet)
    subscriptions = [mqtt.Subscription("a", True, retain_handling=number(2))]
    (written,) = mqtt.to_dict(mqtt.Subscribe(1, subscriptions))["subscriptions"]
    assert written == {"topic_filter": "a", "qos": "AT_LEAST_ONCE", "retain_handling": "DO_NOT_SEND"}


# --- Errors of `to_dict`.


@pytest.mark.parametrize("packet", [None, 5, "packet", {}, object(), QoS.AT_LEAST_ONCE])
def test_no_packet(mqtt: Any, packet: Any) -> None:
    with pytest.raises(TypeError, match="packet must be one of this implementation's packets, not "):
        mqtt.to_dict(packet)


def test_parts_and_other_packets_are_rejected(mqtt: Any) -> None:
    others = [other.PingReq() for other in implementations.ALL if other is not mqtt]
    for packet in (mqtt.Will("t"), mqtt.Subscription("t"), mqtt.Publish, *others):
        with pytest.raises(TypeError, match="packet must be one of this implementation's packets, not "):
            mqtt.to_dict(packet)


def test_fields_of_wrong_types(mqtt: Any) -> None:
    anything = object()
    for packet, message in (
        (mqtt.Publish(anything), "topic must be str, not object"),
        (mqtt.Publish("t", "text"), "payload must be a bytes-like object, not str"),
        (mqtt.Publish("t", qos=1.0), "qos must be int, not float"),
        (mqtt.Publish("t", qos="1"), "qos must be int, not str"),
        (mqtt.Publish("t", retain=2), "retain must be bool, not int"),
        (mqtt.Publish("t", dup="no"), "dup must be bool, not str"),
        (mqtt.Publish("t", packet_id="7"), "packet_id must be int, not str"),
        (mqtt.Publish("t", subscription_identifiers=5), "subscription_identifiers must be a tuple or list, not int"),
        (mqtt.Publish("t", subscription_identifiers=[1, "2"]), "subscription_identifiers[1] must be int, not str"),
        (mqtt.Publish("t", user_properties=["ab"]), "user_properties[0] must be a (name, value) pair, not str"),
        (
            mqtt.Publish("t", user_properties=[("a",)]),
            "user_properties[0] must be a (name, value) pair, not a sequence of 1",
        ),
        (mqtt.Publish("t", user_properties=[("a", 1)]), "user_properties[0][1] must be str, not int"),
        (mqtt.Connect(will=anything), "will must be a Will, not object"),
        (mqtt.Connect(will=mqtt.Will("t", None)), "will.payload must be a bytes-like object, not NoneType"),
        (mqtt.Subscribe(1, [anything]), "subscriptions[0] must be a Subscription, not object"),
        (
            mqtt.Subscribe(1, [mqtt.Subscription("t"), mqtt.Subscription(5)]),
            "subscriptions[1].topic_filter must be str, not int",
        ),
        (mqtt.SubAck(1, [0, None]), "reason_codes[1] must be int, not NoneType"),
        (mqtt.Publish.__new__(mqtt.Publish), "topic must be str, not NoneType"),
    ):
        with pytest.raises(TypeError) as caught:
            mqtt.to_dict(packet)
        assert str(caught.value) == message
    with pytest.raises(BufferError, match="payload must be C-contiguous with one-byte items"):
        mqtt.to_dict(mqtt.Publish("t", memoryview(b"abcd")[::2]))


@pytest.mark.skipif(len(implementations.ALL) < 2, reason="there is one implementation only")
def test_odd_values() -> None:
    """What is written can be read, and leads to an equal packet. All else is a documented error, the same in both."""
    compiled, pure = (
        {type(packet): packet for packet in samples.packets(mqtt, MQTTv5)} for mqtt in implementations.ALL
    )
    for ours, theirs in zip(compiled.values(), pure.values(), strict=True):
        for field in _methods.fields(type(theirs)):
            for value in samples.ODD_VALUES:
                results = []
                for mqtt, packet in zip(implementations.ALL, (ours, theirs), strict=True):
                    odd = packet.replace(**{field: value})
                    results.append(outcome(lambda: mqtt.to_dict(odd)))
                    if isinstance(results[-1][1], str):
                        assert results[-1][0] in ("TypeError", "BufferError")
                    else:
                        assert_round_trip(mqtt, odd)
                assert results[0] == results[1]


# --- Errors of `from_dict`.

WILL = {"topic": "t"}
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]

WRONG: list[tuple[Any, type[Exception], str]] = [
    (None, TypeError, "mapping must be a dict, not NoneType"),
    ([], TypeError, "mapping must be a dict, not list"),
    ({}, ValueError, "type must be the name of a packet type, but is missing"),
    ({"topic": "t"}, ValueError, "type must be the name of a packet type, but is missing"),
    ({"type": 3}, TypeError, "type must be str, not int"),
    ({"type": "Publish"}, ValueError, "type must be the name of a packet type, not 'Publish'"),
    ({"type": "WILL", "topic": "t"}, ValueError, "type must be the name of a packet type, not 'WILL'"),
    ({"type": "x" * 1000}, ValueError, "type must be the name of a packet type, not '" + "x" * 40 + "'..."),
    ({"type": "PINGREQ", 5: 5}, TypeError, "each key of mapping must be str, not int"),
    ({"type": "PINGREQ", None: 5}, TypeError, "each key of mapping must be str, not NoneType"),
    ({"type": "PINGREQ", "topic": "t"}, ValueError, "unknown key 'topic': PingReq has no such field"),
    ({"type": "PUBLISH"}, ValueError, "topic is missing: Publish requires it"),
    ({"type": "SUBSCRIBE", "packet_id": 1}, ValueError, "subscriptions is missing: Subscribe requires it"),
    ({"type": "PUBLISH", "topic": 5}, TypeError, "topic must be str, not int"),
    ({"type": "PUBLISH", "topic": None}, TypeError, "topic must be str, not NoneType"),
    ({"type": "PUBLISH", "topic": "t", "payload": b"x"}, TypeError, "payload must be str, not bytes"),
    ({"type": "PUBLISH", "topic": "t", "payload": None}, TypeError, "payload must be str, not NoneType"),
    ({"type": "PUBLISH", "topic": "t", "qos": 1.0}, TypeError, "qos must be int, not float"),
    ({"type": "PUBLISH", "topic": "t", "qos": True}, TypeError, "qos must be int, not bool"),
    ({"type": "PUBLISH", "topic": "t", "qos": None}, TypeError, "qos must be int, not NoneType"),
    ({"type": "PUBLISH", "topic": "t", "qos": "SUCCESS"}, ValueError, "qos must be the name of a QoS, not 'SUCCESS'"),
    ({"type": "PUBLISH", "topic": "t", "retain": 1}, TypeError, "retain must be bool, not int"),
    ({"type": "PUBLISH", "topic": "t", "packet_id": False}, TypeError, "packet_id must be int, not bool"),
    ({"type": "PUBLISH", "topic": "t", "packet_id": DEEP}, TypeError, "packet_id must be int, not list"),
    ({"type": "PUBLISH", "topic": "t", "user_properties": ()}, TypeError, "user_properties must be a list, not tuple"),
    (
        {"type": "PUBLISH", "topic": "t", "user_properties": DEEP},
        *(ValueError, "user_properties[0] must be a list of two strings, not of 1"),
    ),
    (
        {"type": "PUBLISH", "topic": "t", "user_properties": [["a", "b"], ["a", 5]]},
        *(TypeError, "user_properties[1][1] must be str, not int"),
    ),
    (
        {"type": "PUBLISH", "topic": "t", "user_properties": [["a", "b", "c"]]},
        *(ValueError, "user_properties[0] must be a list of two strings, not of 3"),
    ),
    (
        {"type": "PUBLISH", "topic": "t", "subscription_identifiers": [1, "2"]},
        *(TypeError, "subscription_identifiers[1] must be int, not str"),
    ),
    ({"type": "CONNECT", "will": "t"}, TypeError, "will must be a dict, not str"),
    ({"type": "CONNECT", "will": {}}, ValueError, "will.topic is missing: Will requires it"),
    ({"type": "CONNECT", "will": {**WILL, 1: 2}}, TypeError, "each key of will must be str, not int"),
    (
        {"type": "CONNECT", "will": {**WILL, "type": "WILL"}},
        ValueError,
        "unknown key 'will.type': Will has no such field",
    ),
    (
        {"type": "CONNECT", "will": {**WILL, "will": WILL}},
        ValueError,
        "unknown key 'will.will': Will has no such field",
    ),
    ({"type": "CONNECT", "will": {**WILL, "qos": "2"}}, ValueError, "will.qos must be the name of a QoS, not '2'"),
    (
        {"type": "SUBSCRIBE", "packet_id": 1, "subscriptions": [{"topic_filter": "a"}, {"topic_filter": []}]},
        *(TypeError, "subscriptions[1].topic_filter must be str, not list"),
    ),
    (
        {"type": "SUBACK", "packet_id": 1, "reason_codes": ["SUCCESS", "CONNECTION_ACCEPTED"]},
        *(ValueError, "reason_codes[1] must be the name of a ReasonCode, not 'CONNECTION_ACCEPTED'"),
    ),
    (
        {"type": "CONNACK", "reason_code": "NO"},
        *(ValueError, "reason_code must be the name of a ReasonCode or ConnectReturnCode, not 'NO'"),
    ),
    *(
        (
            {"type": "CONNECT", "username": "u", "password": text},
            *(ValueError, f"password must be base64 text, but its {len(text)} characters are not"),
        )
        for text in ("secret!", "A", "AA", "AAA", "AA=", "=AAA", "AA==AA==", "A A=", "AAA=\n", "\u0661AA=", "A-_=")
    ),
]


@pytest.mark.parametrize(("mapping", "exception", "message"), WRONG, ids=[message for *_, message in WRONG])
def test_wrong_dicts(mqtt: Any, mapping: Any, exception: type[Exception], message: str) -> None:
    with pytest.raises(exception) as caught:
        mqtt.from_dict(mapping)
    assert type(caught.value) is exception
    assert str(caught.value) == message


def test_subclasses(mqtt: Any) -> None:
    """Methods that a subclass overrides are not called."""

    def refuse(*_: Any) -> Any:
        raise ZeroDivisionError

    names = (
        "__getitem__",
        "__iter__",
        "__len__",
        "__contains__",
        "__eq__",
        "__str__",
        "__repr__",
        "items",
        "keys",
        "pop",
    )
    methods = dict.fromkeys(names, refuse)
    odd_dict, odd_list, odd_str, odd_int = (type("Odd", (base,), methods) for base in (dict, list, str, int))
    odd_str.__hash__ = str.__hash__
    assert plain(
        mqtt.from_dict(
            odd_dict(
                type=odd_str("PUBLISH"),
                topic=odd_str("t"),
                payload=odd_str("MjE="),
                qos=odd_int(1),
                user_properties=odd_list([odd_list(["a", odd_str("b")])]),
            )
        )
    ) == plain(mqtt.Publish("t", b"21", 1, user_properties=[("a", "b")]))
    assert mqtt.from_dict(OrderedDict(type="PINGREQ")) == mqtt.PingReq()
    with pytest.raises(ValueError, match="qos must be the name of a QoS, not 'TWICE'"):
        mqtt.from_dict({"type": "PUBLISH", "topic": "t", "qos": odd_str("TWICE")})
    given = {"type": "PUBLISH", "topic": "t"}
    mqtt.from_dict(given)
    assert given == {"type": "PUBLISH", "topic": "t"}


def test_much(mqtt: Any) -> None:
    packet = mqtt.Unsubscribe(1, ["a"] * 100_000)
    assert mqtt.from_dict(mqtt.to_dict(packet)) == packet
    with pytest.raises(ValueError, match="unknown key 'key 0'"):
        mqtt.from_dict({"type": "PINGREQ", **{f"key {number}": None for number in range(100_000)}})
