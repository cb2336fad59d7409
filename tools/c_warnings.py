"""Compile the C that Cython makes of this project, and fail for any warning.

    python tools/c_warnings.py [COMPILER ...]      cc, unless said

Casts that lose bits or signs are what goes wrong first on 32 bits and on Windows, whose `long` has 32 bits.
"""

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from Cython.Compiler.Main import compile as cythonize

SOURCE = Path(__file__).parents[1] / "src" / "mqttcodec"
FLAGS = ("-O2", "-Wall", "-Wextra", "-Wconversion", "-Wsign-compare", "-Werror", "-fsyntax-only")


def main() -> None:
    include = sysconfig.get_paths()["include"]
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(SOURCE.glob("*.pyx")):
            made = Path(folder, path.stem + ".c")
            # With line directives, a warning names the line that was written, not the one that was made of it.
            cythonize(str(path), full_module_name=f"mqttcodec.{path.stem}", output_file=str(made), emit_linenums=True)
            for compiler in sys.argv[1:] or ["cc"]:
                subprocess.run([compiler, *FLAGS, "-isystem", include, made], check=True, cwd=SOURCE.parent)
            print(path.name, "compiles without a warning of the C compiler")


if __name__ == "__main__":
    main()
