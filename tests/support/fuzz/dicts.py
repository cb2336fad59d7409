"""`from_dict` raises a documented error, or returns a packet that `to_dict` and `from_dict` keep."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from fuzz import inputs
from fuzz.inputs import Input
from samples import outcome, plain, with_true_length


def check(mqtt: Any, data: bytes) -> Any:
    given = Input(data)
    version = given.version()
    changes = [(given.byte() << 8 | given.byte(), given.value()) for _ in range(given.byte() & 3)]
    try:
        packet = mqtt.decode(with_true_length(given.rest()), version)
    except mqtt.DecodeError:
        return None
    written = mqtt.to_dict(packet)
    assert mqtt.from_dict(written) == packet
    assert mqtt.from_dict(mqtt.to_dict(packet, defaults=True)) == packet
    for where, value in changes:
        change(written, where, value)
    try:
        packet = mqtt.from_dict(written)
    except (TypeError, ValueError):
        return outcome(lambda: mqtt.from_dict(written))
    assert mqtt.from_dict(mqtt.to_dict(packet)) == packet
    return plain(packet)


def change(written: dict[str, Any], where: int, value: Any) -> None:
    """Replace, remove or add one value, in the dict or in a dict or list inside it. `where` chooses it."""
    holders: list[Any] = [written]
    for holder in holders:
        inside = holder.values() if isinstance(holder, dict) else holder
        holders += [item for item in inside if isinstance(item, (dict, list))]
    way, where = where % 4, where // 4
    holder, where = holders[where % len(holders)], where // len(holders)
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    if way == 0 or not keys:
        if isinstance(holder, dict):
            holder[value if isinstance(value, (str, int, bytes)) else "type"] = value
        else:
            holder.append(value)
    elif way == 1:
        del holder[keys[where % len(keys)]]
    else:
        holder[keys[where % len(keys)]] = value


def seeds() -> Iterator[bytes]:
    rng = random.Random(0)
    for version, packet in inputs.packets():
        head = bytes((inputs.VERSIONS.index(version),))
        yield head + b"\x00" + packet
        for _ in range(2):
            yield head + b"\x01" + rng.randbytes(2) + bytes((rng.randrange(len(inputs.ODD_VALUES)),)) + packet
