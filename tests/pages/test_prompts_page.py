"""Prompts: write, try, save, compare; whatever stands in a prompt appears as text."""

import json
import secrets
import time
from dataclasses import replace

import mlflow
import pytest
import streamlit as st

from services import apps, playground, prompts, sample
from services.agents import records
from services.errors import PlatformError
from services.messages import Message
from services.prompts import drafts
from services.prompts.drafts import Draft
from tests import standing
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
    shown.session_state[f"draft/support/{name}/text"] = {"value": typed | stale}
    return shown


def click_twice(shown):
    """The second click was on its way before the button was switched off."""
    for _ in range(2):
        shown.button(key="save-prompt")._value = True
        shown.run()


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
    assert shown.text_input(key="draft/support//name").value == "support"


def test_the_first_prompt_is_saved_and_opened(screen, workspace):
    shown = screen("prompts")
    write(shown, "Hello from {{company_name}}", "")
    shown.text_input(key="draft/support//note").set_value("first")
    shown.button(key="save-prompt").click().run()
    assert not shown.exception
    assert prompts.version(workspace, "support", 1).template == "Hello from {{company_name}}"
    assert shown.query_params["prompt"] == "support"
    assert text(shown) == "Hello from {{company_name}}"
    assert "Saved version 1 of support\\. Log an agent that uses it next" in shown.toast[0].value


def test_an_empty_prompt_is_refused_with_a_next_step(screen, workspace):
    shown = screen("prompts")
    shown.button(key="save-prompt").click().run()
    assert "The prompt is empty." in read(shown)
    assert "Write what the assistant is told." in read(shown)
    assert prompts.names(workspace) == []


def test_a_refused_text_stays_in_the_editor(screen, written):
    shown = screen("prompts")
    write(shown, "Use {% if x %}").run()
    shown.button(key="save-prompt").click().run()
    assert "another template language" in read(shown)
    assert text(shown) == "Use {% if x %}"
    assert len(prompts.history(written, "greeting")) == 2


def test_a_second_version_starts_from_the_newest(screen, written):
    shown = screen("prompts")
    assert text(shown) == "Be kind, {{tone}}."
    write(shown, "Be kind and short, {{tone}}.").run()
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


def test_everything_typed_outlasts_the_session(screen, written):
    shown = screen("prompts")
    write(shown, [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{question}}"}])
    fields = {"note": "why", "title": "Kind", "language": "日本語", "top_p": 0.5, "format": "{not yet"}
    for name, value in fields.items():
        shown.session_state[f"draft/support/greeting/{name}"] = value
    shown.run()
    again = screen("prompts")
    assert [one["content"] for one in text(again)] == ["Be kind.", "{{question}}"]
    assert {name: again.session_state[f"draft/support/greeting/{name}"] for name in fields} == fields
    assert "Unsaved draft" in read(again)
    assert editor(again)["kept"].startswith("Draft kept ")


def test_a_chat_with_settings_and_labels_is_saved(screen, written):
    shown = screen("prompts")
    write(shown, [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "{{question}}"}]).run()
    shown.number_input(key="draft/support/greeting/temperature").set_value(0.5)
    shown.text_input(key="draft/support/greeting/title").set_value("Kind")
    shown.text_area(key="draft/support/greeting/format").set_value('{"type": "object"}')
    shown.button(key="save-prompt").click().run()
    made = prompts.version(written, "greeting", 3)
    assert [one.role for one in made.content.messages] == ["system", "user"]
    assert (made.content.settings.temperature, made.title, made.base) == (0.5, "Kind", 2)
    assert made.content.response_format == {"type": "object"}
    assert drafts.mine(written, "greeting") is None
    assert "No unsaved words" in read(shown)
    assert "This version sets: temperature 0.5, response format" in read(shown)


def test_a_refused_response_format_keeps_everything_typed(screen, written):
    shown = screen("prompts")
    write(shown, "Other words").run()
    shown.text_area(key="draft/support/greeting/format").set_value("{type: object}")
    shown.button(key="save-prompt").click().run()
    assert "The response format is not valid JSON" in read(shown)
    assert text(shown) == "Other words"
    assert shown.text_area(key="draft/support/greeting/format").value == "{type: object}"
    assert drafts.mine(written, "greeting").typed_format == "{type: object}"


