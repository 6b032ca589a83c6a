"""What people do to a release beside starting it: stop everything, override, plan, read its canary, and ask the past."""

from dataclasses import asdict, replace
from datetime import timedelta

import streamlit as st
from sqlalchemy import update

from pages.components import feedback
from services import apps, jobs, prompts, releases, verdicts
from services.apps import Environment, Freeze, Stage
from services.database import job as job_table
from services.database import now
from services.errors import PlatformError
from services.interlocks import Finding, Light
from services.messages import Message
from services.people import Actor, Role
from services.platforms.local.serving import LocalServing
from services.releases import Kind, Pair, State, canary, offline, overriding, records
from services.releases.canary import Measure
from services.releases.plan import Part, Plan, Way
from services.verdicts import Verdict
from tests.left_traces import leave
from tests.pages.conftest import texts
from tests.standing import answered, gateway, logged, stand

RED = Finding(2, Message("Gate"), Light.RED, Message("Too low."), Message("Why."), Message("Mend it."))


def stored(workspace, state, **moves):
    pairs = {"before": asdict(Pair("m-1", 1, 1)), "after": asdict(Pair("m-2", 2, 1))}
    id = records.add(workspace, Kind.AGENT, {"prompt": "greeting"} | pairs | moves, "warmer")
    records.set_state(workspace, id, state)
    return id


def test_the_emergency_stop_is_one_click_with_its_consequence_told(screen, workspace):
    shown = screen("releases")
    assert "gets the message below in place of an answer" in texts(shown)
    shown.text_input(key="offline-why/support").set_value("it promised refunds")
    shown.button(key="take-offline").click().run()
    assert offline.state(workspace).why == "it promised refunds" and "**Offline**" in texts(shown)
    stand(workspace, 1, logged(workspace, "greeting"), weight=100)
    endpoint = screen("endpoints", language="ja")
    assert "オフライン" in texts(endpoint) and not endpoint.exception
    assert "誰にも回答していません" in texts(endpoint) and "100 %" not in texts(endpoint)
    endpoint.text_input(key="offline-back/support").set_value("mended")
    endpoint.button(key="bring-back").click().run()
    assert offline.state(workspace) is None


def test_a_second_person_confirms_an_override_and_the_first_cannot(screen, workspace):
    id = stored(workspace, State.PROPOSED)
    records.set_state(workspace, id, State.PROPOSED, findings=[RED.to_json()], checked_at=now())
    shown = screen("releases", release=str(id))
    shown.text_input(key=f"override-{id}").set_value("urgent")
    shown.button(key="ask-override").click().run()
    assert shown.button(key="confirm-override").disabled
    grace = replace(workspace, actor=Actor("grace", frozenset(Role)))
    overriding.confirm(grace, id)
    told = texts(screen("releases", release=str(id)))
    assert "ada asked" in told and "grace confirmed" in told


def test_a_canary_shows_both_versions_and_where_harm_was_shown(screen, workspace):
    id = stored(workspace, State.STOPPED, canary=Plan().to_json())
    found = [Measure(canary.ERRORS, 50, 0.7, 900, 0.99, 140.0, 60.0), Measure("polite", 40, 0.9, 800, 0.9, 1.0, 60.0)]
    records.set_step(workspace, id, "canary 5", state="failed", handle={"measures": [asdict(one) for one in found]})
    shown = screen("releases", release=str(id))
    table = shown.dataframe[0].value
    assert list(table["After: version 2"]) == ["70 % of 50", "90 % of 40"]
    assert list(table["Harm shown"]) == ["yes", "no"]
    assert "Canary: 5 % of the traffic" in texts(shown) and "5 % of canaries" in texts(shown)
    assert "Stopped: the live version answers everyone." in texts(shown)


