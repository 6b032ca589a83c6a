"""The whole log checked: every hash, every link, and the hashes that are known from elsewhere."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from services import audit, jobs
from services.audit.anchors import gather
from services.audit.chain import Break, Kind, scan
from services.audit.searching import AuditQuery, page
from services.audit.verbs import Verb
from services.database import event_log
from services.errors import InvalidInputError
from services.messages import Message

if TYPE_CHECKING:
    from services.jobs import Job, Work
    from services.workspace import Workspace

JOB = "verify_audit"
BACKUPS = "backups.json"
HASH_LENGTH = 64


@dataclass(frozen=True)
class Verdict:
    """What a check found; `anchors` counts the hashes from elsewhere that the log was held against.

    `unread` and `unnamed`: evidence packs that could not be read, and that no line of the log names.
    """

    lines: int
    newest: int
    hash: str
    anchors: int
    unfinished: int
    breaks: tuple[Break, ...]
    unread: int = 0
    unnamed: int = 0

    @property
    def whole(self) -> bool:
        return not self.breaks


def start(workspace: "Workspace", line: int | None = None, hash: str = "") -> "Job":
    """Check the log as a job; `hash` is one that somebody noted elsewhere, of the line with the number `line`.

    Raises InvalidInputError for what cannot be a hash.
    """
    args: dict[str, Any] = {}
    if hash or line is not None:
        if line is None or len(hash) != HASH_LENGTH or set(hash.lower()) - set("0123456789abcdef"):
            raise InvalidInputError(
                Message("A noted hash is 64 letters and digits, together with the number of its line."),
                Message("Copy both as the check showed them, or leave both fields empty."),
            )
        args = {"line": line, "hash": hash.lower()}
    with audit.change(workspace, Verb.VERIFY_AUDIT, "audit log", after=line):
        return jobs.submit(workspace, JOB, args, exclusive=JOB)


def newest(workspace: "Workspace") -> "Job | None":
    """The newest check that was asked for in this app."""
    found = jobs.recent(workspace, JOB, limit=1)
    return found[0] if found else None


def run(workspace: "Workspace", work: "Work") -> dict[str, Any]:
    """The handler of the job."""
    noted = [(work.args["line"], work.args["hash"])] if "line" in work.args else []
    anchors = gather(workspace, [*noted, *known(workspace.settings.home).items()])
    with workspace.engine.connect() as connection:
        total = connection.execute(select(func.max(event_log.c.id))).scalar() or 0
    note = Message("Checking line after line")
    found = scan(workspace.engine, anchors.hashes, lambda done: work.progress(min(done, total), total, note))
    # This check's own intent and outcome are whole; what has no outcome for long was cut off.
    unfinished = page(workspace, AuditQuery(outcome="intent", limit=1_000)).lines
    breaks = tuple(sorted({*found.breaks, *anchors.contradictions}, key=lambda one: one.line))
    counts = len(anchors.hashes), len(unfinished)
    return asdict(
        Verdict(found.lines, found.newest, found.hash, *counts, breaks, unread=anchors.unread, unnamed=anchors.unnamed)
    )


def verdict(job: "Job") -> Verdict:
    """What a finished check found."""
    breaks = tuple(Break(Kind(one["kind"]), one["line"]) for one in job.result["breaks"])
    return Verdict(**{**job.result, "breaks": breaks})


def told(found: Verdict) -> Message:
    """The result in one sentence."""
    if found.whole:
        return Message(
            "Unbroken: {n} lines, the newest is line {line} with the hash {hash}.",
            n=f"{found.lines:,}",
            line=found.newest,
            hash=found.hash,
        )
    return Message("The log is broken: {what}", what=broken(found.breaks[0]))


def broken(found: Break) -> Message:
    """Where and how the chain breaks."""
    match found.kind:
        case Kind.EDITED:
            return Message("line {n} was changed after it was written.", n=found.line)
        case Kind.MISSING:
            return Message("lines right before line {n} are missing.", n=found.line)
        case Kind.REPLACED:
            return Message("a line was put in or written anew at line {n} or right before it.", n=found.line)
        case Kind.REWRITTEN:
            return Message("line {n} is not the line that a backup, an evidence pack or your note knows.", n=found.line)
        case Kind.CUT:
            return Message(
                "the end was cut off: line {n}, which a backup, an evidence pack or your note knows, is gone.",
                n=found.line,
            )


def note_backup(home: Path, line: int, hash: str, at: str) -> None:
    """Remember which line was the newest in a backup, for later checks."""
    file = home / BACKUPS
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps([*_backups(home)[-9:], {"line": line, "hash": hash, "at": at}]))
    temporary.replace(file)


def last_backup(home: Path) -> str | None:
    """When the last backup of this data folder was made, as ISO text."""
    found = _backups(home)
    return str(found[-1]["at"]) if found else None


def known(home: Path) -> dict[int, str]:
    """The lines that the last backups know: their hashes by number; of an empty log they know none."""
    return {int(one["line"]): str(one["hash"]) for one in _backups(home) if one["line"]}


def _backups(home: Path) -> list[dict[str, Any]]:
    try:
        read = json.loads((home / BACKUPS).read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return [one for one in read if isinstance(one, dict) and {"line", "hash", "at"} <= one.keys()]
