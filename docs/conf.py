"""The Sphinx configuration of the site: `nox -s docs`."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]

# The documentation comes from types and docstrings, and needs no compiler.
os.environ["MQTTCODEC_EXTENSIONS"] = "off"
sys.path.insert(0, str(PROJECT / "src"))

import mqttcodec  # noqa: E402

project = "mqttcodec"
version = release = mqttcodec.__version__
copyright = "the authors of mqttcodec"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
napoleon_use_ivar = True  # Fields are part of the description of their class, without entries of their own.
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_type_aliases = {"Packet": "Packet", "_BytesLike": "BytesLike"}
python_use_unqualified_type_names = True
add_module_names = False
default_role = "code"  # Docstrings put code between single backquotes.

html_theme = "furo"
html_title = f"mqttcodec {version}"

REPOSITORY = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Source"]


def read_page(app: Any, name: str, source: list[str]) -> None:
    """Put README on the first page, and link files outside `docs/` to the repository."""
    text = source[0]
    if name == "index":
        text = (PROJECT / "README.md").read_text("utf-8").replace("](docs/", "](") + text
        text = re.sub(r"\]\((?=[A-Z]|examples/)", "](../", text)
    source[0] = re.sub(r"\](\(|: )\.\./", rf"]\1{REPOSITORY}/blob/main/", text)


def name_aliases(app: Any, what: str, name: str, documented: Any, options: Any, *texts: str | None) -> Any:
    """Replace the text that Sphinx shows for an alias nested in another type."""
    return tuple(text and re.sub(r"[\w.~]*TypeAliasForwardRef\('(\w+)'\)", r"\1", text) for text in texts)


def setup(app: Any) -> None:
    app.connect("autodoc-process-signature", name_aliases)
    app.connect("source-read", read_page)
