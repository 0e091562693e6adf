// The worker of S7b: keeps the tokens in a variable of its own and sends what the page asks for.
import { bearer } from "/bearer.js";

let held = null;
const client = bearer({ load: () => held, save: (tokens) => (held = tokens), clear: () => (held = null) });

async function answer(name, rest) {
  if (name !== "call") return (await client[name](...rest)) ?? null;
  const response = await client.call(...rest);
  return { status: response.status, text: await response.text(), kind: response.headers.get("Content-Type") ?? "" };
}

self.onmessage = async ({ data: { number, name, rest } }) => postMessage({ number, result: await answer(name, rest) });
