"""Settings: defaults, refusals, and secrets that never print."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from services import settings
from services.errors import InvalidInputError


def test_without_a_model_the_practice_model_answers():
    found = settings.load({"SIGNALBOX_HOME": "/data", "SIGNALBOX_GATEWAY_PORT": "9000"})
    assert found.practice
    assert found.model == "practice"
    assert found.llm_base_url == "http://127.0.0.1:9000/practice/v1"
    assert found.tracking_uri == "sqlite:////data/mlflow.db"


def test_a_key_alone_means_openai_itself():
    found = settings.load({"OPENAI_API_KEY": "sk-secret"})
    assert not found.practice
    assert found.llm_base_url is None
    assert found.model_environment == {"OPENAI_API_KEY": "sk-secret"}


def test_a_secret_never_prints_itself():
    found = settings.load({"OPENAI_API_KEY": "sk-secret"})
    assert "sk-secret" not in repr(found)
    assert "sk-secret" not in str(found.model_api_key)


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"SIGNALBOX_PORT": "0"}, "SIGNALBOX_PORT"),
        ({"SIGNALBOX_HOST": "0.0.0.0"}, "SIGNALBOX_HOST"),
        ({"SIGNALBOX_IDENTITY": "proxy"}, "SIGNALBOX_ROLES_FILE"),
        ({"OPENAI_BASE_URL": "ftp://x"}, "OPENAI_BASE_URL"),
        ({"SIGNALBOX_DATABASE_URL": "mysql://u:hidden@db/own"}, "SIGNALBOX_DATABASE_URL"),
        ({"MLFLOW_TRACKING_URI": "postgres://u:hidden@db"}, "MLFLOW_TRACKING_URI"),
    ],
)
def test_a_wrong_value_is_named_with_its_mend(environ, told):
    with pytest.raises(InvalidInputError) as caught:
        settings.load(environ)
    assert told in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert caught.value.remedy is not None


@pytest.mark.parametrize(
    ("address", "password", "found"),
    [
        ("postgres://ada@db/own", "", "postgresql+psycopg://ada@db/own"),
        ("postgresql://ada@db:5433/own", "a/b", "postgresql+psycopg://ada:a%2Fb@db:5433/own"),
        ("postgresql+psycopg://ada:word@db/own", "other", "postgresql+psycopg://ada:word@db/own"),
        ("sqlite:////data/own.db", "word", "sqlite:////data/own.db"),
    ],
)
def test_a_database_on_a_server_is_reached_by_the_driver_that_is_there(address, password, found):
    read = settings.load({"SIGNALBOX_DATABASE_URL": address, "PGPASSWORD": password})
    assert read.database_url == found
    assert not password or quote(password, safe="") not in repr(read)


def test_a_proxy_may_listen_elsewhere(tmp_path: Path):
    roles = tmp_path / "roles.toml"
    roles.write_text("[roles]\n")
    environ = {"SIGNALBOX_HOST": "0.0.0.0", "SIGNALBOX_IDENTITY": "proxy", "SIGNALBOX_ROLES_FILE": str(roles)}
    assert settings.load(environ).host == "0.0.0.0"


def test_an_app_made_with_the_practice_model_asks_the_real_one_once_there_is_one(workspace):
    made = workspace.for_app(replace(workspace.app, model="practice"))
    assert made.usual_model == "practice"
    real = settings.load({"OPENAI_API_KEY": "sk-secret"})
    connected = replace(made, platform=replace(made.platform, settings=real))
    assert connected.usual_model == "gpt-4.1-mini"
    own = connected.for_app(replace(made.app, model="gpt-4o"))
    assert own.usual_model == "gpt-4o"
    back = made.for_app(own.app)
    assert back.usual_model == "practice"
