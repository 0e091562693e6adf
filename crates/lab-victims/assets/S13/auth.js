// S13: header and payload of the token lie in localStorage and go into `Authorization`; the signature is in an HttpOnly
// cookie, and the server puts the two together.
const key = "payload";

export function call(path, { method = "GET", body } = {}) {
  const headers = {};
  const payload = localStorage.getItem(key);
  if (payload) headers.Authorization = `Bearer ${payload}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

export async function login(email, password) {
  const answer = await call("/api/login", { method: "POST", body: { email, password } });
  if (answer.ok) localStorage.setItem(key, (await answer.json()).payload);
  return answer.status;
}

export async function logout() {
  await call("/api/logout", { method: "POST", body: {} });
  localStorage.removeItem(key);
}

export const boot = () => localStorage.getItem(key) !== null;
