"""A `Connection` handles any bytes of its peer and any calls of its owner.

It yields packets or raises a documented error. An error of the owner changes nothing, an error of the peer ends the
connection, and the bytes to send are packets that the peer can decode.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import sessions
from fuzz import inputs
from fuzz.inputs import Input
from samples import plain

LIMIT = 200
OWNERS_ERRORS = ("LocalProtocolError", "QueueFullError", "PacketIdsExhausted", "EncodeError")


def check(mqtt: Any, data: bytes) -> Any:
    given = Input(data)
    options, version = given.byte(), given.version()
    session = sessions.load(mqtt)
    role = mqtt.Role.SERVER if options & 1 else mqtt.Role.CLIENT
    connection = session.Connection(
        role,
        max_packet_size=LIMIT,
        receive_maximum=2,
        topic_alias_maximum=options & 2,
        max_queued=2,
        max_inflight=2,
        manual_acks=bool(options & 4),
    )
    method = {"authentication_method": "m"} if options & 8 and version == 5 else {}
    connect = mqtt.Connect("c", protocol_version=version, keep_alive=10, **method)
    packets = _packets(mqtt, connection, connect, method)
    sent, found, held, now = bytearray(), [], [], 0.0
    if options & 16:  # Begin at once.
        if role is mqtt.Role.CLIENT:
            connection.send(connect)
            found += _received(mqtt, connection, mqtt.encode(mqtt.ConnAck(**method), version), held, now)
        else:
            found += _received(mqtt, connection, mqtt.encode(connect), held, now)
            connection.send(mqtt.ConnAck())
        sent += connection.take()
    while steps := given.take(1):
        step, count = steps[0] >> 5, steps[0] & 31
        if step < 3:
            if connection.pending < 4096:
                now += step
                found += _received(mqtt, connection, given.take(count), held, now, stop=step == 2)
        elif step < 6:
            _tried(connection, packets[count % len(packets)], found)
        elif held:
            message, code = held.pop(count % len(held)), (0, 0, 0x80, 0x10)[count & 3]
            _tried(connection, lambda message=message, code=code: connection.acknowledge(message, code), found)
        else:
            now += count
            connection.tick(now)
            timeout = connection.timeout(now)
            assert timeout is None or timeout > 0
        assert len(connection._unacknowledged) <= (4 if version == 5 else 65_535)
        sent += connection.take()
    found.append(connection.state.name)
    if connection.session is not None:
        found.append(connection.session.to_bytes())
    decoder = mqtt.Decoder(role=mqtt.Role.CLIENT if options & 1 else mqtt.Role.SERVER)
    decoder.version = connection.version if options & 1 else None
    if (sent and decoder.version is not None) or not options & 1:
        found += map(plain, decoder.feed(bytes(sent)))
        assert decoder.pending == 0
    connection.connection_lost()
    return found, bytes(sent)


def _packets(mqtt: Any, connection: Any, connect: Any, method: Any) -> list[Callable[[], Any]]:
    """Calls of the owner."""
    return [
        lambda: connection.send(connect),
        lambda: connection.send(mqtt.ConnAck()),
        lambda: connection.send(mqtt.ConnAck(True)),
        lambda: connection.publish("a", b"0"),
        lambda: connection.publish("a", b"1", 1),
        lambda: connection.publish("b", b"2", 2, retain=True),
        lambda: connection.publish("b", bytes(300)),
        lambda: connection.publish("#"),
        lambda: connection.subscribe(mqtt.Subscription("$share/g/#", 2), subscription_identifier=1),
        lambda: connection.subscribe(mqtt.Subscription("a")),
        lambda: connection.send(mqtt.Subscribe(3, [mqtt.Subscription("a")])),
        lambda: connection.unsubscribe("a", "b"),
        lambda: connection.send(mqtt.SubAck(1, [0])),
        lambda: connection.send(mqtt.UnsubAck(1, [0])),
        lambda: connection.send(mqtt.PingReq()),
        lambda: connection.send(mqtt.PubAck(1)),
        lambda: connection.send(mqtt.Auth(0x18, **method)),
        lambda: connection.send(mqtt.Auth(0x19, **method)),
        lambda: connection.send(mqtt.Auth(0, **method)),
        lambda: connection.send(mqtt.Disconnect(4)),
        lambda: connection.close(0x8B),
        lambda: connection.close(),
    ]


def _received(mqtt: Any, connection: Any, data: bytes, held: list[Any], now: float, stop: bool = False) -> list[Any]:
    found: list[Any] = []
    session = sessions.load(mqtt)
    try:
        for packet in connection.receive(data, now):
            found.append(plain(packet))
            if type(packet) is mqtt.Publish and packet.qos and (stop or connection._manual_acks):
                held.append(packet)
                if stop:
                    break
    except mqtt.DecodeError as error:
        assert connection.state is session.ConnectionState.CLOSING
        found.append((type(error).__name__, str(error), error.reason_code, error.clause))
    return found


def _tried(connection: Any, call: Callable[[], Any], found: list[Any]) -> None:
    state, pending = connection.state, connection.pending
    before = connection.session and connection.session.to_bytes()
    try:
        call()
    except Exception as error:
        if type(error).__name__ not in OWNERS_ERRORS:
            raise
        assert (connection.state, connection.pending) == (state, pending)
        assert (connection.session and connection.session.to_bytes()) == before
        found.append((type(error).__name__, str(error)))


def seeds() -> Iterator[bytes]:
    rng = random.Random(0)
    for version, stream in inputs.packets():
        number = inputs.VERSIONS.index(version)
        for options in (16 + rng.randrange(16), 17, rng.randrange(16)):
            body = bytearray((options, number))
            for at in range(0, min(len(stream), 120), 31):
                piece = stream[at : at + 31]
                body += bytes((rng.randrange(3) << 5 | len(piece),)) + piece
                body += bytes(rng.randrange(96, 256) for _ in range(rng.randrange(4)))
            yield bytes(body)
