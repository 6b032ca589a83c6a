"""The archive that a workspace keeps by itself: a job copies an experiment's traces into a table of the catalog."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlflow.tracing.archival import disable_databricks_trace_archival, enable_databricks_trace_archival

from services import apps, audit, connection
from services.audit import Verb
from services.errors import ConflictError, InvalidInputError, NotReadyError, translated
from services.messages import Message
from services.platforms.databricks import access as access_to
from services.platforms.databricks import links, rest, telling
from services.platforms.databricks.rest import Refused, Rest

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "archive_table"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,200}")


@dataclass(frozen=True)
class Archive:
    """`on`: the workspace has the job. `columns`: of the table by name and type, None while it is not there yet."""

    on: bool
    table: str
    columns: dict[str, str] | None
    job_page: str | None
    table_page: str | None

    @property
    def waiting(self) -> bool:
        """The table comes with the job's first run."""
        return self.on and self.columns is None


def state(workspace: "Workspace") -> Archive:
    """What is there now, also when somebody switched it on or off elsewhere: two short questions."""
    access, table = access_to.of(workspace), named(workspace)
    with rest.asking(access, Message("Reading the archive")) as there:
        name = f"{workspace.app.experiment_id} Trace Archive Job"
        found = there.get("2.1/jobs/list", name=name).get("jobs", [])
        columns = _columns(there, table) if table else None
    return Archive(
        on=bool(found),
        table=table,
        columns=columns,
        job_page=links.job(access, int(found[0]["job_id"])) if found else None,
        table_page=links.catalog_object(access, table) if columns is not None else None,
    )


def named(workspace: "Workspace") -> str:
    """The full name of the table as it was told to the console, without asking the workspace."""
    return str(apps.load_setting(workspace, SETTING) or "")


def suggested(workspace: "Workspace") -> str:
    """The table's name without catalog and schema."""
    return f"traces_{workspace.app.id}".replace("-", "_")


def start(workspace: "Workspace", name: str) -> str:
    """Have the workspace archive from now on, into a table of the chosen schema; returns the table's full name."""
    if not NAME.fullmatch(name):
        raise InvalidInputError(
            Message("“{name}” cannot be a table's name.", name=name),
            Message("Use letters, digits and underscores, beginning with a letter."),
        )
    schema = connection.chosen_place(workspace).full_schema
    full = f"{schema}.{name}"
    before = state(workspace)
    if before.on:
        raise ConflictError(
            Message("The workspace archives these traces already."), Message("Stop that first, or leave it as it is.")
        )
    with audit.change(workspace, Verb.START_ARCHIVE, full, before=before.table, after=full):
        # First: were the answer lost, the table would be known all the same.
        apps.save_setting(workspace, SETTING, full)
        with telling.told(Message("Starting the archive")):
            enable_databricks_trace_archival(delta_table_fullname=full, experiment_id=workspace.app.experiment_id)
    return full


def stop(workspace: "Workspace") -> None:
    """Nothing more is copied; the table stays with what it has."""
    before = state(workspace)
    if not before.on:
        raise NotReadyError(
            Message("The workspace does not archive these traces."), Message("Look at it as it is now.")
        )
    subject = before.table or workspace.app.id
    with audit.change(workspace, Verb.STOP_ARCHIVE, subject), telling.told(Message("Stopping the archive")):
        disable_databricks_trace_archival(experiment_id=workspace.app.experiment_id)


def name_table(workspace: "Workspace", full: str) -> None:
    """Tell the console into which table somebody else has the traces archived."""
    if not all(NAME.fullmatch(part) for part in full.split(".")) or full.count(".") != 2:
        raise InvalidInputError(
            Message("“{name}” cannot be a table's name.", name=full), Message("Write it as catalog.schema.table.")
        )
    with audit.change(workspace, Verb.START_ARCHIVE, full), translated(Message("Saving the table's name")):
        apps.save_setting(workspace, SETTING, full)


def _columns(there: Rest, table: str) -> dict[str, str] | None:
    try:
        found = there.get(f"2.1/unity-catalog/tables/{table}")
    except Refused as error:
        if error.missing:
            return None
        raise
    return {str(one["name"]): str(one.get("type_text", "")) for one in found.get("columns", [])}
