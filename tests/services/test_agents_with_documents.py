"""From a file of documents to an answer that names its sources and is compared with them, with the practice model."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services import agents, datasets, evaluations, prompts, scorers
from services.agents import AgentForm, documents, shipping
from services.datasets import Row
from services.jobs import State
from services.sample import row_id
from services.scorers import ScorerSpec
from services.workspace import Workspace
from tests.practice_server import practice_server

CSV = """id,title,body,url
1,Balloon rides,Balloon rides start at 6 in the morning.,https://acme.test/rides
2,気球,気球のツアーは午前6時に始まります。,
"""


@pytest.fixture
def practice(environ: dict[str, str]) -> Iterator[None]:
    with practice_server(int(environ["SIGNALBOX_GATEWAY_PORT"])):
        yield


def row(question: str) -> Row:
    return Row(row_id(question), question, "", False, "rides", "en")


def test_answers_name_their_sources_and_are_compared_with_them(
    practice: None, workspace: Workspace, finish: Callable[..., Any]
) -> None:
    prompts.save(workspace, "support", "You are support at {{company_name}}. Be polite.", "first")
    read = documents.read("rides.csv", CSV.encode())
    kept = shipping.keep(workspace, documents.choose(read, documents.guess(read)))
    form = AgentForm("support", "support", 1, False, workspace.settings.model, documents=kept)

    logged = finish(workspace, agents.log(workspace, form))
    assert logged.state is State.DONE, logged.error
    agent = agents.get(workspace, logged.result["model_id"])
    assert agent.config["documents"]["count"] == 2

    tried = finish(workspace, agents.try_out(workspace, agent.model_id, 1, "When do balloon rides start?"))
    assert tried.state is State.DONE, tried.error
    assert "6 in the morning" in tried.result["answer"]
    assert tried.result["sources"] == [{"title": "Balloon rides", "doc_uri": "https://acme.test/rides", "key": "1"}]

    scorers.save(workspace, ScorerSpec("grounded", "grounded"))
    rows = [row("When do balloon rides start?"), row("Where is my parcel?")]
    dataset = datasets.create(workspace, "Rides", rows).id
    ended = finish(workspace, evaluations.start(workspace, agent.model_id, 1, dataset))
    assert ended.state is State.DONE, ended.error
    table = evaluations.rows(workspace, ended.result["run_id"]).set_index("question")
    assert table.loc["When do balloon rides start?", "grounded"] is True
    assert table.loc["Where is my parcel?", "grounded"] is None
    assert "No document was found" in table.loc["Where is my parcel?", "grounded.rationale"]
    score = evaluations.get(workspace, ended.result["run_id"]).scores["grounded"]
    assert (score.judged, score.rows) == (1, 2)
