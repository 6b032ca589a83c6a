"""Prompts: write, try, save, compare; whatever stands in a prompt appears as text."""

import json
import secrets
import time

import mlflow
import pytest

from services import apps, playground, prompts, sample
from services.errors import PlatformError
from services.messages import Message
from tests.pages.conftest import texts
from tests.stub_model import stub_model

HOSTILE = '<script>alert("x")</script> **bold** ![p](http://evil/x.png) for {{company_name}}'


def editor(shown):
    """What Python gave the editor."""
    return json.loads(next(one.proto for one in shown.get("bidi_component") if "epoch" in one.proto.json).json)


def text(shown):
    return editor(shown)["value"]


def write(shown, template, name="greeting", **stale):
    """Type into the editor, as it would send it after a pause."""
    given = editor(shown)
    typed = {"id": secrets.token_hex(4), "epoch": given["epoch"], "revision": given["revision"], "template": template}
    shown.session_state[f"draft-support-{name}-text"] = {"value": typed | stale}
    return shown


def html(shown):
    return "".join(element.proto.body for element in shown.get("html"))


def read(shown):
    return texts(shown).replace("\\", "")


@pytest.fixture
def written(workspace):
    prompts.save(workspace, "greeting", "Be short, {{company_name}}.", "first")
    prompts.save(workspace, "greeting", "Be kind, {{tone}}.", "warmer <b>tone</b>")
    return workspace


def test_without_prompts_the_page_says_what_to_do(screen):
    shown = screen("prompts")
    assert "There is no prompt yet" in read(shown)
    assert shown.text_input(key="draft-support--name").value == "support"


def test_the_first_prompt_is_saved_and_opened(screen, workspace):
    shown = screen("prompts")
    write(shown, "Hello from {{company_name}}", "")
    shown.text_input(key="draft-support--note").set_value("first")
    shown.button(key="save-prompt").click().run()
    assert not shown.exception
    assert prompts.version(workspace, "support", 1).template == "Hello from {{company_name}}"
    assert shown.query_params["prompt"] == "support"
    assert text(shown) == "Hello from {{company_name}}"
    assert "Saved a new version" in shown.toast[0].value


def test_an_empty_prompt_is_refused_with_a_next_step(screen, workspace):
    shown = screen("prompts")
    shown.button(key="save-prompt").click().run()
    assert "The prompt is empty." in read(shown)
    assert "Write what the assistant is told." in read(shown)
    assert prompts.names(workspace) == []


def test_a_refused_text_stays_in_the_editor(screen, written):
    shown = screen("prompts")
    write(shown, "Use {% if x %}")
    shown.button(key="save-prompt").click().run()
    assert "another template language" in read(shown)
    assert text(shown) == "Use {% if x %}"
    assert len(prompts.history(written, "greeting")) == 2


def test_a_second_version_starts_from_the_newest(screen, written):
    shown = screen("prompts")
    assert text(shown) == "Be kind, {{tone}}."
    write(shown, "Be kind and short, {{tone}}.")
    shown.button(key="save-prompt").click().run()
    assert prompts.version(written, "greeting", 3).template == "Be kind and short, {{tone}}."
    assert "**Version 3**" in read(screen("prompts", view="versions"))
    assert "<ins" in html(screen("prompts", view="compare"))


def test_a_version_saved_by_someone_else_meanwhile_is_told(screen, written):
    shown = screen("prompts")
    write(shown, "My draft")
    shown.run()
    prompts.save(written, "greeting", "Theirs", "")
    shown.run()
    assert "your draft starts from version 2" in read(shown)
    assert text(shown) == "My draft"


def test_a_draft_outlasts_a_look_at_another_page(screen, written):
    shown = screen("prompts")
    write(shown, "My draft").run()
    shown.switch_page("admin/jobs.py").run()
    shown.switch_page("author/prompts.py").run()
    assert text(shown) == "My draft"


def test_the_editor_knows_what_the_app_fills_in(screen, written):
    given = editor(screen("prompts"))
    assert {"tone", "question", "company_name"} <= set(given["known"])
    assert "Nothing fills {names}: the agent would fail" in given["texts"]["unknown"]
    assert "under Apps" in given["texts"]["mend"]


def test_two_versions_are_compared_word_by_word(screen, written):
    shown = html(screen("prompts", view="compare"))
    assert ">short</del>" in shown
    assert ">kind</ins>" in shown


def test_the_newest_is_compared_with_what_is_live(screen, written):
    prompts.save(written, "greeting", "Three", "")
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    shown = screen("prompts", view="compare")
    assert shown.selectbox(key="compare-version").value == 3
    assert shown.selectbox(key="compare-against").value == 1
    assert "**Version 1** :green-badge[live]" in read(screen("prompts", view="versions"))


def test_the_address_names_what_is_compared(screen, written):
    prompts.save(written, "greeting", "Three", "")
    shown = screen("prompts", prompt="greeting", view="compare", version="1", against="3")
    assert (shown.selectbox(key="compare-version").value, shown.selectbox(key="compare-against").value) == (1, 3)
    shown.selectbox(key="compare-version").set_value(2).run()
    assert shown.query_params["version"] == "2"
    assert ">Be kind, {{tone}}.</ins>" in html(shown)


