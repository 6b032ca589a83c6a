"""A console is backed up while it runs, comes back whole, is checked, and takes an MLflow store over."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import zipfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient
from sqlalchemy import update

from services import audit, database, people, prompts
from services import settings as settings_module
from services.audit import Verb, chain, verifying
from services.database import event_log
from services.errors import ConflictError, ConsoleError, InvalidInputError, NotReadyError, PlatformError
from services.operations import backup, doctor, files, importing, manifest, restore, snapshots
from services.operations.__main__ import main
from services.operations.doctor import Level, machine
from services.processes.lock import Lock
from services.workspace import Workspace, connect

ROOT = Path(__file__).parents[2]
KEY = "sk-thisisasecretkey1234567890"


@pytest.fixture
def filled(workspace):
    """A prompt, and a file with the app's experiment."""
    prompts.save(workspace, "greeting", "Say hello", "first")
    workspace.artifacts.log_artifact(str(ROOT / "LICENSE"), "evidence/kept")
    return workspace


def elsewhere(settings, home):
    return settings_module.load({"SIGNALBOX_HOME": str(home), "SIGNALBOX_OPERATOR": "ada"})


def left(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "one.zip"


def test_a_restored_console_is_the_one_that_was_backed_up(filled, target, tmp_path):
    environ = {
        "OPENAI_API_KEY": KEY,
        "MLFLOW_TRACKING_URI": f"https://ada:{KEY}@host/?key={KEY}",
        "SIGNALBOX_PORT": "9",
    }
    (filled.settings.run_folder).mkdir(exist_ok=True)
    made = backup.make(filled.settings, target, environ)
    assert left(target.parent) == ["one.zip"] and target.stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(target) as packed:
        assert not any(KEY.encode() in packed.read(name) for name in packed.namelist())
    assert made.manifest.secrets == ("OPENAI_API_KEY",)
    assert made.manifest.settings["MLFLOW_TRACKING_URI"] == "https://host/"

    filled.engine.dispose()
    shutil.move(filled.settings.home, tmp_path / "away")
    settings = elsewhere(filled.settings, tmp_path / "new" / "home")
    done = restore.run(settings, target)
    assert done.found.hash == made.manifest.audit_hash and not done.found.breaks
    place = Workspace(connect(settings), people.identify(settings, {})).for_app(filled.app)
    assert prompts.names(place) == ["greeting"]
    kept = Path(place.artifacts.download_artifacts("evidence/kept/LICENSE"))
    assert kept.read_bytes() == (ROOT / "LICENSE").read_bytes()
    with audit.change(place, Verb.SAVE_VIEW, "after"):
        pass
    assert audit.broken_at(place.engine) is None


def test_a_backup_is_whole_while_others_write(filled, target, tmp_path, monkeypatch):
    opened = []

    def between(file):
        """Others write after our database's moment is set, and before MLflow's is."""
        opened.append(taken(file))
        with audit.change(filled, Verb.SAVE_VIEW, "busy"):
            return opened[-1]

    taken = snapshots._at_one_moment
    monkeypatch.setattr(snapshots, "_at_one_moment", between)
    before = chain.scan(filled.engine)
    made = backup.make(filled.settings, target, {})
    assert (made.manifest.audit_lines, made.manifest.audit_hash) == (before.lines, before.hash)
    assert chain.scan(filled.engine).lines == before.lines + 5  # two changes, and the backup's own line
    done = restore.run(elsewhere(filled.settings, tmp_path / "new"), target)
    assert done.found.lines == made.manifest.audit_lines and not done.found.breaks
    assert verifying.last_backup(done.home) == made.manifest.made_at
    assert verifying.known(done.home) == {made.manifest.audit_newest: made.manifest.audit_hash}
    line = audit.of_verbs(replace(filled, app=replace(filled.app, id="")), [Verb.BACK_UP])[-1]
    assert line.subject == "one.zip" and verifying.last_backup(filled.settings.home) == made.manifest.made_at


def test_an_interrupted_backup_leaves_nothing_half(filled, target, monkeypatch):
    def interrupted(*given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(backup, "_manifest", interrupted)
        with pytest.raises(KeyboardInterrupt):
            backup.make(filled.settings, target, {})
    assert left(target.parent) == []
    with monkeypatch.context() as killed:  # as SIGKILL: nobody clears away
        killed.setattr(backup.tempfile.TemporaryDirectory, "cleanup", lambda folder: None)
        killed.setattr(backup, "_settle", interrupted)
        with pytest.raises(KeyboardInterrupt):
            backup.make(filled.settings, target, {})
    backup.make(filled.settings, target, {})
    assert left(target.parent) == ["one.zip"]


def test_a_full_disk_is_a_sentence_and_leaves_nothing(filled, environ, target):
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000));"
        "from services.operations.__main__ import main; sys.exit(main(['backup', sys.argv[1]]))"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SIGNALBOX_", "MLFLOW_"))}
    ended = subprocess.run(
        [sys.executable, "-c", program, str(target)], cwd=ROOT, env=clean | environ, capture_output=True, text=True
    )
    assert ended.returncode == 2 and "could not be written" in ended.stderr, ended.stderr
    assert left(target.parent) == []


