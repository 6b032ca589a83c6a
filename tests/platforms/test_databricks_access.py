"""How the console signs in to a workspace: the choice among credentials, and none of them ever printed."""

import os

import pytest

from services import settings
from services.errors import InvalidInputError
from services.secrets import masked

WORKSPACE = {"SIGNALBOX_PLATFORM": "databricks", "DATABRICKS_HOST": "https://acme.cloud.databricks.com/"}
PRINCIPAL = {"DATABRICKS_CLIENT_ID": "app-id", "DATABRICKS_CLIENT_SECRET": "hush-hush-hush"}
TOKEN = {"DATABRICKS_TOKEN": "dapi-hush-hush"}
APP = {"DATABRICKS_APP_NAME": "signalbox", "SIGNALBOX_DATABASE_URL": "postgresql://signalbox@server/signalbox"}


def test_a_token_signs_in_and_never_prints():
    found = settings.load(WORKSPACE | TOKEN)
    assert (found.platform, found.tracking_uri, found.registry_uri) == ("databricks", "databricks", "databricks-uc")
    assert found.databricks.host == "https://acme.cloud.databricks.com"
    assert found.databricks.environment["DATABRICKS_AUTH_TYPE"] == "pat"
    assert "hush" not in repr(found)


def test_of_two_ways_one_is_chosen_and_the_other_named():
    chosen = settings.load(WORKSPACE | TOKEN | PRINCIPAL).databricks
    assert (chosen.auth_type, chosen.unused) == ("pat", ("oauth-m2m",))
    told = settings.load(WORKSPACE | TOKEN | PRINCIPAL | {"DATABRICKS_AUTH_TYPE": "oauth-m2m"}).databricks
    assert (told.auth_type, told.unused) == ("oauth-m2m", ("pat",))


def test_inside_a_databricks_app_its_own_identity_signs_in():
    found = settings.load(WORKSPACE | TOKEN | PRINCIPAL | APP).databricks
    assert (found.auth_type, found.app_name) == ("oauth-m2m", "signalbox")


def test_a_profile_tells_the_host_and_the_way(tmp_path):
    file = tmp_path / "databrickscfg"
    file.write_text(
        "[work]\nhost = https://adb-12.3.azuredatabricks.net/?o=12\nclient_id = x\nclient_secret = 50%off\n"
    )
    environ = {"MLFLOW_TRACKING_URI": "databricks://work", "DATABRICKS_CONFIG_FILE": str(file)}
    found = settings.load(environ).databricks
    assert (found.host, found.workspace_id) == ("https://adb-12.3.azuredatabricks.net", "12")
    assert (found.auth_type, found.profile) == ("oauth-m2m", "work")
    with pytest.raises(InvalidInputError, match="play"):
        settings.load(environ | {"DATABRICKS_CONFIG_PROFILE": "play"})


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"MLFLOW_TRACKING_URI": "databricks"}, "DATABRICKS_HOST"),
        (WORKSPACE, "DATABRICKS_TOKEN"),
        (WORKSPACE | TOKEN | {"DATABRICKS_HOST": "http://acme.example"}, "https://"),
        ({"SIGNALBOX_PLATFORM": "databrick"}, "SIGNALBOX_PLATFORM"),
    ],
    ids=["no host", "no credentials", "in the clear", "misspelt"],
)
def test_what_is_missing_is_named(environ, told, tmp_path):
    with pytest.raises(InvalidInputError) as error:
        settings.load(environ | {"DATABRICKS_CONFIG_FILE": os.devnull})
    assert told in str(error.value)


def test_an_env_file_adds_what_the_environment_lacks(tmp_path):
    (tmp_path / ".env").write_text(
        "# mine\nexport DATABRICKS_HOST='https://a.example'\nDATABRICKS_TOKEN=dapi-from-file\n"
    )
    environ = {"DATABRICKS_TOKEN": "dapi-from-shell"}
    settings.add_env_file(environ, tmp_path)
    assert environ == {"DATABRICKS_TOKEN": "dapi-from-shell", "DATABRICKS_HOST": "https://a.example"}


def test_an_env_file_may_hold_notes_and_must_be_text(tmp_path):
    (tmp_path / ".env").write_text("A=one # note\nB='a # b' # note\nC=a#b\nD= # note\n")
    environ = {}
    settings.add_env_file(environ, tmp_path)
    assert environ == {"A": "one", "B": "a # b", "C": "a#b", "D": ""}
    (tmp_path / ".env").write_bytes(b"A=\xff\xfe")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        settings.add_env_file({}, tmp_path)


def test_the_secret_of_a_service_principal_is_masked(monkeypatch):
    monkeypatch.setenv("DATABRICKS_CLIENT_SECRET", "hush-hush-hush")
    assert masked("refused hush-hush-hush") == "refused …"
