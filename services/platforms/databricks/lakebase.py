"""The console's own database on Lakebase, a PostgreSQL of the workspace: its address, and passwords that last an hour."""

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from services.errors import translated
from services.messages import Message
from services.platforms.databricks import access

if TYPE_CHECKING:
    from services.platforms.databricks.access import Access
    from services.platforms.databricks.client import Client

# Which database to ask a password for: it goes with the address, so that every process that has one has both.
PARAMETER = "lakebase"
VARIABLE = "SIGNALBOX_LAKEBASE"
# An app may make schemas there, and nothing in `public`.
SCHEMA = "signalbox"


def address(environ: Mapping[str, str], scheme: str) -> str | None:
    """Where an app of the workspace finds the database that is among its resources; None without one."""
    name, host = environ.get(VARIABLE), environ.get("PGHOST")
    if not name or not host:
        return None
    user = quote(environ.get("PGUSER") or environ.get("DATABRICKS_CLIENT_ID", ""), safe="")
    server = f"{host}:{environ.get('PGPORT') or 5432}"
    database = quote(environ.get("PGDATABASE") or "databricks_postgres", safe="")
    options = urlencode({"sslmode": environ.get("PGSSLMODE") or "require", PARAMETER: name})
    return f"{scheme}://{user}@{server}/{database}?{options}"


def sign_in(name: str, parameters: dict[str, Any]) -> None:
    """Put a fresh password into a connection's parameters; `name` is an endpoint (`projects/…`) or an instance.

    A connection that is open stays open after its password has expired. Raises ConsoleError when there is none to be had.
    """
    with translated(Message("Asking the workspace for a password of the console's database")):
        sdk = _client(access.read(os.environ)).sdk
        if name.startswith("projects/"):
            parameters["password"] = sdk.postgres.generate_database_credential(endpoint=name).token
        else:
            parameters["password"] = sdk.database.generate_database_credential(instance_names=[name]).token


@functools.lru_cache(maxsize=4)
def _client(way: "Access") -> "Client":
    from services.platforms.databricks.client import Client

    return Client(way)
