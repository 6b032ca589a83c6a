"""How anything is told to other programs: at least once, always under the same id, by jobs that survive restarts.

Signed as the Standard Webhooks specification (standardwebhooks.com) says: HMAC-SHA256 over “id.timestamp.body”.
"""

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2

from services import jobs
from services.database import now
from services.errors import ConsoleError
from services.secrets import LOOPBACK, Secret

if TYPE_CHECKING:
    from services.workspace import Workspace

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200, 21600, 86400))
SECONDS = 10.0
PREFIX = "whsec_"
HOST = re.compile(r"[^\s%\\]+")
LAST_PORT = 65535
JSON = {"content-type": "application/json"}


def safe(url: str) -> bool:
    """Read by what sends to it later: another reader would see another host in the same words."""
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        return False
    here = parts.scheme == "http" and parts.host in LOOPBACK
    named = HOST.fullmatch(parts.host) is not None and (parts.port or 1) <= LAST_PORT
    return named and (parts.scheme == "https" or here) and not parts.userinfo


def queue(workspace: "Workspace", kind: str, args: dict[str, Any]) -> jobs.Job:
    """Have `args["id"]` told by a job of this kind; `args["tried"]` counts how often it was tried before."""
    due = now() + PAUSES[args["tried"] - 1] if args["tried"] else None
    return jobs.submit(workspace, kind, args, exclusive=f"{kind}:{args['id']}:{args['tried']}", due=due)


def settle(
    workspace: "Workspace", kind: str, args: dict[str, Any], refused: str | None, given_up: ConsoleError
) -> dict[str, Any]:
    """What comes after one try: told, asked again later, or `given_up` after seven times within two days.

    What is to be told `once` is given up at once.
    """
    if refused is None:
        return {"told": args["id"]}
    if args.get("once") or args["tried"] >= len(PAUSES):
        raise given_up
    queue(workspace, kind, args | {"tried": args["tried"] + 1})
    return {"told": None, "again": args["tried"] + 1}


def post_signed(url: str, id: str, body: str, secret: Secret | None) -> str | None:
    """Like `post`, with what a receiver needs to see that it is ours and whether it was here before."""
    if secret is None:
        return "–"
    at = str(int(time.time()))
    headers = {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature(secret.value, id, at, body)}
    return post(url, body, headers)


def post(url: str, body: str, headers: Mapping[str, str]) -> str | None:
    """Why it was not taken; None when it was. Redirects are not followed: the address was checked, theirs was not."""
    try:
        # Only the status counts: what else is answered may be without end, and is not read.
        with httpx2.stream("POST", url, content=body.encode(), headers={**JSON, **headers}, timeout=SECONDS) as answer:
            return None if answer.is_success else str(answer.status_code)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return type(error).__name__


def signature(secret: str, id: str, timestamp: str, body: str) -> str:
    """What the receiver compares; a secret that begins with whsec_ is base64, any other text is used as it is."""
    key = secret.encode()
    if secret.startswith(PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            key = secret.encode()
    digest = hmac.new(key, f"{id}.{timestamp}.{body}".encode(), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
