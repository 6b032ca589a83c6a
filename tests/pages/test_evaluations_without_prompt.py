"""An agent that a plain script logged, with its instructions in its code: evaluated, compared, proposed."""

import mlflow
import pytest

from services import agents, apps, datasets, evaluations, jobs, releases, scorers
from services.agents.comparing import compare
from services.apps import Gate
from services.datasets import Row
from services.errors import InvalidInputError
from services.interlocks import Light
from services.jobs import State
from services.releases import Pair
from services.scorers import ScorerSpec
from tests.pages.conftest import texts

PLAIN = """
import mlflow
from mlflow.models import ModelConfig
from mlflow.pyfunc import ResponsesAgent

config = ModelConfig(development_config={"text": "Yes."})


class Plain(ResponsesAgent):
    def predict(self, request):
        return {"output": [self.create_text_output_item(text=config.get("text"), id="msg_1")]}


mlflow.models.set_model(Plain())
"""


@pytest.fixture
def scripted(workspace, tmp_path, monkeypatch):
    """Logs one as a plain script does; returns its model id."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", workspace.app.experiment_id)
    file = tmp_path / "plain.py"
    file.write_text(PLAIN, "utf-8")

    def log(text):
        with mlflow.tracing.context(enabled=False):
            made = mlflow.pyfunc.log_model(
                name="plain", python_model=str(file), model_config={"text": text}, pip_requirements=["mlflow"]
            )
        return made.model_id

    return log


def test_it_is_evaluated_compared_and_proposed_without_a_prompt_version(workspace, scripted, finish, screen):
    scorers.save(workspace, ScorerSpec("length", "length", {"shortest": 10, "longest": 500}))
    dataset = datasets.create(workspace, "Questions", [Row("r1", "Where?"), Row("r2", "When?")]).id
    short, long = scripted("Yes."), scripted("Yes, it is on its way to you.")
    with pytest.raises(InvalidInputError, match="asks no prompt of the app"):
        evaluations.start(workspace, short, 1, dataset)

    page = screen("agents", agent=long)
    assert not page.exception and "@latest" not in texts(page).replace("\\", "")
    loose = screen("agents", agent=scripted("prompts:/greeting@latest"))
    assert "A prompt is loaded with @latest." in texts(loose).replace("\\", ""), "shown with the trap, not refused"

    shown = screen("evaluations", agent=short)
    assert shown.text_input(key="evaluate-prompt-support-none").value == "none: its instructions are in its code"
    assert "only the agent's code knows its model" in texts(shown) and "free of charge" not in texts(shown)
    assert "The practice model answers" not in texts(shown)
    assert not shown.button(key="start").disabled
    shown.button(key="start").click().run()
    ended = finish(workspace, jobs.recent(workspace, "evaluate")[0], seconds=200)
    assert ended.state is State.DONE, ended.error
    made = evaluations.get(workspace, ended.result["run_id"])
    assert (made.prompt_name, made.prompt_version, made.failed, made.scores["length"].mean) == ("", None, 0, 0.0)

    shown = screen("evaluations", run=made.run_id)
    assert not shown.exception
    assert "there is no prompt version" in texts(shown) and "do not agree on one prompt version" not in texts(shown)
    old, new = (agents.get(workspace, one) for one in (short, long))
    compared = compare(workspace, old, new)
    assert [(one.name, one.before, one.after) for one in compared.settings] == [
        ("text", "Yes.", "Yes, it is on its way to you.")
    ]
    assert [(one.name, one.before.mean, one.after) for one in compared.scores] == [("length", 0.0, None)]

    apps.choose_dataset(workspace, dataset)
    apps.save_gate(workspace, Gate({"length": 0.5}, rows=2))
    shown = screen("releases", agent=short)
    assert "This agent asks no prompt of the app" in texts(shown)
    shown.button(key="propose").click().run()
    (proposed,) = releases.all(workspace)
    assert (proposed.evaluation, proposed.after) == (made.run_id, Pair(short, None, None))
    assert {one.number: one.light for one in proposed.findings}[1] is Light.GREEN
    assert "passed 0 %" in texts(shown) and "not applicable" in texts(shown)
