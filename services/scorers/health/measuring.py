"""The health of one version of a scorer, counted from the answers that were read."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from mlflow.entities import AssessmentSourceType, Feedback, TraceInfo
from mlflow.tracing.constant import AssessmentMetadataKey

from services.scorers import kinds
from services.scorers.health.facts import Disagreement, Health, Noise, Opinion, Week
from services.scorers.health.reading import Answers
from services.scorers.kinds import NOTHING_TO_JUDGE
from services.scorers.records import ScorerSpec
from services.traces.opinions import OPINION
from services.traces.rows import opinions
from services.traces.story import VERSION_KEY
from services.verdicts import agreement

WORDS = {"yes": True, "no": False, "true": True, "false": False, "pass": True, "fail": False}


def measure(spec: ScorerSpec, answers: Answers, noise: Noise | None) -> Health:
    """Verdicts, failures and weeks of the newest answers; agreement on all that people judged too."""
    given = _given(spec, answers.newest)
    judged = [(info, one) for info, one in given if one.error is None]
    valid = judged + [(info, one) for info, one in _given(spec, answers.judged) if one.error is None]
    failures = [(info, one) for info, one in given if one.error and one.error.error_code not in NOTHING_TO_JUDGE]
    pairs = [(info, passed(spec, one.value), _passed_by_people(info, spec)) for info, one in valid]
    both = [(info, ours, theirs) for info, ours, theirs in pairs if ours is not None and theirs is not None]
    return Health(
        spec=spec,
        verdicts=len(judged),
        failures=len(failures),
        agreement=agreement.measure([ours for _, ours, _ in both], [theirs for *_, theirs in both]),
        disagreements=tuple(
            Disagreement(info.trace_id, info.request_preview or "", ours)
            for info, ours, theirs in both
            if ours is not theirs
        ),
        noise=noise,
        weeks=tuple(_weeks(spec, judged, failures, [(info, ours is theirs) for info, ours, theirs in both])),
    )


def said_by_people(spec: ScorerSpec, answers: Answers) -> list[Opinion]:
    """The answers on which people are of one mind, with the first reason that was given."""
    found = [(info, _passed_by_people(info, spec)) for info in answers.all]
    return [Opinion(info, value, _reason(info, spec)) for info, value in found if value is not None]


def passed(spec: ScorerSpec, value: Any) -> bool | None:
    """A verdict as passed or failed; a number passes from the middle of its scale on."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return WORDS.get(value.strip().lower())
    scale = kinds.scale(spec)
    return float(value) >= sum(scale) / 2 if scale and isinstance(value, int | float) else None


def _given(spec: ScorerSpec, infos: Iterable[TraceInfo]) -> list[tuple[TraceInfo, Feedback]]:
    return [(info, one) for info in infos if (one := _verdict_of(info, spec)) is not None]


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


def _passed_by_people(info: TraceInfo, spec: ScorerSpec) -> bool | None:
    values = {passed(spec, one.value) for one in _said(info, spec)} - {None}
    return values.pop() if len(values) == 1 else None


def _said(info: TraceInfo, spec: ScorerSpec) -> list[Feedback]:
    """What people said under the scorer's name; their thumbs when they said nothing there."""
    for name in (spec.name, OPINION):
        given = [one for one in opinions(info) if one.name == name and passed(spec, one.value) is not None]
        if given:
            return given
    return []


def _reason(info: TraceInfo, spec: ScorerSpec) -> str:
    return next((one.rationale for one in _said(info, spec) if one.rationale), "")


def _weeks(
    spec: ScorerSpec,
    judged: Iterable[tuple[TraceInfo, Feedback]],
    failures: Iterable[tuple[TraceInfo, Feedback]],
    compared: Iterable[tuple[TraceInfo, bool]],
) -> Iterable[Week]:
    values: dict[datetime, list[float]] = defaultdict(list)
    agreed: dict[datetime, list[bool]] = defaultdict(list)
    for info, one in judged:
        values[_monday(info)].append(_share(spec, one.value))
    for info, same in compared:
        agreed[_monday(info)].append(same)
    failed = Counter(_monday(info) for info, _ in failures)
    for start in sorted({*values, *failed, *agreed}):
        found, alike = values[start], agreed[start]
        mean = sum(found) / len(found) if found else 0.0
        yield Week(start, len(found), mean, failed[start], len(alike), sum(alike))


def _share(spec: ScorerSpec, value: Any) -> float:
    scale = kinds.scale(spec)
    if scale and isinstance(value, int | float) and not isinstance(value, bool):
        return (float(value) - scale[0]) / (scale[1] - scale[0])
    return float(bool(value))


def _monday(info: TraceInfo) -> datetime:
    day = datetime.fromtimestamp(info.request_time / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return day - timedelta(days=day.weekday())
