"""What an agent may use on Databricks: resources it signs in to by itself, or scopes of the person who asks."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mlflow.models import resources as kinds
from mlflow.models.auth_policy import AuthPolicy, SystemAuthPolicy, UserAuthPolicy
from mlflow.models.resources import Resource

from services.errors import InvalidInputError
from services.messages import Message, mark

Rows = Sequence[Sequence[str]]
SCOPE = re.compile(r"[a-z][a-z0-9_-]*(\.[a-z][a-z0-9_-]*)*")
THREE_PARTS = re.compile(r"[^.\s]+\.[^.\s]+\.[^.\s]+")
LONGEST = 255


@dataclass(frozen=True)
class Kind:
    """A kind of resource; `scopes` are what a person's sign-in needs to reach one, where that is known."""

    title: str
    made: type[Any]
    example: str
    scopes: tuple[str, ...] = ()

    @property
    def in_catalog(self) -> bool:
        return self.example.count(".") == 2


KINDS = {
    "serving_endpoint": Kind(
        mark("Serving endpoint"), kinds.DatabricksServingEndpoint, "my-endpoint", ("serving.serving-endpoints",)
    ),
    "vector_search_index": Kind(
        mark("Vector index"),
        kinds.DatabricksVectorSearchIndex,
        "catalog.schema.index",
        (
            "serving.serving-endpoints",
            "vectorsearch.vector-search-endpoints",
            "vectorsearch.vector-search-indexes",
        ),
    ),
    "sql_warehouse": Kind(
        mark("SQL warehouse"),
        kinds.DatabricksSQLWarehouse,
        "1234567890abcdef",
        ("sql.statement-execution", "sql.warehouses"),
    ),
    "function": Kind(mark("Unity Catalog function"), kinds.DatabricksFunction, "catalog.schema.function"),
    "genie_space": Kind(mark("Genie space"), kinds.DatabricksGenieSpace, "01efa0b1c2d3e4f5", ("dashboards.genie",)),
    "table": Kind(mark("Table"), kinds.DatabricksTable, "catalog.schema.table"),
    "uc_connection": Kind(
        mark("Unity Catalog connection"), kinds.DatabricksUCConnection, "my-connection", ("catalog.connections",)
    ),
    "app": Kind(mark("Databricks App"), kinds.DatabricksApp, "my-app"),
    "lakebase": Kind(mark("Lakebase database"), kinds.DatabricksLakebase, "my-database"),
}

SCOPES = {
    "serving.serving-endpoints": mark("ask serving endpoints"),
    "vectorsearch.vector-search-endpoints": mark("reach vector search endpoints"),
    "vectorsearch.vector-search-indexes": mark("search vector indexes"),
    "sql.statement-execution": mark("run SQL statements"),
    "sql.warehouses": mark("use SQL warehouses"),
    "catalog.connections": mark("use Unity Catalog connections"),
    "dashboards.genie": mark("ask Genie spaces"),
}


def scopes_of(chosen: Iterable[str]) -> tuple[str, ...]:
    """The scopes that these kinds of resources need, each once."""
    return tuple(dict.fromkeys(scope for kind in chosen for scope in KINDS[kind].scopes))


def check(resources: Rows, system_resources: Rows, scopes: Sequence[str]) -> None:
    """Raise InvalidInputError for both ways at once, for a name that cannot be one, or for an unknown form of scope."""
    if resources and (system_resources or scopes):
        raise InvalidInputError(
            Message("The agent has both resources and an auth policy; MLflow logs only one of them."),
            Message("Keep the resources if it always acts as itself, or the auth policy if it acts for who asks."),
        )
    for rows in (resources, system_resources):
        _check_rows(rows)
    for scope in scopes:
        if not SCOPE.fullmatch(scope):
            raise InvalidInputError(
                Message("“{scope}” cannot be a scope.", scope=scope),
                Message("Write it like sql.warehouses: small letters, with dots between the parts."),
            )


def arguments(resources: Rows, system_resources: Rows, scopes: Sequence[str]) -> dict[str, Any]:
    """What `log_model` is given for them; empty when the agent uses nothing on Databricks."""
    if resources:
        return {"resources": _made(resources)}
    if not (system_resources or scopes):
        return {}
    user = UserAuthPolicy(list(scopes)) if scopes else None
    system = SystemAuthPolicy(_made(system_resources))
    return {"auth_policy": AuthPolicy(user_auth_policy=user, system_auth_policy=system)}


def _made(rows: Rows) -> list[Resource]:
    return [KINDS[kind].made(name) for kind, name in rows]


def _check_rows(rows: Rows) -> None:
    for kind, name in rows:
        if kind not in KINDS:
            raise InvalidInputError(
                Message("“{kind}” is no kind of resource.", kind=kind), Message("Choose one of the list.")
            )
        _check_name(KINDS[kind], name)
    twice = [row for row in rows if list(map(list, rows)).count(list(row)) > 1]
    if twice:
        raise InvalidInputError(
            Message("{kind} “{name}” is listed twice.", kind=Message(KINDS[twice[0][0]].title), name=twice[0][1]),
            Message("Take one of the two rows away."),
        )


def _check_name(kind: Kind, name: str) -> None:
    if not name.strip():
        raise InvalidInputError(
            Message("{kind}: the name is missing.", kind=Message(kind.title)),
            Message("Write it like {example}, or take the row away.", example=kind.example),
        )
    wrong = name != name.strip() or len(name) > LONGEST or "/" in name
    if wrong or (kind.in_catalog and not THREE_PARTS.fullmatch(name)):
        raise InvalidInputError(
            Message("{kind}: “{name}” cannot be its name.", kind=Message(kind.title), name=name[:LONGEST]),
            Message("Write it like {example}.", example=kind.example),
        )
