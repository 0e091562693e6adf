// The bank's own service worker, in the ways that people write one. `variant` in its address says which:
// empty (no handler), pass (fetch of the very request), clone, newreq (a new Request from the old one), byurl (only its
// address and its parts).
const variant = new URL(self.location.href).searchParams.get("variant");

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function again(request) {
  const { method, headers, url } = request;
  const body = method === "GET" || method === "HEAD" ? undefined : await request.clone().arrayBuffer();
  if (variant === "newreq") return new Request(request, { mode: "same-origin" });
  return new Request(url, { method, headers, body, credentials: "include", redirect: "manual" });
}

if (variant !== "empty") {
  self.addEventListener("fetch", (event) => {
    if (variant === "pass") event.respondWith(fetch(event.request));
    else if (variant === "clone") event.respondWith(fetch(event.request.clone()));
    else event.respondWith(again(event.request).then((request) => fetch(request)));
  });
}
