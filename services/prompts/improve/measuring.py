"""Both texts on the questions that the optimiser never saw."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
from mlflow.genai.scorers import Scorer

from services import datasets, prompts, verdicts
from services.datasets import Row
from services.errors import InvalidInputError
from services.messages import Message
from services.prompts import Content
from services.prompts.improve.asking import Asking, expected, passes
from services.prompts.improve.optimizing import tight


def measured(
    asking: Asking, base: Content, content: Content, rows: Sequence[Row], built: list[Scorer]
) -> dict[str, Any]:
    """The job's result; a text that could not be saved is not asked."""
    refused = _refusal(content)
    changed = tight(content).template != tight(base).template
    before = _table(asking, base, rows, built)
    after = before if refused or not changed else _table(asking, content, rows, built)
    names = [one.name for one in built]
    verdict = verdicts.compare(after, before, names).to_json()
    tables = [before] if after is before else [before, after]
    unjudged = sum(int(table["unjudged"].sum()) for table in tables)
    scores = [{"scorer": one, "before": int(before[one].sum()), "after": int(after[one].sum())} for one in names]
    return {
        "content": content.to_json(),
        "rows": len(rows),
        "scores": scores,
        "verdict": verdict,
        "changed": changed,
        "unjudged": unjudged,
        "refused": refused.to_json() if refused else None,
    }


def _table(asking: Asking, content: Content, rows: Sequence[Row], built: list[Scorer]) -> pd.DataFrame:
    """A line a row: row_id, state, critical, unjudged, and whether each scorer passed the answer.

    No answer passes nothing, nor does one that a scorer failed at; `unjudged` counts those scorers.
    """
    lines = []
    for row in rows:
        answer = asking.answer(content, row.question)
        given = {"inputs": datasets.inputs(row.question), "outputs": answer, "expectations": expected(row)}
        passed = {one.name: False if answer is None else passes(one, **given) for one in built}
        lines.append(
            {
                "row_id": datasets.row_id(row.question),
                "state": "ERROR" if answer is None else "OK",
                "critical": row.critical,
                "unjudged": sum(one is None for one in passed.values()),
                **{name: bool(one) for name, one in passed.items()},
            }
        )
    return pd.DataFrame(lines)


def _refusal(content: Content) -> Message | None:
    try:
        prompts.check(content)
    except InvalidInputError as error:
        return error.message
    return None
