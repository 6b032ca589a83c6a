"""Prompts: write, try, save, compare; whatever stands in a prompt appears as text."""

import time

import mlflow
import pytest

from pages.components import diff
from services import apps, playground, prompts, sample
from services.errors import PlatformError
from services.messages import Message
from services.prompts import Piece
from tests.pages.conftest import texts
from tests.stub_model import stub_model

HOSTILE = '<script>alert("x")</script> **bold** ![p](http://evil/x.png) for {{company_name}}'


def text(shown, name="greeting"):
    return shown.text_area(key=f"prompt-text-support-{name}")


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
    assert shown.text_input(key="prompt-name-support").value == "support"


def test_the_first_prompt_is_saved_and_opened(screen, workspace):
    shown = screen("prompts")
    text(shown, "").set_value("Hello from {{company_name}}")
    shown.text_input(key="prompt-text-support--note").set_value("first")
    shown.button(key="save-prompt").click().run()
    assert not shown.exception
    assert prompts.version(workspace, "support", 1).template == "Hello from {{company_name}}"
    assert shown.query_params["prompt"] == "support"
    assert text(shown, "support").value == "Hello from {{company_name}}"
    assert "Saved a new version" in shown.toast[0].value


def test_an_empty_prompt_is_refused_with_a_next_step(screen, workspace):
    shown = screen("prompts")
    shown.button(key="save-prompt").click().run()
    assert "The prompt is empty." in read(shown)
    assert "Write what the assistant is told." in read(shown)
    assert prompts.names(workspace) == []


def test_a_refused_text_stays_in_the_editor(screen, written):
    shown = screen("prompts")
    text(shown).set_value("Use {% if x %}")
    shown.button(key="save-prompt").click().run()
    assert "another template language" in read(shown)
    assert text(shown).value == "Use {% if x %}"
    assert len(prompts.history(written, "greeting")) == 2


def test_a_second_version_starts_from_the_newest(screen, written):
    shown = screen("prompts")
    assert text(shown).value == "Be kind, {{tone}}."
    text(shown).set_value("Be kind and short, {{tone}}.")
    shown.button(key="save-prompt").click().run()
    assert prompts.version(written, "greeting", 3).template == "Be kind and short, {{tone}}."
    assert "**Version 3**" in read(screen("prompts", view="versions"))
    assert "<ins" in html(screen("prompts", view="compare"))


def test_a_version_saved_by_someone_else_meanwhile_is_told(screen, written):
    shown = screen("prompts")
    text(shown).set_value("My draft")
    shown.run()
    prompts.save(written, "greeting", "Theirs", "")
    shown.run()
    assert "your draft starts from version 2" in read(shown)
    assert text(shown).value == "My draft"


def test_a_draft_outlasts_a_look_at_another_page(screen, written):
    shown = screen("prompts")
    text(shown).set_value("My draft").run()
    shown.switch_page("admin/jobs.py").run()
    shown.switch_page("author/prompts.py").run()
    assert text(shown).value == "My draft"


def test_unknown_variables_are_marked_with_what_to_do(screen, written):
    shown = screen("prompts")
    text(shown).set_value("{{tone}} {{question}} {{nobody}}").run()
    told = read(shown)
    assert ":orange-badge[{{nobody}}]" in told
    assert ":blue-badge[{{tone}}]" in told
    assert ":blue-badge[{{question}}]" in told
    assert "Nothing fills {{nobody}}: the agent would fail" in told
    assert "under Apps" in told


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


def test_changed_variables_are_told_with_what_would_break(screen, written):
    prompts.save(written, "greeting", "Be {{nobody}}.", "")
    told = read(screen("prompts", view="compare"))
    assert "New variable {{nobody}}: nothing fills it" in told
    assert "No longer used: {{tone}}" in told
    assert "an agent logged before the variable had a value" in read(screen("prompts", view="compare", version="2", against="1"))


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
        asked.append((template, question))
        yield from ("Good <b>day</b>", "\n*you*")

    monkeypatch.setattr(playground, "stream", stream)
    shown = screen("prompts")
    text(shown).set_value("Try me")
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
    assert text(shown).value == "Be kind, {{tone}}."


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
    assert text(shown).value == "Be short, {{company_name}}."


def test_a_second_prompt_is_begun_from_the_list(screen, written):
    shown = screen("prompts")
    shown.button(key="new-prompt").click().run()
    shown.text_input(key="prompt-name-support").set_value("farewell")
    text(shown, "").set_value("Goodbye")
    shown.button(key="save-prompt").click().run()
    assert prompts.names(written) == ["farewell", "greeting"]
    assert shown.query_params["prompt"] == "farewell"
    shown.button(key="back").click().run()
    shown.button(key="open-greeting").click().run()
    assert text(shown).value == "Be kind, {{tone}}."


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


def test_a_small_change_deep_in_a_long_prompt_is_found():
    words = " ".join(f"word{n}" for n in range(10_000))
    change = prompts.difference(words, words.replace("word7000 ", "other "))
    assert [piece for piece in change.pieces if piece.kind != "same"] == [
        Piece("removed", "word7000"),
        Piece("added", "other"),
    ]
    drawn = diff.markup(change.pieces, changes_only=True)
    assert ">word7000</del>" in drawn
    assert len(drawn) < 1_000


def test_identical_texts_are_said_to_be_the_same(screen, workspace):
    for _ in range(2):
        prompts.save(workspace, "greeting", "Same", "")
    assert "The two texts are the same." in read(screen("prompts", view="compare"))


def test_the_page_speaks_japanese_where_it_is_translated(screen, written):
    assert not screen("prompts", language="ja").exception
