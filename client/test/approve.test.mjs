// One call that needs an approval of its own: what is asked for it, how it is repeated, and what happens when it is not given.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { barrier, browser, deferred, json, problem } from "./browser.mjs";

const sha256 = (body) => createHash("sha256").update(body).digest("base64url");

/**
 * What Cloakroom does about `/api/transfer`. `states` are the answers to collecting, the last one for good.
 */
function house(states, { show = [], prefix = "" } = {}) {
  const rest = [...states];
  const opened = [];
  const collected = [];
  const state = {
    waiting: { ...json({ state: "waiting" }), status: 202 },
    approved: json({ state: "approved", grant: "g1" }),
    over: problem(410, "step-up-over"),
    down: problem(503, "unavailable"),
    lost: { end: true },
    expired: problem(401, "access-expired"),
  };
  const answer = {
    [`${prefix}/api/transfer`]: ({ method, headers, body }) => {
      const granted = headers["cloakroom-grant"] === "g1" && opened.some(({ body_sha256 }) => body_sha256 === sha256(body));
      const step_up = { open: `${prefix}/auth/step-up`, method, path: "/api/transfer?x=1", show };
      return granted ? json({ done: body }) : { ...problem(401), body: { code: "step-up-needed", step_up } };
    },
    [`${prefix}/auth/step-up`]: ({ body }) => {
      opened.push(JSON.parse(body));
      const page = "https://approve.example/auth/step-up/a1";
      return { ...json({ id: `a${opened.length}`, page, expires_at: 1 }), status: 201 };
    },
    [`${prefix}/auth/step-up/collect`]: ({ body }) => {
      collected.push(JSON.parse(body).id);
      return state[rest.length > 1 ? rest.shift() : rest[0]];
    },
  };
  return { opened, collected, answer };
}

const post = (body, more) => ["/api/transfer?x=1", { method: "POST", body, ...more }];

async function isRefusal(response) {
  assert.equal(response.status, 401);
  assert.equal((await response.json()).code, "step-up-needed"); // and nobody has read it
}

test("a call that needs an approval is repeated with its grant when somebody has given it in the popup", async (t) => {
  const { answer, opened, collected } = house(["waiting", "down", "lost", "approved"], { show: ["to"] });
  const { site, tab, windows, assigned, bound } = await browser(t, { answer });
  const { cloakroom, heard } = await tab();
  const got = cloakroom.fetch(...post('{"to":"a"}', { headers: { "x-own": "1" } }));
  for (let polls = 3; polls--; ) (await bound(1000)).pass();
  const response = await got;
  assert.deepEqual([response.status, await response.json()], [200, { done: '{"to":"a"}' }]);
  assert.deepEqual(opened, [{ method: "POST", path: "/api/transfer?x=1", body_sha256: sha256('{"to":"a"}'), body: btoa('{"to":"a"}').replace(/=+$/, ""), show: ["to"] }]);
  assert.deepEqual(collected, ["a1", "a1", "a1", "a1"]);
  assert.deepEqual(windows.map(({ url, more, closed }) => [url, more[0], closed]), [["https://approve.example/auth/step-up/a1#window", "_blank", true]]);
  const [first, last] = [site.calls[0], site.calls.at(-1)];
  assert.deepEqual([first.headers["cloakroom-grant"], last.headers["cloakroom-grant"]], [undefined, "g1"]);
  assert.deepEqual([last.method, last.headers["x-own"], last.headers["content-type"]], ["POST", "1", first.headers["content-type"]]);
  assert.deepEqual([heard, assigned, Object.keys(sessionStorage)], [["refreshed"], [], []]); // its cookies were rotated
});

test("what is approved is the very bytes that are repeated, a form's among them", async (t) => {
  const { answer, opened } = house(["approved"]);
  const { site, tab } = await browser(t, { answer });
  const { cloakroom } = await tab();
  const form = new FormData();
  form.set("file", new Blob([new Uint8Array(100_000).fill(7)]), "a.bin");
  for (const [body, method] of [[form, "POST"], [new URLSearchParams("a=b c"), "PUT"], ["", "POST"], [undefined, "POST"], [undefined, "DELETE"], [undefined, "GET"]]) {
    const response = await cloakroom.fetch("/api/transfer", { method, body });
    const last = site.calls.at(-1);
    assert.equal(response.status, 200, method);
    assert.deepEqual([opened.at(-1).body_sha256, opened.at(-1).body, last.method], [sha256(last.body), undefined, method]);
    assert.equal(last.headers["content-type"], site.calls.at(-4).headers["content-type"]);
  }
  const shown = await browser(t, { answer: house(["approved"], { show: ["to"] }).answer });
  const larger = (await shown.tab()).cloakroom;
  for (const [length, sent] of [[8192, true], [8193, false], [0, false]]) {
    await larger.fetch(...post("é".repeat(length / 2) + "a".repeat(length % 2)));
    assert.equal("body" in JSON.parse(shown.site.calls.findLast(({ path }) => path === "/auth/step-up").body), sent, length);
  }
});

