import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, NotApproved } from "../dist/index.js";
import { browser, problem } from "./browser.mjs";

const ADA = { account: { id: "a", email: "a@example.com" } };
const now = (status, me = null, isStale = false) => ({ status, me, isStale });

/** A page with one client; timers of a second and more pass when the test says so. */
async function page(t, options = {}) {
  const stand = await browser(t, options);
  const timers = new Map();
  const real = { setTimeout, clearTimeout };
  // Only those of the client: the stand's own network has timers too.
  const isClients = () => Error().stack.includes("/dist/index.js");
  t.mock.method(globalThis, "setTimeout", (call, ms, ...more) => (isClients() ? (timers.set(call, ms), call) : real.setTimeout(call, ms, ...more)));
  t.mock.method(globalThis, "clearTimeout", (timer) => timers.delete(timer) || (typeof timer === "function") || real.clearTimeout(timer));
  globalThis.document = { visibilityState: "visible" };
  t.after(() => delete globalThis.document);
  const client = createClient({ slot: options.slot });
  const heard = [];
  const waiters = [];
  const listen = () => client.onChange((state) => {
    heard.push(state);
    waiters.splice(0).forEach((resolve) => resolve(state));
  });
  return {
    ...stand,
    client,
    heard,
    listen,
    waits: () => [...timers.values()],
    pass: () => [...timers.keys()].forEach((call) => (timers.delete(call), call())),
    change: () => new Promise((resolve) => waiters.push(resolve)),
    asked: () => stand.site.paths().filter((path) => path === "/auth/me").length,
  };
}

test("a client asks nobody before it is used, and with a listener asks once", async (t) => {
  const { site, client, listen, change, heard, asked } = await page(t);
  assert.deepEqual(client.current(), now("unknown"));
  assert.deepEqual(site.paths(), []);
  listen()(); // as StrictMode does: subscribed, and no more, and again
  listen();
  listen();
  assert.deepEqual(await change(), now("signed-in", ADA));
  assert.equal(asked(), 1);
  assert.equal(client.current(), heard[0], "the same object until something changes");
  assert.deepEqual(await client.session(), ADA);
  assert.equal(client.current(), heard[0]);
});

test("every listener is told once, one that is gone is not, and one that throws stops nobody", async (t) => {
  const { client, listen, change, heard } = await page(t);
  let gone = 0;
  const errors = [];
  process.setUncaughtExceptionCaptureCallback((error) => errors.push(error.message));
  t.after(() => process.setUncaughtExceptionCaptureCallback(null));
  client.onChange(() => { throw Error("mine"); });
  client.onChange(() => gone++)();
  listen();
  await change();
  assert.deepEqual([heard.length, gone, errors], [1, 0, ["mine"]]);
});

test("an outage signs nobody out, and is over by itself", async (t) => {
  const { site, client, listen, change, waits, pass } = await page(t);
  listen();
  await change();
  site.expire();
  site.answer["/auth/refresh"] = () => ({ end: true });
  await assert.rejects(client.session(), /cloakroom: 401/);
  assert.deepEqual(client.current(), now("signed-in", ADA, true));
  assert.ok(site.jar.has("access"), "what the browser holds stays");
  const first = waits();
  assert.equal(first.length, 1);
  assert.ok(first[0] >= 500 && first[0] <= 1000, String(first));
  site.answer["/auth/me"] = () => problem(503, "unavailable");
  await assert.rejects(client.session(), /cloakroom: 503/);
  assert.ok(waits()[0] >= 1000 && waits().length === 1, "later each time");
  delete site.answer["/auth/me"];
  delete site.answer["/auth/refresh"];
  const back = change();
  pass();
  assert.deepEqual(await back, now("signed-in", ADA));
  assert.deepEqual(waits(), []);
});

