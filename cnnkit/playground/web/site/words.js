// Where the cursor is in a spec, and which words of the language may stand there.

/** @typedef {{about?: string, values?: string[], fields?: Record<string, Word>, needs?: string[], family?: string}} Word */
/** @typedef {{sections: Record<string, Word>, kinds: Record<string, Word>}} Language */
/** @typedef {{path: string[], key: string | null, from: number, word: string}} Place */

const LISTS = new Set(["layers", "branches", "shortcut"]);
const BESIDE = ["name", "when"];

/**
 * The keys that a position of a text stands in, and the word that ends there.
 * @param {string[]} lines The lines up to the position's own. @param {string} head That line, up to the position.
 * @returns {Place}
 */
export function placeOf(lines, head) {
  const start = /^[\s]*(?:-\s+|-$)*/.exec(head)?.[0].length ?? 0;
  const path = above(lines, start);
  const { frames, key, from } = inside(head, start);
  return { path: [...path, ...frames], key, from, word: head.slice(from) };
}

/** The keys of the lines above that hold a line of this indentation. @param {string[]} lines @param {number} column */
function above(lines, column) {
  /** @type {string[]} */ const path = [];
  let limit = column;
  for (let number = lines.length - 1; number >= 0 && limit > 0; number -= 1) {
    const found = /^(\s*(?:-\s+)*)([\w.-]+)\s*:\s*(?:#.*)?$/.exec(lines[number]);
    if (!found || found[1].length >= limit) continue;
    path.unshift(found[2]);
    limit = found[1].length;
  }
  return path;
}

/** The brackets that are open at the end of a line, and the key before the end. @param {string} head @param {number} start */
function inside(head, start) {
  /** @type {string[]} */ const frames = [];
  /** @type {string | null} */ let key = null;
  let from = start;
  for (let at = start; at < head.length; at += 1) {
    const character = head[at];
    if (character === '"' || character === "'") {
      const end = head.indexOf(character, at + 1);
      if (end < 0) return { frames, key, from: at + 1 };
      at = end;
    } else if (character === "{" || character === "[") {
      frames.push(key ?? "");
      key = null;
      from = at + 1;
    } else if (character === "}" || character === "]") {
      key = null;
      frames.pop();
      from = at + 1;
    } else if (character === ",") {
      key = null;
      from = at + 1;
    } else if (character === ":" && /\s|$/.test(head[at + 1] ?? " ")) {
      key = head.slice(from, at).trim();
      from = at + 1;
    }
  }
  while (head[from] === " ") from += 1;
  return { frames: frames.filter((frame) => frame !== ""), key, from };
}

/**
 * The words that may stand at a place: keys, or where a key stands before it, its values.
 * @param {Language} language @param {Place} place @param {string[]} blocks
 * @returns {{words: Record<string, Word>, what: "section" | "kind" | "field" | "value"}}
 */
export function wordsAt(language, place, blocks) {
  const { what, words } = along(language, place.path, blocks);
  if (place.key === null) return { what, words };
  const word = words[place.key];
  const values = word?.values ?? [];
  return { what: "value", words: Object.fromEntries(values.map((value) => [value, {}])) };
}

/**
 * @param {Language} language @param {string[]} path @param {string[]} blocks
 * @returns {{words: Record<string, Word>, what: "section" | "kind" | "field"}}
 */
function along(language, path, blocks) {
  const kinds = {
    ...language.kinds,
    ...Object.fromEntries([...blocks, ...BESIDE].map((name) => [name, {}])),
  };
  /** @type {Record<string, Word>} */ let words = language.sections;
  /** @type {"section" | "kind" | "field"} */ let what = "section";
  path.forEach((key, number) => {
    if (LISTS.has(key)) [words, what] = [kinds, "kind"];
    else if (path[number - 1] === "branches") [words, what] = [kinds, "kind"];
    else if (key === "defaults" && number === 0) [words, what] = [language.kinds, "kind"];
    else if (key === "blocks" && number === 0) [words, what] = [{}, "field"];
    else if (path[0] === "blocks" && number === 1)
      [words, what] = [{ arguments: {}, layers: language.sections.layers ?? {} }, "field"];
    else [words, what] = [words[key]?.fields ?? {}, "field"];
  });
  return { words, what };
}

/** The names of the blocks that a text defines. @param {string} text */
export function blocksOf(text) {
  const section = /^blocks:[^\S\n]*\n((?:[^\S\n]+.*\n?|[^\S\n]*\n)*)/m.exec(text)?.[1] ?? "";
  const indent = /^[^\S\n]+/.exec(section)?.[0] ?? "";
  return indent ? [...section.matchAll(/^([^\S\n]+)([\w-]+):/gm)].filter((found) => found[1] === indent).map((found) => found[2]) : [];
}