def test_who_approves_reads_the_difference_and_the_verdict_on_the_page(screen, workspace):
    for text in ("Be brief.", "Be very kind."):
        prompts.save(workspace, "greeting", text, "")
    verdict = Verdict(verdicts.WORSE, 0, 6, 0.03, 20, []).to_json()
    pairs = {"before": asdict(Pair("m-1", 1, 1)), "after": asdict(Pair("m-1", 1, 2))}
    id = stored(workspace, State.PROPOSED, evaluation="run-2", basis={"verdict": verdict, "baseline": "run-1"}, **pairs)
    shown = screen("releases", release=str(id))
    links = {one.proto.label: one.proto.query_string for one in shown.get("page_link")}
    assert "Verdict: Worse" in [one.label for one in shown.expander] and "**Worse**" in texts(shown)
    assert "run=run-2" in links["Open the evaluation"] and "against=run-1" in links["Open the evaluation"]
    shown.session_state[f"change-{id}"] = True
    shown.run()
    drawn = "".join(one.proto.body for one in shown.get("html"))
    assert "Before: version 1" in drawn and "After: version 2" in drawn and "very kind" in drawn
    assert not shown.exception


def watched(workspace, part, state, **handle):
    """A release that compares by that part, with the handle that its job left."""
    id = stored(workspace, state, canary=Plan((part,)).to_json())
    found = [
        Measure(canary.ERRORS, 50, 0.7, 50, 0.99, 70.0, 60.0, -0.4, -0.1),
        Measure("polite", 9, 1, 9, 1, 1, 60, -1, 1),
    ]
    kept = {"measures": [asdict(one) for one in found], "answers": 50} | handle
    records.set_step(workspace, id, part.step, state="running", handle=kept)
    return id


def test_a_shadow_shows_words_copies_and_both_answers(screen, workspace):
    couple = [
        leave(workspace, "Where *is* it?", "Here."),
        leave(workspace, "Where *is* it?", "There.", origin="shadow"),
    ]
    handle = {
        "copies": {"copied": 60, "dropped": 4, "answered": 53, "unanswered": 3},
        "couples": [couple, [couple[0], "was deleted"]],
    }
    id = watched(workspace, Part(20, 100, way=Way.SHADOW), State.STOPPED, **handle)
    shown = screen("releases", release=str(id))
    assert list(shown.dataframe[0].value["Verdict"]) == ["Worse", "Cannot tell yet"]
    assert list(shown.dataframe[0].value["Change in points"]) == ["−40.0 to −10.0", "−100.0 to +100.0"]
    assert "pause_circle" in texts(shown) and "progress_activity" not in texts(shown)
    told = texts(shown.toggle(key=f"couples-{id}-shadow 20").set_value(True).run())
    assert all(
        part in told
        for part in (
            "Questions copied: 60",
            "by both so far: 53, in 50",
            "never answered: 3",
            "the question was too long: 4",
            "copies of 20 %",
        )
    )
    assert "Here" in told and "There" in told
    assert "シャドー" in texts(screen("releases", language="ja", release=str(id)))


def test_a_held_shadow_is_ended_or_goes_on_with_a_reason(screen, workspace):
    copies = {"copied": 60, "dropped": 0, "answered": 50, "unanswered": 9}
    id = watched(workspace, Part(20, 50, way=Way.SHADOW), State.RUNNING, copies=copies, holds=True)
    jobs.submit(workspace, "release", {"release": id})
    shown = screen("releases", release=str(id))
    assert "goes on by itself" not in texts(shown) and "answers so far" not in texts(shown)
    assert "progress_activity" in texts(shown)
    assert "the new version never answered 9 copies" in texts(shown) and not shown.button(key="stop-release").disabled
    shown.button(key="go-on").click().run()
    assert "There is no reason" in texts(shown) and not releases.get(workspace, id).overruled
    shown.text_input(key=f"go-on-{id}").set_value("the machine was restarted")
    shown.button(key="go-on").click().run()
    assert releases.get(workspace, id).overruled == ("shadow 20: unanswered copies",)
    assert "It ends after 50 answers; answers so far: 50" in texts(shown)
    assert "go-on" not in {one.key for one in shown.button} and not shown.exception
    with workspace.engine.begin() as tx:
        tx.execute(update(job_table).where(job_table.c.kind == "release").values(due_at=now() + timedelta(hours=1)))
    assert "answers so far" not in texts(screen("releases", release=str(id))), "what waits for its time asks nobody"


