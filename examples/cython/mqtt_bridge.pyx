# cython: language_level=3, freethreading_compatible=True
"""The packet handling of a bridge, without attribute lookups or calls of Python classes.

It needs compiled packets. Its functions do not accept those of the plain implementation.
"""

from mqttcodec cimport PubAck, Publish, publish_flags

import mqttcodec
from mqttcodec import ReasonCode

if mqttcodec.BACKEND != "cython":
    raise ImportError("mqtt_bridge needs the compiled mqttcodec") from mqttcodec.BACKEND_ERROR

cdef object SUCCESS = ReasonCode.SUCCESS


def acknowledgements(packets):
    """The PUBACKs for the received packets, in the same order [MQTT-4.3.2-4]."""
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
    """A copy of `packet` for the other side: topic under `prefix`, DUP not set, the same properties object."""
    cdef Publish copy = Publish.__new__(Publish)
    if packet.publish_properties is not None and packet.publish_properties.topic_alias is not None:
        raise ValueError("a Topic Alias means nothing on another connection [MQTT-3.3.2-7]")
    copy.topic = prefix + packet.topic
    copy.payload = packet.payload
    copy.qos = packet.qos
    copy.packet_id = packet_id
    copy.flags = publish_flags(packet.qos, packet.retain, False)
    copy.publish_properties = packet.publish_properties
    return copy
