"""Releases to staging: their own pointer, history, way back and proof, and production notices nothing."""

import json
from dataclasses import replace
from datetime import timedelta

import mlflow
import pytest
from sqlalchemy import select

from services import agents, apps, audit, interlocks, jobs, monitoring, production, prompts, releases
from services.apps import Environment, Freeze, Stage
from services.audit import Verb
from services.database import now, served
from services.errors import ConflictError, ConsoleError, ForbiddenError, InvalidInputError, NotFoundError, PlatformError
from services.interlocks import Light
from services.jobs import Work
from services.messages import Message
from services.people import CONSOLE, Actor, Role
from services.platforms import ServedState
from services.prompts import library, moves, tending
from services.prompts.blockers import blockers
from services.releases import Kind, Pair, Proposal, State, approving, asking, noticing, offline, records, steps
from services.releases.approving import ApprovalRule, Standing, Who
from tests.left_traces import leave
from tests.services.test_interlocks import evaluated_well
from tests.standing import answered, gateway, logged, stand, stored, taken

NOTHING = Pair(None, None, None)


@pytest.fixture
def both(workspace, monkeypatch):
    """One agent with version 1 live in production and in staging, and its second version written."""
    monkeypatch.setattr(asking, "SECONDS_TO_PROOF", -0.6)
    for text in ("Be brief for Acme.", "Be kind for Acme."):
        prompts.save(workspace, "greeting", text, "")
    apps.save_environment(workspace, Environment(Stage.STAGING, "support-staging"))
    there, agent = apps.at(workspace, Stage.STAGING), logged(workspace, "greeting")
    for place in (workspace, there):
        stand(place, 1, agent, weight=100)
        mlflow.genai.set_prompt_alias("greeting", place.app.environment.alias, 1)
        stored(place, Kind.AGENT, NOTHING, Pair(agent, 1, 1), State.LIVE, done=("shift",))
    return workspace, there, agent


def answer(workspace, agent, version, sent, environment="staging"):
    linked = json.dumps([{"name": "greeting", "version": str(version)}])
    return leave(workspace, origin="probe", sent=sent, prompt=linked, model_id=agent, environment=environment)


def taken_to_staging(workspace, there, agent, environment="staging"):
    """Version 2, released to staging as a worker does it; the endpoint answers with one trace."""
    id = stored(there, Kind.PROMPT, Pair(agent, 1, 1), Pair(agent, 1, 2), done=("preflight", "scorers"))
    jobs.submit(workspace, "release", {"release": id}, exclusive=apps.pointer(there))
    # The interlocks right before the move are told by another test.
    trace = answer(workspace, agent, 2, "Be kind for Acme.", environment)
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)) as asked:
        ended, error = taken(workspace, id)
    return ended, error, asked


@pytest.fixture
def unheld(monkeypatch):
    monkeypatch.setattr(interlocks, "PROTECTED", {})


def test_what_moves_in_staging_leaves_production_where_it_is_and_comes_back(both, unheld):
    workspace, there, agent = both
    ended, error, asked = taken_to_staging(workspace, there, agent)
    assert (ended.state, error, ended.stage, ended.proof.prompt_version) == (State.LIVE, None, Stage.STAGING, 2)
    assert asked == ["/endpoints/support-staging/invocations"]
    assert (production.alias(workspace, "greeting"), production.alias(there, "greeting")) == (1, 2)
    assert [one.id for one in releases.all(workspace)] == [1]
    assert [one.id for one in releases.all(there)] == [ended.id, 2]
    assert not releases.live(workspace).moved_outside and not releases.live(there).moved_outside
    assert releases.waiting.at(there, now()).release.id == ended.id
    assert releases.waiting.at(workspace, now()).release.id == 1

    back = releases.roll_back(there, "too kind")
    trace = answer(workspace, agent, 1, "Be brief for Acme.")
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        back, error = taken(workspace, back.id)
    assert (back.state, back.stage, error, production.alias(there, "greeting")) == (State.LIVE, Stage.STAGING, None, 1)
    assert production.alias(workspace, "greeting") == 1 and releases.live(workspace).release.id == 1
    # The history and the charts of production know nothing of it.
    assert audit.of_verbs(workspace, [Verb.MOVE_ALIAS]) == [] and not [
        one for one in moves.history(workspace, "greeting") if one.release
    ]
    told = [one.subject for one in audit.of_verbs(workspace, [Verb.MOVE_ENVIRONMENT_ALIAS]) if one.outcome == "done"]
    assert told == ["greeting@staging"] * 2
    assert monitoring.markers.markers(workspace, ended.created_at) == []


