"""Comments as people write and read them."""

from dataclasses import replace

import pytest

from services import prompts
from services.people import Actor, Role
from services.prompts import comments
from tests.pages.conftest import texts

HOSTILE = "<script>alert(1)</script> **bold** ![p](http://evil/x.png)\n丁寧です"


@pytest.fixture
def written(workspace):
    for text in ("One", "Two"):
        prompts.save(workspace, "greeting", text, "")
    return workspace


def talk(screen, **query):
    return screen("prompts", prompt="greeting", view="comments", **query)


def test_without_comments_the_view_says_what_they_are_for(screen, written):
    assert "Nobody has said anything yet" in texts(talk(screen))


def test_a_comment_on_a_version_appears_as_it_was_written(screen, written):
    shown = talk(screen, version="2")
    assert shown.selectbox(key="comment-support-greeting-about-2").value == 2
    shown.text_area(key="comment-support-greeting-text").set_value(HOSTILE)
    shown.button(key="write-comment").click().run()
    assert not shown.exception
    assert [(one.version, one.text) for one in comments.all(written, "greeting")] == [(2, HOSTILE)]
    told = texts(shown)
    assert "\\<script\\>" in told and "!\\[p\\]" in told and "丁寧です" in told
    assert "about version 2" in told
    assert shown.text_area(key="comment-support-greeting-text").value == ""


def test_an_empty_comment_is_refused_with_a_next_step(screen, written):
    shown = talk(screen)
    shown.button(key="write-comment").click().run()
    assert "The comment is empty." in texts(shown).replace("\\", "")


def test_only_ones_own_comments_can_be_deleted(screen, written):
    ren = replace(written, actor=Actor("ren", frozenset({Role.VIEWER, Role.REVIEWER})))
    theirs, mine = comments.write(ren, "greeting", 1, "Theirs"), comments.write(written, "greeting", None, "Mine")
    shown = talk(screen)
    assert [one.key for one in shown.button if str(one.key).startswith("delete-comment")] == [
        f"delete-comment-{mine.id}"
    ]
    shown.button(key=f"delete-comment-{mine.id}").click().run()
    assert [one.id for one in comments.all(written, "greeting")] == [theirs.id]


def test_the_newest_comments_come_first_to_the_eye(screen, written, monkeypatch):
    for number in range(53):
        comments.write(written, "greeting", 1, f"Remark {number:02}")
    told = texts(talk(screen))
    assert "Remark 02" not in told and told.index("Remark 03") < told.index("Remark 52")


def test_comments_in_japanese(screen, written):
    comments.write(written, "greeting", 2, "Hm.")
    assert "バージョン 2 について" in texts(talk(screen, language="ja"))
