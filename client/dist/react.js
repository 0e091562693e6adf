// src/react.ts
import { createContext, createElement, useContext, useSyncExternalStore } from "react";
import { createClient, UNKNOWN } from "./index.js";
var Context = createContext(createClient());
function SessionProvider({ client, children }) {
  return createElement(Context.Provider, { value: client }, children);
}
var useClient = () => useContext(Context);
function useSession() {
  const client = useClient();
  const state = useSyncExternalStore(client.onChange, client.current, () => UNKNOWN);
  return { ...state, client };
}
export {
  SessionProvider,
  useClient,
  useSession
};
