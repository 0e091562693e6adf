"""Verifies the token that Cloakroom puts before each request, with PyJWT.

Nobody is asked per request: the keys are fetched once, and again when a token names one that is not known.
"""

import re
from collections.abc import Callable

import jwt
from fastapi import Request

BEARER = re.compile(r"Bearer ([\w.-]+)", re.IGNORECASE)


class Refusal(Exception):
    """Why a request is refused: a status of HTTP, a public code, and the challenge of a 401."""

    def __init__(self, status: int, code: str, challenge: str | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.challenge = status, code, challenge


def verifier(issuer: str, audience: str) -> Callable[[Request], str]:
    """A dependency of routes: gives the account that asks, or raises `Refusal`. It may wait, so it is not `async`."""
    keys = jwt.PyJWKClient(f"{issuer}/.well-known/jwks.json", lifespan=300, timeout=3)

    def account(request: Request) -> str:
        found = BEARER.fullmatch(request.headers.get("authorization", ""))
        if not found:
            raise Refusal(401, "token-missing", "Bearer")
        token = found[1]
        try:
            # PyJWT does not judge the type; and what is no access token is not looked up.
            if jwt.get_unverified_header(token).get("typ") != "at+jwt":
                raise jwt.InvalidTokenError("not an access token")
            key = keys.get_signing_key_from_jwt(token)
            # The algorithm is said here, never by the token.
            claims = jwt.decode(
                token,
                key.key,
                algorithms=["EdDSA"],
                issuer=issuer,
                audience=audience,
                options={"require": ["exp", "sub", "iss", "aud"]},
            )
        except jwt.PyJWKClientConnectionError as error:
            raise Refusal(503, "keys-unavailable") from error
        except jwt.ExpiredSignatureError as error:
            raise Refusal(401, "access-expired", 'Bearer error="invalid_token"') from error
        except jwt.PyJWTError as error:
            raise Refusal(401, "token-invalid", 'Bearer error="invalid_token"') from error
        return claims["sub"]

    return account
