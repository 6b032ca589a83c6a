"""The steps that compare: give the new version its share or its copies, watch it, and stop where it does harm."""

import time
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services import production
from services.database import now
from services.errors import PlatformError
from services.messages import Message
from services.releases import canary, looking, records
from services.releases.canary import Measure
from services.releases.facts import KEEP, MOVE, UNANSWERED, Release
from services.releases.plan import Action, Part, Way, split, watched

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

LOOK_EVERY = 5.0
BUSY = 10
SLICE = 0.5
HARM, WAITS, HOLDS = "harm", "waits", "holds"


class Paused(Exception):
    """The new version did harm and the app asks for a person: the old version answers everyone meanwhile."""

    def __init__(self, told: Message) -> None:
        super().__init__(str(told))
        self.told = told


class Kept(Exception):
    """After an A/B test, in `step`, somebody chose the live version, which answers everyone again."""

    def __init__(self, step: str, told: Message) -> None:
        super().__init__(str(told))
        self.step = step
        self.told = told


def take(workspace: "Workspace", work: "Work", release: Release, name: str) -> Message:
    """One part: raises PlatformError when harm was shown and the traffic went back, Paused, or Kept after an A/B test."""
    heed(workspace, release)
    part = canary.part_of(release, name)
    decided = shown(release)
    if decided:
        # An attempt that ended before it could say so: what it decided holds.
        _act(workspace, release, decided)
    _give(workspace, release, part)
    while True:
        work.progress(0, 1)
        looked = time.monotonic()
        release = records.get(workspace, release.id)
        seen = looking.look(workspace, release, part)
        found = _as_shown(release, seen.measures)
        harmful = [one for one in found if one.harmful]
        held = seen.holds and name + UNANSWERED not in release.overruled
        waits = _enough(release, part, seen.answers) and not held
        told = {"answers": seen.answers, "measures": [asdict(one) for one in found], WAITS: waits, HOLDS: seen.holds}
        told |= seen.more
        _keep(workspace, release, part, told | {HARM: [asdict(one) for one in harmful]})
        heed(workspace, release)
        moves = release.decided.get(name, {}).get("choice") == MOVE
        if harmful and name not in release.overruled and not moves:
            _act(workspace, release, harmful)
        elif waits and (part.way is not Way.TEST or moves):
            return _ended(workspace, release, part, seen.answers)
        _rest(work, max(LOOK_EVERY, BUSY * (time.monotonic() - looked)))


def heed(workspace: "Workspace", release: Release) -> None:
    """Raise Kept, with the traffic where it was before, once somebody has chosen the live version."""
    for step, said in release.decided.items():
        if said["choice"] == KEEP:
            take_back(workspace, release)
            raise Kept(step, Message("The live version was kept after the test: {why}", why=said["why"]))


def _enough(release: Release, part: Part, answers: int) -> bool:
    began = datetime.fromisoformat(_handle(release, part)["at"])
    return answers >= part.answers and now() - began >= timedelta(minutes=part.minutes)


def _ended(workspace: "Workspace", release: Release, part: Part, answers: int) -> Message:
    if part.way is Way.SHADOW:
        _end_shadow(workspace, release)
        return Message("{n} conversations' questions were answered by both versions, no harm shown.", n=answers)
    if part.way is Way.TEST:
        return Message("After {n} answers all the traffic goes to the new version, as was chosen.", n=answers)
    return Message("{percent} % of the traffic: {n} answers, no harm shown.", percent=part.percent, n=answers)


def _handle(release: Release, part: Part) -> dict[str, Any]:
    return next(one.handle for one in release.steps if one.name == part.step)


def _rest(work: "Work", seconds: float) -> None:
    """Until the next look; a stop is heard at once."""
    end = time.monotonic() + seconds
    while True:
        time.sleep(max(0.0, min(SLICE, end - time.monotonic())))
        work.check()
        if time.monotonic() >= end:
            return


def shown(release: Release) -> list[Measure]:
    """Harm that was shown once and that nobody has overruled: it stays, whatever comes after it."""
    counted = [one for one in release.steps if watched(one.name) and one.name not in release.overruled]
    return [Measure(**measure) for step in counted for measure in step.handle.get(HARM, ())]


def _as_shown(release: Release, found: list[Measure]) -> list[Measure]:
    kept = {one.name: one for one in shown(release)}
    return [kept.pop(one.name, one) for one in found] + list(kept.values())


def shares(release: Release, percent: int) -> dict[int, int]:
    """The traffic by agent version when the new one has that share."""
    old, new = int(release.before.agent_version or 0), release.agent_version
    return {new: 100} if percent == 100 else {old: 100 - percent, new: percent}


