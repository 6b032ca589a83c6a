"""How evaluations, their numbers and their verdicts are written everywhere."""

from collections.abc import Iterable
from typing import Any, Literal

import pandas as pd

from pages.components import choices, session
from services.evaluations import Evaluation, Score, browsing
from services.evaluations.records import PASS
from services.evaluations.sources import ENDPOINT, TRACES
from services.messages import mark

_ = session.text
STATE = {
    "RUNNING": mark("running"),
    "FINISHED": mark("finished"),
    "FAILED": mark("failed"),
    "KILLED": mark("cancelled"),
    "SCHEDULED": mark("waiting"),
}
COLOUR: dict[str, Literal["green", "blue", "red"]] = {"FINISHED": "green", "RUNNING": "blue", "FAILED": "red"}
LIGHT = {
    browsing.PASSED: ":green[:material/check_circle:]",
    browsing.FAILED: ":red[:material/cancel:]",
    browsing.NONE: ":gray[:material/help:]",
    browsing.ERRED: ":orange[:material/error:]",
    browsing.VALUE: ":blue[:material/straighten:]",
}
# What is evaluated where no agent version is named; MLflow's name of such a run is in English.
SOURCES = {ENDPOINT: mark("What answered at the endpoint"), TRACES: mark("Answers that existed")}
SIGN = {browsing.PASSED: "✓", browsing.FAILED: "✗", browsing.NONE: "–", browsing.ERRED: "!"}


def labels(found: Iterable[Evaluation]) -> dict[str, str]:
    """Evaluations by their run as a list to choose from shows them, in the order given."""
    return choices.apart({one.run_id: title(one) for one in found})


def title(made: Evaluation) -> str:
    """An evaluation in one line, as lists and choices name it."""
    time = session.moment(made.created_at)
    if not made.outside and made.source in SOURCES:
        return _("{name}, {time}", name=_(SOURCES[made.source]), time=time)
    if made.outside or not made.prompt_name:
        name = made.name.split(" · ")[0] if made.model_id and not made.outside else made.name
        return _("{name}, {time}", name=name or _("Evaluation"), time=time)
    version = made.prompt_version or made.requested_version
    return _("{prompt} version {n}, {time}", prompt=made.prompt_name, n=version or "–", time=time)


def asked(made: Evaluation) -> str:
    """What was asked, as short as a column is narrow."""
    if not made.outside and made.source in SOURCES:
        return _(SOURCES[made.source])
    if made.outside or not made.prompt_name:
        return made.name
    return f"{made.prompt_name} {made.prompt_version or made.requested_version}"


def score(one: Score | None) -> str:
    return mean(one.mean, one.kind) if one else "–"


def mean(value: float | None, kind: str) -> str:
    """A share as a percentage, any other number as it is; a dash when there is none."""
    if value is None or value != value:
        return "–"
    return session.percent(value) if kind == PASS else f"{value:.2f}"


def standing(one: Score) -> str:
    """What a mean rests on."""
    if not one.rows:
        return ""
    said = [_("{judged} of {rows} judged", judged=one.judged, rows=one.rows)]
    said += [_("{n} failed", n=one.failed)] if one.failed else []
    said += [_("{n} without a verdict", n=one.silent)] if one.silent else []
    return _(", ").join(said)


def value(row: Any, name: str, kind: str) -> str:
    """One verdict in a table: a sign, with repeats how often it passed, or the number."""
    state = browsing.states(pd.DataFrame([row]), name, kind).iloc[0]
    return cell(state, row[name], row.get(f"{name}.share"))


def cell(state: str, given: Any, share: Any = None) -> str:
    if state == browsing.VALUE:
        return f"{given:.2f}".rstrip("0").rstrip(".") if isinstance(given, float) else str(given)
    return f"{SIGN[state]} {share}" if isinstance(share, str) else SIGN[state]


def state_of(row: Any, name: str, kind: str) -> str:
    return str(browsing.states(pd.DataFrame([row]), name, kind).iloc[0])


def count(value: Any) -> str:
    return "–" if value is None or pd.isna(value) else f"{round(float(value)):,}"