def test_an_answer_that_does_not_tell_its_environment_is_no_proof_there(both, unheld):
    workspace, there, agent = both
    ended, error, _ = taken_to_staging(workspace, there, agent, environment=None)
    assert ended.state is State.UNPROVEN and "count as production's" in str(error)


def test_each_environment_has_its_own_pointer_stop_and_moves_from_outside(both):
    workspace, there, agent = both
    assert len({apps.pointer(workspace), apps.pointer(there)}) == 2
    mlflow.genai.set_prompt_alias("greeting", "staging", 2)
    assert releases.live(there).moved_outside and not releases.live(workspace).moved_outside
    assert "Version 2 answers in another environment: Staging." in [
        str(one) for one in blockers(workspace, "greeting", 2)
    ]
    running = stored(there, Kind.PROMPT, Pair(agent, 1, 1), Pair(agent, 1, 2))
    job = jobs.submit(workspace, "release", {"release": running}, exclusive=apps.pointer(there))
    offline.take(workspace, "Please call us.", "it promised refunds")
    assert jobs.get(workspace, job.id).live and offline.state(there) is None
    releases.cancel(workspace, jobs.get(workspace, job.id))
    assert releases.get(there, running).state is State.STOPPED
    with pytest.raises(NotFoundError):
        releases.get(workspace, running)


def noticed_moves(workspace):
    return audit.of_verbs(workspace, (Verb.NOTICE_LIVE,))


def test_the_worker_records_a_move_from_outside_once_in_every_environment(both, monkeypatch):
    workspace, there, _ = both
    monkeypatch.setattr(library, "read_on", lambda place: None)
    jobs.submit(workspace, "tend_prompts", {})
    tending.run(workspace, work := Work(workspace.engine, jobs.claim(workspace.engine)))
    mlflow.genai.set_prompt_alias("greeting", "staging", 2)
    for _ in range(2):
        tending.run(workspace, work)
    lines = noticed_moves(workspace)
    assert [(one.subject, one.actor, one.after["prompt_version"]) for one in lines] == [
        ("support-staging", CONSOLE.id, 2)
    ]
    assert noticing.noticed(there, releases.live(there)).id == lines[0].id
    for version in (1, 2):
        mlflow.genai.set_prompt_alias("greeting", "staging", version)
        for _ in range(2):
            tending.run(workspace, work)
    moves = [(one.before["prompt_version"], one.after["prompt_version"]) for one in noticed_moves(workspace)]
    assert moves == [(1, 2), (2, 1), (1, 2)]
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    stand(workspace, 2, logged(workspace, "greeting"))
    tending.run(workspace, work)
    assert len(noticed_moves(workspace)) == 3
    workspace.platform.serving.shift(workspace, "support", {2: 100})

    def unread(place):
        if place.app.environment.live:
            return releases.live(place)
        raise PlatformError(Message("It is away."))

    monkeypatch.setattr(noticing, "live", unread)
    tending.run(workspace, work)
    assert [one.subject for one in noticed_moves(workspace)] == ["support-staging"] * 3 + ["support"]


def test_the_agent_is_told_where_it_stands(both):
    workspace, there, agent = both
    stand(workspace, 2, agent)
    production.deploy(there, 3, agent, {"prompt_alias": "staging"})
    with workspace.engine.connect() as connection:
        given = connection.execute(select(served.c.environment).where(served.c.version == 3)).scalar()
    assert given == {"SIGNALBOX_ENVIRONMENT": "staging", "SIGNALBOX_PROMPT_ALIAS": "staging"}


