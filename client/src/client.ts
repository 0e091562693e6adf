/**
 * The browser's side of a Cloakroom session: `fetch` with silent refresh, who am I, log in, log out.
 *
 * It deliberately keeps nothing in any storage (`approve.ts` does, for a call that waits), and with the strategies `cookie`, `ticket` and `split` it holds no token: a script
 * that takes over the page finds nothing here to carry away. What `memory` and `split-bearer` hand to the page stays in
 * variables of this module (`bearer.ts`). It reads no element, no `document` property and no global configuration,
 * so injected markup (`<a id=cloakroom>`, `<base>`) changes nothing (DOM clobbering, ASVS v5.0.0-3.2.3).
 *
 * Loaded from `/u/1/auth/client.js` it is the client of slot 1, whose account, tabs and log-out are its own.
 */
import { auth, base, code, meeting, native, origin } from "./wire.ts";
import { access, carry, curable, hold, lasts, need, needed } from "./bearer.ts";
import { on, over, state, welcome, type EventName } from "./announce.ts";
import { epoch, landed, landing, refresh, type Outcome } from "./refresh.ts";

export type { EventName, Outcome };

export interface CloakroomInit extends RequestInit {
  /**
   * How a call that needs an approval of its own gets it. `popup`, the default: its page in a window, and where that is
   * blocked (call `fetch` from a click) as `redirect`: this page goes there and comes back, and the answer is
   * `cloakroom.resumed` then; the URL, the body and the headers, but for those that look like secrets, lie in
   * `sessionStorage` meanwhile. `none`: the 401 that says `step-up-needed` is the answer.
   */
  stepUp?: "popup" | "redirect" | "none";
}

export interface Cloakroom {
  /**
   * Like the global `fetch`. A request of this slot whose answer says `access-expired` is repeated after a refresh, and
   * one whose answer says `step-up-needed` after its approval; where that is not given, the answer is that 401.
   * Requests to other origins, and from `/u/1` to paths that are not below it, are passed to the browser as they are.
   */
  fetch(input: RequestInfo | URL, init?: CloakroomInit): Promise<Response>;
  /**
   * The answer to the call that this page was left for, to have it approved (see `CloakroomInit.stepUp`): it is repeated
   * once, when the page is back. Null if there was none, or it was not approved. Rejects as `fetch` does.
   */
  readonly resumed: Promise<Response | null>;
  /** Who is signed in, or null. Rejects when nobody can tell: the network or the server is down. */
  me<T = Record<string, unknown>>(): Promise<T | null>;
  /**
   * With the strategy `memory`, the access token for APIs on other sites; where this tab has no good one, `me` is asked
   * first, which refreshes. Null without a session, and with the other strategies. Rejects as `me` does.
   */
  token(): Promise<string | null>;
  /** Renews the session's cookies and token. `unavailable` is not a log-out: try again later. Never rejects. */
  refresh(): Promise<Outcome>;
  /**
   * Ends this session; with `others` all but this one, with `all` every one. Rejects when it was not done. Where a provider
   * stands behind the session, the page then goes there, to be logged out as well.
   */
  logout(scope?: "others" | "all"): Promise<void>;
  /** Goes to the log-in page, which comes back to `returnTo` (its path and query; by default, here). */
  login(returnTo?: string | URL | Location): void;
  /** Calls `listener` when the session changes, in this tab or in another one. Returns how to stop that. */
  on(name: EventName, listener: () => void): () => void;
}

async function fetch(input: RequestInfo | URL, init?: CloakroomInit): Promise<Response> {
  // Only a request without a body is made here: wrapping a Request takes its body away from its owner.
  const { url } = new Request((input as Request).url ?? input);
  if (!url.startsWith(origin + base + "/")) return native(input, init);
  const request = new Request(input, init);
  // Who wants no credentials gets none of ours.
  if (request.credentials === "omit") return native(request);
  // What streams out is gone; teeing it would keep an upload of any size in memory.
  return send(request, init?.body instanceof ReadableStream ? 0 : 2, init?.stepUp);
}

async function send(request: Request, repeats: number, stepUp?: CloakroomInit["stepUp"]): Promise<Response> {
  // No refresh mends an `Authorization` of the caller's own, where that is what counts.
  const again = repeats && !(needed && request.headers.has("authorization")) ? request.clone() : null;
  const seen = epoch;
  const response = await native(carry(request));
  if (response.ok && response.url === auth + "login") await hold(response);
  if (!again) return response;
  if ((await code(response)) === "step-up-needed") return approval(response, again, stepUp);
  if (!(await curable(response))) return response;
  if (repeats < 2) need();
  if ((await refresh(seen)) !== "refreshed") return response;
  // If another tab refreshed, that may not have been enough; if this one did, nothing will be.
  return send(again, landed > seen && !needed ? 0 : repeats - 1, stepUp);
}

/** Gets a call approved that was answered by `asking`; without a call, finishes the one that this page was left for. */
const approval = <T extends Response | null>(asking: T, ...call: [Request, CloakroomInit["stepUp"]] | []): Promise<T | Response> =>
  import(auth + "approve.js").then(({ approve }) => approve(fetch, landing, asking, ...call), () => asking);

async function resume(): Promise<Response | null> {
  try {
    if (meeting in sessionStorage) return approval(null);
  } catch {} // no storage
  return null;
}

async function me<T>(): Promise<T | null> {
  const response = await fetch(auth + "me", { headers: { accept: "application/json" } });
  if (response.ok) {
    welcome();
    return response.json() as Promise<T>;
  }
  await settle(response);
  over(state === true);
  return null;
}

async function token(): Promise<string | null> {
  if (!lasts()) await me();
  return access ?? null;
}

async function logout(scope?: "others" | "all"): Promise<void> {
  // `onclick = cloakroom.logout` passes an event.
  const path = typeof scope === "string" ? "/" + scope : "";
  const response = await fetch(auth + "logout" + path, { method: "POST" });
  await settle(response);
  if (path !== "/others") over();
  // The provider that this session came from is logged out of there.
  if (response.status === 200) location.assign(((await response.json()) as { continue_at: string }).continue_at);
}

function login(returnTo: string | URL | Location = location): void {
  const { pathname, search } = new URL(returnTo as string, location.href);
  location.assign(auth + "login?return_to=" + encodeURIComponent(pathname + search));
}

/** Throws where it cannot be told: an answer that is no refusal, or is curable still, since the refresh did not get through. */
async function settle(response: Response): Promise<void> {
  const { ok, status } = response;
  if (!ok && (status !== 401 || (state !== false && (await curable(response))))) throw Error("cloakroom: " + status);
}

// A page out of the back/forward cache has missed what the other tabs said.
globalThis.addEventListener?.("pageshow", (event) => {
  if (event.persisted) {
    const unknown = state === undefined;
    me().then((who) => who ?? over(unknown), () => {});
  }
});

export const cloakroom: Readonly<Cloakroom> = Object.freeze({
  fetch,
  resumed: resume(),
  me,
  token,
  refresh: () => refresh(),
  logout,
  login,
  on,
});

// Defined, not assigned: an own property wins over any element of that name, and a second copy of the script is harmless.
Reflect.defineProperty(globalThis, "cloakroom", { value: cloakroom, enumerable: true });
