// The strategies `memory` and `split-bearer`: what the page holds, when it is sent, and when it is forgotten.
import assert from "node:assert/strict";
import { test } from "node:test";
import { barrier, browser, deferred, json, Locks, problem } from "./browser.mjs";

const expired = () => problem(401, "access-expired");
const asked = (site) => site.calls.map((call) => `${call.path} ${call.headers.authorization ?? "-"}`);

for (const [strategy, first] of [["memory", "h.p1.s"], ["split-bearer", "h.p1"]]) {
  test(`${strategy}: a page that has just loaded gets its own by a silent refresh, and sends it from then on`, async (t) => {
    const { site, tab } = await browser(t, { strategy, locks: new Locks() });
    const { cloakroom, heard } = await tab();
    assert.equal((await cloakroom.me()).account.id, "a");
    const response = await cloakroom.fetch("/api/notes", { method: "POST", body: "b", headers: { "x-own": "1" } });
    assert.deepEqual(await response.json(), { method: "POST", body: "b" });
    assert.equal(site.calls.at(-1).headers["x-own"], "1");
    await cloakroom.logout("others");
    assert.deepEqual(asked(site), [
      "/auth/me -",
      "/auth/me -", // another tab may have refreshed cookies: a page that has just loaded knows of no strategy
      "/auth/refresh -",
      `/auth/me Bearer ${first}`,
      `/api/notes Bearer ${first}`,
      `/auth/logout/others Bearer ${first}`,
    ]);
    assert.deepEqual(heard, ["refreshed"]);
  });
}

test("a request that is repeated after a refresh carries the new token, and its body", async (t) => {
  const { site, tab } = await browser(t, { strategy: "memory" });
  const { cloakroom } = await tab();
  await cloakroom.me();
  site.expire();
  site.calls.length = 0;
  const response = await cloakroom.fetch("/api/notes", { method: "PUT", body: "whole" });
  assert.deepEqual(await response.json(), { method: "PUT", body: "whole" });
  assert.deepEqual(asked(site), ["/api/notes Bearer h.p1.s", "/auth/refresh -", "/api/notes Bearer h.p2.s"]);
});

test("a caller's own Authorization, a request without credentials and other origins get nothing of it", async (t) => {
  const { site, origin, tab } = await browser(t, { strategy: "memory", answer: { "/api/own": expired } });
  const { cloakroom } = await tab();
  await cloakroom.me();
  site.calls.length = 0;
  await cloakroom.fetch("/api/own", { headers: { authorization: "Basic YTpi" } });
  await cloakroom.fetch(new Request(`${origin}/api/own`, { headers: { Authorization: "Bearer mine" } }));
  await cloakroom.fetch("/api/own", { credentials: "omit" });
  await cloakroom.fetch(new Request(`${origin}/api/own`), { credentials: "omit" });
  await cloakroom.fetch(`${origin.replace("127.0.0.1", "localhost")}/api/own`);
  // No refresh follows either: none would help.
  assert.deepEqual(asked(site), ["Basic YTpi", "Bearer mine", "-", "-", "-"].map((sent) => `/api/own ${sent}`));
});

test("with cookies alone nothing is sent, and nothing more is asked than before", async (t) => {
  const { site, tab, quiet } = await browser(t, { locks: new Locks() });
  const [one, two] = [await tab(), await tab()];
  site.expire();
  await one.cloakroom.me();
  await one.cloakroom.fetch("/api/notes");
  site.expire();
  await one.cloakroom.fetch("/api/notes");
  await quiet();
  await two.cloakroom.fetch("/api/notes");
  await two.cloakroom.refresh();
  await two.cloakroom.logout();
  assert.deepEqual(site.paths(), [
    "/auth/me", "/auth/me", "/auth/refresh", "/auth/me", // the second question is the one to a lock that was free
    "/api/notes",
    "/api/notes", "/auth/me", "/auth/refresh", "/api/notes",
    "/api/notes",
    "/auth/refresh",
    "/auth/logout",
  ]);
  assert.ok(site.bearers().every((bearer) => bearer === undefined));
});

test("what is held is in no property and no message", async (t) => {
  const { site, tab, quiet, channels } = await browser(t, { strategy: "memory" });
  const { cloakroom } = await tab();
  const said = [];
  await tab();
  channels[1].addEventListener("message", ({ data }) => said.push(data));
  await cloakroom.me();
  await cloakroom.refresh();
  await cloakroom.logout();
  await quiet();
  assert.deepEqual(said.slice(0, 4), ["refreshed", "signed-in", "refreshed", "signed-out"]);
  assert.ok(Object.isFrozen(cloakroom));
  const { resumed, ...functions } = cloakroom;
  assert.equal(await resumed, null);
  for (const [name, value] of Object.entries(functions)) assert.equal(typeof value, "function", name);
  const shown = [...Object.getOwnPropertyNames(globalThis)].filter((name) => String(globalThis[name]).includes("h.p"));
  assert.deepEqual([shown, site.bearers().includes("Bearer h.p1.s")], [[], true]);
});

