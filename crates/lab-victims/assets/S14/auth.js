// S14: the access token is in a variable; the refresh token is in an HttpOnly cookie of /refresh, and brings the next
// access token when the page starts or a call is refused.
let token = null;

function send(path, { method = "GET", body } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

/** The status of the answer. One refresh at a time among all tabs: a refresh token that is used twice ends the session. */
export function refresh() {
  return navigator.locks.request("refresh", async () => {
    const answer = await fetch("/refresh", { method: "POST" });
    token = answer.ok ? (await answer.json()).access_token : null;
    return answer.status;
  });
}

export async function call(path, init) {
  const answer = await send(path, init);
  return answer.status === 401 && token && (await refresh()) === 200 ? send(path, init) : answer;
}

export async function login(email, password) {
  const answer = await send("/api/login", { method: "POST", body: { email, password } });
  if (answer.ok) token = (await answer.json()).access_token;
  return answer.status;
}

export async function logout() {
  await send("/api/logout", { method: "POST", body: {} });
  await fetch("/refresh/logout", { method: "POST" });
  token = null;
}

export const boot = () => refresh();
