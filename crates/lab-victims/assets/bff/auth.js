// The rows with a session behind the front end: the cookie goes by itself, and every call carries the static header.
export function call(path, { method = "GET", body } = {}) {
  const headers = { "X-CSRF": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

export const login = async (email, password) =>
  (await call("/api/login", { method: "POST", body: { email, password } })).status;

export const logout = async () => void (await call("/api/logout", { method: "POST", body: {} }));

export const boot = () => true;
