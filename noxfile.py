"""All checks. `.ci/run` and the workflows call these sessions.

    pip install nox
    nox                           run style, types and tests
    nox -l                        list all sessions
    nox -s docs coverage          run two sessions
    nox -s tests -- -k decoder    pass arguments to pytest
    nox -s sanitized -- --full    run the full form

Some sessions take minutes in their short form, and up to hours in their full form. Only the argument `--full` selects
the full form. Other arguments are passed to the tool that the session runs.

Each session has a virtual environment in `.nox/`; `-R` reuses it without installing.
"""

from __future__ import annotations

import os
import sys

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
# Only `pythons` lists interpreters. It skips those that are not installed.
nox.options.error_on_missing_interpreters = False

PROJECT = nox.project.load_toml("pyproject.toml")
HERE = f"{sys.version_info.major}.{sys.version_info.minor}"
FULL = ["--full"]

# Prefer an older release that has a wheel to the newest one if that must be built from source.
TEST = ("--prefer-binary", ".[test]")

TYPING = "tests/packets/test_typing.py"
DIFFERENTIAL = "tests/hardening/test_differential.py"
LEAKS = "tests/hardening/test_leaks.py"
# The tests of sizes at which 32-bit and 64-bit builds differ.
SIZES = ["tests/hardening/test_memory.py"]
# The tests of code that reads, writes and holds memory. The whole suite is slow on these builds.
HARDENED = [
    f"tests/{file}"
    for file in (
        *("hardening/test_adversarial.py", "hardening/test_fuzz.py", "hardening/test_hostile.py"),
        *("hardening/test_hostile_buffers.py", "hardening/test_primitives.py", "hardening/test_threads.py"),
        *("packets/test_encode.py", "packets/test_functions.py"),
        *("rules/test_recurring_strings.py", "rules/test_vectors.py"),
        *("streams/test_chunking.py", "streams/test_decoder.py", "streams/test_encoder.py"),
        *("streams/test_packet_bytes.py", "streams/test_skip.py"),
        *("topics/test_hardening.py", "topics/test_maps.py", "topics/test_topics.py"),
    )
]


def install(session: nox.Session, *arguments: str, extensions: str = "require") -> None:
    session.env["MQTTCODEC_EXTENSIONS"] = extensions
    session.install(*arguments)


