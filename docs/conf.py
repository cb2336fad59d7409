"""The Sphinx configuration of the site: `nox -s docs`."""

from __future__ import annotations

import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]

# The site takes the version from the sources, without the extensions.
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
smartquotes = False

html_theme = "furo"
html_title = f"mqttcodec {version}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]

URLS = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]


def read_page(app: Any, name: str, source: list[str]) -> None:
    """Put README on the first page, and link to files outside of `docs/`."""
    text = source[0]
    if name == "index":
        readme = (PROJECT / "README.md").read_text("utf-8").replace("](docs/", "](")
        text = re.sub(r"\]\((?=[A-Z]|examples/)", "](../", readme + text)
    source[0] = re.sub(r"\](\(|: )\.\./", rf"]\1{URLS['Source']}/blob/main/", text)


class Anchors(SphinxTransform):
    """Make each `<a id="...">` a target of links that Sphinx checks.

    The index and the search list it: a clause as errors show it, in brackets.
    """

    # Before docutils moves a target to the heading that follows it.
    default_priority = 200

    def apply(self, **_: Any) -> None:
        for raw in list(self.document.findall(nodes.raw)):
            if found := re.match('<a id="(.*)">', raw.astext()):
                name = found[1]
                clause = re.match(r"(MQTT-[\d.-]*\d|U\d\d)", name)
                entry = f"[{clause[1]}]" if clause else name
                index = addnodes.index(entries=[("single", entry, name, "main", None)])
                target = nodes.target("", "", ids=[name], names=[name])
                raw.replace_self([index, target])
                self.document.note_explicit_target(target)
            elif raw.astext() == "</a>":
                raw.parent.remove(raw)


def fit_tables(app: Any, document: nodes.document) -> None:
    """Let tables fit a narrow page.

    A name in a cell may break after a dot or an underscore. On a narrow screen the
    cells of a wide table stand below each other, each after the head of its column.
    """
    for table in document.findall(nodes.table):
        for literal in table.findall(nodes.literal):
            parts = re.split(r"(?<=[._])(?=[^\W_])", literal.astext())
            literal.children = []
            for number, part in enumerate(parts):
                if number:
                    literal += nodes.raw("", "<wbr>", format="html")
                literal += nodes.Text(part)
        head, *rows = table.findall(nodes.row)
        if len(head) > 3:
            table["classes"].append("wide")
            labels = [f"{entry.astext()}: " for entry in head]
            for row in rows:
                for label, entry in zip(labels[1:], row[1:], strict=True):
                    if entry.children:
                        entry.insert(0, nodes.inline("", label, classes=["label"]))


def setup(app: Any) -> None:
    app.add_transform(Anchors)
    app.connect("doctree-read", fit_tables)
    app.connect("source-read", read_page)
