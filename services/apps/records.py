"""An app as it is stored: its experiment and the newest version of each of its settings."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from services.apps.gate import Gate
from services.apps.places import Places
from services.database import app as table
from services.database import setting, writing
from services.errors import ConflictError, NotFoundError
from services.messages import Message
from services.money import DOLLARS, Currency
from services.platforms import Target

if TYPE_CHECKING:
    from services.workspace import Workspace


class Stage(StrEnum):
    """How far a version has come: each stage is an environment of the app."""

    DEVELOPMENT = "development"
    STAGING = "staging"
    PRODUCTION = "production"


ALIASES = {Stage.DEVELOPMENT: "candidate", Stage.STAGING: "staging", Stage.PRODUCTION: "production"}


@dataclass(frozen=True)
class Environment:
    """One environment: `config` overrides the agent's own settings, `variables` are environment variables it gets.

    `schema` is the catalog.schema of its registered model on Databricks, empty for that of the connection. `judged`:
    whether the gate and its evaluation must hold there, as they always must in production. `target`: how the platform
    serves what is deployed from now on.
    """

    stage: Stage = Stage.PRODUCTION
    endpoint: str = ""
    config: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    schema: str = ""
    judged: bool = True
    target: Target = Target.AGENT

    @classmethod
    def from_json(cls, stage: Stage, stored: Mapping[str, Any]) -> "Environment":
        return cls(stage, **{**stored, "target": Target(stored.get("target", Target.AGENT))})

    @property
    def alias(self) -> str:
        """The prompt alias that an agent follows here."""
        return ALIASES[self.stage]

    @property
    def live(self) -> bool:
        """Whether customers are answered here."""
        return self.stage is Stage.PRODUCTION

    @property
    def given(self) -> dict[str, str]:
        """The environment variables that an agent gets here: its traces then tell where it answered, if not live."""
        told = {} if self.live else {"SIGNALBOX_ENVIRONMENT": self.stage.value, "SIGNALBOX_PROMPT_ALIAS": self.alias}
        return {**self.variables, **told}


@dataclass(frozen=True)
class App:
    """One product that answers people: its experiment and its settings.

    `endpoint` and `environment` are those of production, or of the environment that the workspace works in. `practice`:
    it is the copy of a rehearsal.
    """

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
    currency: str = DOLLARS
    currency_rate: float = 1.0
    question_at: str = ""
    answer_at: str = ""
    dataset_id: str | None = None
    gate: Gate = field(default_factory=Gate)
    environment: Environment = field(default_factory=Environment)
    archived: bool = False
    sample: bool = False
    practice: bool = False

    @property
    def traffic(self) -> str:
        """The origin of what counts as live traffic here: a practice copy has no customers."""
        return "rehearsal" if self.practice else "live"

    @property
    def variables(self) -> dict[str, str]:
        """What the app fills into a prompt besides the question."""
        return {**self.constants, "company_name": self.company}

    @property
    def places(self) -> Places:
        """Where its traces hold the question and the answer."""
        return Places(self.question_at, self.answer_at)

    @property
    def money(self) -> Currency:
        """In which costs are shown and limits are typed."""
        return Currency(self.currency, self.currency_rate)


ENVIRONMENTS, OFFLINE, REHEARSAL = "environments", "offline", "rehearsal"
NO_APP = App(id="", name="", experiment_id="")


def all(workspace: "Workspace", *, archived: bool = False) -> list[App]:
    """The apps by name, the practice copy of a rehearsal last, without the archived ones unless asked for."""
    with workspace.engine.connect() as connection:
        ids = connection.execute(select(table.c.id).where(table.c.archived == archived)).scalars().all()
    return sorted((get(workspace, id) for id in ids), key=lambda app: (app.practice, app.name.casefold()))


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
        practice=REHEARSAL in settings,
        dataset_id=settings.get("dataset"),
        gate=Gate.from_json(settings.get("gate", {})),
        **settings["app"],
    )
    production = (settings.get(ENVIRONMENTS) or {}).get(Stage.PRODUCTION.value) or {}
    environment = Environment.from_json(Stage.PRODUCTION, {**production, "endpoint": app.endpoint})
    return replace(app, smoke_questions=tuple(app.smoke_questions), environment=environment)


def load_setting(workspace: "Workspace", key: str) -> Any:
    """The newest value of one of the app's settings; None when it was never saved."""
    return _newest(workspace, workspace.app.id).get(key)


def load_version(workspace: "Workspace", key: str) -> tuple[int, Any]:
    """The newest value of a setting after its version's number; 0 and None when it was never saved."""
    newest = select(setting.c.version, setting.c.value).where(
        setting.c.app_id == workspace.app.id, setting.c.key == key
    )
    with workspace.engine.connect() as connection:
        found = connection.execute(newest.order_by(setting.c.version.desc()).limit(1)).one_or_none()
    return (int(found.version), found.value) if found else (0, None)


def save_setting(workspace: "Workspace", key: str, value: Any, read: int | None = None) -> int:
    """Store a new version of a setting and return its number; call it inside `audit.change`.

    `read` is the version that `value` was made from; raises ConflictError when somebody saved another one since.
    """
    versions = select(func.coalesce(func.max(setting.c.version), 0)).where(
        setting.c.app_id == workspace.app.id, setting.c.key == key
    )
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        version = connection.execute(versions).scalar_one() + 1
        if read is not None and version != read + 1:
            raise ConflictError(
                Message("Somebody else saved a change at the same moment."),
                Message("Reload the page and look at it again."),
            )
        connection.execute(
            insert(setting).values(
                app_id=workspace.app.id, key=key, version=version, value=value, actor=workspace.actor.id
            )
        )
    return int(version)


def _newest(workspace: "Workspace", app_id: str) -> dict[str, Any]:
    newest = select(func.max(setting.c.id)).where(setting.c.app_id == app_id).group_by(setting.c.key)
    with workspace.engine.connect() as connection:
        rows = connection.execute(select(setting.c.key, setting.c.value).where(setting.c.id.in_(newest)))
        return {row.key: row.value for row in rows}
