"""The types that users are told of: make the stub of the packet classes, and hold the compiled modules against it.

    python tools/stubs.py            fails where the stub is stale, or a compiled module differs (by mypy's stubtest)
    python tools/stubs.py --write    writes src/mqttcodec/_packets_py.pyi

The stub says of each field what it holds, and of each parameter what it takes. For the other compiled modules stubs are
made of what is public in the plain ones. Stubtest does not see fields: `tests/packets/test_packets.py` compares them.
"""

from __future__ import annotations

import ast
import dataclasses
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import mqttcodec
from mqttcodec import _packets_py

PACKAGE = Path(mqttcodec.__file__).parent
STUB = Path(__file__).parents[1] / "src" / "mqttcodec" / "_packets_py.pyi"
MODULES = ("_codec", "_packets", "_stream")
# What differs, and why.
ALLOWED = r"""
# Extension types without fields show the slot's own signature.
mqttcodec\._packets_c\.Ping(Req|Resp)\.__init__
# A slot takes its operand by position only.
mqttcodec\._packets_c\._Value\.__eq__
# No class of the package's users.
mqttcodec\._packets_c\._Acknowledgement
"""

HEAD = '''\
"""What type checkers and editors know of the packet classes. Made from `_packets_py.py` by `tools/stubs.py --write`."""

from dataclasses import KW_ONLY, dataclass
from typing import Any, Self, TypeAlias, TypeVar, final

from typing_extensions import Buffer

from ._enums import ConnectReturnCode, ProtocolVersion, QoS, ReasonCode, RetainHandling

_Item = TypeVar("_Item")
_Several: TypeAlias = tuple[_Item, ...] | list[_Item]
_ReasonCodes: TypeAlias = _Several[int] | list[ReasonCode]
_UserProperties: TypeAlias = _Several[tuple[str, str]] | _Several[list[str]]

class _Value:
    def replace(self, **changes: Any) -> Self: ...
    def __replace__(self, **changes: Any) -> Self: ...
    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> Self: ...
    def __reduce__(self) -> tuple[Any, ...]: ...
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...
    def __repr__(self) -> str: ...
'''

# What a parameter takes, by what its field holds; others take what they hold.
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


def packet_stub() -> str:
    """The text of the stub, from the classes as they are."""
    will, subscription = _packets_py.Will, _packets_py.Subscription
    parts = [HEAD]
    of_packets = _packets_py.Packet.__args__
    acknowledgement = _packets_py._Acknowledgement
    for cls in (will, *of_packets[:3], acknowledgement, *of_packets[3:7], subscription, *of_packets[7:]):
        parts.append("\n".join(class_stub(cls)))
    parts.append("Packet = (\n    " + "\n    | ".join(cls.__name__ for cls in of_packets) + "\n)")
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def class_stub(cls: Any) -> Iterator[str]:
    (base,) = cls.__bases__
    if not cls.__name__.startswith("_"):
        yield "@final"
    is_dataclass = "__dataclass_fields__" in vars(cls)
    if is_dataclass:
        yield "@dataclass(frozen=True, init=False, eq=False, repr=False)"
    yield f"class {cls.__name__}({base.__name__}):"
    yield from ("    " + line.rstrip() if line.strip() else "" for line in f'"""{docstring(cls)}"""'.splitlines())
    if not is_dataclass:
        return
    fields = dataclasses.fields(cls)
    yield ""
    parameters = ["self"]
    for field in fields:
        if field.kw_only and "*" not in parameters:
            parameters.append("*")
            yield "    _: KW_ONLY"
        yield f"    {field.name}: {field.type}"
        default = "" if field.default is dataclasses.MISSING else f" = {written(field.default)}"
        parameters.append(f"{field.name}: {TAKEN.get(field.type, field.type)}{default}")
    if len(parameters) < 4:
        yield f"    def __init__({', '.join(parameters)}) -> None: ..."
    else:
        yield "    def __init__("
        yield from (f"        {parameter}," for parameter in parameters)
        yield "    ) -> None: ..."


def docstring(cls: Any) -> str:
    lines = cls.__doc__.splitlines()
    return "\n".join([lines[0], *(line.removeprefix("    ") for line in lines[1:])])


def written(default: Any) -> str:
    """A default as the number, string or constant that it equals."""
    return repr(default.value if isinstance(default, Enum) else default).replace("'", '"')


class PublicOnly(ast.NodeTransformer):
    """Leaves declarations: no bodies, nothing private, no constants."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef | None:
        if node.name.startswith("_") and not node.name.endswith("__"):
            return None
        node.body = [ast.Expr(ast.Constant(...))]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.generic_visit(node)
        if not node.name.startswith("_"):
            node.decorator_list.insert(0, ast.Name("_final"))
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if node.module and node.module.removesuffix("_py") in MODULES:
            node.module = node.module.removesuffix("_py") + "_c"
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.Assign | None:
        return None if all(isinstance(name, ast.Name) and name.id.isupper() for name in node.targets) else node


def stub(module: str) -> str:
    tree = ast.parse((PACKAGE / f"{module}_py.py").read_text(encoding="utf-8"))
    return "from typing import final as _final\n" + ast.unparse(PublicOnly().visit(tree)).replace(
        "from __future__ import annotations\n", ""
    )


def main() -> None:
    made = packet_stub()
    if sys.argv[1:] == ["--write"]:
        STUB.write_text(made, encoding="utf-8")
        return
    if STUB.read_text(encoding="utf-8") != made:
        sys.exit(f"{STUB.name} is stale: python tools/stubs.py --write")
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "mqttcodec"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("*.c", "*.pyx", "*.pxd", "__pycache__"))
        for module in MODULES:
            text = made if module == "_packets" else stub(module)
            (copy / f"{module}_c.pyi").write_text(text, encoding="utf-8")
        allowed = Path(folder) / "allowed"
        allowed.write_text(ALLOWED, encoding="utf-8")
        command = [sys.executable, "-m", "mypy.stubtest", *(f"mqttcodec.{module}_c" for module in MODULES)]
        command += ["--concise", "--ignore-missing-stub", "--allowlist", str(allowed)]
        variables = {"PYTHONPATH": folder, "MYPYPATH": folder, "MQTTCODEC_EXTENSIONS": "require"}
        sys.exit(subprocess.run(command, cwd=folder, env=os.environ | variables).returncode)


if __name__ == "__main__":
    main()
