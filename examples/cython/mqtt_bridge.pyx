# cython: language_level=3, freethreading_compatible=True
"""What a bridge does with packets, without an attribute look-up or a call of a Python class.

It works on the compiled packets: of those in plain Python its functions would know none.
"""

from mqttcodec cimport PubAck, Publish, publish_flags

import mqttcodec
from mqttcodec import ReasonCode

if mqttcodec.BACKEND != "cython":
    raise ImportError("mqtt_bridge needs the compiled mqttcodec") from mqttcodec.BACKEND_ERROR

cdef object SUCCESS = ReasonCode.SUCCESS


def acknowledgements(packets):
    """The PUBACKs owed for what was received, in its order [MQTT-4.3.2-4]."""
    cdef PubAck answer
    answers = []
    for packet in packets:
        if type(packet) is Publish and (<Publish> packet).qos == 1:
            answer = PubAck.__new__(PubAck)
            answer.packet_id = (<Publish> packet).packet_id
            answer.reason_code = SUCCESS
            answer.user_properties = ()
            answers.append(answer)
    return answers


def forwarded(Publish packet not None, str prefix not None, packet_id=None):
    """`packet` as the other side gets it: its topic under `prefix`, no repeat; its properties are shared."""
    cdef Publish copy = Publish.__new__(Publish)
    if packet.properties is not None and packet.properties.topic_alias is not None:
        raise ValueError("a Topic Alias means nothing on another connection [MQTT-3.3.2-7]")
    copy.topic = prefix + packet.topic
    copy.payload = packet.payload
    copy.qos = packet.qos
    copy.packet_id = packet_id
    copy.flags = publish_flags(packet.qos, packet.retain, False)
    copy.properties = packet.properties
    return copy
