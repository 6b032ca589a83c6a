"""What this console is connected to: the platform, the credentials it uses, and where it keeps things there."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from services import apps, audit
from services.audit import Verb
from services.connection import embedded, lines, on_databricks
from services.connection.choices import Choices, choices
from services.connection.lines import Light, Line, Report
from services.connection.making import make_missing
from services.connection.storage import STORAGES, Storage
from services.errors import ConflictError, NotReadyError
from services.messages import Message
from services.platforms.databricks.place import VARIABLES, Place, merged

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "STORAGES",
    "Choices",
    "Light",
    "Line",
    "Place",
    "Report",
    "Storage",
    "choices",
    "chosen_place",
    "decided_by",
    "place",
    "report",
    "save_place",
]

KEY = "place"


def report(workspace: "Workspace") -> Report:
    """Everything the console stands on, each line with its light, within seconds whatever is away."""
    if workspace.settings.databricks is None:
        return lines.report(embedded.checks(workspace))
    first, me = on_databricks.sign_in(workspace)
    if me is None:
        return lines.Report(lines.now(), (first,))
    rest = lines.report([*on_databricks.checks(workspace, place(workspace), me), embedded.of_worker(workspace)])
    return lines.Report(rest.at, (first, *rest.lines))


def place(workspace: "Workspace") -> Place:
    """Where things are kept on the workspace: what the environment decides, else what was chosen; maybe nothing yet."""
    return merged(workspace.settings.place, apps.load_setting(_console_wide(workspace), KEY) or {})


def chosen_place(workspace: "Workspace") -> Place:
    """The place with a catalog and a schema; raises NotReadyError as long as nobody chose them."""
    found = place(workspace)
    if not found.full_schema:
        raise NotReadyError(
            Message("Nobody chose a catalog and schema for prompts and agents yet."),
            Message("Ask an admin to choose them on the Connection screen."),
        )
    return found


def decided_by(workspace: "Workspace") -> dict[str, str]:
    """The environment variable behind each part of the place that people cannot choose."""
    decided = asdict(workspace.settings.place)
    return {name: variable for name, variable in VARIABLES.items() if decided[name]}


def save_place(workspace: "Workspace", chosen: Place) -> None:
    """Keep people's choice, and make the catalog, schema and folder that are not there yet.

    What the environment decides stays as it is. Raises InvalidInputError for names no workspace takes, what the
    workspace refuses, and ConflictError when apps would lose their prompts and agents, which another schema has not.
    """
    wide, before = _console_wide(workspace), place(workspace)
    kept = merged(workspace.settings.place, asdict(chosen))
    if before.full_schema and kept.full_schema != before.full_schema:
        _refuse_when_used(workspace, before)
    with audit.change(wide, Verb.CHOOSE_PLACE, "place", before=asdict(before), after=asdict(kept)):
        if workspace.settings.databricks is not None:
            make_missing(workspace.settings.databricks, kept)
        apps.save_setting(wide, KEY, asdict(chosen))


def _refuse_when_used(workspace: "Workspace", now: Place) -> None:
    used = [*apps.all(workspace), *apps.all(workspace, archived=True)]
    if used:
        raise ConflictError(
            Message(
                "The prompts and agents of {apps} are kept in {schema}: in another catalog or schema they would be lost.",
                apps=", ".join(one.name for one in used),
                schema=now.full_schema,
            ),
            Message("Keep the catalog and schema; for another one, start a console with a data folder of its own."),
        )


def _console_wide(workspace: "Workspace") -> "Workspace":
    return workspace.for_app(apps.NO_APP)
