// S7a: the tokens are in a private field, until the page is reloaded.
import { bearer } from "/bearer.js";

class Vault {
  #tokens = null;

  #client = bearer({
    load: () => this.#tokens,
    save: (tokens) => (this.#tokens = tokens),
    clear: () => (this.#tokens = null),
  });

  login = (email, password) => this.#client.login(email, password);
  call = (path, init) => this.#client.call(path, init);
  refresh = () => this.#client.refresh();
  logout = () => this.#client.logout();
  boot = () => this.#client.boot();
}

export const { login, call, refresh, logout, boot } = new Vault();
