// The analyser in a thread of its own: Python in WebAssembly, asked and answering in JSON.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const here = (/** @type {string} */ name) => new URL(name, import.meta.url).href;

/** Fetches a file of this site. @param {string} name */
async function bytes(name) {
  const response = await fetch(here(name));
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

// A line that lists names and sizes, then the files one after the other.
const UNPACK = `
import json, lzma, os, sys
with lzma.open("/python.xz") as archive:
    for name, size in json.loads(archive.readline()):
        os.makedirs(os.path.dirname("/site/" + name), exist_ok=True)
        with open("/site/" + name, "wb") as file:
            file.write(archive.read(size))
os.remove("/python.xz")
sys.path.insert(0, "/site")
os.environ["PYDANTIC_DISABLE_PLUGINS"] = "true"  # to look for them takes a while
from cnnkit.playground.calculator import answer, prepare
prepare()
answer`;

async function start() {
  const [python, archive] = await Promise.all([
    loadPyodide({ indexURL: here("./pyodide/"), checkAPIVersion: false }),
    bytes("./python.xz"),
  ]);
  python.FS.writeFile("/python.xz", archive);
  return python.runPython(UNPACK);
}

const started = start();
started.then(
  () => self.postMessage({ ready: true }),
  (error) => self.postMessage({ failed: String(error) }),
);

self.onmessage = async ({ data }) => {
  const answer = await started;
  self.postMessage({ id: data.id, answer: answer(data.question) });
};
