"""Refuse a release of a host that its adapter was not tried with."""

from __future__ import annotations

import os
from importlib.metadata import version

ANY_RELEASE = "MQTTCODEC_ANY_RELEASE"


def check(host: str, tried: tuple[str, ...]) -> None:
    """Raise ImportError unless the installed release of `host` is one of `tried`, or the user accepts any."""
    found = version(host)
    if found not in tried and os.environ.get(ANY_RELEASE) != "1":
        raise ImportError(
            f"this adapter was tried with {host} {', '.join(tried)}, not {found}, and relies on private names. "
            f"Install {host}=={tried[-1]}, or set {ANY_RELEASE}=1 to use {found} anyway."
        )
