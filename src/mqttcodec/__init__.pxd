"""The packet classes for other extensions, which read and make packets without attribute look-ups.

    from mqttcodec cimport PubAck, Publish

Their layout stays the same within a minor version and no longer: an extension is built against one, and requires it;
`examples/cython/` is a package that does. Fields are Python objects, None (lists: `()`) where absent, as in the classes
Python sees; they can be set from C while nobody else has seen the packet. A `Publish` keeps its properties, if any, in
`properties`, and QoS, `retain` and `dup` in `flags` too, by which it is encoded: set them by `publish_flags`, with the
object that is set as `qos`.
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
