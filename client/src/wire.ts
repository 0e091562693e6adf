/** What is said to the server, and how its refusals are read. Knows no session state. */

/** Absolute addresses only: an injected `<base>` moves relative ones to another site. */
export const origin = location.origin;

/** The browser's own, kept before anybody can wrap it. */
export const native = globalThis.fetch.bind(globalThis);

/** Whether this is the refusal that a refresh cures. Leaves the answer readable for the caller. */
export const expired = async (response: Response): Promise<boolean> =>
  response.status === 401 && (await code(response)) === "access-expired";

/** The `code` of a problem document (RFC 9457), undefined for anything else. */
export async function code(response: Response): Promise<unknown> {
  if (/^application\/problem\+json\b/i.test(response.headers.get("content-type") ?? "")) {
    try {
      return (await response.clone().json()).code;
    } catch {}
  }
  return undefined;
}
