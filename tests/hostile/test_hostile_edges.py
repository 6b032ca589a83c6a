"""What comes from the network, from a file that is restored or taken over, and goes out to an address somebody typed."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services import delivery, outgoing, people
from services import settings as settings_module
from services.errors import ConsoleError, InvalidInputError
from services.operations import importing, manifest, restore
from services.operations.kept import OURS
from services.people import Role
from tests.hostile.shapes import ODD, mangled, objects, texts, values, zipped

HELD = {"sha256": "0" * 64, "size": 1}
MADE = {
    "format": 1, "made_at": "2026-01-01", "version": "1", "home": "/home", "audit_lines": 0, "audit_newest": 0, "audit_hash": "",
    "settings": {}, "secrets": [], "elsewhere": [], "outside": {}, "missing": [], "files": {OURS: HELD},
}  # fmt: skip


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("proxy")
    (folder / "roles.toml").write_text('[roles]\nadmin = ["root@example.com"]\nauthor = ["group:writers"]\n')
    found = settings_module.load({"SIGNALBOX_HOME": str(folder)})
    return replace(found, identity="proxy", roles_file=folder / "roles.toml")


@given(texts, texts)
@example("ROOT@example.com\u200b", "admin")
@example("root@example.com, x@example.com", "*")
@example("group:writers", "signalbox")
@example("ｒｏｏｔ@example.com", "Group:Writers")
def test_no_header_gives_more_than_the_file(proxy, email, groups):
    headers = {proxy.email_header: email, proxy.groups_header: groups}
    try:
        actor = people.identify(proxy, headers)
    except ConsoleError as error:
        assert str(error)
        return
    assert (Role.ADMIN in actor.roles) <= (actor.id == "root@example.com")
    assert (Role.AUTHOR in actor.roles) <= ("writers" in groups.lower() or actor.id == "root@example.com")


@given(texts)
@example("https://a@127.0.0.1/")
@example("http://127.0.0.1.example.com/")
@example("http://127.0.0.1\\@example.com/")
@example("https://example.com:99999/")
@example("https://exa mple.com/")
@example("file:///etc/passwd")
def test_only_encrypted_addresses_are_told_anything(url):
    if delivery.safe(url):
        assert url.lower().startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]"))
    try:
        found = outgoing.read({outgoing.SLACK: url, outgoing.PUBLIC: url, outgoing.SMTP: url})
    except InvalidInputError as error:
        assert not url.strip() or len(url) < 9 or url not in str(error)
    else:
        assert found.slack.keys() <= {"slack"}


@given(objects(*MADE) | values)
@example(MADE | {"files": {OURS: {"sha256": 1}}})
@example(MADE | {"files": {OURS: HELD | {"more": 1}}})
def test_any_manifest_is_one_or_is_refused(stored):
    try:
        made = manifest.read(json.dumps(stored).encode())
    except InvalidInputError as error:
        assert str(error)
    else:
        assert all(isinstance(held, manifest.Held) for held in made.files.values())


def backup(files: dict[str, object], **told: object) -> bytes:
    return zipped({**dict.fromkeys(files, "x"), manifest.NAME: json.dumps(MADE | {"files": files} | told)})


@pytest.mark.parametrize(
    "data",
    [
        backup({OURS: HELD, "home/../../outside.txt": HELD}),
        backup({OURS: HELD, "/outside.txt": HELD}),
        backup({OURS: HELD, "home/a\\..\\outside.txt": HELD}),
        backup({OURS: {"sha256": "0" * 64, "size": "1"}}),
        backup({OURS: HELD}, outside={"a": 1}),
        zipped({manifest.NAME: "[" * 100_000}),
        zipped({manifest.NAME: json.dumps(MADE)}),
        zipped({"a": "b"}),
        b"PK\x03\x04",
        b"",
    ],
)
def test_a_backup_made_to_harm_changes_nothing(data, tmp_path):
    file, home = tmp_path / "backup.zip", tmp_path / "place" / "home"
    file.write_bytes(data)
    with pytest.raises(ConsoleError):
        restore.run(settings_module.load({"SIGNALBOX_HOME": str(home)}), file)
    assert not home.exists()
    assert not [one for one in tmp_path.rglob("*") if one.is_file() and one != file]


@given(mangled(backup({OURS: HELD})))
def test_a_damaged_backup_is_a_sentence(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("restored")
    (folder / "backup.zip").write_bytes(data)
    with pytest.raises(ConsoleError):
        restore.run(settings_module.load({"SIGNALBOX_HOME": str(folder / "home")}), folder / "backup.zip")


TABLES = "CREATE TABLE experiments (artifact_location, lifecycle_stage); CREATE TABLE runs (lifecycle_stage);"
VERSIONS = "CREATE TABLE alembic_version (version_num);"


@pytest.mark.parametrize(
    "script",
    [
        "",
        TABLES,
        TABLES + VERSIONS,
        TABLES + VERSIONS + "INSERT INTO experiments VALUES (7, 'active'), (x'00ff', 'active'), ('file://[', 'active')",
        "CREATE TABLE experiments (a); CREATE TABLE runs (a);" + VERSIONS,
        "CREATE VIEW experiments AS SELECT 1; CREATE VIEW runs AS SELECT 1;" + VERSIONS,
    ],
)
def test_another_database_is_looked_at_or_refused(script, tmp_path):
    file = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(file)) as made:
        made.executescript(script or "CREATE TABLE a (b)")
    try:
        assert importing.look(file).counts
    except ConsoleError as error:
        assert str(error)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd[:12]))
def test_no_database_is_a_sentence(odd, tmp_path):
    file = tmp_path / "mlflow.db"
    file.write_text(odd, "utf-8")
    with pytest.raises(ConsoleError):
        importing.look(file)


@given(
    st.dictionaries(
        st.sampled_from(["SIGNALBOX_PORT", "SIGNALBOX_HOST", "SIGNALBOX_IDENTITY", "SIGNALBOX_LOG_FORMAT"]), texts
    )
)
def test_any_setting_is_read_or_named(environ):
    try:
        settings_module.load(environ | {"SIGNALBOX_HOME": "/tmp/hostile-home"})
    except ConsoleError as error:
        assert str(error)
