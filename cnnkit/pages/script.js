// What a reader can do with a page: tell values under the pointer, zoom, sort, open images.
// Without it the page shows the same; it asks for nothing from anywhere.
"use strict";

/**
 * An axis of a chart.
 * @typedef {{low: number, high: number, unit: string, log: boolean, whole: boolean}} Axis
 * The points of a line, in their order.
 * @typedef {{name: string, told: string, x: number[], y: (number | null)[]}} Series
 * @typedef {{across: string, fixed: boolean, x: Axis, y: Axis, series: Series[]}} ChartData
 */

const EXTENT = 1000;
const MOST_READ = 8;

/** @param {Axis} axis @param {number} value */
const place = (axis, value) =>
  axis.log
    ? Math.log(value / axis.low) / Math.log(axis.high / axis.low)
    : (value - axis.low) / (axis.high - axis.low);

/** @param {Axis} axis @param {number} part */
const valueAt = (axis, part) =>
  axis.log ? axis.low * (axis.high / axis.low) ** part : axis.low + part * (axis.high - axis.low);

/** @param {Axis} axis @param {number} value */
function shown(axis, value) {
  const given = axis.unit === "percent" ? 100 * value : value;
  const text =
    Math.abs(given) < 10000 ? String(Number(given.toPrecision(4))) : Math.round(given).toLocaleString("en");
  return axis.unit === "percent" ? `${text} %` : text;
}

/**
 * Round values along an axis.
 * @param {Axis} axis
 * @returns {number[]}
 */
