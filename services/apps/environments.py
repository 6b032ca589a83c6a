"""Where an app's versions stand before customers meet them: development, staging and production, each with its own
endpoint and prompt alias, and with what it decides about the agent."""

import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from services import audit, jobs
from services.apps.form import SLUG
from services.apps.records import (
    ENVIRONMENTS,
    App,
    Environment,
    Stage,
    all,
    get,
    load_setting,
    load_version,
    save_setting,
)
from services.audit import Verb
from services.database import job as job_table
from services.database import release as release_table
from services.errors import ConflictError, InvalidInputError, NotFoundError
from services.messages import Message, mark

if TYPE_CHECKING:
    from services.workspace import Workspace

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SCHEMA = re.compile(r"[^\s./`]{1,100}\.[^\s./`]{1,100}")
STAGING_FIRST = "staging_first"
TITLE = {
    Stage.DEVELOPMENT: mark("Development"),
    Stage.STAGING: mark("Staging"),
    Stage.PRODUCTION: mark("Production"),
}


def of(workspace: "Workspace") -> dict[Stage, Environment]:
    """The app's environments in their order; production is always there, the others once they have an endpoint."""
    stored, app = load_setting(workspace, ENVIRONMENTS) or {}, get(workspace, workspace.app.id)
    own = {stage: stored.get(stage.value) or {} for stage in Stage}
    own[Stage.PRODUCTION] = {**own[Stage.PRODUCTION], "endpoint": app.endpoint}
    return {stage: Environment.from_json(stage, values) for stage, values in own.items() if values}


def at(workspace: "Workspace", stage: Stage) -> "Workspace":
    """The workspace as it works in one of the app's environments; raises NotFoundError where the app has none such."""
    if workspace.app.environment.stage is stage:
        return workspace
    found = of(workspace).get(stage)
    if found is None:
        raise NotFoundError(
            Message("The app has no environment for {stage}.", stage=Message(TITLE[stage])),
            Message("An admin gives it one on the Apps screen, under Environments."),
        )
    return workspace.for_app(replace(workspace.app, endpoint=found.endpoint, environment=found))


def everywhere(workspace: "Workspace") -> list["Workspace"]:
    """The workspace in each of the app's environments, production last."""
    return [at(workspace, stage) for stage in of(workspace)]


def pointer(workspace: "Workspace") -> str:
    """What a release holds alone while it runs: each environment has a pointer of its own."""
    environment = workspace.app.environment
    return f"pointer:{workspace.app.id}" + ("" if environment.live else f":{environment.stage}")


def save_environment(workspace: "Workspace", wanted: Environment, seen: Environment | None = None) -> None:
    """Store one environment; raises InvalidInputError or ConflictError. It counts from the next deployment on.

    `seen` is what `wanted` was made from: when it is another one by now, somebody else's change would be lost.
    """
    _check(workspace, wanted)
    if wanted.stage is Stage.STAGING and not wanted.endpoint and staging_first(workspace):
        raise ConflictError(
            Message("What goes to production must be proven in staging first, so staging cannot be taken away."),
            Message("Switch that off, then take the environment away."),
        )
    _keeps_its_endpoint(workspace, wanted)
    _keeps_its_history(workspace, wanted)
    version, stored = load_version(workspace, ENVIRONMENTS)
    stored = stored or {}
    if seen is not None and of(workspace).get(wanted.stage) != seen:
        raise ConflictError(
            Message("Somebody else changed the environment meanwhile."),
            Message("Reload the page and look at it again."),
        )
    values = {name: value for name, value in asdict(wanted).items() if name != "stage"}
    if wanted.stage is Stage.PRODUCTION:
        del values["endpoint"]
    elif not wanted.endpoint:
        values = {}
    before, after = _named(stored.get(wanted.stage.value) or {}), _named(values)
    with audit.change(workspace, Verb.UPDATE_APP, f"environment {wanted.stage}", before, after):
        save_setting(workspace, ENVIRONMENTS, stored | {wanted.stage.value: values}, read=version)


def staging_first(workspace: "Workspace") -> bool:
    """Whether what goes to production must have been proven in staging; not until an admin asks for it."""
    return bool((load_setting(workspace, STAGING_FIRST) or {}).get("wanted"))


def save_staging_first(workspace: "Workspace", wanted: bool) -> None:
    """Store it; it counts at once, also for what is proposed already. Raises NotFoundError without a staging."""
    audit.require(workspace, Verb.SAVE_APPROVAL_RULE)
    if wanted:
        at(workspace, Stage.STAGING)
    with audit.change(workspace, Verb.SAVE_APPROVAL_RULE, "staging first", staging_first(workspace), wanted):
        save_setting(workspace, STAGING_FIRST, {"wanted": wanted})


