// S3: the tokens lie in IndexedDB, as one object.
import { bearer } from "/bearer.js";

const opened = new Promise((resolve, reject) => {
  const request = indexedDB.open("auth", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("kept");
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

async function run(mode, act) {
  const database = await opened;
  return new Promise((resolve, reject) => {
    const request = act(database.transaction("kept", mode).objectStore("kept"));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

export const { login, call, refresh, logout, boot } = bearer({
  load: () => run("readonly", (kept) => kept.get("tokens")),
  save: (tokens) => run("readwrite", (kept) => kept.put(tokens, "tokens")),
  clear: () => run("readwrite", (kept) => kept.delete("tokens")),
});