for (const state of ["over", "expired"]) {
  test(`an approval that is ${state} leaves the answer that asked for it`, async (t) => {
    const { answer, collected } = house([state]);
    const { site, tab, windows } = await browser(t, { answer });
    const { cloakroom } = await tab();
    await isRefusal(await cloakroom.fetch(...post("b")));
    assert.equal(collected.length, state === "over" ? 1 : 2); // after a refresh, that is
    assert.ok(windows[0].closed);
    assert.equal(site.paths().filter((path) => path === "/api/transfer").length, 1);
  });
}

test("a popup that looks closed is waited for until somebody is back on this page for a while", async (t) => {
  const { answer, collected } = house(["waiting"]);
  const { tab, windows, bound, fire } = await browser(t, { answer });
  const { cloakroom } = await tab();
  const got = cloakroom.fetch(...post("b"));
  let next = await bound(1000);
  const poll = async (times) => {
    while (times--) {
      const after = bound(1000);
      next.pass();
      next = await after;
    }
  };
  windows[0].closed = true; // its own opener policy does that
  await poll(20);
  const come = bound(1000);
  fire("focus"); // looks something up
  next = await come; // asked at once
  await poll(5);
  fire("blur");
  await poll(20);
  const back = bound(1000);
  fire("focus");
  next = await back;
  const asked = collected.length;
  await poll(9);
  next.pass();
  await isRefusal(await got);
  assert.equal(collected.length, asked + 10);
});

test("an aborted call ends with its approval, wherever it is", async (t) => {
  const reason = new Error("mine");
  for (const at of ["/api/transfer", "/auth/step-up", "/auth/step-up/collect", undefined]) {
    const reached = deferred();
    const { answer } = house(["waiting"]);
    const { site, tab, bound, windows } = await browser(t, { answer });
    if (at) {
      const usual = answer[at];
      site.answer[at] = (call) => (reached.resolve(), at === "/api/transfer" ? new Promise(() => {}) : usual(call));
    } else bound(1000).then(reached.resolve);
    const { cloakroom } = await tab();
    const control = new AbortController();
    const got = cloakroom.fetch(...post("b", { signal: control.signal }));
    await reached.promise;
    control.abort(reason);
    await assert.rejects(got, (error) => error === reason, at);
    assert.ok(windows.every(({ closed }) => closed));
    assert.ok(site.calls.every(({ headers }) => !("cloakroom-grant" in headers)));
  }
});

test("who wants no approval gets the refusal, and a body that streams out is not approved", async (t) => {
  const { answer } = house(["approved"]);
  const { site, tab } = await browser(t, { answer });
  const { cloakroom } = await tab();
  await isRefusal(await cloakroom.fetch(...post("b", { stepUp: "none" })));
  const body = new ReadableStream({ start: (out) => (out.enqueue(new TextEncoder().encode("once")), out.close()) });
  await isRefusal(await cloakroom.fetch(...post(body, { duplex: "half" })));
  await isRefusal(await cloakroom.fetch(...post("b", { credentials: "omit" })));
  assert.deepEqual(site.paths(), Array(3).fill("/api/transfer"));
});

test("a grant that is not taken leads to no second approval", async (t) => {
  const { answer, opened } = house(["approved"]);
  const { site, tab } = await browser(t, { answer });
  const refuse = answer["/api/transfer"];
  site.answer["/api/transfer"] = (call) => refuse({ ...call, headers: {} });
  await isRefusal(await (await tab()).cloakroom.fetch(...post("b")));
  assert.equal(opened.length, 1);
  assert.equal(site.calls.at(-1).headers["cloakroom-grant"], "g1");
});

