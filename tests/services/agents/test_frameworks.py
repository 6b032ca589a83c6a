"""Agents written with LangGraph, OpenAI's Agents SDK and DSPy: brought as a file, checked, logged, tried and served."""

from importlib.metadata import version

import mlflow
import pytest

from services import agents, prompts, traces
from services.agents import AgentForm, checking, requirements
from services.jobs import State
from services.processes.version.agent import ServedAgent
from tests.practice_server import practice_server
from tests.services.agents import framework_files as files

DSPY_ANSWER = "[[ ## answer ## ]]\nGladly.\n\n[[ ## completed ## ]]"


@pytest.fixture
def model(model):
    model.answer = lambda system, question: DSPY_ANSWER if "[[ ##" in system else f"Gladly: {question}"
    return model


@pytest.fixture
def log(model, workspace, finish):
    """Log a framework's file with its packages; returns the model's id."""
    prompts.save(workspace, "greeting", "Be kind.", "first")

    def make(name: str) -> str:
        packages = (*requirements.defaults(), *(f"{one}=={version(one)}" for one in files.PACKAGES[name]))
        form = AgentForm(
            "framework", "greeting", 1, False, "stub", source=files.FRAMEWORKS[name], pip_requirements=packages
        )
        ended = finish(workspace, agents.log(workspace, form), 240)
        report = agents.checked(ended)
        assert report and [str(one.what) for one in report.findings] == []
        assert ended.state is State.DONE, ended.error
        return ended.result["model_id"]

    return make


def not_in_the_form(workspace, finish, name: str) -> None:
    """Check the file of DSPy with a model of that name, and see that the model is told of, not the file."""
    packages = [*requirements.defaults(), f"dspy=={version('dspy')}"]
    ended = finish(workspace, checking.submit(workspace, files.DSPY, {"llm_model": name}, requirements=packages), 240)
    (finding,) = checking.Report.from_json(ended.result).findings
    assert str(finding.what) == "The model answered, but not in the form that DSPy asks for."
    assert finding.blocking and "connect a real model" in str(finding.mend)


def test_a_model_that_cannot_follow_dspys_form_is_told_of_instead_of_blaming_the_file(model, workspace, finish):
    model.answer = lambda system, question: "Gladly."
    not_in_the_form(workspace, finish, "stub")


def test_so_is_the_practice_model_which_refuses_to_answer_as_json(workspace, finish):
    with practice_server(workspace.settings.gateway_port):
        not_in_the_form(workspace, finish, "practice")


@pytest.mark.parametrize("name", files.FRAMEWORKS)
def test_an_agent_of_every_framework_is_checked_logged_and_tried(log, workspace, finish, name):
    model_id = log(name)
    tried = finish(workspace, agents.try_out(workspace, model_id, 1, "Where is my parcel?"), 240)
    assert tried.state is State.DONE, tried.error
    assert tried.result["answer"].startswith("Gladly")
    if name == "LangGraph":
        *deltas, done, told = ServedAgent(f"models:/{model_id}", {}, "support").stream({"input": "Hello"})
        assert "".join(one["delta"] for one in deltas) == done["item"]["content"][0]["text"] == "Gladly: Hello"
        mlflow.langchain.autolog(disable=True)
        assert told["trace_id"]
    if name == "several agents":
        story = traces.await_story(workspace, tried.result["trace_id"])
        steps = [(str(step.what), step.depth) for step in story.steps]
        assert ("The agent researcher worked on it.", 1) in steps and ("The agent writer worked on it.", 1) in steps
        (tool,) = [step for step in story.steps if step.tool]
        assert (tool.depth, tool.tool.given, tool.tool.output) == (2, "city: Oslo", "It rains in Oslo.")
