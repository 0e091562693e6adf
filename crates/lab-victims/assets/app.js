// The bank's page, the same for every strategy. Where the log-in is kept is auth.js's business alone:
// login(email, password) gives a status, call(path, { method, body }) a Response, then logout(), boot(), and for some
// refresh() (a status too) and provider(origin). `window.bank` is the same for whoever drives the page: promises that reject with { status }.
import * as auth from "/auth.js";

const part = (id) => document.getElementById(id);
const page = document.body.dataset;

async function read(path, init) {
  const answer = await auth.call(path, init);
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.error ?? String(answer.status)), { status: answer.status });
  return said;
}

const post = (path, body) => read(path, { method: "POST", body });

/** Shows what the server says; data-state of the body is "in" or "out" then. */
async function show() {
  const profile = await read("/api/profile").catch(() => null);
  for (const name of ["email", "iban", "balance"]) part(name).textContent = profile?.[name] ?? "";
  part("inside").hidden = !profile;
  part("outside").hidden = Boolean(profile);
  page.state = profile ? "in" : "out";
}

/** Puts a post into the page, with its scripts running, as `$("#post").html(html)` of jQuery does. */
function put(html) {
  const range = document.createRange();
  range.selectNode(part("post"));
  part("post").replaceChildren(range.createContextualFragment(html));
}

/** At the provider: back to what the application had asked for. */
function onward() {
  const next = new URLSearchParams(location.search).get("next");
  if (page.strategy === "idp" && next?.startsWith("/authorize?")) location.href = next;
}

/** Does something, then shows what became of it. */
const shown = (act) => async (...given) => {
  try {
    return await act(...given);
  } finally {
    await show();
  }
};

const bank = {
  login: shown(async (email, password) => {
    const status = await auth.login(email, password).catch((error) => {
      throw Object.assign(error, { status: 0 });
    });
    if (status >= 300) throw Object.assign(new Error("wrong e-mail or password"), { status });
    onward();
  }),
  profile: () => read("/api/profile"),
  transfer: shown((to, amount) => post("/api/transfer", { to, amount: Number(amount) })),
  email: shown((email) => post("/api/email", { email })),
  password: shown((password) => post("/api/password", { password })),
  remove: shown(() => post("/api/delete", {})),
  post: async (html) => (await post("/api/posts", { html })).id,
  preview: async (id) => put((await read(`/api/posts/${encodeURIComponent(id)}`)).html),
  logout: shown(() => auth.logout()),
  boot: shown(() => auth.boot()),
  show,
  /** Renews what is renewed in this strategy, now. */
  async refresh() {
    const status = (await auth.refresh?.()) ?? 0;
    if (status < 200 || status >= 300) throw Object.assign(new Error("nothing was renewed"), { status });
  },
  /** The bank's own service worker: empty, pass, clone, newreq or byurl. Waits until it has this page. */
  async worker(variant) {
    await navigator.serviceWorker.register(`/sw.js?variant=${variant}`, { scope: "/" });
    const has = () => navigator.serviceWorker.controller?.scriptURL.endsWith(`/sw.js?variant=${variant}`);
    while (!has()) {
      await new Promise((resolve) => {
        navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
        if (has()) resolve();
      });
    }
  },
};

function on(id, act) {
  part(id).addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = await act(Object.fromEntries(new FormData(event.target))).catch((error) => error.message);
    part("news").textContent = `${id}: ${typeof said === "string" ? said : "done"}`;
  });
}

on("login", ({ email, password }) => bank.login(email, password));
on("transfer", ({ to, amount }) => bank.transfer(to, amount));
on("change-email", ({ email }) => bank.email(email));
on("change-password", ({ password }) => bank.password(password));
on("write", ({ html }) => bank.post(html));
on("preview", ({ id }) => bank.preview(id));
on("delete", () => bank.remove());
on("logout", () => bank.logout());

if (auth.provider && page.provider) {
  part("provider").hidden = false;
  part("provider").addEventListener("click", () => auth.provider(page.provider));
  bank.provider = () => auth.provider(page.provider);
}

async function start() {
  await bank.boot();
  const query = new URLSearchParams(location.search);
  // A link to one item: its number goes into the path as it came.
  if (query.has("item")) {
    const item = await read("/api/items/" + query.get("item")).catch(() => ({}));
    part("item").textContent = item.name ?? "";
  }
  // A link that likes an item: likewise, in a POST.
  if (query.has("like")) await post(`/api/items/${query.get("like")}/like`).catch(() => {});
  // News of the account, where the page was opened with ?feed.
  if (query.has("feed")) {
    new EventSource("/feed").onmessage = ({ data }) => (part("news").textContent = data);
  }
  document.dispatchEvent(new Event("app-ready"));
}

window.bank = bank;
bank.ready = start();
