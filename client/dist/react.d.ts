/**
 * The entry `cloakroom-client/react`: the session as state of React 18 and 19.
 *
 * `useSyncExternalStore` does the work: no component shows a session that another one has seen end, StrictMode's second
 * subscription asks nobody twice, and a server renders `unknown`, which is where every page begins.
 */
import { type ReactElement, type ReactNode } from "react";
import { type Client, type State } from "./index.js";
/** What a component is told: the state, and the client to act with. */
export type Session = State & {
    readonly client: Client;
};
/** Gives the components below a client of their own, such as that of another slot. Without it they share one of slot 0. */
export declare function SessionProvider({ client, children }: {
    client: Client;
    children?: ReactNode;
}): ReactElement;
/** The client, for components that only act. They are not rendered again when the session changes. */
export declare const useClient: () => Client;
/** Who is signed in. The component is rendered again when that changes. */
export declare function useSession(): Session;
