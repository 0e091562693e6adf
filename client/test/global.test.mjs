import assert from "node:assert/strict";
import { test } from "node:test";
import { browser } from "./browser.mjs";

test("v5.0.0-3.2.3 markup cannot stand in for the script's own names", async (t) => {
  // Named elements are found through the prototype chain of the window, as the HTML standard has it (7.2.2.2).
  const clobbered = { cloakroom: { href: "https://evil.example" }, config: {}, origin: "https://evil.example" };
  const chain = Object.getPrototypeOf(globalThis);
  for (const [name, value] of Object.entries(clobbered)) Object.defineProperty(chain, name, { value, configurable: true });
  t.after(() => Object.keys(clobbered).forEach((name) => delete chain[name]));
  const { site, tab } = await browser(t);
  // The document is where every name can be overridden; there is none here, so reading one would throw.
  assert.equal(globalThis.document, undefined);
  const { cloakroom } = await tab();
  assert.equal(globalThis.cloakroom, cloakroom);
  assert.ok(Object.isFrozen(cloakroom));
  site.expire();
  assert.equal((await cloakroom.fetch("/api/notes")).status, 200);
  const copy = await tab(); // a second evaluation leaves the first one's object in place
  assert.notEqual(copy.cloakroom, cloakroom);
  assert.equal(globalThis.cloakroom, cloakroom);
  assert.throws(() => { "use strict"; globalThis.cloakroom = 1; }, TypeError);
});
