"""The selection of the implementation, by MQTTCODEC_EXTENSIONS and by what can be loaded."""

from __future__ import annotations

import sysconfig

import pytest

import implementations
from implementations import run

SHOW = "import mqttcodec; print(mqttcodec.BACKEND, '|', mqttcodec.BACKEND_ERROR, '|', mqttcodec.decode.__module__)"


def test_off() -> None:
    result = run("off", SHOW)
    assert result.stdout == "python | MQTTCODEC_EXTENSIONS=off | mqttcodec._codec_py\n"


def test_any_other_value_is_refused() -> None:
    for choice in ("on", "1", "AUTO"):
        result = run(choice, SHOW)
        assert result.returncode == 1
        assert f"MQTTCODEC_EXTENSIONS must be auto, require or off, not {choice!r}" in result.stderr


@pytest.mark.skipif("cython" not in implementations.NAMES, reason="the extensions are not there")
def test_compiled() -> None:
    for choice in (None, "", "auto", "require"):
        assert run(choice, SHOW).stdout == "cython | None | mqttcodec._codec_c\n"


def test_without_extensions() -> None:
    """If an extension cannot be loaded, `auto` continues and keeps the reason, and `require` raises."""
    program = "import sys; sys.modules['mqttcodec._codec_c'] = None; " + SHOW
    for choice in (None, "", "auto"):
        result = run(choice, program)
        assert result.stdout.startswith("python | import of mqttcodec._codec_c halted")
    result = run("require", program)
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("ImportError: import of mqttcodec._codec_c halted")
    assert last.endswith(": pip install --force-reinstall --no-cache-dir --no-binary mqttcodec mqttcodec")


def test_both_in_one_process() -> None:
    import mqttcodec._codec_py
    import mqttcodec._packets_py

    assert mqttcodec.BACKEND in ("cython", "python")
    assert (mqttcodec.BACKEND_ERROR is None) == (mqttcodec.BACKEND == "cython")
    packet = mqttcodec._packets_py.Publish("a", b"b")
    assert mqttcodec.encode(mqttcodec.Publish("a", b"b")) == mqttcodec._codec_py.encode(packet)


@pytest.mark.skipif("cython" not in implementations.NAMES, reason="the extensions are not there")
def test_importing_is_light() -> None:
    """The compiled package imports only these few modules until it needs others. `inspect` is slow to import.

    Modules that these import in turn differ between Python versions and are not counted.
    """
    imported = "__future__, collections, copy, enum, functools, importlib, os"
    program = f"import sys, {imported}; had = set(sys.modules); import mqttcodec; print(*set(sys.modules) - had)"
    loaded = run("require", program).stdout.split()
    assert "mqttcodec._codec_c" in loaded
    assert {"mqttcodec._dicts", "mqttcodec._versions", "mqttcodec._packets_py", "mqttcodec.session"}.isdisjoint(loaded)
    ours = ("mqttcodec", "_cython", "cython_runtime", "encodings.")  # A debug build of Python looks up encodings.
    assert [name for name in loaded if not name.startswith(ours)] == []


@pytest.mark.skipif("cython" not in implementations.NAMES, reason="the extensions are not there")
@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a GIL")
def test_the_gil_stays_off() -> None:
    program = "import sys, mqttcodec; print(mqttcodec.BACKEND, sys._is_gil_enabled())"
    assert run("require", program).stdout == "cython False\n"
