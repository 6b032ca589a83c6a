"""Comments on prompts: who said what about which version."""

from dataclasses import replace

import pytest

from services import apps, audit, prompts
from services.apps import AppForm
from services.errors import ForbiddenError, InvalidInputError, NotFoundError
from services.people import Actor, Role
from services.prompts import comments


@pytest.fixture
def written(workspace):
    for name in ("greeting", "greeting2"):
        prompts.save(workspace, name, "One", "")
    prompts.save(workspace, "greeting", "Two", "")
    return workspace


@pytest.fixture
def reviewer(written):
    return replace(written, actor=Actor("ren", frozenset({Role.VIEWER, Role.REVIEWER})))


def test_comments_are_read_newest_last_with_person_and_time(written, reviewer):
    first = comments.write(written, "greeting", None, "Who is this for?")
    comments.write(reviewer, "greeting", 2, "  <b>丁寧</b>です\nと思います ")
    read = comments.all(written, "greeting")
    assert [(one.actor, one.version, one.text) for one in read] == [
        ("ada", None, "Who is this for?"),
        ("ren", 2, "<b>丁寧</b>です\nと思います"),
    ]
    assert read[0] == first


def test_each_version_is_counted_and_other_prompts_are_not(written):
    for name, version in (("greeting", None), ("greeting", 2), ("greeting", 2), ("greeting2", 1)):
        comments.write(written, name, version, "Hm.")
    assert comments.counts(written, "greeting") == {None: 1, 2: 2}
    assert comments.counts(written, "greeting2") == {1: 1}


@pytest.mark.parametrize("text", ["", " \n ", "x" * (comments.LONGEST + 1)])
def test_nothing_and_too_much_are_refused(written, text):
    with pytest.raises(InvalidInputError) as caught:
        comments.write(written, "greeting", None, text)
    assert caught.value.remedy
    assert comments.all(written, "greeting") == []


def test_what_does_not_exist_cannot_be_commented(written, bare_workspace):
    form = AppForm(id="billing", name="Billing", company="Acme", model="practice", endpoint="billing")
    billing = bare_workspace.for_app(apps.create(bare_workspace, form))
    for place, name, version in ((written, "nothing", None), (written, "greeting", 9), (billing, "greeting", 1)):
        with pytest.raises(NotFoundError):
            comments.write(place, name, version, "Hm.")
    assert comments.all(billing, "greeting") == []


def test_only_ones_own_comment_can_be_deleted(written, reviewer):
    mine = comments.write(reviewer, "greeting", 1, "Mine")
    with pytest.raises(ForbiddenError, match="written by"):
        comments.remove(written, mine.id)
    comments.remove(reviewer, mine.id)
    assert comments.all(written, "greeting") == []
    with pytest.raises(NotFoundError):
        comments.remove(reviewer, mine.id)


def test_a_viewer_reads_and_does_not_write(written):
    viewer = replace(written, actor=Actor("vera", frozenset({Role.VIEWER})))
    with pytest.raises(ForbiddenError):
        comments.write(viewer, "greeting", 1, "Hm.")
    assert comments.all(viewer, "greeting") == []


def test_a_deleted_comments_words_stay_nowhere(written):
    comments.remove(written, comments.write(written, "greeting", 1, "my secret").id)
    assert "my secret" not in str(audit.events(written))
