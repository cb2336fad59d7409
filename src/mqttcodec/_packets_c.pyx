# cython: language_level=3, auto_pickle=False, autotestdict=False, freethreading_compatible=True
"""The packet classes as extension types: `_packets_py.py` in Cython, with the same classes in the same order.

`_packets_py.py` is the source of fields, defaults and docstrings; tests compare both files. `__signature__` is defined
because an extension type has no signature of its own. Every class is `no_gc`: the values that fields are made for (str,
bytes, int, tuples of them) cannot form a cycle, so the garbage collector need not track packets. The drawback: packets
that are nested very deeply, which no field is meant for, are freed by recursion.
"""

cimport cython
from cpython.list cimport PyList_AsTuple
from cpython.object cimport Py_EQ, Py_TYPE, PyObject, PyObject_Hash, PyObject_RichCompareBool
from cpython.ref cimport Py_INCREF
from cpython.tuple cimport PyTuple_New, PyTuple_SET_ITEM
from libc.stdint cimport int64_t, uint64_t

from ._arguments_c cimport small_value
from ._fields_c cimport (
    copy_fields,
    define_replace,
    explain_arguments,
    expose_field,
    object_at,
    offset_of,
    rename,
    set_object_at,
)
from ._memory_c cimport keep_memory_of
from ._new_c cimport lasting
from ._writer_c cimport PyTuple_GET_SIZE

cdef extern from "Python.h":
    PyObject* PyTuple_GET_ITEM(PyObject* items, Py_ssize_t at) noexcept

from sys import intern

from . import _errors, _methods, _spec
from ._enums import ConnectReturnCode, PacketType, ProtocolVersion, QoS, ReasonCode, RetainHandling

cdef object _QOS_0 = QoS.AT_MOST_ONCE
cdef object _QOS_1 = QoS.AT_LEAST_ONCE
cdef object _QOS_2 = QoS.EXACTLY_ONCE


cdef tuple by_number(object enum, object preferred=()):
    """A tuple that has each member of an enum at the index of its number, and None elsewhere.

    If both have a number, the member in `preferred` is used.
    """
    members = {member.value: member for member in (*enum, *preferred)}
    return tuple([members.get(number) for number in range(max(members) + 1)])


cdef tuple _QOS = by_number(QoS)
cdef tuple _RETAIN_HANDLING = by_number(RetainHandling)
cdef tuple _PROTOCOL_VERSIONS = by_number(ProtocolVersion)
cdef tuple _REASON_CODES = by_number(ReasonCode)
# In 3.1 and 3.1.1, a server rejects a CONNECT with the codes 1 to 5.
cdef tuple _CONNACK_CODES = by_number(ReasonCode, preferred=list(ConnectReturnCode)[1:])
cdef tuple _NONE = ()
cdef object _SUCCESS = ReasonCode.SUCCESS
cdef object _SEND_AT_SUBSCRIBE = RetainHandling.SEND_AT_SUBSCRIBE
cdef object _MQTT_5 = ProtocolVersion.MQTT_5_0


cdef int refuse_second_init(object packet) except -1:
    raise _errors.initialised_twice(packet)


# --- Conversions of constructor arguments. Other values are stored as given. Converting a list locks it, which may
# suspend the critical section of `__init__`, so these conversions must come before the check for a second `__init__`.


cdef inline object member(tuple members, object value):
    """The member of an enum that has the number `value`, or `value` itself. `members` is from `by_number`."""
    cdef int64_t number
    if type(value) is not int:
        return value
    number = small_value(value)
    if not 0 <= number < PyTuple_GET_SIZE(members) or members[number] is None:
        return value
    return members[number]


cdef inline object qos_of(object value):
    return member(_QOS, value)


cdef inline object retain_handling_of(object value):
    return member(_RETAIN_HANDLING, value)


cdef inline object protocol_version_of(object value):
    return member(_PROTOCOL_VERSIONS, value)


cdef inline object reason_code_of(object value):
    return member(_REASON_CODES, value)


cdef inline object connack_code_of(object value):
    return member(_CONNACK_CODES, value)


cdef inline object several(object value):
    """The value of a field that holds several values: a tuple for a list, and `()` if there are none."""
    if type(value) is tuple:
        return value
    if isinstance(value, list):
        return PyList_AsTuple(value)
    if value is None or (isinstance(value, tuple) and PyTuple_GET_SIZE(value) == 0):
        return _NONE
    return value


cdef object reason_codes_of(object value):
    value = several(value)
    if type(value) is not tuple or value is _NONE:
        return value
    codes = []
    for code in <tuple> value:
        codes.append(reason_code_of(code))
    return tuple(codes)


cdef inline object pairs_of(object value):
    return value if value is _NONE else given_pairs(value)


cdef object given_pairs(object value):
    value = several(value)
    if type(value) is not tuple or value is _NONE:
        return value
    pairs = []
    for pair in <tuple> value:
        pairs.append(PyList_AsTuple(pair) if isinstance(pair, list) else pair)
    return tuple(pairs)


# --- The fields of packets, by class. Copying, comparing and hashing read a packet's struct through these tables.

ctypedef object (*Conversion)(object)

cdef enum Holder:
    IN_PACKET
    IN_FLAGS
    IN_PROPERTIES

cdef enum:
    MOST_CLASSES = 18
    MOST_FIELDS = 24


cdef struct Field:
    # The object whose struct has the field: the packet, or an object inside a `Publish`.
    Holder holder
    Py_ssize_t offset
    Conversion convert  # NULL if the constructor stores values as given.
    PyObject* absent  # For a property, its value if the packet does not have it; NULL for any other field.


cdef struct Layout:
    # References that are never released.
    PyObject* packet_class
    PyObject* class_name
    PyObject* names
    Py_ssize_t size
    Field fields[MOST_FIELDS]


cdef Layout LAYOUTS[MOST_CLASSES]
cdef int layout_count = 0


cdef Layout* layout_of(object packet) except NULL:
    cdef int at
    for at in range(layout_count):
        if LAYOUTS[at].packet_class == <PyObject*> Py_TYPE(packet):
            return &LAYOUTS[at]
    raise TypeError(f"{type(packet).__name__} is not a packet class")


cdef Field* field_of(Layout* layout, PyObject* name) except? NULL:
    """The field with that name, or NULL."""
    cdef Py_ssize_t at
    # Names in calls are interned, so that the same name is usually the same object.
    for at in range(layout.size):
        if PyTuple_GET_ITEM(layout.names, at) == name:
            return &layout.fields[at]
    for at in range(layout.size):
        if <object> PyTuple_GET_ITEM(layout.names, at) == <object> name:
            return &layout.fields[at]
    return NULL


