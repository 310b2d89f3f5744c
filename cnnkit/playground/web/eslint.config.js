import js from "@eslint/js";

const names = (words) => Object.fromEntries(words.split(" ").map((name) => [name, "readonly"]));

export default [
  js.configs.recommended,
  {
    files: ["site/*.js"],
    languageOptions: {
      globals: names(
        "document window navigator location localStorage matchMedia fetch URL Blob Worker caches self " +
          "setTimeout clearTimeout performance Response CompressionStream DecompressionStream " +
          "createImageBitmap OffscreenCanvas TextEncoder TextDecoder btoa atob history console",
      ),
    },
    rules: { eqeqeq: "error", "prefer-const": "error", "no-var": "error", "no-implied-eval": "error" },
  },
];
