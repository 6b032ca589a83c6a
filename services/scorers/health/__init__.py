"""How far a judge can be trusted: agreement with people, failures, noise, drift; and whether it may gate."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from services import apps, audit, jobs
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message
from services.scorers import kinds, records
from services.scorers.health import measuring, reading
from services.scorers.health.facts import FEW, Health, Line, Noise, Opinion
from services.scorers.health.facts import Week as Week
from services.scorers.health.reading import DAYS as DAYS
from services.scorers.health.reading import MOST_READ as MOST_READ
from services.scorers.health.reading import Answers
from services.scorers.records import ScorerSpec

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "judge_line"


def line(workspace: "Workspace") -> Line:
    """The app's line; the usual one when nobody set it."""
    return Line(**(apps.load_setting(workspace, SETTING) or {}))


def save_line(workspace: "Workspace", wanted: Line) -> None:
    """Set how good a judge must be to gate; raises InvalidInputError. It is a part of the gate."""
    if not (-1 <= wanted.kappa <= 1 and 0 < wanted.failures <= 1 and wanted.opinions >= 2):
        raise InvalidInputError(
            Message("The line needs an agreement of at most 1 and a share of failures above 0 %."),
            Message("Correct the numbers and save again."),
        )
    with audit.change(workspace, Verb.SAVE_GATE, "judges", asdict(line(workspace)), asdict(wanted)):
        apps.save_setting(workspace, SETTING, asdict(wanted))


def all(workspace: "Workspace") -> dict[str, Health]:
    """The health of every scorer by its name, from what the app's answers were KEPT_SECONDS ago at most."""
    specs = records.all(workspace)
    answers = reading.kept(workspace) if specs else Answers(())
    noise = _noise(workspace)
    return {spec.name: measuring.measure(spec, answers, noise.get((spec.name, spec.version))) for spec in specs}


def of(workspace: "Workspace", spec: ScorerSpec) -> Health:
    """The health of one scorer."""
    return measuring.measure(spec, reading.read(workspace), _noise(workspace).get((spec.name, spec.version)))


def people(workspace: "Workspace", spec: ScorerSpec) -> list[Opinion]:
    """Every answer on which people are of one mind, the newest first, whatever version judged it; as they
    were some seconds ago at most."""
    return measuring.said_by_people(spec, reading.kept(workspace))


def counted(opinions: Iterable[Opinion]) -> dict[bool, int]:
    """How many answers people passed, and how many they failed."""
    passed = [one.passed for one in opinions]
    return {True: sum(passed), False: len(passed) - sum(passed)}


def may_gate(workspace: "Workspace", name: str) -> Message | None:
    """Why a judge may not gate by the app's line; None when it may, and for every scorer that no model decides."""
    spec = next((one for one in records.all(workspace) if one.name == name), None)
    if spec is None or not kinds.needs_judge(spec):
        return None
    return below(measuring.measure(spec, reading.read(workspace), None), line(workspace))


def below(health: Health, wanted: Line) -> Message | None:
    """What of a judge's health is below the line."""
    name, found = health.spec.name, health.agreement
    if health.verdicts + health.failures >= FEW and health.failure_share > wanted.failures:
        return Message(
            "The judge {name} failed {failed} of {n} times; at most {limit} % are allowed.",
            name=name,
            failed=health.failures,
            n=health.verdicts + health.failures,
            limit=round(wanted.failures * 100),
        )
    if found.n < wanted.opinions:
        if not wanted.people_first:
            return None
        return Message(
            "People judged {n} {n:answer|answers} beside the judge {name}; {least} are needed before it may gate.",
            n=found.n,
            name=name,
            least=wanted.opinions,
        )
    if found.kappa is not None and found.kappa < wanted.kappa:
        return Message(
            "The judge {name} agrees too little with people: {kappa}, at least {least} is needed ({agreed} of {n} answers alike).",
            name=name,
            kappa=f"{found.kappa:.2f}",
            least=f"{wanted.kappa:.2f}",
            agreed=found.agreed,
            n=found.n,
        )
    return None


def _noise(workspace: "Workspace") -> Mapping[tuple[str, int], Noise]:
    """The newest measurement of each version of each scorer."""
    done = [one for one in jobs.recent(workspace, "scorer_noise", 100) if one.result]
    found: dict[tuple[str, int], Noise] = {}
    for job in reversed(done):
        facts = dict(job.result)
        key = (str(facts.pop("name")), int(facts.pop("version")))
        found[key] = Noise(at=job.ended_at or job.created_at, **facts)
    return found
