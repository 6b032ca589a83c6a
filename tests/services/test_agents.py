"""Agents: logged in a child with their prompt, linked three times, tried before they are served."""

import shutil
from dataclasses import replace
from urllib.parse import urlsplit

import mlflow
import pytest

from services import agents, datasets, evaluations, jobs, prompts, scorers
from services.agents import AgentForm, Links, comparing, logging, talking
from services.agents.logging import BUILT_IN
from services.agents.records import ERROR_TAG
from services.datasets import Row
from services.errors import ConflictError, InvalidInputError, NotFoundError
from services.jobs import State, Work
from services.messages import render
from services.scorers import ScorerSpec

FILE = (
    "import mlflow\nfrom mlflow.pyfunc import ResponsesAgent\n\n\nclass A(ResponsesAgent):\n    def predict(self, request):\n"
    "        raise ValueError('broken inside')\n\n\nmlflow.models.set_model(A())\n"
)
# The check asks something else; MLflow asks the app's first smoke question while it logs the agent.
BREAKS_ON_PARCELS = """
import uuid

import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentResponse


class A(ResponsesAgent):
    def predict(self, request):
        if "parcel" in str(request.input):
            raise ValueError("broken inside")
        return ResponsesAgentResponse(output=[self.create_text_output_item(text="Fine.", id=uuid.uuid4().hex)])


mlflow.models.set_model(A())
"""


@pytest.fixture
def written(model, workspace):
    prompts.save(workspace, "greeting", "Greet for {{company_name}}.", "first")
    prompts.save(workspace, "greeting", "Greet warmly for {{company_name}}.", "warmer")
    return workspace


def form(**changes):
    return AgentForm(
        **{"name": "greeter", "prompt_name": "greeting", "first_version": 1, "pinned": False, "llm_model": "stub"}
        | changes
    )


def test_a_logged_agent_names_its_prompt_in_three_places(written, finish):
    ended = finish(written, agents.log(written, form()))
    assert ended.state is State.DONE, ended.error
    agent = agents.get(written, ended.result["model_id"])
    assert (agent.status, agent.prompt_name, agent.prompt_alias, agent.pinned) == (
        "READY",
        "greeting",
        "production",
        None,
    )
    assert agent.links.agree and agent.links.from_config == "greeting"


def test_a_pinned_agent_knows_its_version(written, finish):
    ended = finish(written, agents.log(written, form(pinned=True, first_version=2)))
    assert agents.get(written, ended.result["model_id"]).pinned == 2


def test_trying_uses_the_chosen_version_and_moves_nothing(written, finish, model):
    model_id = finish(written, agents.log(written, form())).result["model_id"]
    answers = [finish(written, agents.try_out(written, model_id, version, "Good morning")) for version in (1, 2)]
    assert ["warmly" in one.result["answer"] for one in answers] == [False, True]
    trace = written.client.get_trace(answers[1].result["trace_id"])
    assert trace.info.tags["signalbox.origin"] == "try"
    assert prompts.live(written, "greeting") is None
    assert talking.said(answers[1]) == answers[1].result["answer"], "it was streamed"

    later = finish(written, agents.ask_on(written, answers[1], "And now?"))
    asked = [one["content"] for one in model.requests[-1]["messages"]]
    assert asked[1:] == ["Good morning", answers[1].result["answer"], "And now?"] and "warmly" in asked[0]
    followed = written.client.get_trace(later.result["trace_id"])
    told = [one.info.trace_metadata["mlflow.trace.session"] for one in (trace, followed)]
    assert told[0] == told[1] and len(later.args["talk"]) == 3
    with pytest.raises(ConflictError, match="has not answered yet"):
        agents.ask_on(written, replace(later, state=State.RUNNING), "And then?")


def test_what_was_said_before_an_answer_broke_off_is_kept(workspace):
    class Breaking:
        streams = True

        def predict_stream(self, request):
            yield {"type": "response.output_text.delta", "item_id": "1", "delta": "Half of"}
            yield {"type": "response.output_text.delta", "item_id": "1", "delta": " it"}
            raise RuntimeError("no more")

    job = jobs.submit(workspace, "try_agent", {"model_id": "m-1"})
    with pytest.raises(RuntimeError, match="no more"):
        talking.hear(Breaking(), {}, Work(workspace.engine, jobs.claim(workspace.engine)))
    assert talking.said(jobs.get(workspace, job.id)) == "Half of it"


