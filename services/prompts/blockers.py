"""What still needs a version of a prompt, or the whole prompt, and so keeps it from being deleted."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from services import agents, apps, evaluations, production, prompts, releases
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace


def blockers(workspace: "Workspace", name: str, version: int | None = None) -> list[Message]:
    """Why the version (None: the prompt with all its versions) must stay; empty when nothing needs it."""
    reasons = (live, _named, released, _aliased)
    return [why for found in reasons for why in found(workspace, name, version)]


def live(workspace: "Workspace", name: str, version: int | None) -> Iterator[Message]:
    """Whether the alias of an environment names it now."""
    for place in apps.everywhere(workspace):
        current, environment = production.alias(place, name), place.app.environment
        if current is None or version not in (None, current):
            continue
        if environment.live:
            yield Message("Version {n} is live.", n=current)
        else:
            stage = Message(apps.TITLE[environment.stage])
            yield Message("Version {n} answers in another environment: {stage}.", n=current, stage=stage)


def released(workspace: "Workspace", name: str, version: int | None) -> Iterator[Message]:
    """Whether a release moved it, or a rollback would go back to it."""
    places = apps.everywhere(workspace)
    for target in map(releases.rollback_target, places):
        if target and target.prompt_name == name and version in (None, target.after.prompt_version):
            yield Message("A rollback would go back to it, to release {id}.", id=target.id)
    found = [one for place in places for one in releases.of_prompt(place, name)]
    named = [one.id for one in found if version in (None, one.before.prompt_version, one.after.prompt_version)]
    if named:
        yield Message("Releases that name it: {ids}.", ids=", ".join(str(id) for id in sorted(named)[:10]))


def _named(workspace: "Workspace", name: str, version: int | None) -> Iterator[Message]:
    logged = [one for one in agents.of_prompt(workspace, name) if one.status == "READY"]
    naming = [one for one in logged if version is None or version in (one.pinned, one.linked)]
    if naming:
        yield Message("Agent versions logged with it: {n}. Each of them could be released.", n=len(naming))
    asked = evaluations.of_prompt(workspace, name, version)
    got = [one for one in evaluations.of_prompt(workspace, name) if version in (None, one.prompt_version)]
    found = {one.run_id for one in [*asked, *got]}
    if found:
        yield Message("Evaluations of it: {n}. Nobody could read any more what they judged.", n=len(found))


def _aliased(workspace: "Workspace", name: str, version: int | None) -> Iterator[Message]:
    """Whether it carries an alias that somebody set outside the console: MLflow would drop it without a word."""
    answering = {place.app.environment.alias for place in apps.everywhere(workspace)}
    for alias, number in prompts.aliases(workspace, name, version).items():
        if alias not in answering and alias != production.pin_alias(number):
            yield Message(
                "Version {n} carries the alias {alias}. Programs that load it by that alias would fail.",
                n=number,
                alias=alias,
            )
