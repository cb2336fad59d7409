"""Compare the compiled modules with the published types, using mypy's stubtest.

    python tools/stubs.py

`tools/packets.py` generates the stub of the packet classes, `_packets_py.pyi`. The stubs of the other compiled modules
are made from the public names of the plain ones. `tests/packets/test_packets.py` compares the fields, which stubtest
does not check.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import mqttcodec

PACKAGE = Path(mqttcodec.__file__).parent
MODULES = ("_codec", "_packets", "_stream", "_batch")
# The allowed differences, with the reasons.
ALLOWED = r"""
# Extension types without fields show the slot's own signature.
mqttcodec\._packets_c\.Ping(Req|Resp)\.__init__
# A slot takes its operand by position only.
mqttcodec\._packets_c\._Value\.__eq__
# No class of the package's users.
mqttcodec\._packets_c\._Acknowledgement
"""


class PublicOnly(ast.NodeTransformer):
    """Keeps public declarations and drops bodies, private names and constants."""

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
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "mqttcodec"
        shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("*.c", "*.pyx", "*.pxd", "__pycache__"))
        for module in MODULES:
            text = stub(module)
            if module == "_packets":
                text = (PACKAGE / "_packets_py.pyi").read_text(encoding="utf-8")
            (copy / f"{module}_c.pyi").write_text(text, encoding="utf-8")
        allowed = Path(folder) / "allowed"
        allowed.write_text(ALLOWED, encoding="utf-8")
        command = [sys.executable, "-m", "mypy.stubtest", *(f"mqttcodec.{module}_c" for module in MODULES)]
        command += ["--concise", "--ignore-missing-stub", "--allowlist", str(allowed)]
        variables = {"PYTHONPATH": folder, "MYPYPATH": folder, "MQTTCODEC_EXTENSIONS": "require"}
        sys.exit(subprocess.run(command, cwd=folder, env=os.environ | variables).returncode)


if __name__ == "__main__":
    main()
