"""Rows of every age and maker are read alike: ours, old ones, repeats, and what a plain notebook left."""

import json
from dataclasses import replace

import mlflow
import pandas as pd
import pytest
from mlflow.demo import DEMO_EXPERIMENT_NAME
from mlflow.demo.generators.evaluation import EvaluationDemoGenerator
from mlflow.entities import AssessmentError, Feedback
from mlflow.genai.scorers import scorer

from services import apps, audit, datasets, evaluations
from services.apps import AppForm
from services.errors import ConflictError, NotReadyError
from services.evaluations import baselines, browsing, comparing, mlflow_numbers, reading, table
from services.evaluations.browsing import RowFilter
from services.evaluations.comparing import WHOLE, Counts
from services.evaluations.records import NUMBER, PASS, TEXT


@scorer
def short(outputs):
    return len(str(outputs)) < 40


@scorer
def thankful(outputs):
    return Feedback(value="yes" if "thank" in str(outputs).lower() else "No", rationale="It looks for thanks.")


@scorer
def letters(outputs):
    return float(len(str(outputs)))


@scorer
def tone(outputs):
    return "warm" if "thank" in str(outputs).lower() else "cold"


@scorer
def shaky(outputs):
    if "lamp" in str(outputs):
        raise ValueError("the ruler broke")
    return True


@scorer
def limited(outputs):
    return Feedback(error=AssessmentError("RATE_LIMIT_EXCEEDED"))


DEMO_RUNS = ("trace-level", "baseline-session", "improved-session")
ASKED = ["Where is my parcel?", "Can I return the lamp?", "Pause my plan", "The vase is cracked"]


def answer(question):
    if "vase" in question:
        raise RuntimeError("the kiln is cold")
    return f"Thank you for asking: {question}" if "?" in question else f"About {question}."


@pytest.fixture
def notebook(workspace, monkeypatch):
    """A run by MLflow's own function in the app's experiment; nothing of ours is in it."""
    monkeypatch.setenv("MLFLOW_GENAI_EVAL_PREDICT_RATE_LIMIT", "0")
    monkeypatch.setenv("MLFLOW_GENAI_EVAL_MAX_WORKERS", "1")
    data = [{"inputs": {"question": one}, "expectations": {"expected_response": "Soon."}} for one in ASKED]
    with mlflow.start_run(experiment_id=workspace.app.experiment_id) as run:
        mlflow.genai.evaluate(data=data, predict_fn=answer, scorers=[short, thankful, letters, tone, shaky])
    mlflow.flush_trace_async_logging()
    return run.info.run_id


def kept(workspace, columns, scores, asked=None, metrics=None):
    """A finished evaluation of ours with these rows, each scorer's summary and MLflow's own means."""
    given = {"model_id": "m-1", "prompt_name": "support", "requested_version": 1, "dataset_id": "d-1"}
    given |= {"dataset_name": "Questions", "dataset_sha256": "ab", "scorers": dict.fromkeys(scores, 1)}
    given |= {"practice": False, "actor": "ada", "job_id": 0, "of_a_newer_console": True} | (asked or {})
    tags = {"signalbox.kind": "evaluation", "signalbox.asked": json.dumps(given)}
    run_id = workspace.client.create_run(workspace.app.experiment_id, tags=tags).info.run_id
    rows = pd.DataFrame(columns)
    failed = int(rows["state"].ne("OK").sum())
    table.keep(run_id, rows, {"rows": len(rows), "failed": failed, "prompt_version": 1, "scores": scores})
    for name, mean in (metrics or {}).items():
        workspace.client.log_metric(run_id, f"{name}/mean", mean)
    workspace.client.set_terminated(run_id, "FINISHED")
    return evaluations.get(workspace, run_id)


def line(number, **values):
    """A row as old tables have it."""
    told = {"row_id": f"r{number}", "question": f"Question {number}?", "expected": "", "critical": number == 0}
    told |= {"topic": "a" if number % 2 else "b", "language": "en", "answer": f"Answer {number}", "state": "OK"}
    told |= {"error": "", "trace_id": "", "prompt_version": 1, "prompt_seen": True, "seconds": float(number)}
    return told | values


def judged(name, value, rationale="Because."):
    return {name: value, f"{name}.rationale": rationale, f"{name}.reason": None}


