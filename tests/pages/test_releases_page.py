"""Releases: blocked, explained, started, taken back."""

from dataclasses import asdict

from services import apps, datasets, interlocks, jobs, prompts, releases
from services.database import now
from services.datasets import Row
from services.interlocks import Circumstances, Finding, Light
from services.messages import Message
from services.releases import Kind, Pair, State, approving, records
from services.releases.approving import ApprovalRule, Who
from tests.pages.conftest import texts
from tests.standing import logged, stand


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
    id = stored(workspace, State.PROPOSED, findings=[red.to_json()], checked_at=now())
    shown = screen("releases", release=str(id))
    assert shown.button(key="start-release").disabled
    assert "-badge[blocked]" in texts(shown)
    assert "-badge[blocked]" in texts(screen("releases"))
    assert "Mend it" in texts(shown)
    assert "checked" in texts(shown)
    assert "<b>" not in texts(shown).replace("\\<b\\>", "")


def test_an_address_chooses_the_agent_to_release(screen, workspace):
    prompts.save(workspace, "greeting", "Hello.", "")
    asked, newest = (logged(workspace, "greeting") for _ in range(2))
    assert screen("releases").selectbox(key="release-agent-support").value == newest
    assert screen("releases", agent=asked).selectbox(key="release-agent-support").value == asked


def test_a_pinned_agent_is_released_and_evaluated_with_its_version(screen, workspace):
    for text in ("Hello.", "Good day."):
        prompts.save(workspace, "greeting", text, "")
    apps.choose_dataset(workspace, datasets.create(workspace, "One question", [Row("", "Where is it?")]).id)
    follows, pinned = logged(workspace, "greeting"), logged(workspace, "greeting", pinned=1)
    forms = {
        "releases": ("release-agent-support", "release-prompt-support"),
        "evaluations": ("evaluate-agent-support", "evaluate-prompt-support-greeting"),
    }
    for name, (agent, prompt) in forms.items():
        shown = screen(name)
        assert (shown.selectbox(key=agent).value, shown.selectbox(key=prompt).value) == (pinned, 1)
        shown.selectbox(key=agent).set_value(follows).run()
        shown.selectbox(key=prompt).set_value(2).run()
        shown.selectbox(key=agent).set_value(pinned).run()
        assert shown.selectbox(key=prompt).value == 1 and not shown.exception


def test_a_running_release_can_be_stopped(screen, workspace):
    job = jobs.submit(workspace, "release", {"release": 1})
    id = stored(workspace, State.RUNNING, job_id=job.id)
    shown = screen("releases", release=str(id))
    shown.button(key="stop-release").click().run()
    assert not jobs.get(workspace, job.id).live


def test_stopping_shows_at_once(screen, workspace):
    job = jobs.submit(workspace, "release", {"release": 1})
    jobs.claim(workspace.engine)
    shown = screen("releases", release=str(stored(workspace, State.RUNNING, job_id=job.id)))
    shown.button(key="stop-release").click().run()
    assert "Stopping: the step under way is finished first" in texts(shown)
    assert shown.button(key="stop-release").disabled


def test_what_is_live_offers_no_stop_while_its_evidence_is_kept(screen, workspace):
    job = jobs.submit(workspace, "release", {"release": 1})
    shown = screen("releases", release=str(stored(workspace, State.LIVE, job_id=job.id)))
    assert "It has ended. Its evidence is being kept" in texts(shown)
    assert "stop-release" not in [one.key for one in shown.button]


def test_a_proposal_is_withdrawn(screen, workspace):
    id = stored(workspace, State.PROPOSED)
    shown = screen("releases", release=str(id))
    shown.button(key="withdraw-release").click().run()
    assert releases.get(workspace, id).state is State.WITHDRAWN
    assert "-badge[withdrawn]" in texts(shown)
    assert "withdraw-release" not in [one.key for one in shown.button]


def test_a_rollback_says_where_it_leads_and_leaves_out_what_stays(screen, workspace):
    moves = {"prompt": "greeting", "before": asdict(Pair("m-1", 1, 2)), "after": asdict(Pair("m-1", 1, 1))}
    id = records.add(workspace, Kind.ROLLBACK, moves, "")
    shown = texts(screen("releases", release=str(id)))
    assert f"Release {id}: roll back to prompt version 1" in shown
    assert "Back from prompt version 2 to 1; the agent stays." in shown
    assert "no reason given" in shown


def test_the_list_tells_what_is_live_and_what_replaced_what(screen, workspace):
    first = stored(workspace, State.LIVE)
    second = stored(workspace, State.LIVE)
    for id in (first, second):
        records.set_step(workspace, id, "shift", state="done", ended_at=now())
    stand(workspace, 1, "m-1", weight=100)
    shown = texts(screen("releases"))
    assert f"replaced by release {second}" in shown


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


