// Two specs side by side: the kept one and the one in the editor, as `cnnkit diff` has them.
import { element } from "./dom.js";
import { say, term } from "./messages.js";

const MARKS = { changed: "~", inserted: "+", removed: "−" };
const NAMES = { macs: "MACs", macs_without_heads: "MACs without heads", flops: "FLOPs" };

/** @param {HTMLElement} home @param {any} found @param {string} old @param {string} text */
export function showDifferences(home, found, old, text) {
  const texts = element(
    "div",
    { class: "texts" },
    ...[["old", old], ["new", text]].map(([name, each]) =>
      element("figure", {}, element("figcaption", {}, say(name)), element("pre", { tabIndex: 0, role: "region", "aria-label": say(name) }, ...lines(each, name === "old" ? text : old))),
    ),
  );
  if (!found) return home.replaceChildren(texts, element("p", {}, say("incomparable")));
  if (found.same) return home.replaceChildren(texts, element("p", {}, say("same")));
  const totals = Object.entries(found.totals).filter(([, each]) => each.old !== each.new);
  const rows = totals.map(([name, each]) => row("", term(/** @type {any} */ (NAMES)[name] ?? name.replaceAll("_", " ")), figures(each.old), figures(each.new), percent(each)));
  const layers = found.layers
    .filter((/** @type {any} */ each) => each.status !== "same")
    .slice(0, 100)
    .map((/** @type {any} */ each) =>
      row(MARKS[/** @type {"changed"} */ (each.status)] ?? "", each.path.new ?? each.path.old, told(each, "old"), told(each, "new"), changed(each)),
    );
  const heads = ["", "layer", "old", "new", "change"].map((name) => (name ? element("th", { scope: "col" }, say(name)) : element("td")));
  home.replaceChildren(texts, element("table", { class: "differences" }, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows, ...layers)));
}

/** The lines of a text; those that the other has not are marked. @param {string} text @param {string} other */
function lines(text, other) {
  const known = new Set(other.split("\n"));
  return text.split("\n").map((line) => (known.has(line) ? `${line}\n` : element("mark", {}, `${line}\n`)));
}

/** @param {...string} cells */
function row(...cells) {
  return element("tr", {}, ...cells.map((cell) => element("td", {}, cell)));
}

/** @param {any} layer @param {"old" | "new"} side */
function told(layer, side) {
  if (layer.path[side] === null) return "";
  const output = layer.output[side]?.join("x") ?? "?";
  return `${layer.kind} ${output}, ${figures(layer.parameters[side])} ${term("parameters")}`;
}

/** The fields that were set anew. @param {any} layer */
function changed(layer) {
  return layer.settings
    .map((/** @type {any} */ each) => `${each.field}: ${shown(each.old)} → ${shown(each.new)}`)
    .join(", ");
}

/** @param {unknown} value */
function shown(value) {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

/** @param {number | null} value */
function figures(value) {
  return value === null || value === undefined ? "?" : value.toLocaleString("en");
}

/** @param {any} each */
function percent(each) {
  if (each.percent === null || each.percent === undefined) return "";
  const text = `${each.percent > 0 ? "+" : ""}${each.percent.toFixed(1)} %`;
  return text.replace("-", "−");
}
