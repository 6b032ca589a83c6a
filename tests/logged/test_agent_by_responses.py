"""The logged agent that asks its model by the Responses API, loaded as MLflow loads it, against a stub model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import openai
import pytest
from mlflow.pyfunc import PyFuncModel

from services.agents import shipping
from services.workspace import Workspace
from tests.stub_model import StubModel

FILE = Path("services/logged/responses_agent.py")
CONFIG: dict[str, Any] = {"prompt_name": "support", "llm_model": "m", "prompt_cache_seconds": 0, "llm_api": "responses"}
HELLO = {"input": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def load(workspace: Workspace, model: StubModel, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PyFuncModel]:
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", workspace.app.experiment_id)

    def loaded(**settings: Any) -> PyFuncModel:
        version = mlflow.genai.register_prompt("support", "Be kind.", **settings).version
        mlflow.genai.set_prompt_alias("support", "production", version)
        arguments: dict[str, Any] = {"model_config": CONFIG}
        shipping.load_api(arguments)
        made = mlflow.pyfunc.log_model(name="agent", python_model=str(FILE), pip_requirements=["mlflow"], **arguments)
        model.requests.clear()
        return mlflow.pyfunc.load_model(made.model_uri)

    return loaded


def test_the_responses_api_is_asked_and_its_answer_read(load: Callable[..., PyFuncModel], model: StubModel) -> None:
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    agent = load(response_format=schema)
    answered = agent.predict({**HELLO, "temperature": 0.5, "max_output_tokens": 9})

    (asked,) = model.requests
    said = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]
    assert (asked["input"], asked["temperature"], asked["max_output_tokens"], asked["store"]) == (said, 0.5, 9, False)
    assert asked["text"] == {"format": {"type": "json_schema", "name": "answer", "schema": schema}}
    assert answered["output"][0]["content"][0]["text"] == "Be kind. | Hello"
    facts = answered["custom_outputs"]
    assert facts["finish_reason"] == "stop"
    assert facts["usage"] == {"input_tokens": 7, "output_tokens": 3, "total_tokens": 10}


def test_its_stream_has_one_id_and_the_real_reason_of_its_end(
    load: Callable[..., PyFuncModel], model: StubModel
) -> None:
    agent = load()
    model.finish_reason = "length"
    *deltas, done = agent.predict_stream(HELLO)

    assert len(deltas) > 1 and {one["item_id"] for one in deltas} == {done["item"]["id"]}
    assert "".join(one["delta"] for one in deltas) == done["item"]["content"][0]["text"] == "Be kind. | Hello"
    assert done["custom_outputs"]["finish_reason"] == "length"
    assert done["custom_outputs"]["usage"]["total_tokens"] == 10
    assert agent.predict(HELLO)["incomplete_details"] == {"reason": "max_output_tokens"}


def test_what_it_cannot_do_and_what_fails_is_an_error(load: Callable[..., PyFuncModel], model: StubModel) -> None:
    agent = load()
    model.finish_reason = "failed"
    for ask in (agent.predict, lambda request: list(agent.predict_stream(request))):
        with pytest.raises(openai.OpenAIError, match="stubbed failure"):
            ask(HELLO)
    model.finish_reason = "stop"
    version = mlflow.genai.register_prompt("support", "Hi", model_config={"stop_sequences": ["END"]}).version
    mlflow.genai.set_prompt_alias("support", "production", version)
    with pytest.raises(ValueError, match="no stop sequences"):
        agent.predict(HELLO)
