// S18: as S15, and the browser binds the session to a key of the device by itself (DBSC), where it can. The server asks
// for that with the answer to the log-in. window.bound says whether the last answer came from a bound session.
window.bound = false;

export async function call(path, { method = "GET", body } = {}) {
  const headers = { "X-CSRF": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  window.bound = answer.headers.get("X-Bound") === "1";
  return answer;
}

export const login = async (email, password) =>
  (await call("/api/login", { method: "POST", body: { email, password } })).status;

export const logout = async () => void (await call("/api/logout", { method: "POST", body: {} }));

export const boot = () => true;
