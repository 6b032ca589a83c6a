"""What the versions behind an endpoint are really told by their environment, beside what the console would tell them."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import mlflow.environment_variables
from databricks.sdk.config import Config
from databricks.sdk.service.serving import ServedEntityOutput, ServingEndpointDetailed

from services import agents, secrets
from services.messages import Message
from services.platforms import Target
from services.platforms.databricks import access as access_to
from services.platforms.databricks import rest, served, variables
from services.platforms.databricks.apps import reading as app_files
from services.platforms.databricks.environment_facts import Line, Standing, Told

if TYPE_CHECKING:
    from services.workspace import Workspace

# Names that are often set and that nothing reads.
READ_NOWHERE = {"MLFLOW_ENABLE_TRACING": "ENABLE_MLFLOW_TRACING", "MLFLOW_TRACE_BUFFER_TIMEOUT_SECONDS": "MLFLOW_TRACE_BUFFER_TTL_SECONDS"}  # fmt: skip
OF_LIBRARIES = re.compile(r"(MLFLOW|DATABRICKS|ENABLE)_")
PRINCIPAL = ("DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET")
TOKEN, HOST, MODEL_KEY = "DATABRICKS_TOKEN", "DATABRICKS_HOST", "OPENAI_API_KEY"
EXPERIMENT, TRACING = "MLFLOW_EXPERIMENT_ID", "ENABLE_MLFLOW_TRACING"
RELEASE = Message("Release a new agent version: every deployment sets it.")
LACKING = {
    EXPERIMENT: Message("Without it the traces of this version go to no experiment, and nothing judges its answers."),
    TRACING: Message("Without it this version answers and leaves no trace."),
    HOST: Message("Without it this version can neither load its prompt nor keep its traces."),
    TOKEN: Message("Without it this version can neither load its prompt nor keep its traces."),
    MODEL_KEY: Message("Without it this version cannot ask its model."),
}


def of(workspace: "Workspace") -> list[Told]:
    """Every version that stands at the app's endpoint, the newest first; none where nothing stands. Short requests."""
    access, name = access_to.of(workspace), workspace.app.endpoint
    expected = variables.told(workspace, access, variables.ANY_SECRET)
    with rest.asking(access, Message("Reading the endpoint {endpoint}", endpoint=name)) as workspace_itself:
        if workspace.app.environment.target is Target.APP:
            return [
                Told(version, weight, tuple(_lines(given, app_files.expected(expected, given))))
                for version, weight, given in app_files.environments(workspace_itself, name)
            ]
        told = workspace_itself.find(f"2.0/serving-endpoints/{quote(name, safe='')}")
    if told is None:
        return []
    return [
        Told(one.version, one.weight, tuple(_lines(_given(one.found), expected)))
        for one in served.entities(ServingEndpointDetailed.from_dict(told), agents.registered_name(workspace))
    ]


def _given(one: ServedEntityOutput) -> dict[str, str]:
    return {name: str(value) for name, value in (one.environment_vars or {}).items()}


def _lines(given: Mapping[str, str], expected: Mapping[str, str]) -> list[Line]:
    found = [*_set(given, expected), *_missing(given, expected)]
    return sorted(found, key=lambda line: (list(Standing).index(line.standing), line.name))


def _set(given: Mapping[str, str], expected: Mapping[str, str]) -> Iterator[Line]:
    for name, value in given.items():
        if secrets.is_plain(name, value):
            yield _plain(name)
        elif name == TOKEN and all(given.get(one) for one in PRINCIPAL) and "DATABRICKS_AUTH_TYPE" not in given:
            yield _two_ways(name, value)
        elif name in READ_NOWHERE or (name not in expected and _unknown(name)):
            yield _ignored(name)
        elif name in expected and not _same(value, expected[name]):
            yield _other(name, value, expected[name])
        else:
            yield Line(name, Standing.SET, _readable(value) if name in expected or _refers(value) else None)


def _missing(given: Mapping[str, str], expected: Mapping[str, str]) -> Iterator[Line]:
    signs_in = all(given.get(one) for one in PRINCIPAL)
    for name in expected:
        if name not in given and not (name in (TOKEN, MODEL_KEY) and signs_in):
            why = LACKING.get(name, Message("The console sets it for every version; this one was deployed without it."))
            yield Line(name, Standing.MISSING, why=why, mend=RELEASE)


def _plain(name: str) -> Line:
    return Line(
        name,
        Standing.PLAIN,
        why=Message("It stands there in plain text, so that everyone who may look at the endpoint can read it."),
        mend=Message(
            "Make that key invalid where it was made, keep a new one as a secret of the workspace, and write {example} "
            "instead. Then release a new agent version and stop this one.",
            example="{{secrets/scope/key}}",
        ),
    )


def _two_ways(name: str, value: str) -> Line:
    return Line(
        name,
        Standing.CONFLICT,
        value if _refers(value) else None,
        Message("A token and a service principal are both there, and the libraries refuse to choose between them."),
        Message("Keep one of them, on the Apps screen, under Environments, and release a new agent version."),
    )


def _ignored(name: str) -> Line:
    instead = READ_NOWHERE.get(name)
    if instead is None:
        return Line(
            name,
            Standing.IGNORED,
            why=Message("Neither MLflow nor the workspace's libraries know it, so it does nothing."),
            mend=Message("Correct the name on the Apps screen, under Environments, or take it away."),
        )
    return Line(
        name,
        Standing.IGNORED,
        why=Message("Nothing reads it: it does nothing."),
        mend=Message("Take it away. What is meant is {name}.", name=instead),
    )


def _other(name: str, value: str, expected: str) -> Line:
    if name == EXPERIMENT:
        return Line(
            name,
            Standing.OTHER,
            value,
            Message("Its traces go to experiment {id}, where this app does not look for them.", id=value),
            RELEASE,
        )
    if name == TRACING:
        return Line(name, Standing.OTHER, value, LACKING[TRACING], RELEASE)
    # What stands there may be a reference, and what was set since a key.
    today = None if secrets.is_plain(name, expected) else _readable(expected)
    return Line(
        name,
        Standing.OTHER,
        _readable(value),
        Message("A deployment of today would set “{value}”.", value=today or "…"),
        Message("Release a new agent version if it shall count; until then this version keeps what it was given."),
    )


def _same(value: str, expected: str) -> bool:
    """Any reference stands for any other: who keeps which secret is for the engineers."""
    return value == expected or (_refers(value) and _refers(expected))


def _refers(value: str) -> bool:
    return secrets.REFERENCE.fullmatch(value) is not None


def _readable(value: str) -> str | None:
    """The value without anything that looks like a key; an address that holds a name and a password is not shown."""
    return None if "@" in value and "://" in value else secrets.masked(value)


def _unknown(name: str) -> bool:
    return bool(OF_LIBRARIES.match(name)) and name not in variables.KNOWN | _read_by_libraries()


def _read_by_libraries() -> frozenset[str]:
    """Every name that MLflow or the workspace's SDK looks for."""
    of_mlflow = {name for name in vars(mlflow.environment_variables) if OF_LIBRARIES.match(name)}
    return frozenset(of_mlflow | {one.env for one in Config.attributes() if one.env})
