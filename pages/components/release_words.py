"""A release in words: its title, what moves, and where it stands."""

from pages.components import session
from services.releases import Kind, Live, Release, State

_ = session.text

COLOUR = {State.LIVE: "green", State.RUNNING: "blue"}
QUIET = (State.PROPOSED, State.TAKEN_BACK, State.WITHDRAWN)


def badge(release: Release) -> str:
    colour = "gray" if release.state in QUIET else COLOUR.get(release.state, "red")
    return f":{'red' if release.held else colour}-badge[{session.escape(session.release_state(release))}]"


def standing(release: Release, live: Live, replaced_by: int | None) -> str:
    """Its state; of one that went live, whether it still is, and what replaced it."""
    current = live.release
    if current and current.restores == release.id and replaced_by is None:
        return f":gray[{_('brought back by release {id}', id=current.id)}]"
    if replaced_by is None and release.state is State.LIVE and current is None:
        return f":gray[{_('shut down')}]"
    if replaced_by is None and release.state is State.LIVE and not live.moved_outside:
        return f":green-badge[{_('live now')}]"
    if replaced_by is None:
        return badge(release)
    if release.state is State.TAKEN_BACK:
        return f":gray[{_('taken back by release {id}', id=replaced_by)}]"
    return f":gray[{_('replaced by release {id}', id=replaced_by)}]"


def title(release: Release) -> str:
    """Its number; a rollback says where it leads."""
    if release.kind is Kind.ADOPTION:
        return _("Release {id}: adopted from outside the console", id=release.id)
    if release.kind is not Kind.ROLLBACK:
        return _("Release {id}", id=release.id)
    if release.prompted and release.before.prompt_version != release.after.prompt_version:
        return _("Release {id}: roll back to prompt version {n}", id=release.id, n=release.prompt_version)
    return _("Release {id}: roll back to agent version {n}", id=release.id, n=release.after.agent_version or "–")


def sentence(release: Release) -> str:
    """What moves from where to where, in one line; what stays is left out."""
    values = {
        "old": release.before.prompt_version or "–",
        "new": release.after.prompt_version or "–",
        "old_agent": release.before.agent_version or "–",
        "new_agent": release.promised.agent_version or "–",
    }
    if release.kind is Kind.ROLLBACK:
        return _back(release, values)
    if release.kind is Kind.ADOPTION and release.before.agent_version == release.after.agent_version:
        return _("Prompt version {old} → {new}, moved outside the console; the agent stays.", **values)
    if release.kind is Kind.ADOPTION:
        return _(
            "Prompt version {old} → {new}, agent version {old_agent} → {new_agent}, moved outside the console.",
            **values,
        )
    if release.kind is Kind.PROMPT:
        return _("Prompt version {old} → {new}; the agent stays.", **values)
    if not release.prompted:
        return _without_prompt(release, values)
    if None in (release.before.agent_version, release.promised.agent_version):
        return _("A new agent version with prompt version {new}.", **values)
    return _("Agent version {old_agent} → {new_agent} with prompt version {new}.", **values)


def _without_prompt(release: Release, values: dict[str, int | str]) -> str:
    if None in (release.before.agent_version, release.promised.agent_version):
        return _("A new agent version, which asks no prompt.")
    return _("Agent version {old_agent} → {new_agent}, which asks no prompt.", **values)


def _back(release: Release, values: dict[str, int | str]) -> str:
    if not release.prompted:
        return _("Back from agent version {old_agent} to {new_agent}, which asks no prompt.", **values)
    if release.before.agent_version == release.after.agent_version:
        return _("Back from prompt version {old} to {new}; the agent stays.", **values)
    if release.before.prompt_version == release.after.prompt_version:
        return _("Back from agent version {old_agent} to {new_agent}; the prompt stays.", **values)
    return _("Back from prompt version {old} to {new}, agent version {old_agent} to {new_agent}.", **values)
