// A stand-in for what a browser gives the script: an origin, one cookie jar, a lock manager, tabs. The server is a
// real one on a port of its own; every "tab" is a fresh evaluation of the built file. No DOM, no rendering: real
// browsers run the same file in the browser story.
import { createServer } from "node:http";
import { once } from "node:events";
import { register } from "node:module";

register("./served.mjs", import.meta.url);

const real = { fetch: globalThis.fetch, Request: globalThis.Request, BroadcastChannel: globalThis.BroadcastChannel };
let tabs = 0;

export const problem = (status, code) => ({ status, type: "application/problem+json", body: { status, code } });
export const json = (body, cookie) => ({ status: 200, type: "application/json", body, cookie });

/** Starts a server and a browser before it; both end with the test. */
export async function browser(t, { locks = undefined, answer = {}, strategy = "cookie", blocked = false } = {}) {
  const newest = { "": 0 }; // in each slot, by its digit
  const site = {
    calls: [],
    answer,
    strategy,
    jar: new Map([[strategy === "cookie" ? "access" : "company", "0"]]),
    /** The tokens in the hands of pages that are good, of slot 0. */
    good: new Set(),
    get access() { return newest[""]; },
    set access(value) { newest[""] = value; },
    refreshes: () => count("/auth/refresh"),
    paths: () => site.calls.map((call) => call.path),
    bearers: () => site.calls.map((call) => call.headers.authorization),
  };
  const count = (path) => site.calls.filter((call) => call.path === path).length;
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://x");
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const call = { path: pathname, method: request.method, headers: request.headers, body: Buffer.concat(chunks).toString() };
    site.calls.push(call);
    const { status, type, body, cookie, date, end } = await (site.answer[pathname] ?? standard)(call);
    if (end) return request.socket.destroy();
    if (cookie) response.setHeader("set-cookie", cookie);
    if (date) response.setHeader("date", date.toUTCString());
    if (type) response.setHeader("content-type", type);
    response.writeHead(status).end(type?.endsWith("json") ? JSON.stringify(body) : body);
  });

  /** What Cloakroom does. */
  const standard = (call) => {
    const { path, method, headers, body } = call;
    const [, slot = "", route] = /^(?:\/u\/([1-9]))?(\/.*)/.exec(path);
    if (route === "/auth/refresh") return site.open(slot);
    const name = site.strategy === "cookie" ? `access${slot}` : "company";
    const refusal = site.strategy === "cookie" ? byCookie(headers, name, slot) : byBearer(headers);
    if (refusal) return problem(401, refusal);
    if (route === "/auth/me") return json({ account: { id: `a${slot}`, email: "a@example.com" } });
    if (route.startsWith("/auth/logout")) return { status: 204, cookie: route.endsWith("others") ? undefined : `${name}=; Max-Age=0` };
    return json({ method, body });
  };
  /** What a log-in or a refresh answers. */
  site.open = (slot = "") => {
    newest[slot] = (newest[slot] ?? 0) + 1;
    const number = newest[slot];
    if (site.strategy === "cookie") return json({ account: "a" }, `access${slot}=${number}; Path=/; HttpOnly`);
    if (site.strategy === "memory") {
      site.good.add(`h.p${number}.s`);
      return json({ access_token: `h.p${number}.s`, token_type: "Bearer" }, "company=0; Path=/; HttpOnly");
    }
    return json({ claims: `h.p${number}` }, `company=s${number}; Path=/; HttpOnly`);
  };
  /** One good access cookie, the newest. */
  const byCookie = ({ cookie = "" }, name, slot) => {
    const value = new RegExp(`\\b${name}=(\\w+)`).exec(cookie)?.[1];
    if (value === undefined) return "signed-out";
    return value === String(newest[slot] ?? 0) ? undefined : "access-expired";
  };
  /** What the page holds is judged alone, in one of the strategies together with the signature in the cookie. */
  const byBearer = ({ cookie = "", authorization }) => {
    const company = /\bcompany=(\w+)/.exec(cookie)?.[1];
    if (company === undefined) return "signed-out";
    if (authorization === undefined) return "access-expired";
    const token = authorization.replace("Bearer ", "");
    if (site.strategy === "memory") return site.good.has(token) ? undefined : "access-expired";
    return token === `h.p${company.slice(1)}` ? undefined : "signed-out"; // two halves of two tokens
  };
  site.expire = () => (strategy === "cookie" ? site.jar.set("access", "expired") : site.good.clear());

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  const channels = [];
  const listeners = [];
  const windows = [];
  const bounds = [];
  const awaited = [];
  const assigned = [];

  const stand = {
    location: Object.assign(new URL(`${origin}/notes?q=a%20b#top`), { assign: (to) => assigned.push(String(to)) }),
    // Relative addresses against the page, as a browser resolves them.
    Request: class Request extends real.Request {
      constructor(input, init) {
        super(typeof input === "string" ? new URL(input, origin + "/").href : input, init);
      }
    },
    fetch: async (input, init) => {
      const request = new stand.Request(input, init);
      const own = new URL(request.url).origin === origin && request.credentials !== "omit";
      const headers = new Headers(request.headers);
      if (own) headers.set("cookie", [...site.jar].map(([name, value]) => `${name}=${value}`).join("; "));
      const response = await real.fetch(new real.Request(request, { headers }));
      for (const cookie of own ? response.headers.getSetCookie() : []) {
        const [name, value] = cookie.split(";")[0].split("=");
        if (cookie.includes("Max-Age=0")) site.jar.delete(name);
        else site.jar.set(name, value);
      }
      return response;
    },
    BroadcastChannel: class extends real.BroadcastChannel {
      constructor(name) {
        super(name);
        channels.push(this);
      }
    },
    navigator: { locks },
    addEventListener: (name, call, { signal } = {}) => listeners.push({ name, call, signal }),
    sessionStorage: Object.create({
      getItem(name) { return this[name] ?? null; },
      setItem(name, text) { this[name] = String(text); },
      removeItem(name) { delete this[name]; },
    }),
    open: (url, ...more) => {
      windows.push({ url, more, closed: false, close() { this.closed = true; } });
      return blocked ? null : windows.at(-1);
    },
  };
  for (const [name, value] of Object.entries(stand)) Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  // Time is the test's: bounds pass when it says so.
  t.mock.method(AbortSignal, "timeout", (ms) => {
    const control = new AbortController();
    const bound = { ms, pass: () => control.abort(new DOMException("late", "TimeoutError")) };
    const first = awaited.findIndex((entry) => entry.ms === ms);
    bounds.push(bound);
    if (first >= 0) awaited.splice(first, 1)[0].resolve(bound);
    return control.signal;
  });

  t.after(async () => {
    for (const channel of channels) channel.close();
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  });

  const fire = (name, event = {}) =>
    listeners.forEach((entry) => entry.name === name && !entry.signal?.aborted && entry.call(event));
  return {
    site,
    origin,
    assigned,
    bounds,
    channels,
    windows,
    /** The next bound of so many milliseconds that is set. */
    bound: (ms) => new Promise((resolve) => awaited.push({ ms, resolve })),
    fire,
    pageshow: (persisted) => fire("pageshow", { persisted }),
    /** One more tab, its script loaded from the address; `heard` collects its events. */
    async tab(script = "/auth/client.js") {
      const { cloakroom } = await import(`${new URL(script, origin)}?tab=${(tabs += 1)}`);
      const heard = [];
      for (const name of ["signed-in", "signed-out", "refreshed"]) cloakroom.on(name, () => heard.push(name));
      return { cloakroom, heard, next: (name) => new Promise((resolve) => cloakroom.on(name, resolve)) };
    },
    /** When every tab has handled all that was said before now. */
    async quiet() {
      const word = `probe ${Math.random()}`;
      const got = channels.map((channel) => new Promise((resolve) =>
        channel.addEventListener("message", ({ data }) => data === word && resolve())));
      const senders = [...new Set(channels.map(({ name }) => name))].map((name) => new real.BroadcastChannel(name));
      for (const sender of senders) sender.postMessage(word);
      await Promise.all(got);
      for (const sender of senders) sender.close();
      await new Promise(setImmediate);
    },
  };
}

/** Resolves all waiters once `size` have come. */
export function barrier(size) {
  const { promise, resolve } = deferred();
  let waiting = 0;
  return () => {
    waiting += 1;
    if (waiting === size) resolve();
    return promise;
  };
}

export function deferred() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

/** The part of the Web Locks API that the script uses: exclusive, first come first served. One name at a time. */
export class Locks {
  holder = null;
  names = new Set();
  queue = [];
  waited = 0;
  #waiter = deferred();

  /** When somebody waits for the lock. */
  get contended() {
    return this.#waiter.promise;
  }

  async request(name, options, call) {
    this.names.add(name);
    if (this.holder && options.ifAvailable) return call(null);
    if (this.holder) {
      this.waited += 1;
      const turn = deferred();
      this.queue.push(turn);
      this.#waiter.resolve();
      await Promise.race([turn.promise, new Promise((_, reject) => {
        options.signal?.addEventListener("abort", () => {
          this.queue = this.queue.filter((entry) => entry !== turn);
          reject(options.signal.reason);
        });
      })]);
    }
    this.holder = { name };
    try {
      return await call({ name });
    } finally {
      this.holder = null;
      this.queue.shift()?.resolve();
    }
  }
}
