"""`for_version`: every cell of the table in the documentation, and what holds for any packet. `Will.to_publish`."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import conversions
import implementations
import samples
import strategies
import vectors
from conversions import Cell, evaluated
from mqttcodec import (
    ConnectReturnCode,
    MQTTv5,
    MQTTv31,
    MQTTv311,
    PacketType,
    QoS,
    ReasonCode,
    _methods,
    _spec,
)
from samples import VERSIONS, outcome, plain

CELLS = list(conversions.table()) if conversions.PAGE.is_file() else []
OF_MQTT31 = [
    Cell(f'Connect("c", {arguments}, protocol_version=3)', field, version, says)
    for arguments, field, *cells in (
        ("True", "protocol_version", "kept", "-> MQTTv311", "-> MQTTv5"),
        ("True", "session_expiry_interval", "kept", "kept", "kept"),
        ("False", "session_expiry_interval", "kept", "kept", "-> 0xFFFFFFFF"),
        ("False", "clean_start", "kept", "kept", "kept"),
        ("bridge=True", "bridge", "kept", "kept", "lossy: dropped"),
        ("username='u', password=b'p'", "password", "kept", "kept", "kept"),
        ('will=Will("t", b"p", 1, True)', "will", "kept", "kept", "kept"),
    )
    for version, says in zip(VERSIONS, cells, strict=True)
]


def found(packet: Any, field: str) -> tuple[Any, Any]:
    """The value of a field, and its default. Of the word `properties`: the values of all properties."""
    *path, name = field.split(".") if "." in field else ["", field]
    holder = eval("packet." + path[0], {"packet": packet}) if path[0] else packet
    defaults = _methods.fields(type(holder))
    if name != "properties":
        return getattr(holder, name), defaults[name]
    place = _spec.WILL if type(holder).__name__ == "Will" else PacketType[type(holder).__name__.upper()]
    names = [_spec.property_field(place, identifier) for identifier in _spec.PROPERTIES[place]]
    return [getattr(holder, name) for name in names], [defaults[name] for name in names]


@pytest.mark.parametrize(
    "cell", [*CELLS, *OF_MQTT31], ids=lambda cell: f"{cell.packet} {cell.field} {int(cell.version)}"
)
def test_table(mqtt: Any, cell: Cell) -> None:
    packet = evaluated(mqtt, cell.packet)
    if cell.says in ("EncodeError", "lossy: dropped"):
        with pytest.raises(mqtt.EncodeError):
            packet.for_version(cell.version)
    if cell.says == "EncodeError":
        with pytest.raises(mqtt.EncodeError):
            packet.for_version(cell.version, lossy=True)
        return
    result = packet.for_version(cell.version, lossy=cell.says.startswith("lossy"))
    assert type(result) is type(packet)
    if not cell.field:
        assert cell.says == "kept"
        assert result is packet
        return
    before, default = found(packet, cell.field)
    after, _ = found(result, cell.field)
    if cell.says == "kept":
        assert after == before
    elif cell.says.endswith("dropped"):
        assert before != default
        assert after == default
    else:
        arrow, _, value = cell.says.partition(" ")
        assert arrow == "->"
        assert before != after == evaluated(mqtt, value)


@pytest.mark.skipif(not CELLS, reason="needs the project's source tree")
def test_the_table_is_complete(mqtt: Any) -> None:
    packets = [evaluated(mqtt, cell.packet) for cell in CELLS]
    assert {type(packet) for packet in packets} == set(mqtt.Packet.__args__)
    codes = {int(packet.reason_code) for packet in packets if type(packet) is mqtt.ConnAck}
    known = [code for version in VERSIONS for code in _spec.reason_codes(PacketType.CONNACK, version)]
    assert codes == {int(code) for code in known if code is not None}
    for place in (_spec.WILL, *PacketType):
        if _spec.PROPERTIES[place]:
            name = _spec.place_name(place)
            shown = {cell.field for cell in CELLS if name.lower() + "(" in cell.packet.lower()}
            assert shown & {"properties", "will.properties"} or name == "AUTH"


def parts(packet: Any) -> list[Any]:
    """The packet, and the will or the subscriptions in it."""
    will = getattr(packet, "will", None)
    return [packet, *([] if will is None else [will]), *getattr(packet, "subscriptions", ())]


@pytest.mark.skipif(not CELLS, reason="needs the project's source tree")
@pytest.mark.parametrize("source", VERSIONS)
@pytest.mark.parametrize("target", VERSIONS)
def test_no_other_field_changes(mqtt: Any, source: int, target: int) -> None:
    """A field keeps its value unless a line of the table changes it."""
    changed = set()
    for cell in CELLS:
        if cell.version == target and cell.says not in ("kept", "EncodeError"):
            *path, name = cell.field.split(".")
            holder = (
                {"will": "Will", "subscriptions[0]": "Subscription"}[path[0]] if path else cell.packet.split("(")[0]
            )
            place = _spec.WILL if holder == "Will" else PacketType.__members__.get(holder.upper())
            names = [_spec.property_field(place, identifier) for identifier in _spec.PROPERTIES.get(place, ())]
            changed |= {(holder, field) for field in (names if name == "properties" else [name])}
    results = 0
    for packet in samples.packets(mqtt, source):
        with contextlib.suppress(mqtt.EncodeError):
            result = packet.for_version(target, lossy=True)
            for before, after in zip(parts(packet), parts(result), strict=True):
                for field in {*_methods.fields(type(before))} - {"will", "subscriptions"}:
                    if (type(before).__name__, field) not in changed:
                        assert plain(getattr(after, field)) == plain(getattr(before, field)), field
            results += 1
    assert results > 10


@pytest.mark.parametrize("version", [MQTTv31, MQTTv311])
def test_each_property_is_dropped_or_refused(mqtt: Any, version: int) -> None:
    refused = set()
    for packet in samples.packets(mqtt, MQTTv5):
        holders = [packet, *([packet.will] if type(packet) is mqtt.Connect and packet.will else [])]
        for holder in holders:
            _, defaults = found(holder, "properties")
            try:
                result = holder.for_version(version)
            except mqtt.EncodeError:
                refused |= {(type(holder).__name__, name) for name in _methods.changed(holder)}
            else:
                assert found(result, "properties")[0] == defaults
    assert ("Connect", "authentication_method") in refused
    assert ("Will", "will_delay_interval") in refused
    assert ("PubAck", "reason_string") not in refused


@pytest.mark.parametrize("source", VERSIONS)
@pytest.mark.parametrize("target", VERSIONS)
@pytest.mark.parametrize("lossy", [False, True])
def test_what_comes_out_can_be_encoded(mqtt: Any, source: int, target: int, lossy: bool) -> None:
    results = 0
    for packet in samples.packets(mqtt, source):
        before = plain(packet)
        try:
            result = packet.for_version(target, lossy=lossy)
        except mqtt.EncodeError as error:
            assert source != target
            assert len(str(error)) > 20
            assert (error.reason_code, error.offset) == (None, None)
        else:
            results += 1
            assert mqtt.decode(mqtt.encode(result, target), target) == result
            if source == target:
                assert result is packet
            assert result.for_version(target) is result
        assert plain(packet) == before
    assert results > 10


@pytest.mark.parametrize("name", strategies.NAMES)
@given(data=st.data())
def test_any_packet(name: str, data: st.DataObject) -> None:
    """The same result or error from both implementations; the result can be encoded and is not converted again."""
    version, _, fields = data.draw(strategies.packets(name))
    target, lossy = data.draw(st.sampled_from(VERSIONS)), data.draw(st.booleans())
    outcomes = []
    for mqtt in implementations.ALL:
        packet = vectors.packet(mqtt, {name: fields})
        try:
            result = packet.for_version(target, lossy=lossy)
        except mqtt.EncodeError:
            outcomes.append(outcome(lambda: packet.for_version(target, lossy=lossy)))
            assert version != target
        else:
            assert mqtt.decode(mqtt.encode(result, target), target) == result
            assert result.for_version(target) is result
            outcomes.append(plain(result))
    assert outcomes == outcomes[:1] * len(outcomes)


@pytest.mark.parametrize(("expression", "version", "clause", "words"), conversions.REFUSED)
def test_words(mqtt: Any, expression: str, version: int, clause: str | None, words: str) -> None:
    with pytest.raises(mqtt.EncodeError) as caught:
        evaluated(mqtt, expression).for_version(version)
    assert (str(caught.value), caught.value.clause) == (words, clause)


def test_bridge(mqtt: Any) -> None:
    packet = mqtt.Connect("c", protocol_version=4, bridge=True)
    with pytest.raises(mqtt.EncodeError, match=r"MQTT 5\.0 does not support bridge; lossy=True drops it"):
        packet.for_version(5)
    assert packet.for_version(5, lossy=True) == mqtt.Connect("c")


def test_codes_have_the_types_of_their_version(mqtt: Any) -> None:
    accepted = mqtt.decode(bytes.fromhex("20020000"), 4)
    assert type(accepted.reason_code) is ConnectReturnCode
    assert accepted.for_version(3) is accepted
    assert accepted.for_version(5).reason_code is ReasonCode.SUCCESS
    assert mqtt.ConnAck(reason_code=3).for_version(5).reason_code is ReasonCode.SERVER_UNAVAILABLE
    assert mqtt.ConnAck(reason_code=0x8A).for_version(3).reason_code is ConnectReturnCode.NOT_AUTHORIZED
    assert mqtt.SubAck(1, [0x9E]).for_version(4).reason_codes[0] is ReasonCode.FAILURE
    assert type(mqtt.Connect("c").for_version(4).protocol_version) is type(MQTTv311)


def test_version_argument(mqtt: Any) -> None:
    for packet in (mqtt.PingReq(), mqtt.Publish("t"), mqtt.Will("t"), mqtt.Subscription("t")):
        assert packet.for_version(4) is packet.for_version(MQTTv311) is packet
        for version in (0, 2, 6, -3, 1 << 70, True):
            with pytest.raises(ValueError, match="version must be 3, 4 or 5"):
                packet.for_version(version)
        for version in ("5", 5.0, None):
            with pytest.raises(TypeError, match="version must be a ProtocolVersion"):
                packet.for_version(version)
    with pytest.raises(TypeError, match="positional argument"):
        mqtt.PingReq().for_version(4, True)


@pytest.mark.parametrize("code", [256, 300, -1, 1 << 70])
def test_invalid_codes_do_not_become_valid(mqtt: Any, code: int) -> None:
    with pytest.raises(mqtt.EncodeError):
        mqtt.encode(mqtt.SubAck(1, [0, code]).for_version(4), 4)


def test_flags_of_the_wrong_type_are_named(mqtt: Any) -> None:
    for packet, version, name in (
        (mqtt.Connect("c", "yes"), 4, "clean_start"),
        (mqtt.Publish("t", dup=1.0), 4, "dup"),
        (mqtt.ConnAck([]), 3, "session_present"),
    ):
        with pytest.raises(TypeError, match=f"^{name} must be bool, not "):
            packet.for_version(version)


@pytest.mark.skipif(len(implementations.ALL) < 2, reason="there is one implementation only")
@pytest.mark.parametrize("version", VERSIONS)
def test_parts_of_the_other_implementation(mqtt: Any, version: int) -> None:
    (other,) = (each for each in implementations.ALL if each is not mqtt)
    for will in (other.Will("t"), other.Will("t", content_type="x")):
        with pytest.raises(TypeError, match="will must be a Will, not "):
            mqtt.Connect("c", will=will).for_version(version)
    for subscription in (other.Subscription("t"), other.Subscription("t", retain_handling=1)):
        with pytest.raises(TypeError, match="each item of subscriptions must be a Subscription, not "):
            mqtt.Subscribe(1, [mqtt.Subscription("t"), subscription]).for_version(version)


def test_classes_of_others(mqtt: Any) -> None:
    for name in ("Will", "Subscription"):
        other = type(name, (), {})()
        with pytest.raises(TypeError, match="will must be a Will, not "):
            mqtt.Connect("c", will=other).for_version(4)
        with pytest.raises(TypeError, match="each item of subscriptions must be a Subscription, not "):
            mqtt.Subscribe(1, [other]).for_version(4)
    for name, module in (("Publish", __name__), ("Other", "mqttcodec")):
        if mqtt.BACKEND == "python":  # Compiled classes have no subclasses.
            packet = type(name, (mqtt.Publish,), {"__module__": module})("t", content_type="x")
            with pytest.raises(TypeError, match="packet must be one of this implementation's packets, not "):
                packet.for_version(4)


def test_wills_and_subscriptions(mqtt: Any) -> None:
    assert mqtt.Will("t", content_type="x").for_version(4) == mqtt.Will("t")
    assert mqtt.Will("t", will_delay_interval=1).for_version(4, lossy=True) == mqtt.Will("t")
    assert mqtt.Subscription("t", 1, True, True, 2).for_version(3, lossy=True) == mqtt.Subscription("t", 1)


@pytest.mark.skipif(len(implementations.ALL) < 2, reason="there is one implementation only")
@pytest.mark.parametrize("version", VERSIONS)
def test_odd_values(version: int) -> None:
    """A field of any value leads to a packet, or to a documented error. Both implementations agree."""
    compiled, pure = implementations.ALL
    documented = compiled.EncodeError, TypeError
    # The last sample of each class.
    samples_of = [{type(packet): packet for packet in samples.packets(mqtt, MQTTv5)} for mqtt in (compiled, pure)]
    for ours, theirs in zip(*(by_class.values() for by_class in samples_of), strict=True):
        for field in _methods.fields(type(theirs)):
            for value in samples.ODD_VALUES:
                one, other = ours.replace(**{field: value}), theirs.replace(**{field: value})
                with contextlib.suppress(*documented):
                    one.for_version(version)
                assert outcome(lambda: one.for_version(version)) == outcome(lambda: other.for_version(version))


# --- Wills.


def test_to_publish(mqtt: Any) -> None:
    assert mqtt.Will("t").to_publish() == mqtt.Publish("t")
    properties = samples.properties(_spec.WILL)
    will = mqtt.Will("t", b"p", 2, True, **properties)
    publish = will.to_publish(7)
    del properties["will_delay_interval"]
    assert type(publish) is mqtt.Publish
    assert publish == mqtt.Publish("t", b"p", 2, True, packet_id=7, **properties)
    assert mqtt.decode(mqtt.encode(publish)) == publish
    assert will.to_publish().packet_id is None
    with pytest.raises(mqtt.EncodeError, match="requires packet_id"):
        mqtt.encode(will.to_publish())
    assert mqtt.encode(will.to_publish().replace(packet_id=7)) == mqtt.encode(publish)
    assert publish.qos is QoS.EXACTLY_ONCE
    view = memoryview(b"payload")
    assert mqtt.Will("t", view).to_publish().payload is view
