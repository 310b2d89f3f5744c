// The layers as a table; a row is chosen by a click, or by its button and the arrow keys.
import { element } from "./dom.js";
import { say, term } from "./messages.js";

const MARKS = { error: "✗", warning: "!", info: "i" };

/**
 * @param {HTMLElement} home @param {any} account @param {string | null} chosen @param {(path: string) => void} choose
 */
export function showTable(home, account, chosen, choose) {
  const focused = home.contains(document.activeElement);
  const heads = ["layer", "kind", "output", "neurons", "parameters", "macs", "field"];
  const body = element("tbody");
  for (const row of account.rows) body.append(line(row, row.path === chosen, choose));
  body.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => move(body, event));
  const table = element(
    "table",
    { class: "layers" },
    element("caption", { class: "hidden" }, say("table")),
    element("thead", {}, element("tr", {}, ...heads.map((name) => element("th", { scope: "col", class: numeric(name) }, say(name))))),
    body,
  );
  home.replaceChildren(table, ...account.captions.map((/** @type {string} */ text) => element("p", { class: "caption" }, text)));
  if (focused) /** @type {any} */ (home.querySelector("button[aria-pressed=true]"))?.focus();
}

/** @param {any} row @param {boolean} chosen @param {(path: string) => void} choose */
function line(row, chosen, choose) {
  const mark = row.mark ? element("span", { class: `mark ${row.mark}`, title: say(row.mark) }, MARKS[/** @type {"error"} */ (row.mark)]) : null;
  const name = element(
    "button",
    { type: "button", "aria-pressed": String(chosen), tabIndex: chosen ? 0 : -1, onclick: () => choose(row.path) },
    row.label,
  );
  const sum = row.sum ? "Σ" : "";
  const cells = [
    element("th", { scope: "row" }, element("span", { class: "guide", "aria-hidden": "true" }, row.guide), mark, name),
    element("td", { class: "kind" }, row.kind),
    element("td", {}, row.output),
    element("td", { class: "number" }, sum + row.neurons),
    bar(sum + row.parameters, row.shares?.parameters),
    bar(sum + row.macs, row.shares?.macs),
    element("td", {}, row.field),
  ];
  return element("tr", { class: chosen ? "chosen" : "", "data-path": row.path, onclick: () => choose(row.path) }, ...cells);
}

/** @param {string} text @param {number | undefined} share */
function bar(text, share) {
  return element("td", { class: "number", style: share ? { "--part": `${share}%` } : {} }, text);
}

/** @param {string} name */
function numeric(name) {
  return ["neurons", "parameters", "macs"].includes(name) ? "number" : "";
}

/** @param {HTMLElement} body @param {KeyboardEvent} event */
function move(body, event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const buttons = [...body.querySelectorAll("button")];
  const next = buttons[buttons.indexOf(/** @type {any} */ (document.activeElement)) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.click();
}

/** The totals, each a figure with its note. @param {HTMLElement} home @param {any} account */
export function showFigures(home, account) {
  const figures = account.figures.map((/** @type {any} */ figure) =>
    element(
      "div",
      {},
      element("dt", {}, term(figure.label)),
      element("dd", {}, figure.value),
      figure.note ? element("dd", { class: "note" }, figure.note) : null,
    ),
  );
  home.replaceChildren(...figures);
}

/** The levels of the table that are shown. @param {HTMLElement} home @param {any} account @param {(depth: number) => void} choose */
export function showDepths(home, account, choose) {
  const buttons = [];
  for (let depth = 1; depth <= account.deepest && account.deepest > 1; depth += 1)
    buttons.push(
      element(
        "button",
        { type: "button", "aria-pressed": String(depth === account.depth), "aria-label": `${say("depth")}: ${depth}`, onclick: () => choose(depth) },
        String(depth),
      ),
    );
  home.replaceChildren(...(buttons.length ? [element("span", {}, say("depth")), ...buttons] : []));
}
