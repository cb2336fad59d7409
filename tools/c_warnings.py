"""Compile this project with Cython, and the C that it makes with C compilers, and fail for any warning of either.

    python tools/c_warnings.py [COMPILER ...]      cc, unless said

Casts that lose bits or signs are what goes wrong first on 32 bits and on Windows, whose `long` has 32 bits.
"""

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "mqttcodec"
FLAGS = ("-O2", "-Wall", "-Wextra", "-Wconversion", "-Wsign-compare", "-Werror", "-fsyntax-only")
# A new Python may have fields in its types that Cython does not know yet. They are zero, as they should be.
FLAGS += ("-Wno-missing-field-initializers",)


def main() -> None:
    include = sysconfig.get_paths()["include"]
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(SOURCE.glob("*.pyx")):
            made = Path(folder, path.stem + ".c")
            # With line directives, a warning names the line that was written, not the one that was made of it.
            command = [sys.executable, "-m", "cython", "-Wextra", "-Werror", "--line-directives"]
            subprocess.run([*command, "--module-name", f"mqttcodec.{path.stem}", path, "-o", made], check=True)
            for compiler in sys.argv[1:] or ["cc"]:
                subprocess.run(
                    [compiler, *FLAGS, "-isystem", include, "-iquote", SOURCE, made], check=True, cwd=SOURCE.parent
                )
            print(path.name, "compiles without a warning")


if __name__ == "__main__":
    main()
