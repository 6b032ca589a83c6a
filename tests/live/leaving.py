"""Taking away what a walk made on a workspace: each kind by itself, so that one refusal keeps no other."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError, NotFound, ResourceDoesNotExist
from mlflow.genai.datasets import delete_dataset, search_datasets
from mlflow.genai.scorers import delete_scorer, list_scorers

from services.platforms.databricks import changing
from services.platforms.databricks.apps import BESIDE, source
from services.prompts import registered
from services.workspace import Workspace

SCORING_JOB = "{experiment} Trace Metrics Computation Job"


@dataclass(frozen=True)
class Made:
    """The names that bear all of a walk: nothing else is looked at."""

    catalog: str
    schema: str
    folder: str
    experiment: str
    endpoint: str
    scope: str

    @property
    def full_schema(self) -> str:
        return f"{self.catalog}.{self.schema}"


def leave(workspace: Workspace, made: Made) -> None:
    """Delete it all, also what is only half made; raises AssertionError that names what is still there."""
    sdk: WorkspaceClient = workspace.platform.serving.client.sdk  # type: ignore[attr-defined]
    steps: dict[str, Callable[[], None]] = {
        f"endpoint {made.endpoint}": lambda: _endpoint(workspace, sdk, made),
        f"apps {made.endpoint}": lambda: _apps(workspace, sdk, made),
        f"experiment {made.experiment}": lambda: _experiment(workspace, sdk, made),
        f"agents in {made.full_schema}": lambda: _models(workspace, sdk, made),
        f"prompts in {made.full_schema}": lambda: _prompts(workspace, sdk, made),
        f"schema {made.full_schema}": lambda: _schema(sdk, made),
        f"folder {made.folder}": lambda: _folder(sdk, made),
        f"secret scope {made.scope}": lambda: _scope(sdk, made),
    }
    left = []
    for what, take in steps.items():
        try:
            take()
        except Exception as error:  # noqa: BLE001 - whatever one of them meets, the others are taken away
            left.append(f"{what} ({str(error)[:300]})")
    assert not left, "Delete by hand what is still there: " + "; ".join(left)


def _endpoint(workspace: Workspace, sdk: WorkspaceClient, made: Made) -> None:
    """With what the workspace's list of agents says of it."""
    for model in _registered(sdk, made):
        changing.strike(workspace.platform.serving.client, made.endpoint, model)  # type: ignore[attr-defined]
    with suppress(NotFound, ResourceDoesNotExist):
        sdk.serving_endpoints.delete(made.endpoint)


def _apps(workspace: Workspace, sdk: WorkspaceClient, made: Made) -> None:
    """With their files, and the folders above them where nothing else is in them."""
    for name in (made.endpoint, made.endpoint + BESIDE):
        with suppress(NotFound, ResourceDoesNotExist):
            sdk.apps.delete(name)
    source.remove(workspace.platform.serving.client, made.endpoint)  # type: ignore[attr-defined]
    for folder in ("signalbox/apps", "signalbox"):
        with suppress(DatabricksError):
            sdk.workspace.delete(f"/Users/{sdk.current_user.me().user_name}/{folder}")


def _experiment(workspace: Workspace, sdk: WorkspaceClient, made: Made) -> None:
    """With its production scorers, the job that runs them, and its datasets; its runs and traces go with it."""
    found = workspace.client.get_experiment_by_name(made.experiment)
    if found is None or found.lifecycle_stage != "active":
        return
    id = str(found.experiment_id)
    for scorer in list_scorers(experiment_id=id):
        delete_scorer(name=scorer.name, experiment_id=id, version="all")
    for job in sdk.jobs.list(name=SCORING_JOB.format(experiment=id)):
        sdk.jobs.delete(int(job.job_id or 0))
    for dataset in search_datasets(experiment_ids=[id]):
        delete_dataset(name=dataset.name)
    workspace.client.delete_experiment(id)


def _models(workspace: Workspace, sdk: WorkspaceClient, made: Made) -> None:
    for name in _registered(sdk, made):
        for version in workspace.client.search_model_versions(f"name='{name}'"):
            workspace.client.delete_model_version(name, version.version)
        workspace.client.delete_registered_model(name)


def _prompts(workspace: Workspace, sdk: WorkspaceClient, made: Made) -> None:
    if not _has_schema(sdk, made):
        return
    for prompt in workspace.client.search_prompts(f"catalog = '{made.catalog}' AND schema = '{made.schema}'"):
        versions = [one for page in registered.pages(workspace, prompt.name) for one in page]
        for version in versions:
            workspace.client.delete_prompt_version(prompt.name, str(version.version))
        workspace.client.delete_prompt(prompt.name)


def _schema(sdk: WorkspaceClient, made: Made) -> None:
    """With its tables, such as the one of what the endpoint was asked."""
    if not _has_schema(sdk, made):
        return
    for table in list(sdk.tables.list(made.catalog, made.schema)):
        sdk.tables.delete(str(table.full_name))
    sdk.schemas.delete(made.full_schema, force=True)


def _folder(sdk: WorkspaceClient, made: Made) -> None:
    with suppress(NotFound, ResourceDoesNotExist):
        sdk.workspace.delete(made.folder, recursive=True)


def _scope(sdk: WorkspaceClient, made: Made) -> None:
    with suppress(NotFound, ResourceDoesNotExist):
        sdk.secrets.delete_scope(made.scope)


def _registered(sdk: WorkspaceClient, made: Made) -> list[str]:
    if not _has_schema(sdk, made):
        return []
    return [
        str(one.full_name) for one in sdk.registered_models.list(catalog_name=made.catalog, schema_name=made.schema)
    ]


def _has_schema(sdk: WorkspaceClient, made: Made) -> bool:
    return any(one.full_name == made.full_schema for one in sdk.schemas.list(made.catalog))
