"""What the console needs to be allowed on a workspace, and what of it is missing."""

from services.platforms.databricks import grants
from services.platforms.databricks.reach import Identity
from services.platforms.databricks.rest import Refused, Rest

# Prompts are functions of the catalog, agents are models, datasets and archives are tables.
NEEDED = ("USE CATALOG", "USE SCHEMA", "CREATE FUNCTION", "CREATE MODEL", "CREATE TABLE", "EXECUTE", "MANAGE")
# Everything but the right to give rights away and to drop.
ALL = "ALL PRIVILEGES"
CATALOGS = "USE CATALOG"
EVERYBODY = "account users"


def lacking(rest: Rest, me: Identity, schema: str, owner: str) -> list[str]:
    """Which of the needed privileges nobody gave to us or a group of ours; an owner needs none but the catalog's."""
    mine = {me.name, EVERYBODY, *me.groups}
    given = _given(rest, mine, schema)
    held = {privilege for privilege, _ in given}
    if owner in mine:
        held |= set(NEEDED) - {CATALOGS}
    if ALL in held:
        held |= set(NEEDED) - {CATALOGS, "MANAGE"}
    if (ALL, "CATALOG") in given or (CATALOGS not in held and _owns_catalog(rest, mine, schema)):
        held.add(CATALOGS)
    return [one for one in NEEDED if one not in held]


def statements(missing: list[str], schema: str, who: str) -> list[str]:
    """One GRANT for each."""
    catalog = schema.partition(".")[0]
    return [
        grants.grant(one, "CATALOG", catalog, who) if one == "USE CATALOG" else grants.grant(one, "SCHEMA", schema, who)
        for one in missing
    ]


def levels(rest: Rest, me: Identity, kind: str, id: str) -> set[str] | None:
    """Our permission levels on a workspace object; None when we may not even read them."""
    try:
        listed = rest.get(f"2.0/permissions/{kind}/{id}").get("access_control_list", [])
    except Refused as error:
        if not error.forbidden:
            raise
        return None
    mine = {me.name, *me.groups}
    return {
        level["permission_level"]
        for entry in listed
        if mine & {entry.get("user_name"), entry.get("group_name"), entry.get("service_principal_name")}
        for level in entry.get("all_permissions", [])
    }


def _owns_catalog(rest: Rest, mine: set[str], schema: str) -> bool:
    try:
        return rest.get(f"2.1/unity-catalog/catalogs/{schema.partition('.')[0]}").get("owner") in mine
    except Refused as error:
        if not (error.forbidden or error.missing):
            raise
        return False


def _given(rest: Rest, mine: set[str], schema: str) -> set[tuple[str, str]]:
    """The privileges, each with the kind of object it comes from; empty for the schema itself."""
    found = rest.get(f"2.1/unity-catalog/effective-permissions/schema/{schema}").get("privilege_assignments", [])
    return {
        (privilege["privilege"].replace("_", " "), str(privilege.get("inherited_from_type") or ""))
        for one in found
        if one.get("principal") in mine
        for privilege in one.get("privileges", [])
    }
