// Memory and work as bars: of the whole, and each layer's share.
import { element } from "./dom.js";
import { say } from "./messages.js";

const KINDS = ["macs", "parameters", "activations"];

/** @param {HTMLElement} home @param {any} account */
export function showBars(home, account) {
  const most = Math.max(1, ...account.memory.map((/** @type {any} */ each) => each.bytes));
  const whole = account.memory.map((/** @type {any} */ each) => row(say(each.name), each.text, (100 * each.bytes) / most));
  const leaves = account.rows.filter((/** @type {any} */ each) => each.shares);
  const shares = KINDS.map((kind) => {
    const some = leaves.filter((/** @type {any} */ each) => each.shares[kind] > 0);
    const bars = some.map((/** @type {any} */ each) => row(each.path.replace(/^layers\./, ""), `${each.shares[kind]} %`, each.shares[kind]));
    return bars.length ? element("section", {}, element("h4", {}, say(kind)), element("ul", { class: "bars" }, ...bars)) : null;
  });
  home.replaceChildren(
    element("ul", { class: "bars" }, ...whole),
    ...(leaves.length ? [element("h3", {}, say("share_of")), ...shares.filter((each) => each !== null)] : []),
  );
}

/** @param {string} name @param {string} text @param {number} percent */
function row(name, text, percent) {
  return element("li", {}, element("span", { class: "label" }, name), element("span", { class: "bar", "aria-hidden": "true" }, element("i", { style: { width: `${percent}%` } })), element("span", { class: "value" }, text));
}
