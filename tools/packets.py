"""Generate the files that repeat the packet classes of `src/mqttcodec/_packets_py.py`.

    python tools/packets.py            fail if a file is stale
    python tools/packets.py --write    write them

`_packets_py.pyi` gives type checkers and editors the types of fields and parameters. `_packets_c.pxd` and
`_packets_c.pyx` have the classes as extension types. In each file the classes follow a marker. The text before it, and
the text after a second marker, is written by hand.
"""

from __future__ import annotations

import dataclasses
import inspect
import os
import sys
import textwrap
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1] / "src" / "mqttcodec"
# The plain classes are enough, and the extensions may be out of date.
os.environ["MQTTCODEC_EXTENSIONS"] = "off"
sys.path.insert(0, str(PACKAGE.parent))

from mqttcodec import _packets_py  # noqa: E402
from mqttcodec._packets_py import Publish, Subscription, Will, _Acknowledgement  # noqa: E402

BEGIN = "# --- Generated from `_packets_py.py` by `tools/packets.py --write`.\n"
END = "# --- Written by hand from here on.\n"

# By type of a field: the type of the parameter, if that is wider, and the function of `_packets_c.pyx` that converts
# the argument. The functions that make tuples come first in a constructor.
TAKEN = {
    "bytes | memoryview": "Buffer",
    "bytes | memoryview | None": "Buffer | None",
    "QoS": "int",
    "QoS | None": "int | None",
    "RetainHandling": "int",
    "ProtocolVersion": "int",
    "ReasonCode": "int",
    "ReasonCode | ConnectReturnCode": "int",
    "tuple[int, ...]": "_Several[int]",
    "tuple[str, ...]": "_Several[str]",
    "tuple[Subscription, ...]": "_Several[Subscription]",
    "tuple[ReasonCode, ...]": "_ReasonCodes",
    "tuple[tuple[str, str], ...]": "_UserProperties",
}
CONVERTERS = {
    "QoS": "qos_of",
    "QoS | None": "qos_of",
    "RetainHandling": "retain_handling_of",
    "ProtocolVersion": "protocol_version_of",
    "ReasonCode": "reason_code_of",
    "ReasonCode | ConnectReturnCode": "connack_code_of",
    "tuple[int, ...]": "several",
    "tuple[str, ...]": "several",
    "tuple[Subscription, ...]": "several",
    "tuple[ReasonCode, ...]": "reason_codes_of",
    "tuple[tuple[str, str], ...]": "pairs_of",
}
# Constants of `_packets_c.pyx` that serve as defaults.
CONSTANTS = {"QoS": "_QOS_0", "ReasonCode": "_SUCCESS", "RetainHandling": "_SEND_AT_SUBSCRIBE"}
CONSTANTS |= {"ProtocolVersion": "_MQTT_5"}

# The fields in the first byte of a PUBLISH. Its properties are a separate object too.
FLAGS = ("retain", "dup")


def classes() -> Iterator[Any]:
    """The packet classes and the classes they contain, each after its base."""
    packets = _packets_py.Packet.__args__
    yield from (Will, *packets[:3], _Acknowledgement, *packets[3:7], Subscription, *packets[7:])


def own_fields(cls: Any) -> tuple[Any, ...] | None:
    """The fields of a class; None if its base defines them."""
    return dataclasses.fields(cls) if "__dataclass_fields__" in vars(cls) else None


def docstring(cls: Any) -> Iterator[str]:
    text = inspect.cleandoc(cls.__doc__)
    end = '\n"""' if "\n" in text else '"""'
    return indented(f'"""{text}{end}'.splitlines())


def indented(lines: Any) -> Iterator[str]:
    return ("    " + line.rstrip() if line.strip() else "" for line in lines)


def number(default: Any) -> Any:
    """The number, string or constant that equals a default."""
    return default.value if isinstance(default, Enum) else default


def parameters(fields: Any, written: Any) -> Iterator[str]:
    """The parameters of a constructor, each formatted by `written`."""
    keyword_only = False
    for field in fields:
        if field.kw_only and not keyword_only:
            keyword_only = True
            yield "*"
        yield written(field)


# --- The stub.


def stub() -> str:
    parts = ["\n".join(stub_class(cls)) for cls in classes()]
    parts.append("Packet = (\n    " + "\n    | ".join(cls.__name__ for cls in _packets_py.Packet.__args__) + "\n)")
    return "\n\n".join(parts) + "\n"


