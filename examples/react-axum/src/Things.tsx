import { useClient } from "cloakroom-client/react";
import { useCallback, useEffect, useState, type FormEvent } from "react";

/** What somebody left here, and a form for more. */
export function Things() {
  const client = useClient();
  const [things, setThings] = useState<string[]>([]);
  const [problem, setProblem] = useState("");

  const call = useCallback(
    async (init?: RequestInit): Promise<string[] | undefined> => {
      try {
        const response = await client.fetch("/api/things", init);
        setProblem(response.ok ? "" : `That did not work (${response.status}).`);
        return response.ok ? ((await response.json()) as { things: string[] }).things : undefined;
      } catch {
        setProblem("Nobody answers. Nothing was lost; try again.");
        return undefined;
      }
    },
    [client],
  );

  useEffect(() => {
    let isHere = true;
    void call().then((found) => isHere && found && setThings(found));
    return () => {
      isHere = false;
    };
  }, [call]);

  async function leave(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const body = JSON.stringify({ name: new FormData(form).get("name") });
    const found = await call({ method: "POST", headers: { "content-type": "application/json" }, body });
    if (!found) return;
    setThings(found);
    form.reset();
  }

  return (
    <section id="signed-in">
      <h1>Your things</h1>
      <form id="add" onSubmit={(event) => void leave(event)}>
        <label htmlFor="name">What do you leave?</label>
        <input id="name" name="name" required maxLength={100} autoComplete="off" />
        <button>Leave it here</button>
      </form>
      {problem && <p role="alert">{problem}</p>}
      <ul id="things" aria-label="Your things">
        {things.map((thing, index) => <li key={index}>{thing}</li>)}
      </ul>
    </section>
  );
}
