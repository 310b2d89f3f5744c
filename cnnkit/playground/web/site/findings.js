// The findings below the editor: what, where, what to do, and what a click does about it.
import { element, prose } from "./dom.js";
import { say } from "./messages.js";

/** More are no list that anyone reads. */
const MOST = 50;

/**
 * @param {HTMLElement} home @param {any[]} findings @param {import("./editor.js").Fix[]} fixes
 * @param {(line: number, column: number) => void} go @param {(fix: import("./editor.js").Fix) => void} mend
 */
export function showFindings(home, findings, fixes, go, mend) {
  const shown = findings.slice(0, MOST).map((finding, number) => {
    const place =
      finding.line === null
        ? null
        : element("button", { type: "button", class: "place", onclick: () => go(finding.line, finding.column) }, say("line", finding.line));
    const clicks = fixes.filter((fix) => fix.finding === number);
    return element(
      "li",
      { class: finding.level },
      element("p", {}, element("span", { class: "level" }, say(finding.level)), " ", ...prose(finding.message), " ", element("code", { class: "rule" }, finding.rule), " ", place),
      finding.help ? element("p", { class: "help" }, ...prose(finding.help)) : null,
      clicks.length
        ? element(
            "p",
            { class: "fixes", role: "group", "aria-label": say("fixes") },
            ...clicks.map((fix) => element("button", { type: "button", onclick: () => mend(fix) }, fix.label || say("remove"))),
          )
        : null,
    );
  });
  home.replaceChildren(...shown);
}

/** How many layers and findings there are. @param {any} account */
export function summed(account) {
  const found = counted(account.findings.length);
  if (account.title === null) return found;
  return account.rows.length === 1 ? say("done1", found) : say("done", account.rows.length, found);
}

/** @param {number} count */
export function counted(count) {
  if (count === 0) return say("fine");
  return count === 1 ? say("found1") : say("found", count);
}