def test_pasting_too_much_is_refused_and_nothing_is_lost(screen, written):
    shown = screen("prompts")
    write(shown, "あ" * 200_000).run()
    assert editor(shown)["limit"] == 100_000
    shown.button(key="save-prompt").click().run()
    assert "The prompt has 200000 characters; 100000 are allowed." in read(shown)
    assert text(screen("prompts")) == "あ" * 200_000
    write(shown, "x" * 1_000_001).run()
    assert "characters; up to 1000000 are kept." in read(shown)
    assert len(text(shown)) == 1_000_001
    assert editor(shown)["kept"] == ""
    write(shown, "Short again").run()
    assert text(screen("prompts")) == "Short again"


def test_the_words_of_two_tabs_are_both_kept(screen, written):
    one, other = screen("prompts"), screen("prompts")
    write(other, "Second tab").run()
    write(one, "First tab").run()
    assert "also written elsewhere" in read(one)
    assert one.code[0].value == "Second tab"
    one.button(key="save-prompt").click().run()
    assert "Choose first which of the two goes on." in read(one)
    assert len(prompts.history(written, "greeting")) == 2
    one.button(key="take-other").click().run()
    assert text(one) == "Second tab"
    one.button(key="exchange-draft-0").click().run()
    assert text(one) == "First tab"
    other.run()
    assert text(other) == "First tab"
    assert "its words stand here now" in other.toast[0].value


def test_words_that_crossed_with_another_text_are_not_lost(screen, written):
    shown = screen("prompts")
    before = editor(shown)
    write(shown, "From here").run()
    drafts.keep(written, replace(drafts.mine(written, "greeting"), content=prompts.Content("From there")))
    shown.run()
    assert text(shown) == "From there"
    write(shown, "From here, going on", epoch=before["epoch"], revision=1).run()
    assert "also written elsewhere" in read(shown)
    assert text(shown) == "From here, going on"
    shown.button(key="keep-mine").click().run()
    assert drafts.mine(written, "greeting").content.text == "From here, going on"
    assert [one.content.text for one in drafts.mine(written, "greeting").set_aside] == ["From there"]
    shown.button(key="exchange-draft-0").click().run()
    assert text(shown) == "From there"
    shown.button(key="drop-aside-0").click().run()
    assert drafts.mine(written, "greeting").set_aside == ()
    assert text(shown) == "From there"


def test_a_discarded_draft_is_gone(screen, written):
    shown = screen("prompts")
    write(shown, "My draft").run()
    shown.button(key="discard-draft").click().run()
    assert text(shown) == "Be kind, {{tone}}."
    assert drafts.all(written) == []
    assert "The draft is discarded" in shown.toast[0].value


def test_a_double_click_saves_once(screen, workspace):
    shown = screen("prompts")
    write(shown, "Hello", "")
    click_twice(shown)
    assert len(prompts.history(workspace, "support")) == 1
    assert shown.button(key="save-prompt").disabled
    write(shown, "Hello again", "support").run()
    assert not shown.button(key="save-prompt").disabled
    click_twice(shown)
    assert len(prompts.history(workspace, "support")) == 2
    assert drafts.all(workspace) == []
    assert "There is nothing new" not in read(shown)


def test_what_a_browser_repeats_after_a_save_is_no_draft(screen, written):
    shown = screen("prompts", prompt="greeting", view="write")
    note = "draft/support/greeting/note"
    shown.text_input(key=note).set_value("colder").run()
    shown.button(key="save-prompt").click().run()
    assert prompts.version(written, "greeting", 3).note == "colder"
    shown.session_state[note] = "colder"
    shown.run()
    assert drafts.mine(written, "greeting") is None


def test_the_next_step_after_a_save_follows_the_agents(screen, written):
    standing.logged(written, "greeting")
    shown = screen("prompts")
    write(shown, "Be kind and short, {{tone}}.").run()
    shown.button(key="save-prompt").click().run()
    assert "Saved version 3 of greeting\\. Evaluate it next" in shown.toast[0].value


