"""Alerts as they are stored: one row from the look that fires to the look that is calm again."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, and_, insert, select, update
from sqlalchemy.exc import IntegrityError

from services import audit
from services.alerts.rules import Rule, name_of
from services.alerts.words import Text
from services.audit import Verb
from services.database import alert as table
from services.database import alert_look, new_id, now, writing
from services.errors import ConflictError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST = 50


@dataclass(frozen=True)
class Alert:
    """One time that a rule fired. `told`: how often people were told; `end_told`: also that it is over."""

    id: int
    rule_id: str
    text: Text
    calm: int
    started_at: datetime
    ended_at: datetime | None
    end_told: bool
    told: int
    told_at: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None


@dataclass(frozen=True)
class Look:
    """How a rule stood when it was last looked at."""

    at: datetime
    seen: dict[str, Any]

    def by(self, rule: Rule) -> bool:
        """Whether the rule looked like this, and was not changed since in what it watches."""
        return self.seen.get("watched", rule.watched) == rule.watched


def open_alerts(workspace: "Workspace") -> list[Alert]:
    """What fires now, the newest first."""
    return _all(workspace, table.c.ended_at.is_(None))


def history(workspace: "Workspace") -> list[Alert]:
    """What is over, the newest first."""
    return _all(workspace, table.c.ended_at.is_not(None))


def untold_ends(workspace: "Workspace") -> list[Alert]:
    """What people were told of and is over, and they do not know yet."""
    return _all(workspace, table.c.ended_at.is_not(None) & table.c.end_told.is_(False) & (table.c.told > 0))


def start(workspace: "Workspace", rule: Rule, text: Text) -> None:
    """Open the rule's alert; where another look has opened it already, nothing happens."""
    row = {"app_id": workspace.app.id, "rule_id": rule.id, "text": text.to_json(), "started_at": now()}
    try:
        with writing(workspace.engine) as connection:
            workspace.fence(connection)
            id = new_id(connection.execute(insert(table).values(row)))
            audit.record(connection, workspace, Verb.NOTICE_ALERT, rule.name, after={"alert": id, "state": "firing"})
    except IntegrityError:
        return


def go_on(workspace: "Workspace", alert: Alert, text: Text) -> None:
    """It still fires: the words are those of the newest look."""
    _update(workspace, table.c.id == alert.id, text=text.to_json(), calm=0)


def calm_down(workspace: "Workspace", alert: Alert, name: str, looks: int) -> None:
    """One calm look more; after so many `looks` it is over."""
    if alert.calm + 1 < looks:
        _update(workspace, table.c.id == alert.id, calm=alert.calm + 1)
        return
    end(workspace, alert, name)


def end(workspace: "Workspace", alert: Alert, name: str) -> None:
    still = and_(table.c.id == alert.id, table.c.ended_at.is_(None))
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        if connection.execute(update(table).where(still).values(ended_at=now())).rowcount:
            found = {"alert": alert.id, "state": "over"}
            audit.record(connection, workspace, Verb.NOTICE_ALERT, name, after=found)


def was_told(workspace: "Workspace", alert: Alert, over: bool = False) -> None:
    """Only after it stands in the queue: a crash in between tells it again, under the same id."""
    values = {"end_told": True} if over else {"told": alert.told + 1, "told_at": now()}
    _update(workspace, table.c.id == alert.id, **values)


def was_not_told(workspace: "Workspace", id: int, told: int, over: bool = False) -> None:
    """What was queued when it had been told so often was held back: the next tick that may tell it does."""
    mine = and_(table.c.id == id, table.c.app_id == workspace.app.id)
    if over:
        _update(workspace, mine, end_told=False)
    else:
        _update(workspace, mine & (table.c.told == told + 1), told=told, told_at=None)


def still_open(workspace: "Workspace", id: int) -> bool:
    return bool(_all(workspace, (table.c.id == id) & table.c.ended_at.is_(None)))


def acknowledge(workspace: "Workspace", id: int) -> None:
    """Say that this person looks after it: nobody is reminded any more; raises ConflictError when it is over."""
    mine = and_(table.c.id == id, table.c.app_id == workspace.app.id, table.c.ended_at.is_(None))
    name = next((name_of(workspace, one.rule_id) for one in open_alerts(workspace) if one.id == id), "")
    with audit.change(workspace, Verb.ACKNOWLEDGE_ALERT, name, after=id):
        taken = {"acknowledged_by": workspace.actor.id, "acknowledged_at": now()}
        with writing(workspace.engine) as connection:
            first = and_(mine, table.c.acknowledged_by.is_(None))
            if not connection.execute(update(table).where(first).values(taken)).rowcount:
                raise ConflictError(
                    Message("This alert is over, or somebody looks after it already."), Message("Reload the page.")
                )


def looks(workspace: "Workspace") -> dict[str, Look]:
    """The last look of each rule that was looked at."""
    query = select(alert_look).where(alert_look.c.app_id == workspace.app.id)
    with workspace.engine.connect() as connection:
        return {row.rule_id: Look(row.looked_at, row.seen) for row in connection.execute(query)}


def keep_look(workspace: "Workspace", rule_id: str, at: datetime, seen: dict[str, Any]) -> None:
    mine = (alert_look.c.app_id == workspace.app.id) & (alert_look.c.rule_id == rule_id)
    values = {"looked_at": at, "seen": seen}
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        if not connection.execute(update(alert_look).where(mine).values(values)).rowcount:
            row = {"app_id": workspace.app.id, "rule_id": rule_id, **values}
            connection.execute(insert(alert_look).values(row))


def _all(workspace: "Workspace", which: ColumnElement[bool]) -> list[Alert]:
    query = select(table).where(table.c.app_id == workspace.app.id, which).order_by(table.c.id.desc()).limit(MOST)
    with workspace.engine.connect() as connection:
        return [_alert(row._mapping) for row in connection.execute(query)]


def _alert(row: Any) -> Alert:
    facts = {name: row[name] for name in Alert.__dataclass_fields__}
    return Alert(**facts | {"text": Text.from_json(row["text"])})


def _update(workspace: "Workspace", which: ColumnElement[bool], **values: Any) -> None:
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        connection.execute(update(table).where(which).values(**values))
