"""Standard output and standard error of the command."""

from __future__ import annotations

import os
import sys
from typing import TextIO


class Output:
    """Collects text, and writes it in few calls."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self.add = self._parts.append
        for stream in (sys.stdout, sys.stderr):
            # Escape characters that the stream's encoding lacks, instead of raising an error for them.
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        self.has_terminal_errors = sys.stderr is not None and sys.stderr.isatty()

    def flush(self) -> None:
        """Write everything that was added."""
        text = "".join(self._parts)
        self._parts.clear()
        if sys.stdout is not None:
            sys.stdout.write(text)
            sys.stdout.flush()

    def error(self, text: str) -> None:
        """Write to standard error, after everything that was added before."""
        self.flush()
        if sys.stderr is not None:
            sys.stderr.write(text)
            sys.stderr.flush()

    def note(self, line: str) -> None:
        self.error(f"mqttcodec: {line}\n")


def has_colour(stream: TextIO | None) -> bool:
    """Whether to write colours to a stream: to a terminal, unless the user wants none (no-color.org)."""
    wants_none = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream is not None and stream.isatty() and not wants_none


def write_bytes(data: bytes) -> None:
    """Write bytes to standard output."""
    if sys.stdout is not None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
