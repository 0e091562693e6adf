// What the page knows: the run, and evidence once it is asked for. Nothing is shown here.
const core = JSON.parse(document.getElementById("run").textContent);
const verdicts = new Map(core.verdicts.map((verdict) => [verdict.key, verdict]));
const cells = core.cells.map(([b, s, a, verdict, why, unstable, because], number) => ({
  number, verdict, why, unstable, because, browser: core.browsers[b], strategy: core.strategies[s], attack: core.attacks[a],
}));
const uses = core.usability.map(([b, s, u, value, why]) => ({
  value, why, browser: core.browsers[b], strategy: core.strategies[s], usability: core.usabilities[u],
}));
const keyOf = (...parts) => JSON.stringify(parts);
const cellAt = new Map(cells.map((cell) => [keyOf(cell.browser.id, cell.strategy.id, cell.attack.id), cell]));
const useAt = new Map(uses.map((use) => [keyOf(use.browser.id, use.strategy.id, use.usability.id), use]));
const findCell = (browser, strategy, attack) => cellAt.get(keyOf(browser, strategy, attack));
// As in html.rs: what a name is behind `#`.
const nameOf = (...parts) => parts.map((part) => [...part].map((char) => (/[A-Za-z0-9-]/.test(char) ? char : "_")).join("")).join(".");
const judged = (verdict) => verdict !== "NOT_RUN" && verdict !== "INVALID";
const severity = new Map(core.verdicts.map((verdict, place) => [verdict.key, place]));
// As in verdict.rs: that there is something to attack is no news in itself.
const worse = (verdict, than) => severity.get(verdict) > severity.get(than) && verdict !== "NOT_RUN" && !(verdict === "SAFE" && than === "NA");

const evidenceOf = (cell) => {
  const block = document.getElementById(`evidence.${nameOf(cell.browser.id, cell.strategy.id)}`);
  if (!block) return null;
  const { fields, cells: found } = JSON.parse(block.textContent);
  const shown = found[cell.number];
  const named = (places) => places.map((place) => fields[place]);
  const requests = shown.requests.map((request) => ({ ...request, headers: named(request.headers), answer: named(request.answer) }));
  return { ...shown, requests };
};
const pictureOf = (number) => {
  const address = JSON.parse(document.getElementById(`picture.${number}`).textContent);
  return address.startsWith("data:image/") ? address : "";
};
