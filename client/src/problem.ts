/** How refusals are read. */

/** The `code` of a problem document (RFC 9457), undefined for anything else. Leaves the answer readable. */
export async function code(response: Response): Promise<unknown> {
  if (/^application\/problem\+json\b/i.test(response.headers.get("content-type") as string)) {
    try {
      return (await response.clone().json()).code;
    } catch {}
  }
  return undefined;
}
