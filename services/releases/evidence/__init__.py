"""Evidence: what a release rests on, kept once with its experiment, its hashes in the audit log's chain."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlflow.exceptions import MlflowException

from services import audit
from services.audit import Verb
from services.errors import ConflictError, NotFoundError, NotReadyError, translated
from services.messages import Message
from services.releases import records
from services.releases.evidence import pack
from services.releases.evidence.facts import gather
from services.releases.facts import State

if TYPE_CHECKING:
    from services.workspace import Workspace

FOLDER = "evidence"
ENDED = (State.LIVE, State.TAKEN_BACK)


@dataclass(frozen=True)
class Kept:
    """The evidence of a release: its files with their hashes, as the audit log has them."""

    release: int
    at: datetime
    actor: str
    hashes: dict[str, str]


def find(workspace: "Workspace", id: int) -> Kept | None:
    """The evidence of a release, None before it was kept."""
    name = f"release {id}"
    lines = audit.about(workspace, name, Verb.KEEP_EVIDENCE)
    done = next((one for one in lines if one.subject == name and one.outcome == "done"), None)
    return Kept(id, done.at, done.actor, dict(done.after)) if done else None


def keep(workspace: "Workspace", id: int) -> Kept:
    """Write the evidence of a release that went live; a second call gives what the first one kept.

    Raises NotReadyError for any other release.
    """
    audit.require(workspace, Verb.KEEP_EVIDENCE)
    found = find(workspace, id)
    if found is not None:
        return found
    release = records.get(workspace, id)
    if release.state not in ENDED:
        raise NotReadyError(
            Message("Release {id} did not go live.", id=id), Message("Its evidence is kept as soon as it is proven.")
        )
    with audit.change(workspace, Verb.KEEP_EVIDENCE, f"release {id}") as change:
        made = pack.made(gather(workspace, id))
        _write(workspace, id, made)
        change.after = made.hashes  # of two who keep it at once, the first line counts; each wrote a folder of its own
    return find(workspace, id) or keep(workspace, id)


def read(workspace: "Workspace", kept: Kept, name: str) -> bytes:
    """One file of the evidence; raises ConflictError when it is not what the audit log recorded."""
    with translated(Message("Reading the evidence")):
        try:
            content = Path(
                workspace.artifacts.download_artifacts(f"{_folder(kept.release, kept.hashes)}/{name}")
            ).read_bytes()
        except (MlflowException, OSError) as error:
            raise NotFoundError(
                Message("The file {name} is not kept here any more.", name=name),
                Message("Ask an engineer who removed it from the experiment's artifacts."),
            ) from error
    if hashlib.sha256(content).hexdigest() != kept.hashes[name]:
        raise ConflictError(
            Message("The file {name} was changed after it was kept.", name=name),
            Message("Do not rely on it: show the audit log and this file to an engineer."),
        )
    return content


def _write(workspace: "Workspace", id: int, made: pack.Pack) -> None:
    repository = workspace.artifacts
    with tempfile.TemporaryDirectory() as folder:
        for name, content in made.files.items():
            file = Path(folder) / name
            file.write_bytes(content)
            repository.log_artifact(str(file), _folder(id, made.hashes))


def _folder(id: int, hashes: Mapping[str, str]) -> str:
    return f"{FOLDER}/release-{id}/{hashes[pack.name(id, 'zip')][:12]}"
