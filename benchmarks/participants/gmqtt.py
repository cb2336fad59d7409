"""gmqtt, a client for asyncio, for MQTT 3.1.1 and 5.

The protocol's `_read_packet` passes bytes to the client's handler, which parses a packet and calls the user's
`on_message(topic, payload, qos, properties)`. Here, `on_message` stores its arguments in a list. The adapter leaves out
the connection between the two, acknowledgements, the event loop, and the cases that read a packet identifier. The
builders in `gmqtt.mqtt.package` encode. They take packet identifiers from a generator, which here yields the required
ones.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import cycle
from types import SimpleNamespace
from typing import Any

from corpus import PAYLOAD, SIX_PROPERTIES, TOPIC, Case, Stream, fields
from gmqtt import Message, Subscription
from gmqtt.mqtt import package
from gmqtt.mqtt.constants import MQTTCommands
from gmqtt.mqtt.handler import MqttPackageHandler
from gmqtt.mqtt.protocol import MQTTProtocol
from gmqtt.mqtt.utils import ConnectionState

from . import Call, Participant

# A protocol needs one but does not run it here.
LOOP = asyncio.new_event_loop()
LOOP.close()

# The library's names of properties, where they differ.
NAMES = {"payload_format_indicator": "payload_format_id", "user_properties": "user_property"}
OUR_NAMES = {name: ours for ours, name in NAMES.items()}
ACKNOWLEDGEMENTS = {
    "PUBACK 5": MQTTCommands.PUBACK,
    "PUBREC 5": MQTTCommands.PUBREC,
    "PUBREL 5": MQTTCommands.PUBREL | 2,
    "PUBCOMP 5": MQTTCommands.PUBCOMP,
}
# The library answers PUBREC and PUBREL in the same call, and does not parse DISCONNECT.
DECODED = ("PUBLISH", "PUBACK", "PUBCOMP", "SUBACK")

# The same steps as the library's `_read_loop`, without waiting.
STREAM = """
buffer = b""
for piece in pieces:
    buffer += piece
    buffer = buffer[read_packet(buffer) :]
    for packet in received:
        ...
    received.clear()
"""


def protocol(version: int, packet_ids: Iterable[int] = (7,)) -> MQTTProtocol:
    generator = SimpleNamespace(next_id=cycle(packet_ids).__next__)
    return MQTTProtocol(loop=LOOP, connection_state=ConnectionState(version), id_generator=generator)


def reader(version: int) -> dict[str, Any]:
    """The protocol's `read_packet`, and the list of results that its handler has received."""
    received: list[Any] = []

    def on_callback(*arguments: Any) -> None:
        received.append(arguments)

    def ignore(*arguments: Any, **options: Any) -> None:
        pass

    ignored = ("reconnect", "disconnect", "resend_qos", "clear_qos", "store_message", "send_command_with_mid")
    handler = MqttPackageHandler(
        connack_event=None,
        connection_lost_event=None,
        connection_state=ConnectionState(version),
        connect_properties={},
        subscriptions_getter=list,
        remove_message_callback=on_callback,
        **{f"{name}_callback": ignore for name in ignored},
    )
    handler.on_message = handler.on_subscribe = on_callback
    made = protocol(version)
    made.set_connection(SimpleNamespace(put_package=handler))
    return {"read_packet": made._read_packet, "received": received}


def told(arguments: Any) -> dict[str, Any]:
    """Uses the arguments of `on_message`, `on_subscribe` or, for PUBACK and PUBCOMP, `remove_message_callback`."""
    if len(arguments) == 1:
        return {"packet_id": arguments[0]}
    if len(arguments) == 3:
        return {"packet_id": arguments[0], "reason_codes": arguments[1]}
    topic, payload, qos, properties = arguments
    values = {
        OUR_NAMES.get(name, name): tuple(value) if name == "user_property" else value[0]
        for name, value in properties.items()
        if isinstance(value, list)
    }
    flags = {"retain": properties["retain"], "dup": properties["dup"]}
    return {"topic": topic, "payload": payload, "qos": qos, **flags, **values}


