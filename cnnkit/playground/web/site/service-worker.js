// Keeps all files of the site after the first visit, so that it works without a network.
const SITE = /** @type {any} */ ("@files@");
const worker = /** @type {any} */ (self);
// Another page of the same host may be another version of this one.
const HOME = `cnnkit ${worker.registration.scope} `;
const CACHE = HOME + SITE.version;

worker.addEventListener("install", (/** @type {any} */ event) => {
  const kept = SITE.files.filter((/** @type {string} */ name) => name !== "service-worker.js");
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(["./", ...kept])).then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (/** @type {any} */ event) => {
  const old = caches.keys().then((names) =>
    Promise.all(names.filter((name) => name.startsWith(HOME) && name !== CACHE).map((name) => caches.delete(name))),
  );
  event.waitUntil(old.then(() => worker.clients.claim()));
});

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  if (event.request.method !== "GET") return;
  const found = caches.open(CACHE).then((cache) => cache.match(event.request, { ignoreSearch: true }));
  event.respondWith(found.then((response) => response ?? fetch(event.request)));
});
