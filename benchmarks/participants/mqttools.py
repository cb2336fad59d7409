"""mqttools, a client and broker for asyncio, for MQTT 5 with QoS 0.

For each packet type, an `unpack_...` function takes a PayloadReader positioned after the fixed header and returns a
tuple. For a whole packet, the adapter's `decode` follows the first steps of the library's `format_packet`. A
`pack_...` function returns bytes. The adapter leaves out streams, which have QoS 1, and CONNECT with user properties.
"""

from __future__ import annotations

from typing import Any

from corpus import Case
from mqttools import common
from mqttools.common import ControlPacketType, PayloadReader

from . import Call, Participant

UNPACK = {
    ControlPacketType.SUBSCRIBE: common.unpack_subscribe,
    ControlPacketType.SUBACK: common.unpack_suback,
    ControlPacketType.DISCONNECT: common.unpack_disconnect,
}


def decode(data: bytes) -> Any:
    packet_type, flags = common.unpack_fixed_header(data)
    payload = PayloadReader(data[1:])
    common.unpack_variable_integer(payload)
    if packet_type is ControlPacketType.PUBLISH:
        return common.unpack_publish(payload, flags >> 1 & 3)
    return UNPACK[packet_type](payload)


TOLD = {
    "PUBLISH 5 QoS 0": lambda made: {"topic": made[0], "payload": made[1]},
    "SUBSCRIBE 5, four filters": lambda made: {
        "packet_id": made[0],
        "subscriptions": tuple({"topic_filter": text, "qos": options & 3} for text, options in made[2]),
    },
    "SUBACK 5, four codes": lambda made: {"packet_id": made[0], "reason_codes": tuple(made[2])},
    "DISCONNECT 5": lambda made: {"reason_code": made[0]},
}


class Mqttools(Participant):
    def decode(self, case: Case) -> Call | None:
        if case.name not in TOLD:
            # A PINGREQ has nothing to unpack.
            return None
        return Call("decode(data)", {"decode": decode, "data": case.data}, TOLD[case.name])

    def encode(self, case: Case) -> Call | None:
        packet = case.packet
        if case.name == "PUBLISH 5 QoS 0":
            names = {"pack": common.pack_publish, "topic": packet.topic, "payload": packet.payload}
            return Call("pack(topic, payload, False, properties)", {**names, "properties": {}})
        if case.name == "SUBACK 5, four codes":
            return Call("pack(7, codes)", {"pack": common.pack_suback, "codes": bytes(packet.reason_codes)})
        if case.name == "DISCONNECT 5":
            return Call("pack(code)", {"pack": common.pack_disconnect, "code": packet.reason_code})
        # No SUBSCRIBE: the function takes one filter and no QoS.
        return Call("pack()", {"pack": common.pack_pingreq}) if case.name == "PINGREQ" else None
