// Makes elements. Whatever a run says is given to them as text, never as markup.
const element = (name, properties = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(2).filter((child) => child instanceof Node || (typeof child === "string" && child !== "")));
  return made;
};
const chip = (verdict) => {
  const { word, level } = verdicts.get(verdict) ?? { word: String(verdict), level: "lx" };
  return element("span", { class: `chip ${level}` }, word);
};
const turned = (before, after) => element("span", { class: "turned" }, chip(before), " → ", chip(after));
const titled = (thing) => [element("b", {}, thing.id), thing.title === thing.id ? "" : ` ${thing.title}`];
const plural = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;
const sourceList = (sources) => sources.length === 0 ? null : element("ul", { class: "sources" }, sources.map((source) =>
  // Nothing but the web is linked to: `javascript:` is an address, too.
  element("li", {}, source.startsWith("https://") ? element("a", { href: source, rel: "noreferrer" }, source) : source)));
