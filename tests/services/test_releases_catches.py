"""What critical questions caught: every hold once, by what was recorded, also after it was mended."""

import pytest

from services import apps, audit, datasets, prompts, releases, scorers
from services.apps import Gate
from services.audit import Verb
from services.datasets import Row
from services.errors import BlockedError
from services.releases import Proposal, catches
from services.scorers import ScorerSpec
from tests.evaluated import evaluated
from tests.standing import logged

QUESTIONS = ("返品の送料はだれが払いますか", "Where is my parcel?", "Can I pay later?")


@pytest.fixture
def gated(workspace):
    """Version 1 is live; the first two of three questions are critical."""
    for text in ("Be brief for {{company_name}}.", "Be kind for {{company_name}}."):
        prompts.save(workspace, "greeting", text, "")
    made = datasets.create(workspace, "Questions", [Row("", one, critical=one != QUESTIONS[2]) for one in QUESTIONS])
    apps.choose_dataset(workspace, made.id)
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 500}))
    apps.save_gate(workspace, Gate({"short": 0.1}, rows=1, critical="all"))
    return workspace.for_app(apps.get(workspace, workspace.app.id))


def held(workspace):
    return [(one.release, one.evaluation, list(one.questions.values())) for one in catches.all(workspace)]


def test_a_hold_is_caught_once_named_and_stays_after_it_was_mended(gated):
    agent = logged(gated, "greeting")
    failed = evaluated(gated, agent, 2, [False, True, False])
    assert catches.all(gated) == []

    release = releases.propose(gated, Proposal(agent, 2, why="kinder"))
    [finding] = [one for one in release.findings if one.critical]
    assert QUESTIONS[0] in str(finding.found) and QUESTIONS[2] not in str(finding.found)
    assert held(gated) == [(release.id, failed, [QUESTIONS[0]])]

    releases.check_again(gated, release.id)
    with pytest.raises(BlockedError):
        releases.start(gated, release.id)
    assert len(catches.all(gated)) == 1, "looking again at the same failure is no other catch"

    worse = evaluated(gated, agent, 2, [False, False, True])
    releases.check_again(gated, release.id)
    fine = evaluated(gated, agent, 2, [True, True, False])
    mended = releases.check_again(gated, release.id)
    assert mended.evaluation == fine and not any(one.critical for one in mended.findings)
    assert held(gated) == [(release.id, worse, list(QUESTIONS[:2])), (release.id, failed, [QUESTIONS[0]])]
    [line] = audit.about(gated, f"release {release.id}", Verb.NOTICE_CRITICAL)[:1]
    assert line.outcome == "done" and line.after["questions"] == dict(catches.all(gated)[1].questions)


def test_what_only_starting_finds_is_caught_too(gated):
    agent = logged(gated, "greeting")
    evaluated(gated, agent, 2, [True, True, True])
    release = releases.propose(gated, Proposal(agent, 2, why="kinder"))
    assert catches.all(gated) == []
    run = evaluated(gated, agent, 2, [True, False, True])
    with pytest.raises(BlockedError):
        releases.start(gated, release.id)
    assert held(gated) == [(release.id, run, [QUESTIONS[1]])]


def test_other_rules_of_the_gate_are_no_catch(gated):
    apps.save_gate(gated, Gate({"short": 0.9}, rows=20))
    workspace = gated.for_app(apps.get(gated, gated.app.id))
    agent = logged(workspace, "greeting")
    evaluated(workspace, agent, 2, [False, False, False])
    releases.propose(workspace, Proposal(agent, 2, why="kinder"))
    assert catches.all(workspace) == []
