// Notes, the page. It holds no token: the browser sends a cookie that no script can read, and `cloakroom.fetch`
// renews it when it has expired. Text goes into the page as text, never as markup.

import { cloakroom } from "/auth/client.js";
import { events, keep, socket } from "/live.js";

const $ = (id) => document.getElementById(id);
const VIEWS = ["loading", "unavailable", "signed-out", "signed-in"];
const WHY = {
  "too-many-notes": "That is as many notes as fit. Delete one first.",
  "bad-note": "A note has 1 to 500 characters.",
  full: "This sample keeps notes for no more people.",
  "bad-transfer": "Send at least one coin.",
  "too-few-coins": "There are not so many coins in that purse.",
  "step-up-needed": "Nothing was sent: the transfer was not approved.",
};

let view = "loading";
let visit = 0; // one more whenever somebody comes or goes: what was begun for another is dropped
let seq = 0; // the last change that the list shows
const notes = new Map();
let streams = [];
let sendLive = null;
let retry;

// --- who is here

async function ask() {
  const mine = ++visit;
  clearTimeout(retry);
  try {
    const who = await cloakroom.me();
    if (mine !== visit) return;
    if (who) arrive(who);
    else leave();
  } catch {
    if (mine !== visit) return;
    show("unavailable");
    retry = setTimeout(ask, 5000);
  }
}

function arrive(who) {
  const first = view === "loading";
  close();
  $("who").textContent = who.account?.email ?? who.email ?? "Account";
  show("signed-in", !first);
  const alive = () => cloakroom.me().then((still) => still !== null, () => true);
  streams = [
    keep(events("/api/events", apply), alive, (state) => report("events", state)),
    keep(socket("/api/live", apply, useLive), alive, (state) => report("socket", state)),
  ];
  load();
  count();
}

/** Leaves nothing of the person behind: neither in the page nor in its variables. */
function leave() {
  const told = view === "signed-in";
  visit += 1;
  clearTimeout(retry);
  close();
  $("add").reset();
  show("signed-out", told);
  if (told) announce("You are signed out.");
}

function close() {
  for (const stop of streams) stop();
  streams = [];
  seq = 0;
  notes.clear();
  $("notes").replaceChildren();
  $("who").textContent = "";
  $("purses").textContent = "One moment…";
  announce("");
  complain("");
}

function show(name, focus) {
  view = name;
  for (const id of VIEWS) $(id).hidden = id !== name;
  $("account").hidden = name !== "signed-in";
  document.title = name === "signed-in" ? "Your notes" : "Notes";
  // Where a keyboard or a screen reader goes on after the page has changed under it.
  if (focus) $(name).querySelector("h1")?.focus();
}

// --- the notes

async function load(again = true) {
  const mine = visit;
  try {
    const response = await cloakroom.fetch("/api/notes");
    if (!response.ok) return refused(response);
    const list = await response.json();
    if (mine !== visit) return;
    // Changes overtook it: once more. Still behind: the server has begun to count anew.
    if (again && list.seq < seq) return load(false);
    seq = list.seq;
    for (const id of notes.keys()) if (!list.notes.some((note) => note.id === id)) remove(id);
    for (const note of list.notes) if (!notes.has(note.id)) insert(note, false);
    $("empty").hidden = notes.size > 0;
  } catch {
    if (mine === visit) complain("The notes could not be loaded. They will come when the connection is back.");
  }
}

/** Both streams bring every change; the first one counts. */
function apply(change) {
  if (change.type === "error") return complain(WHY[change.code] ?? "That did not work.");
  if (change.seq <= seq) return;
  seq = change.seq;
  if (change.type === "note-added" && !notes.has(change.note.id)) {
    insert(change.note, true);
    announce(`Note added: ${change.note.text}`);
  }
  if (change.type === "note-deleted" && remove(change.id)) announce("Note deleted.");
  $("empty").hidden = notes.size > 0;
}

function insert(note, fresh) {
  const item = document.createElement("li");
  if (fresh) item.className = "new";
  const body = document.createElement("div");
  const text = document.createElement("p");
  text.textContent = note.text;
  const time = document.createElement("time");
  const at = new Date(note.at * 1000);
  time.dateTime = at.toISOString();
  time.textContent = at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  button.textContent = "Delete";
  button.setAttribute("aria-label", `Delete note: ${note.text.slice(0, 60)}`);
  button.addEventListener("click", () => erase(note.id, button));
  body.append(text, time);
  item.append(body, button);
  notes.set(note.id, item);
  $("notes").prepend(item); // newest first
}

