/**
 * One refresh at a time, in this tab and among the tabs of the browser.
 *
 * It never decides that somebody is logged out because something failed: only `session-ended` says that. And it
 * never depends on the other tabs: the server's protocol makes two refreshes at once harmless, so a lock that does
 * not come within five seconds is gone without.
 */
import { code, native, origin } from "./wire.ts";
import { broadcast, hear, over, tell } from "./announce.ts";

export type Outcome = "refreshed" | "ended" | "unavailable";

/** How many refreshes are known to have finished, here or in another tab. */
export let epoch = 0;

let flight: Promise<Outcome> | undefined;

/** Refreshes, unless one has finished since `seen`: then fresh cookies are in the jar already. */
export async function refresh(seen: number = epoch): Promise<Outcome> {
  if (seen !== epoch) return "refreshed";
  return (flight ??= queued(seen).finally(() => (flight = undefined)));
}

const queued = (seen: number): Promise<Outcome> =>
  new Promise((resolve) => {
    let started: Promise<Outcome> | undefined;
    const start = (waited?: boolean) => {
      resolve((started ??= renew(seen, waited)));
      return started;
    };
    try {
      const bound = AbortSignal.timeout(5000);
      bound.onabort = () => start();
      const lock = (options: LockOptions, held: LockGrantedCallback<unknown>) =>
        navigator.locks.request("cloakroom", options, held).catch(() => start());
      lock({ ifAvailable: true }, (free) => {
        if (free) return start();
        void lock({ signal: bound }, () => start(true));
      });
    } catch {
      start(); // no Web Locks: an old browser, or plain http
    }
  });

/** `waited`: another tab had the lock until now, and its message may still be on the way. */
async function renew(seen: number, waited?: boolean): Promise<Outcome> {
  try {
    const headers = { accept: "application/json" };
    const signal = AbortSignal.timeout?.(20_000) ?? null;
    if (seen !== epoch || (waited && (await native(origin + "/auth/me", { headers, signal })).ok)) return "refreshed";
    const response = await native(origin + "/auth/refresh", { method: "POST", headers, signal });
    const { ok, status } = response;
    if (ok || (status === 409 && (await code(response)) === "refresh-raced")) {
      finished();
      broadcast("refreshed");
      return "refreshed";
    }
    if (status === 401 && (await code(response)) === "session-ended") {
      over();
      return "ended";
    }
  } catch {
    // The network: says nothing about the session.
  }
  return "unavailable";
}

const finished = (): void => {
  epoch++;
  tell("refreshed");
};

hear(finished);