function ticks(axis) {
  if (axis.log) return [0, 1, 2, 3].map((count) => valueAt(axis, count / 3));
  const rough = (axis.high - axis.low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  let step = power * ([1, 2, 5, 10].find((times) => times * power >= rough * 0.999) ?? 10);
  if (axis.whole) step = Math.max(step, 1);
  const found = [];
  for (let count = Math.ceil(axis.low / step - 1e-9); count * step <= axis.high + step * 1e-9; count++) {
    found.push(count * step);
  }
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {string} [kind]
 * @param {string} [text]
 */
function element(name, kind = "", text = "") {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  made.textContent = text;
  return made;
}

class Chart {
  /** @param {HTMLElement} figure */
  constructor(figure) {
    this.figure = figure;
    /** @type {ChartData} */
    this.data = JSON.parse(figure.dataset.chart ?? "");
    this.plot = /** @type {HTMLElement} */ (figure.querySelector(".plot"));
    this.svg = /** @type {SVGElement} */ (this.plot.querySelector("svg"));
    this.paths = [...this.svg.querySelectorAll(".line")];
    this.off = new Set();
    this.whole = { x: this.data.x, y: this.data.y };
    this.x = this.data.x;
    this.y = this.data.y;
    this.at = -1;
    this.pointer = element("div", "pointer hidden");
    this.chosen = element("div", "chosen hidden");
    this.readout = element("div", "readout hidden");
    this.readout.setAttribute("aria-live", "polite");
    this.unzoom = element("button", "unzoom hidden", "whole chart");
    this.unzoom.type = "button";
    this.unzoom.addEventListener("click", () => this.zoom(this.whole.x));
    this.plot.append(this.pointer, this.chosen);
    figure.style.position = "relative";
    figure.append(this.readout, this.unzoom);
    this.unzoom.style.top = "0";
    const all = this.data.series.flatMap((each) => each.x);
    this.stops = [...new Set(all)].sort((one, other) => one - other);
    this.listen();
    this.legend();
  }

  listen() {
    const plot = this.plot;
    /** @type {number | null} */
    let from = null;
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.pointerType === "touch") return;
      from = this.part(event);
      plot.setPointerCapture(event.pointerId);
    });
    plot.addEventListener("pointermove", (event) => {
      const part = this.part(event);
      if (from !== null && Math.abs(part - from) > 0.01) {
        const [low, high] = [Math.min(from, part), Math.max(from, part)];
        this.chosen.classList.remove("hidden");
        this.chosen.style.left = `${100 * low}%`;
        this.chosen.style.width = `${100 * (high - low)}%`;
        return;
      }
      this.read(this.nearest(valueAt(this.x, part)), event);
    });
    plot.addEventListener("pointerup", (event) => {
      const part = this.part(event);
      this.chosen.classList.add("hidden");
      if (from !== null && Math.abs(part - from) > 0.01) {
        const ends = [from, part].map((each) => valueAt(this.x, each)).sort((one, other) => one - other);
        this.zoom({ ...this.x, low: ends[0], high: ends[1] });
      }
      from = null;
    });
    plot.addEventListener("pointerleave", () => this.leave());
    plot.addEventListener("blur", () => this.leave());
    plot.addEventListener("dblclick", () => this.zoom(this.whole.x));
    plot.addEventListener("keydown", (event) => this.key(event));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const inside = this.stops.filter((stop) => stop >= this.x.low && stop <= this.x.high);
    const last = inside.length - 1;
    const now = inside.indexOf(this.stops[this.at]);
    /** @type {Record<string, () => void>} */
    const does = {
      ArrowLeft: () => this.read(this.stops.indexOf(inside[now < 0 ? last : Math.max(now - 1, 0)])),
      ArrowRight: () => this.read(this.stops.indexOf(inside[Math.min(now + 1, last)])),
      Home: () => this.read(this.stops.indexOf(inside[0])),
      End: () => this.read(this.stops.indexOf(inside[last])),
      "+": () => this.closer(0.5),
      "-": () => this.closer(2),
      Escape: () => this.zoom(this.whole.x),
    };
    const act = does[event.key];
    if (!act || last < 0) return;
    event.preventDefault();
    act();
  }

  /** Zooms round what is read, or round the middle. @param {number} times */
  closer(times) {
    const middle = this.at < 0 ? 0.5 : place(this.x, this.stops[this.at]);
    const [low, high] = [middle - times / 2, middle + times / 2].map((part) => valueAt(this.x, part));
    const whole = this.whole.x;
    this.zoom({ ...this.x, low: Math.max(low, whole.low), high: Math.min(high, whole.high) });
  }

  /** Shows a part of the axis; the values follow. @param {Axis} x */
  zoom(x) {
    const whole = x.low <= this.whole.x.low && x.high >= this.whole.x.high;
    const inside = this.stops.filter((stop) => stop >= x.low && stop <= x.high);
    if (!whole && inside.length < 2) return;
    this.x = whole ? this.whole.x : x;
    this.fit(!whole || this.off.size > 0);
    this.figure.classList.toggle("zoomed", !whole);
    this.unzoom.classList.toggle("hidden", whole);
    this.leave();
    this.draw();
  }

  /** The axis of the values that suits what is seen. @param {boolean} changed */
  fit(changed) {
    this.y = this.whole.y;
    if (!changed || this.data.fixed) return;
    const values = this.data.series.flatMap((each, number) =>
      this.off.has(number)
        ? []
        : each.y.filter((_, at) => each.x[at] >= this.x.low && each.x[at] <= this.x.high),
    );
    const known = /** @type {number[]} */ (values.filter((value) => value !== null));
    let low = Math.min(...known);
    let high = Math.max(...known);
    if (!known.length || low === high) return;
    if (this.y.log) {
      const ratio = (high / low) ** 0.04;
      [low, high] = [low / ratio, high * ratio];
    } else {
      const margin = 0.04 * (high - low);
      [low, high] = [low - margin, high + margin];
    }
    this.y = { ...this.y, low, high };
  }

  draw() {
    const left = EXTENT * place(this.whole.x, this.x.low);
    const right = EXTENT * place(this.whole.x, this.x.high);
    const top = EXTENT * (1 - place(this.whole.y, this.y.high));
    const bottom = EXTENT * (1 - place(this.whole.y, this.y.low));
    this.svg.setAttribute("viewBox", `${left} ${top} ${right - left} ${bottom - top}`);
    for (const each of this.plot.querySelectorAll(".tick")) each.remove();
    for (const [kind, axis] of /** @type {[string, Axis][]} */ ([["up", this.y], ["across", this.x]])) {
      for (const value of ticks(axis)) {
        const tick = element("i", `tick ${kind}`);
        tick.style.setProperty("--at", String(place(axis, value)));
        tick.append(element("span", "", shown(axis, value)));
        this.plot.prepend(tick);
      }
    }
  }

  /** Where a pointer is along the axis, from 0 to 1. @param {PointerEvent} event */
  part(event) {
    const box = this.plot.getBoundingClientRect();
    return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1);
  }

  /** @param {number} value */
  nearest(value) {
    let best = -1;
    let least = Infinity;
    const there = place(this.whole.x, value);
    this.stops.forEach((stop, number) => {
      const apart = Math.abs(place(this.whole.x, stop) - there);
      if (apart < least) [best, least] = [number, apart];
    });
    return best;
  }

  /**
   * Tells the values at a stop; of many lines the one that is nearest to the pointer.
   * @param {number} stop
   * @param {PointerEvent} [event]
   */
  read(stop, event) {
    this.at = stop;
    if (stop < 0) return;
    const x = this.stops[stop];
    const part = place(this.x, x);
    const lines = this.data.series.flatMap((each, number) => {
      const at = each.x.indexOf(x);
      const value = at < 0 ? null : each.y[at];
      return value === null || this.off.has(number) ? [] : [{ name: each.told, value }];
    });
    if (lines.length > MOST_READ && event) {
      const box = this.plot.getBoundingClientRect();
      const height = 1 - (event.clientY - box.top) / box.height;
      const far = (/** @type {{value: number}} */ line) => Math.abs(place(this.y, line.value) - height);
      lines.sort((one, other) => far(one) - far(other));
    }
    this.pointer.classList.remove("hidden");
    this.pointer.style.left = `${100 * part}%`;
    const told = lines.slice(0, MOST_READ).map(({ name, value }) =>
      element("p", "", (name ? `${name}: ` : "") + shown(this.y, value)),
    );
    this.readout.replaceChildren(element("p", "", `${this.data.across} ${shown(this.x, x)}`), ...told);
    this.readout.classList.remove("hidden");
    const box = this.figure.getBoundingClientRect();
    const from = this.plot.getBoundingClientRect();
    const line = from.left - box.left + part * from.width;
    const width = this.readout.offsetWidth;
    const left = line + 12 + width > box.width ? line - 12 - width : line + 12;
    this.readout.style.left = `${Math.max(left, 0)}px`;
    this.readout.style.top = `${from.top - box.top + 6}px`;
  }

  leave() {
    this.at = -1;
    this.pointer.classList.add("hidden");
    this.readout.classList.add("hidden");
  }

  /** Makes the names of several lines switches. */
  legend() {
    const names = [...new Set(this.data.series.map((each) => each.name).filter(Boolean))];
    if (names.length < 2) return;
    const items = [...this.figure.querySelectorAll(".legend li")];
    names.forEach((name, number) => {
      const button = element("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.append(...items[number].childNodes);
      items[number].append(button);
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(on));
        this.data.series.forEach((each, line) => {
          if (each.name !== name) return;
          if (on) this.off.delete(line);
          else this.off.add(line);
          this.paths[line].classList.toggle("hidden", !on);
        });
        this.zoom(this.x);
      });
    });
  }
}

