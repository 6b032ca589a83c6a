"""What a change means for people: told when certain, with the right light, and otherwise not told."""

import json
from pathlib import Path
from urllib.parse import urlparse

import pytest

from services.interlocks import Light
from services.prompts import audience
from services.prompts.audience import Audience, Reader
from services.prompts.content import ChatMessage, Content, ModelSettings
from services.prompts.impact import impact
from tests import standing

APP = Audience(frozenset({"question", "company_name", "tone"}), "Sorabana", "support")
SCHEMA = {"type": "object", "properties": {"answer": {"type": "string"}, "tone": {"type": "string"}}}


def reader(weight=0, pinned=None, number=3, **config):
    return Reader("helper", number, weight, pinned, {"constants": {}} | config)


def among(*readers):
    return Audience(APP.supplied, APP.company, APP.endpoint, readers)


def told(old, new, audience=APP):
    old, new = (Content(one) if isinstance(one, str) else one for one in (old, new))
    return {str(one.message): one.light for one in impact(old, new, audience)}


def test_a_variable_that_nothing_fills_breaks():
    found = told("Hi", "Hi {{nobody}}")
    assert found["New variable {{nobody}}: nothing fills it, so every agent would fail on every question."] is Light.RED


def test_a_variable_that_the_live_agent_lacks_breaks():
    found = told("Hi", "Hi {{tone}}", among(reader(weight=100), reader(number=2)))
    assert [light for text, light in found.items() if "the agent helper 3, which answers people now" in text] == [
        Light.RED
    ]
    assert [light for text, light in found.items() if "an agent version that was logged without it" in text] == [
        Light.AMBER
    ]


def test_a_variable_that_every_agent_has_is_safe():
    found = told("Hi", "Hi {{tone}}", among(reader(weight=100, constants={"tone": "kind"})))
    assert found["New variable {{tone}}: every agent fills it."] is Light.GREEN
    assert Light.RED not in found.values()


def test_an_agent_that_is_pinned_or_does_not_tell_is_not_accused():
    unknown = Reader("brought", 1, 100, None, {})
    assert Light.RED not in told("Hi", "Hi {{tone}}", among(reader(weight=100, pinned=1), unknown)).values()


def test_a_variable_no_longer_used_is_told():
    assert (
        told("Hi {{tone}}", "Hi")["No longer used: {{tone}}. What it says no longer reaches the model."] is Light.AMBER
    )


@pytest.mark.parametrize(
    ("old", "new", "words", "light"),
    [
        (None, SCHEMA, "Answers become JSON instead of plain text", Light.RED),
        (SCHEMA, None, "Answers become plain text instead of JSON", Light.RED),
        (SCHEMA, {"properties": {"answer": {"type": "string"}}}, "Answers lose tone", Light.RED),
        ({"properties": {}}, SCHEMA, "Answers get answer, tone in addition.", Light.AMBER),
        (SCHEMA, SCHEMA | {"required": ["tone"]}, "The response format changes", Light.AMBER),
        (SCHEMA, {"type": "json_schema", "json_schema": {"schema": {"properties": {"tone": {"type": "number"}, "answer": {"type": "string"}}}}}, "tone of the answers is described differently", Light.AMBER),
    ],
)  # fmt: skip
def test_another_format_breaks_its_readers(old, new, words, light):
    found = told(Content("Hi", response_format=old), Content("Hi", response_format=new))
    assert [one for text, one in found.items() if text.startswith(words)] == [light]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (ModelSettings("a"), ModelSettings("b"), "Another model answers: b instead of a."),
        (ModelSettings(), ModelSettings("b"), "The model becomes b; until now the agent chooses it."),
        (ModelSettings(temperature=0.2), ModelSettings(temperature=0.7), "The temperature rises from 0.2 to 0.7"),
        (ModelSettings(temperature=0.7), ModelSettings(temperature=0), "The temperature falls from 0.7 to 0"),
        (ModelSettings(temperature=0.7), ModelSettings(), "Temperature: left to the agent or the model again; it was 0.7."),
        (ModelSettings(max_tokens=500), ModelSettings(max_tokens=300), "Answers are cut off after 300 tokens instead of 500."),
        (ModelSettings(top_p=0.5), ModelSettings(top_p=0.9), "Top p rises from 0.5 to 0.9"),
        (ModelSettings(stop_sequences=("END",)), ModelSettings(), "Answers no longer end before “END”."),
        (ModelSettings(), ModelSettings(stop_sequences=("\n\n",)), "Answers now end before “↵↵”."),
        (ModelSettings.from_json({"temperature": "hot"}), ModelSettings(temperature=1), "Temperature: 1 instead of hot."),
    ],
)  # fmt: skip
def test_changed_settings_are_told_in_words(old, new, words):
    found = told(Content("Hi", old), Content("Hi", new))
    assert [light for text, light in found.items() if text.startswith(words)] == [Light.AMBER]