def stub_class(cls: Any) -> Iterator[str]:
    fields = own_fields(cls)
    if not cls.__name__.startswith("_"):
        yield "@final"
    if fields is not None:
        yield "@dataclass(frozen=True, init=False, eq=False, repr=False)"
    yield f"class {cls.__name__}({cls.__base__.__name__}):"
    yield from docstring(cls)
    if "packet_type" in vars(cls):
        yield from ("", f"    packet_type: ClassVar[Literal[{packet_type(cls)}]]")
    if fields is None:
        return
    yield ""
    declared = parameters(fields, lambda field: f"{field.name}: {field.type}")
    yield from indented("_: KW_ONLY" if line == "*" else line for line in declared)
    taken = ["self", *parameters(fields, stub_parameter)]
    if len(taken) < 4:
        yield f"    def __init__({', '.join(taken)}) -> None: ..."
    else:
        yield "    def __init__("
        yield from (f"        {parameter}," for parameter in taken)
        yield "    ) -> None: ..."
    if cls is Will:
        yield f"    def to_publish{inspect.signature(Will.to_publish)}: ...".replace("'", "")


def packet_type(cls: Any) -> str:
    return f"PacketType.{cls.packet_type.name}"


def stub_parameter(field: Any) -> str:
    default = "" if field.default is dataclasses.MISSING else f" = {number(field.default)!r}".replace("'", '"')
    return f"{field.name}: {TAKEN.get(field.type, field.type)}{default}"


# --- The extension types.


def declarations() -> str:
    """The structs, for `_packets_c.pxd`."""
    return "\n\n\n".join("\n".join(lines) for cls in classes() for lines in structs(cls)) + "\n"


def structs(cls: Any) -> Iterator[list[str]]:
    fields = own_fields(cls)
    head = [] if cls.__name__.startswith("_") else ["@cython.final"]
    head.append(f"cdef class {cls.__name__}({cls.__base__.__name__}):")
    if cls is Publish:
        split = [field for field in fields or () if field.kw_only]
        yield [
            "@cython.final",
            "cdef class PublishProperties:",
            '    """The properties of a PUBLISH, as given."""',
            "",
            *(f"    cdef object {field.name}" for field in split),
        ]
        yield [
            *head,
            "    # Flags and properties are objects of their own. This saves memory and reference counting, because",
            "    # most packets have no properties, and flags are shared. `flags` is None if `__init__` never ran;",
            "    # `publish_properties` is None if there are none.",
            *(f"    cdef readonly object {field.name}" for field in fields or () if not is_split(field)),
            "    cdef PublishFlags flags",
            "    cdef PublishProperties publish_properties",
        ]
    elif fields is None:
        yield [*head, "    pass"]
    elif not fields:
        yield [*head, "    cdef object is_initialised"]
    else:
        yield [*head, *(f"    cdef readonly object {field.name}" for field in fields)]


def is_split(field: Any) -> bool:
    return field.kw_only or field.name in FLAGS


def definitions() -> str:
    """The classes, for `_packets_c.pyx`."""
    return "\n\n\n".join("\n".join(lines) for lines in (*map(definition, classes()), conversion_of())) + "\n"


def conversion_of() -> Iterator[str]:
    yield "cdef Conversion conversion_of(str annotation) except? NULL:"
    yield '    """The function that the constructor applies to the values of such a field, or NULL."""'
    for annotation, converter in CONVERTERS.items():
        yield f'    if annotation == "{annotation}":'
        yield f"        return {converter}"
    yield "    return NULL"


def definition(cls: Any) -> Iterator[str]:
    fields = own_fields(cls)
    if cls is Publish:
        yield from ("@cython.final", "@cython.no_gc", "cdef class PublishProperties:", "    pass", "", "")
    if not cls.__name__.startswith("_"):
        yield "@cython.final"
    yield "@cython.no_gc"
    yield f"cdef class {cls.__name__}({cls.__base__.__name__}):"
    yield from docstring(cls)
    if "packet_type" in vars(cls):
        yield from ("", f"    packet_type = {packet_type(cls)}")
    if fields is None:
        return
    yield ""
    if fields:
        yield "    __annotations__ = {"
        yield from (f'        "{field.name}": "{field.type}",' for field in fields)
        yield "    }"
    else:
        yield "    __annotations__ = {}"
    by_position = [f'"{field.name}"' for field in fields if not field.kw_only]
    names = f"{', '.join(by_position)}{',' * (len(by_position) == 1)}"
    if len(names) <= 90:
        yield f"    __match_args__ = ({names})"
    else:
        yield from ("    __match_args__ = (", *(f"        {line}" for line in textwrap.wrap(names, 100)), "    )")
    text = ", ".join(
        parameters(fields, lambda field: field.name + default_of(field, lambda value: repr(number(value))))
    )
    *lines, last = textwrap.wrap(text, 100, break_long_words=False) or [""]
    yield "    __signature__ = _methods.Signature("
    yield from (f'        "{line} "' for line in lines)
    yield f'        "{last}"'
    yield "    )"
    yield ""
    yield "    @cython.critical_section"
    if fields:
        yield "    def __init__("
        yield "        self,"
        yield from (
            f"        {one}," for one in parameters(fields, lambda field: field.name + default_of(field, constant))
        )
        yield "    ):"
    else:
        yield "    def __init__(self):"
    yield from init_of_publish(fields) if cls is Publish else init(fields)
    if cls is Publish:
        yield from publish_members(fields)
    if cls is Will:
        yield from ("", "    def to_publish(self, packet_id=None):")
        yield from method_docstring(Will.to_publish)
        yield "        return _methods.published(self, packet_id, Publish)"


