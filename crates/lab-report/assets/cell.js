// Opens a cell: its story, what was seen, and what would have stopped it. The address names the open cell.
const dialog = document.getElementById("cell");
const body = document.getElementById("cell-body");
let opener = null;
const linkOf = (cell) => document.getElementById(nameOf(cell.browser.id, cell.strategy.id, cell.attack.id));
const address = (fragment) => history.replaceState(null, "", location.href.split("#")[0] + fragment);

const openCell = (cell) => present(cell.number, nameOf(cell.browser.id, cell.strategy.id, cell.attack.id), cellParts(cell), linkOf(cell));

// Shows parts in the dialog. Where it was open already, the focus goes to the title again, so that it is read.
const present = (number, name, parts, link) => {
  if (!dialog.open) opener = document.activeElement;
  body.replaceChildren(...parts.filter(Boolean));
  dialog.dataset.number = number;
  address(name && `#${name}`);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  document.getElementById("cell-title").focus();
  // What was looked at last is where the focus returns to, if it is shown.
  if (link && link.offsetParent) opener = link;
};

dialog.addEventListener("close", () => {
  address("");
  body.replaceChildren();
  if (opener && opener.isConnected) opener.focus();
  opener = null;
});
// A press beside the dialog is one on its backdrop.
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

const toCell = (cell, ...label) => element("button", { type: "button", class: "plain", onclick: () => openCell(cell) }, ...label);
const section = (title, ...content) => {
  const shown = content.flat().filter(Boolean);
  return shown.length === 0 ? [] : [element("h3", {}, title), ...shown];
};
const topBar = (...buttons) => element("div", { class: "bar-top" }, ...buttons,
  element("button", { type: "button", class: "close", onclick: () => dialog.close() }, "Close"));

const cellParts = (cell) => {
  const verdict = verdicts.get(cell.verdict);
  const found = evidenceOf(cell);
  const neighbour = (step, label) => {
    const there = core.attacks.map((attack) => findCell(cell.browser.id, cell.strategy.id, attack.id)).filter(Boolean);
    const other = there[there.indexOf(cell) + step];
    return element("button", { type: "button", disabled: !other, onclick: () => openCell(other) }, label);
  };
  const was = core.changed[cell.number];
  return [
    topBar(neighbour(-1, "← Previous"), neighbour(1, "Next →")),
    element("h2", { id: "cell-title", tabindex: "-1" }, chip(cell.verdict), cell.strategy.title),
    element("p", { class: "under" }, element("b", {}, `${cell.attack.id} ${cell.attack.title}`), element("br"),
      `${cell.browser.label} · ${cell.browser.cookies}${found ? ` · ${(found.took_ms / 1000).toFixed(1)} s` : ""}`),
    element("p", { class: "seen" }, cell.why),
    element("p", { class: "hint" }, `${verdict.word}: ${verdict.meaning}`),
    cell.unstable.length > 0 && element("p", {}, element("b", {}, "Not in every repetition: "), "also ", cell.unstable.flatMap((other) => [chip(other), " "]), cell.because),
    was && element("p", {}, element("b", {}, "Changed: "), `in the run of ${core.before} it was `, chip(was[0]), ` (${was[1]})`),
    ...section("The same in other browsers", elsewhere(cell)),
    ...section("The story", element("p", { class: "story" }, cell.attack.story)),
    ...section("How it works", element("p", {}, cell.attack.mechanism), element("p", { class: "hint" }, cell.strategy.summary)),
    ...section("What would have stopped it", element("p", {}, cell.attack.stopped_by), standing(cell), defended(cell)),
    ...(found ? evidence(found, cell) : []),
    ...section("Sources", sourceList([...new Set([...cell.attack.sources, ...cell.strategy.sources])])),
  ];
};

const elsewhere = (cell) => {
  const others = core.browsers.filter((browser) => browser !== cell.browser)
    .map((browser) => findCell(browser.id, cell.strategy.id, cell.attack.id)).filter(Boolean);
  return others.length > 0 && element("ul", { class: "chips" }, others.map((other) =>
    element("li", {}, chip(other.verdict), " ", toCell(other, other.browser.label))));
};

// Who stands under the same attack in the same browser.
const standing = (cell) => {
  if (cell.verdict === "SAFE" || cell.verdict === "NA" || !judged(cell.verdict)) return null;
  const safe = core.strategies.map((strategy) => findCell(cell.browser.id, strategy.id, cell.attack.id))
    .filter((other) => other && other.verdict === "SAFE");
  return safe.length === 0 ? element("p", { class: "hint" }, "No strategy of this run is safe from it in this browser.") : element("div", {},
    element("p", { class: "hint" }, "Safe from it in this browser:"),
    element("ul", { class: "chips" }, safe.map((other) => element("li", {}, toCell(other, other.strategy.id, " ", other.strategy.title)))));
};

// Which defence of Cloakroom carries the load in this very cell.
const defended = (cell) => {
  const carrying = core.defences.flatMap((defence) => defence.works_again
    .filter((again) => again.browser === cell.browser.id && again.strategy === cell.strategy.id && again.attack === cell.attack.id)
    .map((again) => element("li", {}, element("b", {}, `Without “${defence.title}”: `), turned(again.with, again.without), ` ${again.why}`)));
  return carrying.length > 0 && element("ul", { class: "controls" }, carrying);
};

