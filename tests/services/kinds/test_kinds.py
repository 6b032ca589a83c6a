"""Every kind of agent takes one kind of request and gives one kind of answer, with one kind of trace."""

import functools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import TEMPORARILY_UNAVAILABLE

from services import kinds, streaming
from services import settings as settings_module
from services.kinds import Field, Kind, Misfit, chat, python
from services.kinds.answers import readable
from tests.services.agents import agent_files as files

TALK = [
    {"role": "user", "content": "My name is Ada."},
    {"role": "assistant", "content": [{"type": "output_text", "text": "Hello Ada."}]},
    {"role": "user", "content": [{"type": "input_text", "text": "Who am I?"}]},
]
REQUEST = {"input": TALK}
EXAMPLES = {
    files.TABLE: pd.DataFrame([{"question": "Hi", "top": 3}]),
    files.TYPED: [{"messages": [{"role": "user", "content": "Hi"}], "language": "de"}],
}


@pytest.fixture(scope="module")
def load(migrated_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], kinds.AskedAgent]]:
    """The agent in a file's text, logged and loaded as MLflow does it; each once."""
    folder = tmp_path_factory.mktemp("kinds")
    shutil.copytree(migrated_home, folder / "home")
    settings = settings_module.load({"SIGNALBOX_HOME": str(folder / "home")})
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(settings.tracking_uri)
    place = (folder / "artifacts").as_uri()
    patch = pytest.MonkeyPatch()
    patch.setenv("MLFLOW_EXPERIMENT_ID", mlflow.create_experiment("kinds", artifact_location=place))

    @functools.cache
    def make(source: str) -> kinds.AskedAgent:
        file = folder / "agent.py"
        file.write_text(source, "utf-8")
        logged = mlflow.pyfunc.log_model(
            name="kind", python_model=str(file), input_example=EXAMPLES.get(source), pip_requirements=["mlflow"]
        )
        return kinds.load(f"models:/{logged.model_id}")

    yield make
    patch.undo()
    mlflow.set_tracking_uri(before)


@pytest.mark.parametrize(
    ("source", "kind", "said"),
    [
        (files.RESPONSES, Kind.RESPONSES, "Who am I?"),
        (files.CHAT, Kind.CHAT, "You said: Who am I?"),
        (files.TEXTS, Kind.PYTHON, "You said: Who am I?"),
        (files.TYPED, Kind.PYTHON, "You said: Who am I?"),
        (files.TABLE, Kind.PYTHON, "You said: Who am I?"),
        (files.FUNCTION, Kind.PYTHON, "WHO AM I?"),
    ],
)
def test_one_request_reaches_every_kind(load, source, kind, said):
    agent = load(source)
    assert agent.kind is kind
    assert said in kinds.answer_text(agent.predict(REQUEST))


def test_a_form_takes_fields_or_lines(load):
    agent = load(files.FORM)
    assert agent.kind is Kind.FORM
    assert agent.fields.all == (
        Field("amount", "double"),
        Field("country", "string"),
        Field("urgent", "boolean", False),
    )
    fields = {"amount": 3, "country": "DE", "urgent": True}
    answer = kinds.answer_text(agent.predict({"input": [], "custom_inputs": fields}))
    assert answer == "decision: look\namount: 3.0"
    lines = [{"role": "user", "content": "amount: 3\ncountry: DE\nurgent: false"}]
    assert kinds.answer_text(agent.predict({"input": lines})) == "decision: pay\namount: 3.0"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("amount: 3", "“country” is missing."),
        ("amount: much\ncountry: DE", "“amount” is 'much', not of the type double."),
    ],
)
def test_a_form_refuses_what_does_not_fit(load, text, sentence):
    with pytest.raises(Misfit, match=sentence):
        load(files.FORM).predict({"input": [{"role": "user", "content": text}]})


def test_what_stands_beside_the_question_is_known(load):
    typed = load(files.TYPED).fields
    assert (typed.conversation, [one.name for one in typed.others]) == ("messages", ["language"])
    assert typed.usual(typed.others[0]) == "de"
    table = load(files.TABLE).fields
    assert (table.question, [one.name for one in table.others]) == ("question", ["top"])


def test_a_chat_agents_stream_has_one_id_and_an_end(load):
    agent = load(files.CHAT_STREAMING)
    *deltas, done = agent.predict_stream(REQUEST)
    assert [one["delta"] for one in deltas] == ["Good ", "morning"]
    assert {one["item_id"] for one in deltas} == {done["item"]["id"]}
    assert done["item"]["content"][0]["text"] == "Good morning"
    mlflow.flush_trace_async_logging()
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
    assert int(trace.info.trace_metadata[streaming.FIRST]) <= trace.info.execution_duration