def test_a_setting_that_the_agent_already_has_changes_nothing():
    live = among(reader(weight=100, temperature=0.3, llm_model="a"))
    old, new = Content("Hi"), Content("Hi", ModelSettings("a", 0.3))
    assert not told(old, new, live)
    assert "The temperature rises from 0.3 to 0.5" in str(told(old, Content("Hi", ModelSettings("a", 0.5)), live))


def test_a_much_longer_prompt_is_amber_and_a_little_longer_one_green():
    assert (
        told("word " * 400, "word " * 900)["Longer by about 625 tokens: each question costs that much more."]
        is Light.AMBER
    )
    assert (
        told("word " * 400, "word " * 408)["Longer by about 10 tokens: each question costs that much more."]
        is Light.GREEN
    )
    assert "Shorter by about 2 tokens" in str(told("word word", "word"))


def test_another_language_of_the_instructions_is_told_when_there_is_enough_text():
    english, japanese = "Answer the customer politely.", "お客様の質問に丁寧な日本語で答えてください。"
    assert "The instructions are now in Japanese" in str(told(english, japanese))
    assert "The instructions are no longer in Japanese" in str(told(japanese, english))
    assert "Japanese" not in str(told("Hi.", "丁寧に。"))
    assert "Japanese" not in str(told(english, english + " 例：丁寧"))


def test_what_the_text_no_longer_says_is_quoted():
    assert "The text no longer says “80 words”; it says “60 words”." in told("At most 80 words.", "At most 60 words.")
    assert "The text no longer says “200文字”." in told("２００文字以内で", "短く")
    assert "The text no longer names Sorabana." in told("You work for SORABANA.", "You work for us.")
    assert "names Sorabana" not in str(told("You work for Sorabana.", "You work for {{company_name}}."))


def test_the_form_of_the_prompt_is_told():
    chat = (ChatMessage("system", "Hi"), ChatMessage("user", "{{question}}"))
    found = told("Hi", Content(chat))
    assert [text for text in found if text.startswith(("A text becomes chat", "A message of the prompt now"))]
    assert [
        text for text in told(Content(chat), "Hi") if text.startswith(("Chat messages become", "What the customer"))
    ]


def test_labels_and_foreign_settings_do_not_reach_the_model():
    old = Content("Hi", ModelSettings(others={"provider": "x"}), labels={"title": "A"})
    assert told(old, Content("Hi", labels={"title": "B"})) == {
        "Nothing that reaches the model changes: people notice nothing.": Light.GREEN
    }


def test_the_gravest_comes_first():
    found = list(told("Hi {{tone}}", Content("Hi {{nobody}} " + "word " * 400, ModelSettings("b"))).values())
    assert found == sorted(found, key=[Light.RED, Light.AMBER, Light.GREEN].index)
    assert set(found) >= {Light.RED, Light.AMBER}


def test_who_would_notice_is_said():
    live, fixed = reader(weight=100), reader(weight=50, pinned=4, number=9)
    assert "The endpoint support answers with helper 3, which follows" in str(among(live, fixed).sentences[0])
    assert "helper 9, which always uses version 4" in str(among(live, fixed).sentences[1])
    assert [str(one) for one in among(reader(), reader()).sentences] == [
        "No endpoint answers with this prompt now.",
        "Agent versions that follow what is live and answer nobody now: 2.",
    ]


def test_what_the_store_knows_of_an_agent_decides(workspace):
    model = standing.logged(workspace, "greeting")
    file = Path(urlparse(workspace.client.get_logged_model(model).artifact_location).path) / "MLmodel"
    written = json.loads(file.read_text())
    written["flavors"]["python_function"]["config"]["constants"] = {"campaign": "spring"}
    file.write_text(json.dumps(written))
    standing.stand(workspace, 1, model, weight=100)

    found = audience.of(workspace, "greeting")

    assert [(one.title, one.weight, one.pinned) for one in found.readers] == [("agent", 100, None)]
    lights = told("Hi", "Hi {{tone}}", found)
    assert [light for text, light in lights.items() if "which answers people now, was logged without it" in text] == [
        Light.RED
    ]


def test_without_agents_and_endpoint_nobody_reads(workspace):
    found = audience.of(workspace, "greeting")
    assert (found.readers, found.company, "tone" in found.supplied) == ((), "Acme", True)
