// Shows some of the cells. A line or a column without any of them goes; other cells of those that stay step back.
const filters = document.getElementById("filters");
const field = (id) => document.getElementById(id);
const choose = (select, options) => select.append(...options.map(([value, label]) => element("option", { value }, label)));
choose(field("browser"), core.browsers.filter((browser) => browser.ran).map((browser) => [browser.id, browser.label]));
choose(field("group"), [...new Set(core.attacks.map((attack) => attack.group))].map((group) => [group, group]));
choose(field("verdict"), core.verdicts.filter((verdict) => cells.some((cell) => cell.verdict === verdict.key || cell.unstable.includes(verdict.key)))
  .reverse().map((verdict) => [verdict.key, verdict.word]));

// What browsers disagree about: strategy and attack, over the cells that were judged.
const seenIn = new Map();
for (const cell of cells.filter((cell) => judged(cell.verdict))) {
  const place = keyOf(cell.strategy.id, cell.attack.id);
  seenIn.set(place, (seenIn.get(place) ?? new Set()).add(cell.verdict));
}
const haystack = cells.map((cell) => [cell.strategy.id, cell.strategy.title, cell.attack.id, cell.attack.title, verdicts.get(cell.verdict).word, cell.why]
  .join(" \n ").toLowerCase());

const wanted = () => {
  const words = field("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [browser, group, verdict] = ["browser", "group", "verdict"].map((id) => field(id).value);
  const [ours, differs] = ["ours", "differs"].map((id) => field(id).checked);
  const any = words.length > 0 || browser || group || verdict || ours || differs;
  return any && ((cell) => (!browser || cell.browser.id === browser) && (!group || cell.attack.group === group)
    && (!verdict || cell.verdict === verdict || cell.unstable.includes(verdict)) && (!ours || cell.strategy.is_cloakroom)
    && (!differs || seenIn.get(keyOf(cell.strategy.id, cell.attack.id))?.size > 1)
    && words.every((word) => haystack[cell.number].includes(word)));
};

const filter = () => {
  const matches = wanted();
  const shown = new Set(matches ? cells.filter(matches) : cells);
  const all = (ids, of) => new Set(matches ? [...shown].map((cell) => of(cell)) : ids);
  const rows = all(core.strategies.map((strategy) => strategy.id), (cell) => cell.strategy.id);
  const columns = all(core.attacks.map((attack) => attack.id), (cell) => cell.attack.id);
  const browser = field("browser").value;
  for (const state of document.querySelectorAll("section.state")) {
    state.hidden = Boolean(browser) && state.dataset.b !== browser;
    for (const line of state.querySelectorAll("tr[data-s]")) line.hidden = !rows.has(line.dataset.s);
    for (const set of state.querySelectorAll("tbody")) set.hidden = [...set.querySelectorAll("tr[data-s]")].every((line) => line.hidden);
    const map = state.querySelector("table.map");
    if (map) narrow(map, columns);
    for (const link of state.querySelectorAll("a[data-i]")) link.parentNode.classList.toggle("dim", !shown.has(cells[link.dataset.i]));
    for (const table of state.querySelectorAll("table")) settle(table);
  }
  field("found").value = matches ? `${shown.size} of ${plural(cells.length, "cell")}` : plural(cells.length, "cell");
  for (const button of document.querySelectorAll("button.chip[data-v]")) button.setAttribute("aria-pressed", String(button.dataset.v === field("verdict").value));
};

// Hides the columns that are not among these, and lets the groups' headers span what is left.
const narrow = (map, columns) => {
  const [groups, heads] = map.tHead.rows;
  const hidden = [...heads.cells].map((head) => Boolean(head.dataset.a) && !columns.has(head.dataset.a));
  for (const line of map.rows) {
    if (line !== groups && line.cells.length === hidden.length) [...line.cells].forEach((cell, place) => { cell.hidden = hidden[place]; });
  }
  let first = 1;
  for (const group of [...groups.cells].slice(1)) {
    const size = group.dataset.size ?? (group.dataset.size = group.colSpan);
    const left = hidden.slice(first, first + Number(size)).filter((gone) => !gone).length;
    group.hidden = left === 0;
    group.colSpan = Math.max(left, 1);
    first += Number(size);
  }
  const left = Math.max(1, hidden.filter((gone) => !gone).length);
  for (const set of map.querySelectorAll("tr.set th")) set.colSpan = left;
};

filters.addEventListener("input", filter);
filters.addEventListener("submit", (event) => event.preventDefault());
field("all").addEventListener("click", () => { filters.reset(); filter(); });
for (const word of document.querySelectorAll("#legend .chip[data-v]")) {
  const { key } = core.verdicts.find((verdict) => verdict.word === word.dataset.v);
  if (![...field("verdict").options].some((option) => option.value === key)) continue;
  const button = element("button", { type: "button", class: word.className, "data-v": key, "aria-pressed": "false", onclick: () => {
    field("verdict").value = field("verdict").value === key ? "" : key;
    filter();
    if (field("verdict").value) field("maps").scrollIntoView();
  } }, word.textContent);
  word.replaceWith(button);
}
