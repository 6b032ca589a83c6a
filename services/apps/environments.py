"""Where an app's versions stand before customers meet them: development, staging and production, each with its own
endpoint and prompt alias, and with what it decides about the agent."""

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from services import audit
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
from services.errors import ConflictError, InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def of(workspace: "Workspace") -> dict[Stage, Environment]:
    """The app's environments in their order; production is always there, the others once they have an endpoint."""
    stored, app = load_setting(workspace, ENVIRONMENTS) or {}, get(workspace, workspace.app.id)
    own = {stage: stored.get(stage.value) or {} for stage in Stage}
    own[Stage.PRODUCTION] = {**own[Stage.PRODUCTION], "endpoint": app.endpoint}
    return {stage: Environment(stage, **values) for stage, values in own.items() if values}


def save_environment(workspace: "Workspace", wanted: Environment, seen: Environment | None = None) -> None:
    """Store one environment; raises InvalidInputError or ConflictError. It counts from the next deployment on.

    `seen` is what `wanted` was made from: when it is another one by now, somebody else's change would be lost.
    """
    _check(workspace, wanted)
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


def other_app_at(workspace: "Workspace", endpoint: str) -> App | None:
    """The app, hidden ones too, that already uses this endpoint in one of its environments."""
    others = [*all(workspace), *all(workspace, archived=True)]
    for app in (one for one in others if one.id != workspace.app.id):
        if endpoint in {one.endpoint for one in of(workspace.for_app(app)).values()}:
            return app
    return None


def _check(workspace: "Workspace", wanted: Environment) -> None:
    wrong = [name for name in (*wanted.config, *wanted.variables) if not NAME.fullmatch(name)]
    if wrong:
        raise InvalidInputError(
            Message("“{name}” cannot be a name here.", name=wrong[0]),
            Message("Use letters, digits and underscores, beginning with a letter."),
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
    own = {one.endpoint for stage, one in of(workspace).items() if stage is not wanted.stage}
    other = other_app_at(workspace, wanted.endpoint)
    if wanted.endpoint in own or other is not None:
        raise ConflictError(
            Message("The endpoint {name} is taken already.", name=wanted.endpoint),
            Message("Choose another name: two environments on one endpoint overwrite each other."),
        )


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit log keeps of it: names of variables without their values."""
    return dict(values) | ({"variables": sorted(values["variables"])} if "variables" in values else {})
