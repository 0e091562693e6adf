/**
 * One refresh at a time, in this tab and among the tabs of this slot.
 *
 * It never decides that somebody is logged out because something failed: only `session-ended` says that. And it
 * never depends on the other tabs: the server's protocol makes two refreshes at once harmless, so a lock that does
 * not come within five seconds is gone without.
 */
import { auth, code, meeting, native } from "./wire.ts";
import { broadcast, hear, over, tell } from "./announce.ts";
import { half, hold, needed, turn } from "./bearer.ts";

export type Outcome = "refreshed" | "ended" | "unavailable";

/** How many refreshes are known to have finished, here or in another tab. */
export let epoch = 0;

/** The `epoch` that the last refresh of this very tab made. */
export let landed = 0;

let flight: Promise<Outcome> | undefined;

/**
 * Refreshes, unless one has finished since `seen`: then fresh cookies are in the jar already, though only a refresh of
 * this tab brings what it must hold itself. Without `seen` it is not a refusal that asks for it, but the page: nothing
 * is asked before.
 */
export async function refresh(seen?: number): Promise<Outcome> {
  if ((alone() ? landed : epoch) > (seen ?? epoch)) return "refreshed";
  return (flight ??= queued(epoch, seen !== undefined).finally(() => (flight = undefined)));
}

const queued = (seen: number, expired: boolean): Promise<Outcome> =>
  new Promise((resolve) => {
    let started: Promise<Outcome> | undefined;
    const start = (doubt?: boolean) => {
      resolve((started ??= renew(seen, doubt)));
      return started;
    };
    try {
      const bound = AbortSignal.timeout(5000);
      bound.onabort = () => start();
      const lock = (options: LockOptions, held: LockGrantedCallback<unknown>) =>
        navigator.locks.request(meeting, options, held).catch(() => start());
      lock({ ifAvailable: true }, (free) => {
        if (free) return start(expired);
        void lock({ signal: bound }, () => start(true));
      });
    } catch {
      start(); // no Web Locks: an old browser, or plain http
    }
  });

/** `doubt`: another tab may have had the lock until a moment ago, and its message may still be on the way. */
async function renew(seen: number, doubt?: boolean): Promise<Outcome> {
  try {
    const headers = { accept: "application/json" };
    const signal = AbortSignal.timeout?.(20_000) as AbortSignal; // old browsers have none
    const done = async () => seen !== epoch || (doubt && !needed && (await native(auth + "me", { headers, signal })).ok);
    if (!alone() && (await done())) return "refreshed";
    for (let tries = 2; tries--; ) {
      const now = turn;
      const response = await native(auth + "refresh", { method: "POST", headers, signal });
      const { ok, status } = response;
      const refusal = ok || (await code(response));
      const raced = status === 409 && refusal === "refresh-raced";
      // Who lost a race has fresh cookies in the jar, which is all that most need. Who needs an answer asks with those.
      if (ok || (raced && !needed)) {
        await landing(response, now);
        return "refreshed";
      }
      if (status === 401 && refusal === "session-ended") {
        over();
        return "ended";
      }
      if (!raced) break;
    }
  } catch {
    // The network: says nothing about the session.
  }
  return "unavailable";
}

/** Fresh cookies are in the jar; an answer that is none of a lost race brought them, and what this tab holds itself. */
export async function landing(response: Response, now?: number): Promise<void> {
  if (response.ok) {
    await hold(response, now);
    landed = epoch + 1;
  }
  finished();
  broadcast("refreshed", half());
}

/** Whether only a refresh of this very tab helps it: the others share what they are handed, or all is in the jar. */
const alone = (): boolean => needed && !half();

const finished = (): void => {
  epoch++;
  tell("refreshed");
};

hear(finished);