def test_an_error_that_is_only_a_code_is_told_by_its_code(workspace, monkeypatch):
    monkeypatch.setenv("MLFLOW_GENAI_EVAL_MAX_WORKERS", "1")
    with mlflow.start_run(experiment_id=workspace.app.experiment_id):
        mlflow.genai.evaluate(data=[{"inputs": {"question": ASKED[0]}}], predict_fn=answer, scorers=[limited])
    mlflow.flush_trace_async_logging()
    [found] = evaluations.listed(workspace)
    assert list(reading.rows(workspace, found)["limited.error"]) == ["RATE_LIMIT_EXCEEDED"]


def test_a_notebooks_evaluation_is_read_from_its_traces(workspace, notebook):
    [found] = evaluations.listed(workspace)
    assert found.run_id == notebook and found.outside and found.finished
    assert evaluations.all(workspace) == []
    assert found.mlflow == {
        name.removesuffix("/mean"): value for name, value in workspace.client.get_run(notebook).data.metrics.items()
    }

    rows = reading.rows(workspace, found)
    kinds = reading.kinds(found, rows)
    assert kinds == {"letters": NUMBER, "shaky": PASS, "short": PASS, "thankful": PASS, "tone": TEXT}
    by_question = rows.set_index("question")
    lamp, vase, plan = (by_question.loc[ASKED[at]] for at in (1, 3, 2))
    assert set(rows["row_id"]) == {datasets.row_id(one) for one in ASKED}
    assert (lamp["answer"], lamp["expected"]) == ("Thank you for asking: Can I return the lamp?", "Soon.")
    assert lamp["shaky"] is None and lamp["shaky.error"] == "the ruler broke"
    assert (vase["state"], vase["error"], vase["short"]) == ("ERROR", "the kiln is cold", False)
    assert (plan["thankful"], plan["tone"], plan["thankful.rationale"]) == (False, "cold", "It looks for thanks.")

    whole = reading.complete(workspace, found)
    shaky_score = whole.scores["shaky"]
    assert (shaky_score.mean, shaky_score.judged, shaky_score.rows, shaky_score.failed) == (0.5, 2, 4, 1)
    assert whole.scores["tone"].mean is None and whole.scores["tone"].judged == 3
    told = {one.scorer: str(one.why) for one in mlflow_numbers.differences(whole, rows, kinds)}
    assert told["shaky"].startswith(
        "MLflow: 1.00 over 2 that got a verdict; with 1 failed and 1 without a verdict: 0.50"
    )
    assert "which also counts what the scorer said of rows that were not answered" in told["short"]


