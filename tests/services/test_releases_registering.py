"""The agent in the model registry: described, named challenger, champion once proven, and never registered twice."""

from dataclasses import asdict, replace

import mlflow
import pytest

from services import agents, audit, jobs, production, prompts, releases
from services.database import now
from services.errors import ConsoleError
from services.jobs import Work
from services.releases import Kind, Pair, State, records, registering, steps
from tests.standing import logged

MODEL = "support-agent"
NOTHING = Pair(None, None, None)


@pytest.fixture
def written(workspace):
    prompts.save(workspace, "greeting", "Be brief for Acme.", "")
    return workspace


def stored(workspace, after, before=NOTHING, kind=Kind.AGENT, why="shorter answers"):
    moves = {"prompt": "greeting", "before": asdict(before), "after": asdict(after)}
    return records.get(workspace, records.add(workspace, kind, moves, why))


def take(workspace, release, name="register"):
    """One step of a release, as its job takes it; returns the release afterwards."""
    jobs.submit(workspace, "release", {"release": release.id})
    work = Work(workspace.engine, jobs.claim(workspace.engine))
    steps.take(replace(workspace, fence=work.fence), work, release.id, name)
    jobs.finish(workspace.engine, work.job, {})
    return releases.get(workspace, release.id)


def aliases(workspace):
    return workspace.client.get_registered_model(MODEL).aliases


def done(workspace, verb):
    return [one for one in reversed(audit.events(workspace)) if one.verb == verb and one.outcome == "done"]


def test_a_registered_candidate_says_what_it_is(written):
    model_id = logged(written, "greeting")
    release = take(written, stored(written, Pair(model_id, None, 1)))
    found = written.client.get_model_version(MODEL, "1")
    assert release.after.agent_version == 1
    assert found.description == (
        f"agent with prompt greeting, version 1, on model –. Registered by release {release.id}: shorter answers"
    )
    assert found.tags == {
        "model_version": model_id,
        "model_framework": "agent_framework",
        "mlflow_trace_enabled": "true",
        "mlflow_trace_model_id": f"models:/{model_id}",
    }
    assert written.client.get_logged_model(model_id).tags["model_version"] == model_id
    assert aliases(written) == {"challenger": 1}
    assert [(one.subject, one.after) for one in done(written, "move_model_alias")] == [("support-agent@challenger", 1)]


def test_the_prompt_of_a_pinned_agent_is_named_by_its_release(written):
    take(written, stored(written, Pair(logged(written, "greeting", pinned=1), None, 1)))
    assert production.alias(written, "greeting", "release_1") == 1


def test_a_registration_that_was_cut_off_is_finished_and_not_repeated(written):
    model_id = logged(written, "greeting")
    release = stored(written, Pair(model_id, None, 1))
    mlflow.register_model(f"models:/{model_id}", MODEL)
    for _ in range(2):
        take(written, release)
    assert [int(one.version) for one in written.client.search_model_versions(f"name = '{MODEL}'")] == [1]
    assert written.client.get_model_version(MODEL, "1").description
    assert (len(done(written, "register_model")), len(done(written, "move_model_alias"))) == (1, 1)


def test_a_description_that_a_person_wrote_stays(written):
    model_id = logged(written, "greeting")
    take(written, stored(written, Pair(model_id, None, 1)))
    written.client.update_model_version(MODEL, "1", description="Checked by Grace.")
    take(written, stored(written, Pair(model_id, None, 1), why="again"))
    assert written.client.get_model_version(MODEL, "1").description == "Checked by Grace."


def test_what_a_person_says_of_the_agent_is_registered_and_changed_there(written):
    model_id = logged(written, "greeting")
    agents.describe(written, model_id, " Answers parcels. <b>\nNot refunds. ")
    said = "Answers parcels. <b>\nNot refunds."
    assert agents.get(written, model_id).description == said
    take(written, stored(written, Pair(model_id, None, 1)))
    assert written.client.get_model_version(MODEL, "1").description == said

    agents.describe(written, model_id, "小包の質問に答えます。")
    take(written, stored(written, Pair(model_id, None, 1), why="again"))
    assert written.client.get_model_version(MODEL, "1").description == "小包の質問に答えます。"
    assert written.client.get_logged_model(model_id).tags["mlflow.note.content"] == "小包の質問に答えます。"

    agents.describe(written, model_id, "")
    take(written, stored(written, Pair(model_id, None, 1), why="again"))
    assert "Registered by release" in written.client.get_model_version(MODEL, "1").description
    assert [one.after for one in done(written, "describe_agent")] == [said, "小包の質問に答えます。", None]


def test_a_description_is_short_and_written_by_authors(written, monkeypatch):
    model_id = logged(written, "greeting")
    with pytest.raises(ConsoleError, match="1001 characters; 1000 are allowed"):
        agents.describe(written, model_id, "あ" * 1_001)
    monkeypatch.setitem(audit.ROLE_OF, audit.Verb.DESCRIBE_AGENT, "nobody")
    monkeypatch.setitem(audit.ROLE_NAME, "nobody", "nobody")
    with pytest.raises(ConsoleError):
        agents.describe(written, model_id, "short")


def test_a_name_that_a_prompt_has_stops_the_release_with_a_sentence(written):
    prompts.save(written, MODEL, "A prompt of the same name.", "")
    release = stored(written, Pair(logged(written, "greeting"), None, 1))
    with pytest.raises(ConsoleError, match="Registering the agent version"):
        take(written, release)
    ended = releases.get(written, release.id)
    step = next(one for one in ended.steps if one.name == "register")
    assert (step.state, ended.after.agent_version) == ("failed", None)


def test_the_champion_follows_what_was_proven_and_goes_back(written):
    one, two = (take(written, stored(written, Pair(logged(written, "greeting"), None, 1))) for _ in range(2))
    assert aliases(written) == {"challenger": 2}
    registering.promote(written, one, None)
    assert aliases(written) == {"challenger": 2, "champion": 1}
    registering.promote(written, two, 1)
    assert aliases(written) == {"champion": 2}
    back = stored(written, one.after, before=two.after, kind=Kind.ROLLBACK)
    registering.promote(written, back, 2)
    registering.promote(written, back, 2)
    assert aliases(written) == {"champion": 1}
    moves = [(one.before, one.after) for one in done(written, "move_model_alias") if "champion" in one.subject]
    assert moves == [(None, 1), (1, 2), (2, 1)]


def test_a_withdrawn_candidate_is_no_challenger_any_more(written):
    release = take(written, stored(written, Pair(logged(written, "greeting"), None, 1)))
    records.set_step(written, release.id, "register", state="done", ended_at=now())
    records.set_state(written, release.id, State.STOPPED)
    releases.withdraw(written, release.id)
    assert aliases(written) == {}


def test_what_someone_deleted_from_the_registry_gets_no_name(written):
    release = take(written, stored(written, Pair(logged(written, "greeting"), None, 1)))
    written.client.delete_model_version(MODEL, "1")
    registering.promote(written, release, None)
    assert aliases(written) == {}
    assert agents.registered_name(written) == MODEL
