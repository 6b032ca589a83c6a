"""Drafts: kept per person, compared before they are overwritten, gone only when saved or discarded."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from services import audit, prompts
from services.errors import ConflictError, ForbiddenError, InvalidInputError
from services.people import Actor, Role
from services.prompts import ChatMessage, Content, ModelSettings, drafts
from services.prompts.drafts import LARGEST, Aside, Draft, keeping
from services.workspace import Workspace, connect

CHAT = Content(
    (ChatMessage("system", "Be kind, 親切に."), ChatMessage("user", "{{question}}")),
    ModelSettings(model_name="practice", temperature=0.2, stop_sequences=("END",)),
    {"type": "object"},
    {"title": "Kind", "team": "blue"},
)


def person(workspace, name, role=Role.AUTHOR):
    return replace(workspace, actor=Actor(name, frozenset({Role.VIEWER, role})))


def test_a_draft_is_read_back_as_it_was_written(workspace, settings):
    written = Draft("greeting", CHAT, "why", base=2, typed_format="{not yet", new_name="x")
    kept = drafts.keep(workspace, written)
    after_a_restart = replace(workspace, platform=connect(settings))
    assert drafts.mine(after_a_restart, "greeting") == kept
    assert kept.says_the_same(written)
    assert (kept.revision, kept.base) == (1, 2)
    assert kept.updated_at and kept.begun_at


def test_a_new_prompt_has_its_own_draft(workspace):
    drafts.keep(workspace, Draft("", Content("new")))
    drafts.keep(workspace, Draft("greeting", Content("old")))
    assert drafts.mine(workspace, "").content.text == "new"
    assert [one.name for one in drafts.all(workspace)] == ["greeting", ""]


def test_a_newer_draft_of_another_tab_is_not_overwritten(workspace):
    first = drafts.keep(workspace, Draft("greeting", Content("one")))
    second = drafts.keep(workspace, replace(first, content=Content("two")))
    with pytest.raises(ConflictError) as refused:
        drafts.keep(workspace, replace(first, content=Content("late")))
    assert f"{second.updated_at:%Y-%m-%d %H:%M} UTC" in str(refused.value)
    assert drafts.mine(workspace, "greeting") == second
    drafts.set_aside(workspace, replace(first, content=Content("late")))
    beside = drafts.mine(workspace, "greeting")
    assert (beside.content.text, said(beside), beside.revision) == ("two", ["late"], 2)
    assert said(drafts.keep(workspace, replace(second, content=Content("three")))) == ["late"]


def said(draft):
    return [one.content.text for one in draft.set_aside]


def test_nothing_set_aside_is_replaced_by_the_next(workspace):
    draft = drafts.keep(workspace, Draft("greeting", Content("one")))
    for words in ("two", "three", "four", "four", " "):
        shown = drafts.mine(workspace, "greeting")
        draft = drafts.keep(workspace, replace(shown, content=Content(words), set_aside=(Aside.now(shown.content),)))
    assert said(draft) == ["four", "three", "two", "one"]
    late = replace(draft, content=Content("late"))
    drafts.set_aside(workspace, late)
    drafts.set_aside(workspace, replace(late, content=Content("late, going on")), instead_of=late.content)
    assert said(drafts.mine(workspace, "greeting")) == ["late, going on", "four", "three", "two", "one"]
    drafts.drop_aside(workspace, "greeting", Content("three"))
    assert said(drafts.mine(workspace, "greeting")) == ["late, going on", "four", "two", "one"]


def test_earlier_words_are_never_dropped_without_a_question(workspace, monkeypatch):
    draft = drafts.keep(workspace, Draft("greeting", Content("0")))
    for n in range(1, 12):
        shown = drafts.mine(workspace, "greeting")
        draft = drafts.keep(workspace, replace(shown, content=Content(str(n)), set_aside=(Aside.now(shown.content),)))
    assert said(draft) == [str(n) for n in range(10, -1, -1)]
    assert all(one.at.tzinfo for one in drafts.mine(workspace, "greeting").set_aside)
    monkeypatch.setattr(keeping, "LARGEST_ASIDE", 1)
    with pytest.raises(InvalidInputError, match="keeps 11 earlier texts"):
        drafts.keep(workspace, replace(draft, content=Content("new"), set_aside=(Aside.now(draft.content),)))
    assert drafts.keep(workspace, replace(draft, content=Content("typed on"))).content.text == "typed on"


def test_words_after_a_save_in_another_tab_are_kept_too(workspace):
    first = drafts.keep(workspace, Draft("greeting", Content("one")))
    drafts.discard(workspace, "greeting")
    assert drafts.mine(workspace, "greeting") is None
    drafts.keep(workspace, replace(first, content=Content("more")))
    assert drafts.mine(workspace, "greeting").content.text == "more"


def test_a_draft_saved_in_two_tabs_makes_one_version(workspace):
    kept = drafts.keep(workspace, Draft("", Content("Hello"), new_name="greeting"))
    drafts.save(workspace, kept)
    with pytest.raises(ConflictError):
        drafts.save(workspace, kept)
    begun = drafts.keep(workspace, Draft("greeting", Content("Good day"), base=1))
    drafts.save(workspace, begun)
    prompts.save(workspace, "greeting", "Good evening", "")
    with pytest.raises(ConflictError) as refused:
        drafts.save(workspace, begun)
    assert "saved or discarded in another tab" in str(refused.value)
    assert [one.template for one in prompts.history(workspace, "greeting")] == ["Good evening", "Good day", "Hello"]


def test_two_saves_at_the_same_moment_make_one_version(workspace):
    prompts.save(workspace, "greeting", "Hello", "")
    begun = drafts.keep(workspace, Draft("greeting", Content("Good day"), base=1))
    with ThreadPoolExecutor(2) as pool:
        errors = [future.exception() for future in [pool.submit(drafts.save, workspace, begun) for _ in range(2)]]
    assert sorted(type(error).__name__ for error in errors) == ["ConflictError", "NoneType"]
    assert len(prompts.history(workspace, "greeting")) == 2


def test_what_the_newest_version_says_is_not_saved_again(workspace):
    prompts.save(workspace, "greeting", CHAT, "why")
    for note in ("", "why"):
        kept = drafts.keep(workspace, Draft("greeting", CHAT, note, base=1))
        with pytest.raises(ConflictError) as refused:
            drafts.save(workspace, kept)
        assert "Version 1 says this already" in str(refused.value)
        drafts.discard(workspace, "greeting", kept.revision)
    kept = drafts.keep(workspace, Draft("greeting", CHAT, "another reason", base=1))
    assert drafts.save(workspace, kept).version == 2


def test_a_refused_save_can_be_tried_again(workspace):
    kept = drafts.keep(workspace, Draft("", Content("Hello"), new_name="not a name"))
    for _ in range(2):
        with pytest.raises(InvalidInputError):
            drafts.save(workspace, kept)
    assert drafts.mine(workspace, "") == kept
    mended = drafts.keep(workspace, replace(kept, new_name="greeting"))
    assert drafts.save(workspace, mended).version == 1


def test_a_newer_draft_is_not_discarded_by_an_older_tab(workspace):
    first = drafts.keep(workspace, Draft("greeting", Content("one")))
    second = drafts.keep(workspace, replace(first, content=Content("two")))
    with pytest.raises(ConflictError):
        drafts.discard(workspace, "greeting", first.revision)
    assert drafts.mine(workspace, "greeting") == second
    drafts.discard(workspace, "greeting", second.revision)
    assert drafts.mine(workspace, "greeting") is None


def test_others_are_told_who_writes_and_since_when(workspace):
    bob = person(workspace, "bob")
    begun = drafts.keep(bob, Draft("greeting", Content("Bob's")))
    later = drafts.keep(bob, begun)
    assert drafts.mine(workspace, "greeting") is None
    (writer,) = drafts.others(workspace, "greeting")
    assert (writer.actor, writer.since, writer.updated_at) == ("bob", begun.begun_at, later.updated_at)
    assert drafts.others(bob, "greeting") == []
    assert drafts.all(workspace) == []


def test_a_viewer_keeps_no_draft(workspace):
    viewer = person(workspace, "eve", Role.VIEWER)
    for write in (lambda: drafts.keep(viewer, Draft("greeting", CHAT)), lambda: drafts.discard(viewer, "greeting")):
        with pytest.raises(ForbiddenError):
            write()


def test_a_draft_is_no_line_of_the_audit_log(workspace):
    before = audit.events(workspace)
    drafts.keep(workspace, Draft("greeting", CHAT))
    drafts.discard(workspace, "greeting")
    assert audit.events(workspace) == before


def test_more_than_can_be_kept_is_refused_with_the_number(workspace):
    drafts.keep(workspace, Draft("greeting", Content("あ" * 200_000)))
    with pytest.raises(InvalidInputError) as refused:
        drafts.keep(workspace, Draft("greeting", Content("x" * (LARGEST + 1)), revision=1))
    assert f"up to {LARGEST} are kept" in str(refused.value)
    assert len(drafts.mine(workspace, "greeting").content.text) == 200_000


@pytest.mark.parametrize(
    "draft",
    [
        Draft("greeting", Content("x", response_format={"type": "y" * LARGEST})),
        Draft("greeting", Content("x", labels={"team": "y" * LARGEST})),
        Draft("greeting", Content("x", ModelSettings(stop_sequences=("y",) * LARGEST))),
        Draft("", Content("x"), new_name="y" * LARGEST),
        Draft("greeting", Content("x"), "y" * LARGEST),
    ],
    ids=["format", "label", "setting", "name", "note"],
)
def test_no_part_of_a_draft_is_unbounded(workspace, draft):
    with pytest.raises(InvalidInputError):
        drafts.keep(workspace, draft)


def test_drafts_of_two_apps_are_apart(workspace, bare_workspace):
    drafts.keep(workspace, Draft("greeting", CHAT))
    elsewhere: Workspace = workspace.for_app(replace(workspace.app, id="other"))
    assert drafts.mine(elsewhere, "greeting") is None
