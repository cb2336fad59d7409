"""The vectors of `rules/vectors/*.jsonl`: one input per line, with the expected result.

`hex` is the input as bytes (`61*300`: a byte 300 times), `version` the version of the connection, `expect` "ok",
"error" or "incomplete". The expected result is then:

* ok: the `packet`, with the fields that differ from their defaults. `canonical` false: encoding gives other bytes.
* error: its class, `reason_code`, `clause` and `offset`. A `packet` beside them says the same as the bytes, or
  something that no bytes can express: `encode` rejects it and names the same clause.
* incomplete: no error yet, and no packet.

Values in a packet that JSON lacks: {"hex": "00ff"}, {"times": [300, "x"]}, {"zeros": 300} (bytes that take no memory).

`decoder` is set if the rule is about a stream: the arguments of a Decoder, which is the only function tried, and which
has read the packets of `after` before. `decode_only`: for `decode`, not for a stream. `buffer`: the size of the buffer
for `encode_into`, which is the only function tried. `max_packet_size`: that of an Encoder, which is the only way tried
to write the packet. `statements` lists the ids that a vector shows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "rules" / "vectors"


def load(*paths: Path) -> list[dict[str, Any]]:
    lines = ((path, line) for path in paths for line in path.read_text(encoding="utf-8").splitlines())
    return [{"file": path.name, **json.loads(line)} for path, line in lines]


ALL = load(*sorted(FOLDER.glob("*.jsonl")))
# Inputs that attack a reader. `test_adversarial.py` has more.
ADVERSARIAL = load(FOLDER.with_name("adversarial.jsonl"))
# By type of test: bytes for `decode` and a Decoder alike, bytes for a Decoder in a state, packets to write.
BYTES = [vector for vector in ALL if "hex" in vector and "decoder" not in vector]
OK = [vector for vector in BYTES if vector["expect"] == "ok"]
ERRORS = [vector for vector in BYTES if vector["expect"] == "error"]
INCOMPLETE = [vector for vector in BYTES if vector["expect"] == "incomplete"]
STREAMS = [vector for vector in ALL if "decoder" in vector]
UNWRITABLE = [vector for vector in ALL if vector["expect"] == "error" and "packet" in vector]


def octets(text: str) -> bytes:
    parts = (part.partition("*") for part in text.split())
    return b"".join(bytes.fromhex(part) * int(count or 1) for part, _, count in parts)


def data(vector: dict[str, Any]) -> bytes:
    return octets(vector["hex"])


def packet(mqtt: Any, described: Any) -> Any:
    """The packet, or the value in it, that a vector describes."""
    if isinstance(described, list):
        return tuple(packet(mqtt, item) for item in described)
    if not isinstance(described, dict):
        return described
    ((name, content),) = described.items()
    if name == "hex":
        return octets(content)
    if name == "times":
        return content[1] * content[0]
    if name == "zeros":
        return bytes(content)
    return getattr(mqtt, name)(**{field: packet(mqtt, value) for field, value in content.items()})


def decoder(mqtt: Any, vector: dict[str, Any], **options: Any) -> Any:
    """A decoder in the state that a vector needs: with the given version, or about to learn it from the CONNECT."""
    given = vector.get("decoder")
    if given is None:
        is_connect = vector.get("hex", "").startswith("10")
        return mqtt.Decoder(None if is_connect else vector["version"], **options)
    arguments = {**given, "role": mqtt.Role[given["role"]]} if "role" in given else given
    made = mqtt.Decoder(**arguments, **options)
    for _ in made.feed(octets(vector.get("after", ""))):
        pass
    return made