def test_the_evidence_of_what_went_live_is_kept_and_handed_out(screen, workspace):
    moves = {"prompt": "gone", "before": asdict(Pair("m-9", 2, 9)), "after": asdict(Pair("m-8", 1, 8)), "undoes": 1}
    id = records.add(workspace, Kind.ROLLBACK, moves, "it insulted people")
    records.set_state(workspace, id, State.LIVE)
    shown = screen("releases", release=str(id))
    assert "Keep the evidence" not in [one.label for one in shown.button]
    shown.session_state[f"evidence-{id}"] = True
    shown.run().button(key="keep-evidence").click().run()
    assert not shown.exception
    labels = [one.proto.label for one in shown.get("download_button")]
    assert labels == ["Everything (ZIP)", "Read it (HTML)", "Hashes"]
    assert f"sha256sum -c release-{id}-evidence.sha256" in [one.value for one in shown.code]
    shown = screen("releases", release=str(records.add(workspace, Kind.ROLLBACK, moves, "")))
    assert "Evidence" not in [one.label for one in shown.expander]


def test_a_proposal_waits_for_its_approval_and_tells_who_gave_it(screen, workspace):
    prompts.save(workspace, "greeting", "Be brief.", "")
    moves = {"prompt": "greeting", "before": asdict(Pair(None, None, None)), "after": asdict(Pair("m-1", None, 1))}
    id = records.add(workspace, Kind.AGENT, moves, "")
    free = screen("releases", release=str(id))
    assert "approve-release" not in {one.key for one in free.button} and not free.button(key="start-release").disabled
    assert not free.button(key="start-later").disabled
    approving.save_rule(workspace, ApprovalRule(Who.ONE))
    assert "waits for approval" in texts(screen("releases"))
    waiting = interlocks.agreement(Circumstances(agreement=True))
    records.set_findings(workspace, releases.get(workspace, id), [waiting], {})
    assert "It waits for an approval" in texts(screen("releases", release=str(id)))
    shown = screen("releases", release=str(id))
    shown.button(key="reject-release").click().run()
    assert "A rejection needs a reason" in texts(shown) and shown.button(key="start-release").disabled
    assert shown.button(key="start-later").disabled
    shown.text_input(key=f"decision-{id}").input("tried it")
    shown.button(key="approve-release").click().run()
    assert "ada approved it" in texts(shown) and "tried it" in texts(shown)
    assert "ada agreed to exactly this" in texts(shown) and "It waits for an approval" not in texts(shown)
    assert not shown.button(key="start-release").disabled
    assert "承認済み" in texts(screen("releases", language="ja"))
    approving.save_rule(workspace, ApprovalRule(Who.FOUR_EYES))
    void = texts(screen("releases", release=str(id)))
    assert (
        "changed after it was approved" in void and "It waits for another person" in void and "then decide" not in void
    )
    approving.save_rule(workspace, ApprovalRule(Who.FOUR_EYES))
    assert screen("releases", release=str(id)).button(key="approve-release").disabled


def test_an_admin_sets_who_must_agree(screen, workspace):
    shown = screen("apps", view="approval")
    shown.radio(key="approval-who/support").set_value(Who.FOUR_EYES)
    shown.number_input(key="approval-hours/support").set_value(24)
    shown.button(key="save-approval-rule").click().run()
    assert not shown.exception
    assert approving.rule(workspace) == ApprovalRule(Who.FOUR_EYES, 24)


def test_what_was_moved_outside_is_named_with_two_ways_on(screen, workspace):
    agent = logged(workspace, "greeting")
    stand(workspace, 1, agent, weight=100)
    for text in ("One.", "Two."):
        prompts.save(workspace, "greeting", text, "")
    moves = {"prompt": "greeting", "before": asdict(Pair(None, None, None)), "after": asdict(Pair(agent, 1, 1))}
    id = records.add(workspace, Kind.AGENT, moves, "")
    records.set_step(workspace, id, "shift", state="done", ended_at=now())
    records.set_state(workspace, id, State.LIVE)
    workspace.client.set_prompt_alias("greeting", "production", 2)
    shown = screen("releases")
    assert "Release 1 left prompt version 1 with agent version 1; now prompt version 2" in texts(shown)
    assert "Neither MLflow nor the endpoint records who moved it" in texts(shown)
    shown.button(key="adopt-move").click().run()
    assert "There is no reason" in texts(shown)
    shown.text_input(key="moved-outside/support").input("Bob, by hand")
    shown.button(key="put-back").click().run()
    assert not shown.exception
    back = releases.all(workspace)[0]
    assert (back.kind, back.after.prompt_version, back.why) == (Kind.ROLLBACK, 1, "Bob, by hand")
    assert "roll back to prompt version 1" in texts(shown)
