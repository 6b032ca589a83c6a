"""The end of a rehearsal: how it went is kept with the app, and of the practice copy nothing stays but the trash of MLflow."""

import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table, delete, or_, select, update

from services import agents, apps, jobs, prompts
from services.database import app as app_table
from services.database import event_log, metadata, served, writing
from services.database import job as job_table
from services.errors import NotFoundError, PlatformError, existing, translated
from services.messages import Message
from services.people import CONSOLE
from services.processes.lock import held
from services.readmodel import file as readmodel_file
from services.rehearsal import records

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace

PATIENCE = 120.0
PAUSE = 0.2
PAGE = 1000


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The job: each step can be done again, and the copy's own rows go last."""
    try:
        place = replace(workspace, actor=CONSOLE).for_app(apps.get(workspace, work.args["copy"]))
    except NotFoundError:  # an attempt before this one came to the end
        return {}
    found = records.load(place)[1]
    assert found is not None and place.app.practice
    records.keep_outcome(workspace, found)
    work.progress(0, 4, Message("Stopping what the practice copy does"))
    _set_aside(place)
    _until(work, lambda: not _jobs_run(place), Message("Jobs of the practice copy do not end."))
    work.progress(1, 4, Message("Stopping its endpoint"))
    _until(work, lambda: not _served(place), Message("The agent of the practice copy does not stop."))
    work.progress(2, 4, Message("Deleting what MLflow keeps of it"))
    _clear_mlflow(place)
    work.progress(3, 4, Message("Deleting what the console keeps of it"))
    _clear_files(place)
    _clear_rows(place)
    return {"copy": place.app.id}


def _set_aside(place: "Workspace") -> None:
    """Archived, so that nothing new begins; what waits is cancelled, what runs is asked to stop, nothing is served."""
    mine = job_table.c.app_id == place.app.id
    waits = mine & (job_table.c.state == jobs.State.QUEUED.value)
    with writing(place.engine) as connection:
        place.fence(connection)
        connection.execute(update(app_table).where(app_table.c.id == place.app.id).values(archived=True))
        connection.execute(update(job_table).where(mine, job_table.c.state.in_(jobs.LIVE)).values(cancel=True))
        connection.execute(update(job_table).where(waits).values(state=jobs.State.CANCELLED.value))
        gone = {"wanted": "down", "weight": 0, "revision": served.c.revision + 1}
        connection.execute(update(served).where(served.c.app_id == place.app.id).values(**gone))


def _jobs_run(place: "Workspace") -> bool:
    """One that repeats may have been given back in the meantime."""
    mine = (job_table.c.app_id == place.app.id) & (job_table.c.state == jobs.State.QUEUED.value)
    with writing(place.engine) as connection:
        connection.execute(update(job_table).where(mine).values(state=jobs.State.CANCELLED.value))
    return any(one.live for one in jobs.recent(place, limit=PAGE))


def _served(place: "Workspace") -> bool:
    """Whether a version of it still runs; without a gateway none does."""
    if not held(place.settings.run_folder / "gateway.lock"):
        return False
    query = select(served.c.id).where(served.c.app_id == place.app.id, served.c.pid.is_not(None))
    with place.engine.connect() as connection:
        return connection.execute(query).first() is not None


def _until(work: "Work", well: Callable[[], bool], told: Message) -> None:
    end = time.monotonic() + PATIENCE
    while not well():
        work.check()
        if time.monotonic() > end:
            raise PlatformError(told, Message("End the rehearsal again."))
        time.sleep(PAUSE)


def _clear_mlflow(place: "Workspace") -> None:
    """Runs and logged models stay in MLflow's trash until its own gc, which takes what others deleted as well."""
    client, experiment = place.client, place.app.experiment_id
    with translated(Message("Deleting the practice copy")):
        for name in prompts.every_name(place):
            for version in prompts.every_version(place, name):
                client.delete_prompt_version(place.full_name(name), str(version.version))
            client.delete_prompt(place.full_name(name))
        registered = agents.registered_name(place)
        if client.search_registered_models(filter_string=f"name = '{registered}'"):
            client.delete_registered_model(registered)
        if not _stands(place):
            return
        for dataset in client.search_datasets(experiment_ids=[experiment], max_results=200):
            client.delete_dataset(dataset.dataset_id)
        while found := client.search_traces(locations=[experiment], max_results=100, include_spans=False):
            client.delete_traces(experiment, trace_ids=[one.info.trace_id for one in found])
        while models := client.search_logged_models(experiment_ids=[experiment]):
            for model in models:
                client.delete_logged_model(model.model_id)
        client.delete_experiment(experiment)


def _stands(place: "Workspace") -> bool:
    """Whether the copy's experiment is neither deleted, the last thing that happens to it, nor gone for good."""
    found = existing(place.client.get_experiment, place.app.experiment_id)
    return found is not None and found.lifecycle_stage == "active"


def _clear_files(place: "Workspace") -> None:
    """The copy's folder of files and its read model."""
    shutil.rmtree(place.settings.home / "artifacts" / place.app.id, ignore_errors=True)
    kept = readmodel_file.path(place)
    for one in kept.parent.glob(f"{kept.stem}.*"):
        one.unlink(missing_ok=True)


def _clear_rows(place: "Workspace") -> None:
    """Every row of the app but the audit log's, which nothing takes a line from."""
    with writing(place.engine) as connection:
        place.fence(connection)
        for table in reversed(metadata.sorted_tables):
            mine = _of(table, place.app.id)
            if mine is not None and table is not event_log:
                connection.execute(delete(table).where(mine))
        connection.execute(delete(app_table).where(app_table.c.id == place.app.id))


def _of(table: Table, app_id: str) -> ColumnElement[bool] | None:
    """Which rows are the app's, by themselves or by what they belong to; None where none belong to an app."""
    if "app_id" in table.c:
        return table.c.app_id == app_id
    ways = ((key, _of(key.column.table, app_id)) for key in table.foreign_keys)
    found = [key.parent.in_(select(key.column).where(mine)) for key, mine in ways if mine is not None]
    return or_(*found) if found else None
