"""The rehearsal's screen: it is offered, followed, guessed at, and told in the end."""

from dataclasses import replace
from datetime import timedelta

from services import database, jobs, rehearsal
from services.errors import ConsoleError
from services.messages import Message
from services.rehearsal import Course, records
from tests.pages.conftest import texts


def test_a_rehearsal_is_started_and_ended_here(screen, workspace):
    shown = screen("rehearsal")
    shown.button(key="start-rehearsal").click().run()
    made = rehearsal.current(workspace)
    assert made.of == workspace.app.id
    shown = screen("rehearsal")
    assert not shown.exception
    shown.button(key="go-there").click().run()
    assert shown.session_state["app"] == made.app_id
    shown.button(key="end-rehearsal").click().run()
    assert rehearsal.current(workspace).ending


def test_what_is_wrong_is_told_to_those_who_ask(screen, workspace):
    made = rehearsal.start(workspace, "Practice")
    place = rehearsal.copy(workspace, made)
    now = database.now()
    mended = Course("moved", now, {}, noticed_at=now, mended_at=now, ended_at=now)
    records.save(place, replace(made, ready_at=now, courses=(mended, Course("paused", now))))
    while (job := jobs.claim(workspace.engine)).kind != "rehearse":
        pass
    jobs.fail(workspace.engine, job, ConsoleError(Message("Release {id} is on its way.", id=7)))
    shown = screen("rehearsal")
    assert "Release 7 is on its way" in texts(shown)
    assert "The production scorers stand still" not in texts(shown)
    assert list(shown.table[0].value.index) == ["Somebody moved what is live outside the console", "not found yet"]
    shown.selectbox(key="rehearsal-said-2").set_value("judge").run()
    shown.button(key="rehearsal-say-2").click().run()
    shown.button(key="rehearsal-help-2").click().run()
    assert "switch the scorers on" in texts(shown)
    course = rehearsal.current(workspace).open
    assert (course.misses, course.helped, course.noticed_at) == (1, True, None)


def test_how_it_went_stays_in_japanese_too(screen, workspace):
    made = rehearsal.start(workspace, "Practice")
    now = database.now()
    courses = (
        Course("release", now, {}, noticed_at=now + timedelta(minutes=37), ended_at=now, kept=True),
        Course("judge", now, {}, ended_at=now, gone=True),
    )
    records.keep_outcome(workspace, replace(made, courses=courses))
    shown = screen("rehearsal", language="ja")
    assert not shown.exception
    assert "直さずに引き継がれました" in shown.table[-1].value.to_string()
    assert "37 分" in shown.table[-1].value.to_string()
    assert "削除（直さず）" in shown.table[-1].value.to_string()
    assert "直すものがなくなりました" in texts(shown)
