// S17: a public client with DPoP (RFC 9449). The key cannot be exported and lies in IndexedDB, with the tokens that are
// bound to it; every request carries a proof. It signs in with the provider, or with a password at its own server.
import { begin, finish } from "/provider.js";

const opened = new Promise((resolve, reject) => {
  const request = indexedDB.open("auth", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("kept");
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

async function run(mode, act) {
  const database = await opened;
  return new Promise((resolve, reject) => {
    const request = act(database.transaction("kept", mode).objectStore("kept"));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

const load = () => run("readonly", (kept) => kept.get("tokens"));
const save = (tokens) => run("readwrite", (kept) => kept.put(tokens, "tokens"));

/** The key of this browser, made at the first need; among several tabs only one makes it. */
const key = () =>
  navigator.locks.request("dpop-key", async () => {
    const kept = await run("readonly", (store) => store.get("key"));
    if (kept) return kept;
    const made = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    await run("readwrite", (store) => store.put(made, "key"));
    return made;
  });

const bytes = (text) => new TextEncoder().encode(text);
const encode = (data) =>
  btoa(String.fromCharCode(...new Uint8Array(data))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function proof(method, url, token) {
  const { privateKey, publicKey } = await key();
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const { origin, pathname } = new URL(url, location.href);
  const claims = { jti: crypto.randomUUID(), htm: method, htu: origin + pathname, iat: Math.floor(Date.now() / 1000) };
  if (token) claims.ath = encode(await crypto.subtle.digest("SHA-256", bytes(token)));
  const header = { typ: "dpop+jwt", alg: "ES256", jwk: { kty, crv, x, y } };
  const text = [header, claims].map((part) => encode(bytes(JSON.stringify(part)))).join(".");
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, bytes(text));
  return `${text}.${encode(signature)}`;
}

async function send(path, { method = "GET", body } = {}, token) {
  const headers = { DPoP: await proof(method, path, token) };
  if (token) headers.Authorization = `DPoP ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

/** The status of the answer; 0 if there is no refresh token. */
export async function refresh() {
  const { refresh_token } = (await load()) ?? {};
  if (!refresh_token) return 0;
  const answer = await send("/token", { method: "POST", body: { grant_type: "refresh_token", refresh_token } });
  if (answer.ok) await save(await answer.json());
  return answer.status;
}

export async function call(path, init) {
  const answer = await send(path, init, (await load())?.access_token);
  if (answer.status !== 401 || (await refresh()) !== 200) return answer;
  return send(path, init, (await load()).access_token);
}

export async function login(email, password) {
  const answer = await send("/api/login", { method: "POST", body: { email, password } });
  if (answer.ok) await save(await answer.json());
  return answer.status;
}

export async function logout() {
  const tokens = await load();
  const { refresh_token, access_token } = tokens ?? {};
  if (tokens) await send("/api/logout", { method: "POST", body: { refresh_token } }, access_token);
  await run("readwrite", (kept) => kept.clear());
}

export const provider = (origin) => begin(origin, "S17");

export async function boot() {
  // What the provider says about itself, as every OpenID client asks when it starts.
  const { provider: origin } = document.body.dataset;
  if (origin) await fetch(`${origin}/.well-known/openid-configuration`).catch(() => null);
  const grant = finish();
  if (grant) {
    const answer = await send("/token", { method: "POST", body: grant });
    if (answer.ok) await save(await answer.json());
  }
  return Boolean(await load());
}