def test_what_is_not_there_is_said(screen, written):
    shown = screen("prompts", prompt="nothing", version="99", view="compare")
    assert "There is no prompt “nothing”" in read(shown)
    assert "There is no version 99" in read(shown)


def test_html_and_markdown_appear_as_text_everywhere(screen, workspace):
    prompts.save(workspace, "greeting", HOSTILE, "**note** <img src=x>")
    prompts.save(workspace, "greeting", HOSTILE.replace("alert", "confirm"), "")
    shown = screen("prompts", view="compare")
    assert "<script" not in html(shown)
    assert "&lt;script&gt;" in html(shown)
    shown = screen("prompts", view="versions")
    assert "**note**" not in texts(shown)
    assert "**note** <img src=x>" in read(shown)


def test_the_draft_is_tried_without_saving(screen, written, monkeypatch):
    asked = []

    def stream(workspace, template, question):
        asked.append((template.text, question))
        yield from ("Good <b>day</b>", "\n*you*")

    monkeypatch.setattr(playground, "stream", stream)
    shown = screen("prompts")
    write(shown, "Try me")
    shown.button(key="try-prompt").click().run()
    assert asked == [("Try me", "Where is my parcel?")]
    assert "Good <b>day</b>  \n*you*" in read(shown)
    assert "*you*" not in texts(shown)
    assert "The practice model answers." in read(shown)
    assert "Good <b>day</b>" in read(shown.run())
    assert len(prompts.history(written, "greeting")) == 2


def test_a_failed_try_says_the_next_step_and_keeps_the_page(screen, written, monkeypatch):
    def stream(workspace, template, question):
        yield "Good"
        raise PlatformError(Message("The model is gone."), Message("Start it."))

    monkeypatch.setattr(playground, "stream", stream)
    shown = screen("prompts")
    shown.button(key="try-prompt").click().run()
    assert "The model is gone.  \nStart it." in read(shown)
    assert text(shown) == "Be kind, {{tone}}."


def test_the_answer_of_a_real_stream_is_drawn(environ, request):
    with stub_model() as stub:
        environ |= {"OPENAI_BASE_URL": stub.url, "OPENAI_API_KEY": "secret-key"}
        prompts.save(request.getfixturevalue("workspace"), "greeting", "Hello {{company_name}}", "")
        shown = request.getfixturevalue("screen")("prompts")
        shown.button(key="try-prompt").click().run()
    assert "Hello Acme | Where is my parcel?" in read(shown)
    assert "practice model" not in read(shown)


def test_an_old_version_can_be_the_start_of_a_new_one(screen, written):
    shown = screen("prompts", view="versions")
    shown.button(key="from-1").click().run()
    assert text(shown) == "Be short, {{company_name}}."


def test_a_second_prompt_is_begun_from_the_list(screen, written):
    shown = screen("prompts")
    shown.button(key="new-prompt").click().run()
    shown.text_input(key="draft-support--name").set_value("farewell")
    write(shown, "Goodbye", "")
    shown.button(key="save-prompt").click().run()
    assert prompts.names(written) == ["farewell", "greeting"]
    assert shown.query_params["prompt"] == "farewell"
    shown.button(key="back").click().run()
    shown.button(key="open-greeting").click().run()
    assert text(shown) == "Be kind, {{tone}}."


def test_the_examples_lead_through_three_versions(screen, workspace):
    form = apps.AppForm(id="shop", name="Shop", company="Sorabana", model="practice", endpoint="shop")
    apps.create(workspace, form, sample=True)
    name, shown = sample.app().prompt_name, screen("prompts")
    shown.selectbox(key="app").set_value("shop").run()
    for number, example in enumerate(sample.app().prompts, 1):
        shown.button(key="use-example").click().run()
        shown.button(key="save-prompt").click().run()
        made = prompts.version(workspace.for_app(apps.get(workspace, "shop")), name, number)
        assert (made.template, made.note) == (example.template, example.note)
    assert not [button for button in shown.button if button.key == "use-example"]


def test_a_viewer_sees_but_cannot_save(screen, written, monkeypatch):
    monkeypatch.setattr("services.audit.allowed", lambda workspace, verb: False)
    shown = screen("prompts")
    assert all(shown.button(key=key).disabled for key in ("save-prompt", "try-prompt"))
    assert screen("prompts", view="versions").button(key="from-1").disabled


def test_a_very_long_prompt_is_compared_quickly(screen, workspace):
    words = " ".join(f"word{n % 977}" for n in range(13_000))[:99_000]
    prompts.save(workspace, "greeting", words, "")
    prompts.save(workspace, "greeting", words[::-1].replace("word5", "other"), "")
    begun = time.monotonic()
    shown = screen("prompts", view="compare")
    assert time.monotonic() - begun < 60, "difflib without bounds takes minutes here"
    assert not shown.exception
    assert len(html(shown)) < 400_000


def test_identical_texts_are_said_to_be_the_same(screen, workspace):
    for _ in range(2):
        prompts.save(workspace, "greeting", "Same", "")
    assert "The two texts are the same." in read(screen("prompts", view="compare"))


def test_the_page_speaks_japanese_where_it_is_translated(screen, written):
    assert not screen("prompts", language="ja").exception
