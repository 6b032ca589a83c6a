"""What critical questions caught: a line in the audit log whenever the gate holds a release because one of them fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services import audit
from services.audit import Event, Verb
from services.database import writing
from services.interlocks import Finding, Light

if TYPE_CHECKING:
    from services.workspace import Workspace


@dataclass(frozen=True)
class Catch:
    """One release that was held, by which evaluation, and the critical questions that failed in it, by their row ids."""

    at: datetime
    release: int
    evaluation: str
    questions: Mapping[str, str]


def all(workspace: "Workspace") -> list[Catch]:
    """Every catch in the app's environments, newest first; the same failure of the same release is one."""
    return [_from_event(line) for line in reversed(audit.of_verbs(workspace, (Verb.NOTICE_CRITICAL,)))]


def note(
    workspace: "Workspace", reference: Mapping[str, Any], findings: Sequence[Finding], evaluation: str | None
) -> None:
    """Record that critical questions hold a release, once for each evaluation and what fails in it.

    `reference` names the release. What two people let pass is not red any more, and stays recorded.
    """
    red = [one for one in findings if one.light is Light.RED]
    failing = {row: question for one in red for row, question in one.critical.items()}
    told = {**reference, "evaluation": evaluation, "questions": failing}
    subject = f"release {reference['release']}"
    if not failing or told in [line.after for line in audit.about(workspace, subject, Verb.NOTICE_CRITICAL)]:
        return
    with writing(workspace.engine) as connection:
        audit.record(connection, workspace, Verb.NOTICE_CRITICAL, subject, after=told)


def _from_event(line: Event) -> Catch:
    told = line.after
    return Catch(line.at, told["release"], told["evaluation"] or "", told["questions"])