def pytest(session: nox.Session, *arguments: str) -> None:
    session.run("python", "-m", "pytest", "-q", *arguments, *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, types and spelling: all hooks of .pre-commit-config.yaml, and generated files."""
    install(session, ".[lint]")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs)
    session.run("python", "tools/packets.py")
    session.run("python", "tools/stubs.py")
    session.run("python", "tools/typed.py")
    session.run("python", "-m", "pytest", "-q", TYPING)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests on both implementations."""
    install(session, *TEST)
    pytest(session)


@nox.session
def plain(session: nox.Session) -> None:
    """Run the tests without extensions."""
    install(session, *TEST, extensions="off")
    pytest(session)


@nox.session
def slow(session: nox.Session) -> None:
    """Run only the slow tests, which `tests` leaves out."""
    install(session, *TEST)
    pytest(session, "--full", "-m", "slow", "--durations=10")


@nox.session(python=[version for version in nox.project.python_versions(PROJECT) if version != HERE])
def pythons(session: nox.Session) -> None:
    """Run the tests on every other Python that is on PATH."""
    install(session, *TEST)
    pytest(session)


@nox.session
def floors(session: nox.Session) -> None:
    """Run the tests on extensions built by the oldest Cython and setuptools that pyproject.toml allows."""
    requirements = PROJECT["build-system"]["requires"]
    session.install(*(requirement.replace(">=", "==") + ".*" for requirement in requirements))
    install(session, "--no-build-isolation", ".[test]")
    pytest(session)


@nox.session
def prereleases(session: nox.Session) -> None:
    """Run the tests with the newest Cython, setuptools, pytest and Hypothesis, including prereleases."""
    session.install("--upgrade", "--pre", "--prefer-binary", "cython", "setuptools", "pytest", "hypothesis")
    install(session, "--no-build-isolation", ".")
    pytest(session)


@nox.session
def differential(session: nox.Session) -> None:
    """Compare both implementations on 200,000 mutated packets; full: ten million."""
    install(session, *TEST)
    if session.posargs == FULL:
        session.run("python", "-m", "pytest", "-q", DIFFERENTIAL, env={"MQTTCODEC_INPUTS": "10000000"})
    else:
        pytest(session, DIFFERENTIAL)


@nox.session
def mutants(session: nox.Session) -> None:
    """Check that the tests notice each rule that is removed."""
    install(session, *TEST, extensions="off")
    session.run("python", "tests/support/mutants.py", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """Measure the line coverage of both codecs, including the .pyx files."""
    session.run("python", "tools/line_coverage.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site in build/site; a warning is an error."""
    install(session, ".[docs]", extensions="off")
    session.run("sphinx-build", "-q", "-W", "--keep-going", "docs", "build/site")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Check the results of each participant in the benchmarks, without measuring."""
    install(session, ".[benchmark]")
    pytest(session, "-r", "f", "benchmarks", "--benchmark-disable")


@nox.session
def instructions(session: nox.Session) -> None:
    """Check that no benchmark case takes more instructions than recorded."""
    install(session, ".[benchmark]")
    session.run("python", "benchmarks/instructions.py", *session.posargs)


@nox.session
def hosts(session: nox.Session) -> None:
    """Run the test suites of the clients in mqttcodec.contrib with and without the adapter, and compare the results."""
    install(session, ".[test]", "pytest-asyncio")
    session.run("python", "tools/hosts.py", *session.posargs)


@nox.session
def wheels(session: nox.Session) -> None:
    """Check the distributions and the workflows; full: a wheel for each installed Python, and Pyodide."""
    # The tools run without extensions. The wheels that they test have them.
    session.install(".[wheels]", env={"MQTTCODEC_EXTENSIONS": "off"})
    session.run("python", "tools/check.py", *session.posargs)


@nox.session
def sanitized(session: nox.Session) -> None:
    """Run the tests of memory with address, undefined-behaviour and leak sanitizers; full: all tests, gcc and clang."""
    if session.posargs == FULL:
        session.run("python", "tools/sanitized.py", env={"MQTTCODEC_EVERY": "1"})
        session.run("python", "tools/sanitized.py", "--compiler", "clang")
    else:
        session.run("python", "tools/sanitized.py", *(session.posargs or [*HARDENED, "-k", "not python"]))


@nox.session
def checked(session: nox.Session) -> None:
    """Run the tests of memory on a debug build of Python, Cython and C; full: all tests."""
    few = [*HARDENED, LEAKS, "-k", "not python"]
    session.run("python", "tools/checked.py", *([] if session.posargs == FULL else session.posargs or few))


@nox.session
def fuzz(session: nox.Session) -> None:
    """Run each fuzz target for 15 seconds; full: for 20 minutes."""
    session.run("python", "tools/fuzz.py", *(["1200"] if session.posargs == FULL else session.posargs or ["15"]))


def as_root(session: nox.Session, *command: str) -> None:
    session.run(*([] if os.geteuid() == 0 else ["sudo"]), *command, external=True)


@nox.session(venv_backend="none")
@nox.parametrize("architecture", ["i386", "s390x"], ids=["i386", "s390x"])
def foreign(session: nox.Session, architecture: str) -> None:
    """Run the tests on 32-bit or big-endian Debian; full: on 32 bits, the slow tests of sizes as well."""
    is_full = session.posargs == FULL
    as_root(session, "tools/foreign.sh", architecture, *([] if is_full else session.posargs))
    if is_full and architecture == "i386":
        as_root(session, "tools/foreign.sh", architecture, "--full", *SIZES)


@nox.session(venv_backend="none")
@nox.parametrize("interpreter", ["python3.14", "python3.15", "pypy3"], ids=["python3.14", "python3.15", "pypy3"])
def newer(session: nox.Session, interpreter: str) -> None:
    """Run the tests on the newest Pythons and compiler of Debian unstable, and on PyPy without extensions."""
    as_root(session, "tools/newer.sh", interpreter, *session.posargs)
