"""The environment, read once into frozen settings; a wrong value is named with what to do."""

import getpass
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlparse, urlsplit

from services import oidc, outgoing
from services.errors import InvalidInputError
from services.messages import Message
from services.oidc import Oidc
from services.outgoing import Outgoing
from services.platforms.databricks import access, lakebase, place
from services.platforms.databricks.access import Access
from services.platforms.databricks.place import Place
from services.secrets import LOOPBACK as LOOPBACK
from services.secrets import PRACTICE as PRACTICE
from services.secrets import Secret as Secret

FOUNDATION_MODEL = "databricks-llama-4-maverick"
LOCAL = "local"
DATABRICKS = "databricks"
POSTGRESQL = "postgresql+psycopg"


@dataclass(frozen=True)
class Settings:
    """Everything the environment decides."""

    home: Path
    host: str
    port: int
    gateway_port: int
    identity: str
    operator: str
    roles_file: Path | None
    email_header: str
    groups_header: str
    database_url: str = field(repr=False)  # addresses may hold a password
    tracking_uri: str = field(repr=False)
    model: str
    judge_model: str
    model_base_url: str | None
    model_api_key: Secret | None
    databricks: Access | None = None
    place: Place = field(default_factory=Place)
    webhook_secret: Secret | None = None
    outgoing: Outgoing = field(default_factory=Outgoing)
    oidc: Oidc = field(default_factory=Oidc)
    log_format: str = "text"

    @property
    def platform(self) -> str:
        return DATABRICKS if self.databricks else LOCAL

    @property
    def inside_app(self) -> bool:
        """Whether a Databricks App runs us, whose disk is gone at every start."""
        return self.databricks is not None and self.databricks.app_name is not None

    @property
    def registry_uri(self) -> str:
        return "databricks-uc" if self.databricks else self.tracking_uri

    @property
    def practice(self) -> bool:
        """Whether the built-in practice model answers because no other model is connected."""
        return self.databricks is None and self.model_base_url is None and self.model_api_key is None

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def address(self) -> str:
        """Where people open the console, as links in messages name it."""
        return self.outgoing.public_url or self.url

    @property
    def gateway_url(self) -> str:
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def llm_base_url(self) -> str | None:
        return f"{self.gateway_url}/practice/v1" if self.practice else self.model_base_url

    @property
    def llm_api_key(self) -> str:
        """The key that is set; on a workspace without one, a token of the identity that signed in."""
        if self.model_api_key is not None:
            return self.model_api_key.value
        if self.databricks is None or self.model_base_url != models_of(self.databricks):
            return PRACTICE
        from services.platforms.databricks import tokens

        return tokens.bearer(self.databricks)

    @property
    def model_environment(self) -> dict[str, str]:
        """What a process that calls the model needs to know."""
        return {
            "OPENAI_API_KEY": self.llm_api_key,
            **({"OPENAI_BASE_URL": self.llm_base_url} if self.llm_base_url else {}),
        }

    @property
    def run_folder(self) -> Path:
        return self.home / "run"

    @property
    def log_folder(self) -> Path:
        return self.home / "logs"


def load(environ: Mapping[str, str]) -> Settings:
    """Settings from `environ`; raises InvalidInputError that names the variable and the mend."""
    home = Path(environ.get("SIGNALBOX_HOME") or "~/.signalbox").expanduser().absolute()
    _choice(environ, "SIGNALBOX_PLATFORM", (LOCAL, DATABRICKS))
    workspace = access.read(environ) if access.wanted(environ) else None
    base_url, key, usual = _model(environ, workspace)
    model = environ.get("SIGNALBOX_MODEL") or usual
    roles = environ.get("SIGNALBOX_ROLES_FILE")
    identity = _choice(environ, "SIGNALBOX_IDENTITY", ("local", "proxy", "oidc"))
    host = environ.get("SIGNALBOX_HOST") or "127.0.0.1"
    if identity == "local" and host not in LOOPBACK:
        raise InvalidInputError(
            Message(
                "SIGNALBOX_HOST is “{host}”, so others could reach a console that gives everyone every role.", host=host
            ),
            Message("Listen on 127.0.0.1, or set SIGNALBOX_IDENTITY to oidc or proxy, with a roles file."),
        )
    if identity != "local" and not roles:
        raise InvalidInputError(
            Message("SIGNALBOX_IDENTITY is “{identity}”, but nothing says who may do what.", identity=identity),
            Message("Set SIGNALBOX_ROLES_FILE to a file with a [roles] table."),
        )
    return Settings(
        home=home,
        host=host,
        port=_port(environ, "SIGNALBOX_PORT", _port(environ, "DATABRICKS_APP_PORT", 8501)),
        gateway_port=_port(environ, "SIGNALBOX_GATEWAY_PORT", 8502),
        identity=identity,
        operator=environ.get("SIGNALBOX_OPERATOR") or getpass.getuser(),
        roles_file=_file(roles) if roles else None,
        email_header=environ.get("SIGNALBOX_EMAIL_HEADER") or "X-Forwarded-Email",
        groups_header=environ.get("SIGNALBOX_GROUPS_HEADER") or ("" if _inside_app(environ) else "X-Forwarded-Groups"),
        database_url=_database_url(environ, home),
        tracking_uri=DATABRICKS if workspace else _tracking_uri(environ.get("MLFLOW_TRACKING_URI"), home),
        model=model,
        judge_model=environ.get("SIGNALBOX_JUDGE_MODEL") or model,
        model_base_url=_url(base_url, "OPENAI_BASE_URL") if base_url else None,
        model_api_key=Secret(key) if key else None,
        databricks=workspace,
        place=place.read(environ),
        webhook_secret=Secret(secret) if (secret := environ.get("SIGNALBOX_WEBHOOK_SECRET")) else None,
        outgoing=outgoing.read(environ),
        oidc=oidc.read(environ),
        log_format=_choice(environ, "SIGNALBOX_LOG_FORMAT", ("text", "json")),
    )


