"""The version before and the one after answer the same question at their own addresses: nobody else notices."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services import audit, endpoints
from services.audit import Verb
from services.errors import ConsoleError, InvalidInputError, NotReadyError
from services.messages import Message
from services.releases.facts import Release

if TYPE_CHECKING:
    from services.workspace import Workspace

LONGEST = 4_000


@dataclass(frozen=True)
class Reply:
    """What one agent version answered; `error` why it did not."""

    version: int
    text: str
    seconds: float | None
    trace_id: str | None
    error: Message | None


def versions(workspace: "Workspace", release: Release) -> tuple[int, int] | None:
    """The agent versions before and after, while both stand ready; None where only a prompt moves, or one is gone."""
    old, new = release.before.agent_version, release.after.agent_version
    if old is None or new is None or old == new:
        return None
    endpoint = endpoints.current(workspace)
    standing = [endpoint.version(number) for number in (old, new)] if endpoint else []
    return (old, new) if standing and all(one and one.ready for one in standing) else None


def ask(workspace: "Workspace", release: Release, question: str) -> tuple[Reply, Reply]:
    """Both answers; they count as tries, not as live traffic. Raises NotReadyError when one of the two is gone."""
    audit.require(workspace, Verb.TRY_AGENT)
    if not question.strip() or len(question) > LONGEST:
        raise InvalidInputError(
            Message("A question has 1 to {n} characters.", n=LONGEST), Message("Type what people ask you.")
        )
    both = versions(workspace, release)
    if both is None:
        raise NotReadyError(
            Message("The version before or the one after does not stand ready any more."),
            Message("Ask both while the release is on its way or live, or compare their evaluations."),
        )
    with ThreadPoolExecutor(2) as threads:
        old, new = threads.map(lambda version: _reply(workspace, version, question), both)
    return old, new


def _reply(workspace: "Workspace", version: int, question: str) -> Reply:
    request = {
        "input": [{"role": "user", "content": question}],
        "custom_inputs": {"signalbox_origin": "try", "user_id": workspace.actor.id},
    }
    try:
        answer = workspace.platform.serving.ask(workspace, workspace.app.endpoint, request, version)
    except ConsoleError as error:
        return Reply(version, "", None, None, error.message)
    return Reply(version, answer.text, answer.seconds, answer.trace_id, None)
