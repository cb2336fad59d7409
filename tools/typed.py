"""Check that all public names have types, and that the code in README and docs passes the type checkers.

python tools/typed.py       needs a regular install, because pyright does not find `py.typed` in an editable one
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PAGES = ("README.md", "docs/guide.md", "docs/integration.md", "docs/sessions.md")


def run(*command: str, folder: Path) -> int:
    return subprocess.run([sys.executable, "-m", *command], cwd=folder).returncode


def public_types(folder: Path) -> int:
    """Check that pyright knows the type of every public name, and print the others."""
    command = [sys.executable, "-m", "pyright", "--verifytypes", "mqttcodec", "--ignoreexternal", "--outputjson"]
    # pyright examines the packages of the first Python on PATH.
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    symbols = json.loads(done.stdout)["typeCompleteness"]["symbols"]
    # The classes of the adapters have bases in other packages, which need not be installed.
    unknown = [
        symbol
        for symbol in symbols
        if symbol["isExported"] and not symbol["isTypeKnown"] and not symbol["name"].startswith("mqttcodec.contrib.")
    ]
    print(f"pyright --verifytypes: {len(unknown)} of {len(symbols)} types unknown")
    for symbol in unknown:
        print(symbol["name"], *(diagnostic["message"] for diagnostic in symbol["diagnostics"]), sep=": ")
    return 1 if unknown or not symbols else 0


def main() -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for page in PAGES:
            text = (PROJECT / page).read_text(encoding="utf-8")
            code = "".join(re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE))
            (folder / f"page_{Path(page).stem.lower()}.py").write_text(code, encoding="utf-8")
        pages = [str(path) for path in sorted(folder.glob("*.py"))]
        return (
            run("mypy", "--strict", *pages, folder=folder)
            + run("pyright", "--pythonpath", sys.executable, *pages, folder=folder)
            + public_types(folder)
        )


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
