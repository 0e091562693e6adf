// A2: from now on, whatever the page gives to the browser passes by here.
const watched = (where, value) => { if (typeof value === "string" && value.length > 15) send("hook", `${where} ${value}`); };
const look = (where, headers) => { try { for (const [name, value] of new Headers(headers)) watched(`${where} ${name}`, value); } catch { /* not headers */ } };
const wrap = (owner, name, before) => {
  const original = owner?.[name];
  if (typeof original !== "function") return;
  owner[name] = function (...given) { try { before.apply(this, given); } catch { /* the page must not notice */ } return original.apply(this, given); };
};
const read = Response.prototype.text;
const answers = (response) => { try { read.call(response.clone()).then((text) => watched("answer", text), () => {}); } catch { /* opaque */ } return response; };
const hook = (scope) => {
  const fetched = scope.fetch;
  scope.fetch = function (input, init) {
    try { if (input instanceof scope.Request) look("request", input.headers); look("fetch", init?.headers); watched("body", init?.body); } catch { /* as above */ }
    return fetched.call(this, input, init).then((response) => String(response.url).startsWith(LOOT) ? response : answers(response));
  };
  wrap(scope.XMLHttpRequest?.prototype, "setRequestHeader", (name, value) => watched(`xhr ${name}`, value));
  wrap(scope.Headers?.prototype, "set", (name, value) => watched(`header ${name}`, value));
  wrap(scope.Headers?.prototype, "append", (name, value) => watched(`header ${name}`, value));
  wrap(scope.navigator, "sendBeacon", (_, body) => watched("beacon", body));
  wrap(scope.WebSocket?.prototype, "send", (data) => watched("socket", data));
  wrap(scope.MessagePort?.prototype, "postMessage", (data) => watched("port", JSON.stringify(data)));
  wrap(scope.Worker?.prototype, "postMessage", (data) => watched("worker", JSON.stringify(data)));
  wrap(scope.ServiceWorker?.prototype, "postMessage", (data) => watched("service worker", JSON.stringify(data)));
  wrap(scope.Storage?.prototype, "setItem", (_, value) => watched("storage", value));
  wrap(scope.JSON, "parse", (text) => watched("json", text));
  for (const name of ["json", "text"]) {
    const original = scope.Response?.prototype?.[name];
    if (original) scope.Response.prototype[name] = function () { answers(this); return original.call(this); };
  }
};
