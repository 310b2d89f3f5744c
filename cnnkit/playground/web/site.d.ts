// What the modules import that is no package of npm's types: the files beside them, as they are served.
declare module "./pyodide/pyodide.mjs" {
  export { loadPyodide } from "pyodide";
}
