"""What a workspace refuses after the console has connected: each refusal has its sentence and next step."""

import mlflow
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from mlflow.genai.datasets import create_dataset

from services.errors import ConsoleError, ForbiddenError, PlatformError, translated
from services.messages import Message
from services.platforms.databricks import grants, reach

DOING = Message("Saving the prompt")


def told(call) -> str:
    """The sentence and next step of what `call` runs into."""
    with pytest.raises(ConsoleError) as error, translated(DOING):
        call()
    assert error.value.remedy
    return str(error.value)


def test_a_token_that_expires_meanwhile_is_said(databricks_workspace, databricks):
    databricks_workspace.client.search_experiments()
    databricks.admin("DELETE", "/tokens/dapi-test")
    shown = told(databricks_workspace.client.search_experiments)
    assert "does not accept the credentials any more" in shown
    assert "start the console again" in shown
    sdk = WorkspaceClient(config=Config(retry_timeout_seconds=2))
    assert "does not accept the credentials any more" in told(sdk.current_user.me)
    assert "dapi-test" not in shown


def test_a_viewer_reads_the_grant_that_is_missing(databricks_workspace, databricks, monkeypatch):
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-viewer")
    reach.check(databricks_workspace.settings.databricks)
    shown = told(lambda: mlflow.genai.register_prompt("acme.llmops.greeting", "Hello"))
    assert "GRANT CREATE FUNCTION ON SCHEMA acme.llmops TO `viewer@example.com`;" in shown
    sdk = WorkspaceClient(config=Config(retry_timeout_seconds=2))
    assert "GRANT CREATE SCHEMA ON CATALOG acme" in told(lambda: sdk.schemas.create("more", "acme"))


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [
        (401, ForbiddenError, "credentials"),
        (403, ForbiddenError, "refused"),
        (429, PlatformError, "busy or away"),
        (503, PlatformError, "busy or away"),
    ],
)
def test_clients_that_pass_the_bare_answer_on_are_understood(databricks_workspace, databricks, status, kind, sentence):
    databricks.fault("/managed-evals/datasets", status=status)
    with pytest.raises(kind, match=sentence), translated(DOING):
        create_dataset(name="acme.llmops.rows", experiment_id="1")


@pytest.mark.parametrize(
    ("sentence", "statement"),
    [
        ("User does not have USE CATALOG on Catalog 'main'.", "GRANT USE CATALOG ON CATALOG main TO `ada`;"),
        ("User does not have EXECUTE on 'main.llm-ops.agent'.", "GRANT EXECUTE ON FUNCTION main.`llm-ops`.agent TO `ada`;"),
        ("User does not have SELECT on Table 'a.b.c'.", "GRANT SELECT ON TABLE a.b.c TO `ada`;"),
        ("You shall not pass.", None),
    ],
)  # fmt: skip
def test_a_refusal_becomes_the_exact_grant(sentence, statement):
    grants.remember("ada")
    assert grants.statement(sentence) == statement


def test_the_kind_that_a_refusal_names_counts():
    grants.remember("ada")
    said = "User does not have READ VOLUME on Volume 'acme.llmops.files'."
    assert grants.statement(said) == "GRANT READ VOLUME ON VOLUME acme.llmops.files TO `ada`;"
    said = "User does not have CREATE CATALOG on Metastore 'main-store'."
    assert grants.statement(said) == "GRANT CREATE CATALOG ON METASTORE TO `ada`;"
