"""The extension modules, and what to do where they cannot be built. Everything else is in pyproject.toml.

The environment variable MQTTCODEC_EXTENSIONS says how: `auto` (build them; without a compiler or Python's headers
install the pure Python twin, and leave a note that `mqttcodec.BACKEND_ERROR` shows), `require` (a failure is an error),
`off` (pure Python).
"""

import os
import re
import tomllib
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CCompilerError, ExecError, PlatformError

CHOICE = os.environ.get("MQTTCODEC_EXTENSIONS", "auto")
if CHOICE not in ("auto", "require", "off"):
    raise SystemExit(f"MQTTCODEC_EXTENSIONS must be auto, require or off, not {CHOICE!r}")

MODULES = ("_packets_c", "_decode_properties_c", "_decode_c", "_encode_c", "_codec_c", "_stream_c")

# With `build_ext --debug`: what the sources rely on is looked at, and C's own asserts are on. What a source says in its
# first lines, such as `boundscheck=False`, stays; `tools/environments.py` changes that too.
CHECKS = {"initializedcheck": True, "nonecheck": True}
DEBUG_FLAGS = ["-O1", "-g", "-UNDEBUG"]

# -O3 takes a tenth off what decodes and encodes; of the packet classes and the decoder it makes 40 KiB more and nothing
# faster.
OPTIMISED_FURTHER = ("_decode_properties_c", "_decode_c", "_encode_c", "_codec_c")


def compiler_flags(module: str, compiler_type: str, *, debug: bool) -> list[str]:
    if compiler_type == "msvc":
        return ["/O2"]
    if debug:
        return DEBUG_FLAGS
    return ["-O3" if module in OPTIMISED_FURTHER else "-O2", "-g0", "-fvisibility=hidden"]


class BuildExtensions(build_ext):
    """Builds all extension modules or, if the choice is `auto`, none and a note why."""

    def build_extensions(self) -> None:
        for extension in self.extensions:
            module = extension.name.rpartition(".")[2]
            extension.extra_compile_args = compiler_flags(module, self.compiler.compiler_type, debug=bool(self.debug))
            if self.debug:
                extension.cython_directives = CHECKS
            # That it is built on Linux is true of Emscripten too, whose linker knows none of this.
            if self.plat_name.startswith("linux") and not self.debug:
                # Symbols nobody uses and padding between pages: a fifth of the size.
                extension.extra_link_args = ["-Wl,-s", "-Wl,-z,noseparate-code"]
        self.note().unlink(missing_ok=True)
        try:
            super().build_extensions()
        except (CCompilerError, ExecError, PlatformError, OSError) as error:
            if CHOICE == "require":
                raise
            self.go_without(error)

    def go_without(self, error: Exception) -> None:
        """Remove what was built; keep the reason where the package finds it."""
        print(f"building mqttcodec without its extensions: {error}")
        for extension in self.extensions:
            extension.optional = True  # So that nobody asks for the file afterwards.
            Path(self.get_ext_fullpath(extension.name)).unlink(missing_ok=True)
        self.note().parent.mkdir(parents=True, exist_ok=True)
        self.note().write_text(f"{error}\n", encoding="utf-8")

    def note(self) -> Path:
        """The file that says why there are no extensions, beside where they would be."""
        return Path(self.get_ext_fullpath("mqttcodec." + MODULES[0])).with_name("_build_error.txt")


def readme() -> str:
    """README.md for a page that is not beside the files it links to."""
    source = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Source"]
    text = Path("README.md").read_text(encoding="utf-8")
    text = re.sub(r"(!\[[^]]*\]\()(?!https:)", rf"\1{source}/raw/main/", text)
    return re.sub(r"\]\((?!https:)", f"]({source}/blob/main/", text)


extensions = (
    []
    if CHOICE == "off"
    else [
        Extension(f"mqttcodec.{name}", [f"src/mqttcodec/{name}.pyx"], depends=["src/mqttcodec/_traceback.h"])
        for name in MODULES
    ]
)

setup(
    long_description=readme(),
    long_description_content_type="text/markdown",
    ext_modules=extensions,
    cmdclass={"build_ext": BuildExtensions},
    # Who would `cimport` the packets is told so when compiling, not when importing.
    exclude_package_data={"mqttcodec": ["*.pxd"]} if CHOICE == "off" else {},
)
