"""The signed webhook: other programs hear of every release, at least once and always under the same id.

Signed as the Standard Webhooks specification (standardwebhooks.com) says: HMAC-SHA256 over “id.timestamp.body”.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx2

from services import apps, audit, jobs
from services.audit import Verb
from services.database import now
from services.errors import InvalidInputError, NotReadyError, PlatformError
from services.messages import Message
from services.releases.records import Release
from services.settings import LOOPBACK

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

SETTING = "webhook"
JOB = "tell_webhook"
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (10, 60, 300, 1800, 7200, 21600, 86400))
SECONDS = 10.0
PREFIX = "whsec_"
HOST = re.compile(r"[^\s%\\]+")
LAST_PORT = 65535


def address(workspace: "Workspace") -> str:
    """Where the app's releases are told to; empty when nobody wants to hear."""
    return str((apps.load_setting(workspace, SETTING) or {}).get("url", ""))


def save_address(workspace: "Workspace", url: str) -> None:
    """Store it; raises InvalidInputError for what is not https (or this machine), NotReadyError without a secret."""
    if url and not _safe(url):
        raise InvalidInputError(
            Message("“{url}” cannot be a webhook's address.", url=url[:200]),
            Message("Write an address that begins with https://, without a name and password."),
        )
    if url and workspace.settings.webhook_secret is None:
        raise NotReadyError(
            Message("Nothing signs the webhook yet."),
            Message(
                "Set SIGNALBOX_WEBHOOK_SECRET to a long random text, start the console again, and tell the receiver."
            ),
        )
    with audit.change(workspace, Verb.UPDATE_APP, "webhook", address(workspace), url):
        apps.save_setting(workspace, SETTING, {"url": url})


def _safe(url: str) -> bool:
    """Read by what sends to it later: another reader would see another host in the same words."""
    try:
        parts = httpx2.URL(url)
    except httpx2.InvalidURL:
        return False
    here = parts.scheme == "http" and parts.host in LOOPBACK
    named = HOST.fullmatch(parts.host) is not None and (parts.port or 1) <= LAST_PORT
    return named and (parts.scheme == "https" or here) and not parts.userinfo


def tell(workspace: "Workspace", event: str, release: Release) -> None:
    """Queue one event; asked again for the same one, the same id is told again."""
    if not address(workspace):
        return
    id = f"{workspace.app.id}-{release.id}-{event.replace(' ', '-')}"
    body = {
        "id": id,
        "type": f"release.{event.replace(' ', '_')}",
        "app": workspace.app.id,
        "release": release.id,
        "kind": release.kind.value,
        "prompt": release.prompt_name,
        "before": asdict(release.before),
        "after": asdict(release.after),
        "by": workspace.actor.id,
        "at": now().isoformat(),
    }
    _queue(workspace, {"id": id, "body": json.dumps(body, sort_keys=True), "tried": 0})


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """Send one event; a receiver that does not take it is asked again later, seven times within two days.

    Nothing is left to send once nobody wants to hear any more.
    """
    args = work.args
    if not address(workspace):
        return {"told": None}
    refused = _send(workspace, args["id"], args["body"])
    if refused is None:
        return {"told": args["id"]}
    if args["tried"] == len(PAUSES):
        raise PlatformError(
            Message("The webhook did not take {id}: {reason}", id=args["id"], reason=refused),
            Message("Ask whoever receives it, or correct its address on the Apps screen."),
        )
    _queue(workspace, args | {"tried": args["tried"] + 1})
    return {"told": None, "again": args["tried"] + 1}


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


def _queue(workspace: "Workspace", args: dict[str, Any]) -> None:
    due = now() + PAUSES[args["tried"] - 1] if args["tried"] else None
    jobs.submit(workspace, JOB, args, exclusive=f"{JOB}:{args['id']}:{args['tried']}", due=due)


def _send(workspace: "Workspace", id: str, body: str) -> str | None:
    """Why it was not taken; None when it was. Redirects are not followed: the address was checked, theirs was not."""
    secret, at = workspace.settings.webhook_secret, str(int(time.time()))
    url, told = address(workspace), {"content-type": "application/json"}
    if secret is None:
        return "–"
    signed = {"webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature(secret.value, id, at, body)}
    try:
        # Only the status counts: what else is answered may be without end, and is not read.
        with httpx2.stream("POST", url, content=body.encode(), headers=told | signed, timeout=SECONDS) as answer:
            return None if answer.is_success else str(answer.status_code)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return type(error).__name__
