// Verifies the token that Cloakroom puts before each request, with jose. Nobody is asked per request: the keys are fetched
// once and again when a token names one that is not known.
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

/** Middleware: `request.account` is who asks, or the request is refused. */
export function verify({ issuer, audience }) {
  const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", issuer), { cacheMaxAge: 300_000, cooldownDuration: 5000 });
  // All of it is said here and nothing is believed of the token: neither its algorithm nor its type.
  const expected = { issuer, audience, typ: "at+jwt", algorithms: ["EdDSA"], requiredClaims: ["sub", "exp"] };
  return async (request, response, next) => {
    const token = /^Bearer ([\w.-]+)$/i.exec(request.get("authorization") ?? "")?.[1];
    if (!token) return refuse(response, 401, "token-missing", "Bearer");
    try {
      const { payload } = await jwtVerify(token, keys, expected);
      request.account = payload.sub;
    } catch (error) {
      // The keys could not be had: nobody's fault who asks.
      if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout) return refuse(response, 503, "keys-unavailable");
      const code = error instanceof errors.JWTExpired ? "access-expired" : "token-invalid";
      return refuse(response, 401, code, 'Bearer error="invalid_token"');
    }
    next();
  };
}

/** A problem document (RFC 9457). Nothing of the request is repeated in it. */
export function refuse(response, status, code, challenge) {
  if (challenge) response.set("www-authenticate", challenge);
  if (status === 503) response.set("retry-after", "1");
  response.status(status).type("application/problem+json").send(JSON.stringify({ status, code }));
}
