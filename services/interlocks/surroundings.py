"""Interlocks on the platform: names, environment variables, secrets, the place of the traces, rights and room.

What a platform accepts is data (`serving.rules`), so that each of these exists once.
"""

import functools
import re
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from mlflow.models import Model

from services import apps
from services.apps import Environment
from services.errors import translated
from services.interlocks.facts import Candidate, Finding, Interlock
from services.messages import Message
from services.platforms import Rules
from services.secrets import KEY_TEXT, is_plain

NAMES = Interlock(
    7,
    Message("Names"),
    Message("Platforms cut long names silently, and two apps on one endpoint overwrite each other."),
)
ARGUMENTS = Interlock(
    8,
    Message("Settings of the deployment"),
    Message("A platform ignores a name that it does not know, without a word: the setting then does nothing."),
)
SECRETS = Interlock(
    9,
    Message("Secrets"),
    Message("Everyone who may look at an endpoint can read what is written there in plain text."),
)
TRACES = Interlock(
    10,
    Message("Where traces go"),
    Message("Without a fixed place of their own, the traces of live answers get lost, and with them every chart."),
)
RIGHTS = Interlock(
    11,
    Message("Declared resources"),
    Message("What was not declared when the agent was logged, it may not reach: it fails at its first question."),
)
ROOM = Interlock(
    14, Message("Room"), Message("A platform that is full or away stops serving, judging or storing without a word.")
)

PLATFORMS_OWN = re.compile(r"(MLFLOW|DATABRICKS|ENABLE|SIGNALBOX)_")
NEW = {"view": "new"}
FULL, LITTLE = 200_000_000, 1_000_000_000


def names_fit(candidate: Candidate) -> Finding:
    """7: the endpoint's name is explicit, short enough and neither another app's nor another environment's."""
    workspace = candidate.workspace
    name, longest = workspace.app.endpoint, workspace.platform.serving.rules.name_length
    mend = Message("Change the endpoint's name on the Apps screen.")
    there = {} if workspace.app.environment.live else candidate.surroundings
    if not name or len(name) > longest:
        found = Message("The endpoint's name must have 1 to {longest} characters.", longest=longest)
        return NAMES.red(found, mend, "apps", there)
    other = apps.other_app_at(workspace, name)
    if other is not None:
        found = Message("The endpoint {name} belongs to the app {other}.", name=name, other=other.name)
        return NAMES.red(found, mend, "apps", there)
    if apps.other_stage_at(workspace, workspace.app.environment.stage, name) is not None:
        taken = Message("The endpoint {name} belongs to another environment of this app.", name=name)
        return NAMES.red(taken, mend, "apps", there)
    return NAMES.green(Message("One registered model and one endpoint: {name}.", name=name))


def settings_known(candidate: Candidate) -> Finding:
    """8: the platform knows every environment variable in its own name, and the agent every setting."""
    surroundings, known = candidate.workspace.app.environment, candidate.workspace.platform.serving.rules
    mend = Message("Correct the name on the Apps screen, under Environments, or take it away.")
    wrong = sorted(
        name for name in surroundings.variables if PLATFORMS_OWN.match(name) and name not in known.known_environment
    )
    if wrong:
        found = Message("The platform reads no environment variable of this name: {names}.", names=", ".join(wrong))
        return ARGUMENTS.red(found, mend, "apps", candidate.surroundings)
    refused = _refused(surroundings, known)
    if refused is not None:
        return ARGUMENTS.red(*refused, "apps", candidate.surroundings)
    unread = sorted(set(surroundings.config) - set(candidate.agent.config))
    if unread:
        found = Message(
            "The agent was logged without these settings and ignores them: {names}.", names=", ".join(unread)
        )
        return ARGUMENTS.red(found, mend, "apps", candidate.surroundings)
    if surroundings.variables:
        names = ", ".join(sorted(surroundings.variables))
        return ARGUMENTS.green(Message("Environment variables that are set: {names}.", names=names))
    return ARGUMENTS.green(Message("Nothing is set beside what the console sets itself."))


def _refused(surroundings: Environment, known: Rules) -> tuple[Message, Message] | None:
    """What the platform would refuse or ignore at the deployment, and how to mend it."""
    fixed = sorted(known.fixed_environment & set(surroundings.variables))
    if fixed:
        found = Message("The platform sets these environment variables itself: {names}.", names=", ".join(fixed))
        return found, Message("Take them away on the Apps screen, under Environments.")
    small = sorted(name for name in surroundings.variables if name != name.upper())
    if small and known.capital_names:
        found = Message(
            "The platform takes environment variables in capital letters only: {names}.", names=", ".join(small)
        )
        return found, Message("Correct the name on the Apps screen, under Environments, or take it away.")
    if surroundings.config and not known.overrides_config:
        names = ", ".join(sorted(surroundings.config))
        found = Message("This platform cannot change an agent's settings when it is deployed: {names}.", names=names)
        return found, Message(
            "Log the agent with these settings, then take them away on the Apps screen, under Environments."
        )
    return None


