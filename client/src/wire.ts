/** What is said to the server, and where. Knows no session state. */

/** Absolute addresses only: an injected `<base>` moves relative ones to another site. */
export const origin = location.origin;

/**
 * What the paths of this slot begin with: `/u/1`, or nothing for slot 0. It is read from where this script came from,
 * never from the page's own address, which an application makes up.
 */
export const base =
  /^\/u\/[1-9](?=\/auth\/\w+\.js(?![^?#]))/.exec(import.meta.url.replace(origin, ""))?.[0] ?? "";

/** Where our own routes of this slot begin. */
export const auth = origin + base + "/auth/";

/** What the tabs of this slot, and no others, meet at: their channel and their lock. */
export const meeting = "cloakroom" + base;

/** The browser's own, kept before anybody can wrap it. */
export const native = globalThis.fetch.bind(globalThis);

export { code } from "./problem.ts";
