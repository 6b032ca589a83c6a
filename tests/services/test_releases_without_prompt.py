"""An agent that asks no prompt, released on a real store: what is checked, what moves, and what a way back moves."""

from dataclasses import asdict, replace

import mlflow
import pytest

from services import apps, datasets, interlocks, jobs, production, prompts, releases, scorers
from services.agents import Links
from services.apps import Gate
from services.database import now
from services.datasets import Row
from services.errors import BlockedError, InvalidInputError, PlatformError
from services.interlocks import Light
from services.jobs import Work
from services.releases import Kind, Pair, Proposal, State, approving, asking, records
from services.releases.approving import ApprovalRule, Who
from services.releases.evidence import notes
from services.releases.evidence.facts import gather
from services.scorers import ScorerSpec
from tests.left_traces import leave
from tests.standing import answered, gateway, logged, refused, stand

NOTHING = Pair(None, None, None)


@pytest.fixture
def written(workspace, monkeypatch):
    """Two versions of a prompt; the proof is looked for once, and so is an answer to the smoke question."""
    monkeypatch.setattr(asking, "SECONDS_TO_SMOKE", -1)
    monkeypatch.setattr(asking, "SECONDS_TO_PROOF", -0.6)
    for text in ("Be brief for Acme.", "Be kind for Acme."):
        prompts.save(workspace, "greeting", text, "")
    return workspace


def live(workspace, kind, before, after, prompt):
    id = records.add(workspace, kind, {"prompt": prompt, "before": asdict(before), "after": asdict(after)}, "")
    records.set_step(workspace, id, "shift", state="done", ended_at=now())
    records.set_state(workspace, id, State.LIVE)
    return id


def taken_back(workspace, model_id, sent="", prompt="[]"):
    """Roll back; the endpoint answers with that agent version."""
    back = releases.roll_back(workspace, "bad answers")
    trace = leave(workspace, origin="probe", sent=sent, prompt=prompt, model_id=model_id)
    with gateway(workspace.settings.gateway_port, lambda n: answered(trace)):
        work = Work(workspace.engine, jobs.claim(workspace.engine))
        releases.run(replace(workspace, fence=work.fence), work)
    jobs.finish(workspace.engine, work.job, {})
    return releases.get(workspace, back.id)


def test_a_way_back_to_an_agent_without_a_prompt_moves_the_traffic_alone(written):
    plain, asks = logged(written, ""), logged(written, "greeting")
    stand(written, 1, plain)
    stand(written, 2, asks, weight=100)
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    first, second = Pair(plain, 1, None), Pair(asks, 2, 2)
    live(written, Kind.AGENT, NOTHING, first, "")
    live(written, Kind.AGENT, first, second, "greeting")
    assert releases.live(written).pair == second and not releases.live(written).moved_outside

    back = taken_back(written, plain)

    assert (back.state, back.proof.prompt_version, back.prompted) == (State.LIVE, None, False)
    assert (production.traffic(written), production.alias(written, "greeting")) == ({1: 100}, 2)
    now_live = releases.live(written)
    assert (now_live.pair, now_live.prompt_name, now_live.moved_outside) == (first, "", False)
    told = notes.markdown(gather(written, back.id), "en")
    assert "agent version 1, which asks no prompt" in told and "there is none to prove" in told


def test_a_way_back_to_an_agent_with_a_prompt_moves_its_alias_too(written):
    asks, plain = logged(written, "greeting"), logged(written, "")
    stand(written, 1, asks)
    stand(written, 2, plain, weight=100)
    mlflow.genai.set_prompt_alias("greeting", "production", 2)
    first, second = Pair(asks, 1, 1), Pair(plain, 2, None)
    live(written, Kind.AGENT, NOTHING, first, "greeting")
    live(written, Kind.AGENT, first, second, "")

    back = taken_back(written, asks, "Be brief for Acme.", '[{"name": "greeting", "version": "1"}]')

    assert (back.state, back.proof.prompt_version) == (State.LIVE, 1)
    assert (production.traffic(written), production.alias(written, "greeting")) == ({1: 100}, 1)


def test_an_answer_that_loads_a_prompt_is_no_proof_of_an_agent_without_one(written):
    plain = logged(written, "")
    stand(written, 1, plain)
    release = releases.get(written, live(written, Kind.AGENT, NOTHING, Pair(plain, 1, None), ""))
    trace = leave(written, origin="smoke", prompt='[{"name": "greeting", "version": "2"}]', model_id=plain)
    jobs.submit(written, "release", {"release": release.id})
    work = Work(written.engine, jobs.claim(written.engine))

    said = pytest.raises(PlatformError, match="loads a prompt that it was not logged with: greeting")
    with gateway(written.settings.gateway_port, lambda n: answered(trace)), said:
        asking.smoke(written, work, release)


