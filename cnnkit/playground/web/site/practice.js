// Practice: questions of the exercises, each number checked as it is given.
import { element } from "./dom.js";
import { say, spoken } from "./messages.js";

const TOPICS = ["sizes", "padding", "parameters", "receptive-field", "pooling", "metrics"];
const LEVELS = ["1", "2", "3"];

export class Practice {
  /**
   * @param {HTMLElement} home
   * @param {(details: Record<string, unknown>) => Promise<any>} ask
   * @param {(spec: string) => void} put Puts a spec into the editor.
   */
  constructor(home, ask, put) {
    this.home = home;
    this.ask = ask;
    this.put = put;
    this.topic = TOPICS[0];
    this.level = LEVELS[0];
    this.seed = 1 + Math.floor(Math.random() * 1_000_000);
    /** @type {Record<string, string>} */ this.given = {};
    this.told = false;
    this.stepwise = false;
    this.right = 0;
    this.asked = 0;
    this.counted = false;
  }

  /**
   * The question as it is.
   * @param {string} [focus] The control that is to have the focus then.
   * @param {boolean} [onward] Whether that is the next step, where this one is right.
   */
  async show(focus, onward = false) {
    const found = await this.ask({ topic: this.topic, level: Number(this.level), seed: this.seed, language: spoken(), given: this.given, told: this.told });
    if (!found) return;
    if (found.answer?.right && !this.counted && !this.told) {
      this.right += 1;
      this.counted = true;
    }
    this.#draw(found);
    const open = found.steps.findIndex((/** @type {any} */ step) => step.asked && step.right !== true);
    const next = onward && focus?.startsWith("step-") ? (open < 0 ? "answer" : `step-${open}`) : focus;
    if (next) /** @type {HTMLElement | null} */ (this.home.querySelector(`[data-control="${next}"]`))?.focus();
  }

  /** Another question. @param {string} focus */
  next(focus) {
    if (this.counted || this.told || Object.keys(this.given).length) this.asked += 1;
    this.seed += 1;
    this.given = {};
    this.told = false;
    this.stepwise = false;
    this.counted = false;
    void this.show(focus);
  }

  /** @param {any} found */
  #draw(found) {
    const topics = found.topics.map((/** @type {any} */ each) => [each.name, each.said]);
    const levels = LEVELS.map((level) => [level, level]);
    const done = found.answer?.right || this.told;
    this.home.replaceChildren(
      element("p", { class: "buttons" }, ...this.#choice("topic", topics), ...this.#choice("level", levels), this.#button("next", () => this.next("answer"))),
      element("p", { class: "question" }, found.text),
      this.#field("answer", say("answer"), found.answer?.right ?? null, true),
      element("p", { role: "status", class: "verdict" }, this.#verdict(found.answer)),
      element(
        "p",
        { class: "buttons" },
        this.stepwise || done ? null : this.#button("stepwise", () => this.#set({ stepwise: true }, "step-0")),
        done ? null : this.#button("tell", () => this.#set({ told: true }, "next")),
        found.spec ? this.#button("open", () => this.put(found.spec)) : null,
      ),
      ...(done ? [element("ol", {}, ...found.worked.map((/** @type {string} */ line) => element("li", { class: "equation" }, line)))] : this.stepwise ? [this.#steps(found.steps)] : []),
      element("p", { class: "note" }, say("score", this.right, this.asked + (this.counted || this.told || Object.keys(this.given).length ? 1 : 0))),
    );
  }

  /** The steps down to the first that is not yet right: the next one shows what it comes to. @param {any[]} steps */
  #steps(steps) {
    const open = steps.findIndex((step) => step.asked && step.right !== true);
    const shown = open < 0 ? steps : steps.slice(0, open + 1);
    return element(
      "ol",
      { class: "steps" },
      ...shown.map((step, number) => element("li", {}, step.asked ? this.#field(`step-${number}`, step.shown, step.right, false) : element("span", { class: "equation" }, step.shown))),
    );
  }

  /** A number to fill in, checked when it is sent. @param {string} name @param {string} label @param {boolean | null} right @param {boolean} button */
  #field(name, label, right, button) {
    const key = name.replace("step-", "");
    const input = element("input", { id: `practice-${name}`, "data-control": name, type: "text", inputMode: "decimal", autocomplete: "off", value: this.given[key] ?? "", "aria-invalid": right === false ? "true" : null });
    const mark = right === null ? null : element("span", { class: right ? "right-mark" : "fault" }, right ? `✓ ${say("rightstep")}` : `✗ ${say("wrongstep")}`);
    return element(
      "form",
      {
        class: "asked",
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.given = { ...this.given, [key]: input.value };
          void this.show(name, true);
        },
      },
      element("label", { for: input.id, class: button ? "" : "equation" }, label),
      input,
      button ? element("button", { type: "submit", "data-control": "check" }, say("check")) : null,
      button ? null : mark,
    );
  }

  /** @param {any} answer */
  #verdict(answer) {
    if (!answer) return "";
    if (answer.right) return `✓ ${say("rightanswer")}`;
    if (!answer.number) return say("nonumber");
    return `✗ ${answer.feedback ?? say("wronganswer")}`;
  }

  /** @param {"topic" | "level"} name @param {string[][]} values */
  #choice(name, values) {
    const select = element("select", { id: `practice-${name}`, "data-control": name }, ...values.map(([value, text]) => element("option", { value, selected: value === this[name] }, text)));
    select.onchange = () => {
      this[name] = select.value;
      this.next(name);
    };
    return [element("label", { for: select.id }, say(name)), select];
  }

  /** @param {string} name @param {() => void} pressed */
  #button(name, pressed) {
    return element("button", { type: "button", "data-control": name, onclick: pressed }, say(name));
  }

  /** @param {{told?: boolean, stepwise?: boolean}} state @param {string} focus */
  #set(state, focus) {
    Object.assign(this, state);
    void this.show(focus);
  }
}
