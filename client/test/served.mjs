// Loader hooks: the built file under the addresses that Cloakroom serves it at, so that `import.meta.url` is what it is
// in a browser.
import { readFile } from "node:fs/promises";

const address = /^http:\/\/[^?]*\/auth\/client\.js\b/;

export const resolve = (specifier, context, next) =>
  address.test(specifier) ? { url: specifier, format: "module", shortCircuit: true } : next(specifier, context);

export const load = async (url, context, next) =>
  address.test(url)
    ? { format: "module", shortCircuit: true, source: await readFile(new URL("../dist/client.js", import.meta.url)) }
    : next(url, context);
