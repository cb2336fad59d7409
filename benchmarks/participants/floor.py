"""The floor: an extension that makes the same objects from known offsets, without parsing.

The difference between the floor and the compiled codec is the cost of parsing and checking. Encoding copies known
bytes. The extension is built from `floor.pyx` on first use, and rebuilt after a change to that file or to the package.
"""

from __future__ import annotations

import sys
from importlib import import_module, invalidate_caches
from pathlib import Path
from typing import Any

from corpus import Case, Stream, fields

import mqttcodec

from . import Call, Participant

SOURCE = Path(__file__).parents[1] / "floor.pyx"
PLACE = SOURCE.parent / "build" / sys.implementation.cache_tag

DECODERS = {
    "CONNECT 3.1.1": "connect_311",
    "CONNECT 5": "connect_5",
    "PUBLISH 3.1.1 QoS 0": "publish_311_qos_0",
    "PUBLISH 3.1.1 QoS 1": "publish_311_qos_1",
    "PUBLISH 5 QoS 0": "publish_5_qos_0",
    "PUBLISH 5 QoS 1": "publish_5_qos_1",
    "PUBLISH 5, six properties": "six_properties",
    "PUBACK 5": "puback",
    "SUBSCRIBE 5, four filters": "subscribe",
    "SUBACK 5, four codes": "suback",
    "PINGREQ": "pingreq",
    "DISCONNECT 5": "disconnect",
    "AUTH 5": "auth",
}

STREAM = """
for packet in Messages(data):
    ...
"""


def built() -> Any:
    """The module `floor`. Raises ImportError if it cannot be built."""
    compiled = max(Path(mqttcodec.__file__).parent.glob("_packets_c.*so"), default=None)
    if compiled is None:
        raise ImportError("the floor makes the packets of the extension, which is not there")
    sys.path.insert(0, str(PLACE))
    made = next(PLACE.glob("floor.*so"), None)
    if made is None or made.stat().st_mtime < max(SOURCE.stat().st_mtime, compiled.stat().st_mtime):
        build()
        invalidate_caches()
    return import_module("floor")


def build() -> None:
    from Cython.Build import cythonize
    from setuptools import Distribution, Extension

    extension = Extension("floor", [str(SOURCE)], extra_compile_args=["-O3"])
    packages = str(Path(mqttcodec.__file__).parents[1])
    modules = cythonize([extension], include_path=[packages], build_dir=str(PLACE), quiet=True, force=True)
    command = Distribution({"ext_modules": modules}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = str(PLACE), str(PLACE)
    try:
        command.ensure_finalized()
        command.run()
    except Exception as error:
        raise ImportError(f"the floor could not be built: {error}") from error


class Floor(Participant):
    def __init__(self) -> None:
        self.floor = built()

    def decode(self, case: Case) -> Call | None:
        if case.name not in DECODERS:
            return None
        return Call("decode(data)", {"decode": getattr(self.floor, DECODERS[case.name]), "data": case.data}, told)

    def encode(self, case: Case) -> Call:
        return Call("encode(packet, data)", {"encode": self.floor.copy_of, "packet": case.packet, "data": case.data})

    def encode_many(self, stream: Stream) -> Call:
        names = {"encode_many": self.floor.copy_of, "packets": stream.packets, "data": stream.data}
        return Call("encode_many(packets, data)", names)

    def stream(self, stream: Stream) -> Call | None:
        if stream.name != "600 PUBLISH 5, whole":
            return None
        return Call(STREAM, {"Messages": self.floor.Messages, "data": stream.data}, told)


def told(packet: Any) -> dict[str, Any]:
    """All fields except the version: one function makes both CONNECT packets, with 5.0."""
    return {name: value for name, value in fields(packet).items() if name != "protocol_version"}
