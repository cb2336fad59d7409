#!/usr/bin/env bash
# Install the clients that tests/broker needs and that are not Python packages of its environment: `tools/clients.sh DIR`.
# Put DIR/bin on PATH. Needs npm, and Python 3.8, the last that hbmqtt runs on.
set -euo pipefail
mkdir -p "$1/bin"
python=$(command -v python3.8 || ls -d "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.8.*/bin/python | tail -1)
"$python" -m venv "$1/hbmqtt"
"$1/hbmqtt/bin/python" -m pip install -q --disable-pip-version-check hbmqtt==0.9.6 websockets==8.1
npm install --silent --no-fund --no-audit --prefix "$1" mqtt
for name in hbmqtt/bin/hbmqtt_{sub,pub} node_modules/.bin/mqtt_{sub,pub}; do
    ln -sf "../$name" "$1/bin/"
done
