// The page: what is typed goes to the analyser, what it answers is shown.
import { showBars } from "./bars.js";
import { Calculator, Stuck } from "./calculator.js";
import { showDifferences } from "./compare.js";
import { element, part } from "./dom.js";
import { Editor } from "./editor.js";
import { showField } from "./field.js";
import { save } from "./files.js";
import { counted, showFindings, summed } from "./findings.js";
import { showLayer } from "./layer.js";
import { LANGUAGES, say, speak, spoken } from "./messages.js";
import { Practice } from "./practice.js";
import { fragmentOf, holdsSpec, textOf } from "./share.js";
import { showDepths, showFigures, showTable } from "./table.js";
import { isOpen, Walk } from "./walk.js";

const DOWNLOADS = ["yaml", "svg", "html", "json", "torch", "keras", "flax"];
/** Findings whose fixes are looked for. */
const FIXED = 12;
const THEMES = ["auto", "light", "dark"];

/** @type {any} */ let account = null;
/** @type {any} */ let layer = null;
/** @type {import("./editor.js").Fix[]} */ let fixes = [];
/** @type {string | null} */ let chosen = null;
/** @type {string | null} */ let kept = null;
/** @type {number | null} */ let depth = null;
/** @type {number[]} */ let cell = [];
/** @type {Editor} */ let editor;

const calculator = new Calculator((state, detail) => {
  if (state === "ready" && part("status").dataset.state === "stuck") return; // the text is still the same
  if (state === "starting" && part("status").dataset.state === "stuck") return;
  tell(state, say(state, detail ?? ""));
});
const walk = new Walk(part("walk"), (step) => void askWalk(step));
const practice = new Practice(
  part("practice"),
  (details) => ask("practice", details),
  (spec) => editor.put(spec),
);

/** @param {string} state @param {string} text */
function tell(state, text) {
  part("status").dataset.state = state;
  part("status").textContent = text;
}

/** An answer, or null where there is none; what went wrong is told. @param {string} question @param {Record<string, unknown>} details */
async function ask(question, details) {
  try {
    return await calculator.ask(question, details);
  } catch (error) {
    if (error instanceof Stuck) tell("stuck", say("stuck"));
    else tell("fault", say("fault", /** @type {Error} */ (error).message));
    return null;
  }
}

/** All that follows from the text. */
async function update() {
  const text = editor.text;
  if (part("status").dataset.state === "stuck") tell("starting", say("starting"));
  const found = await ask("account", { text, depth });
  if (!found || editor.text !== text) return;
  account = found;
  fixes = [];
  if (!account.rows.some((/** @type {any} */ row) => row.path === chosen)) {
    chosen = account.rows.find((/** @type {any} */ row) => !row.sum)?.path ?? null;
    cell = [];
    walk.reset();
  }
  tell("done", summed(account));
  showAccount();
  showFaults();
  await Promise.all([updateLayer(), updateFixes(text), updateDifferences()]);
  document.body.dataset.shown = String(Number(document.body.dataset.shown ?? 0) + 1); // for who waits for it
}

async function updateLayer() {
  const text = editor.text;
  layer = chosen === null ? null : await ask("layer", { text, path: chosen, cell });
  if (editor.text !== text) return;
  if (!layer) {
    for (const id of ["layer", "field"]) part(id).replaceChildren(element("p", {}, say("none")));
    walk.show(null);
    editor.choose(null);
    return;
  }
  cell = layer.sees?.cell ?? [];
  editor.choose(layer.line);
  showLayer(part("layer"), layer, turn);
  showField(part("field"), layer, (to) => {
    cell = to;
    void updateLayer();
  });
  await askWalk(walk.step);
}

/** @param {import("./walk.js").Step} step */
async function askWalk(step) {
  if (!isOpen()) return;
  if (!layer?.walks) return walk.show(null);
  const found = await ask("walk", { text: editor.text, path: layer.path, ...step });
  if (found) {
    walk.step = step;
    walk.show(found);
  }
}

/** What can be done about each finding: each is tried on the whole text, so one at a time. @param {string} text */
async function updateFixes(text) {
  const most = Math.min(account.findings.length, FIXED);
  for (let finding = 0; finding < most; finding += 1) {
    const found = await ask("fixes", { text, finding });
    if (!found || editor.text !== text) return;
    fixes.push(...found.map((/** @type {any} */ each) => ({ ...each, finding })));
    if (found.length) showFaults();
  }
}

async function updateDifferences() {
  part("drop").hidden = kept === null;
  if (kept === null) return part("differences").replaceChildren();
  const text = editor.text;
  const found = await ask("differences", { old: kept, new: text });
  if (kept !== null && editor.text === text) showDifferences(part("differences"), found, kept, text);
}

function showAccount() {
  part("flow").textContent = account.title === null ? "" : `${account.title}: ${account.flow}`;
  showDepths(part("depths"), account, (levels) => {
    depth = levels;
    void update();
  });
  showTable(part("table"), account, chosen, choose);
  showFigures(part("figures"), account);
  showBars(part("bars"), account);
  const drawing = part("drawing");
  drawing.hidden = account.drawing === null;
  if (account.drawing !== null) {
    drawing.alt = say("drawingof", account.flow);
    drawing.src = `data:image/svg+xml,${encodeURIComponent(themed(account.drawing))}`;
  }
}

/** The drawing in the page's theme, where that is not the system's. @param {string} svg */
function themed(svg) {
  const theme = document.documentElement.dataset.theme;
  if (!theme) return svg;
  return svg.replace("(prefers-color-scheme:dark)", theme === "dark" ? "all" : "not all");
}

