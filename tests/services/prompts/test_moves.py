"""What was live when: moves by releases, and moves made elsewhere that the console finds by comparing."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import mlflow
import pytest

from services import audit, production, prompts
from services.audit import Verb
from services.database import now, writing
from services.errors import ForbiddenError
from services.people import Actor, Role
from services.prompts import moves

ALIAS = "production"


@pytest.fixture
def written(workspace):
    for text in ("One", "Two", "Three"):
        prompts.save(workspace, "greeting", text, "")
    return workspace


def recorded(workspace):
    return [
        (move.before, move.version, move.actor, move.release, move.outside)
        for move in moves.history(workspace, "greeting")
    ]


def test_a_releases_move_is_remembered_with_who_and_which(written):
    production.move_alias(written, "greeting", None, 1, "release 7")
    production.move_alias(written, "greeting", 1, 2, "release 8")
    assert recorded(written) == [(1, 2, "ada", 8, False), (None, 1, "ada", 7, False)]
    assert moves.notice(written, "greeting") is None
    live = moves.periods(written, "greeting")
    assert (live[2][0].end, live[1][0].end.version) == (None, 2)
    assert 3 not in live


def test_a_move_by_a_plain_mlflow_call_is_found_once(written):
    production.move_alias(written, "greeting", None, 1, "release 7")
    before = now()
    mlflow.genai.set_prompt_alias("greeting", ALIAS, 3)
    found = moves.notice(written, "greeting")
    assert (found.before, found.version, found.actor, found.outside, found.deleted) == (1, 3, None, True, False)
    assert found.at <= before <= found.noticed_at
    assert moves.notice(written, "greeting") is None
    assert recorded(written) == [(1, 3, None, None, True), (None, 1, "ada", 7, False)]
    line = audit.events(written)[0]
    assert (line.verb, line.actor, line.subject) == ("notice_move", "signalbox", "greeting")
    assert audit.broken_at(written.engine) is None


def test_what_was_set_before_the_console_looked_cannot_be_older_than_its_version(written):
    mlflow.genai.set_prompt_alias("greeting", ALIAS, 3)
    found = moves.notice(written, "greeting")
    assert found.at == prompts.version(written, "greeting", 3).created_at
    assert found.before is None


def test_two_noticers_at_once_record_one_move(written):
    production.move_alias(written, "greeting", None, 1, "release 7")
    mlflow.genai.set_prompt_alias("greeting", ALIAS, 2)
    together = threading.Barrier(6)

    def look():
        together.wait()
        moves.notice(written, "greeting")

    threads = [threading.Thread(target=look) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert recorded(written)[0] == (1, 2, None, None, True)
    assert len(recorded(written)) == 2


def test_a_look_overtaken_by_a_release_records_nothing(written, monkeypatch):
    production.move_alias(written, "greeting", None, 1, "release 7")
    mlflow.genai.set_prompt_alias("greeting", ALIAS, 2)
    found = moves._found

    def slow(*args):
        production.move_alias(written, "greeting", 2, 3, "release 8")
        return found(*args)

    monkeypatch.setattr(moves, "_found", slow)
    assert moves.notice(written, "greeting") is None
    assert [line.verb for line in audit.events(written)][:2] == ["move_alias", "move_alias"]
    assert recorded(written)[:2] == [(2, 3, "ada", 8, False), (1, 2, None, None, True)]


def test_a_release_on_its_way_records_its_own_move(written):
    with audit.change(written, Verb.MOVE_ALIAS, "greeting", before=None, after=1, why="release 7"):
        mlflow.genai.set_prompt_alias("greeting", ALIAS, 1)
        assert moves.notice(written, "greeting") is None
    assert recorded(written) == [(None, 1, "ada", 7, False)]


def test_a_move_whose_release_died_is_still_the_releases(written, monkeypatch):
    with pytest.raises(KeyboardInterrupt), audit.change(written, Verb.MOVE_ALIAS, "greeting", None, 1, "release 7"):
        mlflow.genai.set_prompt_alias("greeting", ALIAS, 1)
        raise KeyboardInterrupt
    assert recorded(written) == []
    found = moves.notice(written, "greeting")
    assert (found.version, found.actor, found.release, found.outside) == (1, "ada", 7, False)
    assert recorded(written) == [(None, 1, "ada", 7, False)]


def test_a_deleted_alias_and_a_deleted_version_are_moves(written):
    production.move_alias(written, "greeting", None, 1, "release 7")
    mlflow.genai.delete_prompt_alias("greeting", ALIAS)
    gone = moves.notice(written, "greeting")
    assert (gone.before, gone.version, gone.deleted) == (1, None, False)
    mlflow.genai.set_prompt_alias("greeting", ALIAS, 2)
    moves.notice(written, "greeting")
    written.client.delete_prompt_version("greeting", "2")
    deleted = moves.notice(written, "greeting")
    assert (deleted.before, deleted.version, deleted.deleted) == (2, None, True)
    assert moves.history(written, "greeting")[0].deleted


def test_what_a_release_found_moved_is_told_although_nobody_looked(written):
    production.move_alias(written, "greeting", None, 1, "release 7")
    mlflow.genai.set_prompt_alias("greeting", ALIAS, 2)
    production.move_alias(written, "greeting", 2, 3, "release 8")
    assert recorded(written) == [(2, 3, "ada", 8, False), (1, 2, None, None, True), (None, 1, "ada", 7, False)]
    assert moves.notice(written, "greeting") is None


def test_what_was_live_at_a_time_is_told_or_said_to_be_unsure(written):
    start = now()
    production.move_alias(written, "greeting", None, 1, "release 7")
    first = now()
    time.sleep(0.01)
    mlflow.genai.set_prompt_alias("greeting", ALIAS, 2)
    between = now()
    found = moves.notice(written, "greeting")
    assert moves.live_at(written, "greeting", start) == (None,)
    assert moves.live_at(written, "greeting", found.at) == (1, 2)
    assert moves.live_at(written, "greeting", first) == (1, 2)
    assert moves.live_at(written, "greeting", between) == (1, 2)
    assert moves.live_at(written, "greeting", now() + timedelta(days=1)) == (2,)
    assert moves.live_at(written, "greeting", datetime(2020, 1, 1, tzinfo=UTC)) == (None,)


def test_a_viewers_look_is_enough(written):
    mlflow.genai.set_prompt_alias("greeting", ALIAS, 2)
    viewer = replace(written, actor=Actor("vera", frozenset({Role.VIEWER})))
    assert moves.notice(viewer, "greeting").version == 2


def test_one_read_tells_every_pointer(written):
    prompts.save(written, "farewell", "Bye", "")
    mlflow.genai.register_prompt("foreign", "Not ours")
    for name, version in (("greeting", 2), ("farewell", 1), ("foreign", 1)):
        mlflow.genai.set_prompt_alias(name, ALIAS, version)
    assert moves.pointers(written, prompts.APP_TAG) == {"greeting": 2, "farewell": 1}


def test_all_prompts_are_compared_at_once(written):
    prompts.save(written, "farewell", "Bye", "")
    production.move_alias(written, "greeting", None, 1, "release 7")
    mlflow.genai.set_prompt_alias("farewell", ALIAS, 1)
    written.client.delete_prompt("greeting")
    assert moves.notice_all(written, moves.pointers(written, prompts.APP_TAG))
    assert moves.history(written, "farewell")[0].outside
    assert moves.history(written, "greeting")[0].deleted
    count = len(audit.events(written))
    assert moves.notice_all(written, moves.pointers(written, prompts.APP_TAG))
    assert len(audit.events(written)) == count


def test_an_unfinished_move_keeps_the_look_from_being_trusted(written):
    with audit.change(written, Verb.MOVE_ALIAS, "greeting", before=None, after=1, why="release 7"):
        mlflow.genai.set_prompt_alias("greeting", ALIAS, 1)
        assert not moves.notice_all(written, moves.pointers(written, prompts.APP_TAG))


def test_only_the_console_writes_what_it_found(written):
    nobody = replace(written, actor=Actor("eve", frozenset()))
    with pytest.raises(ForbiddenError), writing(written.engine) as connection:
        audit.record(connection, nobody, Verb.NOTICE_MOVE, "greeting")
