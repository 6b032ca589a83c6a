"""Where a prompt version is used."""

import mlflow
import pytest

from services import apps, prompts, traces
from services.apps import Environment, Stage
from services.prompts import audience, used
from tests import standing
from tests.left_traces import leave
from tests.services.prompts.conftest import agent, evaluation, release


@pytest.fixture
def written(workspace):
    for text in ("One", "Two", "Three"):
        prompts.save(workspace, "greeting", text, "")
    return workspace


def hows(use):
    return [(one.model_id, how) for one, how in use.agents]


def test_a_version_that_nothing_names_is_used_nowhere(written):
    use = used.find(written, "greeting", 1)
    assert not use.anywhere
    assert (use.traces, use.more_traces) == (0, False)


def test_agents_are_pinned_to_it_follow_it_or_were_logged_with_it(written):
    follower, pinned = agent(written, linked=1), agent(written, linked=2, pinned=2)
    agent(written, linked=2, name="greeting_2")
    mlflow.genai.set_prompt_alias("greeting", "production", 3)
    assert hows(used.find(written, "greeting", 1)) == [(follower, used.LOGGED)]
    assert hows(used.find(written, "greeting", 2)) == [(pinned, used.PINNED)]
    assert hows(used.find(written, "greeting", 3)) == [(follower, used.FOLLOWS)]


def test_evaluations_count_by_what_was_asked_and_what_was_seen(written):
    asked, other = evaluation(written, 2, found=2), evaluation(written, 1, found=2)
    evaluation(written, 2, name="greetingX")
    evaluation(written, 12)
    assert {one.run_id for one in used.find(written, "greeting", 2).evaluations} == {asked, other}


def test_releases_name_what_they_left_and_what_they_brought(written):
    first, second = release(written, None, 1), release(written, 1, 2)
    assert [one.id for one in used.find(written, "greeting", 1).releases] == [second, first]
    assert [one.id for one in used.find(written, "greeting", 2).releases] == [second]
    assert used.find(written, "greeting", 3).releases == ()


def test_what_answers_people_now_is_told_with_its_share(written):
    follower, pinned = agent(written, linked=1), agent(written, linked=2, pinned=2)
    mlflow.genai.set_prompt_alias("greeting", "production", 3)
    standing.stand(written, 1, follower, weight=90)
    standing.stand(written, 2, pinned, weight=10)
    standing.stand(written, 3, agent(written, linked=1), weight=0)
    shares = {
        n: [(one.endpoint, one.agent_version, one.weight) for one in used.find(written, "greeting", n).answering]
        for n in (1, 2, 3)
    }
    assert shares == {1: [], 2: [("support", 2, 10)], 3: [("support", 1, 90)]}


def test_what_answers_in_staging_is_told_by_its_own_alias_and_releases(written):
    follower = agent(written, linked=1)
    apps.save_environment(written, Environment(Stage.STAGING, "support-staging"))
    there = apps.at(written, Stage.STAGING)
    for place, version in ((written, 3), (there, 2)):
        mlflow.genai.set_prompt_alias("greeting", place.app.environment.alias, version)
        standing.stand(place, 1, follower, weight=100)
    to_staging = release(there, None, 2)
    use = used.find(written, "greeting", 2)
    assert [(one.stage, one.endpoint) for one in use.answering] == [(Stage.STAGING, "support-staging")]
    assert [one.id for one in use.releases] == [to_staging]
    assert [one.stage for one in used.find(written, "greeting", 3).answering] == [Stage.PRODUCTION]
    told = [str(one) for one in audience.of(written, "greeting").sentences]
    assert (
        "In Staging, the endpoint support-staging answers with agent: a release to production changes nothing there."
        in told
    )


def test_live_answers_of_the_version_are_counted_within_a_bound(written, monkeypatch):
    for version in (1, 2, 2):
        trace = leave(written)
        written.client.link_prompt_versions_to_trace([written.client.get_prompt_version("greeting", version)], trace)
    probe = leave(written, origin="probe")
    written.client.link_prompt_versions_to_trace([written.client.get_prompt_version("greeting", 2)], probe)
    assert (used.find(written, "greeting", 2).traces, used.find(written, "greeting", 3).traces) == (2, 0)
    listed = traces.find(written, used.traces_of(written, "greeting", 2))
    assert len(listed.rows) == 2
    monkeypatch.setattr(used, "MOST_TRACES", 1)
    use = used.find(written, "greeting", 2)
    assert use.more_traces
