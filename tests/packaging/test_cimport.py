"""The packet classes as seen by other extensions. `tools/check.py` builds one against a wheel."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

import implementations
import mqttcodec

PACKAGE = Path(mqttcodec.__file__).parent
EXAMPLE = Path(__file__).parents[2] / "examples" / "cython"
MINOR_VERSION = mqttcodec.__version__.rpartition(".")[0]

# Extensions compiled against a minor version read fields at its offsets. Nothing detects that two fields of the same
# size have been swapped. After a change to the layout, increase the minor version and update both values here.
LAYOUT = ("1.1", "10d914f1")

pytestmark = pytest.mark.skipif("cython" not in implementations.NAMES, reason="the extensions are not there")


def test_the_layout_is_that_of_the_minor_version() -> None:
    declarations = (PACKAGE / "_packets_c.pxd").read_text(encoding="utf-8")
    layout = re.findall(r"^(?: *cdef .*|@cython.*)$", declarations, re.MULTILINE)
    assert len(layout) > 100
    assert (MINOR_VERSION, hashlib.sha256("\n".join(layout).encode()).hexdigest()[:8]) == LAYOUT


@pytest.mark.skipif(not EXAMPLE.is_dir(), reason="needs the project's source tree")
def test_the_example_wants_this_minor_version() -> None:
    project = (EXAMPLE / "pyproject.toml").read_text(encoding="utf-8")
    assert project.count(f'"mqttcodec=={MINOR_VERSION}.*"') == 2


def test_every_packet_can_be_cimported() -> None:
    public = (PACKAGE / "__init__.pxd").read_text(encoding="utf-8")
    names = set(re.findall(r"^    (\w+),$", public, re.MULTILINE))
    assert names == {name.__name__ for name in mqttcodec.Packet.__args__} | {
        *("Will", "Subscription", "PublishFlags", "PublishProperties", "publish_flags")
    }
