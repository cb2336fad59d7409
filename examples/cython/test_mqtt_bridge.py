import mqtt_bridge
import pytest

import mqttcodec as mqtt


def test_acknowledgements():
    sent = (
        mqtt.Publish("a"),
        mqtt.Publish("b", qos=1, packet_id=7),
        mqtt.Publish("c", qos=2, packet_id=8),
        mqtt.PubRel(9),
        mqtt.Publish("d", qos=1, packet_id=65_535),
    )
    answers = mqtt_bridge.acknowledgements(mqtt.Decoder(5).feed(mqtt.encode_many(sent)))
    assert answers == [mqtt.PubAck(7), mqtt.PubAck(65_535)]
    assert mqtt.encode_many(answers) == bytes.fromhex("4002 0007 4002 ffff")


def test_forwarded():
    packet = mqtt.Publish("a", b"x", 1, retain=True, dup=True, packet_id=7, user_properties=[("b", "c")])
    assert mqtt_bridge.forwarded(packet, "site/", 8) == packet.replace(topic="site/a", dup=False, packet_id=8)
    assert packet == mqtt.Publish("a", b"x", 1, retain=True, dup=True, packet_id=7, user_properties=[("b", "c")])


def test_what_is_not_forwarded():
    with pytest.raises(TypeError):
        mqtt_bridge.forwarded(mqtt.PubAck(7), "site/")
    with pytest.raises(ValueError, match="Topic Alias"):
        mqtt_bridge.forwarded(mqtt.Publish("", topic_alias=1), "site/")