cdef PyObject* value_at(object packet, Field* field) noexcept:
    """The value of a field: a borrowed reference, valid as long as the packet is, because packets never change."""
    if field.holder == IN_PACKET:
        return object_at(packet, field.offset)[0]
    if field.holder == IN_FLAGS:
        flags = (<Publish> packet).flags
        return <PyObject*> None if flags is None else object_at(flags, field.offset)[0]
    properties = (<Publish> packet).publish_properties
    return object_at(_NO_PROPERTIES if properties is None else properties, field.offset)[0]


cdef tuple values_of(object packet):
    cdef Layout* layout = layout_of(packet)
    cdef Py_ssize_t at
    cdef tuple values = PyTuple_New(layout.size)
    for at in range(layout.size):
        value = <object> value_at(packet, &layout.fields[at])
        Py_INCREF(value)
        PyTuple_SET_ITEM(values, at, value)
    return values


cdef bint equal(object packet, object other) except -1:
    cdef Layout* layout = layout_of(packet)
    cdef Py_ssize_t at
    cdef Field* field
    for at in range(layout.size):
        field = &layout.fields[at]
        if not PyObject_RichCompareBool(<object> value_at(packet, field), <object> value_at(other, field), Py_EQ):
            return False
    return True


cdef Py_hash_t hashed(object packet) except -1:
    """The hash of the class and the fields, mixed as in the hash of a tuple, but without creating one."""
    cdef Layout* layout = layout_of(packet)
    cdef Py_ssize_t at
    cdef uint64_t mixed = <uint64_t> hash(<object> layout.class_name)
    for at in range(layout.size):
        mixed += <uint64_t> PyObject_Hash(<object> value_at(packet, &layout.fields[at])) * 0xC2B2AE3D27D4EB4FU
        mixed = (mixed << 31 | mixed >> 33) * 0x9E3779B185EBCA87U
    return -2 if <Py_hash_t> mixed == -1 else <Py_hash_t> mixed


cdef dict properties_of(object packet):
    cdef Layout* layout
    cdef Py_ssize_t at
    cdef PyObject* value
    cdef dict properties = {}
    if type(packet) is Publish and (<Publish> packet).publish_properties is None:
        return properties
    layout = layout_of(packet)
    for at in range(layout.size):
        value = value_at(packet, &layout.fields[at])
        if layout.fields[at].absent != NULL and layout.fields[at].absent != value:
            properties[<object> PyTuple_GET_ITEM(layout.names, at)] = <object> value
    return properties


_REPLACE = """replace($self, /, **changes)
--

Return a copy with the given fields changed. `copy.replace` does the same.

Args:
    **changes: New values by field name. They are converted as by the constructor.

Returns:
    A new packet of the same class.

Raises:
    TypeError: The class has no field of that name.

Example:
    >>> Publish("a", b"21").replace(topic="b")
    Publish(topic='b', payload=b'21')
"""


cdef object replace(object packet, PyObject** arguments, Py_ssize_t count, PyObject* names):
    """`replace` as the interpreter calls it, which saves the creation of a dict. `names` is a tuple, or NULL."""
    cdef Layout* layout = layout_of(packet)
    cdef Py_ssize_t at
    cdef Field* field
    if count:
        refuse_replace(packet, arguments, count, names)
    if type(packet) is Publish:
        return replaced_publish(<Publish> packet, layout, arguments, names)
    copy = copy_fields(packet)
    if names != NULL:
        for at in range(PyTuple_GET_SIZE(<object> names)):
            field = field_of(layout, PyTuple_GET_ITEM(names, at))
            if field == NULL:
                refuse_replace(packet, arguments, count, names)
            value = <object> arguments[at]
            set_object_at(copy, field.offset, value if field.convert == NULL else field.convert(value))
    return copy


cdef Publish replaced_publish(Publish packet, Layout* layout, PyObject** arguments, PyObject* names):
    cdef Publish copy = copy_fields(packet)
    cdef PublishFlags flags = packet.flags
    cdef PublishProperties properties = None
    cdef Field* field
    cdef Py_ssize_t at
    retain = dup = None
    if flags is not None:
        retain, dup = flags.retain, flags.dup
    for at in range(PyTuple_GET_SIZE(<object> names) if names != NULL else 0):
        field = field_of(layout, PyTuple_GET_ITEM(names, at))
        if field == NULL:
            refuse_replace(packet, arguments, 0, names)
        value = <object> arguments[at]
        if field.convert != NULL:
            value = field.convert(value)
        if field.holder == IN_PROPERTIES:
            if properties is None:
                properties = packet.publish_properties
                properties = copy_fields(_NO_PROPERTIES if properties is None else properties)
            set_object_at(properties, field.offset, value)
        elif field.holder == IN_PACKET:
            set_object_at(copy, field.offset, value)
        elif <object> PyTuple_GET_ITEM(names, at) == "retain":
            retain = value
        else:
            dup = value
    copy.flags = publish_flags(copy.qos, retain, dup)
    if properties is not None:
        copy.publish_properties = properties if has_any(properties, layout) else None
    return copy


cdef bint has_any(PublishProperties properties, Layout* layout) noexcept:
    cdef Py_ssize_t at
    cdef Field* field
    for at in range(layout.size):
        field = &layout.fields[at]
        if field.absent != NULL and field.absent != object_at(properties, field.offset)[0]:
            return True
    return False


cdef int refuse_replace(object packet, PyObject** arguments, Py_ssize_t count, PyObject* names) except -1:
    """Raise the error of the plain twin for positional arguments, or for a name that no field has. Never returns."""
    by_position = [<object> arguments[at] for at in range(count)]
    changes = {}
    if names != NULL:
        for name in <tuple> names:
            changes[name] = <object> arguments[count + len(changes)]
    _methods.refuse_replace(packet, by_position, changes)
    # A subclass of str may compare differently each time.
    raise TypeError(f"{type(packet).__name__}.replace() got an unexpected keyword argument")


