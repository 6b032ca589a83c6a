"""How production does: live traces only, every number with the rows it rests on, and silence explained."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from services import audit, database
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message
from services.monitoring.scoring import score_live
from services.monitoring.silence import reasons, scoring_job
from services.platforms import MonitoredScorer
from services.traces.rows import TraceRow, origin, read_infos, row_of

if TYPE_CHECKING:
    from services.jobs import Job
    from services.workspace import Workspace

__all__ = [
    "MOST_READ",
    "Overview",
    "Totals",
    "backfill",
    "live_traces",
    "overview",
    "production_scorers",
    "resume",
    "save_scorers",
    "score_live",
]

MOST_READ = 2000
NOT_EVALUATED = " AND metadata.`mlflow.sourceRun` IS NULL"
DAY = "1D"
BUCKETS = ((6, "15min"), (48, "1h"), (24 * 14, "6h"))


@dataclass(frozen=True)
class Totals:
    """The window in four numbers; seconds of finished answers, None without any."""

    count: int
    errors: int
    p50: float | None
    p95: float | None


@dataclass(frozen=True)
class Overview:
    """What the charts show.

    `buckets`: time, count, errors, p50, p95 (seconds). `scores`: time, scorer, mean (0..1), n.
    `capped`: only the newest MOST_READ traces were read.
    """

    buckets: pd.DataFrame
    scores: pd.DataFrame
    totals: Totals
    silence: tuple[Message, ...]
    capped: bool
    read_at: datetime


def overview(workspace: "Workspace", hours: float) -> Overview:
    """The live traces of the last `hours`, in buckets; a long window's are days of the app's time zone."""
    read = workspace.platform.history.series(workspace, hours, MOST_READ)
    zone = workspace.app.time_zone
    return Overview(
        buckets=_buckets(read, hours, zone),
        scores=_scores(read, hours, zone),
        totals=_totals(read),
        silence=tuple(reasons(workspace, read, hours)),
        capped=bool(read.attrs.get("capped")),
        read_at=database.now(),
    )


def production_scorers(workspace: "Workspace") -> list[MonitoredScorer]:
    return workspace.platform.scoring.status(workspace)


def save_scorers(workspace: "Workspace", wanted: list[MonitoredScorer]) -> None:
    """Change which scorers judge production and how much of it; raises InvalidInputError for a share outside 0..1."""
    if any(not 0 < scorer.rate <= 1 for scorer in wanted):
        raise InvalidInputError(
            Message("A scorer judges more than 0 % and at most 100 % of the answers."), Message("Correct the share.")
        )
    before = production_scorers(workspace)
    fewer = {one.name for one in before if one.running} - {one.name for one in wanted if one.running}
    verb = Verb.STOP_SCORERS if fewer else Verb.START_SCORERS
    with audit.change(workspace, verb, "production scorers", before=_plain(before), after=_plain(wanted)):
        workspace.platform.scoring.apply(workspace, wanted)


def scoring_runs(workspace: "Workspace") -> bool:
    """Whether something judges new answers."""
    job = scoring_job(workspace)
    return job is not None and job.live


def resume(workspace: "Workspace") -> None:
    """Start the scoring again when nothing runs it although scorers are on."""
    with audit.change(workspace, Verb.START_SCORERS, "scoring"):
        workspace.platform.scoring.resume(workspace)


def backfill(workspace: "Workspace", hours: float) -> "Job":
    """Judge the live answers of the last `hours` that have no verdict, or only a failed one."""
    with audit.change(workspace, Verb.START_SCORERS, "backfill", after=hours):
        return workspace.platform.scoring.backfill(workspace, hours)


def live_traces(workspace: "Workspace", hours: float, limit: int) -> pd.DataFrame:
    """What the local history reads; `attrs["capped"]` says whether the limit was reached."""
    infos = list(read_infos(workspace, hours, limit, NOT_EVALUATED))
    rows = [_series_row(row_of(info)) for info in infos if origin(info) == "live"]
    read = pd.DataFrame(rows, columns=["trace_id", "time", "seconds", "state", "model_id", "scores"])
    read = read.astype({"seconds": float})
    read.attrs["capped"] = len(infos) >= limit
    return read


def _series_row(row: TraceRow) -> tuple[object, ...]:
    state = "OK" if row.ok else "ERROR"
    return row.trace_id, row.time, row.seconds, state if row.finished else "IN_PROGRESS", row.model_id, row.scores


def _totals(read: pd.DataFrame) -> Totals:
    seconds = read.loc[read["state"] == "OK", "seconds"].dropna()
    errors = int((read["state"] == "ERROR").sum())
    if seconds.empty:
        return Totals(len(read), errors, None, None)
    return Totals(len(read), errors, float(seconds.quantile(0.5)), float(seconds.quantile(0.95)))


def _buckets(read: pd.DataFrame, hours: float, zone: str) -> pd.DataFrame:
    """One row per bucket of the window, also of those in which nobody asked."""
    times = _times(hours, zone)
    bucket = _bucket(read, hours, zone)
    grouped = read.groupby(bucket)
    fine = read[read["state"] == "OK"].groupby(bucket)["seconds"]
    found = pd.DataFrame(
        {
            "count": grouped.size(),
            "errors": grouped["state"].agg(lambda states: int((states == "ERROR").sum())),
            "p50": fine.quantile(0.5),
            "p95": fine.quantile(0.95),
        }
    ).reindex(times)
    found[["count", "errors"]] = found[["count", "errors"]].fillna(0).astype(int)
    return found.rename_axis("time").reset_index()


def _scores(read: pd.DataFrame, hours: float, zone: str) -> pd.DataFrame:
    """The share of passed answers per bucket and scorer, and how many were judged."""
    judged = pd.DataFrame(
        [
            (time, scorer, passed)
            for time, scores in zip(_bucket(read, hours, zone), read["scores"], strict=True)
            for scorer, passed in scores.items()
        ],
        columns=["time", "scorer", "passed"],
    )
    grouped = judged.astype({"passed": float}).groupby(["time", "scorer"])["passed"]
    return grouped.agg(mean="mean", n="size").reset_index()


def _bucket(read: pd.DataFrame, hours: float, zone: str) -> pd.Series:
    return _floor(pd.DatetimeIndex(pd.to_datetime(read["time"], utc=True)), hours, zone).to_series(read.index)


def _times(hours: float, zone: str) -> pd.DatetimeIndex:
    end = pd.Timestamp(database.now())
    ends = _floor(pd.DatetimeIndex([end - timedelta(hours=hours), end]), hours, zone)
    if _width(hours) != DAY:
        return pd.date_range(*ends, freq=_width(hours))
    days = pd.date_range(*(one.date() for one in ends.tz_convert(zone)), tz=zone, freq=DAY)
    return days.tz_convert("UTC")


def _floor(times: pd.DatetimeIndex, hours: float, zone: str) -> pd.DatetimeIndex:
    """The beginnings of the buckets, in UTC; a day begins at midnight of the app's zone."""
    if _width(hours) != DAY:
        return times.floor(_width(hours))
    midnight = times.tz_convert(zone).tz_localize(None).floor(DAY)
    # Where clocks change at midnight, the day begins with its first moment that exists.
    return midnight.tz_localize(zone, nonexistent="shift_forward", ambiguous=[True] * len(midnight)).tz_convert("UTC")


def _width(hours: float) -> str:
    return next((width for most, width in BUCKETS if hours <= most), DAY)


def _plain(scorers: list[MonitoredScorer]) -> list[str]:
    return [f"{one.name} {one.version}: {one.rate:.0%}" for one in scorers if one.running]