def secrets_by_reference(candidate: Candidate) -> Finding:
    """9: no access key stands in plain text in the agent's settings or in its environment variables."""
    by_reference = candidate.workspace.platform.serving.rules.secret_references
    mend = (
        Message("Keep it as a secret of the workspace and write {example} instead.", example="{{secrets/scope/key}}")
        if by_reference
        else Message("Take it away: a served agent gets the console's own key of the model from its environment.")
    )
    logged = sorted(where for where, value in _texts(candidate.agent.config) if KEY_TEXT.search(value))
    if logged:
        found = Message("The agent was logged with an access key in its settings: {names}.", names=", ".join(logged))
        again = Message("Make that key invalid where it was made, then log the agent again without it.")
        return SECRETS.red(found, again, "agents")
    surroundings = candidate.workspace.app.environment
    plain = {
        *(name for name, value in surroundings.variables.items() if is_plain(name, value)),
        *(where for where, value in _texts(surroundings.config) if KEY_TEXT.search(value)),
    }
    if plain:
        found = Message("An access key stands in plain text: {names}.", names=", ".join(sorted(plain)))
        return SECRETS.red(found, mend, "apps", candidate.surroundings)
    return SECRETS.green(Message("No access key stands in plain text."))


def _texts(config: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        if isinstance(value, Mapping):
            yield from _texts(value, f"{under}{name}.")
        else:
            yield f"{under}{name}", str(value)


def traces_kept(candidate: Candidate) -> Finding:
    """10: the app's experiment exists, is no notebook's or Git folder's, and keeps its files at an absolute place."""
    app, client = candidate.workspace.app, candidate.workspace.client
    found = client.get_experiment(app.experiment_id)
    mend = Message("Make an app with an experiment of its own on the Apps screen.")
    if found.lifecycle_stage != "active":
        restore = Message("Restore the experiment in MLflow.")
        return TRACES.red(Message("The experiment {name} is deleted.", name=found.name), restore)
    if found.tags.get("mlflow.experimentType") == "NOTEBOOK" or found.name.startswith("/Repos/"):
        tied = Message("The experiment {name} belongs to a notebook or a Git folder and goes with it.", name=found.name)
        return TRACES.red(tied, mend, "apps", NEW)
    if not re.match(r"([a-z][a-z0-9+.-]*:|/)", str(found.artifact_location)):
        relative = Message(
            "The experiment keeps its files at {place}: every program would look for that in another folder.",
            place=found.artifact_location,
        )
        return TRACES.red(relative, mend, "apps", NEW)
    elsewhere = app.environment.variables.get("MLFLOW_EXPERIMENT_ID", app.experiment_id)
    if elsewhere != app.experiment_id:
        sent = Message("An environment variable sends the traces to experiment {id}.", id=elsewhere)
        away = Message("Take MLFLOW_EXPERIMENT_ID away on the Apps screen, under Environments.")
        return TRACES.red(sent, away, "apps", candidate.surroundings)
    return TRACES.green(Message("Live traces go to the experiment {name}.", name=found.name))


def rights_declared(candidate: Candidate) -> Finding:
    """11: where the platform asks for it, the agent declared the model endpoint that it calls."""
    if not candidate.workspace.platform.serving.rules.declares_resources:
        return RIGHTS.green(Message("This platform asks for no declaration."))
    model = candidate.agent.llm_model
    with translated(Message("Reading what the agent may use"), foreign=True):
        resources, scopes = declared(candidate.workspace.settings.tracking_uri, candidate.agent.model_id)
    if model and model not in resources and "serving.serving-endpoints" not in scopes:
        found = Message("The agent calls the model endpoint {name} and did not declare it.", name=model)
        mend = Message("Log the agent again and add the serving endpoint under Resources.")
        return RIGHTS.red(found, mend, "agents")
    names = ", ".join(sorted(resources | scopes)) or "–"
    return RIGHTS.green(Message("Declared: {names}.", names=names))


@functools.lru_cache(maxsize=500)
def declared(tracking_uri: str, model_id: str) -> tuple[frozenset[str], frozenset[str]]:
    """The names of the resources that an agent was logged with, and the scopes of who asks; they never change."""
    found = Model.load(f"models:/{model_id}")
    policy = found.auth_policy or {}
    listed = [found.resources or {}, (policy.get("system_auth_policy") or {}).get("resources") or {}]
    rows = [row for each in listed for kind in (each.get("databricks") or {}).values() for row in kind]
    scopes = (policy.get("user_auth_policy") or {}).get("api_scopes") or ()
    return frozenset(str(row["name"]) for row in rows), frozenset(map(str, scopes))


def room_left(candidate: Candidate) -> Finding:
    """14: the platform is up and has room for one more version, its scorers and its traces."""
    workspace, serving = candidate.workspace, candidate.workspace.platform.serving
    endpoint = serving.endpoint(workspace, workspace.app.endpoint)
    standing = [one.model_id for one in endpoint.versions] if endpoint else []
    needed = len({*standing, candidate.agent.model_id})
    if needed > serving.rules.served_versions:
        found = Message("{n} versions stand at the endpoint, and no more fit.", n=len(standing))
        return ROOM.red(
            found, Message("End the release that is on its way: what nobody needs is stopped then."), "endpoints"
        )
    most, watching = serving.rules.scorers, len(candidate.state["scorers"])
    if most is not None and watching > most:
        found = Message("The app has {n} scorers; the platform runs at most {most}.", n=watching, most=most)
        return ROOM.red(found, Message("Remove scorers that nobody needs on the Scorers screen."), "scorers")
    free = shutil.disk_usage(workspace.settings.home).free
    if free < LITTLE:
        found = Message("Only {n} MB are free on the disk of the data folder.", n=free // 1_000_000)
        mend = Message("Make room on that disk.")
        return ROOM.red(found, mend) if free < FULL else ROOM.amber(found, mend)
    trouble = serving.trouble(workspace)
    if trouble is not None:
        return ROOM.amber(trouble, Message("Open the Endpoints screen: it says what is missing."), "endpoints")
    return ROOM.green(
        Message("Versions that stand: {n} of at most {most}.", n=len(standing), most=serving.rules.served_versions)
    )
