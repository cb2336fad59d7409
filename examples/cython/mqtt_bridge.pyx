# cython: language_level=3, freethreading_compatible=True
"""What a bridge does with each packet, without an attribute look-up or a call of a Python class.

Needs the compiled packets: where `mqttcodec.BACKEND` is "python", the import of this module, or the first packet, fails.
"""

from mqttcodec cimport PingReq, PubAck, PubComp, Publish, PubRec, PubRel, publish_flags

from mqttcodec import PingResp, ReasonCode

cdef object PING_RESP = PingResp()
cdef object SUCCESS = ReasonCode.SUCCESS


def answer(packet):
    """The packet that has to be sent for one received (4.3); None if none is owed."""
    cdef Publish publish
    cdef PubAck pub_ack
    cdef PubRec pub_rec
    cdef PubComp pub_comp
    if type(packet) is Publish:
        publish = <Publish> packet
        if publish.qos == 1:
            pub_ack = PubAck.__new__(PubAck)
            pub_ack.packet_id = publish.packet_id
            pub_ack.reason_code = SUCCESS
            pub_ack.user_properties = ()
            return pub_ack
        if publish.qos == 2:
            pub_rec = PubRec.__new__(PubRec)
            pub_rec.packet_id = publish.packet_id
            pub_rec.reason_code = SUCCESS
            pub_rec.user_properties = ()
            return pub_rec
    elif type(packet) is PubRel:
        pub_comp = PubComp.__new__(PubComp)
        pub_comp.packet_id = (<PubRel> packet).packet_id
        pub_comp.reason_code = SUCCESS
        pub_comp.user_properties = ()
        return pub_comp
    elif type(packet) is PingReq:
        return PING_RESP
    return None


def forwarded(Publish packet not None, str prefix not None, packet_id=None):
    """`packet` as the other side gets it: under `prefix`, at its QoS, not a repeat; its properties are shared."""
    cdef Publish copy = Publish.__new__(Publish)
    copy.topic = prefix + packet.topic
    copy.payload = packet.payload
    copy.qos = packet.qos
    copy.packet_id = packet_id
    copy.flags = publish_flags(packet.qos, packet.retain, False)
    copy.properties = packet.properties
    return copy
