"""The only file that moves what production, or another environment, serves: alias, deployment, traffic.

Every function compares with what was expected, writes, reads back and leaves an audit record. They are called by
release jobs, which hold the app's pointer exclusively, right after the interlocks were checked again.
"""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import mlflow

from services import apps, audit
from services.audit import Verb
from services.database import now
from services.errors import ConflictError, PlatformError, existing, translated
from services.messages import Message
from services.platforms import Served, ServedState

if TYPE_CHECKING:
    from services.workspace import Workspace

ALIAS = "production"
CHALLENGER, CHAMPION = "challenger", "champion"


@dataclass(frozen=True)
class ModelAlias:
    """An alias of a registered model."""

    model: str
    name: str


def alias(workspace: "Workspace", prompt: str, name: str = "") -> int | None:
    """The version that an alias points at now, read past every cache; None when it points nowhere.

    Without a name it is the one of the workspace's environment: `production`, as long as nobody says otherwise.
    """
    name = name or workspace.app.environment.alias
    with translated(Message("Reading the alias of {prompt}", prompt=prompt)):
        # Unity Catalog answers with nothing where MLflow's own store raises.
        found = existing(workspace.client.get_prompt_version_by_alias, workspace.full_name(prompt), name)
    return int(found.version) if found else None


def traffic(workspace: "Workspace") -> dict[int, int]:
    """Percent of the endpoint's traffic by agent version, without the versions that get none."""
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    return {one.version: one.weight for one in endpoint.versions if one.weight} if endpoint else {}


def move_alias(workspace: "Workspace", prompt: str, expected: int | None, to: int, why: str) -> None:
    """Point the environment's alias at version `to`; raises ConflictError when it no longer points at `expected`.

    Calling it again after it succeeded changes nothing, so that an interrupted release can resume.
    """
    audit.require(workspace, Verb.MOVE_ALIAS)
    now = alias(workspace, prompt)
    if now == to:
        return
    if now != expected:
        raise ConflictError(
            Message(
                "The alias of {prompt} was moved outside this release: version {now} instead of {expected}.",
                prompt=prompt,
                now=now or "–",
                expected=expected or "–",
            ),
            Message("Look at what is live, then propose the release again."),
        )
    with _moving(workspace, prompt, now, to, why):
        mlflow.genai.set_prompt_alias(workspace.full_name(prompt), workspace.app.environment.alias, to)
        if alias(workspace, prompt) != to:
            raise _not_kept(Message("the alias of {prompt}", prompt=prompt))


def slip(workspace: "Workspace", prompt: str, to: int) -> None:
    """Move the alias in the practice copy of a rehearsal as somebody outside the console would: without a release.

    Raises ConflictError for an app that answers people.
    """
    audit.require(workspace, Verb.INJECT_FAULT)
    if not workspace.app.practice:
        raise ConflictError(
            Message("Only a practice copy may be disturbed."), Message("Start a rehearsal: it makes one.")
        )
    mlflow.genai.set_prompt_alias(workspace.full_name(prompt), workspace.app.environment.alias, to)


def pin(workspace: "Workspace", prompt: str, version: int, why: str) -> None:
    """Let `release_<version>` name the version, which agents pinned to it load: some platforms load none by number.

    The alias never moves: raises ConflictError when someone let it name another version.
    """
    name = pin_alias(version)
    now = alias(workspace, prompt, name)
    if now == version:
        return
    if now is not None:
        raise ConflictError(
            Message("The alias {alias} of {prompt} names version {now}.", alias=name, prompt=prompt, now=now),
            Message("Delete that alias in MLflow, then resume the release."),
        )
    with audit.change(workspace, Verb.PIN_PROMPT, f"{prompt}@{name}", after=version, why=why):
        mlflow.genai.set_prompt_alias(workspace.full_name(prompt), name, version)
        if alias(workspace, prompt, name) != version:
            raise _not_kept(Message("the alias {alias} of {model}", alias=name, model=prompt))


def pin_alias(version: int) -> str:
    """The alias that names a version for good, once it was released with an agent that is pinned to it."""
    return f"release_{version}"


