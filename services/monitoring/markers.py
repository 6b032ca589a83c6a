"""What was changed while production ran, as marks on its charts: releases, prompts, traffic, scorers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services import audit
from services.audit import Event, Verb
from services.messages import Message
from services.platforms import MonitoredScorer

if TYPE_CHECKING:
    from services.workspace import Workspace

SCORERS = (Verb.SAVE_SCORER, Verb.SAVE_SCORER_CODE, Verb.REMOVE_SCORER)
MARKED = (
    *(Verb.MOVE_ALIAS, Verb.MOVE_TRAFFIC, Verb.NOTICE_MOVE, Verb.ROLL_BACK),
    *(Verb.START_SCORERS, Verb.STOP_SCORERS, Verb.NOTICE_JUDGE),
    *SCORERS,
)
MOST = 12
PRODUCTION = "production scorers"
TOLD = re.compile(r"(?P<name>.+) (?P<version>\d+): \d+ %")


@dataclass(frozen=True)
class Marker:
    """One change; `release` is the number of the release that made it."""

    at: datetime
    what: Message
    release: int | None
    judging: bool


def markers(workspace: "Workspace", since: datetime) -> list[Marker]:
    """The newest MOST changes since then, oldest first."""
    lines = [one for one in audit.of_verbs(workspace, MARKED, since) if one.outcome == "done"]
    here = (one for one in lines if not _elsewhere(workspace, one))
    found = [Marker(line.at, what, _release(line), _judges(line)) for line in here if (what := _what(line))]
    return found[-MOST:]


def _elsewhere(workspace: "Workspace", line: Event) -> bool:
    """Whether it was done in another environment than production."""
    if line.verb == Verb.MOVE_TRAFFIC:
        return line.subject != workspace.app.endpoint
    return isinstance(line.after, dict) and "environment" in line.after


def _what(line: Event) -> Message | None:
    match Verb(line.verb):
        case Verb.MOVE_ALIAS if line.after is None:
            return Message("Prompt {name}: nothing is live any more.", name=line.subject)
        case Verb.MOVE_ALIAS:
            return Message("Prompt {name}: version {n} went live.", name=line.subject, n=line.after)
        case Verb.NOTICE_MOVE:
            return Message("Prompt {name} was moved outside the console.", name=line.subject)
        case Verb.MOVE_TRAFFIC:
            return Message("The traffic of {endpoint} was moved.", endpoint=line.subject)
        case Verb.ROLL_BACK:
            return _roll_back(_release(line))
        case Verb.START_SCORERS | Verb.STOP_SCORERS if newer := _newer(line):
            name, version = next(iter(newer.items()))
            return Message("Production is judged by version {n} of the scorer {name} now.", n=version, name=name)
        case Verb.START_SCORERS if line.subject == PRODUCTION:
            return Message("The production scorers were changed.")
        case Verb.STOP_SCORERS:
            return Message("Production scorers were stopped.")
        case Verb.NOTICE_JUDGE if line.before is not None:
            return Message("The judging model changed from {before} to {after}.", before=line.before, after=line.after)
        case Verb.REMOVE_SCORER:
            return Message("The scorer {name} was removed.", name=line.subject)
        case verb if verb in SCORERS and line.before is None:
            return Message("The scorer {name} was made.", name=line.subject)
        case verb if verb in SCORERS:
            return Message("The scorer {name} got a new version.", name=line.subject)
    return None


def _roll_back(release: int | None) -> Message:
    if release is None:
        return Message("A roll back was asked for.")
    return Message("A roll back of release {id} was asked for.", id=release)


def _release(line: Event) -> int | None:
    told = line.why if line.why.startswith("release ") else line.subject
    number = told.removeprefix("release ").partition(" ")[0]
    return int(number) if told.startswith("release ") and number.isdecimal() else None


def _judges(line: Event) -> bool:
    """Whether answers from before and after it were judged differently: a version that was only saved judges none yet."""
    return line.verb == Verb.NOTICE_JUDGE or bool(_newer(line))


def _newer(line: Event) -> dict[str, str]:
    """The version that judges now, by the name of each production scorer that ran before in another one."""
    if line.subject != PRODUCTION:
        return {}
    before, after = _versions(line.before), _versions(line.after)
    return {name: after[name] for name in after if before.get(name, after[name]) != after[name]}


def _versions(told: Any) -> dict[str, str]:
    found = (TOLD.match(str(one)) for one in told or [])
    return {one["name"]: one["version"] for one in found if one}


def plain(scorers: Iterable[MonitoredScorer]) -> list[str]:
    """The production scorers that run, as the audit log keeps them."""
    return [
        f"{one.name} {one.version}: {one.rate * 100:.0f} %{f' ({one.only})' if one.only else ''}"
        for one in scorers
        if one.running
    ]
