"""A codec for MQTT packets: decodes bytes to packet objects and encodes them, for MQTT 3.1, 3.1.1 and 5.0."""

from ._answer import answer_to
from ._backend import BACKEND, BACKEND_ERROR
from ._enums import (
    ConnectReturnCode,
    MQTTv5,
    MQTTv31,
    MQTTv311,
    PacketType,
    PropertyId,
    ProtocolVersion,
    QoS,
    ReasonCode,
    RetainHandling,
    Role,
)
from ._errors import (
    DecodeError,
    EncodeError,
    IncompletePacketError,
    MalformedPacketError,
    MQTTError,
    PacketTooLargeError,
    ProtocolError,
    UnsupportedVersionError,
)
from ._spec import FixedHeader

TYPE_CHECKING = False  # Type checkers treat this name as true. Importing it from `typing` would slow the import down.
if TYPE_CHECKING:
    # The plain modules have the type annotations.
    from ._codec_py import (
        Decoder,
        Encoder,
        decode,
        decode_from,
        encode,
        encode_acks,
        encode_into,
        encode_many,
        encode_parts,
        encoded_size,
        from_dict,
        peek,
        to_dict,
    )
    from ._packets_py import (
        Auth,
        ConnAck,
        Connect,
        Disconnect,
        Packet,
        PingReq,
        PingResp,
        PubAck,
        PubComp,
        Publish,
        PubRec,
        PubRel,
        SubAck,
        Subscribe,
        Subscription,
        UnsubAck,
        Unsubscribe,
        Will,
    )
else:
    from ._backend import codec, packets

    Decoder = codec.Decoder
    Encoder = codec.Encoder
    decode = codec.decode
    decode_from = codec.decode_from
    encode = codec.encode
    encode_acks = codec.encode_acks
    encode_into = codec.encode_into
    encode_many = codec.encode_many
    encode_parts = codec.encode_parts
    encoded_size = codec.encoded_size
    from_dict = codec.from_dict
    peek = codec.peek
    to_dict = codec.to_dict
    Auth = packets.Auth
    ConnAck = packets.ConnAck
    Connect = packets.Connect
    Disconnect = packets.Disconnect
    Packet = packets.Packet
    PingReq = packets.PingReq
    PingResp = packets.PingResp
    PubAck = packets.PubAck
    PubComp = packets.PubComp
    Publish = packets.Publish
    PubRec = packets.PubRec
    PubRel = packets.PubRel
    SubAck = packets.SubAck
    Subscribe = packets.Subscribe
    Subscription = packets.Subscription
    UnsubAck = packets.UnsubAck
    Unsubscribe = packets.Unsubscribe
    Will = packets.Will
    del codec, packets
del TYPE_CHECKING

__all__ = [
    "BACKEND",
    "BACKEND_ERROR",
    "Auth",
    "ConnAck",
    "Connect",
    "ConnectReturnCode",
    "DecodeError",
    "Decoder",
    "Disconnect",
    "EncodeError",
    "Encoder",
    "FixedHeader",
    "IncompletePacketError",
    "MQTTError",
    "MQTTv5",
    "MQTTv31",
    "MQTTv311",
    "MalformedPacketError",
    "Packet",
    "PacketTooLargeError",
    "PacketType",
    "PingReq",
    "PingResp",
    "PropertyId",
    "ProtocolError",
    "ProtocolVersion",
    "PubAck",
    "PubComp",
    "PubRec",
    "PubRel",
    "Publish",
    "QoS",
    "ReasonCode",
    "RetainHandling",
    "Role",
    "SubAck",
    "Subscribe",
    "Subscription",
    "UnsubAck",
    "Unsubscribe",
    "UnsupportedVersionError",
    "Will",
    "answer_to",
    "decode",
    "decode_from",
    "encode",
    "encode_acks",
    "encode_into",
    "encode_many",
    "encode_parts",
    "encoded_size",
    "from_dict",
    "peek",
    "to_dict",
]
__version__ = "1.1.0"
