"""Apps: one MLflow experiment each, with the settings that every other screen works from."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from mlflow.entities import ViewType
from sqlalchemy import func, insert, select, update

from services import audit
from services.audit import Verb
from services.database import app as table
from services.database import setting, writing
from services.errors import ConflictError, InvalidInputError, NotFoundError, translated
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

SLUG = re.compile(r"[a-z][a-z0-9-]{1,39}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
RUNTIME_VARIABLES = frozenset({"question"})


@dataclass(frozen=True)
class Gate:
    """What an evaluation must reach before a release: pass rates 0..1 by scorer name, and rows."""

    minimum: Mapping[str, float] = field(default_factory=dict)
    rows: int = 20


@dataclass(frozen=True)
class App:
    """One product that answers people: its experiment and its settings."""

    id: str
    name: str
    experiment_id: str
    company: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    endpoint: str = ""
    smoke_questions: tuple[str, ...] = ()
    prompt_cache_seconds: int = 5
    time_zone: str = "UTC"
    dataset_id: str | None = None
    gate: Gate = Gate()
    archived: bool = False
    sample: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """What the app fills into a prompt besides the question."""
        return {**self.constants, "company_name": self.company}


NO_APP = App(id="", name="", experiment_id="")


@dataclass(frozen=True)
class AppForm:
    """What the form asks for; `id` is the short name used in addresses, endpoints and registered models."""

    id: str
    name: str
    company: str
    model: str
    endpoint: str
    constants: Mapping[str, str] = field(default_factory=dict)
    smoke_questions: tuple[str, ...] = ()
    prompt_cache_seconds: int = 5
    time_zone: str = "UTC"
    gate: Gate = Gate()


@dataclass(frozen=True)
class Experiment:
    """An MLflow experiment that no app uses yet."""

    id: str
    name: str


def create(workspace: "Workspace", form: AppForm, *, sample: bool = False) -> App:
    """Create an app with an experiment of its own; raises InvalidInputError or ConflictError."""
    _check(workspace, form)
    with audit.change(_at(workspace, form.id), Verb.CREATE_APP, form.id, after=form.name):
        experiment = _own_experiment(workspace, form.id)
        _insert(workspace, form, experiment, sample)
    return get(workspace, form.id)


def adopt(workspace: "Workspace", form: AppForm, experiment_id: str) -> App:
    """Make an app around an experiment that exists already; its traces and runs show at once."""
    _check(workspace, form)
    if experiment_id not in {experiment.id for experiment in unused_experiments(workspace)}:
        raise ConflictError(
            Message("Experiment {id} does not exist or belongs to another app.", id=experiment_id),
            Message("Choose one of the experiments on the list."),
        )
    with audit.change(_at(workspace, form.id), Verb.CREATE_APP, form.id, after=f"experiment {experiment_id}"):
        _insert(workspace, form, experiment_id, sample=False)
    return get(workspace, form.id)


def save(workspace: "Workspace", form: AppForm) -> App:
    """Store new settings of the workspace's app as a new version; the short name never changes."""
    app = get(workspace, workspace.app.id)
    _check_fields(replace(form, id=app.id))
    if form.endpoint != app.endpoint and _answers(workspace, app):
        raise ConflictError(
            Message("The endpoint {name} answers people now and cannot be renamed.", name=app.endpoint),
            Message("Make a new app with the other endpoint, or keep the name."),
        )
    with audit.change(workspace, Verb.UPDATE_APP, app.id, before=_plain(app), after=_settings(form)):
        save_setting(workspace, "app", _settings(form))
    return get(workspace, app.id)


def save_gate(workspace: "Workspace", gate: Gate) -> None:
    """Store what an evaluation must reach; raises InvalidInputError for a share outside 0..1."""
    if gate.rows < 1 or any(not 0 <= share <= 1 for share in gate.minimum.values()):
        raise InvalidInputError(
            Message("A minimum score must be between 0 and 100 %, and at least one row is needed."),
            Message("Correct the numbers and save again."),
        )
    with audit.change(workspace, Verb.SAVE_GATE, workspace.app.id, _gate(workspace.app.gate), _gate(gate)):
        save_setting(workspace, "gate", _gate(gate))


def choose_dataset(workspace: "Workspace", dataset_id: str) -> None:
    """Make a dataset the one that releases are judged on."""
    with audit.change(workspace, Verb.UPDATE_APP, "dataset", before=workspace.app.dataset_id, after=dataset_id):
        save_setting(workspace, "dataset", dataset_id)


def archive(workspace: "Workspace", archived: bool = True) -> None:
    """Hide the app from the list, or bring it back; nothing is deleted."""
    with audit.change(workspace, Verb.ARCHIVE_APP, workspace.app.id, after=archived):
        _set_archived(workspace, archived)


def all(workspace: "Workspace", *, archived: bool = False) -> list[App]:
    """The apps by name, without the archived ones unless asked for."""
    with workspace.engine.connect() as connection:
        ids = connection.execute(select(table.c.id).where(table.c.archived == archived)).scalars().all()
    return sorted((get(workspace, id) for id in ids), key=lambda app: app.name.casefold())


def get(workspace: "Workspace", id: str) -> App:
    """One app with its newest settings; raises NotFoundError."""
    with workspace.engine.connect() as connection:
        row = connection.execute(select(table).where(table.c.id == id)).one_or_none()
    if row is None:
        raise NotFoundError(Message("There is no app “{id}”.", id=id), Message("Choose one from the list of apps."))
    settings = _newest(workspace, id)
    app = App(
        id=id,
        experiment_id=row.experiment_id,
        archived=row.archived,
        sample=row.sample,
        dataset_id=settings.get("dataset"),
        gate=Gate(**settings.get("gate", {})),
        **settings["app"],
    )
    return replace(app, smoke_questions=tuple(app.smoke_questions))


