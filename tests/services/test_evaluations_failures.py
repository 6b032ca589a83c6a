"""What goes wrong in an evaluation is shown as it is: busy servers are waited for, failures name their reason."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from services import agents, datasets, evaluations, scorers
from services.datasets import Row
from services.errors import PlatformError
from services.evaluations import Choice, Source, estimate, preflight
from services.evaluations.patience import MOST_WAITS, Patience
from services.evaluations.preflight import NOTE, STOP, Order
from services.evaluations.table import SUMMARY_TAG
from services.jobs import Job, State
from services.messages import Message
from services.scorers import ScorerSpec
from services.workspace import Workspace
from tests.left_traces import leave
from tests.services.test_evaluations import ready
from tests.services.test_evaluations_resuming import RIGHT, Model, model
from tests.stub_model import StubModel

__all__ = ["model"]
Finish = Callable[[Workspace, Job], Job]
QUESTIONS = [f"Where is parcel number {number}, which I ordered a week ago?" for number in range(1, 5)]
CODE = """from mlflow.genai import scorer


@scorer
def broken(outputs):
    raise ValueError("no luck")


@scorer
def silent(outputs):
    return None


@scorer
def size(outputs):
    return min(len(outputs), 100)
"""


@pytest.fixture
def prepared(model: Model, workspace: Workspace, finish: Finish) -> Iterator[tuple[str, str]]:
    model_id, _ = ready(workspace, finish)
    for name, gives in (("broken", "pass"), ("silent", "pass"), ("size", "number")):
        settings = {"source": CODE, "function": name, "gives": gives, "low": 0, "high": 100}
        scorers.save(workspace, ScorerSpec(name, "code", settings))
    scorers.save(workspace, RIGHT)
    rows = [Row("", one, expected="Tomorrow." if not number else "") for number, one in enumerate(QUESTIONS)]
    yield model_id, datasets.create(workspace, "Parcels", rows).id


def busy(stub: StubModel, words: str, times: int) -> None:
    """The server says “too many requests” to the first so many of these requests, then answers."""
    seen: Counter[str] = Counter()

    def status(question: str) -> int:
        seen[words] += words in question
        return 429 if words in question and seen[words] <= times else 200

    stub.status_of, stub.retry_after = status, "0.05"


def waited(workspace: Workspace, run_id: str) -> int:
    return int(json.loads(workspace.client.get_run(run_id).data.tags[SUMMARY_TAG])["waits"])


def test_every_failure_is_shown_truthfully(
    model: Model, workspace: Workspace, finish: Finish, prepared: tuple[str, str]
) -> None:
    model_id, dataset = prepared
    busy(model.stub, "number 2", 4)
    waits = model.stub.status_of
    model.stub.status_of = lambda question: 400 if "number 3" in question else waits(question)

    ended = finish(
        workspace, evaluations.start(workspace, model_id, 1, dataset, scorer_names=["broken", "silent", "size"])
    )

    assert ended.state is State.DONE, (ended.error, ended.remedy)
    made = evaluations.get(workspace, ended.result["run_id"])
    assert waited(workspace, made.run_id) == 1, "the agent's own client tries three times, then it is waited once"
    rows = evaluations.rows(workspace, made.run_id)
    assert list(rows["state"]) == ["OK", "OK", "ERROR", "OK"] and "400" in rows["error"][2]
    assert set(rows["broken.error"][[0, 1, 3]]) == {"no luck"} and rows["broken"].isna()[[0, 1, 3]].all()
    assert set(rows["silent.error"][[0, 1, 3]]) == {rows["silent.error"][0]} != {""}
    assert list(rows["size"].fillna(-1)) == [100.0, 100.0, -1.0, 100.0] and rows["size.error"][2]
    assert (made.scores["size"].mean, made.scores["size"].kind, made.scores["size"].failed) == (75.0, "number", 1)
    assert (made.scores["broken"].judged, made.scores["broken"].mean) == (0, 0.0)
    assert made.mlflow == {"size": 100.0}, "MLflow's number is over the answers that were judged"
    traces = workspace.client.search_traces(locations=[workspace.app.experiment_id], run_id=made.run_id)
    assert len(traces) == len(QUESTIONS), "the tries that came too early left no second trace"
    version = "mlflow.assessment.scorerVersion"
    failed = [one for trace in traces for one in trace.info.assessments if one.name == "broken"]
    assert [one.metadata.get(version) for one in failed] == ["1"] * 3, "a failure says of which version it is"


def test_a_busy_judge_is_waited_for_and_a_broken_one_ends_at_once(
    model: Model, workspace: Workspace, finish: Finish, prepared: tuple[str, str]
) -> None:
    model_id, dataset = prepared
    busy(model.stub, "rationale", 3)
    ended = finish(workspace, evaluations.start(workspace, model_id, 1, dataset, scorer_names=["right"]))
    assert waited(workspace, ended.result["run_id"]) == 3
    assert evaluations.get(workspace, ended.result["run_id"]).scores["right"].judged == len(QUESTIONS)

    model.stub.status_of = lambda question: 500 if "rationale" in question else 200
    begun = time.monotonic()
    ended = finish(workspace, evaluations.start(workspace, model_id, 1, dataset, scorer_names=["right"]))
    made = evaluations.get(workspace, ended.result["run_id"])
    rows = evaluations.rows(workspace, made.run_id)
    assert (made.scores["right"].judged, made.failed) == (0, 0)
    assert rows["right.error"].str.contains("stubbed failure").all()
    assert time.monotonic() - begun < 80, "MLflow alone would try each row for three minutes"

    asked = len(model.agent_calls)
    model.stub.status_of = lambda question: 200
    source = Source("traces", hours=1, newest=6, origin="evaluation")
    ended = finish(workspace, evaluations.start(workspace, "", None, "", scorer_names=["right"], source=source))
    made = evaluations.get(workspace, ended.result["run_id"])
    rows = evaluations.rows(workspace, made.run_id)
    assert (made.model_id, made.dataset_sha256, made.rows) == ("", "", 6)
    assert len(model.agent_calls) == asked and rows["right"].notna().all()
    assert set(rows["question"]) == set(QUESTIONS) and rows["repeat"].max() == 2


def test_what_stands_in_the_way_is_listed_at_once(
    model: Model, workspace: Workspace, prepared: tuple[str, str]
) -> None:
    model_id, dataset = prepared
    scorers.save(workspace, ScorerSpec("same", "builtin", {"scorer": "Equivalence"}))
    order = Order(Source(), agents.get(workspace, model_id), 1, dataset, ("right", "same"), Choice(), repeats=2)

    found = preflight.look(workspace, order)
    assert [check.level for check in found] == [NOTE, "ok", "ok", "ok"]
    assert "3 of 4" in str(found[0].found) and found[0].mend is not None

    guess = estimate.of(workspace, order, [])
    assert (guess.lines, guess.calls, guess.judgements, guess.measured) == (8, 8, 16, False)
    assert guess.unpriced == ("stub",) and guess.cost is None, "the agent version's own model, not the app's"

    model.stub.status = 401
    preflight.forget(workspace)
    begun = time.monotonic()
    found = preflight.look(workspace, order)
    assert [check.level for check in found][:3] == [STOP, STOP, NOTE] and time.monotonic() - begun < 8
    assert all(check.mend for check in found if check.level == STOP)
    asked = len(model.stub.requests)
    assert preflight.look(workspace, order) == found and len(model.stub.requests) == asked


def test_answers_that_exist_are_not_read_at_every_click(workspace: Workspace) -> None:
    order = Order(Source("traces", origin=""), None, None, "", (), Choice())
    leave(workspace, "Where is my parcel?")
    assert len(preflight.asked(workspace, order)) == 1
    leave(workspace, "Where is my lamp?")
    assert len(preflight.asked(workspace, order)) == 1
    preflight.forget(workspace)
    assert len(preflight.asked(workspace, order)) == 2


def test_a_limit_of_requests_spreads_them_and_waiting_is_bounded() -> None:
    patience = Patience(per_minute=600)
    begun = time.monotonic()
    for _ in range(4):
        patience.pace()
    assert 0.28 < time.monotonic() - begun < 2

    slow = Patience(look=lambda: None)
    slow.wait = lambda number, told: tried.append(told)  # type: ignore[method-assign]  # it shall not really wait
    tried: list[float | None] = []
    with pytest.raises(Exception, match="busy"):
        for attempt in slow.attempts():
            with attempt:
                raise_busy()
    assert len(tried) == MOST_WAITS


def raise_busy() -> None:
    raise PlatformError(Message("busy: {status}", status=429))
