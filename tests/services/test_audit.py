"""The audit log: authorised, chained, append-only."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from services import audit, database
from services.audit import DOING, ROLE_OF, Verb, chain
from services.database import event_log
from services.errors import ConsoleError, ForbiddenError, PlatformError
from services.messages import Message
from services.people import Actor, Role
from services.workspace import Workspace
from tests.tampering import unguard


def outcomes(workspace: Workspace) -> list[str]:
    return [event.outcome for event in reversed(audit.events(workspace))]


def test_every_verb_has_a_role_and_a_sentence():
    assert set(ROLE_OF) == set(Verb) == set(DOING)


@pytest.mark.parametrize("role", Role)
def test_only_the_verbs_role_may_write(workspace, role):
    person = replace(workspace, actor=Actor("bob", frozenset({role})))
    for verb in Verb:
        if ROLE_OF[verb] is role:
            audit.require(person, verb)
        else:
            with pytest.raises(ForbiddenError):
                audit.require(person, verb)


def test_a_write_leaves_intent_and_outcome(workspace):
    before = len(audit.events(workspace))
    with audit.change(workspace, Verb.SAVE_PROMPT, "greeting", before=1, why="warmer") as change:
        change.after = 2

    done, intent = audit.events(workspace)[: len(audit.events(workspace)) - before]
    assert (intent.outcome, done.outcome, done.after, done.why) == ("intent", "done", 2, "warmer")
    assert done.intent_id == intent.id and done.actor == "ada"


def test_a_failed_write_is_recorded_as_failed(workspace):
    with pytest.raises(ConsoleError), audit.change(workspace, Verb.SAVE_PROMPT, "greeting"):
        raise ConsoleError(Message("No."))
    assert outcomes(workspace)[-1] == "failed"


def test_what_an_sdk_raises_is_translated(workspace):
    with pytest.raises(PlatformError) as caught, audit.change(workspace, Verb.SAVE_PROMPT, "greeting"):
        raise OSError(28, "No space left on device")
    assert "Saving the prompt: No space left on device" in str(caught.value)


def test_a_refused_write_leaves_no_line(workspace):
    before = len(audit.events(workspace))
    viewer = replace(workspace, actor=Actor("bob", frozenset({Role.VIEWER})))
    with pytest.raises(ForbiddenError), audit.change(viewer, Verb.SAVE_PROMPT, "greeting"):
        pass
    assert len(audit.events(workspace)) == before


def test_lines_cannot_be_changed_or_deleted(workspace):
    for statement in (update(event_log).values(actor="eve"), delete(event_log)):
        with pytest.raises(IntegrityError, match="append-only"), workspace.engine.begin() as connection:
            connection.execute(statement)


def test_a_forged_line_breaks_the_chain(workspace):
    with audit.change(workspace, Verb.SAVE_PROMPT, "greeting"):
        pass
    assert audit.broken_at(workspace.engine) is None

    forged = audit.events(workspace)[1].id
    with workspace.engine.begin() as connection:
        unguard(connection)
        connection.execute(update(event_log).where(event_log.c.id == forged).values(actor="eve"))
    assert audit.broken_at(workspace.engine) == forged


def test_an_intent_whose_process_died_is_closed(workspace, monkeypatch):
    with database.writing(workspace.engine) as connection:
        chain.append(
            connection,
            {
                "app_id": "support",
                "actor": "ada",
                "verb": "deploy",
                "subject": "x",
                "before": None,
                "after": None,
                "why": "",
                "outcome": "intent",
                "intent_id": None,
            },
        )
    assert audit.reconcile(workspace.engine) == 0
    monkeypatch.setattr(chain, "LONGEST_CHANGE", timedelta(0))
    assert audit.reconcile(workspace.engine) == 1
    assert audit.reconcile(workspace.engine) == 0
    assert outcomes(workspace)[-1] == "unknown"
    assert audit.broken_at(workspace.engine) is None
