"""`Session.from_bytes` raises ValueError, or restores a session that is saved as the same bytes and can be finished."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import sessions
from fuzz.inputs import Input

HEAD = bytes.fromhex("01 05 00 00000e10 0002 0064 0002 00000004 0001 63")
PACKETS = [
    bytes.fromhex(packet)
    for packet in (
        *("50020001", "50020002", "62020001", "62020003"),  # PUBREC and PUBREL
        *("3a06 0001 61 0003 00", "3c06 0001 61 0004 00"),  # PUBLISH that was sent
        *("3206 0001 61 0005 00", "3406 0001 61 0006 00"),  # and that was not
        *("3208 0001 61 0001 02 0101", "40020001", "c000"),
    )
]


def check(mqtt: Any, data: bytes) -> Any:
    given = Input(data)
    head = HEAD if given.byte() & 1 else b""
    saved = head + given.rest()
    try:
        session = sessions.load(mqtt).Session.from_bytes(saved)
    except ValueError as error:
        assert type(error) is ValueError
        assert str(error).startswith("not a saved session: ")
        return str(error)
    assert session.to_bytes() == saved
    for packet_id in list(session.incoming._received):
        assert session.incoming.on_pubrel(mqtt.PubRel(packet_id)) == mqtt.PubComp(packet_id)
    outgoing, sent = session.outgoing, []
    packets = outgoing.resend()
    while packets or outgoing.queued:
        packets += outgoing.to_send()
        packet = packets.pop(0)
        sent.append(packet)
        if type(packet) is mqtt.PubRel:
            assert outgoing.on_pubcomp(mqtt.PubComp(packet.packet_id))
        elif packet.qos == 1:
            assert outgoing.on_puback(mqtt.PubAck(packet.packet_id))
        else:
            packets.insert(0, outgoing.on_pubrec(mqtt.PubRec(packet.packet_id)))
    assert session.packet_ids.in_use == outgoing.in_flight == 0
    return mqtt.encode_many(sent)


def seeds() -> Iterator[bytes]:
    for count in range(4):
        for packets in itertools.combinations(PACKETS, count):
            yield b"\x01" + b"".join(packets)
    yield b"\x00" + HEAD
    for at in range(len(HEAD)):
        for byte in (0, 1, 255):
            yield b"\x00" + HEAD[:at] + bytes((byte,)) + HEAD[at + 1 :] + PACKETS[4]
