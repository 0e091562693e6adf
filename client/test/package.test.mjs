// The package as it would be published, and what a server makes of it: no page, no `location`, no request.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { createClient } from "cloakroom-client";

const here = new URL("..", import.meta.url).pathname;

test("npm pack takes the entries, their types, the licences and the README, and nothing else", () => {
  const [{ files }] = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: here, stdio: ["ignore", "pipe", "ignore"] }));
  assert.deepEqual(files.map(({ path }) => path).sort(), [
    "LICENSE-APACHE", "LICENSE-MIT", "README.md",
    "dist/client.d.ts", "dist/client.js", "dist/index.d.ts", "dist/index.js", "dist/react.d.ts", "dist/react.js",
    "package.json",
  ]);
  const { exports, dependencies } = JSON.parse(readFileSync(`${here}package.json`, "utf8"));
  assert.equal(dependencies, undefined);
  const named = Object.values(exports).flatMap((entry) => (typeof entry === "string" ? [entry] : Object.values(entry)));
  const packed = files.map(({ path }) => `./${path}`);
  assert.deepEqual(named.filter((path) => !packed.includes(path)), []);
});

test("what an application takes in stays under 2 KiB, with the hook too", async () => {
  const size = async (contents) => {
    const stdin = { contents, resolveDir: here };
    const { outputFiles } = await build({ stdin, bundle: true, minify: true, format: "esm", external: ["react"], write: false });
    return gzipSync(outputFiles[0].contents, { level: 9 }).length;
  };
  assert.ok((await size('export * from "cloakroom-client"')) < 2048);
  assert.ok((await size('export * from "cloakroom-client"; export * from "cloakroom-client/react"')) < 2048);
});

test("without a page every question is refused, in words", async () => {
  const client = createClient();
  assert.deepEqual(client.current(), { status: "unknown", me: null, isStale: false });
  await assert.rejects(client.session(), /only a page has a session/);
  await assert.rejects(client.fetch("/x"), /only a page has a session/);
  assert.equal(await client.refresh(), "unavailable");
});

for (const [name, from] of [["19", import.meta.url], ["18", new URL("./react-18/package.json", import.meta.url)]]) {
  test(`React ${name} renders on a server what every page begins with, and asks nobody`, async () => {
    const require = createRequire(from);
    const react = require("react");
    assert.equal(react.version.split(".")[0], name);
    const { renderToString } = require("react-dom/server");
    // The published entry, with this React.
    const source = readFileSync(`${here}dist/react.js`, "utf8")
      .replace(/import \{([^}]*)\} from "react";/, (_, names) => `const {${names}} = globalThis.reactUnderTest;`)
      .replace('"./index.js"', JSON.stringify(new URL("../dist/index.js", import.meta.url).href));
    globalThis.reactUnderTest = react;
    const { useSession, SessionProvider } = await import(`data:text/javascript,${encodeURIComponent(source)}#${name}`);
    const Who = () => react.createElement("p", null, useSession().status);
    const inside = react.createElement(SessionProvider, { client: createClient({ slot: 1 }) }, react.createElement(Who));
    assert.equal(renderToString(react.createElement(Who)), "<p>unknown</p>");
    assert.equal(renderToString(inside), "<p>unknown</p>");
  });
}
