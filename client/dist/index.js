// src/problem.ts
async function code(response) {
  if (/^application\/problem\+json\b/i.test(response.headers.get("content-type"))) {
    try {
      return (await response.clone().json()).code;
    } catch {
    }
  }
  return void 0;
}

// src/index.ts
var UNKNOWN = { status: "unknown", me: null, isStale: false };
var SIGNED_OUT = { status: "signed-out", me: null, isStale: false };
var NotApproved = class extends Error {
  /** The answer that asked for the approval: 401 `step-up-needed`. */
  response;
  constructor(response) {
    super("cloakroom: the call was not approved");
    this.name = "NotApproved";
    this.response = response;
  }
};
var SOON = 1e3;
var LATE = 3e4;
var FRESH = 6e4;
function createClient({ slot = 0 } = {}) {
  const script = (slot ? `/u/${slot}` : "") + "/auth/client.js";
  const listeners = /* @__PURE__ */ new Set();
  let state = UNKNOWN;
  let loading;
  let failures = 0;
  let asking;
  let turn = 0;
  let asked = 0;
  let wait = SOON;
  let timer;
  let watching;
  const load = () => loading ??= begin().catch((error) => {
    loading = void 0;
    failures++;
    throw error;
  });
  async function begin() {
    if (!globalThis.location) throw Error("cloakroom: only a page has a session; there is none here");
    const url = location.origin + script + (failures ? "?" + failures : "");
    const { cloakroom } = await import(
      /* @vite-ignore */
      /* webpackIgnore: true */
      url
    );
    cloakroom.on("signed-out", () => (forget(), set(SIGNED_OUT)));
    cloakroom.on("signed-in", () => (forget(), ask()));
    cloakroom.on("refreshed", () => state.isStale && ask());
    return cloakroom;
  }
  const forget = () => {
    turn++;
    asking = void 0;
  };
  function set(next) {
    if (JSON.stringify(next) === JSON.stringify(state)) return;
    state = next;
    for (const entry of listeners) queueMicrotask(() => listeners.has(entry) && entry.call(state));
  }
  const session = () => {
    if (asking) return asking;
    const mine = question(turn).finally(() => {
      if (asking === mine) asking = void 0;
    });
    return asking = mine;
  };
  async function question(now) {
    clearTimeout(timer);
    try {
      const me = await (await load()).me();
      if (now === turn) {
        asked = Date.now();
        wait = SOON;
        set(me ? { status: "signed-in", me, isStale: false } : SIGNED_OUT);
      }
      return me;
    } catch (error) {
      if (now === turn) {
        set({ ...state, isStale: true });
        again();
      }
      throw error;
    }
  }
  const ask = () => void session().catch(() => {
  });
  function again() {
    if (!watching) return;
    timer = setTimeout(ask, wait * (0.5 + Math.random() / 2));
    wait = Math.min(wait * 2, LATE);
  }
  function watch() {
    watching = new AbortController();
    const { signal } = watching;
    addEventListener("online", () => (forget(), ask()), { signal });
    const look = () => {
      if (document.visibilityState !== "hidden" && (state.isStale || Date.now() - asked > FRESH)) ask();
    };
    addEventListener("visibilitychange", look, { signal });
    ask();
  }
  function onChange(call) {
    const entry = { call };
    listeners.add(entry);
    if (!watching) watch();
    return () => {
      listeners.delete(entry);
      if (listeners.size) return;
      watching?.abort();
      watching = void 0;
      clearTimeout(timer);
    };
  }
  const fetch = async (input, init) => (await load()).fetch(input, init);
  return Object.freeze({
    fetch,
    session,
    current: () => state,
    onChange,
    login: async (returnTo) => (await load()).login(returnTo),
    // `onClick={client.logout}` passes an event.
    logout: async (scope) => (await load()).logout(scope),
    stepUp: async (input, init) => {
      const response = await fetch(input, init);
      if (response.status === 401 && await code(response) === "step-up-needed") throw new NotApproved(response);
      return response;
    },
    resumed: async () => (await load()).resumed,
    token: async () => (await load()).token(),
    refresh: async () => {
      try {
        return await (await load()).refresh();
      } catch {
        return "unavailable";
      }
    }
  });
}
export {
  NotApproved,
  UNKNOWN,
  createClient
};