def restore_alias(workspace: "Workspace", prompt: str, expected: int | None, to: int | None, why: str) -> None:
    """Let the environment's alias point where it did before a first release that did not come to its end; None is nowhere.

    An alias that no longer points at `expected` is somebody else's by now and stays.
    """
    audit.require(workspace, Verb.MOVE_ALIAS)
    now = alias(workspace, prompt)
    if now == to or now != expected:
        return
    if to is not None:
        move_alias(workspace, prompt, expected, to, why)
        return
    with _moving(workspace, prompt, now, None, why):
        mlflow.genai.delete_prompt_alias(workspace.full_name(prompt), workspace.app.environment.alias)
        if alias(workspace, prompt) is not None:
            raise _not_kept(Message("the alias of {prompt}", prompt=prompt))


def model_aliases(workspace: "Workspace", model: str) -> dict[str, int]:
    """The aliases of a registered model with the versions they point at now; none for a model that does not exist."""
    with translated(Message("Reading the aliases of {name}", name=model)):
        found = existing(workspace.client.get_registered_model, model)
    return {name: int(version) for name, version in found.aliases.items()} if found else {}


def move_model_alias(workspace: "Workspace", alias: ModelAlias, expected: int | None, to: int | None, why: str) -> None:
    """Point a registered model's alias at version `to`, or nowhere; traffic does not follow it.

    Raises ConflictError when it no longer points at `expected`. Calling it again after it succeeded changes nothing.
    """
    now = model_aliases(workspace, alias.model).get(alias.name)
    if now == to:
        return
    if now != expected:
        raise ConflictError(
            Message(
                "The alias {alias} of {model} was moved outside this release: version {now} instead of {expected}.",
                alias=alias.name,
                model=alias.model,
                now=now or "–",
                expected=expected or "–",
            ),
            Message(
                "Find out in MLflow who moved it, then resume the release: it goes on from where the alias is now."
            ),
        )
    with audit.change(workspace, Verb.MOVE_MODEL_ALIAS, f"{alias.model}@{alias.name}", before=now, after=to, why=why):
        if to is None:
            workspace.client.delete_registered_model_alias(alias.model, alias.name)
        else:
            workspace.client.set_registered_model_alias(alias.model, alias.name, str(to))
        if model_aliases(workspace, alias.model).get(alias.name) != to:
            raise _not_kept(Message("the alias {alias} of {model}", alias=alias.name, model=alias.model))


def deploy(
    workspace: "Workspace", version: int, model_id: str, model_config: Mapping[str, object], why: str = ""
) -> None:
    """Stand an agent version beside the live one, at 0 % traffic; one that stands already is left alone, unless it failed."""
    subject, now = f"{workspace.app.endpoint} {version}", standing(workspace, version)
    if now is not None and now.state is not ServedState.FAILED:
        return
    with audit.change(workspace, Verb.DEPLOY, subject, after=model_id, why=why):
        workspace.platform.serving.deploy(workspace, workspace.app.endpoint, version, model_id, dict(model_config))


def standing(workspace: "Workspace", version: int) -> Served | None:
    """The deployed version, live or at 0 %; None when it is not deployed or was retired."""
    endpoint = workspace.platform.serving.endpoint(workspace, workspace.app.endpoint)
    found = endpoint.version(version) if endpoint else None
    return None if found is None or found.state is ServedState.STOPPED else found


def move_traffic(workspace: "Workspace", expected: Mapping[int, int], to: Mapping[int, int], why: str) -> None:
    """Give the versions the shares `to` (percent); raises ConflictError when the shares are not `expected`."""
    now = traffic(workspace)
    if now == to:
        return
    if now != expected:
        raise ConflictError(
            Message("The traffic of {endpoint} was moved outside this release.", endpoint=workspace.app.endpoint),
            Message("Look at what is live, then propose the release again."),
        )
    shares = {"before": _readable(now), "after": _readable(to)}
    with audit.change(workspace, Verb.MOVE_TRAFFIC, workspace.app.endpoint, why=why, **shares):
        workspace.platform.serving.shift(workspace, workspace.app.endpoint, dict(to))
        if traffic(workspace) != to:
            raise _not_kept(Message("the traffic of {endpoint}", endpoint=workspace.app.endpoint))


def copy_questions(workspace: "Workspace", version: int, percent: int, why: str) -> None:
    """Give a version that answers nobody copies of so many percent of the live questions; 0 ends it, once."""
    found = standing(workspace, version)
    before = found.shadow if found else 0
    if before == percent:
        return
    with audit.change(workspace, Verb.COPY_QUESTIONS, f"{workspace.app.endpoint} {version}", before, percent, why):
        workspace.platform.serving.copy_questions(workspace, workspace.app.endpoint, version, percent)