def last(release: Release) -> dict[int, int]:
    """The traffic right before all of it moves."""
    parts = _splitting(release)
    if not parts:
        return {release.before.agent_version: 100} if release.before.agent_version else {}
    return shares(release, parts[-1].percent)


def take_back(workspace: "Workspace", release: Release) -> None:
    """Let the old version answer everyone again, when this release's canary is why it does not; a shadow ends."""
    _end_shadow(workspace, release)
    if not release.sharing or release.done("shift") or release.before.agent_version is None:
        return
    now_ = production.traffic(workspace)
    if set(now_) == {release.before.agent_version, release.after.agent_version}:
        production.move_traffic(workspace, now_, {release.before.agent_version: 100}, f"release {release.id}")


def forget(workspace: "Workspace", release: Release) -> None:
    """What was seen before a pause stays to be read, and says nothing about what comes after it: its parts come again."""
    _reset(workspace, release, ("at",))


def renew(workspace: "Workspace", release: Release) -> None:
    """Begin the canary of a release anew, which somebody resumes: harm that was shown before counts no more."""
    if release.watching and not release.moving:
        take_back(workspace, release)
        _reset(workspace, release, ("at", HARM))


def _reset(workspace: "Workspace", release: Release, dropped: tuple[str, ...]) -> None:
    """A test that comes again asks for another choice to move; a choice to keep the live version holds."""
    for step in release.steps:
        if watched(step.name):
            past = step.state == "done"
            gone = {*dropped, HARM} if past else dropped
            seen = {name: value for name, value in step.handle.items() if name not in gone}
            state = "waiting" if past else step.state
            records.set_step(workspace, release.id, step.name, handle=seen, state=state)
    held = {step: said for step, said in release.decided.items() if said["choice"] == KEEP}
    if held != release.decided:
        moves = records.moves_of(records.get(workspace, release.id))
        records.set_moves(workspace, release.id, moves | {"decided": held})


def _splitting(release: Release) -> tuple[Part, ...]:
    return tuple(one for one in release.canary.parts if split(one.step)) if release.canary else ()


def _give(workspace: "Workspace", release: Release, part: Part) -> None:
    """Move the traffic, or let questions be copied, once; where an earlier attempt had done so, its beginning stays."""
    why = f"release {release.id}"
    if part.way is Way.SHADOW:
        production.copy_questions(workspace, release.agent_version, part.percent, why)
    else:
        parts = _splitting(release)
        position = parts.index(part)
        resumed = not canary.began(release)
        before = (
            {int(release.before.agent_version or 0): 100}
            if position == 0 or resumed
            else shares(release, parts[position - 1].percent)
        )
        production.move_traffic(workspace, before, shares(release, part.percent), why)
    if "at" not in _handle(release, part):
        records.set_step(workspace, release.id, part.step, handle={"at": now().isoformat()})


def _end_shadow(workspace: "Workspace", release: Release) -> None:
    if any(one.name.startswith(Way.SHADOW) and one.state != "waiting" for one in release.steps):
        production.copy_questions(workspace, release.agent_version, 0, f"release {release.id}")


def _keep(workspace: "Workspace", release: Release, part: Part, seen: dict[str, Any]) -> None:
    """Show on the release's page what was seen so far."""
    records.set_step(workspace, release.id, part.step, handle=_handle(release, part) | seen)


def _act(workspace: "Workspace", release: Release, harmful: list[Measure]) -> None:
    action = release.canary.action if release.canary else Action.ROLL_BACK
    if action is Action.RECOMMEND:
        return
    take_back(workspace, release)
    told = harm(harmful[0])
    if action is Action.PAUSE:
        raise Paused(told)
    raise PlatformError(told, _mend(harmful))


def harm(found: Measure) -> Message:
    """What the new version did worse, in numbers."""
    values: dict[str, Any] = {
        "new": _percent(found.share),
        "n": found.answers,
        "old": _percent(found.other_share),
        "m": found.other_answers,
        "name": Message(found.name) if found.name in canary.NAMED else found.name,
    }
    if found.name in canary.AMOUNTS:
        return Message(
            "The new version does worse in “{name}”: {new} of its {n} answers stay within the usual, {old} of the other's {m}. "
            "Usual is what four of five answers before needed, and up to {more} more.",
            more=_percent(canary.AMOUNTS[found.name]),
            **values,
        )
    return Message(
        "The new version does worse in “{name}”: {new} of its {n} answers are good, {old} of the other's {m}.", **values
    )


def _mend(harmful: list[Measure]) -> Message:
    if all(one.name in canary.AMOUNTS for one in harmful):
        return Message(
            "The old version answers everyone again. If the change is worth it, propose it without a canary, or let "
            "canaries only recommend (Apps screen, Canary); else mend it and propose a new release."
        )
    return Message("The old version answers everyone again. Look at its traces, mend it, and propose a new release.")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share * 100:.0f} %"
