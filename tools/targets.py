"""List the wheels of a release: those that cibuildwheel builds from `pyproject.toml` and the matrix in `release.yml`.

python tools/targets.py             list the wheels of each platform and architecture
python tools/targets.py FOLDER      check that a folder holds these, the sdist and the pure wheel, and nothing else

Needs `pip install '.[wheels]'`.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from environments import PROJECT
from packaging.utils import parse_sdist_filename, parse_wheel_filename

RELEASE = PROJECT / ".github" / "workflows" / "release.yml"


def rows() -> Iterator[dict[str, str]]:
    """The matrix rows of the jobs that run cibuildwheel."""
    for job in yaml.safe_load(RELEASE.read_text(encoding="utf-8"))["jobs"].values():
        if any(step.get("uses", "").startswith("pypa/cibuildwheel@") for step in job["steps"]):
            matrix = job["strategy"]["matrix"]
            if "include" in matrix:
                yield from matrix["include"]
            else:
                for values in itertools.product(*matrix.values()):
                    yield dict(zip(matrix, values, strict=True))


def identifiers(row: dict[str, str]) -> list[str]:
    """The builds of a row, such as cp314t-musllinux_aarch64."""
    environment = os.environ | {"CIBW_PLATFORM": row["platform"], "CIBW_ARCHS": row["arch"]}
    if "build" in row:
        environment["CIBW_BUILD"] = row["build"]
    command = [sys.executable, "-m", "cibuildwheel", "--print-build-identifiers", PROJECT]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.split()


def all_identifiers() -> list[str]:
    """Prints the builds of each architecture, and returns all of them. It is an error if two jobs build one wheel."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows():
        found.setdefault((row["platform"], row["arch"]), []).extend(identifiers(row))
    for (platform, arch), builds in found.items():
        pythons = dict.fromkeys(build.split("-")[0] for build in builds)
        systems = dict.fromkeys(re.split(r"[-_]", build)[1] for build in builds)
        print(f"{platform:8} {arch:8} {len(builds):3} wheels  {' '.join(pythons)}  {' '.join(systems)}")
    builds = list(itertools.chain.from_iterable(found.values()))
    print(f"{len(builds)} wheels, the pure one and the sdist")
    twice = {build for build in builds if builds.count(build) > 1}
    if twice:
        raise SystemExit(f"made by two jobs: {', '.join(sorted(twice))}")
    return builds


def identifier(wheel: str) -> tuple[str, str]:
    """The version of a wheel and the build that produced it, or "pure"."""
    _, version, _, tags = parse_wheel_filename(wheel)
    tag = min(tags, key=str)  # A wheel may have several manylinux tags.
    if tag.platform == "any":
        return str(version), "pure"
    platform = re.sub(r"^(manylinux|musllinux|macosx|pyemscripten|pyodide)(?:_?\d+)+_", r"\1_", tag.platform)
    platform = platform.replace("pyemscripten", "pyodide")
    return str(version), f"{tag.abi}-{platform}"


def faults(folder: Path, builds: list[str]) -> list[str]:
    """The errors in a folder that should hold the distributions of `builds`."""
    expected = {*builds, "pure"}
    sdists = [str(parse_sdist_filename(path.name)[1]) for path in folder.glob("*.tar.gz")]
    wheels = [identifier(path.name) for path in folder.glob("*.whl")]
    built = {build for _, build in wheels}
    others = {path.name for path in folder.iterdir() if not path.name.endswith((".tar.gz", ".whl"))}
    versions = {*sdists, *(version for version, _ in wheels)}
    found = [f"missing: {build}" for build in sorted(expected - built)]
    found += [f"unexpected: {name}" for name in sorted((built - expected) | others)]
    if len(sdists) != 1:
        found.append(f"{len(sdists)} sdists")
    if len(versions) != 1:
        found.append(f"several versions: {', '.join(sorted(versions))}")
    return found


if __name__ == "__main__":
    planned = all_identifiers()
    if len(sys.argv) > 1:
        wrong = faults(Path(sys.argv[1]), planned)
        if wrong:
            raise SystemExit("\n".join(wrong))
