"""The participants: this codec, compiled and plain, the floor, and the other codecs that a user could choose.

For each operation, a participant uses its library as directly as possible: the least code that turns bytes into a
packet a user can work with, or back, without any of our code in between. Statements are timed as in a user's loop, all
with the same clock. Their results are checked first.
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
    """A timed call."""

    statement: str
    """An expression, or lines in which `...` marks the place of the user's code, which uses `packet`."""
    names: Mapping[str, Any]
    """The names that the statement uses."""
    told: Callable[[Any], Any] = lambda made: made
    """Converts the result for the check: bytes, or the fields of a packet by our names."""

    def judged(self) -> Any:
        """The result of one execution, converted by `told`; a list for lines with `...`."""
        if "..." not in self.statement:
            return self.told(eval(self.statement, dict(self.names)))
        packets: list[Any] = []
        exec(self.statement.replace("...", "append_judged(packet)"), {**self.names, "append_judged": packets.append})
        return [self.told(packet) for packet in packets]

    def loop(self, times: int) -> Callable[[], None]:
        """A function that executes the statement `times` times, unrolled by ten, with its names as local variables."""
        in_a_row = 10 if times % 10 == 0 else 1
        body = [f"  {line}" for line in self.statement.splitlines()] * in_a_row
        source = "\n".join([f"def run(turns, {', '.join(self.names)}):", " for _ in repeat(None, turns):", *body])
        made: dict[str, Any] = {"repeat": repeat}
        exec(source, made)
        return partial(made["run"], times // in_a_row, **self.names)


class Participant:
    """A library, imported by its module. The methods return the call for a case, or None if it is not offered."""

    name: str

    def decode(self, case: Case) -> Call | None:
        """Decode bytes to a packet. `told` returns the decoded fields."""
        return None

    def read(self, case: Case) -> Call | None:
        """Decode a PUBLISH, and read its topic, payload, QoS and packet identifier."""
        return None

    def encode(self, case: Case) -> Call | None:
        """Encode an existing packet."""
        return None

    def build(self, case: Case) -> Call | None:
        """Construct a packet and encode it."""
        return None

    def fan_out(self, case: Case) -> Call | None:
        """Encode an existing PUBLISH with packet identifier 8, as a broker does for each subscriber."""
        return None

    def encode_many(self, stream: Stream) -> Call | None:
        """Encode a list of packets into one buffer."""
        return None

    def encode_acks(self, stream: Stream) -> Call | None:
        """Encode acknowledgements from their packet identifiers into one buffer."""
        return None

    def batch(self, stream: Stream) -> Call | None:
        """Encode packets one by one into a buffer, and take the buffer."""
        return None

    def stream(self, stream: Stream) -> Call | None:
        """Decode the pieces of a stream. Each packet may be dropped when the next is decoded."""
        return None


# In the order of the tables. The values are `module:class`.
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
    """Raises ImportError if the library is not installed."""
    module, _, cls = PARTICIPANTS[name].partition(":")
    made: Participant = getattr(importlib.import_module(f"participants.{module}"), cls)()
    made.name = name
    return made