test("a tab keeps its token when another one refreshes, and asks for its own when told to", async (t) => {
  const { site, tab, quiet } = await browser(t, { strategy: "memory", locks: new Locks() });
  const [one, two] = [await tab(), await tab()];
  await one.cloakroom.me();
  await two.cloakroom.me();
  await one.cloakroom.refresh();
  await quiet();
  site.calls.length = 0;
  assert.equal((await two.cloakroom.fetch("/api/notes")).status, 200);
  assert.deepEqual(asked(site), ["/api/notes Bearer h.p2.s"]);

  site.good.delete("h.p2.s");
  site.calls.length = 0;
  assert.equal((await two.cloakroom.fetch("/api/notes")).status, 200);
  assert.deepEqual(asked(site), ["/api/notes Bearer h.p2.s", "/auth/refresh -", "/api/notes Bearer h.p4.s"]);
});

test("a tab that hears of a refresh while its request is on the way still gets a token of its own", async (t) => {
  const [arrived, hold] = [deferred(), deferred()];
  const { site, tab } = await browser(t, {
    strategy: "memory",
    answer: {
      "/api/slow": async ({ headers }) => {
        if (headers.authorization === "Bearer h.p2.s") return json("ok");
        arrived.resolve();
        await hold.promise;
        return expired();
      },
    },
  });
  const [one, two] = [await tab(), await tab()];
  const slow = two.cloakroom.fetch("/api/slow");
  await arrived.promise;
  const told = two.next("refreshed");
  assert.equal(await one.cloakroom.refresh(), "refreshed");
  await told;
  hold.resolve();
  assert.equal((await slow).status, 200);
  // Once more for a tab that might have had cookies only, then for real.
  assert.deepEqual(asked(site), ["/api/slow -", "/auth/refresh -", "/api/slow -", "/auth/refresh -", "/api/slow Bearer h.p2.s"]);
});

test("ten tabs that a browser restores at once get a token each, and every call of each its answer", async (t) => {
  const together = barrier(30);
  const { site, tab } = await browser(t, {
    strategy: "memory",
    locks: new Locks(),
    answer: {
      "/api/first": async ({ headers }) => {
        if (headers.authorization) return site.good.has(headers.authorization.slice(7)) ? json("ok") : expired();
        await together();
        return expired();
      },
    },
  });
  const tabs = [];
  for (let number = 0; number < 10; number += 1) tabs.push(await tab());
  const answers = await Promise.all(tabs.flatMap(({ cloakroom }) => [1, 2, 3].map(() => cloakroom.fetch("/api/first"))));
  assert.deepEqual(answers.map(({ status }) => status), Array(30).fill(200));
  assert.equal(site.refreshes(), 10);
  assert.equal(new Set(site.bearers().filter(Boolean)).size, 10);
});

test("what stays refused after another tab's refresh and one of its own is not tried again", async (t) => {
  const hold = deferred();
  const { site, tab } = await browser(t, { answer: { "/api/never": async () => (await hold.promise, expired()) } });
  const [one, two] = [await tab(), await tab()];
  const never = two.cloakroom.fetch("/api/never");
  const told = two.next("refreshed");
  await one.cloakroom.refresh();
  await told;
  hold.resolve();
  assert.equal((await never).status, 401);
  assert.equal(site.refreshes(), 2);
  assert.equal(site.calls.length, 5);
});

test("who lost a race and needs the answer asks once more with the fresh cookies", async (t) => {
  let races = 1;
  const raced = () => (races-- > 0 ? problem(409, "refresh-raced") : site.open());
  const { site, tab } = await browser(t, { strategy: "memory", answer: { "/auth/refresh": () => raced() } });
  const { cloakroom, heard } = await tab();
  // It does not know yet what it needs: the race is over for it, until it is refused again.
  assert.equal((await cloakroom.fetch("/api/notes")).status, 200);
  assert.deepEqual(asked(site), ["/api/notes -", "/auth/refresh -", "/api/notes -", "/auth/refresh -", "/api/notes Bearer h.p1.s"]);

  for (const [lost, outcome, calls] of [[1, "refreshed", 2], [2, "unavailable", 2]]) {
    races = lost;
    site.calls.length = 0;
    assert.equal(await cloakroom.refresh(), outcome);
    assert.equal(site.refreshes(), calls);
  }
  assert.ok(!heard.includes("signed-out"));
  // With cookies the first race is good enough.
  site.strategy = "cookie";
  races = 0;
  await cloakroom.refresh();
  races = 2;
  site.calls.length = 0;
  assert.equal(await cloakroom.refresh(), "refreshed");
  assert.equal(site.refreshes(), 1);
});

