// Asks the worker, one question at a time; ends it where it does not answer, and starts another.

/** What a worker may take for one question, in milliseconds. */
export const PATIENCE = 5000;
const STARTING = 120_000;

/** The worker was ended, as it had not answered in time. */
export class Stuck extends Error {}

/**
 * @typedef {{lane: string, question: string, resolve: (value: any) => void, reject: (error: Error) => void}} Asked
 */

export class Calculator {
  /** @param {(state: "starting" | "ready" | "stuck" | "failed", detail?: string) => void} told */
  constructor(told) {
    this.told = told;
    /** @type {Asked[]} */ this.waiting = [];
    /** @type {Asked | null} */ this.asked = null;
    this.number = 0;
    this.ready = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */ this.timer = undefined;
    this.worker = this.#begin();
  }

  /**
   * The answer to a question; null where a later one of the same lane took its place.
   * @param {string} question @param {Record<string, unknown>} details @param {string} [lane]
   * @returns {Promise<any>}
   */
  ask(question, details, lane = question) {
    return new Promise((resolve, reject) => {
      this.waiting = this.waiting.filter((each) => {
        if (each.lane === lane) each.resolve(null);
        return each.lane !== lane;
      });
      this.waiting.push({ lane, question: JSON.stringify({ question, ...details }), resolve, reject });
      this.#next();
    });
  }

  #begin() {
    this.told("starting");
    this.ready = false;
    const worker = new Worker("./worker.js", { type: "module" });
    worker.onmessage = ({ data }) => this.#heard(data);
    worker.onerror = (event) => this.#fail(event.message);
    this.timer = setTimeout(() => this.#fail("it did not start"), STARTING);
    return worker;
  }

  /** @param {{ready?: true, failed?: string, id?: number, answer?: string}} said */
  #heard(said) {
    clearTimeout(this.timer);
    if (said.failed) return this.#fail(said.failed);
    if (said.ready) {
      this.ready = true;
      this.told("ready");
    } else if (said.id === this.number && this.asked && said.answer !== undefined) {
      const { resolve, reject } = this.asked;
      this.asked = null;
      const { value, fault } = JSON.parse(said.answer);
      if (fault === undefined) resolve(value);
      else reject(new Error(fault));
    }
    this.#next();
  }

  #next() {
    if (!this.ready || this.asked) return;
    this.asked = this.waiting.shift() ?? null;
    if (!this.asked) return;
    this.number += 1;
    this.worker.postMessage({ id: this.number, question: this.asked.question });
    this.timer = setTimeout(() => this.#stuck(), PATIENCE);
  }

  #stuck() {
    this.worker.terminate();
    const asked = this.asked;
    this.asked = null;
    // What waits is mostly of the same text: it is asked again when the text is another.
    for (const each of this.waiting.splice(0)) each.resolve(null);
    this.told("stuck");
    this.worker = this.#begin();
    asked?.reject(new Stuck());
  }

  /** @param {string} why */
  #fail(why) {
    clearTimeout(this.timer);
    this.worker.terminate();
    this.told("failed", why);
    for (const each of this.waiting.splice(0)) each.resolve(null);
  }
}
