/**
 * The browser's side of a Cloakroom session: `fetch` with silent refresh, who am I, log in, log out.
 *
 * It deliberately holds no token and reads no storage: the cookies are HttpOnly, and a script that takes over the
 * page finds nothing here to carry away. It reads no element, no `document` property and no global configuration,
 * so injected markup (`<a id=cloakroom>`, `<base>`) changes nothing (DOM clobbering, ASVS v5.0.0-3.2.3).
 */
import { expired, native, origin } from "./wire.ts";
import { on, over, state, welcome, type EventName } from "./announce.ts";
import { epoch, refresh, type Outcome } from "./refresh.ts";

export type { EventName, Outcome };

export interface Cloakroom {
  /**
   * Like the global `fetch`. An answer of this origin that says `access-expired` is repeated once after a refresh.
   * Requests to other origins are passed to the browser as they are.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
  /** Who is signed in, or null. Rejects when nobody can tell: the network or the server is down. */
  me<T = Record<string, unknown>>(): Promise<T | null>;
  /** Renews the cookies. `unavailable` is not a log-out: try again later. Never rejects. */
  refresh(): Promise<Outcome>;
  /** Ends this session; with `others` all but this one, with `all` every one. Rejects when it was not done. */
  logout(scope?: "others" | "all"): Promise<void>;
  /** Goes to the log-in page, which comes back to `returnTo` (its path and query; by default, here). */
  login(returnTo?: string | URL | Location): void;
  /** Calls `listener` when the session changes, in this tab or in another one. Returns how to stop that. */
  on(name: EventName, listener: () => void): () => void;
}

async function fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  // Only a request without a body is made here: wrapping a Request takes its body away from its owner.
  const url = input instanceof Request ? input.url : new Request(input).url;
  if (new URL(url).origin !== origin) return native(input, init);

  const request = new Request(input, init);
  // What streams out is gone; teeing it would keep an upload of any size in memory.
  const again = init?.body instanceof ReadableStream ? null : request.clone();
  const seen = epoch;
  const response = await native(request);
  return again && (await expired(response)) && (await refresh(seen)) === "refreshed" ? native(again) : response;
}

async function me<T>(): Promise<T | null> {
  const response = await fetch(origin + "/auth/me", { headers: { accept: "application/json" } });
  if (response.ok) {
    welcome();
    return response.json() as Promise<T>;
  }
  // Still "expired" with a session that has not ended: the refresh did not get through.
  if (response.status !== 401 || (state !== false && (await expired(response)))) throw failure(response);
  over(state === true);
  return null;
}

async function logout(scope?: "others" | "all"): Promise<void> {
  // `onclick = cloakroom.logout` passes an event.
  const path = typeof scope === "string" ? "/" + scope : "";
  const response = await fetch(origin + "/auth/logout" + path, { method: "POST" });
  if (!response.ok && (response.status !== 401 || (state !== false && (await expired(response))))) {
    throw failure(response);
  }
  if (path !== "/others") over();
}

function login(returnTo: string | URL | Location = location): void {
  const { pathname, search } = new URL(String(returnTo), location.href);
  location.assign(origin + "/auth/login?return_to=" + encodeURIComponent(pathname + search));
}

const failure = (response: Response) => new Error("cloakroom: " + response.status);

// A page out of the back/forward cache has missed what the other tabs said.
globalThis.addEventListener?.("pageshow", (event) => {
  if (event.persisted) {
    const unknown = state === undefined;
    me().then((who) => who ?? over(unknown), () => {});
  }
});

export const cloakroom: Readonly<Cloakroom> = Object.freeze({ fetch, me, refresh: () => refresh(), logout, login, on });

// Defined, not assigned: an own property wins over any element of that name, and a second copy of the script is harmless.
Reflect.defineProperty(globalThis, "cloakroom", { value: cloakroom, enumerable: true });