def other_app_at(workspace: "Workspace", endpoint: str) -> App | None:
    """The app, hidden ones too, that already uses this endpoint in one of its environments."""
    others = [*all(workspace), *all(workspace, archived=True)]
    for app in (one for one in others if one.id != workspace.app.id):
        if endpoint in {one.endpoint for one in of(workspace.for_app(app)).values()}:
            return app
    return None


def other_stage_at(workspace: "Workspace", stage: Stage, endpoint: str) -> Stage | None:
    """The app's environment beside `stage` that already uses this endpoint."""
    return next(
        (one.stage for one in of(workspace).values() if one.stage is not stage and one.endpoint == endpoint), None
    )


def refuse_taken(workspace: "Workspace", stage: Stage, endpoint: str) -> None:
    """Raise ConflictError when the endpoint is that of another of the app's environments."""
    if other_stage_at(workspace, stage, endpoint) is not None:
        raise _taken(endpoint)


def _check(workspace: "Workspace", wanted: Environment) -> None:
    wrong = [name for name in (*wanted.config, *wanted.variables) if not NAME.fullmatch(name)]
    if wrong:
        raise InvalidInputError(
            Message("“{name}” cannot be a name here.", name=wrong[0]),
            Message("Use letters, digits and underscores, beginning with a letter."),
        )
    if wanted.schema and not SCHEMA.fullmatch(wanted.schema):
        raise InvalidInputError(
            Message("“{name}” is not a catalog with a schema.", name=wanted.schema),
            Message("Write it as catalog.schema, such as staging.llmops."),
        )
    if wanted.target not in workspace.platform.serving.rules.targets:
        raise InvalidInputError(
            Message("This platform serves no agents in that way."), Message("Choose another way to serve them.")
        )
    if wanted.stage is Stage.PRODUCTION and not wanted.judged:
        raise InvalidInputError(
            Message("What goes to production is always judged."), Message("Change the gate on its own tab.")
        )
    if wanted.stage is Stage.PRODUCTION or not wanted.endpoint:
        return
    if not SLUG.fullmatch(wanted.endpoint):
        raise InvalidInputError(
            Message("“{name}” cannot be an endpoint's name.", name=wanted.endpoint),
            Message(
                "Use 2 to 40 small letters, digits and hyphens, beginning with a letter, such as customer-support."
            ),
        )
    refuse_taken(workspace, wanted.stage, wanted.endpoint)
    if other_app_at(workspace, wanted.endpoint) is not None:
        raise _taken(wanted.endpoint)


def _taken(endpoint: str) -> ConflictError:
    return ConflictError(
        Message("The endpoint {name} is taken already.", name=endpoint),
        Message("Choose another name: two environments on one endpoint overwrite each other."),
    )


def _keeps_its_endpoint(workspace: "Workspace", wanted: Environment) -> None:
    """Raise ConflictError when something answers in the environment and would be lost sight of."""
    now = of(workspace).get(wanted.stage)
    endpoint = wanted.endpoint if wanted.stage is not Stage.PRODUCTION else workspace.app.endpoint
    if now is None or (now.endpoint, now.schema) == (endpoint, wanted.schema):
        return
    there = at(workspace, wanted.stage)
    standing = workspace.platform.serving.endpoint(there, now.endpoint)
    if standing is not None and any(one.weight for one in standing.versions):
        raise ConflictError(
            Message(
                "The endpoint {name} answers now: the environment keeps its endpoint and schema.", name=now.endpoint
            ),
            Message("Make another app where another endpoint is needed."),
        )
    if _moving(there) or (standing is not None and standing.versions):
        raise ConflictError(
            Message("A release is on its way, or what it started still stands at {name}.", name=now.endpoint),
            Message("End the release first, or withdraw it: then the environment can be changed."),
        )


def _keeps_its_history(workspace: "Workspace", wanted: Environment) -> None:
    """Raise ConflictError when releases went to an environment that is to be taken off the list."""
    if wanted.stage is Stage.PRODUCTION or wanted.endpoint:
        return
    there = release_table.c.moves["stage"].as_string() == wanted.stage.value
    with workspace.engine.connect() as connection:
        mine = select(release_table.c.id).where(release_table.c.app_id == workspace.app.id, there).limit(1)
        if connection.execute(mine).scalar() is None:
            return
    raise ConflictError(
        Message("Releases went there, and nobody could read them any more without the environment."),
        Message("Keep its endpoint's name. Shut down on the Endpoints screen, it costs nothing."),
    )


def _moving(workspace: "Workspace") -> bool:
    held = (job_table.c.exclusive == pointer(workspace)) & job_table.c.state.in_(jobs.LIVE)
    with workspace.engine.connect() as connection:
        return connection.execute(select(job_table.c.id).where(held)).scalar() is not None


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log keeps of it: names of variables without their values."""
    return dict(values) | ({"variables": sorted(values["variables"])} if "variables" in values else {})
