// S5b: the tokens are in a variable of the service worker, which attaches the header to every request of this site.
// It forgets them when the browser stops the worker.
const registered = navigator.serviceWorker
  ? navigator.serviceWorker.register("/token-worker.js").then(() => navigator.serviceWorker.ready)
  : Promise.reject(new Error("this browser has no service workers"));
registered.catch(() => (window.unsupported = "this browser has no service workers"));

async function tell(message) {
  const { active } = await registered;
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    active.postMessage(message, [port2]);
  });
}

/** The worker must have this page before its first call. */
async function controlled() {
  await registered;
  if (navigator.serviceWorker.controller) return;
  await new Promise((resolve) => {
    navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
    if (navigator.serviceWorker.controller) resolve();
  });
}

export async function call(path, { method = "GET", body } = {}) {
  await controlled();
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

export async function login(email, password) {
  const answer = await call("/api/login", { method: "POST", body: { email, password } });
  if (answer.ok) await tell({ tokens: await answer.json() });
  return answer.status;
}

export const refresh = () => tell({ refresh: true });
export const logout = async () => void (await tell({ logout: true }));

export async function boot() {
  await controlled();
  return tell({ ask: true });
}
