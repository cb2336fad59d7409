"""The measured operations: their cases and the checks of their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from corpus import CASES, STREAMS, Case, Stream, fields
from participants import Call, Participant

from mqttcodec import _codec_py as codec


class Operation(NamedTuple):
    """One operation that all participants perform."""

    method: str
    """The name of a method of `Participant`, which takes a case and returns the call."""
    cases: list[Case | Stream]
    is_right: Callable[[Any, Any], bool]
    """Takes the result and the case."""


def agrees(told: Any, wanted: Any) -> bool:
    """Whether all decoded fields have the expected values. A library may have a default where ours has None."""
    if isinstance(told, dict):
        return bool(told or not wanted) and all(agrees(value, wanted[name]) for name, value in told.items())
    if isinstance(told, tuple) and isinstance(wanted, tuple):
        return len(told) == len(wanted) and all(map(agrees, told, wanted))
    return bool(told == wanted) or not (told or wanted)


def decoded(told: Any, case: Case) -> bool:
    return agrees(told, fields(case.packet))


def decoded_all(told: Any, stream: Stream | Case) -> bool:
    packets = stream.packets if isinstance(stream, Stream) else [stream.packet]
    return len(told) == len(packets) and all(map(agrees, told, map(fields, packets)))


def encoded(data: Any, case: Case) -> bool:
    return codec.decode(data, case.version) == case.packet


def fanned_out(data: Any, case: Case) -> bool:
    return bool(codec.decode(data, case.version) == case.packet.replace(packet_id=8))


def encoded_all(data: Any, stream: Stream) -> bool:
    return list(codec.Decoder(stream.version).feed(data)) == stream.packets


def named(*names: str) -> list[Case | Stream]:
    return [CASES[name] if name in CASES else STREAMS[name] for name in names]


BATCHES = named("600 PUBLISH 3.1.1, whole", "600 PUBLISH 5, whole", "600 PUBACK 5, whole")
MESSAGES = ("PUBLISH 3.1.1 QoS 1", "PUBLISH 5 QoS 1")

OPERATIONS = {
    "decode": Operation("decode", [*CASES.values()], decoded),
    "decode and read four fields": Operation("read", named(*MESSAGES), decoded_all),
    "stream": Operation("stream", [made for made in STREAMS.values() if "PUBLISH" in made.name], decoded_all),
    "encode": Operation("encode", [*CASES.values()], encoded),
    "build and encode": Operation("build", named(*MESSAGES, "PUBLISH 5, six properties", "PUBACK 5"), encoded),
    "replace and encode": Operation("fan_out", named(*MESSAGES), fanned_out),
    "encode_many": Operation("encode_many", BATCHES[:2], encoded_all),
    "encode_acks": Operation("encode_acks", BATCHES[2:], encoded_all),
    "Encoder": Operation("batch", BATCHES, encoded_all),
}


def call_of(participant: Participant, operation: str, case: Case | Stream) -> Call | None:
    """The call, after a check of its result; None if the participant does not offer the operation."""
    call: Call | None = getattr(participant, OPERATIONS[operation].method)(case)
    if call is not None and not OPERATIONS[operation].is_right(call.judged(), case):
        raise AssertionError(f"{participant.name}, {operation}, {case.name}: wrong result")
    return call
