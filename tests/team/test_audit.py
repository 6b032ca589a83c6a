"""The audit log on PostgreSQL: what holds on SQLite, and one chain whoever writes at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from services import audit
from services.audit import Verb
from tests.services.test_audit import (  # noqa: F401
    test_a_failed_write_is_recorded_as_failed,
    test_a_forged_line_breaks_the_chain,
    test_a_write_leaves_intent_and_outcome,
    test_an_intent_whose_process_died_is_closed,
    test_lines_cannot_be_changed_or_deleted,
)


def test_writers_at_once_make_one_chain(workspace):
    before = len(audit.events(workspace, limit=500))

    def change(number):
        with audit.change(workspace, Verb.SAVE_PROMPT, f"prompt-{number}"):
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(40)))
    assert len(audit.events(workspace, limit=500)) == before + 80
    assert audit.broken_at(workspace.engine) is None


def test_the_log_cannot_be_emptied_either(workspace):
    with pytest.raises(IntegrityError, match="append-only"), workspace.engine.begin() as connection:
        connection.execute(text("TRUNCATE event"))
