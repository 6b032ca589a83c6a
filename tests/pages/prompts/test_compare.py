"""Compare: any two versions or the draft, what differs in all their parts, and what that means for people."""

from dataclasses import replace

import mlflow
import pytest

from pages.components import diff
from services import prompts
from services.prompts import ChatMessage, Content, ModelSettings, drafts
from services.prompts.comparison import compare
from services.prompts.drafts import Draft
from tests.pages.conftest import texts

CHAT = (
    ChatMessage("system", "You answer customers of {{company_name}} politely."),
    ChatMessage("user", "Where is my parcel?"),
    ChatMessage("assistant", "May I have the order number?"),
)


def html(shown):
    return "".join(element.proto.body for element in shown.get("html"))


def read(shown):
    return texts(shown).replace("\\", "")


def sides(shown):
    return shown.selectbox(key="compare-against").value, shown.selectbox(key="compare-version").value


@pytest.fixture
def written(workspace):
    for text, note in (
        ("Be short, {{company_name}}.", "first"),
        ("Be kind, {{tone}}.", "warmer"),
        ("Be {{nobody}}.", ""),
    ):
        prompts.save(workspace, "greeting", text, note)
    return workspace


def test_the_newest_stands_against_what_is_live(screen, written):
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    shown = screen("prompts", view="compare")
    assert sides(shown) == (1, 3)
    assert "If version 3 replaced version 1 (live)" in read(shown)


def test_two_old_versions_are_still_judged_against_what_is_live(screen, written):
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    shown = screen("prompts", view="compare", version="3", against="2")
    assert ">kind, {{tone}}</del>" in html(shown)
    assert "If version 3 replaced version 1 (live)" in read(shown)
    assert "No longer used: {{company_name}}" in read(shown)


def test_the_sides_are_swapped_and_the_address_tells_them(screen, written):
    shown = screen("prompts", prompt="greeting", view="compare", version="3", against="2")
    shown.button(key="compare-swap").click().run()
    assert sides(shown) == (3, 2)
    assert (shown.query_params["version"], shown.query_params["against"]) == ("2", "3")
    shown.selectbox(key="compare-against").set_value(1).run()
    assert (shown.query_params["version"], shown.query_params["against"]) == ("2", "1")


def test_a_version_that_is_not_there_is_said(screen, written):
    assert "There is no version 9 of this prompt." in read(screen("prompts", view="compare", against="9"))


def test_the_draft_stands_against_its_base(screen, written):
    drafts.keep(written, Draft("greeting", Content("Be calm, {{tone}}."), base=2))
    shown = screen("prompts", view="compare", draft="1")
    assert sides(shown) == (2, 0)
    assert ">calm</ins>" in html(shown)
    shown.selectbox(key="compare-version").set_value(3).run()
    assert "draft" not in shown.query_params
    shown.selectbox(key="compare-version").set_value(0).run()
    assert shown.query_params["draft"] == "1"
    assert shown.button(key="compare-swap").disabled


def test_without_a_draft_that_is_said(screen, written):
    assert "You have no draft of this prompt." in read(screen("prompts", view="compare", draft="1"))


def test_the_first_draft_stands_against_the_only_version(screen, workspace):
    prompts.save(workspace, "greeting", "Be kind.", "")
    assert "As soon as there are two versions" in read(screen("prompts", view="compare"))
    drafts.keep(workspace, Draft("greeting", Content("Be calm."), base=1))
    assert ">calm</ins>" in html(screen("prompts", view="compare", draft="1"))


def test_what_breaks_is_red_and_what_changes_is_amber(screen, written):
    shown = screen("prompts", view="compare", version="3", against="2")
    assert "New variable {{nobody}}: nothing fills it" in shown.error[0].value.replace("\\", "")
    assert "No longer used: {{tone}}" in shown.warning[0].value.replace("\\", "")
    assert "No endpoint answers with this prompt now." in read(shown)


def test_every_part_of_a_version_is_compared(screen, workspace):
    prompts.save(workspace, "greeting", Content("Same", ModelSettings("one", 0.2), None, {"title": "Plain"}), "first")
    schema = {"type": "object", "properties": {"answer": {"type": "string"}}}
    prompts.save(workspace, "greeting", Content("Same", ModelSettings("two", 0.7), schema, {"title": "JSON"}), "then")
    shown = screen("prompts", view="compare")
    for old, new in (("one", "two"), ("0.2", "0.7"), ("Plain", "JSON"), ("first", "then")):
        assert f">{old}</del>" in html(shown) and f">{new}</ins>" in html(shown)
    assert "&quot;answer&quot;" in html(shown)
    assert "Another model answers: two instead of one." in read(shown)


