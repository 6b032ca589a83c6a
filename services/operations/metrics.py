"""What a monitoring system may know: numbers about work and answers, never about people, prompts or apps."""

import hmac
from collections.abc import Iterator
from datetime import timedelta

from sqlalchemy import func, select

from services import apps, readmodel
from services.database import job, now, release
from services.jobs import State
from services.people import CONSOLE
from services.processes import heart
from services.processes.timing import BOUNDS, COUNTS
from services.releases.facts import State as ReleaseState
from services.workspace import Platform, Workspace

TOKEN = "SIGNALBOX_METRICS_TOKEN"
SHORTEST = 16
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
LATELY = timedelta(days=1)


def admitted(token: str, authorization: str) -> bool:
    """Whether the header carries the token; compared in constant time."""
    return bool(token) and hmac.compare_digest(authorization.encode(), f"Bearer {token}".encode())


def text(platform: Platform | None, ready: bool) -> str:
    """The exposition that Prometheus reads; None while the stores are not open: then only that is told."""
    lines = list(_http())
    if platform is not None:
        lines += [*_worker(platform), *_jobs(platform), *_releases(platform), *_read_model(platform)]
    return "\n".join(
        [*_gauge("ready", "Whether the stores are prepared and the worker works.", int(ready)), *lines, ""]
    )


def _gauge(name: str, told: str, value: float | None) -> Iterator[str]:
    if value is not None:
        yield from _head(name, told, "gauge")
        yield f"signalbox_{name} {value:g}"


def _head(name: str, told: str, kind: str) -> Iterator[str]:
    yield f"# HELP signalbox_{name} {told}"
    yield f"# TYPE signalbox_{name} {kind}"


def _labelled(name: str, told: str, kind: str, label: str, values: dict[str, int]) -> Iterator[str]:
    yield from _head(name, told, kind)
    yield from (f'signalbox_{name}{{{label}="{one}"}} {n}' for one, n in values.items())


def _worker(platform: Platform) -> Iterator[str]:
    age = heart.age(platform.settings)
    yield from _gauge("worker_heartbeat_age_seconds", "Seconds since the worker last said that it works.", age)


def _jobs(platform: Platform) -> Iterator[str]:
    time = now()
    due = (job.c.state == State.QUEUED.value, job.c.due_at <= time)
    asked = {
        "waiting": due,
        "running": (job.c.state == State.RUNNING.value,),
        "failed": (job.c.state == State.FAILED.value, job.c.ended_at > time - LATELY),
    }
    with platform.engine.connect() as connection:
        counts = {
            name: connection.execute(select(func.count()).where(*where)).scalar_one() for name, where in asked.items()
        }
        oldest = connection.execute(select(func.min(job.c.due_at)).where(*due)).scalar()
    told = "Jobs that are due and wait, that run, and that failed in the last 24 hours."
    yield from _labelled("jobs", told, "gauge", "state", counts)
    waited = (time - oldest).total_seconds() if oldest else 0.0
    yield from _gauge("oldest_waiting_job_seconds", "How long the oldest waiting job is due.", waited)


def _releases(platform: Platform) -> Iterator[str]:
    with platform.engine.connect() as connection:
        found = connection.execute(select(release.c.state, func.count()).group_by(release.c.state)).all()
    counts = {one.value: 0 for one in ReleaseState} | {row.state: row[1] for row in found}
    yield from _labelled("releases", "Releases by state.", "gauge", "state", counts)


def _read_model(platform: Platform) -> Iterator[str]:
    """Of the app that waits longest."""
    place = Workspace(platform, CONSOLE)
    looked = [readmodel.state(place.for_app(app)).looked_at for app in apps.all(place)]
    lags = [(now() - one).total_seconds() for one in looked if one is not None]
    told = "Seconds since the charts last looked at MLflow, of the app that waits longest."
    yield from _gauge("read_model_lag_seconds", told, max(lags, default=None))


def _http() -> Iterator[str]:
    yield from _labelled(
        "http_requests_total", "Answers by class of status.", "counter", "status", dict(COUNTS.statuses)
    )
    name = "http_request_seconds"
    yield from _head(name, "Seconds from a request to the first byte of its answer.", "histogram")
    total = 0
    for bound, n in zip((*map(str, BOUNDS), "+Inf"), list(COUNTS.buckets), strict=True):
        total += n
        yield f'signalbox_{name}_bucket{{le="{bound}"}} {total}'
    yield f"signalbox_{name}_sum {COUNTS.seconds:.6f}"
    yield f"signalbox_{name}_count {total}"
