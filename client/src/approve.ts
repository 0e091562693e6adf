/**
 * One call that needs an approval of its own: opens the approval, shows its page in a popup or goes there, collects the
 * grant and repeats the call. Loaded by `client.ts` when an answer asks for it, or when a call waits for its repetition.
 *
 * It shows nothing itself and proves nothing: that happens in the approval's page, on an origin of its own where there
 * is one. A call that goes there by redirect lies in `sessionStorage` (one entry, of this tab, with its URL, body and
 * harmless headers) until the page is back or the tab closes; by popup nothing is stored. The grant stays in a variable.
 *
 * Whatever keeps the approval from happening, the caller gets the answer that asked for it.
 */
import { auth, base, meeting, origin } from "./wire.ts";
import type { CloakroomInit } from "./client.ts";

type Mode = CloakroomInit["stepUp"];

/** What this uses of the client: its `fetch`, and what it does with an answer that brings the session's cookies anew. */
interface Client {
  fetch(input: RequestInfo | URL, init?: CloakroomInit): Promise<Response>;
  landing(response: Response): Promise<void>;
}

/** What the gateway says about the call. */
interface Asked {
  method: string;
  path: string;
  show: string[];
}

/** An approval that was opened. */
interface Opened {
  id: string;
  page: string;
}

/** A call that waits for its page to come back. */
interface Kept {
  id: string;
  method: string;
  url: string;
  headers: [string, string][];
  body: string;
}

/** Bodies up to here, in bytes, are sent along for the page to show their fields. */
const SHOWN = 8192;

/** An approval is over after minutes, which the server says; this is for when it cannot be asked. */
const MOST_POLLS = 900;

/** For so many polls in a row this page is used while the popup seems closed, before it counts as closed. */
const PATIENCE = 10;

/** A page shows one approval at a time. */
let turn: Promise<unknown> = Promise.resolve();

/**
 * Gets `request` approved, which was answered by `asking`, and repeats it. Resolves with the answer to that, or with
 * `asking`. Rejects when the request's signal aborts, or the repetition fails as any request may.
 *
 * Without a request it is the one that went away with its page: repeated at most once, and `asking` (null) if there was
 * none, or it was not approved.
 */
export function approve<T extends Response | null>(
  fetch: Client["fetch"],
  landing: Client["landing"],
  asking: T,
  request?: Request,
  mode?: Mode,
): Promise<T | Response> {
  const client = { fetch, landing };
  if (!request || !asking) return resume(client).then((response) => response ?? asking);
  // What was asked for is the end of the redirects; what would be repeated is their beginning.
  if (mode === "none" || asking.redirected) return Promise.resolve(asking);
  return approved(request, asking, mode, client);
}

async function approved(request: Request, asking: Response, mode: Mode, client: Client): Promise<Response> {
  let approval: { grant: string; body: ArrayBuffer } | undefined;
  try {
    const asked: Asked = (await asking.clone().json()).step_up;
    const body = await request.arrayBuffer();
    const mine = turn.then(() => granted(request, body, asked, mode, client));
    turn = mine.catch(() => {});
    const grant = await mine;
    if (grant !== undefined) approval = { grant, body };
  } catch {
    // No secure context, no storage, no network, an answer that is none: there is no approval.
  }
  request.signal.throwIfAborted();
  if (!approval) return asking;
  // The very bytes that were approved: a form's, for one, are others each time it is written.
  const bodiless = /^(GET|HEAD)$/.test(request.method);
  return repeat(new Request(request, bodiless ? {} : { body: approval.body }), approval.grant, client);
}

async function granted(request: Request, body: ArrayBuffer, asked: Asked, mode: Mode, client: Client): Promise<string | undefined> {
  const { signal } = request;
  signal.throwIfAborted();
  if (mode !== "redirect") {
    const opened = await open(asked, body, client, signal);
    const popup = opened && show(opened.page);
    if (!opened) return undefined;
    if (popup) {
      try {
        return await collect(opened.id, client, signal, popup);
      } finally {
        popup.close();
      }
    }
  }
  return leave(request, body, await open(asked, body, client, signal, location.pathname + location.search), client);
}

/** Nothing where windows are blocked; a sandboxed document in Firefox throws instead. */
function show(page: string): Window | null {
  try {
    // Told by the fragment, the page closes the window when it is done; one that somebody has opened themselves stays.
    return globalThis.open(page + "#window", "_blank", "popup,width=480,height=720");
  } catch {
    return null;
  }
}

