// An OpenID provider of one test: the certified npm package oidc-provider, with its own forms, everything in memory.
//
// Its settings are JSON in the environment variable PROVIDER (dev/providers/src/oidc_provider.rs writes them); it prints
// `listening on <issuer>` when it takes requests. Deliberately absent: passwords. Whatever is typed is who somebody is.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

// The package uses it, and Node has it only from 22 on.
URL.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null);
const { default: Provider } = await import("oidc-provider");

const { port, clients, accounts, access_token_seconds: lifespan } = JSON.parse(process.env.PROVIDER);

// The issuer has to be known before the provider is made, so the port comes first.
const server = createServer();
server.listen(port, "127.0.0.1");
await once(server, "listening");
const issuer = `http://127.0.0.1:${server.address().port}`;

const key = () => ({ ...generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" }), use: "sig", alg: "RS256" });

const provider = new Provider(issuer, {
  clients,
  claims: { email: ["email", "email_verified"], groups: ["groups"], openid: ["sub"], profile: ["name"] },
  // Claims stand in the ID token, as most providers do it, and not only in the answer of userinfo.
  conformIdTokenClaims: false,
  cookies: { keys: [randomBytes(32).toString("hex")] },
  features: {
    backchannelLogout: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_context, indicator) => ({
        accessTokenFormat: "jwt",
        accessTokenTTL: lifespan,
        audience: indicator,
        scope: "openid email groups profile",
      }),
    },
    revocation: { enabled: true },
    rpInitiatedLogout: { enabled: true },
  },
  // It refuses to call loopback addresses, which is right in the open and wrong for back-channel log-out on one machine.
  fetch: (url, { dispatcher: _guard, ...options }) => fetch(url, options),
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ ...accounts[id], sub: id }) }),
  // Also without offline_access: such a refresh token ends with the session.
  issueRefreshToken: (_context, client) => client.grantTypeAllowed("refresh_token"),
  jwks: { keys: [key()] },
  pkce: { required: () => true },
  ttl: { AccessToken: lifespan, Grant: 86_400, IdToken: lifespan, Interaction: 3_600, RefreshToken: 86_400, Session: 86_400 },
});
for (const event of ["server_error", "backchannel.error"]) {
  provider.on(event, (_context, error) => console.error(event, error));
}
server.on("request", provider.callback());
console.log(`listening on ${issuer}`);
