import assert from "node:assert/strict";
import { test } from "node:test";
import { barrier, browser, deferred, json, Locks, problem } from "./browser.mjs";

const expired = () => problem(401, "access-expired");

test("an expired access cookie is renewed and the request repeated with its body", async (t) => {
  const { site, origin, tab } = await browser(t);
  const { cloakroom, heard } = await tab();
  site.expire();
  const response = await cloakroom.fetch("/api/notes", { method: "POST", body: '{"text":"milk"}', headers: { "content-type": "application/json" } });
  assert.deepEqual(await response.json(), { method: "POST", body: '{"text":"milk"}' });
  assert.deepEqual(site.calls.map((call) => call.path), ["/api/notes", "/auth/refresh", "/api/notes"]);
  const refresh = site.calls[1];
  assert.equal(refresh.method, "POST");
  assert.equal(refresh.body, "");
  assert.equal(refresh.headers.accept, "application/json");
  assert.equal(refresh.headers["content-type"], undefined);
  assert.deepEqual(heard, ["refreshed"]);

  site.expire();
  const request = new Request(`${origin}/api/notes`, { method: "PUT", body: "whole" });
  assert.deepEqual(await (await cloakroom.fetch(request)).json(), { method: "PUT", body: "whole" });
});

test("twenty calls at once make one refresh, and a straggler from before it makes none", async (t) => {
  const together = barrier(20);
  const release = deferred();
  const { site, tab } = await browser(t, {
    answer: {
      "/api/many": async ({ headers }) => {
        if (headers.cookie.includes("expired")) {
          await together();
          return expired();
        }
        return json("ok");
      },
      "/api/late": async ({ headers }) => {
        if (!headers.cookie.includes("expired")) return json("late");
        await release.promise;
        return expired();
      },
    },
  });
  const { cloakroom } = await tab();
  site.expire();
  const late = cloakroom.fetch("/api/late");
  const answers = await Promise.all(Array.from({ length: 20 }, () => cloakroom.fetch("/api/many")));
  assert.deepEqual(answers.map((answer) => answer.status), Array(20).fill(200));
  assert.equal(site.refreshes(), 1);
  release.resolve();
  assert.equal((await late).status, 200);
  assert.equal(site.refreshes(), 1);
});

test("any other answer comes back untouched", async (t) => {
  const { site, tab } = await browser(t, {
    answer: {
      "/api/code": () => problem(401, "signed-out"),
      "/api/json": () => ({ status: 401, type: "application/json", body: { code: "access-expired" } }),
      "/api/text": () => ({ status: 401, type: "text/plain", body: "access-expired" }),
      "/api/403": () => problem(403, "access-expired"),
      "/api/broken": () => ({ status: 401, type: "application/problem+json; charset=x", body: "{" }),
    },
  });
  const { cloakroom, heard } = await tab();
  for (const [path, status, body] of [
    ["/api/code", 401, '{"status":401,"code":"signed-out"}'],
    ["/api/json", 401, '{"code":"access-expired"}'],
    ["/api/text", 401, "access-expired"],
    ["/api/403", 403, '{"status":403,"code":"access-expired"}'],
    ["/api/broken", 401, "{"],
  ]) {
    const response = await cloakroom.fetch(path);
    assert.equal(response.status, status, path);
    assert.equal(await response.text(), body, path);
  }
  assert.equal(site.refreshes(), 0);
  assert.deepEqual(heard, []);
});

test("a body that streams out is not repeated: its 401 comes back, unread", async (t) => {
  const { site, tab } = await browser(t);
  const { cloakroom } = await tab();
  site.expire();
  const body = new ReadableStream({ start: (out) => (out.enqueue(new TextEncoder().encode("once")), out.close()) });
  const response = await cloakroom.fetch("/api/upload", { method: "POST", body, duplex: "half" });
  assert.equal(response.status, 401);
  assert.equal((await response.json()).code, "access-expired");
  assert.equal(site.refreshes(), 0);
  assert.equal(site.calls[0].body, "once");
});

