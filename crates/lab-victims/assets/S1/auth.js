// S1: the tokens lie in localStorage, as JSON.
import { bearer } from "/bearer.js";

const key = "tokens";

export const { login, call, refresh, logout, boot } = bearer({
  load: () => JSON.parse(localStorage.getItem(key)),
  save: (tokens) => localStorage.setItem(key, JSON.stringify(tokens)),
  clear: () => localStorage.removeItem(key),
});
