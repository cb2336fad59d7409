"""Compile the project with Cython, and the generated C with C compilers. Any warning is an error.

    python tools/c_warnings.py [COMPILER ...]      the default is cc

The warnings find casts that lose bits or signs. These break on 32-bit platforms, and on Windows, where `long` has 32
bits.
"""

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "mqttcodec"
FLAGS = ("-O2", "-Wall", "-Wextra", "-Wconversion", "-Wsign-compare", "-Werror", "-fsyntax-only")
# A new Python may add fields to its types that Cython does not know yet. Zero is the correct value for them.
FLAGS += ("-Wno-missing-field-initializers",)


def main() -> None:
    include = sysconfig.get_paths()["include"]
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(SOURCE.glob("*.pyx")):
            made = Path(folder, path.stem + ".c")
            # With line directives, a warning names the line of the .pyx file, not of the generated C.
            command = [sys.executable, "-m", "cython", "-Wextra", "-Werror", "--line-directives"]
            subprocess.run([*command, "--module-name", f"mqttcodec.{path.stem}", path, "-o", made], check=True)
            for compiler in sys.argv[1:] or ["cc"]:
                subprocess.run(
                    [compiler, *FLAGS, "-isystem", include, "-iquote", SOURCE, made], check=True, cwd=SOURCE.parent
                )
            print(path.name, "compiles without a warning")


if __name__ == "__main__":
    main()
