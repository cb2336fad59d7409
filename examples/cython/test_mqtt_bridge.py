import mqtt_bridge
import pytest

import mqttcodec as mqtt


def test_answer():
    for received, owed in (
        (mqtt.Publish("a"), None),
        (mqtt.Publish("a", qos=1, packet_id=7), mqtt.PubAck(7)),
        (mqtt.Publish("a", qos=2, packet_id=7), mqtt.PubRec(7)),
        (mqtt.PubRel(7), mqtt.PubComp(7)),
        (mqtt.PingReq(), mqtt.PingResp()),
        (mqtt.PubAck(7), None),
    ):
        answer = mqtt_bridge.answer(mqtt.decode(mqtt.encode(received)))
        assert answer == owed
        assert answer is None or mqtt.decode(mqtt.encode(answer)) == owed


def test_forwarded():
    packet = mqtt.Publish("a", b"x", 1, retain=True, dup=True, packet_id=7, user_properties=[("b", "c")])
    assert mqtt_bridge.forwarded(packet, "site/", 8) == packet.replace(topic="site/a", dup=False, packet_id=8)
    assert packet.topic == "a"


def test_other_packets():
    with pytest.raises(TypeError):
        mqtt_bridge.forwarded(mqtt.PubAck(7), "site/")