/** Lets the reader sort the rows of a table by a column. @param {HTMLTableElement} table */
function sortable(table) {
  const body = table.tBodies[0];
  const heads = [...table.querySelectorAll("thead th")];
  /** @param {HTMLTableRowElement} row @param {number} column */
  const text = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent?.trim() ?? "";
  /** @param {string} value */
  const number = (value) => parseFloat(value.replace(/[,\s]/g, "").replace("−", "-"));
  heads.forEach((head, column) => {
    const button = element("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const way = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      for (const each of heads) each.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", way);
      const sign = way === "ascending" ? 1 : -1;
      const rows = [...body.rows].map((row) => ({ row, text: text(row, column), value: number(text(row, column)) }));
      const words = rows.some((each) => each.text !== "" && each.text !== "—" && Number.isNaN(each.value));
      rows.sort((one, other) => {
        if (words) return sign * one.text.localeCompare(other.text, "en", { numeric: true });
        if (Number.isNaN(one.value) || Number.isNaN(other.value)) {
          return Number(Number.isNaN(one.value)) - Number(Number.isNaN(other.value));
        }
        return sign * (one.value - other.value);
      });
      body.append(...rows.map((each) => each.row));
    });
  });
}

/** Opens the images behind the cells of a confusion matrix. @param {HTMLElement} gallery */
function openable(gallery) {
  const first = Number(gallery.dataset.first);
  const items = [.../** @type {NodeListOf<HTMLElement>} */ (gallery.querySelectorAll("li"))];
  const told = /** @type {HTMLElement} */ (document.querySelector(".gallery-told"));
  const usual = told.textContent ?? "";
  const more = element("button", "more", `all ${items.length}`);
  more.type = "button";
  gallery.after(more);
  /** @param {string | null} pair @param {string} said @param {boolean} all */
  const show = (pair, said, all) => {
    items.forEach((item, number) => {
      const seen = pair === null ? all || number < first : item.dataset.pair === pair;
      item.classList.toggle("hidden", !seen);
    });
    told.textContent = said;
    more.classList.toggle("hidden", pair === null && (all || items.length <= first));
    for (const cell of document.querySelectorAll(".open")) cell.classList.remove("open");
  };
  more.addEventListener("click", () => show(null, usual, true));
  const pairs = new Set(items.map((item) => item.dataset.pair));
  for (const cell of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-pair]"))) {
    if (cell.tagName === "LI" && gallery.contains(cell)) continue;
    if (!pairs.has(cell.dataset.pair) || cell.classList.contains("right")) continue;
    const button = element("button");
    button.type = "button";
    button.append(...cell.childNodes);
    if (cell.title) button.setAttribute("aria-label", cell.title);
    cell.append(button);
    button.addEventListener("click", () => {
      show(cell.dataset.pair ?? null, cell.title || button.textContent || "", false);
      cell.classList.add("open");
      told.scrollIntoView({ block: "nearest" });
    });
  }
  show(null, usual, false);
}

/** Makes what is shown answer to the reader. */
function ready() {
  for (const figure of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-chart]"))) {
    new Chart(figure);
  }
  for (const table of /** @type {NodeListOf<HTMLTableElement>} */ (document.querySelectorAll("table.sortable"))) {
    sortable(table);
  }
  for (const gallery of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".gallery"))) {
    openable(gallery);
  }
}

ready();