test("a session that has ended gives the original 401 and says signed-out once", async (t) => {
  const { site, tab } = await browser(t, { answer: { "/auth/refresh": () => problem(401, "session-ended") } });
  const { cloakroom, heard } = await tab();
  site.expire();
  const [one, two] = await Promise.all([cloakroom.fetch("/api/notes"), cloakroom.fetch("/api/notes")]);
  for (const response of [one, two]) {
    assert.equal(response.status, 401);
    assert.equal((await response.json()).code, "access-expired");
  }
  assert.deepEqual(heard, ["signed-out"]);
  assert.equal(await cloakroom.me(), null);
  assert.deepEqual(heard, ["signed-out"]);
});

test("a refresh that lost the race counts as done: fresh cookies are in the jar", async (t) => {
  const { site, tab } = await browser(t, {
    answer: {
      "/auth/refresh": () => {
        site.jar.set("access", "0"); // what the winner's answer did
        return problem(409, "refresh-raced");
      },
    },
  });
  const { cloakroom } = await tab();
  site.expire();
  assert.equal((await cloakroom.fetch("/api/notes")).status, 200);
});

test("a fault on the way is not a log-out", async (t) => {
  let answer;
  const { site, tab } = await browser(t, { answer: { "/auth/refresh": () => answer } });
  const { cloakroom, heard } = await tab();
  await cloakroom.me();
  site.expire();
  for (answer of [problem(503, "unavailable"), { end: true }, problem(401, "other"), problem(409, "other"), { status: 502, type: "text/html", body: "<p>" }]) {
    assert.equal(await cloakroom.refresh(), "unavailable");
    const response = await cloakroom.fetch("/api/notes");
    assert.equal((await response.json()).code, "access-expired");
    await assert.rejects(cloakroom.me(), /cloakroom: 401/);
    await assert.rejects(cloakroom.logout(), /cloakroom: 401/);
  }
  assert.deepEqual(heard, []);
  delete site.answer["/auth/refresh"];
  assert.equal((await cloakroom.fetch("/api/notes")).status, 200);
});

test("a request still refused after the refresh is not tried a third time", async (t) => {
  const { site, tab } = await browser(t, { answer: { "/api/never": expired } });
  const { cloakroom } = await tab();
  assert.equal((await cloakroom.fetch("/api/never")).status, 401);
  assert.equal(site.refreshes(), 1);
  assert.equal(site.calls.length, 3);
});

test("other origins get the browser's own fetch, with the caller's own arguments", async (t) => {
  const here = await browser(t);
  const seen = [];
  const own = globalThis.fetch;
  globalThis.fetch = (...given) => (seen.push(given), own(...given));
  const { cloakroom } = await here.tab();
  const there = here.origin.replace("127.0.0.1", "localhost"); // another origin, the same server
  here.site.answer["/x"] = expired;
  const init = { method: "POST", body: "b" };
  const request = new Request(`${there}/x`, init);
  for (const given of [[`${there}/x`, init], [new URL(`${there}/x`), init], [request, undefined]]) {
    assert.equal((await cloakroom.fetch(...given)).status, 401);
    assert.ok(seen.at(-1)[0] === given[0] && seen.at(-1)[1] === given[1]);
  }
  assert.equal(here.site.refreshes(), 0);
  assert.deepEqual(here.site.calls.map((call) => [call.body, call.headers.cookie]), Array(3).fill(["b", undefined]));
});

test("two tabs that expire together make one refresh, by the lock", async (t) => {
  const locks = new Locks();
  const { site, tab, quiet } = await browser(t, {
    locks,
    answer: {
      "/auth/refresh": async () => {
        await locks.contended; // the other tab is waiting
        site.access += 1;
        return json({}, `access=${site.access}`);
      },
    },
  });
  const [one, two] = [await tab(), await tab()];
  site.expire();
  const answers = await Promise.all([one.cloakroom.fetch("/api/notes"), two.cloakroom.fetch("/api/notes")]);
  assert.deepEqual(answers.map((answer) => answer.status), [200, 200]);
  assert.equal(site.refreshes(), 1);
  assert.equal(locks.waited, 1);
  await quiet();
  assert.deepEqual([one.heard, two.heard], [["refreshed"], ["refreshed"]]);
});

