"""Every interlock, green and red, with its reason and its mend."""

import platform
from dataclasses import replace
from datetime import UTC, datetime

import mlflow
import pandas as pd
import pytest

from services import apps, interlocks, production, prompts, scorers, verdicts
from services.agents import AgentVersion, Links
from services.apps import AppForm, Environment, Gate, Stage
from services.errors import BlockedError
from services.evaluations import Evaluation, Score
from services.interlocks import Candidate, Finding, Light, rules
from services.scorers import ScorerSpec

RATING = ScorerSpec(
    "short",
    "judge",
    {
        "instructions": "Rate {{ outputs }}",
        "answer": "number",
        "low": 1,
        "high": 5,
        "categories": [],
        "passing": [],
    },
)
NOW = datetime(2026, 1, 2, tzinfo=UTC)
AGENT = AgentVersion(
    "m-1",
    "greeter",
    NOW,
    "READY",
    "practice",
    "greeting",
    "production",
    None,
    None,
    Links("greeting", "greeting", "greeting"),
    None,
    {},
    python=platform.python_version(),
)
DONE = Evaluation(
    run_id="r",
    model_id="m-1",
    prompt_name="greeting",
    prompt_version=1,
    requested_version=1,
    dataset_id="d",
    dataset_name="Questions",
    dataset_sha256="abc",
    scorers={"short": 1},
    scores={"short": Score(0.9, 10, 10)},
    rows=10,
    failed=0,
    state="FINISHED",
    prompt_seen=True,
    practice=True,
    actor="ada",
    job_id=1,
    created_at=NOW,
)


def table(passed, critical=()):
    return pd.DataFrame(
        {
            "row_id": [str(n) for n in range(len(passed))],
            "question": [f"Question {n}?" for n in range(len(passed))],
            "state": "OK",
            "short": passed,
            "critical": [n in critical for n in range(len(passed))],
        }
    )


@pytest.fixture
def candidate(workspace):
    return evaluated_well(workspace)


def evaluated_well(workspace):
    """Version 1 of a prompt, judged by a scorer that needs no judge; nothing is live."""
    prompt = prompts.save(workspace, "greeting", "For {{company_name}}: {{question}}", "")
    scorers.save(workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 500}))
    apps.save_gate(workspace, Gate({"short": 0.8}, rows=10))
    workspace = workspace.for_app(apps.get(workspace, "support"))
    rows = table([True] * 9 + [False])
    return Candidate(workspace, AGENT, prompt, None, None, DONE, rows, None, pd.DataFrame(), "abc", None)


def against(candidate, before, after, critical=()):
    """The candidate with a live baseline."""
    rows, old = table(after, critical), table(before, critical)
    scores = {"short": Score(sum(after) / len(after), len(after), len(after))}
    return replace(
        candidate,
        evaluation=replace(DONE, scores=scores, rows=len(after)),
        rows=rows,
        baseline=DONE,
        baseline_rows=old,
        live_agent="m-1",
        live_prompt=1,
        verdict=verdicts.compare(rows, old, ["short"]),
    )


def red(finding, word):
    finding = finding[0] if isinstance(finding, list) else finding
    assert finding.light is Light.RED, finding
    assert word in str(finding.found)
    assert finding.mend is not None


def test_a_good_candidate_is_clear_everywhere(candidate):
    findings = interlocks.check(candidate)
    assert [finding.number for finding in findings] == list(range(1, 21))
    # No gateway runs beside this test, and interlock 14 says so.
    assert {finding.number for finding in findings if finding.light is not Light.GREEN} == {14}
    interlocks.hold(findings)


def test_1_needs_an_evaluation_of_exactly_this(candidate):
    red(rules.evaluated(replace(candidate, evaluation=None)), "no finished evaluation")
    red(rules.evaluated(replace(candidate, dataset_sha256=None)), "no dataset")
    red(rules.evaluated(replace(candidate, rows=candidate.rows[:3])), "Only 3 of 10")
    assert rules.evaluated(replace(candidate, evaluation=replace(DONE, failed=1))).light is Light.AMBER


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"scores": {"short": Score(0.79, 10, 10)}}, "79 %"),
        ({"rows": 9}, "9 rows"),
        ({"scores": {}}, "judged no row"),
        ({"scores": {"short": Score(0.9, 9, 10)}}, "judged only 9"),
    ],
)
def test_2_holds_what_misses_a_minimum(candidate, changes, word):
    red(rules.gate(replace(candidate, evaluation=replace(DONE, **changes))), word)


