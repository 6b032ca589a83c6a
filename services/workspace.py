"""Where the console works: one platform per process, one app and one actor per session or job."""

import fcntl
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import mlflow
from mlflow import MlflowClient
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository
from sqlalchemy import Connection, Engine

from services import database
from services.apps import NO_APP, App
from services.people import Actor
from services.platforms import History, Scoring, Serving, databricks
from services.platforms.compute import Compute
from services.settings import PRACTICE, Settings


@dataclass(frozen=True)
class Platform:
    """What one process is connected to."""

    name: str
    settings: Settings
    engine: Engine
    serving: Serving
    scoring: Scoring
    history: History
    compute: Compute | None


def _no_fence(connection: Connection) -> None:
    return None


@dataclass(frozen=True)
class Workspace:
    """One actor working on one app; inside a job, `fence` stops the writes of a superseded attempt."""

    platform: Platform
    actor: Actor
    app: App = NO_APP
    fence: Callable[[Connection], None] = field(default=_no_fence, repr=False)

    @property
    def settings(self) -> Settings:
        return self.platform.settings

    @property
    def engine(self) -> Engine:
        return self.platform.engine

    @property
    def usual_model(self) -> str:
        """What the app's agents ask unless somebody says otherwise: never the practice model's name of a real model."""
        own = self.app.model
        return own if own and (own == PRACTICE) is self.settings.practice else self.settings.model

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.settings.tracking_uri, self.settings.registry_uri)

    @property
    def artifacts(self) -> ArtifactRepository:
        """The files kept with the app's experiment."""
        if self.settings.databricks is not None:
            from services.platforms.databricks import files

            return files.repository(self)
        return get_artifact_repository(self.client.get_experiment(self.app.experiment_id).artifact_location)

    @property
    def namespace(self) -> tuple[str, ...]:
        """Where the registry keeps this console's prompts and models: catalog and schema, or nothing."""
        if self.settings.databricks is None:
            return ()
        from services import connection

        place = connection.chosen_place(self)
        return place.catalog, place.schema

    def full_name(self, name: str) -> str:
        """The registry's name of a prompt or model; a full name stays as it is."""
        prefix = "".join(f"{part}." for part in self.namespace)
        return name if name.startswith(prefix) else prefix + name

    def short_name(self, name: str) -> str:
        """The name as people read it: without the catalog and schema that all of the console's names share."""
        return name.removeprefix("".join(f"{part}." for part in self.namespace))

    def for_app(self, app: App) -> "Workspace":
        """On that app, with the part of the platform that serves as its environment asks for."""
        serving = self.platform.serving.of(app.environment.target)
        return replace(self, app=app, platform=replace(self.platform, serving=serving))


def connect(settings: Settings) -> Platform:
    """Connect this process, once: MLflow's state is process-wide, so a changed connection needs a restart.

    Raises PlatformError or ForbiddenError when a workspace does not answer: asked by ourselves, because the SDKs would
    wait for minutes.
    """
    from services.platforms import local
    from services.platforms.databricks import reach

    if settings.databricks is not None:
        number = reach.check(settings.databricks).workspace_id
        settings = replace(settings, databricks=replace(settings.databricks, workspace_id=number))
    _bound_mlflow(settings)
    _create_store_once(settings)
    if settings.databricks is not None:
        from services.platforms.databricks import host

        host.remember(MlflowClient(settings.tracking_uri, settings.registry_uri))
    parts = databricks.parts(settings.databricks) if settings.databricks else local.parts()
    return Platform(settings.platform, settings, database.connect(settings.database_url), *parts)


def store_of(settings: Settings) -> Path | None:
    """The file of MLflow's own store; None when it is on a server."""
    return database.file_of(settings.tracking_uri)


def _bound_mlflow(settings: Settings) -> None:
    """No telemetry, no autolog, no prompt cache in a screen, and time limits on every remote call."""
    os.environ.update(
        MLFLOW_DISABLE_TELEMETRY="true",
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
        MLFLOW_TRACKING_URI=settings.tracking_uri,
        MLFLOW_HTTP_REQUEST_TIMEOUT="10",
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="2",
    )
    if settings.databricks is not None:
        os.environ.update(settings.databricks.environment | databricks.ENVIRONMENT)
    mlflow.set_tracking_uri(settings.tracking_uri)
    mlflow.set_registry_uri(settings.registry_uri)


def _create_store_once(settings: Settings) -> None:
    """MLflow's own first start races between processes: one of ours creates the file under a lock, in WAL mode."""
    file = store_of(settings)
    if file is None:
        return
    settings.home.mkdir(parents=True, exist_ok=True)
    with (settings.home / "mlflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not file.exists():
            MlflowClient(settings.tracking_uri).search_experiments(max_results=1)
            with sqlite3.connect(file) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
