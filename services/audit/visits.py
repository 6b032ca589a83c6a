"""What others changed in an app since this person was here before."""

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from services import people
from services.audit.reading import Event
from services.audit.searching import AuditQuery, page
from services.audit.verbs import Verb
from services.database import now

if TYPE_CHECKING:
    from services.workspace import Workspace

# Whoever comes back after lunch begins a new visit; whoever goes from screen to screen does not.
PAUSE = timedelta(minutes=30)
WRITTEN_EVERY = timedelta(minutes=1)
MOST = 8
TOLD = (
    *(Verb.PROPOSE_RELEASE, Verb.APPROVE_RELEASE, Verb.REJECT_RELEASE, Verb.WITHDRAW_RELEASE, Verb.START_RELEASE),
    *(Verb.STOP_RELEASE, Verb.ROLL_BACK, Verb.ADOPT_MOVE, Verb.CONFIRM_OVERRIDE, Verb.TAKE_OFFLINE, Verb.BRING_BACK),
    *(Verb.MOVE_ALIAS, Verb.MOVE_TRAFFIC, Verb.NOTICE_MOVE, Verb.NOTICE_LIVE, Verb.SAVE_GATE, Verb.SAVE_APPROVAL_RULE),
)


def began(workspace: "Workspace") -> datetime | None:
    """When this person's last visit of this app ended; None on the first one. Looking counts as being here."""
    what, time = f"visit {workspace.app.id}", now()
    kept = json.loads(people.remembered(workspace, what) or "{}")
    seen = datetime.fromisoformat(kept["seen"]) if kept else None
    since = kept.get("since")
    if seen is not None and time - seen > PAUSE:
        since = kept["seen"]
    if seen is None or time - seen > WRITTEN_EVERY:
        people.remember(workspace, what, json.dumps({"seen": time.isoformat(), "since": since}))
    return datetime.fromisoformat(since) if since else None


def changes(workspace: "Workspace", since: datetime) -> tuple[Event, ...]:
    """What others did to releases, pointers and rules since then, newest first; it never holds a person's own clicks."""
    asked = AuditQuery(workspace.app.id, verbs=TOLD, outcome="done", since=since, but=workspace.actor.id, limit=MOST)
    return page(workspace, asked).lines
