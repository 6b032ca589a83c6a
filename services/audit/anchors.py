"""Lines of the log as they are known outside it: from backups, a person's note, and the evidence kept with releases."""

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException
from mlflow.store.artifact.artifact_repo import ArtifactRepository
from sqlalchemy import select

from services import apps
from services.audit.chain import Break, Kind, one
from services.audit.verbs import Verb
from services.database import event_log
from services.errors import ConsoleError

if TYPE_CHECKING:
    from services.workspace import Workspace

MOST_PACKS = 20
AWAY = (ConsoleError, MlflowException, OSError)
DAMAGED = (*AWAY, ValueError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass
class Anchors:
    """Hashes by line number; `contradictions`: lines that two sources know differently."""

    hashes: dict[int, str] = field(default_factory=dict)
    contradictions: set[Break] = field(default_factory=set)
    unread: int = 0
    unnamed: int = 0

    def add(self, line: int, hash: str) -> None:
        if self.hashes.setdefault(line, hash) != hash:
            self.contradictions.add(Break(Kind.REWRITTEN, line))


def gather(workspace: "Workspace", known: Iterable[tuple[int, str]]) -> Anchors:
    """Everything known: `known`, and the newest evidence of each app, as far as a line of the log names its hash.

    Whoever may write to an experiment could lay a pack there, and one from a future that a restore undid is no anchor.
    """
    found, named = Anchors(), _named(workspace)
    for line, hash in known:
        found.add(line, hash)
    for app in apps.all(workspace):
        try:
            repository = workspace.for_app(app).artifacts
            packs = list(_packs(repository))
        except AWAY:
            found.unread += 1
            continue
        for path in packs:
            _read(repository, path, named, found)
    return found


def _named(workspace: "Workspace") -> set[str]:
    kept = event_log.c.verb == Verb.KEEP_EVIDENCE.value, event_log.c.outcome == "done"
    with workspace.engine.connect() as connection:
        ids = connection.execute(select(event_log.c.id).where(*kept)).scalars().all()
        lines = [line for _id, line in (one(connection, id) for id in ids) if line is not None]
    return {hash for line in lines if isinstance(line["after"], dict) for hash in map(str, line["after"].values())}


def _packs(repository: ArtifactRepository) -> Iterator[str]:
    folders = sorted((file.path for file in repository.list_artifacts("evidence") or ()), key=_number)[-MOST_PACKS:]
    for release in folders:
        for pack in repository.list_artifacts(release):
            yield from (file.path for file in repository.list_artifacts(pack.path) if file.path.endswith(".zip"))


def _number(path: str) -> int:
    found = re.search(r"(\d+)$", path)
    return int(found[1]) if found else 0


def _read(repository: ArtifactRepository, path: str, named: set[str], found: Anchors) -> None:
    try:
        packed = Path(repository.download_artifacts(path)).read_bytes()
        if hashlib.sha256(packed).hexdigest() not in named:
            found.unnamed += 1
            return
        with zipfile.ZipFile(BytesIO(packed)) as archive:
            lines = [(int(line["id"]), str(line["hash"])) for line in json.loads(archive.read("audit.json"))]
    except DAMAGED:
        found.unread += 1
        return
    for line, hash in lines:
        found.add(line, hash)
