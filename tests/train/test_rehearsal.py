"""A whole rehearsal on the console's own processes: four faults that are really there, mended by a person, cleared away."""

import time
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from services import apps, audit, database, jobs, monitoring, readmodel, rehearsal, releases, scorers
from services.rehearsal import FAULTS, making
from services.scorers import ScorerSpec
from services.workspace import Workspace

PATIENCE = 500.0


def watched_again(place: Workspace) -> None:
    versions = {one.name: one.version for one in scorers.all(place)}
    now = monitoring.production_scorers(place)
    monitoring.save_scorers(place, [replace(one, version=versions[one.name], running=True) for one in now])


def judge_mended(place: Workspace) -> None:
    scorers.save(place, ScorerSpec(making.JUDGE, "guidelines", {"guidelines": [making.GUIDELINE]}))
    watched_again(place)


MENDED = {
    "paused": watched_again,
    "moved": lambda place: releases.put_back(place, "Nobody checked it."),
    "judge": judge_mended,
    "release": lambda place: releases.roll_back(place, "The company's name is gone."),
}


def gone_through(workspace: Workspace) -> rehearsal.Rehearsal:
    """Mend each fault as it comes, said first by a wrong name; how all of it went."""
    end, seen = time.monotonic() + PATIENCE, ""
    while not (now := rehearsal.current(workspace)).over:
        job = rehearsal.making_of(workspace, now)
        assert time.monotonic() < end and job.error is None, f"{now} {job}"
        if now.open and now.open.fault != seen:
            seen, place = now.open.fault, rehearsal.copy(workspace, now)
            assert not rehearsal.say(workspace, next(name for name in FAULTS if name != seen))
            assert not FAULTS[seen].mended(place, now.open.memory)
            MENDED[seen](place)
        time.sleep(0.2)
    return now


def rows_of(workspace: Workspace, app_id: str) -> dict[str, int]:
    """How many rows of the app each table holds, but the audit log."""
    with workspace.engine.connect() as connection:
        found = {
            table.name: connection.execute(
                select(func.count()).select_from(table).where(table.c.app_id == app_id)
            ).scalar_one()
            for table in database.metadata.sorted_tables
            if "app_id" in table.c and table is not database.event_log
        }
    return {name: n for name, n in found.items() if n}


@pytest.mark.timeout(900)
def test_four_faults_are_found_and_mended_and_nothing_stays(full_train):
    workspace, client = full_train.workspace, full_train.workspace.client
    before = {one.experiment_id for one in client.search_experiments()}
    made = rehearsal.start(workspace, "Practice copy")
    place = rehearsal.copy(workspace, made)

    went = gone_through(workspace)
    assert {one.fault for one in went.courses} == set(FAULTS)
    assert all(one.mended_at and one.misses == 1 and not one.helped for one in went.courses)
    assert all(one.injected_at <= one.noticed_at <= one.mended_at for one in went.courses)
    readmodel.catch_up(place, 10)
    asked = readmodel.find(place, readmodel.TraceQuery(hours=1)).rows
    assert asked, "the charts of the copy are of what was asked for practice"
    told = client.get_trace(asked[0].trace_id).info.tags
    assert told["signalbox.origin"] == "rehearsal"

    full_train.done(rehearsal.end(place), seconds=300)
    assert rehearsal.current(workspace) is None
    assert [one.app_id for one in rehearsal.outcomes(workspace)] == [made.app_id]
    assert rows_of(workspace, made.app_id) == {}
    assert {one.experiment_id for one in client.search_experiments()} == before
    assert client.get_experiment(place.app.experiment_id).lifecycle_stage == "deleted"
    assert client.search_registered_models() == [] and client.search_prompts() == []
    assert not (workspace.settings.home / "artifacts" / made.app_id).exists()
    assert not readmodel.file.path(place).exists()
    assert {one.verb for one in audit.events(workspace)} >= {"start_rehearsal", "end_rehearsal"}
    assert releases.all(workspace) == [] and jobs.recent(workspace, kind="release") == []
    assert audit.broken_at(workspace.engine) is None
    assert apps.all(workspace) == [workspace.app]
