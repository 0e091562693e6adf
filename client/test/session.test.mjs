import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { browser, problem } from "./browser.mjs";

test("me gives the account, and null without a session, telling nobody of a visitor who was never signed in", async (t) => {
  const { site, tab, quiet } = await browser(t);
  const [one, two] = [await tab(), await tab()];
  assert.deepEqual(await one.cloakroom.me(), { account: { id: "a", email: "a@example.com" } });
  await quiet();
  site.jar.clear();
  assert.equal(await two.cloakroom.me(), null);
  await quiet();
  assert.deepEqual([one.heard, two.heard], [[], []]);
});

test("me renews an expired access cookie, and rejects when the server cannot tell", async (t) => {
  const { site, tab } = await browser(t);
  const { cloakroom } = await tab();
  site.expire();
  assert.equal((await cloakroom.me()).account.id, "a");
  site.answer["/auth/me"] = () => problem(503, "unavailable");
  await assert.rejects(cloakroom.me(), /cloakroom: 503/);
  site.answer["/auth/me"] = () => ({ end: true });
  await assert.rejects(cloakroom.me(), TypeError);
});

test("a log-out is seen by every tab, a log-in afterwards too", async (t) => {
  const { site, tab, quiet } = await browser(t);
  const [one, two] = [await tab(), await tab()];
  await one.cloakroom.me();
  await two.cloakroom.me();
  const told = two.next("signed-out");
  await one.cloakroom.logout();
  await told;
  assert.equal(site.jar.size, 0);
  await quiet();
  assert.deepEqual([one.heard, two.heard], [["signed-out"], ["signed-out"]]);
  assert.deepEqual(site.calls.map((call) => [call.method, call.path, call.body]).at(-1), ["POST", "/auth/logout", ""]);

  site.jar.set("access", "0");
  const back = two.next("signed-in");
  const three = await tab(); // the tab that comes back from the log-in page
  await three.cloakroom.me();
  await back;
  assert.deepEqual(three.heard, []);
});

test("logging out the other devices leaves this one signed in; all means all", async (t) => {
  const { site, tab, quiet } = await browser(t);
  const { cloakroom, heard } = await tab();
  await cloakroom.me();
  await cloakroom.logout("others");
  await quiet();
  assert.deepEqual(heard, []);
  await cloakroom.logout("all");
  await quiet();
  assert.deepEqual(heard, ["signed-out"]);
  assert.deepEqual(site.calls.map((call) => call.path), ["/auth/me", "/auth/logout/others", "/auth/logout/all"]);
});

test("log-out works as an event handler, renews first when it must, and says when it failed", async (t) => {
  const { site, tab, quiet } = await browser(t);
  const { cloakroom, heard } = await tab();
  site.expire();
  await cloakroom.logout(new Event("click"));
  assert.deepEqual(site.calls.map((call) => call.path), ["/auth/logout", "/auth/refresh", "/auth/logout"]);
  await quiet();
  assert.deepEqual(heard, ["refreshed", "signed-out"]);

  const second = await tab();
  site.jar.set("access", String(site.access));
  site.answer["/auth/logout"] = () => problem(503, "unavailable");
  await assert.rejects(second.cloakroom.logout(), /cloakroom: 503/);
  assert.deepEqual(second.heard, []);
  // Nothing to end is as good as ended.
  site.answer["/auth/logout"] = () => problem(401, "signed-out");
  await second.cloakroom.logout();
  await quiet();
  assert.deepEqual(second.heard, ["signed-out"]);
});

for (const asked of [true, false]) {
  test(`a page out of the back/forward cache notices the end (${asked ? "knew" : "never asked"})`, async (t) => {
    const { site, tab, pageshow, quiet } = await browser(t);
    const { cloakroom, heard, next } = await tab();
    if (asked) await cloakroom.me();
    pageshow(false);
    await quiet();
    assert.equal(site.calls.length, asked ? 1 : 0);
    site.jar.clear();
    const told = next("signed-out");
    pageshow(true);
    await told;
    await quiet();
    assert.deepEqual(heard, ["signed-out"]);
  });
}

test("log-in goes to the log-in page of this origin, and back to a local path", async (t) => {
  const { tab, assigned, origin } = await browser(t);
  const { cloakroom } = await tab();
  cloakroom.login();
  cloakroom.login("/a?b=c&d#e");
  cloakroom.login(new URL("https://evil.example//evil.example/x"));
  cloakroom.login("?only=query");
  assert.deepEqual(assigned, ["%2Fnotes%3Fq%3Da%2520b", "%2Fa%3Fb%3Dc%26d", "%2F%2Fevil.example%2Fx", "%2Fnotes%3Fonly%3Dquery"].map((to) => `${origin}/auth/login?return_to=${to}`));
});

test("a listener can leave, and one that throws stops no other", async (t) => {
  const thrown = [];
  const catcher = (error) => thrown.push(error.message);
  const theirs = process.rawListeners("uncaughtException");
  process.removeAllListeners("uncaughtException").on("uncaughtException", catcher);
  t.after(() => {
    process.removeAllListeners("uncaughtException");
    theirs.forEach((listener) => process.on("uncaughtException", listener));
  });
  const { tab, quiet } = await browser(t);
  const { cloakroom } = await tab();
  const got = [];
  cloakroom.on("refreshed", () => got.push("left"))();
  cloakroom.on("refreshed", () => { throw new Error("mine"); });
  cloakroom.on("refreshed", () => got.push("stayed"));
  assert.equal(await cloakroom.refresh(), "refreshed");
  await quiet();
  assert.deepEqual([got, thrown], [["stayed"], ["mine"]]);
});

for (const [name, storages] of [["client", 1], ["approve", 3]]) {
  test(`the built ${name}.js is under 2 KiB, names its source, and reads no document and no storage but its entry`, () => {
    const script = readFileSync(new URL(`../dist/${name}.js`, import.meta.url));
    assert.ok(gzipSync(script, { level: 9 }).length < 2048);
    assert.match(script.toString(), /^\/\* cloakroom client, source sha256:[0-9a-f]{32} \*\/\n/);
    assert.doesNotMatch(script.toString(), /document|localStorage|indexedDB|cookie(?!\|csrf)|eval|Function/);
    assert.equal(script.toString().match(/sessionStorage/g).length, storages);
  });
}
