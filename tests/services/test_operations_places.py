"""A backup holds what lies outside the data folder, and comes back to where it can be opened."""

import os
import shutil
import zipfile

import mlflow
import pytest
from sqlalchemy import insert, select

from services import audit, database, jobs, people
from services import settings as settings_module
from services.audit import Verb, chain
from services.database import job, release
from services.errors import ConflictError, PlatformError
from services.operations import backup, manifest, restore
from services.operations.__main__ import main
from services.releases import State
from services.workspace import Workspace, connect


def load(home, **more):
    return settings_module.load({"SIGNALBOX_HOME": str(home), "SIGNALBOX_OPERATOR": "ada", **more})


def packed(file):
    with zipfile.ZipFile(file) as archive:
        return archive.namelist()


@pytest.fixture
def target(tmp_path):
    return tmp_path / "backups" / "one.zip"


def test_a_backup_never_holds_a_backup(workspace, target):
    home = workspace.settings.home
    with pytest.raises(ConflictError):
        backup.make(workspace.settings, home / "backups" / "one.zip", {})
    backup.make(workspace.settings, target, {})
    (home / "kept").mkdir()
    shutil.copy(target, home / "kept" / "earlier.zip")
    (home / ".half.part").mkdir()
    (home / ".half.part" / "some").write_text("half")
    backup.make(workspace.settings, target.with_name("two.zip"), {})
    assert not [one for one in packed(target.with_name("two.zip")) if "earlier" in one or "half" in one]


@pytest.mark.parametrize("inside", [True, False])
def test_the_roles_file_comes_back_wherever_it_lies(workspace, target, tmp_path, inside):
    roles = (workspace.settings.home if inside else tmp_path) / "roles.toml"
    roles.write_text('[roles]\nadmin = ["ada"]\n')
    settings = load(workspace.settings.home, SIGNALBOX_ROLES_FILE=str(roles))
    backup.make(settings, target, {})
    assert len([one for one in packed(target) if one.endswith("roles.toml")]) == 1
    done = restore.run(load(tmp_path / "new"), target)
    assert (done.home / ("" if inside else "elsewhere") / "roles.toml").read_text() == roles.read_text()


def test_files_of_adopted_experiments_are_in_it_and_what_is_away_is_named(workspace, target, tmp_path, capsys):
    place, client = tmp_path / "outer 100%#", workspace.client
    here = client.create_run(client.create_experiment("adopted", artifact_location=place.as_uri()))
    client.log_text(here.info.run_id, "hello", "said.txt")
    client.create_run(client.create_experiment("remote", artifact_location="s3://bucket/remote"))
    client.create_run(client.create_experiment("lost", artifact_location=str(tmp_path / "lost")))
    own = client.create_run(workspace.app.experiment_id)
    client.log_text(own.info.run_id, "own", "said.txt")
    shutil.move(workspace.settings.home / "artifacts", tmp_path / "disk")
    (workspace.settings.home / "artifacts").symlink_to(tmp_path / "disk")

    assert main(["backup", str(target)]) == 0
    told = capsys.readouterr().out
    assert "s3://bucket/remote" in told and str(tmp_path / "lost") in told and "outer" not in told
    workspace.engine.dispose()
    for folder in (place, tmp_path / "disk"):
        shutil.rmtree(folder)
    settings = load(tmp_path / "new 100%#")
    restore.run(settings, target)
    connect(settings)
    for run, said in ((here, "hello"), (own, "own")):
        assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/said.txt") == said


def test_work_of_the_past_does_not_go_on_and_the_log_says_where_it_came_from(workspace, target, tmp_path, capsys):
    waiting = jobs.submit(workspace, "release", {"release": 1}, exclusive="release:support")
    again = jobs.submit(workspace, "read_traces", {}, exclusive="again", every=60)
    with database.writing(workspace.engine) as connection:
        moves = {"prompt_name": "", "before": {}, "after": {}}
        row = {"app_id": "support", "kind": "agent", "state": "running", "moves": moves, "actor": "ada"}
        connection.execute(insert(release).values(**row, job_id=waiting.id))
    made = backup.make(workspace.settings, target, {})
    done = restore.run(load(tmp_path / "new"), target)
    assert (done.halted.jobs, done.halted.releases) == ((waiting.id,), (1,))
    engine = database.connect(f"sqlite:///{done.home / 'signalbox.db'}")
    with engine.connect() as connection:
        states = dict(connection.execute(select(job.c.id, job.c.state)).tuples().all())
        stopped = connection.execute(select(release.c.state)).scalar()
    assert (states[waiting.id], states[again.id], stopped) == ("cancelled", "queued", State.STOPPED)
    place = Workspace(connect(load(done.home)), people.identify(load(done.home), {}))
    (line,) = audit.of_verbs(place, [Verb.RESTORE])
    assert (line.after["line"], line.after["hash"]) == (made.manifest.audit_newest, made.manifest.audit_hash)
    assert chain.scan(engine).breaks == ()


def test_a_restore_that_the_console_would_not_open_is_refused(workspace, target, tmp_path, monkeypatch):
    monkeypatch.setenv("SIGNALBOX_DATABASE_URL", f"sqlite:///{tmp_path / 'other.db'}")
    backup.make(workspace.settings, target, {})
    for name in ("SIGNALBOX_DATABASE_URL", "MLFLOW_TRACKING_URI"):
        with pytest.raises(ConflictError):
            restore.run(load(tmp_path / "new", **{name: f"sqlite:///{tmp_path / 'other.db'}"}), target)
        assert not (tmp_path / "new").exists()
    assert (
        manifest.settings_of({"SIGNALBOX_DATABASE_URL": "sqlite:////srv/a@b.db"}).popitem()[1]
        == "sqlite:////srv/a@b.db"
    )


def test_a_folder_that_is_a_disk_is_filled_where_it_is(workspace, target, tmp_path, monkeypatch):
    backup.make(workspace.settings, target, {})
    home = tmp_path / "disk"
    (home / "lost+found").mkdir(parents=True)
    number, real = home.stat().st_ino, os.rename

    def failing(old, new):
        if str(new).endswith("signalbox.db"):
            raise OSError(28, "No space left on device")
        real(old, new)

    with monkeypatch.context() as full, pytest.raises(PlatformError):
        full.setattr(os, "rename", failing)
        restore.run(load(home), target)
    assert os.listdir(home) == ["lost+found"]
    restore.run(load(home), target)
    assert home.stat().st_ino == number and (home / "signalbox.db").is_file()
    assert not [name for name in os.listdir(home) if name.startswith(".")]


def test_who_has_no_name_on_the_machine_makes_a_backup_and_no_file_is_overwritten(workspace, target, monkeypatch):
    def nameless():
        raise KeyError("uid not found")

    monkeypatch.setattr(backup.getpass, "getuser", nameless)
    backup.make(workspace.settings, target, {})
    (line,) = audit.of_verbs(Workspace(workspace.platform, workspace.actor), [Verb.BACK_UP])
    assert line.after["person"] == str(os.getuid())

    other = target.with_name("two.zip")
    written = backup._manifest
    monkeypatch.setattr(backup, "_manifest", lambda *given: other.write_text("mine") and written(*given))
    with pytest.raises(ConflictError):
        backup.make(workspace.settings, other, {})
    assert other.read_text() == "mine"


def test_a_backup_that_no_restore_would_read_is_not_written(workspace, target, monkeypatch):
    monkeypatch.setattr(manifest, "LARGEST", 100)
    with pytest.raises(backup.NotReadyError):
        backup.make(workspace.settings, target, {})
    assert not target.exists()
