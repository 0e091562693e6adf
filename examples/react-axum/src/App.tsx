import { useSession } from "cloakroom-client/react";
import { Things } from "./Things";

/** Who is here decides what is shown. It decides nothing else: the gateway and the API judge each call. */
export function App() {
  const { status, me, isStale, client } = useSession();
  return (
    <>
      <header>
        <strong>Things</strong>
        {me && (
          <nav aria-label="Account">
            <a id="who" href="/auth/account">{me.account.email}</a>
            {/* A log-out that did not get through leaves the page as it is; the state says whether anybody answers. */}
            <button id="logout" onClick={() => void client.logout().catch(() => client.session().catch(() => {}))}>
              Log out
            </button>
          </nav>
        )}
      </header>
      <main>
        <p id="message" role="status">
          {isStale ? "Nobody answers. You are not signed out; this page tries again." : status === "unknown" ? "One moment…" : ""}
        </p>
        {status === "signed-out" && (
          <section id="signed-out">
            <h1>Things you left here</h1>
            <p>This page holds no token, and no script in it can read one.</p>
            <p>
              <button id="login" onClick={() => void client.login()}>Log in</button>{" "}
              <a href="/auth/signup?return_to=%2F">Create an account</a>
            </p>
          </section>
        )}
        {/* Another person is another component: nothing of who was here before is left in it. */}
        {me && <Things key={me.account.id} />}
      </main>
    </>
  );
}
