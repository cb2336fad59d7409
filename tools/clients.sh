#!/usr/bin/env bash
# Install the clients that tests/broker needs and that are not Python packages of its environment: `tools/clients.sh DIR`.
# Put DIR/bin on PATH. Needs npm, and Python 3.8, the last that hbmqtt runs on.
set -euo pipefail
mkdir -p "$1/bin"
# pyenv may have a `python3.8` that refuses to run, so its real one comes first.
python=$(find "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.8.*/bin/python 2>/dev/null | tail -1)
"${python:-python3.8}" -m venv "$1/hbmqtt"
"$1/hbmqtt/bin/python" -m pip install -q --disable-pip-version-check hbmqtt==0.9.6 websockets==8.1
timeout 180 npm install --silent --no-fund --no-audit --prefix "$1" mqtt
for name in hbmqtt/bin/hbmqtt_{sub,pub} node_modules/.bin/mqtt_{sub,pub}; do
    ln -sf "../$name" "$1/bin/"
done
