import assert from "node:assert/strict";
import { test } from "node:test";
import { browser, Locks, problem } from "./browser.mjs";

test("the client of a slot uses the routes of its slot only", async (t) => {
  const { site, tab, assigned, origin } = await browser(t);
  const { cloakroom } = await tab("/u/1/auth/client.js");
  site.jar.set("access1", "expired");
  assert.equal((await cloakroom.me()).account.id, "a1");
  await cloakroom.logout("others");
  await cloakroom.logout();
  assert.deepEqual(site.paths(), ["/u/1/auth/me", "/u/1/auth/refresh", "/u/1/auth/me", "/u/1/auth/logout/others", "/u/1/auth/logout"]);
  assert.deepEqual([...site.jar.keys()], ["access"]);
  // The path is given as it is: the server takes off what is its own.
  cloakroom.login("/u/1/notes?x");
  cloakroom.login();
  assert.deepEqual(assigned, ["%2Fu%2F1%2Fnotes%3Fx", "%2Fnotes%3Fq%3Da%2520b"].map((to) => `${origin}/u/1/auth/login?return_to=${to}`));
});

for (const script of [
  "/auth/client.js",
  "/u/0/auth/client.js",
  "/u/12/auth/client.js",
  "/u/x/auth/client.js",
  "/U/1/auth/client.js",
  "/u/1/u/1/auth/client.js",
  "/x/u/1/auth/client.js",
  "//u/1/auth/client.js",
]) {
  test(`a script from ${script} is of slot 0`, async (t) => {
    const { site, tab, origin, channels } = await browser(t);
    const { cloakroom } = await tab(origin + script);
    await cloakroom.me();
    assert.deepEqual(site.paths(), ["/auth/me"]);
    assert.deepEqual(channels.map(({ name }) => name), ["cloakroom"]);
  });
}

test("a script that another origin serves has no slot", async (t) => {
  const { site, tab, origin } = await browser(t);
  const { cloakroom } = await tab(origin.replace("127.0.0.1", "localhost") + "/u/1/auth/client.js");
  await cloakroom.me();
  assert.deepEqual(site.paths(), ["/auth/me"]);
});

test("requests from a slot to other paths get the browser's own fetch, with the caller's own arguments", async (t) => {
  const here = await browser(t, { strategy: "memory" });
  const seen = [];
  const own = globalThis.fetch;
  globalThis.fetch = (...given) => (seen.push(given), own(...given));
  const { cloakroom } = await here.tab("/u/1/auth/client.js");
  await cloakroom.me();
  const refreshes = here.site.paths().filter((path) => path.endsWith("/refresh"));
  for (const path of ["/api/notes", "/u/2/api/notes", "/u/10/api/notes", "/u/1/../2/api/notes", "/u/1/%2e%2e/api/notes", "/u/1", "/auth/me"]) {
    here.site.answer[new URL(path, here.origin).pathname] = () => problem(401, "access-expired");
    const init = { method: "POST", body: "b" };
    assert.equal((await cloakroom.fetch(path, init)).status, 401);
    assert.ok(seen.at(-1)[0] === path && seen.at(-1)[1] === init, path);
    assert.equal(here.site.bearers().at(-1), undefined, path);
  }
  assert.deepEqual(here.site.paths().filter((path) => path.endsWith("/refresh")), refreshes);
  // A relative address is the page's own: one below its slot belongs to the session.
  assert.equal((await cloakroom.fetch(here.origin + "/u/1/api/notes")).status, 200);
  assert.equal(here.site.bearers().at(-1), "Bearer h.p1.s");
});

test("the tabs of one slot hear each other, and no others", async (t) => {
  const locks = new Locks();
  const { site, tab, quiet } = await browser(t, { locks });
  site.jar.set("access1", "0").set("access2", "0");
  const scripts = ["/auth/client.js", "/u/0/auth/client.js", "/u/1/auth/client.js", "/u/1/auth/client.js", "/u/2/auth/client.js"];
  const tabs = [];
  for (const script of scripts) tabs.push(await tab(script));
  for (const { cloakroom } of tabs) await cloakroom.me();
  await tabs[2].cloakroom.refresh();
  await quiet();
  assert.deepEqual(tabs.map(({ heard }) => heard), [[], [], ["refreshed"], ["refreshed"], []]);
  assert.deepEqual([...locks.names], ["cloakroom/u/1"]);

  await tabs[3].cloakroom.logout();
  await quiet();
  assert.deepEqual(tabs.map(({ heard }) => heard.at(-1)), [undefined, undefined, "signed-out", "signed-out", undefined]);
  // One account has left; the others have not noticed.
  assert.equal(await tabs[2].cloakroom.me(), null);
  assert.equal((await tabs[0].cloakroom.me()).account.id, "a");
  assert.equal((await tabs[4].cloakroom.me()).account.id, "a2");

  await tabs[1].cloakroom.refresh();
  await quiet();
  assert.deepEqual(tabs.map(({ heard }) => heard.at(-1)), ["refreshed", "refreshed", "signed-out", "signed-out", undefined]);
  assert.deepEqual([...locks.names], ["cloakroom/u/1", "cloakroom"]);
});
