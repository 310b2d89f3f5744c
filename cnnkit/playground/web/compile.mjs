// Runs a program of Python in Pyodide, with the current folder mounted as /work: node compile.mjs PROGRAM
// What Pyodide imports to start stands in loaded.txt then.
import fs from "node:fs";
import process from "node:process";
import { loadPyodide } from "pyodide";

const python = await loadPyodide();
fs.writeFileSync("loaded.txt", python.runPython('import sys; "\\n".join(sys.modules)'));
python.mountNodeFS("/work", process.cwd());
python.runPython(fs.readFileSync(process.argv[2], "utf8"));