def method_docstring(method: Any) -> Iterator[str]:
    return indented(indented(f'"""{inspect.getdoc(method)}\n"""'.splitlines()))


def default_of(field: Any, written: Any) -> str:
    return "" if field.default is dataclasses.MISSING else "=" + written(field.default)


def constant(default: Any) -> str:
    return CONSTANTS[type(default).__name__] if isinstance(default, Enum) else repr(default).replace("'", '"')


def makes_tuples(field: Any) -> bool:
    return bool(field.type.startswith("tuple["))


def tuples_first(fields: Any) -> Iterator[str]:
    for field in fields:
        if makes_tuples(field):
            yield f"        {field.name} = {CONVERTERS[field.type]}({field.name})"


def guard(conditions: list[str]) -> Iterator[str]:
    """The code that rejects a second `__init__`."""
    if len(conditions) == 1:
        yield f"        if {conditions[0]}:"
    else:
        yield f"        if (\n            {conditions[0]}"
        yield from (f"            or {condition}" for condition in conditions[1:])
        yield "        ):"
    yield "            refuse_second_init(self)"


def init(fields: Any) -> Iterator[str]:
    if not fields:
        yield from guard(["self.is_initialised is not None"])
        yield "        self.is_initialised = True"
        return
    yield from tuples_first(fields)
    # A tuple is never None after `__init__`. Without a tuple, check every field.
    judged = [field for field in fields if makes_tuples(field)][-1:] or fields
    yield from guard([f"self.{field.name} is not None" for field in judged])
    for field in fields:
        converter = CONVERTERS.get(field.type)
        value = field.name if converter is None or makes_tuples(field) else f"{converter}({field.name})"
        yield f"        self.{field.name} = {value}"


def init_of_publish(fields: Any) -> Iterator[str]:
    properties = [field for field in fields if field.kw_only]
    yield "        cdef PublishProperties properties = None"
    yield from tuples_first(fields)
    yield from guard(["self.flags is not None"])
    yield "        qos = qos_of(qos)"
    yield from (f"        self.{field.name} = {field.name}" for field in fields if not is_split(field))
    yield "        self.flags = publish_flags(qos, retain, dup)"
    conditions = [f"{field.name} is not {absent(field)}" for field in properties]
    yield f"        if (\n            {conditions[0]}"
    yield from (f"            or {condition}" for condition in conditions[1:])
    yield "        ):"
    yield "            properties = PublishProperties.__new__(PublishProperties)"
    yield from (f"            properties.{field.name} = {field.name}" for field in properties)
    yield "        self.publish_properties = properties"


def absent(field: Any) -> str:
    """The value of an absent property."""
    return "_NONE" if makes_tuples(field) else "None"


def publish_members(fields: Any) -> Iterator[str]:
    for field in fields:
        if is_split(field):
            holder = "flags" if field.name in FLAGS else "publish_properties"
            yield from ("", "    @property", f"    def {field.name}(self):")
            yield f"        return {absent(field)} if self.{holder} is None else self.{holder}.{field.name}"


def between_marks(path: Path, made: str) -> str:
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    space = "\n" if path.suffix == ".pyi" else "\n\n"
    return f"{before}{BEGIN}{space}{made}" + (f"{space}{END}{after}" if end else "")


def texts() -> dict[Path, str]:
    """The expected text of each file."""
    if CONVERTERS.keys() != vars(_packets_py)["_CONVERTERS"].keys():
        sys.exit("CONVERTERS here and _CONVERTERS in _packets_py.py convert different types")
    made = {"_packets_py.pyi": stub(), "_packets_c.pxd": declarations(), "_packets_c.pyx": definitions()}
    return {PACKAGE / name: between_marks(PACKAGE / name, text) for name, text in made.items()}


def main() -> None:
    stale = [path for path, text in texts().items() if path.read_text(encoding="utf-8") != text]
    if sys.argv[1:] == ["--write"]:
        for path in stale:
            path.write_text(texts()[path], encoding="utf-8")
    elif stale:
        sys.exit(f"stale: {', '.join(path.name for path in stale)}; python tools/packets.py --write")


if __name__ == "__main__":
    main()