function remove(id) {
  const item = notes.get(id);
  if (!item) return false;
  // Whoever deletes by keyboard stays in the list.
  if (item.contains(document.activeElement)) {
    ((item.nextElementSibling ?? item.previousElementSibling)?.querySelector("button") ?? $("text")).focus();
  }
  item.remove();
  return notes.delete(id);
}

async function erase(id, button) {
  button.setAttribute("aria-disabled", "true");
  const done = await call(`/api/notes/${id}`, { method: "DELETE" }, 404);
  button.removeAttribute("aria-disabled");
  if (done) {
    remove(id);
    $("empty").hidden = notes.size > 0;
  }
}

async function add(event) {
  event.preventDefault();
  const text = $("text").value;
  if (!text.trim()) return $("text").focus();
  const headers = { "content-type": "application/json" };
  const made = await call("/api/notes", { method: "POST", headers, body: JSON.stringify({ text }) });
  if (!made) return;
  if ($("text").value === text) $("add").reset();
  $("text").focus();
  // It arrives by the streams; without them, by asking.
  if (!connected()) load();
}

function addLive() {
  const text = $("text").value;
  if (!text.trim() || !sendLive) return $("text").focus();
  complain("");
  sendLive({ type: "add", text });
  $("add").reset();
  $("text").focus();
}

// --- the coins: each transfer is approved by its owner, on a page of the gateway that this page cannot reach

async function count() {
  const mine = visit;
  try {
    const response = await cloakroom.fetch("/api/coins");
    if (mine === visit && response.ok) purses(await response.json());
  } catch {} // as the notes, they come when the connection is back
}

function purses({ pocket, savings }) {
  $("purses").textContent = `${pocket} in your pocket, ${savings} saved`;
}

async function send(event) {
  event.preventDefault();
  const button = $("send-button");
  if (button.disabled) return;
  const mine = visit;
  button.disabled = true;
  complain("");
  try {
    const to = $("purse").value;
    const amount = Number($("amount").value);
    const headers = { "content-type": "application/json" };
    const response = await cloakroom.fetch("/api/coins", { method: "POST", headers, body: JSON.stringify({ to, amount }) });
    if (mine === visit) await sent(response);
  } catch {
    if (mine === visit) complain("The server did not answer. Look at your coins before you try again.");
  } finally {
    button.disabled = false;
  }
}

async function sent(response) {
  if (!response.ok) return refused(response);
  purses(await response.json());
}

/** Whether it was done; what was not is explained. `gone` is a status that is as good as done. */
async function call(path, init, gone) {
  const mine = visit;
  complain("");
  try {
    const response = await cloakroom.fetch(path, init);
    if (mine !== visit) return false;
    if (response.ok || response.status === gone) return true;
    await refused(response);
  } catch {
    if (mine === visit) complain("The server did not answer. Nothing was changed, try again.");
  }
  return false;
}

async function refused(response) {
  const { code } = await response.json().catch(() => ({}));
  // Not signed in any more? The question finds out, and says so to everybody.
  if (response.status === 401 && code !== "step-up-needed") return ask();
  complain(WHY[code] ?? `That did not work (${response.status}).`);
}

// --- what is said

function report(id, state) {
  $(id).textContent = state;
  $(id).dataset.state = state;
  // What happened in between is in the list.
  if (state === "connected") load();
}

function useLive(send) {
  sendLive = send;
  $("add-live").disabled = !send;
}

const connected = () => ["events", "socket"].some((id) => $(id).dataset.state === "connected");
const announce = (text) => void ($("news").textContent = text);

function complain(text) {
  $("message").textContent = text;
  $("message").hidden = !text;
}

$("add").addEventListener("submit", add);
$("send").addEventListener("submit", send);
$("amount").addEventListener("input", () => {
  const amount = Number($("amount").value) || 0;
  $("send-button").textContent = amount === 1 ? "Send 1 coin" : `Send ${amount} coins`;
});
$("add-live").addEventListener("click", addLive);
$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("add").requestSubmit();
});
$("retry").addEventListener("click", ask);
$("logout").addEventListener("click", async () => {
  try {
    await cloakroom.logout();
  } catch {
    complain("You are still signed in: the server did not answer. Try again.");
  }
});
cloakroom.on("signed-out", leave);
cloakroom.on("signed-in", ask);
// Where windows are blocked, this page was left for the approval and is back with the answer.
cloakroom.resumed.then((response) => response && sent(response), () => complain("The server did not answer. Look at your coins before you try again."));
ask();