def form_of(app: App) -> AppForm:
    """The form filled with what the app has now."""
    return AppForm(id=app.id, gate=app.gate, **_plain(app))


def unused_experiments(workspace: "Workspace") -> list[Experiment]:
    """The MLflow experiments that could be adopted."""
    with translated(Message("Reading the experiments")):
        found = workspace.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
    with workspace.engine.connect() as connection:
        used = set(connection.execute(select(table.c.experiment_id)).scalars())
    return [Experiment(one.experiment_id, one.name) for one in found if one.experiment_id not in used]


def load_setting(workspace: "Workspace", key: str) -> Any:
    """The newest value of one of the app's settings; None when it was never saved."""
    return _newest(workspace, workspace.app.id).get(key)


def save_setting(workspace: "Workspace", key: str, value: Any) -> int:
    """Store a new version of a setting and return its number; call it inside `audit.change`."""
    versions = select(func.coalesce(func.max(setting.c.version), 0)).where(
        setting.c.app_id == workspace.app.id, setting.c.key == key
    )
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        version = connection.execute(versions).scalar_one() + 1
        connection.execute(
            insert(setting).values(
                app_id=workspace.app.id, key=key, version=version, value=value, actor=workspace.actor.id
            )
        )
    return int(version)


def _check(workspace: "Workspace", form: AppForm) -> None:
    _check_fields(form)
    with workspace.engine.connect() as connection:
        taken = connection.execute(select(table.c.id).where(table.c.id == form.id)).scalar()
    if taken:
        raise ConflictError(
            Message("There is already an app with the short name “{id}”.", id=form.id),
            Message("Choose another short name."),
        )


def _check_fields(form: AppForm) -> None:
    if not SLUG.fullmatch(form.id):
        raise InvalidInputError(
            Message("“{id}” cannot be a short name.", id=form.id),
            Message(
                "Use 2 to 40 small letters, digits and hyphens, beginning with a letter, such as customer-support."
            ),
        )
    if not form.name.strip():
        raise InvalidInputError(Message("The app has no name."), Message("Type the name people know it by."))
    if not SLUG.fullmatch(form.endpoint):
        raise InvalidInputError(
            Message("“{name}” cannot be an endpoint's name.", name=form.endpoint),
            Message(
                "Use 2 to 40 small letters, digits and hyphens, beginning with a letter, such as customer-support."
            ),
        )
    if form.time_zone not in available_timezones():
        raise InvalidInputError(
            Message("“{name}” is not a time zone.", name=form.time_zone), Message("Write it like Asia/Tokyo or UTC.")
        )
    wrong = [name for name in form.constants if not VARIABLE.fullmatch(name)]
    if wrong:
        raise InvalidInputError(
            Message("“{name}” cannot be a prompt variable.", name=wrong[0]),
            Message("Use letters, digits and underscores, beginning with a letter."),
        )


def _answers(workspace: "Workspace", app: App) -> bool:
    endpoint = workspace.platform.serving.endpoint(workspace, app.endpoint)
    return endpoint is not None and any(one.weight for one in endpoint.versions)


def _own_experiment(workspace: "Workspace", id: str) -> str:
    """The app's experiment, found again when an earlier attempt had already made it; its folder is absolute."""
    found = workspace.client.get_experiment_by_name(id)
    if found is not None:
        return str(found.experiment_id)
    folder = workspace.settings.home / "artifacts" / id
    location = folder.as_uri() if workspace.settings.tracking_uri.startswith("sqlite") else None
    return str(workspace.client.create_experiment(id, artifact_location=location))


def _set_archived(workspace: "Workspace", archived: bool) -> None:
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        connection.execute(update(table).where(table.c.id == workspace.app.id).values(archived=archived))


def _insert(workspace: "Workspace", form: AppForm, experiment_id: str, sample: bool) -> None:
    rows = [{"key": "app", "value": _settings(form)}, {"key": "gate", "value": _gate(form.gate)}]
    with writing(workspace.engine) as connection:
        connection.execute(insert(table).values(id=form.id, experiment_id=experiment_id, sample=sample))
        common = {"app_id": form.id, "version": 1, "actor": workspace.actor.id}
        connection.execute(insert(setting), [row | common for row in rows])


def _newest(workspace: "Workspace", app_id: str) -> dict[str, Any]:
    newest = select(func.max(setting.c.id)).where(setting.c.app_id == app_id).group_by(setting.c.key)
    with workspace.engine.connect() as connection:
        rows = connection.execute(select(setting.c.key, setting.c.value).where(setting.c.id.in_(newest)))
        return {row.key: row.value for row in rows}


SETTINGS = ("name", "company", "constants", "model", "endpoint", "smoke_questions", "prompt_cache_seconds", "time_zone")


def _settings(form: AppForm) -> dict[str, Any]:
    return {name: value for name, value in asdict(form).items() if name in SETTINGS}


def _plain(app: App) -> dict[str, Any]:
    return {name: value for name, value in asdict(app).items() if name in SETTINGS}


def _gate(gate: Gate) -> dict[str, Any]:
    return {"minimum": dict(gate.minimum), "rows": gate.rows}


def _at(workspace: "Workspace", id: str) -> "Workspace":
    """The workspace as the new app's, so that its first event stands in its own log."""
    return workspace.for_app(replace(NO_APP, id=id))