def test_after_an_ab_test_somebody_chooses_with_a_reason(screen, workspace):
    id = watched(workspace, Part(50, 50, way=Way.TEST), State.RUNNING, waits=True)
    jobs.submit(workspace, "release", {"release": id})
    shown = screen("releases", release=str(id))
    assert "A/B test: 50 % of the traffic" in texts(shown)
    shown.button(key="choose-move").click().run()
    assert "There is no reason" in texts(shown) and not releases.get(workspace, id).decided
    shown.text_input(key=f"choose-{id}").set_value("it is kinder")
    shown.button(key="choose-keep").click().run()
    assert releases.get(workspace, id).decided["test 50"] == {"choice": "keep", "why": "it is kinder"}
    assert "choose-keep" not in {one.key for one in shown.button} and not shown.exception


def test_a_proposal_offers_copies_and_ways_to_move_the_traffic(screen, workspace, monkeypatch):
    prompts.save(workspace, "greeting", "Hello.", "")
    old, new = logged(workspace, "greeting", pinned=1), logged(workspace, "greeting", pinned=1)
    workspace.client.create_registered_model("support-agent")
    workspace.client.create_model_version("support-agent", f"models:/{old}", model_id=old)
    stand(workspace, 1, old, weight=100)
    made = stored(workspace, State.LIVE, before=asdict(Pair(None, None, None)), after=asdict(Pair(old, 1, 1)))
    records.set_step(workspace, made, "shift", state="done", ended_at=now())
    shown = screen("releases", agent=new)
    shown.selectbox(key="release-prompt-support").set_value(1)
    shown.radio(key="release-traffic-support").set_value("test")
    shown.checkbox(key="release-shadow-support").set_value(True).run()
    shown.button(key="propose").click().run()
    assert "Nobody has said" in texts(shown)
    shown.checkbox(key="release-harmless-support").set_value(True)
    shown.button(key="propose").click().run()
    assert [one.name for one in releases.all(workspace)[0].steps if " " in one.name] == ["shadow 20", "test 50"]
    monkeypatch.setattr(type(workspace.platform.serving), "rules", replace(LocalServing.rules, copies=False))
    assert "cannot copy questions" in texts(screen("releases", agent=new))


def test_the_apps_screen_keeps_plans_periods_and_the_environment(screen, workspace):
    apps.save_freezes(workspace, [Freeze(now(), now() + timedelta(days=1), "sale")])
    shown = screen("apps", view="canary")
    assert not shown.exception
    shown.number_input(key="canary-alarm/support").set_value(1.0)
    shown.button(key="save-canary").click().run()
    assert canary.plan(workspace) == replace(Plan(), alarm=0.01)
    shown.query_params["view"] = "approval"
    shown.run().button(key="unfreeze-0").click().run()
    assert apps.freezes(workspace) == []
    shown.text_input(key="webhook/support").set_value("http://example.com")
    shown.button(key="save-webhook").click().run()
    assert "cannot be a webhook" in texts(shown).replace("\\", "")


def test_home_says_what_waits_and_releases_tells_the_past(screen, workspace):
    id = stored(workspace, State.STOPPED)
    home = screen("home")
    assert "Waits for you" in texts(home) and not home.exception
    assert [one.release.id for one in releases.waiting.for_me(workspace)] == [id]
    assert "No release had made anything live yet" in texts(screen("releases"))


def test_ones_own_question_is_answered_by_both_versions_side_by_side(screen, workspace):
    id, model = stored(workspace, State.LIVE), logged(workspace, "greeting")
    shown = screen("releases", release=str(id))
    shown.session_state[f"beside-{id}"] = True
    assert "as long as the version before is kept" in texts(shown.run())
    stand(workspace, 1, model)
    stand(workspace, 2, model, weight=100)
    with gateway(workspace.settings.gateway_port, lambda n: answered("tr-1")):
        shown.run().text_area(key=f"beside-question-{id}").set_value("Where is it?")
        shown.button[[one.label for one in shown.button].index("Ask both")].click().run()
    assert "Both answered with the same words" in texts(shown)
    assert "After: agent version 2" in "".join(one.proto.body for one in shown.get("html"))


