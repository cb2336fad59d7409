"""Building and installing: with a compiler, without one, without Python's headers, from the sdist."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import implementations

PROJECT = Path(__file__).parents[1]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (PROJECT / "setup.py").is_file(), reason="needs the project's source tree"),
]


def run(*arguments: str, fails: bool = False, **environment: str) -> str:
    base = {key: value for key, value in os.environ.items() if not key.startswith(("MQTTCODEC_", "PYTHONPATH"))}
    result = subprocess.run(
        [sys.executable, *arguments], env=base | environment, capture_output=True, text=True, check=False, cwd=PROJECT
    )
    assert (result.returncode != 0) == fails, result.stdout + result.stderr
    return result.stdout + result.stderr


def sdist(folder: Path) -> Path:
    run("-c", f"from setuptools import build_meta; build_meta.build_sdist({str(folder)!r})", MQTTCODEC_EXTENSIONS="off")
    (path,) = folder.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as its sdist unpacks."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(sdist(folder)) as archive:
        # CPython 3.11.4 and later ask how far an archive is to be trusted.
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (path,) = (path for path in folder.iterdir() if path.is_dir())
    return path


def build(source: Path, folder: Path, *, fails: bool = False, **environment: str) -> tuple[str, set[str]]:
    """Build a wheel; returns its name and the files in it, or the output."""
    shutil.rmtree(source / "build", ignore_errors=True)
    output = run(
        *("-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "--no-cache-dir", "-w", str(folder), str(source)),
        fails=fails,
        **environment,
    )
    if fails:
        return output, set()
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
        return wheel.name, set(archive.namelist())


def imported(folder: Path, **environment: str) -> str:
    program = "import mqttcodec as m; m.decode(m.encode(m.PubAck(1))); print(m.BACKEND, '|', m.BACKEND_ERROR)"
    return run("-c", program, PYTHONPATH=str(folder / "site"), **environment)


def test_sdist_holds_what_a_build_needs(source: Path) -> None:
    names = {str(path.relative_to(source)) for path in source.rglob("*")}
    for name in (
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "tests/test_vectors.py",
        "tests/vectors/connect.jsonl",
    ):
        assert name in names
    for name in (
        "_packets_c.pyx",
        "_packets_c.pxd",
        "_codec_c.pyx",
        "_wire_c.pxd",
        "_writer_c.pxd",
        "_codec_py.py",
        "py.typed",
    ):
        assert f"src/mqttcodec/{name}" in names
    assert not [name for name in names if name.endswith((".so", ".c", ".pyc"))]


@pytest.mark.skipif("cython" not in implementations.NAMES, reason="the installation found no compiler")
def test_with_a_compiler(source: Path, tmp_path: Path) -> None:
    wheel, names = build(source, tmp_path, MQTTCODEC_EXTENSIONS="require")
    assert "none-any" not in wheel
    for name in ("_packets_c", "_decode_properties_c", "_decode_c", "_encode_c", "_stream_c", "_codec_c"):
        assert any(file.startswith(f"mqttcodec/{name}.") and file.endswith((".so", ".pyd")) for file in names)
    assert {"mqttcodec/py.typed", "mqttcodec/_codec_py.py"} <= names
    assert {name for name in names if name.endswith(".pxd")} == {"mqttcodec/__init__.pxd", "mqttcodec/_packets_c.pxd"}
    assert not [name for name in names if name.endswith((".pyx", ".c")) or name.startswith("tests")]
    assert imported(tmp_path, MQTTCODEC_EXTENSIONS="require") == "cython | None\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there the compiler is not chosen by CC")
def test_without_a_compiler(source: Path, tmp_path: Path) -> None:
    _, names = build(source, tmp_path, CC="no-such-compiler")
    assert not [name for name in names if name.endswith((".so", ".pyd"))]
    shown = imported(tmp_path)
    assert shown.startswith("python | No module named 'mqttcodec._codec_c'; they were not built: ")
    assert "no-such-compiler" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="there the compiler is not chosen by CC")
def test_without_headers(source: Path, tmp_path: Path) -> None:
    """A compiler that finds no Python.h."""
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'fatal error: Python.h: No such file or directory' >&2\nexit 1\n")
    compiler.chmod(0o755)
    _, names = build(source, tmp_path, CC=str(compiler))
    assert not [name for name in names if name.endswith((".so", ".pyd"))]
    assert imported(tmp_path).startswith("python | No module named 'mqttcodec._codec_c'; they were not built: ")


@pytest.mark.skipif(sys.platform == "win32", reason="there the compiler is not chosen by CC")
def test_required(source: Path, tmp_path: Path) -> None:
    build(source, tmp_path, fails=True, CC="no-such-compiler", MQTTCODEC_EXTENSIONS="require")
    output, _ = build(source, tmp_path, fails=True, MQTTCODEC_EXTENSIONS="yes")
    assert "MQTTCODEC_EXTENSIONS must be auto, require or off, not 'yes'" in output


def test_off(source: Path, tmp_path: Path) -> None:
    wheel, names = build(source, tmp_path, MQTTCODEC_EXTENSIONS="off")
    assert wheel.endswith("py3-none-any.whl")
    assert "mqttcodec/_codec_py.py" in names
    assert not [name for name in names if name.endswith((".pxd", ".so", ".pyd"))]
    assert imported(tmp_path).startswith("python | No module named 'mqttcodec._codec_c'")
