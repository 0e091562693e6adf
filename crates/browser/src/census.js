// Everything a script of this origin can read here, as one object.
async () => {
  const MAX_NODES = 200000;
  const MAX_DEPTH = 4;
  const DATABASE_DEADLINE = 3000;
  const census = { truncated: false };
  const attempt = async (key, read) => {
    try {
      census[key] = await read();
    } catch (error) {
      census[key] = { unreadable: String(error) };
    }
  };
  const within = promise => Promise.race([
    promise,
    new Promise((_, reject) => setTimeout(() => reject(new Error('no answer in time')), DATABASE_DEADLINE)),
  ]);

  // Strings reachable from a value, as { path: string }. `seen` guards against cycles.
  let nodes = 0;
  const strings = (value, path, found, seen, depth) => {
    if (typeof value === 'string') found[path] = value;
    if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return;
    if (depth > MAX_DEPTH || seen.has(value)) return;
    seen.add(value);
    if (++nodes > MAX_NODES) {
      census.truncated = true;
      return;
    }
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      found[path] = new TextDecoder().decode(value);
      return;
    }
    if (value instanceof Map || value instanceof Set) {
      let position = 0;
      for (const item of value instanceof Map ? [...value].flat() : value) {
        strings(item, `${path}<${position++}>`, found, seen, depth + 1);
      }
    }
    let keys = [];
    try {
      keys = Reflect.ownKeys(value);
    } catch { /* a window of another origin */ }
    for (const key of keys) {
      // Every function has a name, from the source.
      if (typeof value === 'function' && key === 'name') continue;
      try {
        strings(value[key], `${path}.${String(key)}`, found, seen, depth + 1);
      } catch { /* a getter that throws */ }
    }
  };
  const flat = value => {
    const found = {};
    strings(value, '', found, new WeakSet(), 0);
    return found;
  };

  const storage = area => Object.fromEntries(
    Array.from({ length: area.length }, (_, index) => area.key(index)).map(key => [key, area.getItem(key)]));
  await attempt('localStorage', () => storage(localStorage));
  await attempt('sessionStorage', () => storage(sessionStorage));

  const answer = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('blocked'));
  });
  const database = async name => {
    const open = await answer(indexedDB.open(name));
    try {
      const stores = {};
      for (const storeName of open.objectStoreNames) {
        const store = open.transaction(storeName).objectStore(storeName);
        const [keys, values] = await Promise.all([answer(store.getAllKeys()), answer(store.getAll())]);
        stores[storeName] = { keys: flat(keys), values: flat(values) };
      }
      return stores;
    } finally {
      open.close();
    }
  };
  await attempt('indexedDB', async () => {
    const found = {};
    for (const { name } of await indexedDB.databases()) {
      found[name] = await within(database(name)).catch(error => ({ unreadable: String(error) }));
    }
    return found;
  });

  await attempt('caches', async () => {
    const found = {};
    if (typeof caches === 'undefined') return found;
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      found[name] = {};
      for (const request of await cache.keys()) {
        const response = await cache.match(request);
        found[name][request.url] = {
          request: Object.fromEntries(request.headers),
          headers: Object.fromEntries(response.headers),
          body: await response.text(),
        };
      }
    }
    return found;
  });

  const folder = async directory => {
    const found = {};
    for await (const [name, handle] of directory.entries()) {
      found[name] = handle.kind === 'file' ? await (await handle.getFile()).text() : await folder(handle);
    }
    return found;
  };
  await attempt('files', async () =>
    navigator.storage?.getDirectory ? folder(await within(navigator.storage.getDirectory())) : {});

  await attempt('cookie', () => document.cookie);
  await attempt('cookieStore', async () => (typeof cookieStore === 'undefined' ? [] : await cookieStore.getAll()));

  await attempt('window', () => {
    const frame = document.createElement('iframe');
    document.documentElement.append(frame);
    const pristine = frame.contentWindow;
    const known = new Set(Reflect.ownKeys(pristine));
    const found = {};
    const seen = new WeakSet([window, document]);
    for (const key of Reflect.ownKeys(window)) {
      try {
        const value = window[key];
        // Names that every window has may still hold a string of the page's own, as `status` does.
        if (known.has(key) && !(typeof value === 'string' && value !== pristine[key])) continue;
        if (value === pristine) continue;
        strings(value, String(key), found, seen, 1);
      } catch { /* a getter that throws */ }
    }
    frame.remove();
    return found;
  });
  await attempt('name', () => window.name);
  await attempt('history', () => flat(history.state));
  await attempt('performance', () => performance.getEntries().map(entry => entry.name));
  await attempt('location', () => location.href);
  await attempt('referrer', () => document.referrer);
  await attempt('html', () => document.documentElement.outerHTML);
  await attempt('fields', () =>
    [...document.querySelectorAll('input, textarea, select')].map(field => [field.name || field.id, field.value]));
  return census;
}
