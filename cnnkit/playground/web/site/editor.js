// The editor: the spec's text, its faults where they are, words of the language, and what they mean.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, snippetCompletion } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, EditorView, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { element, prose } from "./dom.js";
import { say } from "./messages.js";
import { changesOf, positionOf } from "./positions.js";
import { blocksOf, placeOf, wordsAt } from "./words.js";

const look = EditorView.theme({
  "&": { backgroundColor: "var(--paper)", color: "var(--ink)", height: "100%", fontSize: "0.9rem" },
  ".cm-content": { caretColor: "var(--ink)", fontFamily: "var(--code)" },
  ".cm-gutters": { backgroundColor: "var(--paper)", color: "var(--quiet)", border: "none" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--ink)", border: "1px solid var(--line)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-diagnosticAction": { backgroundColor: "var(--accent)", color: "var(--on-accent)" },
  ".cm-chosen": { backgroundColor: "var(--chosen)" },
  ".cm-matchingBracket": { backgroundColor: "var(--selection) !important" },
});

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--key)" },
  { tag: tags.comment, color: "var(--quiet)", fontStyle: "italic" },
  { tag: [tags.string, tags.content], color: "var(--ink)" },
  { tag: [tags.number, tags.bool, tags.keyword], color: "var(--value)" },
]);

/** @type {import("@codemirror/state").StateEffectType<number | null>} */
const chooseLine = StateEffect.define();
const chosenLine = StateField.define({
  create: () => Decoration.none,
  update(shown, transaction) {
    let found = shown.map(transaction.changes);
    for (const effect of transaction.effects)
      if (effect.is(chooseLine)) {
        const line = effect.value;
        const doc = transaction.state.doc;
        found =
          line && line <= doc.lines
            ? Decoration.set(Decoration.line({ class: "cm-chosen" }).range(doc.line(line).from))
            : Decoration.none;
      }
    return found;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** @typedef {{finding: number, label: string, edits: any[]}} Fix */

export class Editor {
  /**
   * @param {HTMLElement} parent @param {string} text
   * @param {{changed: (text: string) => void, moved: (line: number) => void}} told
   */
  constructor(parent, text, told) {
    /** @type {import("./words.js").Language} */ this.language = { sections: {}, kinds: {} };
    this.label = new Compartment();
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        doc: text,
        extensions: [
          lineNumbers(),
          history(),
          yaml(),
          indentUnit.of("  "),
          bracketMatching(),
          closeBrackets(),
          lintGutter(),
          syntaxHighlighting(colours),
          look,
          chosenLine,
          this.label.of(labelled()),
          autocompletion({ override: [(context) => this.#complete(context)] }),
          hoverTooltip((view, position) => this.#explain(view, position)),
          // Tab is left to the page, so that a keyboard finds its way out.
          keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) told.changed(this.text);
            else if (update.selectionSet) told.moved(update.state.doc.lineAt(update.state.selection.main.head).number);
          }),
        ],
      }),
    });
  }

  get text() {
    return this.view.state.doc.toString();
  }

  /** @param {string} text */
  put(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  /** @param {any[]} edits */
  edit(edits) {
    this.view.dispatch({ changes: changesOf(this.view.state.doc, edits) });
  }

  /** Marks the line of the chosen layer. @param {number | null} line */
  choose(line) {
    this.view.dispatch({ effects: chooseLine.of(line) });
  }

  /** Puts the cursor where a finding is. @param {number} line @param {number} column */
  go(line, column) {
    const position = positionOf(this.view.state.doc, line, column);
    this.view.dispatch({ selection: { anchor: position }, scrollIntoView: true });
    this.view.focus();
  }

  /** Says in the page's language what the editor is. */
  speak() {
    this.view.dispatch({ effects: this.label.reconfigure(labelled()) });
  }

  /** Underlines findings; a fix is a button there. @param {any[]} findings @param {Fix[]} fixes @param {(fix: Fix) => void} mend */
  underline(findings, fixes, mend) {
    const doc = this.view.state.doc;
    const shown = findings.flatMap((finding, number) => {
      if (finding.line === null) return [];
      const from = positionOf(doc, finding.line, finding.column);
      const to = Math.max(from, positionOf(doc, finding.end_line, finding.end_column));
      return {
        from,
        to: to > from ? to : Math.min(from + 1, doc.length),
        severity: finding.level,
        source: finding.rule,
        message: finding.help ? `${finding.message}\n${finding.help}` : finding.message,
        actions: fixes
          .filter((fix) => fix.finding === number)
          .slice(0, 4)
          .map((fix) => ({ name: fix.label || say("remove"), apply: () => mend(fix) })),
      };
    });
    shown.sort((one, other) => one.from - other.from);
    this.view.dispatch(setDiagnostics(this.view.state, shown));
  }

  /** @param {import("@codemirror/autocomplete").CompletionContext} context */
  #complete(context) {
    const place = this.#place(context.state, context.pos);
    if (!context.explicit && !/^[\w-]+$/.test(place.word)) return null;
    const { words, what } = wordsAt(this.language, place, blocksOf(context.state.doc.toString()));
    const line = context.state.doc.lineAt(context.pos);
    const type = { section: "namespace", kind: "class", field: "property", value: "constant" }[what];
    const options = Object.entries(words).map(([label, { about, family, needs }]) => {
      const info = about ? () => element("div", { class: "about" }, ...prose(about)) : undefined;
      return completed(what, { label, type, detail: family, info }, needs ?? []);
    });
    return options.length ? { from: line.from + place.from, options, validFor: /^[\w-]*$/ } : null;
  }

  /** @param {EditorView} view @param {number} position */
  #explain(view, position) {
    const line = view.state.doc.lineAt(position);
    let start = position - line.from;
    let end = start;
    while (start > 0 && /[\w-]/.test(line.text[start - 1])) start -= 1;
    while (end < line.text.length && /[\w-]/.test(line.text[end])) end += 1;
    const name = line.text.slice(start, end);
    const place = this.#place(view.state, line.from + start);
    const { words } = wordsAt(this.language, { ...place, key: null }, []);
    const about = words[place.key === null ? name : place.key]?.about ?? this.language.kinds[name]?.about;
    if (!about) return null;
    return {
      pos: line.from + start,
      end: line.from + end,
      above: true,
      create: () => ({ dom: element("div", { class: "about" }, element("b", {}, name), " ", ...prose(about)) }),
    };
  }

  /** @param {EditorState} state @param {number} position */
  #place(state, position) {
    const line = state.doc.lineAt(position);
    const lines = [];
    for (let number = Math.max(1, line.number - 400); number < line.number; number += 1)
      lines.push(state.doc.line(number).text);
    return placeOf(lines, line.text.slice(0, position - line.from));
  }
}

/**
 * A completion with what follows the word: a kind's needed fields, to be filled in one after the other by Tab.
 * @param {string} what @param {import("@codemirror/autocomplete").Completion} word @param {string[]} needs
 */
function completed(what, word, needs) {
  if (what === "value" || (what === "kind" && !needs.length)) return word;
  if (what !== "kind") return { ...word, apply: `${word.label}: ` };
  const fields = needs.map((field, number) => `${field}: \${${number + 1}}`);
  return snippetCompletion(`${word.label}: {${fields.join(", ")}}`, word);
}

function labelled() {
  return EditorView.contentAttributes.of({ "aria-label": say("spec"), "aria-describedby": "leave", tabindex: "0" });
}
