# cython: language_level=3, binding=False, boundscheck=False, wraparound=False, freethreading_compatible=True
"""The floor: makes the objects of the corpus from known offsets, without parsing or checks.

The difference between the floor and a codec that returns these packets is the cost of parsing and checking.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport uint8_t
from libc.string cimport memcpy

from mqttcodec._packets_c cimport (
    Auth,
    Connect,
    Disconnect,
    PubAck,
    Publish,
    PublishProperties,
    SubAck,
    Subscribe,
    Subscription,
    Will,
    flags_of_bits,
)

from mqttcodec._enums import MQTTv5, QoS, ReasonCode, RetainHandling
from mqttcodec._packets_c import PingReq

cdef extern from "Python.h":
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 maximum)
    void* PyUnicode_DATA(object text)

cdef object QOS_1 = QoS.AT_LEAST_ONCE
cdef object SUCCESS = ReasonCode.SUCCESS
cdef object GRANTED_QOS_0 = ReasonCode.GRANTED_QOS_0
cdef object GRANTED_QOS_1 = ReasonCode.GRANTED_QOS_1
cdef object NOT_AUTHORIZED = ReasonCode.NOT_AUTHORIZED
cdef object TAKEN_OVER = ReasonCode.SESSION_TAKEN_OVER
cdef object CONTINUE = ReasonCode.CONTINUE_AUTHENTICATION
cdef object VERSION_5 = MQTTv5
cdef object SEND = RetainHandling.SEND_AT_SUBSCRIBE
cdef object PING_REQ = PingReq()
cdef tuple QOS = (QoS.AT_MOST_ONCE, QOS_1)
# The flags of QoS 0 and QoS 1.
cdef tuple FLAGS = (flags_of_bits(0), flags_of_bits(2))


cdef inline str text(bytes data, Py_ssize_t at, Py_ssize_t size):
    cdef str made = PyUnicode_New(size, 127)
    memcpy(PyUnicode_DATA(made), PyBytes_AS_STRING(data) + at, size)
    return made


cdef inline bytes binary(bytes data, Py_ssize_t at, Py_ssize_t size):
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(data) + at, size)


cdef inline int two_bytes(bytes data, Py_ssize_t at):
    return (<const uint8_t*> PyBytes_AS_STRING(data))[at] << 8 | (<const uint8_t*> PyBytes_AS_STRING(data))[at + 1]


cdef inline Publish publish(bytes data, Py_ssize_t at, bint has_identifier, Py_ssize_t payload, Py_ssize_t size):
    cdef Publish packet = Publish.__new__(Publish)
    packet.topic = text(data, at + 4, 24)
    packet.qos = QOS[has_identifier]
    packet.flags = <object> FLAGS[has_identifier]
    if has_identifier:
        packet.packet_id = two_bytes(data, at + 28)
    packet.payload = binary(data, at + payload, size)
    return packet


def publish_5_qos_0(bytes data):
    return publish(data, 0, False, 29, 64)


def publish_5_qos_1(bytes data):
    return publish(data, 0, True, 31, 64)


def publish_311_qos_0(bytes data):
    return publish(data, 0, False, 28, 64)


def publish_311_qos_1(bytes data):
    return publish(data, 0, True, 30, 64)


def six_properties(bytes data):
    cdef Publish packet = Publish.__new__(Publish)
    cdef PublishProperties properties = PublishProperties.__new__(PublishProperties)
    packet.topic = text(data, 5, 24)
    packet.qos = QOS_1
    packet.flags = <object> FLAGS[1]
    packet.packet_id = two_bytes(data, 29)
    packet.publish_properties = properties
    properties.payload_format_indicator = 1
    properties.message_expiry_interval = two_bytes(data, 37)
    properties.response_topic = text(data, 42, 24)
    properties.correlation_data = binary(data, 69, 8)
    properties.content_type = text(data, 80, 16)
    properties.user_properties = ((text(data, 99, 4), text(data, 105, 7)),)
    properties.subscription_identifiers = ()
    packet.payload = binary(data, 112, 64)
    return packet


def connect_5(bytes data):
    cdef Connect packet = connect(data, 50, 93)
    cdef Will will = packet.will
    packet.keep_alive = two_bytes(data, 11)
    packet.session_expiry_interval = two_bytes(data, 17)
    packet.receive_maximum = two_bytes(data, 20)
    packet.maximum_packet_size = two_bytes(data, 23) << 16 | two_bytes(data, 25)
    packet.topic_alias_maximum = two_bytes(data, 28)
    packet.user_properties = ((text(data, 33, 8), text(data, 43, 5)),)
    will.will_delay_interval = two_bytes(data, 71)
    will.message_expiry_interval = two_bytes(data, 76)
    will.content_type = text(data, 81, 10)
    return packet


def connect_311(bytes data):
    cdef Connect packet = connect(data, 14, 33)
    packet.keep_alive = two_bytes(data, 10)
    packet.user_properties = ()
    return packet


cdef inline Connect connect(bytes data, Py_ssize_t client_id, Py_ssize_t will_topic):
    cdef Connect packet = Connect.__new__(Connect)
    cdef Will will = Will.__new__(Will)
    packet.protocol_version = VERSION_5
    packet.clean_start = True
    packet.client_id = text(data, client_id, 17)
    packet.username = text(data, will_topic + 32, 7)
    packet.password = binary(data, will_topic + 41, 13)
    packet.will = will
    will.topic = text(data, will_topic, 24)
    will.payload = binary(data, will_topic + 26, 4)
    will.qos = QOS_1
    will.retain = True
    will.user_properties = ()
    return packet


def puback(bytes data):
    cdef PubAck packet = PubAck.__new__(PubAck)
    packet.packet_id = two_bytes(data, 2)
    packet.reason_code = SUCCESS
    packet.user_properties = ()
    return packet


def subscribe(bytes data):
    cdef Subscribe packet = Subscribe.__new__(Subscribe)
    packet.packet_id = two_bytes(data, 2)
    packet.user_properties = ()
    packet.subscriptions = (
        subscription(data, 7, 24), subscription(data, 34, 21), subscription(data, 58, 9), subscription(data, 70, 25)
    )
    return packet


cdef inline Subscription subscription(bytes data, Py_ssize_t at, Py_ssize_t size):
    cdef Subscription packet = Subscription.__new__(Subscription)
    packet.topic_filter = text(data, at, size)
    packet.qos = QOS_1
    packet.no_local = packet.retain_as_published = False
    packet.retain_handling = SEND
    return packet


def suback(bytes data):
    cdef SubAck packet = SubAck.__new__(SubAck)
    packet.packet_id = two_bytes(data, 2)
    packet.user_properties = ()
    packet.reason_codes = (GRANTED_QOS_1, GRANTED_QOS_1, GRANTED_QOS_0, NOT_AUTHORIZED)
    return packet


def pingreq(bytes data):
    return PING_REQ


def disconnect(bytes data):
    cdef Disconnect packet = Disconnect.__new__(Disconnect)
    packet.reason_code = TAKEN_OVER
    packet.user_properties = ()
    return packet


def auth(bytes data):
    cdef Auth packet = Auth.__new__(Auth)
    packet.reason_code = CONTINUE
    packet.authentication_method = text(data, 7, 13)
    packet.authentication_data = binary(data, 23, 32)
    packet.user_properties = ()
    return packet


cdef class Messages:
    """The packets of the stream in 5.0, 109 bytes each."""

    cdef bytes data
    cdef Py_ssize_t at

    def __init__(self, bytes data):
        self.data = data

    def __iter__(self):
        return self

    def __next__(self):
        if self.at == PyBytes_GET_SIZE(self.data):
            raise StopIteration
        self.at += 109
        return publish(self.data, self.at - 109, True, 31, 78)


def copy_of(packet, bytes encoded):
    """The result of encoding: a copy of the known bytes."""
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(encoded), PyBytes_GET_SIZE(encoded))
