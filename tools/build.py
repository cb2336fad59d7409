"""Make what does not depend on a platform: the sdist and, from it, the py3-none-any wheel.

    python tools/build.py [--sdist] FOLDER      --sdist: that alone

The packages this takes are installed for the time being. In a GitHub workflow the sdist's name becomes the output
`sdist`.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

PROJECT = Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sdist", action="store_true")
    arguments = parser.parse_args()
    environment = os.environ | {"MQTTCODEC_EXTENSIONS": "off"}
    with tempfile.TemporaryDirectory() as tools:
        venv.create(tools, with_pip=True)
        python = Path(tools, "Scripts" if sys.platform == "win32" else "bin", "python")
        subprocess.run([python, "-m", "pip", "install", "-q", "build"], check=True)
        # Without --sdist `build` makes the wheel out of the sdist, not out of this tree.
        what = ["--sdist"] if arguments.sdist else []
        command = [python, "-m", "build", "--outdir", arguments.folder.absolute(), *what, PROJECT]
        subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
    (sdist,) = arguments.folder.glob("*.tar.gz")
    print(*sorted(path.name for path in arguments.folder.iterdir()), sep="\n")
    if "GITHUB_OUTPUT" in os.environ:
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
            output.write(f"sdist={sdist.name}\n")


if __name__ == "__main__":
    main()
