// What the rows with `Authorization: Bearer` have in common: log in, call, renew once after a 401, log out.
// login() gives the status of the answer. Where the tokens are kept is the strategy's part: load(), save(tokens), clear().
export function bearer({ load, save, clear }) {
  function send(path, { method = "GET", body } = {}, token) {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
    return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  }

  async function login(email, password) {
    const answer = await send("/api/login", { method: "POST", body: { email, password } });
    if (answer.ok) await save(await answer.json());
    return answer.status;
  }

  /** The status of the answer; 0 if there is no refresh token. */
  async function refresh() {
    const tokens = await load();
    if (!tokens?.refresh_token) return 0;
    const { refresh_token } = tokens;
    const answer = await send("/api/refresh", { method: "POST", body: { refresh_token } });
    await (answer.ok ? save({ ...tokens, ...(await answer.json()) }) : clear());
    return answer.status;
  }

  async function call(path, init) {
    const answer = await send(path, init, (await load())?.access_token);
    if (answer.status !== 401 || (await refresh()) !== 200) return answer;
    return send(path, init, (await load()).access_token);
  }

  async function logout() {
    const tokens = await load();
    const { refresh_token } = tokens ?? {};
    if (tokens) await send("/api/logout", { method: "POST", body: { refresh_token } }, tokens.access_token);
    await clear();
  }

  const boot = async () => Boolean(await load());

  return { login, call, refresh, logout, boot };
}
