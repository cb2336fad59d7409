"""What there is to run; CI runs the same.

    pip install nox
    nox                          style, types and tests
    nox -l                       all there is
    nox -s docs coverage         two of it
    nox -s tests -- -k decoder   arguments of pytest's

Each session has a virtual environment in `.nox/`; `-R` uses it again without installing.
"""

from __future__ import annotations

import nox

nox.options.sessions = ["lint", "tests"]
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True

REQUIRE = {"MQTTCODEC_EXTENSIONS": "require"}
OFF = {"MQTTCODEC_EXTENSIONS": "off"}

# What reads, writes and holds memory. The suite as a whole takes these builds a quarter of an hour each.
HARDENED = [
    f"tests/{file}"
    for file in (
        *("hardening/test_adversarial.py", "hardening/test_fuzz.py", "hardening/test_hostile.py"),
        *("hardening/test_hostile_buffers.py", "hardening/test_primitives.py", "hardening/test_threads.py"),
        *("packets/test_encode.py", "packets/test_functions.py", "rules/test_vectors.py"),
        *("streams/test_chunking.py", "streams/test_decoder.py"),
    )
]


def install(session: nox.Session, extra: str, variables: dict[str, str] = REQUIRE) -> None:
    session.env.update(variables)
    session.install(f".[{extra}]")


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, spelling: all hooks of .pre-commit-config.yaml."""
    install(session, "lint")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs)
    session.run("python", "tools/stubs.py")
    session.run("python", "tools/typed.py")
    session.run("python", "-m", "pytest", "-q", "tests/packets/test_typing.py")


@nox.session
def tests(session: nox.Session) -> None:
    """The tests, on both implementations."""
    install(session, "test")
    session.run("python", "-m", "pytest", "-q", *session.posargs)


@nox.session
def plain(session: nox.Session) -> None:
    """The tests where there are no extensions."""
    install(session, "test", OFF)
    session.run("python", "-m", "pytest", "-q", *session.posargs)


@nox.session
def floors(session: nox.Session) -> None:
    """The tests, on what the oldest Cython and setuptools that pyproject.toml admits have built."""
    requirements = nox.project.load_toml("pyproject.toml")["build-system"]["requires"]
    session.install(*(requirement.replace(">=", "==") + ".*" for requirement in requirements))
    session.env.update(REQUIRE)
    session.install("--no-build-isolation", ".[test]")
    # The runner of this session has no Mosquitto.
    session.run("python", "-m", "pytest", "-q", "--ignore", "tests/streams/test_mosquitto.py", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Whether the tests notice each rule that is taken away."""
    install(session, "test", OFF)
    session.run("python", "tests/support/mutants.py", *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """The lines that the tests run, of both codecs, those of the .pyx files too."""
    session.run("python", "tools/line_coverage.py", *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in build/site; a warning is an error."""
    install(session, "docs", OFF)
    session.run("sphinx-build", "-q", "-W", "--keep-going", "docs", "build/site")


@nox.session
def benchmarks(session: nox.Session) -> None:
    """That what each participant makes is right; no figures."""
    install(session, "benchmark")
    session.run("python", "-m", "pytest", "-q", "-r", "f", "benchmarks", "--benchmark-disable", *session.posargs)


@nox.session
def instructions(session: nox.Session) -> None:
    """That no case takes more instructions than it did."""
    install(session, "benchmark")
    session.run("python", "benchmarks/instructions.py", *session.posargs)


@nox.session
def wheels(session: nox.Session) -> None:
    """The distributions and the workflows that make them; `-- --full` takes long."""
    # The tools do without the extensions; what they try has them.
    session.install(".[wheels]", env=OFF)
    session.run("python", "tools/check.py", *session.posargs)


@nox.session
def sanitized(session: nox.Session) -> None:
    """Address, undefined behaviour and leak sanitizers on what touches memory; arguments are pytest's, instead."""
    session.run("python", "tools/sanitized.py", *(session.posargs or [*HARDENED, "-k", "not python"]))


@nox.session
def checked(session: nox.Session) -> None:
    """A debug build of Python, Cython and C on what touches memory; arguments are pytest's, instead."""
    few = [*HARDENED, "tests/hardening/test_leaks.py", "-k", "not python"]
    session.run("python", "tools/checked.py", *(session.posargs or few))


@nox.session
def fuzz(session: nox.Session) -> None:
    """So many seconds of each target; the arguments are those of tools/fuzz.py."""
    session.run("python", "tools/fuzz.py", *(session.posargs or ["15"]))
