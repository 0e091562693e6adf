export type EventName = "signed-out" | "signed-in" | "refreshed";
export type Outcome = "refreshed" | "ended" | "unavailable";
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
export declare const cloakroom: Readonly<Cloakroom>;
declare global {
  var cloakroom: Readonly<Cloakroom>;
}