def test_too_little_room_or_an_existing_file_is_refused_before_anything_is_written(filled, target, monkeypatch):
    usage = shutil._ntuple_diskusage(10**9, 10**9, 1000)
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(NotReadyError):
        backup.make(filled.settings, target, {})
    target.touch()
    with pytest.raises(ConflictError):
        backup.make(filled.settings, target, {})


def test_a_restore_touches_no_folder_in_use_and_no_damaged_file(filled, target, tmp_path):
    backup.make(filled.settings, target, {})
    with pytest.raises(ConflictError):
        restore.run(filled.settings, target)

    home = tmp_path / "new"
    home.mkdir()
    for damage in (_flip, _flip_packed, _add, _leave_out, _cut, _climb):
        broken = target.with_name(f"{damage.__name__}.zip")
        damage(target, broken)
        with pytest.raises(InvalidInputError):
            restore.run(elsewhere(filled.settings, home), broken)
        assert left(home) == [] and [name for name in left(tmp_path) if "part" in name] == []
    assert restore.run(elsewhere(filled.settings, home), target).home == home


def _rewritten(source, copy, change):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in change({name: old.read(name) for name in old.namelist()}).items():
            new.writestr(name, content)


def _flip(source, copy):
    """One value in the database changed."""

    def change(files):
        content = bytearray(files["signalbox.db"])
        place = content.rindex(b"greeting")
        content[place] ^= 1
        return files | {"signalbox.db": bytes(content)}

    _rewritten(source, copy, change)


def _flip_packed(source, copy):
    """Bytes of the file itself changed, in the middle of a packed database."""
    content = bytearray(source.read_bytes())
    with zipfile.ZipFile(source) as archive:
        one = archive.getinfo("signalbox.db")
    start = one.header_offset + one.compress_size // 2
    content[start : start + 8] = bytes(byte ^ 255 for byte in content[start : start + 8])
    copy.write_bytes(content)


def _add(source, copy):
    _rewritten(source, copy, lambda files: files | {"home/more.txt": b"more"})


def _leave_out(source, copy):
    _rewritten(source, copy, lambda files: {name: one for name, one in files.items() if name != "mlflow.db"})


def _cut(source, copy):
    copy.write_bytes(source.read_bytes()[:-2_000])


def _climb(source, copy):
    def change(files):
        told = json.loads(files[manifest.NAME])
        told["files"]["home/../../out.txt"] = {"sha256": "", "size": 0}
        return files | {"home/../../out.txt": b"", manifest.NAME: json.dumps(told).encode()}

    _rewritten(source, copy, change)


def test_the_command_keeps_only_settings_that_were_set(filled, target, monkeypatch, capsys):
    monkeypatch.setenv("SIGNALBOX_DATABASE_URL", filled.settings.database_url)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main(["backup", str(target)]) == 0 and "is complete" in capsys.readouterr().out
    with zipfile.ZipFile(target) as packed:
        told = manifest.read(packed.read(manifest.NAME)).settings
    assert told["SIGNALBOX_DATABASE_URL"] == filled.settings.database_url and "MLFLOW_TRACKING_URI" not in told


@pytest.fixture
def checked(settings, environ):
    def look(**more):
        return {one.title: one.seen for one in doctor.examine(environ | more)}

    return look


def test_the_doctor_finds_nothing_wrong_with_a_sound_console(workspace, checked):
    found = checked()
    assert [title for title, seen in found.items() if seen.level is Level.WRONG] == []
    assert len(found) == 1 + len(doctor.CHECKS)
    assert all(seen.remedy for seen in found.values() if seen.level is not Level.FINE)


