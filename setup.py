"""Build the extension modules, or install without them. All other settings are in pyproject.toml.

The environment variable MQTTCODEC_EXTENSIONS selects the mode: `auto`, the default (build them, or install the plain
Python twin if Cython, a compiler or Python's headers are missing), `require` (a failure is an error), `off` (plain
Python). An installation without extensions keeps the reason, which `mqttcodec.BACKEND_ERROR` shows.
"""

import os
import re
import shlex
import sysconfig
import tempfile
import tomllib
from pathlib import Path

from setuptools import Extension, setup
from setuptools import __version__ as setuptools_version
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py
from setuptools.errors import CCompilerError, ExecError, PlatformError

CHOICE = os.environ.get("MQTTCODEC_EXTENSIONS") or "auto"
if CHOICE not in ("auto", "require", "off"):
    raise SystemExit(f"MQTTCODEC_EXTENSIONS must be auto, require or off, not {CHOICE!r}")

PYPROJECT = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
MODULES = sorted(path.stem for path in Path("src/mqttcodec").glob("*.pyx"))
HEADERS = sorted(map(str, Path("src/mqttcodec").glob("*.h")))

# `build_ext --debug` enables checks of assumptions in the sources, and C assertions. It does not override directives at
# the head of a source, such as `boundscheck=False`; `tools/environments.py` does.
CHECKS = {"initializedcheck": True, "nonecheck": True}
DEBUG_FLAGS = ["-O1", "-g", "-UNDEBUG"]

# -O3 makes decoding and encoding faster. For the packet classes and the decoder it only makes larger code.
OPTIMISED_FURTHER = ("_decode_properties_c", "_decode_c", "_encode_properties_c", "_encode_c", "_codec_c")

# The levels of optimisation (-O1) and of debug information (-g) that the user set.
USER_LEVELS = [flag for flag in shlex.split(os.environ.get("CFLAGS", "")) if flag.startswith(("-O", "-g"))]


def compiler_flags(module: str, compiler_type: str, *, debug: bool) -> list[str]:
    if compiler_type == "msvc":
        return ["/O2"]
    if debug:
        flags = DEBUG_FLAGS
    else:
        flags = ["-O3" if module in OPTIMISED_FURTHER else "-O2", "-g0", "-fvisibility=hidden"]
    # Our flags follow the user's, and the last flag counts.
    return [flag for flag in flags if flag[:2] not in {level[:2] for level in USER_LEVELS}]


def linker_flags() -> list[str]:
    """Drop unused symbols and page padding, which make up a large part of the file."""
    wants_symbols = any(level.startswith("-g") and level != "-g0" for level in USER_LEVELS)
    return ["-Wl,-z,noseparate-code"] if wants_symbols else ["-Wl,-s", "-Wl,-z,noseparate-code"]


def too_old(name: str, found: str) -> str:
    """An error if the version is too old, or an empty string. Without build isolation pip does not check."""
    (needed,) = (text for text in PYPROJECT["build-system"]["requires"] if text.startswith(name + ">="))
    if version_numbers(found) >= version_numbers(needed):
        return ""
    return f"the build needs {needed} and found {found or 'none'}: pip install '{needed}'"


def version_numbers(text: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", text)[:3]]


def check_cython() -> None:
    try:
        from Cython import __version__ as found
    except ImportError:
        found = ""
    if fault := too_old("cython", found):
        raise PlatformError(fault)


def leave_note(package: Path, reason: str) -> None:
    """Store why this folder has no extensions, and remove old extensions. An empty reason removes the note."""
    note = package / "_build_error.txt"
    if not reason:
        note.unlink(missing_ok=True)
        return
    for module in MODULES:
        (package / (module + sysconfig.get_config_var("EXT_SUFFIX"))).unlink(missing_ok=True)
    package.mkdir(parents=True, exist_ok=True)
    note.write_text(f"{reason}\n", encoding="utf-8")


class BuildExtensions(build_ext):
    """Builds all extension modules. If the choice is `auto` and this fails, builds none and stores the reason."""

    reason = ""

    def build_extensions(self) -> None:
        try:
            check_cython()
            self.set_flags()
            super().build_extensions()
        except (CCompilerError, ExecError, PlatformError, OSError) as error:
            if CHOICE == "require":
                raise
            print(f"building mqttcodec without its extensions: {error}")
            self.reason = str(error)
            for extension in self.extensions:
                extension.optional = True  # So that no later step expects the file.
        leave_note(Path(self.build_lib, "mqttcodec"), self.reason)

    def copy_extensions_to_source(self) -> None:
        """Runs with --inplace, and in an editable installation."""
        super().copy_extensions_to_source()
        leave_note(Path(self.get_finalized_command("build_py").get_package_dir("mqttcodec")), self.reason)

    def set_flags(self) -> None:
        for extension in self.extensions:
            module = extension.name.rpartition(".")[2]
            extension.extra_compile_args = compiler_flags(module, self.compiler.compiler_type, debug=bool(self.debug))
            if self.debug:
                extension.cython_directives = CHECKS
        # Emscripten builds on Linux too, but its linker knows none of these flags.
        if self.plat_name.startswith("linux") and not self.debug:
            known = self.known_to_the_linker(linker_flags())
            for extension in self.extensions:
                extension.extra_link_args = known

    def known_to_the_linker(self, flags: list[str]) -> list[str]:
        """The flags that work in a small trial link."""
        known = []
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "nothing.c")
            source.write_text("int nothing;\n", encoding="utf-8")
            objects = self.compiler.compile([str(source)], output_dir=folder)
            for flag in flags:
                try:
                    self.compiler.link_shared_object(objects, str(Path(folder, "nothing.so")), extra_postargs=[flag])
                    known.append(flag)
                except CCompilerError:
                    print(f"building mqttcodec without {flag}, which the linker does not take")
        return known


class BuildPython(build_py):
    """If the choice is `off`, stores that as the reason."""

    def run(self) -> None:
        super().run()
        if CHOICE == "off":
            package = self.get_package_dir("mqttcodec") if self.editable_mode else Path(self.build_lib, "mqttcodec")
            leave_note(Path(package), "MQTTCODEC_EXTENSIONS=off")


def readme() -> str:
    """README.md for a page whose links cannot be relative."""
    source = PYPROJECT["project"]["urls"]["Source"]
    text = Path("README.md").read_text(encoding="utf-8")
    text = re.sub(r"(!\[[^]]*\]\()(?!https:)", rf"\1{source}/raw/main/", text)
    return re.sub(r"\]\((?!https:)", f"]({source}/blob/main/", text)


if fault := too_old("setuptools", setuptools_version):
    raise SystemExit(fault)

extensions = (
    []
    if CHOICE == "off"
    else [Extension(f"mqttcodec.{name}", [f"src/mqttcodec/{name}.pyx"], depends=HEADERS) for name in MODULES]
)

setup(
    long_description=readme(),
    long_description_content_type="text/markdown",
    ext_modules=extensions,
    cmdclass={"build_ext": BuildExtensions, "build_py": BuildPython},
    # Without extensions, `cimport` then fails at compile time and not at import time.
    exclude_package_data={"mqttcodec": ["*.pxd"]} if CHOICE == "off" else {},
)
