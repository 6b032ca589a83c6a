"""The agent in the model registry: registered with what it is, named challenger, and champion once it is proven."""

from typing import TYPE_CHECKING

import mlflow
from mlflow.entities.model_registry import ModelVersion

from services import agents, apps, audit, production
from services.agents import AgentVersion
from services.audit import Verb
from services.errors import PlatformError, existing, translated
from services.messages import Message
from services.production import CHALLENGER, CHAMPION, ModelAlias
from services.releases import records
from services.releases.facts import Release

if TYPE_CHECKING:
    from services.workspace import Workspace

VERSION_TAG = "model_version"
FRAMEWORK = "agent_framework"


def register(workspace: "Workspace", release: Release) -> tuple[str, int]:
    """The registered model and its version of the release's agent, described and named challenger.

    One registered model per app; what an earlier attempt did is found again and not done twice.
    """
    audit.require(workspace, Verb.REGISTER_MODEL)
    name, agent = agents.registered_name(workspace), agents.get(workspace, str(release.after.model_id))
    if agent.pinned is not None:
        production.pin(workspace, agent.prompt_name, agent.pinned, f"release {release.id}")
    was = production.model_aliases(workspace, name).get(CHALLENGER)
    version = _registered(workspace, name, agent, release)
    _describe(workspace, version, agent, release)
    number = int(version.version)
    if not workspace.app.environment.live:
        return name, number
    production.move_model_alias(workspace, ModelAlias(name, CHALLENGER), was, number, f"release {release.id}")
    return name, number


def description(agent: AgentVersion, release: Release) -> Message:
    """What the registry says of a version: the agent, its prompt, its model, and why it was to go live."""
    if not release.prompted:
        return _without_prompt(agent, release)
    facts = {
        "name": agent.name,
        "prompt": release.prompt_name,
        "version": release.after.prompt_version or "–",
        "model": agent.llm_model or "–",
        "id": release.id,
    }
    if release.why:
        return Message(
            "{name} with prompt {prompt}, version {version}, on model {model}. Registered by release {id}: {why}",
            why=release.why,
            **facts,
        )
    return Message(
        "{name} with prompt {prompt}, version {version}, on model {model}. Registered by release {id}.", **facts
    )


def _without_prompt(agent: AgentVersion, release: Release) -> Message:
    facts = {"name": agent.name, "id": release.id}
    if release.why:
        return Message("{name}, which asks no prompt. Registered by release {id}: {why}", why=release.why, **facts)
    return Message("{name}, which asks no prompt. Registered by release {id}.", **facts)


def promote(workspace: "Workspace", release: Release, was: int | None) -> None:
    """Name the proven version champion, which was `was` before the proof; it is no challenger any more.

    In another environment than production it gets that one's alias instead: champion is what customers meet.

    A version that someone deleted from the registry answers on and has no name there.
    """
    name, version, why = agents.registered_name(workspace), release.after.agent_version, f"release {release.id}"
    if version is None or not _exists(workspace, name, version):
        return
    production.move_model_alias(workspace, ModelAlias(name, _of_proven(workspace)), was, version, why)
    _no_challenger(workspace, name, version, why)


def champion(workspace: "Workspace") -> int | None:
    """The version that was proven last in this environment, as the registry's alias says."""
    return production.model_aliases(workspace, agents.registered_name(workspace)).get(_of_proven(workspace))


def give_up(workspace: "Workspace", release: Release) -> None:
    """A candidate whose release failed or was withdrawn is no challenger any more."""
    name, why = agents.registered_name(workspace), f"release {release.id} did not go live"
    _no_challenger(workspace, name, release.after.agent_version, why)


def _of_proven(workspace: "Workspace") -> str:
    environment = workspace.app.environment
    return CHAMPION if environment.live else environment.alias


def _no_challenger(workspace: "Workspace", name: str, version: int | None, why: str) -> None:
    """Only a release to production names a challenger, and only such a one takes the name away."""
    if (
        workspace.app.environment.live
        and version is not None
        and production.model_aliases(workspace, name).get(CHALLENGER) == version
    ):
        production.move_model_alias(workspace, ModelAlias(name, CHALLENGER), version, None, why)


def _exists(workspace: "Workspace", name: str, version: int) -> bool:
    with translated(Message("Reading the registered agents")):
        return existing(workspace.client.get_model_version, name, str(version)) is not None


def _registered(workspace: "Workspace", name: str, agent: AgentVersion, release: Release) -> ModelVersion:
    """The registered version of the agent, read back from the registry; raises PlatformError when it is not ready."""
    source = f"models:/{agent.model_id}"
    with translated(Message("Reading the registered agents")):
        listed = workspace.client.search_model_versions(f"name = '{name}'")
    known = [int(one.version) for one in listed if one.source == source or one.model_id == agent.model_id]
    if not known:
        why = f"release {release.id}"
        with audit.change(workspace, Verb.REGISTER_MODEL, name, after=agent.model_id, why=why) as change:
            change.after = int(mlflow.register_model(source, name).version)
        known = [change.after]
    with translated(Message("Reading the registered agents")):
        found = workspace.client.get_model_version(name, str(min(known)))
    if found.status != "READY" or source not in (found.source, f"models:/{found.model_id}"):
        raise PlatformError(
            Message(
                "{name}, version {version}, is registered but not ready to be served.", name=name, version=min(known)
            ),
            Message("Look at it in MLflow, then resume the release."),
        )
    return found


def _describe(workspace: "Workspace", version: ModelVersion, agent: AgentVersion, release: Release) -> None:
    """Write what is missing or different; MLflow's own screens and other tools read it there.

    What a person wrote, here of the agent or in the registry over ours, stays.
    """
    known = [one for place in apps.everywhere(workspace) for one in records.all(place)]
    ours = {str(description(agent, one)) for one in known if one.after.model_id == agent.model_id}
    kept = version.description if version.description and version.description not in ours else None
    text, tags = kept or agent.description or str(description(agent, release)), _tags(agent)
    if version.description == text and tags.items() <= version.tags.items():
        return
    client, number = workspace.client, str(version.version)
    subject = f"{version.name} {number}"
    before, why = version.description or None, f"release {release.id}"
    with audit.change(workspace, Verb.REGISTER_MODEL, subject, before, text, why):
        for name, value in tags.items():
            client.set_model_version_tag(version.name, number, name, value)
        client.set_logged_model_tags(agent.model_id, {VERSION_TAG: tags[VERSION_TAG]})
        client.update_model_version(version.name, number, description=text)


def _tags(agent: AgentVersion) -> dict[str, str]:
    return {
        VERSION_TAG: str(agent.config.get("app_version") or agent.model_id),
        "model_framework": FRAMEWORK,
        "mlflow_trace_enabled": "true",
        "mlflow_trace_model_id": f"models:/{agent.model_id}",
    }
