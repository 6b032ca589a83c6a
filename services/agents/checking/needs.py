"""What an agent's file needs where it is served: a Python, and on Databricks endpoints, indexes, warehouses and functions."""

import ast
from collections.abc import Collection, Iterator

from services.agents.checking.findings import Finding
from services.agents.checking.reading import AgentFile
from services.agents.resources import KINDS
from services.messages import Message

ENDPOINT, INDEX, FUNCTION = "serving_endpoint", "vector_search_index", "function"
LAKEBASE, BY_NAME = "lakebase", ("instance_name", "database_instance")
ANY = "*"
WAREHOUSE, GENIE = "sql_warehouse", "genie_space"
# Clients with OpenAI's face whose models are serving endpoints.
OPENAI_OF_DATABRICKS = ("get_open_ai_client", "DatabricksOpenAI")
# Last part of what is called -> the resource and the arguments that can name it, by keyword or by place.
CALLS: dict[str, tuple[str, tuple[str, ...], int | None]] = {
    "ChatDatabricks": (ENDPOINT, ("endpoint", "model"), None),
    "DatabricksEmbeddings": (ENDPOINT, ("endpoint",), None),
    "VectorSearchRetrieverTool": (INDEX, ("index_name",), None),
    "DatabricksVectorSearch": (INDEX, ("index_name",), 0),
    "get_index": (INDEX, ("index_name",), 1),
    "UCFunctionToolkit": (FUNCTION, ("function_names",), None),
    "execute_function": (FUNCTION, ("function_name",), 0),
    "execute_statement": (WAREHOUSE, ("warehouse_id",), None),
    "GenieAgent": (GENIE, ("genie_space_id",), 0),
    "Genie": (GENIE, ("space_id",), 0),
    # What remembers conversations for Databricks' own clients.
    "CheckpointSaver": (LAKEBASE, BY_NAME, None),
    "AsyncCheckpointSaver": (LAKEBASE, BY_NAME, None),
    "DatabricksStore": (LAKEBASE, BY_NAME, None),
    "AsyncDatabricksStore": (LAKEBASE, BY_NAME, None),
    "AsyncDatabricksSession": (LAKEBASE, BY_NAME, None),
    "LakebasePool": (LAKEBASE, BY_NAME, None),
    "AsyncLakebasePool": (LAKEBASE, BY_NAME, None),
    "start_conversation": (GENIE, ("space_id",), 0),
    "start_conversation_and_wait": (GENIE, ("space_id",), 0),
}


def unserved_python(known: Collection[str], here: str) -> Iterator[Finding]:
    """The Python that logs the agent, where the target is not known to serve it; `known` are minor versions."""
    if known and here.rpartition(".")[0] not in known:
        yield Finding(
            Message(
                "The agent would be logged with Python {here}; known to be served are: {known}.",
                here=here,
                known=", ".join(known),
            ),
            Message("Where the agent is served, the Python that logged it is installed, with packages for that one."),
            Message("Run the console on one of these, or make sure that the agent starts where it is served."),
        )


def undeclared_resources(file: AgentFile, declared: Collection[str]) -> Iterator[Finding]:
    """What the file calls on Databricks and `declared`, written `kind:name`, does not list."""
    kinds = {one.partition(":")[0] for one in declared}
    for call in file.calls:
        for kind, name in _called_resources(file, call):
            known = f"{kind}:{name}" in declared or f"{kind}:{ANY}" in declared
            if not known and (name or kind not in kinds):
                yield _undeclared(kind, name, call.lineno)


def undeclared_calls(called: Collection[tuple[str, str]], declared: Collection[str]) -> Iterator[Finding]:
    """What the agent asked on Databricks while it was tried, and `declared` does not list."""
    for kind, name in called:
        if f"{kind}:{name}" not in declared and f"{kind}:{ANY}" not in declared:
            told = Message(
                "While it was tried it asked “{name}” ({kind}), which is not declared.",
                kind=Message(KINDS[kind].title),
                name=name,
            )
            yield _fails_there(told, None)


def _undeclared(kind: str, name: str | None, line: int) -> Finding:
    what = (
        Message("The file uses “{name}” ({kind}), which is not declared.", kind=Message(KINDS[kind].title), name=name)
        if name
        else Message(
            "The file uses something that it does not name ({kind}), and none is declared.",
            kind=Message(KINDS[kind].title),
        )
    )
    return _fails_there(what, line)


def _fails_there(what: Message, line: int | None) -> Finding:
    return Finding(
        what,
        Message(
            "On Databricks an agent may reach only what was declared when it was logged: its first call would fail."
        ),
        Message("Declare it among the agent's resources."),
        blocking=True,
        line=line,
    )


def _called_resources(file: AgentFile, call: ast.Call) -> Iterator[tuple[str, str | None]]:
    name, dotted = file.called(call), file.dotted(call.func)
    if name in CALLS and (name != "get_index" or "VectorSearchClient" in file.text):
        kind, keywords, place = CALLS[name]
        yield from ((kind, one) for one in _named(file, call, keywords, place))
    elif dotted.endswith("vector_search_indexes.query_index"):
        yield from ((INDEX, one) for one in _named(file, call, ("index_name",), 0))
    elif dotted.endswith("serving_endpoints.query"):
        yield from ((ENDPOINT, one) for one in _named(file, call, ("name",), 0))
    elif name == "predict" and "get_deploy_client" in file.text and any(one.arg == "endpoint" for one in call.keywords):
        yield from ((ENDPOINT, one) for one in _named(file, call, ("endpoint",), None))
    elif dotted.endswith(("completions.create", "responses.create")):
        (model,) = _named(file, call, ("model",), None)[:1]
        if any(name in file.text for name in OPENAI_OF_DATABRICKS) or (model or "").startswith("databricks-"):
            yield ENDPOINT, model
    elif dotted == "databricks.sql.connect":
        path = next(iter(_named(file, call, ("http_path",), None)))
        yield WAREHOUSE, path.rpartition("/")[2] if path else None


def _named(file: AgentFile, call: ast.Call, keywords: tuple[str, ...], place: int | None) -> list[str | None]:
    """The names that a call is given; one None for a name that the file does not spell out."""
    value = next((one.value for one in call.keywords if one.arg in keywords), None)
    if value is None and place is not None and place < len(call.args):
        value = call.args[place]
    return [file.text_of(one) for one in value.elts] if isinstance(value, ast.List) else [file.text_of(value)]