test("whatever keeps the approval from being opened leaves the answer that asked for it", async (t) => {
  const page = (page) => ({ ...json({ id: "a1", page }), status: 201 });
  for (const opening of [problem(403, "forbidden"), problem(429, "slow-down"), { end: true }, json({}), page("javascript:alert(1)"), page(undefined)]) {
    const { answer } = house(["approved"]);
    const { tab, windows, assigned } = await browser(t, { answer: { ...answer, "/auth/step-up": () => opening } });
    await isRefusal(await (await tab()).cloakroom.fetch(...post("b")));
    assert.deepEqual([windows, assigned], [[], []]);
  }
  const odd = await browser(t, { answer: { "/api/transfer": () => problem(401, "step-up-needed") } });
  await isRefusal(await (await odd.tab()).cloakroom.fetch(...post("b")));
  const lost = await browser(t, { answer: house(["approved"], { prefix: "/u/9" }).answer });
  await isRefusal(await (await lost.tab("/u/9/auth/client.js")).cloakroom.fetch("/u/9/api/transfer", { method: "POST" }));
});

test("access that expires while the approval is waited for is refreshed", async (t) => {
  const { answer } = house(["waiting", "expired", "approved"]);
  const { site, tab, bound } = await browser(t, { answer });
  const got = (await tab()).cloakroom.fetch(...post("b"));
  (await bound(1000)).pass();
  assert.equal((await got).status, 200);
  assert.equal(site.refreshes(), 1);
});

test("what the approval hands to the page takes the place of what it held, and the other tabs hear of it", async (t) => {
  for (const [strategy, field] of [["memory", "access_token"], ["split-bearer", "claims"]]) {
    const { answer } = house([]);
    const { site, tab, quiet } = await browser(t, { strategy, answer });
    site.answer["/auth/step-up/collect"] = () => json({ state: "approved", grant: "g1", [field]: "new" });
    const [one, two] = [await tab(), await tab()];
    await one.cloakroom.me();
    await quiet();
    const told = two.next("refreshed");
    assert.equal((await one.cloakroom.fetch(...post("b"))).status, 200);
    assert.equal(site.bearers().at(-1), "Bearer new");
    await told;
    await two.cloakroom.fetch("/api/x");
    assert.equal(site.bearers().includes("Bearer new", site.calls.findIndex(({ path }) => path === "/api/x")), strategy === "split-bearer");
  }
});

test("two calls at once are approved one after the other", async (t) => {
  const { answer } = house(["waiting", "approved", "waiting", "approved"]);
  const both = barrier(2);
  const { site, tab, windows, bound } = await browser(t, { answer });
  const usual = answer["/api/transfer"];
  site.answer["/api/transfer"] = async (call) => ("cloakroom-grant" in call.headers ? undefined : await both(), usual(call));
  const { cloakroom } = await tab();
  let next = bound(1000);
  const got = [cloakroom.fetch(...post("1")), cloakroom.fetch(...post("2"))];
  for (const shown of [1, 2]) {
    const poll = await next;
    assert.equal(windows.length, shown);
    next = bound(1000);
    poll.pass();
  }
  assert.deepEqual(await Promise.all(got.map(async (response) => (await response).status)), [200, 200]);
});

test("where popups are blocked the page goes to the approval and the next one repeats the call, once", async (t) => {
  const { answer, opened, collected } = house(["approved"]);
  const { site, tab, assigned, windows, fire } = await browser(t, { answer, blocked: true });
  const gone = deferred();
  location.assign = (to) => (assigned.push(to), gone.resolve());
  const { cloakroom } = await tab();
  const headers = { "content-type": "application/json", "if-match": "1", "idempotency-key": "k", "x-csrf-token": "s", "x-api-key": "s", "x-session": "s" };
  let ended = false;
  cloakroom.fetch(...post('{"é":1}', { headers })).finally(() => (ended = true));
  await gone.promise;
  assert.equal(windows.length, 1);
  assert.deepEqual(opened.map(({ return_to }) => return_to), [undefined, "/notes?q=a%20b"]);
  assert.deepEqual(assigned, ["https://approve.example/auth/step-up/a1"]);
  const { url, ...kept } = JSON.parse(sessionStorage.cloakroom);
  assert.deepEqual(kept, {
    id: "a2",
    method: "POST",
    headers: [["content-type", "application/json"], ["idempotency-key", "k"], ["if-match", "1"]],
    body: Buffer.from('{"é":1}').toString("base64url"),
  });
  assert.ok(url.endsWith("/api/transfer?x=1"));
  fire("pageshow", { persisted: false });
  assert.equal(collected.length, 0);
  assert.equal(ended, false);

  const usual = site.answer["/auth/step-up/collect"];
  site.answer["/auth/step-up/collect"] = (call) => (assert.deepEqual(Object.keys(sessionStorage), []), usual(call));
  const back = await tab();
  const response = await back.cloakroom.resumed;
  assert.deepEqual([response.status, await response.json()], [200, { done: '{"é":1}' }]);
  assert.deepEqual(collected, ["a2"]);
  assert.equal(site.calls.at(-1).headers["if-match"], "1");
  assert.equal(await (await tab()).cloakroom.resumed, null);
  assert.deepEqual(collected, ["a2"]);
});

