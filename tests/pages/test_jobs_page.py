"""Jobs: what runs, what ended, and why."""

from dataclasses import asdict

from services import jobs, releases
from services.errors import ConsoleError
from services.jobs import State
from services.messages import Message
from services.releases import Kind, Pair, records
from tests.pages.conftest import texts


def test_an_empty_list_says_what_will_show_here(screen):
    assert "Nothing has run yet" in texts(screen("jobs"))


def test_a_failed_job_shows_its_next_step(screen, workspace):
    jobs.submit(workspace, "evaluate", {"prompt_version": 2})
    jobs.fail(
        workspace.engine, jobs.claim(workspace.engine), ConsoleError(Message("No <b>room</b>."), Message("Make room."))
    )
    shown = texts(screen("jobs")).replace("\\", "")
    assert "No <b>room</b>." in shown
    assert "Make room." in shown


def test_a_waiting_job_can_be_cancelled(screen, workspace):
    job = jobs.submit(workspace, "evaluate", {"prompt_version": 2})
    screen("jobs").button(key=f"cancel-{job.id}").click().run()
    assert jobs.get(workspace, job.id).state is State.CANCELLED


def test_a_release_whose_job_is_cancelled_does_not_stay_on_its_way(screen, workspace):
    pair = asdict(Pair(None, None, None))
    id = records.add(workspace, Kind.PROMPT, {"prompt": "greeting", "before": pair, "after": pair}, "")
    records.set_state(workspace, id, releases.State.RUNNING)
    job = jobs.submit(workspace, "release", {"release": id})
    screen("jobs").button(key=f"cancel-{job.id}").click().run()
    assert records.get(workspace, id).state is releases.State.STOPPED


def test_a_job_names_its_subject_and_leads_there(screen, workspace):
    jobs.submit(workspace, "release", {"release": 7})
    jobs.submit(workspace, "try_agent", {"model_id": "m-1", "question": "Where is <b>it</b>?"})
    jobs.submit(workspace, "log_agent", {"form": {"name": "helper"}})
    jobs.submit(workspace, "improve_prompt", {"request": {"name": "greeting"}})
    shown = screen("jobs")
    assert {one.proto.label.replace("\\", "") for one in shown.get("page_link")} >= {
        "Release 7",
        "Where is <b>it</b>?",
        "helper",
        "greeting",
    }


def test_a_job_that_repeats_counts_no_attempts(screen, workspace):
    jobs.submit(workspace, "score_live", {}, every=30)
    shown = texts(screen("jobs"))
    assert "repeats by itself" in shown
    assert "attempt" not in shown
