"""The one move of a release: the traffic, or the alias."""

from typing import TYPE_CHECKING

from services import agents, apps, production
from services.errors import ConflictError, NotFoundError
from services.messages import Message
from services.releases import approving, records, sharing
from services.releases.facts import Kind, Release, State
from services.releases.pointer import live

if TYPE_CHECKING:
    from services.jobs import Work
    from services.workspace import Workspace


def shift(workspace: "Workspace", work: "Work", release: Release) -> Message:
    """The move itself: the approval once more, then one pointer."""
    why = f"release {release.id}"
    if release.kind is Kind.ADOPTION:
        return _adopted(workspace, release)
    if release.judged:
        approving.hold(workspace, release, started=True)
    if release.before.agent_version != release.after.agent_version:
        before = sharing.last(release)
        if release.kind is Kind.ROLLBACK:
            # The way back leads from whatever stands there, also from shares that somebody has split.
            before = production.traffic(workspace)
        production.move_traffic(workspace, before, {release.agent_version: 100}, why)
    if release.prompted:
        _label(workspace, release, why)
    if release.undoes is not None:
        records.set_state(workspace, release.undoes, State.TAKEN_BACK)
    return _moved(release)


def _label(workspace: "Workspace", release: Release, why: str) -> None:
    """Let the alias name what is live."""
    current = production.alias(workspace, release.prompt_name)
    if current != release.after.prompt_version:
        expected = release.before.prompt_version if _alias_was_read(workspace, release) else current
        production.move_alias(workspace, release.prompt_name, expected, release.prompt_version, why)


def _alias_was_read(workspace: "Workspace", release: Release) -> bool:
    """Whether what was live before followed the alias; before a first release it may be somebody else's."""
    try:
        agent = agents.get(workspace, release.before.model_id) if release.before.model_id else None
    except NotFoundError:
        return True
    return agent is not None and agent.pinned is None and agent.prompt_name == release.prompt_name


def _adopted(workspace: "Workspace", release: Release) -> Message:
    """Somebody else moved the pointer: nothing is written, but it must still stand where it was found."""
    found = live(workspace).pair
    if found != release.after:
        raise ConflictError(
            Message("What is live has changed since release {id} was proposed.", id=release.id),
            Message("Look at what is live, then adopt it or put it back."),
        )
    return Message("What was moved outside the console is taken over; nothing was moved.")


def _moved(release: Release) -> Message:
    """Which pointer moved: the traffic, the alias, or with a rollback both."""
    agent, prompt, alias = release.agent_version, release.prompt_version, apps.ALIASES[release.stage]
    if release.before.agent_version == agent:
        return Message("The alias {alias} moved to prompt version {version}.", alias=alias, version=prompt)
    if release.kind is Kind.ROLLBACK and release.prompted and release.before.prompt_version != prompt:
        return Message(
            "Agent version {version} gets 100 % of the traffic, and the alias {alias} moved to prompt version {prompt}.",
            alias=alias,
            version=agent,
            prompt=prompt,
        )
    return Message("Agent version {version} gets 100 % of the traffic.", version=agent)
