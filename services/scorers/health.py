"""How far a judge can be trusted: agreement with people, failures, noise, drift; and whether it may gate."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from mlflow.entities import AssessmentSourceType, Feedback, TraceInfo
from mlflow.tracing.constant import AssessmentMetadataKey

from services import apps, audit, jobs
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message
from services.scorers import kinds, records
from services.scorers.kinds import NOTHING_TO_JUDGE
from services.scorers.records import ScorerSpec
from services.traces.opinions import OPINION
from services.traces.rows import opinions, read_infos
from services.traces.story import VERSION_KEY
from services.verdicts import agreement
from services.verdicts.agreement import Agreement

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "judge_line"
DAYS = 90
MOST_READ = 1000
FEW = 20
KEPT_SECONDS = 15.0
_READ: dict[tuple[str, str], tuple[float, list[TraceInfo]]] = {}
WORDS = {"yes": True, "no": False, "true": True, "false": False, "pass": True, "fail": False}


@dataclass(frozen=True)
class Line:
    """Below it a judge may not gate. `kappa` counts from `opinions` answers on that people judged too."""

    kappa: float = 0.4
    opinions: int = FEW
    failures: float = 0.1
    people_first: bool = False


@dataclass(frozen=True)
class Noise:
    """The same answers judged twice: `differ` of `pairs` got another verdict; numbers differ by `mean_difference`."""

    at: datetime
    answers: int
    pairs: int
    differ: int
    mean_difference: float | None
    failed: int

    @property
    def share(self) -> float:
        return self.differ / self.pairs if self.pairs else 0.0


@dataclass(frozen=True)
class Week:
    """What a scorer said in one week; `passed` is the mean verdict, on its scale from 0 to 1."""

    start: datetime
    verdicts: int
    passed: float
    failures: int


@dataclass(frozen=True)
class Health:
    """What is known of one version of a scorer in the last DAYS."""

    spec: ScorerSpec
    verdicts: int
    failures: int
    agreement: Agreement
    disagreements: tuple[tuple[str, bool, bool], ...] = ()
    noise: Noise | None = None
    weeks: tuple[Week, ...] = field(default=())

    @property
    def failure_share(self) -> float:
        asked = self.verdicts + self.failures
        return self.failures / asked if asked else 0.0


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
    infos = _kept(workspace) if specs else []
    noise = _noise(workspace)
    return {spec.name: _health(spec, infos, noise.get((spec.name, spec.version))) for spec in specs}


def of(workspace: "Workspace", spec: ScorerSpec) -> Health:
    """The health of one scorer."""
    infos = list(read_infos(workspace, 24.0 * DAYS, MOST_READ))
    return _health(spec, infos, _noise(workspace).get((spec.name, spec.version)))


def may_gate(workspace: "Workspace", name: str) -> Message | None:
    """Why a judge may not gate by the app's line; None when it may, and for every scorer that no model decides."""
    spec = next((one for one in records.all(workspace) if one.name == name), None)
    if spec is None or not kinds.needs_judge(spec):
        return None
    infos = list(read_infos(workspace, 24.0 * DAYS, MOST_READ))
    return below(_health(spec, infos, None), line(workspace))


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
            "People judged {n} answers beside the judge {name}; {least} are needed before it may gate.",
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


def _kept(workspace: "Workspace") -> list[TraceInfo]:
    """The newest answers; a list that is drawn at every click does not read them each time."""
    key = (workspace.settings.tracking_uri, workspace.app.experiment_id)
    read_at, infos = _READ.get(key, (0.0, []))
    if time.monotonic() - read_at > KEPT_SECONDS:
        infos = list(read_infos(workspace, 24.0 * DAYS, MOST_READ))
        _READ.clear()
        _READ[key] = (time.monotonic(), infos)
    return infos


def _health(spec: ScorerSpec, infos: Sequence[TraceInfo], noise: Noise | None) -> Health:
    given = [(info, one) for info in infos if (one := _verdict_of(info, spec)) is not None]
    judged = [(info, one) for info, one in given if one.error is None]
    failures = [(info, one) for info, one in given if one.error and one.error.error_code not in NOTHING_TO_JUDGE]
    pairs = [(info.trace_id, _passed(spec, one.value), _said(info, spec)) for info, one in judged]
    both = [(id, ours, theirs) for id, ours, theirs in pairs if ours is not None and theirs is not None]
    return Health(
        spec=spec,
        verdicts=len(judged),
        failures=len(failures),
        agreement=agreement.measure([ours for _, ours, _ in both], [theirs for *_, theirs in both]),
        disagreements=tuple(one for one in both if one[1] is not one[2]),
        noise=noise,
        weeks=tuple(_weeks(spec, judged, failures)),
    )


def _verdict_of(info: TraceInfo, spec: ScorerSpec) -> Feedback | None:
    """The newest verdict of this version, also one that a person put right since."""
    given = [
        one
        for one in info.assessments
        if isinstance(one, Feedback)
        and one.name == spec.name
        and one.source.source_type != AssessmentSourceType.HUMAN
        and _is_of(one, spec.version)
    ]
    return max(given, key=lambda one: one.create_time_ms or 0, default=None)


def _is_of(given: Feedback, version: int) -> bool:
    """MLflow notes the error of a scorer that raised under a key of its own."""
    noted = given.metadata or {}
    return noted.get(VERSION_KEY, noted.get(AssessmentMetadataKey.SCORER_VERSION)) == str(version)


def _said(info: TraceInfo, spec: ScorerSpec) -> bool | None:
    """What people say: a correction of this scorer before a thumb; None when they say nothing or disagree."""
    said = opinions(info)
    for name in (spec.name, OPINION):
        values = {_passed(spec, one.value) for one in said if one.name == name} - {None}
        if values:
            return values.pop() if len(values) == 1 else None
    return None


def _passed(spec: ScorerSpec, value: Any) -> bool | None:
    """A verdict as passed or failed; a number passes from the middle of its scale on."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return WORDS.get(value.strip().lower())
    scale = kinds.scale(spec)
    return float(value) >= sum(scale) / 2 if scale and isinstance(value, int | float) else None


def _weeks(
    spec: ScorerSpec, judged: Iterable[tuple[TraceInfo, Feedback]], failures: Iterable[tuple[TraceInfo, Feedback]]
) -> Iterable[Week]:
    values: dict[datetime, list[float]] = {}
    failed: dict[datetime, int] = {}
    for info, one in judged:
        values.setdefault(_monday(info), []).append(_share(spec, one.value))
    for info, _ in failures:
        failed[_monday(info)] = failed.get(_monday(info), 0) + 1
    for start in sorted({*values, *failed}):
        found = values.get(start, [])
        yield Week(start, len(found), sum(found) / len(found) if found else 0.0, failed.get(start, 0))


def _share(spec: ScorerSpec, value: Any) -> float:
    scale = kinds.scale(spec)
    if scale and isinstance(value, int | float) and not isinstance(value, bool):
        return (float(value) - scale[0]) / (scale[1] - scale[0])
    return float(bool(value))


def _monday(info: TraceInfo) -> datetime:
    day = datetime.fromtimestamp(info.request_time / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())


def _noise(workspace: "Workspace") -> Mapping[tuple[str, int], Noise]:
    """The newest measurement of each version of each scorer."""
    done = [one for one in jobs.recent(workspace, "scorer_noise", 100) if one.result]
    found: dict[tuple[str, int], Noise] = {}
    for job in reversed(done):
        facts = dict(job.result)
        key = (str(facts.pop("name")), int(facts.pop("version")))
        found[key] = Noise(at=job.ended_at or job.created_at, **facts)
    return found
