// The page. What keeps the session is /auth/client.js, which Cloakroom serves; this file only shows it.
import { cloakroom } from "/auth/client.js";

const $ = (id) => document.getElementById(id);
const say = (text) => { $("message").textContent = text; };

/** Who is here? Nobody can tell while the network is down: then the page stays as it is, and asks again. */
async function ask() {
  try {
    show(await cloakroom.me());
    say("");
  } catch {
    say("Nobody answers. You are not signed out; this page tries again.");
    setTimeout(ask, 2000);
  }
}

function show(me) {
  $("signed-in").hidden = $("account").hidden = !me;
  $("signed-out").hidden = Boolean(me);
  $("who").textContent = me?.account.email ?? "";
  // Whoever comes next sees nothing of who was here before.
  $("things").replaceChildren();
  if (me) call("GET");
}

async function call(method, body) {
  try {
    const headers = body && { "content-type": "application/json" };
    const response = await cloakroom.fetch("/api/things", { method, headers, body: body && JSON.stringify(body) });
    if (!response.ok) return say(`That did not work (${response.status}).`);
    const { things } = await response.json();
    // As text, never as markup: it was typed by somebody.
    $("things").replaceChildren(...things.map((thing) => Object.assign(document.createElement("li"), { textContent: thing })));
    say("");
  } catch {
    say("Nobody answers. Nothing was lost; try again.");
  }
}

$("login").onclick = () => cloakroom.login();
$("logout").onclick = () => cloakroom.logout().catch(() => say("Nobody answers: you are still signed in. Try again."));
$("add").onsubmit = async (event) => {
  event.preventDefault();
  await call("POST", { name: $("name").value });
  if (!$("message").textContent) $("add").reset();
};
cloakroom.on("signed-in", ask);
cloakroom.on("signed-out", () => show(null));
addEventListener("online", ask);
ask();
