"""Prompts: what may be saved, whose they are, what a change means."""

import mlflow
import pytest

from services import apps, prompts
from services.apps import AppForm
from services.errors import ConflictError, InvalidInputError, NotFoundError
from services.prompts import Piece


def test_a_saved_version_is_read_back_with_author_and_note(workspace):
    prompts.save(workspace, "greeting", "Hello from {{company_name}}", "first")
    second = prompts.save(workspace, "greeting", "Hi {{name}} from {{ company_name }}", "warmer")

    assert (second.version, second.note, second.author) == (2, "warmer", "ada")
    assert second.variables == {"name", "company_name"}
    assert [one.version for one in prompts.history(workspace, "greeting")] == [2, 1]
    assert prompts.names(workspace) == ["greeting"]


def test_live_is_where_the_alias_points_now(workspace):
    prompts.save(workspace, "greeting", "One", "")
    prompts.save(workspace, "greeting", "Two", "")
    assert prompts.live(workspace, "greeting") is None
    for version in (1, 2):
        mlflow.genai.set_prompt_alias("greeting", "production", version)
        assert prompts.live(workspace, "greeting").version == version
    assert [one.live for one in prompts.history(workspace, "greeting")] == [True, False]
    mlflow.genai.set_prompt_alias("greeting", "prodution", 1)
    assert prompts.aliases(workspace, "greeting") == {"production": 2, "prodution": 1}


@pytest.mark.parametrize(
    "template",
    [
        "",
        "  \n",
        "x" * 100_001,
        "{% if a %}",
        "{{日本}}",
        "{{a-b}}",
        "{{}}",
        "Hello {{name",
        "name}} hello",
        "{{ {{a}} }}",
    ],
)
def test_a_bad_template_never_reaches_the_registry(workspace, template):
    with pytest.raises(InvalidInputError) as caught:
        prompts.save(workspace, "greeting", template, "")
    assert caught.value.remedy is not None
    assert prompts.names(workspace) == []


def test_html_and_json_braces_are_kept_as_written(workspace):
    template = '<script>alert("x")</script> answer as {"a": {"b": 1}} for {{company_name}} 日本語'
    assert prompts.save(workspace, "greeting", template, "").template == template


@pytest.mark.parametrize("name", ["", "a b", "a/b", "名前", "-x", "a@b"])
def test_a_bad_name_is_refused(workspace, name):
    with pytest.raises(InvalidInputError):
        prompts.save(workspace, name, "Hello", "")


def test_one_apps_prompts_do_not_show_in_another(workspace, bare_workspace):
    prompts.save(workspace, "greeting", "Hello", "")
    form = AppForm(id="billing", name="Billing", company="Acme", model="practice", endpoint="billing")
    billing = bare_workspace.for_app(apps.create(bare_workspace, form))

    assert prompts.names(billing) == []
    for read in (lambda: prompts.history(billing, "greeting"), lambda: prompts.version(billing, "greeting", 1)):
        with pytest.raises(NotFoundError):
            read()
    with pytest.raises(ConflictError):
        prompts.save(billing, "greeting", "Mine", "")


def test_a_missing_version_is_not_found(workspace):
    prompts.save(workspace, "greeting", "Hello", "")
    with pytest.raises(NotFoundError):
        prompts.version(workspace, "greeting", 9)


def test_a_difference_names_words_and_variables():
    change = prompts.difference("Be short, {{name}}.", "Be kind, {{company_name}}.")
    assert (change.added, change.removed, change.breaks_callers) == ({"company_name"}, {"name"}, True)
    assert Piece("removed", "short") in change.pieces and Piece("added", "kind") in change.pieces


def test_japanese_changes_in_readable_pieces():
    change = prompts.difference("丁寧に回答してください。", "簡潔に回答してください。")
    assert change.pieces == (Piece("removed", "丁寧"), Piece("added", "簡潔"), Piece("same", "に回答してください。"))


def test_rendering_fills_what_is_known():
    assert prompts.render("{{ a }} {{b}} {{a}}", {"a": "1"}) == "1 {{b}} 1"