@cython.no_gc
cdef class _Value:
    """The methods that all packet classes share."""

    # For `dataclasses.fields`, `asdict` and cattrs: an extension type has no dataclass fields of its own.
    __dataclass_fields__ = _methods.DataclassFields()

    @property
    def properties(self):
        """The properties of MQTT 5.0 that the packet has, by field name, in the order of the fields (2.2.2).

        Each access creates a new dict. It is empty if the packet has none.

        Example:
            >>> request = Publish("a", response_topic="b", correlation_data=b"7")
            >>> request.properties
            {'response_topic': 'b', 'correlation_data': b'7'}
            >>> Publish("c", **request.properties).response_topic
            'b'
        """
        return properties_of(self)

    @property
    def _values(self):
        return values_of(self)

    def for_version(self, version, *, lossy=False):
        """Return the packet as another version of MQTT can carry it.

        Properties, subscription options and reason codes that the version does not have are dropped, if the packet
        means the same without them. The page "Conversion between versions" lists every field.

        Args:
            version: MQTT version to convert to: 3, 4 or 5, or a `ProtocolVersion`.
            lossy: Whether to also drop what only weakens the packet: No Local, a Will Delay Interval and the mark of
                a bridge.

        Returns:
            A new packet of the same class, or this one if nothing changes.

        Raises:
            EncodeError: The version has no counterpart for the packet.
            TypeError: `version` is not an int, or a field has a value of the wrong Python type.
            ValueError: `version` is not 3, 4 or 5.

        Example:
            >>> Publish("a", b"21", content_type="text/plain").for_version(4)
            Publish(topic='a', payload=b'21')
        """
        from . import _packets_c, _versions

        return _versions.converted(self, version, lossy, _packets_c)

    def __setattr__(self, name, value):
        raise _errors.immutable(self, name)

    def __delattr__(self, name):
        raise _errors.immutable(self, name)

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return _methods.copied(self, memo)

    def __reduce__(self):
        return _methods.reduced(self)

    def __eq__(self, other):
        if type(self) is not type(other):
            return NotImplemented
        return equal(self, other)

    def __hash__(self):
        return hashed(self)

    def __repr__(self):
        return _methods.represented(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source, handler):
        return _methods.pydantic_schema(cls)


@cython.final
@cython.no_gc
cdef class PublishFlags:
    def __init__(self, qos, retain, dup, int bits):
        self.qos = qos
        self.retain = retain
        self.dup = dup
        self.bits = bits


cdef tuple _flags(tuple qos_by_bits):
    """By the lower four bits of a first byte: the flags, with `qos` from `qos_by_bits`."""
    return tuple(
        [
            # -1 for DUP at QoS 0, which is valid only in 3.1. No PUBLISH has QoS 3.
            PublishFlags(qos_by_bits[bits >> 1 & 3], bits & 1 == 1, bits & 8 == 8, -1 if bits & 0b1110 == 8 else bits)
            for bits in range(16)
        ]
    )


cdef tuple _FLAGS = _flags((_QOS_0, _QOS_1, _QOS_2, None))


cdef PublishFlags publish_flags(object qos, object retain, object dup):
    """The flags that hold exactly these objects. Common combinations are shared."""
    cdef int bits
    if (retain is True or retain is False) and (dup is True or dup is False):
        bits = (dup is True) << 3 | (retain is True)
        if qos is _QOS_0 or qos is _QOS_1 or qos is _QOS_2:
            return <PublishFlags> _FLAGS[bits | (0 if qos is _QOS_0 else 2 if qos is _QOS_1 else 4)]
    return PublishFlags(qos, retain, dup, -1)


cdef PublishFlags flags_of_bits(int bits):
    """The flags for the lower four bits of a first byte, whose QoS must not be 3."""
    return <PublishFlags> _FLAGS[bits]


# --- Generated from `_packets_py.py` by `tools/packets.py --write`.


