import type { CloakroomInit, Outcome } from "./client.js";
export type { CloakroomInit, Outcome };
/** What `GET /auth/me` says. Instants are whole Unix seconds. */
export interface Me {
    account: {
        id: string;
        email: string;
        email_verified: boolean;
    };
    session: {
        id: string;
        opened_at: number;
        ends_at: number;
        methods: string[];
        strategy: string;
    };
    expires_at: number;
}
/**
 * What was last known. `unknown`: nobody could be asked yet. `isStale`: the last question did not get through, so this is
 * what was true before; nobody is signed out by an outage, and it is asked again soon.
 */
export type State = {
    readonly status: "unknown";
    readonly me: null;
    readonly isStale: boolean;
} | {
    readonly status: "signed-in";
    readonly me: Me;
    readonly isStale: boolean;
} | {
    readonly status: "signed-out";
    readonly me: null;
    readonly isStale: boolean;
};
/** Nobody has been asked: where every page begins, and what a server renders. */
export declare const UNKNOWN: State;
/** A call that needs an approval did not get one: it was declined, forgotten, or could not be asked for. */
export declare class NotApproved extends Error {
    /** The answer that asked for the approval: 401 `step-up-needed`. */
    readonly response: Response;
    constructor(response: Response);
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
/** A client of this page's own site. Makes no request until one of its functions is called. */
export declare function createClient({ slot }?: ClientOptions): Client;
