// Run the suite in Pyodide, CPython for WebAssembly, under node:
//
//     node tools/pyodide.mjs SITE PROJECT [ARGUMENT ...]
//
// SITE is a folder where `pip install --target` put the wheel and the requirements of the tests. PROJECT holds the tests.
// The arguments are passed to pytest. The npm package `pyodide` must be installed in the working directory.
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [site, project, ...options] = process.argv.slice(2);
const require = createRequire(pathToFileURL(resolve("index.js")));
const { loadPyodide } = require("pyodide");

const { MQTTCODEC_EXTENSIONS = "auto" } = process.env;
const pyodide = await loadPyodide({ env: { HOME: "/home/pyodide", MQTTCODEC_EXTENSIONS } });
pyodide.mountNodeFS("/site", resolve(site));
pyodide.mountNodeFS("/project", resolve(project));
const place = ["--rootdir", "/project", "-c", "/project/pyproject.toml", "/project/tests"];
pyodide.globals.set("options", pyodide.toPy(["-p", "no:cacheprovider", ...place, ...options]));
process.exitCode = await pyodide.runPythonAsync(`
import os, sys
sys.path.insert(0, "/site")
os.chdir("/project")
import pytest
int(pytest.main(options))
`);
