"""Releases as they are stored: a row each, its steps beside it, and the job that runs it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from services import apps
from services.apps import Stage
from services.database import job as job_table
from services.database import new_id, now, step, writing
from services.database import release as table
from services.errors import ConflictError, NotFoundError
from services.interlocks import Finding
from services.jobs import LIVE
from services.messages import Message
from services.releases import catches
from services.releases.facts import STEPS, Kind, Pair, Proof, Release, State, Step
from services.releases.plan import Plan

if TYPE_CHECKING:
    from services.workspace import Workspace


# Releases of earlier days were all to production.
STAGE = func.coalesce(table.c.moves["stage"].as_string(), Stage.PRODUCTION.value)


def pointers(workspace: "Workspace") -> list[str]:
    """What a release holds alone while it runs, in every environment of the app."""
    return [apps.pointer(one) for one in apps.everywhere(workspace)]


def add(workspace: "Workspace", kind: Kind, moves: Mapping[str, Any], why: str) -> int:
    """Store a proposed release with its waiting steps; returns its number."""
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        proposed = {
            "app_id": workspace.app.id,
            "kind": kind.value,
            "state": State.PROPOSED.value,
            "moves": {**moves, "stage": workspace.app.environment.stage.value},
            "why": why,
            "actor": workspace.actor.id,
        }
        id = new_id(connection.execute(insert(table).values(proposed)))
        connection.execute(
            insert(step),
            [
                {"release_id": id, "name": name, "position": position, "state": "waiting"}
                for position, name in enumerate(_steps(kind, moves.get("canary")))
            ],
        )
    return id


def _steps(kind: Kind, canary: Mapping[str, Any] | None) -> list[str]:
    """With a canary, its parts come right before the whole traffic moves."""
    parts = [one.step for one in Plan.from_json(canary).parts] if canary else []
    at = STEPS[kind].index("shift")
    return [*STEPS[kind][:at], *parts, *STEPS[kind][at:]]


def reference(workspace: "Workspace", id: int) -> dict[str, Any]:
    """How the audit log names a release: where it went is said unless it was to production."""
    environment = workspace.app.environment
    return {"release": id} | ({} if environment.live else {"environment": environment.stage.value})


def get(workspace: "Workspace", id: int) -> Release:
    """One release of the app in the workspace's environment; raises NotFoundError."""
    found = _read(workspace, (table.c.id == id) & _here(workspace))
    if not found:
        raise _missing(id)
    return found[0]


def place(workspace: "Workspace", id: int) -> "Workspace":
    """The workspace in the environment of one release of the app; raises NotFoundError."""
    with workspace.engine.connect() as connection:
        mine = select(STAGE).where(table.c.id == id, table.c.app_id == workspace.app.id)
        stage = connection.execute(mine).scalar()
    if stage is None:
        raise _missing(id)
    return apps.at(workspace, Stage(stage))


def all(workspace: "Workspace") -> list[Release]:
    """The app's releases to the workspace's environment, newest first."""
    return _read(workspace, _here(workspace))


def some(workspace: "Workspace", ids: Sequence[int]) -> list[Release]:
    """The app's releases of these numbers, newest first, whichever environment they went to."""
    return _read(workspace, table.c.id.in_(ids))


def of_prompt(workspace: "Workspace", name: str) -> list[Release]:
    """The releases of one prompt to the workspace's environment, newest first."""
    return _read(workspace, (table.c.moves["prompt"].as_string() == name) & _here(workspace))


def set_state(workspace: "Workspace", id: int, state: State, revision: int | None = None, **values: Any) -> None:
    """Change a release; with `revision`, raises ConflictError when someone changed it since that was read."""
    ended = {"ended_at": now()} if state not in (State.PROPOSED, State.RUNNING) else {"ended_at": None}
    chosen = table.c.id == id if revision is None else (table.c.id == id) & (table.c.revision == revision)
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        written = (
            update(table).where(chosen).values(state=state.value, revision=table.c.revision + 1, **ended, **values)
        )
        if connection.execute(written).rowcount == 0:
            raise _changed(id)


def touch(workspace: "Workspace", release: Release) -> None:
    """Count the release up as changed; raises ConflictError when someone changed it since it was read."""
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        same = (table.c.id == release.id) & (table.c.revision == release.revision)
        if connection.execute(update(table).where(same).values(revision=table.c.revision + 1)).rowcount == 0:
            raise _changed(release.id)


def set_job(workspace: "Workspace", id: int, job_id: int) -> None:
    """Remember the job that runs it; the job itself may be at work already."""
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        connection.execute(update(table).where(table.c.id == id).values(job_id=job_id))