def test_an_agent_that_an_alias_pins_keeps_that_alias_in_staging(both):
    workspace, there, _ = both
    agent = logged(workspace, "greeting", alias="release_2", pinned_version="2")
    id = stored(there, Kind.AGENT, NOTHING, Pair(agent, 7, 2), done=("preflight", "register"))
    steps.STEP["deploy"](there, None, releases.get(there, id))
    with workspace.engine.connect() as connection:
        config = connection.execute(select(served.c.model_config).where(served.c.version == 7)).scalar()
    assert "prompt_alias" not in config and config["prompt_version"] == ""


def test_production_may_ask_that_staging_proved_exactly_this(both):
    workspace, there, agent = both
    findings = {one.number: one for one in releases.preflight(workspace, Proposal(agent, 2))}
    assert findings[19].light is Light.GREEN
    apps.save_staging_first(workspace, wanted=True)
    findings = {one.number: one for one in releases.preflight(workspace, Proposal(agent, 2))}
    assert findings[19].light is Light.RED and "staging first" in str(findings[19].mend)
    idle = {one.number for one in releases.preflight(there, Proposal(agent, 2)) if one.light is Light.NOT_APPLICABLE}
    assert idle == {6, 17, 19}
    unproven = stored(there, Kind.PROMPT, Pair(agent, 1, 1), Pair(agent, 1, 2), State.LIVE, done=("shift",))
    assert releases.staged(workspace, (agent, 2)) is None
    proof = {"trace_id": "tr-1", "prompt_version": 2, "model_id": agent, "seconds": 1.0, "probes": 1}
    records.set_state(workspace, unproven, State.LIVE, proof=proof)
    findings = {one.number: one for one in releases.preflight(workspace, Proposal(agent, 2))}
    assert findings[19].light is Light.GREEN and f"Release {unproven} proved" in str(findings[19].found)
    again = stored(there, Kind.PROMPT, Pair(agent, 1, 1), Pair(agent, 1, 2), State.LIVE, done=("shift",))
    records.set_state(workspace, again, State.LIVE, proof=proof)
    assert releases.staged(workspace, (agent, 2)) == again
    records.set_state(workspace, again, State.TAKEN_BACK)
    assert releases.staged(workspace, (agent, 2)) is None
    adopted = stored(there, Kind.ADOPTION, Pair(agent, 1, 1), Pair(agent, 1, 2), State.LIVE, done=("shift",))
    records.set_state(workspace, adopted, State.LIVE, proof=proof)
    assert releases.staged(workspace, (agent, 2)) is None
    with pytest.raises(ConflictError, match="cannot be taken away"):
        apps.save_environment(workspace, Environment(Stage.STAGING, ""))
    told = [one.after for one in audit.of_verbs(workspace, [Verb.SAVE_APPROVAL_RULE]) if one.outcome == "done"]
    assert told == [True]


def test_a_lighter_environment_says_what_it_skips_and_production_skips_nothing(workspace):
    apps.save_environment(workspace, Environment(Stage.STAGING, "support-staging", judged=False))
    apps.save_freezes(workspace, [Freeze(now(), now().replace(year=now().year + 1), "sale")])
    held = replace(evaluated_well(workspace), evaluation=None)
    there = replace(held, workspace=apps.at(held.workspace, Stage.STAGING))
    red = {one.number for one in interlocks.check(held) if one.light is Light.RED}
    assert {1, 2, 3, 17} <= red
    findings = {one.number: one for one in interlocks.check(there)}
    assert not [one for one in findings.values() if one.light is Light.RED]
    assert "Skipped" in str(findings[1].found) and "no finished evaluation" in str(findings[1].found)
    assert findings[3].light is Light.AMBER
    with pytest.raises(InvalidInputError, match="always judged"):
        apps.save_environment(workspace, Environment(Stage.PRODUCTION, "support", judged=False))