def add_env_file(environ: MutableMapping[str, str], folder: Path) -> None:
    """Add what a file `.env` in `folder` sets and the environment does not."""
    file = folder / ".env"
    try:
        lines = file.read_text("utf-8-sig").splitlines() if file.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            Message("The file {path} cannot be read as text.", path=str(file)), Message("Save it as UTF-8 text.")
        ) from error
    for line in lines:
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if separator and not name.startswith("#"):
            environ.setdefault(name.strip(), _without_note(value))


def _without_note(value: str) -> str:
    """A value in quotes ends with them; any other before “ #”."""
    plain = value.strip()
    if plain[:1] in ("'", '"') and (end := plain.find(plain[0], 1)) > 0:
        return plain[1:end]
    return re.split(r"\s#", value, maxsplit=1)[0].strip().strip("\"'")


def _model(environ: Mapping[str, str], workspace: Access | None) -> tuple[str | None, str | None, str]:
    """Address, key and usual name of the model: the one that is set, else the workspace's own, else practice."""
    base_url, key = environ.get("OPENAI_BASE_URL") or None, environ.get("OPENAI_API_KEY") or None
    if base_url or key:
        return base_url, key, "gpt-4.1-mini"
    if workspace is None:
        return None, None, PRACTICE
    token = environ.get("DATABRICKS_TOKEN") if workspace.auth_type == access.PAT else None
    return models_of(workspace), token, FOUNDATION_MODEL


def models_of(workspace: Access) -> str:
    """Where the workspace's own models answer."""
    return f"{workspace.host}/serving-endpoints"


def _inside_app(environ: Mapping[str, str]) -> bool:
    """Whether a Databricks App runs us. Its proxy names no groups: a header that does is what a browser sent."""
    return bool(environ.get("DATABRICKS_APP_NAME"))


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    value = environ.get(name) or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= 65535:
        raise InvalidInputError(
            Message("{name} is “{value}”, which is not a port number.", name=name, value=value),
            Message("Set {name} to a number from 1 to 65535.", name=name),
        )
    return int(value)


def _choice(environ: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = environ.get(name) or choices[0]
    if value not in choices:
        raise InvalidInputError(
            Message("{name} is “{value}”, which is not known.", name=name, value=value),
            Message("Set {name} to one of: {choices}.", name=name, choices=", ".join(choices)),
        )
    return value


def _file(value: str) -> Path:
    path = Path(value).expanduser().absolute()
    if not path.is_file():
        raise InvalidInputError(
            Message("The roles file {path} does not exist.", path=str(path)),
            Message("Create it, or correct SIGNALBOX_ROLES_FILE."),
        )
    return path


def _url(value: str, name: str) -> str:
    if urlparse(value).scheme not in ("http", "https"):
        raise InvalidInputError(
            Message("{name} is “{value}”, which is not a web address.", name=name, value=value),
            Message("Set {name} to an address that begins with http:// or https://.", name=name),
        )
    return value.rstrip("/")


def _database_url(environ: Mapping[str, str], home: Path) -> str:
    """PostgreSQL under any of its usual names is reached by the one driver that the console brings."""
    value = environ.get("SIGNALBOX_DATABASE_URL") or lakebase.address(environ, POSTGRESQL)
    if not value and _inside_app(environ):
        raise InvalidInputError(
            Message("A Databricks App loses its disk at every start, and no database is named for what people decide."),
            Message(
                "Add a Lakebase database to the app's resources, and name its key in app.yaml as SIGNALBOX_LAKEBASE."
            ),
        )
    if not value:
        return f"sqlite:///{home / 'signalbox.db'}"
    scheme, _, rest = value.partition("://")
    if scheme in ("postgres", "postgresql"):
        value = f"{POSTGRESQL}://{rest}"
    if not value.startswith(("sqlite:///", f"{POSTGRESQL}://")):
        raise _unusable(
            "SIGNALBOX_DATABASE_URL",
            value,
            Message("Set it to {scheme}://name@server/database, or leave it out.", scheme=POSTGRESQL),
        )
    return _with_password(value, environ.get("PGPASSWORD"))


def _with_password(address: str, password: str | None) -> str:
    """The children of the worker, who run code that was brought, do not get the variable."""
    parts = urlsplit(address)
    if not password or not parts.username or parts.password:
        return address
    name, _, server = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{name}:{quote(password, safe='')}@{server}").geturl()


def _tracking_uri(value: str | None, home: Path) -> str:
    if not value:
        return f"sqlite:///{home / 'mlflow.db'}"
    if not value.startswith(("sqlite:////", "http://", "https://", "postgresql", "mysql")):
        remedy = Message("Set it to an MLflow server's address or an absolute database URL, or leave it out.")
        raise _unusable("MLFLOW_TRACKING_URI", value, remedy)
    return value


def _unusable(name: str, value: str, remedy: Message) -> InvalidInputError:
    """The beginning alone is told: the rest may hold a password."""
    scheme = value.partition(":")[0]
    return InvalidInputError(
        Message("{name} begins with “{scheme}”, which the console cannot use.", name=name, scheme=scheme), remedy
    )
