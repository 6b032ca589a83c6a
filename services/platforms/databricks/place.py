"""Where on a workspace the console keeps what it makes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

FOLDER = "/Shared/signalbox"
# The keys of the secret scope by which a served agent signs in: a token, or a service principal.
SECRET = "databricks_token"
BY_TOKEN = {"DATABRICKS_TOKEN": SECRET, "OPENAI_API_KEY": SECRET}
BY_PRINCIPAL = {"DATABRICKS_CLIENT_ID": "databricks_client_id", "DATABRICKS_CLIENT_SECRET": "databricks_client_secret"}


@dataclass(frozen=True)
class Place:
    """Catalog and schema of prompts, models and tables, the folder of the experiments, and what helps beside them."""

    catalog: str = ""
    schema: str = ""
    folder: str = ""
    warehouse_id: str = ""
    secret_scope: str = ""

    @property
    def full_schema(self) -> str:
        return f"{self.catalog}.{self.schema}" if self.catalog and self.schema else ""

    @property
    def experiments(self) -> str:
        """The folder of the experiments, always an absolute path."""
        return "/" + (self.folder or FOLDER).strip("/")


VARIABLES = {
    "catalog": "SIGNALBOX_CATALOG",
    "schema": "SIGNALBOX_SCHEMA",
    "folder": "SIGNALBOX_EXPERIMENTS",
    "warehouse_id": "SIGNALBOX_WAREHOUSE",
    "secret_scope": "SIGNALBOX_SECRET_SCOPE",
}


def sign_in(keys: Collection[str]) -> dict[str, str]:
    """Environment variables with the scope's key that each refers to; none where neither way is whole.

    Never both ways: the libraries refuse to choose between them.
    """
    return next((way for way in (BY_TOKEN, BY_PRINCIPAL) if set(way.values()) <= set(keys)), {})


def read(environ: Mapping[str, str]) -> Place:
    """What the environment decides; empty where people choose on the screen."""
    return Place(**{name: (environ.get(variable) or "").strip() for name, variable in VARIABLES.items()})


def merged(decided: Place, chosen: Mapping[str, str]) -> Place:
    """The environment's values, and people's choices where it is silent."""
    return Place(**{one.name: getattr(decided, one.name) or chosen.get(one.name, "") for one in fields(Place)})