def test_the_doctor_says_what_to_mend(workspace, checked, settings, monkeypatch, tmp_path, capsys, environ):
    lock = tmp_path / "requirements.lock"
    lock.write_text("mlflow==0.0.1 \\\n    --hash=sha256:1\nother==1 ; sys_platform == 'win32' \\\n")
    monkeypatch.setattr(machine, "LOCKED", lock)
    with workspace.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER event_is_append_only_update")
        connection.execute(update(event_log).where(event_log.c.id == 1).values(actor="eve"))
    web = Lock(settings.run_folder / "web.lock")
    web.acquire()
    found = checked(OPENAI_BASE_URL="http://127.0.0.1:9/v1", OPENAI_API_KEY=KEY)
    web.release()
    wrong = {title: seen for title, seen in found.items() if seen.level is Level.WRONG}
    assert set(wrong) == {"Packages", "Audit log", "Worker and gateway", "Model"}
    assert all(seen.remedy for seen in wrong.values())
    assert "1 of 1 packages" in str(wrong["Packages"].what) and "line 1 was changed" in str(wrong["Audit log"].what)
    assert KEY not in str(found)

    assert main(["doctor"]) == 1
    assert "✗ Audit log" in capsys.readouterr().out
    assert [one.seen.level for one in doctor.examine({"SIGNALBOX_PORT": "x"})] == [Level.WRONG]


def test_the_doctor_leaves_nothing_behind_and_looks_where_the_settings_say(workspace, checked, settings, tmp_path):
    workspace.engine.dispose()
    away = tmp_path / "away"
    away.mkdir()
    shutil.copy(settings.home / "signalbox.db", away / "own.db")
    before = left(away)
    found = checked(SIGNALBOX_DATABASE_URL=f"sqlite:///{away / 'own.db'}")
    assert left(away) == before and "Unbroken" in str(found["Audit log"].what)
    found = checked(SIGNALBOX_DATABASE_URL=f"sqlite:///{away / 'none.db'}")
    assert found["The console's database"].level is Level.HINT and left(away) == before


def test_the_doctor_sees_a_store_that_is_damaged_old_or_new(workspace, checked, settings):
    workspace.engine.dispose()
    with closing(sqlite3.connect(settings.home / "signalbox.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    (settings.home / "mlflow.db").write_bytes(b"no database")
    found = checked()
    assert found["The console's database"].level is Level.WRONG and found["MLflow's store"].level is Level.WRONG


def test_an_mlflow_store_is_looked_at_and_then_taken_over(settings, tmp_path, capsys, monkeypatch):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    connect(settings).engine.dispose()
    shutil.copy(settings.home / "mlflow.db", theirs / "mlflow.db")
    client = MlflowClient(f"sqlite:///{theirs / 'mlflow.db'}")
    experiment = client.create_experiment("helpdesk", artifact_location=str(theirs / "mlruns" / "7"))
    run = client.create_run(experiment)
    client.log_text(run.info.run_id, "hello", "said.txt")
    with closing(sqlite3.connect(theirs / "mlflow.db")) as connection:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri")):
            connection.execute(
                f"UPDATE {table} SET {column} = replace({column}, ?, './mlruns')", (str(theirs / "mlruns"),)
            )
        connection.commit()
    before = (theirs / "mlflow.db").read_bytes()

    home = tmp_path / "own"
    monkeypatch.setenv("SIGNALBOX_HOME", str(home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert main(["import", str(theirs / "mlflow.db")]) == 0
    assert "Experiments: 2" in capsys.readouterr().out and not home.exists()
    assert main(["import", str(theirs / "mlflow.db"), "--take-over"]) == 0
    ours = elsewhere(settings, home)
    database.migrate(ours)
    connect(ours)
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/said.txt") == "hello"
    assert (theirs / "mlflow.db").read_bytes() == before

    with pytest.raises(ConflictError):
        importing.take_over(ours, theirs / "mlflow.db")
    later = elsewhere(settings, tmp_path / "later")
    settling = importing.settle

    def meanwhile(copy, store):
        store.write_text("theirs")
        settling(copy, store)

    monkeypatch.setattr(importing, "settle", meanwhile)
    with pytest.raises(ConflictError):
        importing.take_over(later, theirs / "mlflow.db")
    assert (later.home / "mlflow.db").read_text() == "theirs"
    web = Lock(later.run_folder / "web.lock")
    (later.home / "mlflow.db").unlink()
    web.acquire()
    with pytest.raises(ConflictError):
        importing.take_over(later, theirs / "mlflow.db")
    web.release()
    shutil.copy(theirs / "mlflow.db", tmp_path / "busy.db")
    with closing(sqlite3.connect(tmp_path / "busy.db")) as writer:
        writer.execute("PRAGMA journal_mode=DELETE")
        writer.execute("BEGIN EXCLUSIVE")
        monkeypatch.setattr(importing, "sqlite", lambda file, mode: files.sqlite(file, mode, 0))
        with pytest.raises(PlatformError):
            importing.look(tmp_path / "busy.db")
    (tmp_path / "text.db").write_text("no store")
    with pytest.raises(ConsoleError):
        importing.look(tmp_path / "text.db")
    assert chain.scan(database.connect(ours.database_url)).lines == 0
