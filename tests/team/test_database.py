"""The console's database on PostgreSQL: made, brought up to date, read at one moment, away and back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import insert, inspect, select, text
from sqlalchemy.exc import IntegrityError

from services import apps, audit, database
from services.audit import chain
from services.database.upgrade import MIGRATIONS
from services.errors import ConflictError, InvalidInputError, NotReadyError, PlatformError
from services.operations import backup, doctor
from services.operations.doctor import Level, stores
from services.prompts import comments
from services.secrets import masked
from tests.postgresql import PASSWORD


@pytest.fixture
def empty(postgresql, settings, tmp_path):
    """Settings that name a database without any table."""
    yield replace(settings, home=tmp_path / "new", database_url=postgresql.make("empty"))
    postgresql.drop("empty")


def differences(settings):
    with database.connect(settings.database_url).connect() as connection:
        return compare_metadata(MigrationContext.configure(connection), database.metadata)


def test_the_migrations_make_the_tables_that_the_console_knows(settings):
    assert differences(settings) == []


def test_a_database_of_the_first_version_keeps_its_data_and_gets_what_came_later(empty):
    engine = database.connect(empty.database_url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    line = {"app_id": "support", "actor": "ada", "verb": "save_prompt", "subject": "greeting", "outcome": "done"}
    with database.writing(engine) as connection:
        connection.execute(insert(database.app).values(id="support", experiment_id="1"))
        for number in range(3):
            told = {"intent_id": None, "before": None, "after": {"n": number, "é": "文字"}, "why": ""}
            chain.append(connection, line | told)
    seen = stores.database(empty, {})
    assert seen.level is Level.HINT and "pg_dump" in str(seen.remedy)

    database.migrate(empty)

    assert differences(empty) == []
    assert chain.scan(engine).lines == 3 and audit.broken_at(engine) is None
    with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM event"))
    with engine.connect() as connection:
        assert connection.execute(select(database.app.c.id)).scalars().all() == ["support"]
    engine.dispose()


def test_two_consoles_that_start_at_once_make_the_tables_once(empty, tmp_path):
    both = [replace(empty, home=tmp_path / name) for name in ("one", "other")]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(database.migrate, both))
    assert differences(empty) == []


def test_a_database_of_a_newer_console_is_left_alone(workspace):
    with workspace.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NotReadyError, match=r"newer Signalbox.*SIGNALBOX_DATABASE_URL"):
        database.migrate(workspace.settings)


def test_who_changes_what_somebody_else_has_changed_is_refused(workspace):
    version, _ = apps.load_version(workspace, "gate")

    def save(number):
        try:
            return apps.save_setting(workspace, "gate", {"rows": number}, read=version)
        except ConflictError:
            return None

    with ThreadPoolExecutor(6) as pool:
        saved = [one for one in pool.map(save, range(6)) if one]
    assert saved == [version + 1]


def test_a_reader_sees_one_moment(workspace):
    versions = text("SELECT count(*) FROM setting")
    with workspace.engine.connect() as reader:
        before = reader.execute(versions).scalar()
        apps.save_setting(workspace, "gate", {"rows": 7})
        assert reader.execute(versions).scalar() == before
    with workspace.engine.connect() as reader:
        assert reader.execute(versions).scalar() == before + 1


def test_what_the_database_cannot_hold_is_told_with_a_next_step(workspace):
    with (
        pytest.raises(InvalidInputError, match=r"NUL.*cannot be seen"),
        database.writing(workspace.engine) as connection,
    ):
        connection.execute(insert(database.comment).values(app_id="a", subject="s", actor="ada", text="a\0b"))
    assert comments.all(workspace, "greeting") == []


def test_a_server_that_goes_away_is_a_sentence_and_its_return_is_noticed(workspace, postgresql):
    apps.save_setting(workspace, "gate", {"rows": 1})
    postgresql.stop()
    try:
        with pytest.raises(PlatformError, match=r"database failed.*database server runs") as raised:
            apps.load_setting(workspace, "gate")
        assert raised.value.retryable and PASSWORD not in str(raised.value)
        assert stores.database(workspace.settings, {}).level is Level.WRONG
    finally:
        postgresql.start()
    assert apps.load_setting(workspace, "gate") == {"rows": 1}


def test_a_dump_brings_everything_back(workspace, postgresql, tmp_path):
    with audit.change(workspace, audit.Verb.SAVE_PROMPT, "greeting"):
        pass
    dump, copy = str(tmp_path / "dump"), postgresql.make("restored")
    postgresql.client("pg_dump", "--format=custom", f"--file={dump}", workspace.settings.database_url)
    postgresql.client("pg_restore", "--clean", "--if-exists", dump, f"--dbname={copy}")
    engine = database.connect(copy)
    assert chain.scan(engine) == chain.scan(workspace.engine)
    with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM event"))
    engine.dispose()
    postgresql.drop("restored")


def test_a_password_in_an_address_is_never_told(environ, settings):
    assert PASSWORD in settings.database_url and PASSWORD not in repr(settings)
    assert masked(f"lost {settings.database_url}") == f"lost {settings.database_url.replace(PASSWORD, '…')}"


def test_the_doctor_says_who_backs_up_a_server(workspace, environ, tmp_path):
    with audit.change(workspace, audit.Verb.SAVE_PROMPT, "greeting"):
        pass
    told = {one.title: one.seen for one in doctor.examine(environ)}
    assert told["The console's database"].level is told["Audit log"].level is Level.FINE
    assert told["Backup"].level is Level.FINE and "pg_dump" in str(told["Backup"].what)
    with pytest.raises(NotReadyError, match="pg_dump"):
        backup.make(workspace.settings, tmp_path / "backup.zip", environ)


def test_the_doctor_finds_an_empty_database_empty(empty):
    assert {look(empty, {}).level for look in (stores.database, stores.audit_log)} == {Level.HINT}
    engine = database.connect(empty.database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
