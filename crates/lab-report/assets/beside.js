// Two strategies in one browser, attack by attack.
const pair = document.getElementById("pair");
const ordered = [...core.strategies].sort((one, other) => Number(other.is_cloakroom) - Number(one.is_cloakroom));
for (const id of ["left", "right"]) choose(field(id), ordered.map((strategy) => [strategy.id, `${strategy.id} ${strategy.title === strategy.id ? "" : strategy.title}`]));
choose(field("where"), core.browsers.filter((browser) => browser.ran).map((browser) => [browser.id, browser.label]));
// The first victim beside the first of Cloakroom's own, if there are both.
const firstVictim = ordered.find((strategy) => !strategy.is_cloakroom);
if (firstVictim) field("left").value = firstVictim.id;
field("right").selectedIndex = 0;

const compareTwo = () => {
  const [left, right, where] = ["left", "right", "where"].map((id) => field(id).value);
  const [one, other] = [left, right].map((id) => core.strategies.find((strategy) => strategy.id === id));
  if (!one || !other) return;
  const only = field("only").checked;
  const cellButton = (cell) => cell ? element("button", { type: "button", class: `chip ${verdicts.get(cell.verdict).level}`, onclick: () => openCell(cell) }, verdicts.get(cell.verdict).word) : "–";
  const line = (title, differs, ...values) => only && !differs ? null : element("tr", { class: differs ? "differs" : "same" },
    element("th", { scope: "row" }, title), ...values.map((value) => element("td", {}, value)));
  const part = (title, lines) => {
    const shown = lines.filter(Boolean);
    return shown.length === 0 ? null : element("tbody", {}, element("tr", { class: "part" }, element("th", { scope: "rowgroup", colspan: "4" }, title)), shown);
  };
  const parts = [...new Set(core.attacks.map((attack) => attack.group))].map((group) => part(group, core.attacks
    .filter((attack) => attack.group === group).map((attack) => {
      const [here, there] = [left, right].map((id) => findCell(where, id, attack.id));
      if (!here && !there) return null;
      const both = here && there && judged(here.verdict) && judged(there.verdict);
      const better = both && worse(there.verdict, here.verdict) ? `${one.id} is better` : both && worse(here.verdict, there.verdict) ? `${other.id} is better` : "";
      return line(titled(attack), here?.verdict !== there?.verdict, cellButton(here), cellButton(there), better);
    })));
  parts.push(part("Everyday use", core.usabilities.map((usability) => {
    const [here, there] = [left, right].map((id) => useAt.get(keyOf(where, id, usability.id))?.value);
    return here === undefined && there === undefined ? null : line(usability.title, here !== there, here ?? "–", there ?? "–", "");
  })));
  const head = element("thead", {}, element("tr", {}, element("td"), [one, other].map((strategy) => element("th", { scope: "col" }, strategy.id, element("br"), element("span", { class: "soft" }, strategy.title))), element("td")));
  const shown = parts.filter(Boolean);
  field("pair-out").replaceChildren(shown.length === 0 ? element("p", {}, "They do not differ.") : element("div", { class: "scroll" }, element("table", { class: "pair" }, head, shown)));
};
pair.addEventListener("input", compareTwo);
pair.addEventListener("submit", (event) => event.preventDefault());
