"""Importing: what would be written is shown first; exporting gives a file that can be imported again."""

import json

import pytest

from services import prompts
from services.prompts import transfer
from tests.pages.conftest import texts

LANGFUSE = json.dumps(
    [
        {"name": "movie critic", "version": 1, "type": "text", "prompt": "Be {{tone}}. <b>**x**</b>", "config": {"api_key": "k"}},
        {"name": "movie critic", "version": 2, "type": "text", "prompt": "Use {% if %}"},
    ]
)  # fmt: skip


def read(shown):
    return texts(shown).replace("\\", "")


@pytest.fixture
def form(screen):
    return lambda **address: screen("prompts", **({"import": "1"} | address))


def paste(shown, text):
    shown.text_area(key="import-text-support").set_value(text)
    return shown.run()


def test_an_import_is_shown_before_it_is_written(form, workspace):
    shown = paste(form(), LANGFUSE)

    told = read(shown)
    assert "**What would be imported** (Langfuse)" in told
    assert ":green-badge[new]" in told and ":red-badge[cannot be saved]" in told
    assert "another template language. Write the text without it" in told
    assert "The setting api_key looks like a secret" in told
    assert "**x**" not in texts(shown)
    assert prompts.names(workspace) == []

    shown.button(key="import-prompts").click().run()
    assert not shown.exception
    assert [one.template for one in prompts.history(workspace, "movie-critic")] == ["Be {{tone}}. <b>**x**</b>"]
    assert "Imported versions: 1" in shown.toast[0].value.replace("\\", "")
    assert "import" not in shown.query_params


def test_what_has_no_name_is_not_added_to_the_apps_prompt_by_itself(form, workspace):
    prompts.save(workspace, "support", "Hello", "")
    shown = paste(form(), "Just a text.")
    (field,) = [one for one in shown.text_input if str(one.key).startswith("import-name")]
    assert field.value == "support-imported" and "A new prompt." in read(shown)
    field.set_value("support").run()
    assert "added to the prompt of this name, after its version 1" in read(shown)


def test_prompts_named_in_japanese_alone_are_told_apart(form):
    told = "- name: {}\n  versions:\n  - template: Be {}.\n"
    shown = paste(
        form(), "signalbox_prompts: 1\nprompts:\n" + told.format("返金", "kind") + told.format("配送", "brief")
    )
    fields = [one for one in shown.text_input if str(one.key).startswith("import-name")]
    assert [one.value for one in fields] == ["support", "support-1"]
    assert not shown.button(key="import-prompts").disabled


def test_every_paste_is_named_anew(form, workspace):
    shown = form()
    for text, name in (
        ("One text.", "support"),
        (LANGFUSE, "movie-critic"),
        ("Another text.", "support"),
        ("A third.", "support"),
    ):
        paste(shown, text)
        (field,) = [one for one in shown.text_input if str(one.key).startswith("import-name")]
        assert (field.value, field.proto.default) == (name, name)
        assert not shown.button(key="import-prompts").disabled


def test_another_name_can_be_given_and_taken_ones_are_refused(form, workspace, bare_workspace):
    shown = paste(form(), "Just a text for {{company_name}}.")
    name = next(one for one in shown.text_input if str(one.key).startswith("import-name"))
    name.set_value("no good name").run()
    assert "cannot be a prompt's name" in read(shown)
    assert shown.button(key="import-prompts").disabled

    name.set_value("greeting").run()
    shown.button(key="import-prompts").click().run()
    assert prompts.names(workspace) == ["greeting"]


def test_a_file_of_the_console_is_imported_and_skipped_the_second_time(form, workspace):
    prompts.save(workspace, "greeting", "Hello", "")
    exported = transfer.export(workspace).replace("name: greeting", "name: farewell").encode()
    shown = form()
    shown.file_uploader(key="import-file-support").upload("prompts.yaml", exported, "application/yaml").run()
    shown.button(key="import-prompts").click().run()
    assert prompts.names(workspace) == ["farewell", "greeting"]

    again = form()
    again.file_uploader(key="import-file-support").upload("prompts.yaml", exported, "application/yaml").run()
    assert ":gray-badge[there already]" in read(again)
    assert "nothing new to import" in read(again)


def test_a_broken_file_says_what_to_do(form):
    shown = form()
    shown.file_uploader(key="import-file-support").upload("x.json", b"{broken", "application/json").run()
    assert "The file cannot be read" in read(shown)
    assert not shown.exception


def test_a_viewer_cannot_import(form, monkeypatch):
    monkeypatch.setattr("services.audit.allowed", lambda workspace, verb: False)
    assert paste(form(), "A text").button(key="import-prompts").disabled


def test_the_first_prompt_may_be_imported(screen):
    shown = screen("prompts")
    shown.button(key="import").click().run()
    assert "Import prompts" in read(shown)


def test_a_role_that_no_agent_sends_is_refused_with_what_to_do(form, workspace):
    file = "signalbox_prompts: 1\nprompts:\n- name: greeting\n  versions:\n  - template:\n    - {role: tool, content: Hi}\n"
    told = read(paste(form(), file))
    assert "Message 1 has the role “tool”, which the agent does not send. Choose one of: system, user" in told
    assert "Correct it as it says above" in told and "nothing new" not in told

    other = '[{"name": "x", "version": 1, "prompt": [{"role": "moderator", "content": "a"}, {"role": "user", "content": "b"}]}]'
    assert "Message 1 is left out: the agent does not send the role “moderator”." in read(paste(form(), other))
