"""Scorers as they are stored: plain settings of the app, every change a new version."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from services import apps, audit
from services.audit import Verb
from services.errors import ConflictError, NotFoundError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "scorers"


@dataclass(frozen=True)
class ScorerSpec:
    """One scorer as the operator set it up; every change makes a new version."""

    name: str
    kind: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0


def all(workspace: "Workspace") -> list[ScorerSpec]:
    """The app's scorers as they are now, in the order they were made."""
    return [_spec(one) for one in _newest(_stored(workspace)) if not one["removed"]]


def at(workspace: "Workspace", name: str, version: int) -> ScorerSpec:
    """A scorer as it was in `version`, also when it was changed or removed since; raises NotFoundError."""
    for one in versions(workspace, name):
        if one.version == version:
            return one
    raise NotFoundError(
        Message("The scorer {name} has no version {version}.", name=name, version=version),
        Message("Open the list of scorers."),
    )


def versions(workspace: "Workspace", name: str) -> list[ScorerSpec]:
    """Everything a scorer was, the oldest first; empty when there never was one of that name."""
    return [_spec(one) for one in _stored(workspace) if one["name"] == name]


def keep(workspace: "Workspace", spec: ScorerSpec, verb: Verb, why: str = "") -> ScorerSpec:
    """Store a spec that was checked as a new scorer or a new version of one; raises ConflictError."""
    before = _named(_stored(workspace), spec.name)
    with audit.change(workspace, verb, spec.name, before=before, after=asdict(spec), why=why) as change:
        # Read again: others save scorers too, and all of them are one list.
        read, stored = _read(workspace)
        newest = _named(stored, spec.name)
        made = replace(spec, version=newest["version"] + 1 if newest else 1)
        apps.save_setting(workspace, SETTING, [*stored, asdict(made) | {"removed": False}], read)
        change.after = asdict(made)
    return made


def remove(workspace: "Workspace", name: str) -> None:
    """Take a scorer off the list; its versions stay readable for old evaluations.

    Raises ConflictError while it judges production's answers: nothing could stop it any more.
    """
    audit.require(workspace, Verb.REMOVE_SCORER)
    kept = _named(_stored(workspace), name)
    if kept is None or kept["removed"]:
        raise NotFoundError(Message("There is no scorer {name}.", name=name), Message("Open the list of scorers."))
    if any(one.name == name and one.running for one in workspace.platform.scoring.status(workspace)):
        raise ConflictError(
            Message("The scorer {name} judges answers now.", name=name),
            Message("Stop it on the Monitoring screen, then remove it."),
        )
    with audit.change(workspace, Verb.REMOVE_SCORER, name, before=kept):
        read, stored = _read(workspace)
        gone = _named(stored, name)
        apps.save_setting(workspace, SETTING, [one | {"removed": True} if one is gone else one for one in stored], read)


def _stored(workspace: "Workspace") -> list[dict[str, Any]]:
    """Every version of every scorer, oldest first."""
    return _read(workspace)[1]


def _read(workspace: "Workspace") -> tuple[int, list[dict[str, Any]]]:
    """With the number of the setting's own version."""
    version, stored = apps.load_version(workspace, SETTING)
    return version, list(stored or [])


def _named(stored: list[dict[str, Any]], name: str) -> dict[str, Any] | None:
    return next((one for one in _newest(stored) if one["name"] == name), None)


def _newest(stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({one["name"]: one for one in stored}.values())


def _spec(stored: Mapping[str, Any]) -> ScorerSpec:
    return ScorerSpec(stored["name"], stored["kind"], stored["settings"], stored["version"])
