// Builds dist/client.js, dist/approve.js, dist/pages.js (for Cloakroom's own pages), the package's entries dist/index.js and
// dist/react.js, and types; with --check, says whether the committed ones are what the source gives.
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const LIMIT = 2048; // bytes of each script, gzip -9
const here = (path) => new URL(path, import.meta.url);

// The same sum is made in Rust by the tidy test: for every file, sorted by path relative to src, path \n content \n.
const hash = createHash("sha256");
for (const path of readdirSync(here("src"), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath}/${entry.name}`.slice(here("src").pathname.length + 1))
  .sort()) {
  hash.update(`${path}\n${readFileSync(here(`src/${path}`))}\n`);
}

// Half of it says as much: nobody forges a build by accident.
const source = hash.digest("hex").slice(0, 32);
const scripts = {};
for (const name of ["client", "approve", "pages"]) {
  const { outputFiles } = await build({
    entryPoints: [here(`src/${name}.ts`).pathname],
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    legalComments: "none",
    charset: "ascii",
    write: false,
  });
  scripts[`dist/${name}.js`] = `/* cloakroom client, source sha256:${source} */\n${outputFiles[0].text}`;
}

// What an application's bundler takes in: readable, and measured as small as that will make it.
const entries = {};
for (const name of ["index", "react"]) {
  const source = { entryPoints: [here(`src/${name}.ts`).pathname], bundle: true, format: "esm", target: "es2022", write: false, plugins: [beside(name)] };
  const [readable, small] = await Promise.all([false, true].map((minify) => build({ ...source, minify })));
  entries[`dist/${name}.js`] = readable.outputFiles[0].text;
  scripts[`dist/${name}.js`] = small.outputFiles[0].text;
}

const wanted = { ...scripts, ...entries, ...declarations() };
for (const [path, text] of Object.entries(scripts)) {
  const size = gzipSync(text, { level: 9 }).length;
  console.log(`${path}: ${text.length} bytes, ${size} gzipped (limit ${LIMIT})`);
  if (size >= LIMIT) fail(`${path} is too large: ${size} bytes gzipped, the limit is ${LIMIT}`);
}

mkdirSync(here("dist"), { recursive: true });
for (const [path, text] of Object.entries(wanted)) {
  if (!process.argv.includes("--check")) writeFileSync(here(path), text);
  else if (readFileSync(here(path), "utf8") !== text) fail(`${path} is not what src gives: run \`npm run build\``);
}

// An entry that uses another one imports it, as it imports React: there is one `createClient` in an application.
function beside(entry) {
  return {
    name: "beside",
    setup: ({ onResolve }) => {
      onResolve({ filter: /^react$/ }, ({ path }) => ({ path, external: true }));
      onResolve({ filter: /\/index\.ts$/ }, () => (entry === "index" ? undefined : { path: "./index.js", external: true }));
    },
  };
}

// Of client.js one file: the interface, and the event and outcome names that it mentions.
function declarations() {
  const out = mkdtempSync(join(tmpdir(), "cloakroom-client-"));
  try {
    const flags = ["--noEmit", "false", "--declaration", "--emitDeclarationOnly", "--outDir", out];
    execFileSync(process.execPath, [here("node_modules/typescript/bin/tsc").pathname, "-p", here(".").pathname, ...flags], { stdio: "inherit" });
    const lines = (file) => readFileSync(join(out, file), "utf8").split("\n");
    const type = (file, name) => lines(file).find((line) => line.startsWith(`export type ${name} `));
    const client = lines("client.d.ts").filter((line) => !/^(import|export type \{)/.test(line));
    const own = "declare global {\n  var cloakroom: Readonly<Cloakroom>;\n}\n";
    const entry = (name) => readFileSync(join(out, `${name}.d.ts`), "utf8").replaceAll(/"\.\/(\w+)\.ts"/g, '"./$1.js"');
    return {
      "dist/client.d.ts": [type("announce.d.ts", "EventName"), type("refresh.d.ts", "Outcome"), ...client].join("\n") + own,
      "dist/index.d.ts": entry("index"),
      "dist/react.d.ts": entry("react"),
    };
  } finally {
    rmSync(out, { recursive: true });
  }
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
