"""The packet classes as C structs. Other extensions `cimport` them from `mqttcodec`, through `__init__.pxd`."""

cimport cython


cdef class _Value:
    pass


@cython.final
cdef class PublishFlags:
    """The flags of a PUBLISH, as given. `bits`: the lower four bits of the first byte, or -1 if `encode` must check."""

    cdef object qos
    cdef object retain
    cdef object dup
    cdef int bits


cdef PublishFlags publish_flags(object qos, object retain, object dup)
cdef PublishFlags flags_of_bits(int bits)


# --- Generated from `_packets_py.py` by `tools/packets.py --write`.


@cython.final
cdef class Will(_Value):
    cdef readonly object topic
    cdef readonly object payload
    cdef readonly object qos
    cdef readonly object retain
    cdef readonly object will_delay_interval
    cdef readonly object payload_format_indicator
    cdef readonly object message_expiry_interval
    cdef readonly object content_type
    cdef readonly object response_topic
    cdef readonly object correlation_data
    cdef readonly object user_properties


@cython.final
cdef class Connect(_Value):
    cdef readonly object client_id
    cdef readonly object clean_start
    cdef readonly object keep_alive
    cdef readonly object username
    cdef readonly object password
    cdef readonly object will
    cdef readonly object protocol_version
    cdef readonly object bridge
    cdef readonly object session_expiry_interval
    cdef readonly object receive_maximum
    cdef readonly object maximum_packet_size
    cdef readonly object topic_alias_maximum
    cdef readonly object request_response_information
    cdef readonly object request_problem_information
    cdef readonly object authentication_method
    cdef readonly object authentication_data
    cdef readonly object user_properties


@cython.final
cdef class ConnAck(_Value):
    cdef readonly object session_present
    cdef readonly object reason_code
    cdef readonly object session_expiry_interval
    cdef readonly object receive_maximum
    cdef readonly object maximum_qos
    cdef readonly object retain_available
    cdef readonly object maximum_packet_size
    cdef readonly object assigned_client_identifier
    cdef readonly object topic_alias_maximum
    cdef readonly object reason_string
    cdef readonly object wildcard_subscription_available
    cdef readonly object subscription_identifier_available
    cdef readonly object shared_subscription_available
    cdef readonly object server_keep_alive
    cdef readonly object response_information
    cdef readonly object server_reference
    cdef readonly object authentication_method
    cdef readonly object authentication_data
    cdef readonly object user_properties


@cython.final
cdef class PublishProperties:
    """The properties of a PUBLISH, as given."""

    cdef object payload_format_indicator
    cdef object message_expiry_interval
    cdef object topic_alias
    cdef object response_topic
    cdef object correlation_data
    cdef object subscription_identifiers
    cdef object content_type
    cdef object user_properties


@cython.final
cdef class Publish(_Value):
    # Flags and properties are objects of their own. This saves memory and reference counting, because
    # most packets have no properties, and flags are shared. `flags` is None if `__init__` never ran;
    # `publish_properties` is None if there are none.
    cdef readonly object topic
    cdef readonly object payload
    cdef readonly object qos
    cdef readonly object packet_id
    cdef PublishFlags flags
    cdef PublishProperties publish_properties


cdef class _Acknowledgement(_Value):
    cdef readonly object packet_id
    cdef readonly object reason_code
    cdef readonly object reason_string
    cdef readonly object user_properties


@cython.final
cdef class PubAck(_Acknowledgement):
    pass


@cython.final
cdef class PubRec(_Acknowledgement):
    pass


@cython.final
cdef class PubRel(_Acknowledgement):
    pass


@cython.final
cdef class PubComp(_Acknowledgement):
    pass


@cython.final
cdef class Subscription(_Value):
    cdef readonly object topic_filter
    cdef readonly object qos
    cdef readonly object no_local
    cdef readonly object retain_as_published
    cdef readonly object retain_handling


@cython.final
cdef class Subscribe(_Value):
    cdef readonly object packet_id
    cdef readonly object subscriptions
    cdef readonly object subscription_identifier
    cdef readonly object user_properties


@cython.final
cdef class SubAck(_Value):
    cdef readonly object packet_id
    cdef readonly object reason_codes
    cdef readonly object reason_string
    cdef readonly object user_properties


@cython.final
cdef class Unsubscribe(_Value):
    cdef readonly object packet_id
    cdef readonly object topic_filters
    cdef readonly object user_properties


@cython.final
cdef class UnsubAck(_Value):
    cdef readonly object packet_id
    cdef readonly object reason_codes
    cdef readonly object reason_string
    cdef readonly object user_properties


@cython.final
cdef class PingReq(_Value):
    cdef object is_initialised


@cython.final
cdef class PingResp(_Value):
    cdef object is_initialised


@cython.final
cdef class Disconnect(_Value):
    cdef readonly object reason_code
    cdef readonly object session_expiry_interval
    cdef readonly object reason_string
    cdef readonly object server_reference
    cdef readonly object user_properties


@cython.final
cdef class Auth(_Value):
    cdef readonly object reason_code
    cdef readonly object authentication_method
    cdef readonly object authentication_data
    cdef readonly object reason_string
    cdef readonly object user_properties
