"""External monitors of earlier days: they exclude production scorers, and the SDKs do not say so."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException

from services.errors import ConflictError, is_missing
from services.messages import Message
from services.platforms.databricks import access as access_to
from services.platforms.databricks import rest
from services.platforms.databricks.rest import Rest

if TYPE_CHECKING:
    from services.workspace import Workspace


def watches(there: Rest, experiment_id: str) -> bool:
    """Whether one watches the experiment; to be asked only where it has no scorers: they have a monitor of their own."""
    return bool(there.post("2.0/managed-evals/monitors", {"experiment_id": experiment_id}).get("monitor_infos"))


@contextmanager
def explained(workspace: "Workspace") -> Iterator[None]:
    """Around changes of the scorers: MLflow swallows the workspace's refusal (409) and reports a missing list instead."""
    try:
        yield
    except MlflowException as error:
        if not is_missing(error):
            raise
        with rest.asking(access_to.of(workspace), Message("Reading the scoring job")) as there:
            legacy = watches(there, workspace.app.experiment_id)
        if not legacy:
            raise
        raise ConflictError(
            Message("An external monitor of an older version watches this experiment, and the two exclude each other."),
            Message(
                "Delete it once with databricks.agents.monitoring.delete_external_monitor, then start the scorers."
            ),
        ) from error