const evidence = (found, cell) => [
  ...section("Controls", element("ul", { class: "controls" },
    control("The honest person’s same action", found.honest), control("The same attack on a victim that must fall", found.falls))),
  ...section("What was done", found.steps.length > 0 && element("ol", { class: "steps" }, found.steps.map(step))),
  ...section(`On the wire: ${plural(found.requests.length + found.left_out, "request")}`, found.requests.map(exchange),
    found.left_out > 0 && element("p", { class: "hint" }, `${found.left_out} more are in the JSON file.`)),
  ...section("The victim’s window at the end", picture(found, cell)),
];

const control = (title, { passed, what }) => element("li", {},
  element("span", { class: passed ? "passed" : "failed" }, passed ? "✓ worked" : "✗ failed"), ` ${title}. `, element("span", { class: "soft" }, what));

const step = ({ at_ms, who, what, outcome, failed }) => element("li", { class: `${who === "attacker" ? "attacker" : ""} ${failed ? "halt" : ""}` },
  element("span", { class: "at" }, `${at_ms} ms `), element("span", { class: "who" }, who), ` ${what}`,
  failed && element("span", { class: "failed" }, " It failed here."), outcome && element("span", { class: "came" }, outcome));

const exchange = ({ at_ms, server, method, url, headers, body: sent, status, answer }) => {
  const fields = (list) => list.flatMap(([name, value]) => [element("b", {}, name), `: ${value}\n`]);
  return element("details", { class: "wire" },
    element("summary", {}, element("span", { class: "at" }, `${at_ms} ms `), element("span", { class: "server" }, server), " ",
      element("code", {}, `${method} ${url}`), ` → ${status}`),
    element("pre", { tabindex: "0" }, element("b", {}, `${method} ${url}`), "\n", fields(headers), sent && `\n${sent}\n`, "\n", element("b", {}, String(status)), "\n", fields(answer)));
};

const picture = (found, cell) => {
  if (found.picture !== null) {
    return element("img", { class: "shot", src: pictureOf(found.picture), alt: `Window of the victim: ${cell.strategy.title} under ${cell.attack.title}, in ${cell.browser.label}` });
  }
  return found.file && element("p", { class: "hint" }, "A file beside the JSON file: ", element("code", {}, found.file));
};

// A measure of everyday use.
const openUse = (use, link) => present("", "", [
  topBar(),
  element("h2", { id: "cell-title", tabindex: "-1" }, `${use.usability.title}: ${use.value}`),
  element("p", { class: "under" }, element("b", {}, titled(use.strategy)), element("br"), `${use.browser.label} · ${use.browser.cookies}`),
  element("p", { class: "seen" }, use.why),
  ...section("How it is measured", element("p", {}, use.usability.how)),
  ...section("The strategy", element("p", {}, use.strategy.summary)),
  ...section("The same in other browsers", element("ul", { class: "chips" }, uses
    .filter((other) => other !== use && other.strategy === use.strategy && other.usability === use.usability)
    .map((other) => element("li", {}, `${other.browser.label}: ${other.value}`)))),
], link);

// An attack, or a strategy, with its cells in every browser.
const openAttack = (attack, link) => present("", "", [
  topBar(),
  element("h2", { id: "cell-title", tabindex: "-1" }, `${attack.id} ${attack.title}`),
  element("p", { class: "under" }, attack.group),
  element("p", { class: "story" }, attack.story),
  ...section("How it works", element("p", {}, attack.mechanism)),
  ...section("Stopped by", element("p", {}, attack.stopped_by)),
  ...byBrowser((cell) => cell.attack === attack, (cell) => titled(cell.strategy)),
  ...section("Sources", sourceList(attack.sources)),
], link);
const openStrategy = (strategy, link) => present("", "", [
  topBar(),
  element("h2", { id: "cell-title", tabindex: "-1" }, strategy.title),
  element("p", { class: "under" }, strategy.is_cloakroom ? "One of Cloakroom’s own" : `${strategy.id}, as tutorials do it`),
  element("p", { class: "story" }, strategy.summary),
  ...byBrowser((cell) => cell.strategy === strategy, (cell) => titled(cell.attack)),
  ...section("Sources", sourceList(strategy.sources)),
], link);
const byBrowser = (isMeant, label) => core.browsers.flatMap((browser) => {
  const meant = cells.filter((cell) => cell.browser === browser && isMeant(cell) && cell.verdict !== "NA")
    .sort((one, other) => severity.get(other.verdict) - severity.get(one.verdict));
  return meant.length === 0 ? [] : section(browser.label, element("ul", { class: "chips" }, meant.map((cell) =>
    element("li", {}, chip(cell.verdict), " ", toCell(cell, label(cell))))));
});

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-i], a[data-u], th[data-a] a, tr[data-s] th a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { a, s } = link.closest("th[data-a], tr[data-s]").dataset;
  if (link.dataset.i) openCell(cells[link.dataset.i]);
  else if (link.dataset.u) openUse(uses[link.dataset.u], link);
  else if (a) openAttack(core.attacks.find((attack) => attack.id === a), link);
  else openStrategy(core.strategies.find((strategy) => strategy.id === s), link);
});

// An address may name a cell, an attack, a strategy or a reason.
const follow = () => {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (!target) return;
  if (target.dataset.i) openCell(cells[target.dataset.i]);
  const folded = target.closest("details");
  if (folded && !folded.open) { folded.open = true; target.scrollIntoView(); }
};
addEventListener("hashchange", follow);
