// S4: the tokens lie in the browser's password store, as the password of somebody called "session"
// (PasswordCredential, Chromium only). A copy stays in a variable, since a browser without a window has nobody to
// press "save", and then keeps nothing.
import { bearer } from "/bearer.js";

const supported = "PasswordCredential" in window;
if (!supported) window.unsupported = "this browser has no PasswordCredential";

let held = null;

async function load() {
  if (held || !supported) return held;
  const kept = await navigator.credentials.get({ password: true, mediation: "silent" }).catch(() => null);
  held = kept?.password ? JSON.parse(kept.password) : null;
  return held;
}

async function save(tokens) {
  if (!supported) throw new Error(window.unsupported);
  held = tokens;
  await navigator.credentials.store(new PasswordCredential({ id: "session", password: JSON.stringify(tokens) }));
}

async function clear() {
  held = null;
  // The store cannot be emptied by a page: this only keeps it from handing out without a question.
  await navigator.credentials?.preventSilentAccess?.();
}

const kept = bearer({ load, save, clear });
export const { call, refresh, logout, boot } = kept;

export async function login(email, password) {
  if (!supported) throw new Error(window.unsupported);
  return kept.login(email, password);
}
