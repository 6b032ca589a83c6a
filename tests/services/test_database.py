"""The data folder is brought up to date, or a sentence says why it cannot be."""

import sqlite3
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, text

from services import apps, database, home, prompts
from services.errors import NotReadyError, PlatformError


def tables(settings):
    engine = database.connect(settings.database_url)
    with engine.connect() as connection:
        return set(connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())


def test_an_empty_folder_gets_every_table(settings, tmp_path):
    empty = replace(settings, home=tmp_path / "new", database_url=f"sqlite:///{tmp_path / 'new' / 'signalbox.db'}")
    database.migrate(empty)
    assert {one.name for one in database.metadata.sorted_tables} <= tables(empty)


def test_a_second_start_changes_nothing(settings):
    before = (settings.home / "signalbox.db").read_bytes()
    database.migrate(settings)
    assert (settings.home / "signalbox.db").read_bytes() == before


def test_a_folder_of_the_first_version_keeps_its_data_and_gets_what_came_later(workspace, settings):
    prompts.save(workspace, "greeting", "Say hello", "")
    workspace.engine.dispose()
    with sqlite3.connect(settings.home / "signalbox.db") as connection:
        for table in (
            "prompt_index",
            "prompt_entry",
            "prompt_label",
            "prompt_words",
            "preference",
            "person",
            "ended_sign_in",
            "review_turn",
            "review_item",
            "review_queue",
            "alert",
            "alert_look",
        ):
            connection.execute(f"DROP TABLE {table}")
        for column in ("at", "of_app", "of_actor", "of_verb", "of_subject", "of_outcome"):
            connection.execute(f"DROP INDEX event_{column}")
        connection.execute("ALTER TABLE release DROP COLUMN checked_at")
        for column in ("shadow", "copied", "dropped"):
            connection.execute(f"ALTER TABLE served DROP COLUMN {column}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
        before = connection.execute("SELECT * FROM event").fetchall()
    database.migrate(settings)
    with sqlite3.connect(settings.home / "signalbox.db") as connection:
        assert connection.execute("SELECT * FROM event").fetchall() == before
    assert prompts.names(workspace) == ["greeting"]
    assert (settings.home / "signalbox.before-0001.db").exists()


def test_the_migrations_make_the_tables_that_the_console_knows(settings):
    with database.connect(settings.database_url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), database.metadata) == []


def test_a_folder_of_a_newer_console_is_left_alone(settings):
    with sqlite3.connect(settings.home / "signalbox.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(NotReadyError) as refused:
        home.prepare(settings)
    assert "newer Signalbox" in str(refused.value)


def test_a_damaged_database_is_a_sentence(settings):
    (settings.home / "signalbox.db").write_bytes(b"no database at all")
    with pytest.raises(PlatformError) as refused:
        home.prepare(settings)
    assert "Opening the data folder" in str(refused.value)
    assert "not a database" in str(refused.value)


def test_a_tracking_server_that_is_away_is_a_sentence(bare_workspace, monkeypatch):
    import mlflow

    from services import apps

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    platform = replace(
        bare_workspace.platform, settings=replace(bare_workspace.settings, tracking_uri="http://127.0.0.1:9")
    )
    with pytest.raises(PlatformError) as refused:
        apps.unused_experiments(replace(bare_workspace, platform=platform))
    assert str(refused.value) == (
        "Reading the experiments: the platform could not be reached. Check that it is running and try again."
    )


def test_a_full_database_is_told_with_a_next_step(workspace):
    event.listen(workspace.engine, "connect", lambda made, _: made.execute("PRAGMA max_page_count = 1"))
    workspace.engine.dispose()
    with pytest.raises(PlatformError, match="database or disk is full") as raised:
        apps.save_setting(workspace, "long", "x" * 1_000_000)
    assert "free space" in str(raised.value.remedy) and raised.value.retryable
    assert apps.load_setting(workspace, "long") is None


def test_a_database_that_cannot_be_opened_is_told_with_a_next_step(tmp_path):
    engine = database.connect(f"sqlite:///{tmp_path / 'nowhere' / 'signalbox.db'}")
    with pytest.raises(PlatformError, match="unable to open"), engine.connect():
        pass
