"""Letting a release pass although interlocks are red: one person asks with a reason, another one confirms, for ever."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from services import audit
from services.audit import Event, Verb
from services.errors import ConflictError, ForbiddenError, InvalidInputError
from services.interlocks import Finding, Light
from services.messages import Message
from services.releases import approving, circumstances, records
from services.releases.facts import Release

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Override:
    """Who asked and why, of which interlocks (`numbers`), and who confirmed it; nobody has while it waits.

    `found` are the hashes of what these interlocks had found: the same interlock may turn red for something else.
    """

    asked_by: str
    why: str
    numbers: frozenset[int]
    found: frozenset[str]
    at: datetime
    confirmed_by: str | None = None


def of(workspace: "Workspace", release: Release) -> Override | None:
    """The newest override of exactly this release; what changed since makes it void."""
    lines = [one for one in audit.about(workspace, f"release {release.id}") if one.outcome == "done"]
    asked = [one for one in lines if one.verb == Verb.ASK_OVERRIDE.value]
    if not asked or asked[-1].after["subject"] != approving.subject(workspace, release):
        return None
    confirmed = [one for one in lines if one.verb == Verb.CONFIRM_OVERRIDE.value and one.after["of"] == asked[-1].id]
    return _from_event(asked[-1], confirmed[-1].actor if confirmed else None)


def ask(workspace: "Workspace", id: int, why: str) -> None:
    """Ask that a held release may pass; raises InvalidInputError without a reason, ConflictError when nothing is red."""
    audit.require(workspace, Verb.ASK_OVERRIDE)
    if not why.strip():
        raise InvalidInputError(
            Message("There is no reason."), Message("Type why it must go live all the same: it stands in the evidence.")
        )
    release = standing(workspace, records.get(workspace, id))
    red = [one for one in release.findings if one.light is Light.RED]
    if not release.checkable or not red:
        raise ConflictError(
            Message("No interlock holds release {id}.", id=id), Message("Reload the page and look at it.")
        )
    asked = {
        "subject": approving.subject(workspace, release),
        "numbers": sorted({one.number for one in red}),
        "found": sorted(map(_hash, red)),
    }
    with audit.change(workspace, Verb.ASK_OVERRIDE, f"release {id}", after=asked, why=why.strip()):
        records.touch(workspace, release)


def confirm(workspace: "Workspace", id: int) -> None:
    """Confirm what somebody else asked for: its red interlocks are overridden, and marked as such for ever."""
    audit.require(workspace, Verb.CONFIRM_OVERRIDE)
    release = records.get(workspace, id)
    waiting = of(workspace, release)
    if waiting is None or waiting.confirmed_by is not None or not release.checkable:
        raise ConflictError(
            Message("No override of release {id} waits for a second person.", id=id), Message("Reload the page.")
        )
    if waiting.asked_by == workspace.actor.id:
        raise ForbiddenError(
            Message("{person} asked for it: the second person must be another one.", person=workspace.actor.id),
            Message("Ask another approver to confirm it."),
        )
    line = [one for one in audit.about(workspace, f"release {id}", Verb.ASK_OVERRIDE) if one.outcome == "done"][-1]
    with audit.change(workspace, Verb.CONFIRM_OVERRIDE, f"release {id}", after={"of": line.id}, why=waiting.why):
        records.touch(workspace, release)
    fresh = standing(workspace, records.get(workspace, id))
    records.set_findings(workspace, fresh, fresh.findings, fresh.basis, fresh.revision)


def standing(workspace: "Workspace", release: Release) -> Release:
    """The release with its findings as they stand now: see `circumstances.findings`, and what was overridden."""
    now = circumstances.findings(workspace, release)
    return replace(release, findings=tuple(applied(workspace, release, now)))


def applied(workspace: "Workspace", release: Release, findings: Sequence[Finding]) -> list[Finding]:
    """The findings with what two people have overridden in amber, and their names in it."""
    given = of(workspace, release)
    if given is None or given.confirmed_by is None:
        return list(findings)
    names = {"first": given.asked_by, "second": given.confirmed_by, "why": given.why}
    return [
        replace(
            one,
            light=Light.AMBER,
            mend=None,
            found=Message("Overridden by {first} and {second}: {why} ({found})", found=one.found, **names),
        )
        if one.light is Light.RED and _hash(one) in given.found
        else one
        for one in findings
    ]


def _from_event(line: Event, confirmed_by: str | None) -> Override:
    asked = line.after
    found = frozenset(asked.get("found", ()))
    return Override(line.actor, line.why, frozenset(asked["numbers"]), found, line.at, confirmed_by)


def _hash(red: Finding) -> str:
    told = json.dumps([red.number, red.found.to_json()], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
