"""The rows of an evaluation as every reader finds them, whoever made it and however long ago."""

import functools
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
from pyarrow.parquet import ParquetFile

from services.apps.places import Places
from services.errors import NotReadyError, translated
from services.evaluations import notebooks
from services.evaluations.records import NUMBER, PASS, TEXT, Evaluation
from services.evaluations.table import ROWS_FILE
from services.messages import Message, stored

if TYPE_CHECKING:
    from services.workspace import Workspace

RATIONALE, REASON, ERROR, SHARE = ".rationale", ".reason", ".error", ".share"
EMPTY: dict[str, Any] = {
    "repeat": 1,
    "messages": "",
    "topic": "",
    "language": "",
    "split": "",
    "critical": False,
    "cost": float("nan"),
}
TYPES = {"prompt_version": "Int64", "input_tokens": "Int64", "output_tokens": "Int64", "cost": "float64"}


def rows(workspace: "Workspace", made: Evaluation) -> pd.DataFrame:
    """A finished evaluation's rows, one per question and repeat; its columns are in docs/evaluations.md."""
    if not made.finished:
        raise NotReadyError(Message("This evaluation has no rows."), Message("It did not finish. Start it again."))
    with translated(Message("Reading the evaluation's rows")):
        return _rows(*_where(workspace, made)).copy(deep=False)


def questions(workspace: "Workspace", made: Evaluation) -> pd.DataFrame:
    """One line per question: with repeats a scorer passes it by majority, and "s.share" tells how often, as "2/3"."""
    table = rows(workspace, made)
    if table.empty or table["repeat"].max() == 1:
        return table
    with translated(Message("Reading the evaluation's rows")):
        return _questions(*_where(workspace, made), tuple(kinds(made, table).items())).copy(deep=False)


def complete(workspace: "Workspace", made: Evaluation) -> Evaluation:
    """The evaluation with scores that rest on its rows; of one made outside they are known only then."""
    if not made.outside or not made.finished:
        return made
    table = rows(workspace, made)
    found = notebooks.scores(table, kinds(made, table)) if len(table) else {}
    return replace(made, scores=found, rows=len(table), failed=int(table["state"].ne("OK").sum()) if len(table) else 0)


def kinds(made: Evaluation, table: pd.DataFrame) -> dict[str, str]:
    """What each scorer of the rows gives: "pass", "number" or "text"."""
    told = {} if made.outside else {name: score.kind for name, score in made.scores.items()}
    return {name: told.get(name) or _kind(table[name]) for name in names(table)}


def names(table: pd.DataFrame) -> list[str]:
    """The scorers of the rows, in their order."""
    return [str(column).removesuffix(RATIONALE) for column in table if str(column).endswith(RATIONALE)]


def reason(row: Mapping[str, Any], scorer: str) -> Message | str:
    """Why a scorer decided so: our own rules' reasons in the reader's language, a judge's as it was written.

    Of one that failed only that it did; `own_words` has what it said itself.
    """
    told = _stored(row, scorer)
    if told is None and own_words(row, scorer):
        return Message("The scorer failed with an error.")
    return told or str(row.get(f"{scorer}{RATIONALE}") or "")


def own_words(row: Mapping[str, Any], scorer: str) -> str:
    """What a scorer that failed said itself, in whatever language; empty of one that judged, or told a reason of ours."""
    said = row.get(f"{scorer}{ERROR}")
    return said if isinstance(said, str) and _stored(row, scorer) is None else ""


def _stored(row: Mapping[str, Any], scorer: str) -> Message | None:
    written = row.get(f"{scorer}{REASON}")
    return stored(written) if isinstance(written, str) else None


def messages(row: Mapping[str, Any]) -> list[dict[str, str]]:
    """The turns of the request with who said them; a single question is one turn of the user."""
    written = row.get("messages")
    found = json.loads(written) if isinstance(written, str) and written else []
    return [{"role": str(one["role"]), "content": notebooks.words(one.get("content"))} for one in found] or [
        {"role": "user", "content": str(row["question"])}
    ]


def filled(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of every age with the same columns; what was not kept then is empty."""
    missing = {name: value for name, value in EMPTY.items() if name not in table}
    missing |= {f"{name}{ERROR}": "" for name in names(table) if f"{name}{ERROR}" not in table}
    missing |= dict.fromkeys((name for name in TYPES if name not in table and name not in missing), pd.NA)
    if missing:
        # At once: each column put in by itself would copy all the others.
        table = pd.concat([table, pd.DataFrame(missing, index=table.index)], axis=1)
    now = table.dtypes
    changed = {name: kind for name, kind in TYPES.items() if now[name] != kind}
    # Even an empty change would go through every column.
    return table.astype(changed) if changed else table


def _where(workspace: "Workspace", made: Evaluation) -> tuple[str, str, str, str, Places]:
    """What finds the rows; asking MLflow again where a run's files are costs more than reading them."""
    app = workspace.app
    return workspace.settings.tracking_uri, app.experiment_id, made.run_id, made.artifacts, app.places


@functools.lru_cache(maxsize=16)
def _rows(tracking_uri: str, experiment_id: str, run_id: str, artifacts: str, places: Places) -> pd.DataFrame:
    """A finished run's rows never change. What a notebook made kept none: its traces are read."""
    if not artifacts:
        return filled(notebooks.read(experiment_id, run_id, places))
    place = f"{artifacts.rstrip('/')}/{ROWS_FILE}"
    file = mlflow.artifacts.download_artifacts(artifact_uri=place, tracking_uri=tracking_uri)
    # One small file: pandas' own reader would import what reads whole folders of them, and start threads.
    with ParquetFile(file) as kept:
        return filled(kept.read(use_threads=False).to_pandas())


@functools.lru_cache(maxsize=16)
def _questions(
    tracking_uri: str,
    experiment_id: str,
    run_id: str,
    artifacts: str,
    places: Places,
    kinds: tuple[tuple[str, str], ...],
) -> pd.DataFrame:
    table = _rows(tracking_uri, experiment_id, run_id, artifacts, places)
    groups = table.groupby("row_id", sort=False)
    # The first repeat stands for its question, an answered one before a failed one.
    ranked = table.assign(_failed=table["state"].ne("OK")).sort_values(["_failed", "repeat"], kind="stable")
    told = ranked.drop(columns="_failed").drop_duplicates("row_id").set_index("row_id").loc[list(groups.groups)]
    for column in ("seconds", "cost"):
        told[column] = groups[column].mean()
    times = groups.size()
    for name, kind in kinds:
        if kind == PASS:
            passed = table[name].eq(True).groupby(table["row_id"]).sum().reindex(told.index)
            judged = groups[name].count().reindex(told.index)
            told[name] = [_majority(*counts) for counts in zip(passed, judged, times.reindex(told.index), strict=True)]
            told[f"{name}{SHARE}"] = passed.astype(str) + "/" + times.reindex(told.index).astype(str)
        elif kind == NUMBER:
            told[name] = table[name].astype(float).groupby(table["row_id"]).mean().reindex(told.index)
    return told.reset_index()


def _majority(passed: int, judged: int, times: int) -> bool | None:
    return None if judged == 0 else passed * 2 > times


def _kind(values: Iterable[Any]) -> str:
    found = [value for value in values if value is not None and value == value]
    if all(isinstance(value, bool) for value in found):
        return PASS
    return NUMBER if all(isinstance(value, int | float) for value in found) else TEXT
