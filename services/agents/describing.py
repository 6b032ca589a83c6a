"""What a person says of an agent version, where MLflow's own screens and the registry show it."""

from typing import TYPE_CHECKING

from mlflow.utils.mlflow_tags import MLFLOW_RUN_NOTE

from services import audit
from services.agents import records
from services.audit import Verb
from services.errors import InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

LONGEST = 1_000  # characters


def describe(workspace: "Workspace", model_id: str, text: str) -> None:
    """Describe the agent version: on its LoggedModel and, where it is registered, on its registered version.

    One that is registered later takes the description along. An empty text takes it away. Raises InvalidInputError for
    a text that is too long.
    """
    audit.require(workspace, Verb.DESCRIBE_AGENT)
    text, agent = text.strip(), records.get(workspace, model_id)
    if len(text) > LONGEST:
        raise InvalidInputError(
            Message("The description has {n} characters; {limit} are allowed.", n=len(text), limit=LONGEST),
            Message("Shorten it."),
        )
    if text == agent.description:
        return
    with audit.change(workspace, Verb.DESCRIBE_AGENT, agent.name, agent.description or None, text or None):
        workspace.client.set_logged_model_tags(model_id, {MLFLOW_RUN_NOTE: text})
        if agent.registered:
            name, version = records.registered_name(workspace), str(agent.registered)
            workspace.client.update_model_version(name, version, description=text)
