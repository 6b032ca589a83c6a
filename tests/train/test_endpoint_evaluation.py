"""What is released is evaluated at its own address, by the traces that it leaves; no gate takes that for an agent's."""

import pytest

from services import evaluations
from services.evaluations import Source

pytestmark = pytest.mark.timeout(900)  # real processes, on whatever machine


def test_the_running_endpoint_is_evaluated_by_its_own_traces(train):
    first = train.prompts()[0]
    agent = train.agent(first)
    gating = train.evaluate(agent, first)
    train.release(agent, first)
    workspace = train.workspace

    started = evaluations.start(
        workspace,
        "",
        None,
        str(workspace.app.dataset_id),
        repeats=2,
        scorer_names=["polite"],
        source=Source("endpoint"),
    )
    made = evaluations.get(workspace, train.done(started).result["run_id"])

    rows = evaluations.rows(workspace, made.run_id)
    assert (made.rows, made.failed, made.model_id) == (16, 0, "")
    assert (made.source, made.live) == ("endpoint", "1 (100 %)")
    assert rows["trace_id"].nunique() == 16 and rows["answer"].str.len().gt(0).all()
    assert made.scores["polite"].mean == gating.scores["polite"].mean
    tags = workspace.client.get_trace(rows["trace_id"].iloc[0]).info.tags
    assert (tags["signalbox.origin"], tags["signalbox.row"]) == ("evaluation", rows["row_id"].iloc[0])
