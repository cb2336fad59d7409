"""Building, installing and freezing: with a compiler, without one, without Python's headers, from the sdist.

Tests in which pip installs from an index need access to one.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import implementations

PROJECT = Path(__file__).parents[2]
PROGRAM = (
    "import mqttcodec as m; m.from_dict(m.to_dict(m.decode(m.encode(m.PubAck(1))).for_version(4))); "
    "print(m.BACKEND, '|', m.BACKEND_ERROR)"
)
SUFFIX = sysconfig.get_config_var("EXT_SUFFIX")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (PROJECT / "setup.py").is_file(), reason="needs the project's source tree"),
]


NOT_BUILT = "python | No module named 'mqttcodec._codec_c'; the extensions were not built: "
needs_cc = pytest.mark.skipif(sys.platform == "win32", reason="there the compiler is not chosen by CC")
needs_extensions = pytest.mark.skipif(
    "cython" not in implementations.NAMES, reason="the installation found no compiler"
)


def run(
    *arguments: str | Path,
    python: str | Path = sys.executable,
    folder: Path = PROJECT,
    fails: bool = False,
    **environment: str,
) -> str:
    dropped = ("CC", "CFLAGS", "LDFLAGS", "MQTTCODEC_EXTENSIONS", "PYTHONPATH")
    base = {key: value for key, value in os.environ.items() if key not in dropped}
    result = subprocess.run(
        [python, *arguments], env=base | environment, capture_output=True, text=True, check=False, cwd=folder
    )
    assert (result.returncode != 0) == fails, result.stdout + result.stderr
    return result.stdout + result.stderr


def sdist(folder: Path) -> Path:
    run("-c", f"from setuptools import build_meta; build_meta.build_sdist({str(folder)!r})", MQTTCODEC_EXTENSIONS="off")
    (path,) = folder.glob("*.tar.gz")
    return path


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as unpacked from its sdist."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(sdist(folder)) as archive:
        # CPython 3.11.4 and later have extraction filters.
        archive.extractall(folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (path,) = (path for path in folder.iterdir() if path.is_dir())
    return path


def build(source: Path, folder: Path, *, fails: bool = False, **environment: str) -> tuple[str, set[str]]:
    """Build a wheel. Returns its name and the names of its files, or the output."""
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


def modules(project: Path) -> set[str]:
    """All Python files of the package and its subpackages, as a wheel names them."""
    return {path.relative_to(project / "src").as_posix() for path in (project / "src" / "mqttcodec").rglob("*.py")}


def python_files(names: set[str]) -> set[str]:
    return {name for name in names if name.endswith(".py")}


def imported(folder: Path, **environment: str) -> str:
    return run("-c", PROGRAM, PYTHONPATH=str(folder / "site"), **environment)


def test_sdist_holds_what_a_build_needs(source: Path) -> None:
    names = {str(path.relative_to(source)) for path in source.rglob("*")}
    for name in (
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "tests/rules/test_vectors.py",
        "tests/rules/vectors/connect.jsonl",
    ):
        assert name in names
    for name in (
        "_packets_c.pyx",
        "_packets_c.pxd",
        "_codec_c.pyx",
        "_reader_c.pxd",
        "_writer_c.pxd",
        "_codec_py.py",
        "py.typed",
    ):
        assert f"src/mqttcodec/{name}" in names
    assert modules(source) == modules(PROJECT)
    assert {"mqttcodec/session/__init__.py", "mqttcodec/contrib/__init__.py"} <= modules(source)
    assert not [name for name in names if name.endswith((".so", ".c", ".pyc"))]


@needs_extensions
def test_with_a_compiler(source: Path, tmp_path: Path) -> None:
    wheel, names = build(source, tmp_path, MQTTCODEC_EXTENSIONS="require")
    assert "none-any" not in wheel
    for name in ("packets", "decode_properties", "decode", "encode_properties", "encode", "stream", "codec"):
        assert any(file.startswith(f"mqttcodec/_{name}_c.") and file.endswith((".so", ".pyd")) for file in names)
    assert "mqttcodec/py.typed" in names
    assert python_files(names) == modules(source)
    assert {name for name in names if name.endswith(".pxd")} == {"mqttcodec/__init__.pxd", "mqttcodec/_packets_c.pxd"}
    assert not [name for name in names if name.endswith((".pyx", ".c")) or name.startswith("tests")]
    assert imported(tmp_path, MQTTCODEC_EXTENSIONS="require") == "cython | None\n"


@needs_cc
def test_without_a_compiler(source: Path, tmp_path: Path) -> None:
    _, names = build(source, tmp_path, CC="no-such-compiler")
    assert not [name for name in names if name.endswith((".so", ".pyd"))]
    shown = imported(tmp_path)
    assert shown.startswith(NOT_BUILT)
    assert "no-such-compiler" in shown


@needs_cc
def test_without_headers(source: Path, tmp_path: Path) -> None:
    """A compiler that does not find Python.h."""
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\necho 'fatal error: Python.h: No such file or directory' >&2\nexit 1\n")
    compiler.chmod(0o755)
    _, names = build(source, tmp_path, CC=str(compiler))
    assert not [name for name in names if name.endswith((".so", ".pyd"))]
    assert imported(tmp_path).startswith(NOT_BUILT)


@needs_cc
def test_required(source: Path, tmp_path: Path) -> None:
    build(source, tmp_path, fails=True, CC="no-such-compiler", MQTTCODEC_EXTENSIONS="require")
    output, _ = build(source, tmp_path, fails=True, MQTTCODEC_EXTENSIONS="yes")
    assert "MQTTCODEC_EXTENSIONS must be auto, require or off, not 'yes'" in output


def test_off(source: Path, tmp_path: Path) -> None:
    wheel, names = build(source, tmp_path, MQTTCODEC_EXTENSIONS="off")
    assert wheel.endswith("py3-none-any.whl")
    assert "mqttcodec/py.typed" in names
    assert python_files(names) == modules(source)
    assert not [name for name in names if name.endswith((".pxd", ".so", ".pyd"))]
    shown = imported(tmp_path)
    assert shown == f"{NOT_BUILT}MQTTCODEC_EXTENSIONS=off\n"


@needs_extensions
def test_an_empty_choice_is_none(source: Path, tmp_path: Path) -> None:
    wheel, _ = build(source, tmp_path, MQTTCODEC_EXTENSIONS="", CFLAGS="-O0")
    assert "none-any" not in wheel
    assert imported(tmp_path, MQTTCODEC_EXTENSIONS="") == "cython | None\n"


def editable(project: Path, **environment: str) -> str:
    """The state of the package after an editable installation."""
    program = "import sys; from setuptools import build_meta; build_meta.build_editable(sys.argv[1])"
    run("-c", program, project / "wheel", folder=project, **environment)
    return run("-c", PROGRAM, PYTHONPATH=str(project / "src"))


@needs_cc
@needs_extensions
def test_editable(source: Path, tmp_path: Path) -> None:
    """The last installation counts: it leaves no extensions and notes of an earlier one."""
    project = shutil.copytree(source, tmp_path / "project", ignore=shutil.ignore_patterns("build"))
    (project / "wheel").mkdir()
    package = project / "src" / "mqttcodec"
    extension = package / ("_codec_c" + SUFFIX)

    extension.touch()
    shown = editable(project, CC="no-such-compiler")
    assert shown.startswith(NOT_BUILT)
    assert "no-such-compiler" in shown
    assert not extension.exists()
    names = "import implementations; print(implementations.NAMES)"
    path = os.pathsep.join((str(project / "src"), str(project / "tests" / "support")))
    assert run("-c", names, PYTHONPATH=path, CI="") == "['python']\n"

    assert editable(project, CFLAGS="-O0") == "cython | None\n"
    assert extension.exists()
    assert not (package / "_build_error.txt").exists()

    shown = editable(project, MQTTCODEC_EXTENSIONS="off")
    assert shown == f"{NOT_BUILT}MQTTCODEC_EXTENSIONS=off\n"
    assert not list(package.glob("*" + SUFFIX))


@pytest.mark.parametrize("found", ["", "3.3.0"])
def test_without_cython(source: Path, tmp_path: Path, found: str) -> None:
    cython = tmp_path / "Cython" / "__init__.py"
    cython.parent.mkdir()
    cython.write_text(f"__version__ = {found!r}\n" if found else "raise ImportError\n")
    build(source, tmp_path, PYTHONPATH=str(tmp_path))
    fault = f"but found {found or 'none'}; run: pip install 'cython>="
    assert fault in imported(tmp_path)
    output, _ = build(source, tmp_path, fails=True, PYTHONPATH=str(tmp_path), MQTTCODEC_EXTENSIONS="require")
    assert fault in output


def test_with_an_old_setuptools(source: Path) -> None:
    program = "import setuptools; setuptools.__version__ = '76.1.0'; exec(open('setup.py').read())"
    assert "found 76.1.0; run: pip install 'setuptools>=" in run("-c", program, folder=source, fails=True)


@pytest.mark.skipif(sys.platform != "linux", reason="there the flags are not used")
@needs_extensions
def test_flags(source: Path, tmp_path: Path) -> None:
    """Flags that the linker does not know are left out, and CFLAGS take precedence."""
    compiler, log = tmp_path / "cc", tmp_path / "log"
    compiler.write_text(
        "#!/bin/sh\n"
        f'echo "$*" >>{log}\n'
        "case $* in *noseparate-code*) echo 'unsupported linker flag' >&2; exit 1 ;; esac\n"
        'exec gcc "$@"\n'
    )
    compiler.chmod(0o755)
    build(source, tmp_path, CC=str(compiler), CFLAGS="-O0 -g1", MQTTCODEC_EXTENSIONS="require")
    assert imported(tmp_path, MQTTCODEC_EXTENSIONS="require") == "cython | None\n"
    commands = [line.split() for line in log.read_text().splitlines()]
    compiled = [command for command in commands if any(word.endswith("_c.c") for word in command)]
    linked = [command for command in commands if any(word.endswith("_c" + SUFFIX) for word in command)]
    sources = list(source.glob("src/mqttcodec/*.pyx"))
    assert len(compiled) == len(linked) == len(sources)
    for command in compiled:
        assert [word for word in command if word.startswith("-O")][-1] == "-O0"
        assert [word for word in command if word.startswith("-g")][-1] == "-g1"
    for command in linked:
        assert not {"-Wl,-s", "-Wl,-z,noseparate-code"} & set(command)


def environment_with(folder: Path, *requirements: str) -> Path:
    """Create a virtual environment, and return the folder of its programs."""
    run("-m", "venv", folder)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    run("-m", "pip", "install", "-q", "--prefer-binary", *requirements, python=programs / "python")
    return programs


@pytest.mark.skipif(sys.platform == "win32", reason="there the programs are in another folder")
def test_readme(source: Path, tmp_path: Path) -> None:
    """The commands work as printed, in a folder with a space in its name."""
    project = shutil.copytree(source, tmp_path / "a folder", ignore=shutil.ignore_patterns("build"))
    readme = (project / "README.md").read_text(encoding="utf-8")
    install, tests = re.findall(r"^```sh\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    assert tests.endswith("-m pytest\n")
    hexadecimal, capture = re.findall(r"`(\.venv/bin/mqttcodec .+?)`", readme)
    (project / "capture.bin").write_bytes(bytes.fromhex("c000"))

    def do(command: str) -> str:
        return run("-euc", command, python="bash", folder=project, CFLAGS="-O0")

    backend = "cython" if "cython" in implementations.NAMES else "python"
    assert f"\nbackend: {backend}\n" in do(install)
    assert "PUBLISH, 7 bytes" in do(hexadecimal)
    assert do(capture) == "offset 0: PINGREQ, 2 bytes, MQTT 5.0\n"
    assert do(". .venv/bin/activate; mqttcodec c000") == do(".venv/bin/python -m mqttcodec c000") == do(capture)
    for command in re.findall(r"^\$ (.*)", do(".venv/bin/mqttcodec"), re.MULTILINE)[:2]:
        assert "\noffset " in "\n" + do(command)


@needs_cc
@needs_extensions
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_a_kept_wheel(installer: str, source: Path, tmp_path: Path) -> None:
    """With a plain wheel from the cache, the import fails under `require`, and the documented command helps."""
    programs = environment_with(tmp_path / "environment", "uv")
    python = programs / "python"
    files = tmp_path / "files"
    files.mkdir()
    requirements = re.findall(r'"((?:cython|setuptools)>=[\d.]+)"', (PROJECT / "pyproject.toml").read_text("utf-8"))
    run("-m", "pip", "download", "-q", "-d", files, *set(requirements), python=python)
    sdist(files)
    variables = {
        f"{name}_{key}": value
        for name in ("PIP", "UV")
        for key, value in {"FIND_LINKS": str(files), "CACHE_DIR": str(tmp_path / name)}.items()
    }
    variables |= {"CFLAGS": "-O0", "VIRTUAL_ENV": str(tmp_path / "environment")}
    command = [*(["uv"] if installer == "uv" else []), "pip"]

    def do(action: str, *arguments: str, **more: str) -> None:
        no_index = ["--no-index"] if action == "install" else []
        run("-m", *command, action, *no_index, *arguments, python=python, **variables, **more)

    do("install", "mqttcodec", CC="no-such-compiler")
    do("uninstall", "mqttcodec", *(["-y"] if installer == "pip" else []))
    do("install", "mqttcodec", MQTTCODEC_EXTENSIONS="require")
    shown = run("-c", PROGRAM, python=python, folder=tmp_path, fails=True, MQTTCODEC_EXTENSIONS="require")
    assert "no-such-compiler" in shown

    # The plain wheel of an index does not help either.
    program = f"from setuptools import build_meta; build_meta.build_wheel({str(files)!r})"
    run("-c", program, folder=source, MQTTCODEC_EXTENSIONS="off")
    (advice,) = re.findall(rf"^\* `{' '.join(command)} (.+)`$", (PROJECT / "docs/guide.md").read_text("utf-8"), re.M)
    assert installer == "uv" or shown.endswith(f": pip {advice}\n")
    do(*shlex.split(advice), MQTTCODEC_EXTENSIONS="require")
    shown = run("-c", PROGRAM, python=python, folder=tmp_path, MQTTCODEC_EXTENSIONS="require")
    assert shown == "cython | None\n"


@pytest.mark.parametrize("choice", [pytest.param("require", marks=needs_extensions), "off"])
def test_frozen(source: Path, tmp_path: Path, choice: str) -> None:
    programs = environment_with(tmp_path / "environment", "pyinstaller")
    build(source, tmp_path, MQTTCODEC_EXTENSIONS=choice, CFLAGS="-O0")
    (tmp_path / "shown.py").write_text(PROGRAM + "\n", encoding="utf-8")
    run(
        *("-m", "PyInstaller", "--log-level", "ERROR", "--paths", tmp_path / "site", "shown.py"),
        python=programs / "python",
        folder=tmp_path,
    )
    shown = run(python=tmp_path / "dist" / "shown" / "shown", folder=tmp_path)
    assert shown.startswith("cython | None\n" if choice == "require" else "python | No module named")
