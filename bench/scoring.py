"""Judging live answers: our job, beside the same scorers called and kept one after the other, on the same store.

    python -m bench.scoring [answers]

Half of the answers are judged by each way, so that both write as much; every verdict is counted afterwards.
"""

import os
import shutil
import sys
import tempfile
import time

from bench import trace_maker
from bench.evaluate import carry_out
from bench.overview import END, store, workspace
from bench.results import Measured, keep
from bench.trace_maker import DAY, Made

SCORERS = {"length": {"shortest": 10, "longest": 500}, "polite": {}, "word_list": {}}
HOURS = 24 * 3650


def main(answers: int) -> None:
    folder = tempfile.mkdtemp(prefix="bench-scoring-")
    place = workspace(folder)
    os.environ["MLFLOW_EXPERIMENT_ID"] = place.app.experiment_id
    prepare(place)
    first, second = Made(answers, END), Made(answers + 1, END - 40 * DAY)
    one_by_one(place)  # imports and MLflow's first search are no part of the measure
    trace_maker.write(store(place), place.app.experiment_id, trace_maker.traces(first))
    bare = timed(lambda: one_by_one(place))
    trace_maker.write(store(place), place.app.experiment_id, trace_maker.traces(second))
    job = place.platform.scoring.backfill(place, HOURS)
    results: list[dict] = []
    ours = timed(lambda: results.append(carry_out(place, job)))
    judged = results[0]["scored"]
    assert judged and judged % len(SCORERS) == 0, results
    rates = judged / ours, judged / bare
    print(f"{judged} verdicts: {rates[0]:.0f} a second, one after the other {rates[1]:.0f} a second")
    keep(
        Measured(
            "verdicts", f"{answers} answers", *rates, "the same calls, one after the other", "verdicts/s", more=True
        )
    )
    shutil.rmtree(folder)


def prepare(place) -> None:
    from services import scorers
    from services.platforms import MonitoredScorer
    from services.scorers import ScorerSpec

    saved = [scorers.save(place, ScorerSpec(kind, kind, typed)) for kind, typed in SCORERS.items()]
    place.platform.scoring.apply(place, [MonitoredScorer(one.name, one.version, 1.0, True) for one in saved])
    cancel_recurring(place)


def cancel_recurring(place) -> None:
    from services import jobs

    for job in jobs.recent(place, "score_live"):
        jobs.cancel(place, job.id)


def one_by_one(place) -> None:
    """Read, judge, keep: what the job does, without what makes it a job. It leaves nothing for ours to judge."""
    import mlflow

    from services import scorers
    from services.monitoring.scoring import SCORER_KEY
    from services.traces.story import VERSION_KEY, outputs_of, request_of

    places = place.app.places
    built = [(spec, scorers.build(spec, place)) for spec in scorers.all(place)]
    words = "status = 'OK'"
    for found in place.client.search_traces(
        locations=[place.app.experiment_id], filter_string=words, max_results=1_000
    ):
        for spec, scorer in built:
            given = scorer.run(inputs=request_of(found, places), outputs=outputs_of(found, places), trace=found)
            given.name, given.metadata = spec.name, {SCORER_KEY: spec.name, VERSION_KEY: str(spec.version)}
            mlflow.log_assessment(found.info.trace_id, given)


def timed(work) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