def message(packet: Any) -> Message:
    """The properties of a PUBLISH or a Will."""
    values = fields(packet)
    positional = [values.pop(name) for name in ("topic", "payload", "qos", "retain")]
    dropped = ("dup", "packet_id")
    properties = {name: value for name, value in values.items() if value and name not in dropped}
    return Message(*positional, **{NAMES.get(name, name): value for name, value in properties.items()})


def connect(packet: Any, made: MQTTProtocol) -> Call:
    values = {name: value for name, value in fields(packet).items() if value}
    given = ("client_id", "username", "password", "clean_start", "keep_alive")
    names = {name: values.pop(name) for name in given}
    del values["will"], values["protocol_version"]
    properties = {NAMES.get(name, name): value for name, value in values.items()}
    others = {"will": message(packet.will), "properties": properties, "protocol": made}
    statement = f"build({', '.join(given)}, protocol, will_message=will, **properties)"
    return Call(statement, {"build": package.LoginPackageFactor.build_package, **names, **others})


class Gmqtt(Participant):
    def decode(self, case: Case) -> Call | None:
        if not case.name.startswith(DECODED):
            return None
        return Call("read_packet(data) and received.pop()", {**reader(case.version), "data": case.data}, told)

    def encode(self, case: Case) -> Call | None:
        made = protocol(case.version)
        if case.name.startswith("PUBLISH"):
            names = {"build": package.PublishPacket.build_package, "message": message(case.packet), "protocol": made}
            return Call("build(message, protocol)[1]", names)
        if case.name in ACKNOWLEDGEMENTS:
            names = {"build": package.CommandWithMidPacket.build_package, "command": ACKNOWLEDGEMENTS[case.name]}
            return Call("build(command, 7, False)", names)
        if case.name.startswith("CONNECT"):
            return connect(case.packet, made)
        if case.name.startswith("SUBSCRIBE"):
            subscriptions = [Subscription(each.topic_filter, each.qos) for each in case.packet.subscriptions]
            names = {"build": package.SubscribePacket.build_package, "subscriptions": subscriptions, "protocol": made}
            return Call("build(subscriptions, protocol)[1]", names)
        if case.name == "PINGREQ":
            names = {"build": package.SimpleCommandPacket.build_package, "command": MQTTCommands.PINGREQ}
            return Call("build(command)", names)
        if case.name.startswith("DISCONNECT"):
            names = {"build": package.DisconnectPacket.build_package, "protocol": made, "code": case.packet.reason_code}
            return Call("build(protocol, code)", names)
        return None

    def build(self, case: Case) -> Call | None:
        if case.name == "PUBACK 5":
            return self.encode(case)
        properties = SIX_PROPERTIES if "six" in case.name else {}
        given = "".join(f", {NAMES.get(name, name)}={name}" for name in properties)
        names = {"build": package.PublishPacket.build_package, "Message": Message, "topic": TOPIC, "payload": PAYLOAD}
        statement = f"build(Message(topic, payload, 1{given}), protocol)[1]"
        return Call(statement, {**names, "protocol": protocol(case.version), **properties})

    def fan_out(self, case: Case) -> Call | None:
        names = {"build": package.PublishPacket.build_package, "message": message(case.packet)}
        return Call("build(message, protocol)[1]", {**names, "protocol": protocol(case.version, (8,))})

    def encode_many(self, stream: Stream) -> Call | None:
        names = {
            "build": package.PublishPacket.build_package,
            "messages": [message(packet) for packet in stream.packets],
            "protocol": protocol(stream.version, [packet.packet_id for packet in stream.packets]),
        }
        return Call('b"".join([build(message, protocol)[1] for message in messages])', names)

    def stream(self, stream: Stream) -> Call | None:
        return Call(STREAM, {**reader(stream.version), "pieces": stream.pieces}, told)
