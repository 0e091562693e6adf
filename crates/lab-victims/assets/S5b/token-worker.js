// The service worker of S5b, after https://firebase.google.com/docs/auth/web/service-worker-sessions: it adds the
// header to every request to its own origin, visits and forms included.
let tokens = null;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

const json = { "Content-Type": "application/json" };

async function renew() {
  const body = JSON.stringify({ refresh_token: tokens.refresh_token });
  const answer = await fetch("/api/refresh", { method: "POST", headers: json, body });
  tokens = answer.ok ? { ...tokens, ...(await answer.json()) } : null;
  return answer.status;
}

function carry(request, body) {
  const headers = new Headers(request.headers);
  headers.set("Authorization", `Bearer ${tokens.access_token}`);
  return new Request(request.url, {
    method: request.method,
    headers,
    mode: "same-origin",
    credentials: request.credentials,
    cache: request.cache,
    redirect: request.redirect,
    referrer: request.referrer,
    body,
  });
}

async function answer(request) {
  if (!tokens) return fetch(request);
  const body = ["GET", "HEAD"].includes(request.method) ? undefined : await request.arrayBuffer();
  const first = await fetch(carry(request, body));
  return first.status === 401 && (await renew()) === 200 ? fetch(carry(request, body)) : first;
}

self.addEventListener("fetch", (event) => {
  if (new URL(event.request.url).origin === self.location.origin) event.respondWith(answer(event.request));
});

self.addEventListener("message", (event) => {
  const { data, ports } = event;
  const act = async () => {
    if (data.tokens) tokens = data.tokens;
    if (data.refresh) return ports[0].postMessage(tokens ? await renew() : 0);
    if (data.logout && tokens) {
      const headers = { ...json, Authorization: `Bearer ${tokens.access_token}` };
      const body = JSON.stringify({ refresh_token: tokens.refresh_token });
      tokens = null;
      await fetch("/api/logout", { method: "POST", headers, body });
    }
    return ports[0].postMessage(tokens !== null);
  };
  event.waitUntil(act());
});
