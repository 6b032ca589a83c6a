"""What a check says: one thing that was found in an agent's file, why it matters and how to mend it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.messages import Message


@dataclass(frozen=True)
class Finding:
    """Blocking: the file cannot be logged as it is; else good to know. `line` is the line of the agent's file.

    `file`: the other file of the folder that it is about. `package`: the line that mends it when it is added to the packages.
    """

    what: Message
    why: Message
    mend: Message
    blocking: bool = False
    line: int | None = None
    file: str = ""
    package: str = ""

    def to_json(self) -> dict[str, Any]:
        parts = {"what": self.what.to_json(), "why": self.why.to_json(), "mend": self.mend.to_json()}
        return {**parts, "blocking": self.blocking, "line": self.line, "file": self.file, "package": self.package}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Finding":
        what, why, mend = (Message.from_json(stored[name]) for name in ("what", "why", "mend"))
        added = {name: stored[name] for name in ("file", "package") if name in stored}
        return cls(what, why, mend, stored["blocking"], stored["line"], **added)


@dataclass(frozen=True)
class Report:
    """Everything that one check found, blocking first; `kind` is empty when no agent came out of it.

    `ran`: whether the file was run, not only read; `taken`: how a PythonModel takes a request. `read`: whether there is a
    file; `asked`: how many MCP servers were asked for their tools.
    """

    kind: str
    streams: bool
    findings: tuple[Finding, ...]
    ran: bool = True
    taken: Mapping[str, Any] = field(default_factory=dict)
    read: bool = True
    asked: int = 0

    @property
    def blocked(self) -> bool:
        return any(one.blocking for one in self.findings)

    @property
    def tried(self) -> Message:
        """What was done with the file, for the screen."""
        if self.asked and not self.read:
            return Message("MCP servers that were asked for their tools: {n}.", n=self.asked)
        if self.asked:
            return Message("The file was read, and MCP servers were asked for their tools: {n}.", n=self.asked)
        if not self.ran:
            return Message("The file was read; it was not run.")
        if not self.kind:
            return Message("The file was read and run by itself, but no agent came out of it.")
        if self.blocked:
            # What failed first may have kept the later questions from being asked.
            return Message("The file was read and run by itself as a {kind}.", kind=self.kind)
        if self.streams:
            return Message(
                "The file was read and run by itself as a {kind}: one question, one streamed answer, two conversations "
                "in turn, and a request without a message.",
                kind=self.kind,
            )
        return Message(
            "The file was read and run by itself as a {kind}: one question, two conversations in turn, and a request "
            "without a message.",
            kind=self.kind,
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "streams": self.streams,
            "blocked": self.blocked,
            "ran": self.ran,
            "taken": dict(self.taken),
            "read": self.read,
            "asked": self.asked,
            "findings": [one.to_json() for one in self.findings],
        }

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Report":
        findings = tuple(Finding.from_json(one) for one in stored["findings"])
        ran = stored.get("ran", bool(stored["kind"]))
        of_tools = {name: stored[name] for name in ("read", "asked") if name in stored}
        return cls(stored["kind"], stored["streams"], findings, ran, stored.get("taken") or {}, **of_tools)


def in_order(findings: list[Finding]) -> tuple[Finding, ...]:
    """Blocking ones first, then by line; what was said already is not said twice."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda one: (not one.blocking, one.line or 0)))
