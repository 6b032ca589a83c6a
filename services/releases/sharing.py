"""The canary's steps: give the new version its share, watch it, and stop where it does harm."""

import time
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from services import production
from services.database import now
from services.errors import PlatformError
from services.messages import Message
from services.releases import canary, records
from services.releases.canary import Measure
from services.releases.facts import Release
from services.releases.plan import STEP, Action, Part

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

LOOK_EVERY = 5.0
BUSY = 10
SLICE = 0.5
HARM = "harm"


class Paused(Exception):
    """The new version did harm and the app asks for a person: the old version answers everyone meanwhile."""

    def __init__(self, told: Message) -> None:
        super().__init__(str(told))
        self.told = told


def take(workspace: "Workspace", work: "Work", release: Release, name: str) -> Message:
    """One part of the canary: raises PlatformError when harm was shown and the traffic went back, or Paused."""
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
        infos = canary.answers(workspace, release)
        found = _as_shown(release, canary.measures(release, infos))
        began = next(at for at, percent in canary.began(release) if percent == part.percent)
        answers = canary.answered(release, infos, began)
        harmful = [one for one in found if one.harmful]
        seen = {"answers": answers, "measures": [asdict(one) for one in found]}
        _keep(workspace, release, part, seen | {HARM: [asdict(one) for one in harmful]})
        if harmful and name not in release.overruled:
            _act(workspace, release, harmful)
        elif answers >= part.answers and now() - began >= timedelta(minutes=part.minutes):
            return Message("{percent} % of the traffic: {n} answers, no harm shown.", percent=part.percent, n=answers)
        _rest(work, max(LOOK_EVERY, BUSY * (time.monotonic() - looked)))


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
    counted = [one for one in release.steps if one.name.startswith(STEP) and one.name not in release.overruled]
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
    parts = release.canary.parts if release.canary else ()
    if not parts:
        return {release.before.agent_version: 100} if release.before.agent_version else {}
    return shares(release, parts[-1].percent)


def take_back(workspace: "Workspace", release: Release) -> None:
    """Let the old version answer everyone again, when this release's canary is why it does not."""
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
    if release.sharing and not release.moving:
        take_back(workspace, release)
        _reset(workspace, release, ("at", HARM))


def _reset(workspace: "Workspace", release: Release, dropped: tuple[str, ...]) -> None:
    for step in release.steps:
        if step.name.startswith(STEP):
            seen = {name: value for name, value in step.handle.items() if name not in dropped}
            state = "waiting" if step.state == "done" else step.state
            records.set_step(workspace, release.id, step.name, handle=seen, state=state)


def _give(workspace: "Workspace", release: Release, part: Part) -> None:
    """Move the traffic, once; where an earlier attempt had done so, its beginning stays."""
    parts = release.canary.parts if release.canary else ()
    position = parts.index(part)
    resumed = not canary.began(release)
    before = (
        {int(release.before.agent_version or 0): 100}
        if position == 0 or resumed
        else shares(release, parts[position - 1].percent)
    )
    production.move_traffic(workspace, before, shares(release, part.percent), f"release {release.id}")
    handle = next(one.handle for one in release.steps if one.name == part.step)
    if "at" not in handle:
        records.set_step(workspace, release.id, part.step, handle={"at": now().isoformat()})


def _keep(workspace: "Workspace", release: Release, part: Part, seen: dict[str, Any]) -> None:
    """Show on the release's page what was seen so far."""
    handle = next(one.handle for one in release.steps if one.name == part.step)
    records.set_step(workspace, release.id, part.step, handle=handle | seen)


def _act(workspace: "Workspace", release: Release, harmful: list[Measure]) -> None:
    action = release.canary.action if release.canary else Action.ROLL_BACK
    if action is Action.RECOMMEND:
        return
    take_back(workspace, release)
    told = harm(harmful[0])
    if action is Action.PAUSE:
        raise Paused(told)
    raise PlatformError(
        told, Message("The old version answers everyone again. Look at its traces, mend it, and propose a new release.")
    )


def harm(found: Measure) -> Message:
    """What the new version did worse, in numbers."""
    values: dict[str, Any] = {
        "new": _percent(found.share),
        "n": found.answers,
        "old": _percent(found.other_share),
        "m": found.other_answers,
        "name": Message(found.name) if found.name in canary.NAMED else found.name,
    }
    return Message(
        "The new version does worse in “{name}”: {new} of its {n} answers are good, {old} of the other's {m}.", **values
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"
