// The cookie rows: the browser attaches the credential by itself, so there is nothing to keep and nothing to attach.
export function call(path, { method = "GET", body } = {}) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

export const login = async (email, password) =>
  (await call("/api/login", { method: "POST", body: { email, password } })).status;

export const logout = async () => void (await call("/api/logout", { method: "POST", body: {} }));

export const boot = () => true;
