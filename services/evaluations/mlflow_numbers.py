"""MLflow's own mean beside ours wherever the two differ, with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from services.evaluations.reading import ERROR
from services.evaluations.records import NUMBER, PASS, Evaluation, Score
from services.messages import Message

# Ours is kept with four digits.
CLOSE = 6e-5


@dataclass(frozen=True)
class Difference:
    """One scorer's two numbers; `theirs` is exactly what MLflow's API gives, None when it gives none."""

    scorer: str
    ours: float | None
    theirs: float | None
    why: Message


def differences(made: Evaluation, rows: pd.DataFrame, kinds: Mapping[str, str]) -> list[Difference]:
    """The scorers whose two numbers are not the same."""
    found = []
    for name, score in made.scores.items():
        ours, theirs = score.mean, made.mlflow.get(name)
        if kinds.get(name) not in (PASS, NUMBER) or (ours is None and theirs is None):
            continue
        if ours is None or theirs is None or abs(ours - theirs) > CLOSE:
            found.append(Difference(name, ours, theirs, _why(made, rows, name, theirs)))
    return found


def _why(made: Evaluation, rows: pd.DataFrame, name: str, theirs: float | None) -> Message:
    score = made.scores[name]
    told: dict[str, str | int] = {"ours": _two(score.mean), "theirs": _two(theirs), "judged": score.judged}
    without = score.rows - score.judged
    if theirs is None:
        return Message(
            "MLflow gives no number: no row got a verdict. With {n} {n:row|rows} without one: {ours}.",
            n=without,
            **told,
        )
    if not _over_judged(rows, name, theirs):
        return _of_other_rows(made, score, told)
    if score.silent and score.failed:
        return Message(
            "MLflow: {theirs} over {judged} that got a verdict; with {failed} failed and {silent} without a verdict: {ours}.",
            failed=score.failed,
            silent=score.silent,
            **told,
        )
    if score.silent:
        return Message(
            "MLflow: {theirs} over {judged} that got a verdict; with {silent} without one: {ours}.",
            silent=score.silent,
            **told,
        )
    return Message(
        "MLflow: {theirs} over {judged} that got an answer; with {failed} failed: {ours}.", failed=without, **told
    )


def _of_other_rows(made: Evaluation, score: Score, told: dict[str, str | int]) -> Message:
    """MLflow averages every value that a scorer gave, also of what was never answered."""
    if not made.failed:
        return Message("MLflow: {theirs}, over other verdicts than those of the rows here: {ours}.", **told)
    if score.kind == NUMBER:
        return Message(
            "MLflow: {theirs}, which also counts what the scorer said of rows that were not answered. Here: {ours}.",
            **told,
        )
    return Message(
        "MLflow: {theirs}, which also counts what the scorer said of rows that were not answered. "
        "With {failed} failed: {ours}.",
        failed=made.failed,
        **told,
    )


def _over_judged(rows: pd.DataFrame, name: str, theirs: float) -> bool:
    """Whether MLflow's mean is that of the verdicts on answered rows."""
    judged = rows[rows["state"].eq("OK") & rows[name].notna() & rows[f"{name}{ERROR}"].eq("")]
    return len(judged) > 0 and abs(float(judged[name].astype(float).mean()) - theirs) < CLOSE


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
