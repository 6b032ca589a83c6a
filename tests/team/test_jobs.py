"""Jobs on PostgreSQL: what holds on SQLite, and claims by two workers at once."""

from concurrent.futures import ThreadPoolExecutor

from services import database, jobs
from tests.services.test_jobs import (  # noqa: F401
    handlers,
    test_a_double_click_starts_one_job,
    test_a_job_runs_and_keeps_its_result,
    test_a_killed_child_is_tried_again,
    test_a_living_child_is_not_started_again_after_a_clock_jump,
    test_a_recurring_job_waits_for_its_next_time,
    test_a_release_goes_first_and_needs_no_free_place,
    test_a_superseded_attempt_writes_nothing,
)


def test_two_workers_share_the_jobs_and_do_none_twice(workspace):
    asked = {jobs.submit(workspace, "count", {"to": 1}).id for _ in range(20)}
    engines = [database.connect(workspace.settings.database_url) for _ in range(2)]

    def take_all(engine):
        taken = []
        while (job := jobs.claim(engine)) is not None:
            taken.append((job.id, job.attempt))
        return taken

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(take_all, engines)
    assert sorted(first + second) == [(id, 1) for id in sorted(asked)]


def test_one_worker_alone_works_on_a_database(workspace):
    ours, theirs = (database.Alone(database.connect(workspace.settings.database_url)) for _ in range(2))
    assert ours.held() and ours.held() and not theirs.held()
    ours.release()
    assert theirs.held() and not ours.held()
    theirs.release()
