// What a cell of the output sees, drawn back onto the input.
import { drawn, element } from "./dom.js";
import { say, term } from "./messages.js";

const SIDE = 220;
/** Up to here each cell has its line. */
const GRID = 40;

/** @param {HTMLElement} home @param {any} layer @param {(cell: number[]) => void} choose */
export function showField(home, layer, choose) {
  const sees = layer.sees;
  if (!sees || sees.spans.some((/** @type {any} */ span) => span === null)) {
    home.replaceChildren(element("p", {}, say("unseen")));
    return;
  }
  const control = /** @type {HTMLElement | null} */ (home.contains(document.activeElement) ? document.activeElement : null)?.dataset.control;
  const size = sees.spans.map((/** @type {number[]} */ [first, last]) => last - first + 1).join("×");
  const where = sees.spans
    .map((/** @type {number[]} */ [first, last], /** @type {number} */ axis) => `${term(sees.axes[axis])} ${signed(first)} … ${signed(last)}`)
    .join(", ");
  const beyond = sees.spans.some((/** @type {number[]} */ [first, last], /** @type {number} */ axis) => first < 0 || last >= sees.input[axis]);
  home.replaceChildren(
    ...sees.output.map((/** @type {number} */ extent, /** @type {number} */ axis) => slider(home, sees, axis, extent, choose)),
    element("div", { class: "maps" }, ...(sees.output.length ? [outputMap(sees, choose)] : []), inputMap(sees)),
    element("p", { "aria-live": "polite" }, say(beyond ? "seenpadded" : "seen", size, where)),
  );
  if (control) /** @type {any} */ (home.querySelector(`[data-control="${control}"]`))?.focus();
}

/** @param {HTMLElement} home @param {any} sees @param {number} axis @param {number} extent @param {(cell: number[]) => void} choose */
function slider(home, sees, axis, extent, choose) {
  const id = `cell-${axis}`;
  const range = element("input", {
    type: "range",
    id,
    min: 0,
    max: extent - 1,
    value: sees.cell[axis],
    "data-control": id,
    // The others as they stand now: an answer to their last move may still be on its way.
    oninput: () => choose([.../** @type {NodeListOf<HTMLInputElement>} */ (home.querySelectorAll("input[type=range]"))].map((each) => Number(each.value))),
  });
  return element(
    "div",
    { class: "slider" },
    element("label", { for: id }, `${say("cell")}, ${term(sees.axes[axis])}`),
    range,
    element("output", { for: id }, `${sees.cell[axis]} / ${extent}`),
  );
}

/** The last two axes of a map, a signal as one row. @param {number[]} values */
function plane(values) {
  return values.length === 1 ? [0, values[0]] : values.slice(-2);
}

/** @param {number[]} extents */
function planeOf(extents) {
  return extents.length === 1 ? [1, extents[0]] : extents.slice(-2);
}

/** @param {any} sees @param {(cell: number[]) => void} choose */
function outputMap(sees, choose) {
  const [rows, columns] = planeOf(sees.output);
  const picture = map(rows, columns, 0, 0);
  const [row, column] = plane(sees.cell);
  picture.svg.append(drawn("rect", { class: "cell", x: column, y: row, width: 1, height: 1 }));
  const pick = (/** @type {PointerEvent} */ event) => {
    const box = picture.svg.getBoundingClientRect();
    const at = [((event.clientY - box.top) / box.height) * rows, ((event.clientX - box.left) / box.width) * columns].map(Math.floor);
    choose([...sees.cell.slice(0, -2), ...(sees.cell.length === 1 ? at.slice(1) : at)]);
  };
  picture.svg.addEventListener("pointerdown", (event) => pick(/** @type {PointerEvent} */ (event)));
  picture.svg.addEventListener("pointermove", (event) => {
    if (/** @type {PointerEvent} */ (event).buttons) pick(/** @type {PointerEvent} */ (event));
  });
  picture.svg.classList.add("pick");
  return figure(picture.svg, say("outputmap", sees.output.join("×")));
}

/** @param {any} sees */
function inputMap(sees) {
  const [rows, columns] = planeOf(sees.input);
  const spans = sees.spans.length === 1 ? [[0, 0], sees.spans[0]] : sees.spans.slice(-2);
  const [[top, bottom], [left, right]] = spans;
  // What lies beyond the border is shown up to half the map's extent.
  const above = Math.min(Math.max(-top, bottom - rows + 1, 0), Math.ceil(rows / 2));
  const aside = Math.min(Math.max(-left, right - columns + 1, 0), Math.ceil(columns / 2));
  const picture = map(rows, columns, above, aside);
  picture.svg.append(drawn("rect", { class: "seen", x: left, y: top, width: right - left + 1, height: bottom - top + 1 }));
  return figure(picture.svg, say("inputmap", sees.input.join("×")));
}

/** A map with a margin of padding. @param {number} rows @param {number} columns @param {number} above @param {number} aside */
function map(rows, columns, above, aside) {
  const [height, width] = [rows + 2 * above, columns + 2 * aside];
  const scale = SIDE / Math.max(height, width);
  const svg = drawn("svg", {
    viewBox: `${-aside} ${-above} ${width} ${height}`,
    width: Math.max(width * scale, 12),
    height: Math.max(height * scale, 12),
    preserveAspectRatio: "none",
    "aria-hidden": "true",
  });
  if (above || aside) svg.append(drawn("rect", { class: "padding", x: -aside, y: -above, width, height }));
  svg.append(drawn("rect", { class: "map", x: 0, y: 0, width: columns, height: rows }));
  let lines = "";
  if (Math.max(height, width) <= GRID) {
    for (let row = -above; row <= rows + above; row += 1) lines += `M${-aside} ${row}h${width}`;
    for (let column = -aside; column <= columns + aside; column += 1) lines += `M${column} ${-above}v${height}`;
    svg.append(drawn("path", { class: "grid", d: lines }));
  }
  return { svg };
}

/** @param {SVGElement} svg @param {string} text */
function figure(svg, text) {
  return element("figure", {}, svg, element("figcaption", {}, text));
}

/** @param {number} value */
function signed(value) {
  return String(value).replace("-", "−");
}
