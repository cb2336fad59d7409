"""The packet classes for other extensions, which can read and create packets without attribute look-ups.

    from mqttcodec cimport PubAck, Publish

The layout of the structs may change with each minor version. Build an extension against one minor version, and require
that version; the package in `examples/cython/` does so.

Fields are Python objects, as in Python. A missing value is None, or `()` for a field that holds several values. C code
may set the fields of a new packet until other code can see it. A `Publish` has its properties, if any, in
`publish_properties`. It is encoded from `flags`, which holds QoS, `retain` and `dup`: set `flags` to the result of
`publish_flags`, called with the same object as the field `qos`.
"""

from mqttcodec._packets_c cimport (
    Auth,
    ConnAck,
    Connect,
    Disconnect,
    PingReq,
    PingResp,
    PubAck,
    PubComp,
    Publish,
    PublishFlags,
    PublishProperties,
    PubRec,
    PubRel,
    SubAck,
    Subscribe,
    Subscription,
    UnsubAck,
    Unsubscribe,
    Will,
    publish_flags,
)
