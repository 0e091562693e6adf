"""Things people leave, in memory: an API in FastAPI. It has no log-in, no session and no cookie; who asks stands in the token."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, StringConstraints

from verify import Refusal, verifier

PER_ACCOUNT = 100
ACCOUNTS = 1000

account = verifier(os.environ.get("ISSUER", "http://localhost:8080"), os.environ.get("AUDIENCE", "things"))
Account = Annotated[str, Depends(account)]
app = FastAPI(openapi_url=None)
things: dict[str, list[str]] = {}
"""By account."""


class Thing(BaseModel):
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


@app.get("/api/things")
def read(who: Account) -> dict[str, list[str]]:
    return {"things": things.get(who, [])}


@app.post("/api/things", status_code=201)
def leave(who: Account, thing: Thing) -> dict[str, list[str]]:
    mine = things.get(who, [])
    if len(mine) == PER_ACCOUNT or (not mine and len(things) == ACCOUNTS):
        raise Refusal(409, "full")
    things[who] = [*mine, thing.name]
    return {"things": things[who]}


@app.exception_handler(Refusal)
async def refused(_: Request, refusal: Refusal) -> JSONResponse:
    """A problem document (RFC 9457). Nothing of the request is repeated in it."""
    headers = {"www-authenticate": refusal.challenge} if refusal.challenge else {}
    if refusal.status == 503:
        headers["retry-after"] = "1"
    body = {"status": refusal.status, "code": refusal.code}
    return JSONResponse(body, refusal.status, headers, media_type="application/problem+json")


@app.exception_handler(RequestValidationError)
async def invalid(request: Request, _: RequestValidationError) -> JSONResponse:
    return await refused(request, Refusal(422, "bad-thing"))


app.mount("/", StaticFiles(directory=os.environ.get("PAGE", "../plain/public"), html=True))
