/**
 * The entry of the package: `createClient`, for applications that are bundled, with types, and with one more thing than the
 * script has: it remembers what was last known about the session, keeps that through outages, and asks again by itself.
 *
 * It brings no copy of the protocol. That is `/auth/client.js`, which the gateway serves and this loads when it is first
 * needed: so page and gateway are never of two versions, a page that uses both has one client, and nothing here touches
 * `window` while a server renders.
 */
import { code } from "./problem.ts";
import type { Cloakroom, CloakroomInit, Outcome } from "./client.ts";

export type { CloakroomInit, Outcome };

/** What `GET /auth/me` says. Instants are whole Unix seconds. */
export interface Me {
  account: { id: string; email: string; email_verified: boolean };
  session: { id: string; opened_at: number; ends_at: number; methods: string[]; strategy: string };
  expires_at: number;
}

/**
 * What was last known. `unknown`: nobody could be asked yet. `isStale`: the last question did not get through, so this is
 * what was true before; nobody is signed out by an outage, and it is asked again soon.
 */
export type State =
  | { readonly status: "unknown"; readonly me: null; readonly isStale: boolean }
  | { readonly status: "signed-in"; readonly me: Me; readonly isStale: boolean }
  | { readonly status: "signed-out"; readonly me: null; readonly isStale: boolean };

/** Nobody has been asked: where every page begins, and what a server renders. */
export const UNKNOWN: State = { status: "unknown", me: null, isStale: false };
const SIGNED_OUT: State = { status: "signed-out", me: null, isStale: false };

/** A call that needs an approval did not get one: it was declined, forgotten, or could not be asked for. */
export class NotApproved extends Error {
  /** The answer that asked for the approval: 401 `step-up-needed`. */
  readonly response: Response;
  constructor(response: Response) {
    super("cloakroom: the call was not approved");
    this.name = "NotApproved";
    this.response = response;
  }
}

export interface ClientOptions {
  /** Which of the browser's accounts (`session.slots`), 0 to 9; 0 is the one without `/u/` in its paths. */
  slot?: number;
}

/** Every function can be passed around: none needs its `this`. */
export interface Client {
  /**
   * Like the global `fetch`. A request to this site whose answer says `access-expired` is repeated after a refresh, one
   * that says `step-up-needed` after its approval. Requests to other origins are passed on as they are. Rejects with
   * `TypeError` where nobody answers.
   */
  fetch(input: RequestInfo | URL, init?: CloakroomInit): Promise<Response>;
  /** Asks who is signed in; null: nobody. Rejects when nobody can tell, which is no log-out. */
  session(): Promise<Me | null>;
  /** What was last known. The same object until something changes. Asks nobody. */
  current(): State;
  /**
   * Calls `listener` whenever `current` changes: by this tab, by another one, or because the session is over. While there
   * is a listener it is asked by itself: at once, when the network or a sleeping page comes back, and after failures, later
   * each time (1 s to 30 s). Returns how to stop that.
   */
  onChange(listener: (state: State) => void): () => void;
  /** Goes to the log-in page, which comes back to `returnTo` (its path and query; by default, here). */
  login(returnTo?: string | URL): Promise<void>;
  /** Ends this session; with `others` all but this one, with `all` every one. Rejects when it was not done. */
  logout(scope?: "others" | "all"): Promise<void>;
  /** `fetch`, for a call that its person approves: rejects with `NotApproved` where it was not. Call it from a click. */
  stepUp(input: RequestInfo | URL, init?: CloakroomInit): Promise<Response>;
  /** The answer to the call that this page was left for, to have it approved; null if there was none. */
  resumed(): Promise<Response | null>;
  /** With the strategy `memory`, the access token for APIs on other sites; else null. Rejects as `session` does. */
  token(): Promise<string | null>;
  /** Renews cookies and tokens now. Seldom needed: `fetch` does. `unavailable` is not a log-out. Never rejects. */
  refresh(): Promise<Outcome>;
}

/** Milliseconds between two questions after failures: the first time, and at most. */
const SOON = 1000;
const LATE = 30_000;
/** A page that is looked at again asks if it has not for so long. */
const FRESH = 60_000;

/** A client of this page's own site. Makes no request until one of its functions is called. */
export function createClient({ slot = 0 }: ClientOptions = {}): Client {
  const script = (slot ? `/u/${slot}` : "") + "/auth/client.js";
  const listeners = new Set<{ call: (state: State) => void }>();
  let state = UNKNOWN;
  let loading: Promise<Cloakroom> | undefined;
  let failures = 0;
  let asking: Promise<Me | null> | undefined;
  /** What was asked before the last change must not undo it. */
  let turn = 0;
  let asked = 0;
  let wait = SOON;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let watching: AbortController | undefined;

  const load = (): Promise<Cloakroom> =>
    (loading ??= begin().catch((error: unknown) => {
      loading = undefined;
      failures++;
      throw error;
    }));

  async function begin(): Promise<Cloakroom> {
    if (!globalThis.location) throw Error("cloakroom: only a page has a session; there is none here");
    // Browsers remember that a module did not load; under another name it is asked for anew.
    const url = location.origin + script + (failures ? "?" + failures : "");
    const { cloakroom } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ url)) as { cloakroom: Cloakroom };
    cloakroom.on("signed-out", () => (forget(), set(SIGNED_OUT)));
    cloakroom.on("signed-in", () => (forget(), ask()));
    cloakroom.on("refreshed", () => state.isStale && ask());
    return cloakroom;
  }

  const forget = (): void => {
    turn++;
    asking = undefined;
  };

  function set(next: State): void {
    if (JSON.stringify(next) === JSON.stringify(state)) return;
    state = next;
    for (const entry of listeners) queueMicrotask(() => listeners.has(entry) && entry.call(state));
  }

  const session = (): Promise<Me | null> => {
    if (asking) return asking;
    const mine = question(turn).finally(() => {
      if (asking === mine) asking = undefined;
    });
    return (asking = mine);
  };

  async function question(now: number): Promise<Me | null> {
    clearTimeout(timer);
    try {
      const me = await (await load()).me<Me>();
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

  /** For whoever listens; nobody is told of a failure but by the state. */
  const ask = (): void => void session().catch(() => {});

  function again(): void {
    if (!watching) return;
    // Not all pages of an outage at the same moment.
    timer = setTimeout(ask, wait * (0.5 + Math.random() / 2));
    wait = Math.min(wait * 2, LATE);
  }

  function watch(): void {
    watching = new AbortController();
    const { signal } = watching;
    // What was under way when the network went may never end.
    addEventListener("online", () => (forget(), ask()), { signal });
    const look = (): void => {
      if (document.visibilityState !== "hidden" && (state.isStale || Date.now() - asked > FRESH)) ask();
    };
    addEventListener("visibilitychange", look, { signal });
    ask();
  }

  function onChange(call: (state: State) => void): () => void {
    const entry = { call };
    listeners.add(entry);
    if (!watching) watch();
    return () => {
      listeners.delete(entry);
      if (listeners.size) return;
      watching?.abort();
      watching = undefined;
      clearTimeout(timer);
    };
  }

  const fetch: Client["fetch"] = async (input, init) => (await load()).fetch(input, init);

  return Object.freeze<Client>({
    fetch,
    session,
    current: () => state,
    onChange,
    login: async (returnTo) => (await load()).login(returnTo),
    // `onClick={client.logout}` passes an event.
    logout: async (scope) => (await load()).logout(scope),
    stepUp: async (input, init) => {
      const response = await fetch(input, init);
      if (response.status === 401 && (await code(response)) === "step-up-needed") throw new NotApproved(response);
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
    },
  });
}