@cython.final
@cython.no_gc
cdef class Will(_Value):
    """The message that a server publishes when a connection ends without a normal DISCONNECT (3.1.2.5).

    Attributes:
        topic (str): Topic name; not empty, without wildcards, at most 65,535 bytes in UTF-8. All versions.
        payload (bytes | memoryview): At most 65,535 bytes. All versions.
        qos (QoS): Delivery guarantee, 0 to 2. All versions.
        retain (bool): Whether the server retains the message. All versions.
        will_delay_interval (int | None): How long the server waits before it publishes the message, in seconds, 0 to
            4,294,967,295. 5.0 only.
        payload_format_indicator (int | None): 0 for unspecified bytes, 1 for UTF-8 text; the payload is not checked
            against it. 5.0 only.
        message_expiry_interval (int | None): Lifetime of the message, in seconds, 0 to 4,294,967,295. 5.0 only.
        content_type (str | None): Type of the payload, such as a MIME type, at most 65,535 bytes in UTF-8. 5.0 only.
        response_topic (str | None): Topic name for responses; not empty, without wildcards, at most 65,535 bytes in
            UTF-8. 5.0 only.
        correlation_data (bytes | memoryview | None): Data that matches a response to its request, at most 65,535 bytes.
            5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> Connect("sensor", will=Will("sensor/state", b"offline")).will
        Will(topic='sensor/state', payload=b'offline')
    """

    __annotations__ = {
        "topic": "str",
        "payload": "bytes | memoryview",
        "qos": "QoS",
        "retain": "bool",
        "will_delay_interval": "int | None",
        "payload_format_indicator": "int | None",
        "message_expiry_interval": "int | None",
        "content_type": "str | None",
        "response_topic": "str | None",
        "correlation_data": "bytes | memoryview | None",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = ("topic", "payload", "qos", "retain")
    __signature__ = _methods.Signature(
        "topic, payload=b'', qos=0, retain=False, *, will_delay_interval=None, payload_format_indicator=None, "
        "message_expiry_interval=None, content_type=None, response_topic=None, correlation_data=None, "
        "user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        topic,
        payload=b"",
        qos=_QOS_0,
        retain=False,
        *,
        will_delay_interval=None,
        payload_format_indicator=None,
        message_expiry_interval=None,
        content_type=None,
        response_topic=None,
        correlation_data=None,
        user_properties=(),
    ):
        user_properties = pairs_of(user_properties)
        if self.user_properties is not None:
            refuse_second_init(self)
        self.topic = topic
        self.payload = payload
        self.qos = qos_of(qos)
        self.retain = retain
        self.will_delay_interval = will_delay_interval
        self.payload_format_indicator = payload_format_indicator
        self.message_expiry_interval = message_expiry_interval
        self.content_type = content_type
        self.response_topic = response_topic
        self.correlation_data = correlation_data
        self.user_properties = user_properties

    def to_publish(self, packet_id=None):
        """Return the PUBLISH with which a server publishes the will (3.1.2.5).

        Args:
            packet_id: Packet identifier. QoS 1 and 2 need one before the packet is encoded; a server assigns another
                one for each subscriber.

        Returns:
            A packet with the topic, payload, QoS, Retain flag and properties of the will. The Will Delay Interval is
            not among them.

        Example:
            >>> Will("sensor/state", b"offline", will_delay_interval=5).to_publish()
            Publish(topic='sensor/state', payload=b'offline')
        """
        return _methods.published(self, packet_id, Publish)


@cython.final
@cython.no_gc
cdef class Connect(_Value):
    """CONNECT, the first packet that a client sends (3.1).

    The packet states the MQTT version of the connection, and is encoded in that version.

    Attributes:
        client_id (str): Client identifier, at most 65,535 bytes in UTF-8. In 3.1 it has 1 to 23 characters; in 3.1.1 it
            may be empty only if `clean_start` is true. All versions.
        clean_start (bool): Whether to discard an earlier session; called Clean Session in 3.1 and 3.1.1. All versions.
        keep_alive (int): Longest time the client lets pass between two packets, in seconds, 0 (no limit) to 65,535. All
            versions.
        username (str | None): User name, at most 65,535 bytes in UTF-8. All versions.
        password (bytes | memoryview | None): At most 65,535 bytes; before 5.0 it requires `username`. Not shown by
            `repr`. All versions.
        will (Will | None): Message to publish when the connection is lost. All versions.
        protocol_version (ProtocolVersion): Version of the connection, 3, 4 or 5. All versions.
        bridge (bool): Whether the client is a bridge between brokers, which bit 7 of the protocol level says. It is no
            part of the standards; Mosquitto's bridges set it. Only `Decoder(bridge=True)` accepts it. 3.1 and 3.1.1
            only.
        session_expiry_interval (int | None): How long the session outlives the connection, in seconds, 0 to
            4,294,967,295 (never expires). 5.0 only.
        receive_maximum (int | None): How many unacknowledged messages of QoS 1 and 2 the sender accepts at once, 1 to
            65,535. 5.0 only.
        maximum_packet_size (int | None): Largest packet that the sender accepts, in bytes, 1 to 4,294,967,295. 5.0
            only.
        topic_alias_maximum (int | None): Highest topic alias that the sender accepts, 0 (none) to 65,535. 5.0 only.
        request_response_information (bool | None): Whether the CONNACK may have `response_information`. 5.0 only.
        request_problem_information (bool | None): Whether packets other than PUBLISH, CONNACK and DISCONNECT may have a
            reason string and user properties. 5.0 only.
        authentication_method (str | None): Name of the method for extended authentication, at most 65,535 bytes in
            UTF-8. 5.0 only.
        authentication_data (bytes | memoryview | None): Data of that method, at most 65,535 bytes; requires
            `authentication_method`. Not shown by `repr`. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(Connect("c", keep_alive=30, protocol_version=4)).hex(" ")
        '10 0d 00 04 4d 51 54 54 04 02 00 1e 00 01 63'
    """

    packet_type = PacketType.CONNECT

    __annotations__ = {
        "client_id": "str",
        "clean_start": "bool",
        "keep_alive": "int",
        "username": "str | None",
        "password": "bytes | memoryview | None",
        "will": "Will | None",
        "protocol_version": "ProtocolVersion",
        "bridge": "bool",
        "session_expiry_interval": "int | None",
        "receive_maximum": "int | None",
        "maximum_packet_size": "int | None",
        "topic_alias_maximum": "int | None",
        "request_response_information": "bool | None",
        "request_problem_information": "bool | None",
        "authentication_method": "str | None",
        "authentication_data": "bytes | memoryview | None",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = (
        "client_id", "clean_start", "keep_alive", "username", "password", "will", "protocol_version",
        "bridge"
    )
    __signature__ = _methods.Signature(
        "client_id='', clean_start=True, keep_alive=60, username=None, password=None, will=None, "
        "protocol_version=5, bridge=False, *, session_expiry_interval=None, receive_maximum=None, "
        "maximum_packet_size=None, topic_alias_maximum=None, request_response_information=None, "
        "request_problem_information=None, authentication_method=None, authentication_data=None, "
        "user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        client_id="",
        clean_start=True,
        keep_alive=60,
        username=None,
        password=None,
        will=None,
        protocol_version=_MQTT_5,
        bridge=False,
        *,
        session_expiry_interval=None,
        receive_maximum=None,
        maximum_packet_size=None,
        topic_alias_maximum=None,
        request_response_information=None,
        request_problem_information=None,
        authentication_method=None,
        authentication_data=None,
        user_properties=(),
    ):
        user_properties = pairs_of(user_properties)
        if self.user_properties is not None:
            refuse_second_init(self)
        self.client_id = client_id
        self.clean_start = clean_start
        self.keep_alive = keep_alive
        self.username = username
        self.password = password
        self.will = will
        self.protocol_version = protocol_version_of(protocol_version)
        self.bridge = bridge
        self.session_expiry_interval = session_expiry_interval
        self.receive_maximum = receive_maximum
        self.maximum_packet_size = maximum_packet_size
        self.topic_alias_maximum = topic_alias_maximum
        self.request_response_information = request_response_information
        self.request_problem_information = request_problem_information
        self.authentication_method = authentication_method
        self.authentication_data = authentication_data
        self.user_properties = user_properties


@cython.final
@cython.no_gc
cdef class ConnAck(_Value):
    """CONNACK, the server's answer to a CONNECT (3.2).

    Attributes:
        session_present (bool): Whether the server has a session for this client; false if the connection is refused.
            3.1.1 and 5.0.
        reason_code (ReasonCode | ConnectReturnCode): Result: a `ReasonCode` in 5.0, in 3.1 and 3.1.1 a
            `ConnectReturnCode`. The constructor converts the numbers 1 to 5 to `ConnectReturnCode`. All versions.
        session_expiry_interval (int | None): Session lifetime that the server chose, in seconds, 0 to 4,294,967,295
            (never expires). 5.0 only.
        receive_maximum (int | None): How many unacknowledged messages of QoS 1 and 2 the sender accepts at once, 1 to
            65,535. 5.0 only.
        maximum_qos (QoS | None): Highest QoS that the server supports if it does not support 2: 0 or 1. 5.0 only.
        retain_available (bool | None): Whether the server supports retained messages. 5.0 only.
        maximum_packet_size (int | None): Largest packet that the sender accepts, in bytes, 1 to 4,294,967,295. 5.0
            only.
        assigned_client_identifier (str | None): Client identifier that the server assigned, at most 65,535 bytes in
            UTF-8. 5.0 only.
        topic_alias_maximum (int | None): Highest topic alias that the sender accepts, 0 (none) to 65,535. 5.0 only.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        wildcard_subscription_available (bool | None): Whether the server supports wildcards in topic filters. 5.0 only.
        subscription_identifier_available (bool | None): Whether the server supports subscription identifiers. 5.0 only.
        shared_subscription_available (bool | None): Whether the server supports shared subscriptions. 5.0 only.
        server_keep_alive (int | None): Keep Alive that replaces the client's, in seconds, 0 to 65,535. 5.0 only.
        response_information (str | None): Basis for response topics, at most 65,535 bytes in UTF-8. 5.0 only.
        server_reference (str | None): Another server to use, at most 65,535 bytes in UTF-8. 5.0 only.
        authentication_method (str | None): Name of the method for extended authentication, at most 65,535 bytes in
            UTF-8. 5.0 only.
        authentication_data (bytes | memoryview | None): Data of that method, at most 65,535 bytes. Not shown by `repr`.
            5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(ConnAck(True, server_keep_alive=60)).hex(" ")
        '20 06 01 00 03 13 00 3c'
    """

    packet_type = PacketType.CONNACK

    __annotations__ = {
        "session_present": "bool",
        "reason_code": "ReasonCode | ConnectReturnCode",
        "session_expiry_interval": "int | None",
        "receive_maximum": "int | None",
        "maximum_qos": "QoS | None",
        "retain_available": "bool | None",
        "maximum_packet_size": "int | None",
        "assigned_client_identifier": "str | None",
        "topic_alias_maximum": "int | None",
        "reason_string": "str | None",
        "wildcard_subscription_available": "bool | None",
        "subscription_identifier_available": "bool | None",
        "shared_subscription_available": "bool | None",
        "server_keep_alive": "int | None",
        "response_information": "str | None",
        "server_reference": "str | None",
        "authentication_method": "str | None",
        "authentication_data": "bytes | memoryview | None",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = ("session_present", "reason_code")
    __signature__ = _methods.Signature(
        "session_present=False, reason_code=0, *, session_expiry_interval=None, receive_maximum=None, "
        "maximum_qos=None, retain_available=None, maximum_packet_size=None, assigned_client_identifier=None, "
        "topic_alias_maximum=None, reason_string=None, wildcard_subscription_available=None, "
        "subscription_identifier_available=None, shared_subscription_available=None, server_keep_alive=None, "
        "response_information=None, server_reference=None, authentication_method=None, "
        "authentication_data=None, user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        session_present=False,
        reason_code=_SUCCESS,
        *,
        session_expiry_interval=None,
        receive_maximum=None,
        maximum_qos=None,
        retain_available=None,
        maximum_packet_size=None,
        assigned_client_identifier=None,
        topic_alias_maximum=None,
        reason_string=None,
        wildcard_subscription_available=None,
        subscription_identifier_available=None,
        shared_subscription_available=None,
        server_keep_alive=None,
        response_information=None,
        server_reference=None,
        authentication_method=None,
        authentication_data=None,
        user_properties=(),
    ):
        user_properties = pairs_of(user_properties)
        if self.user_properties is not None:
            refuse_second_init(self)
        self.session_present = session_present
        self.reason_code = connack_code_of(reason_code)
        self.session_expiry_interval = session_expiry_interval
        self.receive_maximum = receive_maximum
        self.maximum_qos = qos_of(maximum_qos)
        self.retain_available = retain_available
        self.maximum_packet_size = maximum_packet_size
        self.assigned_client_identifier = assigned_client_identifier
        self.topic_alias_maximum = topic_alias_maximum
        self.reason_string = reason_string
        self.wildcard_subscription_available = wildcard_subscription_available
        self.subscription_identifier_available = subscription_identifier_available
        self.shared_subscription_available = shared_subscription_available
        self.server_keep_alive = server_keep_alive
        self.response_information = response_information
        self.server_reference = server_reference
        self.authentication_method = authentication_method
        self.authentication_data = authentication_data
        self.user_properties = user_properties


@cython.final
@cython.no_gc
cdef class PublishProperties:
    pass


@cython.final
@cython.no_gc
cdef class Publish(_Value):
    """PUBLISH, an application message (3.3).

    Attributes:
        topic (str): Topic name without wildcards, at most 65,535 bytes in UTF-8. It may be empty in 5.0 if there is a
            `topic_alias`. All versions.
        payload (bytes | memoryview): Content of the message, as long as the packet has at most 268,435,460 bytes. A
            read-only memoryview if it was decoded with `copy=False`. All versions.
        qos (QoS): Delivery guarantee, 0 to 2. All versions.
        retain (bool): Whether the server retains the message, or sends a retained one. All versions.
        dup (bool): Whether this may repeat an earlier attempt; false at QoS 0, except in 3.1. All versions.
        packet_id (int | None): Packet identifier, 1 to 65,535; present if and only if `qos` is 1 or 2. All versions.
        payload_format_indicator (int | None): 0 for unspecified bytes, 1 for UTF-8 text; the payload is not checked
            against it. 5.0 only.
        message_expiry_interval (int | None): Lifetime of the message, in seconds, 0 to 4,294,967,295. 5.0 only.
        topic_alias (int | None): Number that stands for the topic on this connection, 1 to 65,535. 5.0 only.
        response_topic (str | None): Topic name for responses; not empty, without wildcards, at most 65,535 bytes in
            UTF-8. 5.0 only.
        correlation_data (bytes | memoryview | None): Data that matches a response to its request, at most 65,535 bytes.
            5.0 only.
        subscription_identifiers (tuple[int, ...]): Identifiers of the matching subscriptions, 1 to 268,435,455 each;
            only a server sends them. 5.0 only.
        content_type (str | None): Type of the payload, such as a MIME type, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> message = Publish("a", b"21", qos=1, packet_id=7, message_expiry_interval=60)
        >>> encode(message).hex(" ")
        '32 0d 00 01 61 00 07 05 02 00 00 00 3c 32 31'
    """

    packet_type = PacketType.PUBLISH

    __annotations__ = {
        "topic": "str",
        "payload": "bytes | memoryview",
        "qos": "QoS",
        "retain": "bool",
        "dup": "bool",
        "packet_id": "int | None",
        "payload_format_indicator": "int | None",
        "message_expiry_interval": "int | None",
        "topic_alias": "int | None",
        "response_topic": "str | None",
        "correlation_data": "bytes | memoryview | None",
        "subscription_identifiers": "tuple[int, ...]",
        "content_type": "str | None",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = ("topic", "payload", "qos", "retain", "dup", "packet_id")
    __signature__ = _methods.Signature(
        "topic, payload=b'', qos=0, retain=False, dup=False, packet_id=None, *, "
        "payload_format_indicator=None, message_expiry_interval=None, topic_alias=None, response_topic=None, "
        "correlation_data=None, subscription_identifiers=(), content_type=None, user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        topic,
        payload=b"",
        qos=_QOS_0,
        retain=False,
        dup=False,
        packet_id=None,
        *,
        payload_format_indicator=None,
        message_expiry_interval=None,
        topic_alias=None,
        response_topic=None,
        correlation_data=None,
        subscription_identifiers=(),
        content_type=None,
        user_properties=(),
    ):
        cdef PublishProperties properties = None
        subscription_identifiers = several(subscription_identifiers)
        user_properties = pairs_of(user_properties)
        if self.flags is not None:
            refuse_second_init(self)
        qos = qos_of(qos)
        self.topic = topic
        self.payload = payload
        self.qos = qos
        self.packet_id = packet_id
        self.flags = publish_flags(qos, retain, dup)
        if (
            payload_format_indicator is not None
            or message_expiry_interval is not None
            or topic_alias is not None
            or response_topic is not None
            or correlation_data is not None
            or subscription_identifiers is not _NONE
            or content_type is not None
            or user_properties is not _NONE
        ):
            properties = PublishProperties.__new__(PublishProperties)
            properties.payload_format_indicator = payload_format_indicator
            properties.message_expiry_interval = message_expiry_interval
            properties.topic_alias = topic_alias
            properties.response_topic = response_topic
            properties.correlation_data = correlation_data
            properties.subscription_identifiers = subscription_identifiers
            properties.content_type = content_type
            properties.user_properties = user_properties
        self.publish_properties = properties

    @property
    def retain(self):
        return None if self.flags is None else self.flags.retain

    @property
    def dup(self):
        return None if self.flags is None else self.flags.dup

    @property
    def payload_format_indicator(self):
        return None if self.publish_properties is None else self.publish_properties.payload_format_indicator

    @property
    def message_expiry_interval(self):
        return None if self.publish_properties is None else self.publish_properties.message_expiry_interval

    @property
    def topic_alias(self):
        return None if self.publish_properties is None else self.publish_properties.topic_alias

    @property
    def response_topic(self):
        return None if self.publish_properties is None else self.publish_properties.response_topic

    @property
    def correlation_data(self):
        return None if self.publish_properties is None else self.publish_properties.correlation_data

    @property
    def subscription_identifiers(self):
        return _NONE if self.publish_properties is None else self.publish_properties.subscription_identifiers

    @property
    def content_type(self):
        return None if self.publish_properties is None else self.publish_properties.content_type

    @property
    def user_properties(self):
        return _NONE if self.publish_properties is None else self.publish_properties.user_properties


@cython.no_gc
cdef class _Acknowledgement(_Value):
    """The fields of the four packets that acknowledge a PUBLISH or one another."""

    __annotations__ = {
        "packet_id": "int",
        "reason_code": "ReasonCode",
        "reason_string": "str | None",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = ("packet_id", "reason_code")
    __signature__ = _methods.Signature(
        "packet_id, reason_code=0, *, reason_string=None, user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        packet_id,
        reason_code=_SUCCESS,
        *,
        reason_string=None,
        user_properties=(),
    ):
        user_properties = pairs_of(user_properties)
        if self.user_properties is not None:
            refuse_second_init(self)
        self.packet_id = packet_id
        self.reason_code = reason_code_of(reason_code)
        self.reason_string = reason_string
        self.user_properties = user_properties


@cython.final
@cython.no_gc
cdef class PubAck(_Acknowledgement):
    """PUBACK, the answer to a PUBLISH of QoS 1 (3.4).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_code (ReasonCode): Result; 5.0 only, in earlier versions always `SUCCESS`.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(PubAck(7), 4).hex(" ")
        '40 02 00 07'
    """

    packet_type = PacketType.PUBACK


@cython.final
@cython.no_gc
cdef class PubRec(_Acknowledgement):
    """PUBREC, the answer to a PUBLISH of QoS 2 (3.5).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_code (ReasonCode): Result; 5.0 only, in earlier versions always `SUCCESS`.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(PubRec(7), 4).hex(" ")
        '50 02 00 07'
    """

    packet_type = PacketType.PUBREC


@cython.final
@cython.no_gc
cdef class PubRel(_Acknowledgement):
    """PUBREL, the answer to a PUBREC (3.6).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_code (ReasonCode): Result; 5.0 only, in earlier versions always `SUCCESS`.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(PubRel(7), 4).hex(" ")
        '62 02 00 07'
    """

    packet_type = PacketType.PUBREL


@cython.final
@cython.no_gc
cdef class PubComp(_Acknowledgement):
    """PUBCOMP, the answer to a PUBREL, which completes a QoS 2 delivery (3.7).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_code (ReasonCode): Result; 5.0 only, in earlier versions always `SUCCESS`.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(PubComp(7), 4).hex(" ")
        '70 02 00 07'
    """

    packet_type = PacketType.PUBCOMP


@cython.final
@cython.no_gc
cdef class Subscription(_Value):
    """A topic filter of a SUBSCRIBE, with its options (3.8.3).

    Attributes:
        topic_filter (str): Topic filter; not empty, at most 65,535 bytes in UTF-8. All versions.
        qos (QoS): Highest QoS at which the server may send messages, 0 to 2. All versions.
        no_local (bool): Whether to leave out the client's own messages; not allowed for shared subscriptions. 5.0 only.
        retain_as_published (bool): Whether messages keep their `retain` flag. 5.0 only.
        retain_handling (RetainHandling): When the server sends retained messages, 0 to 2. 5.0 only.

    Example:
        >>> Subscription("sensor/+/state", 1).qos.name
        'AT_LEAST_ONCE'
    """

    __annotations__ = {
        "topic_filter": "str",
        "qos": "QoS",
        "no_local": "bool",
        "retain_as_published": "bool",
        "retain_handling": "RetainHandling",
    }
    __match_args__ = ("topic_filter", "qos", "no_local", "retain_as_published", "retain_handling")
    __signature__ = _methods.Signature(
        "topic_filter, qos=0, no_local=False, retain_as_published=False, retain_handling=0"
    )

    @cython.critical_section
    def __init__(
        self,
        topic_filter,
        qos=_QOS_0,
        no_local=False,
        retain_as_published=False,
        retain_handling=_SEND_AT_SUBSCRIBE,
    ):
        if (
            self.topic_filter is not None
            or self.qos is not None
            or self.no_local is not None
            or self.retain_as_published is not None
            or self.retain_handling is not None
        ):
            refuse_second_init(self)
        self.topic_filter = topic_filter
        self.qos = qos_of(qos)
        self.no_local = no_local
        self.retain_as_published = retain_as_published
        self.retain_handling = retain_handling_of(retain_handling)


@cython.final
@cython.no_gc
cdef class Subscribe(_Value):
    """SUBSCRIBE, a request for one or more subscriptions (3.8).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        subscriptions (tuple[Subscription, ...]): Subscriptions, at least one. All versions.
        subscription_identifier (int | None): Number that the server returns with matching messages, 1 to 268,435,455.
            5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(Subscribe(7, [Subscription("a", 1)])).hex(" ")
        '82 07 00 07 00 00 01 61 01'
    """

    packet_type = PacketType.SUBSCRIBE

    __annotations__ = {
        "packet_id": "int",
        "subscriptions": "tuple[Subscription, ...]",
        "subscription_identifier": "int | None",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = ("packet_id", "subscriptions")
    __signature__ = _methods.Signature(
        "packet_id, subscriptions, *, subscription_identifier=None, user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        packet_id,
        subscriptions,
        *,
        subscription_identifier=None,
        user_properties=(),
    ):
        subscriptions = several(subscriptions)
        user_properties = pairs_of(user_properties)
        if self.user_properties is not None:
            refuse_second_init(self)
        self.packet_id = packet_id
        self.subscriptions = subscriptions
        self.subscription_identifier = subscription_identifier
        self.user_properties = user_properties


@cython.final
@cython.no_gc
cdef class SubAck(_Value):
    """SUBACK, the answer to a SUBSCRIBE (3.9).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_codes (tuple[ReasonCode, ...]): Results, one for each subscription, in the same order; at least one. In
            3.1.1 a granted QoS or `FAILURE`, in 3.1 a granted QoS. All versions.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(SubAck(7, [ReasonCode.GRANTED_QOS_1])).hex(" ")
        '90 04 00 07 00 01'
    """

    packet_type = PacketType.SUBACK

    __annotations__ = {
        "packet_id": "int",
        "reason_codes": "tuple[ReasonCode, ...]",
        "reason_string": "str | None",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = ("packet_id", "reason_codes")
    __signature__ = _methods.Signature(
        "packet_id, reason_codes, *, reason_string=None, user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        packet_id,
        reason_codes,
        *,
        reason_string=None,
        user_properties=(),
    ):
        reason_codes = reason_codes_of(reason_codes)
        user_properties = pairs_of(user_properties)
        if self.user_properties is not None:
            refuse_second_init(self)
        self.packet_id = packet_id
        self.reason_codes = reason_codes
        self.reason_string = reason_string
        self.user_properties = user_properties


@cython.final
@cython.no_gc
cdef class Unsubscribe(_Value):
    """UNSUBSCRIBE, a request to end subscriptions (3.10).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        topic_filters (tuple[str, ...]): Topic filters, at least one, each at most 65,535 bytes in UTF-8 and not empty.
            All versions.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(Unsubscribe(7, ["a"])).hex(" ")
        'a2 06 00 07 00 00 01 61'
    """

    packet_type = PacketType.UNSUBSCRIBE

    __annotations__ = {
        "packet_id": "int",
        "topic_filters": "tuple[str, ...]",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = ("packet_id", "topic_filters")
    __signature__ = _methods.Signature(
        "packet_id, topic_filters, *, user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        packet_id,
        topic_filters,
        *,
        user_properties=(),
    ):
        topic_filters = several(topic_filters)
        user_properties = pairs_of(user_properties)
        if self.user_properties is not None:
            refuse_second_init(self)
        self.packet_id = packet_id
        self.topic_filters = topic_filters
        self.user_properties = user_properties


@cython.final
@cython.no_gc
cdef class UnsubAck(_Value):
    """UNSUBACK, the answer to an UNSUBSCRIBE (3.11).

    Attributes:
        packet_id (int): Packet identifier, 1 to 65,535. All versions.
        reason_codes (tuple[ReasonCode, ...]): Results, one for each topic filter, in the same order; at least one in
            5.0, none in earlier versions. 5.0 only.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(UnsubAck(7), 4).hex(" ")
        'b0 02 00 07'
    """

    packet_type = PacketType.UNSUBACK

    __annotations__ = {
        "packet_id": "int",
        "reason_codes": "tuple[ReasonCode, ...]",
        "reason_string": "str | None",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = ("packet_id", "reason_codes")
    __signature__ = _methods.Signature(
        "packet_id, reason_codes=(), *, reason_string=None, user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        packet_id,
        reason_codes=(),
        *,
        reason_string=None,
        user_properties=(),
    ):
        reason_codes = reason_codes_of(reason_codes)
        user_properties = pairs_of(user_properties)
        if self.user_properties is not None:
            refuse_second_init(self)
        self.packet_id = packet_id
        self.reason_codes = reason_codes
        self.reason_string = reason_string
        self.user_properties = user_properties


@cython.final
@cython.no_gc
cdef class PingReq(_Value):
    """PINGREQ, by which a client keeps its connection alive (3.12). It has no fields, in any version.

    Example:
        >>> encode(PingReq()).hex(" ")
        'c0 00'
    """

    packet_type = PacketType.PINGREQ

    __annotations__ = {}
    __match_args__ = ()
    __signature__ = _methods.Signature(
        ""
    )

    @cython.critical_section
    def __init__(self):
        if self.is_initialised is not None:
            refuse_second_init(self)
        self.is_initialised = True


@cython.final
@cython.no_gc
cdef class PingResp(_Value):
    """PINGRESP, the answer to a PINGREQ (3.13). It has no fields, in any version.

    Example:
        >>> encode(PingResp()).hex(" ")
        'd0 00'
    """

    packet_type = PacketType.PINGRESP

    __annotations__ = {}
    __match_args__ = ()
    __signature__ = _methods.Signature(
        ""
    )

    @cython.critical_section
    def __init__(self):
        if self.is_initialised is not None:
            refuse_second_init(self)
        self.is_initialised = True


@cython.final
@cython.no_gc
cdef class Disconnect(_Value):
    """DISCONNECT, the last packet of a connection (3.14).

    In 3.1 and 3.1.1 only clients send it.

    Attributes:
        reason_code (ReasonCode): Why the connection ends; 5.0 only, in earlier versions always `SUCCESS`.
        session_expiry_interval (int | None): New session lifetime, in seconds, 0 to 4,294,967,295 (never expires); only
            a client sends it. 5.0 only.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        server_reference (str | None): Another server to use, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(Disconnect(ReasonCode.SERVER_BUSY)).hex(" ")
        'e0 01 89'
    """

    packet_type = PacketType.DISCONNECT

    __annotations__ = {
        "reason_code": "ReasonCode",
        "session_expiry_interval": "int | None",
        "reason_string": "str | None",
        "server_reference": "str | None",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = ("reason_code",)
    __signature__ = _methods.Signature(
        "reason_code=0, *, session_expiry_interval=None, reason_string=None, server_reference=None, "
        "user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        reason_code=_SUCCESS,
        *,
        session_expiry_interval=None,
        reason_string=None,
        server_reference=None,
        user_properties=(),
    ):
        user_properties = pairs_of(user_properties)
        if self.user_properties is not None:
            refuse_second_init(self)
        self.reason_code = reason_code_of(reason_code)
        self.session_expiry_interval = session_expiry_interval
        self.reason_string = reason_string
        self.server_reference = server_reference
        self.user_properties = user_properties


@cython.final
@cython.no_gc
cdef class Auth(_Value):
    """AUTH, a step of extended authentication (3.15). The packet exists in 5.0 only.

    Attributes:
        reason_code (ReasonCode): `SUCCESS`, `CONTINUE_AUTHENTICATION` or `RE_AUTHENTICATE`. 5.0 only.
        authentication_method (str | None): Name of the method, at most 65,535 bytes in UTF-8; None only with `SUCCESS`
            and no other property. 5.0 only.
        authentication_data (bytes | memoryview | None): Data of the method, at most 65,535 bytes. Not shown by `repr`.
            5.0 only.
        reason_string (str | None): Diagnostic text for people, at most 65,535 bytes in UTF-8. 5.0 only.
        user_properties (tuple[tuple[str, str], ...]): Pairs of name and value, at most 65,535 bytes in UTF-8 each; in
            order, and names may repeat. 5.0 only.

    Example:
        >>> encode(Auth(0x18, authentication_method="m")).hex(" ")
        'f0 06 18 04 15 00 01 6d'
    """

    packet_type = PacketType.AUTH

    __annotations__ = {
        "reason_code": "ReasonCode",
        "authentication_method": "str | None",
        "authentication_data": "bytes | memoryview | None",
        "reason_string": "str | None",
        "user_properties": "tuple[tuple[str, str], ...]",
    }
    __match_args__ = ("reason_code",)
    __signature__ = _methods.Signature(
        "reason_code=0, *, authentication_method=None, authentication_data=None, reason_string=None, "
        "user_properties=()"
    )

    @cython.critical_section
    def __init__(
        self,
        reason_code=_SUCCESS,
        *,
        authentication_method=None,
        authentication_data=None,
        reason_string=None,
        user_properties=(),
    ):
        user_properties = pairs_of(user_properties)
        if self.user_properties is not None:
            refuse_second_init(self)
        self.reason_code = reason_code_of(reason_code)
        self.authentication_method = authentication_method
        self.authentication_data = authentication_data
        self.reason_string = reason_string
        self.user_properties = user_properties


cdef Conversion conversion_of(str annotation) except? NULL:
    """The function that the constructor applies to the values of such a field, or NULL."""
    if annotation == "QoS":
        return qos_of
    if annotation == "QoS | None":
        return qos_of
    if annotation == "RetainHandling":
        return retain_handling_of
    if annotation == "ProtocolVersion":
        return protocol_version_of
    if annotation == "ReasonCode":
        return reason_code_of
    if annotation == "ReasonCode | ConnectReturnCode":
        return connack_code_of
    if annotation == "tuple[int, ...]":
        return several
    if annotation == "tuple[str, ...]":
        return several
    if annotation == "tuple[Subscription, ...]":
        return several
    if annotation == "tuple[ReasonCode, ...]":
        return reason_codes_of
    if annotation == "tuple[tuple[str, str], ...]":
        return pairs_of
    return NULL


# --- Written by hand from here on.

Packet = (
    Connect
    | ConnAck
    | Publish
    | PubAck
    | PubRec
    | PubRel
    | PubComp
    | Subscribe
    | SubAck
    | Unsubscribe
    | UnsubAck
    | PingReq
    | PingResp
    | Disconnect
    | Auth
)

cdef object _getter = type(Will.topic)


cdef int expose_fields(object packet_class) except -1:
    """Replace the getters of a class by member descriptors, which the interpreter reads faster."""
    names = [name for name, item in vars(packet_class).items() if type(item) is _getter]
    values = {name: object() for name in names}
    packet = packet_class(**values)
    for name, value in values.items():
        expose_field(packet_class, packet, name, value)
    return 0


# The properties of a PUBLISH that has none.
cdef PublishProperties _NO_PROPERTIES = PublishProperties.__new__(PublishProperties)
_NO_PROPERTIES.subscription_identifiers = _NO_PROPERTIES.user_properties = _NONE


cdef dict add_layout(object packet_class, dict identifiers):
    """Fill in the `Layout` of a class, whose properties have these identifiers, by field.

    Returns, by identifier and in the order of the fields, the offset of each property in the struct that holds it.
    """
    global layout_count
    cdef Layout* layout = &LAYOUTS[layout_count]
    cdef Field* field
    cdef Publish publish
    annotated = packet_class if "__annotations__" in vars(packet_class) else packet_class.__base__
    annotations = vars(annotated)["__annotations__"]
    if layout_count == MOST_CLASSES or len(annotations) > MOST_FIELDS:
        raise SystemError("there are more packet classes or fields than MOST_CLASSES or MOST_FIELDS")
    values = {name: object() for name in annotations}
    packet = packet_class(**values)
    holders = [packet]
    if packet_class is Publish:
        publish = packet
        holders += [publish.flags, publish.publish_properties]
    offsets = {}
    for at, (name, annotation) in enumerate(annotations.items()):
        field = &layout.fields[<int> at]
        field.offset = -1
        field.convert = conversion_of(annotation)
        field.absent = NULL
        for place, holder in enumerate(holders):
            if field.offset < 0:
                field.holder = <Holder> <int> place
                field.offset = offset_of(holder, values[name])
        if name in identifiers:
            field.absent = <PyObject*> _NONE if annotation.startswith("tuple[") else <PyObject*> None
            offsets[identifiers[name]] = field.offset
    if len(offsets) < len(identifiers):
        raise SystemError(f"{packet_class.__name__} lacks a field of {', '.join(identifiers)}")
    layout.packet_class = lasting(packet_class)
    layout.class_name = lasting(packet_class.__name__)
    layout.names = lasting(tuple([intern(name) for name in annotations]))
    layout.size = len(annotations)
    layout_count += 1
    return offsets


# Publish and acknowledgements come first, because constructors look up their class in this order.
for _packet_class in dict.fromkeys((Publish, PubAck, PubRec, PubRel, PubComp, Will, Subscription, *Packet.__args__)):
    keep_memory_of(_packet_class)
    explain_arguments(_packet_class, _methods.argument_checker)
    rename(_packet_class, "mqttcodec." + _packet_class.__name__)
    if not issubclass(_packet_class, _Acknowledgement):
        expose_fields(_packet_class)
rename(_Value, "mqttcodec._Value")
rename(_Acknowledgement, "mqttcodec._Acknowledgement")
keep_memory_of(PublishProperties)
expose_fields(_Acknowledgement)

# By place and identifier: the offset of the property.
_PROPERTY_OFFSETS = {}
for _place, _packet_class in enumerate((Will, *Packet.__args__)):
    _PROPERTY_OFFSETS[_place] = add_layout(
        _packet_class, {_spec.property_field(_place, identifier): identifier for identifier in _spec.PROPERTIES[_place]}
    )
add_layout(Subscription, {})
del _packet_class, _place

define_replace(_Value, replace, _REPLACE)
