// The stage: what is chosen, what is told, and three buttons. Everything that is shown of the world arrived at a server.
const part = (id) => document.getElementById(id);
const make = (name, text, ...classes) => {
  const node = document.createElement(name);
  if (text !== undefined) node.textContent = text;
  node.classList.add(...classes);
  return node;
};
const program = await (await fetch("/program.json")).json();
let secret = "";
let busy = false;

function fill(select, groups) {
  for (const [label, options] of groups) {
    const group = document.createElement("optgroup");
    group.label = label;
    for (const { id, title } of options) group.append(new Option(`${id} · ${title}`, id));
    select.append(group);
  }
}

const attacks = Map.groupBy ? Map.groupBy(program.attacks, ({ group }) => group) : new Map([["Attacks", program.attacks]]);
fill(part("attack"), attacks);
const naive = program.strategies.filter(({ own }) => !own);
const own = program.strategies.filter(({ own }) => own);
fill(part("row"), [["As tutorials write it", naive], ["Cloakroom", own]].filter(([, options]) => options.length));
part("browser").textContent = `The victim’s browser is ${program.browser}.`;
part("why-not-framed").textContent = program.headed
  ? "It is a window of its own, not a frame in this page: Cloakroom forbids to be framed, and so would you. You may use it as the victim would."
  : "This is a picture of a window that is on no screen, not a frame: Cloakroom forbids to be framed, and so would you. A click in it is the victim’s click.";

/** The choice survives a reload, and can be sent as a link. */
function choose() {
  const attack = program.attacks.find(({ id }) => id === part("attack").value);
  const row = program.strategies.find(({ id }) => id === part("row").value);
  part("group").textContent = `${attack.id} · ${attack.group}`;
  part("title").textContent = attack.title;
  part("told").textContent = attack.story;
  part("mechanism").textContent = attack.mechanism;
  part("stopped").textContent = attack.stopped_by;
  part("strategy-title").textContent = `${row.id}, ${row.title}`;
  part("summary").textContent = row.summary;
  history.replaceState(null, "", `#${attack.id}/${row.id}`);
}

const [attack, row] = decodeURIComponent(location.hash.slice(1)).split("/");
if (program.attacks.some(({ id }) => id === attack)) part("attack").value = attack;
if (program.strategies.some(({ id }) => id === row)) part("row").value = row;
part("attack").addEventListener("change", choose);
part("row").addEventListener("change", choose);
choose();

function say(text, bad = false) {
  part("state").textContent = text;
  part("state").classList.toggle("bad", bad);
}

/** Buttons stay where they are and keep the focus while something goes on; they only do nothing. */
function occupy(is) {
  busy = is;
  for (const button of document.querySelectorAll(".acts button")) button.setAttribute("aria-disabled", String(is));
}

async function act(doing, done, order) {
  if (busy) return;
  occupy(true);
  say(doing);
  try {
    const answer = await fetch("/act", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(order) });
    if (answer.ok) say(done);
    else say(`That did not work: ${await answer.text()}`, true);
  } catch {
    say("The stage does not answer. Was it closed?", true);
  } finally {
    occupy(false);
  }
}

part("login").addEventListener("click", () =>
  act("The victim opens the application and logs in …", "The victim is logged in, has looked at the profile and sent money to a friend.", { act: "login", row: part("row").value }));
part("be-attacked").addEventListener("click", () =>
  act("The attack goes on …", "The attack is over.", { act: "attack", row: part("row").value, attack: part("attack").value }));
part("redeem").addEventListener("click", () =>
  act("The attacker tries what he has on his own machine …", "The attacker has tried what he has.", { act: "redeem" }));
part("picture").addEventListener("click", (event) => {
  if (program.headed) return;
  const { width, height } = event.target.getBoundingClientRect();
  const { naturalWidth, naturalHeight } = event.target;
  act("The victim clicks …", "The victim has clicked.", { act: "press", x: (event.offsetX / width) * naturalWidth, y: (event.offsetY / height) * naturalHeight });
});
part("picture").classList.toggle("pressable", !program.headed);
part("all").addEventListener("change", ({ target }) => part("wire").classList.toggle("all", target.checked));

/** A line at the end of a log, which stays at its end unless somebody has scrolled up. */
function add(id, line) {
  const list = part(id);
  const log = list.parentElement;
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  list.append(line);
  if (atEnd) log.scrollTop = log.scrollHeight;
  const count = part({ loot: "loot-count", deeds: "deed-count", wire: "wire-count" }[id]);
  if (count) count.textContent = list.childElementCount;
}