def retire(workspace: "Workspace", version: int, why: str) -> None:
    """Stop a version that gets no traffic."""
    found = standing(workspace, version)
    if found is None or found.weight:
        return
    with audit.change(workspace, Verb.RETIRE, f"{workspace.app.endpoint} {version}", why=why):
        workspace.platform.serving.retire(workspace, workspace.app.endpoint, version)


def shut_down(workspace: "Workspace", prompts: Iterable[str], model: str, why: str) -> None:
    """Take a development or staging endpoint away, then the aliases of those prompts and of the registered model there.

    A message that everyone got in place of an answer goes with it: what is set up again answers.

    Calling it again goes on where an earlier call broke off. Raises ConflictError for production.
    """
    audit.require(workspace, Verb.SHUT_DOWN)
    environment, endpoint = workspace.app.environment, workspace.app.endpoint
    if environment.live:
        raise never_production()
    shares = {"before": _readable(traffic(workspace)), "after": {}}
    with audit.change(workspace, Verb.SHUT_DOWN, f"environment {environment.stage}", why=why, **shares):
        workspace.platform.serving.dismantle(workspace, endpoint)
        if workspace.platform.serving.endpoint(workspace, endpoint) is not None:
            raise _not_kept(Message("the endpoint {endpoint}", endpoint=endpoint))
        for prompt in prompts:
            restore_alias(workspace, prompt, alias(workspace, prompt), None, why)
        named = ModelAlias(model, environment.alias)
        move_model_alias(workspace, named, model_aliases(workspace, model).get(named.name), None, why)
        if offline(workspace) is not None:
            _keep_offline(workspace, None)


def never_production() -> ConflictError:
    """What is answered to who wants to shut production down."""
    return ConflictError(
        Message("Production is never shut down."),
        Message("Take it offline: everyone then gets your message, and one click brings it back."),
    )


def offline(workspace: "Workspace") -> dict[str, str] | None:
    """The message that everyone gets in place of an answer, with `by`, `at` and `why`; None while agents answer."""
    found: dict[str, str] | None = (apps.load_setting(workspace, apps.OFFLINE) or {}).get(workspace.app.endpoint)
    return found


def close(workspace: "Workspace", message: str, why: str) -> None:
    """Let everyone get `message` in place of an answer; needs our database only, and no traffic moves."""
    with audit.change(workspace, Verb.TAKE_OFFLINE, workspace.app.endpoint, after=message, why=why):
        said = {"message": message, "by": workspace.actor.id, "at": now().isoformat(), "why": why}
        _keep_offline(workspace, said)


def reopen(workspace: "Workspace", why: str) -> None:
    """Let the agents answer again, with the shares of the traffic that they had."""
    with audit.change(workspace, Verb.BRING_BACK, workspace.app.endpoint, before=offline(workspace), why=why):
        _keep_offline(workspace, None)


def _moving(
    workspace: "Workspace", prompt: str, before: int | None, after: int | None, why: str
) -> AbstractContextManager[audit.Change]:
    """What the log keeps of a move: the history of what was live is read from production's lines alone."""
    environment = workspace.app.environment
    if environment.live:
        return audit.change(workspace, Verb.MOVE_ALIAS, prompt, before=before, after=after, why=why)
    subject = f"{prompt}@{environment.alias}"
    return audit.change(workspace, Verb.MOVE_ENVIRONMENT_ALIAS, subject, before=before, after=after, why=why)


def _keep_offline(workspace: "Workspace", said: dict[str, str] | None) -> None:
    version, stored = apps.load_version(workspace, apps.OFFLINE)
    apps.save_setting(workspace, apps.OFFLINE, (stored or {}) | {workspace.app.endpoint: said}, version)


def _readable(shares: Mapping[int, int]) -> dict[str, int]:
    return {str(version): share for version, share in shares.items()}


def _not_kept(what: Message) -> PlatformError:
    return PlatformError(
        Message("The platform accepted the change of {what}, but reading it back shows something else.", what=what),
        Message("Look at what is live before you do anything else; someone may have changed it at the same moment."),
    )