def test_labels_alone_do_not_reach_the_model(screen, workspace):
    for title in ("Old", "New"):
        prompts.save(workspace, "greeting", Content("Same", labels={"title": title}), "")
    told = read(screen("prompts", view="compare"))
    assert "Nothing that reaches the model changes" in told
    assert "What reaches the model is the same." in told


def test_equal_versions_are_said_to_be_the_same(screen, workspace):
    for _ in range(2):
        prompts.save(workspace, "greeting", "Same", "")
    shown = screen("prompts", view="compare")
    assert "The two versions are the same." in read(shown)
    assert not shown.get("html")


def test_chat_messages_are_compared_one_by_one(screen, workspace):
    prompts.save(workspace, "greeting", Content(CHAT), "")
    moved = (CHAT[0], CHAT[2], CHAT[1], ChatMessage("user", "{{question}}"))
    prompts.save(workspace, "greeting", Content(moved), "")
    shown = html(screen("prompts", view="compare"))
    assert "moved, it was message" in shown
    assert "Message 4 · user · added" in shown
    assert "Message 1" not in shown, "it did not change"


def test_the_layout_and_the_context_can_be_chosen(screen, workspace):
    lines = [f"Rule {n} holds.\n" for n in range(40)]
    prompts.save(workspace, "greeting", "".join(lines), "")
    prompts.save(workspace, "greeting", "".join(lines).replace("Rule 20 holds", "Rule 20 is gone"), "")
    shown = screen("prompts", view="compare")
    assert "18 lines without a change" in html(shown) and "Rule 5 " not in html(shown)
    assert html(shown).count("Rule 19 holds.") == 2
    shown.toggle(key="changes-only").set_value(False).run()
    assert "Rule 5 " in html(shown)
    shown.segmented_control(key="compare-layout").set_value("In one text").run()
    assert html(shown).count("Rule 19 holds.") == 1


def test_outside_text_stays_text_in_every_part(screen, workspace):
    hostile = '<script>alert("x")</script> **bold** <img src=x>'
    for text in (hostile, hostile.replace("alert", "confirm")):
        prompts.save(
            workspace,
            "greeting",
            Content(text, ModelSettings(text), {text: text}, {"title": text, "other/x": text}),
            text,
        )
    for query in ({}, {"version": "1", "against": "2"}):
        shown = screen("prompts", view="compare", **query)
        assert not shown.exception
        assert "<script" not in html(shown) and "<img" not in html(shown)
        assert "&lt;script&gt;" in html(shown)
        assert "**bold**" not in texts(shown)


def test_changes_are_told_without_colour(screen, written):
    shown = html(screen("prompts", view="compare", version="2", against="1"))
    assert 'del::before{content:"removed: "}' in shown and 'ins::before{content:"added: "}' in shown
    assert "<del>short" in shown and "<ins>kind" in shown
    assert 'role="region" tabindex="0"' in shown
    assert 'dir="auto"' in shown
    assert 'content:"削除： "' in html(screen("prompts", language="ja", view="compare"))


def test_a_huge_difference_is_drawn_in_part():
    old, new = ("\n".join(f"{word} {n}" for n in range(9_000)) for word in ("one", "two"))
    for beside, only in ((True, True), (False, False)):
        drawn = diff.markup(compare(Content(old), Content(new)), ("a", "b"), beside=beside, changes_only=only)
        assert len(drawn) < 500_000
    same = "x" * 60_000
    found = compare(Content(f"{same} one {same}"), Content(f"{same} two {same}"))
    assert len(diff.markup(found, ("a", "b"), beside=True, changes_only=True)) < 5_000
    assert "The rest is too long" in diff.markup(
        compare(Content(old), Content(new + "\nend")), ("a", "b"), beside=True, changes_only=False
    )


def test_both_sides_are_one_click_from_the_playground(screen, written):
    shown = screen("prompts", prompt="greeting", view="compare", version="3", against="1")
    (link,) = [one.proto for one in shown.get("page_link") if "playground" in one.proto.label]
    assert "versions=1%2C3" in link.query_string and "prompt=greeting" in link.query_string


def test_a_pointer_that_moved_since_the_page_was_read_draws_it_again(screen, written, monkeypatch):
    mlflow.genai.set_prompt_alias("greeting", "production", 1)
    read_before, history = [], prompts.history

    def early(*asked):
        found = history(*asked)
        read_before.append(found)
        return [replace(one, live=False) for one in found] if len(read_before) == 1 else found

    monkeypatch.setattr(prompts, "history", early)
    shown = screen("prompts", view="compare")
    assert not shown.exception
    assert (sides(shown), len(read_before)) == ((1, 3), 2)
    assert "If version 3 replaced version 1 (live)" in read(shown)
