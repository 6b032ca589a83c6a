"""The evaluation that others are compared with: one pinned per dataset, by whom and when is in the audit log."""

from typing import TYPE_CHECKING

from services import apps, audit
from services.audit import Verb
from services.errors import NotReadyError
from services.evaluations.records import Evaluation
from services.messages import Message

if TYPE_CHECKING:
    from services.workspace import Workspace

SETTING = "baselines"


def pinned(workspace: "Workspace") -> dict[str, str]:
    """The run id of each dataset's baseline, by `key`."""
    return dict(apps.load_setting(workspace, SETTING) or {})


def of(workspace: "Workspace", made: Evaluation) -> str | None:
    """The baseline of the same dataset; None when none is pinned or it is this evaluation itself."""
    found = pinned(workspace).get(key(made))
    return None if found == made.run_id else found


def pin(workspace: "Workspace", made: Evaluation) -> None:
    """Compare every evaluation of this dataset with `made` from now on; raises NotReadyError."""
    if not made.finished:
        raise NotReadyError(Message("This evaluation has no rows."), Message("Pin one that is finished."))
    _save(workspace, made, made.run_id)


def unpin(workspace: "Workspace", made: Evaluation) -> None:
    """Compare with nothing by itself any more."""
    _save(workspace, made, None)


def key(made: Evaluation) -> str:
    """A dataset by its id; one that only a notebook knows by its name."""
    return made.dataset_id or f"outside:{made.dataset_name}"


def _save(workspace: "Workspace", made: Evaluation, run_id: str | None) -> None:
    read, stored = apps.load_version(workspace, SETTING)
    before: dict[str, str] = stored or {}
    others = {name: run for name, run in before.items() if name != key(made)}
    after = others | ({key(made): run_id} if run_id else {})
    subject = made.dataset_name or made.run_id
    with audit.change(workspace, Verb.PIN_BASELINE, subject, before=before.get(key(made)), after=run_id):
        apps.save_setting(workspace, SETTING, after, read)
