// The bank behind Cloakroom: log-in and log-out are Cloakroom's, calls are plain. For the strategies that hand the page
// a token (memory, split-bearer), Cloakroom's own client does all of it, as docs/strategies/memory.md says.
const kind = window.cloakroomStrategy ?? document.body.dataset.cloakroom;
const held = kind === "memory" || kind === "split-bearer";
const client = held ? (await import("/auth/client.js")).cloakroom : null;
const send = client ? client.fetch : (path, init) => fetch(path, init);

function post(path, body) {
  return send(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}

export function call(path, { method = "GET", body } = {}) {
  return method === "GET" ? send(path) : post(path, body ?? {});
}

export const login = async (email, password) => (await post("/auth/login", { email, password })).status;

export async function refresh() {
  if (!client) return (await post("/auth/refresh", {})).status;
  return (await client.refresh()) === "refreshed" ? 200 : 401;
}

export const logout = async () => void (await post("/auth/logout", {}));

export const boot = () => true;