def test_a_tool_is_known_as_soon_as_it_is_at_work(workspace):
    seen = []

    class Working:
        streams = True

        def predict_stream(self, request):
            call = {"type": "function_call", "call_id": "1", "name": "weigh", "arguments": '{"parcel": 7}'}
            yield {"type": "response.output_item.done", "item": call}
            seen.append(talking.tools_now(jobs.get(workspace, job.id)))
            yield {
                "type": "response.mcp_call.in_progress",
                "item_id": "1",
                "progress": 2,
                "total": 5,
                "message": "lift",
            }
            seen.append(talking.tools_now(jobs.get(workspace, job.id)))
            done = {"type": "function_call_output", "call_id": "1", "output": "3 kg"}
            yield {"type": "response.output_item.done", "item": done}
            seen.append(talking.tools_now(jobs.get(workspace, job.id)))

    job = jobs.submit(workspace, "try_agent", {"model_id": "m-1"})
    talking.hear(Working(), {}, Work(workspace.engine, jobs.claim(workspace.engine)))
    told = [(step.name, step.given, step.output, progress) for (step,), progress in seen]
    assert told == [
        ("weigh", "parcel: 7", None, ""),
        ("weigh", "parcel: 7", None, "2 / 5: lift"),
        ("weigh", "parcel: 7", "3 kg", ""),
    ]


def test_logging_leaves_no_trace(written, finish):
    finish(written, agents.log(written, form()))
    assert len(written.client.search_traces(locations=[written.app.experiment_id])) == 0


def test_a_dead_model_is_said_before_anything_is_logged(written, finish, model):
    model.status = 500
    ended = finish(written, agents.log(written, form()))
    assert ended.state is State.FAILED and "500" in str(ended.error)
    assert agents.versions(written) == []


@pytest.mark.parametrize(("source", "told"), [("def f(:\n", "Line 1"), ("x = 1\n", "which object is the agent")])
def test_a_file_that_is_no_agent_is_refused_with_its_line(written, source, told):
    with pytest.raises(InvalidInputError, match=told):
        agents.log(written, form(source=source))


def test_a_file_that_breaks_is_not_logged_and_says_what_to_mend(written, finish):
    ended = finish(written, agents.log(written, form(source=FILE)))
    assert ended.state is State.FAILED and "must be mended first" in str(ended.error)
    (found,) = [one for one in agents.checked(ended).findings if one.blocking]
    assert "broken inside" in str(found.what)
    assert agents.versions(written) == []


def test_a_file_that_breaks_on_its_example_shows_as_failed_with_its_reason(written, finish):
    ended = finish(written, agents.log(written, form(source=BREAKS_ON_PARCELS)))
    assert ended.state is State.FAILED and "broken inside" in str(ended.error)
    (failed,) = agents.versions(written)
    assert (failed.status, failed.error) == ("FAILED", ended.error)
    assert "記録" in render(failed.error, "ja") and "broken inside" in render(failed.error, "ja")
    written.client.set_logged_model_tags(failed.model_id, {ERROR_TAG: "Out of memory."})
    assert agents.get(written, failed.model_id).error == "Out of memory."


CHAT = """
import uuid

import mlflow
from mlflow.pyfunc import ChatAgent
from mlflow.types.agent import ChatAgentMessage, ChatAgentResponse


class A(ChatAgent):
    def load_context(self, context):
        self.greeting = "Fine"

    def predict(self, messages, context=None, custom_inputs=None):
        return ChatAgentResponse(
            messages=[ChatAgentMessage(role="assistant", content=self.greeting, id=uuid.uuid4().hex)]
        )


mlflow.models.set_model(A())
"""


def test_a_chat_agent_that_opens_its_context_is_logged_and_evaluated(written, finish, evaluated):
    ended = finish(written, agents.log(written, form(source=CHAT)))
    assert ended.state is State.DONE, (ended.error, agents.checked(ended))
    assert agents.get(written, ended.result["model_id"]).status == "READY"
    assert set(evaluated(ended.result["model_id"], 1).values()) == {"Fine"}


REMEMBERS = """
import json
import os
import uuid

import mlflow
from mlflow.pyfunc import ResponsesAgent
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse

PLACE = "{place}"


class Remembers(ResponsesAgent):
    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:
        file = os.path.join(PLACE, request.context.conversation_id)
        said = json.load(open(file)) if os.path.exists(file) else []
        said += [str(item.content) for item in request.input[-1:]]
        json.dump(said, open(file, "w"))
        item = self.create_text_output_item(text=f"You said: {said}", id=f"msg_{uuid.uuid4().hex}")
        return ResponsesAgentResponse(output=[item])


mlflow.models.set_model(Remembers())
"""
FUNCTION = """
import mlflow

def answer(model_input: list[str]) -> list[str]:
    return [f"You said: {one}" for one in model_input]

mlflow.models.set_model(answer)
"""


