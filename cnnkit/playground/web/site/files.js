// What can be taken away, as files of the browser's own making.

const TYPES = { yaml: "application/yaml", svg: "image/svg+xml", html: "text/html", json: "application/json" };
const NAMES = { torch: "_torch.py", keras: "_keras.py", flax: "_flax.py" };

/** @param {string} kind @param {string} name @param {string} text */
export function save(kind, name, text) {
  const stem = name.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[-.]+|\.ya?ml$/g, "") || "network";
  const ending = /** @type {any} */ (NAMES)[kind] ?? `.${kind}`;
  const file = new Blob([text], { type: /** @type {any} */ (TYPES)[kind] ?? "text/x-python" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `${ending.startsWith("_") ? stem.replaceAll("-", "_") : stem}${ending}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
