"""Rehearsals without processes: who may, what is kept, what counts, and that nothing of a copy stays."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from services import (
    agents,
    apps,
    audit,
    database,
    jobs,
    monitoring,
    production,
    prompts,
    readmodel,
    rehearsal,
    releases,
    reviews,
    sample,
    scorers,
)
from services.audit import Verb
from services.errors import ConflictError, ForbiddenError
from services.people import CONSOLE, Actor, Role
from services.platforms import MonitoredScorer
from services.readmodel import TraceQuery
from services.rehearsal import FAULTS, Course, making, records, running
from services.releases import Kind as ReleaseKind
from services.releases import Pair
from services.releases import State as ReleaseState
from services.releases import records as release_records
from services.releases.plan import Part, Plan
from services.reviews import desk, stored
from services.reviews.records import Form, Kind, Label, Pick, Rule
from services.scorers import ScorerSpec
from services.scorers.built import JUDGE_ADDRESS
from tests import standing
from tests.left_traces import leave


@pytest.fixture
def made(workspace):
    return rehearsal.start(workspace, "Practice")


@pytest.fixture
def place(workspace, made):
    """The practice copy, as the console works on it."""
    return replace(rehearsal.copy(workspace, made), actor=CONSOLE)


def with_fault(place, name):
    """One fault that has just come."""
    read, found = records.load(place)
    course = Course(name, database.now(), {})
    records.save(place, replace(found, ready_at=database.now(), courses=(course,)), read)


def how_many(place, *tables):
    with place.engine.connect() as connection:
        return [connection.execute(select(func.count()).select_from(one)).scalar_one() for one in tables]


def test_there_is_one_rehearsal_at_a_time(workspace, made):
    assert rehearsal.current(workspace) == made
    assert made.of == workspace.app.id != made.app_id and set(made.order) == set(FAULTS)
    assert rehearsal.making_of(workspace, made).recurring
    with pytest.raises(ConflictError, match="under way"):
        rehearsal.start(workspace, "Another")


def test_who_may_not_release_starts_none_and_reviewers_take_part(workspace, made, place):
    reviewer = replace(workspace, actor=Actor("rita", frozenset({Role.VIEWER, Role.REVIEWER})))
    with_fault(place, "paused")
    for refused in (rehearsal.end, lambda who: rehearsal.start(who, "Mine")):
        with pytest.raises(ForbiddenError):
            refused(reviewer)
    assert not rehearsal.say(reviewer, "moved")
    assert rehearsal.say(reviewer, "paused")
    rehearsal.help_asked(reviewer)
    course = rehearsal.current(workspace).open
    assert (course.misses, course.helped, course.seconds_to_notice >= 0) == (1, True, True)


def test_only_a_copy_is_disturbed(workspace, place):
    for where in (workspace, place):
        prompts.save(where, where.app.id, "Hello", "")
    production.slip(place, place.app.id, 1)
    assert production.alias(place, place.app.id) == 1
    with pytest.raises(ConflictError, match="Only a practice copy"):
        production.slip(workspace, workspace.app.id, 1)
    assert production.alias(workspace, workspace.app.id) is None


def test_what_is_asked_for_practice_counts_in_the_copy_alone(workspace, place):
    for where in (workspace, place):
        leave(where, "For practice?", origin="rehearsal")
        readmodel.catch_up(where, 10)
    assert [row.question for row in readmodel.find(place, TraceQuery()).rows] == ["For practice?"]
    assert not readmodel.find(workspace, TraceQuery()).rows


def test_a_canary_counts_what_is_asked_for_practice_and_a_shadow_is_refused(place):
    agent = standing.logged(place, place.app.id)
    after = Pair(agent, 2, 1)
    plan = Plan((Part(50, 1),)).to_json()
    id = standing.stored(place, ReleaseKind.AGENT, Pair("m-1", 1, 1), after, canary=plan)
    began = (database.now() - timedelta(minutes=1)).isoformat()
    release_records.set_step(place, id, "canary 50", state="running", handle={"at": began})
    mine = leave(place, origin="rehearsal", model_id=agent)
    leave(place, origin="smoke", model_id=agent)
    assert [one.trace_id for one in releases.canary.answers(place, releases.get(place, id))] == [mine]
    assert "no customers" in str(releases.unshadowed(place, agents.get(place, agent)))


JUDGE = ScorerSpec(making.JUDGE, "guidelines", {"guidelines": [making.GUIDELINE]})


@pytest.fixture
def watched(place):
    """Two scorers that watch the practice copy."""
    specs = scorers.save(place, ScorerSpec("polite", "polite")), scorers.save(place, JUDGE)
    running = [MonitoredScorer(one.name, one.version, 1.0, True) for one in specs]
    monitoring.save_scorers(place, running)
    return running


@pytest.mark.parametrize("name", ["paused", "judge"])
def test_a_fault_of_scorers_is_there_until_it_is_mended(place, watched, name):
    fault = FAULTS[name]
    memory = fault.plan(place)
    fault.inject(place, None, memory)
    assert not fault.mended(place, memory)
    mended = scorers.save(place, JUDGE)
    assert not fault.mended(place, memory), "it does not watch yet"
    monitoring.save_scorers(place, [watched[0], replace(watched[1], version=mended.version)])
    assert fault.mended(place, memory)


def test_a_paused_scorer_that_is_removed_need_not_run_again(place, watched):
    fault = FAULTS["paused"]
    memory = fault.plan(place)
    fault.inject(place, None, memory)
    scorers.remove(place, watched[0].name)
    assert not fault.mended(place, memory) and not fault.gone(place, memory)
    monitoring.save_scorers(place, [watched[1]])
    assert fault.mended(place, memory)
    monitoring.save_scorers(place, [])
    scorers.remove(place, watched[1].name)
    assert fault.gone(place, memory)


@pytest.fixture
def looks(place, monkeypatch):
    """One look of the job at a rehearsal of one fault, which is ready to come."""
    read, found = records.load(place)
    rested = database.now() - running.REST
    records.save(place, replace(found, order=("paused",), ready_at=rested), read)
    monkeypatch.setattr(running, "_ask", lambda place, number: None)
    work = SimpleNamespace(job=SimpleNamespace(attempt=1))
    return lambda: running.run(place, work)


def test_a_fault_that_was_interrupted_is_brought_in_to_the_end(workspace, place, watched, looks, monkeypatch):
    inject = FAULTS["paused"].inject

    def killed(*given):
        inject(*given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setitem(FAULTS, "paused", replace(FAULTS["paused"], inject=killed))
        with pytest.raises(KeyboardInterrupt):
            looks()
    half = rehearsal.current(workspace)
    assert half.coming and half.open is None and not half.come and not half.over
    looks()
    looks()
    there = rehearsal.current(workspace).open
    assert there.memory == {"names": [one.name for one in watched]}
    monitoring.save_scorers(place, watched)
    looks()
    assert rehearsal.current(workspace).over


@pytest.mark.parametrize("came", [True, False])
def test_a_fault_whose_scorer_is_removed_ends_unmended(workspace, place, watched, looks, came):
    read, found = records.load(place)
    records.save(place, replace(found, order=("judge",)), read)
    if came:
        looks()
        assert rehearsal.current(workspace).open.fault == "judge"
    trainee = replace(place, actor=workspace.actor)
    monitoring.save_scorers(trainee, watched[:1])
    scorers.remove(trainee, making.JUDGE)
    looks()
    went = rehearsal.current(workspace)
    assert went.over and went.courses[0].gone and went.courses[0].mended_at is None
    assert (went.courses[0].noticed_at is not None) is came, "removing it is doing something about it"
    broken = [one for one in scorers.versions(place, making.JUDGE) if JUDGE_ADDRESS in one.settings]
    assert len(broken) == came, "what is not there is not broken either"


def test_what_is_said_during_a_look_is_kept(workspace, place, watched, looks, monkeypatch):
    looks()
    look, save = running._looked, records.save

    def said_meanwhile(*given):
        assert rehearsal.say(workspace, "paused")
        return look(*given)

    monkeypatch.setattr(running, "_looked", said_meanwhile)
    monitoring.save_scorers(place, watched)
    looks()
    assert rehearsal.current(workspace).open.noticed_at

    def saved_before(where, told, read):
        monkeypatch.setattr(records, "save", save)
        save(where, replace(told, courses=records.load(where)[1].courses), read)
        save(where, told, read)

    monkeypatch.setattr(records, "save", saved_before)
    rehearsal.help_asked(workspace)
    assert rehearsal.current(workspace).open.helped


def test_what_a_trainee_saves_never_becomes_the_bad_version(place):
    good = [prompts.save(place, place.app.id, one.template, "").version for one in sample.app().prompts[:2]]
    mine = prompts.save(place, place.app.id, "Mine, about {{question}}", "").version
    first, second, bad = making.saved(place)
    assert [first, second] == good and bad not in (*good, mine)
    assert making.saved(place) == [first, second, bad]
    agent = standing.logged(place, place.app.id)
    standing.stand(place, 1, agent, weight=100)
    production.slip(place, place.app.id, second)
    released = {"done": ("shift",), "prompt": place.app.id}
    standing.stored(
        place, ReleaseKind.AGENT, Pair(None, None, None), Pair(agent, 1, second), ReleaseState.LIVE, **released
    )
    assert FAULTS["moved"].plan(place) == {"was": second, "to": first}, "a good one, so that adopting it ends nothing"
    assert FAULTS["release"].plan(place) == {"version": bad}


def test_it_can_be_ended_before_it_has_begun_and_nothing_stays(workspace, made, place, finish):
    prompts.save(place, made.app_id, "Hello", "")
    leave(place, "For practice?", origin="rehearsal")
    leave(place, "By somebody?")
    label = Label("right", Kind.PASS, "Is it right?")
    queue = reviews.make(place, Form("Fresh", Rule(Pick.RANDOM, share=1.0), (label,)))
    desk.take(place, queue, stored.items(place, queue.id)[0].id)
    standing.stored(place, ReleaseKind.PROMPT, Pair(None, None, None), Pair("m-1", 1, 1))
    assert how_many(place, database.step, database.review_item, database.review_turn) == [4, 1, 1]
    experiment, client = place.app.experiment_id, workspace.client
    others = client.create_experiment("of others")
    run, model = client.create_run(others).info.run_id, client.create_logged_model(others).model_id
    client.delete_run(run)
    client.delete_logged_model(model)
    ended = finish(workspace, rehearsal.end(workspace))
    assert ended.state is jobs.State.DONE, ended.error
    assert rehearsal.current(workspace) is None
    assert [one.courses for one in rehearsal.outcomes(workspace)] == [()]
    assert client.get_experiment(experiment).lifecycle_stage == "deleted"
    assert client.search_prompts() == []
    assert how_many(place, database.step, database.review_item, database.review_turn) == [0, 0, 0]
    client.restore_run(run)
    kept = client._tracking_client.store.get_logged_model(model, allow_deleted=True)
    assert kept.model_id == model, "what others deleted is theirs to restore"
    assert {one.verb for one in audit.events(workspace)} >= {Verb.START_REHEARSAL.value, Verb.END_REHEARSAL.value}
    assert rehearsal.start(workspace, "Again").app_id != made.app_id


def test_an_end_that_failed_is_there_and_can_be_repeated(workspace, made, place, finish):
    ended = rehearsal.end(workspace)
    jobs.cancel(workspace, ended.id)
    apps.archive(place)
    place.client.delete_experiment(place.app.experiment_id)
    place.client._tracking_client.store._hard_delete_experiment(place.app.experiment_id)
    assert rehearsal.current(workspace).ending
    again = finish(workspace, rehearsal.end(workspace))
    assert again.state is jobs.State.DONE and again.id != ended.id, again.error
    assert rehearsal.current(workspace) is None