test("token gives the access token of memory, after a silent refresh if there is none", async (t) => {
  const { site, tab } = await browser(t, { strategy: "memory" });
  const { cloakroom } = await tab();
  assert.equal(await cloakroom.token(), "h.p1.s");
  site.calls.length = 0;
  assert.equal(await cloakroom.token(), "h.p1.s");
  assert.equal(await cloakroom.refresh(), "refreshed");
  assert.equal(await cloakroom.token(), "h.p2.s");
  assert.deepEqual(site.paths(), ["/auth/refresh"]);
});

test("token lets no token out that has expired by the server's clock, however wrong this one is", async (t) => {
  const there = new Date("2031-01-01T00:00:00Z");
  let here = Date.parse("2020-01-01T00:00:00Z");
  t.mock.method(Date, "now", () => here);
  const { site, tab } = await browser(t, {
    strategy: "memory",
    answer: {
      "/auth/refresh": () => {
        const answer = site.open();
        answer.body.expires_at = there.getTime() / 1000 + 300;
        return { ...answer, date: there };
      },
    },
  });
  const { cloakroom } = await tab();
  assert.equal(await cloakroom.token(), "h.p1.s");
  here += 299_000;
  assert.equal(await cloakroom.token(), "h.p1.s");
  assert.equal(site.refreshes(), 1);
  here += 1_000;
  site.expire();
  assert.equal(await cloakroom.token(), "h.p2.s");
  assert.equal(site.refreshes(), 2);
});

for (const strategy of ["cookie", "split-bearer"]) {
  test(`token gives nothing with ${strategy}`, async (t) => {
    const { site, tab } = await browser(t, { strategy });
    const { cloakroom } = await tab();
    assert.equal(await cloakroom.token(), null);
    assert.equal(await cloakroom.token(), null);
    assert.equal(site.refreshes(), strategy === "cookie" ? 0 : 1);
  });
}

test("token is null for a visitor, who hears of nothing, and rejects when nobody can tell", async (t) => {
  const { site, tab } = await browser(t, { strategy: "memory" });
  const { cloakroom, heard } = await tab();
  site.jar.clear();
  assert.equal(await cloakroom.token(), null);
  assert.deepEqual([site.refreshes(), heard], [0, []]);
  site.jar.set("company", "0");
  site.answer["/auth/refresh"] = () => problem(503, "unavailable");
  // A session that began elsewhere.
  const second = await tab();
  await assert.rejects(second.cloakroom.token(), /cloakroom: 401/);
  assert.deepEqual(second.heard, []);
});

test("a log-out forgets the token, in every tab", async (t) => {
  const { site, tab, quiet } = await browser(t, { strategy: "memory" });
  const [one, two] = [await tab(), await tab()];
  await one.cloakroom.me();
  await two.cloakroom.me();
  await one.cloakroom.logout();
  assert.equal(site.bearers().at(-1), "Bearer h.p1.s");
  await quiet();
  for (const { cloakroom, heard } of [one, two]) {
    assert.equal(heard.at(-1), "signed-out");
    await cloakroom.fetch("/api/public");
    assert.equal(site.bearers().at(-1), undefined);
    assert.equal(await cloakroom.token(), null);
  }
});

test("a refresh that is still on its way when the page logs out brings no token back", async (t) => {
  const [underway, hold] = [deferred(), deferred()];
  const { site, tab } = await browser(t, { strategy: "memory", answer: { "/api/public": () => json("open") } });
  const { cloakroom } = await tab();
  await cloakroom.me();
  site.answer["/auth/refresh"] = async () => {
    const answer = site.open();
    underway.resolve();
    await hold.promise;
    return answer;
  };
  const late = cloakroom.refresh();
  await underway.promise;
  await cloakroom.logout();
  hold.resolve();
  await late;
  await cloakroom.fetch("/api/public");
  assert.equal(site.bearers().at(-1), undefined);
});

