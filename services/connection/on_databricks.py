"""What the console stands on in a Databricks workspace, each part asked on its own."""

from dataclasses import replace
from typing import TYPE_CHECKING

from services.connection import experiments, looks
from services.connection.ground import Ground, Look, bound
from services.connection.lines import Check, Light, Line, failed
from services.errors import ConsoleError
from services.messages import Message, mark
from services.platforms.databricks import access as access_to
from services.platforms.databricks import links, reach
from services.platforms.databricks.access import Access
from services.platforms.databricks.place import Place
from services.platforms.databricks.reach import Identity
from services.platforms.databricks.rest import Rest

if TYPE_CHECKING:
    from services.workspace import Workspace

SIGN_IN = mark("Sign-in")


def sign_in(workspace: "Workspace") -> tuple[Line, Identity | None]:
    """Who the workspace takes us for, and by which of the credentials; None when it refused them or is away."""
    access = access_to.of(workspace)
    try:
        me = reach.check(access)
    except ConsoleError as error:
        return failed(SIGN_IN, error), None
    access = replace(access, workspace_id=me.workspace_id)
    values = {"name": me.name, "host": access.host, "way": way(access)}
    found = Message("{name} on {host}, signed in by {way}.", **values)
    if not access.unused:
        return Line(SIGN_IN, Light.GREEN, found, link=links.page(access, "")), me
    return Line(
        SIGN_IN,
        Light.AMBER,
        found,
        Message("There is also: {others}. Take away what is not meant, or set DATABRICKS_AUTH_TYPE.", others=", ".join(access.unused)),
        link=links.page(access, ""),
    ), me  # fmt: skip


def way(access: Access) -> Message:
    """The chosen credentials in words; never their values."""
    if access.app_name:
        return Message("the identity of the Databricks App “{name}”", name=access.app_name)
    if access.profile:
        return Message("the profile “{name}” ({type})", name=access.profile, type=access.auth_type)
    if access.auth_type == "pat":
        return Message("the token in DATABRICKS_TOKEN")
    if access.auth_type == "oauth-m2m":
        return Message("the service principal in DATABRICKS_CLIENT_ID")
    return Message("“{type}”", type=access.auth_type)


def checks(workspace: "Workspace", place: Place, me: Identity) -> list[Check]:
    """The lines that need a sign-in."""
    access = replace(access_to.of(workspace), workspace_id=me.workspace_id)
    ground = Ground(access, place, workspace.app.experiment_id, Rest(access), me)
    found: dict[str, Look] = {
        mark("Catalog"): looks.catalog,
        mark("Schema"): looks.schema,
        mark("Folder of the experiments"): experiments.folder,
        mark("SQL warehouse"): looks.warehouse,
        mark("Secret scope"): looks.secrets,
        mark("Prompt registry"): looks.prompts,
    }
    if ground.experiment_id:
        found |= {
            mark("The app's experiment"): experiments.experiment,
            mark("Production monitoring"): experiments.monitoring,
        }
    return [Check(name, bound(look, name, ground)) for name, look in found.items()]
