#!/usr/bin/env python3
"""A program that is no browser: logs in with the strategy `native`, keeps both tokens, refreshes, calls an API, logs out.

    ./things.py login EMAIL     asks for the password (or reads it from standard input)
    ./things.py list
    ./things.py leave NAME
    ./things.py logout

SITE is the address of Cloakroom, http://localhost:8080. TOKENS is the file that the tokens are kept in, readable by its
owner only; a phone or a desktop program has a better place (see README.md). Python 3.10, nothing to install.
"""

import fcntl
import getpass
import json
import os
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

SITE = os.environ.get("SITE", "http://localhost:8080").rstrip("/")
TOKENS = Path(os.environ.get("TOKENS", Path.home() / ".local/state/cloakroom-things.json"))


class NotNow(Exception):
    """Nobody answered, or somebody said: later. It says nothing about the session."""


class Answer:
    def __init__(self, status: int, body: dict) -> None:
        self.status, self.body = status, body

    @property
    def code(self) -> str:
        return self.body.get("code", "")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the tokens to wherever it points."""

    def redirect_request(self, *_):
        return None


# No proxy and no cookie jar: a request with `Cookie` is taken for a browser's.
OPENER = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))


def send(method: str, path: str, body: dict | None = None, access: str | None = None) -> Answer:
    headers = {"accept": "application/json"}
    if body is not None:
        headers["content-type"] = "application/json"
    if access:
        headers["authorization"] = f"Bearer {access}"
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SITE + path, data, headers, method=method)
    try:
        with OPENER.open(request, timeout=20) as response:
            status, text = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError as error:
        raise NotNow("nobody answers; try again") from error
    if status >= 500:
        raise NotNow(f"the server says {status}; try again")
    try:
        found = json.loads(text or b"{}")
    except ValueError:
        found = {}
    return Answer(status, found if isinstance(found, dict) else {})


class Kept:
    """The tokens in their file, and a lock: of two programs that refresh with one token, one would look like a thief."""

    def __enter__(self) -> "Kept":
        TOKENS.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.lock = open(TOKENS.with_suffix(".lock"), "w", opener=lambda path, flags: os.open(path, flags, 0o600))
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.values = json.loads(TOKENS.read_text()) if TOKENS.exists() else {}
        return self

    def __exit__(self, *_) -> None:
        self.lock.close()

    def save(self, **changes: str | None) -> None:
        """All or nothing, and on the disk before anybody uses it. What is None is forgotten."""
        self.values = {name: value for name, value in {**self.values, **changes}.items() if value is not None}
        # Made with mode 0600.
        descriptor, name = tempfile.mkstemp(dir=TOKENS.parent, prefix=TOKENS.name)
        with os.fdopen(descriptor, "w") as file:
            json.dump(self.values, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, TOKENS)

    def forget(self) -> None:
        """Both tokens; not the device, which opens nothing, and spares its owner the wait when somebody guesses."""
        self.save(access_token=None, refresh_token=None)

    def refresh(self) -> None:
        """A new pair. Ends the program when the session is over; raises `NotNow` when nobody knows."""
        answer = send("POST", "/auth/refresh", {"refresh_token": self.values["refresh_token"]})
        if answer.status == 200:
            # Before the new access token is used: until then the old refresh token gets the same answer again.
            self.save(access_token=answer.body["access_token"], refresh_token=answer.body["refresh_token"])
        elif answer.code == "session-ended":
            self.forget()
            sys.exit("your session is over: log in again")
        else:
            raise NotNow(f"not refreshed ({answer.status} {answer.code}); try again")


def call(method: str, path: str, body: dict | None = None) -> Answer:
    """A call with a refresh, once, where the access token is over or no good any more."""
    with Kept() as kept:
        if "refresh_token" not in kept.values:
            sys.exit("you are not logged in")
        answer = send(method, path, body, kept.values["access_token"])
        if answer.status == 401 and answer.code in ("access-expired", "signed-out"):
            kept.refresh()
            answer = send(method, path, body, kept.values["access_token"])
        return answer


def log_in(email: str) -> None:
    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    with Kept() as kept:
        body = {"email": email, "password": password, "strategy": "native"}
        # Of this account on this device, if it was ever here.
        devices = kept.values.get("devices", {})
        if email in devices:
            body["device"] = devices[email]
        answer = send("POST", "/auth/login", body)
        if answer.code == "second-factor-asked":
            sys.exit("this account has a second factor, which this example does not ask for")
        if answer.status != 200:
            sys.exit(f"not logged in: {answer.body.get('title', answer.status)}")
        if "device" in answer.body:
            devices = {**devices, email: answer.body["device"]}
        kept.save(access_token=answer.body["access_token"], refresh_token=answer.body["refresh_token"], devices=devices)
    print(f"logged in as {answer.body['account']['email']}")


def log_out() -> None:
    with Kept() as kept:
        if "access_token" not in kept.values:
            sys.exit("you are not logged in")
        # An expired access token will do. Forgotten only when the server has ended the session, or knows of none.
        answer = send("POST", "/auth/logout", access=kept.values["access_token"])
        if answer.status not in (200, 204, 401):
            sys.exit(f"not logged out: {answer.status} {answer.code}")
        kept.forget()
    print("logged out")


def show(answer: Answer) -> None:
    if answer.status not in (200, 201):
        sys.exit(f"refused: {answer.status} {answer.code}")
    print("\n".join(answer.body["things"]) or "nothing here yet")


def main() -> None:
    match sys.argv[1:]:
        case ["login", email]:
            log_in(email)
        case ["list"]:
            show(call("GET", "/api/things"))
        case ["leave", name]:
            show(call("POST", "/api/things", {"name": name}))
        case ["logout"]:
            log_out()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main()
    except NotNow as problem:
        sys.exit(f"{problem}")
