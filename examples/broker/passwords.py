"""A file of user names and hashed passwords."""

from __future__ import annotations

import hmac
import secrets
from hashlib import scrypt
from pathlib import Path


def hashed(password: bytes, salt: bytes) -> bytes:
    return scrypt(password, salt=salt, n=1 << 14, r=8, p=1)


class Passwords:
    """The users in a file with lines `name:salt:hash`, in hexadecimal. The file need not exist yet."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._users = {name: (salt, digest) for name, salt, digest in (line.rsplit(":", 2) for line in lines)}

    def add(self, name: str, password: bytes) -> None:
        """Set the password of a user, and write the file."""
        if not name.isprintable():
            raise ValueError(f"a user name must be printable, not {name!r}")
        salt = secrets.token_bytes(16)
        self._users[name] = salt.hex(), hashed(password, salt).hex()
        self._path.touch(mode=0o600)
        self._path.write_text("".join(f"{user}:{salt}:{digest}\n" for user, (salt, digest) in self._users.items()))

    def check(self, name: str | None, password: bytes | memoryview | None) -> bool:
        """Whether the password is right. It takes the same time for an unknown user. Threads may call it."""
        salt, digest = self._users.get(name or "", ("", ""))
        return hmac.compare_digest(hashed(bytes(password or b""), bytes.fromhex(salt)).hex(), digest)
