"""The numbers from `_enums.py` and `_spec.py` that C code needs at compile time."""

# Packet types, which are also the places of properties. WILL is the place of the Will Properties.
cdef enum Place:
    WILL = 0
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15

# The properties that may occur more than once in a packet (5.0, 2.2.2.2).
cdef enum Repeatable:
    SUBSCRIPTION_IDENTIFIER = 0x0B
    USER_PROPERTY = 0x26

# `_enums.Kind`.
cdef enum Kind:
    KIND_BOOLEAN = 1
    KIND_INDICATOR = 2
    KIND_QOS = 3
    KIND_TWO_BYTE = 4
    KIND_TWO_BYTE_NON_ZERO = 5
    KIND_TOPIC_ALIAS = 6
    KIND_FOUR_BYTE = 7
    KIND_FOUR_BYTE_NON_ZERO = 8
    KIND_VARIABLE_NON_ZERO = 9
    KIND_STRING = 10
    KIND_TOPIC_NAME = 11
    KIND_BINARY = 12
    KIND_STRING_PAIR = 13

# `_enums.Role`. EITHER stands for None.
ctypedef enum Role:
    EITHER
    CLIENT
    SERVER

cdef enum:
    MAXIMUM_REMAINING_LENGTH = 268_435_455
    BRIDGE_BIT = 0x80


# --- Differences between versions: the functions of `_spec.py`.


cdef inline bint has_properties(int version) noexcept:
    return version >= 5


cdef inline bint has_reason_codes(int version) noexcept:
    return version >= 5


cdef inline bint has_session_present(int version) noexcept:
    return version >= 4


cdef inline bint has_subscription_options(int version) noexcept:
    return version >= 5


cdef inline bint has_shared_subscriptions(int version) noexcept:
    return version >= 5


cdef inline bint has_auth(int version) noexcept:
    return version >= 5


cdef inline bint allows_password_alone(int version) noexcept:
    return version >= 5


cdef inline bint has_bridges(int version) noexcept:
    return version <= 4
