"""Run an agent's file in a process of its own, for a limited time, and say what it did."""

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.agents import folder as beside
from services.agents import shipping
from services.agents.checking import told
from services.agents.checking.findings import Finding
from services.agents.checking.source import NO_FILES
from services.agents.checking.told import LONGEST
from services.agents.resources import KINDS as RESOURCES
from services.processes.following import followed
from services.secrets import masked

ROOT = Path(__file__).parent.parent.parent.parent
SECONDS = 60.0
SECONDS_TO_START = 60.0
MOST_QUESTIONS = 10
KEPT_OUTPUT = 4_000
LARGEST_NOTES = 1_000_000
PAUSE = 0.1
# faulthandler's: the frame that was at work comes first.
FRAME = re.compile(r'^  File "(?P<file>[^"]*)", line (?P<line>\d+) in (?P<name>\S+)')
QUESTION = "Hello, who are you?"
KINDS = ("ResponsesAgent", "ChatAgent", "PythonModel")


@dataclass(frozen=True)
class Seen:
    """What the run showed; `kind` is empty when no agent came out of the file.

    `taken`: how a PythonModel takes a request: {"form": name}, {"table": rows} or {"request": example}. `called`: kind
    and name of what it asked of Databricks.
    """

    kind: str
    streams: bool
    findings: tuple[Finding, ...]
    taken: Mapping[str, Any] = field(default_factory=dict)
    called: tuple[tuple[str, str], ...] = ()


def probe(
    source: str,
    config: Mapping[str, Any] | None = None,
    *,
    seconds: float = SECONDS,
    still_wanted: Callable[[], None] = lambda: None,
    files: Mapping[str, str] = NO_FILES,
    documents: Path | None = None,
    heard: Callable[[str], None] = lambda text: None,
) -> Seen:
    """Load the file and ask it in a fresh process, with this process's environment.

    `seconds`: the time limit of every question; `still_wanted` may raise to stop; `files` and `documents` are shipped
    beside it as MLflow does it; `heard` is told what it prints.
    """
    with tempfile.TemporaryDirectory() as name:
        # MLflow names files by their real path.
        folder = Path(name).resolve()
        (folder / "agent.py").write_text(source, "utf-8")
        beside.write(folder, files)
        artifacts = _artifacts(folder, documents)
        words = [f"{secrets.choice(('zor', 'quib', 'vax'))}{secrets.token_hex(4)}" for _ in range(2)]
        given = {
            "config": config or None,
            "question": QUESTION,
            "words": words,
            "seconds": seconds,
            "artifacts": artifacts,
        }
        (folder / "given.json").write_text(json.dumps(given), "utf-8")
        return _seen(folder, seconds, *_run(folder, seconds, still_wanted, heard))


def _artifacts(folder: Path, documents: Path | None) -> dict[str, str]:
    """The documents, with the module that searches them where the agent imports it from."""
    if documents is None:
        return {}
    (folder / beside.CODE).mkdir(exist_ok=True)
    shutil.copy(shipping.SEARCH, folder / beside.CODE)
    return {shipping.ARTIFACT: str(shutil.copy(documents, folder / documents.name))}


def _run(
    folder: Path, seconds: float, still_wanted: Callable[[], None], heard: Callable[[str], None]
) -> tuple[bool, str]:
    """Whether it ended in time, and the end of what it printed; nothing that it started is left running."""
    # The child ends itself, and what the file started, when its standard input closes.
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "services.processes.probe", str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    output = bytearray()

    def keep(piece: bytes) -> None:
        heard(piece.decode("utf-8", "replace"))
        output.extend(piece)
        del output[:-KEPT_OUTPUT]

    in_time = True
    try:
        followed(child, keep, still_wanted, seconds * MOST_QUESTIONS + SECONDS_TO_START, PAUSE)
    except TimeoutError:
        in_time = False
    return in_time, output.decode("utf-8", "replace")


def _seen(folder: Path, seconds: float, in_time: bool, output: str) -> Seen:
    notes = _notes(folder)
    written = notes.get("seen")
    findings = [one for one in map(told.finding, written if isinstance(written, list) else []) if one]
    kind = str(notes.get("kind") or "")
    step = str(notes.get("step") or "load")
    stack = (folder / "hang.txt").read_text("utf-8", "replace") if (folder / "hang.txt").exists() else ""
    if stack or not in_time:
        findings.append(told.hung(step, seconds, *_place(stack)))
    elif notes.get("finished") is not True:
        findings.append(told.ended(step, _last_line(output)))
    taken = notes.get("taken")
    return Seen(
        kind if kind in KINDS else "",
        notes.get("streams") is True,
        tuple(findings),
        taken if isinstance(taken, dict) else {},
        tuple(_called(notes.get("called"))),
    )


def _called(written: Any) -> Iterator[tuple[str, str]]:
    """Of what the child wrote, which the file's code may have written as well, only what can be told."""
    for one in written if isinstance(written, list) else []:
        if isinstance(one, list) and len(one) == 2 and one[0] in RESOURCES and isinstance(one[1], str):
            yield one[0], masked(one[1])[:LONGEST]


def _notes(folder: Path) -> dict[str, Any]:
    """What the child wrote; a file that somebody else's code could reach is read with care."""
    file = folder / "seen.json"
    try:
        if file.stat().st_size > LARGEST_NOTES:
            return {}
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _place(stack: str) -> tuple[str, int | None]:
    """Where it hung: the function in the agent's file, and its line."""
    frames = [found for found in map(FRAME.match, stack.splitlines()) if found]
    own = next((frame for frame in frames if Path(frame["file"]).name == "agent.py"), None)
    return (own["name"], int(own["line"])) if own else ("", None)


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else ""
