"""The recurring job of a rehearsal: makes the copy, asks it questions, brings one fault after the other, watches what is done."""

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services import audit, datasets
from services.audit import Verb
from services.database import now
from services.errors import ConflictError, ConsoleError
from services.people import CONSOLE
from services.rehearsal import making, records
from services.rehearsal.faults import COLLEAGUE, FAULTS
from services.rehearsal.records import Course, Rehearsal

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

log = logging.getLogger("signalbox.worker")

REST = timedelta(seconds=8)
OTHERS = (CONSOLE.id, COLLEAGUE.id)


def run(place: "Workspace", work: "Work") -> dict[str, Any]:
    """One look; the worker starts the next one by itself."""
    read, found = records.load(place)
    if found is None or found.ending:
        return {}
    if found.ready_at is None:
        making.make(place, work)
        records.save(place, replace(found, ready_at=now()), read)
        return {}
    if found.over:
        return {}
    _ask(place, len(found.courses) + work.job.attempt)
    if found.open is None:
        _bring(place, work, read, found)
    elif (seen := _looked(place, found, found.open)) != found:
        with suppress(ConflictError):  # somebody said what it is just now; the next look is soon
            records.save(place, seen, read)
    return {}


def _ask(place: "Workspace", number: int) -> None:
    """One question, as a customer would; what keeps it from being answered may be what is rehearsed."""
    asked = datasets.rows(place, str(place.app.dataset_id))
    request = {
        "input": [{"role": "user", "content": asked[number % len(asked)].question}],
        "custom_inputs": {"signalbox_origin": place.app.traffic},
    }
    try:
        place.platform.serving.ask(place, place.app.endpoint, request, timeout=20)
    except ConsoleError as error:
        log.info("the practice copy gave no answer: %s", error)


def _bring(place: "Workspace", work: "Work", read: int, found: Rehearsal) -> None:
    """The next fault, after a rest in which all is well; or on with the one that an attempt before this left half done.

    What it will do is kept before it does it: afterwards nobody could tell how all was when it was well.
    """
    course = found.coming
    if course is None:
        since = max(one.ended_at for one in found.courses if one.ended_at) if found.courses else found.ready_at
        if since is None or now() < since + REST:
            return
        fault = FAULTS[found.order[len(found.courses)]]
        course = Course(fault.name, now(), fault.plan(place), coming=True)
        found = replace(found, courses=(*found.courses, course))
        read = records.save(place, found, read)
    fault = FAULTS[course.fault]
    if fault.gone(place, course.memory):
        there = replace(course, coming=False, ended_at=now(), gone=True)
    else:
        with audit.change(place, Verb.INJECT_FAULT, place.app.id):
            fault.inject(place, work, course.memory)
        there = replace(course, injected_at=now(), coming=False)
    records.save(place, replace(found, courses=(*found.courses[:-1], there)), read)


def _looked(place: "Workspace", found: Rehearsal, course: Course) -> Rehearsal:
    at = now()
    fault = FAULTS[course.fault]
    noticed = course.noticed_at or _acted(place, fault.verbs, course.injected_at)
    mended, kept = fault.mended(place, course.memory), fault.kept(place, course.memory)
    gone = not mended and fault.gone(place, course.memory)
    seen = replace(
        course,
        noticed_at=noticed or (at if mended or kept else None),
        mended_at=at if mended else None,
        ended_at=at if mended or kept or gone else None,
        kept=kept,
        gone=gone,
    )
    return replace(found, courses=(*found.courses[:-1], seen))


def _acted(place: "Workspace", verbs: tuple[Verb, ...], since: datetime) -> datetime | None:
    """When a person first did something about it."""
    lines = audit.of_verbs(place, verbs, since)
    return next((one.at for one in lines if one.actor not in OTHERS), None)
