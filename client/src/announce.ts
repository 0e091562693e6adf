/** What this tab believes about the session, and how it and the other tabs are told. Asks no server. */
import { forget, take } from "./bearer.ts";
import { meeting } from "./wire.ts";

export type EventName = "signed-out" | "signed-in" | "refreshed";

/** True: signed in; false: not; undefined: nobody has asked yet. */
export let state: boolean | undefined;

const listeners = new Set<{ name: EventName; call: () => void }>();
const channel = new BroadcastChannel(meeting);

export function on(name: EventName, call: () => void): () => void {
  const entry = { name, call };
  listeners.add(entry);
  return () => listeners.delete(entry);
}

/** To the listeners of this tab. Each on its own: one that throws stops nobody. */
export function tell(name: EventName): void {
  for (const entry of listeners) if (entry.name === name) queueMicrotask(entry.call);
}

/** To the other tabs. */
export const broadcast = (name: EventName, claims?: string): void => channel.postMessage(claims ? [name, claims] : name);

/** Somebody is signed in. A page that never said otherwise knows it from its own question: no event. */
export function welcome(quiet?: boolean): void {
  if (state === false) tell("signed-in");
  if (!quiet && !state) broadcast("signed-in");
  state = true;
}

/** Nobody is signed in (any more). Told only where the page may still show otherwise. */
export function over(shown: boolean = state !== false, quiet?: boolean): void {
  forget();
  if (shown) {
    tell("signed-out");
    if (!quiet) broadcast("signed-out");
  }
  state = false;
}

export function hear(refreshed: () => void): void {
  channel.onmessage = (event) => {
    const [data, claims] = [event.data].flat();
    if (data === "signed-out") over(undefined, true);
    // A tab that has not asked yet will see for itself.
    if (data === "signed-in" && state === false) welcome(true);
    if (data === "refreshed") {
      if (claims) take(claims);
      refreshed();
    }
  };
}
