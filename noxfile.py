"""All checks. `.ci/run` and the workflows call these sessions.

    pip install nox
    nox                           style, types and tests
    nox -l                        lists all sessions
    nox -s docs coverage          runs two of them
    nox -s tests -- -k decoder    passes arguments to pytest
    nox -s sanitized -- --full    runs the full form

Some sessions take minutes in their short form and up to hours in their full form. `--full` as the only argument selects
the full form. Other arguments are passed to the tool that the session runs.

Each session has a virtual environment in `.nox/`. `-R` reuses it without installing.
"""

from __future__ import annotations

import os
import sys

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
# Only `pythons` names interpreters. It uses those that are installed.
nox.options.error_on_missing_interpreters = False

PROJECT = nox.project.load_toml("pyproject.toml")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
FULL = ["--full"]

# Prefer an older release with a wheel to a newer one that must be built.
TEST = ("--prefer-binary", ".[test]")

TYPING = "tests/packets/test_typing.py"
DIFFERENTIAL = "tests/hardening/test_differential.py"
LEAKS = "tests/hardening/test_leaks.py"
# Tests of sizes at which 32-bit and 64-bit platforms differ.
SIZES = ["tests/hardening/test_memory.py"]
# Tests of the code that reads, writes and holds memory. The whole suite takes a quarter of an hour on these builds.
HARDENED = [
    f"tests/{file}"
    for file in (
        *("hardening/test_adversarial.py", "hardening/test_fuzz.py", "hardening/test_hostile.py"),
        *("hardening/test_hostile_buffers.py", "hardening/test_primitives.py", "hardening/test_threads.py"),
        *("packets/test_encode.py", "packets/test_functions.py", "rules/test_vectors.py"),
        *("streams/test_chunking.py", "streams/test_decoder.py"),
    )
]


def install(session: nox.Session, *arguments: str, extensions: str = "require") -> None:
    session.env["MQTTCODEC_EXTENSIONS"] = extensions
    session.install(*arguments)


def pytest(session: nox.Session, *arguments: str) -> None:
    session.run("python", "-m", "pytest", "-q", *arguments, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, spelling: all hooks of .pre-commit-config.yaml."""
    install(session, ".[lint]")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs)
    session.run("python", "tools/packets.py")
    session.run("python", "tools/stubs.py")
    session.run("python", "tools/typed.py")
    session.run("python", "-m", "pytest", "-q", TYPING)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests, on both implementations."""
    install(session, *TEST)
    pytest(session)


@nox.session
def plain(session: nox.Session) -> None:
    """The tests, without extensions."""
    install(session, *TEST, extensions="off")
    pytest(session)


@nox.session
def slow(session: nox.Session) -> None:
    """Only the tests that the short form of `tests` leaves out."""
    install(session, *TEST)
    pytest(session, "--full", "-m", "slow", "--durations=10")


@nox.session(python=[version for version in nox.project.python_versions(PROJECT) if version != HERE])
def pythons(session: nox.Session) -> None:
    """The tests, on every other Python that is on PATH."""
    install(session, *TEST)
    pytest(session)


@nox.session
def floors(session: nox.Session) -> None:
    """The tests, on extensions built by the oldest Cython and setuptools that pyproject.toml allows."""
    requirements = PROJECT["build-system"]["requires"]
    session.install(*(requirement.replace(">=", "==") + ".*" for requirement in requirements))
    install(session, "--no-build-isolation", ".[test]")
    pytest(session)


@nox.session
def prereleases(session: nox.Session) -> None:
    """The tests, with the newest Cython, setuptools, pytest and Hypothesis, prereleases too."""
    session.install("--upgrade", "--pre", "--prefer-binary", "cython", "setuptools", "pytest", "hypothesis")
    install(session, "--no-build-isolation", ".")
    pytest(session)


@nox.session
def differential(session: nox.Session) -> None:
    """Both implementations on 200,000 mutated packets; full: ten million."""
    install(session, *TEST)
    if session.posargs == FULL:
        session.run("python", "-m", "pytest", "-q", DIFFERENTIAL, env={"MQTTCODEC_INPUTS": "10000000"})
    else:
        pytest(session, DIFFERENTIAL)


@nox.session
def mutants(session: nox.Session) -> None:
    """Check that the tests notice each removed rule."""
    install(session, *TEST, extensions="off")
    session.run("python", "tests/support/mutants.py", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Line coverage of both codecs, including the .pyx files."""
    session.run("python", "tools/line_coverage.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in build/site; a warning is an error."""
    install(session, ".[docs]", extensions="off")
    session.run("sphinx-build", "-q", "-W", "--keep-going", "docs", "build/site")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Check the result of each participant, without timing it."""
    install(session, ".[benchmark]")
    pytest(session, "-r", "f", "benchmarks", "--benchmark-disable")


@nox.session
def instructions(session: nox.Session) -> None:
    """Check that no case takes more instructions than before."""
    install(session, ".[benchmark]")
    session.run("python", "benchmarks/instructions.py", *session.posargs)


@nox.session
def wheels(session: nox.Session) -> None:
    """The distributions and their workflows; full: a wheel for each installed Python, and Pyodide."""
    # The tools do not need the extensions. The wheels that they test have them.
    session.install(".[wheels]", env={"MQTTCODEC_EXTENSIONS": "off"})
    session.run("python", "tools/check.py", *session.posargs)


@nox.session
def sanitized(session: nox.Session) -> None:
    """Address, undefined behaviour and leak sanitizers, on the memory tests; full: all tests, gcc and clang."""
    if session.posargs == FULL:
        session.run("python", "tools/sanitized.py", env={"MQTTCODEC_EVERY": "1"})
        session.run("python", "tools/sanitized.py", "--compiler", "clang")
    else:
        session.run("python", "tools/sanitized.py", *(session.posargs or [*HARDENED, "-k", "not python"]))


@nox.session
def checked(session: nox.Session) -> None:
    """A debug build of Python, Cython and C, on the memory tests; full: all tests."""
    few = [*HARDENED, LEAKS, "-k", "not python"]
    session.run("python", "tools/checked.py", *([] if session.posargs == FULL else session.posargs or few))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Each fuzz target for 15 seconds; full: for 20 minutes."""
    session.run("python", "tools/fuzz.py", *(["1200"] if session.posargs == FULL else session.posargs or ["15"]))


def as_root(session: nox.Session, *command: str) -> None:
    session.run(*([] if os.geteuid() == 0 else ["sudo"]), *command, external=True)


@nox.session(venv_backend="none")
@nox.parametrize("architecture", ["i386", "s390x"], ids=["i386", "s390x"])
def foreign(session: nox.Session, architecture: str) -> None:
    """The tests, on 32-bit or big-endian Debian; full: on 32 bits, also the slow tests of sizes."""
    is_full = session.posargs == FULL
    as_root(session, "tools/foreign.sh", architecture, *([] if is_full else session.posargs))
    if is_full and architecture == "i386":
        as_root(session, "tools/foreign.sh", architecture, "--full", *SIZES)


@nox.session(venv_backend="none")
@nox.parametrize("interpreter", ["python3.14", "python3.15", "pypy3"], ids=["python3.14", "python3.15", "pypy3"])
def newer(session: nox.Session, interpreter: str) -> None:
    """The tests, on the newest Pythons and compiler of Debian unstable, or on PyPy without extensions."""
    as_root(session, "tools/newer.sh", interpreter, *session.posargs)
