"""The roles file: who has which role by which line; a broken one leaves the last good one in force."""

import json
import logging
import os
import re
import tomllib
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from services.errors import InvalidInputError
from services.messages import Message, mark

log = logging.getLogger("signalbox.people")
EVERYONE = "*"
_KEY = re.compile(r"\s*[\w.\"'-]+\s*=|\s*\[")


class Role(StrEnum):
    """What a person may do; an admin may do everything, a viewer may look."""

    VIEWER = "viewer"
    REVIEWER = "reviewer"
    AUTHOR = "author"
    APPROVER = "approver"
    ADMIN = "admin"


ALL_ROLES = frozenset(Role)
# The word of the roles file, which other languages explain.
ROLE_NAME = {
    Role.VIEWER: mark("viewer"),
    Role.REVIEWER: mark("reviewer"),
    Role.AUTHOR: mark("author"),
    Role.APPROVER: mark("approver"),
    Role.ADMIN: mark("admin"),
}


@dataclass(frozen=True)
class Entry:
    """One member of one role; `member` is an e-mail, `group:name` or `*`; `line` counts from 1, 0 is unknown."""

    role: Role
    member: str
    line: int


@dataclass(frozen=True)
class Roles:
    """What the file said when it could be read, at `read_at`; `trouble`: why its present text does not count."""

    entries: tuple[Entry, ...]
    contact: str = ""
    read_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    trouble: Message | None = None

    def matching(self, id: str, groups: Iterable[str]) -> tuple[Entry, ...]:
        """The entries that name this person, one of the groups, or everyone."""
        names = {id, EVERYONE, *(f"group:{folded(group)}" for group in groups)}
        return tuple(entry for entry in self.entries if entry.member in names)

    def named(self, role: Role) -> tuple[str, ...]:
        """Who is named one by one."""
        return tuple(
            one.member
            for one in self.entries
            if one.role is role and one.member != EVERYONE and not one.member.startswith("group:")
        )


@dataclass(frozen=True)
class _Kept:
    """`signature` is None when the file could not be opened: it may be again at any moment, unchanged."""

    signature: tuple[int, ...] | None
    roles: Roles


# What this process read last, by path: the file is looked at on every use, and read when it has changed.
_kept: dict[Path, _Kept] = {}


def folded(name: str) -> str:
    """As names are compared. Only ASCII: elsewhere different letters become the same, which an attacker could own."""
    name = name.strip()
    return name.lower() if name.isascii() else name


def read(path: Path, home: Path) -> Roles:
    """The file as it is now. A broken or missing one leaves the last good one, of this or an earlier process, in force.

    Raises InvalidInputError when there never was a good one.
    """
    signature = _signature(path)
    kept = _kept.get(path)
    if kept is None or kept.signature != signature:
        kept = _read(path, home, signature)
        _kept[path] = kept
    return kept.roles


def parse(text: str) -> Roles:
    """Raises ValueError that says what is wrong."""
    found = tomllib.loads(text)
    listed = found.get("roles", {})
    if not isinstance(listed, dict):
        raise ValueError("[roles] is no table")
    lines = text.splitlines()
    entries: list[Entry] = []
    for name, members in listed.items():
        role = _role(name)
        if not isinstance(members, list) or not all(isinstance(one, str) and one.strip() for one in members):
            raise ValueError(f"{name} is no list of names in quotes")
        named = [Entry(role, _member(one), _line(lines, name, one)) for one in members]
        if role is not Role.VIEWER and any(one.member == EVERYONE for one in named):
            raise ValueError(f"{name} names everyone (*), which only viewer may")
        entries += named
    if not entries:
        raise ValueError("[roles] names nobody")
    return Roles(tuple(entries), str(found.get("contact", "")))


def _read(path: Path, home: Path, signature: tuple[int, ...]) -> _Kept:
    try:
        text = path.read_text("utf-8")
        roles = parse(text)
    except (OSError, ValueError) as error:
        reason = (error.strerror or "") if isinstance(error, OSError) else str(error)
        trouble = Message("The roles file {path} cannot be read: {reason}.", path=str(path), reason=reason)
        last = _last_good(path, home)
        if last is None:
            remedy = Message("It needs a [roles] table such as: approver = [“ada@example.com”, “group:support-leads”].")
            raise InvalidInputError(trouble, remedy) from error
        if last.trouble != trouble:
            log.error("%s The roles of %s stay in force.", trouble, last.read_at.isoformat(timespec="seconds"))
        roles = Roles(last.entries, last.contact, last.read_at, trouble)
        return _Kept(None if isinstance(error, OSError) else signature, roles)
    _keep(path, home, text)
    return _Kept(signature, roles)


def _last_good(path: Path, home: Path) -> Roles | None:
    if path in _kept:
        return _kept[path].roles
    try:
        kept = json.loads(_file(home).read_text("utf-8"))
        roles = parse(str(kept["text"]))
        read_at = datetime.fromisoformat(kept["read_at"])
        ours = kept["path"] == str(path)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Roles(roles.entries, roles.contact, read_at) if ours else None


def _keep(path: Path, home: Path, text: str) -> None:
    """For the next start and for jobs, which run in processes of their own; a full disk does not stop the reading."""
    file = _file(home)
    part = file.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        told = {"path": str(path), "read_at": datetime.now(UTC).isoformat(), "text": text}
        part.write_text(json.dumps(told), "utf-8")
        part.chmod(0o600)
        part.replace(file)


def _file(home: Path) -> Path:
    return home / "run" / "roles.last.json"


def _signature(path: Path) -> tuple[int, ...]:
    try:
        now = path.stat()
    except OSError:
        return ()
    # The last one changes also where a copy brings its old time along.
    return now.st_mtime_ns, now.st_size, now.st_ino, now.st_ctime_ns


def _role(name: str) -> Role:
    if name not in ALL_ROLES:
        raise ValueError(f"“{name}” is no role; there are {', '.join(Role)}")
    return Role(name)


def _member(written: str) -> str:
    name = folded(written)
    return "group:" + folded(name.removeprefix("group:")) if name.startswith("group:") else name


def _line(lines: list[str], role: str, member: str) -> int:
    """Where the member stands in its role's list, which TOML's reader does not tell."""
    begin = re.compile(rf"\s*(roles\.)?[\"']?{role}[\"']?\s*=")
    inside = False
    for number, line in enumerate(lines, 1):
        if inside and _KEY.match(line):
            inside = False
        inside = inside or bool(begin.match(line))
        text = line.partition("#")[0] if "#" not in member else line
        if inside and (f'"{member}"' in text or f"'{member}'" in text):
            return number
    return 0