def test_what_mlflow_demo_made_is_read(bare_workspace, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # its experiment keeps pictures in the folder it is made in
    monkeypatch.setenv("TQDM_DISABLE", "1")
    EvaluationDemoGenerator().generate()
    experiment = bare_workspace.client.get_experiment_by_name(DEMO_EXPERIMENT_NAME)
    form = AppForm(id="demo", name="Demo", company="Acme", model="practice", endpoint="demo")
    demo = bare_workspace.for_app(apps.adopt(bare_workspace, form, experiment.experiment_id))

    found = [reading.complete(demo, one) for one in evaluations.listed(demo)]
    assert {one.name for one in found} == {f"{what}-evaluation" for what in DEMO_RUNS}
    for made in found:
        rows = reading.rows(demo, made)
        assert rows["question"].ne("").all() and rows["answer"].ne("").all() and made.failed == 0
        assert {name: score.mean for name, score in made.scores.items()} == pytest.approx(made.mlflow)
        assert mlflow_numbers.differences(made, rows, reading.kinds(made, rows)) == []
    before, now = (reading.questions(demo, one) for one in sorted(found, key=lambda one: one.name)[:2])
    assert comparing.compare(now, before, reading.kinds(found[0], now)).counts("correctness").better > 0
    for one in datasets.all(demo):
        assert datasets.rows(demo, one.id) and all(row.question for row in datasets.rows(demo, one.id))


def test_old_rows_get_the_columns_that_came_later(workspace):
    made = kept(
        workspace,
        [line(0, **judged("length", True)), line(1, **judged("length", None))],
        {"length": [0.5, 1, 2]},
    )
    rows = reading.rows(workspace, made)
    assert list(rows["repeat"]) == [1, 1] and list(rows["split"]) == ["", ""] and list(rows["messages"]) == ["", ""]
    assert rows["input_tokens"].isna().all() and rows["cost"].isna().all() and list(rows["length.error"]) == ["", ""]
    score = made.scores["length"]
    assert (score.mean, score.judged, score.rows, score.silent) == (0.5, 1, 2, 1)
    assert reading.messages(rows.iloc[0]) == [{"role": "user", "content": "Question 0?"}]


def test_failures_explain_the_two_numbers(workspace):
    rows = [line(at, **judged("safe", True)) for at in range(42)]
    rows += [line(42 + at, state="ERROR", error="no answer", **judged("safe", False)) for at in range(3)]
    scores = {"safe": {"mean": 0.9333, "judged": 42, "rows": 45, "kind": "pass", "failed": 3}}
    made = kept(workspace, rows, scores, metrics={"safe": 1.0})

    table_of = reading.rows(workspace, made)
    [one] = mlflow_numbers.differences(made, table_of, reading.kinds(made, table_of))

    assert str(one.why) == "MLflow: 1.00 over 42 that got an answer; with 3 failed: 0.93."
    assert one.theirs == workspace.client.get_run(made.run_id).data.metrics["safe/mean"]
    assert mlflow_numbers.differences(kept(workspace, rows, scores, metrics={"safe": 42 / 45}), table_of, {"safe": PASS}) == []  # fmt: skip


def test_repeats_pass_by_majority(workspace):
    passed = {0: (True, True, False), 1: (False, True, False), 2: (None, None, None)}
    rows = [
        line(at, repeat=n + 1, seconds=float(n), **judged("length", value), **judged("score", float(n)))
        for at, values in passed.items()
        for n, value in enumerate(values)
    ]
    scores = {
        "length": {"mean": 0.3, "judged": 6, "rows": 9, "kind": "pass", "failed": 0},
        "score": {"mean": 1.0, "judged": 9, "rows": 9, "kind": "number", "failed": 0},
    }
    found = reading.questions(workspace, kept(workspace, rows, scores, {"repeats": 3})).set_index("row_id")
    assert [found.at[f"r{at}", "length"] for at in range(3)] == [True, False, None]
    assert list(found["length.share"]) == ["2/3", "1/3", "0/3"]
    assert list(found["score"]) == [1.0, 1.0, 1.0] and list(found["seconds"]) == [1.0, 1.0, 1.0]


@pytest.fixture
def mixed():
    """Six rows that differ in everything one may ask for."""
    rows = [line(at, **judged("length", at % 2 == 0), **judged("safe", True)) for at in range(6)]
    rows[3] |= {"safe": None, "safe.error": "timed out"}
    rows[4] |= {"safe": None}
    rows[5] |= {"state": "ERROR", "length": False, "safe": False, "answer": ""}
    return reading.filled(pd.DataFrame([{"safe.error": ""} | row for row in rows]))


KINDS = {"length": PASS, "safe": PASS}


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        (RowFilter(verdict="failed"), ["r1", "r3", "r5"]),
        (RowFilter(scorer="safe", verdict="failed"), ["r5"]),
        (RowFilter(scorer="safe", verdict="error"), ["r3"]),
        (RowFilter(scorer="safe", verdict="none"), ["r4"]),
        (RowFilter(verdict="passed"), ["r0", "r2"]),
        (RowFilter(verdict="unanswered"), ["r5"]),
        (RowFilter(critical=True), ["r0"]),
        (RowFilter(topic=("a",), words="QUESTION 1"), ["r1"]),
        (RowFilter(sort="slowest", topic=("b",)), ["r4", "r2", "r0"]),
        (RowFilter(sort="failures", words="question"), ["r3", "r5", "r1", "r0", "r2", "r4"]),
    ],
)
def test_rows_are_chosen_and_the_choice_fits_an_address(mixed, asked, rows):
    assert RowFilter.from_address(asked.to_address()) == asked
    assert list(browsing.choose(mixed, KINDS, asked)["row_id"]) == rows


def test_what_an_address_says_wrongly_is_left_out():
    assert RowFilter.from_address({"verdict": ["x'; drop"], "critical": ["maybe"], "sort": ["z"]}) == RowFilter()


def test_a_spreadsheet_gets_no_formula(mixed):
    mixed.loc[0, "answer"] = '=HYPERLINK("http://x")'
    written = browsing.csv(mixed, {"question": "質問", "answer": "Answer"}).decode("utf-8-sig")
    assert written.splitlines()[:2] == ["質問,Answer", 'Question 0?,"\'=HYPERLINK(""http://x"")"']