function showFaults() {
  part("count").textContent = counted(account.findings.length);
  showFindings(part("findings"), account.findings, fixes, (line, column) => editor.go(line, column), mend);
  editor.underline(account.findings, fixes, mend);
}

/** @param {import("./editor.js").Fix} fix */
function mend(fix) {
  editor.edit(fix.edits);
  editor.view.focus();
}

/** @param {string} path */
function choose(path) {
  if (path === chosen) return;
  chosen = path;
  cell = [];
  walk.reset();
  showTable(part("table"), account, chosen, choose);
  void updateLayer();
}

/** The layer whose line the cursor is on is the chosen one. @param {number} line */
function follow(line) {
  const rows = account?.rows.filter((/** @type {any} */ row) => row.line === line) ?? [];
  if (rows.length && !rows.some((/** @type {any} */ row) => row.path === chosen)) choose(rows[0].path);
}

/** @param {string} field @param {string} value @param {number | null} index */
async function turn(field, value, index) {
  const text = editor.text;
  const edits = await ask("change", { text, path: layer.path, field, value, index });
  if (edits?.length && editor.text === text) editor.edit(edits);
}

async function share() {
  const fragment = await fragmentOf(editor.text);
  if (fragment === null) return tell("fault", say("long"));
  history.replaceState(null, "", fragment);
  try {
    await navigator.clipboard.writeText(location.href);
    tell("done", say("shared"));
  } catch {
    tell("done", say("sharing"));
  }
}

/** @param {string} kind */
async function download(kind) {
  const name = account?.title ?? "network";
  if (kind === "yaml") return save(kind, name, editor.text);
  const found = await ask("download", { text: editor.text, kind });
  if (!found) return;
  if (found.text === null) tell("fault", say("undone", found.findings.join("; ")));
  else save(kind, name, found.text);
}

/** @param {any} menu */
function fill(menu) {
  const first = element("option", { value: "", "data-say": "choose" }, say("choose"));
  const groups = Object.entries(menu.shelves).map(([shelf, entries]) =>
    element("optgroup", { label: say(shelf), "data-shelf": shelf }, ...entries.map((/** @type {any} */ entry) => element("option", { value: `${shelf}/${entry.name}`, title: entry.about }, entry.name))),
  );
  part("menu").replaceChildren(first, ...groups);
  part("menu").onchange = () => {
    const [shelf, name] = part("menu").value.split("/");
    const entry = menu.shelves[shelf]?.find((/** @type {any} */ each) => each.name === name);
    if (entry) editor.put(entry.text);
  };
  part("download").replaceChildren(
    element("option", { value: "", "data-say": "download" }),
    ...DOWNLOADS.map((kind) => element("option", { value: kind, "data-say": kind })),
  );
  part("download").onchange = () => {
    const kind = part("download").value;
    part("download").value = "";
    if (kind) void download(kind);
  };
  part("theme").replaceChildren(...THEMES.map((theme) => element("option", { value: theme, "data-say": theme })));
}

/** @param {string} language */
function translate(language) {
  speak(language);
  for (const group of part("menu").querySelectorAll("optgroup")) group.label = say(group.dataset.shelf);
  part("language").value = spoken();
  editor.speak();
  if (part("practice-panel").open) void practice.show();
  if (!account) return;
  tell("done", summed(account));
  showAccount();
  showFaults();
  void updateLayer();
  void updateDifferences();
}

/** @param {string} theme */
function paint(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  part("theme").value = theme;
  if (account) showAccount();
}

/** What was chosen at an earlier visit; private windows may keep nothing. @param {string} key */
function remembered(key) {
  try {
    return localStorage.getItem(`cnnkit-${key}`);
  } catch {
    return null;
  }
}

/** @param {string} key @param {string} value */
function remember(key, value) {
  try {
    localStorage.setItem(`cnnkit-${key}`, value);
  } catch {
    // then it is chosen again the next time
  }
}

/** @param {string} start */
async function opening(start) {
  if (!holdsSpec(location.hash)) return start;
  try {
    return (await textOf(location.hash)) ?? start;
  } catch {
    tell("fault", say("unshared"));
    return start;
  }
}

async function begin() {
  const [menu, language] = await Promise.all(["menu.json", "language.json"].map(async (name) => (await fetch(name)).json()));
  fill(menu);
  editor = new Editor(part("editor"), await opening(menu.start), { changed: () => void update(), moved: follow });
  editor.language = language;
  const wanted = remembered("language") ?? navigator.language.slice(0, 2);
  translate(LANGUAGES.includes(/** @type {"en"} */ (wanted)) ? wanted : "en");
  paint(remembered("theme") ?? "auto");
  part("language").onchange = () => {
    translate(part("language").value);
    remember("language", part("language").value);
  };
  part("theme").onchange = () => {
    paint(part("theme").value);
    remember("theme", part("theme").value);
  };
  part("share").onclick = share;
  part("keep").onclick = () => {
    kept = editor.text;
    void updateDifferences();
  };
  part("drop").onclick = () => {
    kept = null;
    void updateDifferences();
  };
  part("walk-panel").ontoggle = () => {
    if (isOpen()) void askWalk(walk.step);
    else walk.pause();
  };
  part("practice-panel").ontoggle = () => {
    if (part("practice-panel").open) void practice.show();
  };
  window.onhashchange = async () => {
    if (holdsSpec(location.hash)) editor.put(await opening(editor.text));
  };
  void update();
  await keep();
}

/** Keeps the site for visits without a network; it says so on the page's body. */
async function keep() {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("service-worker.js");
    await navigator.serviceWorker.ready;
    document.body.dataset.kept = "";
  } catch {
    // a page of files, or a private window: then each visit needs the network
  }
}

void begin();
