"""The exact statement that gives what was refused for lack of a privilege."""

import re

# Unity Catalog says “User does not have USE SCHEMA on Schema 'main.llmops'.”, with or without the kind.
REFUSAL = re.compile(
    r"does not have (?P<privilege>[A-Z][A-Z ]+) on (?:(?P<kind>[A-Za-z ]+?) )?['`](?P<name>[^'`]+)['`]"
)
# Prompts and registered models are functions to GRANT.
KINDS = {1: "CATALOG", 2: "SCHEMA", 3: "FUNCTION"}
OF_TABLES = ("SELECT", "MODIFY")
TOLD = ("CATALOG", "SCHEMA", "TABLE", "FUNCTION", "VOLUME", "EXTERNAL LOCATION")
METASTORE = "METASTORE"


# A process signs in once, so that whoever meets a refusal knows whom it concerns.
_signed_in: dict[str, str] = {}


def remember(name: str) -> None:
    """Who this process is on the workspace."""
    _signed_in["name"] = name


def statement(sentence: str) -> str | None:
    """The GRANT for a refusal in Unity Catalog's words; None when it names no privilege."""
    found = REFUSAL.search(sentence)
    if found is None:
        return None
    privilege, name = found["privilege"].strip(), found["name"]
    told = (found["kind"] or "").strip().upper()
    if told == METASTORE:
        return f"GRANT {privilege} ON {METASTORE} TO `{_signed_in.get('name', 'me')}`;"
    usual = "TABLE" if privilege in OF_TABLES else KINDS.get(name.count(".") + 1, "SCHEMA")
    kind = told if told in TOLD else usual
    return grant(privilege, kind, name, _signed_in.get("name", "me"))


def grant(privilege: str, kind: str, name: str, who: str) -> str:
    """`GRANT … ON SCHEMA a.b TO …` with the names quoted where SQL needs it."""
    parts = ".".join(part if re.fullmatch(r"[A-Za-z_]\w*", part) else f"`{part}`" for part in name.split("."))
    return f"GRANT {privilege} ON {kind} {parts} TO `{who}`;"