/** Opens the approval of this call. Without `returnTo` its page says that it can be closed. */
async function open(asked: Asked, body: ArrayBuffer, client: Client, signal: AbortSignal, returnTo?: string): Promise<Opened | undefined> {
  const { method, path, show } = asked;
  const shown = show.length > 0 && body.byteLength > 0 && body.byteLength <= SHOWN;
  const response = await post("step-up", client, signal, {
    method,
    path,
    body_sha256: base64url(await crypto.subtle.digest("SHA-256", body)),
    body: shown ? base64url(body) : undefined,
    // Judged when the grant is used: it is good only if these are the fields that the route names.
    show: shown ? show : undefined,
    return_to: returnTo,
  });
  const opened: Opened = await response.json();
  return response.status === 201 && /^https?:/.test(opened.page) ? opened : undefined;
}

/** Goes to the approval's page. The call is repeated by `resume` when that leads back here. */
async function leave(request: Request, body: ArrayBuffer, opened: Opened | undefined, client: Client): Promise<string | undefined> {
  if (!opened) return undefined;
  const { method, url, signal } = request;
  signal.throwIfAborted();
  const headers = [...request.headers].filter(([name]) => isHarmless(name));
  const kept: Kept = { id: opened.id, method, url, headers, body: base64url(body) };
  sessionStorage.setItem(meeting, JSON.stringify(kept));
  const back = new Promise<void>((resolve) => {
    addEventListener("pageshow", (event) => event.persisted && resolve());
    signal.addEventListener("abort", () => resolve());
  });
  location.assign(opened.page);
  // This page ends here, or it comes out of the back/forward cache.
  await back;
  if (taken()?.id !== opened.id) return undefined;
  signal.throwIfAborted();
  return collect(opened.id, client, signal);
}

async function resume(client: Client): Promise<Response | null> {
  const kept = taken();
  // A grant goes nowhere else, whoever wrote the entry.
  if (!String(kept?.url).startsWith(origin + base + "/")) return null;
  const { id, method, url, headers, body } = kept!;
  const request = new Request(url, { method, headers, body: body ? bytes(body) : null });
  const grant = await collect(id, client, request.signal).catch(() => undefined);
  return grant === undefined ? null : repeat(request, grant, client);
}

/** The entry, which is gone then. */
function taken(): Kept | undefined {
  const text = sessionStorage.getItem(meeting);
  sessionStorage.removeItem(meeting);
  try {
    return JSON.parse(text ?? "") as Kept;
  } catch {
    return undefined;
  }
}

function repeat(request: Request, grant: string, client: Client): Promise<Response> {
  request.headers.set("cloakroom-grant", grant);
  return client.fetch(request, { stepUp: "none" });
}

/**
 * The grant, once the call was approved; undefined when it will not be. Without a popup it has been decided already, and
 * is asked for once; with one, about once a second and whenever somebody comes back to this page.
 *
 * A page with an opener policy of its own, as the approval's, seems closed from the moment it loads. So a popup only
 * counts as closed when this page has been in use for a while and still nothing was approved.
 */
async function collect(id: string, client: Client, signal: AbortSignal, popup?: Window): Promise<string | undefined> {
  const come = new AbortController();
  const ends = { signal: come.signal };
  let isHere = false;
  let wake = () => {};
  addEventListener("focus", () => ((isHere = true), wake()), ends);
  addEventListener("blur", () => void (isHere = false), ends);
  signal.addEventListener("abort", () => wake(), ends);
  try {
    for (let polls = 0, closed = 0; polls < MOST_POLLS; polls++) {
      const answer = await ask(id, client, signal);
      if (answer !== "waiting") return answer?.grant;
      closed = isHere && popup?.closed ? closed + 1 : 0;
      if (!popup || closed > PATIENCE) return undefined;
      await new Promise<void>((resolve) => {
        wake = resolve;
        AbortSignal.timeout(1000).onabort = () => resolve();
      });
      signal.throwIfAborted();
    }
    return undefined;
  } finally {
    come.abort();
  }
}

/** Asks once. A server or a network that fails for a moment says nothing about the approval. */
async function ask(id: string, client: Client, signal: AbortSignal): Promise<"waiting" | { grant: string } | undefined> {
  try {
    const response = await post("step-up/collect", client, signal, { id });
    const { status } = response;
    if (status === 200) {
      const answer = await response.clone().json();
      // The session's cookies were rotated with it: approving is logging in again.
      await client.landing(response);
      return { grant: String(answer.grant) };
    }
    return status === 202 || status === 429 || status >= 500 ? "waiting" : undefined;
  } catch {
    signal.throwIfAborted();
    return "waiting";
  }
}

const post = (route: string, client: Client, signal: AbortSignal, body: object): Promise<Response> =>
  client.fetch(auth + route, {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify(body),
    signal,
    stepUp: "none",
  });

/** Whether a header may lie in the storage for a while. */
const isHarmless = (name: string): boolean =>
  name === "idempotency-key" || !/auth|cookie|csrf|key|secret|session|token|grant/.test(name);

/** RFC 4648 §5, without padding. */
function base64url(data: ArrayBuffer): string {
  let text = "";
  for (const byte of new Uint8Array(data)) text += String.fromCharCode(byte);
  return btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

const bytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
