/**
 * What this tab was handed to send as `Authorization: Bearer` (RFC 6750 §2.1): the access token of a `memory` session,
 * or `header.payload` of a `split-bearer` one, whose signature is in a cookie that no script reads.
 *
 * It stays in these variables: no storage, no property, no message to another tab but the half that is worthless alone, which asks for its own. With the
 * other strategies nothing is handed out, and nothing is sent.
 */
import { code } from "./wire.ts";

let held: string | undefined;
let until = 0;

/** The access token, with `memory` only: the half of `split-bearer` is of no use to other sites. */
export let access: string | undefined;

/**
 * Whether this tab lives on what it holds itself, so that another tab's refresh does not help it. A new tab does not
 * know its strategy: it learns it from the first answer that hands something out, or see `need`.
 */
export let needed = false;

/** How often that has changed. A late answer of the session before must not undo a log-in or a log-out. */
export let turn = 0;

/** Takes what a log-in or a refresh answers. Its body may be lost on the way; its cookies have arrived then. */
export async function hold(response: Response, now = turn): Promise<void> {
  try {
    const body = await response.clone().json();
    if (now !== turn) return;
    turn++;
    held = (access = body.access_token) ?? body.claims;
    needed = held !== undefined;
    // By how long it lives, as the server's clock has it: this one may be wrong.
    until = Date.now() + body.expires_at * 1000 - Date.parse(response.headers.get("date") as string);
  } catch {}
}

/** Nobody is signed in (any more). */
export function forget(): void {
  turn++;
  held = access = undefined;
  needed = false;
}

/** What the other tabs need as well: all have one signature in the jar, so all send the claims that belong to it. */
export const half = (): string | undefined => (access ? undefined : held);

/** What another tab was handed, of use to this one too. */
export function take(claims: string): void {
  held = claims;
  needed = true;
}

/** Another tab has refreshed, and this one is still told that its access has expired. */
export const need = (): unknown => (needed = true);

/** Whether the access token is worth a try elsewhere. */
export const lasts = (): boolean => access !== undefined && !(Date.now() >= until);

/** Sends along what is held; a caller who brings an `Authorization` knows best. */
export function carry(request: Request): Request {
  if (held !== undefined && !request.headers.has("authorization")) {
    request.headers.set("authorization", "Bearer " + held);
  }
  return request;
}

/**
 * Whether this is a refusal that a refresh cures. Of what a tab holds itself, `signed-out` says only that it is no
 * good: another tab's refresh has replaced the other half, or made a newer issue. Whether the session is over, the
 * refresh tells.
 */
export async function curable(response: Response): Promise<boolean> {
  const refusal = response.status === 401 && (await code(response));
  return refusal === "access-expired" || (needed && refusal === "signed-out");
}
