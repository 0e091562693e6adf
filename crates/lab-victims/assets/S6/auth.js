// S6: the tokens are in a global variable, until the page is reloaded.
import { bearer } from "/bearer.js";

window.tokens = null;

export const { login, call, refresh, logout, boot } = bearer({
  load: () => window.tokens,
  save: (tokens) => (window.tokens = tokens),
  clear: () => (window.tokens = null),
});