@pytest.fixture
def evaluated(written):
    """Evaluate an agent on two questions, in this process; returns the answers by question."""
    scorers.save(written, ScorerSpec("length", "length", {"shortest": 1, "longest": 500}))
    dataset = datasets.create(written, "Lines", [Row("", one) for one in ("First line", "Second line")]).id

    def evaluate(model_id, version):
        evaluations.start(written, model_id, version, dataset)
        work = Work(written.engine, jobs.claim(written.engine))
        found = evaluations.run(replace(written, fence=work.fence), work)
        jobs.finish(written.engine, work.job, found)
        table = evaluations.rows(written, found["run_id"]).set_index("question")
        assert table["length"].all()
        return dict(table["answer"])

    return evaluate


@pytest.mark.parametrize("source", [FUNCTION, REMEMBERS], ids=["a function", "an agent with a memory"])
def test_an_agent_made_elsewhere_is_evaluated_line_by_line(written, evaluated, tmp_path, monkeypatch, source):
    """One that remembers conversations takes every line for one of its own."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", written.app.experiment_id)
    (tmp_path / "kept").mkdir()
    file = tmp_path / "agent.py"
    file.write_text(source.replace("{place}", str(tmp_path / "kept")))
    example = {"input": [{"role": "user", "content": "Hi"}], "context": {"conversation_id": "example"}}
    more = {"input_example": example} if source == REMEMBERS else {}
    made = mlflow.pyfunc.log_model(name="elsewhere", python_model=str(file), pip_requirements=["mlflow"], **more)

    written.client.set_logged_model_tags(made.model_id, {"prompt_name": "greeting"})

    answers = evaluated(made.model_id, 1)

    assert "First line" in answers["First line"] and "Second" not in answers["First line"]
    assert "Second line" in answers["Second line"] and "First" not in answers["Second line"]


def test_a_second_form_is_not_taken_for_the_first(written):
    agents.log(written, form())
    assert agents.log(written, form()).live
    with pytest.raises(ConflictError):
        agents.log(written, form(name="another"))


def test_links_that_disagree_are_told_in_the_readers_language():
    assert render(Links("greeting", None, "other").sentence, "ja") == "記録時：greeting、タグ：–、設定：other"


def test_a_repeated_attempt_logs_nothing_twice(written, finish):
    ended = finish(written, agents.log(written, form()))
    assert logging._logged_by(written, ended.id) == ended.result["model_id"]
    assert len(agents.versions(written)) == 1


def test_another_apps_agent_does_not_exist(written, finish, bare_workspace):
    model_id = finish(written, agents.log(written, form())).result["model_id"]
    with pytest.raises(NotFoundError):
        agents.get(bare_workspace, model_id)


def test_an_unknown_prompt_is_refused(written):
    with pytest.raises((NotFoundError, ConflictError)):
        agents.log(written, form(prompt_name="nothing"))


def test_a_model_without_its_files_does_not_hide_the_others(workspace):
    mlflow.set_experiment(experiment_id=workspace.app.experiment_id)
    model = mlflow.create_external_model(name="elsewhere")
    workspace.client.finalize_logged_model(model.model_id, "READY")
    shutil.rmtree(urlsplit(model.artifact_location).path, ignore_errors=True)

    (found,) = agents.versions(workspace)

    assert (found.model_id, found.config) == (model.model_id, {})
    assert found.error is not None


def test_two_agent_versions_are_compared_by_what_they_were_logged_with(written, finish):
    source = BUILT_IN.read_text("utf-8") + "\n# A second edition.\n"
    ids = [
        finish(written, agents.log(written, one)).result["model_id"]
        for one in (form(), form(llm_model="better", temperature=0.2, source=source))
    ]

    found = comparing.compare(written, *(agents.get(written, id) for id in ids))

    changed = {str(one.name): (one.before, one.after) for one in found.settings}
    assert changed["Model"] == ("stub", "better")
    assert changed["Temperature"] == (None, 0.2)
    assert "Company" not in changed
    assert found.requirements == ()
    assert found.code[0] != found.code[1] and found.code[1].endswith("# A second edition.\n")
    assert found.scores == () and found.evaluations == (None, None)