def test_it_is_proposed_from_and_to_an_agent_that_follows_a_prompt(written):
    plain, other, asks = logged(written, ""), logged(written, ""), logged(written, "greeting")
    with pytest.raises(InvalidInputError, match="asks no prompt of the app"):
        releases.propose(written, Proposal(plain, 1))
    with pytest.raises(InvalidInputError, match="No prompt version is chosen"):
        releases.propose(written, Proposal(asks, None))
    first = releases.propose(written, Proposal(plain, None))
    assert (first.kind, first.prompt_name, first.after) == (Kind.AGENT, "", Pair(plain, None, None))
    releases.withdraw(written, first.id)

    stand(written, 1, plain, weight=100)
    live(written, Kind.AGENT, NOTHING, Pair(plain, 1, None), "")
    with pytest.raises(InvalidInputError, match="live already"):
        releases.propose(written, Proposal(plain, None))
    following = releases.propose(written, Proposal(asks, 2))
    assert (following.kind, following.prompt_name) == (Kind.AGENT, "greeting")
    assert releases.propose(written, Proposal(other, None)).kind is Kind.AGENT


def test_a_first_prompt_behind_a_plain_agent_is_put_back_when_it_fails(written):
    plain, asks = logged(written, ""), logged(written, "greeting")
    stand(written, 1, plain, weight=100)
    stand(written, 2, asks)
    live(written, Kind.AGENT, NOTHING, Pair(plain, 1, None), "")
    moves = {"prompt": "greeting", "before": asdict(Pair(plain, 1, None)), "after": asdict(Pair(asks, 2, 2))}
    id = records.add(written, Kind.AGENT, moves, "")
    for name in ("preflight", "register", "scorers"):
        records.set_step(written, id, name, state="done", ended_at=now())
    records.set_state(written, id, State.RUNNING)
    jobs.submit(written, "release", {"release": id})
    apps.save_gate(written, Gate({}, rows=1))
    work = Work(written.engine, jobs.claim(written.engine))
    with gateway(written.settings.gateway_port, lambda n: refused(500)), pytest.raises(PlatformError, match="500"):
        releases.run(replace(written, fence=work.fence), work)
    assert releases.get(written, id).state is State.FAILED
    assert (production.traffic(written), production.alias(written, "greeting")) == ({1: 100}, None)


def test_the_interlocks_about_prompts_say_that_they_do_not_apply(written):
    scorers.save(written, ScorerSpec("short", "length", {"shortest": 1, "longest": 500}))
    apps.save_gate(written, Gate({"short": 0.8}, rows=1))
    made = datasets.create(written, "Questions", [Row("r1", "Where?")])
    apps.choose_dataset(written, made.id)
    workspace = written.for_app(apps.get(written, "support"))
    found = {one.number: one for one in releases.preflight(workspace, Proposal(logged(workspace, ""), None))}
    assert {n for n, one in found.items() if one.light is Light.NOT_APPLICABLE} == {3, 4, 5}
    assert "in its code" in str(found[3].found) and found[3].mend is None
    assert found[1].light is Light.RED and "version" not in str(found[1].mend)

    elsewhere = releases.preflight(workspace, Proposal(logged(workspace, "nobody"), None))
    red = next(one for one in elsewhere if one.number == 3)
    assert red.light is Light.RED and "none of this app" in str(red.found)
    with pytest.raises(BlockedError, match="interlock 3"):
        interlocks.hold([red])


def test_a_link_to_a_prompt_in_any_place_counts():
    assert Links(None, "", None).none
    assert not Links(None, None, "greeting").none


@pytest.mark.parametrize("tags", [{prompts.AUTHOR_TAG: "grace", "mlflow.user": "worker"}, {"mlflow.user": "grace"}])
def test_who_logged_it_may_not_be_the_second_pair_of_eyes(written, tags):
    approving.save_rule(written, ApprovalRule(Who.FOUR_EYES))
    agent = logged(written, "")
    written.client.set_logged_model_tags(agent, tags)
    release = releases.propose(written, Proposal(agent, None))
    assert approving.own_people(written, release) == {"ada", "grace"}
