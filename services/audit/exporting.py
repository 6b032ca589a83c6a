"""Lines of the log as a file that a spreadsheet opens without running anything."""

import csv
import io
from datetime import UTC
from typing import TYPE_CHECKING

from services import audit
from services.audit.differences import differences
from services.audit.reading import Event
from services.audit.searching import AuditQuery, walk
from services.audit.sentences import sentence
from services.audit.verbs import Verb
from services.datasets.exporting import neutral
from services.messages import Message, render

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST = 100_000
COLUMNS = ("line", "time_utc", "app", "person", "what", "verb", "subject", "change", "why", "outcome", "previous_hash", "hash")  # fmt: skip
CUT = Message("The list ends here, there are older lines. Choose a shorter time and export again.")


def to_csv(workspace: "Workspace", query: AuditQuery, language: str) -> bytes:
    """The newest MOST lines that fit, and a last row that says so where there are more; the sentences in `language`; who took them out stands in the log itself."""
    with audit.change(workspace, Verb.EXPORT_AUDIT, "audit log") as change:
        file = io.StringIO(newline="")
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        change.after = {"lines": 0}
        for n, line in enumerate(walk(workspace, query)):
            if n == MOST:
                writer.writerow([render(CUT, language)])
                change.after = {"lines": n, "cut": True}
                break
            writer.writerow([neutral(cell) for cell in _cells(line, language)])
            change.after = {"lines": n + 1}
    return file.getvalue().encode("utf-8-sig")


def _cells(line: Event, language: str) -> list[str]:
    changed = "; ".join(
        f"{' › '.join(render(part, language) for part in one.path)}: "
        f"{render(one.before, language)} → {render(one.after, language)}"
        for one in differences(line)
    )
    return [
        str(line.id), line.at.astimezone(UTC).isoformat(), line.app_id, line.actor, render(sentence(line), language), line.verb,
        line.subject, changed, line.why, line.outcome, line.previous_hash, line.hash,
    ]  # fmt: skip