test("the network coming back, or somebody looking at the page, ends the wait", async (t) => {
  const { site, client, listen, change, fire, asked } = await page(t);
  listen();
  await change();
  for (const event of ["online", "visibilitychange"]) {
    site.answer["/auth/me"] = () => ({ end: true });
    await assert.rejects(client.session(), TypeError);
    delete site.answer["/auth/me"];
    const back = change();
    globalThis.document.visibilityState = "hidden";
    const before = asked();
    if (event === "visibilitychange") fire(event);
    assert.equal(asked(), before, "nobody looks at a hidden page");
    globalThis.document.visibilityState = "visible";
    fire(event);
    assert.deepEqual(await back, now("signed-in", ADA), event);
  }
});

test("a page that has slept asks when it is looked at, and not each time", async (t) => {
  const { site, listen, change, fire, asked, quiet } = await page(t);
  listen();
  await change();
  fire("visibilitychange");
  await quiet();
  assert.equal(asked(), 1, "a moment ago");
  const later = Date.now() + 8 * 3600_000;
  t.mock.method(Date, "now", () => later);
  site.jar.clear(); // it has ended meanwhile
  const over = change();
  fire("visibilitychange");
  assert.deepEqual(await over, now("signed-out"));
});

test("a log-out is told here and in other tabs, and an answer that was on its way does not undo it", async (t) => {
  const { site, client, listen, change, tab, quiet } = await page(t);
  listen();
  await change();
  let answer;
  const arrived = new Promise((resolve) => {
    site.answer["/auth/me"] = () => {
      delete site.answer["/auth/me"]; // the next one is answered as always
      resolve();
      return new Promise((done) => (answer = done));
    };
  });
  const late = client.session();
  await arrived;
  const over = change();
  const other = await tab();
  await other.cloakroom.logout();
  assert.deepEqual(await over, now("signed-out"));
  answer({ status: 200, type: "application/json", body: ADA });
  await late;
  await quiet();
  assert.equal(await client.session(), null);
  assert.deepEqual(client.current(), now("signed-out"));

  site.jar.set("access", "0");
  const back = change();
  await (await tab()).cloakroom.me(); // the tab in which somebody logs in again
  assert.deepEqual(await back, now("signed-in", ADA));
  const end = change();
  await client.logout(new (class Event {})()); // `onClick={client.logout}`
  assert.deepEqual(await end, now("signed-out"));
  assert.equal(site.paths().at(-1), "/auth/logout");
});

test("a script that did not load is loaded when it can be", async (t) => {
  const { client, listen, change, pass, waits } = await page(t, { slot: 8 });
  await assert.rejects(client.fetch("/x"), TypeError);
  assert.equal(await client.refresh(), "refreshed");
  const lost = await page(t, { slot: 8 });
  lost.listen();
  assert.deepEqual(await lost.change(), now("unknown", null, true));
  const back = lost.change();
  assert.equal(lost.waits().length, 1);
  lost.pass();
  await back;
});

test("stepUp tells a call that was not approved from one that was answered", async (t) => {
  const { site, client } = await page(t);
  site.answer["/api/transfer"] = () => problem(401, "step-up-needed");
  const refused = await client.stepUp("/api/transfer", { method: "POST", stepUp: "none" }).catch((error) => error);
  assert.ok(refused instanceof NotApproved);
  assert.equal((await refused.response.json()).code, "step-up-needed");
  assert.equal((await client.stepUp("/api/other", { method: "POST" })).status, 200);
  assert.equal(await client.resumed(), null);
  assert.equal(await client.token(), null);
});

test("login goes to the page of its slot and comes back to where it is told to", async (t) => {
  const { client, assigned, origin } = await page(t);
  await client.login("/notes?x=1#y");
  await createClient({ slot: 2 }).login();
  assert.deepEqual(assigned, [
    `${origin}/auth/login?return_to=${encodeURIComponent("/notes?x=1")}`,
    `${origin}/u/2/auth/login?return_to=${encodeURIComponent("/notes?q=a%20b")}`,
  ]);
});
