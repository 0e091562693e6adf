// Signing in with the identity provider: authorization code with PKCE (RFC 7636), for public clients.
const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** Leaves for the provider; the verifier waits in sessionStorage. */
export async function begin(origin, client, extra = {}) {
  const verifier = encode(crypto.getRandomValues(new Uint8Array(32)));
  const state = encode(crypto.getRandomValues(new Uint8Array(16)));
  sessionStorage.setItem("oauth", JSON.stringify({ verifier, state }));
  const challenge = encode(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  location.href = `${origin}/authorize?${new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: `${location.origin}/callback`,
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
    ...extra,
  })}`;
}

/** Back from the provider: what the token endpoint wants, or null. The code leaves the address bar. */
export function finish() {
  const query = new URLSearchParams(location.search);
  if (location.pathname !== "/callback" || !query.has("code")) return null;
  const kept = JSON.parse(sessionStorage.getItem("oauth") ?? "{}");
  sessionStorage.removeItem("oauth");
  const code = query.get("code");
  const fits = kept.state !== undefined && kept.state === query.get("state");
  history.replaceState(null, "", "/");
  const redirect_uri = `${location.origin}/callback`;
  return fits ? { grant_type: "authorization_code", code, code_verifier: kept.verifier, redirect_uri } : null;
}
