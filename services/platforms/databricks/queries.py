"""SQL for the warehouse over an archive of traces, to be copied and to be drawn, and what it answered as numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.errors import NotReadyError
from services.messages import Message
from services.platforms.databricks import warehouse
from services.platforms.databricks.archiving import Archive

if TYPE_CHECKING:
    from services.workspace import Workspace

# What the platform may call the time of a trace: its columns are not published, so a query names only what is there.
TIMES = ("request_time", "timestamp", "timestamp_ms", "time")
GIVEN, STATE, MILLIS = "assessments", "state", "execution_duration_ms"
MOST_DAYS, MOST_RATES = 400, 2000
AS_TEXT = (
    "ARRAY<STRUCT<assessment_name: STRING, source: STRUCT<source_type: STRING, source_id: STRING>, "
    "feedback: STRUCT<value: STRING>>>"
)


@dataclass(frozen=True)
class Day:
    """One day of the archive: answers, how many failed, the median in seconds; None where the table does not say."""

    day: str
    n: int
    failed: int | None
    median: float | None


@dataclass(frozen=True)
class Rate:
    """The share (0..1) of a scorer's `n` verdicts of a day that passed."""

    day: str
    scorer: str
    n: int
    passed: float


def first_rows(archive: Archive) -> str:
    """The newest rows."""
    time = _time(archive)
    order = f"\nORDER BY `{time}` DESC" if time else ""
    return f"SELECT *\nFROM {_quoted(archive.table)}{order}\nLIMIT 20;"


def by_day(archive: Archive) -> str | None:
    """Answers, failures and the median time by day, the newest days; None while the columns are not known."""
    if _time(archive) is None:
        return None
    columns = archive.columns or {}
    failed = f"sum(CASE WHEN `{STATE}` = 'ERROR' THEN 1 ELSE 0 END)" if STATE in columns else "NULL"
    median = f"percentile_approx(`{MILLIS}`, 0.5)" if MILLIS in columns else "NULL"
    return (
        f"SELECT {_day(archive)} AS day, count(*) AS n,\n"
        f"       {failed} AS failed,\n"
        f"       {median} AS median_ms\n"
        f"FROM {_quoted(archive.table)}\nGROUP BY 1\nORDER BY 1 DESC\nLIMIT {MOST_DAYS};"
    )


def pass_rates(archive: Archive) -> str | None:
    """Each scorer's pass rate by day; None while the columns are not known, or others than expected."""
    time, kind = _time(archive), (archive.columns or {}).get(GIVEN, "")
    if not time or not kind:
        return None
    given = f"from_json({GIVEN}, '{AS_TEXT}')" if kind.lower() == "string" else GIVEN
    name = "assessment_name" if "assessment_name" in kind or kind.lower() == "string" else "name"
    value = "CAST(a.feedback.value AS STRING)"
    passed = f"lower({value}) IN ('true', 'yes', '\"yes\"')"
    return (
        f"SELECT {_day(archive)} AS day, a.{name} AS scorer, count(*) AS n,\n"
        f"       avg(CASE WHEN {passed} THEN 1.0 ELSE 0.0 END) AS pass_rate\n"
        f"FROM (SELECT `{time}`, explode({given}) AS a FROM {_quoted(archive.table)})\n"
        f"WHERE a.feedback IS NOT NULL AND a.source.source_type != 'HUMAN'\n"
        f"  AND lower({value}) IN ('true', 'false', 'yes', 'no', '\"yes\"', '\"no\"')\n"
        f"GROUP BY 1, 2\nORDER BY 1 DESC, 2\nLIMIT {MOST_RATES};"
    )


def days(workspace: "Workspace", archive: Archive) -> list[Day]:
    """What the warehouse answers to `by_day`, the oldest first; raises NotReadyError as long as it cannot be asked."""
    found = _asked(workspace, by_day(archive))
    return sorted((Day(day, int(n), _whole(failed), _seconds(median)) for day, n, failed, median in found), key=_by_day)


def rates(workspace: "Workspace", archive: Archive) -> list[Rate]:
    """What the warehouse answers to `pass_rates`, the oldest first."""
    found = _asked(workspace, pass_rates(archive))
    return sorted((Rate(day, scorer, int(n), float(passed)) for day, scorer, n, passed in found), key=_by_day)


def _asked(workspace: "Workspace", statement: str | None) -> Sequence[tuple[str, ...]]:
    if statement is None:
        raise NotReadyError(
            Message("The columns of the table are not known, or others than expected."),
            Message("Wait for the first run of the archive's job; “SELECT *” shows what there is."),
        )
    return [tuple("" if one is None else one for one in row) for row in warehouse.ask(workspace, statement).values]


def _by_day(one: Day | Rate) -> str:
    return one.day


def _whole(text: str) -> int | None:
    return int(text) if text else None


def _seconds(millis: str) -> float | None:
    found = float(millis) if millis else math.nan
    return None if math.isnan(found) else found / 1000


def _time(archive: Archive) -> str | None:
    return next((one for one in TIMES if one in (archive.columns or {})), None)


def _day(archive: Archive) -> str:
    """A time that is kept as a number counts milliseconds."""
    time = _time(archive)
    kind = (archive.columns or {}).get(time or "", "").lower()
    return f"to_date(timestamp_millis(`{time}`))" if kind in ("bigint", "long") else f"to_date(`{time}`)"


def _quoted(full: str) -> str:
    return ".".join(f"`{part}`" for part in full.split("."))
