"""Ready questions to the archive for other tools: the first rows, and how much each scorer passed each day."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.archive import table
from services.messages import mark

if TYPE_CHECKING:
    from services.workspace import Workspace

DUCKDB_FIRST = """INSTALL delta; LOAD delta;
SELECT time, state, request, response, model_id, tokens
FROM delta_scan('{path}')
ORDER BY time DESC
LIMIT 20;"""
DUCKDB_RATES = """INSTALL delta; LOAD delta;
SELECT day, a.name AS scorer, count(*) AS n,
       avg(CASE WHEN a.value IN ('true', '"yes"') THEN 1.0 ELSE 0.0 END) AS pass_rate
FROM (SELECT day, unnest(assessments) AS a FROM delta_scan('{path}') WHERE origin = 'live')
WHERE a.valid AND a.error IS NULL AND a.source_type != 'HUMAN'
  AND a.value IN ('true', 'false', '"yes"', '"no"')
GROUP BY day, scorer
ORDER BY day, scorer;"""
POLARS_FIRST = """import polars as pl

traces = pl.scan_delta("{path}")
columns = ["time", "state", "request", "response", "model_id", "tokens"]
print(traces.select(columns).sort("time", descending=True).head(20).collect())"""
POLARS_RATES = """import polars as pl

traces = pl.scan_delta("{path}").filter(pl.col("origin") == "live")
given = traces.select("day", pl.col("assessments").alias("a")).explode("a").unnest("a")
judged = given.filter(
    pl.col("valid") & pl.col("error").is_null() & (pl.col("source_type") != "HUMAN")
    & pl.col("value").is_in(["true", "false", '"yes"', '"no"'])
)
passed = pl.col("value").is_in(["true", '"yes"'])
rates = judged.group_by("day", "name").agg(pl.len().alias("n"), passed.mean().alias("pass_rate"))
print(rates.sort("day", "name").collect())"""
SPARK_FIRST = """SELECT time, state, request, response, model_id, tokens
FROM delta.`{path}`
ORDER BY time DESC
LIMIT 20;"""
SPARK_RATES = """SELECT day, a.name AS scorer, count(*) AS n,
       avg(CASE WHEN a.value IN ('true', '"yes"') THEN 1.0 ELSE 0.0 END) AS pass_rate
FROM (SELECT day, explode(assessments) AS a FROM delta.`{path}` WHERE origin = 'live')
WHERE a.valid AND a.error IS NULL AND a.source_type != 'HUMAN'
  AND a.value IN ('true', 'false', '"yes"', '"no"')
GROUP BY day, a.name
ORDER BY day, scorer;"""
READY = {
    "DuckDB": (DUCKDB_FIRST, DUCKDB_RATES),
    "Polars": (POLARS_FIRST, POLARS_RATES),
    "Spark": (SPARK_FIRST, SPARK_RATES),
}
FIRST, RATES = mark("The newest rows"), mark("Each scorer's pass rate by day")


@dataclass(frozen=True)
class Query:
    """A question that can be copied as it is."""

    tool: str
    title: str
    text: str


def ready(workspace: "Workspace") -> list[Query]:
    """For each tool both questions, with the table's own path."""
    where = str(table.path(workspace))
    return [
        Query(tool, title, text.replace("{path}", where))
        for tool, (first, rates) in READY.items()
        for title, text in ((FIRST, first), (RATES, rates))
    ]
