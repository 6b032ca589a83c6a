"""Releases: blocked, explained, started, taken back."""

from dataclasses import asdict

from services import jobs, releases
from services.interlocks import Finding, Light
from services.messages import Message
from services.releases import Kind, Pair, State, records
from tests.pages.conftest import texts


def stored(workspace, state, **changes):
    """A release as an earlier day left it."""
    moves = {"prompt": "greeting", "before": asdict(Pair(None, None, None)), "after": asdict(Pair("m-1", 1, 2))}
    id = records.add(workspace, Kind.AGENT, moves, "warmer <b>greeting</b>")
    records.set_state(workspace, id, state, **changes)
    return id


def test_without_an_agent_the_next_step_is_named(screen):
    shown = texts(screen("releases"))
    assert "Log an agent first" in shown
    assert "There are no releases yet" in shown


def test_a_red_interlock_switches_the_button_off(screen, workspace):
    red = Finding(2, Message("Gate"), Light.RED, Message("Too low."), Message("Why."), Message("Mend it."))
    id = stored(workspace, State.PROPOSED, findings=[red.to_json()])
    shown = screen("releases", release=str(id))
    assert shown.button(key="start-release").disabled
    assert "-badge[blocked]" in texts(shown)
    assert "-badge[blocked]" in texts(screen("releases"))
    assert "Mend it" in texts(shown)
    assert "<b>" not in texts(shown).replace("\\<b\\>", "")


def test_a_running_release_can_be_stopped(screen, workspace):
    job = jobs.submit(workspace, "release", {"release": 1})
    id = stored(workspace, State.RUNNING, job_id=job.id)
    shown = screen("releases", release=str(id))
    shown.button(key="stop-release").click().run()
    assert not jobs.get(workspace, job.id).live


def test_an_interrupted_release_can_be_resumed(screen, workspace):
    shown = screen("releases", release=str(stored(workspace, State.RUNNING)))
    assert shown.button(key="start-release").label == "Resume release"


def test_an_unknown_release_is_a_sentence(screen):
    shown = screen("releases", release="999")
    assert not shown.exception
    assert "Release 999 does not exist" in texts(shown).replace("\\", "")


def test_the_list_opens_one_release(screen, workspace):
    id = stored(workspace, State.FAILED, error={"message": Message("It broke.").to_json(), "remedy": None})
    shown = screen("releases")
    shown.button(key=f"open-{id}").click().run()
    assert "It broke" in texts(shown)
    assert releases.get(workspace, id).startable
