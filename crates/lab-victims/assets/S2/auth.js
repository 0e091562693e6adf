// S2: the tokens lie in sessionStorage, as JSON.
import { bearer } from "/bearer.js";

const key = "tokens";

export const { login, call, refresh, logout, boot } = bearer({
  load: () => JSON.parse(sessionStorage.getItem(key)),
  save: (tokens) => sessionStorage.setItem(key, JSON.stringify(tokens)),
  clear: () => sessionStorage.removeItem(key),
});
