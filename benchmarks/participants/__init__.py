"""Who is measured: this codec, compiled and plain, the floor under it, and the codecs a user could pick instead.

A participant offers for each operation the thinnest honest use of its library: the least code that takes whole bytes
to a packet a user could work with, or back, with nothing of ours in between. Statements are timed as they would stand
in a user's loop, all by the same clock; what they make is judged before it runs.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from itertools import repeat
from typing import Any, NamedTuple

from corpus import Case, Stream

READ_FOUR_FIELDS = """
packet.topic
packet.payload
packet.qos
packet.packet_id
..."""


class Call(NamedTuple):
    """What is timed."""

    statement: str
    """An expression, or lines in which `...` stands where the user's code goes, with a `packet`."""
    names: Mapping[str, Any]
    """What the statement refers to."""
    told: Callable[[Any], Any] = lambda made: made
    """From what was made to what is judged: bytes, or the fields of a packet by our names."""

    def judged(self) -> Any:
        """What one execution made, as `told` tells it; of lines with `...` a list."""
        if "..." not in self.statement:
            return self.told(eval(self.statement, dict(self.names)))
        packets: list[Any] = []
        exec(self.statement.replace("...", "append_judged(packet)"), {**self.names, "append_judged": packets.append})
        return [self.told(packet) for packet in packets]

    def loop(self, times: int) -> Callable[[], None]:
        """A function that executes the statement `times` times, ten in a row, its names as local variables."""
        in_a_row = 10 if times % 10 == 0 else 1
        body = [f"  {line}" for line in self.statement.splitlines()] * in_a_row
        source = "\n".join([f"def run(turns, {', '.join(self.names)}):", " for _ in repeat(None, turns):", *body])
        made: dict[str, Any] = {"repeat": repeat}
        exec(source, made)
        return partial(made["run"], times // in_a_row, **self.names)


class Participant:
    """A library. Its module imports it; its methods return the call for a case, None where it has no such thing."""

    name: str

    def decode(self, case: Case) -> Call | None:
        """Bytes to a packet. `told`: the fields that were decoded."""
        return None

    def read(self, case: Case) -> Call | None:
        """Bytes to a packet, and topic, payload, QoS and packet identifier of a PUBLISH read from it."""
        return None

    def encode(self, case: Case) -> Call | None:
        """A packet that is there to bytes."""
        return None

    def build(self, case: Case) -> Call | None:
        """A packet made and encoded."""
        return None

    def fan_out(self, case: Case) -> Call | None:
        """A PUBLISH that is there encoded under packet identifier 8, as a broker does for each subscriber."""
        return None

    def encode_many(self, stream: Stream) -> Call | None:
        """A list of packets to one buffer."""
        return None

    def stream(self, stream: Stream) -> Call | None:
        """The pieces of a stream to packets; each may be dropped when the next is there."""
        return None


# In the order of the tables. `module`: `class`.
PARTICIPANTS = {
    "mqttcodec, compiled": "ours:Compiled",
    "mqttcodec, plain Python": "ours:Plain",
    "floor": "floor:Floor",
    "mqtt5": "mqtt5:Mqtt5",
    "mqttium": "mqttium:Mqttium",
    "ohmqtt": "ohmqtt:Ohmqtt",
    "zmqtt": "zmqtt:Zmqtt",
    "gmqtt": "gmqtt:Gmqtt",
    "paho-mqtt": "paho:Paho",
    "amqtt": "amqtt:Amqtt",
    "mqttools": "mqttools:Mqttools",
    "twisted-mqtt": "twisted_mqtt:TwistedMqtt",
}


def participant(name: str) -> Participant:
    """Raises ImportError where its library is not installed."""
    module, _, cls = PARTICIPANTS[name].partition(":")
    made: Participant = getattr(importlib.import_module(f"participants.{module}"), cls)()
    made.name = name
    return made