def test_2_holds_when_the_gate_asks_for_nothing(candidate):
    open_app = replace(candidate.workspace.app, gate=Gate({}, 1))
    red(rules.gate(replace(candidate, workspace=candidate.workspace.for_app(open_app))), "nothing yet")


def test_2_holds_a_new_failure_on_a_critical_row(candidate):
    before, after = [True] * 20, [True] * 19 + [False]
    assert [one.light for one in rules.gate(against(candidate, before, after))] == [Light.GREEN]
    [held] = rules.gate(against(candidate, before, after, critical=(19,)))
    red(held, "Critical questions that pass today would fail: 1. Question 19?")
    assert held.critical == {"19": "Question 19?"} and Finding.from_json(held.to_json()) == held


def test_2_holds_what_is_clearly_worse(candidate):
    red(rules.gate(against(candidate, [True] * 60, [True] * 50 + [False] * 10)), "worse than what is live")


@pytest.mark.parametrize(
    ("agent", "word"),
    [
        (replace(AGENT, links=Links("greeting", "other", "greeting")), "disagree"),
        (replace(AGENT, prompt_alias="latest"), "latest"),
        (replace(AGENT, pinned=7), "pinned to prompt version 7"),
    ],
)
def test_3_holds_an_agent_that_follows_something_else(candidate, agent, word):
    red(rules.uses_prompt(replace(candidate, agent=agent)), word)


def test_3_holds_an_agent_whose_traces_lack_the_prompt(candidate):
    red(rules.uses_prompt(replace(candidate, evaluation=replace(DONE, prompt_seen=False))), "do not show")
    red(rules.uses_prompt(replace(candidate, evaluation=None)), "No trace")
    plain = replace(candidate, agent=replace(AGENT, prompt_name="", links=Links(None, None, None)), prompt=None)
    assert rules.uses_prompt(plain).light is Light.NOT_APPLICABLE
    red(rules.uses_prompt(replace(plain, evaluation=replace(DONE, loaded=("greeting",)))), "loads one: greeting")


def test_4_names_the_variable_nobody_fills(candidate):
    prompt = prompts.save(candidate.workspace, "greeting", "{{region}} {{tone}}", "")
    red(rules.variables_supplied(replace(candidate, prompt=prompt)), "region")


def test_5_points_at_a_misspelt_alias(candidate):
    production.pin(candidate.workspace, "greeting", 1, "release 1")
    assert rules.aliases_known(candidate).light is Light.GREEN
    mlflow.genai.set_prompt_alias("greeting", "prodution", 1)
    found = rules.aliases_known(candidate)
    assert (found.light, "prodution" in str(found.found)) == (Light.AMBER, True)


def test_6_holds_when_a_scorer_changed_or_went(candidate):
    scorers.save(candidate.workspace, ScorerSpec("short", "length", {"shortest": 1, "longest": 5}))
    red(rules.scorers_ready(candidate), "short")
    scorers.remove(candidate.workspace, "short")
    red(rules.scorers_ready(candidate), "do not exist")


def test_7_holds_an_endpoint_of_another_app(candidate, bare_workspace):
    apps.create(bare_workspace, AppForm(id="other", name="Other", company="", model="practice", endpoint="support"))
    red(rules.names_fit(candidate), "Other")
    apps.save_environment(candidate.workspace, Environment(Stage.STAGING, "shared"))
    shared = candidate.workspace.for_app(replace(candidate.workspace.app, endpoint="shared"))
    red(rules.names_fit(replace(candidate, workspace=shared)), "another environment of this app")
    long = replace(candidate.workspace.app, endpoint="x" * 64)
    red(rules.names_fit(replace(candidate, workspace=candidate.workspace.for_app(long))), "63")


def test_holding_names_the_interlock_and_the_mend(candidate):
    with pytest.raises(BlockedError) as caught:
        interlocks.hold(interlocks.check(replace(candidate, evaluation=None)))
    assert "interlock 1, Evaluated" in str(caught.value)
    assert "Run an evaluation" in str(caught.value)


def test_a_finding_survives_storage(candidate):
    for finding in interlocks.check(replace(candidate, evaluation=None)):
        assert interlocks.Finding.from_json(finding.to_json()) == finding


def test_2_asks_for_an_evaluation_of_what_is_live(candidate):
    red(rules.gate(replace(candidate, live_agent="m-1", live_prompt=1)), "What is live was not evaluated")