def test_production_before_and_after_a_release_stands_on_its_page(screen, workspace):
    id = stored(workspace, State.LIVE)
    records.set_step(workspace, id, "shift", state="done", started_at=now(), ended_at=now() - timedelta(hours=5))
    leave(workspace, "before", hours_ago=6)
    leave(workspace, "after", hours_ago=3, error=True)
    shown = screen("releases", release=str(id))
    shown.session_state[f"effect-{id}"] = True
    table = shown.run().table[0].value
    assert list(table.iloc[0]) == ["Questions", "1", "1"]
    assert list(table.iloc[1]) == ["Failed", "0 (0 %)", "1 (100 %)"]
    assert "hours before the move" in texts(shown)

    records.set_step(workspace, id, "shift", state="done", started_at=now(), ended_at=now())
    assert "Too early" in texts(shown.run())


def test_staging_is_shown_by_itself_and_leads_on_to_a_filled_proposal(screen, workspace):
    prompts.save(workspace, "greeting", "Hello.", "")
    agent = logged(workspace, "greeting")
    here = stored(workspace, State.PROPOSED)
    apps.save_environment(workspace, Environment(Stage.STAGING, "support-staging"))
    there = stored(apps.at(workspace, Stage.STAGING), State.PROPOSED, after=asdict(Pair(agent, 1, 1)))
    listed = screen("releases", environment="staging")
    assert "prompt alias staging" in texts(listed) and not listed.exception
    keys = {one.key for one in listed.button}
    assert f"open-{there}" in keys and f"open-{here}" not in keys
    proposed = texts(screen("releases", release=str(there)))
    assert all(part in proposed for part in ("What changes", "Customers get production's answers", "How to undo it"))
    proof = {"trace_id": "tr-1", "prompt_version": 1, "model_id": agent, "seconds": 1.0, "probes": 1}
    records.set_state(workspace, there, State.LIVE, proof=proof)
    shown = screen("releases", release=str(there)).button(key="promote-production").click().run()
    assert shown.radio(key="environment/support").value == Stage.PRODUCTION
    chosen = [shown.selectbox(key=f"release-{name}-support").value for name in ("agent", "prompt")]
    assert chosen == [agent, 1] and not shown.exception


def test_a_click_that_leads_away_from_a_release_leaves_its_page(screen, workspace, monkeypatch):
    """In a browser such a click runs the release's own part of the page alone, after the address has changed."""
    id = stored(workspace, State.PROPOSED)
    monkeypatch.setattr(feedback, "show_at_once", st.query_params.clear)
    shown = screen("releases", release=str(id))
    assert "New release" in texts(shown) and not shown.exception


def test_while_mlflow_is_away_the_emergency_stop_stands_in_every_environment(screen, workspace, monkeypatch):
    def away(place):
        raise PlatformError(Message("MLflow is away."), Message("Try again."))

    apps.save_environment(workspace, Environment(Stage.STAGING, "support-staging"))
    stand(workspace, 1, "m-1", weight=100)
    monkeypatch.setattr(releases, "live", away)
    for name in ("releases", "endpoints"):
        shown = screen(name)
        assert "take-offline" in {one.key for one in shown.button} and "MLflow is away" in texts(shown)
        assert shown.radio(key="environment/support").value == Stage.PRODUCTION


def test_the_apps_screen_makes_a_lighter_staging_that_production_may_require(screen, workspace):
    shown = screen("apps", view="environments")
    assert shown.toggle(key="staging-first/support").disabled
    shown.radio(key="environment-stage/support").set_value(Stage.STAGING).run()
    shown.text_input(key="environment-endpoint/support/staging").set_value("support-staging")
    shown.checkbox(key="environment-judged/support/staging").set_value(False)
    shown.button(key="save-environment").click().run()
    made = apps.environments_of(workspace)[Stage.STAGING]
    assert (made.endpoint, made.judged) == ("support-staging", False) and not shown.exception
    shown.radio(key="environment-stage/support").set_value(Stage.PRODUCTION).run()
    shown.toggle(key="staging-first/support").set_value(True).run()
    assert apps.staging_first(workspace) and not shown.exception
