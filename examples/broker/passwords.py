"""User names and hashed passwords in a file."""

import hmac
import secrets
from hashlib import scrypt
from pathlib import Path


class Passwords:
    """The users in a file, which need not exist yet. A line has a name, a salt and a hash: `name:salt:hash`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self._users = {name: (salt, digest) for name, salt, digest in (line.rsplit(":", 2) for line in lines)}

    def add(self, name: str, password: str) -> None:
        """Add a user, or change the password, and write the file."""
        if not name.isprintable():
            raise ValueError(f"a user name must be printable, not {name!r}")
        salt = secrets.token_hex(16)
        self._users[name] = salt, _hash(password.encode(), salt)
        self._path.touch(mode=0o600)
        lines = [f"{name}:{salt}:{digest}\n" for name, (salt, digest) in self._users.items()]
        self._path.write_text("".join(lines), encoding="utf-8")

    def check(self, name: str | None, password: bytes | memoryview | None) -> bool:
        """Whether the password is right. The time does not tell whether the user exists. Any thread may call this."""
        salt, digest = self._users.get(name or "", ("", ""))
        return hmac.compare_digest(_hash(bytes(password or b""), salt), digest)


def _hash(password: bytes, salt: str) -> str:
    return scrypt(password, salt=bytes.fromhex(salt), n=1 << 14, r=8, p=1).hex()
