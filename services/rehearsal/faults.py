"""The faults of a rehearsal: each is really there in the practice copy, and whether it is mended is read from real state."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services import monitoring, production, releases, scorers
from services.audit import Verb
from services.messages import Message
from services.people import ALL_ROLES, Actor
from services.rehearsal import making
from services.releases import Kind, Proposal, overriding
from services.scorers import records
from services.scorers.built import JUDGE_ADDRESS

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

# Nothing listens there: a judge at this address is gone.
NOWHERE = "http://127.0.0.1:9"
COLLEAGUE = Actor("a colleague", ALL_ROLES)
Memory = Mapping[str, Any]


@dataclass(frozen=True)
class Fault:
    """One fault: what it is, what to notice, what to do. `verbs` are what a person does about it.

    `plan` tells, while all is well, what `inject` will do and what `mended` needs to tell whether all is well again; `kept`
    is whether the fault was taken over, `gone` whether what it is about was removed, so that it can neither come nor be mended.
    An `inject` that was interrupted is called again with the same plan, and goes on.
    """

    name: str
    title: Message
    notice: Message
    mend: Message
    verbs: tuple[Verb, ...]
    plan: Callable[["Workspace"], dict[str, Any]]
    inject: Callable[["Workspace", "Work", Memory], None]
    mended: Callable[["Workspace", Memory], bool]
    kept: Callable[["Workspace", Memory], bool] = lambda place, memory: False
    gone: Callable[["Workspace", Memory], bool] = lambda place, memory: False


def _watching(place: "Workspace") -> dict[str, Any]:
    now = monitoring.production_scorers(place)
    return {"names": [one.name for one in now if one.running] or [one.name for one in now]}


def _pause(place: "Workspace", work: "Work", memory: Memory) -> None:
    now = monitoring.production_scorers(place)
    monitoring.save_scorers(place, [replace(one, running=False) for one in now if one.name in memory["names"]])


def _judging(place: "Workspace", memory: Memory) -> bool:
    """Those that are still there; what is removed cannot be switched on."""
    running = {one.name for one in monitoring.production_scorers(place) if one.running}
    there = _there(place, memory["names"])
    return bool(there) and there <= running


def _none_left(place: "Workspace", memory: Memory) -> bool:
    return not _there(place, memory["names"])


def _there(place: "Workspace", names: Iterable[str]) -> set[str]:
    return set(names) & {one.name for one in scorers.all(place)}


def _elsewhere(place: "Workspace") -> dict[str, Any]:
    """The sample's other good version: were it the bad one, whoever adopts it would leave no bad release to come."""
    now = releases.live(place).pair.prompt_version
    return {"was": now, "to": next(one for one in making.saved(place)[:-1] if one != now)}


def _move(place: "Workspace", work: "Work", memory: Memory) -> None:
    production.slip(place, place.app.id, memory["to"])


def _put_back(place: "Workspace", memory: Memory) -> bool:
    now = releases.live(place)
    return not now.moved_outside and now.pair.prompt_version != memory["to"]


def _adopted(place: "Workspace", memory: Memory) -> bool:
    now = releases.live(place)
    return now.release is not None and now.release.kind is Kind.ADOPTION and now.pair.prompt_version == memory["to"]


def _judge(place: "Workspace") -> dict[str, Any]:
    return {"name": making.JUDGE}


def _lose_judge(place: "Workspace", work: "Work", memory: Memory) -> None:
    lost = next(one for one in scorers.all(place) if one.name == memory["name"])
    if lost.settings.get(JUDGE_ADDRESS) != NOWHERE:
        lost = records.keep(place, replace(lost, settings={**lost.settings, JUDGE_ADDRESS: NOWHERE}), Verb.SAVE_SCORER)
    now = monitoring.production_scorers(place)
    versions = {lost.name: lost.version}
    monitoring.save_scorers(place, [replace(one, version=versions.get(one.name, one.version)) for one in now])


def _judge_answers(place: "Workspace", memory: Memory) -> bool:
    now = [one for one in monitoring.production_scorers(place) if one.running and one.name == memory["name"]]
    return bool(now) and JUDGE_ADDRESS not in scorers.at(place, now[0].name, now[0].version).settings


def _judge_removed(place: "Workspace", memory: Memory) -> bool:
    return not _there(place, [memory["name"]])


def _bad(place: "Workspace") -> dict[str, Any]:
    return {"version": making.saved(place)[-1]}


def _release_badly(place: "Workspace", work: "Work", memory: Memory) -> None:
    """As it happens: in a hurry, past the gate, by two people who may."""
    now, bad = releases.live(place).pair, memory["version"]
    if now.prompt_version == bad:
        return
    agent = str(now.model_id)
    making.evaluate(place, work, agent, bad)
    mine = (one for one in releases.all(place) if one.actor == place.actor.id and one.after.prompt_version == bad)
    found = next((one for one in mine if one.working or one.startable), None)
    found = found or releases.propose(place, Proposal(agent, bad, "shorter, urgent"))
    if found.held:
        asked = overriding.of(place, found)
        if asked is None:
            overriding.ask(place, found.id, "It is urgent.")
        if asked is None or asked.confirmed_by is None:
            overriding.confirm(replace(place, actor=COLLEAGUE), found.id)
    making.carried_out(place, work, found if found.working else releases.start(place, found.id))


def _rolled_back(place: "Workspace", memory: Memory) -> bool:
    return releases.live(place).pair.prompt_version != memory["version"]


FAULTS: dict[str, Fault] = {
    one.name: one
    for one in (
        Fault(
            "paused",
            Message("The production scorers stand still"),
            Message("Monitoring says at the top that no scorer watches production: new answers get no verdict."),
            Message("Monitoring, at the foot: switch the scorers on that gate releases, and save."),
            (Verb.START_SCORERS,),
            _watching,
            _pause,
            _judging,
            gone=_none_left,
        ),
        Fault(
            "moved",
            Message("Somebody moved what is live outside the console"),
            Message("Home and Releases warn that something was moved outside the console: nobody checked or proved it."),
            Message("Releases: put back what the last release left. Adopting it would keep what nobody checked."),
            (Verb.ROLL_BACK, Verb.ADOPT_MOVE),
            _elsewhere,
            _move,
            _put_back,
            _adopted,
        ),
        Fault(
            "judge",
            Message("A judge does not answer"),
            Message("Traces: the newest answers have an error in place of the verdict of “{name}”.", name=making.JUDGE),
            Message("Scorers: open it and save it again, which makes a version with the judge that works. Then Monitoring, at the foot: save."),
            (Verb.SAVE_SCORER, Verb.STOP_SCORERS, Verb.REMOVE_SCORER, Verb.START_SCORERS),
            _judge,
            _lose_judge,
            _judge_answers,
            gone=_judge_removed,
        ),
        Fault(
            "release",
            Message("A release made the answers worse"),
            Message("Monitoring: after the newest release, fewer answers name the company. Releases shows which one it was."),
            Message("Releases: roll back, and say why."),
            (Verb.ROLL_BACK, Verb.TAKE_OFFLINE),
            _bad,
            _release_badly,
            _rolled_back,
        ),
    )
}  # fmt: skip