def test_a_freeze_period_lets_staging_plan_and_holds_production(both, monkeypatch):
    workspace, there, agent = both
    monkeypatch.setattr(interlocks, "check", lambda candidate: [])
    at = now() + timedelta(hours=1)
    apps.save_freezes(workspace, [Freeze(now(), at + timedelta(hours=1), "sale")])
    pair = (Pair(agent, 1, 1), Pair(agent, 1, 2))
    here, staged = (stored(place, Kind.PROMPT, *pair, State.PROPOSED) for place in (workspace, there))
    with pytest.raises(InvalidInputError, match="freeze period"):
        releases.start(workspace, here, at)
    assert releases.start(there, staged, at).due_at is not None


def test_each_environment_has_its_own_approval(both):
    workspace, there, agent = both
    approving.save_rule(workspace, ApprovalRule(Who.ONE))
    pair = (Pair(agent, 1, 1), Pair(agent, 1, 2))
    here, staged = (stored(place, Kind.PROMPT, *pair, State.PROPOSED) for place in (workspace, there))
    assert approving.approval(workspace, releases.get(workspace, here)).standing is Standing.WAITING
    assert approving.approval(there, releases.get(there, staged)).standing is Standing.NOT_NEEDED
    assert {one.release.id for one in releases.waiting.for_me(workspace)} == {here, staged}


def test_where_something_answers_an_environment_keeps_its_endpoint(both):
    workspace, *_ = both
    with pytest.raises(ConflictError, match="answers now"):
        apps.save_environment(workspace, Environment(Stage.STAGING, "elsewhere"))
    with pytest.raises(NotFoundError, match="Development"):
        apps.at(workspace, Stage.DEVELOPMENT)
    apps.save_environment(workspace, Environment(Stage.DEVELOPMENT, "support-dev"))
    early = apps.at(workspace, Stage.DEVELOPMENT)
    job = jobs.submit(workspace, "release", {"release": 9}, exclusive=apps.pointer(early))
    with pytest.raises(ConflictError, match="on its way"):
        apps.save_environment(workspace, Environment(Stage.DEVELOPMENT, ""))
    jobs.cancel(workspace, job.id)
    apps.save_environment(workspace, Environment(Stage.DEVELOPMENT, "support-early"))
    stand(apps.at(workspace, Stage.DEVELOPMENT), 7, "m-7")
    with pytest.raises(ConflictError, match="still stands"):
        apps.save_environment(workspace, Environment(Stage.DEVELOPMENT, ""))
    with pytest.raises(InvalidInputError, match="catalog"):
        apps.save_environment(workspace, Environment(Stage.DEVELOPMENT, "support-dev", schema="llmops"))


def shut_down(workspace, there):
    """Begun and run as a worker does it; returns the error that ended it."""
    job = releases.shutdown.begin(there, "the pilot is over")
    work = Work(workspace.engine, jobs.claim(workspace.engine))
    assert work.job.id == job.id
    try:
        releases.shutdown.run(replace(workspace, fence=work.fence), work)
    except ConsoleError as error:
        jobs.fail(workspace.engine, work.job, error)
        return error
    jobs.finish(workspace.engine, work.job, {})
    return None


