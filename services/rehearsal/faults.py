"""The faults of a rehearsal: each is really there in the practice copy, and whether it is mended is read from real state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from services import monitoring, production, prompts, releases, scorers
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

    `inject` returns what `mended` needs to tell whether all is well again, `kept` whether the fault was taken over.
    """

    name: str
    title: Message
    notice: Message
    mend: Message
    verbs: tuple[Verb, ...]
    inject: Callable[["Workspace", "Work"], dict[str, Any]]
    mended: Callable[["Workspace", Memory], bool]
    kept: Callable[["Workspace", Memory], bool] = lambda place, memory: False


def _pause(place: "Workspace", work: "Work") -> dict[str, Any]:
    running = [one for one in monitoring.production_scorers(place) if one.running]
    monitoring.save_scorers(place, [replace(one, running=False) for one in running])
    return {"names": [one.name for one in running]}


def _judging(place: "Workspace", memory: Memory) -> bool:
    running = {one.name for one in monitoring.production_scorers(place) if one.running}
    return set(memory["names"]) <= running


def _move(place: "Workspace", work: "Work") -> dict[str, Any]:
    now = releases.live(place)
    name, was = str(now.prompt_name), int(now.pair.prompt_version or 0)
    to = next(one.version for one in prompts.history(place, name) if one.version != was)
    production.slip(place, name, to)
    return {"was": was, "to": to}


def _put_back(place: "Workspace", memory: Memory) -> bool:
    now = releases.live(place)
    return not now.moved_outside and now.pair.prompt_version != memory["to"]


def _adopted(place: "Workspace", memory: Memory) -> bool:
    now = releases.live(place)
    return now.release is not None and now.release.kind is Kind.ADOPTION and now.pair.prompt_version == memory["to"]


def _lose_judge(place: "Workspace", work: "Work") -> dict[str, Any]:
    spec = next(one for one in scorers.all(place) if one.name == making.JUDGE)
    lost = records.keep(place, replace(spec, settings={**spec.settings, JUDGE_ADDRESS: NOWHERE}), Verb.SAVE_SCORER)
    now = monitoring.production_scorers(place)
    versions = {lost.name: lost.version}
    monitoring.save_scorers(place, [replace(one, version=versions.get(one.name, one.version)) for one in now])
    return {"name": lost.name}


def _judge_answers(place: "Workspace", memory: Memory) -> bool:
    now = [one for one in monitoring.production_scorers(place) if one.running and one.name == memory["name"]]
    return bool(now) and JUDGE_ADDRESS not in scorers.at(place, now[0].name, now[0].version).settings


def _release_badly(place: "Workspace", work: "Work") -> dict[str, Any]:
    """As it happens: in a hurry, past the gate, by two people who may."""
    agent, bad = str(releases.live(place).pair.model_id), making.saved(place)[-1]
    making.evaluate(place, work, agent, bad)
    found = releases.propose(place, Proposal(agent, bad, "shorter, urgent"))
    overriding.ask(place, found.id, "It is urgent.")
    overriding.confirm(replace(place, actor=COLLEAGUE), found.id)
    making.carried_out(place, work, releases.start(place, found.id))
    return {"version": bad}


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
            _pause,
            _judging,
        ),
        Fault(
            "moved",
            Message("Somebody moved what is live outside the console"),
            Message("Home and Releases warn that something was moved outside the console: nobody checked or proved it."),
            Message("Releases: put back what the last release left. Adopting it would keep what nobody checked."),
            (Verb.ROLL_BACK, Verb.ADOPT_MOVE),
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
            _lose_judge,
            _judge_answers,
        ),
        Fault(
            "release",
            Message("A release made the answers worse"),
            Message("Monitoring: after the newest release, fewer answers name the company. Releases shows which one it was."),
            Message("Releases: roll back, and say why."),
            (Verb.ROLL_BACK, Verb.TAKE_OFFLINE),
            _release_badly,
            _rolled_back,
        ),
    )
}  # fmt: skip