/** Text in which tokens and the victim's secret stand out. */
function marked(text) {
  const node = document.createElement("span");
  const words = [/ey[\w-]{8,}(?:\.[\w-]+){1,4}/.source];
  if (secret) words.push(secret.replace(/[^\w-]/g, "\\$&"));
  let at = 0;
  for (const found of text.matchAll(new RegExp(words.join("|"), "g"))) {
    node.append(text.slice(at, found.index), make("mark", found[0]));
    at = found.index + found[0].length;
  }
  node.append(text.slice(at));
  return node;
}

const line = (who, rest, ...classes) => {
  const item = make("li", undefined, ...classes);
  item.append(make("span", who, "who"), " ", rest);
  return item;
};

function deed({ account, what, strategy, elsewhere }) {
  const { kind, ...more } = what;
  const details = Object.entries(more).map(([name, value]) => `${name} ${value}`).join(", ");
  const item = line(account || "nobody", `${kind.replaceAll("-", " ")}${details ? ` (${details})` : ""} `, `of-${strategy}`);
  if (elsewhere) item.append(make("span", "from another machine", "badge"));
  return item;
}

function request({ server, method, url, headers, body, status }) {
  const sent = headers.filter(([name]) => /^(cookie|authorization|dpop|origin|x-csrf)$/.test(name));
  const carries = sent.some(([name]) => name === "cookie" || name === "authorization");
  const quiet = !carries && method === "GET" && server === "victim" && status < 400;
  const rest = document.createDocumentFragment();
  rest.append(marked(`${method} ${url} → ${status}`));
  for (const [name, value] of sent) rest.append(document.createElement("br"), marked(`  ${name}: ${value}`));
  if (body && method !== "GET") rest.append(document.createElement("br"), marked(`  ${body}`));
  const [whose, ...elsewhere] = server.split(", asked ");
  const item = line(whose, rest);
  if (elsewhere.length) item.firstChild.after(" ", make("span", elsewhere[0], "badge"));
  item.classList.toggle("quiet", quiet);
  return item;
}

function redeemed({ how, profile, what }) {
  const box = make("div", undefined, how ? "prize" : "none");
  if (how) {
    box.append(make("p", `He is in, by ${how}. This is what the bank told him:`));
    const list = document.createElement("dl");
    for (const [name, value] of Object.entries(profile ?? {})) list.append(make("dt", name), make("dd", String(value)));
    box.append(list);
  } else {
    box.append(make("p", what));
  }
  part("redeemed").replaceChildren(box);
}

const told = {
  scene({ row, home, victim, secret: canary }) {
    secret = canary;
    for (const id of ["steps", "loot", "deeds", "wire"]) part(id).replaceChildren();
    for (const id of ["loot-count", "deed-count", "wire-count"]) part(id).textContent = "0";
    part("redeemed").replaceChildren(make("p", "He has not tried anything yet.", "soft"));
    part("verdict").hidden = true;
    part("address").textContent = home;
    part("where").textContent = `${victim}, at the bank that keeps log-ins by ${row}. Their IBAN here is ${canary}: wherever it turns up, the profile went there.`;
  },
  attacked({ attack }) {
    part("verdict").hidden = true;
    add("steps", line(attack, "begins"));
  },
  step({ who, what, outcome, failed }) {
    add("steps", line(who, outcome ? `${what}: ${outcome}` : what, failed ? "failed" : "ok"));
  },
  deed: (what) => add("deeds", deed(what)),
  /** Names of places without anything in them are told, but not as a find. */
  loot: (text) => add("loot", text.startsWith("done:") ? line("→", "the script has done what it could", "empty") : line("→", marked(text), /^[\w-]+:(?:[[\]{}":,]|local|session)*$/.test(text) ? "empty" : "full")),
  wire: (what) => add("wire", request(what)),
  redeemed,
  verdict({ attack, row, verdict, meaning, why, stands }) {
    part("verdict-of").textContent = `${attack} on ${row}`;
    part("word").textContent = `${stands ? "✓" : "✗"} ${verdict}`;
    part("why").textContent = why;
    part("meaning").textContent = meaning;
    part("verdict").classList.toggle("stands", stands);
    part("verdict").hidden = false;
  },
  failed: (text) => add("steps", line("it failed", text, "failed")),
  picture({ address }) {
    part("window").hidden = false;
    part("address").textContent = address;
    part("picture").alt = "The victim’s window as it is now.";
    part("picture").src = `/picture?${Date.now()}`;
  },
};

const events = new EventSource("/events");
events.onmessage = ({ data }) => {
  const { kind, what } = JSON.parse(data);
  told[kind]?.(what);
};
events.onerror = () => say("The stage does not answer. Was it closed?", true);
events.onopen = () => {
  if (part("state").classList.contains("bad")) say("The stage is there again.");
};
document.documentElement.dataset.ready = "yes";
