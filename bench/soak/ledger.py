"""What the soak asked for and what it was told, kept outside of what it tests."""

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ASKED, CONFIRMED, REFUSED = "asked", "confirmed", "refused"


@dataclass
class Entry:
    """One thing that was asked for. Without a confirmation it may have happened or not, but never twice."""

    kind: str
    id: str
    state: str = ASKED
    at: float = 0.0
    facts: dict[str, Any] = field(default_factory=dict)


class Ledger:
    """Every line is also written to a file, so that a run that was cut off can be looked at."""

    def __init__(self, file: Path) -> None:
        self.file = file.open("a", buffering=1)
        self.entries: dict[tuple[str, str], Entry] = {}
        self.troubles: list[tuple[str, float, float]] = []
        self.odd: list[str] = []
        self.lock = threading.Lock()

    def ask(self, kind: str, id: object, **facts: Any) -> Entry:
        entry = Entry(kind, str(id), facts=facts)
        return self._note(entry, ASKED)

    def confirm(self, entry: Entry, **facts: Any) -> None:
        entry.facts |= facts
        self._note(entry, CONFIRMED)

    def refuse(self, entry: Entry, why: object) -> None:
        """Told that it was not done."""
        entry.facts["why"] = str(why)[:300]
        self._note(entry, REFUSED)

    def trouble(self, name: str, since: float, until: float) -> None:
        with self.lock:
            self.troubles.append((name, since, until))
            self.file.write(json.dumps({"trouble": name, "since": since, "until": until}) + "\n")

    def wonder(self, what: str) -> None:
        """Something that no trouble explains."""
        with self.lock:
            self.odd.append(what)
            self.file.write(json.dumps({"odd": what}) + "\n")

    def of(self, kind: str, state: str | None = None) -> list[Entry]:
        with self.lock:
            return [one for one in self.entries.values() if one.kind == kind and state in (None, one.state)]

    def during(self, at: float, names: tuple[str, ...], before: float = 0.0) -> bool:
        """Whether one of these troubles was there at that time, or came within so many seconds."""
        return any(name in names and since - before <= at <= until for name, since, until in self.troubles)

    def counts(self) -> Iterator[tuple[str, dict[str, int]]]:
        for kind in sorted({one.kind for one in self.entries.values()}):
            states = [one.state for one in self.of(kind)]
            yield kind, {state: states.count(state) for state in (CONFIRMED, REFUSED, ASKED)}

    def _note(self, entry: Entry, state: str) -> Entry:
        entry.state, entry.at = state, time.time()
        with self.lock:
            self.entries[entry.kind, entry.id] = entry
            told = {"kind": entry.kind, "id": entry.id, "state": state, "at": entry.at, **entry.facts}
            self.file.write(json.dumps(told, default=str) + "\n")
        return entry