def gated(candidate, **rules_of_gate):
    """The candidate under a gate with these rules besides the minimum."""
    app = replace(candidate.workspace.app, gate=Gate({"short": 0.8}, rows=10, **rules_of_gate))
    return replace(candidate, workspace=candidate.workspace.for_app(app))


def test_2_names_every_rule_that_is_broken_with_its_mend(candidate):
    few = replace(candidate, evaluation=replace(DONE, rows=9, scores={"short": Score(0.5, 9, 9)}))
    found = rules.gate(gated(few, seconds=2.0))

    assert [one.number for one in found] == [2, 2, 2]
    for one, word in zip(found, ("9 rows", "50 %", "not known"), strict=True):
        red(one, word)
    assert len(interlocks.check(gated(few, seconds=2.0))) == len(interlocks.CHECKS) + 2


def test_2_asks_for_as_many_judged_rows_as_it_says(candidate):
    judged = replace(candidate, evaluation=replace(DONE, scores={"short": Score(0.9, 7, 10)}))
    assert rules.gate(gated(judged, judged={"short": 7}))[0].light is Light.GREEN
    red(rules.gate(gated(judged, judged={"short": 8})), "judged 7 rows")


def test_2_can_ask_that_every_critical_row_passes(candidate):
    failing = replace(candidate, rows=table([True] * 9 + [False], critical=(9,)))
    assert rules.gate(gated(failing))[0].light is Light.GREEN
    red(rules.gate(gated(failing, critical="all")), "Every one must pass. Question 9?")


def test_2_can_ask_for_proof_that_nothing_is_lost_or_much_is_won(candidate):
    same = against(candidate, [True] * 20, [True] * 20)
    better = against(candidate, [False] * 12 + [True] * 20, [True] * 32)
    assert rules.gate(gated(same))[0].light is Light.GREEN
    red(rules.gate(gated(same, verdict="within")), "not shown yet")
    red(rules.gate(gated(same, verdict="better")), "not shown to be better")
    for rule in ("within", "better"):
        assert rules.gate(gated(better, verdict=rule))[0].light is Light.GREEN


def test_2_holds_what_got_worse_by_one_scorer_only(candidate):
    verdict = against(candidate, [True] * 20, [True] * 20).verdict
    worse = replace(verdict, scorers=(replace(verdict.scorers[0], word="worse"),))
    found = rules.gate(replace(against(candidate, [True] * 20, [True] * 20), verdict=worse))
    red(found, "worse than what is live by short")


@pytest.mark.parametrize(
    ("rows", "rule", "word"),
    [
        ({"seconds": [1.0] * 9 + [9.0]}, {"seconds": 5.0}, "took longer than 5.4 seconds"),
        ({"cost": [0.02] * 10}, {"cost": 0.01}, "costs US$\N{NO-BREAK SPACE}0.02 on average"),
        ({"cost": [0.001] * 9 + [float("nan")]}, {"cost": 0.01}, "cost of 1 of 10"),
    ],
)
def test_2_limits_cost_and_waiting(candidate, rows, rule, word):
    measured = replace(candidate, rows=candidate.rows.assign(**rows))
    red(rules.gate(gated(measured, **rule)), word)
    fine = replace(candidate, rows=candidate.rows.assign(seconds=1.0, cost=0.001))
    assert rules.gate(gated(fine, **rule))[0].light is Light.GREEN


def test_2_compares_the_mean_of_numbers_on_their_own_scale(candidate):
    numbers = replace(candidate, evaluation=replace(DONE, scores={"short": Score(3.4, 10, 10, "number")}))
    app = replace(candidate.workspace.app, gate=Gate({"short": 3.5}, rows=10, scales={"short": (1, 5)}))
    scorers.save(candidate.workspace, RATING)
    red(rules.gate(replace(numbers, workspace=candidate.workspace.for_app(app))), "mean of 3.40")


def test_2_holds_a_minimum_that_was_set_on_another_scale(candidate):
    scorers.save(candidate.workspace, RATING)
    numbers = replace(candidate, evaluation=replace(DONE, scores={"short": Score(3.4, 10, 10, "number")}))
    red(rules.gate(numbers), "another scale than when its minimum was set")
    for low, high in ((1, 10), (0, 5)):
        app = replace(candidate.workspace.app, gate=Gate({"short": 3}, rows=10, scales={"short": (low, high)}))
        findings = rules.gate(replace(numbers, workspace=candidate.workspace.for_app(app)))
        assert len(findings) == 1 and findings[0].screen == "apps", "one finding, which leads to its mend"
        red(findings, "another scale")
