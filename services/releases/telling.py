"""The signed webhook: other programs hear of every release, at least once and always under the same id."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from services import apps, audit, delivery
from services.audit import Verb
from services.database import now
from services.errors import InvalidInputError, NotReadyError, PlatformError
from services.messages import Message
from services.releases.facts import Release

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

SETTING = "webhook"
JOB = "tell_webhook"


def address(workspace: "Workspace") -> str:
    """Where the app's releases are told to; empty when nobody wants to hear."""
    return str((apps.load_setting(workspace, SETTING) or {}).get("url", ""))


def save_address(workspace: "Workspace", url: str) -> None:
    """Store it; raises InvalidInputError for what is not https (or this machine), NotReadyError without a secret."""
    if url and not delivery.safe(url):
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
        "environment": release.stage.value,
        "kind": release.kind.value,
        "prompt": release.prompt_name,
        "before": asdict(release.before),
        "after": asdict(release.after),
        "by": workspace.actor.id,
        "at": now().isoformat(),
    }
    delivery.queue(workspace, JOB, {"id": id, "body": json.dumps(body, sort_keys=True), "tried": 0})


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """Send one event; a receiver that does not take it is asked again later, seven times within two days.

    Nothing is left to send once nobody wants to hear any more.
    """
    args = work.args
    if not address(workspace):
        return {"told": None}
    refused = delivery.post_signed(address(workspace), args["id"], args["body"], workspace.settings.webhook_secret)
    given_up = PlatformError(
        Message("The webhook did not take {id}: {reason}", id=args["id"], reason=refused or ""),
        Message("Ask whoever receives it, or correct its address on the Apps screen."),
    )
    return delivery.settle(workspace, JOB, args, refused, given_up)
