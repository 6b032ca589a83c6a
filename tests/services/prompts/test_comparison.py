"""Comparing versions part by part: messages that moved, came, went, changed their role; settings, format, labels."""

import random

from services.prompts.comparison import ValueChange, compare
from services.prompts.content import ChatMessage, Content, ModelSettings

SYSTEM = ChatMessage("system", "You answer customers politely.")
ASKED = ChatMessage("user", "Where is my parcel?")
ANSWERED = ChatMessage("assistant", "May I have the order number?")


def told(old, new):
    return [
        (change.was_at, change.is_at, change.moved, change.role_changed)
        for change in compare(Content(old), Content(new)).messages
        if change.changed
    ]


def test_an_added_message_leaves_the_others_alone():
    assert told((SYSTEM, ANSWERED), (SYSTEM, ASKED, ANSWERED)) == [(None, 2, False, False)]


def test_a_removed_message_stands_where_it_was():
    messages = compare(Content((SYSTEM, ASKED, ANSWERED)), Content((SYSTEM, ANSWERED))).messages
    assert [(one.was_at, one.is_at) for one in messages] == [(1, 1), (2, None), (3, 2)]


def test_only_the_message_that_moved_is_called_moved():
    third = ChatMessage("user", "Can I get a refund?")
    assert told((SYSTEM, ASKED, ANSWERED, third), (SYSTEM, third, ASKED, ANSWERED)) == [(4, 2, True, False)]


def test_a_changed_role_is_no_new_message():
    assert told((SYSTEM, ASKED), (SYSTEM, ChatMessage("assistant", ASKED.content))) == [(2, 2, False, True)]


def test_a_rewritten_message_is_compared_with_the_one_it_was():
    rewritten = ChatMessage("user", "Where is my big parcel?")
    change = compare(Content((SYSTEM, ASKED, ANSWERED)), Content((SYSTEM, rewritten, ANSWERED))).messages[1]
    assert [(piece.kind, piece.text.strip()) for piece in change.pieces if piece.kind != "same"] == [("added", "big")]


def test_a_text_is_compared_with_the_system_message():
    assert told(SYSTEM.content, (SYSTEM, ASKED)) == [(None, 2, False, False)]


def test_two_texts_are_always_the_same_message():
    assert told("Yes.", "Completely different") == [(1, 1, False, False)]


def test_every_message_of_both_sides_appears_once():
    chance = random.Random(5)
    contents = [ChatMessage(role, text) for role in ("user", "assistant") for text in ("a b c", "a b d", "x", "x y")]
    for _ in range(200):
        old, new = (tuple(chance.choices(contents, k=chance.randrange(1, 9))) for _ in range(2))
        messages = compare(Content(old), Content(new)).messages
        assert [one.after for one in messages if one.is_at] == list(new)
        assert sorted(one.was_at for one in messages if one.was_at) == list(range(1, len(old) + 1))
        assert all(one.before == old[one.was_at - 1] for one in messages if one.was_at)


def test_settings_labels_and_format_tell_old_and_new():
    old = Content("Hi", ModelSettings("one", 0.2), {"type": "object"}, {"title": "A", "team": "x"})
    new = Content("Hi", ModelSettings("one", None, 50), None, {"title": "B", "team": "x"})
    found = compare(old, new)
    assert found.settings == (ValueChange("temperature", 0.2, None), ValueChange("max_tokens", None, 50))
    assert found.labels == (ValueChange("title", "A", "B"),)
    assert found.response_format is not None and found.reaches_the_model and not found.text_changed


def test_the_order_of_a_schema_does_not_matter():
    one, other = ({"type": "object", "title": "T"}, {"title": "T", "type": "object"})
    assert not compare(Content("Hi", response_format=one), Content("Hi", response_format=other)).reaches_the_model
