"""The site: `nox -s docs`."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]

# What is documented is the source of types and docstrings, and needs no compiler.
os.environ["MQTTCODEC_EXTENSIONS"] = "off"
sys.path.insert(0, str(PROJECT / "src"))

from docutils import nodes  # noqa: E402
from sphinx import addnodes  # noqa: E402
from sphinx.transforms import SphinxTransform  # noqa: E402

import mqttcodec  # noqa: E402

project = "mqttcodec"
version = release = mqttcodec.__version__
copyright = "the authors of mqttcodec"

extensions = ["myst_parser"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"mqttcodec {version}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]

REPOSITORY = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Source"]


def read_page(app: Any, name: str, source: list[str]) -> None:
    """README is the first page; what lies outside of `docs/` is linked to where it is."""
    text = source[0]
    if name == "index":
        text = (PROJECT / "README.md").read_text("utf-8").replace("](docs/", "](") + text
        text = re.sub(r"\]\((?=[A-Z]|examples/)", "](../", text)
    source[0] = re.sub(r"\](\(|: )\.\./", rf"]\1{REPOSITORY}/blob/main/", text)


class Anchors(SphinxTransform):
    """Make each `<a id="...">` a target that Sphinx checks links against, and list it in the index and the search."""

    default_priority = 200  # Before docutils moves a target to the heading that follows it.

    def apply(self, **_: Any) -> None:
        for raw in list(self.document.findall(nodes.raw)):
            found = re.match('<a id="(.*)">', raw.astext())
            if found:
                name = found[1]
                target = nodes.target("", "", ids=[name], names=[name])
                clause = re.match(r"(MQTT-[\d.-]*\d|U\d\d)", name)  # As errors show it, and in each version.
                entry = f"[{clause[1]}]" if clause else name
                raw.replace_self([addnodes.index(entries=[("single", entry, name, "main", None)]), target])
                self.document.note_explicit_target(target)
            elif raw.astext() == "</a>":
                raw.parent.remove(raw)


def label_cells(app: Any, document: nodes.document) -> None:
    """On a narrow screen, the cells of a wide table stand below each other: each then needs the head of its column."""
    for table in document.findall(nodes.table):
        heads = [entry.astext() for entry in next(iter(table.findall(nodes.thead))).findall(nodes.entry)]
        if len(heads) > 3:
            table["classes"].append("wide")
            for row in next(iter(table.findall(nodes.tbody))).children:
                for head, entry in zip(heads[1:], row.children[1:], strict=True):
                    entry.insert(0, nodes.inline("", f"{head}: ", classes=["label"]))


def setup(app: Any) -> None:
    app.add_transform(Anchors)
    app.connect("doctree-read", label_cells)
    app.connect("source-read", read_page)
