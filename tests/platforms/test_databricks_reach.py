"""Whether a workspace answers: every way it may fail has its sentence and next step, within seconds."""

import socket
import time
from dataclasses import replace

import openai
import pytest

from services import settings
from services.errors import ConsoleError
from services.platforms.databricks import reach

ME = "/scim/v2/Me"


@pytest.fixture
def access(databricks_environ, monkeypatch):
    """The way in, on a new workspace."""
    for name, value in databricks_environ.items():
        monkeypatch.setenv(name, value)
    return settings.load(databricks_environ).databricks


def told(access, **how) -> str:
    with pytest.raises(ConsoleError) as error:
        reach.check(access, **how)
    assert error.value.remedy
    return str(error.value)


def test_a_workspace_tells_who_we_are(access):
    found = reach.check(access)
    assert (found.name, found.workspace_id) == ("operator@example.com", "5099015744649857")


def test_a_service_principal_fetches_its_own_token(databricks_environ, databricks):
    environ = databricks_environ | {
        "DATABRICKS_CLIENT_ID": "sp-client-id",
        "DATABRICKS_CLIENT_SECRET": "sp-client-secret",
    }
    del environ["DATABRICKS_TOKEN"]
    access = settings.load(environ).databricks
    assert reach.check(access, environ).name == "sp-client-id"
    assert "sp-client-secret" not in str(databricks.requests("Me"))
    assert "did not accept" in told(access, environ=environ | {"DATABRICKS_CLIENT_SECRET": "wrong"})


def test_a_service_principal_gets_a_token_for_the_models_once(databricks_environ, databricks, monkeypatch):
    environ = databricks_environ | {
        "DATABRICKS_CLIENT_ID": "sp-client-id",
        "DATABRICKS_CLIENT_SECRET": "sp-client-secret",
    }
    del environ["DATABRICKS_TOKEN"]
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    found = settings.load(environ)
    with openai.OpenAI(base_url=found.llm_base_url, api_key=found.llm_api_key, max_retries=0) as client:
        client.chat.completions.create(model=found.model, messages=[{"role": "user", "content": "Hello"}])
    assert found.llm_api_key == found.llm_api_key
    assert len(databricks.requests("/oidc/v1/token")) == 1


@pytest.mark.parametrize("way", ["pat", "azure-cli"])
def test_a_profile_signs_in_by_its_own_way(databricks, tmp_path, monkeypatch, way):
    file = tmp_path / "databrickscfg"
    file.write_text(f"[work]\nhost = {databricks.url}\ntoken = dapi-viewer\nauth_type = {way}\n")
    environ = {"MLFLOW_TRACKING_URI": "databricks://work", "DATABRICKS_CONFIG_FILE": str(file)}
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(file))
    access = settings.load(environ).databricks
    if way == "pat":
        assert reach.check(access, environ).name == "viewer@example.com"
    else:
        assert "azure-cli" in told(access, environ=environ)


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"status": 401, "error_code": "UNAUTHENTICATED"}, "did not accept the credentials"),
        ({"status": 403, "error_code": "PERMISSION_DENIED"}, "expired"),
        ({"status": 429, "retry_after": 17}, "Wait 17 seconds"),
        ({"status": 503}, "not available just now (503)"),
        ({"status": 200, "raw_body": "<html>Sign in</html>"}, "DATABRICKS_HOST"),
        ({"drop": True}, "dropped the connection"),
        ({"delay_s": 3}, "did not answer within 1 seconds"),
    ],
    ids=["401", "403", "429", "503", "web page", "dropped", "silent"],
)
def test_each_failure_has_its_sentence(access, databricks, fault, sentence):
    databricks.fault(ME, **fault)
    began = time.monotonic()
    assert sentence in told(access, seconds=1)
    assert time.monotonic() - began < 2


def test_nobody_at_the_address_is_said_at_once(access):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert "refused" in told(replace(access, host=f"http://127.0.0.1:{port}"))


def test_an_unknown_name_is_said(access):
    assert "name" in told(replace(access, host="https://no-such-workspace.invalid"))


def test_an_expired_token_is_refused_with_a_next_step(access, databricks, monkeypatch):
    databricks.admin("POST", "/tokens", {"user_name": "late@example.com", "token": "dapi-late", "ttl_s": -1})
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-late")
    shown = told(access)
    assert "expired" in shown
    assert "start the console again" in shown
    assert "dapi-late" not in shown