test("who asks for a redirect sees no popup, and a page out of the back/forward cache goes on itself", async (t) => {
  for (const [state, status] of [["approved", 200], ["waiting", 401], ["over", 401]]) {
    const { answer } = house([state]);
    const { tab, windows, assigned, fire } = await browser(t, { answer });
    const gone = deferred();
    location.assign = (to) => (assigned.push(to), gone.resolve());
    const { cloakroom } = await tab();
    const got = cloakroom.fetch(...post("b", { stepUp: "redirect" }));
    await gone.promise;
    fire("pageshow", { persisted: true });
    assert.deepEqual([(await got).status, windows.length, Object.keys(sessionStorage)], [status, 0, []]);
  }
});

test("a page that comes back without an approval repeats nothing", async (t) => {
  for (const state of ["waiting", "over", "lost"]) {
    const { answer, collected } = house([state]);
    const { site, tab, origin } = await browser(t, { answer });
    sessionStorage.cloakroom = JSON.stringify({ id: "a1", method: "POST", url: `${origin}/api/transfer`, headers: [], body: "" });
    assert.equal(await (await tab()).cloakroom.resumed, null);
    assert.deepEqual([collected, site.paths(), Object.keys(sessionStorage)], [["a1"], ["/auth/step-up/collect"], []]);
  }
});

test("an entry that somebody else wrote sends no grant elsewhere", async (t) => {
  const { answer } = house(["approved"]);
  const { site, tab, origin } = await browser(t, { answer });
  const entry = (url) => JSON.stringify({ id: "a1", method: "GET", url, headers: [], body: "" });
  const urls = ["https://evil.example/", `${origin}.evil.example/`, `${origin}@evil.example/`, "//evil.example", "/api", "", undefined, 7];
  for (const text of [...urls.map(entry), "", "{", "null", "[]", "7"]) {
    sessionStorage.cloakroom = text;
    assert.equal(await (await tab()).cloakroom.resumed, null, text);
    assert.deepEqual(Object.keys(sessionStorage), [], text);
  }
  assert.deepEqual(site.calls, []);
});

test("a slot approves by its own routes and keeps its own entry", async (t) => {
  const { answer, opened } = house(["approved"], { prefix: "/u/1" });
  const { site, tab, origin } = await browser(t, { answer });
  const kept = JSON.stringify({ id: "a7", method: "POST", url: `${origin}/u/1/api/transfer`, headers: [], body: "Yg" });
  sessionStorage.cloakroom = kept;
  const { cloakroom } = await tab("/u/1/auth/client.js");
  assert.equal(await cloakroom.resumed, null);
  assert.equal((await cloakroom.fetch("/u/1/api/transfer", { method: "POST", body: "b" })).status, 200);
  assert.deepEqual(site.paths(), ["/u/1/api/transfer", "/u/1/auth/step-up", "/u/1/auth/step-up/collect", "/u/1/api/transfer"]);
  assert.deepEqual([opened.length, sessionStorage.cloakroom], [1, kept]);
  sessionStorage["cloakroom/u/1"] = kept.replace("/u/1/api", "/api"); // of another slot
  assert.equal(await (await tab("/u/1/auth/client.js")).cloakroom.resumed, null);
  assert.equal(site.calls.length, 4);
});

test("without storage there is no redirect, and everything else is as it was", async (t) => {
  const { answer } = house(["approved"]);
  const { tab, assigned } = await browser(t, { answer });
  Object.defineProperty(globalThis, "sessionStorage", { configurable: true, get: () => { throw new DOMException("", "SecurityError"); } });
  const { cloakroom } = await tab();
  assert.equal(await cloakroom.resumed, null);
  await isRefusal(await cloakroom.fetch(...post("b", { stepUp: "redirect" })));
  assert.deepEqual(assigned, []);
  assert.equal((await cloakroom.fetch(...post("b"))).status, 200);
});
