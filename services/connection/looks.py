"""Catalog, schema, warehouse, secrets and the prompt registry of a workspace."""

from services.connection import privileges
from services.connection.ground import NOT_CHOSEN, Ground, absent
from services.connection.lines import Light, Line
from services.messages import Message
from services.platforms.databricks import links
from services.platforms.databricks.place import SECRET, sign_in
from services.platforms.databricks.rest import Refused


def catalog(name: str, ground: Ground) -> Line:
    catalog = ground.place.catalog
    if not catalog:
        return Line(name, Light.AMBER, NOT_CHOSEN, Message("Choose the catalog below."))
    try:
        ground.rest.get(f"2.1/unity-catalog/catalogs/{catalog}")
    except Refused as error:
        if not error.missing:
            raise
        return absent(name, catalog, Message("Choose another one below, or create it there."))
    return Line(name, Light.GREEN, Message("“{name}” is there.", name=catalog), link=links.catalog_object(ground.access, catalog))  # fmt: skip


def schema(name: str, ground: Ground) -> Line:
    full = ground.place.full_schema
    if not full:
        return Line(name, Light.AMBER, NOT_CHOSEN, Message("Choose the schema below: prompts and agents live in it."))
    try:
        schema = ground.rest.get(f"2.1/unity-catalog/schemas/{full}")
    except Refused as error:
        if not error.missing:
            raise
        return absent(name, full, Message("Choose another one below, or create it there."))
    lacking = privileges.lacking(ground.rest, ground.me, full, str(schema.get("owner", "")))
    link = links.catalog_object(ground.access, full)
    if not lacking:
        return Line(name, Light.GREEN, Message("“{name}” may be written.", name=full), link=link)
    return Line(
        name,
        Light.RED,
        Message("“{name}” is there, but these privileges are missing: {missing}.", name=full, missing=", ".join(lacking)),
        Message("Ask the owner of the schema to run:"),
        "\n".join(privileges.statements(lacking, full, ground.me.name)),
        link,
    )  # fmt: skip


def warehouse(name: str, ground: Ground) -> Line:
    id = ground.place.warehouse_id
    if not id:
        return Line(name, Light.AMBER, NOT_CHOSEN, Message("Charts over archived traces need one; everything else works without."))  # fmt: skip
    found = ground.rest.get(f"2.0/sql/warehouses/{id}")
    link, called = links.warehouse(ground.access, id), str(found.get("name", id))
    if found.get("state") == "RUNNING":
        return Line(name, Light.GREEN, Message("“{name}” is running.", name=called), link=link)
    return Line(
        name,
        Light.AMBER,
        Message("“{name}” is not running ({state}).", name=called, state=str(found.get("state"))),
        Message("Start it on its page when you want charts over archived traces; while it runs it costs."),
        link=link,
    )


def secrets(name: str, ground: Ground) -> Line:
    scope = ground.place.secret_scope
    if not scope:
        return Line(name, Light.AMBER, NOT_CHOSEN, Message("A served agent gets its credentials from it, so that nobody can read them at the endpoint."))  # fmt: skip
    try:
        keys = ground.rest.get("2.0/secrets/list", scope=scope).get("secrets", [])
    except Refused as error:
        if not error.missing:
            raise
        return absent(name, scope, Message("An engineer makes it with:"), f"databricks secrets create-scope {scope}")
    if sign_in({one["key"] for one in keys}):
        return Line(name, Light.GREEN, Message("“{name}” holds: {keys}.", name=scope, keys=", ".join(sorted(one["key"] for one in keys))))  # fmt: skip
    return Line(name, Light.AMBER, Message("The secret scope {scope} has no key {key}.", scope=scope, key=SECRET), Message("An engineer puts a secret there with:"), f"databricks secrets put-secret {scope} {SECRET}")  # fmt: skip


def prompts(name: str, ground: Ground) -> Line:
    place = ground.place
    if not place.full_schema:
        return Line(name, Light.AMBER, NOT_CHOSEN, Message("Choose the schema below: prompts and agents live in it."))
    asked = {"catalog_schema": {"catalog_name": place.catalog, "schema_name": place.schema}, "max_results": 1}
    ground.rest.post("2.0/mlflow/unity-catalog/prompts/search", asked)
    return Line(name, Light.GREEN, Message("It answers for this schema."))
