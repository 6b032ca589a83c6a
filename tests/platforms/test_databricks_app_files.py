"""app.yaml, databricks.yml and requirements.txt, by what the SDK's own types and pip know of them."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from databricks.sdk.service.apps import App, AppDeployment, AppResource, EnvVar
from packaging.requirements import Requirement

from services import settings
from services.errors import InvalidInputError
from services.platforms.databricks import place
from services.processes.guard import KEY_OF_PERSON
from tests.team.files import ROOT, copied

VARIABLE = re.compile(r"\$\{var\.(\w+)\}")
PLATFORM = {
    "DATABRICKS_APP_NAME": "signalbox",
    "DATABRICKS_APP_PORT": "8000",
    "DATABRICKS_HOST": "https://acme.cloud.databricks.com",
    "DATABRICKS_CLIENT_ID": "6f1a-app",
    "DATABRICKS_CLIENT_SECRET": "hush-hush-hush",
    "PGHOST": "ep-one.database.cloud.databricks.com",
    "PGPORT": "5432",
    "PGUSER": "6f1a-app",
    "PGDATABASE": "databricks_postgres",
    "PGSSLMODE": "require",
}
ENDPOINT = "projects/signalbox/branches/production/endpoints/primary"


def read(name):
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


@pytest.fixture
def app():
    return read("databricks.yml")["resources"]["apps"]["signalbox"]


@pytest.fixture
def environ(app, tmp_path):
    """What the platform would give the console, with app.yaml's own variables."""
    roles = tmp_path / "roles.toml"
    roles.write_text('[roles]\nviewer = ["*"]\n')
    kept = {"postgres": ENDPOINT, "sql-warehouse": "a1b2"}
    own = {one["name"]: one.get("value") or kept[one["valueFrom"]] for one in read("app.yaml")["env"]}
    return PLATFORM | own | {"SIGNALBOX_ROLES_FILE": str(roles), "SIGNALBOX_HOME": str(tmp_path / "home")}


def test_app_yaml_has_what_the_platform_reads_and_names_resources_that_are_there(app):
    found = read("app.yaml")
    assert found.keys() == {"command", "env"} <= {one.name for one in fields(AppDeployment)} | {"env"}
    assert all(isinstance(word, str) for word in found["command"]) and (ROOT / found["command"][1]).is_file()
    named = {one["name"] for one in app["resources"]}
    for one in found["env"]:
        given = EnvVar.from_dict({{"valueFrom": "value_from"}.get(key, key): value for key, value in one.items()})
        assert given.name and (given.value is None) != (given.value_from is None) and len(one) == 2, one
        assert given.value_from is None or given.value_from in named, one
    # The value of a secret that is a resource is the secret itself: nothing may take it into the environment.
    secrets = {one["name"] for one in app["resources"] if "secret" in one}
    assert not secrets & {one.get("valueFrom") for one in found["env"]}


def test_the_bundle_says_nothing_that_the_sdk_does_not_know(app):
    bundle = read("databricks.yml")
    assert bundle.keys() == {"bundle", "variables", "sync", "resources", "targets"}
    for one in app["resources"]:
        assert AppResource.from_dict(one).as_dict() == one
    assert app.keys() <= {one.name for one in fields(App)} | {"source_code_path"}
    used = set(VARIABLE.findall((ROOT / "databricks.yml").read_text("utf-8")))
    assert used == bundle["variables"].keys()
    assert all(one.keys() <= {"description", "default"} for one in bundle["variables"].values())
    # A person's token would come along with scopes; the console takes none.
    assert "user_api_scopes" not in app and KEY_OF_PERSON == b"x-forwarded-access-token"


def test_the_bundle_lets_the_app_read_the_scope_by_either_way_to_sign_in(app):
    """The permission is on the scope, yet the key must be there: which one that is depends on what was stored."""
    (granted,) = [one["secret"] for one in app["resources"] if "secret" in one]
    assert granted == {"scope": "${var.secret_scope}", "key": "${var.secret_key}", "permission": "READ"}
    told = read("databricks.yml")["variables"]["secret_key"]
    assert told["default"] == place.SECRET
    assert place.BY_PRINCIPAL["DATABRICKS_CLIENT_SECRET"] in told["description"]


def test_what_the_console_needs_is_sent_along():
    left_out = {one.partition("/")[0] for one in read("databricks.yml")["sync"]["exclude"]}
    assert all((ROOT / one).is_dir() for one in left_out)
    assert not left_out & {Path(source).parts[0] for source in copied()}


def test_an_app_gets_the_locked_versions_with_their_hashes():
    locked = {name: (ROOT / name).read_text("utf-8") for name in ("requirements.lock", "requirements.txt")}
    pins = {name: dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.M)) for name, text in locked.items()}
    of_app, of_all = pins["requirements.txt"], pins["requirements.lock"]
    assert {"databricks-agents", "psycopg", "psycopg-binary", "streamlit", "mlflow"} <= of_app.keys()
    assert not {name for name in of_app.keys() & of_all.keys() if of_app[name] != of_all[name]}
    lines = [
        one for one in locked["requirements.txt"].replace("\\\n", " ").splitlines() if one and one.strip()[0] != "#"
    ]
    for line in lines:
        plain, *hashes = line.split("--hash=sha256:")
        assert hashes and len(list(Requirement(plain.strip()).specifier)) == 1, line


def test_the_console_of_an_app_listens_where_the_platform_says(environ):
    found = settings.load(environ)
    assert (found.host, found.port, found.identity) == ("0.0.0.0", 8000, "proxy")
    assert (found.databricks.auth_type, found.place.warehouse_id) == ("oauth-m2m", "a1b2")
    assert found.database_url.startswith(
        "postgresql+psycopg://6f1a-app@ep-one.database.cloud.databricks.com:5432/databricks_postgres?sslmode=require&"
    )
    assert "hush" not in repr(found) and settings.load(environ | {"SIGNALBOX_PORT": "9"}).port == 9


def test_groups_that_a_browser_names_count_nowhere_in_an_app(environ):
    assert settings.load(environ).groups_header == ""
    assert settings.load(environ | {"SIGNALBOX_GROUPS_HEADER": "X-Teams"}).groups_header == "X-Teams"


def test_an_app_without_a_database_does_not_start(environ):
    for missing in ("PGHOST", "SIGNALBOX_LAKEBASE"):
        with pytest.raises(InvalidInputError, match="loses its disk"):
            settings.load({name: value for name, value in environ.items() if name != missing})
