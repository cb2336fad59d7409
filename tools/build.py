"""Build the platform-independent distributions: the sdist and, from it, the py3-none-any wheel.

    python tools/build.py [--sdist] FOLDER      --sdist: build only the sdist

In a GitHub workflow, the sdist's name becomes the output `sdist`. On a tag, the version must equal the tag.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from environments import PROJECT, create_environment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sdist", action="store_true")
    arguments = parser.parse_args()
    environment = os.environ | {"MQTTCODEC_EXTENSIONS": "off"}
    with tempfile.TemporaryDirectory() as tools:
        python = create_environment(Path(tools), "build")
        # Without --sdist, `build` makes the wheel from the sdist, not from this tree.
        what = ["--sdist"] if arguments.sdist else []
        command = [python, "-m", "build", "--outdir", arguments.folder.absolute(), *what, PROJECT]
        subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
    (sdist,) = arguments.folder.glob("*.tar.gz")
    print(*sorted(path.name for path in arguments.folder.iterdir()), sep="\n")
    tag = os.environ["GITHUB_REF_NAME"] if os.environ.get("GITHUB_REF_TYPE") == "tag" else None
    if tag and not sdist.name.endswith(f"-{tag.removeprefix('v')}.tar.gz"):
        raise SystemExit(f"{sdist.name} is not of the tag {tag}")
    if "GITHUB_OUTPUT" in os.environ:
        with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
            output.write(f"sdist={sdist.name}\n")


if __name__ == "__main__":
    main()
