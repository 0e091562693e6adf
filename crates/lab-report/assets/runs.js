// Compares with a run that is loaded from disk; it never leaves the page. As change.rs does it.
const LONGEST = 64 * 1024 * 1024;
const text = (value, path) => { if (typeof value !== "string") throw new Error(`${path} is no text`); return value; };
const list = (value, path) => { if (!Array.isArray(value)) throw new Error(`${path} is no list`); return value; };
// What of another run is needed here, or an error that says what does not fit.
const readRun = (raw) => {
  const run = JSON.parse(raw);
  if (run?.schema !== core.schema) throw new Error(`its schema is ${JSON.stringify(run?.schema)?.slice(0, 80)}, and this page reads ${core.schema}`);
  const label = (browser, path) => `${text(browser.name, `${path}.name`)} ${text(browser.version, `${path}.version`).split("/").at(-1)}`.trim();
  const things = (name, title) => new Map(list(run[name], name).map((thing, place) => [text(thing?.id, `${name}[${place}].id`), title(thing, `${name}[${place}]`)]));
  const ran = { ...run, browsers: list(run.browsers, "browsers").filter((browser) => browser.not_run === null || browser.not_run === undefined) };
  run.browsers = ran.browsers;
  return {
    began: text(run.began_at, "began_at"), browsers: things("browsers", label), strategies: things("strategies", (thing, path) => text(thing.title, `${path}.title`)),
    attacks: things("attacks", (thing, path) => text(thing.title, `${path}.title`)),
    cells: new Map(list(run.cells, "cells").map((cell, place) => {
      const path = `cells[${place}]`;
      if (!verdicts.has(cell?.verdict)) throw new Error(`${path}.verdict is no verdict`);
      return [keyOf(text(cell.browser, `${path}.browser`), text(cell.strategy, `${path}.strategy`), text(cell.attack, `${path}.attack`)), { verdict: cell.verdict, why: text(cell.why, `${path}.why`) }];
    })),
  };
};
const thisRun = () => ({
  began: core.began, browsers: new Map(core.browsers.filter((browser) => browser.ran).map((browser) => [browser.id, browser.label])),
  strategies: new Map(core.strategies.map((thing) => [thing.id, thing.title])), attacks: new Map(core.attacks.map((thing) => [thing.id, thing.title])), cells: cellAt,
});

const comparison = (before, after) => {
  const parts = [element("p", {}, `From the run of ${before.began} to the run of ${after.began}.`)];
  for (const [browser, label] of after.browsers) {
    if (!before.browsers.has(browser)) continue;
    const compared = [...after.cells].filter(([place, cell]) => JSON.parse(place)[0] === browser && cell.verdict !== "NOT_RUN" && (before.cells.get(place)?.verdict ?? "NOT_RUN") !== "NOT_RUN");
    const changed = compared.filter(([place, cell]) => before.cells.get(place).verdict !== cell.verdict);
    const old = before.browsers.get(browser);
    parts.push(element("h3", {}, `${old === label ? label : `${old} → ${label}`}: ${changed.length === 0 ? "none" : changed.length} of ${plural(compared.length, "cell")} changed`));
    if (changed.length === 0) continue;
    const columns = ["Strategy", "Attack", "Verdict", "What was seen"].map((title) => element("th", { scope: "col" }, title));
    parts.push(element("div", { class: "scroll" }, element("table", { class: "list" }, element("thead", {}, element("tr", {}, columns)), element("tbody", {}, changed.map(([place, cell]) => {
      const [, strategy, attack] = JSON.parse(place);
      const was = before.cells.get(place);
      return element("tr", {}, element("th", { scope: "row" }, `${strategy} ${after.strategies.get(strategy) ?? ""}`), element("td", {}, `${attack} ${after.attacks.get(attack) ?? ""}`),
        element("td", {}, turned(was.verdict, cell.verdict), worse(cell.verdict, was.verdict) ? element("b", {}, " worse") : worse(was.verdict, cell.verdict) ? " better" : ""), element("td", {}, cell.why));
    })))));
  }
  const comings = [["browser", "browsers"], ["strategy", "strategies"], ["attack", "attacks"]].flatMap(([kind, name]) => [
    ...[...after[name]].filter(([id]) => !before[name].has(id)).map(([id, title]) => `new: ${kind} ${id} ${title}`),
    ...[...before[name]].filter(([id]) => !after[name].has(id)).map(([id, title]) => `no longer there: ${kind} ${id} ${title}`)]);
  if (comings.length > 0) parts.push(element("ul", {}, comings.map((coming) => element("li", {}, coming))));
  return parts;
};

document.getElementById("other").addEventListener("change", async (event) => {
  const out = document.getElementById("other-out");
  const [file] = event.target.files;
  if (!file) { out.replaceChildren(); return; }
  try {
    if (file.size > LONGEST) throw new Error("it is longer than 64 MiB");
    const [here, there] = [thisRun(), readRun(await file.text())];
    out.replaceChildren(...(there.began <= here.began ? comparison(there, here) : comparison(here, there)));
  } catch (error) {
    out.replaceChildren(element("p", { class: "problem" }, `${file.name} cannot be compared: ${error.message}. Choose the JSON file that cloakroom-lab run wrote.`));
  }
});

filter();
compareTwo();
follow();
