"""What is refused before the registry sees it: hostile labels, sizes as the registry counts them, settings, time."""

import contextlib
import time

import mlflow
import pytest

from services import prompts
from services.errors import InvalidInputError, PlatformError
from services.prompts import ChatMessage, Content, ModelSettings
from services.prompts.audience import Audience
from services.prompts.impact import impact


@pytest.mark.parametrize(
    "label",
    ["mlflow.prompt.text", "_mlflow_prompt_model_config", "signalbox.archived", "signalbox.app", "author"],
)
def test_a_label_cannot_reach_the_registrys_own_tags(workspace, label):
    saved = prompts.save(workspace, "greeting", "Hello", "")
    with pytest.raises(InvalidInputError, match="cannot be a label"):
        prompts.save(workspace, "greeting", Content("Hello", labels={label: "x"}), "")
    with pytest.raises(InvalidInputError, match="cannot be a label"):
        prompts.label(workspace, "greeting", 1, {label: "x"})
    assert prompts.history(workspace, "greeting") == [saved]


def test_a_version_broken_elsewhere_is_told_and_the_list_stands(workspace):
    prompts.save(workspace, "greeting", "Hello", "")
    prompts.save(workspace, "other", "Hello", "")
    client = mlflow.MlflowClient()
    client.set_prompt_version_tag("greeting", "1", "_mlflow_prompt_model_config", "no JSON")
    with pytest.raises(PlatformError, match="A version of") as caught:
        prompts.history(workspace, "greeting")
    assert caught.value.remedy is not None
    assert "other" in prompts.names(workspace)


@pytest.mark.parametrize(
    "content",
    [
        Content((ChatMessage("system", "日" * 17_000),)),
        Content("Hello", response_format={"type": "object", "description": "x" * 100_000}),
        Content("Hello", ModelSettings(temperature="hot")),
        Content("Hello", ModelSettings(top_p=1.5)),
        Content("Hello", ModelSettings(max_tokens=0)),
        Content((ChatMessage("tool", "x"),)),
        Content((ChatMessage("system", "x"), ChatMessage("user", " "))),
        Content("{{self}}"),
        Content("{{ allow_partial }}"),
    ],
)
def test_what_mlflow_would_choke_on_is_refused_in_words(workspace, content):
    with pytest.raises(InvalidInputError) as caught:
        prompts.save(workspace, "greeting", content, "")
    assert caught.value.remedy is not None
    assert prompts.names(workspace) == []


def test_nested_examples_of_json_are_no_variables(workspace):
    for template in ('{"a":{"b":{"c":1}}}', 'Answer {"a": {"b": 1}} for {{ company_name }}.'):
        assert prompts.save(workspace, "greeting", template, "").template == template


@pytest.mark.parametrize("text", ["{{" * 50_000, "{" * 100_000, "{{a" * 33_000, "1" * 100_000, "1," * 50_000])
def test_hostile_texts_cost_no_more_time_than_others(text):
    begun = time.process_time()
    with contextlib.suppress(InvalidInputError):
        prompts.check(text)
    impact(Content("Up to 300 characters."), Content(text), Audience())
    assert time.process_time() - begun < 10, "a pattern that is tried anew at every character takes minutes here"