def set_moves(workspace: "Workspace", id: int, moves: Mapping[str, Any]) -> None:
    """Change what a release remembers (see `moves_of`), for whoever holds it already: its revision stays."""
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        connection.execute(update(table).where(table.c.id == id).values(moves=dict(moves)))


def set_findings(
    workspace: "Workspace",
    release: Release,
    findings: Sequence[Finding],
    basis: Mapping[str, Any],
    revision: int | None = None,
) -> None:
    """Store what the interlocks found just now, and what they judged by (see `Release.basis`)."""
    moves = moves_of(release) | {"evaluation": basis.get("evaluation", release.evaluation), "basis": dict(basis)}
    found = [finding.to_json() for finding in findings]
    told = {} if release.error else {"error": None}
    set_state(workspace, release.id, release.state, revision, findings=found, checked_at=now(), moves=moves, **told)
    catches.note(workspace, reference(workspace, release.id), findings, moves["evaluation"])


def moves_of(release: Release) -> dict[str, Any]:
    """What a release moves, as it is stored."""
    return {
        "stage": release.stage.value,
        "prompt": release.prompt_name,
        "before": asdict(release.before),
        "after": asdict(release.after),
        "evaluation": release.evaluation,
        "basis": dict(release.basis),
        "canary": release.canary.to_json() if release.canary else None,
        "overruled": list(release.overruled),
        "decided": {step: dict(said) for step, said in release.decided.items()},
        "undoes": release.undoes,
        "restores": release.restores,
        "registered": release.registered,
    }


def set_step(workspace: "Workspace", id: int, name: str, **values: Any) -> None:
    """Change one step of a release."""
    with writing(workspace.engine) as connection:
        workspace.fence(connection)
        connection.execute(update(step).where(step.c.release_id == id, step.c.name == name).values(**values))


def _read(workspace: "Workspace", chosen: Any) -> list[Release]:
    query = select(table).where(table.c.app_id == workspace.app.id, chosen).order_by(table.c.id.desc())
    with workspace.engine.connect() as connection:
        rows = connection.execute(query).all()
        ids = [row.id for row in rows]
        steps = connection.execute(select(step).where(step.c.release_id.in_(ids)).order_by(step.c.position)).all()
        # By the release that the job names: a click that died before it had noted its job left that job to run.
        live = select(
            job_table.c.id, job_table.c.args, job_table.c.cancel, job_table.c.state, job_table.c.due_at
        ).where(job_table.c.app_id == workspace.app.id, job_table.c.kind == "release", job_table.c.state.in_(LIVE))
        jobs = {one.args["release"]: one for one in connection.execute(live)}
    return [_from_row(row, [one for one in steps if one.release_id == row.id], jobs.get(row.id)) for row in rows]


def _from_row(row: Any, steps: list[Any], job: Any) -> Release:
    moves, error = row.moves, row.error or {}
    return Release(
        id=row.id,
        kind=Kind(row.kind),
        stage=Stage(moves.get("stage", Stage.PRODUCTION)),
        state=State(row.state),
        prompt_name=moves["prompt"],
        before=Pair(**moves["before"]),
        after=Pair(**moves["after"]),
        undoes=moves.get("undoes"),
        restores=moves.get("restores"),
        registered=moves.get("registered"),
        evaluation=moves.get("evaluation"),
        basis=moves.get("basis") or {},
        canary=Plan.from_json(moves["canary"]) if moves.get("canary") else None,
        overruled=tuple(moves.get("overruled") or ()),
        decided=moves.get("decided") or {},
        findings=tuple(Finding.from_json(one) for one in row.findings or ()),
        checked_at=row.checked_at,
        steps=tuple(
            Step(one.name, one.state, _message(one.detail), one.handle or {}, one.started_at, one.ended_at)
            for one in steps
        ),
        proof=Proof(**row.proof) if row.proof else None,
        error=_message(error.get("message")),
        remedy=_message(error.get("remedy")),
        why=row.why,
        actor=row.actor,
        job_id=job.id if job is not None else row.job_id,
        working=job is not None,
        stopping=job is not None and job.cancel,
        due_at=job.due_at if job is not None and job.state == "queued" and job.due_at > now() else None,
        revision=row.revision,
        created_at=row.created_at,
        ended_at=row.ended_at,
    )


def _here(workspace: "Workspace") -> Any:
    return workspace.app.environment.stage.value == STAGE


def _missing(id: int) -> NotFoundError:
    return NotFoundError(
        Message("Release {id} does not exist in this app.", id=id), Message("Choose one from the list of releases.")
    )


def _changed(id: int) -> ConflictError:
    return ConflictError(
        Message("Release {id} was changed by someone else.", id=id), Message("Reload the page and look at it again.")
    )


def _message(stored: dict[str, Any] | None) -> Message | None:
    return Message.from_json(stored) if stored else None
