export type EventName = "signed-out" | "signed-in" | "refreshed";
export type Outcome = "refreshed" | "ended" | "unavailable";
export interface Cloakroom {
    /**
     * Like the global `fetch`. A request of this slot whose answer says `access-expired` is repeated after a refresh.
     * Requests to other origins, and from `/u/1` to paths that are not below it, are passed to the browser as they are.
     */
    fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
    /** Who is signed in, or null. Rejects when nobody can tell: the network or the server is down. */
    me<T = Record<string, unknown>>(): Promise<T | null>;
    /**
     * With the strategy `memory`, the access token for APIs on other sites; where this tab has no good one, `me` is asked
     * first, which refreshes. Null without a session, and with the other strategies. Rejects as `me` does.
     */
    token(): Promise<string | null>;
    /** Renews the session's cookies and token. `unavailable` is not a log-out: try again later. Never rejects. */
    refresh(): Promise<Outcome>;
    /** Ends this session; with `others` all but this one, with `all` every one. Rejects when it was not done. */
    logout(scope?: "others" | "all"): Promise<void>;
    /** Goes to the log-in page, which comes back to `returnTo` (its path and query; by default, here). */
    login(returnTo?: string | URL | Location): void;
    /** Calls `listener` when the session changes, in this tab or in another one. Returns how to stop that. */
    on(name: EventName, listener: () => void): () => void;
}
export declare const cloakroom: Readonly<Cloakroom>;
declare global {
  var cloakroom: Readonly<Cloakroom>;
}
