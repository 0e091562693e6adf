// One stop of the Tab key for each table; arrow keys move inside it. Under the cell that is pointed at, a line says what it is.
document.documentElement.classList.add("js");
const readout = document.getElementById("readout");

const visible = (link) => link && link.offsetParent !== null;
const linkIn = (table, row, column) => table.rows[row]?.cells[column]?.querySelector("a");
const nextLink = (table, row, column, down, right) => {
  const width = Math.max(...[...table.rows].map((line) => line.cells.length));
  for (;;) {
    row += down;
    column += right;
    if (row < 0 || column < 0 || row >= table.rows.length || column >= width) return null;
    const link = linkIn(table, row, column);
    if (visible(link)) return link;
  }
};
const lastLink = (table, row, column, down, right) => {
  let found = null;
  for (let next = nextLink(table, row, column, down, right); next; next = nextLink(table, ...placeOf(next), down, right)) found = next;
  return found;
};
const placeOf = (link) => { const place = link.closest("td, th"); return [place.parentNode.rowIndex, place.cellIndex]; };
const moves = {
  ArrowUp: [nextLink, -1, 0], ArrowDown: [nextLink, 1, 0], ArrowLeft: [nextLink, 0, -1], ArrowRight: [nextLink, 0, 1],
  Home: [lastLink, 0, -1], End: [lastLink, 0, 1], PageUp: [lastLink, -1, 0], PageDown: [lastLink, 1, 0],
};

const stop = (table, link) => {
  for (const other of table.querySelectorAll("a[tabindex='0']")) other.tabIndex = -1;
  if (link) link.tabIndex = 0;
};
// The first cell that is shown, where the former stop was hidden.
const settle = (table) => {
  if (!visible(table.querySelector("a[tabindex='0']"))) stop(table, [...table.querySelectorAll("td a")].find(visible));
};

const pointed = (table, link) => {
  for (const marked of document.querySelectorAll(".at-cell")) marked.classList.remove("at", "at-cell");
  readout.hidden = !link || !link.dataset.i;
  if (readout.hidden) return;
  const [row, column] = placeOf(link);
  const header = [...table.tHead.rows].at(-1).cells[column];
  for (const mark of [header, table.rows[row].cells[0]]) mark.classList.add("at", "at-cell");
  const cell = cells[link.dataset.i];
  readout.replaceChildren(element("p", {}, chip(cell.verdict), " ", titled(cell.strategy), " · ", titled(cell.attack), ` · ${cell.browser.label}. `, element("span", { class: "soft" }, cell.why)));
};

for (const table of document.querySelectorAll("table.map, table.use")) {
  for (const link of table.querySelectorAll("a")) link.tabIndex = -1;
  table.addEventListener("keydown", (event) => {
    const move = moves[event.key];
    const link = event.target.closest("a");
    if (!move || !link || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const [find, down, right] = move;
    const next = find(table, ...placeOf(link), down, right);
    if (!next) return;
    stop(table, next);
    next.focus({ preventScroll: true });
    next.closest("td, th").scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  table.addEventListener("focusin", (event) => { if (event.target.matches("a")) { stop(table, event.target); pointed(table, event.target); } });
  table.addEventListener("focusout", () => pointed(table, null));
  table.addEventListener("mouseover", (event) => { const link = event.target.closest("td a"); if (link) pointed(table, link); });
  table.addEventListener("mouseleave", () => pointed(table, null));
}
