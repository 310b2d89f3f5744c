// Elements made from plain values: text is always text, never markup.

/**
 * @param {string} tag @param {Record<string, any>} [properties] @param {...(Node | string | null)} children
 * @returns {any}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) put(made, name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag @param {Record<string, any>} [attributes] @param {...(Node | string)} children
 * @returns {SVGElement}
 */
export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** @param {any} made @param {string} name @param {any} value */
function put(made, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
  else if (name === "class") made.className = value;
  else if (name === "style") for (const [key, each] of Object.entries(value)) made.style.setProperty(key, String(each));
  else if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, String(value));
  else made[name] = value;
}

/** An element of the page. @param {string} id @returns {any} */
export function part(id) {
  return document.getElementById(id);
}

/** A text with what it has in backticks as code. @param {string} text */
export function prose(text) {
  const parts = text.split("`");
  if (parts.length % 2 === 0) return [text];
  return parts.map((each, number) => (number % 2 ? element("code", {}, each) : each));
}