def test_a_refused_save_is_told_beside_the_button_until_something_is_written(screen, written):
    shown = screen("prompts")
    write(shown, "Use {% if x %}").run()
    shown.button(key="save-prompt").click().run()
    assert ["another template language" in one.value for one in shown.error] == [True, True]
    write(shown, "Use words").run()
    assert not shown.error


def test_a_field_typed_here_is_not_overwritten_by_another_tab(screen, written):
    shown = screen("prompts")
    write(shown, "My draft").run()
    drafts.keep(written, replace(drafts.mine(written, "greeting"), content=prompts.Content("From there")))
    shown.text_input(key="draft/support/greeting/note").set_value("typed here").run()
    assert shown.text_input(key="draft/support/greeting/note").value == "typed here"
    assert "also written elsewhere" in read(shown)
    assert drafts.mine(written, "greeting").content.text == "From there"


def test_a_stale_tab_does_not_discard_newer_words(screen, written):
    shown = screen("prompts")
    write(shown, "My draft").run()
    drafts.keep(written, replace(drafts.mine(written, "greeting"), content=prompts.Content("From there")))
    shown.button(key="discard-draft").click().run()
    assert "Another tab kept this draft" in read(shown)
    assert text(shown) == "From there"
    assert drafts.mine(written, "greeting").content.text == "From there"


@pytest.mark.parametrize("field", ["note", "text", "format", "name"])
def test_a_prompt_named_like_a_field_of_another_is_written(screen, written, field):
    prompts.save(written, f"greeting-{field}", "Another prompt", "")
    shown = screen("prompts", prompt="greeting")
    shown.query_params["prompt"] = f"greeting-{field}"
    shown.run()
    assert not shown.exception
    assert text(shown) == "Another prompt"
    shown.query_params["prompt"] = "greeting"
    shown.run()
    assert not shown.exception
    assert text(shown) == "Be kind, {{tone}}."


def test_writing_from_an_old_version_sets_unsaved_words_aside(screen, written):
    shown = screen("prompts")
    write(shown, "My draft").run()
    shown = screen("prompts", prompt="greeting", view="versions")
    shown.button(key="from-1").click().run()
    assert text(shown) == "Be short, {{company_name}}."
    shown.button(key="exchange-draft-0").click().run()
    assert text(shown) == "My draft"


def test_two_authors_of_one_base_are_both_told(screen, written, settings, monkeypatch):
    bob = replace(written, actor=replace(written.actor, id="bob"))
    prompts.save(written, "greeting", "Ada's", "", base=2)
    prompts.save(bob, "greeting", "Bob's", "", base=2)
    assert "bob saved version 4 from version 2, as you did with version 3" in read(screen("prompts"))
    monkeypatch.setenv("SIGNALBOX_OPERATOR", "bob")
    st.cache_resource.clear()
    assert "While you were writing, ada saved version 3, also from version 2" in read(screen("prompts"))


def test_another_writer_is_named(screen, written):
    bob = replace(written, actor=replace(written.actor, id="bob"))
    drafts.keep(bob, Draft("greeting", prompts.Content("Bob's")))
    assert "bob is writing on this prompt too" in read(screen("prompts"))


def test_settings_that_overrule_the_agent_are_shown(screen, written):
    model_id = standing.logged(written, "greeting")
    records.model_config(written.settings.tracking_uri, model_id)["temperature"] = 0.1
    shown = screen("prompts")
    shown.number_input(key="draft/support/greeting/temperature").set_value(0.5)
    assert "Temperature: 0.5 of this version counts, not 0.1 of the agent." in read(shown.run())


def test_a_name_that_is_taken_is_refused(screen, written):
    shown = screen("prompts", new="1")
    shown.text_input(key="draft/support//name").set_value("greeting")
    write(shown, "Other words", "")
    shown.button(key="save-prompt").click().run()
    assert "There is already a prompt “greeting”." in read(shown)
    assert text(shown) == "Other words"
    assert len(prompts.history(written, "greeting")) == 2


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
    shown.text_input(key="draft/support//name").set_value("farewell")
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
    assert "The two versions are the same." in read(screen("prompts", view="compare"))


def test_the_page_speaks_japanese_where_it_is_translated(screen, written):
    assert not screen("prompts", language="ja").exception
