"""What a served agent is told by its environment: where it runs, where its traces go, and its secrets by reference."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from databricks.sdk.errors import NotFound, ResourceDoesNotExist

from services import connection
from services.errors import NotReadyError, translated
from services.messages import Message
from services.platforms.databricks.access import Access
from services.platforms.databricks.client import Client
from services.platforms.databricks.place import BY_TOKEN, SECRET, sign_in
from services.settings import models_of

if TYPE_CHECKING:
    from services.workspace import Workspace

# `databricks.agents` sets these by itself; a version that is added later needs them as well.
ALWAYS = {
    "ENABLE_LANGCHAIN_STREAMING": "true",
    "ENABLE_MLFLOW_TRACING": "true",
    "RETURN_REQUEST_ID_IN_RESPONSE": "true",
}
ANY_SECRET = dict.fromkeys(BY_TOKEN, "{{secrets/scope/key}}")
KNOWN = frozenset(
    {
        *ALWAYS,
        "DATABRICKS_HOST",
        "DATABRICKS_TOKEN",
        "MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS",
        "MLFLOW_EXPERIMENT_ID",
        "MLFLOW_MODEL_CATALOG_URI",
        "MLFLOW_REGISTRY_URI",
        "MLFLOW_TRACKING_URI",
        "OPENAI_API_KEY",
        "OPENAI_BASE_URL",
    }
)


def of(workspace: "Workspace", client: Client) -> dict[str, str]:
    """The environment of the app's agent; raises NotReadyError without a secret to refer to, or without its model."""
    _refuse_other_model(workspace, client)
    return told(workspace, client.access, _secrets(workspace, client))


def told(workspace: "Workspace", access: Access, secrets: Mapping[str, str]) -> dict[str, str]:
    """What a deployment of now would set, with `secrets` as the references by which the agent signs in."""
    return ALWAYS | {
        "DATABRICKS_HOST": access.host,
        "MLFLOW_ALIAS_PROMPT_CACHE_TTL_SECONDS": str(workspace.app.prompt_cache_seconds),
        "MLFLOW_EXPERIMENT_ID": workspace.app.experiment_id,
        "MLFLOW_MODEL_CATALOG_URI": "",
        "MLFLOW_REGISTRY_URI": "databricks-uc",
        "MLFLOW_TRACKING_URI": "databricks",
        "OPENAI_BASE_URL": models_of(access),
        **secrets,
        **workspace.app.environment.given,
    }


def _refuse_other_model(workspace: "Workspace", client: Client) -> None:
    """What was evaluated with another provider's model must not answer with one of the workspace's."""
    settings = workspace.settings
    if settings.model_base_url == models_of(client.access) or "OPENAI_BASE_URL" in workspace.app.environment.variables:
        return
    raise NotReadyError(
        Message(
            "The console asks the model at {address}; a served agent would ask one of the workspace's instead.",
            address=settings.model_base_url or "https://api.openai.com/v1",
        ),
        Message(
            "Set OPENAI_BASE_URL, and OPENAI_API_KEY as {example}, on the Apps screen, under Environments.",
            example="{{secrets/scope/key}}",
        ),
    )


def _secrets(workspace: "Workspace", client: Client) -> dict[str, str]:
    scope = connection.place(workspace).secret_scope
    if not scope:
        raise NotReadyError(
            Message("No secret scope is chosen, so the agent would have no way to sign in to the workspace."),
            Message("Choose one on the Connection screen; it needs the key {key}.", key=SECRET),
        )
    with translated(Message("Reading the secret scope {scope}", scope=scope)):
        try:
            keys = {str(one.key) for one in client.sdk.secrets.list_secrets(scope)}
        except (NotFound, ResourceDoesNotExist):
            keys = set()
    found = sign_in(keys)
    if not found:
        raise NotReadyError(
            Message("The secret scope {scope} has no key {key}.", scope=scope, key=SECRET),
            Message(
                "Store the token of a service principal there: databricks secrets put-secret {scope} {key}",
                scope=scope,
                key=SECRET,
            ),
        )
    return {name: f"{{{{secrets/{scope}/{key}}}}}" for name, key in found.items()}
