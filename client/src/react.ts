/**
 * The entry `cloakroom-client/react`: the session as state of React 18 and 19.
 *
 * `useSyncExternalStore` does the work: no component shows a session that another one has seen end, StrictMode's second
 * subscription asks nobody twice, and a server renders `unknown`, which is where every page begins.
 */
import { createContext, createElement, useContext, useSyncExternalStore, type ReactElement, type ReactNode } from "react";
import { createClient, UNKNOWN, type Client, type State } from "./index.ts";

/** What a component is told: the state, and the client to act with. */
export type Session = State & { readonly client: Client };

/** It makes no request before somebody uses it, so one for all who bring none is harmless, on a server too. */
const Context = createContext<Client>(createClient());

/** Gives the components below a client of their own, such as that of another slot. Without it they share one of slot 0. */
export function SessionProvider({ client, children }: { client: Client; children?: ReactNode }): ReactElement {
  return createElement(Context.Provider, { value: client }, children);
}

/** The client, for components that only act. They are not rendered again when the session changes. */
export const useClient = (): Client => useContext(Context);

/** Who is signed in. The component is rendered again when that changes. */
export function useSession(): Session {
  const client = useClient();
  const state = useSyncExternalStore(client.onChange, client.current, () => UNKNOWN);
  return { ...state, client };
}
