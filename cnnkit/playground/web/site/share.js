// A spec in a link: compressed, in the fragment, which no browser sends anywhere.

const KEY = "#spec=";
/** What a link may hold, in characters: beyond, programs that pass it on cut it. */
const LONGEST = 30_000;
/** What it may unpack to, in bytes. */
const LARGEST = 1_000_000;

/** The fragment of a text; null where it would be too long. @param {string} text */
export async function fragmentOf(text) {
  const packed = await through(new Blob([text]).stream(), new CompressionStream("deflate-raw"), Infinity);
  let characters = "";
  for (const byte of packed) characters += String.fromCharCode(byte);
  const fragment = KEY + btoa(characters).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return fragment.length > LONGEST ? null : fragment;
}

/** The text of a fragment; null where it holds none. @param {string} fragment */
export async function textOf(fragment) {
  if (!fragment.startsWith(KEY)) return null;
  const plain = fragment.slice(KEY.length).replaceAll("-", "+").replaceAll("_", "/");
  const packed = Uint8Array.from(atob(plain), (character) => character.charCodeAt(0));
  const bytes = await through(new Blob([packed]).stream(), new DecompressionStream("deflate-raw"), LARGEST);
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** @param {string} fragment */
export function holdsSpec(fragment) {
  return fragment.startsWith(KEY);
}

/**
 * All bytes of a stream after another, as long as they are no more than allowed.
 * @param {ReadableStream<any>} stream @param {any} via @param {number} most
 */
async function through(stream, via, most) {
  const reader = stream.pipeThrough(via).getReader();
  /** @type {Uint8Array<ArrayBuffer>[]} */ const parts = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > most) {
      await reader.cancel();
      throw new RangeError("too long");
    }
    parts.push(value);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
