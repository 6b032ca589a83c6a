"""Apps: one MLflow experiment each, with the settings that every other screen works from."""

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from services import audit
from services.apps.environments import (
    TITLE,
    at,
    everywhere,
    other_app_at,
    other_stage_at,
    pointer,
    refuse_taken,
    save_environment,
    save_staging_first,
    staging_first,
)
from services.apps.environments import of as environments_of
from services.apps.experiments import Experiment, own_experiment, refuse_git_folder, unused_experiments
from services.apps.form import AppForm, check, form_of, problems, settings_of
from services.apps.freezing import Freeze, freezes, frozen_at, save_freezes
from services.apps.gate import CRITICAL, VERDICT, WITHIN, Gate, GateVersion, check_gate, gate_history, gate_problems
from services.apps.gate import in_words as gate_in_words
from services.apps.places import Places, is_path, steps
from services.apps.records import (
    ALIASES,
    NO_APP,
    OFFLINE,
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
from services.database import app as table
from services.database import setting, writing
from services.errors import ConflictError, ConsoleError
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

__all__ = [
    "ALIASES",
    "CRITICAL",
    "NO_APP",
    "OFFLINE",
    "RUNTIME_VARIABLES",
    "TITLE",
    "VERDICT",
    "WITHIN",
    "App",
    "AppForm",
    "Environment",
    "Experiment",
    "Freeze",
    "Gate",
    "GateVersion",
    "Places",
    "Stage",
    "adopt",
    "all",
    "archive",
    "at",
    "choose_dataset",
    "create",
    "environments_of",
    "everywhere",
    "form_of",
    "freezes",
    "frozen_at",
    "gate_history",
    "gate_in_words",
    "gate_problems",
    "get",
    "is_path",
    "load_setting",
    "load_version",
    "other_app_at",
    "other_stage_at",
    "pointer",
    "problems",
    "problems_of_new",
    "save",
    "save_environment",
    "save_freezes",
    "save_gate",
    "save_setting",
    "save_staging_first",
    "staging_first",
    "steps",
    "unused_experiments",
]

RUNTIME_VARIABLES = frozenset({"question"})


def create(workspace: "Workspace", form: AppForm, *, sample: bool = False) -> App:
    """Create an app with an experiment of its own; raises InvalidInputError or ConflictError."""
    _check_new(workspace, form)
    with audit.change(_at(workspace, form.id), Verb.CREATE_APP, form.id, after=form.name):
        experiment = own_experiment(workspace, form.id)
        _insert(workspace, form, experiment, sample)
    return get(workspace, form.id)


def adopt(workspace: "Workspace", form: AppForm, experiment_id: str) -> App:
    """Make an app around an experiment that exists already; its traces and runs show at once."""
    _check_new(workspace, form)
    if experiment_id not in {experiment.id for experiment in unused_experiments(workspace)}:
        raise ConflictError(
            Message("Experiment {id} does not exist or belongs to another app.", id=experiment_id),
            Message("Choose one of the experiments on the list."),
        )
    refuse_git_folder(workspace, experiment_id)
    with audit.change(_at(workspace, form.id), Verb.CREATE_APP, form.id, after=f"experiment {experiment_id}"):
        _insert(workspace, form, experiment_id, sample=False)
    return get(workspace, form.id)


def save(workspace: "Workspace", form: AppForm) -> App:
    """Store new settings of the workspace's app as a new version; the short name never changes."""
    app = get(workspace, workspace.app.id)
    check(replace(form, id=app.id))
    if form.endpoint != app.endpoint and _answers(workspace, app):
        raise ConflictError(
            Message("The endpoint {name} answers people now and cannot be renamed.", name=app.endpoint),
            Message("Make a new app with the other endpoint, or keep the name."),
        )
    refuse_taken(workspace, Stage.PRODUCTION, form.endpoint)
    with audit.change(workspace, Verb.UPDATE_APP, app.id, before=settings_of(app), after=settings_of(form)):
        save_setting(workspace, "app", settings_of(form))
    return get(workspace, app.id)


def save_gate(workspace: "Workspace", gate: Gate) -> None:
    """Store what an evaluation must reach as a new version; raises InvalidInputError for what nothing can reach."""
    check_gate(gate)
    with audit.change(workspace, Verb.SAVE_GATE, workspace.app.id, workspace.app.gate.to_json(), after=gate.to_json()):
        save_setting(workspace, "gate", gate.to_json())


def choose_dataset(workspace: "Workspace", dataset_id: str) -> None:
    """Make a dataset the one that releases are judged on."""
    with audit.change(workspace, Verb.UPDATE_APP, "dataset", before=workspace.app.dataset_id, after=dataset_id):
        save_setting(workspace, "dataset", dataset_id)


def archive(workspace: "Workspace", archived: bool = True) -> None:
    """Hide the app from the list, or bring it back; nothing is deleted."""
    with audit.change(workspace, Verb.ARCHIVE_APP, workspace.app.id, after=archived):
        _set_archived(workspace, archived)


def problems_of_new(workspace: "Workspace", form: AppForm) -> dict[str, ConsoleError]:
    """What keeps a new app from being created, by the field's name; empty when nothing does."""
    found: dict[str, ConsoleError] = {**problems(form)}
    with workspace.engine.connect() as connection:
        taken = connection.execute(select(table.c.id).where(table.c.id == form.id)).scalar()
    if taken:
        found["id"] = ConflictError(
            Message("There is already an app with the short name “{id}”.", id=form.id),
            Message("Choose another short name."),
        )
    return found


def _check_new(workspace: "Workspace", form: AppForm) -> None:
    for problem in problems_of_new(workspace, form).values():
        raise problem


def _answers(workspace: "Workspace", app: App) -> bool:
    endpoint = workspace.platform.serving.endpoint(workspace, app.endpoint)
    return endpoint is not None and any(one.weight for one in endpoint.versions)


def _set_archived(workspace: "Workspace", archived: bool) -> None:
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        connection.execute(update(table).where(table.c.id == workspace.app.id).values(archived=archived))


def _insert(workspace: "Workspace", form: AppForm, experiment_id: str, sample: bool) -> None:
    rows = [{"key": "app", "value": settings_of(form)}, {"key": "gate", "value": form.gate.to_json()}]
    with writing(workspace.engine) as connection:
        connection.execute(insert(table).values(id=form.id, experiment_id=experiment_id, sample=sample))
        common = {"app_id": form.id, "version": 1, "actor": workspace.actor.id}
        connection.execute(insert(setting), [row | common for row in rows])


def _at(workspace: "Workspace", id: str) -> "Workspace":
    """The workspace as the new app's, so that its first event stands in its own log."""
    return workspace.for_app(replace(NO_APP, id=id))
