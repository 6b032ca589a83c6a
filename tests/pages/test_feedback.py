"""What a click and a long job leave on the screen."""

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from services import jobs
from services.errors import NotReadyError
from services.jobs import State, Work
from services.messages import Message
from services.processes.lock import Lock
from tests.pages.conftest import texts


@pytest.fixture
def worker(settings):
    lock = Lock(settings.run_folder / "worker.lock")
    assert lock.acquire()
    yield lock
    lock.release()


@pytest.fixture
def job(worker, workspace):
    st.cache_resource.clear()
    return jobs.submit(workspace, "evaluate", {})


def draw(job, kept=False):
    """A page that follows one job."""

    def page():
        import streamlit as st

        from pages.components import feedback
        from services.messages import Message

        feedback.show_outcome()
        feedback.job(st.session_state["job"], Message("All of it is done."), kept=st.session_state["kept"])

    test = AppTest.from_function(page, default_timeout=30)
    test.session_state["job"] = job.id
    test.session_state["kept"] = kept
    test.session_state["app"] = "support"
    return test.run()


def test_a_waiting_job_says_that_it_waits(job):
    shown = draw(job)
    assert shown.get("progress")[0].proto.text == "Waiting for the worker"
    assert not shown.button(key=f"cancel-job-{job.id}").disabled


def test_a_running_job_shows_how_far_it_is(job, workspace):
    Work(workspace.engine, jobs.claim(workspace.engine)).progress(3, 4, Message("Judging the answers"))
    bar = draw(job).get("progress")[0].proto
    assert (bar.value, bar.text) == (75, "Judging the answers · 3 / 4")


def test_while_the_worker_is_away_the_screen_says_so(job, workspace, worker):
    jobs.claim(workspace.engine)
    worker.release()
    assert draw(job).get("progress")[0].proto.text.startswith("The worker is starting again")


@pytest.mark.parametrize("kept", [True, False])
def test_cancel_is_one_click_and_says_what_is_kept(job, workspace, kept):
    shown = draw(job, kept).button(key=f"cancel-job-{job.id}").click().run()
    assert jobs.get(workspace, job.id).state is State.CANCELLED
    assert shown.toast[0].value == f"Job {job.id} stops\\."
    assert "It was cancelled." in texts(shown)
    assert ("What was finished until then is kept" in texts(shown)) is kept


def test_a_running_job_can_be_cancelled_once(job, workspace):
    jobs.claim(workspace.engine)
    shown = draw(job).button(key=f"cancel-job-{job.id}").click().run()
    assert shown.button(key=f"cancel-job-{job.id}").disabled


def test_a_failed_job_says_why_and_what_to_do(job, workspace):
    claimed = jobs.claim(workspace.engine)
    jobs.fail(workspace.engine, claimed, NotReadyError(Message("The judge is silent."), Message("Start it.")))
    assert draw(job).error[0].value == r"The judge is silent\.  " "\n" r"Start it\."


def test_a_finished_job_says_so(job, workspace):
    jobs.finish(workspace.engine, jobs.claim(workspace.engine), {})
    shown = draw(job)
    assert shown.success[0].value == r"All of it is done\."
    assert not shown.button


def test_a_click_in_a_fragment_is_answered_at_once():
    def page():
        import streamlit as st

        from pages.components import feedback
        from services.messages import Message

        feedback.show_outcome()
        if "clicked" not in st.session_state:
            st.session_state["clicked"] = True
            with feedback.action(Message("Stopped.")):
                pass

        @st.fragment
        def follow():
            feedback.show_at_once()

        follow()

    assert AppTest.from_function(page).run().toast[0].value == r"Stopped\."


def test_the_outcome_of_a_click_is_shown_once():
    def page():
        import streamlit as st

        from pages.components import feedback
        from services.errors import NotReadyError
        from services.messages import Message

        def work(fails):
            with feedback.action(Message("Saved {name}.", name="**x**")):
                if fails:
                    raise NotReadyError(Message("Not yet."))

        feedback.show_outcome()
        st.button("save", on_click=work, args=(False,))
        st.button("fail", on_click=work, args=(True,))

    shown = AppTest.from_function(page).run().button[0].click().run()
    assert shown.toast[0].value == r"Saved \*\*x\*\*\."
    shown = shown.button[1].click().run()
    assert (len(shown.toast), shown.error[0].value) == (0, r"Not yet\.")
    assert not shown.run().error
