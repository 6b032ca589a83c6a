"""A canary through the gateway's real weighted traffic: a version that fails real questions goes back by itself."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from services import apps, datasets, endpoints, jobs, production, releases
from services.errors import PlatformError
from services.releases import Proposal, State, canary
from services.releases.plan import Part, Plan

pytestmark = pytest.mark.timeout(900)  # real processes, on whatever machine

BUILT_IN = Path("services/logged/responses_agent.py").read_text("utf-8")
NAMED = "        self._name_the_trace(request, question)\n"
CLOSED = """        if (request.custom_inputs or {}).get("signalbox_origin") == "live":
            raise RuntimeError("the shop is closed")
"""


def asked(train, n):
    """Live questions of people who have not asked before; whether each was answered."""

    def one(number):
        question = [{"role": "user", "content": "Where is my parcel?"}]
        try:
            said = list(endpoints.stream(train.workspace, question, f"c-{number}-{time.monotonic()}"))
            return said[-1].error is None
        except PlatformError:
            return False

    with ThreadPoolExecutor(4) as people:
        return list(people.map(one, range(n)))


def test_a_version_that_fails_live_questions_goes_back_by_itself(train):
    rows = datasets.rows(train.workspace, str(train.workspace.app.dataset_id))[:3]
    apps.choose_dataset(train.workspace, datasets.create(train.workspace, "Three questions", rows).id)
    apps.save_gate(train.workspace, apps.Gate({"polite": 0.1}, rows=3))
    train = type(train)(train.workspace.for_app(apps.get(train.workspace, train.workspace.app.id)))
    workspace = train.workspace
    first = train.prompts()[0]
    good = train.agent(first, pinned=True)
    bad = train.agent(first, pinned=True, source=BUILT_IN.replace(NAMED, NAMED + CLOSED))
    for agent in (good, bad):
        train.evaluate(agent, first)
    live = train.release(good, first)
    canary.save_plan(workspace, Plan((Part(50, 200),)))

    release = releases.start(workspace, releases.propose(workspace, Proposal(bad, first, canary=True)).id)
    end = time.monotonic() + 240
    while not canary.began(releases.get(workspace, release.id)):
        assert time.monotonic() < end, releases.get(workspace, release.id)
        time.sleep(0.2)
    assert set(production.traffic(workspace).values()) == {50} and not releases.live(workspace).moved_outside
    answers = asked(train, 40)
    ended = train.finished(release, jobs.State.FAILED)

    assert 8 <= sum(answers) < 40
    assert ended.state is State.FAILED and "does worse in “answers without an error”" in str(ended.error)
    assert production.traffic(workspace) == {live.after.agent_version: 100}
    assert all(asked(train, 4))