def test_an_agent_that_does_not_stream_answers_in_one_event(load):
    agent = load(files.TEXTS)
    (event,) = agent.predict_stream(REQUEST)
    assert not agent.streams
    assert kinds.answer_text({"output": [event["item"]]}) == "You said: Who am I?"


def test_tools_become_steps_beside_the_answer(load):
    answered = load(files.CALLS_TOOLS).predict(REQUEST)
    assert kinds.answer_text(answered) == "It rains in Oslo."
    (step,) = kinds.steps(answered["output"])
    assert (step.name, step.given, step.output) == ("weather", "city: Oslo", "rain")


def test_a_tool_that_waits_for_a_yes_is_told():
    asked = {
        "type": "mcp_approval_request",
        "id": "mcpr_1",
        "name": "pay",
        "arguments": '{"amount": 3}',
        "server_label": "bank",
    }
    (step,) = kinds.approvals([asked, {"type": "function_call", "call_id": "1", "name": "look", "arguments": "{}"}])
    assert (step.id, step.name, step.given, step.place, step.output) == ("mcpr_1", "pay", "amount: 3", "bank", None)


def test_every_kind_leaves_a_trace_with_one_root(load):
    agent = load(files.CHAT)
    agent.predict({"input": TALK, "context": {"conversation_id": "talk-1", "user_id": "ada"}})
    mlflow.flush_trace_async_logging()
    mlflow.flush_trace_async_logging()
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id(thread_local=True))
    (root,) = [span for span in trace.data.spans if span.parent_id is None]
    assert root.span_type == "AGENT" and kinds.answer_text(root.outputs) == "You said: Who am I?"
    assert trace.info.request_preview == "Who am I?"
    told = trace.info.trace_metadata
    assert (told["mlflow.trace.session"], told["mlflow.modelId"]) == ("talk-1", agent.model.model_id)


@pytest.mark.parametrize(
    ("answered", "text"),
    [
        (["one"], "one"),
        ([1, 2], "1\n2"),
        ({"answer": "yes"}, "yes"),
        ({"a": [1, 2], "b": True}, "a: 1, 2\nb: true"),
        (pd.DataFrame([{"risk": 0.5}]), "risk: 0.5"),
    ],
)
def test_an_answer_of_any_form_is_readable(answered, text):
    assert readable(answered) == text


def test_a_chat_agent_is_given_only_what_its_messages_can_hold():
    items = [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "mcp_call", "id": "mcp_1", "name": "pay"},
        {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
        {"type": "function_call", "call_id": "1", "name": "look"},
        {"content": "Hi"},
    ]
    given = chat.request({"input": [*TALK, *items]})["messages"]
    said = [(one["role"], one["content"]) for one in given]
    assert said[-3:] == [("user", "Who am I?"), ("assistant", ""), ("user", "Hi")] and len(said) == 5


def test_a_form_that_only_a_passing_failure_led_to_is_not_kept():
    asked = []

    def ask(given):
        asked.append(given)
        if len(asked) == 1:
            raise ValueError("The model said nothing.")
        return "Hello"

    answered, kept = python.first_taken(ask, REQUEST)
    assert (answered, kept, len(asked)) == ("Hello", None, 2)
    assert python.first_taken(ask, REQUEST)[1] is python.USUAL_FORMS["messages"]


@pytest.mark.parametrize(
    ("takes", "form"),
    [(lambda given: given["question"], "question"), (lambda given: given[0], "list"), (str.upper, "text")],
)
def test_the_form_that_an_agent_takes_is_kept(takes, form):
    assert python.first_taken(takes, REQUEST)[1] is python.USUAL_FORMS[form]


def test_what_is_not_about_the_form_is_told_and_not_asked_again():
    asked = []

    def ask(given):
        asked.append(given)
        raise MlflowException("The registry is away.", error_code=TEMPORARILY_UNAVAILABLE)

    with pytest.raises(MlflowException, match="registry is away"):
        python.first_taken(ask, REQUEST)
    assert len(asked) == 1


def test_when_no_form_is_taken_the_failure_that_may_have_another_reason_is_told():
    def ask(given):
        if "messages" not in given:
            raise TypeError("messages?")
        raise ValueError("The model said nothing.")

    with pytest.raises(ValueError, match="said nothing"):
        python.first_taken(ask, REQUEST)
