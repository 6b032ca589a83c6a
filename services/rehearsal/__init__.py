"""Rehearsals: a practice copy with faults in it, where people train; the console sees what they notice and mend."""

import random
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from services import apps, audit, jobs, sample
from services.apps import AppForm, Gate
from services.audit import Verb
from services.database import now
from services.errors import ConflictError, NotReadyError
from services.messages import Message
from services.people import CONSOLE
from services.rehearsal import making, records
from services.rehearsal.clearing import run as run_end
from services.rehearsal.faults import FAULTS, Fault
from services.rehearsal.records import Course, Rehearsal, outcomes
from services.rehearsal.running import run

if TYPE_CHECKING:
    from services.jobs import Job
    from services.workspace import Workspace

__all__ = [
    "FAULTS",
    "Course",
    "Fault",
    "Rehearsal",
    "copy",
    "current",
    "end",
    "ending",
    "help_asked",
    "making_of",
    "outcomes",
    "run",
    "run_end",
    "say",
    "start",
]

EVERY = 2
MINIMUM = {"polite": 0.5, "mentions company": 0.9}


def current(workspace: "Workspace") -> Rehearsal | None:
    """The rehearsal that is under way in this console; there is one at most.

    A copy is archived while it is cleared away, and stays so where that failed: it can be ended again.
    """
    for app in (*apps.all(workspace), *apps.all(workspace, archived=True)):
        if app.practice:
            return records.load(workspace.for_app(app))[1]
    return None


def copy(workspace: "Workspace", rehearsal: Rehearsal) -> "Workspace":
    """The workspace on the practice copy."""
    return workspace.for_app(apps.get(workspace, rehearsal.app_id))


def start(workspace: "Workspace", called: str) -> Rehearsal:
    """Make a practice copy under the name `called` and bring faults into it, as a job; nothing of the app is touched.

    Raises ConflictError while another rehearsal is under way, NotReadyError on a workspace, where a copy would cost money.
    """
    audit.require(workspace, Verb.START_REHEARSAL)
    if workspace.settings.databricks is not None:
        raise NotReadyError(
            Message("A rehearsal needs an endpoint of its own, which costs money on a workspace."),
            Message("Rehearse in a console on your own machine: make run needs no account."),
        )
    if current(workspace) is not None:
        raise ConflictError(
            Message("A rehearsal is under way already."), Message("End it, or work in its practice copy.")
        )
    with audit.change(workspace, Verb.START_REHEARSAL, workspace.app.id) as change:
        console = replace(workspace, actor=CONSOLE)
        app = apps.create(console, _form(workspace, called))
        place, order = console.for_app(app), tuple(random.sample(list(FAULTS), len(FAULTS)))
        made = Rehearsal(app.id, workspace.app.id, workspace.actor.id, order, now())
        records.save(place, made)
        jobs.submit(place, "rehearse", {}, exclusive=f"rehearse:{app.id}", every=EVERY)
        change.after = app.id
    return made


def making_of(workspace: "Workspace", rehearsal: Rehearsal) -> "Job | None":
    """The job that makes the copy and brings the faults."""
    return next(iter(jobs.recent(copy(workspace, rehearsal), "rehearse", 1)), None)


def ending(workspace: "Workspace", rehearsal: Rehearsal) -> "Job | None":
    """The newest job that clears the copy away."""
    place = workspace.for_app(apps.get(workspace, rehearsal.of))
    return next(iter(jobs.recent(place, "end_rehearsal", 1)), None)


def say(workspace: "Workspace", fault: str) -> bool:
    """Whether the fault that waits is this one, as the person believes; what is said is kept, right or wrong."""

    def said(course: Course) -> Course:
        if course.fault == fault:
            return replace(course, noticed_at=course.noticed_at or now())
        return replace(course, misses=course.misses + 1)

    course = _keep(workspace, said)
    return course is not None and course.fault == fault


def help_asked(workspace: "Workspace") -> None:
    """Keep that somebody had to be told what the fault is."""
    _keep(workspace, lambda course: replace(course, helped=True))


def end(workspace: "Workspace") -> "Job":
    """Clear the practice copy away, as a job of the app that it was a copy of; how it went is kept there."""
    audit.require(workspace, Verb.END_REHEARSAL)
    read, found = _under_way(workspace)
    place = workspace.for_app(apps.get(workspace, found.of))
    with audit.change(place, Verb.END_REHEARSAL, found.app_id):
        if not found.ending:
            records.save(copy(workspace, found), replace(found, ending=True), read)
        return jobs.submit(place, "end_rehearsal", {"copy": found.app_id}, exclusive=f"end_rehearsal:{found.app_id}")


def _keep(workspace: "Workspace", change: Callable[[Course], Course]) -> Course | None:
    """The fault that waits as changed; None without one. The console looks at it every other second, and saves too."""
    audit.require(workspace, Verb.TAKE_PART)
    place = copy(workspace, _under_way(workspace)[1])
    with audit.change(place, Verb.TAKE_PART, place.app.id):
        while True:
            read, found = _under_way(workspace)
            if found.open is None:
                return None
            course = change(found.open)
            with suppress(ConflictError):
                records.save(place, replace(found, courses=(*found.courses[:-1], course)), read)
                return course


def _under_way(workspace: "Workspace") -> tuple[int, Rehearsal]:
    here = current(workspace)
    read, found = records.load(copy(workspace, here)) if here else (0, None)
    if found is None:
        raise ConflictError(Message("No rehearsal is under way."), Message("Reload the page."))
    return read, found


def _form(workspace: "Workspace", called: str) -> AppForm:
    """The sample app's settings, with a small gate, since the copy has to stand within a minute or two."""
    stored, id = sample.app(), f"practice-{secrets.token_hex(3)}"
    return AppForm(
        id=id,
        name=called,
        company=stored.company,
        model=workspace.settings.model,
        endpoint=id,
        constants=stored.constants,
        smoke_questions=stored.smoke_questions[:1],
        time_zone=workspace.app.time_zone,
        gate=Gate(MINIMUM, rows=making.ROWS),
    )
