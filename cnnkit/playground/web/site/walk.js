// The window at work: the padded input round it, the filter, each product, and what becomes of them.
import { element, part } from "./dom.js";
import { say } from "./messages.js";

const PACE = 900;
/** As many numbers as are handed to the worker at a time. */
const MOST = 200_000;

/** @typedef {{cell: number[], channel: number, look: number, numbers: number[] | null}} Step */

export class Walk {
  /** @param {HTMLElement} home @param {(step: Step) => void} ask */
  constructor(home, ask) {
    this.home = home;
    this.ask = ask;
    /** @type {Step} */ this.step = { cell: [], channel: 0, look: 0, numbers: null };
    /** @type {any} */ this.shown = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ this.timer = undefined;
  }

  /** Another layer, or another text: begins at the first cell. */
  reset() {
    this.pause();
    this.step = { cell: [], channel: 0, look: 0, numbers: null };
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  /** @param {any} walk */
  show(walk) {
    this.shown = walk;
    if (!walk) {
      this.pause();
      this.home.replaceChildren(element("p", {}, say("unwalked")));
      return;
    }
    const control = /** @type {HTMLElement | null} */ (this.home.contains(document.activeElement) ? document.activeElement : null)?.dataset.control;
    this.step = { ...this.step, cell: walk.cell, channel: walk.channel, look: walk.look };
    this.home.replaceChildren(this.#controls(walk), this.#picture(walk), this.#result(walk), this.#input(walk));
    if (control) /** @type {any} */ (this.home.querySelector(`[data-control="${control}"]`))?.focus();
    if (this.timer !== undefined) this.timer = setTimeout(() => this.next(), PACE);
  }

  /** Goes on to the next cell, row by row, and from the last to the first. */
  next() {
    const cell = [...this.step.cell];
    for (let axis = cell.length - 1; axis >= 0; axis -= 1) {
      cell[axis] += 1;
      if (cell[axis] < this.shown.output[axis]) break;
      cell[axis] = 0;
    }
    this.#go({ cell });
  }

  /** @param {Partial<Step>} change */
  #go(change) {
    this.step = { ...this.step, ...change };
    this.ask(this.step);
  }

  /** @param {any} walk */
  #controls(walk) {
    const axes = { 1: ["length"], 2: ["row", "column"], 3: ["slice", "row", "column"] }[/** @type {2} */ (walk.axes)] ?? [];
    const sliders = axes.map((name, axis) =>
      this.#slider(say(name), name, walk.cell[axis], walk.output[axis], (value) => {
        const cell = [...this.step.cell];
        cell[axis] = value;
        this.#go({ cell });
      }),
    );
    const last = walk.output.length - 1;
    if (walk.output[last] > 1)
      sliders.push(this.#slider(say("outchannel"), "channel", walk.channel, walk.output[last], (channel) => this.#go({ channel, look: channel })));
    if (walk.how === "sum" && walk.input[walk.axes] > 1)
      sliders.push(this.#slider(say("inchannel"), "look", walk.look, walk.input[walk.axes], (look) => this.#go({ look })));
    const play = element(
      "button",
      {
        type: "button",
        "data-control": "play",
        onclick: () => {
          if (this.timer === undefined) {
            this.timer = setTimeout(() => {}, 0);
            this.next();
          } else {
            this.pause();
            this.show(this.shown);
          }
        },
      },
      say(this.timer === undefined ? "play" : "pause"),
    );
    const step = element("button", { type: "button", "data-control": "step", onclick: () => this.next() }, say("step"));
    return element("div", {}, element("p", { class: "buttons" }, play, step), ...sliders);
  }

  /** @param {string} label @param {string} name @param {number} value @param {number} extent @param {(value: number) => void} turn */
  #slider(label, name, value, extent, turn) {
    const id = `walk-${name}`;
    const range = element("input", { type: "range", id, min: 0, max: extent - 1, value, "data-control": id, oninput: () => turn(Number(range.value)) });
    return element("div", { class: "slider" }, element("label", { for: id }, label), range, element("output", { for: id }, `${value} / ${extent}`));
  }

  /** @param {any} walk */
  #picture(walk) {
    const [first, beside] = walk.map.first;
    const rows = walk.axes === 1 ? [0] : walk.reads[walk.axes - 2];
    const columns = walk.reads[walk.axes - 1];
    const input = grid(
      walk.map.cells.map((/** @type {any[]} */ line, /** @type {number} */ row) =>
        line.map((cell, column) => ({
          text: shown(cell.value),
          class: [cell.inside ? "" : "padding", rows.includes(first + row) && columns.includes(beside + column) ? "read" : ""].join(" "),
        })),
      ),
    );
    const parts = [figure(input, say("padded", walk.look))];
    if (walk.how === "sum") {
      const of = walk.terms.filter((/** @type {any} */ term) => term.channel === walk.look && walk.map.lead.every((/** @type {number} */ index, /** @type {number} */ axis) => term.cell[axis] === index));
      const cut = (/** @type {string} */ name) => {
        const lines = [];
        for (let start = 0; start < of.length; start += columns.length)
          lines.push(of.slice(start, start + columns.length).map((/** @type {any} */ term) => ({ text: shown(term[name]), class: "" })));
        return grid(lines);
      };
      if (of.length) parts.push(element("span", { class: "sign", "aria-hidden": "true" }, "·"), figure(cut("weight"), say("filter")), element("span", { class: "sign", "aria-hidden": "true" }, "="), figure(cut("product"), say("products")));
    }
    return element("div", { class: "maps" }, ...parts);
  }

  /** @param {any} walk */
  #result(walk) {
    const given = walk.weights_given ? say("butweights") : "";
    return element(
      "div",
      { class: "result", "aria-live": "polite" },
      walk.equation ? element("p", {}, element("span", { class: "label" }, say(walk.how)), " ", element("code", { class: "equation" }, walk.equation)) : null,
      walk.by_channel ? element("p", {}, element("span", { class: "label" }, say("bychannel")), " ", element("code", { class: "equation" }, walk.by_channel)) : null,
      element("p", { class: "outcome" }, `${say("result")} `, element("b", {}, shown(walk.result))),
      walk.own ? null : element("p", { class: "note" }, say("madeup", given)),
    );
  }

  /** Where own numbers come from: a text, or an image. @param {any} walk */
  #input(walk) {
    const needed = walk.input.reduce((/** @type {number} */ product, /** @type {number} */ extent) => product * extent, 1);
    if (needed > MOST) return "";
    const fault = element("p", { class: "fault", role: "alert" });
    const text = element("textarea", {
      id: "numbers",
      rows: 3,
      spellcheck: false,
      value: this.step.numbers && needed <= 2000 ? this.step.numbers.join(" ") : "",
      placeholder: say("numbershelp", needed),
      "data-control": "numbers",
      onchange: () => {
        const numbers = text.value.replaceAll("−", "-").split(/[\s,;[\]]+/).filter(Boolean).map(Number);
        if (numbers.length === needed && numbers.every(Number.isFinite)) this.#go({ numbers });
        else fault.textContent = numbers.length ? say("numbersbad", needed, numbers.filter(Number.isFinite).length) : "";
      },
    });
    const parts = [element("label", { for: "numbers" }, say("numbers")), text];
    if (walk.axes === 2 && [1, 3].includes(walk.input[2])) {
      const file = element("input", {
        type: "file",
        id: "image",
        accept: "image/*",
        "data-control": "image",
        onchange: async () => {
          try {
            this.#go({ numbers: await pixels(file.files[0], walk.input) });
          } catch {
            fault.textContent = say("imagebad");
          }
        },
      });
      parts.push(element("label", { for: "image" }, say("image")), file);
    }
    if (walk.own) parts.push(element("button", { type: "button", onclick: () => this.#go({ numbers: null }) }, say("reset")));
    return element("div", { class: "own" }, ...parts, fault);
  }
}

/** The pixels of an image, made to fit, from 0 to 255. @param {File} file @param {number[]} shape */
async function pixels(file, [height, width, channels]) {
  const image = await createImageBitmap(file);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d"));
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  const numbers = [];
  for (let at = 0; at < data.length; at += 4) {
    const [red, green, blue] = data.subarray(at, at + 3);
    if (channels === 3) numbers.push(red, green, blue);
    else numbers.push(Math.round(0.299 * red + 0.587 * green + 0.114 * blue));
  }
  return numbers;
}

/** @param {{text: string, class: string}[][]} lines */
function grid(lines) {
  const rows = lines.map((line) => element("tr", {}, ...line.map((cell) => element("td", { class: cell.class }, cell.text))));
  return element("table", { class: "grid", role: "presentation" }, element("tbody", {}, ...rows));
}

/** @param {HTMLElement} content @param {string} text */
function figure(content, text) {
  return element("figure", {}, content, element("figcaption", {}, text));
}

/** @param {number | null} value */
function shown(value) {
  return value === null ? "" : String(Number(value.toPrecision(4))).replace("-", "−");
}

/** Whether the panel of this picture is open. */
export function isOpen() {
  return part("walk-panel").open;
}