test("a log-in by script is taken from its answer, and from no other that looks like it", async (t) => {
  const { site, tab } = await browser(t, { strategy: "memory", answer: { "/auth/login": () => site.open() } });
  const fake = () => json({ access_token: "h.fake.s", claims: "h.fake" });
  site.answer["/auth/token"] = site.answer["/api/auth/login"] = fake;
  const { cloakroom } = await tab();
  site.jar.clear();
  await cloakroom.fetch("/api/auth/login", { method: "POST" });
  await cloakroom.fetch("/auth/token", { method: "POST" });
  const log_in = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
  // The caller reads the answer as well.
  assert.equal((await (await cloakroom.fetch("/auth/login", log_in)).json()).access_token, "h.p1.s");
  assert.equal((await cloakroom.fetch("/api/notes")).status, 200);
  assert.deepEqual(site.bearers(), [undefined, undefined, undefined, "Bearer h.p1.s"]);
  assert.equal(site.refreshes(), 0);

  // Then somebody logs in with cookies.
  site.strategy = "cookie";
  await cloakroom.fetch("/auth/login", log_in);
  assert.equal((await cloakroom.fetch("/api/notes")).status, 200);
  assert.equal(site.bearers().at(-1), undefined);

  // A failed one changes nothing.
  site.strategy = "memory";
  await cloakroom.fetch("/auth/login", log_in);
  site.answer["/auth/login"] = () => problem(401, "wrong-credentials");
  assert.equal((await cloakroom.fetch("/auth/login", log_in)).status, 401);
  assert.equal((await cloakroom.fetch("/api/notes")).status, 200);
  assert.equal(site.refreshes(), 0);
});

test("the half that a refresh gives is the other tabs' as well: one signature is in the jar of all", async (t) => {
  const { site, tab, quiet } = await browser(t, { strategy: "split-bearer", locks: new Locks() });
  const [one, two] = [await tab(), await tab()];
  await one.cloakroom.me();
  await two.cloakroom.me();
  await quiet();
  site.calls.length = 0;
  assert.equal((await one.cloakroom.fetch("/api/notes")).status, 200);
  assert.equal((await one.cloakroom.me()).account.id, "a");
  assert.deepEqual(asked(site), ["/api/notes Bearer h.p1", "/auth/me Bearer h.p1"]);
  assert.ok(![...one.heard, ...two.heard].includes("signed-out"));
});

test("a token whose session is over elsewhere signs the page out once, by what the refresh says", async (t) => {
  const { site, tab, quiet } = await browser(t, { strategy: "memory" });
  const { cloakroom, heard } = await tab();
  await cloakroom.me();
  site.answer["/api/notes"] = site.answer["/auth/me"] = () => problem(401, "signed-out");
  site.answer["/auth/refresh"] = () => problem(503, "unavailable");
  assert.equal((await cloakroom.fetch("/api/notes")).status, 401);
  await assert.rejects(cloakroom.me(), /cloakroom: 401/);
  await assert.rejects(cloakroom.token().then(() => cloakroom.me()), /cloakroom: 401/);
  assert.deepEqual(heard, ["refreshed"]);

  site.answer["/auth/refresh"] = () => problem(401, "session-ended");
  const response = await cloakroom.fetch("/api/notes");
  assert.equal((await response.json()).code, "signed-out");
  assert.equal(await cloakroom.me(), null);
  assert.equal(await cloakroom.token(), null);
  await quiet();
  assert.deepEqual(heard, ["refreshed", "signed-out"]);
  assert.equal(site.bearers().at(-1), undefined);
});

test("a refresh whose answer has no readable body has still renewed the cookies", async (t) => {
  const { site, tab } = await browser(t);
  site.answer["/auth/refresh"] = () => ({ status: 200, type: "text/html", body: "{", cookie: `access=${site.access}` });
  const { cloakroom } = await tab();
  site.expire();
  assert.equal((await cloakroom.fetch("/api/notes")).status, 200);
});

test("log-out with a token that has expired renews first, and says when it could not", async (t) => {
  const { site, tab } = await browser(t, { strategy: "memory" });
  const { cloakroom, heard } = await tab();
  await cloakroom.me();
  site.expire();
  site.answer["/auth/refresh"] = () => ({ end: true });
  await assert.rejects(cloakroom.logout(), /cloakroom: 401/);
  assert.ok(!heard.includes("signed-out"));
  delete site.answer["/auth/refresh"];
  await cloakroom.logout();
  assert.equal(heard.at(-1), "signed-out");
  assert.deepEqual(asked(site).slice(-3), ["/auth/logout Bearer h.p1.s", "/auth/refresh -", "/auth/logout Bearer h.p2.s"]);
});
