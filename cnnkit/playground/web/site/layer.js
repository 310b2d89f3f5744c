// The chosen layer: its formulas with the values put in, and a slider for each of its numbers.
import { element, prose } from "./dom.js";
import { say, term } from "./messages.js";

/**
 * @param {HTMLElement} home @param {any} layer
 * @param {(field: string, value: string, index: number | null) => void} turn
 */
export function showLayer(home, layer, turn) {
  const focused = /** @type {HTMLElement | null} */ (home.contains(document.activeElement) ? document.activeElement : null);
  const control = focused?.dataset.control;
  home.replaceChildren(
    element(
      "p",
      { class: "flow" },
      element("b", {}, layer.path),
      " ",
      layer.kind,
      " ",
      element("span", { class: "shape" }, `${layer.input} → ${layer.output}`),
    ),
    layer.about ? element("p", { class: "help" }, ...prose(layer.about)) : null,
    ...sliders(layer, turn),
    ...formulas(layer),
  );
  // A slider that is being turned is drawn anew; the hand stays on it.
  if (control) /** @type {any} */ (home.querySelector(`[data-control="${control}"]`))?.focus();
}

/** @param {any} layer @param {(field: string, value: string, index: number | null) => void} turn */
function sliders(layer, turn) {
  if (!layer.controls.length) return [];
  const rows = layer.controls.map((/** @type {any} */ each) => slider(each, turn));
  return [element("h3", {}, say("sliders")), element("div", { class: "sliders" }, ...rows)];
}

/** @param {any} each @param {(field: string, value: string, index: number | null) => void} turn */
function slider(each, turn) {
  const name = each.index === null ? each.field : `${each.field}-${each.index}`;
  const id = `turn-${name}`;
  const fixed = each.how === "expression";
  const shown = element("output", { for: id }, String(each.value ?? each.word));
  const range = element("input", {
    type: "range",
    id,
    min: each.least,
    max: each.most,
    value: each.value ?? each.least,
    disabled: fixed,
    "data-control": name,
    "aria-valuetext": String(each.value ?? each.word),
    oninput: () => {
      shown.value = range.value;
      turn(each.field, range.value, each.index);
    },
  });
  const words = each.words.length && !fixed ? choice(each, turn) : null;
  const note = { expression: "written", variable: "variable" }[/** @type {"variable"} */ (each.how)];
  const label = term(each.field) + (each.index === null ? "" : ` ${each.index + 1}`);
  return element(
    "div",
    { class: "slider" },
    element("label", { for: id }, label),
    range,
    shown,
    words,
    note && each.text ? element("span", { class: "note" }, say(note, each.text)) : null,
  );
}

/** @param {any} each @param {(field: string, value: string, index: number | null) => void} turn */
function choice(each, turn) {
  const select = element(
    "select",
    {
      "aria-label": `${term(each.field)}: ${each.words.join(", ")}`,
      "data-control": `${each.field}-word`,
      onchange: () => turn(each.field, select.value, each.index),
    },
    ...each.words.map((/** @type {string} */ word) => element("option", { value: word }, word)),
    element("option", { value: String(each.value ?? 0) }, say("number")),
  );
  select.value = each.word ?? String(each.value ?? 0);
  return select;
}

/** @param {any} layer */
function formulas(layer) {
  if (!layer.formulas.length) return [];
  const parts = layer.formulas.slice(0, 40).map((/** @type {any} */ each) =>
    element(
      "div",
      { class: "formula" },
      element("h4", {}, each.times > 1 ? `${each.name} ×${each.times}` : each.name),
      element(
        "dl",
        {},
        ...each.lines.map((/** @type {string[]} */ [label, text]) => element("div", {}, element("dt", {}, term(label)), element("dd", {}, text))),
      ),
    ),
  );
  return [element("h3", {}, say("formulas")), ...parts];
}
