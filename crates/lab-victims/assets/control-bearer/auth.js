// control-bearer: one token in localStorage, good for ever. It also signs in with the provider, by authorization code.
import { bearer } from "/bearer.js";
import { begin, finish } from "/provider.js";

const key = "tokens";
const save = (tokens) => localStorage.setItem(key, JSON.stringify(tokens));
const load = () => JSON.parse(localStorage.getItem(key));

export const { login, call, refresh, logout } = bearer({ load, save, clear: () => localStorage.removeItem(key) });

export const provider = (origin) => begin(origin, "control-bearer");

export async function boot() {
  // What the provider says about itself, as every OpenID client asks when it starts.
  const { provider: origin } = document.body.dataset;
  if (origin) await fetch(`${origin}/.well-known/openid-configuration`).catch(() => null);
  const grant = finish();
  if (grant) {
    const body = JSON.stringify(grant);
    const answer = await fetch("/token", { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (answer.ok) save(await answer.json());
  }
  return Boolean(load());
}
