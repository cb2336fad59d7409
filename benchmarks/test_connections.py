"""All rows of `session.py` handle all messages."""

from __future__ import annotations

import session


def test_rows() -> None:
    found = session.measure(0)
    assert len(found) == 8
    assert all(of[f"{session.CONNECTION}, MQTT 5.0"] for of in found.values())
