"""Choices under a name: for everyone who works on the app, and nobody's is lost."""

from dataclasses import replace

import pytest

from services import audit, views
from services.errors import ConflictError, ForbiddenError, InvalidInputError
from services.people import Actor, Role

RUDE = {"verdict": ["failed"], "topic": ["billing", "delivery"]}


def someone(workspace, name, *roles):
    return replace(workspace, actor=Actor(name, frozenset(roles)))


def test_choices_are_kept_under_a_name_for_everyone(workspace):
    views.save(workspace, "evaluation", " Rude  refunds ", {"verdict": ["failed"]})
    views.save(workspace, "evaluation", "A slow one", {"sort": ["slowest"]})
    views.save(workspace, "evaluation", "Rude refunds", RUDE)
    views.save(workspace, "traces", "Rude refunds", {"opinion": ["0"]})

    found = views.all(someone(workspace, "eve", Role.VIEWER), "evaluation")
    assert [(one.name, one.choice) for one in found] == [("A slow one", {"sort": ["slowest"]}), ("Rude refunds", RUDE)]
    views.remove(workspace, "evaluation", "Rude refunds")
    assert [one.name for one in views.all(workspace, "evaluation")] == ["A slow one"]
    assert [one.name for one in views.all(workspace, "traces")] == ["Rude refunds"]
    assert {one.verb for one in audit.events(workspace)[:5]} == {"save_view"}


def test_a_name_a_bounded_choice_and_a_reviewer_are_needed(workspace):
    with pytest.raises(InvalidInputError, match="needs a name"):
        views.save(workspace, "traces", " ", RUDE)
    with pytest.raises(InvalidInputError, match="too long"):
        views.save(workspace, "traces", "Long", {"text": ["x" * 3000]})
    with pytest.raises(ForbiddenError):
        views.save(someone(workspace, "eve", Role.VIEWER), "traces", "Mine", RUDE)


def test_a_view_of_somebody_else_is_not_lost(workspace, monkeypatch):
    change, other = audit.change, [lambda: views.save(workspace, "traces", "Theirs", RUDE)]

    def after_another(*args, **kwargs):
        if other:
            other.pop()()
        return change(*args, **kwargs)

    monkeypatch.setattr(audit, "change", after_another)
    with pytest.raises(ConflictError):
        views.save(workspace, "traces", "Mine", {})
    assert [one.name for one in views.all(workspace, "traces")] == ["Theirs"]