def test_two_evaluations_are_counted_row_by_row(mixed):
    before = mixed.assign(length=[True, True, True, True, False, False]).iloc[:5]
    now = mixed.iloc[1:]
    found = comparing.compare(now, before, KINDS)
    assert found.counts("length") == Counts(better=1, worse=2, same=1)
    assert found.counts(WHOLE) == Counts(better=0, worse=1, same=3)
    assert (found.only_now, found.only_before) == (("r5",), ("r0",))
    worse = browsing.choose(now, KINDS, RowFilter(scorer="length", change="worse"), found.changes)
    assert list(worse["row_id"]) == ["r1", "r3"]
    parts = {(one.by, one.value): one for one in comparing.slices(mixed, mixed, KINDS)}
    assert parts["topic", "a"].rows == 3 and parts["topic", "a"].means["length"] == (0.0, 0.0)
    assert parts["critical", "True"].rows == 1 and ("language", "en") not in parts


def test_numbers_are_compared_by_size():
    now, before = (
        reading.filled(pd.DataFrame([line(at, **judged("score", value)) for at, value in enumerate(values)]))
        for values in ([1.0, 2.0, None, 3.0], [1.0, 1.5, 2.0, 4.0])
    )
    assert comparing.compare(now, before, {"score": NUMBER}).counts("score") == Counts(1, 2, 1)


def test_a_baseline_is_pinned_per_dataset(workspace):
    first, second, other = (
        kept(workspace, [line(0, **judged("length", True))], {"length": [1.0, 1, 1]}, {"dataset_id": dataset})
        for dataset in ("d-1", "d-1", "d-2")
    )
    baselines.pin(workspace, first)
    assert baselines.of(workspace, second) == first.run_id
    assert baselines.of(workspace, first) is None and baselines.of(workspace, other) is None
    baselines.unpin(workspace, second)
    assert baselines.pinned(workspace) == {}


def test_a_baseline_of_somebody_else_is_not_lost(workspace, monkeypatch):
    made = kept(workspace, [line(0, **judged("length", True))], {"length": [1.0, 1, 1]})
    change, other = audit.change, None

    def after_another(*args, **kwargs):
        nonlocal other
        do, other = other, None
        if do:
            do()
        return change(*args, **kwargs)

    monkeypatch.setattr(audit, "change", after_another)
    other = lambda: baselines.pin(workspace, replace(made, dataset_id="d-9"))  # noqa: E731
    with pytest.raises(ConflictError):
        baselines.pin(workspace, made)
    assert list(baselines.pinned(workspace)) == ["d-9"]


@pytest.mark.parametrize("tag", ["signalbox.asked", "signalbox.summary"])
def test_a_run_whose_tag_was_cut_does_not_break_the_list(workspace, tag):
    columns = [line(0, **judged("length", True))]
    whole, cut = (kept(workspace, columns, {"length": [1.0, 1, 1]}) for _ in range(2))
    told = workspace.client.get_run(cut.run_id).data.tags[tag]
    workspace.client.set_tag(cut.run_id, tag, told[:-9])
    found = {one.run_id: one for one in evaluations.all(workspace)}
    assert found[whole.run_id].finished and not found[whole.run_id].unreadable
    assert found[cut.run_id].unreadable and not found[cut.run_id].finished
    with pytest.raises(NotReadyError, match="cannot be read"):
        evaluations.go_on(workspace, cut.run_id)


def test_what_answered_is_known_of_agent_versions_only(workspace):
    columns = [line(0, **judged("length", True))]
    agent, before, after = (
        kept(workspace, columns, {"length": [1.0, 1, 1]}, {"source": {"kind": kind}, "live": live})
        for kind, live in (("agent", ""), ("endpoint", "1 (100 %)"), ("endpoint", "2 (100 %)"))
    )
    assert comparing.known(agent, agent) and not comparing.known(after, before) and not comparing.known(agent, after)
    told = [(one.what, one.before, one.now) for one in comparing.settings(after, before)]
    assert told == [("live", "1 (100 %)", "2 (100 %)")]


def test_what_was_set_differently_is_told(workspace):
    rows = [line(0, **judged("length", True))]
    old = kept(workspace, rows, {"length": [1.0, 1, 1]})
    new = kept(workspace, rows, {"length": [1.0, 1, 1]}, {"model_id": "m-2", "scorers": {"length": 2}, "repeats": 3})
    told = [(one.what, one.before, one.now) for one in comparing.settings(new, old)]
    assert told == [("agent", "m-1", "m-2"), ("repeats", "1", "3"), ("length", "1", "2")]
