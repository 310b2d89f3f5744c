// Where the site has Pyodide: beside its own modules, with the types of the package.
export { loadPyodide } from "pyodide";
