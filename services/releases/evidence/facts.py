"""What a release rests on, gathered once from where it is kept."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import TYPE_CHECKING, Any

import pandas as pd

from services import agents, audit, datasets, evaluations, prompts, scorers
from services.agents import AgentVersion
from services.audit import Event, Verb
from services.errors import NotFoundError, NotReadyError
from services.evaluations import Evaluation
from services.prompts import PromptVersion
from services.prompts.comparison import Comparison, compare
from services.releases import approving, records
from services.releases.approving import Decision
from services.releases.facts import Pair, Release
from services.verdicts import Verdict

if TYPE_CHECKING:
    from services.workspace import Workspace

MAKING = (Verb.PROPOSE_RELEASE, Verb.ROLL_BACK, Verb.ADOPT_MOVE)
SPENT = ("input_tokens", "output_tokens", "cost", "seconds")
LIBRARIES = ("mlflow", "openai", "pandas", "scipy", "streamlit")


@dataclass(frozen=True)
class Side:
    """One side of the move; what was deleted since, or never was, is None."""

    pair: Pair
    prompt: PromptVersion | None
    agent: AgentVersion | None


@dataclass(frozen=True)
class Judged:
    """An evaluation with its rows."""

    evaluation: Evaluation
    rows: pd.DataFrame

    @property
    def spent(self) -> dict[str, float | None]:
        """What the answers took altogether; None where it is not known of every row."""
        known = {one: len(self.rows) > 0 and one in self.rows and self.rows[one].notna().all() for one in SPENT}
        return {one: float(self.rows[one].sum()) if known[one] else None for one in SPENT}


@dataclass(frozen=True)
class Facts:
    """Everything that the evidence of one release is written from."""

    app: str
    release: Release
    before: Side
    after: Side
    difference: Comparison | None
    judged: Judged | None
    baseline: Judged | None
    verdict: Verdict | None
    dataset: bytes | None
    scorers: tuple[Mapping[str, Any], ...]
    gate: Mapping[str, Any]
    decisions: tuple[Decision, ...]
    events: tuple[Event, ...]
    environment: Mapping[str, str]


def gather(workspace: "Workspace", id: int) -> Facts:
    """The facts of a release as they are recorded; raises NotFoundError for one of another app."""
    release = records.get(workspace, id)
    before, after = (_side(workspace, release, pair) for pair in (release.before, release.after))
    both = before.prompt and after.prompt
    judged = _judged(workspace, release.evaluation)
    verdict = release.basis.get("verdict")
    return Facts(
        app=workspace.app.name,
        release=release,
        before=before,
        after=after,
        difference=compare(before.prompt.content, after.prompt.content) if both else None,  # type: ignore[union-attr]  # both are there
        judged=judged,
        baseline=_judged(workspace, release.basis.get("baseline")),
        verdict=Verdict.from_json(verdict) if verdict else None,
        dataset=_dataset(workspace, judged.evaluation.dataset_sha256) if judged else None,
        scorers=tuple(_scorers(workspace, judged.evaluation)) if judged else (),
        gate=release.basis.get("gate") or {},
        decisions=tuple(approving.decisions(workspace, id)),
        events=tuple(_events(workspace, id)),
        environment={"python": platform.python_version(), **{name: installed(name) for name in LIBRARIES}},
    )


def _side(workspace: "Workspace", release: Release, pair: Pair) -> Side:
    prompt, agent = None, None
    try:
        if pair.prompt_version is not None:
            prompt = prompts.version(workspace, release.prompt_name, pair.prompt_version)
    except NotFoundError:
        pass
    try:
        if pair.model_id is not None:
            agent = agents.get(workspace, pair.model_id)
    except NotFoundError:
        pass
    return Side(pair, prompt, agent)


def _judged(workspace: "Workspace", run_id: str | None) -> Judged | None:
    """An evaluation that the interlocks looked at; None when there was none, or it was deleted since."""
    if run_id is None:
        return None
    try:
        return Judged(evaluations.get(workspace, run_id), evaluations.rows(workspace, run_id))
    except (NotFoundError, NotReadyError):
        return None


def _dataset(workspace: "Workspace", sha256: str) -> bytes | None:
    try:
        return datasets.versions.written(workspace, sha256)
    except NotFoundError:
        return None


def _scorers(workspace: "Workspace", evaluation: Evaluation) -> list[dict[str, Any]]:
    """Each scorer as it judged: its version with its whole text."""
    specs = [scorers.at(workspace, name, version) for name, version in evaluation.scorers.items()]
    return [
        {"name": one.name, "version": one.version, "kind": one.kind, "settings": dict(one.settings)} for one in specs
    ]


def _events(workspace: "Workspace", id: int) -> list[Event]:
    """The lines of the audit log about this release and what it did, oldest first."""
    lines = {one.id: one for one in audit.about(workspace, f"release {id}")}
    # The line that made the release was written before it had a number.
    for line in audit.of_verbs(workspace, MAKING):
        if isinstance(line.after, dict) and line.after.get("release") == id:
            lines[line.id] = line
    return [lines[one] for one in sorted(lines)]
