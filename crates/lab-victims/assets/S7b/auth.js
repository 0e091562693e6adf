// S7b: the tokens are in a Web Worker, which sends the requests; the page sees answers, never tokens.
const worker = new Worker("/token-worker.js", { type: "module" });
const waiting = new Map();
let last = 0;

worker.onmessage = ({ data: { number, result } }) => {
  waiting.get(number)(result);
  waiting.delete(number);
};

function ask(name, ...rest) {
  last += 1;
  const number = last;
  return new Promise((resolve) => {
    waiting.set(number, resolve);
    worker.postMessage({ number, name, rest });
  });
}

export async function call(path, init) {
  const { status, text, kind } = await ask("call", path, init);
  const body = [204, 205, 304].includes(status) ? null : text;
  return new Response(body, { status, headers: { "Content-Type": kind } });
}

export const login = (email, password) => ask("login", email, password);
export const refresh = () => ask("refresh");
export const logout = () => ask("logout");
export const boot = () => ask("boot");