def test_a_shut_down_staging_is_gone_and_its_history_stays(both):
    workspace, there, agent = both
    stand(there, 2, agent)
    before, registered = now(), agents.registered_name(there)
    workspace.client.create_registered_model(registered)
    workspace.client.create_model_version(registered, f"models:/{agent}")
    for name in ("staging", "champion"):
        workspace.client.set_registered_model_alias(registered, name, "1")
    unproven = stored(there, Kind.PROMPT, Pair(agent, 1, 1), Pair(agent, 1, 1), State.UNPROVEN, done=("shift",))
    for place in (workspace, there):
        releases.offline.take(place, "Closed for today.", "trouble")
    assert shut_down(workspace, there) is None
    assert releases.offline.state(there) is None and releases.offline.state(workspace) is not None
    assert (workspace.platform.serving.endpoint(there, "support-staging"), production.traffic(there)) == (None, {})
    assert (production.alias(there, "greeting"), production.alias(workspace, "greeting")) == (None, 1)
    assert production.model_aliases(workspace, registered) == {"champion": 1}
    assert production.traffic(workspace) == {1: 100} and releases.live(workspace).release.id == 1
    standing = releases.live(there)
    assert (standing.pair, standing.release, standing.moved_outside) == (NOTHING, None, False)
    assert releases.rollback_target(there) is None
    assert [(one.id, one.state) for one in releases.all(there)] == [
        (unproven, State.TAKEN_BACK),
        (2, State.LIVE),
    ]
    assert releases.get(releases.place(workspace, 2), 2).after == Pair(agent, 1, 1)
    then = releases.waiting.at(there, now())
    assert (then.release, then.shut.why) == (None, "the pilot is over")
    assert releases.waiting.at(there, before).release.id == 2
    noticing.notice_all(workspace)
    assert noticed_moves(workspace) == []
    with pytest.raises(ConflictError, match="Releases went there"):
        apps.save_environment(workspace, Environment(Stage.STAGING, ""))
    # Again changes nothing, and the same version may stand there again.
    assert shut_down(workspace, there) is None
    stand_again = releases.preflight(there, Proposal(agent, 1))
    assert stand_again and releases.live(there).pair == NOTHING
    production.deploy(there, 1, agent, {})
    assert production.standing(there, 1).state is ServedState.STARTING
    stored(there, Kind.AGENT, NOTHING, Pair(agent, 1, 1), State.LIVE, done=("shift",))
    assert releases.live(there).release.id == unproven + 1
    assert releases.successors(there)[2] == unproven + 1


def test_a_shut_down_that_breaks_off_says_so_and_goes_on(both, monkeypatch):
    workspace, there, _ = both
    serving = type(workspace.platform.serving)
    with monkeypatch.context() as broken:

        def lost(self, workspace, endpoint):
            dismantle(self, workspace, endpoint)
            raise PlatformError(Message("The answer was lost."))

        dismantle = serving.dismantle
        broken.setattr(serving, "dismantle", lost)
        assert "The answer was lost" in str(shut_down(workspace, there))
    assert "The answer was lost" in str(releases.shutdown.unfinished(there).error)
    assert (releases.shutdown.history(there), production.alias(there, "greeting")) == ([], 1)
    noticing.notice_all(workspace)
    assert noticed_moves(workspace) == []
    assert shut_down(workspace, there) is None
    assert (releases.shutdown.unfinished(there), production.alias(there, "greeting")) == (None, None)
    told = [(one.subject, one.outcome) for one in audit.of_verbs(workspace, [Verb.SHUT_DOWN])]
    assert told == [("environment staging", outcome) for outcome in ("intent", "failed", "intent", "done")]


def test_what_may_not_be_shut_down_is_refused_with_the_next_step(both, monkeypatch):
    workspace, there, agent = both
    with pytest.raises(ConflictError, match="never shut down"):
        releases.shutdown.begin(workspace, "cost")
    with pytest.raises(ConflictError, match="never shut down"):
        production.shut_down(workspace, [], "support", "cost")
    with pytest.raises(InvalidInputError):
        releases.shutdown.begin(there, " ")
    with pytest.raises(ForbiddenError):
        releases.shutdown.begin(replace(there, actor=Actor("bob", frozenset({Role.AUTHOR}))), "cost")
    pair = (Pair(agent, 1, 1), Pair(agent, 1, 2))
    running = stored(there, Kind.PROMPT, *pair)
    job = jobs.submit(workspace, "release", {"release": running}, exclusive=apps.pointer(there))
    with pytest.raises(ConflictError, match="on its way"):
        releases.shutdown.begin(there, "cost")
    releases.cancel(workspace, jobs.get(workspace, job.id))
    with pytest.raises(ConflictError, match="half way"):
        releases.shutdown.begin(there, "cost")
    releases.withdraw(there, running)
    asked = releases.shutdown.begin(there, "cost")
    assert releases.shutdown.begin(there, "cost").id == asked.id
    monkeypatch.setattr(interlocks, "check", lambda candidate: [])
    proposed = stored(there, Kind.PROMPT, *pair, State.PROPOSED)
    with pytest.raises(ConflictError, match="being shut down"):
        releases.start(there, proposed)
    assert releases.get(there, proposed).state is State.PROPOSED
