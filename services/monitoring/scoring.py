"""The recurring job that judges live answers: each by each running scorer, once."""

import hashlib
import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import mlflow
from mlflow.entities import AssessmentError, AssessmentSource, Feedback, Trace, TraceInfo, TraceState
from mlflow.genai.scorers import Scorer

from services import database, scorers
from services.apps.places import Places
from services.errors import ConsoleError, PlatformError, translated
from services.messages import Message
from services.monitoring import judge
from services.platforms import MonitoredScorer
from services.traces.rows import PAIR_TAG, is_bare, is_live, newest_feedback, origin, read_infos, root_of
from services.traces.story import VERSION_KEY, outputs_of, request_of

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

log = logging.getLogger("signalbox.worker")

SCORER_KEY = "signalbox.scorer"
LOOK_BACK = 2.0
MOST_READ = 2000
MOST = 500
AT_ONCE = 4
SECONDS_TO_TAGS = 90
SOURCE = AssessmentSource(source_type="CODE", source_id="signalbox")


def score_live(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """Judge what came in and has no verdict yet; with `hours` also older answers, and failed verdicts again.

    Every run reads the last LOOK_BACK hours, so that late traces are judged too; what has a verdict is skipped.
    """
    running = [one for one in workspace.platform.scoring.status(workspace) if one.running and _can(workspace, one)]
    if not running:
        return {"scored": 0, "traces": 0}
    backfill = "hours" in work.args
    hours = float(work.args.get("hours", LOOK_BACK))
    newest_first = list(_due(workspace, running, hours, backfill))
    # What somebody was answered comes before what a shadow answered nobody.
    due = sorted(newest_first, key=lambda one: (origin(one[0]) != "live", one[0].request_time))[:MOST]
    specs = [scorers.at(workspace, one.name, one.version) for one in running]
    if due:
        judge.notice(workspace, specs)
    built = {spec.name: scorers.build(spec, workspace) for spec in specs}
    work.progress(0, len(due), Message("Judging live answers"))
    judged = []
    with ThreadPoolExecutor(AT_ONCE) as threads:
        for done, (info, missing) in enumerate(due, 1):
            trace = _readable(workspace, info)
            if trace is not None:
                _score(threads, trace, workspace.app.places, missing, built)
                judged.append(len(missing))
            work.progress(done, len(due))
    work.save({"newest": due[-1][0].trace_id} if due else work.checkpoint)
    return {"scored": sum(judged), "traces": len(judged)}


def _can(workspace: "Workspace", scorer: MonitoredScorer) -> bool:
    """What needs more than a live answer would fail at each one."""
    return scorers.not_in_production(scorers.at(workspace, scorer.name, scorer.version)) is None


def sampled(mark: str, rate: float) -> bool:
    """The same answers at every run, and both to a copied question; a lower share judges a part of what a higher one does."""
    digest = hashlib.sha256(mark.encode()).digest()
    return int.from_bytes(digest[:7]) / (1 << 56) < rate


def _due(
    workspace: "Workspace", running: list[MonitoredScorer], hours: float, again: bool
) -> Iterator[tuple[TraceInfo, list[MonitoredScorer]]]:
    for info in read_infos(workspace, hours, MOST_READ, " AND metadata.`mlflow.sourceRun` IS NULL AND status = 'OK'"):
        if not _is_ours(workspace, info) or info.state != TraceState.OK or (is_bare(info) and _is_fresh(info)):
            continue
        missing = [
            one
            for one in running
            if sampled(info.tags.get(PAIR_TAG, info.trace_id), one.rate) and not _judged(info, one, again)
        ]
        if missing:
            yield info, missing


def _is_ours(workspace: "Workspace", info: TraceInfo) -> bool:
    """Live, or a shadow's answer to a copied question: that counts in no number of production, and is compared."""
    return is_live(workspace, info) or (origin(info) == "shadow" and PAIR_TAG in info.tags)


def _is_fresh(info: TraceInfo) -> bool:
    """Its tags may still come, from the process or from whoever clears up after it."""
    return database.now().timestamp() - info.request_time / 1000 < SECONDS_TO_TAGS


def _judged(info: TraceInfo, scorer: MonitoredScorer, again: bool) -> bool:
    given = newest_feedback(info).get(scorer.name)
    if given is None or (again and given.error):
        return False
    return (given.metadata or {}).get(VERSION_KEY) == str(scorer.version)


def _readable(workspace: "Workspace", info: TraceInfo) -> Trace | None:
    """The trace; None when it cannot be read or has no root span, which the next run tries again."""
    try:
        with translated(Message("Reading the trace")):
            trace = workspace.client.get_trace(info.trace_id)
    except ConsoleError as error:
        if isinstance(error, PlatformError) and error.retryable:
            raise
        log.warning("trace %s is not judged: %s", info.trace_id, error)
        return None
    if root_of(trace) is None:
        log.warning("trace %s is not judged: it has no root span", info.trace_id)
        return None
    return trace


def _score(
    threads: ThreadPoolExecutor,
    trace: Trace,
    places: Places,
    missing: list[MonitoredScorer],
    built: dict[str, Scorer],
) -> None:
    """A scorer that fails leaves its error as the verdict; the others go on."""
    asked = {"inputs": request_of(trace, places), "outputs": outputs_of(trace, places), "trace": trace}
    judging = {one: threads.submit(built[one.name].run, **asked) for one in missing}
    for one, judged in judging.items():
        _keep(trace, one, _verdict(one, judged))


def _verdict(scorer: MonitoredScorer, judged: Future[Any]) -> Feedback:
    error = judged.exception()
    if error is not None:
        failure = AssessmentError("SCORER_ERROR", f"{type(error).__name__}: {error}"[:500])
        return Feedback(name=scorer.name, error=failure)
    given = judged.result()
    return given if isinstance(given, Feedback) else Feedback(name=scorer.name, value=given)


def _keep(trace: Trace, scorer: MonitoredScorer, given: Feedback) -> None:
    metadata = {**(given.metadata or {}), SCORER_KEY: scorer.name, VERSION_KEY: str(scorer.version)}
    kept = Feedback(
        name=scorer.name,
        value=given.value,
        error=given.error,
        rationale=given.rationale,
        source=given.source if given.error is None else SOURCE,
        metadata=metadata,
    )
    with translated(Message("Keeping the verdict")):
        mlflow.log_assessment(trace.info.trace_id, kept)