test("a tab that finds the lock free again, but has not heard yet, makes no second refresh", async (t) => {
  const { site, tab } = await browser(t, {
    locks: new Locks(),
    answer: {
      "/api/slow": async ({ headers }) => {
        if (!headers.cookie.includes("expired")) return json("ok");
        // A neighbour refreshes while this answer is on its way. Nothing is said about it.
        site.jar.set("access", String(site.access));
        return expired();
      },
    },
  });
  const { cloakroom } = await tab();
  site.expire();
  assert.equal((await cloakroom.fetch("/api/slow")).status, 200);
  assert.equal(site.refreshes(), 0);
  // Asked for, it is done, whatever the cookies are worth.
  assert.equal(await cloakroom.refresh(), "refreshed");
  assert.equal(site.refreshes(), 1);
});

test("a tab whose neighbour held the lock and failed refreshes by itself", async (t) => {
  const locks = new Locks();
  let first = true;
  const { site, tab } = await browser(t, {
    locks,
    answer: {
      "/auth/refresh": async () => {
        if (first) {
          first = false;
          await locks.contended;
          return { end: true };
        }
        site.access += 1;
        return json({}, `access=${site.access}`);
      },
    },
  });
  const [one, two] = [await tab(), await tab()];
  site.expire();
  const answers = await Promise.all([one.cloakroom.fetch("/api/notes"), two.cloakroom.fetch("/api/notes")]);
  assert.deepEqual(answers.map((answer) => answer.status).sort(), [200, 401]);
  assert.equal(site.refreshes(), 2);
});

test("a lock that never comes is gone without after five seconds, and not stolen", async (t) => {
  const locks = new Locks();
  const { site, tab, bounds } = await browser(t, { locks });
  const never = deferred();
  locks.request("cloakroom", {}, () => never.promise);
  const holder = locks.holder;
  const { cloakroom } = await tab();
  site.expire();
  const answer = cloakroom.fetch("/api/notes");
  await locks.contended;
  assert.equal(site.refreshes(), 0);
  assert.equal(bounds[0].ms, 5000);
  bounds[0].pass();
  assert.equal((await answer).status, 200);
  assert.equal(site.refreshes(), 1);
  assert.equal(locks.holder, holder);
  assert.deepEqual(locks.queue, []);
});

for (const [name, request] of [
  ["never answers", () => new Promise(() => {})],
  ["rejects", () => Promise.reject(new DOMException("", "SecurityError"))],
  ["throws", () => { throw new DOMException("", "InvalidStateError"); }],
]) {
  test(`a lock manager that ${name} does not stop the refresh`, async (t) => {
    const asked = deferred();
    const { site, tab, bounds } = await browser(t, { locks: { request: (...given) => (asked.resolve(), request(...given)) } });
    const { cloakroom } = await tab();
    site.expire();
    const answer = cloakroom.fetch("/api/notes");
    await asked.promise;
    bounds[0].pass();
    assert.equal((await answer).status, 200);
    assert.equal(site.refreshes(), 1);
  });
}

test("a tab that hears of a finished refresh repeats its call without one of its own", async (t) => {
  const hold = deferred();
  const { site, tab } = await browser(t, {
    answer: {
      "/api/slow": async ({ headers }) => {
        if (!headers.cookie.includes("expired")) return json("ok");
        await hold.promise;
        return expired();
      },
    },
  });
  const [one, two] = [await tab(), await tab()];
  site.expire();
  const slow = two.cloakroom.fetch("/api/slow");
  const told = two.next("refreshed");
  assert.equal(await one.cloakroom.refresh(), "refreshed");
  await told;
  hold.resolve();
  assert.equal((await slow).status, 200);
  assert.equal(site.refreshes(), 1);
});
