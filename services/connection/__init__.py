"""What this console is connected to: the platform, the credentials it uses, and where it keeps things there."""

from dataclasses import asdict
from typing import TYPE_CHECKING

from services import apps, audit
from services.audit import Verb
from services.errors import NotReadyError
from services.messages import Message
from services.platforms.databricks.place import Place, merged

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = ["Place", "chosen_place", "place", "save_place"]

KEY = "place"


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


def save_place(workspace: "Workspace", chosen: Place) -> None:
    """Keep people's choice; what the environment decides stays as it is."""
    wide = _console_wide(workspace)
    with audit.change(wide, Verb.CHOOSE_PLACE, "place", before=asdict(place(workspace)), after=asdict(chosen)):
        apps.save_setting(wide, KEY, asdict(chosen))


def _console_wide(workspace: "Workspace") -> "Workspace":
    return workspace.for_app(apps.NO_APP)
